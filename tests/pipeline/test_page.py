"""Lists: every task once, newest first, whatever is filtered, and no long walk."""

from itertools import product
from typing import Any

import pytest
from msgspec import structs

from pipeline import ids, verbs
from pipeline.keys import PRIORITIES
from pipeline.record import STATES, Task, Trait, Value, Wanted
from pipeline.store import Store
from tests.pipeline.steps import SHARE, finish, new, submit, take


def pages(store: Store, limit: int, *, wanted: Wanted | None = None, **filters: Any) -> list[str]:
    found: list[str] = []
    cursor = ""
    while True:
        page = store.do(verbs.page(wanted, cursor=cursor, limit=limit, **filters))
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
    traits = tuple(Trait(of=of, values=(Value(text=value),)) for of, value in sift.items())
    wanted = Wanted(traits=traits, **{f"{name}s": (value,) for name, value in more.items()})
    assert [task.id for task in store.do(verbs.page(wanted, limit=100)).tasks] == right
    assert store.do(verbs.matching(wanted, "", 100)) == ("", right)


def test_one_of_several_and_none_of_others(filled: Store) -> None:
    everything = [filled.do(verbs.task(id)) for id in pages(filled, 100)]
    asked = product(
        [(), ("owner0", "owner2")],
        [(), ("kind0", "kind1"), ("kind1", "no such")],
        [("running", "failed"), STATES],
        [(), ("cancelled", "kind1", "owner2")],
    )
    for owners, kinds, states, none in asked:
        right = [
            task.id
            for task in everything
            if task
            and task.state in states
            and (not kinds or task.kind in kinds)
            and (not owners or task.owner in owners)
            and not {task.kind, task.owner} & {*none}
        ]
        names = [(of, value) for value in none for of in ("kind", "owner")]
        traits = tuple(Trait(of=of, values=(Value(text=value),), none=True) for of, value in names)
        wanted = Wanted(states=states, kinds=kinds, owners=owners, traits=traits)
        assert pages(filled, 23, wanted=wanted) == right
        assert pages(filled, 200, wanted=wanted) == right


DATA = (
    b'{"spot":100.0,"type":"put","legs":[{"strike":95,"of":{"x":true}},{"strike":105}],"weights":[0.5,2],"none":null}'
)


STANDS = [
    ("spot", Value(text="100"), True),
    ("spot", Value(text="1e2"), True),
    ("spot", Value(text="10"), False),
    ("spot", Value(above=99.5), True),
    ("spot", Value(above=100), False),
    ("spot", Value(below=100.5), True),
    ("spot", Value(least=100, most=100), True),
    ("spot", Value(least=101, most=1e300), False),
    ("type", Value(text="put"), True),
    ("type", Value(text="pu"), False),
    ("type", Value(above=0), False),
    ("legs.strike", Value(text="105"), True),
    ("legs.0.strike", Value(text="105"), False),
    ("legs.1.strike", Value(text="105"), True),
    ("legs.of.x", Value(text="true"), True),
    ("weights", Value(text="0.5"), True),
    ("weights.1", Value(below=1), False),
    ("legs", Value(text="95"), False),
    ("none", Value(text="null"), True),
    ("strike", Value(text="95"), False),
    ("spot.x", Value(text="100"), False),
]


def test_what_stands_in_data_and_result(store: Store) -> None:
    """At a path, through lists by number or in each; numbers also by bounds. What is no JSON or too long never."""
    first = new(data=DATA)
    submit(store, first)
    submit(store, new(data=b'{"spot":"' + b"x" * 20_000 + b'"}'))
    for job in take(store, 2):
        assert finish(store, job, DATA if job.task == first.id else b"12")
    for of, (path, value, fits) in product(("data", "result"), STANDS):
        trait = Trait(of=of, path=tuple(path.split(".")), values=(value,))
        assert pages(store, 10, wanted=Wanted(traits=(trait,))) == [first.id] * fits, path
        none = structs.replace(trait, none=True)
        assert len(pages(store, 10, wanted=Wanted(traits=(none,)))) == 2 - fits, path


def test_how_long_they_waited_and_ran(filled: Store) -> None:
    everything = [filled.do(verbs.task(id)) for id in pages(filled, 100)]
    started = [task for task in everything if task and task.started_at]
    never = Wanted(traits=(Trait(of="ran", values=(Value(least=0),), none=True),))
    assert len(started) + len(pages(filled, 100, wanted=never)) == 300
    waited = sorted(task.started_at - task.submitted_at for task in started if task.started_at)
    middle = waited[len(waited) // 2]
    bounded = Wanted(states=("succeeded", "failed"), traits=(Trait(of="waited", values=(Value(least=middle),)),))
    right = [
        t.id for t in started if t.state in ("succeeded", "failed") and (t.started_at or 0) - t.submitted_at >= middle
    ]
    assert pages(filled, 100, wanted=bounded) == right


def test_no_state_is_no_task(filled: Store) -> None:
    assert filled.do(verbs.page(Wanted(states=()))).tasks == []
    assert filled.do(verbs.matching(Wanted(states=()), "", 100)) == ("", [])


def test_a_call_reads_no_more_json_than_it_may(store: Store) -> None:
    """Of data that hold the name but not the value 200 KB are read, then the cursor says where to go on."""
    for _ in range(60):
        submit(store, new(data=b'{"spot":1,"x":"' + b"y" * 15_000 + b'"}'))
    wanted = Wanted(traits=(Trait(of="data", path=("spot",), values=(Value(text="2"),)),))
    calls, cursor = 1, store.do(verbs.page(wanted)).cursor
    while cursor:
        calls, cursor = calls + 1, store.do(verbs.page(wanted, cursor=cursor)).cursor
    assert calls == 5
    without = Wanted(traits=(Trait(of="data", path=("strike",), values=(Value(text="2"),)),))
    assert store.do(verbs.page(without)).cursor == ""


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
