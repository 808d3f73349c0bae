"""One task of many parts over 1, 2 and 4 children, beside plain Python that does the same parts one after the other,
and beside two bare processes that do half each: what those lose is the machine's, other processes on its cores.

speed-up     plain Python's seconds over ours
efficiency   speed-up over the children, or over the cores where these are fewer: no child computes without a core
asleep       the part of the time in which a child neither computed nor waited for a core: what we lose, not the machine
"""

import json
import os
import time

from bench import spin as spinning
from bench.measure import wanted_s
from bench.stage import BACKLOG, follow, stage, versions
from bench.table import REPETITIONS, Table
from pipeline import verbs
from pipeline.record import FINAL, NewTask, Task
from tests.kinds import spin

PART_S = 0.05
CHILDREN, BARE = (1, 2, 4), 2
LIMIT_S = 300.0


def measure(parts: int = 200, repetitions: int = REPETITIONS) -> Table:
    """Measure in turns."""
    cores = os.cpu_count() or 1
    title = f"One task of {parts} parts of {PART_S * 1000:.0f} ms of CPU; {cores} cores"
    table = Table("parts", title, versions())
    for _ in table.turns(repetitions):
        plain_s = plain(parts)
        table.add("plain Python", "s", plain_s)
        bare_s = spinning.bare_s(parts, PART_S, BARE)
        table.add(f"{BARE} bare processes", "s", bare_s)
        table.add(f"{BARE} bare processes", "speed-up", plain_s / bare_s)
        for children in CHILDREN:
            took_s, asleep = headrace(parts, children)
            what = f"headrace, {children} {'child' if children == 1 else 'children'}"
            table.add(what, "s", took_s)
            table.add(what, "speed-up", plain_s / took_s)
            table.add(what, "efficiency", plain_s / took_s / min(children, cores))
            table.add(what, "asleep", asleep)
    table.ratio("headrace, 2 children", f"{BARE} bare processes", "speed-up")
    return table


def plain(parts: int) -> float:
    """The kind's own functions in a loop."""
    params = spin.Params(PART_S, parts)
    begun = time.perf_counter()
    spin.result(params, spin.reduce(params, None, [spin.run(params, part) for part in range(parts)]))
    return time.perf_counter() - begun


def headrace(parts: int, children: int) -> tuple[float, float]:
    """From the submission until its record has the result, and how much of it an average child slept."""
    with stage(children) as s:
        pids = s.groups()["children"]

        def run(count: int) -> tuple[float, float]:
            data = json.dumps({"seconds": PART_S, "parts": count}).encode()
            task: NewTask = s.task("spin", data, count)
            before, begun = sum(map(wanted_s, pids)), time.perf_counter()
            s.store.do(verbs.submit([task], BACKLOG, s.settings.share))
            follow(lambda: progress(s.store.do(verbs.task(task.id))), count + 1, LIMIT_S)
            took_s = time.perf_counter() - begun
            awake_s = (sum(map(wanted_s, pids)) - before) / children
            record = s.store.do(verbs.task(task.id))
            if record is None or record.result != b'{"parts":%d}' % count:
                raise RuntimeError(f"the task has the wrong result: {record}")
            return took_s, 1 - awake_s / took_s

        run(2 * children)  # warm
        return run(parts)


def progress(task: Task | None) -> int:
    """Its parts that are done, and its end as one more."""
    return 0 if task is None else task.done + (task.state in FINAL)
