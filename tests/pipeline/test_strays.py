"""Entries that no task has put: whatever a hand writes, the jobs behind it are taken, and a letter tells of it."""

import json
import time
from typing import Any

import pytest
from msgspec import structs

from pipeline import verbs
from pipeline.record import Beat
from pipeline.store import Store
from tests.pipeline.meddle import PICKLE
from tests.pipeline.steps import SHARE, finish, new, run_all, submit, take

STREAM = "{headrace}:jobs:medium"
LIVE = "LIVE"  # stands for the id of a task of three parts that has a history
GARBAGE: dict[str, dict[Any, Any]] = {
    "one field": {"x": "y"},
    "no task": {"job": "p0", "of": "1", "kind": "noop"},
    "no job": {"task": LIVE, "priority": "p0"},
    "another order of fields": {"job": "p0", "task": LIVE},
    "a list's key": {"task": f"{LIVE}:history", "job": "p0", "of": "1"},
    "a list's key, of many": {"task": f"{LIVE}:history", "job": "p0", "of": "3"},
    "a hash's key": {"task": f"{LIVE}:jobs", "job": "p0", "of": "1"},
    "a key in words": {"task": f"{LIVE}:history", "job": "p0", "of": "1", "kind": "noop", "owner": "local"},
    "nobody's id": {"task": "NOBODY", "job": "p0", "of": "1", "kind": "noop", "owner": "local"},
    "a job beyond the parts": {"task": LIVE, "job": "p3", "of": "3"},
    "a job of another name": {"task": LIVE, "job": "os.system", "of": "3"},
    "nothing": {"": ""},
    "bytes": {b"\xff\x00\xfe": bytes(range(256))},
    "a pickle": {"task": PICKLE, "job": PICKLE, "of": "1"},
    "a pickle beside ours": {"task": LIVE, "job": "p0" + PICKLE.decode("latin-1"), "body": PICKLE},
    "an import path": {"task": '{"kind": "os.system", "data": "id"}', "job": "p0", "of": "1"},
    "much": {"body": "z" * 100_000} | {f"f{n}": "v" for n in range(500)},
}  # fmt: skip


def live_task(store: Store) -> str:
    """A task of three parts with a history: its first part has been handed back."""
    (id,) = submit(store, new(parts=3))
    (job,) = take(store, 1)
    assert store.do(verbs.release([job], "c1", SHARE)) == [True]
    return id


def words(found: dict[Any, Any], id: str) -> dict[Any, Any]:
    return {k: v.replace(LIVE, id) if isinstance(v, str) else v for k, v in found.items()}


def letters(hands: Any) -> list[dict[str, str]]:
    return [letter for _, letter in hands.xrange("{headrace}:dead")]


@pytest.mark.parametrize("read_by", ["take", "reap", "resync"])
@pytest.mark.parametrize("name", GARBAGE)
def test_an_entry_that_no_task_has_put_stops_nothing(store: Store, hands: Any, name: str, read_by: str) -> None:
    """B63: not executed, not begun, off the stream, in the dead letters; what stands behind it is computed."""
    id = live_task(store)
    entry = hands.xadd(STREAM, words(GARBAGE[name], id))
    (behind,) = submit(store, new())
    if read_by != "take":
        hands.execute_command("XREADGROUP", "GROUP", "consumers", "c2", "STREAMS", STREAM, ">", NEVER_DECODE=True)
        if read_by == "resync":
            assert store.do(verbs.resync("c2", [], SHARE)) == []
        else:
            store.do(verbs.reap(0, 10, 10, 0, SHARE))
    run_all(store)
    assert [task.state for task in (store.do(verbs.task(id)), store.do(verbs.task(behind))) if task] == [
        "succeeded"
    ] * 2
    assert hands.xlen(STREAM) == 0
    assert hands.xpending(STREAM, "consumers")["pending"] == 0
    (letter,) = letters(hands)
    assert json.loads(letter["cause"])["code"] == "stray"
    told = json.loads(letter["words"])
    assert len(letter["words"]) < 2100
    first = str(next(iter(GARBAGE[name])))
    assert told[0] == first or told[0].startswith("\\xff") or name == "bytes", (entry, told)


def test_words_that_are_not_text_are_readable(store: Store, hands: Any) -> None:
    hands.xadd(STREAM, {"é": b"a\xff\x00\xe2\x82\xac\xe2\x82", "x": b"\xed\xa0\x80\xc0\xaf"})
    assert take(store) == []
    assert json.loads(letters(hands)[0]["words"]) == ["é", r"a\xff\x00€\xe2\x82", "x", r"\xed\xa0\x80\xc0\xaf"]


@pytest.mark.parametrize("leftover", ["p0", "p1", "r0", "x"])
def test_the_leftover_of_a_known_task_leaves_no_letter(store: Store, hands: Any, leftover: str) -> None:
    """A copy, or an entry of a job that has moved on: tidied without a word."""
    id = live_task(store)
    hands.xadd(STREAM, {"task": id, "job": leftover, "of": "3", "kind": "noop", "owner": "local"})
    run_all(store)
    hands.xadd(STREAM, {"task": id, "job": leftover, "of": "3", "kind": "noop", "owner": "local"})
    assert take(store) == []
    assert hands.xlen(STREAM) == 0
    assert letters(hands) == []


def test_a_flood_of_strays_is_tidied_page_by_page(store: Store, hands: Any) -> None:
    """One call of `reap` does not work through all of them while Redis serves nobody else."""
    pipe = hands.pipeline()
    for n in range(1000):
        pipe.xadd(STREAM, {"x": n})
    pipe.execute()
    hands.xreadgroup("consumers", "stranger", {STREAM: ">"}, count=1000)
    time.sleep(0.02)
    assert store.do(verbs.reap(5, 100, 10, 0, SHARE)) == []
    assert 0 < hands.xlen(STREAM) < 1000
    for _ in range(20):
        store.do(verbs.reap(5, 100, 10, 0, SHARE))
    assert hands.xlen(STREAM) == 0


TOKENS = ("medium/later", "nowhere/1-1", "medium/99999999999999999999-1", "medium/no-id")


@pytest.mark.parametrize("parts", [1, 3])
@pytest.mark.parametrize("text", ["", "garbage", *(f"{token} 0 0 c" for token in TOKENS)])
def test_a_garbage_row_stops_nothing(store: Store, hands: Any, parts: int, text: str) -> None:
    """Other tasks of the same owner run on at once, and this one after `repair`; it can be cancelled in between."""
    id, other = submit(store, new(parts=parts), new(parts=parts))
    (cancelled,) = submit(store, new(parts=parts))
    for broken in (id, cancelled):
        hands.hset(f"{{headrace}}:task:{broken}" + ("" if parts == 1 else ":jobs"), "p0", text)
    assert store.do(verbs.cancel(cancelled, SHARE)) == "ok"
    run_all(store)
    assert store.do(verbs.task(other)).state == "succeeded"  # type: ignore[union-attr]
    assert store.do(verbs.repair([id], SHARE)) > 0
    store.do(verbs.recount())
    store.do(verbs.promote(10, SHARE))
    run_all(store)
    assert store.do(verbs.task(id)).state == "succeeded"  # type: ignore[union-attr]


@pytest.mark.parametrize("key", ["task:{}", "task:{}:jobs", "task:{}:partials", "task:{}:history"])
def test_a_key_of_another_type_stops_nothing(store: Store, hands: Any, key: str) -> None:
    """A hand that writes SET over a key of one task: the lists answer, and all other tasks are computed."""
    (id,) = submit(store, new(parts=5, window=4))
    held = take(store, 2)
    others = submit(store, new(parts=5, window=4), new())
    name = "{headrace}:" + key.format(id)
    hands.set(name, "x")
    for job in held:
        finish(store, job)
    assert [task.id for task in store.do(verbs.page()).tasks if task.id in others] == others[::-1]
    run_all(store)
    for _ in range(3):
        store.do(verbs.repair(store.do(verbs.live("", 100)), SHARE))
        store.do(verbs.recount())
        run_all(store)
    assert [store.do(verbs.task(other)).state for other in others] == ["succeeded"] * 2  # type: ignore[union-attr]
    task = store.do(verbs.task(id))
    assert task is None if key == "task:{}" else task and task.state == "succeeded"
    assert hands.hgetall("{headrace}:shares") == {}


def test_garbage_in_the_sorted_sets_stops_nothing(store: Store, hands: Any) -> None:
    (id,) = submit(store, new(not_before_ms=store.do(verbs.clock()) + 60_000))
    hands.zadd("{headrace}:later", {"": 1, "a b c": 1, "x": 1, f"{id}:history p0": 1, PICKLE: 1})
    hands.zadd("{headrace}:expires", {"": 1, "a b": 1, PICKLE: 1})
    assert store.do(verbs.promote(10, SHARE)) == 5
    assert store.do(verbs.forget(10)) == 3
    assert hands.zrange("{headrace}:later", 0, -1) == [id]


def test_a_heartbeat_of_another_type_stops_nobody(store: Store, hands: Any) -> None:
    beat = Beat(name="c1", host="h", pid=1, version="0", started_at=1, beat_at=0, children=[{}, {}])
    store.do(verbs.beat(structs.replace(beat, name="c2")))
    hands.delete("{headrace}:consumer:c2")
    hands.set("{headrace}:consumer:c2", "x")
    assert store.do(verbs.beat(beat)) == 2
    assert [found.name for found in store.do(verbs.fleet())] == ["c1"]
