"""A request finds its hot route in one look: the same one that Starlette finds."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route, Router

from gateway.app import HOT
from gateway.hot import ANY, Hot

PIECES = [
    *{piece for route in HOT for piece in route.path.split("/") if "{" not in piece},
    ANY,
    "x",
    "{task_id}",
    "%2f",
]
SPELT = {route.path for route in HOT if "{" not in route.path}
TAKEN = {(method, route.path) for route in HOT for method in route.methods or ()}
METHODS = ["GET", "HEAD", "POST", "DELETE", "PUT", "OPTIONS"]


def told(route: Route) -> Route:
    """A route of the same path and methods, whose endpoint says which it is and with which pieces of the path."""

    async def endpoint(request: Request) -> Response:
        return PlainTextResponse(f"{route.path} {route.methods} {sorted(request.path_params.items())}")

    return Route(route.path, endpoint, methods=[method for method in route.methods or () if method != "HEAD"])


ROUTES = [told(route) for route in HOT]


def ask(app: Any, method: str, path: str) -> tuple[int, bytes]:
    """Status and body of an application's answer: nothing in it waits, so its coroutine runs to the end at once."""
    said: list[Any] = []

    async def receive() -> Any:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        said.append(message)

    scope = {"type": "http", "method": method, "path": path, "headers": [], "query_string": b"", "state": {}}
    with pytest.raises(StopIteration):
        app(scope | {"root_path": "", "http_version": "1.1"}, receive, send).send(None)
    return said[0]["status"], said[1]["body"]


@settings(max_examples=500)
@given(st.sampled_from(METHODS), st.lists(st.sampled_from(PIECES), max_size=5))
def test_what_is_found_is_what_starlette_finds(method: str, pieces: list[str]) -> None:
    path = "/" + "/".join(pieces)
    starlettes = Router(ROUTES, redirect_slashes=False)
    if path in SPELT and (method, path) not in TAKEN and ask(starlettes, method, path)[0] == 200:
        with pytest.raises(HTTPException, match="405"):  # `/tasks/batch` is no task, whatever Starlette takes it for
            Hot(ROUTES, starlettes)._find({"method": method, "path": path})
    else:
        assert ask(Hot(ROUTES, starlettes), method, path) == ask(starlettes, method, path)


def test_a_path_with_its_variable_elsewhere_is_refused() -> None:
    async def endpoint(_request: Request) -> Response:
        return Response()

    for path in ("/tasks/{task_id}/jobs/{job}", "/{anything}"):
        with pytest.raises(ValueError, match="only the second piece"):
            Hot([Route(path, endpoint)], Router())
