"""Memory: a consumer with four children after many jobs (PSS), and what a task of one part takes in Redis.

Redis' part is taken with our redis.conf and with a default one, where a record is a hash table instead of a list.
"""

import os
import signal

from bench.fill import DATA
from bench.measure import pss_mb, tree
from bench.stage import Bare, Stage, stage, versions
from bench.table import REPETITIONS, Table

DEFAULT = ("--hash-max-listpack-value", "64")


def measure(tasks: int = 10_000, repetitions: int = REPETITIONS) -> Table:
    """Measure in turns."""
    table = Table("memory", f"Memory, {tasks:,} tasks of one part", versions())
    for _ in table.turns(repetitions):
        with stage(4) as s:
            for name, held in zip(("waiting", "finished"), bytes_a_task(s, tasks), strict=True):
                table.add(f"a {name} task in Redis, our redis.conf", "bytes", held)
            table.add("a consumer with four children", "MB PSS", pss_mb(tree(s.consumer)))
        with stage(4, *DEFAULT) as s:
            for name, held in zip(("waiting", "finished"), bytes_a_task(s, tasks), strict=True):
                table.add(f"a {name} task in Redis, default conf", "bytes", held)
    return table


def bytes_a_task(s: Stage, tasks: int) -> tuple[float, float]:
    """Bytes of Redis memory for a waiting and for a finished task."""
    before = used(s)
    for pid in tree(s.consumer):
        os.kill(pid, signal.SIGSTOP)  # what is submitted waits
    try:
        s.submit(tasks, "noop", DATA)
        waiting = (used(s) - before) / tasks
    finally:
        for pid in tree(s.consumer):
            os.kill(pid, signal.SIGCONT)
    s.wait(tasks)
    return waiting, (used(s) - before) / tasks


def used(s: Bare) -> int:
    """Bytes of Redis memory in use, without the buffer of the append-only file and of clients, which come and go."""
    memory = {name: int(text) for name, text in s.info("memory").items() if text.isdigit()}
    return memory["used_memory"] - memory["mem_aof_buffer"] - memory["mem_clients_normal"]
