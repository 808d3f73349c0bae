"""Server-sent events as a client reads them."""

import json
from typing import Any

from msgspec import Struct


class Event(Struct, frozen=True):
    """One event."""

    id: str
    name: str
    data: dict[str, Any]


def events(text: str) -> list[Event]:
    """The events of a stream; comments and the time to wait before the next attempt are none."""
    found = []
    for block in text.split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.splitlines() if not line.startswith(":"))
        if "data" in fields:
            found.append(Event(fields["id"], fields["event"], json.loads(fields["data"])))
    return found


def states(of: list[Event]) -> list[str]:
    """The states that a client was told, the last one by the end of the stream."""
    return [event.data["state"] for event in of if event.name in ("state", "end")]
