"""Is this process alive, and can it serve? Two questions: a restart cures only the first."""

import os
from time import monotonic

from msgspec import Struct
from starlette.requests import Request
from starlette.responses import Response

from gateway import answers
from gateway.desk import Desk
from gateway.problems import Problem
from pipeline import log, verbs
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
    """This process, its store and the streams in it. `warnings` are unwise settings of the store."""

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
        lines = await desk.store.do(verbs.ready(), patience_s=0)
    except StoreAway:
        lines = ["the task store does not answer"]
    if desk.draining:
        lines.append("this gateway is stopping")
    wrong = [line for line in lines if not line.startswith(WARNING)]
    if wrong:
        raise Problem("not_ready", "; ".join(wrong) + ".", wrong=wrong)
    return answers.body(Ready("ready", [line.removeprefix(WARNING) for line in lines]))


ROUTES = [("/health", health), ("/ready", ready)]
