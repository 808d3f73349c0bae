"""A benchmark's table: each row has one value a repetition and is printed as median (minimum–maximum).

The machine's speed changes by the minute, so what is compared is measured in turns, and a ratio is taken within a turn.
"""

import os
import platform
import statistics
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
from msgspec import Struct

from bench.measure import Run, loop_ms
from pipeline import log

REPETITIONS = 3
SINGLE = ("store", "client")  # one process, most of it one thread
FULL = 0.85  # of one core: what waits for such a process waits for the core


class Row(Struct):
    """One line. `values` is one figure a repetition."""

    what: str
    unit: str
    values: list[float]

    def median(self) -> float:
        return statistics.median(self.values)

    def text(self) -> str:
        """Median (minimum–maximum)."""
        median = self.median()
        digits = 0 if median >= 200 else 1 if median >= 20 else 2 if median >= 1 else 3
        low, mid, high = (f"{value:,.{digits}f}" for value in (min(self.values), median, max(self.values)))
        return f"{mid} ({low}–{high})"


class Table(Struct):
    """What one benchmark found, as it is printed and as it goes into var/bench."""

    name: str
    title: str
    versions: dict[str, str]
    rows: list[Row] = []
    notes: list[str] = []
    begun_at: str = ""
    machine: str = ""

    def turns(self, repetitions: int) -> Iterator[int]:
        """The repetitions; before each the machine's speed is noted."""
        self.begin()
        for turn in range(repetitions):
            self.add("machine loop", "ms", loop_ms())
            yield turn

    def begin(self) -> None:
        """Note when and where."""
        self.begun_at = self.begun_at or log.timestamp()
        self.machine = f"{os.cpu_count()} cores, {platform.machine()}"

    def add(self, what: str, unit: str, value: float) -> None:
        """One more repetition of a row."""
        for row in self.rows:
            if (row.what, row.unit) == (what, unit):
                row.values.append(value)
                return
        self.rows.append(Row(what, unit, [value]))

    def add_run(self, what: str, run: Run) -> None:
        """The rows of a throughput, and who used how much CPU for it."""
        self.add(what, "tasks/s", run.per_s)
        self.add(what, "CPU s / 1,000", sum(run.cpu.values()))
        for group, used in run.cpu.items():
            self.add(f"  {what}: {group}", "CPU s / 1,000", used)

    def add_busy(self, what: str, run: Run) -> None:
        """How busy those were that are one process each, and so may be the limit."""
        for who in SINGLE:
            self.add(f"  {what}: {who} busy", "of one core", run.busy(who))

    def note_limit(self, what: str) -> None:
        """Say which of them was the limit."""
        shares = {who: self.row(f"  {what}: {who} busy", "of one core").median() for who in SINGLE}
        busiest = max(SINGLE, key=shares.__getitem__)
        said = ", ".join(f"{who} {shares[who]:.0%}" for who in SINGLE)
        limit = f"the {busiest} was the limit" if shares[busiest] >= FULL else "neither alone was the limit"
        self.notes.append(f"{what}: {limit} (busy for this much of one core: {said})")

    def row(self, what: str, unit: str) -> Row:
        """A row that is there."""
        return next(row for row in self.rows if (row.what, row.unit) == (what, unit))

    def ratio(self, above: str, below: str, unit: str, what: str = "") -> None:
        """A row with the ratio of two rows, turn by turn; `what` is a shorter name for it."""
        pairs = zip(self.row(above, unit).values, self.row(below, unit).values, strict=True)
        self.rows.append(Row(what or f"{above} / {below}", f"x {unit}", [a / b for a, b in pairs]))

    def print(self) -> None:
        """Print it for people."""
        print(f"\n{self.title}")
        print(f"  {self.begun_at}, {self.machine}; " + ", ".join(f"{name} {v}" for name, v in self.versions.items()))
        widest = max((len(row.what) for row in self.rows), default=0)
        for row in self.rows:
            print(f"  {row.what:<{widest}}  {row.unit:<16} {row.text()}")
        for note in self.notes:
            print(f"  {note}")

    def save(self, folder: Path) -> Path:
        """Write it as JSON."""
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{self.name}-{time.strftime('%Y%m%d-%H%M%S')}.json"
        path.write_bytes(msgspec.json.format(msgspec.json.encode(self)))
        return path
