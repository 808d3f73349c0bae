"""The store goes away and comes back, at any time and in any way: consumers go on. (B06, B26, B27)"""

import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline import verbs
from tests import servers
from tests.consumer.house import House, until


@pytest.fixture
def frail(tmp_path: Path) -> Iterator[House]:
    """A house with a server of its own, which keeps each acknowledged write."""
    server = servers.Server(tmp_path / "store", servers.binaries()["valkey"], "--appendfsync", "always").start()
    house = House(server, tmp_path)
    yield house
    house.close()
    server.kill()


def test_a_consumer_waits_for_a_store_that_is_not_there_yet(frail: House) -> None:
    frail.server.kill()
    consumer = frail.consumer()
    time.sleep(1.0)
    assert consumer.process.poll() is None
    frail.server.start()
    consumer.ready()
    assert frail.finished(frail.submit()).state == "succeeded"


def test_a_store_that_is_killed_and_restarted(frail: House) -> None:
    consumer = frail.consumer(children=2).ready()
    long = frail.submit(do="spin", seconds=1.5)
    frail.running(long)
    frail.server.kill()
    time.sleep(2.0)  # longer than the job: its outcome waits
    assert consumer.process.poll() is None
    frail.server.start()
    until(lambda: len(consumer.lines("store.back")) == 2)
    task = frail.finished(long)
    assert (task.state, task.attempts, task.interruptions) == ("succeeded", 1, 0)
    assert frail.finished(frail.submit()).state == "succeeded"
    assert len(consumer.children()) == 2
    assert consumer.lines("child.died") == []
    frail.at_rest()


def test_kills_of_the_store_at_any_moment_under_load(frail: House) -> None:
    consumers = [frail.consumer(children=2).ready() for _ in range(2)]
    ids = []
    for n in range(6):
        ids += [frail.submit(do="sleep", seconds=0.001 * (k % 4)) for k in range(60)]
        time.sleep(0.01 * n)
        frail.server.kill()
        time.sleep(0.1)
        frail.server.start()
    for id in ids:
        task = frail.finished(id)
        assert task.state == "succeeded"
        assert task.result == b'{"total":0,"text":""}'
    frail.at_rest()
    for consumer in consumers:
        assert consumer.process.poll() is None
        lost = consumer.lines("job.lost")
        assert all(line["outcome"] == "unknown" and line["level"] == "info" for line in lost)


def test_connections_that_are_cut(frail: House) -> None:
    consumer = frail.consumer(children=2).ready()
    ids = []
    for _ in range(20):
        ids += [frail.submit() for _ in range(5)]
        with frail.server.client() as client:
            for connection in client.client_list():
                if connection["name"].endswith(f":{consumer.name}"):
                    client.client_kill_filter(_id=connection["id"])
    for id in ids:
        assert frail.finished(id).state == "succeeded"
    frail.at_rest()


def test_a_store_that_does_not_answer(frail: House) -> None:
    """SIGSTOP: connections stay, nothing comes back."""
    consumer = frail.consumer(children=1, lease_s=20).ready()
    id = frail.submit(do="sleep", seconds=0.3)
    frail.running(id)
    assert frail.server.process is not None
    frail.server.process.send_signal(signal.SIGSTOP)
    until(lambda: consumer.lines("store.away"), 15.0)
    frail.server.process.send_signal(signal.SIGCONT)
    assert frail.finished(id).state == "succeeded"
    assert frail.finished(frail.submit()).state == "succeeded"
    frail.at_rest()


def test_streams_that_a_hand_removed_come_back(frail: House) -> None:
    frail.consumer(lease_s=1).ready()
    with frail.server.client() as client:
        client.delete(*frail.store.keys.streams())
    frail.ask(verbs.ready())
    assert frail.finished(frail.submit()).state == "succeeded"
    frail.at_rest()


def test_a_store_that_does_not_let_us_in(frail: House) -> None:
    """A right is missing: the reason is logged once, nothing spins, and it goes on when the right is given."""
    with frail.server.client() as client:
        client.execute_command("ACL", "SETUSER", "default", "-evalsha")
        consumer = frail.consumer()
        [line] = until(lambda: consumer.lines("store.away"))
        assert "no permissions" in line["reason"]
        time.sleep(2.0)
        assert len(consumer.lines("store.away")) == 1
        assert client.info("commandstats")["cmdstat_evalsha"]["rejected_calls"] < 30
        client.execute_command("ACL", "SETUSER", "default", "+evalsha")
    assert frail.finished(frail.submit()).state == "succeeded"
