"""The store is killed again and again, forgets everything, loses its group, or is replaced by its replica."""

import random
import time
from pathlib import Path

import pytest

from bench.measure import cpu_s
from pipeline import verbs
from pipeline.errors import StoreAway
from pipeline.keys import GROUP
from tests import servers
from tests.consumer.house import House, until
from tests.faults.settle import SHARE, ended, happened, settled, submit_many

BACK_S = 15.0  # the case's own figure: after the last restart work flows again within so long


def test_many_restarts_some_back_to_back_and_work_flows_on(frail: House, first_seed: int) -> None:
    """B19: eight kills at random gaps while tasks come in; after the last one all goes on by itself."""
    rng = random.Random(first_seed)
    consumers = [frail.consumer(children=2).ready() for _ in range(2)]
    ids: list[str] = []
    for gap_s in (0.2, rng.uniform(0.2, 1), rng.uniform(0.2, 1), 0.2, 0.2, rng.uniform(1, 3), 0.2, rng.uniform(0.2, 1)):
        until_s = time.monotonic() + gap_s
        while time.monotonic() < until_s:
            ids += submit_many(frail, 5, "act", do="sleep", seconds=0.005)
            time.sleep(0.02)  # no backlog, else the last one waits behind it
        frail.server.kill()
        time.sleep(rng.choice([0.0, 0.1, 0.4]))
        frail.server.start()
    began = time.monotonic()
    assert frail.finished(frail.submit("noop"), BACK_S).state == "succeeded"
    assert time.monotonic() - began < BACK_S, f"seed {first_seed}"
    assert {task.state for task in settled(frail, ids)} == {"succeeded"}
    for consumer in consumers:
        assert consumer.process.poll() is None
        assert len(consumer.children()) == 2


def test_a_store_that_was_flushed_is_used_again_at_once(frail: House) -> None:
    """B20: everything is gone, group and all: the next task is computed, in silence and without spinning."""
    consumer = frail.consumer(children=2).ready()
    assert frail.finished(frail.submit("noop")).state == "succeeded"
    with frail.server.client() as client:
        client.flushall()
    lines, cpu = len(consumer.lines()), cpu_s(consumer.pid)
    time.sleep(3.0)
    assert len(consumer.lines()) - lines < 12, consumer.lines()[lines:]
    assert cpu_s(consumer.pid) - cpu < 0.6, "a fifth of a core: it spins"
    began = time.monotonic()
    id = frail.submit("noop")
    assert frail.finished(id).state == "succeeded"
    assert time.monotonic() - began < BACK_S
    settled(frail, [id])


def test_a_group_that_was_destroyed_loses_none_of_what_waits(house: House) -> None:
    """B20: XGROUP DESTROY on every stream with a hundred entries waiting: all finish, each once."""
    consumer = house.consumer(children=2).ready()
    ids = submit_many(house, 100, "act", do="sleep", seconds=0.02)
    until(lambda: house.task(ids[4]).state != "queued")
    with house.server.client() as client:
        for stream in house.store.keys.streams():
            client.xgroup_destroy(stream, GROUP)
    assert {task.state for task in settled(house, ids)} == {"succeeded"}
    assert len(consumer.lines()) < 1000


def replaced(house: House, tmp_path: Path) -> None:
    """A replica gets all, the master is killed, the replica's data stand up at its address."""
    server = house.server
    replica = servers.Server(tmp_path / "replica", server.binary, "--replicaof", "127.0.0.1", str(server.port)).start()
    with replica.client() as client, server.client() as master:

        def same() -> bool:
            there, here = client.info("replication"), master.info("replication")
            in_step = there["master_link_status"] == "up" and not there["master_sync_in_progress"]
            return in_step and there["slave_repl_offset"] == here["master_repl_offset"]

        until(same)
        client.replicaof("NO", "ONE")
    server.kill()
    replica.kill()
    server.folder = replica.folder
    server.start()


@pytest.mark.parametrize("how", ["killed", "failed over"])
def test_what_was_finished_before_the_store_died_is_not_computed_again(frail: House, tmp_path: Path, how: str) -> None:
    """B21: a thousand finished, then the store is killed, or its replica takes over: each was started once."""
    mark = tmp_path / "starts"
    frail.consumer(children=2).ready()
    ids = submit_many(frail, 1000, "act", mark=str(mark))
    before = ended(frail, ids)
    if how == "killed":
        frail.server.kill()
        frail.server.start()
    else:
        replaced(frail, tmp_path)
    more = submit_many(frail, 20, "act", mark=str(mark))
    settled(frail, [*ids, *more])
    assert mark.stat().st_size == 1020
    assert ended(frail, ids) == before
    assert set(happened(frail).values()) == {1}


def test_no_acknowledged_submission_is_lost_by_a_kill_in_the_middle(frail: House) -> None:
    """B21: what a client was told is accepted is there: its own notes are the judge."""
    frail.consumer(children=2).ready()
    noted: list[str] = []
    tasks = [frail.new_task("noop", value=n) for n in range(300)]
    for n, new in enumerate(tasks):
        if n in (100, 200):
            frail.server.kill()
        if n in (103, 203):
            frail.server.start()
        try:
            frail.store.do(verbs.submit([new], 10**6, SHARE))
            noted.append(new.id)
        except StoreAway:
            continue
    assert len(noted) == 294
    assert {task.state for task in settled(frail, noted)} == {"succeeded"}
