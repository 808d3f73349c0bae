"""Time limits, threads and cancelling: all of it is done to a child from outside, whatever it is doing."""

import os
import random
import signal
import time
from functools import partial
from pathlib import Path

import pytest

from pipeline import verbs
from tests.consumer.house import House, gone, until
from tests.faults.settle import happened, settled

SHARE = 256
BUSY_MS = 15_000  # a limit of 1 s on a machine that is busy; what has the limit would last for a minute


def test_the_time_limit_ends_what_does_not_listen(house: House) -> None:
    """B46, B47: also inside one call that never comes back to the interpreter. State, event, line and count show it
    once each, with the time that it took, and the child's place is free."""
    consumer = house.consumer(children=3, max_attempts=1).ready()
    ids = [house.submit(do=deed, seconds=60, time_limit_s=1.0) for deed in ("numpy", "c loop", "sleep")]
    for task in settled(house, ids):
        assert task.error is not None
        assert task.started_at is not None
        assert task.finished_at is not None
        assert (task.state, task.error["code"]) == ("failed", "time_limit")
        assert "its limit is 1 s" in task.error["message"]
        assert 1000 <= task.finished_at - task.started_at < BUSY_MS
    lines = until(partial(consumer.lines, "job.timed_out", 3))
    assert sorted(line["task_id"] for line in lines) == sorted(ids)
    assert {(line["error_code"], line["outcome"]) for line in lines} == {("time_limit", "buried")}
    assert all(1000 <= line["ran_ms"] < BUSY_MS for line in lines)
    with house.server.client() as client:
        letters = [letter["task"] for _, letter in client.xrange(house.store.keys("dead"))]
        minutes = [client.hgetall(key) for key in client.scan_iter(match=house.store.keys("minute", "*"))]
    assert sorted(letters) == sorted(ids)
    assert sum(int(minute.get("act:failed", 0)) for minute in minutes) == 3
    assert [house.finished(house.submit()).state for _ in range(3)] == ["succeeded"] * 3


def test_a_stopped_child_is_caught_by_the_time_limit(house: House, tmp_path: Path, hold: Path) -> None:
    house.consumer(children=1).ready()
    mark = tmp_path / "starts"
    id = house.submit(mark=str(mark), hold=str(hold), time_limit_s=2.0)
    until(mark.exists)
    os.kill(house.consumers[0].children()[0], signal.SIGSTOP)
    hold.unlink()
    task = house.finished(id)
    assert (task.state, task.attempts) == ("succeeded", 2)
    assert "time_limit" in " ".join(house.history(id))


@pytest.mark.parametrize("parts", [1, 2])
def test_no_job_runs_for_longer_than_its_task_may_take(house: House, parts: int) -> None:
    """The limit of a job is an hour, that of a task a second: it ends by the second, and has failed with that cause."""
    consumer = house.consumer(children=2, task_time_limit_s=1.0).ready()
    task = house.finished(house.submit(do="sleep", seconds=60, parts=parts, time_limit_s=3600))
    assert task.error is not None
    assert (task.state, task.error["code"]) == ("failed", "task_time_limit")
    assert task.started_at is not None
    assert task.finished_at is not None
    assert 1000 <= task.finished_at - task.started_at < BUSY_MS
    lines = until(lambda: consumer.lines("job.timed_out") or consumer.lines("job.lost"))
    assert lines[0]["ran_ms"] < BUSY_MS
    settled(house, [task.id])


def test_every_process_has_one_thread_although_blas_would_start_more(house: House) -> None:
    """B48: also in the middle of a calculation."""
    consumer = house.consumer().ready()
    busy = house.submit(do="numpy")
    house.running(busy)
    task = house.finished(house.submit(do="threads"))
    assert task.result is not None
    assert b'"text":"1"' in task.result
    for pid in (consumer.pid, *consumer.children()):
        assert len(os.listdir(f"/proc/{pid}/task")) == 1


def test_thirty_that_are_cancelled_while_they_wait_never_start(house: House, tmp_path: Path) -> None:
    """B49 (a)."""
    mark = tmp_path / "starts"
    ids = [house.submit(mark=str(mark)) for _ in range(30)]
    for id in ids:
        assert house.ask(verbs.cancel(id, SHARE)) == "ok"
        assert house.ask(verbs.cancel(id, SHARE)) == "cancelled"
    house.consumer().ready()
    assert house.finished(house.submit()).state == "succeeded"
    assert {task.state for task in settled(house, ids)} == {"cancelled"}
    assert not mark.exists()


def test_thirty_that_are_cancelled_while_they_run_stop_within_two_seconds(house: House) -> None:
    """B49 (b): their children hold the interpreter, so nothing but a kill ends them; leases are renewed each second,
    however long they are."""
    consumer = house.consumer(children=10, lease_s=90).ready()
    ids = []
    for _ in range(3):
        some = [house.submit(do="c loop") for _ in range(10)]
        house.running(*some)
        before = consumer.children()
        assert {house.ask(verbs.cancel(id, SHARE)) for id in some} == {"ok"}
        cancelled = time.monotonic()
        until(lambda before=before: all(map(gone, before)))
        took = time.monotonic() - cancelled
        print(f"all gone {took:.2f} s after the last was cancelled")
        assert took < 15.0  # two seconds, and a busy machine; a third of the lease would be thirty
        ids += some
    for task in settled(house, ids):
        assert (task.state, task.result) == ("cancelled", None)
    assert len(until(partial(consumer.lines, "job.lost", 30))) == 30


def test_thirty_that_are_cancelled_as_they_end_are_one_or_the_other(house: House, first_seed: int) -> None:
    """B49 (c)."""
    dice = random.Random(first_seed)
    print(f"seed {first_seed}")
    house.consumer(children=2).ready()
    answers: dict[str, str] = {}
    pause_s = 0.02  # so long, more or less, until one ends on this machine: each is cancelled a little sooner or later
    for _ in range(30):
        id = house.submit(do="sleep", seconds=0.02)
        time.sleep(dice.uniform(0.5, 1.5) * pause_s)
        answers[id] = house.ask(verbs.cancel(id, SHARE))
        pause_s = pause_s * 1.3 if answers[id] == "ok" else max(pause_s / 1.3, 0.001)
    tasks = settled(house, list(answers))
    for task in tasks:
        expected = "cancelled" if answers[task.id] == "ok" else "succeeded"
        assert (task.state, task.result is None) == (expected, expected == "cancelled")
        assert house.ask(verbs.cancel(task.id, SHARE)) == expected
    assert happened(house).total() == 30
    print(f"{sum(task.state == 'cancelled' for task in tasks)} of 30 cancelled")
    assert {task.state for task in tasks} == {"succeeded", "cancelled"}
