"""What `make top` asks of the store each second, and what it makes of it."""

from collections import Counter, deque

from msgspec import Struct

from pipeline import verbs, views
from pipeline.pulse import Paths, is_lost, quantile
from pipeline.record import Beat, Queue, State
from pipeline.store import Store

MINUTES = 5  # of which waits are told
BUSY_S = 60  # of which the use of the processes is told
ENDS = ("succeeded", "failed", "cancelled")

Minutes = dict[str, dict[str, int]]  # minute → `<kind>:<counter>` → n


class Rates(Struct, frozen=True):
    """Tasks a second, between this look and the one before; paths by heartbeats."""

    submitted: float
    ended: float
    failed: float
    by_kind: dict[str, float]
    paths: float | None


class Look(Struct, frozen=True, kw_only=True):
    """One second. `used` is of the processes' time in the last minute, None without any; times are in ms."""

    at_ms: int
    states: dict[State, int]
    retrying: int
    queues: list[Queue]
    beats: list[Beat]
    rates: Rates
    wait_p95_ms: float | None
    used: float | None
    store_bytes: int

    @property
    def oldest_ms(self) -> int | None:
        """How long the job waits that has waited longest; None where none does."""
        since = [queue.oldest_at for queue in self.queues if queue.oldest_at is not None]
        return max(0, self.at_ms - min(since)) if since else None


class Looker:
    """Asks, and keeps what the next look is compared with."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._paths = Paths()
        self._used: deque[float] = deque(maxlen=BUSY_S)
        self._before: tuple[int, Minutes] | None = None

    def forget(self) -> None:
        """What comes next is compared with nothing: the store was away."""
        self._paths, self._before = Paths(), None
        self._used.clear()

    def look(self) -> Look:
        """All of it in two round trips. Raises StoreAway."""
        calls = (verbs.clock(), verbs.counts(), verbs.queues(), verbs.fleet(), verbs.minutes(MINUTES), views.retrying())
        now_ms, states, queues, beats, minutes, retrying = self._store.do_all(calls)
        memory = self._store.raw("INFO", "memory").decode()
        beats = [beat for beat in beats if not is_lost(beat, now_ms)]
        self._paths.note(beats, now_ms)
        processes = [child for beat in beats for child in beat.children]
        if processes:
            self._used.append(sum("task" in child for child in processes) / len(processes))
        rates = self._rates(now_ms, minutes)
        self._before = (now_ms, minutes)
        return Look(
            at_ms=now_ms,
            states=states,
            retrying=retrying,
            queues=queues,
            beats=sorted(beats, key=lambda beat: beat.name),
            rates=rates,
            wait_p95_ms=quantile(_waits(minutes), 0.95),
            used=sum(self._used) / len(self._used) if processes else None,
            store_bytes=_used_bytes(memory),
        )

    def _rates(self, now_ms: int, minutes: Minutes) -> Rates:
        """What was counted since the look before; that it has minutes which we no longer see changes nothing."""
        if self._before is None:
            return Rates(0.0, 0.0, 0.0, {}, self._paths.per_s())
        at_ms, seen = self._before
        seconds = max(1, now_ms - at_ms) / 1000
        counted: Counter[str] = Counter()
        kinds: Counter[str] = Counter()
        for minute, fields in minutes.items():
            for field, n in fields.items():
                kind, _, counter = field.partition(":")
                more = max(0, n - seen.get(minute, {}).get(field, 0))
                counted[counter] += more
                if counter in ENDS and more:
                    kinds[kind] += more
        by_kind = {kind: n / seconds for kind, n in kinds.most_common()}
        ended = sum(counted[end] for end in ENDS) / seconds
        return Rates(counted["submitted"] / seconds, ended, counted["failed"] / seconds, by_kind, self._paths.per_s())


def _waits(minutes: Minutes) -> Counter[int]:
    buckets: Counter[int] = Counter()
    for fields in minutes.values():
        for field, n in fields.items():
            _, _, rest = field.partition(":")
            name, _, bucket = rest.partition(":")
            if name == "waited":
                buckets[int(bucket)] += n
    return buckets


def _used_bytes(info: str) -> int:
    told = dict(line.split(":", 1) for line in info.splitlines() if ":" in line)
    return int(told.get("used_memory", 0))
