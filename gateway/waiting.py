"""How long a client is ready to wait for the end of a task: `Prefer: wait=10`, or `?wait=10` at a keyboard."""

import asyncio
import re
from collections.abc import Callable
from typing import Self

from msgspec import Struct
from starlette.requests import Request

from calc.errors import Fault
from gateway import headers
from gateway.problems import invalid

_WAIT = re.compile(r"(?:^|[,;])\s*wait\s*=\s*\"?([0-9]{1,9})\"?\s*(?=$|[,;])", re.IGNORECASE)
_SECONDS = re.compile(r"[0-9]{1,9}(\.[0-9]{1,30})?(e[+-]?[0-9]{1,3})?", re.IGNORECASE)


class Wait(Struct, frozen=True):
    """`applied` is what the header Preference-Applied says; "" when nothing was preferred."""

    seconds: float
    applied: str

    def headers(self) -> dict[str, str]:
        """What an answer that was waited for says of it."""
        return {"Preference-Applied": self.applied} if self.applied else {}


NO_WAIT = Wait(0.0, "")


class HangUp:
    """Listens, for the length of a block, whether the client is still there; `tell` is called when it is not."""

    def __init__(self, request: Request, tell: Callable[[], None]) -> None:
        self._request, self._tell = request, tell
        self._listening: asyncio.Task[None]

    def __enter__(self) -> Self:
        self._listening = asyncio.create_task(self._listen())
        return self

    def __exit__(self, *_: object) -> None:
        self._listening.cancel()

    @property
    def dead(self) -> bool:
        """Whether the client has hung up."""
        return self._listening.done()

    async def _listen(self) -> None:
        while (await self._request.receive())["type"] != "http.disconnect":
            pass  # a body that nobody asked for
        self._tell()


def asked(request: Request, limit_s: float) -> Wait:
    """What the request asks for. The query wins; a preference that we cannot read is ignored (RFC 7240)."""
    values = request.query_params.getlist("wait") if request.scope["query_string"] else ()
    if values:
        return Wait(_query(values, limit_s), "")
    preferred = headers.every(request, "prefer")
    found = _WAIT.search(", ".join(preferred)) if preferred else None
    if not found:
        return NO_WAIT
    seconds = min(int(found[1]), int(limit_s))
    return Wait(seconds, f"wait={seconds}")


def _query(values: list[str], limit_s: float) -> float:
    text = values[-1]
    if len(values) > 1 or not _SECONDS.fullmatch(text) or float(text) > limit_s:
        allowed = f"seconds from 0 to {limit_s:g}, once"
        detail = "is not a time to wait"
        raise invalid([Fault("?wait", detail, text, allowed)], "invalid_query")
    return float(text)
