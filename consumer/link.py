"""The way to the store, which may be away at any time, and the bell that wakes a parent with nothing to do.

    away ──try──▶ there ──sleep──▶ asleep ──the bell rings──▶ there
     ▲  pauses grow, with jitter     │
     └────────── StoreAway ──────────┘

A consumer never ends because the store is away.
"""

import random
import selectors
import time
from collections.abc import Sequence

from pipeline import log
from pipeline.errors import PipelineError, StoreAway
from pipeline.settings import Settings
from pipeline.store import BLOCK_MS, Bell, Store

FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.05, 0.3
# The blocking read comes back by itself after BLOCK_MS; one that does not was swallowed by the network.
SILENT_S = BLOCK_MS / 1000 + 3.0


class Link:
    """`store` for verbs. Before the first answer the store counts as away."""

    def __init__(self, settings: Settings, consumer: str, selector: selectors.BaseSelector) -> None:
        self.store = Store(settings, f"consumer:{consumer}")
        self.away = True
        self.try_at = 0.0  # while away: when to try again
        self.asleep = False
        self._bell = Bell(settings, f"bell:{consumer}")
        self._bell_descriptor = -1
        self._selector = selector
        self._slept_at = self._away_at = time.monotonic()
        self._pause_s = FIRST_PAUSE_S
        self._told = False  # whether people were told of this absence
        self._log = log.get()

    def lost(self, cause: PipelineError) -> None:
        """The store did not answer, or does not let us in: close both connections, and try again after a pause."""
        now = time.monotonic()
        self.stop_listening()
        self.store.close()
        if not self.away:
            self.away, self._away_at = True, now
        if not self._told:
            self._log.warning("store.away", reason=str(cause))
            self._told = True
        self.try_at = now + self._pause_s * random.uniform(0.5, 1.5)
        self._pause_s = min(2 * self._pause_s, LONGEST_PAUSE_S)

    def back(self) -> None:
        """The store has answered."""
        self._log.info("store.back", away_s=round(time.monotonic() - self._away_at, 3))
        self.away, self._told, self.try_at, self._pause_s = False, False, 0.0, FIRST_PAUSE_S

    def sleep(self, wake_ids: Sequence[str]) -> None:
        """Nothing waits: sleep until the bell rings."""
        if self.asleep:
            return
        self._bell.wait(wake_ids)
        self._bell_descriptor = self._bell.fileno()
        self._selector.register(self._bell_descriptor, selectors.EVENT_READ, self._woken)
        self.asleep, self._slept_at = True, time.monotonic()

    def check(self, now: float) -> None:
        """Raises StoreAway when the bell has been silent for too long."""
        if self.asleep and now > self._slept_at + SILENT_S:
            raise StoreAway(f"the blocking read has not come back for {now - self._slept_at:.1f} s")

    def stop_listening(self) -> None:
        """Close the bell."""
        if self.asleep:
            self._selector.unregister(self._bell_descriptor)
        self.asleep = False
        self._bell.close()

    def _woken(self, _mask: int) -> None:
        if not self.asleep:
            return  # a signal that was heard in the same turn has closed the bell
        self._selector.unregister(self._bell_descriptor)
        self.asleep = False
        try:
            self._bell.heard()  # put or not: after so long a look does no harm
        except PipelineError as cause:  # also where a stream has become something else: the next take heals it
            self.lost(cause)
