"""How a wait ends: one tail of the events stream a gateway, which wakes whoever waits for a task.

    events stream ──read, all gateways──▶ Tail ──by task id──▶ Watch of each waiting request

A wake-up is a hint, not the truth: who waits subscribes first, then reads the state from the store, and
reads it again after every wake-up and every POLL_S. So an event that nobody saw delays an answer, never loses it.

Nobody waits, nobody reads: under a load of submissions three tails would cost the store as much as the submissions
do. When the tail has found its place again it wakes all, for what happened before that it has not seen.
"""

import asyncio
from collections.abc import Iterator
from contextlib import aclosing, contextmanager
from time import monotonic

from pipeline import log
from pipeline.async_store import AsyncStore
from pipeline.errors import StoreAway
from pipeline.record import FINAL

LOG = log.get()
POLL_S = 2.0  # how often a waiting request reads the state without being woken
RETRY_S = 0.2  # between attempts to follow a store that is away
LINGER_S = 1.0  # how long it goes on reading when the last one who waited has gone


class Watch:
    """One request's wait for one task: for its end, or with `every` for whatever happens to it."""

    def __init__(self, every: bool = False) -> None:
        self.every = every
        self._woken = asyncio.Event()

    def wake(self) -> None:
        """Something happened to the task: look at it."""
        self._woken.set()

    async def wait(self, left_s: float) -> None:
        """Until the task is worth looking at again; at most `left_s`."""
        try:
            async with asyncio.timeout(min(left_s, POLL_S)):
                await self._woken.wait()
        except TimeoutError:
            return
        self._woken.clear()


class Tail:
    """Reads the events stream as long as the gateway lives; outlives the store's absences."""

    def __init__(self, store: AsyncStore) -> None:
        self._store = store
        self._watches: dict[str, set[Watch]] = {}
        self._wanted = asyncio.Event()
        self._alone_since = 0.0

    @contextmanager
    def watch(self, id: str, every: bool = False) -> Iterator[Watch]:
        """Subscribe to the end of a task, or to all that happens to it, for the length of a block."""
        watch = Watch(every)
        self._watches.setdefault(id, set()).add(watch)
        self._wanted.set()
        try:
            yield watch
        finally:
            watches = self._watches[id]
            watches.remove(watch)
            if not watches:
                del self._watches[id]
            self._alone_since = monotonic()

    @property
    def reading(self) -> bool:
        """Whether the stream is followed now."""
        return self._wanted.is_set()

    @property
    def waiting(self) -> int:
        """How many requests wait for a task."""
        return sum(map(len, self._watches.values()))

    def wake_all(self) -> None:
        """Let every waiting request look at its task: events may have been missed, or the gateway stops."""
        for watches in self._watches.values():
            for watch in watches:
                watch.wake()

    async def run(self) -> None:
        """Follow the stream for ever, while anybody waits (a background task of the app)."""
        away = False
        while True:
            await self._wanted.wait()
            try:
                async with aclosing(self._store.events()) as events:
                    async for batch in events:
                        away = False
                        self._tell(batch)
                        if self._alone():
                            self._wanted.clear()
                            break
                continue
            except StoreAway as error:
                if not away:
                    LOG.warning("events.lost", error=str(error))
                away = True
                self.wake_all()
            except Exception:  # a reading that broke must not end all waiting: it is logged and begun anew
                LOG.exception("events.unreadable")
            await asyncio.sleep(RETRY_S)

    def _alone(self) -> bool:
        return not self._watches and monotonic() > self._alone_since + LINGER_S

    def _tell(self, batch: list[tuple[str, str]]) -> None:
        if not batch:
            self.wake_all()
        for id, happened in batch:
            for watch in self._watches.get(id, ()):
                if watch.every or happened in FINAL:
                    watch.wake()
