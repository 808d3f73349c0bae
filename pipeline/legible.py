"""Reading what stands in the store, where a hand can have written anything.

What cannot be read is passed over where there is more of its sort, and is an error of ours where it is all that was
asked for. It never ends the one who reads.
"""

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

import msgspec

from pipeline.errors import PipelineError

Row = TypeVar("Row")
T = TypeVar("T")

# What the reading of a reply raises when it is not what a script of ours has written.
UNREADABLE = (ValueError, TypeError, LookupError, ArithmeticError, AttributeError, msgspec.MsgspecError)


def text(value: Any) -> str:
    """The text of a word of Redis; what is no UTF-8 in it shows as U+FFFD."""
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)


def legible(read: Callable[[Row], T], rows: Iterable[Row]) -> list[T]:
    """Every row that can be read, in order."""
    found = []
    for row in rows:
        try:
            found.append(read(row))
        except UNREADABLE:
            continue
    return found


def one(read: Callable[[Row], T], value: Row | None) -> T | None:
    """What a value says; None where there is none, and where it cannot be read."""
    found = legible(read, [value]) if value else []
    return found[0] if found else None


def answer(script: str, read: Callable[[Any], T], reply: Any) -> T:
    """A reply, read. Raises PipelineError, with the reason, when it cannot be."""
    try:
        return read(reply)
    except UNREADABLE as wrong:
        raise PipelineError(f"what {script} answered cannot be read: {type(wrong).__name__}: {wrong}") from wrong
