"""Memory that only grows: streams, helper keys, trimming."""

import random
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
import redis

from pipeline import verbs
from pipeline.keys import PLACES
from pipeline.record import Submitted
from tests.consumer.house import House, until
from tests.faults.settle import BATCH, SHARE, finish_many, left_over, settled, submit_all, submit_many
from tests.gateway import house as gateways
from tests.gateway.process import Gateway

TASKS = 10_000
LEAST_KEPT = 30  # bytes: less than whatever could be kept of a task, more than the tables' own growth
WAITING = 5_000


def used(house: House, client: redis.Redis) -> int:
    """Bytes in use, without what comes and goes, and with the streams and counters that grow up to a cap emptied."""
    keys = house.store.keys
    client.delete(keys("events"), keys("spans"), *client.keys(keys("minute", "*")))
    memory = client.info("memory")
    return int(memory["used_memory"] - memory["mem_aof_buffer"] - memory["mem_clients_normal"])


def run_and_forget(house: House, count: int) -> None:
    """So many tasks whose results are kept for a second."""
    submit_all(house, [house.new_task("noop") for _ in range(count)], result_ttl_s=1)
    until(lambda: sum(house.ask(verbs.counts()).values()) == 0, 150)


def test_ten_thousand_tasks_leave_the_store_as_it_was(frail: House) -> None:
    """B28: streams are empty, small, and the memory is back where it was: a forgotten key or member would show."""
    frail.consumer(children=2).ready()
    with frail.server.client() as client:
        run_and_forget(frail, TASKS)  # scripts, tables and indexes come into being
        before = used(frail, client)
        run_and_forget(frail, TASKS)
        for stream in frail.store.keys.streams():
            assert client.xlen(stream) == 0
            assert int(client.memory_usage(stream) or 0) < 100_000
        until(lambda: used(frail, client) < before + LEAST_KEPT * TASKS)
    assert left_over(frail) == []


def test_nothing_that_waits_is_trimmed(house: House) -> None:
    """B32: five thousand wait while nobody works; all of them finish, and what was over the limit was refused."""
    limit = WAITING - SHARE
    outcomes: list[Submitted] = []
    tasks = [house.new_task("noop") for _ in range(WAITING + 400)]
    for at in range(0, len(tasks), BATCH):
        answers = house.ask(verbs.submit(tasks[at : at + BATCH], limit, SHARE))
        outcomes += answers
    accepted = [answer.id for answer in outcomes if answer.outcome == "new"]
    assert WAITING <= len(accepted) <= WAITING + BATCH, "the limit holds to the batch"
    assert {answer.outcome for answer in outcomes[len(accepted) :]} == {"full"}
    house.consumer(children=2).ready()
    assert {task.state for task in settled(house, accepted)} == {"succeeded"}
    with house.server.client() as client:
        added = sum(client.xinfo_stream(house.store.keys("jobs", place))["entries-added"] for place in PLACES)
    released = sum(len(consumer.lines("job.released")) for consumer in house.consumers)
    assert added == len(accepted) + released, "each task was put once, and again only where it was handed back"


@pytest.fixture
def gateway(house: House, tmp_path: Path) -> Iterator[Gateway]:
    """A real gateway over the store of the house."""
    front = gateways.House(house.server, prefix=house.prefix)
    process = Gateway(front, tmp_path / "gateway.jsonl")
    process.until_ready()
    yield process
    process.process.kill()
    process.process.wait()
    process.client.close()
    front.store.close()


def everything_once(house: House, gateway: Gateway) -> None:
    """Each thing that can be asked, by HTTP and by the verbs that HTTP has not yet."""
    ask, soon = gateway.client, house.ask(verbs.clock()) + 300
    key = {"Idempotency-Key": "once"}
    id = ask.post("/tasks", json=gateways.SEED | {"result_ttl_s": 1}, headers=key).json()["task_id"]
    for path in (f"/tasks/{id}", "/tasks", "/kinds", "/health", "/ready", "/tasks/nothing"):
        ask.get(path)
    ask.post("/tasks", json={"kind": "no such kind", "data": {}})
    slow = house.new_task("act", do="sleep", seconds=30.0)
    submit_all(house, [slow], result_ttl_s=1, batch="b1", label="slow")
    ask.post(f"/tasks/{slow.id}/cancel")
    house.ask(verbs.cancel(slow.id, SHARE))
    several = [house.new_task("digest", parts=20, part_seconds=0.01, seed=1), house.new_task("act", do="raise")]
    several += [house.new_task("act", do="refuse"), house.new_task("act", do="die", number=9)]
    submit_all(house, several, result_ttl_s=1, batch="b1", same_ttl_s=1)
    submit_all(house, [house.new_task("noop")], result_ttl_s=1, not_before_ms=soon)
    submit_all(house, [house.new_task("act", do="sleep", seconds=30.0)], result_ttl_s=1, deadline_ms=soon)
    same = msgspec.structs.replace(house.new_task("noop"), same_key="k1", same_sha="1", same_ttl_s=1, result_ttl_s=1)
    house.ask(verbs.submit([same], 10**6, SHARE))


def test_when_all_is_forgotten_only_the_declared_keys_are_left(house: House, gateway: Gateway, first_seed: int) -> None:
    """B31: everything is asked once under random kills; then nothing is left without an end."""
    rng = random.Random(first_seed)
    for _ in range(2):
        house.consumer(lease_s=1).ready()
    everything_once(house, gateway)
    for _ in range(8):
        submit_all(house, [house.new_task("digest", parts=6, part_seconds=0.01, seed=2)], result_ttl_s=1)
        time.sleep(rng.uniform(0.1, 0.4))
        victim = rng.choice([consumer for consumer in house.consumers if consumer.process.poll() is None])
        if rng.random() < 0.5:
            victim.kill()
            house.consumer(lease_s=1).ready()
        else:
            victim.kill_a_child(rng)
    gateway.process.kill()
    until(lambda: sum(house.ask(verbs.counts()).values()) == 0, 60)
    house.at_rest()
    assert left_over(house) == [], f"seed {first_seed}"
    with house.server.client() as client:
        named = [str(key) for key in client.scan_iter(match=f"{house.prefix}:*", count=1000)]
    kinds = {key.removeprefix(f"{house.prefix}:").split(":")[0] for key in named}
    assert not kinds & {"task", "ring"}, named
    assert not [key for key in named if ":index:batch:" in key]


def test_submitting_many_at_once_is_not_what_keeps_them(house: House) -> None:
    """B28: many tasks of many parts leave neither rows nor partials when they have ended."""
    house.consumer(children=2).ready()
    ids = submit_many(house, 50, "digest", parts=12, seed=4)
    settled(house, ids)
    with house.server.client() as client:
        for id in ids:
            assert client.exists(house.store.keys("rows", id), house.store.keys("partials", id)) == 0


CAPS = {"events": 100_000, "spans": 50_000}  # of entries, in pieces/ledger.lua
MOST_BYTES = 100_000_000  # of one of them, when it is full


def test_capped_streams_are_small_when_they_are_full(house: House) -> None:
    """B28: an entry of events or spans holds what one call did; even entries of full calls stay within bounds."""
    finish_many(house, 20 * BATCH)
    with house.server.client() as client:
        for name, cap in CAPS.items():
            key = house.store.keys(name)
            an_entry = int(client.memory_usage(key, samples=0) or 0) / client.xlen(key)
            assert an_entry * cap < MOST_BYTES, f"{name} grow to {an_entry * cap / 1e6:.0f} MB"
