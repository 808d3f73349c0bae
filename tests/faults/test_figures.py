"""Figures that people look at: from the store at the time of the look, never negative, and cheap."""

import os
import signal
import time
from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import Any

import redis
from msgspec import structs

from consumer.heart import BEAT_S
from deploy.inspect.asker import Asker
from deploy.inspect.page import ABOUT
from deploy.inspect.question import About
from deploy.inspect.questions import everything
from pipeline import verbs, views
from pipeline.keys import GROUP, PLACES, PRIORITIES
from pipeline.record import Trait, Value, Wanted
from tests.consumer.house import House, gone, until
from tests.faults.settle import SHARE, ended, finish_many, records, settled, submit_all, submit_many

GONE_S = 15.0  # a consumer that died is listed for so long at most
FINISHED = 100_000
SLOW_US = 10_000


def seen(house: House) -> tuple[Counter[str], dict[str, tuple[int, int]]]:
    """States and depths, counted by hand with plain commands."""
    depths = {}
    with house.server.client() as client:
        for priority in PRIORITIES:
            streams = [house.store.keys("jobs", place) for place in PLACES if place.startswith(priority)]
            held = sum(client.xpending(stream, GROUP)["pending"] for stream in streams)
            depths[priority] = (sum(client.xlen(stream) for stream in streams) - held, held)
    return records(house), depths


def agree(house: House) -> bool:
    """Nothing moves, and both ways of counting say the same."""
    counted = {state: n for state, n in house.ask(verbs.counts()).items() if n}
    depths = house.ask(verbs.depth())
    return (Counter(counted), depths) == seen(house)


def test_counts_and_depths_are_what_the_store_holds(house: House) -> None:
    """B65: consumers killed, tasks cancelled and retried: no figure is ever negative, and at each rest both agree."""
    first = house.consumer(lease_s=1).ready()
    submitted = 0
    for turn in range(4):
        tasks = submit_many(house, 40, "act", do="sleep", seconds=0.02)
        tasks += submit_many(house, 3, "act", do="die", number=9)
        tasks += submit_all(house, [house.new_task("noop")], not_before_ms=house.ask(verbs.clock()) + 600)
        submitted += len(tasks)
        for id in tasks[20:30]:
            house.ask(verbs.cancel(id, SHARE))
        if turn % 2:
            first.kill()
            first = house.consumer(lease_s=1).ready()
        for _ in range(10):
            counts, depths = house.ask(verbs.counts()), house.ask(verbs.depth())
            assert min(counts.values()) >= 0
            assert sum(counts.values()) == submitted
            assert min(n for both in depths.values() for n in both) >= 0
            time.sleep(0.01)
        os.kill(first.pid, signal.SIGSTOP)
        until(lambda: agree(house))
        os.kill(first.pid, signal.SIGCONT)
        ended(house, tasks)
        until(lambda: agree(house))


def test_a_dead_consumer_goes_a_stopped_one_is_late_a_new_one_is_there(house: House) -> None:
    """B66, B70: 15 s after its last word the killed one is gone; the silent one shows how old its word is; new ones are
    listed."""
    dead = house.consumer("dead").ready()
    silent = house.consumer("silent").ready()

    def ages_ms() -> dict[str, int]:
        now = house.ask(verbs.clock())
        return {beat.name: now - beat.beat_at for beat in house.ask(verbs.fleet())}

    until(lambda: set(ages_ms()) == {"dead", "silent"})
    dead.kill()
    os.kill(silent.pid, signal.SIGSTOP)
    with house.server.client() as client:
        assert 0 < client.pttl(house.store.keys("consumer", "dead")) <= GONE_S * 1000
    new = [house.consumer(name) for name in ("new-1", "new-2")]
    until(lambda: ages_ms().get("silent", 0) > 3 * BEAT_S * 1000)  # late, and seen to be so
    until(lambda: not {"dead", "silent"} & set(ages_ms()))
    for consumer in new:
        consumer.ready()
    until(lambda: {"new-1", "new-2"} <= set(ages_ms()))
    assert max(ages_ms()[name] for name in ("new-1", "new-2")) < 3 * BEAT_S * 1000
    os.kill(silent.pid, signal.SIGCONT)
    until(lambda: set(ages_ms()) == {"silent", "new-1", "new-2"})


def test_what_waits_is_told_right_after_a_hand_has_deleted(house: House) -> None:
    """B67: with finished entries gone, ten wait and two are deleted by hand: eight wait, by verb and by inspect."""
    consumer = house.consumer().ready()
    settled(house, submit_many(house, 30))
    consumer.stop()
    tasks = submit_many(house, 10)
    stream = house.store.keys("jobs", "medium")
    with house.server.client() as client:
        entries = client.xrange(stream)
        client.xdel(stream, entries[3][0], entries[4][0])
    assert house.ask(verbs.depth())["medium"] == (8, 0)
    asker = Asker(house.settings, "")
    [deep] = [q for q in everything(about(house, tasks[0]))["What waits"] if q.asked == "How deep is each priority?"]
    assert f"{stream} waiting 8 held 0" in asker.answer(deep.lines[0])
    asker.close()
    house.consumer().ready()
    assert len(ended(house, [*tasks[:3], *tasks[5:]])) == 8


def about(house: House, task: str) -> About:
    """What inspect is asked about."""
    return structs.replace(ABOUT, keys=house.store.keys, task=task, kind="noop", minutes=("202601010000",))


def counters(house: House) -> Counter[str]:
    """All counters of all minutes, summed."""
    found: Counter[str] = Counter()
    with house.server.client() as client:
        for key in client.scan_iter(match=house.store.keys("minute", "*")):
            found.update({name: int(n) for name, n in client.hgetall(key).items()})
    return found


def test_figures_of_dead_processes_do_not_live_on(house: House) -> None:
    """B68: children are killed again and again: only living ones are told of, and no counter ever goes back."""
    consumer = house.consumer(children=4).ready()
    before: Counter[str] = Counter()
    for _ in range(5):
        tasks = submit_many(house, 20, "act", do="sleep", seconds=0.01)
        for pid in consumer.children():
            os.kill(pid, signal.SIGKILL)
        ended(house, tasks)
        now = counters(house)
        assert all(now[name] >= n for name, n in before.items())
        before = now

    def only_living() -> bool:
        (beat,) = house.ask(verbs.fleet())
        pids = [child["pid"] for child in beat.children]
        return sorted(pids) == consumer.children() and not any(map(gone, pids))

    until(only_living)
    (beat,) = house.ask(verbs.fleet())
    assert all(child["rss_bytes"] > 1_000_000 and "task" not in child for child in beat.children)
    assert house.ask(verbs.depth())["medium"] == (0, 0)


NOWHERE = Trait(of="data", path=("value",), values=(Value(text="nowhere"),))


def everything_that_is_looked_at(house: House, id: str) -> dict[str, Callable[[], Any]]:
    """Each reading of the store that a screen, a list or `make inspect` makes."""
    calls: dict[str, verbs.Call[Any]] = {
        "counts": verbs.counts(), "counts of an owner": verbs.counts("local"), "depth": verbs.depth(),
        "fleet": verbs.fleet(), "task": verbs.task(id), "spans": verbs.spans(id, 100), "a page": verbs.page(limit=50),
        "a page of a state": verbs.page(state="failed", limit=50), "a page of nothing": verbs.page(kind="x", limit=50),
        "a page of two filters": verbs.page(state="succeeded", kind="noop", owner="local", limit=50),
        "live": verbs.live("", 200), "names": verbs.names(), "queues": verbs.queues(), "an hour": verbs.minutes(60),
        "running": views.running("", 8), "retrying": views.retrying(), "stand": views.stand(id),
        "failures": views.failures("", 10_000), "timeline": views.timeline("+", "0", 1_000, bare=True),
        "timeline of a frame": views.timeline("+", "0", 200),
        "a page of words": verbs.page(Wanted(traits=(Trait(of="text", values=(Value(text="nowhere"),)),)), limit=50),
        "a page of data": verbs.page(Wanted(traits=(NOWHERE,)), limit=50),
    }  # fmt: skip
    looks: dict[str, Callable[[], Any]] = {name: partial(house.ask, call) for name, call in calls.items()}
    asker = Asker(house.settings, "")
    for group in everything(about(house, id)).values():
        for question in group:
            if question.asked != NOT_FOR_SCREENS:
                looks |= {f"{question.asked} {n}": partial(asker.answer, line) for n, line in enumerate(question.lines)}
    return looks


# docs/inspect.md says so of it: it walks the smaller of two indexes.
NOT_FOR_SCREENS = "How many tasks of a kind have failed?"


def test_looking_does_not_block_the_store(frail: House) -> None:
    """B69: with 100,000 finished tasks no look takes 10 ms of the store, none walks all keys, lists come in pages.

    The slow log measures by the clock, and the machine may be busy: slow is what was slow each of five times.
    """
    id = finish_many(frail, FINISHED)
    looks = everything_that_is_looked_at(frail, id)
    frail.consumer(children=1).ready()
    with frail.server.client() as client:
        client.config_resetstat()
        client.config_set("slowlog-log-slower-than", SLOW_US)
        slow = {name: len(slowly(client, look)) for name, look in looks.items()}
        assert {name: times for name, times in slow.items() if times == 5} == {}
        # A deadlier look is noticed: this one walks all keys.
        assert len(slowly(client, lambda: client.keys("*nothing*"))) == 5
        stats = client.info("commandstats")
        assert stats.pop("cmdstat_keys")["calls"] == 5
        assert not {"cmdstat_scan", "cmdstat_flushall"} & set(stats)
    page = frail.ask(verbs.page(limit=50))
    assert (len(page.tasks), bool(page.cursor)) == (50, True)


def slowly(client: redis.Redis, look: Callable[[], Any]) -> list[Any]:
    """What the slow log says of up to five tries; it stops at the first that is quick."""
    found = []
    for _ in range(5):
        client.slowlog_reset()
        look()
        slow = client.slowlog_get(16)
        if not slow:
            break
        found.append(slow)
    return found
