"""A stop: polite first, and never a loss. (B11, B14, B45, B51, B53)"""

import random
import signal
import time
from functools import partial
from pathlib import Path

from pipeline import verbs
from tests.consumer.house import House, gone, until


def test_an_idle_consumer_stops_at_once_and_leaves_nothing(house: House) -> None:
    consumer = house.consumer("leaver", children=2).ready()
    until(lambda: house.store.do(verbs.fleet()))
    before = consumer.children()
    started = time.monotonic()
    assert consumer.stop() == 0
    assert time.monotonic() - started < 2.0
    assert all(map(gone, before))
    assert house.store.do(verbs.fleet()) == []
    assert house.store.do(verbs.names()) == []
    assert [line["event"] for line in consumer.lines()][-2:] == ["consumer.stopping", "consumer.stopped"]


def test_running_jobs_are_finished_within_the_grace(house: House) -> None:
    consumer = house.consumer(children=2, grace_s=10, lease_s=1).ready()
    ids = [house.submit(do="spin", seconds=2) for _ in range(2)]
    waiting = house.submit()
    for id in ids:
        house.running(id)
    assert consumer.stop() == 0
    for id in ids:
        task = house.task(id)
        assert (task.state, task.attempts, task.interruptions) == ("succeeded", 1, 0)
    assert house.task(waiting).state == "queued"


def test_what_outlasts_the_grace_is_handed_back_without_an_attempt(house: House, tmp_path: Path) -> None:
    mark = tmp_path / "starts"
    id = house.submit(do="sleep", seconds=1.5, mark=str(mark))
    for n in range(3):
        consumer = house.consumer(f"stopped{n}", children=1, grace_s=0.2, lease_s=60).ready()
        until(partial(started, mark, n + 1))
        assert consumer.stop() == 0
        assert [line["outcome"] for line in consumer.lines("job.released")] == ["released"]
        assert house.task(id).state == "running"
    house.consumer("last", lease_s=60).ready()
    task = house.finished(id, 10)  # sooner than the lease: it was handed back, not left to age
    assert (task.state, task.attempts, task.interruptions) == ("succeeded", 1, 0)
    assert len([line for line in house.history(id) if "release" in line]) == 3
    house.at_rest()


def started(mark: Path, times: int) -> bool:
    """Whether a job that leaves a mark has been started so often."""
    return mark.exists() and len(mark.read_bytes()) == times


def test_jobs_that_were_read_ahead_are_handed_back(house: House) -> None:
    consumer = house.consumer(children=1, grace_s=5).ready()
    for _ in range(30):
        house.finished(house.submit())
    tasks = [house.new_task("act", do="sleep", seconds=1.0), *(house.new_task("act") for _ in range(50))]
    house.store.do(verbs.submit(tasks, 10**6, 256))
    house.running(tasks[0].id)
    assert consumer.stop() == 0
    assert house.task(tasks[0].id).state == "succeeded"
    house.consumer("other").ready()
    for task in tasks[1:]:
        assert house.finished(task.id).attempts == 1
    house.at_rest()


def test_a_second_signal_does_no_harm(house: House) -> None:
    consumer = house.consumer(children=1, grace_s=10).ready()
    id = house.submit(do="spin", seconds=1)
    house.running(id)
    for number in (signal.SIGTERM, signal.SIGTERM, signal.SIGINT):
        consumer.process.send_signal(number)
        time.sleep(0.1)
    assert consumer.process.wait(10) == 0
    assert house.task(id).state == "succeeded"
    assert len(consumer.lines("consumer.stopping")) == 1


def test_a_stop_without_the_store_ends_within_the_grace(house: House) -> None:
    consumer = house.consumer(children=1, grace_s=1.5).ready()
    id = house.submit(do="sleep", seconds=0.5)
    house.running(id)
    house.server.kill()
    try:
        started = time.monotonic()
        assert consumer.stop() == 0
        assert time.monotonic() - started < 3.0
    finally:
        house.server.start()
    assert house.task(id).state == "running"
    house.consumer("other", lease_s=1).ready()
    assert house.finished(id).state == "succeeded"
    house.at_rest()


def test_stops_and_kills_at_any_moment_lose_nothing(house: House) -> None:
    random.seed(11)
    ids = [house.submit(do="sleep", seconds=random.choice((0, 0, 0.002, 0.05))) for _ in range(400)]
    for n in range(8):
        consumer = house.consumer(f"short{n}", children=2, grace_s=0.3, lease_s=1)
        until(partial(consumer.lines, "job.done"))
        time.sleep(random.random() * 0.1)
        if n % 2:
            consumer.kill()
        else:
            assert consumer.stop() == 0
    house.consumer("last", lease_s=1).ready()
    for id in ids:
        task = house.finished(id)
        assert (task.state, task.attempts) == ("succeeded", 1)
    house.at_rest()
