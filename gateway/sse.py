"""Server-sent events: how they are spelt, and what all our streams have in common."""

from collections.abc import AsyncIterator

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

KEEP_ALIVE_S = 15.0  # a comment, so that nobody between takes the silence for the end
BEGIN = b"retry: 1000\n\n"  # ms that a client waits before it comes again
STILL_HERE = b": still here\n\n"
MEDIA_TYPE = "text/event-stream"
HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}  # nginx passes each event on at once


def answer(request: Request, events: AsyncIterator[bytes]) -> Response:
    """A stream of events; its headers alone for HEAD."""
    if request.method == "HEAD":
        return Response(headers=HEADERS, media_type=MEDIA_TYPE)
    return StreamingResponse(events, headers=HEADERS, media_type=MEDIA_TYPE)


def event(name: bytes, data: bytes, id: bytes = b"") -> bytes:
    """One event. `data` are of one line, as JSON is; a client comes again with the last `id`."""
    return (b"id: %s\n" % id if id else b"") + b"event: %s\ndata: %s\n\n" % (name, data)
