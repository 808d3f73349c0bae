"""What can be asked of Headrace: each verb once, for both clients."""

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import chain, product, repeat
from time import monotonic
from typing import Any, TypeVar, Unpack
from urllib.parse import quote, urlencode

from headrace_client import errors
from headrace_client.asking import Asker, Request, Story, Stream, ask, encode, waiting
from headrace_client.bar import Bar
from headrace_client.errors import Expired, StillRunning
from headrace_client.records import (
    FINAL,
    Batch,
    Item,
    Items,
    Options,
    Priority,
    State,
    Task,
    Told,
    trouble,
)

T = TypeVar("T")
TaskId = str | Task
JSON, NDJSON = {"Content-Type": "application/json"}, {"Content-Type": "application/x-ndjson"}
POLL_S = 25.0  # how long one question waits at the server,
WATCH_S = 1.0  # and how long when somebody watches the progress
EARLY_S = 0.2  # a wait that ends sooner without an end is not repeated at once: the gateway is stopping
FULL = ("backlog_full", "quota_full")  # of a line: later there may be room
FIRST_LOOK_S, LONGEST_LOOK_S = 0.05, 1.0  # between two looks at a batch,
READING = 4  # and at least so many times as long as it took to read its results
GONE = {"code": "task_expired", "detail": "The record of this line's task is gone."}


# ── one task ──


def submit(
    me: Asker, kind: str, data: Mapping[str, Any], *, idempotency_key: str = "", **options: Unpack[Options]
) -> Story[Task]:
    """Submit a task. It is safe: whatever is sent again, because an answer was lost, makes one task."""
    request = _submission("/tasks", kind, data, idempotency_key, options)
    return Task(me.read((yield from ask(me, request, me.until(None))).content))


def run(
    me: Asker,
    kind: str,
    data: Mapping[str, Any],
    *,
    idempotency_key: str = "",
    patience_s: float | None = None,
    **options: Unpack[Options],
) -> Story[Any]:
    """Submit a task and wait: its result. Raises TaskFailed, TaskCancelled; StillRunning when patience is over."""
    until = me.until(patience_s)
    request = _submission("/tasks", kind, data, idempotency_key, options)
    told = Task(me.read((yield from ask(me, waiting(request, until, POLL_S), until)).content))
    if told.state not in FINAL or "result" not in told:
        told = yield from wait(me, told, patience_s=max(0.0, until - monotonic()))
    return told.outcome()


def look(me: Asker, task: TaskId) -> Story[Task]:
    """The task as it is now."""
    return Task((yield from _get(me, f"/tasks/{id_of(task)}")))


def wait(me: Asker, task: TaskId, *, patience_s: float | None = None, progress: bool = False) -> Story[Task]:
    """The task when it has ended, however it did. Raises StillRunning when patience is over."""
    until, id = me.until(patience_s), id_of(task)
    bar = Bar(f"task {id}") if progress else None
    request = Request("GET", f"/tasks/{id}")
    while True:
        asked_at = monotonic()
        question = waiting(request, until, WATCH_S if bar else POLL_S)
        told = Task(me.read((yield from ask(me, question, until + 1)).content))
        if bar:
            bar.show(told.progress.done, told.progress.parts, told.state)
        if told.ended:
            return told
        if monotonic() >= until:
            raise trouble(told) or AssertionError
        request = Request("GET", request.path, after_s=EARLY_S if monotonic() - asked_at < EARLY_S else 0.0)


def result(me: Asker, task: TaskId, *, patience_s: float | None = None) -> Story[Any]:
    """Wait for a task: its result. Raises as `run` does."""
    return (yield from wait(me, task, patience_s=patience_s)).outcome()


def cancel(me: Asker, task: TaskId, reason: str = "") -> Story[Task]:
    """Give a task up. Again is fine; Conflict when it has succeeded or failed."""
    return Task((yield from _post(me, f"/tasks/{id_of(task)}/cancel", _why(reason))))


def retry(me: Asker, task: TaskId) -> Story[Task]:
    """A new task with the data and seed of one that failed or was cancelled."""
    return Task((yield from _post(me, f"/tasks/{id_of(task)}/retry", key=_key())))


def rerun(me: Asker, task: TaskId) -> Story[Task]:
    """A new task with the data and seed of one that succeeded; its `rerun` will say whether the bits are the same."""
    return Task((yield from _post(me, f"/tasks/{id_of(task)}/rerun", key=_key())))


def validate(me: Asker, kind: str, data: Mapping[str, Any], **options: Unpack[Options]) -> Story[Told]:
    """What a submission would say: the data complete, the cost, or InvalidData. Nothing is submitted."""
    request = _submission("/tasks/validate", kind, data, "", options)
    return Told(me.read((yield from ask(me, request, me.until(None))).content))


def tasks(me: Asker, *, state: State | None = None, kind: str = "", page: int = 50) -> Stream[Task]:
    """Tasks, newest first, without their results; further pages are fetched when they are needed."""
    asked = {"limit": str(page)} | ({"state": state} if state else {}) | ({"kind": kind} if kind else {})
    path: str | None = f"/tasks?{urlencode(asked)}"
    while path:
        told = yield from _get(me, path)
        for each in told.tasks:
            yield Task(each)
        path = told.next


# ── many tasks ──


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
    headers = NDJSON | {"Idempotency-Key": idempotency_key or _key()}
    told = yield from _with_room(me, Request("POST", f"/tasks/batch?{query}", body, headers), until)
    rejected = [
        _item(each.line - 1, named, None, errors.of(429 if each.code in FULL else 422, each)) for each in told.rejected
    ]
    return Batch(told.batch_id, label, named, rejected)


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
    unknown = {line["custom_id"]: index for index, line in enumerate(batch.lines)}
    for item in batch.rejected:
        del unknown[item.custom_id]
        yield item
    failed, ended, pause_s = len(batch.rejected), 0, FIRST_LOOK_S
    while True:
        told = yield from _get(me, f"/batches/{batch.id}", pause_s, until)
        before, ended, began = ended, sum(told.states[state] for state in FINAL), monotonic()
        found = (yield from _ended(me, batch, unknown, until)) if ended > before else []
        pause_s = max(min(2 * pause_s, LONGEST_LOOK_S), READING * (monotonic() - began))
        failed += sum(item.error is not None for item in found)
        if bar:
            bar.show(len(batch.lines) - len(unknown), len(batch.lines), f"{failed} failed" if failed else "")
        yield from found
        if told.finished:
            break
        if monotonic() > until:
            detail = f"{len(unknown)} tasks of batch {batch.id} have not ended. They go on; wait again."
            raise StillRunning({"code": "still_running", "detail": detail})
    yield from (_item(index, batch.lines, None, Expired(GONE)) for index in unknown.values())


def gather(me: Asker, batch: Batch, *, patience_s: float | None = None, progress: bool = False) -> Story[Items]:
    """Wait for a batch: what became of every line, in their order."""
    found = yield from _all(as_completed(me, batch, patience_s=patience_s, progress=progress))
    return Items(sorted(found, key=lambda item: item.index))


def cancel_batch(me: Asker, batch: Batch, reason: str = "") -> Story[Told]:
    """Give up all of its tasks that have not ended; how many are in each state now."""
    return Told((yield from _post(me, f"/batches/{batch.id}/cancel", _why(reason))))


# ── kinds, and what operators do ──


def kinds(me: Asker) -> Story[list[Told]]:
    """Every kind, with data that work as they stand."""
    return list((yield from _get(me, "/kinds")).kinds)


def kind(me: Asker, name: str) -> Story[Told]:
    """A kind with the JSON Schema of its data; also by alias."""
    return Told((yield from _get(me, f"/kinds/{_segment(name)}")))


def queues(me: Asker) -> Story[list[Told]]:
    """The three priorities: what waits, what is held, who paused them."""
    return list((yield from _get(me, "/queues")).queues)


def queue(me: Asker, priority: Priority) -> Story[Told]:
    """One of them."""
    return Told((yield from _get(me, f"/queues/{_segment(priority)}")))


def pause(me: Asker, priority: Priority, reason: str) -> Story[list[Told]]:
    """Let nothing of a priority be taken; what runs goes on."""
    return list((yield from _post(me, f"/queues/{_segment(priority)}/pause", {"reason": reason})).queues)


def resume(me: Asker, priority: Priority) -> Story[list[Told]]:
    """Take it again."""
    return list((yield from _post(me, f"/queues/{_segment(priority)}/resume")).queues)


def workers(me: Asker) -> Story[list[Told]]:
    """The consumers that live, and what each child computes."""
    return list((yield from _get(me, "/workers")).workers)


def dead_letters(me: Asker) -> Stream[Told]:
    """Jobs that were given up, newest first."""
    path: str | None = "/dead-letters"
    while path:
        told = yield from _get(me, path)
        yield from told.letters
        path = f"/dead-letters?cursor={told.cursor}" if told.cursor else None


def retry_dead_letter(me: Asker, letter_id: str) -> Story[Task]:
    """A new task, its owner's, with the data and seed of the one whose job was given up; the letter is removed."""
    return Task((yield from _post(me, f"/dead-letters/{_segment(letter_id)}/retry", key=_key())))


def remove_dead_letter(me: Asker, letter_id: str) -> Story[None]:
    """It has been dealt with."""
    yield from ask(me, Request("DELETE", f"/dead-letters/{_segment(letter_id)}"), me.until(None))


# ── pieces ──


def _get(me: Asker, path: str, after_s: float = 0.0, until: float | None = None) -> Story[Any]:
    request = Request("GET", path, after_s=after_s)
    return me.read((yield from ask(me, request, me.until(None) if until is None else until)).content)


def _post(me: Asker, path: str, body: object = None, key: str = "") -> Story[Any]:
    headers = (JSON if body else {}) | ({"Idempotency-Key": key} if key else {})
    request = Request("POST", path, encode(body) if body else None, headers)
    return me.read((yield from ask(me, request, me.until(None))).content)


def _why(reason: str) -> object:
    return {"reason": reason} if reason else None


def _submission(path: str, kind: str, data: Mapping[str, Any], key: str, options: Options) -> Request:
    """A request that may be sent again. With `cache` equal calculations are one, and a key would forbid that."""
    reuses = options.get("cache") == "use" and not {"deadline_s", "delay_s", "run_at"} & options.keys()
    key = key or ("" if reuses else _key())
    body = encode({"kind": kind, "data": data, **options})
    return Request("POST", path, body, JSON | ({"Idempotency-Key": key} if key else {}))


def _with_room(me: Asker, request: Request, until: float) -> Story[Any]:
    """Send a batch, and the whole of it again while lines find no room: with its key none becomes a task twice."""
    for pause_s in chain((1.0, 2.0), repeat(4.0)):
        told = me.read((yield from ask(me, request, until)).content)
        if not any(each.code in FULL for each in told.rejected) or monotonic() + pause_s > until:
            return told
        request = replace(request, after_s=pause_s)


def _ended(me: Asker, batch: Batch, unknown: dict[str, int], until: float) -> Story[list[Item]]:
    """The lines that have ended and were not known to; they are `unknown` no more."""
    answer = yield from ask(me, Request("GET", f"/batches/{batch.id}/results?format=ndjson"), until)
    ended = [line for line in map(me.read, answer.content.splitlines()) if line.custom_id in unknown]
    return [_item(unknown.pop(line.custom_id), batch.lines, line, trouble(line)) for line in ended]


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


def _item(index: int, lines: Sequence[Mapping[str, Any]], told: Any, error: errors.HeadraceError | None) -> Item:
    task_id, result = (told.task_id, told.result) if told else ("", None)
    return Item(index, lines[index]["custom_id"], lines[index].get("data", {}), task_id, result, error)


def id_of(task: TaskId) -> str:
    """As a piece of a path."""
    return _segment(task if isinstance(task, str) else task.task_id)


def _segment(text: str) -> str:
    """One piece of a path, whatever stands in it."""
    return quote(text, safe="")


def _key() -> str:
    return str(uuid.uuid4())
