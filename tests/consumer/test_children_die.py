"""Children die in numbers: each death is seen, told and made good, and nothing of it is left."""

import os
import random
import signal
import time
from functools import partial
from pathlib import Path

from tests.consumer.house import KINDS, Consumer, House, children, gone, until
from tests.consumer.kinds import stuck
from tests.faults.settle import settled, submit_all, submit_many

PLACE = ("jobs", "medium")


def test_forty_kills_of_random_children_under_load(house: House, hold: Path, first_seed: int) -> None:
    """B39: a new child within a second each time, each death told with its signal, never more than four jobs held."""
    dice = random.Random(first_seed)
    print(f"seed {first_seed}")
    consumer = house.consumer(children=4, max_attempts=20).ready()
    until(lambda: len(consumer.children()) == 4)
    ids = submit_all(house, [house.new_task("act", do="sleep", seconds=0.1) for _ in range(160)])
    slowest = 0.0
    with house.server.client() as client:
        for _ in range(40):
            time.sleep(dice.random() * 0.1)
            victim = consumer.kill_a_child(dice)
            killed = time.monotonic()
            until(partial(whole, consumer, victim))
            slowest = max(slowest, time.monotonic() - killed)
            assert client.xpending(house.store.keys(*PLACE), "consumers")["pending"] <= 4
    print(f"replaced after {1000 * slowest:.0f} ms at most")
    assert slowest < 10.0  # a second, and a busy machine: who is killed and who is forked wait for their turn
    tasks = settled(house, ids)
    assert {task.state for task in tasks} == {"succeeded"}
    died = consumer.lines("job.died")
    assert len(died) == sum(task.attempts - 1 for task in tasks) > 10
    assert {line["error_code"] for line in died} == {"child_died"}
    deaths = consumer.lines("child.died")
    assert {line["how"] for line in deaths} == {"killed by signal 9 (Killed)"}
    assert len(deaths) == 40
    last = [house.submit(hold=str(hold)) for _ in range(4)]
    house.running(*last)  # four are usable
    hold.unlink()
    assert {task.attempts for task in settled(house, last)} == {1}


def whole(consumer: Consumer, without: int) -> bool:
    """Whether four children live, and this one is not among them."""
    now = [pid for pid in consumer.children() if not gone(pid)]
    return len(now) == 4 and without not in now


def test_two_hundred_replacements_under_heavy_logging(house: House) -> None:
    """B43, B44: at debug level, with a line for each of many jobs: every child becomes ready, and none stays a zombie.
    Then a child blocks before its first word, as one does that was forked with a lock held: it is replaced."""
    kinds = f"{KINDS},tests.consumer.kinds.stuck"
    consumer = house.consumer(children=4, log_level="debug", max_attempts=50, kinds=kinds).ready()
    ids = []
    for _ in range(50):
        ids += submit_many(house, 30)
        before = until(lambda: len(alive(consumer)) == 4 and alive(consumer))
        for pid in before:
            os.kill(pid, signal.SIGKILL)
        until(lambda before=before: not set(before) & set(children(consumer.pid)))  # zombies have a parent too
    assert {task.state for task in settled(house, ids)} == {"succeeded"}
    deaths = consumer.lines("child.died")
    assert len(deaths) == 200
    assert {line["killed_because"] for line in deaths} == {""}
    door = stuck.door(consumer.pid)
    door.touch()
    try:
        [victim, *_] = consumer.children()
        os.kill(victim, signal.SIGKILL)
        line = until(lambda: [line for line in consumer.lines("child.died") if line["killed_because"]])[0]
    finally:
        door.unlink()
    assert line["killed_because"] == "silent"
    until(lambda: len(alive(consumer)) == 4)
    assert house.finished(house.submit()).state == "succeeded"


def alive(consumer: Consumer) -> list[int]:
    return [pid for pid in children(consumer.pid) if not gone(pid)]
