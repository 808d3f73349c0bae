"""What happens to every request, whatever it asks: an id in, the same id out, a line in the log, no fault unanswered.

Pure ASGI: Starlette's BaseHTTPMiddleware would cost four times the request that it wraps.
"""

import re
import secrets
from time import perf_counter

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway import headers, limits, problems
from gateway.access import ANYBODY
from gateway.desk import Desk
from gateway.problems import Problem
from pipeline import log
from pipeline.errors import StoreAway

LOG = log.get()
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{8,128}")
_TRACEPARENT = re.compile(r"00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")
NO_STORE = (b"cache-control", b"no-store")
NO_SNIFF = (b"x-content-type-options", b"nosniff")


class Edge:
    """The outermost layer that is ours."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began, status = perf_counter(), 0
        state = scope.setdefault("state", {})
        state["headers"] = sent = headers.read(scope)
        request_id, traceparent = _name(sent), _trace(sent)
        state["request_id"], state["traceparent"] = request_id, traceparent
        desk: Desk = scope["app"].state.desk
        told: list[tuple[bytes, bytes]] = []  # headers that say how much this owner may still ask

        async def answering(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                ours = message["headers"]
                ours += [(b"x-request-id", request_id.encode()), NO_SNIFF, *told]
                if not any(name == b"cache-control" for name, _ in ours):
                    ours.append(NO_STORE)
            await send(message)

        try:
            state["caller"] = caller = await desk.gate.caller(Request(scope))
            state["owner"] = caller.home
            if desk.settings.rate_limit and caller is not ANYBODY:
                told += await limits.one_more(desk, caller.home)
            await self._app(scope, receive, answering)
        except ClientDisconnect:
            LOG.debug("request.left", request_id=request_id)
        except Exception as wrong:  # noqa: BLE001 - nothing that is raised may leave a request without an answer
            response = await answer(Request(scope), wrong)
            if not status:
                await response(scope, receive, answering)
        ran_s = perf_counter() - began
        desk.figures.answered(scope.get("endpoint"), scope["method"], status, ran_s)
        ran_ms, path = round(ran_s * 1000, 2), scope["path"]
        LOG.debug("http", method=scope["method"], path=path, status=status, ran_ms=ran_ms, request_id=request_id)


async def answer(request: Request, wrong: Exception) -> Response:
    """The answer to whatever was raised, and its line in the log."""
    problem = problems.of(wrong, request)
    figures = request.app.state.desk.figures
    figures.rejected[problem.code] += 1
    figures.store_away["request"] += isinstance(wrong, StoreAway)
    told = {"status": problem.meaning.status, "code": problem.code, "request_id": request.state.request_id}
    if problem.code == "internal_error":
        LOG.error("request.broke", **told, method=request.method, exc_info=wrong)
    else:
        reason = {"error": str(wrong)} if not isinstance(wrong, Problem) and problem.meaning.status == 503 else {}
        client = request.client.host if request.client else ""
        write = LOG.warning if problem.meaning.status >= 500 else LOG.info
        write("request.rejected", **told, path=problem.path, client=client, method=request.method, **reason)
    return problems.answer(problem, request.state.request_id)


def _name(sent: dict[str, list[str]]) -> str:
    """The request's id: the client's, when it is one."""
    good = [text for text in sent.get("x-request-id", ()) if _REQUEST_ID.fullmatch(text)]
    return good[-1] if good else secrets.token_hex(16)


def _trace(sent: dict[str, list[str]]) -> str:
    """The W3C trace that the request is part of; "" for none."""
    good = [text for text in sent.get("traceparent", ()) if _TRACEPARENT.fullmatch(text)]
    return good[-1] if good else ""
