"""From `make up` to ready: it ends when the store, each gateway and each consumer has answered or done a job.

Everything that a plain `make up` starts, in a new folder and on ports of its own. The packages are installed already,
so it is `python -m deploy up` that is timed.
"""

from bench.live import live
from bench.stage import versions
from bench.table import Table


def measure(repetitions: int = 5) -> Table:
    """Start it, and stop it, so many times."""
    table = Table("up", "Time from make up to ready: 3 gateways, 3 consumers of 4 children, store, nginx", versions())
    for _ in table.turns(repetitions):
        with live(kinds="") as running:
            table.add("make up, until it is proved", "s", running.up_s)
    return table
