"""A real consumer on a real server: every outcome settles as it should, leases hold, what is lost stops."""

import os
import signal
import time
from pathlib import Path

import msgspec
import pytest

from calc import execute
from pipeline import verbs
from pipeline.record import Done
from tests.consumer.house import House, until


def test_a_task_of_one_part_and_its_line(house: House) -> None:
    consumer = house.consumer().ready()
    task = house.finished(house.submit())
    assert (task.state, task.result, task.attempts) == ("succeeded", b'{"total":0,"text":""}', 1)
    [line] = until(lambda: consumer.lines("job.done"))
    expected = {
        "task_id": task.id,
        "job": "p0",
        "kind": "act",
        "step": "whole",
        "part": 0,
        "attempt": 1,
        "level": "info",
    }
    assert line | expected == line
    assert (line["consumer"], line["outcome"], line["request_id"]) == (consumer.name, "done", "req-1")
    assert 0 <= line["waited_ms"] < 5000
    house.at_rest()


@pytest.mark.parametrize("consumers", [1, 3])
def test_a_task_of_many_parts_gives_what_one_process_gives(house: House, consumers: int) -> None:
    for _ in range(consumers):
        house.consumer().ready()
    task = house.finished(house.submit(parts=300))
    assert task.result == execute.execute("act", msgspec.json.encode({"parts": 300}))
    assert (task.done, task.attempts) == (300, 1)
    assert task.estimate is not None
    house.at_rest()


def test_a_refusal_is_final_and_nobody_is_to_blame(house: House) -> None:
    consumer = house.consumer().ready()
    task = house.finished(house.submit(do="refuse"))
    assert (task.state, task.attempts) == ("failed", 1)
    assert task.error == {"code": "as_asked", "message": "Not with these numbers."}
    [line] = until(lambda: consumer.lines("job.refused"))
    assert (line["level"], line["error_code"]) == ("info", "as_asked")
    with house.server.client() as client:
        assert client.xlen(house.store.keys("dead")) == 0
    house.at_rest()


def test_a_refused_part_ends_the_task(house: House) -> None:
    house.consumer().ready()
    task = house.finished(house.submit(do="refuse", parts=200, at_part=7))
    assert task.error is not None
    assert (task.state, task.error["code"]) == ("failed", "as_asked")
    house.at_rest()


def test_a_task_that_is_stopped_early_gives_what_is_folded(house: House) -> None:
    house.consumer(children=2).ready()
    id = house.submit(do="sleep", seconds=0.05, parts=400)
    until(lambda: house.task(id).estimate)
    assert house.store.do(verbs.deadline(id, 256)) == "stopping"
    task = house.finished(id)
    assert task.state == "succeeded"
    assert task.result is not None
    folded = int(msgspec.json.decode(task.result)["total"])
    assert folded in {n * (n - 1) // 2 for n in range(2, 400)}
    house.at_rest()


def test_a_wave_with_a_hole_fails_its_task_and_nothing_else(house: House) -> None:
    id = house.submit(parts=2)
    by_hand(house, id)
    with house.server.client() as client:
        client.hdel(house.store.keys("partials", id), "0")
    consumer = house.consumer("c0").ready()
    task = house.finished(id)
    assert task.error is not None
    assert (task.state, task.error["code"]) == ("failed", "internal_error")
    assert "partial 0" in task.error["message"]
    assert house.finished(house.submit()).state == "succeeded"
    assert consumer.process.poll() is None
    house.at_rest()


def test_what_the_store_cannot_take_harms_nothing_else(house: House) -> None:
    id = house.submit(parts=2)
    by_hand(house, id)
    with house.server.client() as client:
        client.hset(house.store.keys("task", id), "folded", "5")  # so the fold breaks I3
    consumer = house.consumer("c0").ready()
    task = house.finished(id)
    assert task.error is not None
    assert (task.state, task.error["code"]) == ("failed", "internal_error")
    assert house.finished(house.submit()).state == "succeeded"
    assert consumer.lines("store.refused")
    assert consumer.process.poll() is None
    house.at_rest()


def test_a_bug_is_final_and_leaves_a_dead_letter(house: House) -> None:
    consumer = house.consumer().ready()
    task = house.finished(house.submit(do="raise"))
    assert task.error is not None
    assert (task.state, task.error["code"]) == ("failed", "internal_error")
    with house.server.client() as client:
        [(_, letter)] = client.xrange(house.store.keys("dead"))
    assert "Traceback" in letter["cause"]
    assert "traceback" not in task.error  # that is for us, not for clients
    [line] = until(lambda: consumer.lines("job.broke"))
    assert line["level"] == "error"
    house.at_rest()


def test_a_result_that_cannot_be_stored_is_an_error_with_a_code(house: House) -> None:
    house.consumer().ready()
    task = house.finished(house.submit(do="huge", number=9_000_000))
    assert task.error is not None
    assert task.error["code"] == "result_too_large"
    house.at_rest()


def test_a_lease_outlasts_a_job_of_many_leases(house: House, tmp_path: Path) -> None:
    mark = tmp_path / "starts"
    holder = house.consumer(lease_s=0.6, children=2).ready()
    house.consumer(lease_s=0.6).ready()
    id = house.submit(do="spin", seconds=4, mark=str(mark))
    idle = []
    with house.server.client() as client:
        while house.task(id).state in ("queued", "running"):
            pending = client.xpending_range(house.store.keys("jobs", "medium"), "consumers", "-", "+", 10)
            idle += [entry["time_since_delivered"] for entry in pending]
            assert all(entry["times_delivered"] == 1 for entry in pending)
            time.sleep(0.05)
    task = house.finished(id)
    assert (task.attempts, task.interruptions) == (1, 0)
    assert mark.read_bytes() == b"."
    assert max(idle) < 600
    assert holder.process.poll() is None


def test_cancelling_ends_the_childs_work_within_two_seconds(house: House, tmp_path: Path) -> None:
    consumer = house.consumer(children=2, lease_s=15).ready()
    before = consumer.children()
    id = house.submit(do="c loop")
    other = house.submit(do="sleep", seconds=3)
    until(lambda: house.task(id).state == "running")
    assert house.store.do(verbs.cancel(id, 256)) == "ok"
    started = time.monotonic()
    [line] = until(lambda: consumer.lines("job.lost"), 2.0)
    assert time.monotonic() - started < 2.0
    assert line["task_id"] == id
    until(lambda: len(set(before) - set(consumer.children())) == 1)
    assert house.store.do(verbs.cancel(id, 256)) == "cancelled"
    assert house.finished(other).attempts == 1
    assert house.task(id).result is None
    house.at_rest()


def test_a_task_that_is_cancelled_while_it_waits_never_starts(house: House, tmp_path: Path) -> None:
    mark = tmp_path / "starts"
    id = house.submit(mark=str(mark))
    assert house.store.do(verbs.cancel(id, 256)) == "ok"
    house.consumer().ready()
    assert house.finished(house.submit()).state == "succeeded"
    assert not mark.exists()
    house.at_rest()


def test_a_killed_consumers_jobs_are_done_by_another_and_its_name_goes(house: House, tmp_path: Path) -> None:
    mark = tmp_path / "starts"
    first = house.consumer("first", lease_s=1).ready()
    id = house.submit(do="sleep", seconds=2.0, mark=str(mark))
    until(mark.exists)
    first.kill()
    killed = time.monotonic()
    second = house.consumer("second", lease_s=1).ready()
    until(lambda: mark.read_bytes() == b"..", 4.0)
    print(f"begun again {time.monotonic() - killed:.1f} s after the kill, with a lease of 1 s")
    task = house.finished(id)
    assert (task.state, task.attempts, task.interruptions) == ("succeeded", 1, 1)
    assert second.lines("jobs.reaped")[0]["jobs"] == 1
    house.at_rest()


def test_a_frozen_consumer_comes_back_too_late_and_is_told_so(house: House, tmp_path: Path) -> None:
    mark = tmp_path / "starts"
    first = house.consumer("first", lease_s=1, children=1).ready()
    id = house.submit(do="sleep", seconds=0.5, mark=str(mark))
    until(mark.exists)
    frozen = [first.pid, *first.children()]
    for pid in frozen:
        os.kill(pid, signal.SIGSTOP)
    house.consumer("second", lease_s=1).ready()
    task = house.finished(id)
    for pid in frozen:
        os.kill(pid, signal.SIGCONT)
    until(lambda: first.lines("job.lost"))
    assert house.task(id) == task
    assert first.process.poll() is None
    house.at_rest()


def test_small_jobs_do_not_wait_behind_a_slow_one_of_their_kind(house: House, tmp_path: Path) -> None:
    """A kind that has proved tiny is read ahead; when one of its jobs is slow, those behind it go to others."""
    house.consumer(children=2).ready()
    for _ in range(20):
        house.finished(house.submit())
    slow = house.new_task("act", do="sleep", seconds=3.0)
    quick = [house.new_task("act") for _ in range(60)]
    started = time.monotonic()
    house.store.do(verbs.submit([quick[0], slow, *quick[1:]], 10**6, 256))
    for task in quick:
        assert house.finished(task.id).attempts == 1
    assert time.monotonic() - started < 2.0
    assert house.finished(slow.id).attempts == 1
    house.at_rest()


def test_no_more_jobs_are_taken_than_there_are_free_children(house: House) -> None:
    consumers = [house.consumer(children=2).ready() for _ in range(2)]
    ids = [house.submit(do="sleep", seconds=0.7) for _ in range(8)]
    most = 0
    with house.server.client() as client:
        while any(house.task(id).state != "succeeded" for id in ids):
            groups = client.xinfo_consumers(house.store.keys("jobs", "medium"), "consumers")
            most = max(most, *(entry["pending"] for entry in groups))
            time.sleep(0.02)
    assert most == 2
    until(lambda: sum(len(consumer.lines("job.done")) for consumer in consumers) == 8)
    assert all(consumer.lines("job.done") for consumer in consumers)


def test_low_priority_is_not_starved(house: House) -> None:
    house.consumer(children=1).ready()
    low = house.submit(priority="low", do="sleep", seconds=0.01)
    for _ in range(40):
        house.submit(priority="high", do="sleep", seconds=0.05)
    assert house.finished(low).started_at is not None
    with house.server.client() as client:
        assert client.xlen(house.store.keys("jobs", "high")) > 20
    house.finished(low)


def test_what_a_hand_or_a_bug_leaves_under_our_name_is_given_back(house: House) -> None:
    """Jobs that we hold and do not know of (the reply of a take was lost) are found when the store comes back."""
    id = house.submit()
    taken = house.store.do(verbs.take("c0", 4, ("high", "medium", "low"), (), 3, 256))
    assert [job.task for job in taken.jobs] == [id]
    house.consumer("c0").ready()
    task = house.finished(id)
    assert (task.state, task.attempts) == ("succeeded", 1)
    house.at_rest()


def test_the_heartbeat_says_what_each_child_does(house: House) -> None:
    consumer = house.consumer(children=2).ready()
    id = house.submit(do="spin", seconds=8)
    until(lambda: house.task(id).state == "running")

    def at_work() -> list[dict[str, object]]:
        beats = house.store.do(verbs.fleet())
        return [child for beat in beats for child in beat.children if child.get("task") == id]

    [child] = until(at_work)
    assert child["pid"] in consumer.children()
    assert (child["job"], child["kind"]) == ("p0", "act")
    assert isinstance(child["since"], int)
    assert abs(child["since"] - house.store.do(verbs.clock())) < 10_000
    assert int(str(child["rss_bytes"])) > 1_000_000
    [beat] = house.store.do(verbs.fleet())
    assert (beat.name, beat.pid, len(beat.children)) == (consumer.name, consumer.pid, 2)


def by_hand(house: House, id: str) -> None:
    """Compute both parts of a task of two, so that only its fold is left."""
    taken = house.store.do(verbs.take("hand", 2, ("high", "medium", "low"), (), 3, 256))
    done = [Done(job, b'{"value":%d}' % job.number, 0, 1.0) for job in taken.jobs if job.task == id]
    assert house.store.do(verbs.finish_part(done, "hand", 256)) == [True, True]
