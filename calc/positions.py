"""A book of positions: what is held, and how much of it hangs on each symbol."""

import math
from collections.abc import Iterable
from typing import Annotated

from msgspec import Meta, Struct

from calc.errors import Fault, InvalidData
from calc.quantities import measure

Symbol = Annotated[str, Meta(min_length=1, max_length=64, title="Symbol", examples=["AAPL"])]


class Position(Struct, frozen=True, forbid_unknown_fields=True):
    """Either quantity and price, or the value. Negative is short."""

    symbol: Symbol
    quantity: Annotated[float | None, measure("Quantity", "units", "Units held.", 120)] = None
    price: Annotated[
        Annotated[float, Meta(ge=0)] | None,
        measure("Price", "currency", "Of one unit; a short position has a negative quantity.", 180.5),
    ] = None
    value: Annotated[float | None, measure("Value", "currency", "In place of quantity and price.", 21660)] = None

    def __post_init__(self) -> None:
        given = (self.quantity is not None, self.price is not None, self.value is not None)
        if given not in ((True, True, False), (False, False, True)):
            raise InvalidData([Fault("$", "needs quantity and price, or value, and not both", allowed="either pair")])
        if abs(self.exposure) > 1e15:
            raise InvalidData([Fault("$", f"is worth {self.exposure:g}: at most 1e15 on either side")])

    @property
    def exposure(self) -> float:
        """What the position is worth now, negative when short."""
        return self.value if self.value is not None else (self.quantity or 0.0) * (self.price or 0.0)


def symbols_of(positions: Iterable[Position]) -> list[str]:
    """The distinct symbols, in the order in which they first stand."""
    return list(dict.fromkeys(position.symbol for position in positions))


def exposures(positions: Iterable[Position], symbols: list[str]) -> list[float]:
    """What hangs on each symbol: exact sums, so the order of the positions does not matter."""
    by_symbol: dict[str, list[float]] = {symbol: [] for symbol in symbols}
    for position in positions:
        by_symbol[position.symbol].append(position.exposure)
    return [math.fsum(by_symbol[symbol]) for symbol in symbols]


class Factors(Struct, frozen=True, forbid_unknown_fields=True):
    """Returns as sums over independent factors of variance 1, and a part of each symbol's own."""

    loadings: Annotated[
        list[list[float]],
        measure(
            "Loadings",
            "per square root of volatility_period",
            "One row a symbol, in the order in which the symbols first stand; one column a factor: the standard "
            "deviation of the symbol's return that hangs on it.",
            [[0.18, 0.05], [0.15, -0.04]],
        ),
    ]
    specific: Annotated[
        list[Annotated[float, Meta(ge=0)]],
        measure(
            "Specific",
            "per square root of volatility_period",
            "The standard deviation of what is left of each symbol's return.",
            [0.2, 0.17],
        ),
    ]


def faults_of_factors(factors: Factors, symbols: list[str]) -> list[Fault]:
    """What keeps them from being the factors of these symbols. Paths begin with $.factors."""
    faults = []
    for field, rows in (("loadings", len(factors.loadings)), ("specific", len(factors.specific))):
        if rows != len(symbols):
            detail = f"has {rows} entries for {len(symbols)} symbols"
            faults.append(Fault(f"$.factors.{field}", detail, code="length_mismatch"))
    columns = len(factors.loadings[0]) if factors.loadings else 0
    for i, row in enumerate(factors.loadings):
        if len(row) != columns:
            detail = f"has {len(row)} entries, the first row has {columns}"
            faults.append(Fault(f"$.factors.loadings[{i}]", detail, code="length_mismatch"))
        faults += [
            Fault(f"$.factors.loadings[{i}][{j}]", f"is {value:.15g}: beyond 100", value, "-100 to 100", "out_of_range")
            for j, value in enumerate(row)
            if abs(value) > 100
        ]
    faults += [
        Fault(f"$.factors.specific[{i}]", f"is {value:.15g}: beyond 100", value, "0 to 100", "out_of_range")
        for i, value in enumerate(factors.specific)
        if value > 100
    ]
    return faults[:100]
