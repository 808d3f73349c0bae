"""Columns of a book: a float64 a row, NaN where nothing usable was sent; packed for the way between parts."""

import math
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

LEAST, MOST = 1e-30, 1e30  # in size, of what is not 0: so that products of a few stay within what a number holds


def array(value: Any, rows: int) -> Array:
    """The column of a list of numbers and nulls, or of one number for all rows."""
    if not isinstance(value, list):
        return np.full(rows, float(value))
    try:
        return np.fromiter(value, np.float64, len(value))  # a third of what np.array takes
    except TypeError:  # of a null, which np.array makes a NaN
        return np.array(value, dtype=np.float64)


def within(column: Array, bounds: Mapping[str, float], any_size: bool = False) -> NDArray[np.bool_]:
    """Which entries keep the bounds, under JSON Schema's names, and without `any_size` the sizes of calc.sizes; NaN
    keeps none."""
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
