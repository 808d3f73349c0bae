"""Submissions that come together go to the store together: what comes while a call is under way is the next call.

    POST ─┐                                       ┌─▶ its answer
    POST ─┼─▶ gathered ──one submit at a time──▶ store ─▶ its answer
    POST ─┘                                       └─▶ its answer

A lonely submission goes at once. Under load a call carries what came during the one before, as a database's group
commit does: a script that accepts n tasks costs the store a quarter of what n scripts cost. Whoever was answered
together comes again together: for COMPANY_S after a call of FEW or more the next one waits until as many are there.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Iterator

from pipeline import verbs
from pipeline.async_store import AsyncStore
from pipeline.record import NewTask, Submitted
from pipeline.settings import Settings
from pipeline.verbs import MOST_A_CALL

# Large data go a few at a time, so that one call does not keep the store from everybody else.
MOST_BYTES = 1_000_000
FEW = 4
COMPANY_S = 0.002

_Submission = tuple[NewTask, asyncio.Future[Submitted]]


class Gather:
    """One a gateway. `share` is asked for each call: it grows with the fleet."""

    def __init__(self, store: AsyncStore, settings: Settings, share: Callable[[], int]) -> None:
        self._store, self._settings, self._share = store, settings, share
        self._gathered: deque[_Submission] = deque()
        self._sending: asyncio.Task[None] | None = None
        self._expected, self._until = 0, 0.0  # how many come together, and how long they are waited for
        self._enough: asyncio.Future[None] | None = None

    async def submit(self, task: NewTask) -> Submitted:
        """What the store says of the task. Raises StoreAway when nothing is known."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Submitted] = loop.create_future()
        self._gathered.append((task, future))
        if self._sending is None:
            self._sending = loop.create_task(self._send())
        elif self._enough and len(self._gathered) >= self._expected:
            _settle(self._enough)
        return await future

    async def _send(self) -> None:
        loop = asyncio.get_running_loop()
        while self._gathered:
            await self._company(self._until - loop.time())
            together = self._next()
            await self._send_together(*zip(*together, strict=True))
            self._expected = len(together)
            self._until = loop.time() + COMPANY_S if len(together) >= FEW else 0.0
        self._sending = None

    async def _company(self, left_s: float) -> None:
        """Wait until as many are there as came together last time; at most so long."""
        if left_s <= 0 or len(self._gathered) >= self._expected:
            return
        loop = asyncio.get_running_loop()
        self._enough = loop.create_future()
        timer = loop.call_later(left_s, _settle, self._enough)
        await self._enough
        timer.cancel()
        self._enough = None

    def _next(self) -> list[_Submission]:
        together: list[_Submission] = []
        size = 0
        while self._gathered and len(together) < MOST_A_CALL and size < MOST_BYTES:
            together.append(self._gathered.popleft())
            size += len(together[-1][0].data)
        return together

    async def _send_together(self, tasks: tuple[NewTask, ...], futures: tuple[asyncio.Future[Submitted], ...]) -> None:
        try:
            limits = (self._settings.backlog_limit, self._share(), self._settings.unfinished_limit)
            said = await self._store.do(verbs.submit(tasks, *limits))
        except Exception as why:  # noqa: BLE001 - whatever it is, it is the answer to each of them
            for future in futures:
                if not future.done():  # a client that hung up has left its future cancelled
                    future.set_exception(why)
            return
        for future, each in zip(futures, said, strict=True):
            if not future.done():
                future.set_result(each)


def _settle(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)


def chunks(tasks: list[NewTask]) -> Iterator[list[NewTask]]:
    """Tasks that come together already, as they go to the store in one call each."""
    chunk: list[NewTask] = []
    size = 0
    for task in tasks:
        chunk.append(task)
        size += len(task.data)
        if len(chunk) == MOST_A_CALL or size >= MOST_BYTES:
            yield chunk
            chunk, size = [], 0
    if chunk:
        yield chunk
