"""A thousand tasks of mixed size at once, while a huge one runs: all finish, the small do not wait for the huge.

And the bookkeeping of it: streams never longer than what shares and windows allow, one terminal event each, empty
streams at the end, no key without a TTL or a place on the list of permanent ones.
"""

import random

from pipeline import verbs
from pipeline.record import FINAL
from tests.consumer.house import House, until

SHARE = 256
HUGE = {"parts": 10_000, "part_seconds": 0.001, "seed": 1}
SEED = 20261125


def test_a_thousand_tasks_while_a_huge_one_runs(house: House) -> None:
    for consumer in [house.consumer(children=4, lease_s=5) for _ in range(3)]:
        consumer.ready()
    rng = random.Random(SEED)
    huge = house.new_task("digest", **HUGE)
    small = [
        house.new_task("digest", priority=rng.choice(["high", "medium"]), parts=rng.choice([1, 1, 1, 2, 5, 20]),
                       part_seconds=0.001, seed=n)
        for n in range(1000)
    ]  # fmt: skip
    assert house.store.do(verbs.submit([huge], 10**6, SHARE))[0].outcome == "new"
    house.running(huge.id)
    for at in range(0, 1000, 250):
        assert {s.outcome for s in house.store.do(verbs.submit(small[at : at + 250], 10**6, SHARE))} == {"new"}
    longest = watch(house, [task.id for task in small])
    assert house.task(huge.id).state == "running", "the small tasks waited for the huge one"
    assert longest <= 3 * SHARE, f"{longest} entries on the streams: shares bound them"
    done = house.finished(huge.id, 180)
    assert done.state == "succeeded"
    assert (done.done, done.parts) == (10_000, 10_000)
    house.at_rest()
    every_end_once(house, [huge.id, *(task.id for task in small)])
    no_key_is_left(house)


def watch(house: House, ids: list[str]) -> int:
    """Wait until all have succeeded; answers how long the streams were at their longest."""
    longest = 0

    def all_done() -> bool:
        nonlocal longest
        longest = max(longest, sum(sum(both) for both in house.store.do(verbs.depth()).values()))
        return house.store.do(verbs.counts())["succeeded"] >= len(ids)

    until(all_done, 120)
    assert {house.task(id).state for id in ids} == {"succeeded"}
    return longest


def every_end_once(house: House, ids: list[str]) -> None:
    endings = dict.fromkeys(ids, 0)
    with house.server.client() as client:
        for _, words in client.xrange(house.store.keys("events")):
            for id, text in words.items():
                endings[id] += text in FINAL
    assert set(endings.values()) == {1}


def no_key_is_left(house: House) -> None:
    with house.server.client() as client:
        for key in client.scan_iter(match=f"{house.prefix}:*", count=1000):
            assert house.store.keys.is_permanent(key) or client.ttl(key) > 0, (
                f"{key} has no TTL and is not permanent (I6)"
            )
