"""Children of a real consumer: what they are, how they die, how fast they are replaced, what their jobs become."""

import contextlib
import os
import signal
import time
from functools import partial
from pathlib import Path

import pytest

from tests.consumer.house import Consumer, House, children, gone, until


def test_children_hold_nothing_of_their_parents(house: House) -> None:
    consumer = house.consumer(children=3).ready()
    assert len(until(lambda: len(consumer.children()) == 3 and consumer.children())) == 3
    for pid in consumer.children():
        links = [os.readlink(f"/proc/{pid}/fd/{fd}") for fd in os.listdir(f"/proc/{pid}/fd")]
        assert len([link for link in links if link != os.devnull]) == 1
    with house.server.client() as client:
        names = {f"consumer:{consumer.name}", f"bell:{consumer.name}"}
        until(lambda: names == {c["name"] for c in client.client_list() if c["name"].endswith(f":{consumer.name}")})
        before = {c["id"] for c in client.client_list()}
        for _ in range(20):
            for pid in consumer.children():
                os.kill(pid, signal.SIGKILL)
            assert house.finished(house.submit()).state == "succeeded"
        assert before == {c["id"] for c in client.client_list()}  # deaths and births touch no connection


def test_every_process_has_one_thread_although_blas_would_start_more(house: House) -> None:
    consumer = house.consumer().ready()
    task = house.finished(house.submit(do="threads"))
    assert task.result is not None
    assert b'"text":"1"' in task.result
    for pid in (consumer.pid, *consumer.children()):
        assert len(os.listdir(f"/proc/{pid}/task")) == 1


@pytest.mark.parametrize(
    ("deed", "number", "how"),
    [
        ("exit", 3, "exit code 3"),
        ("die", signal.SIGSEGV, "signal 11"),
        ("die", signal.SIGKILL, "signal 9"),
        ("die", signal.SIGABRT, "signal 6"),
        ("die", signal.SIGBUS, "signal 7"),
    ],
)
def test_a_job_that_kills_its_child_is_tried_again_and_then_buried(
    house: House, deed: str, number: int, how: str
) -> None:
    consumer = house.consumer().ready()
    sibling = house.submit(do="sleep", seconds=2.0)
    task = house.finished(house.submit(do=deed, number=int(number)))
    assert task.state == "failed"
    assert task.attempts == 3
    assert task.error is not None
    assert task.error["code"] == "child_died"
    assert how in task.error["message"]
    with house.server.client() as client:
        [(_, letter)] = client.xrange(house.store.keys("dead"))
    assert (letter["task"], letter["attempts"]) == (task.id, "3")
    lines = until(partial(consumer.lines, "job.died", 3))
    assert [line["outcome"] for line in lines] == ["died", "died", "buried"]
    assert [line["attempt"] for line in lines] == [1, 2, 3]
    assert house.finished(sibling).attempts == 1
    assert consumer.process.poll() is None
    house.at_rest()


def test_a_killed_child_is_replaced_within_a_second_and_its_job_done_again(house: House, tmp_path: Path) -> None:
    consumer = house.consumer(children=1).ready()
    mark = tmp_path / "starts"
    id = house.submit(do="sleep", seconds=1.0, mark=str(mark))
    until(mark.exists)
    [busy] = consumer.children()
    started = time.monotonic()
    os.kill(busy, signal.SIGKILL)
    until(lambda: consumer.children() not in ([], [busy]))
    print(f"replaced {1000 * (time.monotonic() - started):.0f} ms after the kill")
    assert time.monotonic() - started < 1.0
    task = house.finished(id)
    assert (task.state, task.attempts) == ("succeeded", 2)
    assert mark.read_bytes() == b".."
    house.at_rest()


def test_all_children_at_once_and_idle_ones_are_replaced(house: House) -> None:
    consumer = house.consumer(children=4).ready()
    for _ in range(5):
        before = until(lambda: len(consumer.children()) == 4 and consumer.children())
        for pid in before:
            os.kill(pid, signal.SIGKILL)
        until(partial(replaced, consumer, before), 3.0)
    assert house.finished(house.submit()).state == "succeeded"
    assert not [pid for pid in consumer.children() if gone(pid)]  # no zombies


def replaced(consumer: Consumer, before: list[int]) -> bool:
    """Whether as many children live as before, and none is the same."""
    now = consumer.children()
    return len(now) == len(before) and not set(before) & set(now)


def test_children_that_die_while_they_start_are_replaced_too(house: House) -> None:
    consumer = house.consumer(children=4)
    until(consumer.children)
    deadline = time.monotonic() + 1.5
    while time.monotonic() < deadline:
        for pid in children(consumer.pid):
            with contextlib.suppress(ProcessLookupError):  # the parent was as quick as we
                os.kill(pid, signal.SIGKILL)
    until(lambda: len([pid for pid in consumer.children() if not gone(pid)]) == 4, 3.0)
    assert house.finished(house.submit()).state == "succeeded"


@pytest.mark.parametrize("deed", ["numpy", "c loop", "sleep"])
def test_the_time_limit_ends_what_does_not_listen(house: House, deed: str) -> None:
    consumer = house.consumer(max_attempts=1).ready()
    started = time.monotonic()
    task = house.finished(house.submit(do=deed, seconds=60, time_limit_s=1.0))
    took = time.monotonic() - started
    assert task.error is not None
    assert task.error["code"] == "time_limit"
    assert 1.0 <= took < 3.0
    [line] = until(partial(consumer.lines, "job.timed_out"))
    assert 1000 <= line["ran_ms"] < 3000
    assert line["error_code"] == "time_limit"
    house.at_rest()


def test_a_stopped_child_is_caught_by_the_time_limit(house: House, tmp_path: Path) -> None:
    house.consumer(children=1).ready()
    mark = tmp_path / "starts"
    id = house.submit(do="spin", seconds=0.8, mark=str(mark), time_limit_s=2.0)
    until(mark.exists)
    os.kill(house.consumers[0].children()[0], signal.SIGSTOP)
    task = house.finished(id)
    assert (task.state, task.attempts) == ("succeeded", 2)
    assert "time_limit" in " ".join(house.history(id))


def test_children_end_with_a_parent_that_is_killed(house: House) -> None:
    consumer = house.consumer(children=2).ready()
    for deed in ("numpy", "c loop"):
        house.running(house.submit(do=deed))
    before = consumer.children()
    consumer.kill()
    started = time.monotonic()
    until(lambda: all(map(gone, before)), 1.0)
    print(f"all gone {1000 * (time.monotonic() - started):.0f} ms after the parent's death")
