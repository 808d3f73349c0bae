"""A stop: polite first, and never a loss."""

import random
import selectors
import signal
import time
from functools import partial
from pathlib import Path
from typing import Any

from consumer.link import Link
from pipeline import verbs
from tests.consumer.house import House, gone, until
from tests.faults.settle import settled, submit_many


def test_an_idle_consumer_stops_at_once_and_leaves_nothing(house: House) -> None:
    consumer = house.consumer("leaver", children=2).ready()
    until(lambda: house.store.do(verbs.fleet()))
    before = consumer.children()
    started = time.monotonic()
    assert consumer.stop() == 0
    assert time.monotonic() - started < 6.0  # at once, on a busy machine; the grace is 20 s
    assert all(map(gone, before))
    assert house.store.do(verbs.fleet()) == []
    assert house.store.do(verbs.names()) == []
    assert [line["event"] for line in consumer.lines()][-2:] == ["consumer.stopping", "consumer.stopped"]


def test_running_jobs_are_finished_within_the_grace(house: House) -> None:
    """B51: a job that needs much of the grace ends and is stored."""
    consumer = house.consumer(children=2, grace_s=6, lease_s=1).ready()
    ids = [house.submit(do="spin", seconds=2) for _ in range(2)]
    waiting = house.submit()
    house.running(*ids)
    assert consumer.stop() == 0
    for id in ids:
        task = house.task(id)
        assert (task.state, task.attempts, task.interruptions) == ("succeeded", 1, 0)
    assert house.task(waiting).state == "queued"


def test_limits_that_do_not_nest_stop_the_start(house: House) -> None:
    """B51: the grace must end before whoever stops us loses patience, and with a margin."""
    consumer = house.consumer(grace_s=20, stop_limit_s=20)
    assert consumer.process.wait(60) == 2
    [line] = consumer.lines("consumer.not_started")
    assert "HEADRACE_STOP_LIMIT_S=20 is wrong" in line["reason"]


def test_what_outlasts_the_grace_is_handed_back_without_an_attempt(house: House, tmp_path: Path, hold: Path) -> None:
    """B14, B53: five stops in a row of a job that may be tried once: it is handed back each time, at once and not when
    the lease is over, and ends well. (After a SIGKILL it waits for the lease: test_leases.py.)"""
    mark = tmp_path / "starts"
    id = house.submit(mark=str(mark), hold=str(hold))
    for n in range(5):
        consumer = house.consumer(f"stopped{n}", children=1, grace_s=0.1, lease_s=60, max_attempts=1).ready()
        until(partial(started, mark, n + 1))
        assert consumer.stop() == 0
        assert [line["outcome"] for line in consumer.lines("job.released")] == ["released"]
        assert house.task(id).state == "running"
    hold.unlink()
    house.consumer("last", lease_s=60, max_attempts=1).ready()
    task = house.finished(id, 30)  # sooner than the lease: it was handed back, not left to age
    assert (task.state, task.attempts, task.interruptions) == ("succeeded", 1, 0)
    assert len([line for line in house.history(id) if "release" in line]) == 5
    with house.server.client() as client:
        assert client.xlen(house.store.keys("dead")) == 0
    house.at_rest()


def started(mark: Path, times: int) -> bool:
    """Whether a job that leaves a mark has been started so often."""
    return mark.exists() and len(mark.read_bytes()) == times


def test_jobs_that_were_read_ahead_are_handed_back(house: House, hold: Path) -> None:
    consumer = house.consumer(children=1, grace_s=60, stop_limit_s=90).ready()
    for _ in range(30):
        house.finished(house.submit())
    tasks = [house.new_task("act", hold=str(hold)), *(house.new_task("act") for _ in range(50))]
    house.store.do(verbs.submit(tasks, 10**6, 256))
    house.running(tasks[0].id)
    consumer.process.send_signal(signal.SIGTERM)
    until(lambda: consumer.lines("consumer.stopping"))
    hold.unlink()
    assert consumer.process.wait(60) == 0
    assert house.task(tasks[0].id).state == "succeeded"
    house.consumer("other").ready()
    for task in tasks[1:]:
        assert house.finished(task.id).attempts == 1
    house.at_rest()


def test_a_bell_that_rings_as_a_stop_comes_is_not_heard(house: House) -> None:
    """B45: both are there in one turn of the loop, and the stop is heard first."""
    taken = house.store.do(verbs.take("c0", 1, ("high", "medium", "low"), (), 3, 256, 86_400_000))
    with selectors.DefaultSelector() as selector:
        link = Link(house.settings, "c0", selector)
        link.sleep(taken.wake_ids)
        house.submit()
        [(key, mask)] = selector.select(60)
        link.stop_listening()
        key.data(mask)
        assert not link.asleep


def test_a_second_signal_does_no_harm(house: House, hold: Path) -> None:
    consumer = house.consumer(children=1, grace_s=60, stop_limit_s=90).ready()
    id = house.submit(hold=str(hold))
    house.running(id)
    for number in (signal.SIGTERM, signal.SIGTERM, signal.SIGINT):
        consumer.process.send_signal(number)
        time.sleep(0.1)
    hold.unlink()
    assert consumer.process.wait(60) == 0
    assert house.task(id).state == "succeeded"
    assert len(consumer.lines("consumer.stopping")) == 1


def test_a_stop_without_the_store_ends_within_the_grace(house: House, hold: Path) -> None:
    consumer = house.consumer(children=1, grace_s=1.5).ready()
    id = house.submit(hold=str(hold))
    house.running(id)
    house.server.kill()
    hold.unlink()
    try:
        started = time.monotonic()
        assert consumer.stop() == 0
        assert time.monotonic() - started < 15.0  # the grace, and a busy machine; who waits for the store never ends
    finally:
        house.server.start()
    assert house.task(id).state == "running"
    house.consumer("other", lease_s=1).ready()
    assert house.finished(id).state == "succeeded"
    house.at_rest()


def test_stops_and_kills_at_any_moment_lose_nothing(house: House, first_seed: int) -> None:
    """B07, B11, B45: thirty-six stops and twelve kills at random moments under a flow of short tasks, at debug level.
    Each stop ends well and in time, with no word of a handler that was interrupted; nothing is lost, nothing is done
    twice, no lock is left behind."""
    dice = random.Random(first_seed)
    print(f"seed {first_seed}")
    ids = []
    for n in range(12):
        ids += submit_many(house, 40, "act", do="sleep", seconds=0.03) + submit_many(house, 3, "act", parts=20)
        settings: dict[str, Any] = {"children": 2, "grace_s": 0.3, "lease_s": 1, "log_level": "debug"}
        fleet = [house.consumer(f"short{n}-{m}", **settings) for m in range(4)]
        for consumer in fleet:
            consumer.ready()
        for consumer in dice.sample(fleet, 4):
            time.sleep(dice.random() * 0.05)
            if consumer is fleet[0]:
                consumer.kill()
            else:
                consumer.process.send_signal(signal.SIGTERM)
        for consumer in fleet[1:]:
            ended = consumer.process.wait(60)
            text = consumer.log_file.read_text()
            assert ended == 0, text[-3000:]
            assert not [word for word in ("reentrant", "Traceback", "RuntimeError") if word in text]
            assert consumer.lines()[-1]["event"] == "consumer.stopped"
    house.consumer("last", lease_s=1).ready()
    for task in settled(house, ids):
        assert (task.state, task.attempts) == ("succeeded", 1)
    print(f"{sum(len(consumer.lines('job.done')) for consumer in house.consumers[:-1])} jobs done by the short-lived")
