"""What is sent, signed: body and headers by the Standard Webhooks specification 1.0.0.

webhook-id: 01KAX…           the id of the task or batch: the same on every attempt
webhook-timestamp: 176…      seconds, of this attempt
webhook-signature: v1,…      HMAC-SHA256 over id.timestamp.body; one for each secret of the owner, with spaces
"""

import base64
import hashlib
import hmac
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
from msgspec import Struct

from pipeline.log import VERSION
from pipeline.webhooks import SECRET, Claim, Delivery, Secret

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
LONGEST_TEXT = 1_000  # characters of an error's message: receivers take bodies of 20 kB
BATCH = "batch.finished"


class Body(Struct, frozen=True):
    """`data` names what has ended and where its result is: a body is short, and says nothing that the owner did not."""

    type: str
    timestamp: str
    data: dict[str, Any]


def body(delivery: Delivery) -> bytes:
    """What the receiver reads: the same bytes on every attempt."""
    data = _batch(delivery) if delivery.type == BATCH else _task(delivery)
    return msgspec.json.encode(Body(delivery.type, _time(delivery.ended_at), data))


def headers(claim: Claim, sent: bytes) -> list[tuple[str, str]]:
    """The headers of one attempt, beside Host and Content-Length."""
    seconds = claim.at_ms // 1000
    return [
        ("Content-Type", "application/json"),
        ("User-Agent", f"Headrace/{VERSION}"),
        ("webhook-id", claim.delivery.id),
        ("webhook-timestamp", str(seconds)),
        ("webhook-signature", signature(claim.secrets, claim.delivery.id, seconds, sent)),
    ]


def signature(secrets: Sequence[Secret], id: str, seconds: int, sent: bytes) -> str:
    """A signature for each secret: who has either of the two finds theirs."""
    signed = f"{id}.{seconds}.".encode() + sent
    return " ".join(f"v1,{_hmac(secret.text, signed)}" for secret in secrets)


def _hmac(secret: str, signed: bytes) -> str:
    key = base64.b64decode(secret.removeprefix(SECRET))
    return base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()


def _task(delivery: Delivery) -> dict[str, Any]:
    about, path = delivery.about, f"/tasks/{delivery.id}"
    error = _object(about.get("error", ""))
    return {
        "task_id": delivery.id,
        "kind": about.get("kind", ""),
        "state": delivery.type.partition(".")[2],
        "label": about.get("label", ""),
        "metadata": _object(about.get("metadata", "")) or {},
        "batch_id": about.get("batch") or None,
        "custom_id": about.get("custom_id") or None,
        "error": error and {name: str(error.get(name, ""))[:LONGEST_TEXT] for name in ("code", "message")},
        "links": {"self": path, "result": f"{path}/result"},
    }


def _batch(delivery: Delivery) -> dict[str, Any]:
    about, path = delivery.about, f"/batches/{delivery.id}"
    return {
        "batch_id": delivery.id,
        "label": about.get("label", ""),
        "states": {state: int(about.get(state) or 0) for state in ("succeeded", "failed", "cancelled")},
        "links": {"self": path, "results": f"{path}/results"},
    }


def _object(text: str) -> dict[str, Any] | None:
    return msgspec.json.decode(text, type=dict[str, Any]) if text else None


def _time(ms: int) -> str:
    return (EPOCH + timedelta(milliseconds=ms)).isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"
