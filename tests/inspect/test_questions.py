"""`make inspect`: every question, on both servers, with redis-cli and without, against what is known otherwise."""

import shutil
from collections.abc import Callable, Iterator

import pytest
import redis

from deploy.inspect.asker import CLIENTS, Asker
from deploy.inspect.question import About
from deploy.inspect.questions import everything
from pipeline import verbs
from pipeline.record import STATES
from pipeline.store import Store
from tests.inspect.filled import Filled, fill
from tests.servers import Server

LEASE_MS = 1
Ask = Callable[..., list[list[str]]]

clients = ["", *filter(None, map(shutil.which, CLIENTS))]


@pytest.fixture
def filled(store: Store, hands: redis.Redis) -> Filled:
    return fill(store, hands)


@pytest.fixture(params=clients, ids=lambda path: path or "own connection")
def ask(request: pytest.FixtureRequest, any_server: Server, filled: Filled, store: Store) -> Iterator[Ask]:
    """The answers to one question, one a line to type; about a given task."""
    asker = Asker(any_server.settings(), request.param)

    def asking(asked: str, task: str = filled.done) -> list[list[str]]:
        questions = [q for group in everything(about(store, task)).values() for q in group if q.asked == asked]
        assert len(questions) == 1, asked
        return [asker.answer(line) for line in questions[0].lines]

    yield asking
    asker.close()


def about(store: Store, task: str) -> About:
    """The kind `b`, the minutes around now."""
    return About(keys=store.keys, task=task, kind="b", minutes=tuple(minutes(store)), lease_ms=LEASE_MS)


def minutes(store: Store) -> list[str]:
    """The names of the minute hashes that there are."""
    return sorted(key.decode().rpartition(":")[2] for key in store.raw("KEYS", store.keys("minute", "*")))


def test_one_task(ask: Ask, filled: Filled, store: Store) -> None:
    task, done = filled.many, filled.done
    record = store.do(verbs.task(done))
    assert record is not None
    assert record.started_at is not None
    assert record.finished_at is not None

    waited, ran = record.started_at - record.submitted_at, record.finished_at - record.started_at
    took = "Who took it, how long did it wait and run?"
    assert ask(took) == [[f"succeeded, taken by c1, waited {waited} ms, ran {ran} ms"]]
    assert ask(took, "T0") == [["there is no record of it"]]
    [[still]] = ask(took, task)
    assert still.startswith("running, taken by c1, waited ")

    [jobs] = ask("Which child did which of its jobs, from when, for how long?", task)
    spans = reversed(store.do(verbs.spans(task, 100)))
    assert jobs == [f"{s['job']} c1 0 {s['started_at']} {s['ran_ms']} done" for s in spans]
    assert [job.split()[0] for job in jobs] == ["p0", "p1"]

    events, unusual = ask("What has happened to it?", filled.buried)
    assert [event.partition(" ")[2] for event in events] == ["queued", "running", "failed"]
    assert [line.partition(" ")[2] for line in unusual] == ["bury p0", "failed child_died"]

    [everything_else] = ask("Everything about it, but data and result?")
    assert {"kind a", "state succeeded", "consumer c1", "attempts 1", "parts 1"} <= set(everything_else)
    assert not [line for line in everything_else if line.startswith(("data", "result "))]

    far, rows = ask("How far is it, and which of its jobs are in being?", task)
    assert far == ["2", "6", "0"]
    names, said = rows[::2], rows[1::2]
    assert sorted(names) == ["p2", "p3", "p4", "p5", "r0"]
    assert [row.split()[1:] for name, row in zip(names, said, strict=True) if name == "r0"] == [["1", "0", "c2"]]

    data, reproduces = ask("What was asked, exactly?")
    assert data == ['{"value":1}']
    assert reproduces == ["a", "", '{"kind":1}', "0" * 64]

    result, ttl = ask("What is its result, and for how many more seconds is it kept?")
    assert result == ['{"answer":42}']
    assert 86_400 < int(ttl[0]) <= 86_460
    assert ask("What is its result, and for how many more seconds is it kept?", task)[1] == ["-1"]


def test_what_waits(ask: Ask, filled: Filled, store: Store) -> None:
    [depth] = ask("How deep is each priority?")
    counted = {line.split()[0]: (int(line.split()[2]), int(line.split()[4])) for line in depth}
    for priority, (waiting, held) in store.do(verbs.depth()).items():
        streams = [store.keys("jobs", priority), store.keys("jobs", f"{priority}:again")]
        assert sum(counted[stream][0] for stream in streams) == waiting
        assert sum(counted[stream][1] for stream in streams) == held
    assert counted[store.keys("jobs", "low")] == (2, 0)
    assert counted[store.keys("jobs", "high:again")] == (0, 1)

    [oldest] = ask("How old is the oldest waiting job?")
    age_ms = {line.split()[0].removeprefix(store.keys("jobs", "")): int(line.split()[1]) for line in oldest}
    assert set(age_ms) == {"high", "medium", "low"}
    now_ms, first = store.do(verbs.clock()), store.do(verbs.task(filled.greedy[0]))
    assert first is not None
    assert abs(now_ms - first.submitted_at - age_ms["low"]) < 1000

    assert ask("How much of each owner's share is used, and how many tasks stand behind it?") == [
        [
            "high:local jobs in being 5, tasks behind 0",
            "low:greedy jobs in being 2, tasks behind 3",
            "medium:local jobs in being 2, tasks behind 0",
        ]
    ]
    [later] = ask("What waits for its time?")
    assert later[:4:2] == [f"{filled.again} p0", filled.scheduled]
    assert all(member.endswith(" limit") for member in later[4::2])
    assert 100_000 < int(later[1]) - now_ms < 500_000, "a pause is at most five minutes, spread by half of it"
    assert ask("Which priorities are paused, by whom, why?") == [["low", "by alice: month end"]]


def test_the_fleet(ask: Ask, filled: Filled) -> None:
    [consumers] = ask("Which consumers live?")
    assert [line.rpartition(",")[0] for line in consumers] == [
        f"{name} on h pid 9, version 0.1.0, 2 children" for name in ("c1", "c2")
    ]
    [children] = ask("What does each child compute now?")
    assert children[:3] == ["c1 child 0 pid 10 idle", "c1 child 1 pid 12 idle", "c2 child 0 pid 10 idle"]
    assert children[3].startswith(f"c2 child 1 pid 11 noop {filled.many} r0 for 4")
    [[long]] = ask("Which jobs are held for longer than 30 s, and whose are they?")
    assert long.startswith(f"c2 child 1 pid 11 noop {filled.many} r0 for 4")
    [silent] = ask("Which jobs are held by somebody who is silent for a whole lease?")
    assert [line.split()[3:6] for line in silent] == [["c2,", "silent", "for"]]


def test_what_has_ended(ask: Ask, filled: Filled, store: Store, hands: redis.Redis) -> None:
    counts = store.do(verbs.counts())
    assert ask("How many tasks are in each state?") == [[f"{state} {counts[state]}" for state in STATES]]
    assert counts["failed"] == 3

    five = [*reversed(filled.greedy)]
    assert ask("Which are the last five tasks?") == [[f"{id} queued" for id in five]]
    assert ask("How many tasks of a kind have failed?") == [["2"]]
    assert ask("Why did the last thousand failed tasks fail?") == [
        ["b internal_error 1", "b not_psd 1", "c child_died 1"]
    ]
    counted, newest = ask("Which dead letters are there, by cause?")
    assert counted == ["b internal_error 1", "c child_died 1"]
    assert ["task", filled.buried] == newest[1:3]

    [rates] = ask("How many tasks were submitted and ended in the last minutes?")
    total: dict[str, int] = {}
    for line in rates:
        _, what, n = line.split()
        total[what] = total.get(what, 0) + int(n)
    assert total == {
        "a:submitted": 3,
        "a:succeeded": 1,
        "a:retried": 1,
        "b:submitted": 2,
        "b:failed": 2,
        "c:submitted": 1,
        "c:failed": 1,
        "noop:submitted": 8,
        "noop:cancelled": 1,
    }


def test_times_are_those_of_the_tasks(ask: Ask, filled: Filled, store: Store) -> None:
    """The median and the 95th percentile are bounds: no task of the one took longer, some task of the other did."""
    [times] = ask("How long did tasks wait and run in the last minutes?")
    counted = {line.split()[0]: int(line.rpartition(" ")[2]) for line in times}
    assert counted == {f"{kind}:{what}": n for kind, n in (("a", 1), ("b", 2), ("c", 1)) for what in ("waited", "ran")}
    record = store.do(verbs.task(filled.done))
    assert record is not None
    ran_ms = (record.finished_at or 0) - (record.started_at or 0)
    (line,) = [line for line in times if line.startswith("a:ran")]
    bound = int(line.split()[4])
    assert ran_ms < bound <= max(2, 1.12 * 1.12 * ran_ms + 1)


def test_the_store(ask: Ask, filled: Filled, store: Store, hands: redis.Redis) -> None:
    [memory] = ask("How much memory does it use?")
    assert [line.partition(":")[0] for line in memory][:2] == ["used_memory_human", "used_memory_peak_human"]
    assert int(ask("How many bytes does one task take?")[0][0]) == hands.memory_usage(store.keys("task", filled.done))
    kept = [int(answer[0]) for answer in ask("How much is kept?")]
    assert kept[2:] == [2, 5, hands.dbsize()]
    assert kept[:2] == [hands.xlen(store.keys("events")), hands.xlen(store.keys("spans"))]
    [next_gone] = ask("Which finished tasks are forgotten next?")
    assert next_gone[0].split() == [filled.done, "a", "local", "succeeded", "-", "-"]
    assert {line.split()[0] for line in next_gone[::2]} == {filled.done, filled.refused, filled.broke}
    slow, load = ask("Is the store itself slow?")
    assert slow[0].isdigit()
    assert [line.partition(":")[0] for line in load] == ["instantaneous_ops_per_sec", "rejected_connections"]


def test_asking_changes_nothing(ask: Ask, filled: Filled, store: Store, hands: redis.Redis) -> None:
    groups = everything(about(store, filled.many))
    commands = {line.words[0] for group in groups.values() for question in group for line in question.lines}
    for command in commands:
        (told,) = store.raw("COMMAND", "INFO", command)
        assert b"write" not in told[2], f"{command} writes"
    walking = ("KEYS ", "SCAN", "MONITOR", '"KEYS"', "SMEMBERS", "SORT")
    before = store.raw("DEBUG", "DIGEST")
    for group in groups.values():
        for question in group:
            for line in question.lines:
                assert not [word for word in walking if word in " ".join(line.words)], question.asked
            for answer in ask(question.asked, filled.many):
                assert not [text for text in answer if text.startswith(("ERR", "NO", "WRONGTYPE", "(error"))], answer
    assert store.raw("DEBUG", "DIGEST") == before
