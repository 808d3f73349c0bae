"""`make inspect`: every question, on both servers, with redis-cli and without, against what is known otherwise."""

import re
import shutil
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import redis
from msgspec import structs

from deploy.inspect.asker import CLIENTS, Asker
from deploy.inspect.page import ABOUT
from deploy.inspect.question import About
from deploy.inspect.questions import everything
from pipeline import apikeys, trail, verbs, views, webhooks
from pipeline.keys import KEYS
from pipeline.record import STATES, NewBatch, Tally
from pipeline.store import Store
from pipeline.trail import Head, Place
from tests.inspect.filled import SMALL_SHARE, Filled, beat, fill
from tests.pipeline.steps import SHARE, new, submit
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
    yield from asking(any_server, filled, store, request.param)


@pytest.fixture
def own(any_server: Server, filled: Filled, store: Store) -> Iterator[Ask]:
    """The same, without redis-cli."""
    yield from asking(any_server, filled, store, "")


def asking(server: Server, filled: Filled, store: Store, client: str) -> Iterator[Ask]:
    asker = Asker(server.settings(), client)

    def ask(asked: str, task: str = filled.done) -> list[list[str]]:
        questions = [q for group in everything(about(store, task)).values() for q in group if q.asked == asked]
        assert len(questions) == 1, asked
        return [asker.answer(line) for line in questions[0].lines]

    yield ask
    asker.close()


def about(store: Store, task: str) -> About:
    """The kind `b`, the minutes around now."""
    return About(
        keys=store.keys,
        task=task,
        kind="b",
        code="not_psd",
        owner="local",
        batch="B1",
        same="my-key",
        submission="0123456789abcdef",
        minutes=tuple(minutes(store)),
        lease_ms=LEASE_MS,
        share=SMALL_SHARE,
    )


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
    assert abs(now_ms - first.submitted_at - age_ms["low"]) < 60_000

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
    [began] = ask("Which consumers and gateways began last, and with which version?")
    words = " ".join(began)
    assert words.index("name c2 host h version 0.1.0") < words.index("name c1 host h version 0.1.0"), began
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
    assert ask("Which tasks failed with a certain error?") == [[filled.refused]]
    assert store.do(views.retried([(filled.broke, "T9")])) == 1
    assert ask("Which failed tasks were tried again?") == [[filled.broke]]
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


BATCH = NewBatch(
    id="B1", owner="local", label="nightly", lines=4, ttl_s=900, same_key="key:my-batch", same_sha="5" * 64
)


def test_owners_batches_and_people(ask: Ask, filled: Filled, store: Store, hands: redis.Redis) -> None:
    counts = store.do(verbs.counts("local"))
    assert ask("How many tasks of an owner are in each state?") == [[f"{state} {counts[state]}" for state in STATES]]
    newest = store.do(verbs.page(owner="local", limit=5)).tasks
    assert ask("Which are the last five tasks of an owner?") == [[f"{task.id} {task.state}" for task in newest]]

    assert store.do(verbs.open_batch(BATCH, 1, {"medium": 3}, 10**6, 0, True)) == ("new", "B1")
    given = {"batch": "B1", "same_sha": "7" * 64, "owner": "local"}
    first, *_ = submit(store, new(**given, same_key="key:my-key"), new(**given), new(**given))
    assert store.do(verbs.cancel(first, SHARE, "ann", "r-1")) == "ok"
    [batches] = ask("Which batches are there?")
    now_ms = store.do(verbs.clock())
    assert batches[0] == "B1"
    assert 800_000 < int(batches[1]) - now_ms <= 900_000
    [batch] = ask("How far is a batch?")
    told = dict(line.split(" ", 1) for line in batch)
    known = {"owner": "local", "label": "nightly", "lines": "4", "rejected": "1", "accepted": "3"}
    assert told.items() >= (known | {"queued": "2", "cancelled": "1"}).items()
    made, ttl = ask("Which task did an idempotency key make?")
    assert made == ["task", first, "sha256", "7" * 64]
    assert 86_000 < int(ttl[0]) <= 86_400
    [once] = submit(store, new(owner="local", same_key="once:0123456789abcdef", same_sha="8" * 64))
    assert ask("Which task did a request make that nginx may send again?") == [[f"{once} {'8' * 64}"]]
    assert store.do(verbs.cancel(once, SHARE, "ann", "r-1")) == "ok"

    _, key = apikeys.make("operator", "ann", "night shift")
    store.do(verbs.keep_apikey(key, "bob"))
    assert ask("Which API keys are there?") == [[f"{key.id} operator of ann, night shift"]]
    hands.zadd(store.keys("webhooks"), {f"{first} local": now_ms})
    store.do(webhooks.keep_secret("local", "S1", "whsec_x", "bob", "r-9"))
    owed, given_up = ask("Which webhooks are owed, and which were given up?")
    assert (owed, list(filter(None, given_up))) == ([f"{first} local", str(now_ms)], [])
    assert ask("Whose webhooks are signed?") == [["local S1"]]
    hands.hset(store.keys("webhook", first), "state", "pending")
    assert ask("How does the delivery of a task's webhook go?", first) == [["state", "pending"]]
    assert store.do(verbs.rate("local", 0.001, 5))[0]
    [[paid]] = ask("Until when has an owner used up its rate?")
    assert 900_000_000 < int(paid) - 1000 * now_ms < 1_100_000_000, "one request in a thousand seconds"
    [did] = ask("What did people do lately?")
    assert [did[did.index("action") + 1], did[did.index("by") + 1]] == ["webhook_secret.make", "bob"]
    assert "whsec_x" not in did
    assert "key.make" in did
    assert "task.cancel" in did

    read = Place("5-0/1", "6-0")
    assert store.do(trail.anchor(Head(7, "a" * 64, read)))
    assert store.do(verbs.elect("gateway:8001", 60_000))
    audit, exporter = ask("How far does the audit reach, and who tells Prometheus?")
    assert audit[:8] == ["seq", "7", "sha256", "a" * 64, "events", "5-0/1", "actions", "6-0"]
    assert exporter == ["gateway:8001"]
    assert ask("Is the key of the hash in task ids there?") == [["0"]]
    store.do(verbs.idkey(b"0123456789abcdef"))
    assert ask("Is the key of the hash in task ids there?") == [["16"]]


def test_what_consumers_have_done_and_what_waits_longest(ask: Ask, filled: Filled, store: Store) -> None:
    figures = Tally(jobs=[("a", "done", 3, 1.5, 1.25)], ended={"memory": 2})
    store.do(verbs.beat(structs.replace(beat("c1", store.do(verbs.clock()), []), figures=figures)))
    assert ask("What has each consumer done since its start?") == [
        ["c1 a done 3 jobs, 1.5 s, CPU 1.25 s", "c1 children memory 2"]
    ]
    [longest] = ask("Which task has not ended for longest?")
    assert [line.split()[:5] for line in longest] == [
        ["scheduled", filled.scheduled, "noop", "of", "local,"],
        ["queued", filled.waiting, "a", "of", "local,"],
        ["running", filled.again, "a", "of", "local,"],
    ]
    [kept] = ask("What is kept of its parts until they are folded?", filled.many)
    assert {line.split()[-1] for line in kept} == set(
        map(bytes.decode, store.raw("HKEYS", store.keys("partials", filled.many)))
    )


# ── the invariants: they hold, and whoever breaks one is named ──

HOLD = "0 wrong of "
ONE_PLACE = "I1: is each job in one place?"
PARTS = "I2, I3, I12: are parts, waves and starts counted rightly?"
OVER = "I4, I6, I11: has what ended nothing left, and will it be removed?"
INDEXED = "I16: do the indexes say what the records say?"
SHARES = "I17: are shares what is in being, and does nobody wait beside a share that is not full?"
Hands = redis.Redis
# Question → what a hand does, and what is said then.
BREACHES: list[tuple[str, Callable[[Hands, Store, Filled], object], str]] = [
    (ONE_PLACE, lambda h, s, f: h.hset(s.keys("task", f.waiting), "p0", "medium/1-1 0 0 -"), "{f.waiting} p0 names it"),
    (
        ONE_PLACE,
        lambda h, s, f: h.xadd(s.keys("jobs", "high"), {"task": "T", "job": "p0", "of": "1"}),
        "no row of T p0",
    ),
    (
        PARTS,
        lambda h, s, f: h.hincrby(s.keys("task", f.many), "done", 1),
        "{f.many}: 6 parts issued, 3 done, 4 in being",
    ),
    (PARTS, lambda h, s, f: h.hset(s.keys("task", f.many), "folded", 1), "{f.many}: r0 is to be folded after 1 waves"),
    (
        PARTS,
        lambda h, s, f: h.hset(s.keys("rows", f.many), "r0", "high/1-1 0 0 c2"),
        "{f.many}: r0 is held and was not",
    ),
    (OVER, lambda h, s, f: h.persist(s.keys("task", f.done)), "{f.done}: nothing removes its record"),
    (
        OVER,
        lambda h, s, f: h.hset(s.keys("task", f.done), "p0", "medium/1-1 0 0 -"),
        "{f.done}: has ended, and has jobs",
    ),
    (OVER, lambda h, s, f: h.hset(s.keys("task", f.done), "state", "running"), "{f.done}: is running, but stands in"),
    (INDEXED, lambda h, s, f: h.zrem(s.keys("index_kind", "b"), f.broke), "{f.broke}: is not among b"),
    (
        INDEXED,
        lambda h, s, f: h.zrem(s.keys("index_owner", "local", "failed"), f.broke),
        "{f.broke}: is not among those",
    ),
    (
        SHARES,
        lambda h, s, f: h.hincrby(s.keys("shares"), "medium:local", 1),
        "medium:local: 3 are written down, 2 in being",
    ),
    (SHARES, lambda h, s, f: h.hdel(s.keys("shares"), "medium:local"), "medium:local: nothing is written down, 2 in"),
    (SHARES, lambda h, s, f: h.hset(s.keys("shares"), "low:greedy", 1), "low:greedy: tasks wait in the ring"),
]


@pytest.mark.parametrize("asked", [ONE_PLACE, PARTS, OVER, INDEXED, SHARES])
def test_the_invariants_hold(ask: Ask, filled: Filled, asked: str) -> None:
    [told] = ask(asked)
    assert len(told) == 1
    assert told[0].startswith(HOLD)
    assert int(told[0].split()[-1]) > 0, "something was looked at"


@pytest.mark.parametrize(("asked", "hand", "said"), BREACHES)
def test_what_breaks_an_invariant_is_named(
    own: Ask, filled: Filled, store: Store, hands: Hands, asked: str, hand: Any, said: str
) -> None:
    hand(hands, store, filled)
    [told] = own(asked)
    assert not told[0].startswith(HOLD)
    assert any(said.replace("{f.", "{").format(**filled._asdict()) in line for line in told[1:]), told


def test_each_key_is_asked_about(filled: Filled, store: Store) -> None:
    """What stands in the store can be read with a line of the page: no key without one."""
    told = "\n".join(
        word for group in everything(ABOUT).values() for q in group for each in q.lines for word in each.words
    )
    for key in KEYS:
        begins, _, rest = key.pattern.partition("<")
        spelt = re.escape(f"{{headrace}}:{begins}".removesuffix(":"))
        if rest and not rest.endswith(">"):  # what comes after the name tells it from others
            spelt += r"\S*" + re.escape(rest.rpartition(">")[2]) + "$"
        assert re.search(rf"^{spelt}", told, re.MULTILINE), f"nobody asks about {key.pattern}"


def test_asking_changes_nothing(ask: Ask, filled: Filled, store: Store, hands: redis.Redis) -> None:
    groups = everything(about(store, filled.many))
    commands = {line.words[0] for group in groups.values() for question in group for line in question.lines}
    for command in commands:
        (told,) = store.raw("COMMAND", "INFO", command)
        assert b"write" not in told[2], f"{command} writes"
    walking = ("KEYS ", "SCAN", "MONITOR", '"KEYS"', "SMEMBERS", "SORT")
    for name in ("c1", "c2"):
        hands.persist(store.keys("consumer", name))  # they would be gone before the last question on a busy machine
    before = store.raw("DEBUG", "DIGEST")
    for group in groups.values():
        for question in group:
            for line in question.lines:
                assert not [word for word in walking if word in " ".join(line.words)], question.asked
            for answer in ask(question.asked, filled.many):
                assert not [text for text in answer if text.startswith(("ERR", "NO", "WRONGTYPE", "(error"))], answer
    assert store.raw("DEBUG", "DIGEST") == before
