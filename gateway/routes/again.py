"""A task once more: the same data and seed in a new task, for its owner. The old one stays as it is (I4).

POST /tasks/{task_id}/rerun          of one that succeeded: compares the bits
POST /tasks/{task_id}/retry          of one that failed or was cancelled
POST /dead-letters/{letter_id}/retry of the one whose job was given up; then the letter is gone
"""

from msgspec import structs
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gateway import bodies, bulk, idempotency, queries, submission, waiting
from gateway.desk import Desk
from gateway.found import found, found_letter, task_id
from gateway.idempotency import Key
from gateway.problems import Problem
from gateway.routes import tasks
from gateway.waiting import Wait
from pipeline import log, verbs
from pipeline.record import State, Task

LOG = log.get()
FAILED: tuple[State, ...] = ("failed", "cancelled")


async def rerun(request: Request) -> Response:
    """POST /tasks/{task_id}/rerun: a new task with the same data and seed, which will compare the bits."""
    wait = _asked(request)
    return await _again(request, await _old(request, task_id(request), ("succeeded",), "not_succeeded"), wait)


async def retry(request: Request) -> Response:
    """POST /tasks/{task_id}/retry: a new task with the same data and seed, for one that failed or was cancelled."""
    wait = _asked(request)
    return await _again(request, await _old(request, task_id(request), FAILED, "not_failed"), wait)


async def retry_letter(request: Request) -> Response:
    """POST /dead-letters/{letter_id}/retry: the task of a job that was given up, once more; then the letter is gone.

    The letter is the key: of two who press at once, or of one who presses twice, there is one new task.
    """
    desk: Desk = request.app.state.desk
    wait = _asked(request)
    letter = await found_letter(request, desk)
    old = await _old(request, letter.task, FAILED, "not_failed")
    answer = await _again(request, old, wait, f"letter:{letter.id}")
    by, request_id = request.state.caller.name, request.state.request_id
    await desk.store.do(verbs.remove_letters([letter.id], by, request_id))
    LOG.info("letter.retried", letter_id=letter.id, task_id=old.id, by=by, request_id=request_id)
    return answer


ROUTES = [
    Route("/tasks/{task_id}/rerun", rerun, methods=["POST"]),
    Route("/tasks/{task_id}/retry", retry, methods=["POST"]),
    Route("/dead-letters/{letter_id}/retry", retry_letter, methods=["POST"]),
]


def _asked(request: Request) -> Wait:
    """How long to wait. Raises a Problem for whatever is wrong with the request itself, whichever task it names."""
    desk: Desk = request.app.state.desk
    queries.only(request, ("wait",))
    idempotency.key_name(request)
    wait = waiting.asked(request, desk.settings.wait_limit_s)
    desk.refuse_when_full()
    return wait


async def _old(request: Request, id: str, states: tuple[State, ...], code: str) -> Task:
    """The task that is done again, in one of these states."""
    old = await found(request, request.app.state.desk, id, 0)
    if old.state not in states:
        raise Problem(code, f"The task is {old.state}, not {' or '.join(states)}.", task_id=old.id)
    return old


async def _again(request: Request, old: Task, wait: Wait, same: str = "") -> Response:
    """The answer to a new task of the old one's owner. `same`: the key where the client sends none."""
    desk: Desk = request.app.state.desk

    def key_of(envelope: bodies.Envelope) -> Key:
        key = idempotency.key(request, envelope, f"{old.id} again", b"")
        return Key(same, old.id) if same and not key.name.startswith("key:") else key

    task, asked = await bulk.again(desk, old, structs.replace(submission.who(request), owner=old.owner), key_of)
    return await tasks.submitted(request, desk, task, asked.forecast, wait)
