"""What makes two submissions one: the client's Idempotency-Key, or what nginx calls a request that it sends again."""

import hashlib
import re
from collections.abc import Callable
from typing import Any

import msgspec
from msgspec import Struct
from starlette.requests import Request

from gateway import headers
from gateway.bodies import Envelope
from gateway.problems import Problem

KEY_TTL_S = 86_400
RESEND_TTL_S = 300  # a proxy resends at once, or never
_KEY = re.compile(r'"([\x20-\x21\x23-\x7e]{1,255})"|([\x21\x23-\x7e](?:[\x20\x21\x23-\x7e]{0,253}[\x21\x23-\x7e])?)')
_SUBMISSION_ID = re.compile(r"[A-Za-z0-9_-]{8,128}")
_literal = msgspec.json.Decoder(float_hook=str).decode


class Key(Struct, frozen=True):
    """What makes two submissions one: a key, the hash of the request, and how long both are kept."""

    name: str = ""
    sha256: str = ""
    ttl_s: int = KEY_TTL_S


def key(request: Request, asked: Envelope, kind: str, body: bytes) -> Key:
    """The client's Idempotency-Key; without one the proxy's X-Submission-ID, whose resends have equal bytes."""
    return _key(request, lambda: _request_sha256(asked, kind), body)


def key_name(request: Request) -> str:
    """The client's Idempotency-Key, "" for none. Raises a Problem where it is none."""
    sent = headers.every(request, "idempotency-key")
    if not sent:
        return ""
    match = _KEY.fullmatch(sent[0]) if len(sent) == 1 else None
    if not match:
        raise Problem("bad_header", "Idempotency-Key must be one text of 1 to 255 printable ASCII characters.")
    return match[1] or match[2]


def _key(request: Request, sha256: Callable[[], str], body: bytes) -> Key:
    name = key_name(request)
    if name:
        return Key(f"key:{name}", sha256())
    submission = headers.first(request, "x-submission-id")
    if _SUBMISSION_ID.fullmatch(submission):
        return Key(f"once:{submission}", hashlib.sha256(body).hexdigest(), RESEND_TTL_S)
    return Key()


def batch_key(request: Request, body: bytes) -> Key:
    """The same for a batch, by all its bytes."""
    sha256 = hashlib.sha256(request.scope["query_string"] + b"\n" + body).hexdigest()
    return _key(request, lambda: sha256, body)


def _request_sha256(asked: Envelope, kind: str) -> str:
    """Of what was asked, before a seed is drawn: the order of fields and white space do not matter.

    Numbers count as they are written: 0.1 and 0.10 are two requests, because exact decimals keep their digits.
    """
    said: dict[str, Any] = {field: getattr(asked, field) for field in Envelope.__struct_fields__}
    said |= {"kind": kind, "data": _literal(asked.data)}
    return hashlib.sha256(msgspec.json.encode(said, order="sorted")).hexdigest()
