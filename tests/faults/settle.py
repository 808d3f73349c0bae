"""What must be true of a house when a case is over, whatever was done to it; and tasks in numbers."""

import time
from collections import Counter
from collections.abc import Sequence
from typing import Any

import msgspec

from pipeline import ids, verbs
from pipeline.keys import PRIORITIES
from pipeline.record import FINAL, Done, NewTask, Task
from tests.consumer.house import House, gone, until

SHARE = 256
BATCH = 200


def submit_many(house: House, count: int, kind: str = "noop", **data: Any) -> list[str]:
    """Submit so many alike in batches; their ids."""
    return submit_all(house, [house.new_task(kind, **data) for _ in range(count)])


def submit_all(house: House, tasks: Sequence[NewTask], **changes: Any) -> list[str]:
    """Submit these in batches; every one must be new."""
    changed = [msgspec.structs.replace(task, **changes) for task in tasks] if changes else list(tasks)
    for at in range(0, len(changed), BATCH):
        answers = house.ask(verbs.submit(changed[at : at + BATCH], 10**6, SHARE))
        assert {answer.outcome for answer in answers} <= {"new", "replay"}
    return [task.id for task in changed]


def finish_many(house: House, count: int) -> str:
    """So many finished tasks, by the scripts that consumers use, without computing; the last one's id."""
    model, at_ms, last = house.new_task("noop", value=7), house.ask(verbs.clock()), ""
    for n in range(0, count, BATCH):
        made = [ids.mint(at_ms + n, house._key) for _ in range(BATCH)]
        tasks = [msgspec.structs.replace(model, id=id) for id in made]
        house.ask(verbs.submit(tasks, 10**6, SHARE))
        jobs = house.store.do(verbs.take("hand", BATCH, PRIORITIES, [], 3, SHARE, 60_000)).jobs
        kept = house.store.do(verbs.finish_task([Done(job, b'{"value":7}', 0, 1.0) for job in jobs], "hand", SHARE))
        assert len(jobs) == sum(kept) == BATCH
        last = made[-1]
    return last


def ended(house: House, these: Sequence[str], within_s: float = 60.0) -> list[Task]:
    """The records of all of these, once each has ended."""
    left, deadline = set(these), time.monotonic() + within_s
    found: dict[str, Task] = {}
    while left:
        for id in list(left):
            task = house.task(id)
            if task.state not in FINAL:
                break  # in order of submission, so the others are hardly further
            found[id] = task
            left.discard(id)
        if time.monotonic() > deadline:
            raise TimeoutError(f"{len(left)} of {len(these)} have not ended, first {house.task(min(left))}")
        time.sleep(0.02)
    return [found[id] for id in these]


def settled(house: House, these: Sequence[str], within_s: float = 60.0) -> list[Task]:
    """All have ended, once each; nothing is held, no key is left over, each consumer is whole, each line is JSON."""
    tasks = ended(house, these, within_s)
    house.at_rest()
    endings = happened(house)
    assert {id: endings[id] for id in these} == dict.fromkeys(these, 1)
    assert left_over(house) == []
    for consumer in house.consumers:
        consumer.lines()
        if consumer.process.poll() is None:
            until(lambda consumer=consumer: not any(map(gone, consumer.children())))
    return tasks


def happened(house: House) -> Counter[str]:
    """How often each task has ended, by the events."""
    endings: Counter[str] = Counter()
    with house.server.client() as client:
        for _, words in client.xrange(house.store.keys("events")):
            endings.update(id for id, text in words.items() if text in FINAL)
    return endings


def left_over(house: House) -> list[str]:
    """Keys of this house that have no TTL and are not on the list of permanent ones (I6)."""
    with house.server.client() as client:
        keys = list(client.scan_iter(match=f"{house.prefix}:*", count=1000))
        return [key for key in keys if not house.store.keys.is_permanent(key) and client.ttl(key) == -1]


def records(house: House) -> Counter[str]:
    """How many records are in each state, read one by one as redis-cli would."""
    with house.server.client() as client:
        found = client.scan_iter(match=house.store.keys("task", "?" * 26), count=1000)
        return Counter(str(client.hget(key, "state")) for key in found)
