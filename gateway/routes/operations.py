"""What operators look at and do: queues, workers, dead letters, records that are no longer wanted."""

from difflib import get_close_matches
from typing import Annotated, Any, cast

import msgspec
from msgspec import Meta, Struct
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from calc.errors import Fault
from gateway import answers, etags, fleet, queries, short_bodies
from gateway.desk import Desk
from gateway.fleet import LostAnswer, QueueAnswer, WorkerAnswer, queue
from gateway.found import found, found_letter, task_id
from gateway.problems import Problem
from pipeline import log, verbs, views
from pipeline.keys import PRIORITIES
from pipeline.record import FINAL, Letter, Pause, Priority

LOG = log.get()
LETTERS = 50
PURGED = ("ok", "unknown")


class Why(Struct, frozen=True, forbid_unknown_fields=True):
    """The body of a pause."""

    reason: Annotated[short_bodies.Reason, Meta(min_length=1)]


class QueueList(Struct, frozen=True):
    """The three priorities, the first served first."""

    queues: list[QueueAnswer]


class WorkerList(Struct, frozen=True):
    """The consumers that live, and those that went without a word in the last minutes."""

    workers: list[WorkerAnswer]
    lost: list[LostAnswer]


class LetterAnswer(Struct, frozen=True):
    """A dead letter: a job that was given up, and why."""

    letter_id: str
    at: str
    task_id: str
    kind: str
    job: str
    consumer: str
    attempts: int
    interruptions: int
    cause: dict[str, Any]
    words: str


class LetterList(Struct, frozen=True):
    """A page of dead letters, newest first."""

    letters: list[LetterAnswer]
    cursor: str | None


async def queues(request: Request) -> Response:
    """GET /queues: the three priorities."""
    desk: Desk = request.app.state.desk
    queries.only(request, ())
    return answers.body(QueueList([queue(each, desk.now_ms()) for each in await desk.store.do(verbs.queues())]))


async def look(request: Request) -> Response:
    """GET /queues/{priority}: one of them."""
    desk: Desk = request.app.state.desk
    queries.only(request, ())
    priority = _priority(request)
    (found,) = [each for each in await desk.store.do(verbs.queues()) if each.priority == priority]
    return answers.body(queue(found, desk.now_ms()))


async def pause(request: Request) -> Response:
    """POST /queues/{priority}/pause: nothing of it is taken until it is resumed; what runs goes on."""
    desk: Desk = request.app.state.desk
    queries.only(request, ())
    priority = _priority(request)
    why = await short_bodies.read(request, Why)
    by = request.state.caller.name
    await desk.store.do(verbs.pause(priority, Pause(by, why.reason, desk.now_ms()), request.state.request_id))
    LOG.warning("queue.paused", priority=priority, by=by, reason=why.reason, request_id=request.state.request_id)
    return await queues(request)


async def resume(request: Request) -> Response:
    """POST /queues/{priority}/resume: take it again. Again is fine."""
    desk: Desk = request.app.state.desk
    queries.only(request, ())
    priority, by = _priority(request), request.state.caller.name
    if await desk.store.do(verbs.resume(priority, by, request.state.request_id)):
        LOG.warning("queue.resumed", priority=priority, by=by, request_id=request.state.request_id)
    return await queues(request)


async def workers(request: Request) -> Response:
    """GET /workers: the consumers, and what each child computes."""
    desk: Desk = request.app.state.desk
    queries.only(request, ())
    beats = await desk.store.do(verbs.fleet())
    now_ms, scope = desk.now_ms(), request.state.caller.scope
    desk.roll.note(beats, now_ms)
    told = WorkerList(fleet.workers(beats, now_ms), [fleet.lost(each) for each in desk.roll.lost(now_ms)])
    if scope:
        known = await desk.store.do(views.owners(fleet.tasks_of(told.workers, told.lost)))
        told = WorkerList(*fleet.only_of(scope, told.workers, told.lost, known))
    return answers.body(told)


async def letters(request: Request) -> Response:
    """GET /dead-letters: newest first."""
    desk: Desk = request.app.state.desk
    asked = queries.only(request, ("cursor",)).get("cursor")
    if asked is not None and not queries.is_letter_id(asked):
        raise queries.wrong("cursor", asked, "the cursor of the page before")
    cursor, page = await desk.store.do(verbs.letters(request.state.caller.scope, asked or "", LETTERS))
    return answers.body(LetterList([_letter(each) for each in page], cursor or None))


async def remove_letter(request: Request) -> Response:
    """DELETE /dead-letters/{letter_id}: it has been dealt with."""
    desk: Desk = request.app.state.desk
    queries.only(request, ())
    id, by, request_id = (await found_letter(request, desk)).id, request.state.caller.name, request.state.request_id
    await desk.store.do(verbs.remove_letters([id], by, request_id))
    LOG.info("letter.removed", letter_id=id, by=by, request_id=request_id)
    return Response(status_code=answers.NO_CONTENT)


async def purge(request: Request) -> Response:
    """DELETE /tasks/{task_id}: remove the record of a task that has ended, before its time is over."""
    desk: Desk = request.app.state.desk
    queries.only(request, ())
    task = await found(request, desk, task_id(request), 0)
    by, request_id = request.state.caller.name, request.state.request_id
    sha256 = etags.result_sha256(task) or ""
    if task.state not in FINAL or await desk.store.do(verbs.purge(task.id, by, request_id, sha256)) not in PURGED:
        raise Problem("not_final", f"The task is {task.state}.", task_id=task.id)
    LOG.info("task.purged", task_id=task.id, by=by, request_id=request_id)
    return Response(status_code=answers.NO_CONTENT)


ROUTES = [
    Route("/queues", queues, methods=["GET"]),
    Route("/queues/{priority}", look, methods=["GET"]),
    Route("/queues/{priority}/pause", pause, methods=["POST"]),
    Route("/queues/{priority}/resume", resume, methods=["POST"]),
    Route("/workers", workers, methods=["GET"]),
    Route("/dead-letters", letters, methods=["GET"]),
    Route("/dead-letters/{letter_id}", remove_letter, methods=["DELETE"]),
    Route("/tasks/{task_id}", purge, methods=["DELETE"]),
]


def _priority(request: Request) -> Priority:
    name = request.path_params["priority"]
    if name not in PRIORITIES:
        allowed, nearest = ", ".join(PRIORITIES), "".join(get_close_matches(name, PRIORITIES, 1))
        fault = Fault("$.priority", "is no queue", name, allowed)
        told = f"There is no queue {name[:40]!r}: {allowed}."
        raise Problem("unknown_queue", told, faults=[fault], did_you_mean=nearest)
    return cast(Priority, name)


def _letter(letter: Letter) -> LetterAnswer:
    told = msgspec.structs.asdict(letter)
    id, at, task = told.pop("id"), told.pop("at"), told.pop("task")
    return LetterAnswer(letter_id=id, at=answers.time_text(at), task_id=task, **told)
