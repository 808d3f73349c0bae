"""The figures of the whole pipeline, for Prometheus: queues, tasks, consumers. One gateway at a time tells them.

    minutes, queues, heartbeats … in the store ──read when asked──▶ the elected gateway ──/metrics──▶ Prometheus

If each gateway told them they would be counted as often as there are gateways. The first that is asked is elected, for
as long as it is asked; should it go, another one is within two or three scrapes. Counters begin at 0 with each
election, as with any restart of a process: `rate` and `increase` know that.

What is counted, the scripts have counted already, minute by minute and kind by kind; here the differences are added up.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from functools import partial
from time import monotonic
from typing import NamedTuple

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric

from gateway.figures import cumulative
from pipeline import verbs
from pipeline.async_store import AsyncStore
from pipeline.record import FINAL, Beat, Queue, State

FIRST_TTL_S, LEAST_TTL_S, MOST_TTL_S = 40.0, 3.0, 200.0
SCRAPES = 2.5  # so many of them may be missed before another gateway is elected
MOST_MINUTES = 60  # that are made up for when nobody has asked for long
# Of the 12 % wide buckets that the scripts count in, every sixth bound: 2 ms, 3.9 ms, 7.7 ms … to a day.
STEP, LAST = 6, 162
BOUNDS = tuple(1.12**bucket / 1000 for bucket in range(STEP, LAST + 1, STEP))
Minutes = dict[str, dict[str, int]]


class Seen(NamedTuple):
    """What one look at the store has found."""

    queues: list[Queue]
    states: dict[State, int]
    beats: list[Beat]
    names: list[str]
    fullness: float
    dead: int
    audit_behind_ms: int
    now_ms: int


class Totals:
    """Sums of the counters of the minutes, from the first look on."""

    def __init__(self) -> None:
        self.counted: Counter[str] = Counter()
        self._seen: Minutes = {}
        self._since = ""  # the minute before the last look: what is older was looked at when it was over

    def add(self, minutes: Minutes, now_ms: int) -> None:
        """Add what has been counted since the last look, by the last two minutes of then and all that came after. At
        the first look nothing is: who counted that told it, or nobody asked."""
        for minute, fields in minutes.items():
            if self._since and minute >= self._since:
                before = self._seen.get(minute, {})
                for field, n in fields.items():
                    self.counted[field] += max(0, n - before.get(field, 0))
        self._seen = minutes
        self._since = f"{datetime.fromtimestamp(now_ms / 1000 - 60, UTC):%Y%m%d%H%M}"


class Exporter:
    """One a gateway; silent while another one is elected."""

    def __init__(self, store: AsyncStore, me: str) -> None:
        self._store = store
        self._me = me
        self._totals = Totals()
        self._asked_at = self._looked_at = 0.0
        self._elected = False

    async def metrics(self, kinds: Sequence[str]) -> list[Metric]:
        """The families of metrics; none when another gateway tells them. Raises StoreAway."""
        elected = await self._store.do(verbs.elect(self._me, int(self._ttl_s() * 1000)), patience_s=0)
        if not elected:
            self._elected = False
            return [_exporter(0)]
        if not self._elected:
            self._totals, self._looked_at = Totals(), monotonic()
        seen = await self._look()
        self._elected = True
        return [_exporter(1), *_queues(seen), *_workers(seen), *_jobs(seen.beats), *_tasks(self._totals.counted, kinds)]

    async def resign(self) -> None:
        """Let another gateway tell them. Raises StoreAway."""
        if self._elected:
            await self._store.do(verbs.elect(self._me, 0), patience_s=0)

    def _ttl_s(self) -> float:
        now = monotonic()
        asked_at, self._asked_at = self._asked_at, now
        return min(MOST_TTL_S, max(LEAST_TTL_S, SCRAPES * (now - asked_at))) if asked_at else FIRST_TTL_S

    async def _look(self) -> Seen:
        do = self._store.do
        missed = int((monotonic() - self._looked_at) / 60) + 2
        minutes, now_ms = await do(verbs.minutes(min(missed, MOST_MINUTES))), await do(verbs.clock())
        self._totals.add(minutes, now_ms)
        self._looked_at = monotonic()
        dead, behind_ms = await do(verbs.figures())
        return Seen(
            queues=await do(verbs.queues()),
            states=await do(verbs.counts()),
            beats=await do(verbs.fleet()),
            names=await do(verbs.names()),
            fullness=await do(verbs.fullness()),
            dead=dead,
            audit_behind_ms=behind_ms,
            now_ms=now_ms,
        )


# ── as Prometheus wants them ──


def _exporter(value: int) -> Metric:
    return GaugeMetricFamily(
        "headrace_exporter", "1: this gateway tells the figures of the whole pipeline.", value=value
    )


def _family(
    sort: type[GaugeMetricFamily | CounterMetricFamily],
    name: str,
    said: str,
    labels: Sequence[str],
    values: Iterable[tuple[tuple[str, ...], float]],
) -> Metric:
    family = sort(name, said, labels=labels)
    for names, value in values:
        family.add_metric(names, value)
    return family


_gauge, _counter = partial(_family, GaugeMetricFamily), partial(_family, CounterMetricFamily)


def _queues(seen: Seen) -> Iterator[Metric]:
    queues, of = seen.queues, ("queue",)
    waits = "Jobs on the streams of a priority that nobody holds."
    yield _gauge("headrace_queue_waiting", waits, of, (((q.priority,), q.waiting) for q in queues))
    yield _gauge("headrace_queue_running", "Jobs that are held.", of, (((q.priority,), q.held) for q in queues))
    ages = ((q, 0 if q.oldest_at is None else max(0, seen.now_ms - q.oldest_at) / 1000) for q in queues)
    oldest = "Age of the oldest job that waits; 0: none does."
    yield _gauge("headrace_queue_oldest_age_seconds", oldest, of, (((q.priority,), age) for q, age in ages))
    paused = (((q.priority,), q.paused is not None) for q in queues)
    yield _gauge("headrace_queue_paused", "1: nothing of this priority is taken.", of, paused)
    states = (((state,), n) for state, n in seen.states.items())
    yield _gauge("headrace_tasks", "Tasks whose record is kept, by state.", ("state",), states)
    yield _gauge("headrace_dead_letters", "Dead letters that nobody has dealt with.", (), [((), seen.dead)])
    full = "Used memory of the store, of what it may use; 0: it has no limit."
    yield _gauge("headrace_store_fullness_ratio", full, (), [((), seen.fullness)])
    if seen.audit_behind_ms >= 0:
        behind = "How far the audit is behind the newest event."
        yield _gauge("headrace_audit_behind_seconds", behind, (), [((), seen.audit_behind_ms / 1000)])


def _workers(seen: Seen) -> Iterator[Metric]:
    beats = seen.beats
    busy = sum(any("job" in child for child in beat.children) for beat in beats)
    silent = len({*seen.names} - {beat.name for beat in beats})
    states = [(("busy",), busy), (("idle",), len(beats) - busy), (("silent",), silent)]
    said = "Consumers by state; silent: its name is known, but it beats no more."
    yield _gauge("headrace_workers", said, ("state",), states)
    children = Counter("busy" if "job" in child else "idle" for beat in beats for child in beat.children)
    yield _gauge(
        "headrace_children", "Processes that compute.", ("state",), [((s,), children[s]) for s in ("busy", "idle")]
    )
    of = ("worker",)
    ages = (((b.name,), max(0, seen.now_ms - b.beat_at) / 1000) for b in beats)
    yield _gauge("headrace_worker_heartbeat_age_seconds", "Since its last heartbeat.", of, ages)
    yield _gauge(
        "headrace_worker_info", "Its version.", ("worker", "version"), (((b.name, b.version), 1) for b in beats)
    )
    each = [((b.name, str(n)), child) for b in beats for n, child in enumerate(b.children)]
    each_child = ("worker", "child")
    cpu = ((names, child.get("cpu_s", 0.0)) for names, child in each)
    yield _gauge("headrace_child_cpu_seconds", "CPU time of a child since it was forked.", each_child, cpu)
    rss = ((names, child.get("rss_bytes", 0)) for names, child in each)
    yield _gauge("headrace_child_resident_memory_bytes", "Memory of a child.", each_child, rss)


def _jobs(beats: list[Beat]) -> Iterator[Metric]:
    """Counters of each consumer since its start, from its heartbeat."""
    told = [(beat.name, *row) for beat in beats for row in beat.figures.jobs]
    of = ("worker", "kind", "outcome")
    rows = [((name, kind, outcome), n, ran_s, cpu_s) for name, kind, outcome, n, ran_s, cpu_s in told]
    yield _counter("headrace_jobs", "Jobs by what came of them.", of, ((names, n) for names, n, _, _ in rows))
    spent = "Seconds in children."
    yield _counter("headrace_job_run_seconds", spent, of, ((names, ran_s) for names, _, ran_s, _ in rows))
    spent = "Seconds of CPU, of jobs whose child answered."
    yield _counter("headrace_job_cpu_seconds", spent, of, ((names, cpu_s) for names, _, _, cpu_s in rows))
    told_paths = [((b.name, kind), n) for b in beats for kind, n in b.figures.paths.items()]
    said = "Paths and scenarios that were simulated."
    yield _counter("headrace_simulated_paths", said, ("worker", "kind"), told_paths)
    ends = [((b.name, why), n) for b in beats for why, n in b.figures.ended.items()]
    yield _counter("headrace_child_restarts", "Children that ended, and why.", ("worker", "reason"), ends)
    absences = (((b.name,), b.figures.absences) for b in beats)
    yield _counter("headrace_worker_store_absences", "Times that the store was away.", ("worker",), absences)


def _tasks(counted: Counter[str], kinds: Sequence[str]) -> Iterator[Metric]:
    of = ("kind",)
    # A kind of which nothing is known yet stands there with 0: else its first tasks would be no increase.
    named = sorted({*kinds, *(field.partition(":")[0] for field in counted)})
    submitted = (((kind,), counted[f"{kind}:submitted"]) for kind in named)
    yield _counter("headrace_tasks_submitted", "Tasks that were accepted.", of, submitted)
    finished = (((kind, state), counted[f"{kind}:{state}"]) for kind in named for state in sorted(FINAL))
    yield _counter("headrace_tasks_finished", "Tasks that have ended.", ("kind", "outcome"), finished)
    retried = (((kind,), counted[f"{kind}:retried"]) for kind in named)
    yield _counter("headrace_retried", "Jobs that are tried again after a death or a time limit.", of, retried)
    reaped = (((kind,), counted[f"{kind}:reaped"]) for kind in named)
    yield _counter("headrace_reclaimed", "Jobs that were taken from consumers that went away.", of, reaped)
    lost = (((kind,), counted[f"{kind}:lost"]) for kind in named)
    yield _counter("headrace_lost", "Outcomes that came too late and changed nothing.", of, lost)
    for name, what, said in (
        ("headrace_task_wait_seconds", "waited", "From submission to the start of the first job."),
        ("headrace_task_run_seconds", "ran", "From the start of the first job to the end."),
    ):
        family = HistogramMetricFamily(name, said, labels=of)
        found, nothing = _histograms(counted, what), [0] * (len(BOUNDS) + 1)
        for kind in named:
            family.add_metric((kind,), cumulative(BOUNDS, found.get(kind, nothing)), None)
        yield family


def _histograms(counted: Counter[str], what: str) -> dict[str, list[int]]:
    """Kind → how many tasks lie between two of our bounds, each of which is a bound of the scripts' buckets."""
    found: dict[str, list[int]] = {}
    for field, n in counted.items():
        kind, _, rest = field.partition(":")
        name, _, bucket = rest.partition(":")
        if name == what:
            buckets = found.setdefault(kind, [0] * (len(BOUNDS) + 1))
            buckets[min(int(bucket) // STEP, len(BOUNDS))] += n
    return found
