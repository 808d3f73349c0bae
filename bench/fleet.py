"""Do-nothing tasks through the store with more children and more consumers: what one more process gives, or costs."""

from bench.stage import versions
from bench.table import REPETITIONS, Table
from bench.throughput import headrace

CONSUMERS, CHILDREN = (1, 3), (2, 4)


def measure(tasks: int = 20_000, repetitions: int = REPETITIONS) -> Table:
    """Measure in turns; the ratios are to the smallest fleet."""
    table = Table("fleet", f"Do-nothing tasks end to end by consumers × children: {tasks:,} a turn", versions())
    fleets = {name(n, children): (n, children) for n in CONSUMERS for children in CHILDREN}
    for _ in table.turns(repetitions):
        for what, (consumers, children) in fleets.items():
            run = headrace(tasks, children, consumers)
            table.add_run(what, run)
            table.add_busy(what, run)
    smallest, *larger = fleets
    for what in larger:
        table.ratio(what, smallest, "tasks/s")
        table.ratio(what, smallest, "CPU s / 1,000")
    for what in fleets:
        table.note_limit(what)
    return table


def name(consumers: int, children: int) -> str:
    """3 × 4 children."""
    return f"{consumers} × {children} children"
