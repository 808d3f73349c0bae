"""A session for people: an API key that the browser keeps in a cookie, since a stream cannot send headers."""

from typing import Annotated

from msgspec import Meta, Struct
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gateway import ambient, answers, queries, short_bodies
from gateway.access import Caller
from gateway.desk import Desk
from pipeline.apikeys import Role


class Login(Struct, frozen=True, forbid_unknown_fields=True):
    """The body of POST /session."""

    key: Annotated[str, Meta(min_length=1, max_length=4_000, description="An API key, or a token of the issuer.")]


class SessionAnswer(Struct, frozen=True):
    """Who asks, and what they may do. `owner`: whose tasks they see, null for all. `keys_needed`: whether any."""

    name: str
    role: Role
    owner: str | None
    keys_needed: bool


async def begin(request: Request) -> Response:
    """POST /session: a cookie for this key; 401 for one that is not accepted."""
    desk: Desk = request.app.state.desk
    queries.only(request, ())
    login = await short_bodies.read(request, Login)
    caller = await desk.gate.known(login.key)
    secure = request.headers.get("x-forwarded-proto", "http") == "https"
    cookie = {"Set-Cookie": ambient.cookie_of(login.key, secure)}
    return answers.body(_told(caller, True), cookie)


async def look(request: Request) -> Response:
    """GET /session: who asks."""
    desk: Desk = request.app.state.desk
    queries.only(request, ())
    return answers.body(_told(request.state.caller, await desk.gate.needs_keys()))


async def end(request: Request) -> Response:
    """DELETE /session: the cookie goes."""
    queries.only(request, ())
    return Response(status_code=answers.NO_CONTENT, headers={"Set-Cookie": ambient.no_cookie()})


ROUTES = [
    Route("/session", begin, methods=["POST"]),
    Route("/session", look, methods=["GET"]),
    Route("/session", end, methods=["DELETE"]),
]


def _told(caller: Caller, keys_needed: bool) -> SessionAnswer:
    return SessionAnswer(caller.name, caller.role, caller.scope or None, keys_needed)
