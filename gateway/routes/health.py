"""Is this process alive, and can it serve? Two questions: a restart cures only the first."""

import os
from time import monotonic

from msgspec import Struct
from starlette.requests import Request
from starlette.responses import Response

from gateway import answers
from gateway.desk import Desk
from gateway.limits import percent
from gateway.problems import Problem
from pipeline import log
from pipeline.errors import StoreAway

WARNING = "warning: "  # `ready` says with it what is unwise but no reason not to serve


class Health(Struct, frozen=True):
    """This process."""

    status: str
    service: str
    version: str
    pid: int
    uptime_s: float


class Ready(Struct, frozen=True):
    """This process, its store and the streams in it. `warnings` keep it from nothing but, when the store is
    full, from accepting more."""

    status: str
    warnings: list[str]


async def health(request: Request) -> Response:
    """GET /health: the process answers. Asks nobody else."""
    desk: Desk = request.app.state.desk
    uptime_s = round(monotonic() - desk.started_at, 3)
    return answers.body(Health("ok", "gateway", log.VERSION, os.getpid(), uptime_s))


async def ready(request: Request) -> Response:
    """GET /ready: the store answers, streams and group are there, no stop was asked for."""
    desk: Desk = request.app.state.desk
    try:
        lines = await desk.unsafe()
    except StoreAway:
        lines = ["the task store does not answer"]
    if desk.fullness >= desk.settings.fill_limit:  # no reason to ask another gateway: what is accepted is answered
        lines.append(f"{WARNING}the store is {percent(desk.fullness)} full: submissions are refused")
    if desk.draining:
        lines.append("this gateway is stopping")
    wrong = [line for line in lines if not line.startswith(WARNING)]
    if wrong:
        raise Problem("not_ready", "; ".join(wrong) + ".", wrong=wrong)
    return answers.body(Ready("ready", [line.removeprefix(WARNING) for line in lines]))


ROUTES = [("/health", health), ("/ready", ready)]
