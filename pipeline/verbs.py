"""Every step that a task or a job can take, as a value: which script, with which words, and how to read its reply.

A verb does no input or output. `Store.do(call)` carries it to Redis and waits (consumers, tests);
`await AsyncStore.do(call)` does the same for the gateways. So each verb exists once, for both.

The scripts are in `scripts/`, one a verb, and keep the invariants I1–I17 of docs/architecture.md.
`share` is how many jobs one owner may have in being at one priority; every verb that adds or removes
a job needs it, because each freed slot is given on at once (I17).
"""

from collections.abc import Callable, Sequence
from typing import Any, Generic, Literal, TypeVar, cast

import msgspec
from msgspec import Struct

from pipeline import replies
from pipeline.apikeys import ApiKey
from pipeline.legible import legible, text
from pipeline.record import (
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
# Fields that most tasks do not have.
_SELDOM = ("custom_id", "metadata", "rerun_of", "rerun_sha256", "estimated", "webhook", "by")
Word = str | bytes | int | float

# Lua's stack holds some thousands of values: no script gets more jobs than this in one call.
MOST_A_CALL = 256


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
        lambda reply: replies.submitted(ids, reply),
        again=True,
    )


def task(id: str) -> Call[Task | None]:
    """The record of a task, without its data; None when there is none."""
    return Call("task", (0, "", id), lambda reply: replies.task(reply) if reply else None, again=True)


def data(id: str) -> Call[bytes | None]:
    """The complete data of a task."""
    return Call("data", (0, "", id), lambda reply: reply, again=True)


def origin(id: str) -> Call[tuple[bytes, float, int] | None]:
    """What a task was made from: its complete data, time_limit_s and result_ttl_s."""
    return Call("origin", (0, "", id), replies.origin, again=True)


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
    return Call("page", _wanted(wanted, cursor, limit, ""), replies.page, again=True)


def matching(wanted: Wanted, cursor: str, limit: int) -> Call[tuple[str, list[str]]]:
    """The ids alone of tasks that are wanted, newest first, and the cursor; "" at the end. Walks as `page` does."""
    words = _wanted(wanted, cursor, limit, "ids")
    return Call("page", words, lambda reply: (text(reply[0]), [text(id) for id in reply[1]]), again=True)


def counts(owner: str = "") -> Call[dict[State, int]]:
    """How many tasks are in each state."""
    return Call("counts", (0, "", owner, *STATES), lambda reply: dict(zip(STATES, reply, strict=True)), again=True)


def cancel(id: str, share: int, by: str = "", request_id: str = "", reason: str = "") -> Call[str]:
    """Give a task up, and why: `ok`, `unknown`, or the final state that it already has."""
    return Call("cancel", (share, "", id, by, request_id, reason), text, again=True)


def deadline(id: str, share: int) -> Call[str]:
    """End a task with what is folded: `stopping` (its result follows), `failed` (nothing is folded), or its state."""
    return Call("deadline", (share, "", id), text, again=True)


def purge(id: str, by: str = "", request_id: str = "", result_sha256: str = "") -> Call[str]:
    """Remove the record of a finished task: `ok`, `unknown`, or the state that forbids it. The audit keeps some."""
    return Call("purge", (0, "", id, by, request_id, result_sha256), text, again=True)


def open_batch(
    batch: NewBatch, rejected: int, counts: dict[Priority, int], backlog_limit: int, unfinished_limit: int, atomic: bool
) -> Call[tuple[str, str]]:
    """Begin a batch, before its tasks: `new`, or `replay` or `mismatch` with the batch (or task) that its key made, or
    `full` with the priority or `quota` with the owner: not all of the `counts` may wait (atomic), or none of them."""
    about = (batch.id, batch.owner, batch.label, batch.lines, rejected, batch.ttl_s)
    same = (batch.same_key, batch.same_sha, batch.same_ttl_s)
    needs = [word for pair in counts.items() for word in pair]
    words = (0, "", *about, *same, backlog_limit, unfinished_limit, "all" if atomic else "any", batch.webhook, *needs)
    return Call("open_batch", words, lambda reply: (text(reply[0]), text(reply[1])), again=True)


def seal_batch(id: str) -> Call[int]:
    """All tasks of a batch were submitted: from now on its webhook is told when they have ended. Again is fine."""
    return Call("seal_batch", (0, "", id), int, again=True)


def batch(id: str) -> Call[Batch | None]:
    """A batch with its counts; None when there is no record of it."""
    return Call("batch", (0, "", id, *STATES), lambda reply: replies.batch(id, reply) if reply else None, again=True)


def batches(owner: str, limit: int) -> Call[list[str]]:
    """Ids of an owner's batches, those first that are kept longest."""
    return Call("batches", (0, "", owner, limit), lambda reply: [text(id) for id in reply], again=True)


def ended(batch: str, cursor: str, limit: int, most_bytes: int) -> Call[tuple[str, list[Ended]]]:
    """The next tasks of a batch that have ended, in order of their lines, and the cursor; "" at the end."""
    return Call("ended", (0, "", batch, cursor, limit, most_bytes), replies.ended, again=True)


def cancel_batch(
    batch: str, cursor: str, limit: int, share: int, by: str = "", request_id: str = "", reason: str = ""
) -> Call[tuple[str, int]]:
    """Give up the next tasks of a batch, and why: the cursor, "" at the end, and how many were given up."""
    words = (share, "", batch, cursor, limit, by, request_id, reason)
    return Call("cancel_batch", words, lambda reply: (text(reply[0]), int(reply[1])), again=True)


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
    return Call("take", (share, consumer, count, max_attempts, task_limit_ms, " ".join(order), *known), replies.taken)


def resync(consumer: str, known: Sequence[str], share: int) -> Call[list[Job]]:
    """Jobs that this consumer holds and does not know by token: the reply of a `take` was lost."""
    return Call("resync", (share, consumer, *known), replies.jobs, again=True)


def renew(consumer: str, tokens: Sequence[str]) -> Call[list[str]]:
    """Reset the idle time of held jobs; answers the tokens that are no longer ours (I13)."""
    return Call("renew", (0, consumer, *tokens), lambda reply: [text(token) for token in reply], again=True)


def finish_task(done: Sequence[Done], consumer: str, share: int) -> Call[list[bool]]:
    """End tasks of one part with their results; False for each that was no longer held (I5)."""
    return Call("finish_task", _outcomes(done, consumer, share), replies.held)


def finish_part(done: Sequence[Done], consumer: str, share: int) -> Call[list[bool]]:
    """Store partials; a wave that is now complete gets its reduce job; False for each part no longer held."""
    return Call("finish_part", _outcomes(done, consumer, share), replies.held)


def finish_stopped(done: Done, consumer: str, share: int) -> Call[bool]:
    """End a task that was stopped early with the result made from its last accumulator."""
    return Call("finish_stopped", _outcomes([done], consumer, share), lambda reply: replies.held(reply)[0])


def wave(job: Job) -> Call[Wave | None]:
    """What a reduce job works on; None when the job is not to be done: no longer held, or a hand took some of it."""
    return Call("wave", (0, "", job.token, job.task, job.name), replies.wave, again=True)


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
        lambda reply: cast(Literal["later", "buried", "lost"], text(reply)),
    )


def release(jobs: Sequence[Job], consumer: str, share: int) -> Call[list[bool]]:
    """Hand held jobs back at once; their attempts are taken back (I12)."""
    words = [word for job in jobs for word in (job.token, job.task, job.name)]
    return Call("release", (share, consumer, *words), replies.held)


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
    return Call("reap", words, lambda reply: [replies.reaped(row) for row in reply], again=True)


def promote(limit: int, share: int) -> Call[int]:
    """Put the jobs and tasks of `later` whose time has come, end those whose time is over; answers how many."""
    return Call("promote", (share, "", limit), int, again=True)


def forget(limit: int) -> Call[int]:
    """Remove finished tasks whose time has come, with all their index members; answers how many."""
    return Call("forget", (0, "", limit), int, again=True)


def live(cursor: str, limit: int) -> Call[list[str]]:
    """Ids of scheduled, queued and running tasks after `cursor`, for `repair`."""
    return Call("live", (0, "", cursor, limit), lambda reply: [text(id) for id in reply], again=True)


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
    return Call("names", (0, ""), lambda reply: [text(name) for name in reply], again=True)


def remove_consumer(name: str) -> Call[str]:
    """Remove a dead consumer's name: `ok`, `alive` (it beats) or `holds` (jobs are left) (I14)."""
    return Call("remove_consumer", (0, "", name), text, again=True)


def leave(name: str) -> Call[str]:
    """A consumer that stops takes its own heartbeat and name away: `ok`, or `holds` (jobs are left, so is the name)."""
    return Call("remove_consumer", (0, name, name), text, again=True)


# ── what everyone asks ──


def fleet() -> Call[list[Beat]]:
    """The heartbeats of the consumers that live."""
    return Call("fleet", (0, ""), lambda reply: legible(replies.beat, reply), again=True)


def clock() -> Call[int]:
    """Redis' time in ms since 1970 (I15)."""
    return Call("clock", (0, ""), int, again=True)


def idkey(fresh: bytes) -> Call[bytes]:
    """The key of the hash in task ids; `fresh` becomes it when there is none yet."""
    return Call("idkey", (0, "", fresh), bytes, again=True)


def ready() -> Call[list[str]]:
    """Make streams and group where they are missing; answers what keeps the store from being used safely."""
    return Call("ready", (0, ""), lambda reply: [text(line) for line in reply], again=True)


def depth() -> Call[dict[str, tuple[int, int]]]:
    """Per priority: jobs that wait on the stream, jobs held. (Never XINFO's lag: it is null in normal operation.)"""
    return Call("depth", (0, ""), replies.depth, again=True)


def drained() -> Call[float]:
    """Tasks that ended (in whatever state) per second, over the last one to two minutes."""
    return Call("drained", (0, ""), float, again=True)


def minutes(count: int, before: int = 0) -> Call[dict[str, dict[str, int]]]:
    """The counters and histograms of the last minutes: `202611251200` → field → n, the running minute first, or the
    one so many before it."""
    return Call("minutes", (0, "", count, before), replies.minutes, again=True)


def fullness() -> Call[float]:
    """How much of its maxmemory the store uses, 0 to 1; 0.0 where it has no limit."""
    return Call("fullness", (0, ""), float, again=True)


def elect(who: str, ttl_ms: int) -> Call[bool]:
    """Whether this gateway is the one that exports the figures of the whole pipeline, for so long; 0: give that up."""
    return Call("elect", (0, "", who, ttl_ms), bool, again=True)


def figures() -> Call[tuple[int, int]]:
    """Dead letters that are kept; and how far behind the newest event the audit is, in ms (-1: there is no audit)."""
    return Call("figures", (0, ""), replies.figures, again=True)


def queues() -> Call[list[Queue]]:
    """The three priorities: what waits, what is held, since when the oldest waits, who has paused it."""
    return Call("queues", (0, ""), lambda reply: [replies.queue(row) for row in reply], again=True)


def pause(priority: Priority, pause: Pause, request_id: str = "") -> Call[str]:
    """Let nothing of a priority be taken; what runs goes on."""
    return Call("pause", (0, "", priority, msgspec.json.encode(pause), pause.by, request_id), text, again=True)


def resume(priority: Priority, by: str = "", request_id: str = "") -> Call[bool]:
    """Let a priority be taken again; False when it was not paused."""
    return Call("resume", (0, "", priority, by, request_id), bool, again=True)


def letters(owner: str, cursor: str, limit: int) -> Call[tuple[str, list[Letter]]]:
    """Dead letters, newest first, of an owner's tasks ("" for all), and the cursor; looks at 2,000 of them at most."""
    return Call("letters", (0, "", owner, cursor, limit, 2_000), replies.letters, again=True)


def letter(owner: str, id: str) -> Call[Letter | None]:
    """A dead letter of an owner's tasks ("" for all); None when there is none."""
    return Call("letter", (0, "", owner, id), lambda reply: replies.letter(id, reply) if reply else None, again=True)


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
    return Call("spans", (0, "", task, limit), lambda reply: legible(replies.span, reply), again=True)


# ── words that several verbs say ──


def _outcomes(done: Sequence[Done], consumer: str, share: int) -> tuple[Word, ...]:
    words: list[Word] = [share, consumer]
    for d in done:
        words += (d.job.token, d.job.task, d.job.name, d.child, d.ran_ms, d.value)
    return tuple(words)


def _wanted(wanted: Wanted, cursor: str, limit: int, form: str) -> tuple[Word, ...]:
    w = wanted
    fields = (w.states, w.kinds, w.owners, w.batches, w.errors)
    traits = msgspec.json.encode(w.traits).decode() if w.traits else ""
    return (0, "", *map(_words, fields), cursor, limit, form, w.oldest, traits)


def _words(values: Sequence[str]) -> str:
    """As a script gets them: JSON, for an owner's name may be any."""
    return msgspec.json.encode(values).decode() if values else ""
