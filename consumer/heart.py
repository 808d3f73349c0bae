"""The heartbeat: who this consumer is and what each of its children does, for people and for the reaper of others.

Its answer is the size of the fleet; from it comes `share`: how many jobs of one owner may be in being at one priority.
"""

import os
import time
from collections import Counter

from calc import execute
from consumer.figures import Figures
from consumer.pool import Pool
from consumer.slot import Slot
from consumer.timers import Timer
from pipeline import log, verbs
from pipeline.record import Beat, Child
from pipeline.settings import Settings, host_name
from pipeline.store import Store

BEAT_S = 2.0


class Heart:
    """`timers` is what the parent's loop runs."""

    def __init__(self, store: Store, consumer: str, settings: Settings, pool: Pool, figures: Figures) -> None:
        self.share = settings.share
        self._figures = figures
        self.lost: Counter[str] = Counter()  # kind → outcomes that came too late since the last beat
        self._store = store
        self._consumer = consumer
        self._settings = settings
        self._pool = pool
        self._draining = False
        self._started_at = 0  # ms since 1970, by Redis' clock (I15)
        self._beat = Timer(BEAT_S, self.beat)
        self._log = log.get()
        self.timers = [self._beat]

    def beat(self) -> None:
        """Say that we live."""
        if self._beat.late_ms > BEAT_S * 1000:
            self._log.warning("beat.late", delay_ms=round(self._beat.late_ms))
        asked_at = time.time()
        now_ms = self._store.do(verbs.clock())
        skew_ms = round(500 * (asked_at + time.time())) - now_ms  # the store looked at its clock half-way
        self._started_at = self._started_at or now_ms
        fleet = self._store.do(
            verbs.beat(
                Beat(
                    name=self._consumer,
                    host=host_name(),
                    pid=os.getpid(),
                    version=log.VERSION,
                    started_at=self._started_at,
                    beat_at=now_ms,
                    children=[self._child(slot, now_ms) for slot in self._pool.slots],
                    lost=self.lost,
                    figures=self._figures.as_told(),
                    draining=self._draining,
                    skew_ms=skew_ms,
                    kinds=sorted(execute.kinds()),
                )
            )
        )
        self.lost.clear()
        self.share = self._settings.share_for(fleet)

    def drain(self) -> None:
        """A stop has begun: the next beat, which is due now, says so."""
        self._draining = True
        self._beat.soon()

    def _child(self, slot: Slot, now_ms: int) -> Child:
        cpu_s, rss_bytes = slot.usage()
        about: Child = {"pid": slot.pid, "cpu_s": round(cpu_s, 2), "rss_bytes": rss_bytes}
        if slot.jobs:
            job, ran_s = slot.jobs[0].job, time.monotonic() - slot.since
            about |= {"task": job.task, "job": job.name, "kind": job.kind, "since": now_ms - int(ran_s * 1000)}
        return about
