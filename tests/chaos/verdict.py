"""What a task came to, held against what its client asked for and was told."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import msgspec

from pipeline.record import Task
from tests.chaos.cases import MAX_ATTEMPTS
from tests.chaos.load import Note

CLOCK_MS = 20  # so well a gateway knows the store's clock

Pair = tuple[Note, Task]


def those(found: list[Pair], wrong: Callable[[Note, Task], bool]) -> list[str]:
    """Those of which it is true, in words."""
    return [told(note, task) for note, task in found if wrong(note, task)]


def told(note: Note, task: Task) -> str:
    """One of them in words."""
    error = f" {task.error.get('code')}: {task.error.get('message')}" if task.error else ""
    begun = f", begun {task.started_at / 1000 - note.sent_at:.3f} s after it was sent" if task.started_at else ""
    return f"{task.id} ({note.case.name}, expected {note.case.expects}): {task.state}{error}{begun}"


def lost(notes: list[Note], tasks: dict[str, Task]) -> list[str]:
    """Accepted, and without a record."""
    return [f"{note.ids[0]} ({note.case.name})" for note in notes if note.ids[0] not in tasks]


def sort(note: Note, task: Task) -> str:
    """Under which word of the sum it counts."""
    return f"failed ({note.case.name})" if task.state == "failed" else task.state


def otherwise(refused: list[Note]) -> list[str]:
    """Refusals at submission that nobody intended."""
    return [f"{note.key} ({note.case.name}): {note.door}" for note in refused if note.door != note.case.expects]


def as_intended(note: Note, task: Task) -> bool:
    """Whether it ended as its client wanted it to."""
    expects, code = note.case.expects, (task.error or {}).get("code", "")
    if expects == "cancelled":
        return task.state == "cancelled" and note.cancel == 200
    if expects == "succeeded":
        return task.state == "succeeded"
    # The monkey may kill a last attempt that was to fail in another way: then the kill is the cause.
    by_a_kill = code == "child_died" and task.attempts >= MAX_ATTEMPTS
    return task.state == "failed" and (code == expects or by_a_kill)


def mistaken(note: Note) -> bool:
    """Whether the key of another request was not told to be one."""
    return note.case.sent == "mismatched" and note.mismatch != "idempotency_mismatch"


def changed(note: Note, task: Task) -> bool:
    """Whether it is not what the client saw when it saw the end."""
    if not note.final:
        return False
    seen: dict[str, Any] = msgspec.json.decode(note.final)
    ended_at = round(datetime.fromisoformat(seen["finished_at"]).timestamp() * 1000)
    then = (seen["state"], seen["attempts"], ended_at, (seen["error"] or {}).get("code"))
    return then != (task.state, task.attempts, task.finished_at, (task.error or {}).get("code"))


def early(note: Note, task: Task) -> bool:
    """Whether it was begun before its time."""
    due = 1000 * (note.sent_at + note.case.delay_s)
    return task.started_at is not None and task.started_at < due - CLOCK_MS
