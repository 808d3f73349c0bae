"""How fast tasks end, paths are simulated, and how busy the processes are: over the last seconds."""

from collections import Counter, deque

from gateway.dashboard.frame import Rates
from gateway.dashboard.series import Minute, ended
from pipeline.pulse import RATE_MS, Paths
from pipeline.record import Beat

DRAIN_MS = 60_000
BUSY_MS = 60_000
FEW = 20  # with fewer that ended nobody can say how long the rest takes


class Pace:
    """Fed once a second with the last two minutes, the heartbeats and the processes that are busy."""

    def __init__(self) -> None:
        self._seen: dict[int, dict[str, int]] = {}  # minute → kind → ended, as of the last look
        self._ended: deque[tuple[int, Counter[str]]] = deque()  # when, and what had ended since the look before
        self._busy: deque[tuple[int, float]] = deque()
        self._began_ms = 0
        self._paths = Paths()

    def note(self, minutes: dict[int, Minute], beats: list[Beat], now_ms: int) -> None:
        """One look."""
        processes = [child for beat in beats for child in beat.children]
        self._paths.note(beats, now_ms)
        now = {minute: ended(counted) for minute, counted in minutes.items()}
        since: Counter[str] = Counter()
        for minute, kinds in now.items():
            before = self._seen.get(minute, {})
            for kind, n in kinds.items():
                since[kind] += max(0, n - before.get(kind, 0))
        if self._began_ms:
            self._ended.append((now_ms, since))
        else:
            self._began_ms = now_ms
        self._seen = now
        if processes:
            self._busy.append((now_ms, sum("task" in child for child in processes) / len(processes)))
        while self._ended and self._ended[0][0] <= now_ms - DRAIN_MS:
            self._ended.popleft()
        while self._busy and self._busy[0][0] <= now_ms - BUSY_MS:
            self._busy.popleft()

    def rates(self, now_ms: int) -> Rates:
        """Tasks that ended, and paths that were simulated, per second."""
        paths = self._paths.per_s()
        seconds = min(RATE_MS, now_ms - self._began_ms) / 1000
        if not self._ended or seconds <= 0:
            return Rates(None, {}, paths)
        kinds: Counter[str] = Counter()
        for at, since in self._ended:
            if at > now_ms - RATE_MS:
                kinds += since
        by_kind = {kind: round(n / seconds, 2) for kind, n in sorted(kinds.items())}
        return Rates(round(kinds.total() / seconds, 2), by_kind, paths)

    def utilisation(self) -> float | None:
        """Of the processes' time, what they were busy."""
        return round(sum(part for _, part in self._busy) / len(self._busy), 4) if self._busy else None

    def drain_s(self, waiting: int, now_ms: int) -> float | None:
        """How long what waits will take at the pace of the last minute; null where too few have ended to say."""
        if not waiting:
            return 0.0
        n = sum(since.total() for _, since in self._ended)
        seconds = min(DRAIN_MS, now_ms - self._began_ms) / 1000
        return round(waiting / (n / seconds), 1) if n >= FEW and seconds > 0 else None
