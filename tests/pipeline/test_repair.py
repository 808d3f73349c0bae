"""What a hand or a lost failover took is put back by `repair` and `recount`, or the task ends as lost (B10)."""

import json
from typing import Any

import pytest

from pipeline import verbs
from pipeline.record import Task
from pipeline.store import Store
from tests.pipeline.steps import SHARE, finish, new, run_all, submit, take

WHOLE = b" ".join(b"%d" % part for part in range(20))
P = "{headrace}"


def mend(store: Store, share: int = SHARE) -> int:
    """What the reaper does after a hand was there, until it finds nothing; how many things it put right."""
    total = 0
    for _ in range(5):
        found = store.do(verbs.repair(store.do(verbs.live("", 100)), share)) + store.do(verbs.recount())
        store.do(verbs.promote(100, share))
        if not found:
            return total
        total += found
    raise AssertionError("repair does not come to rest")


def half_done(store: Store) -> str:
    """A task of 20 parts: two waves folded, partials of the third, two parts held, others waiting."""
    (id,) = submit(store, new(parts=20, first_wave=2, largest_wave=4, window=6))
    while record(store, id, "folded") != "2":
        for job in take(store, 2):
            assert finish(store, job)
    held = take(store, 4)
    for job in held[:2]:
        assert finish(store, job)
    return id


def record(store: Store, id: str, field: str) -> str | None:
    value = store.raw("HGET", f"{P}:task:{id}", field)
    return value.decode() if value else None


def told(store: Store, id: str) -> Task:
    found = store.do(verbs.task(id))
    assert found is not None
    return found


def run_out(store: Store) -> None:
    """Reap what is held, compute everything."""
    for _ in range(3):
        store.do(verbs.reap(0, 1000, 10, 0, SHARE))
        store.do(verbs.promote(1000, SHARE))
        run_all(store)


def nothing_left(store: Store, hands: Any) -> None:
    assert hands.hgetall(f"{P}:shares") == {}
    assert hands.zcard(f"{P}:later") == 0
    assert [hands.xlen(stream) for stream in store.keys.streams()] == [0] * 6


HARMLESS = {
    "rows": lambda r, id: r.delete(f"{P}:task:{id}:jobs"),
    "a row": lambda r, id: r.hdel(f"{P}:task:{id}:jobs", r.hkeys(f"{P}:task:{id}:jobs")[0]),
    "all partials but the accumulator": lambda r, id: [
        r.hdel(f"{P}:task:{id}:partials", name) for name in r.hkeys(f"{P}:task:{id}:partials") if name != "accumulator"
    ],
    "a partial": lambda r, id: r.hdel(f"{P}:task:{id}:partials", min(r.hkeys(f"{P}:task:{id}:partials"))),
    "the counters": lambda r, id: [r.hdel(f"{P}:task:{id}:partials", f"wave:{n}") for n in range(9)],
    "wrong counters": lambda r, id: [r.hset(f"{P}:task:{id}:partials", f"wave:{n}", 3) for n in range(9)],
    "done": lambda r, id: r.hset(f"{P}:task:{id}", "done", 1),
    "next": lambda r, id: r.hdel(f"{P}:task:{id}", "next"),
    "the ring": lambda r, id: [r.hset(f"{P}:task:{id}", "ring", "1"), r.delete(f"{P}:ring:medium:local")],
    "all entries": lambda r, id: [r.delete(f"{P}:jobs:{p}") for p in ("medium", "medium:again")],
    "the shares": lambda r, id: r.delete(f"{P}:shares"),
    "a partial of a part that waits": lambda r, id: r.hset(f"{P}:task:{id}:partials", "19", "no"),
    "a row of a part that is folded": lambda r, id: r.hset(f"{P}:task:{id}:jobs", "p0", "medium/1-1 0 0 -"),
    "a reduce row too early": lambda r, id: r.hset(f"{P}:task:{id}:jobs", "r2", "medium:again/1-1 0 0 -"),
    "the time limit": lambda r, id: r.delete(f"{P}:later"),
}  # fmt: skip


@pytest.mark.parametrize("name", HARMLESS)
def test_what_is_taken_from_a_task_of_many_parts_is_put_back(store: Store, hands: Any, name: str) -> None:
    """The result is the same to the last byte, the share is what the rows say, nothing is left."""
    id = half_done(store)
    assert mend(store) == 0
    HARMLESS[name](hands, id)
    store.do(verbs.ready())  # deleting a stream takes its group along
    assert mend(store) > 0
    assert hands.zscore(f"{P}:later", f"{id} limit") is not None
    run_out(store)
    task = told(store, id)
    assert (task.state, task.result, task.done) == ("succeeded", WHOLE, 20)
    nothing_left(store, hands)


@pytest.mark.parametrize("key", ["accumulator", "partials", "folded"])
def test_a_task_without_its_accumulator_begins_anew_three_times(store: Store, hands: Any, key: str) -> None:
    """What is folded cannot be made from what is left. The fourth time it has failed, and says why."""
    id = half_done(store)
    for times in (1, 2, 3, 4):
        if key == "folded":
            hands.hdel(f"{P}:task:{id}", "folded")
        else:
            hands.hdel(f"{P}:task:{id}:partials", "accumulator")
            if key == "partials":
                hands.delete(f"{P}:task:{id}:partials")
        assert mend(store) > 0
        if times == 4:
            break
        assert record(store, id, "restarts") == str(times)
        while record(store, id, "folded") != "1":
            for job in take(store, 2):
                assert finish(store, job)
    task = told(store, id)
    assert task.state == "failed"
    assert task.error == {"code": "lost", "message": "The store has lost what was folded of this task."}
    lines = [line.split(" ", 1)[1] for line in hands.lrange(f"{P}:task:{id}:history", 0, -1)]
    assert lines == ["begin anew: the store has lost what was folded"] * 3 + ["failed lost"]
    nothing_left(store, hands)


def test_a_task_that_began_anew_has_the_same_result(store: Store, hands: Any) -> None:
    id = half_done(store)
    hands.delete(f"{P}:task:{id}:partials")
    assert mend(store) > 0
    run_out(store)
    assert (told(store, id).state, told(store, id).result) == ("succeeded", WHOLE)


@pytest.mark.parametrize("gone", ["3", "accumulator"])
def test_a_fold_whose_partial_is_gone_is_not_done(store: Store, hands: Any, gone: str) -> None:
    """The reduce job is no longer held, its holder is told so, and nothing is wrong any more."""
    (id,) = submit(store, new(parts=20, first_wave=2, largest_wave=4, window=6))
    while True:
        job = take(store, 1)[0]
        if job.name == "r1":
            break
        assert finish(store, job)
    hands.hdel(f"{P}:task:{id}:partials", gone)
    assert store.do(verbs.wave(job)) is None
    assert not finish(store, job)
    assert mend(store) <= 1  # the share: a wave is read without a share to feed from
    run_out(store)
    assert told(store, id).result == WHOLE


@pytest.mark.parametrize("state", ["waiting", "held", "later"])
def test_a_row_taken_from_a_task_of_one_part(store: Store, hands: Any, state: str) -> None:
    (id,) = submit(store, new())
    if state != "waiting":
        (job,) = take(store)
        if state == "later":
            store.do(verbs.retry(job, {"code": "child_died"}, 60_000, 3, "c1", 0, 1.0, SHARE))
    hands.hdel(f"{P}:task:{id}", "p0")
    assert mend(store) > 0
    (again,) = take(store)
    assert (again.task, again.attempt) == (id, 1)
    if state == "held":
        assert not finish(store, job)
    assert finish(store, again)
    if state == "later":  # the member of the row that is gone; one that is due, `promote` drops
        hands.zremrangebyscore(f"{P}:later", "-inf", "+inf")
    run_out(store)
    nothing_left(store, hands)


@pytest.mark.parametrize("found_by", ["take", "resync", "repair"])
@pytest.mark.parametrize("parts", [1, 20])
def test_a_task_without_its_data_is_lost(store: Store, hands: Any, parts: int, found_by: str) -> None:
    (id,) = submit(store, new(parts=parts))
    if found_by == "resync":
        take(store, 1)
    hands.hdel(f"{P}:task:{id}", "data")
    if found_by == "repair":
        assert mend(store) > 0
    elif found_by == "take":
        assert take(store) == []
    else:
        assert store.do(verbs.resync("c1", [], SHARE)) == []
    task = told(store, id)
    assert task.state == "failed"
    assert task.error == {"code": "lost", "message": "The store has lost the data of this task."}
    assert hands.zscore(f"{P}:index:error:lost", id) is not None
    assert [text for _, words in hands.xrange(f"{P}:events") for text in words.values()][-1] == "failed"
    nothing_left(store, hands)


def test_a_scheduled_task_and_a_deadline_come_back_into_later(store: Store, hands: Any) -> None:
    """And at their own time, not sooner."""
    at = store.do(verbs.clock()) + 60_000
    scheduled, (timed,) = (
        submit(store, new(not_before_ms=at, deadline_ms=at + 9)),
        submit(store, new(deadline_ms=at + 5)),
    )
    before = hands.zrange(f"{P}:later", 0, -1, withscores=True)
    hands.delete(f"{P}:later")
    assert mend(store) == 3
    assert hands.zrange(f"{P}:later", 0, -1, withscores=True) == before
    assert {told(store, scheduled[0]).state, told(store, timed).state} == {"scheduled", "queued"}


def test_what_was_taken_out_of_a_ring_stands_in_it_again(store: Store, hands: Any) -> None:
    ids = submit(store, *[new() for _ in range(9)], share=2)
    taken = [hands.lpop(f"{P}:ring:medium:local") for _ in range(3)]
    assert mend(store, 2) == 3
    assert set(taken) < set(hands.lrange(f"{P}:ring:medium:local", 0, -1))
    hands.delete(f"{P}:ring:medium:local", f"{P}:shares")
    assert mend(store, 2) == 7 + 1  # and the share
    assert {job.task for job in run_all(store, 2)} == set(ids)


KINDS_OF_TASKS: dict[str, dict[str, Any]] = {
    "waiting": {}, "held": {}, "in the ring": {},
    "scheduled": {"not_before_ms": 2**42}, "with a deadline": {"deadline_ms": 2**42},
    "many parts": {"parts": 20, "window": 4}, "many parts, held": {"parts": 20, "window": 4},
}  # fmt: skip


@pytest.mark.parametrize("found_by", ["take", "repair"])
@pytest.mark.parametrize("name", KINDS_OF_TASKS)
def test_a_task_whose_record_is_gone_leaves_nothing(store: Store, hands: Any, name: str, found_by: str) -> None:
    """No key, member, row, entry or share names it; tasks of the same owner run on; the lists are right."""
    share = 1 if name == "in the ring" else SHARE
    if name == "in the ring":
        submit(store, new(), share=share)
    (id,) = submit(store, new(**KINDS_OF_TASKS[name], batch="B"), share=share)
    if name.endswith("held"):
        take(store, 2)
    (other,) = submit(store, new(), share=share)
    hands.delete(f"{P}:task:{id}")
    if found_by == "repair":
        mend(store, share)
    for _ in range(3):
        store.do(verbs.reap(0, 1000, 10, 0, share))
        store.do(verbs.promote(100, share))
        run_all(store, share)
        mend(store, share)
    assert told(store, other).state == "succeeded"
    for page in (verbs.page(), verbs.page(kind="noop"), verbs.page(owner="local"), verbs.page(batch="B")):
        assert id not in [task.id for task in store.do(page).tasks]
    naming = [key for key in hands.scan_iter() if id in key]
    naming += [key for key in hands.scan_iter(f"{P}:index:*") if hands.zscore(key, id) is not None]
    assert set(naming) <= {f"{P}:index:kind:noop", f"{P}:index:batch:B"}  # until a list walks them
    assert all(id not in member for member in hands.zrange(f"{P}:later", 0, -1))
    assert all(id not in words.values() for stream in store.keys.streams() for _, words in hands.xrange(stream))
    assert hands.exists(f"{P}:ring:medium:local") == 0
    assert hands.hgetall(f"{P}:shares") == {}
    assert sum(store.do(verbs.counts()).values()) == (2 if share == 1 else 1)


@pytest.mark.parametrize("filters", [{"kind": "rare"}, {"batch": "B"}, {"owner": "rare"}])
def test_a_list_drops_what_has_no_record(store: Store, hands: Any, filters: dict[str, Any]) -> None:
    submit(store, *[new() for _ in range(5)])
    gone, here = submit(store, *[new(kind="rare", owner="rare", batch="B") for _ in range(2)])
    hands.delete(f"{P}:task:{gone}")
    assert [task.id for task in store.do(verbs.page(**filters)).tasks] == [here]
    name, value = next(iter(filters.items()))
    key = f"{P}:index:{name}:{value}" + (":queued" if name == "owner" else "")
    assert hands.zrange(key, 0, -1) == [here]


def test_whoever_waits_for_a_task_whose_record_is_gone_is_woken(store: Store, hands: Any) -> None:
    """Once: the gateway then finds no record, and answers 410."""
    (id,) = submit(store, new(parts=3))
    hands.delete(f"{P}:task:{id}")
    mend(store)
    take(store)
    assert [text for _, words in hands.xrange(f"{P}:events") for text in words.values()] == ["queued", "failed"]


def test_live_tells_all_that_have_not_ended(store: Store) -> None:
    scheduled = submit(store, *[new(not_before_ms=2**42) for _ in range(3)])
    queued = submit(store, new(), new())
    running = [job.task for job in take(store, 1)]
    assert store.do(verbs.live("", 100)) == sorted(scheduled + queued)
    assert running[0] in queued
    assert store.do(verbs.live(scheduled[0], 2)) == scheduled[1:]


@pytest.mark.parametrize("wrong", [-2, 0, 1, 99])
def test_a_share_is_counted_again(store: Store, hands: Any, wrong: int) -> None:
    """Of waiting, held and postponed jobs, of tasks of one part and of many; a second time there is nothing to do."""
    submit(store, new(), new(), new(parts=9, window=3))
    (job, _) = take(store, 2)
    assert store.do(verbs.retry(job, {"code": "child_died"}, 60_000, 3, "c1", 0, 1.0, SHARE)) == "later"
    assert hands.hgetall(f"{P}:shares") == {"medium:local": "5"}
    hands.hset(f"{P}:shares", mapping={"medium:local": wrong, "low:nobody": 3})
    assert store.do(verbs.recount()) == 2
    assert hands.hgetall(f"{P}:shares") == {"medium:local": "5"}
    assert store.do(verbs.recount()) == 0


def test_a_share_is_never_left_negative(store: Store, hands: Any) -> None:
    submit(store, new(), new())
    jobs = take(store)
    hands.hset(f"{P}:shares", "medium:local", -7)
    assert finish(store, jobs[0])
    assert hands.hgetall(f"{P}:shares") == {}


def test_an_index_that_a_hand_deleted_has_its_tasks_again(store: Store, hands: Any) -> None:
    ids = submit(store, new(), new(parts=3))
    hands.delete(f"{P}:index:state:queued", f"{P}:index:owner:local:queued", f"{P}:index:kind:noop")
    store.do(verbs.recount())
    assert [task.id for task in store.do(verbs.page(state="queued", owner="local", kind="noop")).tasks] == ids[::-1]


def test_what_nobody_will_be_given_goes(store: Store, hands: Any) -> None:
    """An entry that no row names, read by a stranger and acknowledged: `depth` would count it as waiting for ever."""
    (id,) = submit(store, new())
    hands.xadd(f"{P}:jobs:medium", {"task": id, "job": "p0", "of": "1"})
    hands.xadd(f"{P}:jobs:low", {"not": "ours"})
    for stream in (f"{P}:jobs:medium", f"{P}:jobs:low"):
        for _, entries in hands.xreadgroup("consumers", "stranger", {stream: ">"}):
            hands.xack(stream, "consumers", *[entry for entry, _ in entries[-1:]])
    waits = hands.xadd(f"{P}:jobs:low", {"not": "ours"})  # `take` will see to it
    assert store.do(verbs.recount()) == 0
    assert hands.xlen(f"{P}:jobs:medium") == 1
    assert [entry for entry, _ in hands.xrange(f"{P}:jobs:low")] == [waits]
    assert hands.xlen(f"{P}:dead") == 1


def test_counting_again_has_a_bound(store: Store, hands: Any) -> None:
    """More than 10,000 jobs are not looked at in one step: Redis would serve nobody else for a tenth of a second."""
    for n in range(40):
        submit(store, *[new() for _ in range(250)], share=20_000)
        assert n < 39 or hands.hget(f"{P}:shares", "medium:local") == "10000"
    hands.hset(f"{P}:shares", "medium:local", 7)
    submit(store, new(), share=20_000)
    assert store.do(verbs.recount()) == 0
    take(store, 1)
    assert store.do(verbs.cancel(store.do(verbs.live("", 1))[0], SHARE)) == "ok"
    assert store.do(verbs.recount()) == 1
    assert hands.hget(f"{P}:shares", "medium:local") == "10000"


def test_a_retry_that_would_come_in_hours_comes_now(store: Store, hands: Any) -> None:
    """Redis' clock was ahead by hours when the pause was written."""
    (id,) = submit(store, new())
    (job,) = take(store)
    store.do(verbs.retry(job, {"code": "child_died"}, 1000, 3, "c1", 0, 1.0, SHARE))
    hands.zadd(f"{P}:later", {f"{id} p0": store.do(verbs.clock()) + 5 * 3_600_000})
    assert mend(store) == 1
    assert [job.task for job in run_all(store)] == [id]


def test_a_healthy_store_is_left_alone(store: Store, hands: Any) -> None:
    half_done(store)
    submit(store, new(), new(not_before_ms=2**42, deadline_ms=2**43))
    before = hands.execute_command("DEBUG", "DIGEST")
    assert mend(store) == 0
    assert hands.execute_command("DEBUG", "DIGEST") == before


def test_letters_and_lines_are_json(store: Store, hands: Any) -> None:
    """What `lost` says in the record is what a client can read."""
    (id,) = submit(store, new())
    hands.hdel(f"{P}:task:{id}", "data")
    mend(store)
    assert set(json.loads(hands.hget(f"{P}:task:{id}", "error"))) == {"code", "message"}
