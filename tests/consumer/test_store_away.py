"""The store goes away and comes back, at any time and in any way: consumers go on."""

import random
import signal
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import redis

from consumer.figures import Figures
from consumer.reaper import Reaper
from pipeline import verbs
from pipeline.errors import StoreAway
from pipeline.settings import Settings
from pipeline.store import ANSWER_S, BLOCK_MS
from tests import servers
from tests.consumer.house import House, until
from tests.faults.settle import settled, submit_many
from tests.proxy import Proxy


@pytest.fixture
def frail(tmp_path: Path) -> Iterator[House]:
    """A house with a server of its own, which keeps each acknowledged write."""
    server = servers.Server(tmp_path / "store", servers.binaries()["valkey"]).start()
    house = House(server, tmp_path)
    yield house
    house.close()
    server.kill()


def test_a_consumer_waits_for_a_store_that_is_not_there_yet(frail: House) -> None:
    frail.server.kill()
    consumer = frail.consumer()
    until(lambda: consumer.lines("store.away"))
    assert consumer.process.poll() is None
    frail.server.start()
    consumer.ready()
    assert frail.finished(frail.submit()).state == "succeeded"


def test_a_store_that_is_killed_and_restarted(frail: House, hold: Path) -> None:
    consumer = frail.consumer(children=2).ready()
    long = frail.submit(hold=str(hold))
    frail.running(long)
    frail.server.kill()
    hold.unlink()
    until(lambda: consumer.lines("store.away"))
    time.sleep(1.0)  # so much longer than the job: its outcome waits
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


def test_a_store_that_is_stopped_for_longer_than_a_lease_interrupts_nobody(
    frail: House, tmp_path: Path, hold: Path
) -> None:
    """SIGSTOP of the store: nobody could renew, everybody lives. When it goes on, each holder comes back and renews
    before anybody reaps."""
    lease_s, stopped_s = 2.5, ANSWER_S + 0.8
    consumers = [frail.consumer(children=2, lease_s=lease_s).ready() for _ in range(2)]
    marks = [tmp_path / f"mark{n}" for n in range(4)]
    ids = [frail.submit(mark=str(mark), hold=str(hold)) for mark in marks]
    for mark in marks:
        until(mark.exists)
    assert frail.server.process is not None
    frail.server.process.send_signal(signal.SIGSTOP)
    time.sleep(stopped_s)
    frail.server.process.send_signal(signal.SIGCONT)
    time.sleep(lease_s + 1.5)  # in which somebody would reap
    hold.unlink()
    for task in settled(frail, ids):
        assert (task.state, task.attempts, task.interruptions) == ("succeeded", 1, 0)
    assert [mark.read_bytes() for mark in marks] == [b"."] * 4
    for consumer in consumers:
        assert consumer.lines("store.away")
        assert consumer.lines("job.reaped") == consumer.lines("child.died") == []


def test_short_stops_of_the_store_interrupt_nobody_either(frail: House, tmp_path: Path, hold: Path) -> None:
    """Longer than a lease, and too short to be noticed: whoever waits for an answer must not reap when it comes."""
    consumers = [frail.consumer(children=2, lease_s=1.2).ready() for _ in range(2)]
    marks = [tmp_path / f"mark{n}" for n in range(4)]
    ids = [frail.submit(mark=str(mark), hold=str(hold)) for mark in marks]
    for mark in marks:
        until(mark.exists)
    time.sleep(1.2)  # the first reap waits for so long
    assert frail.server.process is not None
    for _ in range(3):
        time.sleep(0.5)
        frail.server.process.send_signal(signal.SIGSTOP)
        time.sleep(1.4)
        frail.server.process.send_signal(signal.SIGCONT)
    time.sleep(0.5)
    hold.unlink()
    for task in settled(frail, ids):
        assert (task.state, task.attempts, task.interruptions) == ("succeeded", 1, 0)
    assert [mark.read_bytes() for mark in marks] == [b"."] * 4
    assert all(consumer.lines("store.away") == [] for consumer in consumers)


def test_what_a_stopped_store_finds_in_its_socket_is_no_reap(frail: House) -> None:
    """What was sent while it was stopped is done first thing when it goes on, long after its sender has given up."""
    frail.submit()
    [job] = frail.store.do(verbs.take("holder", 1, ("medium",), (), 3, 256, 86_400_000)).jobs
    reaper = Reaper(frail.store, "c0", Settings(lease_s=1), lambda: 256, Figures(Counter()))
    reaper.reap()  # the first one waits for a lease
    reaper.reap()
    assert frail.server.process is not None
    frail.server.process.send_signal(signal.SIGSTOP)
    with pytest.raises(StoreAway):
        reaper.reap()
    frail.server.process.send_signal(signal.SIGCONT)
    until(lambda: frail.ask(verbs.clock()))
    assert frail.ask(verbs.renew("holder", [job.token])) == []


def test_a_network_that_swallows_replies_as_jobs_end(frail: House, tmp_path: Path, first_seed: int) -> None:
    """B06: cut off at a random moment around the end of each job, the reply of the store lost: never a task that has
    ended without a result, none that is done twice."""
    dice = random.Random(first_seed)
    print(f"seed {first_seed}")
    with Proxy(frail.server.port) as proxy:
        consumer = frail.consumer(children=2, lease_s=10, redis_url=proxy.url).ready()
        ids, marks = [], []
        for n in range(50):
            marks.append(tmp_path / f"mark{n}")
            ids.append(frail.submit(do="sleep", seconds=0.03, mark=str(marks[-1])))
            time.sleep(dice.random() * 0.06)
            if n % 2:
                proxy.cut_before_reply(1.0)
            else:
                proxy.black_hole()
            time.sleep(dice.random() * 0.06)
            with frail.server.client() as client:
                state, result = client.hmget(frail.store.keys("task", ids[-1]), "state", "result")
            assert (state == "succeeded") == (result is not None)
            proxy.heal()
            proxy.cut_all()
        tasks = settled(frail, ids)
        print(f"{proxy.lost_replies} replies lost, {len(consumer.lines('job.lost'))} answers not known")
    assert {(task.state, task.result, task.attempts, task.interruptions) for task in tasks} == {
        ("succeeded", b'{"total":0,"text":""}', 1, 0)
    }
    assert [mark.read_bytes() for mark in marks] == [b"."] * 50
    assert {line["outcome"] for line in consumer.lines("job.lost")} <= {"unknown"}


def test_silence_is_no_error_until_it_is_one(frail: House) -> None:
    """B24: with nothing to do, no time-out however often the blocking read comes back empty; then the network swallows
    everything and closes nothing, and that is noticed within the blocking time and ten seconds."""
    with Proxy(frail.server.port) as proxy:
        consumer = frail.consumer(redis_url=proxy.url, lease_s=60).ready()
        time.sleep(1.5 * BLOCK_MS / 1000)
        assert not [line for line in consumer.lines() if line["level"] in ("warning", "error")]
        proxy.black_hole()
        until(lambda: consumer.lines("store.away"), BLOCK_MS / 1000 + 10)
        proxy.heal()
        assert frail.finished(frail.submit()).state == "succeeded"


def test_jobs_whose_delivery_the_network_lost_are_done_by_another(frail: House) -> None:
    """B27: the store's answers to one consumer are swallowed while it takes jobs: it lives and holds what it does not
    know of. That is not renewed, so another does it within a lease and a look."""
    with Proxy(frail.server.port) as proxy:
        deaf = frail.consumer("deaf", children=4, lease_s=2, redis_url=proxy.url).ready()
        ids = submit_many(frail, 80, "act", do="sleep", seconds=0.1)
        until(lambda: deaf.lines("job.done", 4))
        proxy.black_hole(to_server=False)
        hearing = frail.consumer("hearing", children=4, lease_s=2).ready()
        until(lambda: deaf.lines("store.away"))
        until(lambda: hearing.lines("job.reaped"))
        ids += submit_many(frail, 20, "act", do="sleep", seconds=0.1)
        until(lambda: all(frail.task(id).state == "succeeded" for id in ids))  # while the other is still deaf
        assert not deaf.lines("store.back", 2)
        proxy.heal()
        proxy.cut_all()
        until(lambda: deaf.lines("store.back", 2))
        assert {task.attempts for task in settled(frail, ids)} == {1}
        assert deaf.process.poll() is None


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
        time.sleep(2.0)  # in which it tries some ten times
        assert len(consumer.lines("store.away")) == 1
        assert client.info("commandstats")["cmdstat_evalsha"]["rejected_calls"] < 30
        client.execute_command("ACL", "SETUSER", "default", "+evalsha")
    assert frail.finished(frail.submit()).state == "succeeded"


@pytest.mark.parametrize("how", ["without a right", "busy with a script of somebody's"])
def test_a_store_that_refuses_as_jobs_end_costs_none_of_them(frail: House, hold: Path, how: str) -> None:
    """It is away then, and no job is to blame: none has another attempt, none fails."""
    consumer = frail.consumer(children=4).ready()
    with frail.server.client() as client, ThreadPoolExecutor(1) as aside:
        client.config_set("busy-reply-threshold", 50)
        for _ in range(3):
            hold.touch()
            ids = [frail.submit(hold=str(hold)) for _ in range(4)]
            frail.running(*ids)
            away = len(consumer.lines("store.away"))
            if how == "without a right":
                client.execute_command("ACL", "SETUSER", "default", "-evalsha")
                hold.unlink()
                until(lambda away=away: len(consumer.lines("store.away")) > away)
                client.execute_command("ACL", "SETUSER", "default", "+evalsha")
            else:
                running = aside.submit(spin, frail)
                hold.unlink()
                until(lambda away=away: len(consumer.lines("store.away")) > away)
                until(lambda: killed(client))
                running.result()
            assert [frail.finished(id).state for id in ids] == ["succeeded"] * 4
            assert [frail.task(id).attempts for id in ids] == [1] * 4
    assert consumer.lines("store.refused") == []
    frail.at_rest()


def spin(house: House) -> None:
    """A script without an end."""
    with house.server.client() as client, pytest.raises(redis.ResponseError, match="SCRIPT KILL"):
        client.eval("while true do end", 0)


def killed(client: redis.Redis) -> bool:
    """Kill the script that runs."""
    try:
        return bool(client.script_kill())
    except redis.ResponseError:
        return False
