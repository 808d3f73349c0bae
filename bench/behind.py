"""What a backlog costs by its size alone: the writes of a run behind it, replayed without any script.

    a store with tasks that wait ──▶ a copy of its folder ────────────────────────▶ a second store with the same tasks
    a run of ours in the first ────▶ its append-only file ──the same commands─────▶ the writes alone, in the second

Nothing in the second knows how a task is led. So whatever a task takes there more than without a backlog is memory that
the processor has to fetch first, and the bound of what scripts could win back.
"""

import shutil
from pathlib import Path
from tempfile import TemporaryDirectory

from bench import backlog, fill
from bench.backlog import submit
from bench.floor import OURS, WARM, WRITES, replayed
from bench.measure import Meter
from bench.stage import Bare, consuming, directory, store, versions, written
from bench.table import REPETITIONS, Table
from pipeline import verbs

FEW, MANY = 100_000, 1_000_000
UNIT = "store CPU s / 1,000"


def measure(waiting: int = FEW, tasks: int = 20_000, repetitions: int = REPETITIONS) -> Table:
    """Measure in turns; the ratios are to no backlog."""
    title = f"What a backlog of {waiting:,} costs the store at the least: {tasks:,} tasks a turn"
    table = Table("behind", title, versions())
    for _ in table.turns(repetitions):
        for count in (0, waiting):
            add(table, count, tasks)
    for what in (OURS, WRITES):
        table.ratio(row(what, 0), row(what, waiting), UNIT)
    return table


def row(what: str, waiting: int) -> str:
    """`headrace, 1,000,000 waiting`."""
    return f"{what}, {backlog.name(waiting)}"


def add(table: Table, waiting: int, tasks: int) -> None:
    """A run of ours behind so many tasks, and its writes once more."""
    with TemporaryDirectory(prefix="headrace-bench-") as folder:
        copy = Path(folder) / "store"
        with store() as bare:
            bare.store.do(verbs.ready())
            submit(bare, 0, waiting + WARM)
            compact(bare)
            shutil.copytree(directory(bare), copy)
            with consuming(bare, children=2) as s:
                s.wait(WARM)
                warm, begun_at = len(written(s)), s.store.do(verbs.counts())["succeeded"]
                meter = Meter({"store": [s.pid]})
                submit(s, waiting + WARM, tasks)
                s.wait(begun_at + tasks)
                table.add(row(OURS, waiting), UNIT, meter.read(tasks).cpu["store"])
            text = written(bare)
        found = replayed(text, warm, tasks, "--dir", str(copy))
        table.add(row(WRITES, waiting), UNIT, found.cpu)
        table.add(row(WRITES, waiting), "bytes a task", (len(text) - warm) / found.tasks)


def compact(bare: Bare) -> None:
    """Rewrite the append-only file, so that it holds nothing but what is written from now on."""
    fill.settle(bare)
    bare.store.raw("BGREWRITEAOF")
    fill.settle(bare)
