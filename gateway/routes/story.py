"""One task in more detail: what was asked, what happened to it, how its estimate came near its result."""

from msgspec import Struct
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gateway import answers, queries
from gateway.desk import Desk
from gateway.found import GONE, found, task_id
from gateway.problems import Problem
from pipeline import verbs, views
from pipeline.record import Task
from pipeline.views import Point

JOBS = 2_000  # of all tasks, that are looked through for this one's


class CurvePoint(Struct, frozen=True):
    """What the first `parts` parts, folded, said. `n`: paths or scenarios, where the kind counts such; else null."""

    parts: int
    n: int | None
    estimate: float
    standard_error: float


class Curve(Struct, frozen=True):
    """The estimates of a task as its waves were folded, at most 512, on a logarithmic grid."""

    task_id: str
    parts: int
    points: list[CurvePoint]


class Happened(Struct, frozen=True):
    """A line of a task's history."""

    at: str
    text: str


class Computed(Struct, frozen=True):
    """A job of a task, and who computed it."""

    consumer: str
    child: int
    job: str
    from_ms: int
    ran_ms: float
    outcome: str


class Story(Struct, frozen=True):
    """What was unusual in a task's life, the oldest line first, and its jobs among the newest 2,000 of all tasks."""

    task_id: str
    lines: list[Happened]
    jobs: list[Computed]


async def curve(request: Request) -> Response:
    """GET /tasks/{task_id}/curve: how the estimate came near the result."""
    task, desk = await _task(request)
    points = await desk.store.do(views.curve(task.id))
    return answers.body(Curve(task.id, task.parts, [point(each) for each in points]))


async def data(request: Request) -> Response:
    """GET /tasks/{task_id}/data: the complete data, as they are calculated."""
    task, desk = await _task(request)
    text = await desk.store.do(verbs.data(task.id))
    if text is None:
        raise Problem("task_expired", GONE, task_id=task.id)
    return Response(text, media_type=answers.JSON)


async def history(request: Request) -> Response:
    """GET /tasks/{task_id}/history: what happened to it, and who computed it."""
    task, desk = await _task(request)
    lines = await desk.store.do(views.history(task.id))
    spans = await desk.store.do(verbs.spans(task.id, JOBS))
    jobs = [
        Computed(each["consumer"], each["child"], each["job"], each["started_at"], each["ran_ms"], each["outcome"])
        for each in reversed(spans)
    ]
    return answers.body(Story(task.id, [Happened(answers.time_text(at), text) for at, text in lines], jobs))


ROUTES = [
    Route("/tasks/{task_id}/curve", curve, methods=["GET"]),
    Route("/tasks/{task_id}/data", data, methods=["GET"]),
    Route("/tasks/{task_id}/history", history, methods=["GET"]),
]


def point(of: Point) -> CurvePoint:
    """A point as it is answered."""
    return CurvePoint(of.parts, of.n, of.estimate, of.standard_error)


async def _task(request: Request) -> tuple[Task, Desk]:
    desk: Desk = request.app.state.desk
    queries.only(request, ())
    return await found(request, desk, task_id(request), 0), desk
