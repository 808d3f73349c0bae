"""Short ways to say the usual things in tests of the pipeline."""

from typing import Any

from pipeline import verbs
from pipeline.record import Done, Folded, Job, NewTask, Taken
from pipeline.store import Store

SHARE = 256
TASK_LIMIT_MS = 86_400_000
ORDER = ("high", "medium", "low")
_made = 0


def new(**changes: Any) -> NewTask:
    """A task of one part, unless told otherwise."""
    global _made
    _made += 1
    given: dict[str, Any] = {
        "id": f"T{_made:08d}", "kind": "noop", "data": b'{"value":1}', "parts": 1, "first_wave": 2, "largest_wave": 4,
        "window": 8, "versions": '{"kind":1}', "sha256": "0" * 64,
    }  # fmt: skip
    return NewTask(**(given | changes))


def submit(store: Store, *tasks: NewTask, share: int = SHARE) -> list[str]:
    """Submit; every task must be new."""
    answers = store.do(verbs.submit(tasks, 10**6, share))
    assert [a.outcome for a in answers] == ["new"] * len(tasks), answers
    return [a.id for a in answers]


def take(
    store: Store, count: int = 10, me: str = "c1", share: int = SHARE, order: tuple[str, ...] = ORDER
) -> list[Job]:
    """The jobs that one take gives."""
    return taken(store, count, me, share, order).jobs


def taken(store: Store, count: int = 10, me: str = "c1", share: int = SHARE, order: tuple[str, ...] = ORDER) -> Taken:
    """All that one take answers."""
    return store.do(verbs.take(me, count, order, [], 3, share, TASK_LIMIT_MS))


def finish(store: Store, job: Job, value: bytes = b"{}", me: str = "c1", share: int = SHARE) -> bool:
    """Bring a job to its good end: whole, part, fold or result. A fold chains the texts of its partials."""
    if job.step == "whole":
        return store.do(verbs.finish_task([Done(job, value, 0, 1.0)], me, share))[0]
    if job.step == "part":
        return store.do(verbs.finish_part([Done(job, b"%d" % job.number, 0, 1.0)], me, share))[0]
    wave = store.do(verbs.wave(job))
    if wave is None:
        return False
    total = b" ".join([wave.accumulator or b"", *wave.partials]).strip()
    if job.step == "result":
        return store.do(verbs.finish_stopped(Done(job, total, 0, 1.0), me, share))
    return store.do(verbs.fold(Folded(job, total, None, total if wave.last else None, 0, 1.0), me, share))


def run_all(store: Store, share: int = SHARE) -> list[Job]:
    """Take and finish until nothing is left to take; the jobs in the order in which they were taken."""
    done: list[Job] = []
    while jobs := take(store, share=share):
        for job in jobs:
            assert finish(store, job, share=share)
        done += jobs
    return done
