"""The monkey: draws faults from a seed, a round of every kind at a time in random order, and makes them.

What it draws is the seed's; what it hits depends on the moment as well. Faults of one lane follow one another, those of
different lanes overlap. Each undoes itself, so that when `run` returns the stack is left to itself, unhurt.
"""

import asyncio
import os
import random
import signal
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from functools import partial

import redis

from deploy import processes
from deploy.processes import Process
from pipeline.keys import GROUP, Keys
from tests.chaos.stack import LEASE_S, ChaosStack

# A short run makes each kind of fault so often; a longer one leaves the stack more time to work between two faults.
ROUNDS = 6
CALM_S = 2.0
TRIES, PAUSE_S = 200, 0.1
PAST_THE_LEASE_S = (1.3 * LEASE_S, 2 * LEASE_S)
Dice = random.Random
Find = Callable[[], list[Process]]


class Monkey:
    """`counts` says how many faults of each kind were made."""

    def __init__(self, stack: ChaosStack, seed: int) -> None:
        self.stack = stack
        self.counts: Counter[str] = Counter()
        self._dice = Dice(f"monkey/{seed}")
        self._lanes: dict[str, asyncio.Lock] = {}
        s = stack
        # kind → (lane, what it does); it answers whether there was anything to hit
        self.faults: dict[str, tuple[str, Callable[[Dice], Awaitable[bool]]]] = {
            "child killed": ("child", partial(self._signal, s.children, signal.SIGKILL)),
            "child stopped": ("child", partial(self._freeze, s.children, 0.1, 3.0)),
            "consumer killed": ("consumer", partial(self._signal, s.parents, signal.SIGKILL)),
            "consumer asked to stop": ("consumer", partial(self._signal, s.parents, signal.SIGTERM)),
            "consumer stopped, shortly": ("consumer", partial(self._freeze, s.parents, 0.1, LEASE_S / 2)),
            "consumer stopped, past its lease": ("consumer", partial(self._freeze, s.parents, *PAST_THE_LEASE_S)),
            "gateway killed": ("gateway", partial(self._signal, s.gateways, signal.SIGKILL)),
            "gateway asked to stop": ("gateway", partial(self._signal, s.gateways, signal.SIGTERM)),
            "gateway stopped": ("gateway", partial(self._freeze, s.gateways, 0.1, 3.0)),
            "nginx killed": ("nginx", partial(self._signal, s.nginx, signal.SIGKILL)),
            "nginx stopped": ("nginx", partial(self._freeze, s.nginx_workers, 0.1, 3.0)),
            "store killed": ("store", self._kill_store),
            "store stopped": ("store", self._freeze_store),
            "scripts flushed": ("store", self._flush_scripts),
            "groups destroyed": ("store", self._destroy_groups),
            "connections cut": ("link", self._cut),
            "replies lost": ("link", self._lose_replies),
            "black hole": ("link", self._black_hole),
            "connections refused": ("link", self._refuse),
            "slow network": ("link", self._delay),
        }  # fmt: skip

    async def run(self, seconds: float) -> None:
        """Make faults for so long; return when each has undone itself."""
        until, pause_s = time.monotonic() + seconds, min(CALM_S, seconds / ROUNDS / len(self.faults))
        hand: list[str] = []
        async with asyncio.TaskGroup() as under_way:
            while time.monotonic() < until:
                if not hand:
                    hand = self._dice.sample(list(self.faults), len(self.faults))
                kind = hand.pop()
                under_way.create_task(self._make(kind, Dice(self._dice.random())))
                await asyncio.sleep(pause_s * self._dice.uniform(0.5, 1.5))

    async def _make(self, kind: str, dice: Dice) -> None:
        lane, fault = self.faults[kind]
        async with self._lanes.setdefault(lane, asyncio.Lock()):
            for _ in range(TRIES):
                if await fault(dice):
                    self.counts[kind] += 1
                    return
                await asyncio.sleep(PAUSE_S)  # whoever it would hit is just being started again

    # ── processes ──

    async def _signal(self, find: Find, number: signal.Signals, dice: Dice) -> bool:
        victim = await _one(find, dice)
        return victim is not None and _send(victim, number)

    async def _freeze(self, find: Find, least_s: float, most_s: float, dice: Dice) -> bool:
        victim = await _one(find, dice)
        if victim is None or not _send(victim, signal.SIGSTOP):
            return False
        await asyncio.sleep(dice.uniform(least_s, most_s))
        _send(victim, signal.SIGCONT)
        return True

    # ── the store ──

    async def _kill_store(self, dice: Dice) -> bool:
        await asyncio.to_thread(self.stack.server.kill)
        await asyncio.sleep(dice.uniform(0.2, 2.0))
        await asyncio.to_thread(self.stack.server.start)
        return True

    async def _freeze_store(self, dice: Dice) -> bool:
        assert self.stack.server.process
        self.stack.server.process.send_signal(signal.SIGSTOP)
        await asyncio.sleep(dice.uniform(0.2, 3.0))
        self.stack.server.process.send_signal(signal.SIGCONT)
        return True

    async def _flush_scripts(self, dice: Dice) -> bool:
        with self.stack.server.client() as client:
            return bool(client.script_flush("SYNC"))

    async def _destroy_groups(self, dice: Dice) -> bool:
        with self.stack.server.client() as client:
            for stream in Keys().streams():
                _destroy(client, stream)
        return True

    # ── the network ──

    async def _cut(self, dice: Dice) -> bool:
        return await asyncio.to_thread(self.stack.proxy.cut_all, reset=dice.random() < 0.5) > 0

    async def _lose_replies(self, dice: Dice) -> bool:
        before = self.stack.proxy.lost_replies
        self.stack.proxy.cut_before_reply(dice.uniform(0.1, 0.5), dice.randrange(10**6))
        return await self._heal_after(dice.uniform(0.3, 1.0)) and self.stack.proxy.lost_replies > before

    async def _black_hole(self, dice: Dice) -> bool:
        to_client, to_server = dice.choice([(True, False), (False, True), (True, True)])
        self.stack.proxy.black_hole(to_client=to_client, to_server=to_server)
        return await self._heal_after(dice.uniform(0.5, 3.0))

    async def _refuse(self, dice: Dice) -> bool:
        await asyncio.to_thread(self.stack.proxy.refuse)
        await asyncio.to_thread(self.stack.proxy.cut_all)
        return await self._heal_after(dice.uniform(0.3, 2.0))

    async def _delay(self, dice: Dice) -> bool:
        self.stack.proxy.delay(dice.uniform(0.01, 0.1))
        return await self._heal_after(dice.uniform(0.5, 2.0))

    async def _heal_after(self, seconds: float) -> bool:
        await asyncio.sleep(seconds)
        await asyncio.to_thread(self.stack.proxy.heal)
        return True


async def _one(find: Find, dice: Dice) -> Process | None:
    found = sorted(await asyncio.to_thread(find), key=lambda process: process.pid)
    return dice.choice(found) if found else None


def _send(victim: Process, number: signal.Signals) -> bool:
    """Whether it was still there to be hit."""
    if not processes.living([victim]):
        return False
    try:
        os.kill(victim.pid, number)
    except ProcessLookupError:
        return False
    return True


def _destroy(client: redis.Redis, stream: str) -> None:
    if client.exists(stream):
        client.xgroup_destroy(stream, GROUP)
