"""Which tasks a list, a count or a bulk action means: the query of GET /tasks, the body of POST /tasks/bulk.

State, kind, owner, batch, error and time are in indexes. Priority, label and text are not: the newest ten thousand that
fit the others are looked through for them, a thousand a call, and a page that had to stop there says where it goes on.
"""

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from difflib import get_close_matches
from typing import cast
from urllib.parse import urlencode

from msgspec import Struct, structs
from starlette.requests import Request

from calc import execute
from calc.errors import Fault, UnknownKind
from gateway.answers import EPOCH
from gateway.problems import invalid
from gateway.queries import LIMIT, MOST, TASK_ID, only
from pipeline import ids, verbs
from pipeline.async_store import AsyncStore
from pipeline.keys import PRIORITIES
from pipeline.record import STATES, Page, Priority, Sift, State, Task, Wanted

LONGEST = 200  # characters of a value
LOOKS = 10  # calls of a thousand candidates for one page that sifts
NAMES = ("state", "kind", "batch", "owner", "error", "priority", "label", "text", "since", "until")
_CODE = re.compile(r"[a-z0-9_.-]{1,64}")
_NUMBER = re.compile(r"[0-9]{1,9}")


class Filter(Struct, frozen=True, kw_only=True):
    """What was asked for. `until`: an id, and none as new as it."""

    wanted: Wanted
    until: str = ""
    cursor: str = ""
    limit: int = LIMIT
    sent: dict[str, str]

    def query(self, cursor: str) -> str:
        """The query of the next page."""
        return urlencode({**self.sent, "limit": self.limit, "cursor": cursor})

    @property
    def begin(self) -> str:
        """Where the walk begins."""
        return self.cursor or self.until

    @property
    def by_state_alone(self) -> bool:
        """Whether the counters of the states know how many it means."""
        return not set(self.sent) - {"state"}


def of_query(request: Request, *also: str) -> Filter:
    """The query of a request, with `also` beside the names of a filter. Raises a Problem with every wrong value."""
    sent = only(request, (*NAMES, *also))
    return of(sent, request.state.caller.scope, "?")


def of(sent: Mapping[str, str], scope: str, before: str) -> Filter:
    """A filter as sent, for a caller who sees `scope` alone ("": all). `before` its names stands in what is told."""
    wrong = [*_wrong(sent, before)]
    kind = ""
    if "kind" in sent:
        try:
            kind = execute.find(sent["kind"]).NAME
        except UnknownKind as unknown:
            nearest = [unknown.nearest] if unknown.nearest else []
            wrong.append(_fault(f"{before}kind", sent["kind"], ", ".join(unknown.known), nearest))
    if scope and sent.get("owner", scope) != scope:
        wrong.append(_fault(f"{before}owner", sent["owner"], scope))
    if wrong:
        raise invalid(wrong, "invalid_query" if before == "?" else "invalid_request")
    state = sent.get("state")
    since, until = (_time(sent[name]) if name in sent else None for name in ("since", "until"))
    sift = Sift(
        priority=cast(Priority, sent.get("priority", "")),
        label=sent.get("label", "").lower(),
        text=sent.get("text", "").lower(),
    )
    wanted = Wanted(
        states=(cast(State, state),) if state else STATES,
        kind=kind,
        owner=scope or sent.get("owner", ""),
        batch=sent.get("batch", ""),
        error=sent.get("error", ""),
        oldest="" if since is None else ids.first(since),
        sift=sift,
    )
    return Filter(
        wanted=wanted,
        until="" if until is None else ids.first(until),
        cursor=sent.get("cursor", ""),
        limit=int(sent.get("limit", LIMIT)),
        sent={name: value for name, value in sent.items() if name in NAMES},
    )


async def page(store: AsyncStore, asked: Filter) -> Page:
    """A page of the tasks that fit. Where records are looked through it may be short, and still have a cursor."""
    found, cursor = list[Task](), asked.begin
    for _ in range(LOOKS if asked.wanted.sift else 1):
        got = await store.do(verbs.page(asked.wanted, cursor=cursor, limit=asked.limit - len(found)))
        found += got.tasks
        cursor = got.cursor
        if not cursor or len(found) >= asked.limit:
            break
    return Page(found, cursor)


def of_states(asked: Filter, states: tuple[State, ...]) -> Wanted:
    """What is wanted, of these states where none was asked for."""
    return asked.wanted if "state" in asked.sent else structs.replace(asked.wanted, states=states)


# ── what is wrong ──


def _wrong(sent: Mapping[str, str], before: str) -> Iterator[Fault]:
    for name, value in sent.items():
        if len(value) > LONGEST:
            yield _fault(before + name, value[:LONGEST] + "…", f"at most {LONGEST} characters")
        elif allowed := _refusal(name, value):
            words = {"state": STATES, "priority": PRIORITIES}.get(name, ())
            yield _fault(before + name, value, allowed, get_close_matches(value, words, 1))


def _refusal(name: str, value: str) -> str:
    """What is allowed, when this is not."""
    match name:
        case "state":
            return "" if value in STATES else ", ".join(STATES)
        case "priority":
            return "" if value in PRIORITIES else ", ".join(PRIORITIES)
        case "limit":
            return "" if _NUMBER.fullmatch(value) and 1 <= int(value) <= MOST else f"1 to {MOST}"
        case "cursor":
            return "" if TASK_ID.fullmatch(value) else "the cursor of the page before"
        case "batch":
            return "" if TASK_ID.fullmatch(value) else "a batch_id"
        case "error":
            return "" if _CODE.fullmatch(value) else "the code of an error: small letters, digits, _ . -"
        case "since" | "until":
            return "" if _time(value) is not None else "a time, like 2026-11-25T10:00:00Z"
    return ""


def _time(value: str) -> int | None:
    """RFC 3339 as ms since 1970, 0 for what lies before; None for what is none, or has no zone."""
    try:
        at = datetime.fromisoformat(value)
    except ValueError:
        return None
    if at.tzinfo is None:
        return None
    return max(0, int((at - EPOCH).total_seconds() * 1000))


def _fault(path: str, value: str, allowed: str, nearest: list[str] | None = None) -> Fault:
    meant = f" Did you mean {nearest[0]}?" if nearest else ""
    return Fault(path, f"is not allowed.{meant}", value, allowed)
