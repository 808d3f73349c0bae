"""The answer of the kind `bermudan_swaption`, from the columns and sums of its parts."""

import math

import numpy as np
from msgspec import Struct

from calc.kind import Caution
from calc.kinds.bermudan_terms import Params, book, cells, list_lengths, most_dates, right, rows_of
from calc.kinds.rate_curve import discount_of
from calc.numerics import columns, swaptions
from calc.numerics.hull_white import HullWhite
from calc.quantities import looks_like_percent

STATUSES = ("ok", "bad_input", "beyond_model")
OK, BAD_INPUT, BEYOND_MODEL = range(3)
COARSE = 1e-6  # error of a price, of what changes hands, beyond which a trade is counted in a warning


class Partial(Struct, frozen=True):
    """Of each trade: packed prices, a column a cell of the grid; the largest price on one date alone, its time, the
    error; a byte of status. All empty where totals alone are asked for. Sums are prices by cell."""

    prices: list[bytes]
    european: bytes
    european_time: bytes
    error: bytes
    status: bytes
    counts: list[int]
    sums: list[float]
    coarse: int
    boundaries: list[float | None]  # of a single trade: the factor where exercise begins, by date


Answer = float | list[float | None] | None


class Boundary(Struct, frozen=True):
    """Where exercise begins on a date: the swap rate, above which a payer exercises, or the price of the bond. Null
    where there is no such level."""

    time: float
    level: float | None


class Cell(Struct, frozen=True):
    """The trades with rates and volatility shifted: what all of them are worth, and how much more than unshifted."""

    rate_shift: float
    volatility_shift: float
    value: float
    change: float
    price: Answer


class Diagnostics(Struct, frozen=True):
    """`counts`: trades by status. `residual`: the largest error of a price, in currency."""

    method: str
    model: str
    estimator: str
    rows: int
    counts: dict[str, int]
    residual: float | None
    conventions: dict[str, str]
    units: dict[str, str]
    warnings: list[Caution]


class Result(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Of one trade numbers, of a book lists, null where `status` is not ok. `european_price`: the most that the right
    to exercise on one of the dates alone is worth, the date being `european_time`. What was not asked is left out."""

    price: Answer = None
    european_price: Answer = None
    european_time: Answer = None
    error: Answer = None
    status: list[str] | None = None
    value: float
    exercise_boundary: list[Boundary] | None = None
    grid: list[Cell] | None = None
    standard_error: None
    diagnostics: Diagnostics


def answer(params: Params, accumulator: Partial) -> Result:
    """Columns, or the figures of the one trade; the grid; totals."""
    listed = bool(list_lengths(params))
    good = np.frombuffer(accumulator.status, np.uint8) == OK

    def told(packed: bytes) -> Answer:
        if params.output == "totals":
            return None
        column = columns.unpacked(packed)
        return columns.listed(column, good) if listed else float(column[0])

    prices = [told(each) for each in accumulator.prices] or [None] * len(cells(params))
    grid = [
        Cell(*shifts, value, value - accumulator.sums[0], price)
        for shifts, value, price in zip(cells(params)[1:], accumulator.sums[1:], prices[1:], strict=True)
    ]
    rows = params.output == "rows"
    return Result(
        price=prices[0],
        european_price=told(accumulator.european),
        european_time=told(accumulator.european_time),
        error=told(accumulator.error),
        status=[STATUSES[code] for code in accumulator.status] if listed and rows else None,
        value=accumulator.sums[0],
        exercise_boundary=_boundary(params, accumulator.boundaries) if len(accumulator.boundaries) > 1 else None,
        grid=grid or None,
        standard_error=None,
        diagnostics=_diagnostics(params, accumulator, good),
    )


def _boundary(params: Params, factors: list[float | None]) -> list[Boundary]:
    """By date, of the one trade."""
    of, model = right(params, 0), HullWhite(params.mean_reversion, params.volatility)
    discount = discount_of(params.rate, params.curve)
    found = []
    for date, flows, factor in zip(of.dates, of.given, factors, strict=True):
        level = None
        if factor is not None and params.product == "bond_option":
            level = abs(swaptions.worth(flows[1:], date, factor, model, discount))
        elif factor is not None:
            start, frequency = flows[0][0], int(book(params)[0]["frequency"][0])
            ends = swaptions.periods(start, flows[-1][0], frequency)
            level = swaptions.par_rate(start, ends, date, factor, model, discount)
        found.append(Boundary(date, level))
    return found


def _diagnostics(params: Params, accumulator: Partial, good: np.ndarray) -> Diagnostics:
    bond = params.product == "bond_option"
    cautions = looks_like_percent("$.data.volatility", params.volatility, 0.1)
    cautions += looks_like_percent("$.data.rate", params.rate or 0.0, 0.5)
    if params.mean_reversion < 0:
        detail = "is below 0: rates run away from their mean"
        cautions.append(Caution("mean_reversion_negative", "$.data.mean_reversion", detail))
    if accumulator.coarse:
        detail = f"of {accumulator.coarse:,} trades lie so close that their prices have an error above 1e-6 of the size"
        cautions.append(Caution("coarse_grid", "$.data.exercise_times", detail))
    errors = columns.unpacked(accumulator.error)[good] if accumulator.error else np.zeros(0)
    conventions = {
        "times": "years from now",
        "rates": "continuous zero rates, linear between times" if params.curve else "one continuous rate",
        "exercise": "into the periods that start then or later" if not bond else "into the coupons that are later",
        "exercise_boundary": "price of the bond" if bond else "rate of the swap that is entered",
    }
    if not bond:
        conventions["floating"] = "worth par at the start of its first period, on the same curve"
    return Diagnostics(
        method="backward_induction" if most_dates(params) > 1 else "closed_form",
        model="hull_white",
        estimator="Jamshidian's formula for one date; cubic splines and Gauss-Legendre pieces for several",
        rows=rows_of(params),
        counts={word: n for word, n in zip(STATUSES, accumulator.counts, strict=True) if n},
        residual=float(errors.max()) if errors.size else None,
        conventions=conventions,
        units=dict.fromkeys(("price", "european_price", "error", "value"), "currency")
        | {"european_time": "years", "exercise_boundary": "currency" if bond else "per year"},
        warnings=cautions,
    )


def finite(values: list[float]) -> list[float | None]:
    """With null for NaN."""
    return [None if math.isnan(each) else each for each in values]
