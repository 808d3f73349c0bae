"""Jobs that take their child down, and errors of every sort: each costs itself and nothing else."""

import os
import signal
from functools import partial
from pathlib import Path
from typing import Any

from tests.consumer.house import House, gone, until
from tests.consumer.kinds.act import ERRORS
from tests.faults.settle import settled

DEEDS: dict[str, dict[str, Any]] = {
    "exit code 3": {"do": "exit", "number": 3},
    "signal 11": {"do": "die", "number": int(signal.SIGSEGV)},
    "signal 9": {"do": "die", "number": int(signal.SIGKILL)},
    "signal 6": {"do": "die", "number": int(signal.SIGABRT)},
    "signal 7": {"do": "die", "number": int(signal.SIGBUS)},
}


def test_jobs_that_kill_their_child_are_tried_again_and_then_buried(house: House, hold: Path) -> None:
    consumer = house.consumer(children=4).ready()
    sibling = house.submit(hold=str(hold))
    house.running(sibling)
    ids = {house.submit(**deed): how for how, deed in DEEDS.items()}
    for id, how in ids.items():
        task = house.finished(id)
        assert task.error is not None
        assert (task.state, task.attempts, task.error["code"]) == ("failed", 3, "child_died")
        assert how in task.error["message"]
        lines = [line for line in until(partial(consumer.lines, "job.died", 15)) if line["task_id"] == id]
        assert [line["outcome"] for line in lines] == ["died", "died", "buried"]
        assert [line["attempt"] for line in lines] == [1, 2, 3]
    with house.server.client() as client:
        letters = [letter for _, letter in client.xrange(house.store.keys("dead"))]
    assert sorted((letter["task"], letter["attempts"]) for letter in letters) == sorted((id, "3") for id in ids)
    hold.unlink()
    assert house.finished(sibling).attempts == 1
    assert consumer.process.poll() is None
    house.at_rest()


def test_a_child_that_is_killed_at_each_start_of_a_job(house: House, tmp_path: Path, hold: Path) -> None:
    """B15: from outside, until it is a dead letter: the parent is the same, its three siblings have one attempt."""
    consumer = house.consumer(children=4).ready()
    pid_file = tmp_path / "pid"
    siblings = [house.submit(hold=str(hold)) for _ in range(3)]
    house.running(*siblings)
    id = house.submit(do="sleep", seconds=60, pid_file=str(pid_file))
    killed: list[int] = []
    while len(killed) < 3:
        pid = int(until(lambda: pid_file.exists() and pid_file.read_text()))
        pid_file.unlink()
        assert pid not in killed
        os.kill(pid, signal.SIGKILL)
        killed.append(pid)
    hold.unlink()
    poison, *others = settled(house, [id, *siblings])
    assert poison.error is not None
    assert (poison.state, poison.attempts, poison.interruptions) == ("failed", 3, 0)
    assert (poison.error["code"], "killed by signal 9" in poison.error["message"]) == ("child_died", True)
    assert {(task.state, task.attempts) for task in others} == {("succeeded", 1)}
    assert consumer.process.poll() is None
    assert len(consumer.lines("consumer.started")) == 1
    assert [line["child_pid"] for line in consumer.lines("child.died")] == killed


def test_every_sort_of_error_ends_its_task_and_not_its_child(house: House) -> None:
    """B42: a bad matrix, a solver, a date, deep recursion, an error that cannot be rebuilt, told or encoded: each has
    a code and a text, and the next job of the same child goes well. (Memory, which ends the child: test_memory.py.)"""
    consumer = house.consumer(children=1).ready()
    [child] = until(consumer.children)
    for deed in (*ERRORS, "recurse"):
        task = house.finished(house.submit(do=deed))
        assert task.error is not None, deed
        assert (task.state, task.attempts) == ("failed", 1), (deed, task.error)
        assert task.error["code"] == ("odd" if deed == "odd refusal" else "internal_error"), task.error
        assert 10 < len(task.error["message"]) < 700
        assert house.finished(house.submit()).state == "succeeded"
    assert consumer.children() == [child]
    assert not gone(child)
    house.at_rest()
