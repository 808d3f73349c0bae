"""Watching a task: its states and its progress as server-sent events, until it has ended.

    id: 2.17                       running, 17 parts done
    event: state | progress | end
    data: {…}

A task's states come in one order and the record keeps their times, so what a client has missed is known from the id of
the last event that it saw: any gateway goes on from there (`Last-Event-ID`), and no transition is lost.
"""

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator, Iterator
from time import monotonic

import msgspec
from msgspec import Struct
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gateway import answers, headers, hooks, queries, sse
from gateway.desk import Desk
from gateway.found import found, task_id
from gateway.shapes import Progress
from pipeline import verbs
from pipeline.errors import StoreAway
from pipeline.record import FINAL, State, Task

OFTEN_S = 0.2  # progress is told no more often than this,
LOOK_S = 0.05  # and the record read no more often than this
ORDER: tuple[State, ...] = ("scheduled", "queued", "running")  # then the end, whichever it is
_LAST_ID = re.compile(r"([0-3])\.([0-9]{1,9})")
_encode = msgspec.json.Encoder().encode


class StateEvent(Struct, frozen=True):
    """A task has come into a state."""

    task_id: str
    state: State
    at: str


class ProgressEvent(Struct, frozen=True):
    """A running task has more parts done, or a better estimate."""

    task_id: str
    state: State
    progress: Progress


async def events(request: Request) -> Response:
    """GET /tasks/{task_id}/events: what happens to a task, as it happens."""
    desk: Desk = request.app.state.desk
    queries.only(request, ())
    task = await found(request, desk, task_id(request), 0)
    seen = _LAST_ID.fullmatch(headers.first(request, "last-event-id"))
    place, done = (int(seen[1]), int(seen[2])) if seen else (-1, 0)
    if place >= len(ORDER) and task.state in FINAL:
        return Response(status_code=answers.NO_CONTENT)  # all has been told: a browser comes again until it hears this
    return sse.answer(request, Follower(desk, task, place, done).stream())


ROUTES = [Route("/tasks/{task_id}/events", events, methods=["GET"])]


class Follower:
    """One client's view of one task: what it has been told, and what is to be told next."""

    def __init__(self, desk: Desk, task: Task, place: int, done: int) -> None:
        self._desk, self._task, self._place, self._done = desk, task, place, done
        self._hook = hooks.told(task.webhook, None, ended=True)
        self._estimate: object = None
        self._told_at = 0.0

    async def stream(self) -> AsyncIterator[bytes]:
        """Events until the task has ended, or the gateway stops: then the client comes again, to another."""
        yield sse.BEGIN
        with self._desk.tail.watch(self._task.id, every=True) as watch:
            quiet_since = looked_at = monotonic()
            await self._ask_hook()
            while True:
                for event in self._news():
                    quiet_since = monotonic()
                    yield event
                if self._task.state in FINAL or self._desk.draining:
                    return
                if monotonic() - quiet_since > sse.KEEP_ALIVE_S:
                    quiet_since = monotonic()
                    yield sse.STILL_HERE
                await watch.wait(sse.KEEP_ALIVE_S)
                await asyncio.sleep(max(0.0, looked_at + LOOK_S - monotonic()))
                looked_at = monotonic()
                if not await self._look():
                    return

    async def _look(self) -> bool:
        """Read the task again; whether it is still there. A store that is away is waited for."""
        try:
            task = await self._desk.store.do(verbs.task(self._task.id))
        except StoreAway:
            return True
        self._task = task or self._task
        await self._ask_hook()
        return task is not None

    async def _ask_hook(self) -> None:
        """What the end tells of a webhook; a store that is away meanwhile has just said all else."""
        if self._task.webhook and self._task.state in FINAL:
            with contextlib.suppress(StoreAway):
                self._hook = await self._desk.hook(self._task)

    def _news(self) -> Iterator[bytes]:
        task = self._task
        for place, state in enumerate((*ORDER, task.state)):
            at = _entered(task, place)
            if place > self._place and at is not None:
                self._place, self._done = place, 0
                yield self._end() if place == len(ORDER) else self._event("state", StateEvent(task.id, state, at))
        if task.state == "running" and (task.done, task.estimate) != (self._done, self._estimate) and self._due():
            self._done, self._estimate, self._told_at = task.done, task.estimate, monotonic()
            told = answers.summary(task, self._desk.now_ms()).progress
            yield self._event("progress", ProgressEvent(task.id, task.state, told))

    def _due(self) -> bool:
        return monotonic() >= self._told_at + OFTEN_S and self._task.parts > 1

    def _end(self) -> bytes:
        task = self._task
        whole = answers.whole(task, self._desk.now_ms(), hook=self._hook)
        return self._event("end", answers.short(task, whole))

    def _event(self, name: str, data: object) -> bytes:
        return sse.event(name.encode(), _encode(data), b"%d.%d" % (self._place, self._done))


def _entered(task: Task, place: int) -> str | None:
    """When a task came into a state, by the times of its record; None for one that it was never in."""
    at: int | None
    match place:
        case 0:
            at = task.submitted_at if task.not_before else None
        case 1:
            at = None if task.state == "scheduled" else max(task.submitted_at, task.not_before or 0)
            if task.state in FINAL and not task.started_at and task.not_before:
                at = None  # it ended while it was put off, or nobody can say
        case 2:
            at = task.started_at
        case _:
            at = task.finished_at if task.state in FINAL else None
    return None if at is None else answers.time_text(at)
