"""The least and largest weights of assets, as clients may send them, and what kinds of portfolios say of them."""

import math
from typing import Annotated

import numpy as np
from msgspec import Meta
from numpy.typing import NDArray

from calc.errors import Fault
from calc.quantities import measure

Array = NDArray[np.float64]
Weight = Annotated[float, Meta(ge=-100, le=100)]
Mean = Annotated[float, Meta(ge=-100, le=100)]
Bounds = Annotated[
    list[Weight | list[Weight]],
    measure(
        "Bounds",
        "fraction of the portfolio",
        "The least and the largest weight: one pair for all assets, or a pair for each.",
        [0, 0.4],
        min_length=1,
        max_length=2000,
    ),
]


def bounds(given: list[float | list[float]], size: int) -> tuple[Array, Array]:
    """Lower and upper, of every asset."""
    flat = [each for each in given if not isinstance(each, list)]
    pairs = [flat] * size if flat else [each for each in given if isinstance(each, list)]
    table = np.array(pairs, dtype=np.float64)
    return np.ascontiguousarray(table[:, 0]), np.ascontiguousarray(table[:, 1])


def bounds_faults(given: list[float | list[float]], names: list[str]) -> list[Fault]:
    """Two numbers, or a pair for each asset, that let the weights add up to 1."""
    allowed = "two numbers, or a pair for each asset"
    pairs = [each for each in given if isinstance(each, list)]
    if pairs and (len(pairs) != len(given) or len(pairs) != len(names)):
        detail = f"has {len(given)} entries, {len(pairs)} of them pairs: there are {len(names)} assets"
        return [Fault("$.bounds", detail, allowed=allowed, code="length_mismatch")]
    if not pairs and len(given) != 2:
        detail = f"has {len(given)} entries"
        return [Fault("$.bounds", detail, allowed=allowed, code="length_mismatch")]
    wrong = [
        Fault(f"$.bounds[{i}]", f"has {len(pair)} entries: it is a pair", code="length_mismatch")
        for i, pair in enumerate(pairs)
        if len(pair) != 2
    ]
    if wrong:
        return wrong
    lower, upper = bounds(given, len(names))
    wrong = [
        Fault(
            f"$.bounds[{i}]" if pairs else "$.bounds", f"has its least, {lower[i]:g}, above its largest, {upper[i]:g}"
        )
        for i in np.flatnonzero(lower > upper)[: None if pairs else 1]
    ]
    least, most = math.fsum(lower), math.fsum(upper)
    if not wrong and not least - 1e-12 <= 1 <= most + 1e-12:
        detail = f"lets the weights add up to {least:g} … {most:g}, never to 1"
        wrong = [Fault("$.bounds", detail, code="infeasible")]
    return wrong


def length_fault(path: str, given: list[float] | None, names: list[str]) -> list[Fault]:
    """That a list has not one entry for each asset."""
    if given is None or len(given) == len(names):
        return []
    return [Fault(path, f"has {len(given)} entries, there are {len(names)} assets", code="length_mismatch")]


def above_all(target: float, least: float, most: float) -> str:
    """That a target return is too high."""
    return f"{target:g} is above the largest attainable {most:.6g} with these bounds (range {least:.6g}..{most:.6g})"


def no_excess(rate: float, most: float) -> str:
    """That no Sharpe ratio is above 0."""
    return (
        f"is {rate:g}: no portfolio within the bounds returns more than {most:.6g}, so none has a Sharpe ratio above 0"
    )
