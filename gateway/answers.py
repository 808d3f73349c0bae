"""What we say about a task: one shape (shapes.py), whatever was asked, and bytes ready for the socket.

The result is never parsed here: its bytes go from Redis into the answer as they are.
"""

import re
from datetime import UTC, datetime, timedelta
from functools import cache, lru_cache, partial
from typing import Any

import msgspec
from msgspec import Raw
from starlette.responses import Response

from gateway import etags
from gateway.forecast import Forecast
from gateway.shapes import (
    Accepted,
    Failure,
    ForecastError,
    Headline,
    Links,
    Progress,
    Rerun,
    TaskAnswer,
    TaskList,
    TaskListed,
    TaskSummary,
    Versions,
    WebhookAnswer,
)
from pipeline.legible import one
from pipeline.record import FINAL, Priority, State, Task

ACCEPTED, OK, NO_CONTENT = 202, 200, 204
JSON = "application/json"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
NOTHING = Raw(b"null")
INLINE = 65_536  # bytes of a result that a stream carries; a longer one is fetched

# Of a result's text: a name with its colon, a number, a text, a bracket, a word.
_TOKEN = re.compile(rb'"([A-Za-z_]\w*)":|(-?\d[\d.eE+-]*)|"(?:[^"\\]|\\.)*"|[{}\[\]]|[a-z]+')

_encode = msgspec.json.Encoder().encode


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


def short(record: Task, told: TaskAnswer) -> TaskAnswer:
    """The same for a stream: without its result where that is long."""
    return msgspec.structs.replace(told, result=NOTHING) if len(record.result or b"") > INLINE else told


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
