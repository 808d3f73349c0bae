"""A task or a batch that is there, or the Problem that says why not. Another owner's is as if it were not there."""

from starlette.requests import Request

from gateway import queries
from gateway.desk import Desk
from gateway.problems import Problem
from pipeline import verbs
from pipeline.record import Batch, Letter, Task

GONE = "The record of this task was removed when its time was over."
UNKNOWN = "No task with this id was ever accepted here."
NO_BATCH = "No batch with this id was ever accepted here."
NO_LETTER = "There is no dead letter with this id (any more)."


def task_id(request: Request) -> str:
    """The id in the path. One that is none never reaches the store, where it could spell another key."""
    return _id(request, "task_id", "unknown_task", UNKNOWN)


async def found(request: Request, desk: Desk, id: str, wait_s: float) -> Task:
    """The task, or a Problem: 410 for an id that was ours, 404 for any other."""
    task = await desk.settled(id, wait_s, request)
    if task is not None and request.state.caller.sees(task.owner):
        return task
    if task is None and await desk.was_ours(id):
        batch = await desk.store.do(verbs.batch(id))
        if batch and request.state.caller.sees(batch.owner):
            raise Problem("unknown_task", f"This is the id of a batch: /batches/{id}.")
        raise Problem("task_expired", GONE, task_id=id)
    raise Problem("unknown_task", UNKNOWN)


async def found_batch(request: Request, desk: Desk) -> Batch:
    """The batch in the path, or a Problem."""
    id = _id(request, "batch_id", "unknown_batch", NO_BATCH)
    batch = await desk.store.do(verbs.batch(id))
    if batch is None or not request.state.caller.sees(batch.owner):
        raise Problem("unknown_batch", NO_BATCH)
    return batch


async def found_letter(request: Request, desk: Desk) -> Letter:
    """The dead letter in the path, or a Problem."""
    id = request.path_params["letter_id"]
    if not queries.is_letter_id(id):
        raise Problem("unknown_letter", NO_LETTER)
    letter = await desk.store.do(verbs.letter(request.state.caller.scope, id))
    if letter is None:
        raise Problem("unknown_letter", NO_LETTER)
    return letter


def _id(request: Request, name: str, code: str, detail: str) -> str:
    id: str = request.path_params[name]
    if not queries.TASK_ID.fullmatch(id):
        raise Problem(code, detail)
    return id
