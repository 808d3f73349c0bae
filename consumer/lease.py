"""The renewing of leases.

A job is held from the reply of `take` until the store has been told what came of it. The parent renews what it
holds whatever its children do (I13). A job that turns out not to be ours any more costs the child that works on it.
"""

from collections import Counter

from consumer.figures import Figures
from consumer.outcome import lines
from consumer.pool import Pool
from consumer.timers import Timer
from pipeline import log, verbs
from pipeline.settings import Settings
from pipeline.store import Store
from pipeline.verbs import MOST_A_CALL

# Three times in the length of a lease, and at least each second: the answer is also how a parent learns that a task
# was cancelled, and its children are to stop within two seconds of that.
RENEWALS = 3
SELDOM_S = 1.0


class Lease:
    """`timers` is what the parent's loop runs; `lost` counts, kind by kind, what turned out not to be ours."""

    def __init__(
        self, store: Store, consumer: str, settings: Settings, pool: Pool, lost: Counter[str], figures: Figures
    ) -> None:
        self._store = store
        self._lost = lost
        self._figures = figures
        self._consumer = consumer
        self._pool = pool
        self._log = log.get()
        self._renew = Timer(min(settings.lease_s / RENEWALS, SELDOM_S), self.renew)
        self.timers = [self._renew]

    def renew(self) -> None:
        """Renew all that is held; kill the children of what is lost."""
        if self._renew.late_ms > self._renew.period_s * 1000:
            self._log.warning("lease.late", delay_ms=round(self._renew.late_ms))
        tokens = self._pool.tokens()
        pages = [tokens[at : at + MOST_A_CALL] for at in range(0, len(tokens), MOST_A_CALL)]
        for lost in self._store.do_all([verbs.renew(self._consumer, page) for page in pages]) if pages else []:
            given_up = list(filter(None, map(self._pool.lose, lost)))
            self._lost.update(outcome.job.kind for outcome in given_up)
            told = lines(given_up, ["lost"] * len(given_up), self._consumer)
            self._figures.told(told)
            log.write_lines(told)
