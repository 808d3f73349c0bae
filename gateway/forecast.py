"""What is foretold of a task when it is accepted: how many wait before it, how long it will wait, how long it will run.

Only from what was measured, with the size of the sample; what nothing is known of is null. The record keeps it, so that
it stands beside what came.

    wait_s   tasks that wait now / tasks that ended per second in the last minutes
    run_s    the median time from start to end of this kind's tasks in the last minutes (a bucket is 12 % wide)
"""

import math
from collections import defaultdict

import msgspec
from msgspec import Struct

MINUTES = 10  # how far back the run times are looked at
BUCKET = 1.12  # of the histograms: bucket b counts from 1.12^b to 1.12^(b+1) ms
_encode = msgspec.json.Encoder().encode


class Run(Struct, frozen=True):
    """How long the tasks of a kind ran: the median, and of how many."""

    median_s: float
    sample: int


class Forecast(Struct, frozen=True):
    """`cpu_s` is what the kind itself says of these data; the others are measured. Null: nothing is known."""

    position: int
    wait_s: float | None
    run_s: float | None
    sample: int
    cpu_s: float

    @property
    def text(self) -> str:
        """As the record keeps it."""
        return _encode(self).decode()


def runs(minutes: dict[str, dict[str, int]]) -> dict[str, Run]:
    """Kind → how long its tasks ran, from the histograms `<kind>:ran:<bucket>`."""
    buckets: dict[str, dict[int, int]] = defaultdict(lambda: defaultdict(int))
    for fields in minutes.values():
        for field, n in fields.items():
            kind, _, bucket = field.rpartition(":ran:")
            if kind:
                buckets[kind][int(bucket)] += n
    return {kind: _median(counted) for kind, counted in buckets.items()}


def of(kind: str, cpu_s: float, waiting: int, drained: float, known: dict[str, Run]) -> Forecast:
    """The forecast of a task of this kind, behind so many that wait."""
    run = known.get(kind)
    wait_s = 0.0 if not waiting else round(waiting / drained, 1) if drained else None
    return Forecast(waiting, wait_s, run.median_s if run else None, run.sample if run else 0, float(f"{cpu_s:.3g}"))


def _median(counted: dict[int, int]) -> Run:
    sample = sum(counted.values())
    passed = 0
    for bucket in sorted(counted):
        passed += counted[bucket]
        if 2 * passed >= sample:
            break
    return Run(float(f"{math.pow(BUCKET, bucket + 0.5) / 1000:.3g}"), sample)
