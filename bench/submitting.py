"""Submitting to a store that nobody consumes from: one task a call, and 200 a call; beside bare XADDs, one and 200 a
pipeline. A program's own share is in it: it makes the ids, packs the words, and waits for each reply."""

import os
from collections.abc import Callable

from bench import fill, raw
from bench.measure import Meter
from bench.stage import BATCH, Bare, store, versions
from bench.table import REPETITIONS, Table
from pipeline import verbs

ADD = ("XADD", raw.STREAM, "*", "data", raw.DATA)


def measure(single: int = 5_000, batched: int = 40_000, repetitions: int = REPETITIONS) -> Table:
    """Measure in turns, each contestant in a store of its own."""
    table = Table("submit", f"Submitting to the store: {single:,} one a call, {batched:,} by {BATCH}", versions())
    for _ in table.turns(repetitions):
        for at_once, count in ((1, single), (BATCH, batched)):
            for who, send in (("headrace", ours), ("raw", bare_adds)):
                load(table, f"{who}, {at_once} a call", send, count, at_once)
    for at_once in (1, BATCH):
        table.ratio(f"headrace, {at_once} a call", f"raw, {at_once} a call", "tasks/s")
        table.note_limit(f"headrace, {at_once} a call")
    return table


def load(table: Table, what: str, send: Callable[[Bare, int, int], None], count: int, at_once: int) -> None:
    """The rows of one contestant."""
    with store() as bare:
        bare.store.do(verbs.ready())
        send(bare, 10 * at_once, at_once)  # warm
        meter = Meter({"store": [bare.pid], "client": [os.getpid()]})
        send(bare, count, at_once)
        run = meter.read(count)
    table.add_run(what, run)
    table.add_busy(what, run)


def ours(bare: Bare, count: int, at_once: int) -> None:
    """Of one owner with the default share: the first 256 get their jobs at once, the others wait in the ring."""
    fill.submit(bare, fill.tasks(bare, count), bare.settings.share, at_once)


def bare_adds(bare: Bare, count: int, at_once: int) -> None:
    """What is left when everything that makes a task is taken away."""
    for at in range(0, count, at_once):
        bare.store.raw_all([ADD] * min(at_once, count - at))
