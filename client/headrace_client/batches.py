"""Many tasks at once: each verb once, for both clients, as in verbs.py."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import chain, product, repeat
from time import monotonic
from typing import Any, TypeVar, Unpack
from urllib.parse import urlencode

from headrace_client import errors
from headrace_client.asking import Asker, Request, Story, Stream, ask, encode, fresh_key, get, post, told, why
from headrace_client.bar import Bar
from headrace_client.errors import Expired, Refused, StillRunning
from headrace_client.records import FINAL, Batch, Item, Items, Options, Told, trouble

T = TypeVar("T")
NDJSON = {"Content-Type": "application/x-ndjson"}
FULL = ("backlog_full", "quota_full")  # of a line: later there may be room
FIRST_LOOK_S, LONGEST_LOOK_S = 0.05, 1.0  # between two looks at a batch,
READING = 4  # and at least so many times as long as it took to read its results
GONE = {"code": "task_expired", "detail": "The record of this line's task is gone."}
UNTOLD = {
    "code": "batch_rejected",
    "detail": "The line became no task. (What is wrong is told of the first lines; and a record may be gone since.)",
}


def batch(
    me: Asker,
    lines: Iterable[Mapping[str, Any]],
    *,
    label: str = "",
    atomic: bool = False,
    idempotency_key: str = "",
    patience_s: float | None = None,
) -> Story[Batch]:
    """Submit many tasks at once: each line is what POST /tasks takes. What finds no room is sent again until it does.

    With an `idempotency_key` of your own the same lines are the same batch, in another process, too.
    """
    until = me.until(patience_s)
    named = [{"custom_id": f"{index}", **line} for index, line in enumerate(lines)]
    query = urlencode({"atomic": str(atomic).lower()} | ({"label": label} if label else {}))
    body = b"\n".join(encode(line, f"$[{index}]") for index, line in enumerate(named))
    headers = NDJSON | {"Idempotency-Key": idempotency_key or fresh_key()}
    accepted = yield from _with_room(me, Request("POST", f"/tasks/batch?{query}", body, headers), until)
    rejected = [
        _item(each.line - 1, named, None, errors.of(429 if each.code in FULL else 422, each))
        for each in accepted.rejected
    ]
    return Batch(accepted.batch_id, label, named, rejected, accepted.rejected_count - len(rejected))


def map_over(
    me: Asker,
    kind: str,
    data: Iterable[Mapping[str, Any]],
    *,
    batch_label: str = "",
    idempotency_key: str = "",
    **options: Unpack[Options],
) -> Story[Batch]:
    """Submit one calculation of many data: a batch, at once. `gather` or `as_completed` waits for it."""
    lines = [{"kind": kind, "data": each, **options} for each in data]
    return (yield from batch(me, lines, label=batch_label, idempotency_key=idempotency_key))


def grid(
    me: Asker,
    kind: str,
    data: Mapping[str, Any],
    values: Mapping[str, Iterable[Any]],
    *,
    batch_label: str = "",
    **options: Unpack[Options],
) -> Story[Batch]:
    """The same for each combination of the values of some fields; `data` says the others."""
    points = [dict(zip(values, chosen, strict=True)) for chosen in product(*values.values())]
    return (yield from map_over(me, kind, [{**data, **point} for point in points], batch_label=batch_label, **options))


def as_completed(me: Asker, batch: Batch, *, patience_s: float | None = None, progress: bool = False) -> Stream[Item]:
    """What becomes of each line, as soon as it is known. Raises StillRunning when patience is over."""
    until, bar = me.until(patience_s), Bar(batch.label or "batch") if progress else None
    left = {*range(len(batch.lines))} - {item.index for item in batch.rejected}
    tasks = {batch.lines[index]["custom_id"]: index for index in sorted(left, reverse=True)}  # of one name the first
    yield from batch.rejected
    failed, ended, pause_s = len(batch.rejected), 0, FIRST_LOOK_S
    while True:
        counts = yield from get(me, f"/batches/{batch.id}", pause_s, until)
        before, ended, began = ended, sum(counts.states[state] for state in FINAL), monotonic()
        found = (yield from _ended(me, batch, tasks, until)) if ended > before else []
        pause_s = max(min(2 * pause_s, LONGEST_LOOK_S), READING * (monotonic() - began))
        left -= {item.index for item in found}
        failed += sum(item.error is not None for item in found)
        if bar:
            bar.show(len(batch.lines) - len(left), len(batch.lines), f"{failed} failed" if failed else "")
        yield from found
        if counts.finished:
            break
        if monotonic() > until:
            detail = f"{len(left)} tasks of batch {batch.id} have not ended. They go on; wait again."
            raise StillRunning({"code": "still_running", "detail": detail})
    error = Refused(UNTOLD) if batch.untold else Expired(GONE)
    yield from (_item(index, batch.lines, None, error) for index in sorted(left))


def gather(me: Asker, batch: Batch, *, patience_s: float | None = None, progress: bool = False) -> Story[Items]:
    """Wait for a batch: what became of every line, in their order."""
    found = yield from _all(as_completed(me, batch, patience_s=patience_s, progress=progress))
    return Items(sorted(found, key=lambda item: item.index))


def cancel_batch(me: Asker, batch: Batch, reason: str = "") -> Story[Told]:
    """Give up all of its tasks that have not ended; how many are in each state now."""
    return Told((yield from post(me, f"/batches/{batch.id}/cancel", why(reason))))


# ── pieces ──


def _with_room(me: Asker, request: Request, until: float) -> Story[Any]:
    """Send a batch, and the whole of it again while lines find no room: with its key none becomes a task twice."""
    for pause_s in chain((1.0, 2.0), repeat(4.0)):
        accepted = yield from told(me, request, until)
        if not any(each.code in FULL for each in accepted.rejected) or monotonic() + pause_s > until:
            return accepted
        request = replace(request, after_s=pause_s)


def _ended(me: Asker, batch: Batch, tasks: dict[str, int], until: float) -> Story[list[Item]]:
    """Of these tasks (custom_id → line) those that have ended; they are taken out."""
    answer = yield from ask(me, Request("GET", f"/batches/{batch.id}/results?format=ndjson"), until)
    ended = [line for line in map(me.read, answer.content.splitlines()) if line.custom_id in tasks]
    return [_item(tasks.pop(line.custom_id), batch.lines, line, trouble(line)) for line in ended]


def _all(stream: Stream[T]) -> Story[list[T]]:
    """Everything that a stream finds."""
    found: list[T] = []
    answer: Any = None
    while True:
        try:
            step = stream.send(answer)
        except StopIteration:
            return found
        answer = (yield step) if isinstance(step, Request) else None
        if not isinstance(step, Request):
            found.append(step)


def _item(index: int, lines: Sequence[Mapping[str, Any]], ended: Any, error: errors.HeadraceError | None) -> Item:
    task_id, result = (ended.task_id, ended.result) if ended else ("", None)
    return Item(index, lines[index]["custom_id"], lines[index].get("data", {}), task_id, result, error)
