"""What a line of the audit says, field by field: a task that ended, something that somebody did, something amiss.

Everything comes from the store, the time too: the same task gives the same line, whenever it is read.
"""

import hashlib
from datetime import UTC, datetime
from typing import Any

import msgspec

from pipeline import log
from pipeline.trail import Action, Audited, Place, error_code

Body = dict[str, Any]
GONE = "its record was gone before it was read"
# An action's words, as the fields of a line are called.
NAMES = {"task": "task_id", "batch": "batch_id", "state": "was"}


def ended(task: Audited, place: Place, source: str = "") -> Body:
    """A task has ended. `source` is `record` where its event was gone."""
    record = task.record
    at_ms = _whole(record.get("finished_at")) or place.at_ms
    body = _front(at_ms, "task.ended") | {"task_id": task.id, "state": task.state}
    told = _record(record) if record else {"reason": GONE}
    result = {} if task.result is None else {"result_sha256": hashlib.sha256(task.result).hexdigest()}
    sizes = {"result_bytes": len(task.result)} if task.result is not None else {}
    sizes |= {"input_bytes": task.input_bytes} if record else {}
    return _filled(body | told | result | sizes | {"source": source}) | _after(place)


def did(action: Action, place: Place) -> Body:
    """Somebody did something. What was purged is told here, for its own line may come too late."""
    words = {NAMES.get(name, name): value for name, value in action.words.items()}
    body = _front(int(action.id.partition("-")[0]), "person.did")
    purged = words.pop("record", "")
    if purged:
        record = msgspec.json.decode(purged, type=dict[str, str])
        kept = _record(record) | {name: record.get(name, "") for name in ("result_sha256", "error_code")}
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


def _record(record: dict[str, str]) -> Body:
    submitted, started, finished = (_whole(record.get(f"{name}_at")) for name in ("submitted", "started", "finished"))
    versions = _versions(record.get("versions", ""))
    seed = record.get("seed", "")
    waited = max(0, started - submitted) if started and submitted else None
    ran = max(0, finished - started) if started and finished else None
    return {
        "request_id": record.get("request_id", ""),
        "trace_id": log.trace_id(record.get("traceparent", "")),
        "batch_id": record.get("batch", ""),
        "rerun_of": record.get("rerun_of", ""),
        "owner": record.get("owner", ""),
        "by": record.get("by", ""),
        "kind": record.get("kind", ""),
        "kind_version": versions.get("kind"),
        "version": versions.get("package"),
        "priority": record.get("priority", ""),
        "parts": _whole(record.get("parts")),
        "input_sha256": record.get("sha256", ""),
        "seed": _whole(seed) if seed else None,
        "submitted_at": time_text(submitted),
        "started_at": time_text(started) if started else "",
        "waited_ms": waited,
        "ran_ms": ran,
        "attempts": _whole(record.get("attempts")),
        "interruptions": _whole(record.get("interruptions")),
        "consumer": record.get("consumer", ""),
        "error_code": error_code(record),
    }


def time_text(at_ms: int) -> str:
    """RFC 3339, UTC, milliseconds."""
    try:
        return datetime.fromtimestamp(at_ms / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    except (OverflowError, ValueError, OSError):  # a hand wrote something else there
        return time_text(0)


def _whole(text: str | None) -> int:
    return int(text) if text and text.isdigit() else 0


def _versions(text: str) -> dict[str, Any]:
    try:
        told = msgspec.json.decode(text or "{}")
    except msgspec.DecodeError:
        return {}
    return told if isinstance(told, dict) else {}
