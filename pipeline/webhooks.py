"""Deliveries that are owed to webhooks, the secrets that sign them, and the verbs of both (carried as verbs.py's are).

    a task ends ─owe, same script─▶ pending ──claim──▶ tried ──outcome──▶ delivered
                                       ▲                  ├── later, after a pause ──▶ pending
                                       │                  └── after the last attempt, or 410 ──▶ given_up
                                       └── the lease is over: whoever tried it died ─────────────┘ redeliver

The id of a delivery is that of its task or batch, so it is the same however often it is tried.
"""

import base64
import secrets
from collections.abc import Mapping
from typing import Any, Literal, get_args

import msgspec
from msgspec import Struct

from pipeline.ids import ALPHABET
from pipeline.legible import text
from pipeline.verbs import Call

DeliveryState = Literal["pending", "delivered", "given_up"]
STATES: tuple[DeliveryState, ...] = get_args(DeliveryState)
Outcome = Literal["delivered", "given_up", "later", "not_tried"]
SECRET = "whsec_"  # what a secret begins with; base64 of its bytes follows
SECRET_BYTES, SECRET_ID = 32, 8


class Delivery(Struct, frozen=True, kw_only=True):
    """A delivery as its record says. Times are ms by Redis' clock. `about`: what is told of the task or batch."""

    id: str
    owner: str
    type: str  # task.succeeded, task.failed, task.cancelled, batch.finished
    url: str
    state: DeliveryState
    attempts: int
    ended_at: int  # when its task or batch ended
    next_at: int | None
    last_at: int | None
    last_status: int | None
    last_error: str
    over_at: int | None  # when it was delivered or given up
    about: dict[str, str]


class Secret(Struct, frozen=True):
    """What signs an owner's deliveries. `text` is "" where nobody needs to know it."""

    id: str
    created_at: int
    text: str = ""


class Claim(Struct, frozen=True):
    """A delivery that is ours to try; `number` is the right to say what came of it. `at_ms` is Redis' time."""

    delivery: Delivery
    number: int
    secrets: tuple[Secret, ...]
    at_ms: int


def make_secret() -> tuple[str, str]:
    """Id and text of a new secret."""
    id = "".join(secrets.choice(ALPHABET) for _ in range(SECRET_ID))
    return id, SECRET + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


# ── who delivers ──


def claim(
    lease_ms: int, most: int, most_of_owner: int, put_off_ms: int, under_way: Mapping[str, int]
) -> Call[list[Claim]]:
    """Claim at most `most` due deliveries for `lease_ms`; of an owner no more than `most_of_owner`, counting those that
    are `under_way`. After a lost reply the lease brings them back."""
    busy = [word for pair in under_way.items() for word in pair]
    return Call("claim_webhooks", (0, "", lease_ms, most, most_of_owner, put_off_ms, *busy), _claims)


def outcome(claim: Claim, outcome: Outcome, status: int | None, error: str, pause_ms: int = 0) -> Call[bool]:
    """Record what came of a try; False when it is no longer ours: then nothing is changed."""
    words = (claim.delivery.id, claim.number, outcome, "" if status is None else status, error, pause_ms)
    return Call("webhook_outcome", (0, "", *words), lambda reply: bool(reply == b"ok"), again=True)


# ── who looks ──


def delivery(id: str) -> Call[Delivery | None]:
    """The delivery of a task or batch; None when none was owed, or its record is gone."""
    return Call("webhook", (0, "", id), lambda reply: _delivery(id, reply) if reply else None, again=True)


def deliveries(state: DeliveryState, owner: str, limit: int) -> Call[list[Delivery]]:
    """Those that are owed or were given up, of an owner ("" for all)."""
    words = (0, "", state, owner, limit)
    return Call("webhooks", words, lambda reply: [_delivery(text(id), fields) for id, fields in reply], again=True)


def redeliver(id: str, by: str = "", request_id: str = "") -> Call[bool]:
    """Deliver once more, now and from the first attempt on; False when there is no record."""
    return Call("redeliver", (0, "", id, by, request_id), bool, again=True)


# ── secrets ──


def secrets_of(owner: str = "") -> Call[dict[str, list[Secret]]]:
    """The secrets of an owner, or of all, without their text: owner → newest first."""
    return Call("webhook_secrets", (0, "", owner), _owners, again=True)


def keep_secret(owner: str, id: str, text: str, by: str = "", request_id: str = "") -> Call[int]:
    """Keep a new secret. Two of an owner sign; an older third goes."""
    return Call("keep_webhook_secret", (0, "", owner, id, text, by, request_id), int)


def remove_secret(owner: str, id: str, by: str = "", request_id: str = "") -> Call[bool]:
    """Remove a secret; False when there was none."""
    return Call("remove_webhook_secret", (0, "", owner, id, by, request_id), bool, again=True)


# ── reading replies ──

_OWN = (
    "state",
    "url",
    "owner",
    "type",
    "ended_at",
    "attempts",
    "claim",
    "next_at",
    "last_at",
    "last_status",
    "last_error",
    "over_at",
)


def _claims(reply: list[Any]) -> list[Claim]:
    at_ms, rows = reply
    return [
        Claim(_delivery(text(id), fields), int(number), tuple(_secrets(kept)) if kept else (), int(at_ms))
        for id, number, kept, fields in rows
    ]


def _delivery(id: str, pairs: list[bytes]) -> Delivery:
    """A hand may have written anything: what is no number counts as none, what is no text of ours is shown as it is."""
    told = {
        name.decode(errors="replace"): value.decode(errors="replace")
        for name, value in zip(pairs[::2], pairs[1::2], strict=True)
    }
    state = told.get("state", "")
    return Delivery(
        id=id,
        owner=told.get("owner", ""),
        type=told.get("type", ""),
        url=told.get("url", ""),
        state=next((known for known in STATES if known == state), "given_up"),
        attempts=_number(told, "attempts") or 0,
        ended_at=_number(told, "ended_at") or 0,
        next_at=_number(told, "next_at"),
        last_at=_number(told, "last_at"),
        last_status=_number(told, "last_status"),
        last_error=told.get("last_error", ""),
        over_at=_number(told, "over_at"),
        about={name: value for name, value in told.items() if name not in _OWN},
    )


def _number(told: dict[str, str], name: str) -> int | None:
    text = told.get(name, "")
    return int(text) if text.isascii() and text.isdigit() else None


def _secrets(kept: bytes) -> list[Secret]:
    """None, where a hand has written something else: then nothing can be signed."""
    try:
        return msgspec.json.decode(kept, type=list[Secret], strict=False)
    except msgspec.MsgspecError:
        return []


def _owners(reply: list[bytes]) -> dict[str, list[Secret]]:
    return {text(owner): _secrets(kept) for owner, kept in zip(reply[::2], reply[1::2], strict=True)}
