"""What hangs where: the application, its routes, and what lives as long as it does.

Edge (id, log, faults) ─▶ /tasks…        hot: found in one look
                       ─▶ /kinds… /health /ready /metrics /docs… /openapi.json
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.middleware.errors import ServerErrorMiddleware
from starlette.routing import Router
from starlette.types import ASGIApp

from calc import execute
from gateway import edge
from gateway.dashboard import files, system
from gateway.dashboard.failures import Failures
from gateway.dashboard.reader import Reader
from gateway.desk import Desk
from gateway.hot import Hot
from gateway.problems import Problem
from gateway.routes import (
    again,
    batches,
    dashboard,
    docs,
    failures,
    health,
    kinds,
    metrics,
    operations,
    session,
    story,
    tasks,
    watch,
    webhooks,
)
from pipeline.errors import PipelineError
from pipeline.settings import Settings

# FastAPI's own pages load scripts from other hosts, its schema knows pydantic only, its telemetry costs each request.
WITHOUT: dict[str, Any] = {
    "docs_url": None,
    "redoc_url": None,
    "openapi_url": None,
    "redirect_slashes": False,
    "telemetry": {"tracing": False, "metrics": False, "logs": False, "operation_spans": False},
}

# Static paths first: `/tasks/batch` is no task id.
HOT = [
    *(*failures.ROUTES, *batches.ROUTES, *tasks.ROUTES, *again.ROUTES),
    *(*watch.ROUTES, *story.ROUTES, *operations.ROUTES),
]


def create(settings: Settings) -> FastAPI:
    """The application for these settings. It opens its store when it starts, not here."""
    execute.load_installed()
    execute.load(settings.kinds)
    refused: dict[Any, Any] = dict.fromkeys((Problem, PipelineError, HTTPException), edge.answer)
    app = Application(title="Headrace", lifespan=_life, exception_handlers=refused, **WITHOUT)
    app.state.desk = desk = Desk(settings)
    app.state.reader = reader = Reader(desk)
    app.state.failures = Failures(desk.store)
    app.state.files = files.read()
    desk.beats.append(lambda: system.stand(desk, reader.cost()))
    hot = [*HOT, *webhooks.ROUTES, *dashboard.ROUTES, *session.ROUTES]
    app.router.routes += hot
    rest = kinds.ROUTES + health.ROUTES + metrics.ROUTES + docs.ROUTES
    for path, endpoint in rest:
        app.add_api_route(path, endpoint, methods=["GET", "HEAD"], response_model=None)
    desk.figures.routes |= {route.endpoint: route.path for route in hot} | {each: path for path, each in rest}
    return app


class Application(FastAPI):
    """FastAPI, but for the hot routes: its layers would cost each of them a tenth more."""

    def build_middleware_stack(self) -> ASGIApp:
        """The hot routes first, all else FastAPI's way."""
        outermost = super().build_middleware_stack()
        # Not Starlette's layer that answers a fault of ours with a text of its own before Edge can.
        rest: ASGIApp = outermost.app if isinstance(outermost, ServerErrorMiddleware) else outermost
        all_of_them = Router(HOT, redirect_slashes=False, default=rest, lifespan=_life)
        return edge.Edge(Hot(HOT, all_of_them))


@asynccontextmanager
async def _life(app: FastAPI) -> AsyncIterator[None]:
    desk: Desk = app.state.desk
    await desk.open()
    try:
        yield
    finally:
        await app.state.reader.close()
        await desk.close()
