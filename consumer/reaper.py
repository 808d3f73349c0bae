"""The reaper: a role that every consumer plays beside its own jobs. Each of its steps is one script.

    reap      jobs whose holder has gone              every second (or third of a lease, if that is less)
    promote   what is due in `later`                  every 0.5 s
    forget    finished tasks that are due             every second; at once again while there are more
    repair    live tasks, a page at a time            every second
    recount   shares that are not what rows say       every minute, and when `repair` has mended something
    remove    names of consumers that are gone (I14)  every 30 s

Two consumers that do the same at the same time do no harm: the second one finds nothing.

A store that was away for longer than a lease has seen nobody renew, and everybody lives: who reaped then would
interrupt all that runs. So after a silence of most of a lease, and at the start, the first reap waits for a lease
without another such silence, in which each holder comes back and renews.
"""

import math
import time
from collections.abc import Callable

from consumer.figures import Figures
from consumer.timers import Timer
from pipeline import log, verbs
from pipeline.record import Reaped
from pipeline.settings import Settings
from pipeline.store import Store

REAP_S, PROMOTE_S, FORGET_S, REPAIR_S, REMOVE_S, RECOUNT_S = 1.0, 0.5, 1.0, 1.0, 30.0, 60.0
# The part of a lease after which a silence of the store counts as an absence; the rest is a renewal's period.
SILENCE = 2 / 3
# So much in one script: some milliseconds, in which Redis serves nobody else.
MOST_REAPED, MOST_PROMOTED, MOST_FORGOTTEN, REPAIR_PAGE = 100, 200, 200, 200


class Reaper:
    """`timers` is what the parent's loop runs."""

    def __init__(
        self, store: Store, consumer: str, settings: Settings, share: Callable[[], int], figures: Figures
    ) -> None:
        self._store = store
        self._consumer = consumer
        self._settings = settings
        self._share = share
        self._figures = figures
        self._log = log.get()
        self._heard_at = -math.inf
        self._back_at = -math.inf  # since when its silences were short
        self._cursor = ""  # the last task that `repair` looked at
        self._reap = Timer(min(settings.lease_s / 3, REAP_S), self.reap)
        self._promote = Timer(PROMOTE_S, self.promote)
        self._forget = Timer(FORGET_S, self.forget)
        self._recount = Timer(RECOUNT_S, self.recount, RECOUNT_S)
        self.timers = [
            self._reap,
            self._promote,
            self._forget,
            Timer(REPAIR_S, self.repair, REPAIR_S),
            self._recount,
            Timer(REMOVE_S, self.remove, REMOVE_S / 2),
        ]

    def reap(self) -> None:
        """Put abandoned jobs again, whoever held them.

        Only on the heels of an answer: what is sent to a store that is stopped stays in its socket, and is done first
        thing when it goes on, long after we have given up waiting and before anybody could renew.
        """
        self._store.do(verbs.clock())
        heard, self._heard_at = self._heard_at, time.monotonic()
        if self._heard_at - heard > self._settings.lease_s * SILENCE:
            self._back_at = self._heard_at
        if self._heard_at - self._back_at < self._settings.lease_s:
            return
        lease_ms, pause_ms = int(self._settings.lease_s * 1000), int(self._settings.retry_pause_s * 1000)
        most = self._settings.max_interruptions
        for job in self._store.do(verbs.reap(lease_ms, MOST_REAPED, most, pause_ms, self._share())):
            self._tell(job)

    def _tell(self, job: Reaped) -> None:
        """A line for each: what was lost with which consumer."""
        self._figures.reaped += 1
        about = {"request_id": job.request_id, "trace_id": log.trace_id(job.traceparent), "task_id": job.task}
        about |= {"kind": job.kind, "owner": job.owner, "job": job.job, "from_consumer": job.consumer}
        counts = {"attempt": job.attempts, "interruptions": job.interruptions}
        self._log.warning("job.reaped", **about, **counts, consumer=self._consumer, outcome=job.outcome)

    def promote(self) -> None:
        """Put what is due."""
        if self._store.do(verbs.promote(MOST_PROMOTED, self._share())) >= MOST_PROMOTED:
            self._promote.soon()

    def forget(self) -> None:
        """Remove finished tasks that are due."""
        if self._store.do(verbs.forget(MOST_FORGOTTEN)) >= MOST_FORGOTTEN:
            self._forget.soon()

    def repair(self) -> None:
        """Put back what a hand in Redis or a failover took from the next page of live tasks."""
        ids = self._store.do(verbs.live(self._cursor, REPAIR_PAGE))
        self._cursor = ids[-1] if len(ids) >= REPAIR_PAGE else ""
        repaired = self._store.do(verbs.repair(ids, self._share())) if ids else 0
        if repaired:
            self._log.warning("jobs.repaired", jobs=repaired)
            self._recount.soon()

    def recount(self) -> None:
        """Count the shares again: what a hand took away may have been counted."""
        wrong = self._store.do(verbs.recount())
        if wrong:
            self._log.warning("shares.recounted", shares=wrong)

    def remove(self) -> None:
        """Remove the names of consumers that beat no more and hold nothing."""
        alive = {beat.name for beat in self._store.do(verbs.fleet())}
        gone = [name for name in self._store.do(verbs.names()) if name != self._consumer and name not in alive]
        for name in gone:
            if self._store.do(verbs.remove_consumer(name)) == "ok":
                self._log.info("consumer.removed", name=name)
