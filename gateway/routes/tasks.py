"""Tasks: submit, look, list, cancel.

    POST /tasks ─read─▶ envelope ─plan─▶ complete data, parts ─submit.lua─▶ 202   (or wait ─▶ 200)

These are the hot routes: plain Starlette routes, nothing between the request and the store but what is needed.
"""

from functools import partial

from msgspec import Raw, Struct
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gateway import accept, answers, etags, filters, limits, queries, short_bodies, submission, waiting, why
from gateway.desk import Desk
from gateway.forecast import Forecast
from gateway.found import found, task_id
from gateway.problems import Problem
from gateway.submission import CACHE, Asked
from gateway.waiting import Wait
from pipeline import log, verbs, views
from pipeline.errors import StoreAway
from pipeline.record import FINAL, NewTask, State, Submitted, Task

LOG = log.get()


class Valid(Struct, frozen=True, kw_only=True):
    """The answer of POST /tasks/validate: the data complete, as they would be calculated."""

    kind: str
    version: int
    data: Raw
    seed: int | None
    parts: int
    sha256: str
    estimated: Forecast | None


async def submit(request: Request) -> Response:
    """POST /tasks: 202 when the task is in the store, 200 when it was waited for and has ended."""
    desk: Desk = request.app.state.desk
    queries.only(request, ("wait",))
    wait = waiting.asked(request, desk.settings.wait_limit_s)
    desk.refuse_when_full()
    asked = await submission.read(request, desk)
    return await submitted(request, desk, await new_task(request, desk, asked), asked.forecast, wait)


async def validate(request: Request) -> Response:
    """POST /tasks/validate: what POST /tasks would say, the data complete, and the cost. Nothing is submitted."""
    desk: Desk = request.app.state.desk
    queries.only(request, ())
    asked = await submission.read(request, desk)
    task = await new_task(request, desk, asked)  # what may be wrong with a task is found when it is made
    return answers.body(
        Valid(
            kind=task.kind,
            version=asked.planned.version,
            data=Raw(task.data),
            seed=task.seed,
            parts=task.parts,
            sha256=task.sha256,
            estimated=asked.forecast,
        )
    )


async def look(request: Request) -> Response:
    """GET /tasks/{task_id}: the task, at once or when it has ended."""
    desk: Desk = request.app.state.desk
    task, wait = await _asked_for(request, desk)
    hook, reason = await desk.hook(task), await why.of(desk, task)
    headers = wait.headers() | etags.tagged(etags.of_task(task, hook, reason))
    if etags.is_known(request, headers["ETag"]):
        return etags.unchanged(task, headers)
    return answers.task(task, desk.now_ms(), headers, hook=hook, why=reason)


async def result(request: Request) -> Response:
    """GET /tasks/{task_id}/result: nothing but the result, in the form that is asked for."""
    desk: Desk = request.app.state.desk
    media_type = accept.chosen(request)
    task, wait = await _asked_for(request, desk)
    if task.state == "failed":
        failure = answers.failure(task)
        raise Problem("task_failed", failure.message if failure else "", task_id=task.id, error=failure)
    if task.state == "cancelled":
        raise Problem("task_cancelled", "The task was cancelled before it had a result.", task_id=task.id)
    if task.result is None:
        return answers.no_result(task, desk.now_ms(), wait.headers(), await desk.hook(task), await why.of(desk, task))
    if etags.is_known(request, etags.of_result(task, media_type)):
        return etags.unchanged(task, wait.headers() | etags.kept(task, desk.now_ms(), media_type))
    encode = partial(accept.encoded, task.result, media_type)
    content = encode() if len(task.result) <= limits.LARGE else await desk.aside(encode)
    return answers.result(task, desk.now_ms(), wait.headers(), content, media_type)


async def index(request: Request) -> Response:
    """GET /tasks: newest first."""
    desk: Desk = request.app.state.desk
    asked = filters.of_query(request, "cursor", "limit")
    page = await filters.page(desk.store, asked)
    next_link = f"/tasks?{asked.query(page.cursor)}" if page.cursor else ""
    return answers.page(page.tasks, page.cursor, next_link, desk.now_ms(), await why.of_all(desk, page.tasks))


async def cancel(request: Request) -> Response:
    """POST /tasks/{task_id}/cancel: give the task up. Again is fine; what has succeeded or failed stays so (I4)."""
    desk: Desk = request.app.state.desk
    queries.only(request, ())
    reason, by, request_id = await short_bodies.reason(request), request.state.caller.name, request.state.request_id
    task = await found(request, desk, task_id(request), 0)
    id = task.id
    outcome = await desk.store.do(verbs.cancel(id, desk.share, by, request_id, reason))
    if outcome in ("succeeded", "failed"):
        raise Problem("already_final", f"The task has {outcome} already.", task_id=id)
    if outcome == "ok":
        about = {"kind": task.kind, "owner": task.owner, "was": task.state, "by": by, "reason": reason}
        LOG.info("task.cancelled", task_id=id, **about, request_id=request_id)
    return await _whole(desk, await found(request, desk, id, 0))


ROUTES = [
    Route("/tasks", submit, methods=["POST"]),
    Route("/tasks/validate", validate, methods=["POST"]),
    Route("/tasks/{task_id}", look, methods=["GET"]),
    Route("/tasks/{task_id}/result", result, methods=["GET"]),
    Route("/tasks", index, methods=["GET"]),
    Route("/tasks/{task_id}/cancel", cancel, methods=["POST"]),
]


# ── a submission ──


async def new_task(request: Request, desk: Desk, asked: Asked) -> NewTask:
    """The task that is asked for, with an id."""
    task = submission.new_task(desk, await desk.mint(), asked, submission.who(request))
    if task.webhook:
        await submission.refuse_unsigned(desk, task.owner)
    return task


async def submitted(request: Request, desk: Desk, task: NewTask, foretold: Forecast | None, wait: Wait) -> Response:
    """Hand the task to the store; the answer to whoever submitted it."""
    said = await desk.gather.submit(task)
    if said.outcome == "mismatch":
        detail = f"This key made {said.id} from another request."
        raise Problem("idempotency_mismatch", detail, task_id=said.id)
    if said.outcome == "full":
        raise limits.backlog_full(task.owner, task.priority, desk.settings.backlog_limit, desk.drained)
    if said.outcome == "quota":
        raise limits.quota_full(task.owner, desk.settings.unfinished_limit, desk.drained)
    if said.id == task.id:
        desk.lines.submitted(task)
        if task.rerun_of:
            await desk.store.do(views.retried([(task.rerun_of, task.id)]))
        return await _accepted(request, desk, task, said, foretold, wait)
    if task.same_key.startswith(CACHE):
        known = await desk.settled(said.id, wait.seconds, request)
        if known is None or known.state in ("failed", "cancelled"):  # what went wrong meanwhile is no answer to keep
            return await submitted(request, desk, task, foretold, wait)
        return _from_cache(desk, known, wait)
    return await _replayed(request, desk, said.id, wait)


async def _accepted(
    request: Request, desk: Desk, task: NewTask, submitted: Submitted, foretold: Forecast | None, wait: Wait
) -> Response:
    """The answer to a new task. It is in the store: whatever happens while waiting, that is at least 202."""
    if wait.seconds:
        try:
            known = await desk.settled(task.id, wait.seconds, request)
            if known and known.state in FINAL:
                return await _whole(desk, known, wait.headers())
        except StoreAway:
            LOG.debug("wait.in_vain", task_id=task.id, request_id=task.request_id)
    state: State = "scheduled" if task.not_before_ms > submitted.at_ms else "queued"
    return answers.accepted(
        task.id,
        task.kind,
        state,
        task.priority,
        task.label,
        submitted.at_ms,
        estimated=foretold,
        rerun_of=task.rerun_of,
    )


def _from_cache(desk: Desk, known: Task, wait: Wait) -> Response:
    """The task that the same calculation made before: with its result at once when it has one."""
    if known.state in FINAL:
        return answers.task(
            known, desk.now_ms(), wait.headers(), cached=True
        )  # tasks with a webhook answer nobody else
    return _told(known, cached=True)


async def _replayed(request: Request, desk: Desk, id: str, wait: Wait) -> Response:
    """The answer to a submission that was made before: the task of then, with its state of now."""
    desk.figures.replays += 1
    task = await found(request, desk, id, wait.seconds)  # a key can outlive its task: then 410
    headers = {"Idempotent-Replayed": "true"}
    if wait.seconds and task.state in FINAL:
        return await _whole(desk, task, headers | wait.headers())
    return _told(task, headers)


async def _whole(desk: Desk, task: Task, headers: dict[str, str] | None = None) -> Response:
    """The task, with what became of its webhook, and why it has not started."""
    hook, reason = await desk.hook(task), await why.of(desk, task)
    return answers.task(task, desk.now_ms(), headers, hook=hook, why=reason)


def _told(task: Task, headers: dict[str, str] | None = None, cached: bool = False) -> Response:
    """202 for a task that was accepted before."""
    return answers.accepted(
        task.id,
        task.kind,
        task.state,
        task.priority,
        task.label,
        task.submitted_at,
        headers,
        cached=cached,
        rerun_of=task.rerun_of,
        estimated=answers.foretold(task),
    )


async def _asked_for(request: Request, desk: Desk) -> tuple[Task, Wait]:
    queries.only(request, ("wait",))
    wait = waiting.asked(request, desk.settings.wait_limit_s)
    return await found(request, desk, task_id(request), wait.seconds), wait
