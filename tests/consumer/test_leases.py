"""Leases: whoever lives keeps what it does, however long; whoever does not loses it, and finishes nothing any more."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from pipeline import verbs
from tests.consumer.house import House, until
from tests.faults.settle import settled, submit_many

PLACE = ("jobs", "medium")


def test_long_jobs_are_renewed_and_stay_where_they_are(house: House, tmp_path: Path) -> None:
    """B01: eight jobs of more than four leases on two consumers: never idle for a lease, never another owner."""
    for name in ("a", "b"):
        house.consumer(name, children=4, lease_s=2).ready()
    marks = [tmp_path / str(n) for n in range(8)]
    ids = [house.submit(do="spin", seconds=9, mark=str(mark)) for mark in marks]
    owners: dict[str, set[str]] = {}
    with house.server.client() as client:
        while any(house.task(id).state in ("queued", "running") for id in ids):
            for entry in client.xpending_range(house.store.keys(*PLACE), "consumers", "-", "+", 50):
                owners.setdefault(entry["message_id"], set()).add(entry["consumer"])
                assert entry["time_since_delivered"] < 2000
                assert entry["times_delivered"] == 1
            time.sleep(0.05)
    for task in settled(house, ids):
        assert (task.state, task.attempts, task.interruptions) == ("succeeded", 1, 0)
    assert [mark.read_bytes() for mark in marks] == [b"."] * 8
    assert len(owners) == 8
    assert sorted(map(sorted, owners.values())) == [["a"]] * 4 + [["b"]] * 4


def test_a_dead_consumers_long_job_goes_on_elsewhere_and_a_living_ones_stays(house: House, tmp_path: Path) -> None:
    """B02: long and short jobs under one setting: the dead one's is taken within a lease and a look, ours never."""
    first = house.consumer("first", children=1, lease_s=2).ready()
    second = house.consumer("second", children=3, lease_s=2).ready()
    dead, ours = tmp_path / "dead", tmp_path / "ours"
    os.kill(second.pid, signal.SIGSTOP)
    taken = house.submit(do="spin", seconds=3, mark=str(dead))
    until(dead.exists)
    os.kill(second.pid, signal.SIGCONT)
    kept = house.submit(do="spin", seconds=6, mark=str(ours))
    until(ours.exists)
    first.kill()
    killed = time.monotonic()
    short = [house.submit(do="sleep", seconds=0.01) for _ in range(20)]
    until(lambda: dead.read_bytes() == b"..")
    took = time.monotonic() - killed
    print(f"begun again {took:.1f} s after the kill, with a lease of 2 s")
    assert took < 2 + 0.7 + 10  # lease, look, and a busy machine
    tasks = settled(house, [taken, kept, *short])
    assert [task.interruptions for task in tasks] == [1, 0] + [0] * 20
    assert {task.attempts for task in tasks} == {1}
    assert ours.read_bytes() == b"."


def test_a_busy_processor_does_not_keep_a_parent_from_renewing(house: House) -> None:
    """B03: parent, four jobs that hold the interpreter and three that only burn, all on one processor: it renews three
    times a lease; and when it does come late, it says by how much."""
    consumer = house.consumer(children=4, lease_s=4).ready()
    ids = [house.submit(do="c loop") for _ in range(4)]
    for id in ids:
        house.running(id)
    burn = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(3)]
    try:
        for pid in (consumer.pid, *consumer.children(), *(process.pid for process in burn)):
            os.sched_setaffinity(pid, {0})
        idle = []
        with house.server.client() as client:
            for _ in range(25):
                pending = client.xpending_range(house.store.keys(*PLACE), "consumers", "-", "+", 50)
                assert [entry["times_delivered"] for entry in pending] == [1] * 4
                idle += [entry["time_since_delivered"] for entry in pending]
                time.sleep(0.1)
        print(f"idle for {max(idle)} ms at most, with a lease of 4,000 ms")
        assert max(idle) < 4000 / 2  # each second, and a busy machine
        assert consumer.lines("lease.late") == []
        os.kill(consumer.pid, signal.SIGSTOP)
        time.sleep(2.3)
        os.kill(consumer.pid, signal.SIGCONT)
        [line] = until(lambda: consumer.lines("lease.late"))
        assert 1000 < line["delay_ms"] < 10_000
    finally:
        for process in burn:
            process.kill()
            process.wait()
    for id in ids:
        assert house.store.do(verbs.cancel(id, 256)) == "ok"
    house.at_rest()


def test_a_frozen_consumer_comes_back_too_late_and_is_told_so(house: House, tmp_path: Path, hold: Path) -> None:
    """B04: stopped while it works, its job is done by another; when it goes on, its answer changes nothing."""
    mark = tmp_path / "starts"
    first = house.consumer("first", lease_s=1, children=1).ready()
    id = house.submit(mark=str(mark), hold=str(hold))
    until(mark.exists)
    frozen = [first.pid, *first.children()]
    for pid in frozen:
        os.kill(pid, signal.SIGSTOP)
    hold.unlink()
    house.consumer("second", lease_s=1).ready()
    house.finished(id)
    with house.server.client() as client:
        before = client.hgetall(house.store.keys("task", id))
        for pid in frozen:
            os.kill(pid, signal.SIGCONT)
        [line] = until(lambda: first.lines("job.lost"))
        assert (line["task_id"], line["level"]) == (id, "warning")
        assert client.hgetall(house.store.keys("task", id)) == before
        minutes = house.store.keys("minute", "*")
        counted = until(lambda: [n for key in client.keys(minutes) if (n := client.hget(key, "act:lost"))])
        assert counted == ["1"]
    assert first.process.poll() is None
    assert settled(house, [id])[0].error is None


def test_what_has_ended_stays_as_it_is(house: House) -> None:
    """B05: a thousand short tasks while reaper and cleaner run at their fastest; no final state ever changes."""
    for _ in range(2):
        house.consumer(children=2, lease_s=0.5).ready()
    ids = submit_many(house, 1000) + submit_many(house, 50, parts=3)
    ends = {task.id: task for task in settled(house, ids)}
    deadline = time.monotonic() + 3 * 0.5
    while time.monotonic() < deadline:
        for id in ids[::10]:
            assert house.task(id) == ends[id]
    assert {id: house.task(id) for id in ids} == ends
    assert {task.state for task in ends.values()} == {"succeeded"}
