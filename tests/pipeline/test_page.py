"""Lists: every task once, newest first, whatever is filtered, and no long walk."""

from typing import Any

import pytest
from msgspec import structs

from pipeline import ids, verbs
from pipeline.keys import PRIORITIES
from pipeline.record import STATES, Sift, Task, Wanted
from pipeline.store import Store
from tests.pipeline.steps import SHARE, finish, new, submit, take


def pages(store: Store, limit: int, **filters: Any) -> list[str]:
    found: list[str] = []
    cursor = ""
    while True:
        page = store.do(verbs.page(cursor=cursor, limit=limit, **filters))
        found += [task.id for task in page.tasks]
        cursor = page.cursor
        if not cursor:
            return found


@pytest.fixture
def filled(store: Store) -> Store:
    """Three hundred tasks of two kinds and two owners, in all states."""
    key = store.do(verbs.idkey(b"k" * 32))
    at = store.do(verbs.clock())
    for n in range(300):
        later = at + 10**6 if n % 10 == 3 else 0
        made = new(
            id=ids.mint(at + n, key),
            kind=f"kind{n % 2}",
            owner=f"owner{n % 3}",
            batch="B" if n % 7 == 0 else "",
            not_before_ms=later,
        )
        submit(store, made)
    jobs = take(store, 200)
    for n, job in enumerate(jobs):
        if n % 4 == 0:
            assert finish(store, job)
        elif n % 4 == 1:
            store.do(verbs.cancel(job.task, SHARE))
        elif n % 4 == 2:
            store.do(verbs.fail(job, {"code": "refused", "message": "no"}, False, "c1", 0, 1.0, SHARE))
    return store


@pytest.mark.parametrize("limit", [1, 7, 50, 200])
def test_every_task_once_newest_first(filled: Store, limit: int) -> None:
    found = pages(filled, limit)
    assert len(found) == len(set(found)) == 300
    assert found == sorted(found, reverse=True)


@pytest.mark.parametrize("state", [None, *STATES])
@pytest.mark.parametrize("kind", ["", "kind1"])
@pytest.mark.parametrize("owner", ["", "owner2"])
@pytest.mark.parametrize("batch", ["", "B"])
def test_filters_agree_with_looking_at_each(filled: Store, state: Any, kind: str, owner: str, batch: str) -> None:
    everything = [filled.do(verbs.task(id)) for id in pages(filled, 100)]
    right = [
        task.id
        for task in everything
        if task
        and (state is None or task.state == state)
        and (not kind or task.kind == kind)
        and (not owner or task.owner == owner)
        and (not batch or task.batch == batch)
    ]
    assert pages(filled, 9, state=state, kind=kind, owner=owner, batch=batch) == right


@pytest.mark.parametrize("sift", [{}, {"priority": "high"}, {"label": "desk 1"}, {"text": "needle"}])
@pytest.mark.parametrize("more", [{}, {"error": "refused"}, {"owner": "o1", "kind": "kind1"}])
def test_what_no_index_knows_is_found_in_the_records(store: Store, sift: Any, more: Any) -> None:
    """Priority, label, text of data, label, custom id and metadata; and the ids alone are those of the list."""
    for n in range(40):
        data = b'{"a":"NEEDLE"}' if n % 5 == 0 else b'{"a":1}' + (b" " * 20_000 + b"needle" if n % 5 == 1 else b"")
        made = new(kind=f"kind{n % 2}", owner=f"o{n % 3}", data=data, custom_id="a needle" if n == 7 else "")
        labelled = structs.replace(made, label=f"Desk {n % 4}", priority=PRIORITIES[n % 3])
        submit(store, structs.replace(labelled, metadata='{"book":"needle"}' if n == 8 else ""))
    for n, job in enumerate(take(store, 20)):
        error = {"code": ("refused", "died")[n % 2], "message": "no" + " needle" * (n == 9)}
        store.do(verbs.fail(job, error, False, "c1", 0, 1.0, SHARE))
    records = [store.do(verbs.task(id)) for id in pages(store, 100)]
    data_of = {task.id: (store.do(verbs.data(task.id)) or b"").decode().lower() for task in records if task}

    def fits(task: Task) -> bool:
        words = f"{task.id} {task.label} {task.custom_id} {task.metadata} {task.error}".lower()
        words += data_of[task.id] if len(data_of[task.id]) < 16_384 else ""
        return (
            sift.get("priority", task.priority) == task.priority
            and sift.get("label", "") in task.label.lower()
            and sift.get("text", "") in words
            and more.get("error", (task.error or {}).get("code", "")) == (task.error or {}).get("code", "")
            and more.get("owner", task.owner) == task.owner
            and more.get("kind", task.kind) == task.kind
        )

    right = [task.id for task in records if task and fits(task)]
    wanted = Wanted(sift=Sift(**sift), **more)
    assert [task.id for task in store.do(verbs.page(wanted, limit=100)).tasks] == right
    assert store.do(verbs.matching(wanted, "", 100)) == ("", right)


def test_between_two_times(filled: Store) -> None:
    """Ids carry the time of submission: since is included, until is not."""
    found = pages(filled, 100)
    at = [int_of(id) for id in found]
    since, until = at[200], at[100]
    within = [id for id, when in zip(found, at, strict=True) if since <= when < until]
    page = filled.do(verbs.page(Wanted(oldest=ids.first(since)), cursor=ids.first(until), limit=200))
    assert [task.id for task in page.tasks] == within
    assert page.cursor == ""


def int_of(id: str) -> int:
    number = 0
    for letter in id[:10]:
        number = number * 32 + ids.ALPHABET.index(letter)
    return number


def test_counts_agree_with_lists(filled: Store) -> None:
    for owner in ("", "owner1"):
        counts = filled.do(verbs.counts(owner))
        assert counts == {state: len(pages(filled, 100, state=state, owner=owner)) for state in STATES}


def test_a_walk_is_bounded(store: Store) -> None:
    """A filter that nearly nothing fits stops after 1,000 candidates and says where (I16)."""
    for _ in range(30):
        submit(store, *[new(kind="common") for _ in range(100)], share=10**6)
    submit(store, new(kind="rare", id="A-first"), new(kind="rare", id="Z-last", owner="other"), share=10**6)
    for job in take(store, 10**6, share=10**6):
        if job.task == "A-first":
            assert finish(store, job)
    page = store.do(verbs.page(state="running", owner="local", kind="common", limit=2000))
    assert len(page.tasks) == 1000
    assert page.cursor == page.tasks[-1].id
