"""Why a task has not started, in one sentence: the first of the reasons that holds.

it was put off, or its next attempt pauses │ its priority is paused │ nobody could compute it
its owner has enough jobs before the processes │ every process is busy │ it starts at once

What is said of a time is said while it is to come; what is said of processes is of those that may take the task.
"""

import asyncio
from collections.abc import Sequence
from typing import Protocol

from msgspec import Struct

from gateway.access import ANYBODY
from gateway.answers import time_text
from pipeline import verbs, views
from pipeline.async_store import AsyncStore
from pipeline.keys import PRIORITIES
from pipeline.pulse import is_lost
from pipeline.record import Beat, Queue, Task
from pipeline.views import MOST_BEFORE, Stand

NAMELESS = (ANYBODY.name, "?")  # where no key is needed; and where a hand has paused it
AWAY = "The task store is away; nothing starts until it is back."


class Asks(Protocol):
    """The desk, as far as it is needed here."""

    store: AsyncStore
    drained: float

    def now_ms(self) -> int:
        """Redis' time."""


class Place(Struct, frozen=True):
    """Where tasks wait: the queues, the fleet, tasks that end per second, the time."""

    queues: dict[str, Queue]
    beats: list[Beat]
    drained: float
    now_ms: int


async def of(desk: Asks, task: Task) -> str | None:
    """Why this task has not started; None for one that has, or has ended."""
    if not _waits(task):
        return None
    queues, beats, stand = await asyncio.gather(
        desk.store.do(verbs.queues()), desk.store.do(verbs.fleet()), desk.store.do(views.stand(task.id))
    )
    return sentence(task, _place(desk, queues, beats), stand)


async def of_all(desk: Asks, tasks: Sequence[Task]) -> dict[str, str]:
    """The same for a page of tasks, by id; nothing is counted for each, so it says less."""
    waiting = [task for task in tasks if _waits(task)]
    if not waiting:
        return {}
    queues, beats = await asyncio.gather(desk.store.do(verbs.queues()), desk.store.do(verbs.fleet()))
    place = _place(desk, queues, beats)
    told = {task.id: sentence(task, place, None) for task in waiting}
    return {id: why for id, why in told.items() if why}


def sentence(task: Task, place: Place, stand: Stand | None) -> str | None:
    """The reason. Without a `stand` it is not known how many are before it."""
    alive = [beat for beat in place.beats if not is_lost(beat, place.now_ms)]
    if task.state == "scheduled":
        return _put_off(task, place) or _nobody(task, alive) or "Its time has come; it is queued at any moment."
    if task.pauses or (stand and stand.where == "later"):
        return _pauses(place, alive, stand)
    if stand and stand.where in ("held", "none"):
        return None
    return (
        _paused(task, place)
        or _nobody(task, alive)
        or _share(task, stand)
        or _busy(task, place, _takers(task, alive), stand)
    )


# ── the reasons ──


def _put_off(task: Task, place: Place) -> str | None:
    until = task.not_before or 0
    return f"It was put off until {time_text(until)}." if until > place.now_ms else None


def _pauses(place: Place, alive: list[Beat], stand: Stand | None) -> str:
    ended = "An attempt ended without a result"
    if not stand or not stand.at:
        return f"{ended}; the next one comes after a pause."
    if stand.at > place.now_ms:
        return f"{ended}; the next one comes at {time_text(stand.at)}."
    return f"{ended}; the next one is due" + ("." if alive else ", but no consumer is running.")


def _paused(task: Task, place: Place) -> str | None:
    paused = place.queues[task.priority].paused
    if paused is None:
        return None
    by = "" if paused.by in NAMELESS else f" by {paused.by}"
    since = f" since {time_text(paused.at)}" if paused.at else ""  # a hand wrote it, and no time
    return f"Priority {task.priority} is paused{by}{since}: {paused.reason}"


def _takers(task: Task, alive: list[Beat]) -> list[Beat]:
    """Those that may take it."""
    return [beat for beat in alive if not beat.draining and _knows(beat, task)]


def _knows(beat: Beat, task: Task) -> bool:
    return not beat.kinds or task.kind in beat.kinds


def _nobody(task: Task, alive: list[Beat]) -> str | None:
    if not alive:
        return "No consumer is running."
    if all(beat.draining for beat in alive):
        return "Every consumer is stopping; none takes anything new."
    if not any(_knows(beat, task) for beat in alive):
        return f"No consumer knows the kind {task.kind}: HEADRACE_KINDS of the consumers must name its module."
    if not _takers(task, alive):
        return f"Every consumer that knows the kind {task.kind} is stopping; the others cannot compute it."
    return None


def _share(task: Task, stand: Stand | None) -> str | None:
    if not stand or stand.where != "ring":
        return None
    before = f"More than {MOST_BEFORE:,} tasks" if stand.before is None else _count(stand.before, "task").capitalize()
    verb = "stands" if stand.before in (0, 1) else "stand"
    has = f"{task.owner} has as many jobs before the processes as one owner may at priority {task.priority}"
    return f"{before} of the same owner {verb} before it; {has}."


def _busy(task: Task, place: Place, takers: list[Beat], stand: Stand | None) -> str:
    children = [child for beat in takers for child in beat.children]
    if not children:
        return "The consumers have no process yet; it starts when one is ready."
    busy = sum("task" in child for child in children)
    higher = PRIORITIES[: PRIORITIES.index(task.priority)]
    above = sum(place.queues[priority].waiting for priority in higher if not place.queues[priority].paused)
    own = place.queues[task.priority].waiting
    before = above + (stand.before if stand and stand.before is not None else max(0, own - 1))
    if busy + before < len(children):
        return "A process is free; it starts at once."
    all_busy = _all_busy(busy, len(children))
    if stand is None:
        return (
            f"{all_busy}; {_count(own, 'job')} of its priority {'waits' if own == 1 else 'wait'}."
            if own
            else f"{all_busy}."
        )
    soon = f"; about {duration((before + 1) / place.drained)} at the pace of the last minutes" if place.drained else ""
    stands = f"{_count(before, 'job')} {'stands' if before in (0, 1) else 'stand'} before it"
    return f"{all_busy}; {stands}{soon}."


def _all_busy(busy: int, processes: int) -> str:
    if processes == 1:
        return "The one process is busy" if busy else "The one process is free"
    if busy == processes:
        return f"All {processes} processes are busy"
    return f"{busy or 'None'} of {processes} processes {'is' if busy < 2 else 'are'} busy"


# ── words ──


def _waits(task: Task) -> bool:
    return task.state in ("scheduled", "queued") or (task.state == "running" and task.pauses)


def _place(desk: Asks, queues: list[Queue], beats: list[Beat]) -> Place:
    return Place({queue.priority: queue for queue in queues}, beats, desk.drained, desk.now_ms())


def _count(n: int, word: str) -> str:
    return f"no {word}" if n == 0 else f"{n:,} {word}" if n == 1 else f"{n:,} {word}s"


def duration(seconds: float) -> str:
    """A time to come, in one unit."""
    if seconds < 60:
        return f"{max(1, round(seconds))} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 120 else f"{minutes // 60} h"
