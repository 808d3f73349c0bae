"""The two clients. They carry requests and answers; what is asked and what the answers mean stands in
verbs.py and batches.py.

with Client() as client:                    async with AsyncClient() as client:
    client.run(kind, data)                      await client.run(kind, data)
    for task in client.tasks(): …               async for task in client.tasks(): …
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from functools import wraps
from typing import Any, Concatenate, ParamSpec, Self, TypeVar, cast

import httpx

from headrace_client import batches, verbs
from headrace_client.asking import Answer, Asker, Request, Story, Stream
from headrace_client.events import SILENCE_S, Follower
from headrace_client.records import Event
from headrace_client.verbs import TaskId

P = ParamSpec("P")
T = TypeVar("T")
OK = 200
CONNECT_S = 5.0
NO_LIMITS = httpx.Limits(max_connections=None, max_keepalive_connections=20)  # who waits holds a connection
SILENCE = httpx.Timeout(SILENCE_S, connect=CONNECT_S)


# ── how a verb becomes a method ──


def _called(verb: Callable[Concatenate[Asker, P], Story[T]]) -> Callable[Concatenate["Client", P], T]:
    @wraps(verb)
    def method(self: "Client", /, *args: P.args, **kwargs: P.kwargs) -> T:
        story, answer = verb(self, *args, **kwargs), cast(Any, None)
        try:
            while True:
                answer = self.carry(story.send(answer))
        except StopIteration as end:
            return cast(T, end.value)

    return method


def _iterated(verb: Callable[Concatenate[Asker, P], Stream[T]]) -> Callable[Concatenate["Client", P], Iterator[T]]:
    @wraps(verb)
    def method(self: "Client", /, *args: P.args, **kwargs: P.kwargs) -> Iterator[T]:
        stream, answer = verb(self, *args, **kwargs), cast(Any, None)
        try:
            while True:
                step = stream.send(answer)
                answer = self.carry(step) if isinstance(step, Request) else (yield step)
        except StopIteration:
            return

    return method


def _awaited(
    verb: Callable[Concatenate[Asker, P], Story[T]],
) -> Callable[Concatenate["AsyncClient", P], Coroutine[Any, Any, T]]:
    @wraps(verb)
    async def method(self: "AsyncClient", /, *args: P.args, **kwargs: P.kwargs) -> T:
        story, answer = verb(self, *args, **kwargs), cast(Any, None)
        try:
            while True:
                answer = await self.carry(story.send(answer))
        except StopIteration as end:
            return cast(T, end.value)

    return method


def _async_iterated(
    verb: Callable[Concatenate[Asker, P], Stream[T]],
) -> Callable[Concatenate["AsyncClient", P], AsyncIterator[T]]:
    @wraps(verb)
    async def method(self: "AsyncClient", /, *args: P.args, **kwargs: P.kwargs) -> AsyncIterator[T]:
        stream, answer = verb(self, *args, **kwargs), cast(Any, None)
        try:
            while True:
                step = stream.send(answer)
                answer = await self.carry(step) if isinstance(step, Request) else (yield step)
        except StopIteration:
            return

    return method


# ── the clients ──


class Client(Asker):
    """Asks one Headrace. Any number of threads may share it."""

    submit = _called(verbs.submit)
    run = _called(verbs.run)
    look = _called(verbs.look)
    wait = _called(verbs.wait)
    result = _called(verbs.result)
    cancel = _called(verbs.cancel)
    retry = _called(verbs.retry)
    rerun = _called(verbs.rerun)
    validate = _called(verbs.validate)
    batch = _called(batches.batch)
    map = _called(batches.map_over)
    grid = _called(batches.grid)
    gather = _called(batches.gather)
    cancel_batch = _called(batches.cancel_batch)
    kinds = _called(verbs.kinds)
    kind = _called(verbs.kind)
    queues = _called(verbs.queues)
    queue = _called(verbs.queue)
    pause = _called(verbs.pause)
    resume = _called(verbs.resume)
    workers = _called(verbs.workers)
    retry_dead_letter = _called(verbs.retry_dead_letter)
    remove_dead_letter = _called(verbs.remove_dead_letter)
    tasks = _iterated(verbs.tasks)
    as_completed = _iterated(batches.as_completed)
    dead_letters = _iterated(verbs.dead_letters)

    def events(self, task: TaskId, *, patience_s: float | None = None) -> Iterator[Event]:
        """What happens to a task, as it happens, until it has ended. No transition is lost, whichever gateway goes."""
        follower = Follower(self, verbs.id_of(task), patience_s)
        while not follower.over:
            time.sleep(follower.pause_s)
            try:
                with self._http.stream("GET", follower.path, headers=follower.headers, timeout=SILENCE) as told:
                    content = b"" if told.status_code == OK else told.read()
                    if follower.begins(Answer(told.status_code, told.headers, content)):
                        for piece in told.iter_bytes():
                            yield from follower.events(piece)
            except httpx.TransportError as lost:
                follower.begins(_lost(lost))

    def carry(self, request: Request) -> Answer:
        """One request, and what came back."""
        time.sleep(request.after_s)
        try:
            told = self._http.request(request.method, request.path, **_sent(request))
        except httpx.TransportError as lost:
            return _lost(lost)
        return Answer(told.status_code, told.headers, told.content)

    def _open(self) -> None:
        self._http = httpx.Client(base_url=self.url, headers=self.headers, limits=NO_LIMITS)

    def close(self) -> None:
        """Let its connections go."""
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class AsyncClient(Asker):
    """The same for asyncio."""

    submit = _awaited(verbs.submit)
    run = _awaited(verbs.run)
    look = _awaited(verbs.look)
    wait = _awaited(verbs.wait)
    result = _awaited(verbs.result)
    cancel = _awaited(verbs.cancel)
    retry = _awaited(verbs.retry)
    rerun = _awaited(verbs.rerun)
    validate = _awaited(verbs.validate)
    batch = _awaited(batches.batch)
    map = _awaited(batches.map_over)
    grid = _awaited(batches.grid)
    gather = _awaited(batches.gather)
    cancel_batch = _awaited(batches.cancel_batch)
    kinds = _awaited(verbs.kinds)
    kind = _awaited(verbs.kind)
    queues = _awaited(verbs.queues)
    queue = _awaited(verbs.queue)
    pause = _awaited(verbs.pause)
    resume = _awaited(verbs.resume)
    workers = _awaited(verbs.workers)
    retry_dead_letter = _awaited(verbs.retry_dead_letter)
    remove_dead_letter = _awaited(verbs.remove_dead_letter)
    tasks = _async_iterated(verbs.tasks)
    as_completed = _async_iterated(batches.as_completed)
    dead_letters = _async_iterated(verbs.dead_letters)

    async def events(self, task: TaskId, *, patience_s: float | None = None) -> AsyncIterator[Event]:
        """What happens to a task, as it happens, until it has ended. No transition is lost, whichever gateway goes."""
        follower = Follower(self, verbs.id_of(task), patience_s)
        while not follower.over:
            await asyncio.sleep(follower.pause_s)
            try:
                async with self._http.stream("GET", follower.path, headers=follower.headers, timeout=SILENCE) as told:
                    content = b"" if told.status_code == OK else await told.aread()
                    if follower.begins(Answer(told.status_code, told.headers, content)):
                        async for piece in told.aiter_bytes():
                            for event in follower.events(piece):
                                yield event
            except httpx.TransportError as lost:
                follower.begins(_lost(lost))

    async def carry(self, request: Request) -> Answer:
        """One request, and what came back."""
        await asyncio.sleep(request.after_s)
        try:
            told = await self._http.request(request.method, request.path, **_sent(request))
        except httpx.TransportError as lost:
            return _lost(lost)
        return Answer(told.status_code, told.headers, told.content)

    def _open(self) -> None:
        self._http = httpx.AsyncClient(base_url=self.url, headers=self.headers, limits=NO_LIMITS)

    async def close(self) -> None:
        """Let its connections go."""
        await self._http.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()


def _sent(request: Request) -> dict[str, Any]:
    timeout = httpx.Timeout(request.timeout_s, connect=min(CONNECT_S, request.timeout_s))
    return {"content": request.body, "headers": request.headers, "timeout": timeout}


def _lost(lost: httpx.TransportError) -> Answer:
    return Answer(0, {}, (str(lost) or type(lost).__name__).encode())
