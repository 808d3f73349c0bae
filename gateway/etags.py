"""What a client has seen already need not be sent again: ETag and If-None-Match (RFC 9110).

A task's tag names its state and how far it is, not how long it has waited or run: that changes with every look. A
result never changes, so its task's id is tag enough.
"""

import hashlib

from starlette.requests import Request
from starlette.responses import Response

from gateway import headers
from pipeline.record import FINAL, Task

UNCHANGED = 304
ASK_AGAIN_S = "1"  # Retry-After of an answer that will change
VARY = "Authorization, X-API-Key"
BY_FORM = {"Vary": f"Accept, {VARY}"}  # of what is told in several forms (accept.py)
LONG, MOST_KNOWN = 16_384, 4_096  # bytes of a result whose SHA-256 is kept, and of how many tasks
_long_results: dict[str, str] = {}  # task → SHA-256 of its result


def of_task(record: Task, hook: object, why: str | None) -> str:
    """Weak: two answers with this tag tell the same, but for durations that still grow. `hook`: what is told of its
    webhook, which goes on after the task's end; `why`: why it has not started."""
    told = (record.id, record.state, record.done, record.attempts, record.interruptions, record.estimate, hook, why)
    return f'W/"{hashlib.blake2b(repr(told).encode(), digest_size=8).hexdigest()}"'


def of_result(record: Task, media_type: str) -> str:
    """Strong: the same bytes for ever, in this form."""
    return f'"{record.id}{"" if media_type == "application/json" else ".msgpack"}"'


def is_known(request: Request, tag: str) -> bool:
    """Whether the client says that it has this already."""
    sent = ",".join(headers.every(request, "if-none-match"))
    if not sent:
        return False
    bare = tag.removeprefix("W/")
    return any(each.strip().removeprefix("W/") in (bare, "*") for each in sent.split(","))


def tagged(tag: str) -> dict[str, str]:
    """The headers of what may change: it may be kept, but is asked for again each time."""
    return {"ETag": tag, "Cache-Control": "private, no-cache", "Vary": VARY}


def kept(record: Task, now_ms: int, media_type: str) -> dict[str, str]:
    """The headers of a result: it never changes, as long as it is here."""
    left_s = max(0, (record.expires_at or now_ms) - now_ms) // 1000
    keep = {"Cache-Control": f"private, max-age={left_s}, immutable"}
    return tagged(of_result(record, media_type)) | BY_FORM | keep


def ask_again(record: Task) -> dict[str, str]:
    """When it is worth asking again; nothing for a task that has ended."""
    return {} if record.state in FINAL else {"Retry-After": ASK_AGAIN_S}


def unchanged(record: Task, more: dict[str, str]) -> Response:
    """304: the client has it already."""
    return Response(status_code=UNCHANGED, headers=more | ask_again(record))


def result_sha256(record: Task) -> str | None:
    """Of the result's bytes, which never change: those of a large one are read through once in this process."""
    if record.result is None:
        return None
    sha256 = _long_results.get(record.id)
    if sha256 is None:
        sha256 = hashlib.sha256(record.result).hexdigest()
        if len(record.result) > LONG:
            while len(_long_results) >= MOST_KNOWN:
                del _long_results[next(iter(_long_results))]
            _long_results[record.id] = sha256
    return sha256
