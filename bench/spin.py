"""Jobs of 20 ms of CPU on two processes: wall time over the ideal; beside bare processes that do the same in a loop.

What the second column loses is the machine's: other processes on its cores. What the first loses more is ours.
"""

import json
import subprocess
import sys
import time

from bench.stage import stage, versions
from bench.table import REPETITIONS, Table
from deploy.stack import ROOT

JOB_S = 0.02
PROCESSES = 2


def measure(jobs: int = 1_000, repetitions: int = REPETITIONS) -> Table:
    """Measure in turns."""
    table = Table("spin", f"{jobs:,} jobs of {JOB_S * 1000:.0f} ms of CPU on {PROCESSES} processes", versions())
    for _ in table.turns(repetitions):
        table.add("headrace", "wall / ideal", headrace(jobs))
        table.add("bare processes", "wall / ideal", bare_s(jobs, JOB_S, PROCESSES) / (jobs * JOB_S / PROCESSES))
    table.ratio("headrace", "bare processes", "wall / ideal")
    return table


def headrace(jobs: int) -> float:
    """One consumer with two children, all jobs submitted at once."""
    data = json.dumps({"seconds": JOB_S, "parts": 1}).encode()
    with stage(PROCESSES) as s:
        begun = time.perf_counter()
        s.submit(jobs, "spin", data)
        s.wait(jobs)
        return (time.perf_counter() - begun) / (jobs * JOB_S / PROCESSES)


def bare_s(jobs: int, job_s: float, count: int) -> float:
    """Processes that share the jobs out beforehand; they say when they are ready, and begin on a line. The seconds."""
    loop = f"for _ in range({jobs // count}): spin({job_s})"
    code = f"from tests.kinds.spin import spin\nprint(flush=True)\ninput()\n{loop}"
    words = [sys.executable, "-c", code]
    processes = [subprocess.Popen(words, cwd=ROOT, stdin=-1, stdout=-1, text=True) for _ in range(count)]
    for process in processes:
        assert process.stdout
        process.stdout.readline()
    begun = time.perf_counter()
    for process in processes:
        assert process.stdin
        print(file=process.stdin, flush=True)
    for process in processes:
        process.communicate()
    return time.perf_counter() - begun
