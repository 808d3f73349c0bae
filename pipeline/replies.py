"""How the replies of the scripts are read: one function a shape, with the name of what it makes.

No reader fails for what a hand has written with redis-cli: a value that cannot be read is as if it had not been given,
a row is left out (pipeline.legible).
"""

import math
from functools import partial
from typing import Any, cast

import msgspec
from msgspec import structs

from pipeline import ids
from pipeline.keys import PRIORITIES
from pipeline.legible import legible, one, text
from pipeline.record import (
    FINAL,
    STATES,
    Batch,
    Beat,
    Child,
    Ended,
    Job,
    Letter,
    Page,
    Pause,
    Priority,
    Queue,
    Reaped,
    State,
    Submitted,
    Taken,
    Tally,
    Task,
    Wave,
)

END_OF_TIME = 253_402_300_799_999  # ms since 1970: the last that a date of four digits can say


def _number(reply: bytes | None) -> int | None:
    """None also for what is no number, which only a hand can have written."""
    return one(int, reply)


def _time(reply: bytes | None) -> int | None:
    """Milliseconds since 1970. None also for what no date can say."""
    found = _number(reply)
    return found if found is not None and 0 <= found <= END_OF_TIME else None


def _date(reply: bytes | None) -> int:
    """Raises ValueError for what is none."""
    found = _time(reply)
    if found is None:
        raise ValueError(f"no date: {reply!r}")
    return found


def _after(at: int | None, before: int) -> int | None:
    return None if at is None else max(at, before)


def held(reply: list[bytes]) -> list[bool]:
    """Which outcomes counted: of the others the caller did not hold the job any more."""
    return [word == b"ok" for word in reply]


def submitted(ids: list[str], reply: list[Any]) -> list[Submitted]:
    """What became of each task of a call. The id is another one where an equal task was there before."""
    at_ms = int(reply[0])
    told = [
        (said, id) if isinstance(said, bytes) else (said[0], text(said[1]))
        for said, id in zip(reply[1:], ids, strict=True)
    ]
    return [Submitted(cast(Any, text(outcome)), id, at_ms) for outcome, id in told]


_WHOLE: tuple[Any, ...] = (b"", b"", b"p0", 1, 1, 0)  # of request_id and on


def job(row: list[Any], now: int) -> Job:
    """A held job, from its row; `now` is the store's clock, ms since 1970."""
    # A task of one part in its first attempt says no more than the first six, or eight.
    token, task, kind, owner, data, limit, *more = row
    request_id, trace, name, parts, attempt, interruptions = tuple(more) + _WHOLE[len(more) :]
    put_at = token[token.index(b"/") + 1 : token.index(b"-")]
    return Job(
        token=text(token),
        task=text(task),
        name=text(name),
        parts=int(parts),
        kind=text(kind),
        owner=text(owner),
        attempt=int(attempt),
        interruptions=int(interruptions),
        data=data,
        time_limit_s=_limit_s(limit),
        waited_ms=max(now - int(put_at), 0),
        request_id=text(request_id),
        traceparent=text(trace),
    )


def _limit_s(limit: bytes | None) -> float:
    """How long a job may run. Where a hand has taken that away it has none of its own: then its task's holds."""
    for told in legible(float, [limit or b""]):
        if told > 0:
            return told
    return math.inf


def jobs(reply: list[Any]) -> list[Job]:
    """Jobs, after the clock."""
    return [job(row, reply[0]) for row in reply[1]]


def taken(reply: list[Any]) -> Taken:
    """What a take brought: jobs, where to listen when there were none, and how many stood there."""
    return Taken(jobs(reply), [text(id) for id in reply[2]], reply[3])


def reaped(row: list[Any]) -> Reaped:
    """A job whose lease had run out, and what became of it."""
    task, job, kind, owner, consumer, attempts, interruptions, outcome, request_id, traceparent = row
    names = (text(task), text(job), text(kind), text(owner), text(consumer))
    return Reaped(*names, int(attempts), int(interruptions), text(outcome), text(request_id), text(traceparent))


def wave(reply: Any) -> Wave | None:
    """What a reduce job folds; None when the caller does not hold it."""
    if reply is None:
        return None
    accumulator, last, partials = reply
    return Wave(accumulator or None, partials, last == b"last")


def page(reply: list[Any]) -> Page:
    """One page of a list; of a result only its head is there."""
    cursor, rows = reply
    return Page(legible(lambda row: _listed(task(row)), rows), text(cursor))


def _listed(task: Task) -> Task:
    return structs.replace(task, result=None, head=task.result or b"")


def batch(id: str, reply: list[Any]) -> Batch:
    """A batch and how many of its tasks are in each state."""
    owner, label, created_at, lines, rejected, accepted, webhook, *counted = reply
    states = cast(dict[State, int], dict(zip(STATES, counted, strict=True)))
    taken = _number(accepted) or sum(counted)  # what a hand has written and cannot be read follows from the rest
    refused = _number(rejected) or 0
    told = (_time(created_at) or ids.minted_at(id), _number(lines) or taken + refused, refused, taken)
    return Batch(id, text(owner), text(label), *told, text(webhook or b""), states)


def ended(reply: list[Any]) -> tuple[str, list[Ended]]:
    """Tasks of a batch that have ended, and where to go on."""
    cursor, rows = reply
    return text(cursor), [
        Ended(text(id), text(custom_id), text(kind), cast(State, text(state)), result, error)
        for id, custom_id, kind, state, result, error in rows
    ]


def queue(row: list[Any]) -> Queue:
    """A priority's queue: how much waits and is held, and who paused it."""
    priority, waiting, held, oldest, paused = row
    return Queue(cast(Priority, text(priority)), int(waiting), int(held), _number(oldest), one(_pause, paused))


def _pause(told: bytes) -> Pause:
    """Who paused a priority. It is paused whatever stands there."""
    try:
        return msgspec.json.decode(told, type=Pause)
    except msgspec.MsgspecError:
        return Pause(by="?", reason=text(told)[:200], at=0)


def letters(reply: list[Any]) -> tuple[str, list[Letter]]:
    """A page of dead letters, and where to go on."""
    cursor, entries = reply
    return text(cursor), legible(lambda entry: letter(text(entry[0]), entry[1]), entries)


def letter(id: str, words: list[Any]) -> Letter:
    """A dead letter. Raises ValueError for what nobody of ours has written."""
    told = {text(k): text(v) for k, v in zip(words[::2], words[1::2], strict=False)}
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


def beat(row: list[Any]) -> Beat:
    """What a consumer last said of itself. Raises KeyError or ValueError for what no consumer says."""
    name, pairs = row
    fields = {text(k): v for k, v in zip(pairs[::2], pairs[1::2], strict=True)}
    return Beat(
        name=text(name),
        host=text(fields["host"]),
        pid=int(fields["pid"]),
        version=text(fields["version"]),
        started_at=_date(fields["started_at"]),
        beat_at=_date(fields["beat_at"]),
        children=[_child(fields[f"child:{n}"]) for n in range(int(fields["children"]))],
        figures=_object(fields.get("figures"), Tally) or Tally(),
        draining=fields.get("draining") == b"1",
        skew_ms=int(fields.get("skew_ms", 0)),
        kinds=text(fields.get("kinds", b"")).split(),
    )


_child = msgspec.json.Decoder(Child).decode


def depth(reply: list[list[Any]]) -> dict[str, tuple[int, int]]:
    """By priority: how many jobs wait, and how many are held."""
    return {text(priority): (int(waiting), int(held)) for priority, waiting, held in reply}


def figures(reply: list[Any]) -> tuple[int, int]:
    """Dead letters that are kept; and how far behind the newest event the audit is, in ms (-1: there is no audit)."""
    dead, newest, read = reply
    times = legible(lambda id: int(id.partition(b"-")[0]), (newest, read))
    return int(dead), max(0, times[0] - times[1]) if len(times) == 2 else -1


def minutes(reply: list[Any]) -> dict[str, dict[str, int]]:
    """The counters of each minute."""
    return {text(name): dict(legible(_counter, zip(f[::2], f[1::2], strict=True))) for name, f in reply}


def _counter(pair: tuple[bytes, bytes]) -> tuple[str, int]:
    return text(pair[0]), int(pair[1])


def span(row: list[Any]) -> dict[str, Any]:
    """When and where one job was computed."""
    consumer, job, about = map(text, row)
    child, started_at, ran_ms, outcome = about.split(" ")
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


def origin(reply: list[bytes] | None) -> tuple[bytes, float, int] | None:
    """The complete data, time_limit_s and result_ttl_s of a task."""
    return one(lambda v: (v[0], float(v[1]), int(v[2])), reply)


# The order in which scripts/pieces/record.lua names the fields; task.lua and page.lua name one more. Redis' clock may
# have jumped back between two of its times (I15): what follows is never shown before what it follows. What a hand has
# written and cannot be read is as if it had not been given; the id still knows when the task was submitted.
def task(row: list[Any]) -> Task:
    """A record as record.lua answers it."""
    id, state, kind, owner, priority, parts, done, submitted, started, finished, ttl, not_before, *rest = row
    attempts, interruptions, label, batch, request_id, seed, versions, sha256, consumer, *rest = rest
    custom_id, metadata, rerun_of, rerun_sha256, estimated, stopped, estimate, result, error, webhook, job, *more = rest
    submitted_at = _time(submitted) or ids.minted_at(text(id))
    started_at, finished_at = _after(_time(started), submitted_at), _time(finished)
    expires_at = min(finished_at + (_number(ttl) or 86_400) * 1000, END_OF_TIME) if finished_at else None
    finished_at = _after(finished_at, started_at or submitted_at)
    name = cast(State, text(state))
    of = max(1, _number(parts) or 1)
    return Task(
        id=text(id),
        state=name,
        kind=text(kind),
        owner=text(owner),
        priority=cast(Priority, text(priority)) if text(priority) in PRIORITIES else "medium",
        parts=of,
        done=min(of, max(0, _number(done) or (1 if name == "succeeded" else 0))),
        submitted_at=submitted_at,
        started_at=started_at,
        finished_at=finished_at,
        expires_at=_after(expires_at, finished_at or 0) if name in FINAL else None,
        not_before=_time(not_before),
        attempts=_number(attempts) or 0,
        interruptions=_number(interruptions) or 0,
        label=text(label or b""),
        batch=text(batch or b""),
        request_id=text(request_id or b""),
        seed=_number(seed),
        versions=_object(versions) or {},
        sha256=text(sha256),
        consumer=text(consumer or b""),
        custom_id=text(custom_id or b""),
        metadata=_object(metadata, dict[str, str]) or {},
        rerun_of=text(rerun_of or b""),
        rerun_sha256=text(rerun_sha256 or b""),
        estimated=_object(estimated),
        stopped_at=_time(stopped),
        estimate=_object(estimate),
        result=result,
        error=_object(error),
        webhook=text(webhook or b"").removeprefix("batch").strip(),
        pauses=b"/later " in (job or b""),
        cancel_reason=text(more[0] or b"") if more else "",
    )
