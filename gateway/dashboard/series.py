"""The minutes: counters and histograms by kind, as series and as the figures that stand above them.

A minute that is over does not change, so it is read once and kept. Histogram buckets are 12 % wide: every time that is
made from them is an approximation.
"""

import asyncio
import math
from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC, datetime

from msgspec import Struct

from gateway.answers import time_text
from pipeline import verbs
from pipeline.async_store import PATIENCE_S, AsyncStore
from pipeline.pulse import quantile

A_CALL = 60  # minutes that one call to the store reads
MOST_MINUTES = 1_440  # how far back it can be looked
MOST_POINTS = 120  # more minutes than this are joined
ENDS = ("succeeded", "failed", "cancelled")
COUNTERS = ("submitted", *ENDS, "retried", "reaped", "lost")
HISTOGRAMS = ("waited", "ran")

Minute = dict[str, dict[str, int]]  # kind → counter, or histogram and bucket → n


class Times(Struct, frozen=True):
    """Quantiles in ms, and of how many; null of none."""

    p50: float | None
    p95: float | None
    n: int


class KindMinute(Struct, frozen=True, kw_only=True):
    """What happened to tasks of a kind: counts, and how long they waited and ran (bucket → n: 1.12^bucket ms)."""

    submitted: int
    succeeded: int
    failed: int
    cancelled: int
    retried: int
    reaped: int
    lost: int
    waited: dict[int, int]
    ran: dict[int, int]


class Step(Struct, frozen=True):
    """A stretch of a series, from `at` on."""

    at: str
    kinds: dict[str, KindMinute]


class Series(Struct, frozen=True):
    """Steps of `step_s` seconds, the oldest first; a stretch in which nothing happened is left out. `until` is now."""

    step_s: int
    since: str
    until: str
    steps: list[Step]


class Minutes:
    """The minutes of a store, those that are over from memory."""

    def __init__(self, store: AsyncStore) -> None:
        self._store = store
        self._over: dict[int, Minute] = {}

    async def last(self, count: int, now_ms: int, patience_s: float = PATIENCE_S) -> dict[int, Minute]:
        """Minute since 1970 → what happened in it, for the last `count` of them; empty ones are left out."""
        newest = now_ms // 60_000
        missing = [n for n in range(2, count) if newest - n not in self._over]
        reach = missing[-1] + 1 if missing else min(2, count)  # the one before may just have ended: it is read again
        read = await self._read(reach, patience_s)
        self._over |= {newest - n: read.get(newest - n, {}) for n in range(2, reach)}
        for minute in [minute for minute in self._over if not newest - MOST_MINUTES <= minute < newest - 1]:
            del self._over[minute]
        return self.kept(count, read, now_ms)

    def kept(self, count: int, fresh: dict[int, Minute], now_ms: int) -> dict[int, Minute]:
        """The same from memory, with those that were read just now."""
        oldest = now_ms // 60_000 - count + 1
        known = {**self._over, **fresh}
        return {minute: known[minute] for minute in sorted(known) if minute >= oldest and known[minute]}

    def all_known(self, count: int, now_ms: int) -> bool:
        """Whether only the running minute and the one before would have to be read."""
        newest = now_ms // 60_000
        return all(newest - n in self._over for n in range(2, count))

    async def _read(self, count: int, patience_s: float) -> dict[int, Minute]:
        calls = [verbs.minutes(min(A_CALL, count - first), first) for first in range(0, count, A_CALL)]
        replies = await asyncio.gather(*(self._store.do(call, patience_s) for call in calls))
        return {_number(name): _by_kind(fields) for reply in replies for name, fields in reply.items()}


def series(minutes: dict[int, Minute], count: int, now_ms: int) -> Series:
    """The minutes as a series of at most MOST_POINTS steps."""
    width = math.ceil(count / MOST_POINTS)
    newest = now_ms // 60_000
    steps: dict[int, list[Minute]] = defaultdict(list)
    for minute, counted in minutes.items():
        steps[minute // width * width].append(counted)
    told = [Step(time_text(at * 60_000), _kinds(some)) for at, some in sorted(steps.items())]
    return Series(60 * width, time_text((newest - count + 1) * 60_000), time_text(now_ms), told)


def times(minutes: Iterable[Minute], histogram: str) -> Times:
    """The quantiles of all kinds together."""
    buckets: dict[int, int] = defaultdict(int)
    for minute in minutes:
        for counted in minute.values():
            _add(buckets, counted, histogram)
    n = sum(buckets.values())
    return Times(quantile(buckets, 0.5), quantile(buckets, 0.95), n)


def total(minutes: Iterable[Minute], *counters: str) -> int:
    """The sum of some counters over all kinds."""
    return sum(kind.get(counter, 0) for minute in minutes for kind in minute.values() for counter in counters)


def ended(minute: Minute) -> dict[str, int]:
    """Kind → tasks that ended."""
    return {kind: n for kind, counted in minute.items() if (n := sum(counted.get(end, 0) for end in ENDS))}


# ── pieces ──


def _number(name: str) -> int:
    return int(datetime.strptime(name, "%Y%m%d%H%M").replace(tzinfo=UTC).timestamp()) // 60


def _by_kind(fields: dict[str, int]) -> Minute:
    found: Minute = defaultdict(dict)
    for field, n in fields.items():
        kind, _, counter = field.partition(":")
        found[kind][counter] = n
    return dict(found)


def _kinds(minutes: list[Minute]) -> dict[str, KindMinute]:
    kinds = sorted({kind for minute in minutes for kind in minute})
    return {kind: _joined([minute[kind] for minute in minutes if kind in minute]) for kind in kinds}


def _joined(counted: list[dict[str, int]]) -> KindMinute:
    sums = {counter: sum(each.get(counter, 0) for each in counted) for counter in COUNTERS}
    histograms: dict[str, dict[int, int]] = {name: defaultdict(int) for name in HISTOGRAMS}
    for each in counted:
        for name, buckets in histograms.items():
            _add(buckets, each, name)
    return KindMinute(**sums, **{name: dict(sorted(buckets.items())) for name, buckets in histograms.items()})  # type: ignore[arg-type]


def _add(buckets: dict[int, int], counted: dict[str, int], histogram: str) -> None:
    for field, n in counted.items():
        name, colon, bucket = field.partition(":")
        if colon and name == histogram:
            buckets[int(bucket)] += n
