"""Columns of a book: a float64 a row, NaN where nothing usable was sent; packed for the way between parts."""

import math
import struct
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

_CHUNK = 8192  # numbers that are packed at once
_WIDE = 8  # numbers in a row, from which on packing is quicker than np.array
LEAST, MOST = 1e-30, 1e30  # in size, of what is not 0: so that products of a few stay within what a number holds


def array(value: Any, rows: int) -> Array:
    """The column of a list of numbers and nulls, or of one number for all rows."""
    if not isinstance(value, list):
        return np.full(rows, float(value))
    found = np.empty(len(value))
    try:
        for first in range(0, len(value), _CHUNK):  # half of what np.array takes
            some = value[first : first + _CHUNK]
            _packer(len(some)).pack_into(found.data, 8 * first, *some)
    except struct.error:  # of a null, which np.array makes a NaN
        return np.array(value, dtype=np.float64)
    return found


def matrix(rows: Sequence[Sequence[float]]) -> Array:
    """The matrix of rows of one length."""
    width = len(rows[0]) if rows else 0
    if width < _WIDE:
        return np.array(rows, dtype=np.float64)
    found = np.empty((len(rows), width))
    packer = _packer(width)
    for i, row in enumerate(rows):  # half of what np.array takes
        packer.pack_into(found.data, 8 * width * i, *row)
    return found


@lru_cache(maxsize=64)
def _packer(count: int) -> struct.Struct:
    """Of so many numbers, as they stand in an array."""
    return struct.Struct(f"{count}d")


def within(column: Array, bounds: Mapping[str, float], any_size: bool = False) -> NDArray[np.bool_]:
    """Which entries keep the bounds, under JSON Schema's names, and without `any_size` the sizes of calc.sizes; NaN
    keeps none."""
    if not any_size and _are_all_within(column, bounds):
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


def _are_all_within(column: Array, bounds: Mapping[str, float]) -> bool:
    """A quick yes to what is nearly always so. False where a closer look is needed, as at a NaN."""
    if not column.size or "multipleOf" in bounds:
        return False
    low, high, size = float(column.min()), float(column.max()), np.abs(column)
    above = low > bounds.get("exclusiveMinimum", -math.inf) and low >= bounds.get("minimum", -math.inf)
    if not (above and high <= bounds.get("maximum", math.inf) and max(-low, high) <= MOST):
        return False
    return bool(np.count_nonzero(size) == np.count_nonzero(size >= LEAST))


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


def listed(column: Array, good: NDArray[np.bool_]) -> list[float | None]:
    """As JSON has it: null where the row is not good."""
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
