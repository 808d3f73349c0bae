"""Each script from each state, against the table of transitions; and the rules that no random walk shows by itself."""

import itertools
import time
from collections.abc import Callable
from typing import Any

import pytest

from calc.kind import wave_bounds
from pipeline import script, verbs
from pipeline.errors import StoreAway
from pipeline.record import FINAL, STATES, TRANSITIONS, Done, Job
from pipeline.store import Store
from tests.pipeline.steps import SHARE, finish, new, run_all, submit, take, taken
from tests.servers import Server

ERROR = {"code": "refused", "message": "no"}


def bring(store: Store, state: str) -> tuple[str, Job | None]:
    """A task of one part in a state, and its job where it has a holder."""
    if state == "scheduled":
        return submit(store, new(not_before_ms=store.do(verbs.clock()) + 60_000))[0], None
    (id,) = submit(store, new())
    job = None
    if state != "queued":
        (job,) = take(store)
    if state == "succeeded":
        assert finish(store, job)  # type: ignore[arg-type]
    elif state == "failed":
        assert store.do(verbs.fail(job, ERROR, False, "c1", 0, 1.0, SHARE))  # type: ignore[arg-type]
    elif state == "cancelled":
        assert store.do(verbs.cancel(id, SHARE)) == "ok"
    return id, job


def state_of(store: Store, id: str) -> str | None:
    task = store.do(verbs.task(id))
    return task.state if task else None


def make_due(hands: Any, key: str) -> None:
    """Whatever waits in this zset, its time has come."""
    for member in hands.zrange(f"{{headrace}}:{key}", 0, -1):
        hands.zadd(f"{{headrace}}:{key}", {member: 1})


def promote(store: Store, hands: Any, id: str, job: Job | None) -> None:
    make_due(hands, "later")
    store.do(verbs.promote(10, SHARE))


def forget(store: Store, hands: Any, id: str, job: Job | None) -> None:
    make_due(hands, "expires")
    store.do(verbs.forget(10))


def limit(store: Store, hands: Any, id: str, job: Job | None) -> None:
    hands.zadd("{headrace}:later", {f"{id} limit": 1})
    store.do(verbs.promote(10, SHARE))


def repair(store: Store, hands: Any, id: str, job: Job | None) -> None:
    hands.hdel(f"{{headrace}}:task:{id}", "data")
    store.do(verbs.repair([id], SHARE))


# What each verb of the table does, given a task and the job that is or was held.
VERBS: dict[str, Callable[[Store, Any, str, Job | None], Any]] = {
    "promote": promote,
    "take": lambda store, hands, id, job: take(store),
    "finish": lambda store, hands, id, job: job and finish(store, job),
    "fail": lambda store, hands, id, job: job and store.do(verbs.fail(job, ERROR, False, "c1", 0, 1.0, SHARE)),
    "bury": lambda store, hands, id, job: job and store.do(verbs.retry(job, ERROR, 0, 1, "c1", 0, 1.0, SHARE)),
    "cancel": lambda store, hands, id, job: store.do(verbs.cancel(id, SHARE)),
    "deadline": lambda store, hands, id, job: store.do(verbs.deadline(id, SHARE)),
    "limit": limit,
    "repair": repair,
    "forget": forget,
}


@pytest.mark.parametrize(("state", "verb"), list(itertools.product(STATES, VERBS)))
def test_every_verb_from_every_state(store: Store, hands: Any, state: str, verb: str) -> None:
    """A verb that the table knows moves the task as the table says; any other changes nothing (I4)."""
    id, job = bring(store, state)
    assert state_of(store, id) == state
    VERBS[verb](store, hands, id, job)
    assert state_of(store, id) == TRANSITIONS.get((state, verb), state)  # type: ignore[call-overload]


def test_the_table_is_closed() -> None:
    """Every verb is tried above, every state can be reached, and nothing leaves a final state but forgetting."""
    assert {verb for state, verb in TRANSITIONS if state} == VERBS.keys()
    assert {to for to in TRANSITIONS.values() if to} == set(STATES)
    assert {verb for state, verb in TRANSITIONS if state in FINAL} == {"forget"}


def test_waves_are_the_same_in_lua_and_in_python(any_server: Server) -> None:
    """The closed form of the waves stands twice, once for each side."""
    body = """-- with: ledger work
    local t = {first_wave = tonumber(ARGV[3]), largest_wave = tonumber(ARGV[4])}
    local out = {}
    for wave = 0, 40 do
      local start, finish = wave_bounds(t, wave)
      out[#out + 1] = {start, finish, wave_of(t, start), wave_of(t, finish - 1)}
    end
    return out
    """
    with any_server.client() as plain:
        for first, times in itertools.product((1, 2, 3, 7, 32), (1, 2, 3, 4, 8, 11)):
            found = plain.eval(script.joined(body, script.read), 1, "{waves}", 1, "", first, first * times)
            for wave, (start, finish, first_in, last_in) in enumerate(found):
                assert (start, finish) == wave_bounds(wave, first, first * times)
                assert (first_in, last_in) == (wave, wave)


def test_what_a_call_says_twice_is_done_once(store: Store) -> None:
    """Scripts that take n look at all of them together, and still see what they have just written (I2, I5)."""
    whole, many = new(), new(parts=3)
    told = store.do(verbs.submit([whole, many, whole], 1000, SHARE))
    assert [(s.outcome, s.id) for s in told] == [("new", whole.id), ("new", many.id), ("replay", whole.id)]
    jobs = take(store)
    ends = [Done(job, b"1", 0, 1.0) for job in jobs if job.step == "whole"]
    parts = [Done(job, b"1", 0, 1.0) for job in jobs if job.step == "part"]
    assert store.do(verbs.finish_task(ends * 2, "c1", SHARE)) == [True, False]
    assert store.do(verbs.finish_part(parts[:1] * 2 + parts[1:], "c1", SHARE)) == [True, False, True, True]
    task = store.do(verbs.task(many.id))
    assert task is not None
    assert task.done == 3


def test_priorities_are_taken_in_the_order_given(store: Store) -> None:
    ids = {p: submit(store, new(priority=p))[0] for p in ("low", "medium", "high")}
    assert [job.task for job in take(store)] == [ids["high"], ids["medium"], ids["low"]]
    ids = {p: submit(store, new(priority=p))[0] for p in ("low", "medium", "high")}
    assert take(store, 1, order=("low", "high", "medium"))[0].task == ids["low"]


def test_take_never_gives_more_than_asked_for(store: Store) -> None:
    """XREADGROUP's COUNT is per stream: the budget is one for all (I7)."""
    submit(store, *[new(priority=p) for p in ("high", "medium", "low") for _ in range(5)])
    assert len(take(store, 2)) == 2
    assert len(take(store, 100)) == 13


def test_a_paused_priority_is_left_alone(store: Store, hands: Any) -> None:
    submit(store, new(priority="low"))
    hands.hset("{headrace}:paused", "low", "maintenance")
    assert take(store) == []
    hands.delete("{headrace}:paused")
    assert len(take(store)) == 1


def test_a_released_job_is_taken_before_its_stream(store: Store) -> None:
    first, second = submit(store, new(), new())
    (job,) = take(store, 1)
    assert store.do(verbs.release([job], "c1", SHARE)) == [True]
    again = take(store)
    assert [(j.task, j.attempt) for j in again] == [(first, 1), (second, 1)]
    assert again[0].token != job.token


def test_a_small_task_does_not_wait_for_a_huge_one_of_its_owner(store: Store) -> None:
    """Shares are given in turn: what stands behind 10,000 parts starts after about one share of them."""
    submit(store, new(parts=10_000, window=32), share=32)
    (small,) = submit(store, new(), share=32)
    seen = 0
    while True:
        for job in take(store, 4, share=32):
            if job.task == small:
                assert seen <= 32 + 4
                return
            seen += job.step == "part"
            assert finish(store, job, share=32)
        assert seen < 200


def test_an_owner_waits_for_others_by_their_share_at_most(store: Store) -> None:
    """Ten thousand tasks of one owner delay another's by the share, not by ten thousand."""
    share = 16
    for _ in range(20):
        submit(store, *[new(owner="many") for _ in range(100)], share=share)
    (mine,) = submit(store, new(owner="one"), share=share)
    order = [job.task for job in run_all(store, share)]
    assert order.index(mine) <= share + 10  # a batch of take may be ahead
    assert len(order) == 2001


def test_partials_stay_few_while_one_part_waits(store: Store, hands: Any) -> None:
    """Without a bound ahead of the fold, one part that waits in `later` lets the partials grow with the task."""
    (id,) = submit(store, new(parts=2000, first_wave=4, largest_wave=32, window=32))
    first = take(store, 1)[0]
    assert store.do(verbs.retry(first, ERROR, 60_000, 3, "c1", 0, 1.0, SHARE)) == "later"
    run_all(store)
    assert hands.hlen(f"{{headrace}}:task:{id}:partials") <= 80
    assert hands.hlen(f"{{headrace}}:task:{id}:jobs") == 1


def test_parts_are_folded_in_order(store: Store) -> None:
    (id,) = submit(store, new(parts=50, first_wave=3, largest_wave=12, window=50))
    for job in reversed(take(store, 100)):
        assert finish(store, job)
    run_all(store)
    task = store.do(verbs.task(id))
    assert task is not None
    assert task.state == "succeeded"
    assert task.result == b" ".join(b"%d" % part for part in range(50))


def test_a_full_store_refuses_work_and_lets_work_end(store: Store, hands: Any) -> None:
    """maxmemory with noeviction: submit is refused whole, finish and cancel run to their end (rule 1)."""
    ids = submit(store, new(), new(parts=9), new(), new(not_before_ms=store.do(verbs.clock()) + 60_000))
    jobs = {job.task: job for job in take(store, 1)}
    hands.config_set("maxmemory-policy", "noeviction")
    hands.config_set("maxmemory", "1mb")
    try:
        before = hands.dbsize()
        with pytest.raises(StoreAway):
            store.do(verbs.submit([new(id="REFUSED", same_key="k")], 1000, SHARE))
        assert hands.dbsize() == before
        assert finish(store, jobs[ids[0]])
        rest = take(store)  # what was accepted is computed
        assert len(rest) == 9  # eight parts fill the window
        assert store.do(verbs.cancel(ids[1], SHARE)) == "ok"
        whole = next(job for job in rest if job.task == ids[2])
        assert store.do(verbs.release([whole], "c1", SHARE)) == [True]
        assert store.do(verbs.cancel(ids[3], SHARE)) == "ok"
    finally:
        hands.config_set("maxmemory", "0")
    run_all(store)
    assert [state_of(store, id) for id in ids] == ["succeeded", "cancelled", "succeeded", "cancelled"]


def test_the_backlog_has_a_limit_and_a_replay_comes_before_it(store: Store) -> None:
    submit(store, new(same_key="first", same_sha="a"), new(), share=1)
    call = verbs.submit([new(id="MORE")], 1, 1)
    assert [(a.outcome, a.id) for a in store.do(call)] == [("full", "MORE")]
    known = store.do(verbs.submit([new(same_key="first", same_sha="a")], 1, 1))[0]
    assert known.outcome == "replay"
    assert store.do(verbs.submit([new(same_key="first", same_sha="b")], 1, 1))[0].outcome == "mismatch"


def test_what_nginx_sends_again_is_known_and_a_refusal_leaves_nothing(store: Store, hands: Any) -> None:
    """One key a request, asked and written in one step: equal bytes replay it, a refusal leaves it free."""
    about: dict[str, Any] = {"same_key": "once:r1", "same_sha": "a", "same_ttl_s": 300}
    (first,) = submit(store, new(**about), share=1)
    key = store.keys("once", "local", "r1")
    assert 0 < hands.ttl(key) <= 300
    call = verbs.submit([new(**about), new(**(about | {"same_sha": "b"})), new(**(about | {"owner": "other"}))], 9, 1)
    assert [a.outcome for a in store.do(call)] == ["replay", "mismatch", "new"]
    assert store.do(verbs.submit([new(**about)], 9, 1))[0].id == first
    twin = about | {"same_key": "once:r2"}
    said = store.do(verbs.submit([new(**twin), new(**twin)], 9, 1))
    assert [a.outcome for a in said] == ["new", "replay"]
    assert said[0].id == said[1].id
    for limits in ((1, 1, 0), (9, 1, 1)):  # the backlog, then what has not ended
        refused = about | {"same_key": "once:r3"}
        assert store.do(verbs.submit([new(**refused)], *limits))[0].outcome in ("full", "quota")
        assert not hands.exists(store.keys("once", "local", "r3"))
    hands.set(key, "nonsense")
    assert store.do(verbs.submit([new(**about)], 9, 1))[0].outcome == "new"
    assert hands.get(key).endswith(" a")


def test_wake_ids_miss_nothing_that_comes_after(store: Store, any_server: Server) -> None:
    """What others hold does not wake a sleeper; what is put after its take does."""
    submit(store, new())
    assert take(store, 1, me="other")
    wake = taken(store, 5).wake_ids
    with any_server.client() as plain:
        streams = dict(zip(store.keys.streams(), wake, strict=True))
        assert not plain.xread(streams, count=1)
        submit(store, new(priority="low"))
        assert plain.xread(streams, count=1)


def test_a_deadline_gives_the_result_of_what_is_folded(store: Store) -> None:
    (id,) = submit(
        store, new(parts=40, first_wave=2, largest_wave=8, window=8, deadline_ms=store.do(verbs.clock()) + 40)
    )
    while True:
        jobs = take(store, 2)
        assert jobs
        assert all(finish(store, job) for job in jobs)
        if any(job.step == "fold" for job in jobs):
            break
    held = take(store, 2)
    time.sleep(0.05)
    assert store.do(verbs.promote(10, SHARE)) == 1
    assert [finish(store, job) for job in held if job.step == "part"] == [False] * sum(j.step == "part" for j in held)
    run_all(store)
    task = store.do(verbs.task(id))
    assert task is not None
    assert (task.state, task.result) == ("succeeded", b"0 1")


def test_a_job_that_has_had_its_attempts_is_not_given_out_again(store: Store) -> None:
    """Where consumers differ in how many it may have, the one that takes it decides."""
    (id,) = submit(store, new())
    for _ in range(3):
        (job,) = take(store)
        assert store.do(verbs.retry(job, {"code": "time_limit", "message": ""}, 0, 9, "c1", 2, 5.0, SHARE)) == "later"
        store.do(verbs.promote(10, SHARE))
    assert take(store) == []
    task = store.do(verbs.task(id))
    assert task is not None
    assert (task.state, (task.error or {})["code"]) == ("failed", "attempts_spent")


def test_a_death_is_counted_buried_and_told(store: Store, hands: Any) -> None:
    (id,) = submit(store, new())
    cause = {"code": "child_died", "message": "killed by signal 9"}
    for attempt in (1, 2, 3):
        (job,) = take(store)
        assert job.attempt == attempt
        answer = store.do(verbs.retry(job, cause, 0, 3, "c1", 2, 5.0, SHARE))
        assert answer == ("buried" if attempt == 3 else "later")
        store.do(verbs.promote(10, SHARE))
    task = store.do(verbs.task(id))
    assert task is not None
    assert (task.state, task.error, task.attempts) == ("failed", cause, 3)
    ((_, letter),) = hands.xrange("{headrace}:dead")
    assert (letter["task"], letter["attempts"]) == (id, "3")
    assert hands.zscore("{headrace}:index:error:child_died", id) is not None
    assert [line.split(" ", 1)[1] for line in hands.lrange(f"{{headrace}}:task:{id}:history", 0, -1)] == [
        "retry p0 after attempt 1 child_died", "retry p0 after attempt 2 child_died", "bury p0", "failed child_died",
    ]  # fmt: skip


def test_being_reaped_is_an_interruption_not_an_attempt(store: Store) -> None:
    (id,) = submit(store, new())
    for interruption in (1, 2):
        (job,) = take(store)
        assert (job.attempt, job.interruptions) == (1, interruption - 1)
        assert len(store.do(verbs.reap(0, 10, 10, 0, SHARE))) == 1
        store.do(verbs.promote(10, SHARE))
        assert not finish(store, job)
    (job,) = take(store)
    assert len(store.do(verbs.reap(0, 10, 2, 0, SHARE))) == 1  # one too many: buried
    task = store.do(verbs.task(id))
    assert task is not None
    assert task.error is not None
    assert (task.state, task.error["code"], task.interruptions) == ("failed", "interrupted", 2)


def test_reaping_goes_past_a_head_of_held_jobs(store: Store, hands: Any) -> None:
    """The first page of pending entries may be fresh for ever; those behind it are reaped all the same."""
    submit(store, *[new() for _ in range(250)], share=1000)
    jobs = take(store, 250, share=1000)
    tail = [job.token.partition("/")[2] for job in jobs[200:]]
    hands.execute_command("XCLAIM", "{headrace}:jobs:medium", "consumers", "c1", 0, *tail, "IDLE", 600_000, "JUSTID")
    assert len(store.do(verbs.reap(300_000, 1000, 10, 0, 1000))) == 50


@pytest.mark.parametrize("begun", [True, False], ids=["held", "read, never begun"])
def test_a_job_that_was_acknowledged_by_hand_comes_back(store: Store, hands: Any, begun: bool) -> None:
    """XACK leaves the entry on the stream, but the group never hands it out again: only `repair` finds it."""
    (id,) = submit(store, new())
    if begun:
        take(store)
    else:
        hands.xreadgroup("consumers", "stranger", {"{headrace}:jobs:medium": ">"})
    ((entry, _),) = hands.xrange("{headrace}:jobs:medium")
    (waiting,) = submit(store, new())
    assert hands.xack("{headrace}:jobs:medium", "consumers", entry) == 1
    assert store.do(verbs.repair(store.do(verbs.live("", 100)), SHARE)) == 1  # and not the one that just waits
    assert {job.task for job in run_all(store)} == {id, waiting}
    assert state_of(store, id) == state_of(store, waiting) == "succeeded"


def test_a_name_goes_only_when_it_holds_nothing(store: Store, hands: Any) -> None:
    submit(store, new(priority="low"))
    (job,) = take(store)
    assert store.do(verbs.remove_consumer("c1")) == "holds"
    assert finish(store, job)
    assert store.do(verbs.remove_consumer("c1")) == "ok"
    assert "c1" not in store.do(verbs.names())
