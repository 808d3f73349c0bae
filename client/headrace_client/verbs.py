"""What can be asked of Headrace: each verb once, for both clients. (Those of batches are in batches.py.)"""

from collections.abc import Mapping
from time import monotonic
from typing import Any, Unpack
from urllib.parse import urlencode

from headrace_client.asking import (
    JSON,
    Asker,
    Request,
    Story,
    Stream,
    ask,
    encode,
    fresh_key,
    get,
    post,
    segment,
    told,
    waiting,
    why,
)
from headrace_client.bar import Bar
from headrace_client.records import FINAL, Options, Priority, State, Task, Told, trouble

TaskId = str | Task
POLL_S = 25.0  # how long one question waits at the server,
WATCH_S = 1.0  # and how long when somebody watches the progress
EARLY_S = 0.2  # a wait that ends sooner without an end is not repeated at once: the gateway is stopping


# ── one task ──


def submit(
    me: Asker, kind: str, data: Mapping[str, Any], *, idempotency_key: str = "", **options: Unpack[Options]
) -> Story[Task]:
    """Submit a task. It is safe: whatever is sent again, because an answer was lost, makes one task."""
    request = _submission("/tasks", kind, data, idempotency_key, options)
    return Task((yield from told(me, request, me.until(None))))


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
    task = Task((yield from told(me, waiting(request, until, POLL_S), until)))
    if task.state not in FINAL or "result" not in task:
        task = yield from wait(me, task, patience_s=max(0.0, until - monotonic()))
    return task.outcome()


def look(me: Asker, task: TaskId) -> Story[Task]:
    """The task as it is now."""
    return Task((yield from get(me, f"/tasks/{id_of(task)}")))


def wait(me: Asker, task: TaskId, *, patience_s: float | None = None, progress: bool = False) -> Story[Task]:
    """The task when it has ended, however it did. Raises StillRunning when patience is over."""
    until, id = me.until(patience_s), id_of(task)
    bar = Bar(f"task {id}") if progress else None
    request = Request("GET", f"/tasks/{id}")
    while True:
        asked_at = monotonic()
        question = waiting(request, until, WATCH_S if bar else POLL_S)
        seen = Task((yield from told(me, question, until + 1)))
        if bar:
            bar.show(seen.progress.done, seen.progress.parts, seen.state)
        if seen.ended:
            return seen
        if monotonic() >= until:
            raise trouble(seen) or AssertionError
        request = Request("GET", request.path, after_s=EARLY_S if monotonic() - asked_at < EARLY_S else 0.0)


def result(me: Asker, task: TaskId, *, patience_s: float | None = None) -> Story[Any]:
    """Wait for a task: its result. Raises as `run` does."""
    return (yield from wait(me, task, patience_s=patience_s)).outcome()


def cancel(me: Asker, task: TaskId, reason: str = "") -> Story[Task]:
    """Give a task up. Again is fine; Conflict when it has succeeded or failed."""
    return Task((yield from post(me, f"/tasks/{id_of(task)}/cancel", why(reason))))


def retry(me: Asker, task: TaskId) -> Story[Task]:
    """A new task with the data and seed of one that failed or was cancelled."""
    return Task((yield from post(me, f"/tasks/{id_of(task)}/retry", key=fresh_key())))


def rerun(me: Asker, task: TaskId) -> Story[Task]:
    """A new task with the data and seed of one that succeeded; its `rerun` will say whether the bits are the same."""
    return Task((yield from post(me, f"/tasks/{id_of(task)}/rerun", key=fresh_key())))


def validate(me: Asker, kind: str, data: Mapping[str, Any], **options: Unpack[Options]) -> Story[Told]:
    """What a submission would say: the data complete, the cost, or InvalidData. Nothing is submitted."""
    request = _submission("/tasks/validate", kind, data, "", options)
    return Told((yield from told(me, request, me.until(None))))


def tasks(me: Asker, *, state: State | None = None, kind: str = "", page: int = 50) -> Stream[Task]:
    """Tasks, newest first, without their results; further pages are fetched when they are needed."""
    asked = {"limit": str(page)} | ({"state": state} if state else {}) | ({"kind": kind} if kind else {})
    path: str | None = f"/tasks?{urlencode(asked)}"
    while path:
        found = yield from get(me, path)
        for each in found.tasks:
            yield Task(each)
        path = found.next


# ── kinds, and what operators do ──


def kinds(me: Asker) -> Story[list[Told]]:
    """Every kind, with data that work as they stand."""
    return list((yield from get(me, "/kinds")).kinds)


def kind(me: Asker, name: str) -> Story[Told]:
    """A kind with the JSON Schema of its data; also by alias."""
    return Told((yield from get(me, f"/kinds/{segment(name)}")))


def queues(me: Asker) -> Story[list[Told]]:
    """The three priorities: what waits, what is held, who paused them."""
    return list((yield from get(me, "/queues")).queues)


def queue(me: Asker, priority: Priority) -> Story[Told]:
    """One of them."""
    return Told((yield from get(me, f"/queues/{segment(priority)}")))


def pause(me: Asker, priority: Priority, reason: str) -> Story[list[Told]]:
    """Let nothing of a priority be taken; what runs goes on."""
    return list((yield from post(me, f"/queues/{segment(priority)}/pause", {"reason": reason})).queues)


def resume(me: Asker, priority: Priority) -> Story[list[Told]]:
    """Take it again."""
    return list((yield from post(me, f"/queues/{segment(priority)}/resume")).queues)


def workers(me: Asker) -> Story[list[Told]]:
    """The consumers that live, and what each child computes."""
    return list((yield from get(me, "/workers")).workers)


def dead_letters(me: Asker) -> Stream[Told]:
    """Jobs that were given up, newest first."""
    path: str | None = "/dead-letters"
    while path:
        found = yield from get(me, path)
        yield from found.letters
        path = f"/dead-letters?cursor={found.cursor}" if found.cursor else None


def retry_dead_letter(me: Asker, letter_id: str) -> Story[Task]:
    """A new task, its owner's, with the data and seed of the one whose job was given up; the letter is removed."""
    return Task((yield from post(me, f"/dead-letters/{segment(letter_id)}/retry", key=fresh_key())))


def remove_dead_letter(me: Asker, letter_id: str) -> Story[None]:
    """It has been dealt with."""
    yield from ask(me, Request("DELETE", f"/dead-letters/{segment(letter_id)}"), me.until(None))


# ── pieces ──


def _submission(path: str, kind: str, data: Mapping[str, Any], key: str, options: Options) -> Request:
    """A request that may be sent again. With `cache` equal calculations are one, and a key would forbid that."""
    reuses = options.get("cache") == "use" and not {"deadline_s", "delay_s", "run_at"} & options.keys()
    key = key or ("" if reuses else fresh_key())
    body = encode({"kind": kind, "data": data, **options})
    return Request("POST", path, body, JSON | ({"Idempotency-Key": key} if key else {}))


def id_of(task: TaskId) -> str:
    """As a piece of a path."""
    return segment(task if isinstance(task, str) else task.task_id)
