"""What several kinds check alike: columns before they are calculated with, figures before they are told.

A self-check that fails ends the task with its name instead of giving a number.
"""

import math
from collections.abc import Sequence

from calc.errors import CalcError, Fault


def length_faults(lengths: dict[str, int], most: int) -> list[Fault]:
    """Of columns, by name, that must all have the length of the first, at least 1 and at most `most`."""
    if not lengths:
        return []
    first, rows = next(iter(lengths.items()))
    faults = [
        Fault(f"$.{name}", f"has {length:,} entries, {first} has {rows:,}", code="length_mismatch")
        for name, length in lengths.items()
        if length != rows
    ]
    if not 1 <= rows <= most:
        faults.append(Fault(f"$.{first}", f"must have 1 to {most:,} entries", rows, code="too_large"))
    return faults


def check_order(var: float, es: float) -> None:
    """ES is a mean of losses of at least VaR."""
    if es < var - 1e-12 * max(abs(var), abs(es)):
        raise CalcError(f"Expected shortfall {es!r} is below VaR {var!r}.", code="internal_check_failed")


def check_sum(name: str, parts: list[float], total: float) -> None:
    """Contributions add up."""
    size = max(abs(total), math.fsum(map(abs, parts)))
    if abs(math.fsum(parts) - total) > 1e-9 * size:
        raise CalcError(f"{name} adds up to {math.fsum(parts)!r}, not {total!r}.", code="internal_check_failed")


def ragged_faults(path: str, rows: Sequence[Sequence[float]]) -> list[Fault]:
    """Of a matrix: every row that has not the length of the first."""
    width = len(rows[0]) if rows else 0
    return [
        Fault(f"{path}[{i}]", f"has {len(row)} entries, the first row has {width}", code="length_mismatch")
        for i, row in enumerate(rows)
        if len(row) != width
    ]
