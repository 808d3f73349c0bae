"""What a client has seen already need not be sent again: ETag and If-None-Match (RFC 9110).

A task's tag names its state and how far it is, not how long it has waited or run: that changes with every look. A
result never changes, so its task's id is tag enough.
"""

import hashlib

from starlette.requests import Request

from pipeline.record import Task

VARY = "Authorization, X-API-Key"


def of_task(record: Task) -> str:
    """Weak: two answers with this tag tell the same, but for durations that still grow."""
    told = (record.id, record.state, record.done, record.attempts, record.interruptions, record.estimate)
    return f'W/"{hashlib.blake2b(repr(told).encode(), digest_size=8).hexdigest()}"'


def of_result(record: Task) -> str:
    """Strong: the same bytes for ever."""
    return f'"{record.id}"'


def is_known(request: Request, tag: str) -> bool:
    """Whether the client says that it has this already."""
    sent = ",".join(request.headers.getlist("if-none-match"))
    if not sent:
        return False
    bare = tag.removeprefix("W/")
    return any(each.strip().removeprefix("W/") in (bare, "*") for each in sent.split(","))
