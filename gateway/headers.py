"""The headers of a request, read once: by name in small letters, each with all its values in their order."""

from collections.abc import Sequence

from starlette.requests import Request
from starlette.types import Scope


def read(scope: Scope) -> dict[str, list[str]]:
    """All of them. The edge keeps them as `headers` in the request's state."""
    found: dict[str, list[str]] = {}
    for name, value in scope["headers"]:
        found.setdefault(name.decode("latin-1"), []).append(value.decode("latin-1"))
    return found


def every(request: Request, name: str) -> Sequence[str]:
    """The values of a header, none when it was not sent."""
    values: Sequence[str] = request.scope["state"]["headers"].get(name, ())
    return values


def first(request: Request, name: str, default: str = "") -> str:
    """The first value of a header."""
    values = every(request, name)
    return values[0] if values else default


def media_type(request: Request) -> str:
    """What the body is declared to be, without its parameters. Declared twice it is neither."""
    return ", ".join(every(request, "content-type")).partition(";")[0].strip().lower()
