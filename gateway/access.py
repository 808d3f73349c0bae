"""Who asks, and what they may do. Whatever is not allowed here is not done.

    Authorization: Bearer hr_submitter_…   an API key: make key ROLE=…
    X-API-Key: hr_submitter_…              the same
    Cookie: headrace_session=…             the same, kept by a browser (POST /session)
    port 5555, user and password           admin, under that user's name (gateway/ambient.py)
    Authorization: Bearer eyJ…             a token of the configured issuer

    viewer      looks at its owner's tasks
    submitter   submits, cancels, repeats them
    operator    pauses and resumes queues, looks at dead letters and removes them
    admin       all of it

Where no key exists, nothing is configured and the gateway listens on loopback only, everybody on the machine is admin.
"""

from typing import Protocol

from msgspec import Struct
from starlette.requests import Request

from gateway import headers
from gateway.ambient import Door, credential_in, refuse_from_elsewhere
from gateway.problems import Problem
from gateway.tokens import BadToken, Issuer
from pipeline import apikeys
from pipeline.apikeys import EVERYONE, HOME, ApiKey, Role
from pipeline.settings import Settings

# By the first piece of a path. What is open says nothing of anybody's tasks; "" is the front page.
OPEN = ("", "health", "ready", "metrics", "docs", "openapi.json", "kinds", "dashboard")
OPEN_TO_WRITE = ("/session",)  # where a key is shown, or its cookie removed
# Least role to read, least role to write; what is not here is for admins.
RULES: dict[str, tuple[Role, Role]] = {
    "tasks": ("viewer", "submitter"),
    "batches": ("viewer", "submitter"),
    "failures": ("viewer", "submitter"),
    "queues": ("viewer", "operator"),
    "workers": ("viewer", "operator"),
    "webhooks": ("viewer", "submitter"),
    "webhook-secrets": ("admin", "admin"),
    "dead-letters": ("operator", "operator"),
    "session": ("viewer", "viewer"),
    "minutes": ("viewer", "admin"),
    "spans": ("viewer", "admin"),
    "starts": ("viewer", "admin"),
    "audit": ("admin", "admin"),
    "system": ("viewer", "admin"),
}
# Whole paths for which another rule holds than for their neighbours.
EXACT: dict[str, tuple[Role, Role]] = {
    "/dashboard/stream": ("viewer", "admin"),
    "/dashboard/frame": ("viewer", "admin"),
    "/dead-letters/purge": ("admin", "admin"),
}
ADMINS: tuple[Role, Role] = ("admin", "admin")
READING = ("GET", "HEAD")
LOOPBACK = ("127.0.0.1", "::1", "localhost")


class Caller(Struct, frozen=True):
    """Whose request it is: `owner` owns what it submits, and what it sees unless it sees all."""

    owner: str
    role: Role
    name: str  # of the key or token, for the log; never its secret

    @property
    def home(self) -> str:
        """Who owns what this caller submits."""
        return HOME if self.owner == EVERYONE else self.owner

    def sees(self, owner: str) -> bool:
        """Whether tasks of this owner exist for the caller."""
        return self.owner in (owner, EVERYONE)

    @property
    def scope(self) -> str:
        """The owner whose tasks are listed; "" for all."""
        return "" if self.owner == EVERYONE else self.owner


ANYBODY = Caller(EVERYONE, "admin", "anybody")
NOBODY = Caller("", "viewer", "nobody")  # who shows a key, and has not been known by it yet


class Known(Protocol):
    """Where a gate finds the API keys that exist now."""

    async def keys(self) -> dict[str, ApiKey]:
        """By id, as they were a moment ago."""

    async def new_key(self, id: str) -> ApiKey | None:
        """The key of this id, made since then."""


class Gate:
    """Decides who a request is from and whether it may."""

    def __init__(self, settings: Settings, known: Known) -> None:
        self._known = known
        self._door = Door(settings)
        self._admin = apikeys.from_environment(settings.admin_key) if settings.admin_key else None
        self._issuer = Issuer(settings) if settings.jwt_issuer else None

    async def caller(self, request: Request) -> Caller:
        """Who asks. Raises a Problem when that cannot be, or when they may not ask this."""
        path, method = request.scope["path"], request.method
        if is_open(path):
            return ANYBODY
        if path in OPEN_TO_WRITE and method not in READING:
            refuse_from_elsewhere(request, must_say=False)
            return NOBODY
        caller = await self._authenticated(request)
        needed = least(path, method)
        if not apikeys.may(caller.role, needed):
            detail = f"{method} {path[:100]} needs the role {needed}; {caller.name} is {caller.role}."
            raise Problem("forbidden", detail)
        return caller

    async def needs_keys(self) -> bool:
        """Whether nobody is served without a key or token. Raises StoreAway."""
        return bool(await self._known.keys() or self._admin or self._issuer)

    async def known(self, text: str) -> Caller:
        """Whose key or token this is. Raises a Problem when it is nobody's."""
        if self._admin and apikeys.is_of(self._admin, text):
            return _of(self._admin)
        if text.count(".") == 2 and self._issuer:
            return await self._by_token(self._issuer, text)
        keys = await self._known.keys()
        id = apikeys.id_of(text)
        key = keys.get(id) or await self._known.new_key(id) if id else None
        if key is None or not apikeys.is_of(key, text):
            raise Problem("unauthenticated", "This API key is not known (any more).", headers=CHALLENGE)
        return _of(key)

    async def _authenticated(self, request: Request) -> Caller:
        actor = self._door.actor(request)
        if actor is not None:
            refuse_from_elsewhere(request, must_say=False)
            return Caller(EVERYONE, "admin", actor)
        text = _credential(request)
        if text:
            return await self.known(text)
        if not await self.needs_keys():
            refuse_from_elsewhere(request, must_say=False)
            return ANYBODY
        kept = credential_in(request)
        if not kept:
            raise Problem("unauthenticated", "There is no API key with this request.", headers=CHALLENGE)
        caller = await self.known(kept)
        refuse_from_elsewhere(request, must_say=True)
        return caller

    async def _by_token(self, issuer: Issuer, text: str) -> Caller:
        try:
            owner, role = await issuer.read(text)
        except BadToken as wrong:
            raise Problem("unauthenticated", f"This token is not accepted: {wrong}.", headers=CHALLENGE) from None
        return Caller(owner, role, f"token of {owner}")


CHALLENGE = {"WWW-Authenticate": 'Bearer realm="headrace"'}


def unsafe(settings: Settings) -> str:
    """Why a gateway with these settings must not start; "" when it may."""
    if settings.admin_key and len(settings.admin_key) < apikeys.LEAST:
        return f"HEADRACE_ADMIN_KEY has {len(settings.admin_key)} characters; it must have at least {apikeys.LEAST}."
    if settings.jwt_issuer and not (settings.jwt_audience and settings.jwt_jwks):
        return "HEADRACE_JWT_ISSUER is set: HEADRACE_JWT_AUDIENCE and HEADRACE_JWT_JWKS are needed too."
    if settings.host in LOOPBACK or settings.admin_key or settings.jwt_issuer:
        return ""
    return (
        f"HEADRACE_HOST={settings.host} can be reached from elsewhere, and nothing says who may do what.\n"
        "Set HEADRACE_ADMIN_KEY to a long random text (openssl rand -hex 24),\n"
        "or HEADRACE_JWT_ISSUER, or listen on 127.0.0.1."
    )


def is_open(path: str) -> bool:
    """Whether everybody may ask here."""
    return _room(path) in OPEN and path not in EXACT


def least(path: str, method: str) -> Role:
    """The least role that may do this."""
    read, write = EXACT.get(path) or RULES.get(_room(path), ADMINS)
    return read if method in READING else write


def _room(path: str) -> str:
    return path.split("/", 2)[1] if path.startswith("/") else path  # `OPTIONS *` asks of no path at all


def _of(key: ApiKey) -> Caller:
    return Caller(key.owner, key.role, f"key {key.id}")


def _credential(request: Request) -> str:
    """The key or token of a request. Sent twice it is none: which of them would count?"""
    ours = headers.every(request, "x-api-key")
    sent = [*headers.every(request, "authorization"), *ours]
    if len(sent) > 1:
        raise Problem("unauthenticated", "There is more than one credential with this request.", headers=CHALLENGE)
    if not sent:
        return ""
    scheme, _, rest = sent[0].partition(" ")
    if not rest:
        return scheme if ours else "?"
    return rest.strip() if scheme.lower() == "bearer" else "?"
