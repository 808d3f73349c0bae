"""Memory: a consumer with four children after many jobs (PSS), and what a task of one part takes in Redis; and such a
consumer that has compiled and loaded all kernels, before and after its children have answered every example.

Redis' part is taken with our redis.conf and with a default one, where a record is a hash table instead of a list.
"""

import os
import re
import signal

import msgspec

from bench.fill import DATA
from bench.measure import pss_mb, tree
from bench.stage import BACKLOG, Bare, Stage, stage, versions
from bench.table import REPETITIONS, Table
from calc import KINDS, execute
from pipeline import verbs

DEFAULT = ("--hash-max-listpack-value", "64")


def measure(tasks: int = 10_000, repetitions: int = REPETITIONS, copies: int = 16) -> Table:
    """Measure in turns. Every example is asked so many times, so that each child meets nearly all of them."""
    table = Table("memory", f"Memory, {tasks:,} tasks of one part", versions())
    for _ in table.turns(repetitions):
        with stage(4) as s:
            for name, held in zip(("waiting", "finished"), bytes_a_task(s, tasks), strict=True):
                table.add(f"a {name} task in Redis, our redis.conf", "bytes", held)
            table.add("a consumer with four children", "MB PSS", pss_mb(tree(s.consumer)))
        with stage(4, *DEFAULT) as s:
            for name, held in zip(("waiting", "finished"), bytes_a_task(s, tasks), strict=True):
                table.add(f"a {name} task in Redis, default conf", "bytes", held)
        with stage(4) as s:
            table.add("  the same, all kernels loaded, idle", "MB PSS", pss_mb(tree(s.consumer)))
            ask_everything(s, copies)
            table.add("  the same, all kinds answered", "MB PSS", pss_mb(tree(s.consumer)))
    return table


def ask_everything(s: Stage, copies: int) -> None:
    """The examples of all kinds, and until all are answered."""
    asked = [
        execute.plan(name, msgspec.json.encode(example), fresh_seed=1)
        for name, kind in KINDS.items()
        for example in (kind.EXAMPLE, *getattr(kind, "FURTHER_EXAMPLES", ()))
    ]
    for _ in range(copies):
        tasks = [s.task(each.kind, each.data, each.parts) for each in asked]
        s.store.do(verbs.submit(tasks, BACKLOG, s.settings.share))
    s.wait(copies * len(asked))


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
    """Bytes of Redis memory in use, without the buffer of the append-only file and of clients, which come and go.

    What clients have is asked of each: the sum that INFO tells is some tenths of a second old.
    """
    memory = {name: int(text) for name, text in s.info("memory").items() if text.isdigit()}
    clients = sum(map(int, re.findall(r"tot-mem=(\d+)", s.store.raw("CLIENT", "LIST").decode())))
    return memory["used_memory"] - memory["mem_aof_buffer"] - clients
