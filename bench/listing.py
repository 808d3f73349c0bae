"""Listing and counting through the store, with few and with many finished tasks: is it flat?

A page has 50 tasks, as over HTTP. The tasks are of ten owners and two kinds, so that each filter fills its page even
where the fewest are there.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from bench import fill
from bench.measure import percentile
from bench.stage import Bare, store, versions
from bench.table import REPETITIONS, Table
from pipeline import verbs
from pipeline.store import Store

FEW = (1_000, 100_000)
MANY = (*FEW, 1_000_000)
OWNERS, KINDS = 10, ("noop", "spin")
OWNER, KIND = "owner3", KINDS[0]
PAGE = 50
STEP = 10_000


def measure(finished: tuple[int, ...] = FEW, samples: int = 300, repetitions: int = REPETITIONS) -> Table:
    """All stores stand beside each other and are asked in turns; the ratios are to the smallest."""
    table = Table("listing", f"Listing and counting, {samples} times a turn, {PAGE} tasks a page", versions())
    with ExitStack() as standing:
        stores = {count: standing.enter_context(filled(count)) for count in finished}
        for _ in table.turns(repetitions):
            for count, (bare, middle) in stores.items():
                for what, ask in questions(middle).items():
                    ms = timed(bare.store, ask, samples)
                    table.add(name(what, count), "ms p50", percentile(ms, 0.5))
                    table.add(name(what, count), "ms p99", percentile(ms, 0.99))
    for what in questions(""):
        for count in finished[1:]:
            said = f"{what}, {count:,} / {finished[0]:,} finished"
            table.ratio(name(what, count), name(what, finished[0]), "ms p50", said)
    return table


def name(what: str, finished: int) -> str:
    """The row of a question."""
    return f"{what}, {finished:,} finished"


def questions(middle: str) -> dict[str, Callable[[Store], int]]:
    """What is asked; each answers how many tasks it found. `middle` is a task that is neither new nor old."""

    def page(**asked: Any) -> Callable[[Store], int]:
        return lambda store: len(store.do(verbs.page(limit=PAGE, **asked)).tasks)

    def count(owner: str = "") -> Callable[[Store], int]:
        return lambda store: store.do(verbs.counts(owner))["succeeded"]

    return {
        "first page": page(),
        "first page of a state": page(state="succeeded"),
        "first page of a kind": page(kind=KIND),
        "first page of an owner": page(owner=OWNER),
        "first page of all three": page(state="succeeded", kind=KIND, owner=OWNER),
        "a page in the middle": page(cursor=middle),
        "counting": count(),
        "counting an owner's": count(OWNER),
    }


@contextmanager
def filled(count: int) -> Iterator[tuple[Bare, str]]:
    """A store with so many finished tasks, and the id of one in the middle."""
    with store() as bare:
        bare.store.do(verbs.ready())
        middle = ""
        for at in range(0, count, STEP):
            new = fill.mixed(bare, min(STEP, count - at), OWNERS, at, KINDS)
            fill.run_all(bare, new)
            if at <= count // 2 < at + len(new):
                middle = sorted(task.id for task in new)[count // 2 - at]  # made in one millisecond, in any order
        fill.settle(bare)
        found = bare.store.do(verbs.counts())["succeeded"]
        if found != count:
            raise RuntimeError(f"{found:,} of {count:,} tasks have succeeded")
        yield bare, middle


def timed(store: Store, ask: Callable[[Store], int], samples: int) -> list[float]:
    """How long each took, in ms. A page that is not full would flatter."""
    ms = []
    for _ in range(samples):
        begun = time.perf_counter()
        found = ask(store)
        ms.append((time.perf_counter() - begun) * 1000)
        if found < PAGE:
            raise RuntimeError(f"only {found} tasks were found")
    return ms
