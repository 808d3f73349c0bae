"""What everything takes in the store, in bytes: a task in each of its stages, and what is written beside it.

A task has one part, 88 bytes of data and a result of 60 unless it says otherwise; longer ones cost their length once.
Events and spans are counted apart: they have caps of their own. Our redis.conf, and a default one where a value above
64 bytes makes a hash of its record.
"""

from collections.abc import Callable

from bench.fill import ANY, ME, run_all, submit, take_all, tasks
from bench.memory import DEFAULT, used
from bench.stage import BATCH, Bare, store, versions
from bench.table import REPETITIONS, Table
from pipeline import verbs
from pipeline.log import timestamp
from pipeline.record import Beat, Done

PARTIAL = b'{"n":65536,"mean":10.45,"m2":1234.5}'.ljust(100)
PARTS = 64


def measure(count: int = 4_000, repetitions: int = REPETITIONS) -> Table:
    """Each figure in a store of its own."""
    table = Table("bytes", f"Bytes in the store, averages of {count:,}", versions())
    for _ in table.turns(repetitions):
        for conf, options in (("our redis.conf", ()), ("default conf", DEFAULT)):
            for what, weigh in FIGURES.items():
                with store(*options) as bare:
                    bare.store.do(verbs.ready())
                    bare.store.raw("CONFIG", "SET", "lazyfree-lazy-user-del", "no")  # what is deleted is free at once
                    table.add(f"{what}, {conf}", "bytes", weigh(bare, count))
    return table


# ── a task in each of its stages ──


def on_the_stream(bare: Bare, count: int) -> float:
    return weighed(bare, count, lambda: submit(bare, tasks(bare, count)))


def in_the_ring(bare: Bare, count: int) -> float:
    return weighed(bare, count, lambda: submit(bare, tasks(bare, count), share=1))


def scheduled(bare: Bare, count: int) -> float:
    return weighed(bare, count, lambda: submit(bare, tasks(bare, count, not_before_ms=10**14)))


def running(bare: Bare, count: int) -> float:
    def begin() -> None:
        submit(bare, tasks(bare, count))
        take_all(bare)

    return weighed(bare, count, begin)


def finished(bare: Bare, count: int) -> float:
    return weighed(bare, count, lambda: run_all(bare, tasks(bare, count)))


def failed(bare: Bare, count: int) -> float:
    return weighed(bare, count, lambda: bury_all(bare, count), "dead")


def many_parts(bare: Bare, count: int) -> float:
    """At its largest: every part is done but the first, so that nothing can be folded."""
    some = max(count // PARTS, 8)

    def all_but_the_first() -> None:
        submit(bare, tasks(bare, some, parts=PARTS, window=PARTS))
        while jobs := [job for job in take_all(bare) if job.name != "p0"]:
            for at in range(0, len(jobs), BATCH):
                done = [Done(job, PARTIAL, 0, 1.0) for job in jobs[at : at + BATCH]]
                bare.store.do(verbs.finish_part(done, ME, ANY))

    return weighed(bare, some, all_but_the_first)


# ── what is written beside it ──


def idempotency_key(bare: Bare, count: int) -> float:
    plain = tasks(bare, count)
    without = weighed(bare, count, lambda: submit(bare, plain))
    bare.store.raw("FLUSHALL", "SYNC")  # else what was there is given back some time later
    bare.store.do(verbs.ready())
    keyed = [
        with_key
        for n in range(count)
        for with_key in tasks(bare, 1, same_key=f"3f2b8c1e-{n:08}-9d1c-0a2b3c4d5e6f", same_sha="0" * 64)
    ]
    return weighed(bare, count, lambda: submit(bare, keyed)) - without


def delivery(bare: Bare, count: int) -> float:
    """Owed to a URL of 60 characters, which the task's own record has too."""
    without = weighed(bare, count, lambda: run_all(bare, tasks(bare, count)))
    bare.store.raw("FLUSHALL", "SYNC")  # else what was there is given back some time later
    bare.store.do(verbs.ready())
    url = "https://hooks.example.com/headrace/".ljust(60, "x")
    return weighed(bare, count, lambda: run_all(bare, tasks(bare, count, webhook=url))) - without


def dead_letter(bare: Bare, count: int) -> float:
    bury_all(bare, count)
    return size(bare, "dead") / count


def event_alone(bare: Bare, count: int) -> float:
    submit(bare, tasks(bare, count), at_once=1)
    return size(bare, "events") / count


def event_among_others(bare: Bare, count: int) -> float:
    submit(bare, tasks(bare, count))
    return size(bare, "events") / count


def span_alone(bare: Bare, count: int) -> float:
    run_all(bare, tasks(bare, count), at_once=1)
    return size(bare, "spans") / count


def span_among_others(bare: Bare, count: int) -> float:
    run_all(bare, tasks(bare, count))
    return size(bare, "spans") / count


def heartbeat(bare: Bare, count: int) -> float:
    """Of a consumer with four busy children."""
    [task] = tasks(bare, 1)
    child = {"pid": 12345, "cpu_s": 123.45, "rss_bytes": 51_234_567, "task": task.id, "job": "p0", "kind": task.kind}
    child |= {"since": 1_764_000_000_000}
    beat = Beat(
        name="host-12345-abcdef",
        host="host",
        pid=12345,
        version="0.1.0",
        started_at=1_764_000_000_000,
        beat_at=1_764_000_000_000,
        children=[child] * 4,
    )
    bare.store.do(verbs.beat(beat))
    return float(bare.store.raw("MEMORY", "USAGE", bare.store.keys("consumer", beat.name), "SAMPLES", "0"))


FIGURES: dict[str, Callable[[Bare, int], float]] = {
    "a task that waits on the stream": on_the_stream,
    "a task that waits in its owner's ring": in_the_ring,
    "a scheduled task": scheduled,
    "a running task": running,
    "a finished task with its result": finished,
    "a failed task without its dead letter": failed,
    f"a task of {PARTS} parts at its largest": many_parts,
    "an idempotency key": idempotency_key,
    "a webhook's delivery": delivery,
    "a dead letter": dead_letter,
    "an event, one a call": event_alone,
    f"an event, {BATCH} a call": event_among_others,
    "a span, one a call": span_alone,
    f"a span, {BATCH} a call": span_among_others,
    "a heartbeat of four busy children": heartbeat,
}


# ── how it is done ──


def bury_all(bare: Bare, count: int) -> None:
    """Submit, and let each die once too often."""
    submit(bare, tasks(bare, count))
    told = "Child died: killed by signal 9 (Killed), in attempt 3 of job p0, at 51 MB."
    cause = {"code": "child_died", "message": told, "attempt": 3}
    for job in take_all(bare):
        bare.store.do(verbs.retry(job, cause, 0, 1, ME, 0, 1.0, ANY))


def weighed(bare: Bare, count: int, act: Callable[[], None], *without: str) -> float:
    """What the act adds, a task; without events, spans, the minute's counters and what else is named."""
    act_on_nothing(bare)
    before = used(bare)
    act()
    clean(bare, *without)
    return (used(bare) - before) / count


def act_on_nothing(bare: Bare) -> None:
    """Load the scripts and make the tables before anything is weighed."""
    run_all(bare, tasks(bare, 1))
    bury_all(bare, 1)
    clean(bare, "dead")


def clean(bare: Bare, *more: str) -> None:
    """Delete what is weighed apart."""
    minute = bare.store.keys("minute", timestamp()[:16].translate(str.maketrans("", "", "-T:")))
    bare.store.raw("DEL", minute, *(bare.store.keys(name) for name in ("events", "spans", *more)))


def size(bare: Bare, name: str) -> float:
    """Of one key, whole."""
    return float(bare.store.raw("MEMORY", "USAGE", bare.store.keys(name), "SAMPLES", "0"))
