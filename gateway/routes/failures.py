"""Failures by what they have in common, and what is done to many tasks at once."""

from typing import Annotated, Literal, TypeVar

from msgspec import Meta, Struct
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gateway import answers, bulk, filters, queries, short_bodies, submission
from gateway.dashboard import failures, series
from gateway.dashboard.failures import FailureList, Failures
from gateway.dashboard.reader import Reader
from gateway.desk import Desk
from gateway.routes.dashboard import moment
from pipeline import log, verbs
from pipeline.record import State

T = TypeVar("T", bound=Struct)
LOG = log.get()
DAY_MS = 86_400_000
OPEN_STATES: tuple[State, ...] = ("scheduled", "queued", "running")
Count = Annotated[int, Meta(ge=0, le=10_000_000, description="How many the page showed.")]


class RetryGroup(Struct, frozen=True, forbid_unknown_fields=True):
    """The body of POST /failures/retry."""

    signature: Annotated[str, Meta(pattern="^[0-9a-f]{16}$")]
    expect_count: Count
    since_ms: Annotated[int, Meta(ge=0)] | None = None


Filter = Annotated[
    dict[str, str | list[str]],
    Meta(description="Which tasks: the names of the filters of GET /tasks, each with a value or a list of them."),
]


class Bulk(Struct, frozen=True, forbid_unknown_fields=True):
    """The body of POST /tasks/bulk."""

    action: Literal["retry", "cancel"]
    filter: Filter
    expect_count: Count
    reason: short_bodies.Reason = ""


class PurgeLetters(Struct, frozen=True, forbid_unknown_fields=True):
    """The body of POST /dead-letters/purge."""

    expect_count: Count


class Purged(Struct, frozen=True):
    """How many dead letters were removed."""

    removed: int


class TaskCount(Struct, frozen=True):
    """How many tasks fit; `exact` is false where there are more than were counted."""

    count: int
    exact: bool


async def index(request: Request) -> Response:
    """GET /failures: grouped, the largest group first."""
    desk: Desk = request.app.state.desk
    reader: Reader = request.app.state.reader
    now_ms = desk.now_ms()
    since_ms = moment(queries.only(request, ("since_ms",)), "since_ms", now_ms - DAY_MS)
    known: Failures = request.app.state.failures
    found = await known.read(request.state.caller.scope, since_ms)
    count = min(series.MOST_MINUTES, max(1, now_ms // 60_000 - since_ms // 60_000 + 1))
    counted = (await reader.minutes.last(count, now_ms)).values()
    return answers.body(
        FailureList(
            groups=failures.told(found),
            failed=series.total(counted, "failed"),
            finished=series.total(counted, *series.ENDS),
            looked_at=len(found.failures),
            all_looked_at=found.whole,
        )
    )


async def retry(request: Request) -> Response:
    """POST /failures/retry: every failure of a group that no retry has repeated yet."""
    desk: Desk = request.app.state.desk
    asked = await _read(request, RetryGroup)
    since_ms = desk.now_ms() - DAY_MS if asked.since_ms is None else asked.since_ms
    known: Failures = request.app.state.failures
    ids = (await known.read(request.state.caller.scope, since_ms)).open(asked.signature)
    bulk.refuse_when_changed(len(ids), asked.expect_count)
    done = await bulk.retry(desk, ids, submission.who(request))
    _log(request, "retry", done, asked.signature)
    return answers.body(done)


async def many(request: Request) -> Response:
    """POST /tasks/bulk: cancel or retry every task that fits."""
    desk: Desk = request.app.state.desk
    asked = await _read(request, Bulk)
    if asked.reason and asked.action != "cancel":
        raise queries.wrong_field("$.reason", asked.reason, "no reason: a retry has none, only a cancel")
    allowed: tuple[State, ...] = OPEN_STATES if asked.action == "cancel" else ("failed", "cancelled")
    meant = filters.of_body(asked.filter, request.state.caller.scope, "$.filter.")
    if others := [state for state in meant.sent.get("state", ()) if state not in allowed]:
        raise queries.wrong_field("$.filter.state", others[0], " or ".join(allowed))
    ids, _ = await bulk.matching(desk, filters.of_states(meant, allowed), meant.begin)
    bulk.refuse_when_changed(len(ids), asked.expect_count)
    if asked.action == "cancel":
        done = await bulk.cancel(desk, ids, submission.who(request), asked.reason)
    else:
        done = await bulk.retry(desk, ids, submission.who(request))
    _log(request, asked.action, done, reason=asked.reason)
    return answers.body(done)


async def count(request: Request) -> Response:
    """GET /tasks/count: how many tasks fit a filter, at most 10,000."""
    desk: Desk = request.app.state.desk
    asked = filters.of_query(request)
    if asked.by_state_alone:
        counts = await desk.store.do(verbs.counts(request.state.caller.scope))
        return answers.body(TaskCount(sum(counts[state] for state in asked.wanted.states), True))
    ids, whole = await bulk.matching(desk, asked.wanted, asked.begin)
    return answers.body(TaskCount(len(ids), whole))


async def purge_letters(request: Request) -> Response:
    """POST /dead-letters/purge: remove every dead letter, if there are just so many."""
    desk: Desk = request.app.state.desk
    asked = await _read(request, PurgeLetters)
    ids, cursor = list[str](), ""
    while True:
        cursor, letters = await desk.store.do(verbs.letters(request.state.caller.scope, cursor, verbs.MOST_A_CALL))
        ids += [letter.id for letter in letters]
        if not cursor:
            break
    bulk.refuse_when_changed(len(ids), asked.expect_count, drift=0)
    removed, by, request_id = 0, request.state.caller.name, request.state.request_id
    for at in range(0, len(ids), verbs.MOST_A_CALL):
        removed += await desk.store.do(verbs.remove_letters(ids[at : at + verbs.MOST_A_CALL], by, request_id))
    LOG.warning("letters.purged", letters=removed, by=by, request_id=request_id)
    return answers.body(Purged(removed))


ROUTES = [
    Route("/tasks/bulk", many, methods=["POST"]),
    Route("/tasks/count", count, methods=["GET"]),
    Route("/failures", index, methods=["GET"]),
    Route("/failures/retry", retry, methods=["POST"]),
    Route("/dead-letters/purge", purge_letters, methods=["POST"]),
]


async def _read(request: Request, shape: type[T]) -> T:
    queries.only(request, ())
    return await short_bodies.read(request, shape)


def _log(request: Request, action: str, done: bulk.BulkAnswer, signature: str = "", reason: str = "") -> None:
    told = {"tasks": done.done, "matched": done.matched, "refused": sum(done.refused.values())}
    words = {"signature": signature, "reason": reason, "by": request.state.caller.name}
    LOG.warning("tasks.bulk", action=action, request_id=request.state.request_id, **told, **words)
