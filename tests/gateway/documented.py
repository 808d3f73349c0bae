"""Whether an answer is one that the OpenAPI document promises: its status, its media type, its headers."""

import re
from functools import cache
from typing import Any

from httpx import Response

from gateway import openapi
from pipeline.settings import Settings

# Of every answer; a document that named them at each would say nothing more.
EVERYWHERE = {"content-length", "content-type", "cache-control", "x-content-type-options", "vary"}
EVERYWHERE |= {"x-accel-buffering"}  # a word to nginx, which keeps it


def check(answer: Response) -> None:
    """Raise AssertionError for an answer that the document does not know. Pages for people are not in it."""
    request = answer.request
    operation = _operation("get" if request.method == "HEAD" else request.method.lower(), request.url.path)
    if operation is None:
        return
    asked, status = f"{request.method} {request.url.path}", str(answer.status_code)
    assert status in operation["responses"], f"{asked} answers {status}, which the document does not know"
    promised = operation["responses"][status]
    sent = answer.headers.get("content-type", "").partition(";")[0]
    assert not sent or sent in promised.get("content", {}), f"{asked} answers {status} as {sent}"
    named = {name.lower() for name in promised["headers"]} | EVERYWHERE
    assert set(answer.headers) <= named, f"{asked} answers {status} with {set(answer.headers) - named}"


@cache
def _addresses() -> list[tuple[re.Pattern[str], dict[str, Any]]]:
    """Spelt out ones first: `/tasks/batch` is no task."""
    paths = openapi.document(Settings())["paths"]
    ordered = sorted(paths.items(), key=lambda each: each[0].count("{"))
    return [(re.compile(re.sub(r"\{\w+\}", "[^/]+", path)), methods) for path, methods in ordered]


def _operation(method: str, path: str) -> dict[str, Any] | None:
    for address, methods in _addresses():
        if address.fullmatch(path):
            found: dict[str, Any] | None = methods.get(method)
            return found
    return None
