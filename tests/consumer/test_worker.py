"""A real consumer on a real server: every outcome settles as it should, leases hold, what is lost stops."""

import time
from functools import partial
from pathlib import Path

import msgspec
import pytest

from calc import execute
from consumer.pace import MOST_READY, SURE
from consumer.start import name
from pipeline import verbs
from pipeline.record import Done
from pipeline.settings import Settings
from pipeline.store import ANSWER_S
from tests.consumer.house import House, until
from tests.faults.settle import settled, submit_all


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
    assert 0 <= line["waited_ms"] < 60_000
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


def test_what_a_hand_took_from_a_wave_is_computed_again(house: House) -> None:
    """A partial, then the count of folded waves: the parent is told that the fold is not to be done, and goes on."""
    holed = by_hand(house, house.submit(parts=2))
    confused = by_hand(house, house.submit(parts=2))
    with house.server.client() as client:
        client.hdel(house.store.keys("partials", holed), "0")
        client.hset(house.store.keys("task", confused), "folded", "5")
    consumer = house.consumer("c0").ready()
    for id in (holed, confused):
        assert house.finished(id).result == b'{"total":1,"text":""}'
    assert consumer.process.poll() is None
    house.at_rest()


def test_what_a_script_fails_on_is_healed_and_harms_nothing_else(house: House) -> None:
    """A script fails on a key that a hand has spoilt: the key is removed, and the outcomes of the call are all told."""
    with house.server.client() as client:
        client.set(house.store.keys("index_error", "as_asked"), "no zset")
    consumer = house.consumer("c0", children=2).ready()
    ids = submit_all(house, [house.new_task("act", do="refuse"), *(house.new_task("act") for _ in range(20))])
    assert {house.finished(id).state for id in ids[1:]} == {"succeeded"}
    assert house.finished(ids[0]).state == "failed"
    assert until(lambda: consumer.lines("store.healed"))
    assert house.finished(house.submit()).state == "succeeded"
    assert consumer.process.poll() is None
    house.at_rest()


def test_what_the_store_cannot_take_harms_nothing_else(house: House, hold: Path) -> None:
    """A script fails on a number that a hand has spoilt. That is logged, what was told with it is told again, and
    `repair` mends the task."""
    consumer = house.consumer("c0", children=2).ready()
    spoilt = house.submit(parts=2, hold=str(hold))
    ids = submit_all(house, [house.new_task("act") for _ in range(20)])
    with house.server.client() as client:

        def refused() -> object:
            client.hset(house.store.keys("partials", spoilt), "wave:0", "x")  # what HINCRBY cannot add to
            hold.unlink(missing_ok=True)
            return consumer.lines("store.refused")

        until(refused)
    assert {house.finished(id).state for id in [*ids, spoilt, house.submit()]} == {"succeeded"}
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


def test_a_killed_consumers_jobs_are_done_by_another_and_its_name_goes(house: House, tmp_path: Path) -> None:
    """B14: an interruption is counted, and not as an attempt."""
    mark = tmp_path / "starts"
    first = house.consumer("first", lease_s=1).ready()
    id = house.submit(do="sleep", seconds=2.0, mark=str(mark))
    until(mark.exists)
    first.kill()
    killed = time.monotonic()
    second = house.consumer("second", lease_s=1).ready()
    until(lambda: mark.read_bytes() == b"..")
    print(f"begun again {time.monotonic() - killed:.1f} s after the kill, with a lease of 1 s")
    task = house.finished(id)
    assert (task.state, task.attempts, task.interruptions) == ("succeeded", 1, 1)
    [reaped] = second.lines("job.reaped")
    assert (reaped["from_consumer"], reaped["outcome"], reaped["interruptions"]) == ("first", "again", 1)
    house.at_rest()


def test_small_jobs_do_not_wait_behind_a_slow_one_of_their_kind(house: House, hold: Path) -> None:
    """A kind that has proved tiny is read ahead; when one of its jobs is slow, those behind it go to others."""
    house.consumer(children=2).ready()
    for _ in range(20):
        house.finished(house.submit())
    slow = house.new_task("act", hold=str(hold))
    quick = [house.new_task("act") for _ in range(60)]
    house.store.do(verbs.submit([quick[0], slow, *quick[1:]], 10**6, 256))
    for task in quick:
        assert house.finished(task.id).attempts == 1
    assert house.task(slow.id).state == "running"
    hold.unlink()
    assert house.finished(slow.id).attempts == 1
    house.at_rest()


def test_what_came_of_short_jobs_is_told_together(house: House) -> None:
    consumer = house.consumer(children=2).ready()
    jobs = 100
    ids = submit_all(house, [house.new_task("act", do="sleep", seconds=0.04) for _ in range(jobs)])
    for id in ids:
        house.finished(id)
    lines = until(lambda: consumer.lines("job.done", jobs))
    round_trips = len({line["ts"] for line in lines})
    assert SURE <= round_trips <= 0.6 * jobs, f"{jobs} jobs were told in {round_trips} round trips"
    house.at_rest()


def test_short_jobs_are_ready_behind_each_and_go_to_others_when_they_must_wait(house: House, hold: Path) -> None:
    """Kinds that have proved short: no more than stated in a child's hands, and none is stuck behind a slow one."""
    house.consumer(children=2).ready()
    most = 0
    with house.server.client() as client:

        def held() -> int:
            return int(client.xpending(house.store.keys("jobs", "medium"), "consumers")["pending"])

        ids = submit_all(house, [house.new_task("act", do="sleep", seconds=0.01) for _ in range(200)])
        while any(house.task(id).state != "succeeded" for id in ids[-4:]):
            most = max(most, held())
        assert 4 < most <= 2 * (1 + MOST_READY)
        slow = house.new_task("act", hold=str(hold))
        quick = [house.new_task("act", do="sleep", seconds=0.01) for _ in range(60)]
        submit_all(house, [*quick[:20], slow, *quick[20:]])
        assert {house.finished(task.id).attempts for task in quick} == {1}
        assert house.task(slow.id).state == "running"
        assert held() == 1
    house.ask(verbs.cancel(slow.id, 256))
    house.at_rest()


def test_no_more_jobs_are_taken_than_there_are_free_children(house: House, hold: Path) -> None:
    """B36: eight jobs in one burst, then eight more, for two consumers of four: four begin on each, within a second."""
    consumers = [house.consumer(children=4).ready() for _ in range(2)]
    ids = submit_all(house, [house.new_task("act", hold=str(hold)) for _ in range(8)])
    submitted = time.monotonic()
    house.running(*ids)
    assert time.monotonic() - submitted < 15.0  # a second, and a busy machine
    ids += submit_all(house, [house.new_task("act", do="sleep", seconds=0.7) for _ in range(8)])
    most = 0
    with house.server.client() as client:
        while any(house.task(id).state != "succeeded" for id in ids):
            groups = client.xinfo_consumers(house.store.keys("jobs", "medium"), "consumers")
            most = max(most, *(entry["pending"] for entry in groups))
            hold.unlink(missing_ok=True)
            time.sleep(0.02)
    assert most == 4
    for consumer in consumers:
        until(partial(consumer.lines, "job.done", 8))
        assert {line["task_id"] for line in consumer.lines("job.done")[:4]} < set(ids[:8])


def test_consumers_with_the_same_host_and_pid_have_names_of_their_own(house: House, hold: Path) -> None:
    """B35: containers may share both. Nor does the death of one make what the other holds anybody's."""
    assert len({name(Settings()) for _ in range(100)}) == 100
    first = house.consumer("first", lease_s=2, children=1, named=False).ready()
    second = house.consumer("second", lease_s=2, children=1, named=False).ready()
    ids = [house.submit(hold=str(hold)) for _ in range(2)]
    house.running(*ids)
    until(lambda: len(house.ask(verbs.fleet())) == 2)
    assert {beat.pid for beat in house.ask(verbs.fleet())} == {first.pid, second.pid}
    first.kill()
    until(lambda: second.lines("job.reaped"))
    hold.unlink()
    tasks = settled(house, ids)
    assert sorted(task.interruptions for task in tasks) == [0, 1]


def test_shares_that_a_hand_made_wrong_are_counted_again(house: House, hold: Path) -> None:
    """At once when something had to be mended: what took the entry may have taken more."""
    house.consumer("c0", children=1, lease_s=1).ready()
    busy = house.submit(hold=str(hold))
    house.running(busy)
    waiting = house.submit()
    with house.server.client() as client:
        shares = house.store.keys("shares")
        [slot] = client.hkeys(shares)
        client.hset(shares, slot, 99)
        entries = client.xrange(house.store.keys("jobs", "medium"))
        [entry] = [id for id, words in entries if words["task"] == waiting]
        client.xdel(house.store.keys("jobs", "medium"), entry)
        until(lambda: client.hget(shares, slot) == "2")
    [line] = until(lambda: house.consumers[0].lines("shares.recounted"))
    assert line["shares"] == 1
    hold.unlink()
    settled(house, [busy, waiting])


def test_a_lease_that_is_short_is_told(house: House) -> None:
    short, safe = house.consumer(lease_s=2 * ANSWER_S - 1).ready(), house.consumer(lease_s=2 * ANSWER_S).ready()
    [line] = short.lines("lease.short")
    assert (line["lease_s"], line["safe_s"]) == (2 * ANSWER_S - 1, 2 * ANSWER_S)
    assert safe.lines("lease.short") == []


def test_low_priority_is_not_starved(house: House, hold: Path) -> None:
    house.consumer(children=1).ready()
    house.running(house.submit(hold=str(hold)))
    low = house.submit(priority="low", do="sleep", seconds=0.01)
    submit_all(house, [house.new_task("act", priority="high", do="sleep", seconds=0.05) for _ in range(400)])  # 20 s
    hold.unlink()
    assert house.finished(low).started_at is not None
    with house.server.client() as client:
        assert client.xlen(house.store.keys("jobs", "high")) > 20


def test_what_a_hand_or_a_bug_leaves_under_our_name_is_given_back(house: House) -> None:
    """Jobs that we hold and do not know of (the reply of a take was lost) are found when the store comes back."""
    id = house.submit()
    taken = house.store.do(verbs.take("c0", 4, ("high", "medium", "low"), (), 3, 256, 86_400_000))
    assert [job.task for job in taken.jobs] == [id]
    house.consumer("c0").ready()
    task = house.finished(id)
    assert (task.state, task.attempts) == ("succeeded", 1)
    house.at_rest()


def test_the_heartbeat_says_what_each_child_does(house: House) -> None:
    consumer = house.consumer(children=2).ready()
    id = house.submit(do="spin", seconds=60)
    house.running(id)

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


def by_hand(house: House, id: str) -> str:
    """Compute both parts of a task of two, so that only its fold is left; answers the task."""
    taken = house.store.do(verbs.take("hand", 3, ("high", "medium", "low"), (), 3, 256, 86_400_000))
    done = [Done(job, b'{"value":%d}' % job.number, 0, 1.0) for job in taken.jobs if job.task == id]
    assert house.store.do(verbs.finish_part(done, "hand", 256)) == [True, True]
    return id
