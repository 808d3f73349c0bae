"""The hot routes: a request finds its endpoint in one look, with nothing between the edge and the endpoint.

Starlette asks one route after the other and wraps each endpoint twice in its handling of exceptions: a sixth of what a
submission costs, for exceptions that the edge answers anyway. What fits no hot route goes the usual way, which knows
what else is there and what is not allowed.
"""

from collections.abc import Awaitable, Callable, Sequence

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

Endpoint = Callable[[Request], Awaitable[Response]]
ANY = "*"  # stands for the one variable piece of a path, which is always the second


class Hot:
    """`/tasks`, `/tasks/batch`, `/tasks/{task_id}`, `/tasks/{task_id}/result`: what is spelt out wins."""

    def __init__(self, routes: Sequence[Route], rest: ASGIApp) -> None:
        self._rest = rest
        self._found: dict[tuple[str, str], tuple[Endpoint, str]] = {}
        self._spelt = {route.path for route in routes if "{" not in route.path}
        for route in routes:
            pieces = route.path.split("/")
            name = pieces[2][1:-1] if len(pieces) > 2 and pieces[2].startswith("{") else ""
            shape = "/".join([*pieces[:2], ANY, *pieces[3:]]) if name else route.path
            if "{" in shape:
                raise ValueError(f"{route.path}: only the second piece of a hot path may be variable")
            for method in route.methods or ():
                self._found.setdefault((method, shape), (route.endpoint, name))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request. (The application's start and end come here too.)"""
        endpoint = self._find(scope) if scope["type"] == "http" else None
        if endpoint is None:
            await self._rest(scope, receive, send)
            return
        scope["endpoint"] = endpoint  # by which the edge counts
        response = await endpoint(Request(scope, receive, send))
        await response(scope, receive, send)

    def _find(self, scope: Scope) -> Endpoint | None:
        method, path = scope["method"], scope["path"]
        found = self._found.get((method, path))
        if found and not found[1]:  # who spells the star out means a task of that name
            return found[0]
        pieces = path.split("/")
        if len(pieces) < 3 or not pieces[2]:
            return None
        piece, pieces[2] = pieces[2], ANY
        found = self._found.get((method, "/".join(pieces)))
        if not found:
            return None
        if path in self._spelt:  # `/tasks/batch` is no task that is unknown: it does not take this method
            raise HTTPException(405)
        scope["path_params"] = {found[1]: piece}
        return found[0]
