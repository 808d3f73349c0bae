"""What we say about a webhook: how its delivery goes."""

from typing import Any

from gateway.answers import time_if
from gateway.shapes import WebhookAnswer
from pipeline.webhooks import Delivery


def told(url: str, delivery: Delivery | None, ended: bool) -> WebhookAnswer | None:
    """What is known of a webhook; None where there is none."""
    if not url:
        return None
    if delivery is None:
        unknown: dict[str, Any] = dict.fromkeys(("next_at", "last_at", "last_status", "last_error", "delivered_at"))
        return WebhookAnswer(url=url, state="forgotten" if ended else "waiting", attempts=0, **unknown)
    return of(delivery)


def of(delivery: Delivery) -> WebhookAnswer:
    """How a delivery goes."""
    return WebhookAnswer(
        url=delivery.url,
        state=delivery.state,
        attempts=delivery.attempts,
        next_at=time_if(delivery.next_at),
        last_at=time_if(delivery.last_at),
        last_status=delivery.last_status,
        last_error=delivery.last_error or None,
        delivered_at=time_if(delivery.over_at) if delivery.state == "delivered" else None,
    )
