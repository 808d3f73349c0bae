"""Credentials that a browser sends by itself: the dashboard's cookie, and the word of the door at port 5555.

    POST /session {"key": …} ──▶ cookie: the key, HttpOnly, SameSite=Strict; any gateway knows it as it knows the header
    nginx :5555, after its basic auth ──▶ X-Headrace-Door: a secret that only it and the gateways can make from
                                          HEADRACE_DASHBOARD_AUTH; every other door strips that header

Whoever made a browser send them: what changes something must come from a page of ours (`refuse_from_elsewhere`).
"""

import base64
import hashlib
import hmac
from urllib.parse import urlsplit

from starlette.requests import Request

from gateway import headers
from gateway.problems import Problem
from pipeline.door import secret
from pipeline.settings import Settings

COOKIE = "headrace_session"
DOOR, ACTOR = "x-headrace-door", "x-headrace-actor"
SAFE = ("GET", "HEAD", "OPTIONS")
JSON = "application/json"


class Door:
    """Knows whether a request came through port 5555."""

    def __init__(self, settings: Settings) -> None:
        self._secret = secret(settings.dashboard_auth).encode() if settings.dashboard_auth else b""

    def actor(self, request: Request) -> str | None:
        """Who the door says it is; None when it is not the door that says so."""
        said = headers.every(request, DOOR)
        if not self._secret or len(said) != 1:
            return None
        if not hmac.compare_digest(hashlib.sha256(said[0].encode()).digest(), hashlib.sha256(self._secret).digest()):
            return None
        return headers.first(request, ACTOR)[:100] or "dashboard"


def cookie_of(credential: str, secure: bool) -> str:
    """The header that keeps a credential in the browser until it is closed."""
    value = base64.urlsafe_b64encode(credential.encode()).decode().rstrip("=")
    return f"{COOKIE}={value}; Path=/; HttpOnly; SameSite=Strict{'; Secure' if secure else ''}"


def no_cookie() -> str:
    """The header that removes it."""
    return f"{COOKIE}=; Path=/; Max-Age=0; HttpOnly; SameSite=Strict"


def credential_in(request: Request) -> str:
    """The credential in the cookie; "" for none."""
    value = request.cookies.get(COOKIE, "")
    try:
        return base64.urlsafe_b64decode(value + "=" * (-len(value) % 4)).decode()
    except ValueError:  # no base 64, or of no text
        return "?"


def refuse_from_elsewhere(request: Request, *, must_say: bool) -> None:
    """Raise a Problem when a page of another site makes the browser ask for a change.

    Browsers say where a request comes from. `must_say`: who says nothing is refused too, as with the cookie; with
    the password of the door, or where there are no keys, a program may ask that says nothing of the kind.
    """
    if request.method in SAFE:
        return
    site, origin = headers.first(request, "sec-fetch-site"), headers.first(request, "origin")
    if site:
        ours = site == "same-origin" or (site == "none" and not must_say)
    elif origin:
        ours = _host(origin) == headers.first(request, "host", "?")
    else:
        ours = not must_say
    if not ours:
        raise Problem("cross_site", "The request comes from a page of another site, or does not say from which.")
    if must_say and request.method != "DELETE" and headers.media_type(request) != JSON:
        raise Problem("unsupported_media_type", "With the session's cookie a change is sent as application/json.")


def _host(origin: str) -> str:
    """Host and port of an origin; "" where it is none."""
    try:
        return urlsplit(origin).netloc
    except ValueError:
        return ""
