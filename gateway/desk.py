"""The front desk: what every route needs of the house behind it.

The store, Redis' clock, the minting and knowing of task ids, how many jobs a task and an owner may have in being
for the fleet that lives now, how full the store is, a thread for large bodies, the log of submissions, and the tail
that wakes who waits.
"""

import asyncio
import contextlib
import secrets
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from time import monotonic, time
from typing import TypeVar

from starlette.requests import ClientDisconnect, Request

from gateway import access, forecast, hooks, limits
from gateway.events import Tail
from gateway.exporter import Exporter
from gateway.figures import Figures
from gateway.gather import Gather
from gateway.lines import Lines, instance
from gateway.roll import Roll
from gateway.shapes import WebhookAnswer
from gateway.waiting import HangUp
from pipeline import durable, ids, log, verbs, webhooks
from pipeline.apikeys import ApiKey
from pipeline.async_store import AsyncStore
from pipeline.errors import PipelineError, StoreAway
from pipeline.record import FINAL, Task
from pipeline.settings import Settings

T = TypeVar("T")

LOG = log.get()
FLEET_S = 5.0  # how often the fleet, the clock and the pace are read
QUICK_S = 0.05  # an answer that took longer says little of what time it is now
FILL_S = 1.0  # how often it is looked how full the store is, and how many tasks wait


class Desk:
    """One a process, made by app.py, found by the routes as `request.app.state.desk`."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.store = AsyncStore(settings)
        self.tail = Tail(self.store)
        self.gate = access.Gate(settings, self)
        self._keys: dict[str, ApiKey] | None = None  # None: not read yet, so nobody knows whether there are any
        self.lines = Lines(settings)
        self.figures = Figures()
        self.exporter = Exporter(self.store, instance(settings))
        self.window, self.share = settings.window, settings.share
        self.gather = Gather(self.store, settings, lambda: self.share)
        self.drained = 0.0  # tasks that ended per second, in the last minutes
        self.waiting = 0  # tasks that are queued
        self.runs: dict[str, forecast.Run] = {}
        self.fullness = 0.0  # used memory of the store, of what it may use
        self.crowd = limits.Crowd(settings.body_limit_bytes)
        self.draining = False
        self.roll = Roll()
        self.began_ms = round(time() * 1000)
        self.skew_ms = 0.0  # this machine's clock over Redis' one
        self.beats: list[Callable[[], Awaitable[None]]] = []  # what else is done every FLEET_S
        self.leaving: list[Callable[[], None]] = []  # who is told of a stop
        self.started_at = monotonic()
        self._aside = ThreadPoolExecutor(max_workers=1, thread_name_prefix="large-bodies")
        self._idkey = b""
        self._ahead_ms = 0.0  # Redis' clock over our monotonic one: a jump of this machine's clock moves no task
        self.background: list[asyncio.Task[None]] = []

    async def open(self) -> None:
        """Start following the store; it may be away, then we are not ready and come up when it does."""
        loops = (self.tail.run(), self._keep_up(self.look_around, FLEET_S), self._keep_up(self.look_inside, FILL_S))
        self.background = [asyncio.create_task(loop) for loop in loops]

    async def close(self) -> None:
        """End what runs in the background, let go of the store, and tell the last lines of the log."""
        for task in self.background:
            task.cancel()
        await asyncio.gather(*self.background, return_exceptions=True)
        with contextlib.suppress(StoreAway):  # then it ends by itself, a little later
            await self.exporter.resign()
        await self.store.close()
        self.lines.write()
        self._aside.shutdown(wait=False, cancel_futures=True)

    def drain(self) -> None:
        """A stop was asked for: no longer ready, and whoever waits is answered now."""
        self.draining = True
        self.tail.wake_all()
        for tell in self.leaving:
            tell()

    async def settled(self, id: str, wait_s: float, request: Request) -> Task | None:
        """The task once it has ended, or as it is after `wait_s`; None when there is no record of it.

        Who is ready to wait also waits for a store that is away. Raises StoreAway when that was in vain, and
        ClientDisconnect as soon as whoever waits has hung up.
        """
        if not wait_s:
            return await self.store.do(verbs.task(id))
        until = monotonic() + wait_s
        # Subscribed before the state is read: no end can fall in between.
        with self.tail.watch(id) as watch, HangUp(request, watch.wake) as line:
            while not line.dead:
                try:
                    task = await self.store.do(verbs.task(id))
                    if task is None or task.state in FINAL or monotonic() >= until or self.draining:
                        return task
                except StoreAway:
                    if monotonic() >= until or self.draining:
                        raise
                await watch.wait(until - monotonic())
        raise ClientDisconnect

    async def hook(self, task: Task) -> WebhookAnswer | None:
        """What the store says of a task's webhook; None where it has none."""
        return await self.webhook(task.id, task.webhook, task.state in FINAL)

    async def webhook(self, id: str, url: str, ended: bool) -> WebhookAnswer | None:
        """The same of a task or batch that has this URL."""
        return hooks.told(url, await self.store.do(webhooks.delivery(id)) if url else None, ended)

    def refuse_when_full(self) -> None:
        """Raise a Problem while the store is so full that what runs needs the rest for its results."""
        if self.fullness >= self.settings.fill_limit:
            raise limits.store_full(self.fullness, self.settings.fill_limit)

    async def unsafe(self) -> list[str]:
        """What keeps the store from being used safely; `warning: …` is unwise only. Raises StoreAway."""
        lines = await self.store.do(verbs.ready(), patience_s=0)
        if self.settings.durable == "always":
            try:
                lines += durable.faults(await self.store.raw(*durable.ASK))
            except StoreAway:
                raise
            except PipelineError as refused:
                lines.append(durable.unknown(refused))
        return lines

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

    async def nth(self, batch: str) -> Callable[[int], str]:
        """The ids of a batch's tasks, by line: the same whenever the batch is sent again."""
        if not self._idkey:
            await self._meet()
        return lambda line: ids.nth(batch, line, self._idkey)

    async def was_ours(self, id: str) -> bool:
        """Whether a task with this id was ever accepted here, though there is no record of it."""
        if not self._idkey:
            await self._meet()
        return ids.is_ours(id, self._idkey)

    async def _meet(self) -> None:
        """Learn the clock and the key of ids; a store that has lost the key is given ours again."""
        for _ in range(2):
            asked_at = monotonic()
            redis_ms = await self.store.do(verbs.clock())
            if monotonic() - asked_at < QUICK_S:
                break  # else the answer was long on its way; a second one rarely is
        # Measured from the question, so the clock is ahead by the way there: nothing begins before its time.
        self._ahead_ms = redis_ms - asked_at * 1000
        self.skew_ms = time() * 1000 - self.now_ms()
        self._idkey = await self.store.do(verbs.idkey(self._idkey or secrets.token_bytes(16)))

    async def look_around(self) -> None:
        """Read clock, fleet and pace. Raises StoreAway; then the last figures hold."""
        await self._meet()
        self.drained = await self.store.do(verbs.drained())
        self.runs = forecast.runs(await self.store.do(verbs.minutes(forecast.MINUTES)))
        beats = await self.store.do(verbs.fleet())
        self.roll.note(beats, self.now_ms())
        children = sum(len(beat.children) for beat in beats)
        self.window, self.share = self.settings.window_for(children), self.settings.share_for(children)
        for tell in self.beats:
            await tell()

    async def look_inside(self) -> None:
        """See how full the store is, and how many tasks wait. Raises StoreAway."""
        self.fullness = await self.store.do(verbs.fullness())
        await self._read_keys()
        self.waiting = (await self.store.do(verbs.counts()))["queued"]

    async def keys(self) -> dict[str, ApiKey]:
        """The API keys by id, as of the last look. Raises StoreAway when there was none yet."""
        if self._keys is None:
            await self._read_keys()
        return self._keys or {}

    async def new_key(self, id: str) -> ApiKey | None:
        """An API key that the last look has not seen. Raises StoreAway."""
        found = await self.store.do(verbs.apikeys(id))
        return found[0] if found else None

    async def _read_keys(self) -> None:
        self._keys = {key.id: key for key in await self.store.do(verbs.apikeys())}

    def foretell(self, kind: str, cpu_s: float) -> forecast.Forecast:
        """What can be said now of a task that is submitted now."""
        return forecast.of(kind, cpu_s, self.waiting, self.drained, self.runs)

    async def _keep_up(self, look: Callable[[], Awaitable[None]], every_s: float) -> None:
        away = False
        while True:
            try:
                await look()
                away = False
            except StoreAway as error:
                if not away:
                    LOG.warning("store.away", error=str(error))
                    self.figures.store_away["look"] += 1
                away = True
            except Exception:  # one unreadable heartbeat must not end the reading of all that follow
                LOG.exception("fleet.unreadable")
            await asyncio.sleep(every_s)
