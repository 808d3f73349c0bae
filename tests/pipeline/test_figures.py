"""The figures by which a gateway says no in time: how fast tasks end, how full the store is."""

from typing import Any

import pytest

from pipeline import verbs
from pipeline.store import Store
from tests.pipeline.steps import SHARE, new, run_all, submit, take


def test_how_fast_tasks_end(store: Store) -> None:
    """All that ended in this minute and the last, in whatever state, over the time since the last one began."""
    assert store.do(verbs.drained()) == 0.0
    submit(store, *[new() for _ in range(40)], *[new(parts=3, kind="b") for _ in range(10)])
    (job,) = take(store, 1)
    assert store.do(verbs.fail(job, {"code": "refused", "message": "no"}, False, "c1", 0, 1.0, SHARE))
    assert store.do(verbs.cancel(store.do(verbs.live("", 1))[0], SHARE)) == "ok"
    run_all(store)
    submit(store, *[new() for _ in range(5)])  # what waits does not count
    assert 50 / 120 <= store.do(verbs.drained()) <= 50 / 60


def test_minutes_long_ago_do_not_count(store: Store, hands: Any) -> None:
    for minute in ("202001010000", "209901010000"):
        hands.hset(f"{{headrace}}:minute:{minute}", "noop:succeeded", 1000)
    assert store.do(verbs.drained()) == 0.0


def test_how_full_the_store_is(store: Store, hands: Any) -> None:
    assert store.do(verbs.fullness()) == 0.0  # no limit
    try:
        hands.config_set("maxmemory", "1gb")
        empty = store.do(verbs.fullness())
        hands.setrange("ballast", 2**28 - 1, "x")
        assert store.do(verbs.fullness()) - empty == pytest.approx(0.25, abs=0.1)
        hands.config_set("maxmemory", "128mb")
        assert store.do(verbs.fullness()) > 2
    finally:
        hands.config_set("maxmemory", "0")
        hands.delete("ballast")
