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
