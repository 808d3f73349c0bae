"""The answer of a task is the same to the last bit, whoever computes it and whoever dies while it is computed.

The truth is `calc.execute.execute`: plain Python in one process. Kills are SIGKILL, to real processes, at moments
drawn from a seed (printed; `--seed N` repeats it), and at two that no chance is left to: inside a fold, between two.
"""

import functools
import os
import random
import signal
import time
from collections.abc import Callable

import pytest

from calc import execute
from pipeline import verbs
from pipeline.record import NewTask
from tests.consumer.house import Consumer, House, until

# Ten waves of folds long enough to be hit, and parts short enough that a story takes seconds.
CHAIN = {"parts": 120, "part_seconds": 0.02, "fold_seconds": 0.05, "first_wave": 4, "largest_wave": 16, "seed": 5}
BOOK = {
    "positions": [
        {"symbol": "A", "quantity": 100, "price": 50.0}, {"symbol": "B", "quantity": -40, "price": 120.0},
        {"symbol": "C", "quantity": 10, "price": 400.0},
    ],
    "volatilities": {"A": 0.2, "B": 0.35, "C": 0.25}, "correlation": [[1, 0.3, 0.1], [0.3, 1, 0.5], [0.1, 0.5, 1]],
    "confidence": 0.995, "horizon_days": 10, "days_per_year": 252, "scenarios": 12_000_000, "seed": 11,
}  # fmt: skip
OPTION = {
    "type": "put",
    "spot": 100,
    "strike": 95,
    "maturity": 0.75,
    "rate": 0.03,
    "dividend_yield": 0.01,
    "volatility": 0.25,
}
OPTION |= {"paths": 480_000_000, "variance_reduction": "control", "seed": 3}


@functools.cache
def truth(kind: str, data: bytes) -> bytes:
    """All of it in this process."""
    return execute.execute(kind, data)


def send(house: House, kind: str, data: dict[str, object]) -> NewTask:
    task = house.new_task(kind, **data)
    assert house.store.do(verbs.submit([task], 1000, 256))[0].outcome == "new"
    return task


def right(house: House, task: NewTask, within_s: float = 150) -> None:
    """It has succeeded with the true bytes, and nothing of it is left."""
    done = house.finished(task.id, within_s)
    assert done.error is None
    assert done.result == truth(task.kind, task.data)
    house.at_rest()


@pytest.mark.parametrize(("kind", "data"), [("digest", CHAIN), ("var_mc", BOOK), ("option_european", OPTION)])
def test_one_child_and_twelve_give_the_bits_of_plain_python(house: House, kind: str, data: dict[str, object]) -> None:
    """B87: one child, then three consumers of four; one part, then many."""
    alone = house.consumer(children=1).ready()
    first = send(house, kind, data)
    assert first.parts > 1
    right(house, first)
    alone.stop()
    for consumer in [house.consumer(children=4) for _ in range(3)]:
        consumer.ready()
    second = send(house, kind, data)
    right(house, second)
    assert len({span["consumer"] for span in house.store.do(verbs.spans(second.id, 1000))}) > 1


def fleet(house: House) -> list[Consumer]:
    consumers = [house.consumer(children=4, lease_s=0.6, retry_pause_s=0.05) for _ in range(3)]
    return [consumer.ready() for consumer in consumers]


def kill_a_child(house: House, rng: random.Random) -> None:
    alive = [consumer for consumer in house.consumers if consumer.process.poll() is None]
    rng.choice(alive).kill_a_child(rng)


def kill_a_consumer(house: House, rng: random.Random) -> None:
    alive = [consumer for consumer in house.consumers if consumer.process.poll() is None]
    rng.choice(alive).kill()


@pytest.mark.parametrize("moment", range(10))
def test_a_kill_at_any_moment_changes_no_bit(house: House, first_seed: int, moment: int) -> None:
    """B87: children and whole consumers, one or several, somewhere in the two seconds that the task takes."""
    rng = random.Random(first_seed + moment)
    print(f"seed {first_seed}, moment {moment}")
    fleet(house)
    task = send(house, "digest", CHAIN)
    house.running(task.id)
    for _ in range(rng.choice([1, 2, 4])):
        time.sleep(rng.uniform(0, 0.8))
        rng.choice([kill_a_child, kill_a_consumer])(house, rng)
        if sum(consumer.process.poll() is None for consumer in house.consumers) < 2:
            house.consumer(children=4, lease_s=0.6, retry_pause_s=0.05).ready()
    right(house, task)


def rows(house: House, id: str) -> dict[str, str]:
    with house.server.client() as client:
        return client.hgetall(house.store.keys("rows", id))  # type: ignore[return-value]


def holder_of_a_fold(house: House, id: str) -> str:
    """The name of the consumer that folds a wave of this task right now, or ""."""
    for job, row in rows(house, id).items():
        if job.startswith("r") and not row.endswith(" -"):
            return row.split(" ")[-1]
    return ""


def held_in_a_fold(house: House, id: str) -> Consumer | None:
    """A consumer that is stopped, with its children, while one of them folds a wave; None if it was quicker."""
    if not (name := holder_of_a_fold(house, id)):
        return None
    (consumer,) = (c for c in house.consumers if c.name == name)
    pids = [*consumer.children(), consumer.pid]
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    if holder_of_a_fold(house, id) == name:
        return consumer
    for pid in pids:
        os.kill(pid, signal.SIGCONT)
    return None


@pytest.mark.parametrize("whole", [True, False], ids=["consumer", "children"])
def test_a_kill_inside_a_fold_changes_no_bit(house: House, whole: bool) -> None:
    fleet(house)
    task = send(house, "digest", CHAIN | {"fold_seconds": 0.3})
    consumer = until(lambda: held_in_a_fold(house, task.id))
    if whole:
        consumer.kill()
    else:
        for pid in consumer.children():
            os.kill(pid, signal.SIGKILL)
        consumer.process.send_signal(signal.SIGCONT)
    right(house, task)
    happened = " ".join(house.history(task.id))
    assert ("reap r" if whole else "retry r") in happened


def test_a_kill_between_two_folds_changes_no_bit(house: House) -> None:
    fleet(house)
    task = send(house, "digest", CHAIN | {"part_seconds": 0.05})

    def between() -> bool:
        with house.server.client() as client:
            folded = client.hget(house.store.keys("task", task.id), "folded")
        held = [job for job, row in rows(house, task.id).items() if not row.endswith(" -")]
        return int(folded or 0) >= 2 and bool(held) and not any(job.startswith("r") for job in held)

    until(between)
    victim: Callable[[], Consumer] = lambda: next(  # noqa: E731
        (c for c in house.consumers if any(row.endswith(f" {c.name}") for row in rows(house, task.id).values())), None
    )
    until(victim).kill()
    right(house, task)
    assert house.task(task.id).interruptions >= 1
