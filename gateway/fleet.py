"""What is told of queues and consumers: one shape, in lists and live."""

from collections.abc import Iterable, Sequence
from typing import Any, Literal

import msgspec
from msgspec import Struct

from gateway import answers
from gateway.roll import Lost
from pipeline.pulse import is_lost
from pipeline.record import Beat, Child, Priority, Queue

MOST = 200  # consumers that are told of
Owners = dict[str, tuple[str, str]]  # task → owner, kind
WorkerState = Literal["idle", "busy", "draining", "lost"]


class PauseAnswer(Struct, frozen=True):
    """Who paused a priority, why, since when."""

    by: str
    reason: str
    at: str


class QueueAnswer(Struct, frozen=True):
    """A priority: jobs on its streams that nobody holds, jobs that are held. (Tasks that wait in their owners' rings
    are counted by the state `queued`.)"""

    priority: Priority
    waiting: int
    held: int
    oldest_waits_ms: int | None
    paused: PauseAnswer | None


class WorkerAnswer(Struct, frozen=True, kw_only=True):
    """A consumer: its children say what each computes. `skew_ms`: its machine's clock over the store's."""

    name: str
    host: str
    pid: int
    version: str
    state: WorkerState
    started_at: str
    beat_ms_ago: int
    skew_ms: int
    children: list[dict[str, Any]]


class LostAnswer(Struct, frozen=True):
    """A consumer that beats no more; `held`: what its children had in hand, which others take after its lease."""

    name: str
    host: str
    pid: int
    version: str
    last_beat_at: str
    held: list[dict[str, Any]]


def queue(queue: Queue, now_ms: int) -> QueueAnswer:
    """A priority."""
    told = queue.paused
    paused = None if told is None else PauseAnswer(told.by, told.reason, answers.time_text(told.at))
    oldest = None if queue.oldest_at is None else max(0, now_ms - queue.oldest_at)
    return QueueAnswer(queue.priority, queue.waiting, queue.held, oldest, paused)


def workers(beats: Iterable[Beat], now_ms: int) -> list[WorkerAnswer]:
    """The consumers whose heartbeats stand, by name."""
    return [worker(beat, now_ms) for beat in sorted(beats, key=lambda beat: beat.name)[:MOST]]


def worker(beat: Beat, now_ms: int) -> WorkerAnswer:
    """A consumer by its heartbeat."""
    return WorkerAnswer(
        name=beat.name,
        host=beat.host,
        pid=beat.pid,
        version=beat.version,
        state=state_of(beat, now_ms),
        started_at=answers.time_text(beat.started_at),
        beat_ms_ago=max(0, now_ms - beat.beat_at),
        skew_ms=beat.skew_ms,
        children=[_child(number, child, now_ms) for number, child in enumerate(beat.children)],
    )


def state_of(beat: Beat, now_ms: int) -> WorkerState:
    """In one word; one with nothing to do is idle, not inactive."""
    if is_lost(beat, now_ms):
        return "lost"
    if beat.draining:
        return "draining"
    return "busy" if any("task" in child for child in beat.children) else "idle"


def lost(gone: Lost) -> LostAnswer:
    """A consumer that went without a word."""
    beat = gone.beat
    held = [{name: child.get(name) for name in ("task", "job", "kind")} for child in beat.children if "task" in child]
    return LostAnswer(beat.name, beat.host, beat.pid, beat.version, answers.time_text(beat.beat_at), held)


def tasks_of(workers: Sequence[WorkerAnswer], lost: Sequence[LostAnswer]) -> list[str]:
    """The tasks that these have in hand."""
    children = [child for each in workers for child in each.children] + [one for each in lost for one in each.held]
    return sorted({str(child["task"]) for child in children if child.get("task")})


def only_of(
    owner: str, workers: Sequence[WorkerAnswer], lost: Sequence[LostAnswer], owners: Owners
) -> tuple[list[WorkerAnswer], list[LostAnswer]]:
    """The same without the ids of another owner's tasks: that a process is busy may be seen, with what may not."""

    def theirs(child: dict[str, Any]) -> bool:
        return owners.get(str(child.get("task")), ("", ""))[0] == owner

    def shown(child: dict[str, Any]) -> dict[str, Any]:
        return child if theirs(child) or "task" not in child else child | {"task": None, "job": None}

    replace = msgspec.structs.replace
    return (
        [replace(each, children=[shown(child) for child in each.children]) for each in workers],
        [replace(each, held=[child for child in each.held if theirs(child)]) for each in lost],
    )


def _child(number: int, child: Child, now_ms: int) -> dict[str, Any]:
    busy = "task" in child
    ran = {"ran_ms": max(0, now_ms - int(child["since"]))} if busy and "since" in child else {}
    return {"child": number, "state": "busy" if busy else "idle", **child, **ran}
