"""The time that a whole task may take, from its first job's start: enforced by the store, whatever consumers do."""

import time
from typing import Any

import pytest

from pipeline import verbs
from pipeline.record import Job
from pipeline.store import Store
from tests.pipeline.steps import ORDER, SHARE, finish, new, run_all, submit, take

LATER = "{headrace}:later"
CAUSE = {"code": "child_died"}


def begin(store: Store, limit_ms: int, count: int = 1) -> list[Job]:
    """Take jobs; a task that begins has so long."""
    return store.do(verbs.take("c1", count, ORDER, [], 3, SHARE, limit_ms)).jobs


def again(store: Store, job: Job) -> None:
    """The job dies and is put again at once."""
    assert store.do(verbs.retry(job, CAUSE, 0, 3, "c1", 0, 1.0, SHARE)) == "later"
    store.do(verbs.promote(10, SHARE))


def test_a_task_of_many_parts_ends_at_its_limit(store: Store, hands: Any) -> None:
    """B46: held jobs are lost to their holders, partials go, nothing is left; the cause says both figures."""
    (id,) = submit(store, new(parts=9, window=4))
    held = begin(store, 40, 3)
    assert finish(store, held[0])
    deadline = time.monotonic() + 60
    while store.do(verbs.promote(10, SHARE)) == 0 and time.monotonic() < deadline:
        time.sleep(0.01)
    task = store.do(verbs.task(id))
    assert task is not None
    assert task.error is not None
    assert (task.state, task.error["code"]) == ("failed", "task_time_limit")
    words = task.error["message"].split()
    assert words == f"The task had run for {words[5]} s and may run for 0.0 s.".split()
    assert not finish(store, held[1])
    assert hands.zcard(LATER) == 0
    assert hands.hgetall("{headrace}:shares") == {}
    assert take(store) == []


def test_the_limit_is_counted_from_the_start_not_from_the_submission(store: Store, hands: Any) -> None:
    (id,) = submit(store, new(parts=3))
    assert hands.zscore(LATER, f"{id} limit") is None
    begin(store, 90_000)
    started_at = int(hands.hget(f"{{headrace}}:task:{id}", "started_at"))
    begin(store, 5)  # the parts that follow do not move it
    assert hands.zscore(LATER, f"{id} limit") == started_at + 90_000
    assert store.do(verbs.promote(10, SHARE)) == 0


def test_a_task_of_one_part_has_its_limit_from_the_second_start_on(store: Store, hands: Any) -> None:
    """The first start has the time limit of its job; so the hot path writes nothing for it."""
    (id,) = submit(store, new())
    (job,) = begin(store, 90_000)
    assert hands.zcard(LATER) == 0
    started_at = int(hands.hget(f"{{headrace}}:task:{id}", "started_at"))
    again(store, job)
    (job,) = begin(store, 90_000)
    assert hands.zscore(LATER, f"{id} limit") == started_at + 90_000
    hands.zadd(LATER, {f"{id} limit": 1})
    assert store.do(verbs.promote(10, SHARE)) == 1
    task = store.do(verbs.task(id))
    assert task is not None
    assert task.error is not None
    assert (task.state, task.error["code"]) == ("failed", "task_time_limit")
    assert task.error["message"].endswith("and may run for 90.0 s.")
    assert not finish(store, job)


@pytest.mark.parametrize("parts", [1, 5])
@pytest.mark.parametrize("way", ["finish", "release", "reap", "cancel", "fail", "deadline"])
def test_every_end_takes_the_limit_away(store: Store, hands: Any, parts: int, way: str) -> None:
    (id,) = submit(store, new(parts=parts))
    (job,) = begin(store, 90_000)
    if way == "release":
        store.do(verbs.release([job], "c1", SHARE))
    elif way == "reap":
        store.do(verbs.reap(0, 10, 10, 0, SHARE))
    else:
        again(store, job)
    (job,) = take(store, 1)
    assert hands.zrange(LATER, 0, -1) == [f"{id} limit"]
    if way == "cancel":
        store.do(verbs.cancel(id, SHARE))
    elif way == "fail":
        store.do(verbs.fail(job, {"code": "refused", "message": "no"}, False, "c1", 0, 1.0, SHARE))
    elif way == "deadline":
        store.do(verbs.deadline(id, SHARE))
    else:
        assert finish(store, job)
        run_all(store)
    assert hands.zcard(LATER) == 0


def test_a_limit_of_a_task_that_has_ended_or_not_begun_does_nothing(store: Store, hands: Any) -> None:
    waiting, ended = submit(store, new(), new(priority="high"))
    assert finish(store, take(store, 1)[0])
    hands.zadd(LATER, {f"{waiting} limit": 1, f"{ended} limit": 1, "NOBODY limit": 1})
    assert store.do(verbs.promote(10, SHARE)) == 3
    states = [task.state for task in (store.do(verbs.task(waiting)), store.do(verbs.task(ended))) if task]
    assert states == ["queued", "succeeded"]
