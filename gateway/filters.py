"""Which tasks a list, a count or a bulk action means: the query of GET /tasks, the filter of POST /tasks/bulk.

    kind=var_mc&kind=cva & -state=cancelled & data.horizon=10 & ran=>5s
      one of the values     none of them      what stands in it   above

State, kind, owner, batch, error and time are in indexes. What is negated and all else is not: the newest ten thousand
that fit the others are looked through for it, 400 a call; a page that had to stop there says where it goes on.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime
from urllib.parse import urlencode

from msgspec import Struct, structs
from starlette.requests import Request

from calc import execute
from calc.errors import Fault, UnknownKind
from gateway import traits
from gateway.answers import EPOCH
from gateway.problems import invalid
from gateway.queries import LIMIT, MOST, TASK_ID, fault, lists
from pipeline import ids, verbs
from pipeline.async_store import AsyncStore
from pipeline.record import STATES, Page, State, Task, Wanted

LOOKS = 25  # calls of 400 candidates for one page that looks into records
MOST_VALUES = 10  # of one name, and
MOST_NAMES = 40  # so many names: each that the document lists, and some paths
ONCE = ("since", "until")  # of all else several values mean one of them, and a minus before the name none of them
Lists = Mapping[str, list[str]]


class Filter(Struct, frozen=True, kw_only=True):
    """What was asked for. `until`: an id, and none as new as it."""

    wanted: Wanted
    until: str = ""
    cursor: str = ""
    limit: int = LIMIT
    sent: dict[str, list[str]]

    def query(self, cursor: str) -> str:
        """The query of the next page."""
        return urlencode({**self.sent, "limit": self.limit, "cursor": cursor}, doseq=True)

    @property
    def begin(self) -> str:
        """Where the walk begins."""
        return self.cursor or self.until

    @property
    def by_state_alone(self) -> bool:
        """Whether the counters of the states know how many it means."""
        return not set(self.sent) - {"state", "-state"}


def of_query(request: Request, *also: str) -> Filter:
    """The query of a request, with `also` beside the names of a filter. Raises a Problem with every wrong value."""
    sent = lists(request, (*ONCE, *also), traits.NAMES, traits.is_name, traits.PATHS)
    return of(sent, request.state.caller.scope, "?")


def of_body(sent: Mapping[str, str | list[str]], scope: str, before: str) -> Filter:
    """The filter of a body, where a name has a text or a list of them; "" is any. Raises a Problem."""
    given = {name: value for name, value in sent.items() if value not in ("", [])}
    listed = {name: [value] if isinstance(value, str) else value for name, value in given.items()}
    known = (*traits.NAMES, *ONCE)
    wrong = [traits.unknown(before, name, known) for name in listed if name not in known and not traits.is_name(name)]
    wrong += [fault(before + name, "more than one", f"one {name}") for name in ONCE if len(listed.get(name, [])) > 1]
    if wrong:
        raise invalid(wrong, "invalid_request")
    return of(listed, scope, before)


def of(sent: Lists, scope: str, before: str) -> Filter:
    """A filter as sent, for a caller who sees `scope` alone ("": all). `before` its names stands in what is told."""
    if wrong := [*_wrong(sent, scope, before)]:
        raise invalid(wrong, "invalid_query" if before == "?" else "invalid_request")
    since, until = (_time(sent[name][0]) if name in sent else None for name in ONCE)
    wanted = Wanted(
        states=states(sent),
        kinds=tuple(dict.fromkeys(execute.find(kind).NAME for kind in sent.get("kind", ()))),
        owners=(scope,) if scope else tuple(dict.fromkeys(sent.get("owner", ()))),
        batches=tuple(dict.fromkeys(sent.get("batch", ()))),
        errors=tuple(dict.fromkeys(sent.get("error", ()))),
        oldest="" if since is None else ids.first(since),
        traits=tuple(traits.of(name, values) for name, values in sent.items() if traits.is_trait(name)),
    )
    return Filter(
        wanted=wanted,
        until="" if until is None else ids.first(until),
        cursor=sent["cursor"][0] if "cursor" in sent else "",
        limit=int(sent["limit"][0]) if "limit" in sent else LIMIT,
        sent={name: [*values] for name, values in sent.items() if name not in ("cursor", "limit")},
    )


def states(sent: Lists) -> tuple[State, ...]:
    """The states that are meant, in the order of a task's life."""
    asked, without = sent.get("state", STATES), sent.get("-state", ())
    return tuple(state for state in STATES if state in asked and state not in without)


async def page(store: AsyncStore, asked: Filter) -> Page:
    """A page of the tasks that fit. Where records are looked through it may be short, and still have a cursor."""
    found, cursor = list[Task](), asked.begin
    for _ in range(LOOKS if asked.wanted.traits else 1):
        got = await store.do(verbs.page(asked.wanted, cursor=cursor, limit=asked.limit - len(found)))
        found += got.tasks
        cursor = got.cursor
        if not cursor or len(found) >= asked.limit:
            break
    return Page(found, cursor)


def of_states(asked: Filter, allowed: tuple[State, ...]) -> Wanted:
    """What is wanted, of these states where none was asked for."""
    return structs.replace(asked.wanted, states=tuple(state for state in asked.wanted.states if state in allowed))


# ── what is wrong ──


def _wrong(sent: Lists, scope: str, before: str) -> Iterator[Fault]:
    if len(sent) > MOST_NAMES:
        yield fault(before + next(iter(sent)), f"{len(sent)} names", f"at most {MOST_NAMES} names in one filter")
    for name, values in sent.items():
        if len(values) > MOST_VALUES:
            yield fault(before + name, f"{len(values)} values", f"at most {MOST_VALUES} values of one name")
        for value in values[:MOST_VALUES]:
            yield from _wrong_value(name, value, scope, before)


def _wrong_value(name: str, value: str, scope: str, before: str) -> Iterator[Fault]:
    plain = name.removeprefix("-")
    if plain == "kind":
        try:
            execute.find(value)
        except UnknownKind as unknown:
            yield fault(before + name, value, ", ".join(unknown.known), [unknown.nearest] if unknown.nearest else [])
    elif name == "owner" and scope and value != scope:
        yield fault(before + name, value, scope)
    elif name in ONCE:
        if _time(value) is None:
            yield fault(before + name, value, "a time, like 2026-11-25T10:00:00Z")
    elif name == "limit":
        if not (value.isascii() and value.isdigit() and len(value) < 10 and 1 <= int(value) <= MOST):
            yield fault(before + name, value, f"1 to {MOST}")
    elif name == "cursor":
        if not TASK_ID.fullmatch(value):
            yield fault(before + name, value, "the cursor of the page before")
    else:
        yield from traits.wrong(before + name, plain, value)


def _time(value: str) -> int | None:
    """RFC 3339 as ms since 1970, 0 for what lies before; None for what is none, or has no zone."""
    try:
        at = datetime.fromisoformat(value)
    except ValueError:
        return None
    if at.tzinfo is None:
        return None
    return max(0, int((at - EPOCH).total_seconds() * 1000))
