"""Work whose holder is gone, and work that a hand has torn: found, and brought to an end."""

import time
from pathlib import Path
from typing import Any

import msgspec
import pytest
import redis

from pipeline import verbs
from pipeline.keys import GROUP
from pipeline.record import FINAL, Task
from tests.consumer.house import House, until
from tests.faults.settle import ended, settled, submit_all, submit_many
from tests.servers import Server

STREAM = "medium"
TORN_S = 90.0  # repair looks at each live task about once a second; leases here are 3 s


def hold(house: House, client: Any, count: int) -> list[str]:
    """Read entries as a consumer that never says what became of them; their ids."""
    [[_, entries]] = client.xreadgroup(GROUP, "hand", {house.store.keys("jobs", STREAM): ">"}, count=count)
    return [str(entry) for entry, _ in entries]


HEAD, TAIL, OWNED = 1_200, 300, 250  # XAUTOCLAIM looks at ten times its COUNT of 100 before it answers


def test_the_tail_of_a_long_pending_list_is_rescued_behind_a_head_that_is_held(house: House) -> None:
    """B08: of 1,500 entries in one hand the first 1,200 are kept fresh; the other 300 are finished meanwhile."""
    tasks = [house.new_task("noop") for _ in range(HEAD + TAIL)]
    ids = []
    for at in range(0, len(tasks), OWNED):
        ids += submit_all(house, tasks[at : at + OWNED], owner=f"owner-{at}")
    stream = house.store.keys("jobs", STREAM)
    with house.server.client() as client:
        entries = hold(house, client, len(tasks))
        assert len(entries) == len(tasks)
        house.consumer(lease_s=3).ready()

        def others_done() -> bool:
            client.execute_command("XCLAIM", stream, GROUP, "hand", 0, *entries[:HEAD], "JUSTID")
            time.sleep(0.1)
            return house.ask(verbs.counts())["succeeded"] == TAIL

        until(others_done, 60)
        assert {house.task(id).state for id in ids[:HEAD]} == {"queued"}
        assert {house.task(id).state for id in ids[HEAD:]} == {"succeeded"}
    assert {task.state for task in settled(house, ids)} == {"succeeded"}


def test_every_make_of_store_has_recovery(any_server: Server, tmp_path: Path, hold: Path) -> None:
    """B09: the one topology that we ship, one server, recovers alike on each make of it."""
    house = House(any_server, tmp_path)
    try:
        first = house.consumer(lease_s=2).ready()
        ids = submit_many(house, 4, "act", hold=str(hold))
        until(lambda: house.ask(verbs.depth())["medium"][1] == 2)
        second = house.consumer(lease_s=2).ready()
        first.kill()
        until(lambda: second.lines("job.reaped", 2))
        hold.unlink()
        tasks = settled(house, ids)
        assert {task.state for task in tasks} == {"succeeded"}
        assert sum(task.interruptions for task in tasks) == 2
    finally:
        house.close()


def tear(house: House, client: Any, id: str, what: str) -> None:
    """A hand takes something from a running task."""
    keys = house.store.keys
    if what == "its keys":
        client.delete(keys("rows", id), keys("partials", id), keys("history", id))
    elif what == "every helper key":
        client.delete(keys("rows", id), keys("partials", id), keys("history", id), keys("shares"), keys("later"))
        client.delete(keys("ring", STREAM, "local"))
    elif what in ("rows", "partials", "shares"):
        client.delete(keys(what, *([] if what == "shares" else [id])))
    else:
        for stream in keys.streams():
            for entry, words in client.xrange(stream):
                if words["task"] == id and what != "xdel":
                    client.xack(stream, GROUP, entry)
                if words["task"] == id and what != "xack":
                    client.xdel(stream, entry)


def never_for_ever(house: House, id: str) -> Task:
    """It ends: with the right answer, or told as lost."""
    task = house.finished(id, TORN_S)
    if task.state != "succeeded":
        assert task.error is not None
        assert (task.state, task.error["code"]) == ("failed", "lost"), task.error
    return task


@pytest.mark.parametrize("what", ["xack", "xdel", "xack and xdel", "its keys", "every helper key"])
@pytest.mark.parametrize("parts", [1, 40])
def test_what_a_hand_takes_from_a_running_task_ends_it_but_never_holds_it(house: House, parts: int, what: str) -> None:
    """B10: the entry acknowledged or deleted, or the helper keys gone, while it runs: right or lost, and soon."""
    house.consumer(children=2).ready()
    id = house.submit("act", do="sleep", seconds=2.5 if parts == 1 else 0.15, parts=parts)
    house.running(id)
    until(lambda: parts == 1 or house.task(id).done >= 5)
    with house.server.client() as client:
        tear(house, client, id, what)
    task = never_for_ever(house, id)
    if task.state == "succeeded":
        assert task.result == b'{"total":%d,"text":""}' % (parts * (parts - 1) // 2)
    after = house.submit("act")
    assert house.finished(after).state == "succeeded"
    house.at_rest()


@pytest.mark.parametrize("what", ["rows", "partials", "shares"])
def test_one_helper_key_less_is_no_task_less(house: House, what: str) -> None:
    """B10: each helper key by itself, of a task of many parts beside others."""
    house.consumer(children=2).ready()
    id = house.submit("act", do="sleep", seconds=0.1, parts=40)
    others = submit_many(house, 20)
    until(lambda: house.task(id).done >= 5)
    with house.server.client() as client:
        tear(house, client, id, what)
    never_for_ever(house, id)
    assert {task.state for task in ended(house, others)} == {"succeeded"}
    house.at_rest()


def test_an_entry_that_was_deleted_while_it_was_held_does_not_jam_the_others(house: House) -> None:
    """B12: three are read and left; one of them is deleted. All end, the deleted one is told of, nothing is pending."""
    ids = submit_many(house, 3)
    stream = house.store.keys("jobs", STREAM)
    with house.server.client() as client:
        entries = hold(house, client, 3)
        client.xdel(stream, entries[1])
        consumer = house.consumer(lease_s=1).ready()
        tasks = ended(house, ids)
        assert [tasks[0].state, tasks[2].state] == ["succeeded", "succeeded"]
        never_for_ever(house, ids[1])
        assert any("repair" in line or "lost" in line for line in house.history(ids[1]))
        until(lambda: consumer.lines("jobs.repaired"))
        house.at_rest()
        assert client.xpending(stream, GROUP)["pending"] == 0
    assert house.finished(house.submit("noop")).state == "succeeded"


# An opcode stream that would make a file if anything ever unpickled it.
PICKLE = b"cposix\nsystem\n(S'touch %s'\ntR."


def test_what_a_hand_puts_on_a_stream_is_buried_and_never_executed(house: House) -> None:
    """B63: a pickle, random bytes, a dotted import path: each a dead letter with the cause `stray`."""
    trap = house.folder / "executed"
    stray: list[dict[Any, Any]] = [
        {b"task": PICKLE % str(trap).encode(), b"job": b"p0", b"of": b"1", b"kind": b"noop", b"owner": b"local"},
        {b"body": PICKLE % str(trap).encode()},
        {bytes(range(128, 256)): bytes(range(256))},
        {b"task": b'{"kind":"os.system","data":["touch"]}', b"job": b"posix.system", b"of": b"1"},
    ]
    consumer = house.consumer().ready()
    keys = house.store.keys
    with house.server.client() as client:
        for place in (STREAM, "high:again"):
            for words in stray:
                client.xadd(keys("jobs", place), words)
        until(lambda: client.xlen(keys("dead")) == 2 * len(stray))
        letters: Any = redis.Redis(port=house.server.port, protocol=2).xrange(keys("dead"))
        assert all(b"stray" in b" ".join(words.values()) for _, words in letters), letters
    good = house.submit("noop", value=7)
    assert house.finished(good).result == b'{"value":7}'
    house.at_rest()
    assert not trap.exists()
    assert len(consumer.children()) == 2
    assert consumer.lines("child.died") == []


def test_a_kind_that_nobody_knows_is_refused_by_name(house: House) -> None:
    """B63: a record that names an import path instead of a kind fails with a code; what is stored is JSON text."""
    house.consumer().ready()
    task = msgspec.structs.replace(house.new_task("noop"), kind="os.system", data=b'{"command":"touch /tmp/x"}')
    submit_all(house, [task])
    ended_as = house.finished(task.id)
    assert ended_as.state == "failed"
    assert ended_as.error is not None
    assert ended_as.error["code"] == "unknown_kind"
    good = house.submit("noop", value=3)
    assert house.finished(good).state in FINAL
    with house.server.client() as client:
        assert msgspec.json.decode(str(client.hget(house.store.keys("task", good), "data"))) == {"value": 3, "parts": 1}
