"""A store with a bit of everything, known to the last job."""

from typing import NamedTuple

import redis

from pipeline import verbs
from pipeline.record import Beat
from pipeline.store import Store
from tests.pipeline.steps import SHARE, finish, new, submit, take

DIED = {"code": "child_died", "message": "Child died: killed by signal 9 (Killed)."}
BROKE = {"code": "internal_error", "message": "A bug.", "traceback": "Traceback: line 7"}
REFUSED = {"code": "not_psd", "message": "No."}
SMALL_SHARE = 2  # of the owner `greedy`


class Filled(NamedTuple):
    """Ids of tasks, named by what became of them."""

    done: str
    refused: str
    broke: str
    buried: str
    again: str
    cancelled: str
    scheduled: str
    many: str
    waiting: str
    greedy: list[str]


def fill(store: Store, hands: redis.Redis) -> Filled:
    """One after the other, by consumer c1; c2 is silent, and holds a job of `many`."""
    now_ms = store.do(verbs.clock())
    done, refused, broke, buried, again = (submit(store, new(kind=kind))[0] for kind in ("a", "b", "b", "c", "a"))
    jobs = {job.task: job for job in take(store)}
    assert finish(store, jobs[done], b'{"answer":42}')
    assert store.do(verbs.fail(jobs[refused], REFUSED, False, "c1", 2, 3.0, SHARE))
    assert store.do(verbs.fail(jobs[broke], BROKE, True, "c1", 2, 3.0, SHARE))
    assert store.do(verbs.retry(jobs[buried], DIED, 0, 1, "c1", 3, 5.0, SHARE)) == "buried"
    assert store.do(verbs.retry(jobs[again], DIED, 3_600_000, 3, "c1", 3, 5.0, SHARE)) == "later"
    (cancelled,) = submit(store, new())
    assert store.do(verbs.cancel(cancelled, SHARE)) == "ok"
    (scheduled,) = submit(store, new(not_before_ms=now_ms + 7_200_000))
    (many,) = submit(store, new(parts=6, priority="high"))
    for job in take(store, 2):
        assert finish(store, job)
    (held,) = take(store, 1, "c2")
    (waiting,) = submit(store, new(kind="a"))
    greedy = [submit(store, new(owner="greedy", priority="low"), share=SMALL_SHARE)[0] for _ in range(5)]
    hands.hset(store.keys("paused"), "low", "by alice: month end")
    busy = {"pid": 11, "task": many, "job": held.name, "kind": "noop", "since": now_ms - 40_000}
    for name, child in (("c1", {"pid": 12}), ("c2", busy)):
        store.do(verbs.beat(beat(name, now_ms, [{"pid": 10}, child])))
    return Filled(done, refused, broke, buried, again, cancelled, scheduled, many, waiting, greedy)


def beat(name: str, now_ms: int, children: list[dict[str, object]]) -> Beat:
    """A heartbeat of `name`."""
    return Beat(name=name, host="h", pid=9, version="0.1.0", started_at=now_ms, beat_at=now_ms, children=children)
