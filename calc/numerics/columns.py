"""Columns of a book: a float64 a row, NaN where nothing usable was sent; packed for the way between parts."""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

_ENCODER = msgspec.msgpack.Encoder()
_FLOAT, _IS_FLOAT = np.dtype([("is", "u1"), ("number", ">f8")]), 0xCB
_CHUNK = 32_768  # numbers that are looked at at once, as many as the processor's nearest memory holds
LEAST, MOST = 1e-30, 1e30  # in size, of what is not 0: so that products of a few stay within what a number holds


def array(value: Any, rows: int) -> Array:
    """The column of a list of numbers and nulls, or of one number for all rows."""
    if not isinstance(value, list):
        return np.full(rows, float(value))
    found = _laid_out(value, (len(value),))
    return np.array(value, dtype=np.float64) if found is None else found  # of a null, that makes a NaN


def checked(value: Any, rows: int, bounds: Mapping[str, float]) -> tuple[Array, NDArray[np.bool_]]:
    """The column, and which of its entries keep the bounds (`within`)."""
    column = array(value, rows)
    if not isinstance(value, list):  # one is like the other
        return column, np.full(rows, bool(within(column[:1], bounds).all()))
    return column, within(column, bounds)


def largest(value: Any) -> float:
    """Of a list of numbers and nulls, or of one number; 0.0 where there is none."""
    if not isinstance(value, list):
        return value or 0.0
    return (
        max(value, default=0.0) if None not in value else max((each for each in value if each is not None), default=0.0)
    )


def matrix(rows: Sequence[Sequence[float]]) -> Array:
    """The matrix of rows of one length."""
    found = _laid_out(rows, (len(rows), len(rows[0]) if rows else 0))
    return np.array(rows, dtype=np.float64) if found is None else found


def _laid_out(value: Any, shape: tuple[int, ...]) -> Array | None:
    """A list of floats, or a list of lists of them of one length, as an array; None where anything else is in it.

    MessagePack writes a list as its length and its entries, and a float as a byte that says so and eight more. msgspec
    does that, and numpy reads it, in a third of the time that numpy takes to go through the list.
    """
    *rows, width = shape
    begins = _begins(width)
    row = np.dtype([("begins", "u1", (len(begins),)), ("floats", _FLOAT, (width,))])
    text, before = _ENCODER.encode(value), sum(len(_begins(count)) for count in rows)
    if not width or len(text) != before + row.itemsize * math.prod(rows):
        return None
    found = np.frombuffer(text, row, offset=before)
    if (found["floats"]["is"] != _IS_FLOAT).any() or (found["begins"] != np.frombuffer(begins, np.uint8)).any():
        return None
    return found["floats"]["number"].astype(np.float64).reshape(shape)


def _begins(entries: int) -> bytes:
    """How MessagePack begins a list of so many."""
    if entries < 16:
        return bytes([0x90 + entries])
    return b"\xdc" + entries.to_bytes(2, "big") if entries < 1 << 16 else b"\xdd" + entries.to_bytes(4, "big")


def within(column: Array, bounds: Mapping[str, float], any_size: bool = False) -> NDArray[np.bool_]:
    """Which entries keep the bounds, under JSON Schema's names, and without `any_size` the sizes of calc.sizes; NaN
    keeps none."""
    if not any_size and are_all_within(column, bounds):
        return np.ones(column.size, dtype=bool)
    with np.errstate(invalid="ignore"):
        size = np.abs(column)
        good: NDArray[np.bool_] = ~np.isnan(column) if any_size else (size == 0) | ((size >= LEAST) & (size <= MOST))
        if "minimum" in bounds:
            good &= column >= bounds["minimum"]
        if "exclusiveMinimum" in bounds:
            good &= column > bounds["exclusiveMinimum"]
        if "maximum" in bounds:
            good &= column <= bounds["maximum"]
        if "multipleOf" in bounds:
            good &= column == np.floor(column)
    return good


def are_all_within(column: Array, bounds: Mapping[str, float]) -> bool:
    """A quick yes to what is nearly always so. False where a closer look is needed, as at a NaN."""
    if not column.size or "multipleOf" in bounds:
        return False
    least, above = bounds.get("minimum", -MOST), bounds.get("exclusiveMinimum", -math.inf)
    most = min(bounds.get("maximum", MOST), MOST)
    for first in range(0, column.size, _CHUNK):
        some = column[first : first + _CHUNK]
        low, high = float(np.minimum.reduce(some)), float(np.maximum.reduce(some))
        if not (low > above and low >= max(least, -MOST) and high <= most):
            return False
        if low >= LEAST:
            continue
        small = np.count_nonzero(np.abs(some) < LEAST)
        if small and small > some.size - np.count_nonzero(some):
            return False
    return True


def wrong(value: float, bounds: Mapping[str, float]) -> str:
    """What one number is to be that does not keep the bounds, in words; "" where it does."""
    if within(np.array([value], dtype=np.float64), bounds)[0]:
        return ""
    if value != 0 and not LEAST <= abs(value) <= MOST:
        return f"0, or from {LEAST:g} to {MOST:g} in size"
    return said(bounds)


def said(bounds: Mapping[str, float]) -> str:
    """The bounds in words: "a whole number from 1 to 1200"."""
    least, above, most = bounds.get("minimum"), bounds.get("exclusiveMinimum"), bounds.get("maximum")
    low = f"from {least:g}" if least is not None else f"above {above:g}" if above is not None else ""
    high = "" if most is None else f"to {most:g}" if least is not None else f"and at most {most:g}"
    return " ".join(filter(None, ["a whole number" if "multipleOf" in bounds else "a number", low, high]))


def packed(column: NDArray[Any]) -> bytes:
    """Little-endian bytes, eight an entry; no negative zero."""
    return (column + 0.0).astype("<f8").tobytes()


def unpacked(text: bytes) -> Array:
    """The column again."""
    return np.frombuffer(text, "<f8")


def worded(codes: NDArray[np.uint8], words: Sequence[str]) -> list[str]:
    """The word of each code."""
    found: list[str] = np.array(words, dtype=object)[codes].tolist()
    return found


def listed(column: Array, good: NDArray[np.bool_]) -> list[float | None]:
    """As JSON has it: null where the row is not good."""
    if good.all():
        found: list[float | None] = column.tolist()
        return found
    return [value if fine else None for value, fine in zip(column.tolist(), good.tolist(), strict=True)]


def added(tables: Iterable[list[list[float]]]) -> list[list[float]]:
    """Tables of unequal length, added entry by entry, in their order."""
    whole: list[list[float]] = []
    for table in tables:
        for i, row in enumerate(table):
            if i == len(whole):
                whole.append(list(row))
            else:
                whole[i] = [a + b for a, b in zip(whole[i], row, strict=True)]
    return whole


def summed(column: Array, good: NDArray[np.bool_]) -> float:
    """The exact sum of the good rows, rounded once."""
    return math.fsum(column[good].tolist())
