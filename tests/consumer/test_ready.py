"""Short jobs in the parent's own hands: in which order they come out, and how each way out takes them along."""

import time

import pytest

from consumer.pace import READY_S
from consumer.ready import STUCK_S, Ready
from pipeline.record import Job


def job(name: str, place: str = "medium") -> Job:
    return Job(f"{place}/{name}", name, "p0", 1, "short", "local", 1, 0, b"{}", 60.0, 0, "", "")


def filled(*jobs: Job) -> Ready:
    ready = Ready()
    for each in jobs:
        ready.add(each, b"{}", None)
    return ready


def test_the_first_in_is_the_first_out_but_for_high_ones() -> None:
    ready = filled(job("1"), job("2", "low"), job("3", "high"), job("4", "medium:again"))
    out = []
    while ready:
        out.append(ready.first().job.task)
        ready.drop_first()
    assert out == ["3", "1", "2", "4"]
    with pytest.raises(IndexError):
        ready.first()


def test_what_is_lost_or_handed_back_is_here_no_longer() -> None:
    ready = filled(job("1"), job("2"), job("3"))
    assert ready.lose("medium/2") == job("2")
    assert ready.lose("medium/2") is None
    assert [each.task for each in ready] == ["1", "3"]
    assert [each.task for each in ready.clear()] == ["1", "3"]
    assert len(ready) == 0


def test_it_is_due_when_the_oldest_has_waited_longer_than_short_jobs_take() -> None:
    assert filled().due() == float("inf")
    before = time.monotonic()
    ready = filled(job("1"), job("2", "high"))
    assert before <= ready.due() - READY_S - STUCK_S <= time.monotonic()
    ready.drop_first()
    assert before <= ready.due() - READY_S - STUCK_S <= time.monotonic()
