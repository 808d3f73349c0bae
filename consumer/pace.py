"""How many jobs to take at a time, in which order of priorities, and how many one child may have.

A child gets one job, and a parent takes as many as it has free children (I7): a job that waits in the hands of a
busy consumer is stolen from an idle one. Except where jobs are so small that carrying them costs more than
doing them: kinds that have *proved* tiny are bundled, about 2 ms of work to a bundle, and a child
has at most two bundles, one that it works on and one that is ready.

Between the two are kinds that have proved short, up to 80 ms: there the way to the store and back, a millisecond
in which the child stands idle, costs some hundredths. So for each child such jobs are ready behind the one that it
does, up to 160 ms of work: one in its own hands, the others in its parent's (ready.py). They are asked for only along
with an outcome: what is left then has been left by all who are idle. And never more than an eighth of what stands in
the streams: what is left of a task is for the whole fleet.

A round trip costs both ends what a dozen outcomes cost. So while more is there to be taken and every child has
something to do, an outcome waits for company, among short jobs not quite as long as the children have jobs ready: who
has answered since the last round trip does one of these, and is not done with them before the next. What came of a
high job waits for nobody.
"""

from collections.abc import Sequence

from pipeline.keys import PRIORITIES
from pipeline.record import Job

BUNDLE_S = 0.002
MOST_A_BUNDLE = 64
BUNDLES = 2
SHORT_S = 0.08
# Of short jobs at most so much work, and so many, are ready behind the one that a child does; and of what stands in
# the streams a parent takes at most one in so many beyond those for which a child is free.
READY_S = 0.16
MOST_READY = 8
STANDING = 8
# The time between two round trips: among short jobs this share of what those that are ready take, among tiny ones so
# much.
COMPANY = 0.9
LINGER_S = 0.001
# How far one measurement moves the estimate, and how far at most: on a busy machine a job of 20 µs that is
# preempted seems to take 4 ms, and one such must not end the bundling. A few in a row do.
WEIGHT = 0.2
MOST_RISE = 10.0
# Of so many takes that bring something, one asks for low first and one for medium first. So a job at the head of the
# low (medium) stream waits, in each consumer, for at most seven takes, whatever else is waiting.
ROUND = 8
# After a job that is not tiny (not short) so many takes must bring nothing but tiny (short) ones before it reads ahead
# again: where kinds are mixed, what the last take brought says little of the next.
SURE = 16


def is_urgent(job: Job) -> bool:
    """Whether somebody waits for it more than others: its priority is high. (A token begins with its place.)"""
    return job.token.startswith(PRIORITIES[0])


class Pace:
    """What was learnt of each kind and step, and what the last take brought."""

    def __init__(self) -> None:
        self.ahead = 1  # jobs a bundle that the next take plans with
        self.ready = 0  # short jobs behind the one that a child does, where it tells outcomes too
        self.spare = 0  # and how many of these for all children together
        self.company_s = 0.0  # how long an outcome waits for company, for each job that is ready behind each child
        self._seconds: dict[tuple[str, str], float] = {}
        self._takes = 1
        self._tiny_takes = 0  # in a row
        self._short_takes = 0

    def learn(self, job: Job, seconds: float) -> None:
        """Note how long a job took in the child."""
        key = (job.kind, job.step)
        known = self._seconds.get(key)
        if known is None:
            self._seconds[key] = seconds
        else:
            self._seconds[key] = known + WEIGHT * (min(seconds, MOST_RISE * known + 1e-6) - known)

    def outlasted(self, job: Job, seconds: float) -> None:
        """Note that a job had not ended after so long. A child that is killed at once says nothing of its kind."""
        if seconds > max(BUNDLE_S, self._seconds.get((job.kind, job.step), 0.0)):
            self.learn(job, seconds)

    def bundle(self, job: Job) -> int:
        """How many jobs like this one to a bundle; 1 where the kind has not proved tiny."""
        seconds = self._seconds.get((job.kind, job.step))
        return 1 if seconds is None else max(1, min(MOST_A_BUNDLE, int(BUNDLE_S / max(seconds, 1e-6))))

    def most_ready(self, job: Job) -> int:
        """How many jobs like this one may be ready for each child behind the one that it does."""
        return min(MOST_READY, int(READY_S / max(self._took_s(job), 1e-6))) if self.is_short(job) else 0

    def is_short(self, job: Job) -> bool:
        """Whether the kind has proved short (or tiny)."""
        return self._took_s(job) < SHORT_S

    def _took_s(self, job: Job) -> float:
        """How long a child takes for jobs like this one; of a kind that was not measured yet: too long."""
        return self._seconds.get((job.kind, job.step), SHORT_S)

    def order(self) -> tuple[str, ...]:
        """The priorities in the order in which the next take reads them."""
        first = {0: "low", ROUND // 2: "medium"}.get(self._takes % ROUND, "high")
        return (first, *(priority for priority in PRIORITIES if priority != first))

    def took(self, jobs: Sequence[Job], standing: int) -> None:
        """Note what a take brought, and how many stood in the streams before: read ahead while all is of kinds that
        have proved short or tiny, and carefully."""
        if not jobs:
            return
        self._takes += 1
        smallest = min(map(self.bundle, jobs))
        self._tiny_takes = self._tiny_takes + 1 if smallest > 1 else 0
        self.ahead = min(smallest, 2 * self.ahead) if self._tiny_takes >= SURE else 1
        self._short_takes = self._short_takes + 1 if all(map(self.is_short, jobs)) else 0
        sure = self._short_takes >= SURE
        self.ready = min(map(self.most_ready, jobs)) if sure else 0
        self.spare = standing // STANDING
        self.company_s = COMPANY * min(map(self._took_s, jobs)) if sure else 0.0
