"""Do-nothing tasks through the store: throughput, CPU, round trip, memory, bytes, 20 ms jobs; beside the raw loop.

The kinds `noop` and `spin` come from tests/kinds. Every index, event and span is written, every result stored.
"""

import os
import platform
import time

import redis

from bench.measure import REPETITIONS, children, cpu_s, loop_ms, middle, percentile, pss_mb
from bench.raw import raw
from bench.stage import Stage, stage
from pipeline import verbs

BATCH = 200


def throughput(s: Stage, n: int) -> tuple[float, float, dict[str, float]]:
    """Tasks per second end to end; CPU seconds per 1,000 tasks of all processes, and of each."""
    s.clear()
    pids = {"store": [s.server], "parent": [s.consumer], "children": children(s.consumer), "client": [os.getpid()]}
    tasks = [s.task() for _ in range(n)]
    before = {name: sum(map(cpu_s, group)) for name, group in pids.items()}
    begun = time.perf_counter()
    for at in range(0, n, BATCH):
        s.store.do(verbs.submit(tasks[at : at + BATCH], 10**7, 10**7))
    s.wait(n)
    took_s = time.perf_counter() - begun
    used = {name: (sum(map(cpu_s, group)) - before[name]) / n * 1000 for name, group in pids.items()}
    return n / took_s, sum(used.values()), used


def round_trips_ms(s: Stage, n: int) -> list[float]:
    """One task at a time on an idle pipeline: submit, then read its record until it has succeeded."""
    s.clear()
    found = []
    for _ in range(n):
        task = s.task()
        begun = time.perf_counter()
        s.store.do(verbs.submit([task], 10**7, 256))
        while (record := s.store.do(verbs.task(task.id))) is None or record.state != "succeeded":
            pass
        found.append((time.perf_counter() - begun) * 1000)
        time.sleep(0.002)
    return found


def wall_over_ideal(s: Stage, jobs: int) -> float:
    """Jobs of 20 ms of CPU on two children: wall time over jobs x 20 ms / 2."""
    s.clear()
    tasks = [s.task("spin", b'{"seconds":0.02,"parts":1}') for _ in range(jobs)]
    begun = time.perf_counter()
    s.store.do(verbs.submit(tasks, 10**7, 10**7))
    s.wait(jobs)
    return (time.perf_counter() - begun) / (jobs * 0.02 / 2)


def bytes_a_task(s: Stage, n: int) -> tuple[float, float]:
    """Bytes of Redis memory for a waiting and for a finished task of one part."""
    s.clear()
    os.kill(s.consumer, 19)  # SIGSTOP: what is submitted waits
    try:
        base = memory(s)
        for _ in range(0, n, BATCH):
            s.store.do(verbs.submit([s.task() for _ in range(BATCH)], 10**7, 10**7))
        waiting = (memory(s) - base) / n
    finally:
        os.kill(s.consumer, 18)
    s.wait(n)
    return waiting, (memory(s) - base) / n


def memory(s: Stage) -> int:
    text = s.store.raw("INFO", "memory").decode()
    return int(text.split("used_memory:")[1].split("\r")[0])


def main(n: int = 20_000, trips: int = 300, spins: int = 600) -> dict[str, object]:
    """Measure in turns, print the table, answer the figures."""
    figures: dict[str, list[float]] = {
        "ours": [],
        "ours_cpu": [],
        "raw": [],
        "raw_cpu": [],
        "p50": [],
        "p99": [],
        "ideal": [],
    }
    with stage(2) as s:
        throughput(s, n // 4)  # warm
        for _ in range(REPETITIONS):
            rate, cpu, split = throughput(s, n)
            raw_rate, raw_cpu = raw(s, n)
            trip = round_trips_ms(s, trips)
            values = (
                rate,
                cpu,
                raw_rate,
                raw_cpu,
                percentile(trip, 0.5),
                percentile(trip, 0.99),
                wall_over_ideal(s, spins),
            )
            for name, value in zip(figures, values, strict=True):
                figures[name].append(value)
        waiting, finished = bytes_a_task(s, 10_000 if n >= 10_000 else BATCH)
    with stage(4) as s:
        throughput(s, min(n, 10_000))
        pss = pss_mb([s.consumer, *children(s.consumer)])
    ratio = [ours / bare for ours, bare in zip(figures["ours"], figures["raw"], strict=True)]
    cost = [ours / bare for ours, bare in zip(figures["ours_cpu"], figures["raw_cpu"], strict=True)]
    versions = f"Python {platform.python_version()}, redis-py {redis.__version__}"
    print(f"machine loop {loop_ms():.1f} ms, {versions}, {n:,} tasks a run")
    for what, value in (
        ("tasks/s end to end, results stored, 2 children", middle(figures["ours"])),
        ("the same, raw Streams loop", middle(figures["raw"])),
        ("ratio to raw", middle(ratio, 2)),
        ("CPU s per 1,000 tasks, all processes", middle(figures["ours_cpu"], 3)),
        ("  of it (last run)", ", ".join(f"{name} {used:.3f}" for name, used in split.items())),
        ("CPU s per 1,000, raw", middle(figures["raw_cpu"], 3)),
        ("ratio of CPU to raw", middle(cost, 2)),
        ("idle round trip through the store, p50 ms", middle(figures["p50"], 2)),
        ("idle round trip through the store, p99 ms", middle(figures["p99"], 2)),
        ("20 ms CPU jobs on 2 children, wall over ideal", middle(figures["ideal"], 3)),
        ("PSS of a consumer with four children, MB", f"{pss:.0f}"),
        ("Redis bytes a waiting / finished task", f"{waiting:.0f} / {finished:.0f}"),
    ):
        print(f"  {what:<52} {value}")
    return {**figures, "pss_mb": pss, "bytes_waiting": waiting, "bytes_finished": finished}
