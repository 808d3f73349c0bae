"""What heartbeats and the counters of the minutes say of now, for everybody who shows it: the dashboard, `make top`."""

import math
from collections import deque
from collections.abc import Iterable, Mapping

from pipeline.record import Beat

QUIET_MS = 6_000  # three beats: who was silent for so long is lost
RATE_MS = 10_000  # a pace is the mean of so long
BUCKET = 1.12  # of the histograms: bucket b counts from 1.12^b to 1.12^(b+1) ms


def is_lost(beat: Beat, now_ms: int) -> bool:
    """Whether a consumer whose heartbeat still stands has gone quiet."""
    return now_ms - beat.beat_at >= QUIET_MS


def quantile(buckets: Mapping[int, int], part: float) -> float | None:
    """The time in ms that this part of all does not exceed, to the width of a bucket; None of none."""
    passed, n = 0, sum(buckets.values())
    for bucket in sorted(buckets):
        passed += buckets[bucket]
        if passed >= part * n:
            return float(f"{math.pow(BUCKET, bucket + 0.5):.3g}")
    return None


class Paths:
    """Paths and scenarios that each consumer has simulated since its start, by its heartbeats of the last seconds."""

    def __init__(self) -> None:
        self._told: dict[str, deque[tuple[int, int]]] = {}  # consumer → when it beat, and how many by then

    def note(self, beats: Iterable[Beat], now_ms: int) -> None:
        """The fleet as it is now. Who is lost counts no more."""
        told = {}
        for beat in beats:
            if not is_lost(beat, now_ms):
                told[beat.name] = self._told.get(beat.name, deque())
                _add(told[beat.name], beat.beat_at, paths_of(beat))
        self._told = told

    def per_s(self) -> float | None:
        """Of all consumers together; None until one of them has beaten twice."""
        ends = [(beats[0], beats[-1]) for beats in self._told.values() if len(beats) > 1]
        if not ends and self._told:
            return None
        return round(sum((n - before) / (at - since) * 1000 for (since, before), (at, n) in ends), 1)


def paths_of(beat: Beat) -> int:
    """So many its children have simulated since it started; 0 where it says nothing that can be read."""
    return sum(beat.figures.paths.values())


def _add(beats: deque[tuple[int, int]], at: int, n: int) -> None:
    if beats and at <= beats[-1][0]:
        return
    if beats and n < beats[-1][1]:
        beats.clear()  # it counts from 0 again
    beats.append((at, n))
    while len(beats) > 2 and beats[1][0] <= at - RATE_MS:
        beats.popleft()
