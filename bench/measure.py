"""What all benchmarks measure with: CPU seconds by process, memory, the machine's speed, percentiles."""

import os
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from msgspec import Struct


class Run(Struct, frozen=True):
    """`cpu` is seconds per 1,000 tasks, by who used them: store, parent, children, client."""

    per_s: float
    cpu: dict[str, float]

    def busy(self, who: str) -> float:
        """How much of one core they used."""
        return self.cpu[who] * self.per_s / 1000


class Meter:
    """CPU and time of groups of processes, from its making to `read`."""

    def __init__(self, groups: Mapping[str, Sequence[int]]) -> None:
        self._groups = groups
        self._cpu = self._now()
        self._begun = time.perf_counter()

    def read(self, tasks: int) -> Run:
        """What so many tasks took."""
        took_s = time.perf_counter() - self._begun
        cpu = {name: (now - self._cpu[name]) / tasks * 1000 for name, now in self._now().items()}
        return Run(tasks / took_s, cpu)

    def _now(self) -> dict[str, float]:
        return {name: sum(map(cpu_s, pids)) for name, pids in self._groups.items()}


def cpu_s(pid: int) -> float:
    """CPU seconds of a process so far, its ended threads included, by the kernel's clock of that process."""
    return time.clock_gettime((~pid << 3) | 2)  # what clock_getcpuclockid(3) answers on Linux


def wanted_s(pid: int) -> float:
    """Seconds in which a process has computed or has waited for a core; the rest of the time it has slept."""
    computed_ns, waited_ns, _ = Path(f"/proc/{pid}/schedstat").read_text().split()
    return (int(computed_ns) + int(waited_ns)) / 1e9


def tree(pid: int) -> list[int]:
    """A process and all that descend from it."""
    parents: dict[int, list[int]] = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                fields = Path(f"/proc/{entry}/stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue  # it has just ended
            parents.setdefault(int(fields[1]), []).append(int(entry))
    found = [pid]
    for one in found:  # grows while it is walked
        found += parents.get(one, [])
    return found


def pss_mb(pids: Sequence[int]) -> float:
    """Proportional memory of processes: a page that n of them share counts 1/n in each."""
    total_kb = 0
    for pid in pids:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
        total_kb += sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
    return total_kb / 1024


def loop_ms() -> float:
    """How long a fixed Python loop takes now, best of three: shared machines have more than one speed."""

    def once() -> float:
        begun, x = time.perf_counter(), 1
        for k in range(100_000):
            x = (x * 31 + k) & 0xFFFFFFFF
        return (time.perf_counter() - begun) * 1e3

    return min(once() for _ in range(3))


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least this share of all does not exceed."""
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]
