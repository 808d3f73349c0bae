"""Retried jobs do not stand in the way of new ones."""

import time
from itertools import pairwise

from tests.consumer.house import House
from tests.faults.settle import ended, settled, submit_many

GOOD, FAILING = 200, 50


def good_s(house: House) -> float:
    """How long the good ones take."""
    began = time.monotonic()
    ended(house, submit_many(house, GOOD, "act", do="sleep", seconds=0.02))
    return time.monotonic() - began


def test_retried_jobs_at_the_head_do_not_starve_what_comes_behind(house: House) -> None:
    """B37: fifty that always fail, then two hundred good ones: these are done while the others still wait apart."""
    house.consumer(children=4, retry_pause_s=2).ready()
    clean_s = good_s(house)
    failing = submit_many(house, FAILING, "act", do="exit", number=3)
    beside_s = good_s(house)
    assert any(house.task(id).state == "running" for id in failing), "the good ones waited for the failing ones"
    assert beside_s < 3 * clean_s + 3, (clean_s, beside_s)
    tasks = settled(house, failing)
    assert {(task.state, task.attempts) for task in tasks} == {("failed", 3)}
    pauses = []
    for id in failing:
        times = [int(line.split(" ")[0]) for line in house.history(id) if "retry" in line or "bury" in line]
        assert len(times) == 3
        pauses.append([later - sooner for sooner, later in pairwise(times)])
    assert sum(second for _, second in pauses) > 1.4 * sum(first for first, _ in pauses), "pauses grow"
    assert len({first // 50 for first, _ in pauses}) > 5, "and are spread"
