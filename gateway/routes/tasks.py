"""Tasks: submit, look, list, cancel.

    POST /tasks ─read─▶ envelope ─plan─▶ complete data, parts ─submit.lua─▶ 202   (or wait ─▶ 200)

These are the hot routes: plain Starlette routes, nothing between the request and the store but what is needed.
"""

import hashlib
import secrets
from functools import partial

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from calc import execute
from calc.errors import CalcError
from gateway import answers, bodies, limits, queries, waiting
from gateway.desk import OWNER, Desk
from gateway.problems import Problem, of_calculation
from gateway.waiting import Wait
from pipeline import log, verbs
from pipeline.errors import StoreAway
from pipeline.record import FINAL, NewTask, State, Submitted, Task

SEEDS = 2**53  # every JSON reader keeps an integer below this exactly
UNKNOWN = "No task with this id was ever accepted here."
LOG = log.get()


async def submit(request: Request) -> Response:
    """POST /tasks: 202 when the task is in the store, 200 when it was waited for and has ended."""
    desk: Desk = request.app.state.desk
    queries.only(request, ("wait",))
    wait = waiting.asked(request, desk.settings.wait_limit_s)
    desk.refuse_when_full()
    task = await _asked(request, desk)
    submitted = await desk.gather.submit(task)
    if submitted.outcome == "mismatch":
        detail = f"This key made task {submitted.id} from another request."
        raise Problem("idempotency_mismatch", detail, task_id=submitted.id)
    if submitted.outcome == "full":
        raise limits.backlog_full(task.priority, desk.settings.backlog_limit, desk.drained)
    if submitted.id != task.id:
        return await _replayed(request, desk, submitted.id, wait)
    desk.lines.submitted(task)
    return await _accepted(request, desk, task, submitted, wait)


async def look(request: Request) -> Response:
    """GET /tasks/{task_id}: the task, at once or when it has ended."""
    desk: Desk = request.app.state.desk
    task, wait = await _asked_for(request, desk)
    return answers.task(task, desk.now_ms(), wait.headers())


async def result(request: Request) -> Response:
    """GET /tasks/{task_id}/result: nothing but the result."""
    desk: Desk = request.app.state.desk
    task, wait = await _asked_for(request, desk)
    if task.state == "failed":
        failure = answers.failure(task)
        raise Problem("task_failed", failure.message if failure else "", task_id=task.id, error=failure)
    if task.state == "cancelled":
        raise Problem("task_cancelled", "The task was cancelled before it had a result.", task_id=task.id)
    return answers.result(task, desk.now_ms(), wait.headers())


async def index(request: Request) -> Response:
    """GET /tasks: newest first."""
    desk: Desk = request.app.state.desk
    asked = queries.task_filter(request)
    page = await desk.store.do(
        verbs.page(state=asked.state, kind=asked.kind, owner=OWNER, cursor=asked.cursor, limit=asked.limit)
    )
    next_link = f"/tasks?{asked.query(page.cursor)}" if page.cursor else ""
    return answers.page(page.tasks, page.cursor, next_link, desk.now_ms())


async def cancel(request: Request) -> Response:
    """POST /tasks/{task_id}/cancel: give the task up. Again is fine; what has succeeded or failed stays so (I4)."""
    desk: Desk = request.app.state.desk
    queries.only(request, ())
    id = _id(request)
    outcome = await desk.store.do(verbs.cancel(id, desk.share))
    if outcome in ("succeeded", "failed"):
        raise Problem("already_final", f"The task has {outcome} already.", task_id=id)
    if outcome == "ok":
        LOG.info("task.cancelled", task_id=id, request_id=request.state.request_id)
    return answers.task(await _found(request, desk, id, 0), desk.now_ms())


ROUTES = [
    Route("/tasks", submit, methods=["POST"]),
    Route("/tasks/{task_id}", look, methods=["GET"]),
    Route("/tasks/{task_id}/result", result, methods=["GET"]),
    Route("/tasks", index, methods=["GET"]),
    Route("/tasks/{task_id}/cancel", cancel, methods=["POST"]),
]


# ── a submission ──


async def _asked(request: Request, desk: Desk) -> NewTask:
    """The task that a request asks for. Only so many bytes of large bodies are here at a time."""
    limit = desk.settings.body_limit_bytes
    with desk.crowd.room(bodies.length(request, limit)):
        body = await bodies.read(request, limit)
        make = partial(_new_task, request, desk, await desk.mint(), body)
        return make() if len(body) <= limits.LARGE else await desk.aside(make)


def _new_task(request: Request, desk: Desk, id: str, body: bytes) -> NewTask:
    """The task that a body asks for, complete: planned, with defaults and seed in its data."""
    asked = bodies.envelope(body)
    try:
        planned = execute.plan(asked.kind, bytes(asked.data), secrets.randbelow(SEEDS))
    except CalcError as wrong:
        raise of_calculation(wrong) from None
    key = bodies.key(request, asked, planned.kind, body)
    return NewTask(
        id=id,
        kind=planned.kind,
        data=planned.data,
        parts=planned.parts,
        first_wave=planned.first_wave,
        largest_wave=planned.largest_wave,
        window=desk.window,
        versions=answers.versions_text(planned.version, log.VERSION),
        sha256=hashlib.sha256(planned.kind.encode() + b"\n" + planned.data).hexdigest(),
        owner=OWNER,
        priority=asked.priority,
        seed=planned.seed,
        label=asked.label,
        request_id=request.state.request_id,
        traceparent=request.state.traceparent,
        not_before_ms=bodies.not_before_ms(asked, desk.now_ms()),
        time_limit_s=bodies.time_limit_s(asked, desk.settings),
        result_ttl_s=asked.result_ttl_s or desk.settings.result_ttl_s,
        same_key=key.name,
        same_sha=key.sha256,
        same_ttl_s=key.ttl_s,
    )


async def _accepted(request: Request, desk: Desk, task: NewTask, submitted: Submitted, wait: Wait) -> Response:
    """The answer to a new task. It is in the store: whatever happens while waiting, that is at least 202."""
    if wait.seconds:
        try:
            known = await desk.settled(task.id, wait.seconds, request)
        except StoreAway:
            known = None
        if known and known.state in FINAL:
            return answers.task(known, desk.now_ms(), wait.headers())
    state: State = "scheduled" if task.not_before_ms > submitted.at_ms else "queued"
    return answers.accepted(task.id, task.kind, state, task.priority, task.label, submitted.at_ms)


async def _replayed(request: Request, desk: Desk, id: str, wait: Wait) -> Response:
    """The answer to a submission that was made before: the task of then, with its state of now."""
    task = await _found(request, desk, id, wait.seconds)  # a key can outlive its task: then 410
    headers = {"Idempotent-Replayed": "true"}
    if wait.seconds and task.state in FINAL:
        return answers.task(task, desk.now_ms(), headers | wait.headers())
    return answers.accepted(task.id, task.kind, task.state, task.priority, task.label, task.submitted_at, headers)


# ── a task that is there, or not ──


async def _asked_for(request: Request, desk: Desk) -> tuple[Task, Wait]:
    queries.only(request, ("wait",))
    wait = waiting.asked(request, desk.settings.wait_limit_s)
    return await _found(request, desk, _id(request), wait.seconds), wait


def _id(request: Request) -> str:
    """The id in the path. One that is none never reaches the store, where it could spell another key."""
    id: str = request.path_params["task_id"]
    if not queries.TASK_ID.fullmatch(id):
        raise Problem("unknown_task", UNKNOWN)
    return id


async def _found(request: Request, desk: Desk, id: str, wait_s: float) -> Task:
    """The task, or a Problem: 410 for an id that was ours, 404 for any other."""
    task = await desk.settled(id, wait_s, request)
    if task is not None:
        return task
    if await desk.was_ours(id):
        raise Problem("task_expired", "The record of this task was removed when its time was over.", task_id=id)
    raise Problem("unknown_task", UNKNOWN)
