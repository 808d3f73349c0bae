"""A portfolio of real stocks, and what risk calculations need to know of it. The standard library alone.

Returns are simple (p₁/p₀ - 1), one row a day, oldest first; volatilities are per day.
"""

import csv
import gzip
import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

PRICES = Path(__file__).parent / "data" / "sp500_prices.csv.gz"
DAYS = 500
VALUE = 50_000.0  # of each position, to the nearest whole share


@dataclass(frozen=True)
class Portfolio:
    """What is held after the last day of the price table, with the `DAYS` returns that lead to it."""

    first_day: str
    last_day: str
    symbols: list[str]
    quantities: list[int]
    prices: list[float]
    returns: list[list[float]]
    volatilities: dict[str, float]
    correlation: list[list[float]]

    @property
    def positions(self) -> list[dict[str, object]]:
        """As the kinds `var_mc` and `var_historical` take them."""
        held = zip(self.symbols, self.quantities, self.prices, strict=True)
        return [{"symbol": symbol, "quantity": quantity, "price": price} for symbol, quantity, price in held]

    @property
    def value(self) -> float:
        return sum(quantity * price for quantity, price in zip(self.quantities, self.prices, strict=True))

    def losses(self, weights: Sequence[float] | None = None) -> list[float]:
        """Of each day of the past: of what is held, or of so much in each stock."""
        held = weights or [quantity * price for quantity, price in zip(self.quantities, self.prices, strict=True)]
        return [-math.fsum(part * value for part, value in zip(row, held, strict=True)) for row in self.returns]

    def risk(self, confidence: float) -> dict[str, float]:
        """VaR and ES counted from the past."""
        return worst_share(self.losses(), confidence)


def worst_share(losses: Sequence[float], confidence: float) -> dict[str, float]:
    """VaR is the ⌈αn⌉-th of the sorted losses, ES the mean of the worst 1 - α."""
    ordered = sorted(losses)
    share = round(confidence * len(ordered), 9)
    at = math.ceil(share)
    var, beyond = ordered[at - 1], ordered[at:]
    return {"var": var, "es": (sum(beyond) + (at - share) * var) / (len(ordered) - share)}


def read(path: Path = PRICES, days: int = DAYS) -> Portfolio:
    """Equal positions in every stock of the table, from its last `days` returns."""
    with gzip.open(path, "rt", newline="") as lines:
        header, *rows = csv.reader(lines)
    rows = rows[-days - 1 :]  # one price more than returns
    table = [[float(price) for price in row[1:]] for row in rows]
    returns = [[after / before - 1 for before, after in zip(old, new, strict=True)] for old, new in pairwise(table)]
    columns = list(zip(*returns, strict=True))
    symbols, prices = header[1:], table[-1]
    return Portfolio(
        first_day=rows[1][0],
        last_day=rows[-1][0],
        symbols=symbols,
        quantities=[round(VALUE / price) for price in prices],
        prices=prices,
        returns=returns,
        volatilities={symbol: statistics.stdev(column) for symbol, column in zip(symbols, columns, strict=True)},
        correlation=correlate(columns),
    )


def correlate(columns: list[tuple[float, ...]]) -> list[list[float]]:
    """The correlation matrix: each pair once, so that it is symmetric to the last bit."""
    matrix = [[1.0] * len(columns) for _ in columns]
    for i, one in enumerate(columns):
        for j in range(i):
            matrix[i][j] = matrix[j][i] = statistics.correlation(one, columns[j])
    return matrix
