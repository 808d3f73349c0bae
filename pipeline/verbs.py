"""Every step that a task or a job can take, as a value: which script, with which words, and how to read its reply.

A verb does no input or output. `Store.do(call)` carries it to Redis and waits (consumers, tests);
`await AsyncStore.do(call)` does the same for the gateways. So each verb exists once, for both.

The scripts are in `scripts/`, one a verb, and keep the invariants I1–I17 of docs/architecture.md.
`share` is how many jobs one owner may have in being at one priority; every verb that adds or removes
a job needs it, because each freed slot is given on at once (I17).
"""

import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Generic, Literal, TypeVar, cast

import msgspec
from msgspec import Struct, structs

from pipeline import ids
from pipeline.apikeys import ApiKey
from pipeline.keys import PRIORITIES
from pipeline.legible import legible, one
from pipeline.legible import text as _text
from pipeline.record import (
    FINAL,
    STATES,
    Batch,
    Beat,
    Done,
    Ended,
    Folded,
    Job,
    Letter,
    NewBatch,
    NewTask,
    Page,
    Pause,
    Priority,
    Queue,
    Reaped,
    State,
    Submitted,
    Taken,
    Task,
    Wanted,
    Wave,
)

T = TypeVar("T")
_SELDOM = (
    "custom_id",
    "metadata",
    "rerun_of",
    "rerun_sha256",
    "estimated",
    "webhook",
    "by",
)  # fields that most tasks do not have
Word = str | bytes | int | float

# Lua's stack holds some thousands of values: no script gets more jobs than this in one call.
MOST_A_CALL = 256
END_OF_TIME = 253_402_300_799_999  # ms since 1970: the last that a date of four digits can say


class Call(Struct, Generic[T], frozen=True):
    """One script call. `again` says that sending it twice does what sending it once does."""

    script: str
    words: tuple[Word, ...]
    read: Callable[[Any], T]
    again: bool = False


# ── what a client asks ──


def submit(
    tasks: Sequence[NewTask], backlog_limit: int, share: int, unfinished_limit: int = 0
) -> Call[list[Submitted]]:
    """Accept tasks, at most MOST_A_CALL: all that is written for a task is written in this one step.

    Safe to send again: the id of a task that exists answers `replay`.
    """
    forms: dict[tuple[Word, ...], int] = {}  # what tasks of one call have in common is told once
    words: list[Word] = []
    for t in tasks:
        plan: tuple[Word, ...] = (t.parts, t.first_wave, t.largest_wave, t.window, t.versions, t.label, t.batch)
        form = (t.kind, t.owner, t.priority, *plan, t.not_before_ms, t.deadline_ms, t.time_limit_s, t.result_ttl_s)
        seed = "" if t.seed is None else t.seed
        same = f"{t.same_sha} {t.same_ttl_s} {t.same_key}" if t.same_key else ""
        words += (
            forms.setdefault(form, len(forms) + 1),
            t.id,
            t.data,
            t.sha256,
            seed,
            t.request_id,
            t.traceparent,
            same,
        )
        more = [word for name in _SELDOM if (value := getattr(t, name)) for word in (name, value)]
        words += (len(more) // 2, *more)
    common = [word for form in forms for word in form]
    ids = [t.id for t in tasks]
    return Call(
        "submit",
        (share, "", backlog_limit, len(forms), unfinished_limit, *common, *words),
        lambda reply: _submitted(ids, reply),
        again=True,
    )


def task(id: str) -> Call[Task | None]:
    """The record of a task, without its data; None when there is none."""
    return Call("task", (0, "", id), lambda reply: read_task(reply) if reply else None, again=True)


def data(id: str) -> Call[bytes | None]:
    """The complete data of a task."""
    return Call("data", (0, "", id), lambda reply: reply, again=True)


def origin(id: str) -> Call[tuple[bytes, float, int] | None]:
    """What a task was made from: its complete data, time_limit_s and result_ttl_s."""
    return Call("origin", (0, "", id), _origin, again=True)


def page(
    wanted: Wanted | None = None,
    *,
    state: State | None = None,
    kind: str = "",
    owner: str = "",
    batch: str = "",
    cursor: str = "",
    limit: int = 50,
) -> Call[Page]:
    """Tasks, newest first, that are wanted (or fit all filters), without results. Walks at most 1,000 candidates (I16).

    `cursor` is what the page before said, or a task id: only older ones follow.
    """
    one = [(name,) if name else () for name in (kind, owner, batch)]
    wanted = wanted or Wanted(states=(state,) if state else STATES, kinds=one[0], owners=one[1], batches=one[2])
    return Call("page", _wanted(wanted, cursor, limit, ""), _page, again=True)


def matching(wanted: Wanted, cursor: str, limit: int) -> Call[tuple[str, list[str]]]:
    """The ids alone of tasks that are wanted, newest first, and the cursor; "" at the end. Walks as `page` does."""
    words = _wanted(wanted, cursor, limit, "ids")
    return Call("page", words, lambda reply: (_text(reply[0]), [_text(id) for id in reply[1]]), again=True)


def counts(owner: str = "") -> Call[dict[State, int]]:
    """How many tasks are in each state."""
    return Call("counts", (0, "", owner, *STATES), lambda reply: dict(zip(STATES, reply, strict=True)), again=True)


def cancel(id: str, share: int, by: str = "", request_id: str = "", reason: str = "") -> Call[str]:
    """Give a task up, and why: `ok`, `unknown`, or the final state that it already has."""
    return Call("cancel", (share, "", id, by, request_id, reason), _text, again=True)


def deadline(id: str, share: int) -> Call[str]:
    """End a task with what is folded: `stopping` (its result follows), `failed` (nothing is folded), or its state."""
    return Call("deadline", (share, "", id), _text, again=True)


def purge(id: str, by: str = "", request_id: str = "", result_sha256: str = "") -> Call[str]:
    """Remove the record of a finished task: `ok`, `unknown`, or the state that forbids it. The audit keeps some."""
    return Call("purge", (0, "", id, by, request_id, result_sha256), _text, again=True)


def open_batch(
    batch: NewBatch, rejected: int, counts: dict[Priority, int], backlog_limit: int, unfinished_limit: int, atomic: bool
) -> Call[tuple[str, str]]:
    """Begin a batch, before its tasks: `new`, or `replay` or `mismatch` with the batch (or task) that its key made, or
    `full` with the priority or `quota` with the owner: not all of the `counts` may wait (atomic), or none of them."""
    about = (batch.id, batch.owner, batch.label, batch.lines, rejected, batch.ttl_s)
    same = (batch.same_key, batch.same_sha, batch.same_ttl_s)
    needs = [word for pair in counts.items() for word in pair]
    words = (0, "", *about, *same, backlog_limit, unfinished_limit, "all" if atomic else "any", batch.webhook, *needs)
    return Call("open_batch", words, lambda reply: (_text(reply[0]), _text(reply[1])), again=True)


def seal_batch(id: str) -> Call[int]:
    """All tasks of a batch were submitted: from now on its webhook is told when they have ended. Again is fine."""
    return Call("seal_batch", (0, "", id), int, again=True)


def batch(id: str) -> Call[Batch | None]:
    """A batch with its counts; None when there is no record of it."""
    return Call("batch", (0, "", id, *STATES), lambda reply: _batch(id, reply) if reply else None, again=True)


def batches(owner: str, limit: int) -> Call[list[str]]:
    """Ids of an owner's batches, those first that are kept longest."""
    return Call("batches", (0, "", owner, limit), lambda reply: [_text(id) for id in reply], again=True)


def ended(batch: str, cursor: str, limit: int, most_bytes: int) -> Call[tuple[str, list[Ended]]]:
    """The next tasks of a batch that have ended, in order of their lines, and the cursor; "" at the end."""
    return Call("ended", (0, "", batch, cursor, limit, most_bytes), _ended, again=True)


def cancel_batch(
    batch: str, cursor: str, limit: int, share: int, by: str = "", request_id: str = "", reason: str = ""
) -> Call[tuple[str, int]]:
    """Give up the next tasks of a batch, and why: the cursor, "" at the end, and how many were given up."""
    words = (share, "", batch, cursor, limit, by, request_id, reason)
    return Call("cancel_batch", words, lambda reply: (_text(reply[0]), int(reply[1])), again=True)


# ── what a consumer does ──


def take(
    consumer: str,
    count: int,
    order: Sequence[str],
    known: Sequence[str],
    max_attempts: int,
    share: int,
    task_limit_ms: int,
) -> Call[Taken]:
    """Read at most `count` jobs, priorities in the given order, and begin them in the same step.

    `known` are tasks of many parts whose data this consumer has: it is not sent again. A task that begins
    here has `task_limit_ms` from now on, all its jobs and pauses together.
    Not safe to send again: after a lost reply ask `resync` what this consumer holds.
    """
    return Call("take", (share, consumer, count, max_attempts, task_limit_ms, " ".join(order), *known), _taken)


def resync(consumer: str, known: Sequence[str], share: int) -> Call[list[Job]]:
    """Jobs that this consumer holds and does not know by token: the reply of a `take` was lost."""
    return Call("resync", (share, consumer, *known), _jobs, again=True)


def renew(consumer: str, tokens: Sequence[str]) -> Call[list[str]]:
    """Reset the idle time of held jobs; answers the tokens that are no longer ours (I13)."""
    return Call("renew", (0, consumer, *tokens), lambda reply: [_text(token) for token in reply], again=True)


def finish_task(done: Sequence[Done], consumer: str, share: int) -> Call[list[bool]]:
    """End tasks of one part with their results; False for each that was no longer held (I5)."""
    return Call("finish_task", _outcomes(done, consumer, share), _held)


def finish_part(done: Sequence[Done], consumer: str, share: int) -> Call[list[bool]]:
    """Store partials; a wave that is now complete gets its reduce job; False for each part no longer held."""
    return Call("finish_part", _outcomes(done, consumer, share), _held)


def finish_stopped(done: Done, consumer: str, share: int) -> Call[bool]:
    """End a task that was stopped early with the result made from its last accumulator."""
    return Call("finish_stopped", _outcomes([done], consumer, share), lambda reply: _held(reply)[0])


def wave(job: Job) -> Call[Wave | None]:
    """What a reduce job works on; None when the job is not to be done: no longer held, or a hand took some of it."""
    return Call("wave", (0, "", job.token, job.task, job.name), _wave, again=True)


def fold(folded: Folded, consumer: str, share: int) -> Call[bool]:
    """Store a folded wave (I3), or end the task when there is a result; False when no longer held."""
    job = folded.job
    words = (job.token, job.task, job.name, folded.child, folded.ran_ms, folded.accumulator)
    last = (folded.estimate or b"", "" if folded.result is None else "final", folded.result or b"")
    return Call("fold", (share, consumer, *words, *last), lambda reply: bool(reply == b"ok"))


def fail(
    job: Job, error: dict[str, Any], dead: bool, consumer: str, child: int, ran_ms: float, share: int
) -> Call[bool]:
    """End the task with an error (`code`, `message`); False when no longer held.

    `dead` leaves a dead letter too, which alone shows the error's `traceback`: it is for us, not for clients.
    """
    told = msgspec.json.encode({key: value for key, value in error.items() if key != "traceback"})
    letter = msgspec.json.encode(error) if dead else ""
    words = (job.token, job.task, job.name, child, ran_ms, error["code"], told, letter)
    return Call("fail", (share, consumer, *words), lambda reply: bool(reply == b"ok"))


def retry(
    job: Job,
    cause: dict[str, Any],
    pause_ms: int,
    max_attempts: int,
    consumer: str,
    child: int,
    ran_ms: float,
    share: int,
) -> Call[Literal["later", "buried", "lost"]]:
    """The job died or ran out of time: put it in `later` for a pause, or bury it after its last attempt."""
    words = (job.token, job.task, job.name, child, ran_ms, cause["code"], msgspec.json.encode(cause))
    return Call(
        "retry",
        (share, consumer, *words, pause_ms, max_attempts),
        lambda reply: cast(Literal["later", "buried", "lost"], _text(reply)),
    )


def release(jobs: Sequence[Job], consumer: str, share: int) -> Call[list[bool]]:
    """Hand held jobs back at once; their attempts are taken back (I12)."""
    words = [word for job in jobs for word in (job.token, job.task, job.name)]
    return Call("release", (share, consumer, *words), _held)


def beat(beat: Beat) -> Call[int]:
    """Write this consumer's heartbeat; answers the number of children of the whole fleet."""
    lost = [word for pair in beat.lost.items() for word in pair]
    fields: list[Word] = ["host", beat.host, "pid", beat.pid, "version", beat.version, "skew_ms", beat.skew_ms]
    fields += ["started_at", beat.started_at, "children", len(beat.children), "draining", int(beat.draining)]
    fields += ["kinds", " ".join(beat.kinds), "figures", msgspec.json.encode(beat.figures)]
    for number, child in enumerate(beat.children):
        fields += [f"child:{number}", msgspec.json.encode(child)]
    return Call("beat", (0, beat.name, len(beat.lost), *lost, *fields), int, again=True)


# ── what the reaper does ──


def reap(lease_ms: int, limit: int, max_interruptions: int, pause_ms: int, share: int) -> Call[list[Reaped]]:
    """Take abandoned jobs (idle for a lease) from their holders and put them again; answers which."""
    words = (share, "", lease_ms, limit, max_interruptions, pause_ms)
    return Call("reap", words, lambda reply: [_reaped(row) for row in reply], again=True)


def promote(limit: int, share: int) -> Call[int]:
    """Put the jobs and tasks of `later` whose time has come, end those whose time is over; answers how many."""
    return Call("promote", (share, "", limit), int, again=True)


def forget(limit: int) -> Call[int]:
    """Remove finished tasks whose time has come, with all their index members; answers how many."""
    return Call("forget", (0, "", limit), int, again=True)


def live(cursor: str, limit: int) -> Call[list[str]]:
    """Ids of scheduled, queued and running tasks after `cursor`, for `repair`."""
    return Call("live", (0, "", cursor, limit), lambda reply: [_text(id) for id in reply], again=True)


def repair(ids: Sequence[str], share: int) -> Call[int]:
    """Put back what a hand or a failover took from tasks that have not ended; answers how many things were wrong.

    A task whose data or plan is gone fails with the code `lost`; one without a record goes, with all that names it.
    After it `recount` puts the shares right.
    """
    return Call("repair", (share, "", *ids), int, again=True)


def recount() -> Call[int]:
    """Count every share again from the rows (I17); answers how many were wrong.

    Does nothing and answers 0 while more than 10,000 jobs are in being: it looks at all of them in one step.
    """
    return Call("recount", (0, ""), int, again=True)


def names() -> Call[list[str]]:
    """Every consumer name that the group knows."""
    return Call("names", (0, ""), lambda reply: [_text(name) for name in reply], again=True)


def remove_consumer(name: str) -> Call[str]:
    """Remove a dead consumer's name: `ok`, `alive` (it beats) or `holds` (jobs are left) (I14)."""
    return Call("remove_consumer", (0, "", name), _text, again=True)


def leave(name: str) -> Call[str]:
    """A consumer that stops takes its own heartbeat and name away: `ok`, or `holds` (jobs are left, so is the name)."""
    return Call("remove_consumer", (0, name, name), _text, again=True)


# ── what everyone asks ──


def fleet() -> Call[list[Beat]]:
    """The heartbeats of the consumers that live."""
    return Call("fleet", (0, ""), lambda reply: legible(_beat, reply), again=True)


def clock() -> Call[int]:
    """Redis' time in ms since 1970 (I15)."""
    return Call("clock", (0, ""), int, again=True)


def idkey(fresh: bytes) -> Call[bytes]:
    """The key of the hash in task ids; `fresh` becomes it when there is none yet."""
    return Call("idkey", (0, "", fresh), bytes, again=True)


def ready() -> Call[list[str]]:
    """Make streams and group where they are missing; answers what keeps the store from being used safely."""
    return Call("ready", (0, ""), lambda reply: [_text(line) for line in reply], again=True)


def depth() -> Call[dict[str, tuple[int, int]]]:
    """Per priority: jobs that wait on the stream, jobs held. (Never XINFO's lag: it is null in normal operation.)"""
    return Call("depth", (0, ""), _depth, again=True)


def drained() -> Call[float]:
    """Tasks that ended (in whatever state) per second, over the last one to two minutes."""
    return Call("drained", (0, ""), float, again=True)


def minutes(count: int, before: int = 0) -> Call[dict[str, dict[str, int]]]:
    """The counters and histograms of the last minutes: `202611251200` → field → n, the running minute first, or the
    one so many before it."""
    return Call("minutes", (0, "", count, before), _minutes, again=True)


def fullness() -> Call[float]:
    """How much of its maxmemory the store uses, 0 to 1; 0.0 where it has no limit."""
    return Call("fullness", (0, ""), float, again=True)


def elect(who: str, ttl_ms: int) -> Call[bool]:
    """Whether this gateway is the one that exports the figures of the whole pipeline, for so long; 0: give that up."""
    return Call("elect", (0, "", who, ttl_ms), bool, again=True)


def figures() -> Call[tuple[int, int]]:
    """Dead letters that are kept; and how far behind the newest event the audit is, in ms (-1: there is no audit)."""
    return Call("figures", (0, ""), _figures, again=True)


def queues() -> Call[list[Queue]]:
    """The three priorities: what waits, what is held, since when the oldest waits, who has paused it."""
    return Call("queues", (0, ""), lambda reply: [_queue(row) for row in reply], again=True)


def pause(priority: Priority, pause: Pause, request_id: str = "") -> Call[str]:
    """Let nothing of a priority be taken; what runs goes on."""
    return Call("pause", (0, "", priority, msgspec.json.encode(pause), pause.by, request_id), _text, again=True)


def resume(priority: Priority, by: str = "", request_id: str = "") -> Call[bool]:
    """Let a priority be taken again; False when it was not paused."""
    return Call("resume", (0, "", priority, by, request_id), bool, again=True)


def letters(owner: str, cursor: str, limit: int) -> Call[tuple[str, list[Letter]]]:
    """Dead letters, newest first, of an owner's tasks ("" for all), and the cursor; looks at 2,000 of them at most."""
    return Call("letters", (0, "", owner, cursor, limit, 2_000), _letters, again=True)


def letter(owner: str, id: str) -> Call[Letter | None]:
    """A dead letter of an owner's tasks ("" for all); None when there is none."""
    return Call("letter", (0, "", owner, id), lambda reply: _letter(id, reply) if reply else None, again=True)


def remove_letters(ids: Sequence[str], by: str = "", request_id: str = "") -> Call[int]:
    """Remove dead letters, at most MOST_A_CALL; answers how many there were."""
    return Call("remove_letters", (0, "", by, request_id, *ids), int, again=True)


def apikeys(id: str = "") -> Call[list[ApiKey]]:
    """What is kept of every API key, or of the one with this id."""
    return Call(
        "apikeys",
        (0, "", id),
        lambda reply: legible(lambda kept: msgspec.json.decode(kept, type=ApiKey), filter(None, reply)),
        again=True,
    )


def keep_apikey(key: ApiKey, by: str = "") -> Call[bool]:
    """Keep a new key; False when there is one of this id already."""
    return Call("keep_apikey", (0, "", key.id, msgspec.json.encode(key), by), bool)


def remove_apikey(id: str, by: str = "") -> Call[bool]:
    """Remove a key; False when there was none."""
    return Call("remove_apikey", (0, "", id, by), bool, again=True)


def rate(owner: str, per_second: float, burst: int) -> Call[tuple[bool, int, float]]:
    """May this owner ask once more; how many more at once; and in how many seconds one more may, or all again."""
    cost_us = max(1, round(1e6 / per_second))
    return Call("rate", (0, "", owner, cost_us, burst), lambda reply: (bool(reply[0]), int(reply[1]), reply[2] / 1e6))


def spans(task: str, limit: int) -> Call[list[dict[str, Any]]]:
    """Who computed the jobs of a task: consumer, child, job, started_at, ran_ms, outcome; newest first."""
    return Call("spans", (0, "", task, limit), lambda reply: legible(_span, reply), again=True)


# ── reading replies ──


def _number(reply: bytes | None) -> int | None:
    """None also for what is no number, which only a hand can have written."""
    return one(int, reply)


def _time(reply: bytes | None) -> int | None:
    """Milliseconds since 1970. None also for what no date can say."""
    found = _number(reply)
    return found if found is not None and 0 <= found <= END_OF_TIME else None


def _after(at: int | None, before: int) -> int | None:
    return None if at is None else max(at, before)


def _held(reply: list[bytes]) -> list[bool]:
    return [word == b"ok" for word in reply]


def _outcomes(done: Sequence[Done], consumer: str, share: int) -> tuple[Word, ...]:
    words: list[Word] = [share, consumer]
    for d in done:
        words += (d.job.token, d.job.task, d.job.name, d.child, d.ran_ms, d.value)
    return tuple(words)


def _submitted(ids: list[str], reply: list[Any]) -> list[Submitted]:
    at_ms = int(reply[0])
    told = [
        (said, id) if isinstance(said, bytes) else (said[0], _text(said[1]))
        for said, id in zip(reply[1:], ids, strict=True)
    ]
    return [Submitted(cast(Any, _text(outcome)), id, at_ms) for outcome, id in told]


_WHOLE: tuple[Any, ...] = (b"", b"", b"p0", 1, 1, 0)  # of request_id and on


def _job(row: list[Any], now: int) -> Job:
    # A task of one part in its first attempt says no more than the first six, or eight.
    token, task, kind, owner, data, limit, *more = row
    request_id, trace, name, parts, attempt, interruptions = tuple(more) + _WHOLE[len(more) :]
    put_at = token[token.index(b"/") + 1 : token.index(b"-")]
    return Job(
        token=_text(token),
        task=_text(task),
        name=_text(name),
        parts=int(parts),
        kind=_text(kind),
        owner=_text(owner),
        attempt=int(attempt),
        interruptions=int(interruptions),
        data=data,
        time_limit_s=_limit_s(limit),
        waited_ms=max(now - int(put_at), 0),
        request_id=_text(request_id),
        traceparent=_text(trace),
    )


def _limit_s(limit: bytes | None) -> float:
    """How long a job may run. Where a hand has taken that away it has none of its own: then its task's holds."""
    for told in legible(float, [limit or b""]):
        if told > 0:
            return told
    return math.inf


def _jobs(reply: list[Any]) -> list[Job]:
    return [_job(row, reply[0]) for row in reply[1]]


def _taken(reply: list[Any]) -> Taken:
    return Taken(_jobs(reply), [_text(id) for id in reply[2]])


def _reaped(row: list[Any]) -> Reaped:
    task, job, kind, owner, consumer, attempts, interruptions, outcome, request_id, traceparent = row
    names = (_text(task), _text(job), _text(kind), _text(owner), _text(consumer))
    return Reaped(*names, int(attempts), int(interruptions), _text(outcome), _text(request_id), _text(traceparent))


def _wave(reply: Any) -> Wave | None:
    if reply is None:
        return None
    accumulator, last, partials = reply
    return Wave(accumulator or None, partials, last == b"last")


def _wanted(wanted: Wanted, cursor: str, limit: int, form: str) -> tuple[Word, ...]:
    w = wanted
    fields = (w.states, w.kinds, w.owners, w.batches, w.errors)
    traits = msgspec.json.encode(w.traits).decode() if w.traits else ""
    return (0, "", *map(_words, fields), cursor, limit, form, w.oldest, traits)


def _words(values: Sequence[str]) -> str:
    """As a script gets them: JSON, for an owner's name may be any."""
    return msgspec.json.encode(values).decode() if values else ""


def _page(reply: list[Any]) -> Page:
    cursor, rows = reply
    return Page(legible(lambda row: _listed(read_task(row)), rows), _text(cursor))


def _listed(task: Task) -> Task:
    return structs.replace(task, result=None, head=task.result or b"")


def _batch(id: str, reply: list[Any]) -> Batch:
    owner, label, created_at, lines, rejected, accepted, webhook, *counted = reply
    states = cast(dict[State, int], dict(zip(STATES, counted, strict=True)))
    taken = _number(accepted) or sum(counted)  # what a hand has written and cannot be read follows from the rest
    refused = _number(rejected) or 0
    told = (_time(created_at) or ids.minted_at(id), _number(lines) or taken + refused, refused, taken)
    return Batch(id, _text(owner), _text(label), *told, _text(webhook or b""), states)


def _ended(reply: list[Any]) -> tuple[str, list[Ended]]:
    cursor, rows = reply
    return _text(cursor), [
        Ended(_text(id), _text(custom_id), _text(kind), cast(State, _text(state)), result, error)
        for id, custom_id, kind, state, result, error in rows
    ]


def _queue(row: list[Any]) -> Queue:
    priority, waiting, held, oldest, paused = row
    return Queue(cast(Priority, _text(priority)), int(waiting), int(held), _number(oldest), one(_pause, paused))


def _pause(told: bytes) -> Pause:
    """Who paused a priority. It is paused whatever stands there."""
    try:
        return msgspec.json.decode(told, type=Pause)
    except msgspec.MsgspecError:
        return Pause(by="?", reason=_text(told)[:200], at=0)


def _letters(reply: list[Any]) -> tuple[str, list[Letter]]:
    cursor, entries = reply
    return _text(cursor), legible(lambda entry: _letter(_text(entry[0]), entry[1]), entries)


def _letter(id: str, words: list[Any]) -> Letter:
    told = {_text(k): _text(v) for k, v in zip(words[::2], words[1::2], strict=False)}
    return Letter(
        id=id,
        at=int(id.partition("-")[0]),
        task=told.get("task", "-"),
        kind=told.get("kind", "-"),
        job=told.get("job", "-"),
        consumer=told.get("consumer", "-"),
        attempts=int(told.get("attempts", 0)),
        interruptions=int(told.get("interruptions", 0)),
        cause=msgspec.json.decode(told.get("cause", "{}")),
        words=told.get("words", ""),
    )


def _beat(row: list[Any]) -> Beat:
    name, pairs = row
    fields = {_text(k): v for k, v in zip(pairs[::2], pairs[1::2], strict=True)}
    return Beat(
        name=_text(name),
        host=_text(fields["host"]),
        pid=int(fields["pid"]),
        version=_text(fields["version"]),
        started_at=int(fields["started_at"]),
        beat_at=int(fields["beat_at"]),
        children=[msgspec.json.decode(fields[f"child:{n}"]) for n in range(int(fields["children"]))],
        figures=msgspec.json.decode(fields.get("figures", b"{}")),
        draining=fields.get("draining") == b"1",
        skew_ms=int(fields.get("skew_ms", 0)),
        kinds=_text(fields.get("kinds", b"")).split(),
    )


def _depth(reply: list[list[Any]]) -> dict[str, tuple[int, int]]:
    return {_text(priority): (int(waiting), int(held)) for priority, waiting, held in reply}


def _figures(reply: list[Any]) -> tuple[int, int]:
    dead, newest, read = reply
    times = legible(lambda id: int(id.partition(b"-")[0]), (newest, read))
    return int(dead), max(0, times[0] - times[1]) if len(times) == 2 else -1


def _minutes(reply: list[Any]) -> dict[str, dict[str, int]]:
    return {_text(name): dict(legible(_counter, zip(f[::2], f[1::2], strict=True))) for name, f in reply}


def _counter(pair: tuple[bytes, bytes]) -> tuple[str, int]:
    return _text(pair[0]), int(pair[1])


def _span(row: list[Any]) -> dict[str, Any]:
    consumer, job, text = (_text(word) for word in row)
    child, started_at, ran_ms, outcome = text.split(" ")
    return {
        "consumer": consumer,
        "child": int(child),
        "job": job,
        "started_at": int(started_at),
        "ran_ms": float(ran_ms),
        "outcome": outcome,
    }


def _object(reply: bytes | None, type: Any = dict[str, Any]) -> Any:
    """None also for what is no JSON object of this type, which only a hand can have written."""
    return one(partial(msgspec.json.decode, type=type), reply)


def _origin(reply: list[bytes] | None) -> tuple[bytes, float, int] | None:
    return one(lambda v: (v[0], float(v[1]), int(v[2])), reply)


# The order in which scripts/pieces/record.lua names the fields; task.lua and page.lua name one more. Redis' clock may
# have jumped back between two of its times (I15): what follows is never shown before what it follows. What a hand has
# written and cannot be read is as if it had not been given; the id still knows when the task was submitted.
def read_task(row: list[Any]) -> Task:
    """A record as record.lua answers it."""
    id, state, kind, owner, priority, parts, done, submitted, started, finished, ttl, not_before, *rest = row
    attempts, interruptions, label, batch, request_id, seed, versions, sha256, consumer, *rest = rest
    custom_id, metadata, rerun_of, rerun_sha256, estimated, stopped, estimate, result, error, webhook, job, *more = rest
    submitted_at = _time(submitted) or ids.minted_at(_text(id))
    started_at, finished_at = _after(_time(started), submitted_at), _time(finished)
    expires_at = min(finished_at + (_number(ttl) or 86_400) * 1000, END_OF_TIME) if finished_at else None
    finished_at = _after(finished_at, started_at or submitted_at)
    name = cast(State, _text(state))
    of = max(1, _number(parts) or 1)
    return Task(
        id=_text(id),
        state=name,
        kind=_text(kind),
        owner=_text(owner),
        priority=cast(Priority, _text(priority)) if _text(priority) in PRIORITIES else "medium",
        parts=of,
        done=min(of, max(0, _number(done) or (1 if name == "succeeded" else 0))),
        submitted_at=submitted_at,
        started_at=started_at,
        finished_at=finished_at,
        expires_at=_after(expires_at, finished_at or 0) if name in FINAL else None,
        not_before=_time(not_before),
        attempts=_number(attempts) or 0,
        interruptions=_number(interruptions) or 0,
        label=_text(label or b""),
        batch=_text(batch or b""),
        request_id=_text(request_id or b""),
        seed=_number(seed),
        versions=_object(versions) or {},
        sha256=_text(sha256),
        consumer=_text(consumer or b""),
        custom_id=_text(custom_id or b""),
        metadata=_object(metadata, dict[str, str]) or {},
        rerun_of=_text(rerun_of or b""),
        rerun_sha256=_text(rerun_sha256 or b""),
        estimated=_object(estimated),
        stopped_at=_time(stopped),
        estimate=_object(estimate),
        result=result,
        error=_object(error),
        webhook=_text(webhook or b"").removeprefix("batch").strip(),
        pauses=b"/later " in (job or b""),
        cancel_reason=_text(more[0] or b"") if more else "",
    )
