"""The bars of the worker Gantt for any stretch of the past, bounded: what stands too close is joined."""

from collections import defaultdict

from msgspec import Struct

from gateway.dashboard import frame
from gateway.dashboard.frame import Bar
from gateway.dashboard.known import Known
from pipeline.async_store import AsyncStore
from pipeline.verbs import fleet
from pipeline.views import Span, timeline

MOST_BARS = 5_000
MOST_JOBS = 10_000  # that are looked at for one answer
A_CALL = 1_000
LATER_MS = 60_000  # so long after the stretch it is looked for jobs that began within it
ROOMY = 1_000  # bars of a row that a screen can tell apart


class SpanList(Struct, frozen=True):
    """Bars, the oldest first, of jobs that ran between `since_ms` and `until_ms`. `merged` jobs share their bars.
    `from_ms`: what ended before it was not looked at, for there were too many jobs."""

    spans: list[Bar]
    merged: int
    since_ms: int
    until_ms: int
    from_ms: int


async def read(store: AsyncStore, known: Known, since_ms: int, until_ms: int, scope: str) -> tuple[list[Bar], int]:
    """The jobs of a stretch that `scope` may see, and from when on they are all of them."""
    cursor, found = str(until_ms + LATER_MS), list[Span]()
    while cursor and len(found) < MOST_JOBS:
        said = await store.do(timeline(cursor, str(since_ms), A_CALL, bare=True))
        cursor = said.cursor
        found += said.spans
    from_ms = int(cursor.strip("(").partition("-")[0]) if cursor else since_ms
    within = [span for span in found if span.from_ms <= until_ms]
    about = await known.of(store, (span.task for span in within))
    seen = [span for span in within if not scope or about[span.task][0] == scope]
    pids = frame.pids(await store.do(fleet()))
    return [frame.bar(span, pids, about[span.task][1]) for span in seen], from_ms


def joined(bars: list[Bar], width_ms: int, most: int = MOST_BARS) -> tuple[list[Bar], int]:
    """At most so many bars, or one a row where the rows are more, and how many jobs share one: on each row what is
    nearer than a screen shows is joined."""
    gap_ms = max(width_ms / ROOMY, 1.0)
    told = sorted(bars, key=lambda bar: bar.from_ms)
    rows = len({(bar.consumer, bar.child) for bar in bars})
    while len(told) > max(most, rows):
        told = _join(told, gap_ms)
        gap_ms *= 2
    return told, sum(bar.jobs for bar in told if bar.jobs > 1)


def _join(bars: list[Bar], gap_ms: float) -> list[Bar]:
    rows: dict[tuple[str, int], list[Bar]] = defaultdict(list)
    for bar in bars:
        row = rows[bar.consumer, bar.child]
        if row and bar.from_ms - row[-1].to_ms <= gap_ms:
            row[-1] = _both(row[-1], bar)
        else:
            row.append(bar)
    return sorted((bar for row in rows.values() for bar in row), key=lambda bar: bar.from_ms)


def _both(first: Bar, second: Bar) -> Bar:
    def same(one: str | None, other: str | None) -> str | None:
        return one if one == other else None

    outcome = first.outcome if first.outcome == second.outcome else "mixed"
    return Bar(
        first.consumer,
        first.child,
        second.pid,
        same(first.task_id, second.task_id),
        same(first.kind, second.kind),
        same(first.part, second.part),
        first.from_ms,
        max(first.to_ms, second.to_ms),
        outcome,
        first.jobs + second.jobs,
    )
