"""The lines of a batch, whichever way they were sent: NDJSON, a JSON array, or a grid over some fields of one task."""

import math
from itertools import product
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Raw, Struct

from calc import DEFAULT_KIND
from calc.decode import decode
from calc.errors import Fault, InvalidData
from gateway.bodies import NDJSON, Envelope
from gateway.problems import Problem, invalid

MOST = 10_000
LONGEST_NAME = 100  # of the custom_id of a point; one with longer values is named by its number
Values = Annotated[list[Any], Meta(min_length=1, max_length=MOST)]


class Line(Struct, frozen=True):
    """The text of one task, and which line of the body it is (or which member of the list, or point of the grid)."""

    number: int
    text: bytes


class Grid(Envelope, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One task, and lists of values for some fields of its data: a task for each combination."""

    grid: Annotated[
        dict[str, Values],
        Meta(min_length=1, max_length=10, description="Field of `data` → its values. A task for each combination."),
    ]


def of(body: bytes, media_type: str) -> list[Line]:
    """The lines that are not empty. Raises a Problem when there are none, or too many."""
    texts = body.splitlines() if media_type == NDJSON else _of_json(body, is_grid(body, media_type))
    lines = [Line(number, text) for number, text in enumerate(texts, 1) if text.strip()]
    if not 1 <= len(lines) <= MOST:
        fault = Fault("$", f"has {len(lines):,} tasks", allowed=f"1 to {MOST:,} tasks")
        raise invalid([fault], "invalid_request")
    return lines


def is_grid(body: bytes, media_type: str) -> bool:
    """Whether it is no list of tasks."""
    return media_type != NDJSON and body.lstrip()[:1] == b"{"


def _of_json(body: bytes, grid: bool) -> list[bytes]:
    try:
        if grid:
            return _of_grid(decode(Grid, body, "$"), msgspec.json.decode(body, type=_AsWritten).grid)
        return [bytes(line) for line in msgspec.json.decode(body, type=list[Raw])]
    except InvalidData as wrong:
        raise invalid(wrong.faults, "invalid_request") from None
    except msgspec.ValidationError:
        fault = Fault("$", "is no list of tasks", allowed="a list, or an object with a grid")
        raise invalid([fault], "invalid_request") from None
    except (msgspec.DecodeError, RecursionError) as wrong:
        raise Problem("malformed_json", f"The body is neither a list of tasks nor a grid: {wrong}.") from None


class _AsWritten(Struct):
    """The values of a grid with the digits that they were sent with."""

    grid: dict[str, list[Raw]]


def _of_grid(grid: Grid, written: dict[str, list[Raw]]) -> list[bytes]:
    count = math.prod(map(len, written.values()))
    if count > MOST:
        fault = Fault("$.grid", f"makes {count:,} tasks", allowed=f"at most {MOST:,}")
        raise invalid([fault], "invalid_request")
    decode(dict[str, Any], bytes(grid.data))
    base = msgspec.json.decode(grid.data, type=dict[str, Raw])
    said: dict[str, Any] = {
        field: value
        for field in Envelope.__struct_fields__
        if field != "data" and (value := getattr(grid, field)) not in (None, "", {})
    }
    head = msgspec.json.encode({"kind": DEFAULT_KIND} | said)[:-1]
    lines, names = [], set[str]()
    for nth, chosen in enumerate(product(*written.values()), 1):
        point = dict(zip(written, chosen, strict=True))
        name = ",".join(f"{field}={_short(value)}" for field, value in point.items())
        if len(name) > LONGEST_NAME or name in names:
            name = f"{nth}"
        names.add(name)
        data = msgspec.json.encode(base | point)
        lines.append(head + b',"custom_id":' + msgspec.json.encode(name) + b',"data":' + data + b"}")
    return lines


def _short(value: Raw) -> str:
    return bytes(value).decode().strip('"')
