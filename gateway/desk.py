"""The front desk: what every route needs of the house behind it.

The store, Redis' clock, the minting and knowing of task ids, how many jobs a task and an owner may have in being
for the fleet that lives now, a thread for large bodies, the log of submissions, and the tail that wakes who waits.
"""

import asyncio
import secrets
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from time import monotonic
from typing import TypeVar

from gateway.events import Tail
from gateway.lines import Lines
from pipeline import ids, log, verbs
from pipeline.async_store import AsyncStore
from pipeline.errors import StoreAway
from pipeline.record import FINAL, Task
from pipeline.settings import Settings

T = TypeVar("T")

LOG = log.get()
OWNER = "local"  # of every task, until there are keys
FLEET_S = 5.0  # how often the fleet and the clock are read


class Desk:
    """One a process, made by app.py, found by the routes as `request.app.state.desk`."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.store = AsyncStore(settings)
        self.tail = Tail(self.store)
        self.lines = Lines(settings)
        self.window, self.share = settings.window, settings.share
        self.draining = False
        self.started_at = monotonic()
        self._aside = ThreadPoolExecutor(max_workers=1, thread_name_prefix="large-bodies")
        self._idkey = b""
        self._ahead_ms = 0.0  # Redis' clock over our monotonic one: a jump of this machine's clock moves no task
        self.background: list[asyncio.Task[None]] = []

    async def open(self) -> None:
        """Start following the store; it may be away, then we are not ready and come up when it does."""
        self.background = [asyncio.create_task(self.tail.run()), asyncio.create_task(self._keep_up())]

    async def close(self) -> None:
        """End what runs in the background and let go of the store."""
        for task in self.background:
            task.cancel()
        await asyncio.gather(*self.background, return_exceptions=True)
        await self.store.close()
        self._aside.shutdown(wait=False, cancel_futures=True)

    def drain(self) -> None:
        """A stop was asked for: no longer ready, and whoever waits is answered now."""
        self.draining = True
        self.tail.wake_all()

    async def settled(self, id: str, wait_s: float) -> Task | None:
        """The task once it has ended, or as it is after `wait_s`; None when there is no record of it.

        Who is ready to wait also waits for a store that is away. Raises StoreAway when that was in vain.
        """
        until = monotonic() + wait_s
        with self.tail.watch(id) as watch:  # subscribed before the state is read: no end can fall in between
            while True:
                try:
                    task = await self.store.do(verbs.task(id))
                    if task is None or task.state in FINAL or monotonic() >= until or self.draining:
                        return task
                except StoreAway:
                    if monotonic() >= until or self.draining:
                        raise
                await watch.wait(until - monotonic())

    async def aside(self, work: Callable[[], T]) -> T:
        """Do what takes long in a thread, one at a time, so that short requests and /health are answered between."""
        return await asyncio.get_running_loop().run_in_executor(self._aside, work)

    def now_ms(self) -> int:
        """Redis' time (I15), as last measured."""
        return int(monotonic() * 1000 + self._ahead_ms)

    async def mint(self) -> str:
        """A new task id, with Redis' time in it."""
        if not self._idkey:
            await self._meet()
        return ids.mint(self.now_ms(), self._idkey)

    async def was_ours(self, id: str) -> bool:
        """Whether a task with this id was ever accepted here, though there is no record of it."""
        if not self._idkey:
            await self._meet()
        return ids.is_ours(id, self._idkey)

    async def _meet(self) -> None:
        """Learn the clock and the key of ids; a store that has lost the key is given ours again."""
        redis_ms = await self.store.do(verbs.clock())  # off by the way back, also when it had to be asked again
        self._ahead_ms = redis_ms - monotonic() * 1000
        self._idkey = await self.store.do(verbs.idkey(self._idkey or secrets.token_bytes(16)))

    async def look_around(self) -> None:
        """Read clock and fleet. Raises StoreAway; then the last figures hold."""
        await self._meet()
        children = sum(len(beat.children) for beat in await self.store.do(verbs.fleet()))
        self.window, self.share = self.settings.window_for(children), self.settings.share_for(children)

    async def _keep_up(self) -> None:
        while True:
            try:
                await self.look_around()
            except StoreAway as away:
                LOG.warning("store.away", error=str(away))
            except Exception:  # one unreadable heartbeat must not end the reading of all that follow
                LOG.exception("fleet.unreadable")
            await asyncio.sleep(FLEET_S)
