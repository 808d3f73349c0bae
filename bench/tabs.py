"""What the dashboard costs: commands that the store gets and CPU, with no tab, one and fifty; and do-nothing tasks end
to end with fifty tabs open beside none. One consumer of two processes, two gateways, nginx; the tabs are a process.

A machine with two speeds moves a throughput by more than fifty tabs do. So short runs with and without them follow each
other many times, which of the two comes first by turns, and what counts is the median of the ratios within a pair.
"""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from bench.live import Live, live
from bench.measure import Meter, cpu_s
from bench.stage import follow, versions
from bench.table import Table
from deploy.stack import ROOT
from pipeline import verbs

TABS = (0, 1, 50)
PAIR = (TABS[0], TABS[-1])
WITHOUT, WITH = (f"{tabs} tabs" for tabs in PAIR)
PAIRS = 15
QUIET_S = 8.0
SERVE = ("gateway", "nginx", "store")


def measure(tasks: int = 10_000, pairs: int = PAIRS, quiet_s: float = QUIET_S) -> Table:
    """First while nothing is to be done, then while so many tasks are, in pairs."""
    title = f"The dashboard in so many tabs: idle, then {tasks:,} do-nothing tasks end to end, {pairs} times each"
    table = Table("tabs", title, versions())
    with live(consumers=1, gateways=2, children=2) as running:
        running.store.raw("CONFIG", "SET", "auto-aof-rewrite-percentage", "0")  # no second process of the store's
        work(running, min(tasks, 2_000))  # until the consumer has seen that these jobs are tiny
        for tabs in TABS:
            with listening(running.http, tabs):
                quiet(table, running, f"{tabs} tabs", quiet_s)
        for turn in table.turns(pairs):
            for tabs in PAIR if turn % 2 else PAIR[::-1]:
                with listening(running.http, tabs):
                    meter = Meter(running.groups())
                    work(running, tasks)
                    table.add_run(f"{tabs} tabs", meter.read(tasks))
    table.ratio(WITH, WITHOUT, "tasks/s")
    table.ratio(WITH, WITHOUT, "CPU s / 1,000")
    table.notes.append("each gateway that has a tab reads for all of its own: fifty tabs are at both, one is at one")
    return table


def quiet(table: Table, running: Live, name: str, seconds: float) -> None:
    """What is done while nothing is to be done."""
    groups = {group: pids for group, pids in running.groups().items() if group in SERVE}
    scripts, cpu = scripts_run(running), {group: sum(map(cpu_s, pids)) for group, pids in groups.items()}
    begun = time.perf_counter()
    time.sleep(seconds)
    took = time.perf_counter() - begun
    table.add(f"{name}, idle", "scripts/s", (scripts_run(running) - scripts) / took)
    for group, pids in groups.items():
        table.add(f"{name}, idle: {group}", "% of a core", 100 * (sum(map(cpu_s, pids)) - cpu[group]) / took)


def scripts_run(running: Live) -> int:
    """Scripts that the store has run so far: each verb is one."""
    lines = running.store.raw("INFO", "commandstats").decode().splitlines()
    (line,) = (line for line in lines if line.startswith("cmdstat_evalsha:"))
    return int(line.partition("calls=")[2].partition(",")[0])


def work(running: Live, tasks: int) -> None:
    """So many tasks, submitted to the store and waited for."""
    before = running.store.do(verbs.counts())["succeeded"]
    running.submit(tasks, "noop", b'{"value":7,"parts":1}')
    follow(lambda: running.store.do(verbs.counts())["succeeded"], before + tasks, 300)


@contextmanager
def listening(port: int, count: int) -> Iterator[None]:
    """So many tabs for the length of a block."""
    words = [sys.executable, "-m", "bench.tab", str(port), str(count)]
    with subprocess.Popen(words, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as tabs:
        try:
            if not tabs.stdout or tabs.stdout.readline() != b"listening\n":
                raise RuntimeError(f"{count} tabs were not told anything")
            yield
        finally:
            if tabs.stdin:
                tabs.stdin.close()  # then it ends by itself
