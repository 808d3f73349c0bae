"""What we say about a task: one shape, whatever was asked, and bytes ready for the socket.

The result is never parsed here: its bytes go from Redis into the answer as they are.
Times are RFC 3339 in UTC with milliseconds, durations have their unit in the name; what is not known yet is null.
"""

import re
from datetime import UTC, datetime, timedelta
from functools import cache, lru_cache, partial
from typing import Any, Literal

import msgspec
from msgspec import Raw, Struct
from starlette.responses import Response

from gateway import etags
from gateway.forecast import Forecast
from pipeline.legible import one
from pipeline.record import FINAL, Priority, State, Task

ACCEPTED, OK, NO_CONTENT = 202, 200, 204
JSON = "application/json"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
NOTHING = Raw(b"null")

# Of a result's text: a name with its colon, a number, a text, a bracket, a word.
_TOKEN = re.compile(rb'"([A-Za-z_]\w*)":|(-?\d[\d.eE+-]*)|"(?:[^"\\]|\\.)*"|[{}\[\]]|[a-z]+')

_encode = msgspec.json.Encoder().encode


class Links(Struct, frozen=True, omit_defaults=True):
    """Where to go from here. `cancel` is there as long as it can do something."""

    self: str
    result: str
    cancel: str = ""


class Progress(Struct, frozen=True):
    """How far a task is: parts done of all, the estimate from the folded ones, and seconds to go at this pace."""

    done: int
    parts: int
    fraction: float
    estimate: float | None
    standard_error: float | None
    eta_s: float | None


class Versions(Struct, frozen=True):
    """What computed the result, with `seed` and `sha256` all that reproduces it."""

    kind: int
    package: str


class Failure(Struct, frozen=True):
    """Why a task failed: a code for programs, a sentence for people. (A traceback stays in the dead letter.)"""

    code: str
    message: str


class Rerun(Struct, frozen=True):
    """Of which task this repeats the calculation, and whether the results are the same to the last bit: null until both
    are known."""

    of: str
    sha256: str | None
    same_bits: bool | None


class ForecastError(Struct, frozen=True):
    """What came, less what was foretold, in seconds; null where nothing was, or nothing has come yet."""

    wait_s: float | None
    run_s: float | None


class WebhookAnswer(Struct, frozen=True, kw_only=True):
    """Who is told of an end, and whether they have heard. `waiting`: nothing has ended yet; `pending`: it is tried
    until it is taken or given up; `forgotten`: it was one or the other, longer than 7 days ago."""

    url: str
    state: Literal["waiting", "pending", "delivered", "given_up", "forgotten"]
    attempts: int
    next_at: str | None
    last_at: str | None
    last_status: int | None
    last_error: str | None
    delivered_at: str | None


class Headline(Struct, frozen=True):
    """The first plain number of a result and its name; as text, so that it keeps its digits whoever reads it."""

    name: str
    value: str


class TaskSummary(Struct, frozen=True, kw_only=True):
    """A task as it stands in a list: all but its result."""

    task_id: str
    kind: str
    state: State
    priority: Priority
    label: str
    metadata: dict[str, str]
    owner: str
    batch_id: str | None
    custom_id: str | None
    submitted_at: str
    run_at: str | None
    started_at: str | None
    finished_at: str | None
    expires_at: str | None
    waited_ms: int
    why_waiting: str | None
    ran_ms: int | None
    attempts: int
    interruptions: int
    progress: Progress
    estimated: Forecast | None
    forecast_error: ForecastError | None
    stopped_at: str | None
    error: Failure | None
    cancel_reason: str | None
    seed: int | None
    versions: Versions | None
    sha256: str
    links: Links


class TaskListed(TaskSummary, frozen=True, kw_only=True):
    """A task of a list, with the first number of its result where that is not long."""

    headline: Headline | None


class TaskAnswer(TaskSummary, frozen=True, kw_only=True):
    """A task: the answer of GET /tasks/{task_id}, of a wait and of a cancel.

    `cached`: an equal calculation that was submitted before answers this submission. `result_sha256` is of the result's
    bytes.
    """

    cached: bool
    webhook: WebhookAnswer | None
    rerun: Rerun | None
    result_sha256: str | None
    result: Raw


class Accepted(Struct, frozen=True, kw_only=True):
    """The answer to a submission: where the task is and how to follow it."""

    task_id: str
    kind: str
    state: State
    priority: Priority
    label: str
    submitted_at: str
    cached: bool
    rerun_of: str | None
    estimated: Forecast | None
    links: Links


class TaskList(Struct, frozen=True, kw_only=True):
    """One page, newest first. `cursor` and `next` are null on the last page."""

    tasks: list[TaskListed]
    cursor: str | None
    next: str | None


def accepted(
    id: str,
    kind: str,
    state: State,
    priority: Priority,
    label: str,
    submitted_at: int,
    headers: dict[str, str] | None = None,
    *,
    cached: bool = False,
    rerun_of: str = "",
    estimated: Forecast | None = None,
) -> Response:
    """202: the task is in the store."""
    said = Accepted(
        task_id=id,
        kind=kind,
        state=state,
        priority=priority,
        label=label,
        submitted_at=time_text(submitted_at),
        cached=cached,
        rerun_of=rerun_of or None,
        estimated=estimated,
        links=links(id, state),
    )
    sent = {"Location": said.links.self, "Retry-After": etags.ASK_AGAIN_S} | (headers or {})
    return Response(_encode(said), ACCEPTED, sent, JSON)


def task(
    record: Task,
    now_ms: int,
    headers: dict[str, str] | None = None,
    status: int = OK,
    *,
    cached: bool = False,
    why: str | None = None,
    hook: WebhookAnswer | None = None,
) -> Response:
    """The task in its one shape."""
    headers = (headers or {}) | etags.ask_again(record)
    return Response(_encode(whole(record, now_ms, cached, hook, why)), status, headers, JSON)


def whole(
    record: Task, now_ms: int, cached: bool = False, hook: WebhookAnswer | None = None, why: str | None = None
) -> TaskAnswer:
    """A task with its result. `hook`: what the store says of its webhook; `why` it has not started (gateway/why.py)."""
    sha256 = etags.result_sha256(record)
    return TaskAnswer(
        cached=cached,
        webhook=hook,
        rerun=_rerun(record, sha256),
        result_sha256=sha256,
        result=NOTHING if record.result is None else Raw(record.result),
        **_told(record, now_ms, why),
    )


def summary(record: Task, now_ms: int, why: str | None = None) -> TaskSummary:
    """A task without its result."""
    return TaskSummary(**_told(record, now_ms, why))


def no_result(
    record: Task, now_ms: int, headers: dict[str, str], hook: WebhookAnswer | None, why: str | None = None
) -> Response:
    """202 with the task, while it has none."""
    return task(
        record, now_ms, headers | {"Location": links(record.id, record.state).self}, ACCEPTED, hook=hook, why=why
    )


def result(record: Task, now_ms: int, headers: dict[str, str], content: bytes, media_type: str) -> Response:
    """Nothing but the result, in this form."""
    return Response(content, OK, headers | etags.kept(record, now_ms, media_type), media_type)


def page(records: list[Task], cursor: str, next_link: str, now_ms: int, whys: dict[str, str]) -> Response:
    """A page of tasks, each without its result; `whys`: id → why it has not started."""
    tasks = [
        TaskListed(headline=_headline(record.head), **_told(record, now_ms, whys.get(record.id))) for record in records
    ]
    return Response(_encode(TaskList(tasks=tasks, cursor=cursor or None, next=next_link or None)), OK, media_type=JSON)


def body(value: Any, headers: dict[str, str] | None = None, status: int = OK) -> Response:
    """Any other value as JSON."""
    return Response(_encode(value), status, headers, JSON)


def failure(record: Task) -> Failure | None:
    """What may be told of a task's error."""
    if record.error is None:
        return None
    return Failure(str(record.error.get("code", "internal_error")), str(record.error.get("message", "")))


def links(id: str, state: State) -> Links:
    """The addresses of a task, relative: whatever host or port the client used."""
    path = f"/tasks/{id}"
    return Links(path, f"{path}/result", "" if state in FINAL else f"{path}/cancel")


def foretold(record: Task) -> Forecast | None:
    """What was foretold of a task when it was accepted."""
    return one(partial(msgspec.convert, type=Forecast), record.estimated)


@cache
def versions_text(kind: int, package: str) -> str:
    """What computes a result, as the record keeps it."""
    return _encode(Versions(kind, package)).decode()


def time_text(ms: int) -> str:
    """`2026-11-25T10:00:00.123Z`."""
    return f"{_second_text(ms // 1000)}.{ms % 1000:03d}Z"


def time_if(ms: int | None) -> str | None:
    """The same, where there is one."""
    return None if ms is None else time_text(ms)


# ── pieces ──


def _headline(head: bytes) -> Headline | None:
    """The first member of the result that is a number, from the first bytes of its text; None where none is there."""
    depth, name = 0, b""
    for token in _TOKEN.finditer(head):
        sign = token[0]
        if sign in b"{[":
            depth += 1
        elif sign in b"}]":
            depth -= 1
        elif depth == 1 and token[1]:
            name = token[1]
        elif depth == 1 and token[2] and name and token.end() < len(head):
            return Headline(name.decode(), token[2].decode())
        elif depth == 1:
            name = b""
    return None


def _told(t: Task, now_ms: int, why: str | None) -> dict[str, Any]:
    """The fields of TaskSummary. A task that still waits or runs is measured until now.

    No duration is negative, though the store's clock may have been set back between two of its times.
    """
    end = t.finished_at or now_ms
    ran_ms = max(0, end - t.started_at) if t.started_at else None
    waited_ms = max(0, (t.started_at or end) - t.submitted_at)
    told = foretold(t)
    return {
        "task_id": t.id,
        "kind": t.kind,
        "state": t.state,
        "priority": t.priority,
        "label": t.label,
        "metadata": t.metadata,
        "batch_id": t.batch or None,
        "custom_id": t.custom_id or None,
        "owner": t.owner,
        "submitted_at": time_text(t.submitted_at),
        "run_at": time_if(t.not_before),
        "started_at": time_if(t.started_at),
        "finished_at": time_if(t.finished_at),
        "expires_at": time_if(t.expires_at),
        "waited_ms": waited_ms,
        "why_waiting": why,
        "ran_ms": ran_ms,
        "attempts": t.attempts,
        "interruptions": t.interruptions,
        "progress": progress(t, ran_ms),
        "estimated": told,
        "forecast_error": _error(t, told, waited_ms, ran_ms),
        "stopped_at": time_if(t.stopped_at),
        "error": failure(t),
        "cancel_reason": t.cancel_reason or None,
        "seed": t.seed,
        "versions": one(partial(msgspec.convert, type=Versions), t.versions),
        "sha256": t.sha256,
        "links": links(t.id, t.state),
    }


@lru_cache(maxsize=256)  # many tasks share a second
def _second_text(second: int) -> str:
    return (EPOCH + timedelta(seconds=second)).isoformat()[:-6]


def _error(t: Task, told: Forecast | None, waited_ms: int, ran_ms: int | None) -> ForecastError | None:
    if told is None or t.not_before or not t.started_at or t.state not in FINAL:
        return None
    wait_s = None if told.wait_s is None else round(waited_ms / 1000 - told.wait_s, 3)
    run_s = None if told.run_s is None or ran_ms is None else round(ran_ms / 1000 - told.run_s, 3)
    return ForecastError(wait_s, run_s)


def _rerun(t: Task, sha256: str | None) -> Rerun | None:
    if not t.rerun_of:
        return None
    same = sha256 == t.rerun_sha256 if sha256 and t.rerun_sha256 else None
    return Rerun(t.rerun_of, t.rerun_sha256 or None, same)


def progress(t: Task, ran_ms: int | None) -> Progress:
    """How far it is; the time to go is that of the parts so far."""
    estimate = t.estimate or {}
    eta_s = None
    if t.state == "running" and ran_ms and t.done:
        eta_s = round(ran_ms / t.done * max(0, t.parts - t.done) / 1000, 3)
    fraction = round(t.done / t.parts, 6)
    so_far, error = _figure(estimate.get("estimate")), _figure(estimate.get("standard_error"))
    return Progress(t.done, t.parts, fraction, so_far, error, eta_s)


def _figure(found: Any) -> float | None:
    """A number as it stands; None for anything else, which only a hand can have written."""
    return found if isinstance(found, int | float) else None
