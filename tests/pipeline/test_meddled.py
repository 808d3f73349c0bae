"""A hand writes what no script of ours would: no reader ends by it, every task ends, nothing is put without end."""

from collections.abc import Callable
from typing import Any

import pytest
import structlog

from pipeline import trail, verbs, views, webhooks
from pipeline.errors import PipelineError
from pipeline.record import FINAL, Beat
from pipeline.store import Store
from pipeline.verbs import Call
from tests.pipeline.steps import SHARE, finish, new, run_all, submit, take
from tests.pipeline.test_repair import P, half_done, mend, nothing_left, run_out, told

WRITTEN: tuple[str | bytes, ...] = ("nan", "-1", "inf", "0.5", "x", "", b"\xff\xfe", "medium:again")
READ = ("priority", "parts", "next", "done", "folded", "first_wave", "largest_wave", "window", "time_limit_s", "owner")
LAST = "18446744073709551615-18446744073709551615"
MEDIUM = f"{P}:jobs:medium"


def work(store: Store) -> None:
    """Compute what is given, as consumers do: what is lost meanwhile is not theirs any more."""
    while jobs := take(store):
        for job in jobs:
            finish(store, job)


@pytest.mark.parametrize("parts", ["one part", "many parts"])
@pytest.mark.parametrize("field", READ)
def test_whatever_stands_in_a_field_of_a_record_its_task_ends(store: Store, hands: Any, field: str, parts: str) -> None:
    """And what waits beside it is computed."""
    for written in WRITTEN:
        id = half_done(store) if parts == "many parts" else submit(store, new())[0]
        hands.hset(f"{P}:task:{id}", field, written)
        (beside,) = submit(store, new())
        for _ in range(3):
            work(store)
            mend(store)
            store.do(verbs.reap(0, 1000, 10, 0, SHARE))
            work(store)
        assert told(store, beside).state == "succeeded", written
        assert told(store, id).state in FINAL, written
        mend(store)
        nothing_left(store, hands)


@pytest.mark.parametrize(
    "deed",
    [
        lambda r: r.xgroup_setid(MEDIUM, "consumers", LAST),
        lambda r: r.xgroup_setid(MEDIUM, "consumers", "$"),
        lambda r: r.xgroup_setid(MEDIUM, "consumers", "0"),
        lambda r: r.xadd(MEDIUM, {"a": "b"}, id=LAST),
        lambda r: r.execute_command("XSETID", MEDIUM, LAST),
    ],
    ids=["the group to the last id", "the group to the end", "the group to the beginning", "an entry", "the stream"],
)
def test_a_stream_or_a_group_that_a_hand_has_moved(store: Store, hands: Any, deed: Callable[[Any], object]) -> None:
    """Where nothing can be put or given any more it is set back, and what stood there is put again."""
    waiting = [*submit(store, new(), new()), half_done(store)]
    take(store, 1)
    deed(hands)
    mend(store)
    waiting += submit(store, new(), new())
    mend(store)
    run_out(store)
    assert {told(store, id).state for id in waiting} == {"succeeded"}
    nothing_left(store, hands)


def test_what_is_counted_with_a_wrong_count_does_not_stop_what_counts(store: Store, hands: Any) -> None:
    """A share and the counters of this minute and the next: what comes and what ends is done, not half done."""
    now = store.do(verbs.clock()) // 60_000
    ids = submit(store, new())
    hands.hset(f"{P}:shares", mapping={"medium:local": "x", "nobody": "y"})
    for minute in list(hands.scan_iter(match=f"{P}:minute:*")) or [f"{P}:minute:{now}"]:
        hands.hset(minute, mapping={"noop:succeeded": "x", "noop:ran:0": "1.5"})
    ids += submit(store, new())
    run_all(store)
    assert {told(store, id).state for id in ids} == {"succeeded"}
    assert store.do(verbs.drained()) >= 0
    assert store.do(verbs.minutes(2))
    mend(store)
    nothing_left(store, hands)


def test_an_election_without_an_end_is_held_anew(store: Store, hands: Any) -> None:
    hands.set(f"{P}:exporter", "nobody")
    assert store.do(verbs.elect("one", 10_000))
    assert not store.do(verbs.elect("two", 10_000))


@pytest.mark.parametrize(
    "key",
    [
        *("jobs:medium", "jobs:medium:again", "jobs:high", "jobs:low", "later", "shares", "expires", "dead", "events"),
        *("spans", "index:state:queued", "index:state:running", "index:state:succeeded", "index:kind:noop", "paused"),
        *("index:owner:local:queued", "index:owner:local:succeeded", "ring:medium:local", "audit", "audit:head"),
        *("gateways", "exporter", "idkey", "minute", "webhooks", "undelivered", "index:batches:local", "index:retried"),
    ],
)
def test_a_key_of_another_type_is_as_if_it_was_deleted(store: Store, hands: Any, key: str) -> None:
    """By whoever meets it: what stands in its place is removed, what stood there is put back as far as can be."""
    waiting = [*submit(store, new(), new(), new(parts=40, window=2)), half_done(store)]
    take(store, 1)
    key = next(hands.scan_iter(match=f"{P}:minute:*")) if key == "minute" else f"{P}:{key}"
    hands.delete(key)
    if key.endswith(("idkey", "exporter")):
        hands.rpush(key, "no", "text")
    else:
        hands.set(key, "x")
    for task in (new(), new()):
        store.do(verbs.submit([task], 10**6, SHARE))  # "replay" where half of it was written: the other half is mended
        waiting.append(task.id)
        mend(store)
    for _ in range(3):
        work(store)
        mend(store)
        store.do(verbs.reap(0, 1000, 10, 0, SHARE))
    assert {told(store, id).state for id in waiting} == {"succeeded"}
    assert store.do(verbs.queues())
    nothing_left(store, hands)


def test_a_tool_that_heals_says_nothing(store: Store, hands: Any, capfd: pytest.CaptureFixture[str]) -> None:
    """What it prints is for people, or a program: a line of ours would stand in the middle of it."""
    structlog.reset_defaults()  # as in a process that writes no lines
    hands.set(f"{P}:index:state:queued", "x")
    store.do(verbs.submit([new()], 10**6, SHARE))
    assert hands.type(f"{P}:index:state:queued") != "string"
    assert capfd.readouterr() == ("", "")


def test_keys_that_open_a_door_are_not_taken_away(store: Store, hands: Any) -> None:
    """Without them everybody would be let in: who asks for them is refused, until a hand has put them right."""
    for name, call in (("apikeys", verbs.apikeys()), ("webhook_secrets", webhooks.secrets_of())):
        hands.set(f"{P}:{name}", "x")
        with pytest.raises(PipelineError, match="WRONGTYPE"):
            store.do(call)
        assert hands.get(f"{P}:{name}") == "x"


# What is written, and who reads it: each answers without it.
READERS: dict[str, tuple[Callable[[Any], object], Call[Any]]] = {
    "a heartbeat": (lambda r: r.hset(f"{P}:consumer:c9", mapping={"children": "many", "host": "x"}), verbs.fleet()),
    "an API key": (lambda r: r.hset(f"{P}:apikeys", "x", "no JSON"), verbs.apikeys()),
    "a gateway": (lambda r: r.hset(f"{P}:gateways", "\xff", "x"), views.gateways()),
    "a pause": (lambda r: r.hset(f"{P}:paused", "high", b"\xff"), verbs.queues()),
    "a letter": (lambda r: r.xadd(f"{P}:dead", {"task": "x", "cause": "no JSON"}), verbs.letters("", "", 10)),
    "a letter's count": (lambda r: r.xadd(f"{P}:dead", {"attempts": "many"}), verbs.letters("", "", 10)),
    "secrets": (lambda r: r.hset(f"{P}:webhook_secrets", "local", "no JSON"), webhooks.secrets_of()),
    "a secret": (lambda r: r.hset(f"{P}:webhook_secrets", "local", "[7]"), webhooks.secrets_of()),
    "a delivery": (lambda r: r.zadd(f"{P}:webhooks", {b"\xff": 0, "a b": 0}), webhooks.claim(1, 1, 1, 1, {})),
    "how far the audit is": (lambda r: r.hset(f"{P}:audit:head", mapping={"seq": "x", "events": "y"}), trail.head()),
    "the audit's figure": (lambda r: r.hset(f"{P}:audit:head", mapping={"seq": "x", "events": "y"}), verbs.figures()),
    "an id": (lambda r: r.zadd(f"{P}:index:state:queued", {b"\xff": 0}), verbs.live("", 10)),
    "a span": (lambda r: r.xadd(f"{P}:spans", {"consumer": "c", "T p0": "x"}), verbs.spans("T", 10)),
    "an instant": (lambda r: r.xadd(f"{P}:spans", {"consumer": "c", "T p0": "x"}), views.timeline("+", "-", 10)),
}


@pytest.mark.parametrize("name", READERS)
def test_what_a_hand_wrote_is_passed_over_by_who_reads_it(store: Store, hands: Any, name: str) -> None:
    write, call = READERS[name]
    me = Beat(name="c9", host="h", pid=1, version="0", started_at=1, beat_at=1, children=[], lost={})
    store.do(verbs.beat(me))
    before = store.do(call)
    write(hands)
    after = store.do(call)
    if name == "a pause":
        assert [queue.paused.by for queue in after if queue.paused] == ["?"]
    elif name == "a heartbeat":
        assert [beat.name for beat in before] == ["c9"]
        assert after == []
    elif name == "an instant":
        assert (after.cursor, after.spans) == ("", [])
    elif name == "an id":
        assert after == ["\ufffd"]
    else:
        assert after == before


@pytest.mark.parametrize("field", ["submitted_at", "error", "metadata", "versions", "attempts", "result_ttl_s", "kind"])
def test_a_record_is_read_whatever_stands_in_it(store: Store, hands: Any, field: str) -> None:
    ids = submit(store, new(), new())
    run_all(store)
    hands.hset(f"{P}:task:{ids[0]}", field, b"\xff{")
    assert told(store, ids[0]).state == "succeeded"
    assert len(store.do(verbs.page(limit=10)).tasks) == 2


def test_a_reply_that_cannot_be_read_is_an_error_of_ours(store: Store) -> None:
    """Whoever asks is told by the error that a store which refuses gives, and goes on."""
    with pytest.raises(PipelineError, match="what clock answered cannot be read: TypeError"):
        store.do(Call("clock", (0, ""), lambda reply: int(reply) + "x"))  # type: ignore[operator]
