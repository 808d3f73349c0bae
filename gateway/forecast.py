"""What is foretold of a task when it is accepted: how many wait before it, how long it will wait, how long it will run.

Only from what was measured, with the size of the sample; what nothing is known of is null. The record keeps it, so that
it stands beside what came.

    wait_s     tasks that wait now / tasks that ended per second in the last minutes
    run_s      the median time from start to end of this kind's tasks in the last minutes (a bucket is 12 % wide)
    run_error  how far such run_s were from what came: the median of |came / foretold - 1|, in the last minutes
"""

import math
from collections import defaultdict
from collections.abc import Mapping

import msgspec
from msgspec import Struct

from pipeline.pulse import BUCKET

MINUTES = 10  # how far back the run times are looked at
_encode = msgspec.json.Encoder().encode


class Run(Struct, frozen=True):
    """How long the tasks of a kind ran: the median, and of how many; the median error of what was foretold of it."""

    median_s: float
    sample: int
    error: float | None = None


class Forecast(Struct, frozen=True):
    """`cpu_s` is what the kind itself says of these data; the others are measured. Null: nothing is known."""

    position: int
    wait_s: float | None
    run_s: float | None
    sample: int
    cpu_s: float
    run_error: float | None = None

    @property
    def text(self) -> str:
        """As the record keeps it."""
        return _encode(self).decode()


def runs(minutes: dict[str, dict[str, int]]) -> dict[str, Run]:
    """Kind → how long its tasks ran, from the histograms `<kind>:ran:<bucket>`, and `<kind>:off:<bucket>` of the share
    that this was of what had been foretold."""
    ran, off = _counted(minutes, ":ran:"), _counted(minutes, ":off:")
    return {kind: _run(counted, off.get(kind, {})) for kind, counted in ran.items()}


def of(kind: str, cpu_s: float, waiting: int, drained: float, known: dict[str, Run]) -> Forecast:
    """The forecast of a task of this kind, behind so many that wait."""
    run = known.get(kind)
    wait_s = 0.0 if not waiting else round(waiting / drained, 1) if drained else None
    cpu_s = float(f"{cpu_s:.3g}")
    if run is None:
        return Forecast(waiting, wait_s, None, 0, cpu_s)
    return Forecast(waiting, wait_s, run.median_s, run.sample, cpu_s, run.error)


def _counted(minutes: dict[str, dict[str, int]], name: str) -> dict[str, dict[int, int]]:
    """Kind → bucket → how many, over all minutes."""
    buckets: dict[str, dict[int, int]] = defaultdict(lambda: defaultdict(int))
    for fields in minutes.values():
        for field, n in fields.items():
            kind, _, bucket = field.rpartition(name)
            if kind:
                buckets[kind][int(bucket)] += n
    return buckets


def _run(ran: dict[int, int], off: dict[int, int]) -> Run:
    median_s = _median({_middle(bucket) / 1000: n for bucket, n in ran.items()})
    errors: dict[float, int] = defaultdict(int)
    for bucket, n in off.items():
        errors[abs(_middle(bucket) - 1)] += n
    return Run(float(f"{median_s:.3g}"), sum(ran.values()), float(f"{_median(errors):.2g}") if errors else None)


def _middle(bucket: int) -> float:
    return math.pow(BUCKET, bucket + 0.5)


def _median(counted: Mapping[float, int]) -> float:
    """The smallest value that half of them do not exceed."""
    half, passed = sum(counted.values()) / 2, 0
    for value in sorted(counted):
        passed += counted[value]
        if passed >= half:
            return value
    raise ValueError("of nothing there is no median")
