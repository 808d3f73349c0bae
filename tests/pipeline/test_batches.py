"""Batches in the store: opened once, counted from the indexes, read in the order of their lines, given up together."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline import ids, verbs
from pipeline.apikeys import EVERYONE
from pipeline.record import STATES, Batch, Job, NewBatch, NewTask
from pipeline.store import Store
from tests.pipeline.steps import SHARE, finish, new, submit, take

KEY = b"k" * 16
LIMIT = 1000


def opened(store: Store, lines: int = 3, rejected: int = 0, **changes: Any) -> str:
    """A batch that is open; its id."""
    outcome, id = open_one(store, lines, rejected, **changes)
    assert outcome == "new"
    return id


def open_one(
    store: Store,
    lines: int = 3,
    rejected: int = 0,
    limit: int = LIMIT,
    atomic: bool = False,
    most: int = 0,
    **changes: Any,
) -> tuple[str, str]:
    given: dict[str, Any] = {"id": ids.mint(store.do(verbs.clock()), KEY), "owner": "local", "label": "", "ttl_s": 3600}
    batch = NewBatch(lines=lines, **(given | changes))
    return store.do(verbs.open_batch(batch, rejected, {"medium": lines - rejected}, limit, most, atomic))


def tasks(batch: str, count: int, **changes: Any) -> list[NewTask]:
    """The tasks of the first lines."""
    return [new(id=ids.nth(batch, n, KEY), batch=batch, custom_id=f"c{n}", **changes) for n in range(1, count + 1)]


def seen(store: Store, id: str) -> Batch:
    found = store.do(verbs.batch(id))
    assert found is not None
    return found


def all_ended(store: Store, batch: str, limit: int = 3, most_bytes: int = 10**6) -> list[tuple[str, str]]:
    """(custom_id, state) of all pages."""
    cursor, found = "", list[tuple[str, str]]()
    while True:
        cursor, page = store.do(verbs.ended(batch, cursor, limit, most_bytes))
        found += [(each.custom_id, each.state) for each in page]
        if not cursor:
            return found


def test_it_is_counted_from_the_indexes(store: Store) -> None:
    """States of now; what is forgotten is in none; what another owner has does not count."""
    id = opened(store, 6, 1)
    made = tasks(id, 5)
    submit(store, *made)
    submit(store, new(owner="other", batch=id))
    first, second, third, _ = take(store, 4)
    assert finish(store, first)
    assert store.do(verbs.fail(second, {"code": "refused", "message": "no"}, False, "c1", 0, 1.0, SHARE))
    assert store.do(verbs.cancel(third.task, SHARE)) == "ok"
    batch = seen(store, id)
    assert (batch.owner, batch.lines, batch.rejected, batch.accepted) == ("local", 6, 1, 6)
    expected = {"succeeded": 1, "failed": 1, "cancelled": 1, "running": 1, "queued": 1, "scheduled": 0}
    assert batch.states == expected
    assert store.do(verbs.purge(first.task)) == "ok"
    assert seen(store, id).states == expected | {"succeeded": 0}


def test_there_is_none(store: Store, hands: Any) -> None:
    """Of an id that never was, and where a hand has put something else."""
    id = ids.mint(0, KEY)
    assert store.do(verbs.batch(id)) is None
    hands.set(store.keys("batch", id), "x")
    assert store.do(verbs.batch(id)) is None


def test_sent_again_it_changes_nothing(store: Store) -> None:
    """A reply that was lost is asked for again: the same batch, with the counts that it has."""
    id = opened(store)
    submit(store, *tasks(id, 3))
    assert open_one(store, id=id) == ("new", id)
    assert seen(store, id).accepted == 3


def test_one_key_makes_one_batch(store: Store) -> None:
    """The same request again: the batch of then. Another: mismatch. A key belongs to its owner."""
    same = {"same_key": "key:k", "same_sha": "a"}
    id = opened(store, **same)
    assert open_one(store, **same) == ("replay", id)
    assert open_one(store, **(same | {"same_sha": "b"})) == ("mismatch", id)
    assert open_one(store, owner="other", **same)[0] == "new"
    assert len(store.do(verbs.batches("local", 10))) == 1


def test_one_key_is_no_batch_and_a_task(store: Store) -> None:
    """Whichever comes first keeps it."""
    same = {"same_key": "key:k", "same_sha": "a"}
    id = opened(store, **same)
    (said,) = store.do(verbs.submit([new(**same)], LIMIT, SHARE))
    assert (said.outcome, said.id) == ("mismatch", id)
    (task,) = submit(store, new(same_key="key:t", same_sha="a"))
    assert open_one(store, same_key="key:t", same_sha="a") == ("mismatch", task)


def test_half_a_batch_that_is_sent_again_makes_no_task_twice(store: Store) -> None:
    """The ids follow from batch and line: what is there stays, what is missing comes, `accepted` counts each once."""
    id = opened(store, 5)
    made = tasks(id, 5)
    submit(store, *made[:2])
    (job, _) = take(store)
    assert finish(store, job, b'{"first":1}')
    said = store.do(verbs.submit(made, LIMIT, SHARE))
    assert [each.outcome for each in said] == ["replay", "replay", "new", "new", "new"]
    assert seen(store, id).accepted == 5
    known = store.do(verbs.task(made[0].id))
    assert known is not None
    assert known.result == b'{"first":1}'
    assert sum(seen(store, id).states.values()) == 5


@pytest.mark.parametrize(("limit", "atomic", "outcome"), [(4, True, "new"), (3, True, "full"), (3, False, "new")])
def test_all_of_an_atomic_batch_need_room(store: Store, limit: int, atomic: bool, outcome: str) -> None:
    """Of four places two are taken, by tasks that wait; of another batch some may be refused."""
    submit(store, *[new() for _ in range(3)], share=1)  # one has its job, two wait
    said = open_one(store, 2, limit=limit, atomic=atomic, same_key="key:k", same_sha="a")
    assert said[0] == outcome
    if outcome == "full":
        assert said == ("full", "medium")
        assert store.do(verbs.batches("local", 10)) == []
        assert open_one(store, 2, limit=9, atomic=True, same_key="key:k", same_sha="a")[0] == "new", "the key is free"
    assert open_one(store, 2, limit=2)[0] == "full", "no room for any"


@pytest.mark.parametrize(("most", "atomic", "outcome"), [(5, True, "new"), (4, True, "quota"), (4, False, "new")])
def test_an_owner_s_quota_counts_for_a_batch(store: Store, most: int, atomic: bool, outcome: str) -> None:
    """Three tasks of this owner have not ended, whether they wait or run."""
    submit(store, *[new() for _ in range(3)], new(owner="other"))
    take(store, 1)
    assert open_one(store, 2, most=most, atomic=atomic)[0] == outcome
    assert open_one(store, 2, most=3) == ("quota", "local"), "no room for any"


def test_it_is_listed_as_long_as_it_is_kept(store: Store, hands: Any) -> None:
    """Newest first, of its owner, within the limit."""
    made = [opened(store, ttl_s=ttl_s) for ttl_s in (100, 200, 300)]
    other = opened(store, owner="other", ttl_s=50)
    assert store.do(verbs.batches("local", 10)) == made[::-1]
    assert store.do(verbs.batches(EVERYONE, 10)) == [*made[::-1], other]
    assert store.do(verbs.batches("local", 2)) == made[:0:-1]
    hands.zadd(store.keys("index_batches", "local"), {made[1]: 1})  # its time is over
    assert store.do(verbs.batches("local", 10)) == [made[2], made[0]]
    assert 0 < hands.ttl(store.keys("batch", made[0])) <= 100


@pytest.mark.parametrize("limit", [1, 3, 100])
def test_what_has_ended_comes_in_the_order_of_the_lines(store: Store, limit: int) -> None:
    """Each once, whatever the size of the pages; what still runs is left out."""
    id = opened(store, 12)
    submit(store, *tasks(id, 12))
    jobs = take(store, 12)
    for job in reversed(jobs[:10]):
        assert finish(store, job, b'{"x":1}')
    assert store.do(verbs.cancel(jobs[11].task, SHARE)) == "ok"
    states = [(f"c{n}", "succeeded") for n in range(1, 11)] + [("c12", "cancelled")]
    assert all_ended(store, id, limit) == states
    assert all_ended(store, id, 100, most_bytes=1) == states, "one large result is a page"


def test_what_has_ended_is_told_with_result_or_error(store: Store, hands: Any) -> None:
    """As texts; a record that a hand took is not there."""
    id = opened(store)
    made = tasks(id, 3)
    submit(store, *made)
    first, second, _ = take(store, 3)
    assert finish(store, first, b'{"x":1.50}')
    assert store.do(verbs.fail(second, {"code": "refused", "message": "no"}, False, "c1", 0, 1.0, SHARE))
    hands.delete(store.keys("task", made[2].id))
    cursor, (good, bad) = store.do(verbs.ended(id, "", 10, 10**6))
    assert cursor == ""
    assert (good.result, good.error, good.kind) == (b'{"x":1.50}', None, "noop")
    assert bad.result is None
    assert bad.error == b'{"code":"refused","message":"no"}'


def test_given_up_in_pages(store: Store) -> None:
    """Queued, running and put off are cancelled; what has ended stays (I4); no job is left."""
    id = opened(store, 7)
    later = store.do(verbs.clock()) + 60_000
    made = [*tasks(id, 6), new(id=ids.nth(id, 7, KEY), batch=id, not_before_ms=later)]
    submit(store, *made)
    (other,) = submit(store, new())
    first, *_ = take(store, 2)
    assert finish(store, first)
    cursor, given_up, calls = "", 0, 0
    while True:
        cursor, some = store.do(verbs.cancel_batch(id, cursor, 3, SHARE))
        given_up, calls = given_up + some, calls + 1
        if not cursor:
            break
    assert (given_up, calls) == (6, 3)
    assert seen(store, id).states == dict.fromkeys(STATES, 0) | {"succeeded": 1, "cancelled": 6}
    assert [job.task for job in take(store, 10)] == [other]
    assert store.do(verbs.cancel_batch(id, "", 100, SHARE)) == ("", 0)


def test_the_counters_of_the_last_minutes(store: Store, hands: Any) -> None:
    """The running minute first, none that is empty, none that is older."""
    assert store.do(verbs.minutes(3)) == {}
    submit(store, new(), new())
    (job, _) = take(store, 2)
    assert finish(store, job)
    ((name, fields),) = store.do(verbs.minutes(1)).items()
    assert fields["noop:submitted"] == 2
    assert fields["noop:succeeded"] == 1
    assert sum(n for field, n in fields.items() if field.startswith("noop:ran:")) == 1
    hands.hset(store.keys("minute", "200001010000"), "noop:submitted", 5)
    assert list(store.do(verbs.minutes(10))) == [name]


def test_what_a_task_was_made_from(store: Store) -> None:
    """Its data with its limits; nothing where they are gone."""
    (id,) = submit(store, new(data=b'{"value":2}', time_limit_s=12.5, result_ttl_s=77))
    assert store.do(verbs.origin(id)) == (b'{"value":2}', 12.5, 77)
    assert store.do(verbs.origin(ids.mint(0, KEY))) is None


def test_a_calculation_without_a_result_answers_nobody(store: Store) -> None:
    """Of a key that a calculation made (cache:): failed, cancelled and forgotten tasks are replaced; others answer."""
    same = {"same_key": "cache:noop:1:given:a", "same_sha": "a"}
    (first,) = submit(store, new(**same))
    jobs: list[Job] = []
    for state in ("queued", "running"):
        (said,) = store.do(verbs.submit([new(**same)], LIMIT, SHARE))
        assert (said.outcome, said.id) == ("replay", first), state
        jobs += take(store)
    (job,) = jobs
    assert store.do(verbs.fail(job, {"code": "refused", "message": "no"}, False, "c1", 0, 1.0, SHARE))
    (cancelled,) = submit(store, new(**same))
    assert store.do(verbs.cancel(cancelled, SHARE)) == "ok"
    (second,) = submit(store, new(**same))
    (job,) = take(store)
    assert finish(store, job)
    (said,) = store.do(verbs.submit([new(**same)], LIMIT, SHARE))
    assert (said.outcome, said.id) == ("replay", second)
    assert store.do(verbs.purge(second)) == "ok"
    submit(store, new(**same))


@given(st.lists(st.integers(1, 10_000), min_size=2, max_size=20, unique=True), st.integers(0, 2**42))
def test_ids_follow_from_batch_and_line(lines: list[int], at_ms: int) -> None:
    """Ours, in the order of the lines, the same again, and other ones in another batch."""
    batch, other = ids.mint(at_ms, KEY), ids.mint(at_ms, KEY)
    made = [ids.nth(batch, line, KEY) for line in sorted(lines)]
    assert made == sorted(made)
    assert made == [ids.nth(batch, line, KEY) for line in sorted(lines)]
    assert all(ids.is_ours(id, KEY) for id in made)
    assert not set(made) & {ids.nth(other, line, KEY) for line in lines}
