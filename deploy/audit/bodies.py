"""What a line of the audit says, field by field: a task that ended, something that somebody did, something amiss.

Everything comes from the store, the time too: the same task gives the same line, whenever it is read.
"""

import hashlib
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import msgspec

from pipeline import log
from pipeline.trail import Action, Ended, Place, Record, text

Body = dict[str, Any]
GONE = "its record was gone before it was read"
# An action's words, as the fields of a line are called.
NAMES = {"task": "task_id", "batch": "batch_id", "state": "was"}


def ended(task: Ended, record: Record, place: Place, source: str = "") -> Body:
    """A task has ended. `source` is `record` where its event was gone."""
    if not record:
        said = {"task_id": task.id, "state": task.state, "reason": GONE}
        return _front(place.at_ms, "task.ended") | said | _after(place)
    body = _front(_whole(record.get(b"finished_at")) or place.at_ms, "task.ended")
    body |= {"task_id": task.id, "state": task.state} | _record(record)
    result = record.get(b"result")
    body["error_code"] = _error_code(record.get(b"error"))
    body["input_bytes"] = len(record.get(b"data", b""))
    if result is not None:
        body |= {"result_sha256": hashlib.sha256(result).hexdigest(), "result_bytes": len(result)}
    return _filled(body | {"source": source}) | _after(place)


def did(action: Action, place: Place) -> Body:
    """Somebody did something. What was purged is told here, for its own line may come too late."""
    words = {NAMES.get(name, name): value for name, value in action.words.items()}
    body = _front(int(action.id.partition("-")[0]), "person.did")
    purged = words.pop("record", "")
    if purged:
        told = msgspec.json.decode(purged, type=dict[str, str])
        kept = _record({name.encode(): value.encode() for name, value in told.items()})
        kept |= {name: told.get(name, "") for name in ("result_sha256", "error_code")}
        words |= {f"its_{name}" if name in words else name: value for name, value in kept.items()}
    return _filled(body | words) | _after(place)


def noted(event: str, place: Place, at_ms: int, level: str = "info", **told: Any) -> Body:
    """The audit on itself: its beginning, a gap."""
    return _front(at_ms, event) | {"level": level} | told | _after(place)


def _front(at_ms: int, event: str) -> Body:
    return {"ts": time_text(at_ms), "level": "info", "event": event, "service": "audit"}


def _after(place: Place) -> Body:
    return {"after": f"{place.events} {place.actions}"}


def _filled(body: Body) -> Body:
    return {name: value for name, value in body.items() if value not in ("", None)}


def _record(record: Record) -> Body:
    submitted, finished = _whole(record.get(b"submitted_at")), _whole(record.get(b"finished_at"))
    started = _whole(record.get(b"started_at"))
    kind_version, package = _versions(record.get(b"versions", b""))
    seed = record.get(b"seed")
    body: Body = {ours: text(record[name]) for name, ours in TEXTS.items() if name in record}
    body |= {ours: _whole(record.get(name)) for name, ours in NUMBERS.items()}
    body |= {"trace_id": log.trace_id(text(record.get(b"traceparent", b"")))}
    body |= {"kind_version": kind_version, "version": package, "seed": _whole(seed) if seed else None}
    body["submitted_at"] = time_text(submitted)
    if started:
        body |= {"started_at": time_text(started), "waited_ms": max(0, started - submitted)}
        body["ran_ms"] = max(0, finished - started) if finished else None
    return body


TEXTS = {
    b"request_id": "request_id",
    b"batch": "batch_id",
    b"rerun_of": "rerun_of",
    b"owner": "owner",
    b"by": "by",
    b"kind": "kind",
    b"priority": "priority",
    b"sha256": "input_sha256",
    b"consumer": "consumer",
}
NUMBERS = {b"parts": "parts", b"attempts": "attempts", b"interruptions": "interruptions"}


def time_text(at_ms: int) -> str:
    """RFC 3339, UTC, milliseconds."""
    return f"{_second(at_ms // 1000)}.{at_ms % 1000:03d}Z"


@lru_cache(maxsize=256)
def _second(at_s: int) -> str:
    try:
        return f"{datetime.fromtimestamp(at_s, UTC):%Y-%m-%dT%H:%M:%S}"
    except (OverflowError, ValueError, OSError):  # a hand wrote something else there
        return _second(0)


def _whole(value: bytes | None) -> int:
    return int(value) if value and value.isdigit() else 0


@lru_cache(maxsize=256)
def _versions(value: bytes) -> tuple[Any, Any]:
    told = _object(value)
    return told.get("kind"), told.get("package")


def _error_code(value: bytes | None) -> str:
    return str(_object(value).get("code", "")) if value else ""


def _object(value: bytes) -> dict[str, Any]:
    """The JSON object that a field holds; none where a hand wrote something else."""
    try:
        told = msgspec.json.decode(value or b"{}")
    except msgspec.DecodeError:
        return {}
    return told if isinstance(told, dict) else {}
