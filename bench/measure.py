"""What all benchmarks share: CPU seconds by process, memory, the machine's speed, tables."""

import os
import statistics
import time
from collections.abc import Sequence
from pathlib import Path

REPETITIONS = 3


def cpu_s(pid: int) -> float:
    """CPU seconds of all threads of a process so far."""
    total = 0
    for thread in Path(f"/proc/{pid}/task").iterdir():
        total += int((thread / "schedstat").read_text().split()[0])
    return total / 1e9


def children(pid: int) -> list[int]:
    """The processes that a process has started."""
    found = []
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                parent = Path(f"/proc/{entry}/stat").read_text().rpartition(")")[2].split()[1]
            except OSError:
                continue
            if int(parent) == pid:
                found.append(int(entry))
    return found


def pss_mb(pids: Sequence[int]) -> float:
    """Proportional memory of processes: what is shared counts once, divided among them."""
    total = 0
    for pid in pids:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
        total += sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
    return total / 1024


def loop_ms() -> float:
    """How long a fixed Python loop takes now: this machine has more than one speed."""

    def once() -> float:
        begun, x = time.perf_counter(), 1
        for k in range(100_000):
            x = (x * 31 + k) & 0xFFFFFFFF
        return (time.perf_counter() - begun) * 1e3

    return min(once() for _ in range(3))


def middle(values: Sequence[float], digits: int = 0) -> str:
    """Median (minimum–maximum)."""
    low, mid, high = (f"{value:,.{digits}f}" for value in (min(values), statistics.median(values), max(values)))
    return f"{mid} ({low}–{high})"


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that this share of all does not exceed."""
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]
