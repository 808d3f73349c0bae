"""Throughput while many tasks wait: of 100 owners, at three priorities, so that every ring and every stream is long.

In every turn the same is measured: a client submits so many tasks more, and it is timed until as many have succeeded,
whichever these are. At 0 waiting they are all that is there; else those of the backlog are among them.
"""

from bench import fill
from bench.measure import Meter, Run
from bench.stage import Bare, consuming, store, versions
from bench.table import REPETITIONS, Table
from pipeline import verbs

OWNERS = 100
FEW = (0, 10_000, 100_000)
MANY = (*FEW, 1_000_000)
STEP = 10_000  # tasks that the client has in hand while it builds the backlog


def measure(waiting: tuple[int, ...] = FEW, tasks: int = 20_000, repetitions: int = REPETITIONS) -> Table:
    """Measure in turns, each backlog in a store of its own; the ratios are to the first."""
    title = f"Throughput with a backlog of {OWNERS} owners and three priorities, two children: {tasks:,} a turn"
    table = Table("backlog", title, versions())
    for _ in table.turns(repetitions):
        for count in waiting:
            run = headrace(count, tasks)
            table.add_run(name(count), run)
            table.add_busy(name(count), run)
    for count in waiting[1:]:
        table.ratio(name(count), name(waiting[0]), "tasks/s")
        table.ratio(name(count), name(waiting[0]), "CPU s / 1,000")
    return table


def name(waiting: int) -> str:
    """10,000 waiting."""
    return f"{waiting:,} waiting"


def headrace(waiting: int, tasks: int) -> Run:
    """One consumer with two children, warm, which starts when the backlog stands."""
    warm = min(tasks, 2_000)
    with store() as bare:
        bare.store.do(verbs.ready())
        submit(bare, 0, waiting + warm)
        fill.settle(bare)
        with consuming(bare, children=2) as s:
            s.wait(warm)
            begun_at = s.store.do(verbs.counts())["succeeded"]
            meter = Meter(s.groups())
            submit(bare, waiting + warm, tasks)
            s.wait(begun_at + tasks)
            run = meter.read(tasks)
            found = s.store.do(verbs.counts())
        if found["queued"] + found["running"] + found["succeeded"] != waiting + warm + tasks:
            raise RuntimeError(f"not all of {waiting + warm + tasks:,} tasks are there: {found}")
        return run


def submit(bare: Bare, first: int, count: int) -> None:
    """So many tasks of all owners and priorities; `first` of them were submitted before."""
    for at in range(first, first + count, STEP):
        new = fill.mixed(bare, min(STEP, first + count - at), OWNERS, at)
        fill.submit(bare, new, bare.settings.share)
