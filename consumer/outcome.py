"""What came of a job, which verb tells the store so, and which line tells people.

    Value, Folding ─────▶ finish_task | finish_part | fold | finish_stopped
    Refused, Broke ─────▶ fail          final: the client's fault, or a bug of ours (with a dead letter)
    Died, TimedOut,
    MemoryLimit ────────▶ retry         later, or buried after the last attempt
    Released ───────────▶ release       not started, or stopped: the attempt is taken back (I12)

`deliveries` is the one place where an outcome becomes a verb. A late outcome changes nothing and is told `lost` (I5).
"""

import os
from collections.abc import Sequence
from typing import Any, assert_never

from msgspec import Struct

from consumer.child import Broke, Folding, Refused, Value
from pipeline import log, verbs
from pipeline.record import Done, Folded, Job
from pipeline.settings import Settings
from pipeline.verbs import MOST_A_CALL, Call


class Died(Struct, frozen=True):
    """The child went down with the job. `how` is "killed by signal 9 (Killed)" or "exit code 3"."""

    how: str
    most_rss_bytes: int


class TimedOut(Struct, frozen=True):
    """The job ran longer than its limit, and its child was killed for it."""


class MemoryLimit(Struct, frozen=True):
    """The job wanted more memory than a child may have, which ended the child: by itself, or killed for it."""

    how: str
    peak_bytes: int
    limit_bytes: int


class Released(Struct, frozen=True):
    """The job is handed back: it was not started, or a stop ended it."""


What = Value | Folding | Refused | Broke | Died | TimedOut | MemoryLimit | Released


class Outcome(Struct, frozen=True):
    """What came of one job. `child` is the number of the slot, from 0; -1 when no child had it. `cpu_ms` is known only
    of a child that answered, and so are the `paths` and scenarios that it simulated for the job."""

    job: Job
    child: int
    ran_ms: float
    what: What
    cpu_ms: float = 0.0
    paths: int = 0


class Delivery(Struct, frozen=True):
    """One call to the store, and the outcomes that it tells, in the order of its replies."""

    call: Call[Any]
    outcomes: list[Outcome]

    def words(self, reply: Any) -> list[str]:
        """What the store said of each outcome: ok, lost, later or buried."""
        replies = reply if isinstance(reply, list) else [reply]
        return [word if isinstance(word, str) else "ok" if word else "lost" for word in replies]


def deliveries(outcomes: Sequence[Outcome], consumer: str, share: int, settings: Settings) -> list[Delivery]:
    """The fewest calls that tell the store of all these outcomes."""
    whole: list[Outcome] = []
    parts: list[Outcome] = []
    released: list[Outcome] = []
    single: list[Delivery] = []
    for outcome in outcomes:
        job, child, ran_ms, what = outcome.job, outcome.child, outcome.ran_ms, outcome.what
        call: Call[Any]
        match what:
            case Value():
                if job.step == "whole":
                    whole.append(outcome)
                    continue
                if job.step == "part":
                    parts.append(outcome)
                    continue
                call = verbs.finish_stopped(done(outcome), consumer, share)
            case Folding(accumulator, estimate, result):
                call = verbs.fold(Folded(job, accumulator, estimate, result, child, ran_ms), consumer, share)
            case Refused():
                call = verbs.fail(job, error(outcome), False, consumer, child, ran_ms, share)
            case Broke():
                call = verbs.fail(job, error(outcome), True, consumer, child, ran_ms, share)
            case Died() | TimedOut() | MemoryLimit():
                pause_ms, most = int(settings.retry_pause_s * 1000), settings.max_attempts
                call = verbs.retry(job, error(outcome), pause_ms, most, consumer, child, ran_ms, share)
            case Released():
                released.append(outcome)
                continue
            case _:
                assert_never(what)
        single.append(Delivery(call, [outcome]))
    together = [Delivery(verbs.finish_task(list(map(done, some)), consumer, share), some) for some in chunks(whole)]
    together += [Delivery(verbs.finish_part(list(map(done, some)), consumer, share), some) for some in chunks(parts)]
    together += [Delivery(verbs.release([o.job for o in some], consumer, share), some) for some in chunks(released)]
    return together + single


def chunks(outcomes: list[Outcome]) -> list[list[Outcome]]:
    """As many as one call takes."""
    return [outcomes[at : at + MOST_A_CALL] for at in range(0, len(outcomes), MOST_A_CALL)]


def done(outcome: Outcome) -> Done:
    """The outcome of a job that was computed, as the store's verbs want it."""
    return Done(outcome.job, outcome.what.value, outcome.child, outcome.ran_ms)  # type: ignore[union-attr]


def error(outcome: Outcome) -> dict[str, Any]:
    """Why the job did not succeed, with `code` and `message` for people and programs."""
    job, what = outcome.job, outcome.what
    match what:
        case Refused(code, message):
            return {"code": code, "message": message}
        case Broke(summary, traceback):
            text = f"The calculation failed because of a bug ({summary})."
            return {"code": "internal_error", "message": text, "traceback": traceback}
        case Died(how, most_rss_bytes):
            text = f"Child died: {how}, in attempt {job.attempt} of job {job.name}, at {most_rss_bytes / 1e6:.0f} MB."
            return {"code": "child_died", "message": text, "attempt": job.attempt}
        case TimedOut():
            text = f"Job {job.name} ran for {outcome.ran_ms / 1000:.1f} s; its limit is {job.time_limit_s:g} s."
            return {"code": "time_limit", "message": text, "attempt": job.attempt}
        case MemoryLimit(how, peak_bytes, limit_bytes):
            text = (
                f"Out of memory in attempt {job.attempt} of job {job.name}: its child had {peak_bytes / 1e6:.0f} MB"
                f" when it ended ({how}); the limit is {limit_bytes / 1e6:.0f} MB. HEADRACE_MEMORY_LIMIT_MB changes it."
            )
            return {"code": "memory_limit", "message": text, "attempt": job.attempt}
        case Value() | Folding() | Released():
            return {}
        case _:
            assert_never(what)


EVENTS: dict[type, tuple[str, str]] = {
    Value: ("job.done", "info"),
    Folding: ("job.done", "info"),
    Refused: ("job.refused", "info"),
    Broke: ("job.broke", "error"),
    Died: ("job.died", "warning"),
    TimedOut: ("job.timed_out", "warning"),
    MemoryLimit: ("job.memory_limit", "warning"),
    Released: ("job.released", "info"),
}


def lines(outcomes: Sequence[Outcome], words: Sequence[str], consumer: str) -> list[log.Line]:
    """The one line of each job. A word is what the store said of it, or `unknown`.

    `unknown`: an outcome was sent, the store went away, and when it was sent again it was no longer wanted. Most
    likely the first one took effect and only its reply was lost, which is no reason to warn anybody.
    """
    ts, pid = log.timestamp(), os.getpid()
    return [_line(outcome, word, consumer, ts, pid) for outcome, word in zip(outcomes, words, strict=True)]


def _line(outcome: Outcome, word: str, consumer: str, ts: str, pid: int) -> log.Line:
    job = outcome.job
    event, level = EVENTS[type(outcome.what)]
    came = event.removeprefix("job.")
    if word in ("lost", "unknown"):
        event, level, came = "job.lost", "warning" if word == "lost" else "info", word
    return log.Line(
        ts=ts,
        level=level,
        event=event,
        service="consumer",
        instance=consumer,
        version=log.VERSION,
        pid=pid,
        request_id=job.request_id,
        trace_id=log.trace_id(job.traceparent),
        task_id=job.task,
        job=job.name,
        kind=job.kind,
        owner=job.owner,
        priority=job.priority,
        step=job.step,
        part=job.number,
        attempt=job.attempt,
        interruptions=job.interruptions,
        consumer=consumer,
        child=outcome.child,
        waited_ms=job.waited_ms,
        ran_ms=round(outcome.ran_ms, 3),
        cpu_ms=round(outcome.cpu_ms, 3),
        paths=outcome.paths,
        outcome="buried" if word == "buried" else came,
        error_code=error(outcome).get("code", ""),
    )
