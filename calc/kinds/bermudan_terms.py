"""The data of the kind `bermudan_swaption`: its fields, their bounds, the rights of rows."""

import itertools
import math
from typing import Annotated, Any, Literal

import msgspec
import numpy as np
from msgspec import Meta, Struct

from calc.exact import bounds_of
from calc.kind import once_per_params
from calc.kinds.rate_curve import CurveTerms, MeanReversion, RateVolatility
from calc.numerics import columns, swaptions
from calc.numerics.swaptions import Right
from calc.quantities import Rate, measure

MOST_DATES = 500  # of a right
MOST_SHIFTS = 100  # of a grid, a side

Column = float | list[float | None]
Shift = Annotated[float, Meta(ge=-1, le=1)]
Shifts = Annotated[list[Shift], Meta(min_length=1, max_length=MOST_SHIFTS)]


class Params(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A quantity of a trade is a value, or a list with an entry a trade."""

    product: Annotated[
        Literal["european_swaption", "bermudan_swaption", "bond_option"],
        Meta(title="Product", description="european_swaption: one exercise time. Of all trades."),
    ]
    exercise_times: Annotated[
        float | list[float | list[float] | None],
        measure(
            "Exercise times",
            "years",
            "Ascending, from now, for all trades; or a list of such lists, one a trade.",
            [2, 3, 4, 5, 6],
            schema={"minimum": 0, "maximum": 100},
        ),
    ]
    end: Annotated[
        Column,
        measure(
            "End",
            "years",
            "Of the swap's last period, or of the bond.",
            7,
            schema={"exclusiveMinimum": 0, "maximum": 100},
        ),
    ]
    start: Annotated[
        Column | None,
        measure(
            "Start",
            "years",
            "Of the swap's first period; the first exercise time when absent.",
            2,
            schema={"minimum": 0, "maximum": 100},
        ),
    ] = None
    side: Annotated[
        str | list[str | None] | None,
        Meta(
            title="Side", description="Of a swap, whose fixed rate the holder would pay or receive.", examples=["pay"]
        ),
    ] = None
    type: Annotated[
        str | list[str | None] | None,
        Meta(title="Type", description="Of a bond option, the right to buy or to sell: call or put.", examples=["put"]),
    ] = None
    fixed_rate: Annotated[
        Column | None,
        measure(
            "Fixed rate",
            "per year",
            "Of a swap, simple, of each period; of a bond its coupon, 0 when absent.",
            0.04,
            fraction=True,
            schema={"minimum": -0.5, "maximum": 1},
        ),
    ] = None
    strike: Annotated[
        Column | None,
        measure(
            "Strike",
            "currency",
            "Of a bond option: what is paid for a bond of `notional`, all accrued interest within it.",
            63,
            schema={"exclusiveMinimum": 0, "maximum": 1e15},
        ),
    ] = None
    notional: Annotated[
        Column,
        measure(
            "Notional",
            "currency",
            "Of both legs, or the bond's face.",
            1_000_000,
            schema={"exclusiveMinimum": 0, "maximum": 1e15},
        ),
    ] = 1.0
    frequency: Annotated[
        Column,
        measure(
            "Frequency",
            "per year",
            "Of fixed payments, 1, 2, 4 or 12; a short period comes first.",
            1,
            schema={"minimum": 1, "maximum": 12, "multipleOf": 1},
        ),
    ] = 1.0
    rate: Rate | None = None
    curve: CurveTerms | None = None
    mean_reversion: MeanReversion
    volatility: RateVolatility
    rate_shifts: Annotated[
        Shifts | None, measure("Rate shifts", "per year", "Of all zero rates: a side of the grid.", [-0.01, 0, 0.01])
    ] = None
    volatility_shifts: Annotated[
        Shifts | None, measure("Volatility shifts", "per year^1.5", "The other side of the grid.", [0, 0.001])
    ] = None
    output: Annotated[
        Literal["rows", "totals"], Meta(title="Output", description="Columns with an entry a trade, or sums alone.")
    ] = "rows"


NUMBERS = ("end", "start", "fixed_rate", "strike", "notional", "frequency")
WORDS = {"side": ("pay", "receive"), "type": ("call", "put")}
FREQUENCIES = (1, 2, 4, 12)
BOUNDS = {each.name: bounds_of(each.type) for each in msgspec.structs.fields(Params)}


def list_lengths(params: Params) -> dict[str, int]:
    """Entries of the columns that are lists, one a trade."""
    given = {name: getattr(params, name) for name in (*WORDS, *NUMBERS)}
    if not is_shared(params.exercise_times):
        given["exercise_times"] = params.exercise_times
    return {name: len(column) for name, column in given.items() if isinstance(column, list)}


def rows_of(params: Params) -> int:
    """Trades."""
    return next(iter(list_lengths(params).values()), 1)


def cells(params: Params) -> list[tuple[float, float]]:
    """Shifts of rates and of volatility: none at all first, then those of the grid, row by row."""
    grid: list[tuple[float, float]] = []
    if params.rate_shifts is not None or params.volatility_shifts is not None:
        grid = list(itertools.product(params.rate_shifts or [0.0], params.volatility_shifts or [0.0]))
    return [(0.0, 0.0), *grid]


def times_of(params: Params, row: int) -> list[float] | None:
    """The exercise times of a trade; None of a null."""
    given = params.exercise_times
    if not isinstance(given, list):
        return [given]
    found: Any = given if is_shared(given) else given[row]
    return [found] if isinstance(found, float) else found


def most_dates(params: Params) -> int:
    """Exercise times of the trade that has the most."""
    return max(len(times_of(params, row) or []) for row in range(rows_of(params)))


@once_per_params
def book(params: Params) -> tuple[dict[str, list[float]], dict[str, list[Any]]]:
    """Columns of numbers (NaN where there is none that is within its bounds) and of words."""
    rows, numbers = rows_of(params), {}
    for name in NUMBERS:
        value = getattr(params, name)
        if value is not None:
            column = columns.array(value, rows)
            numbers[name] = np.where(columns.within(column, BOUNDS[name]), column, math.nan).tolist()
    given = {name: getattr(params, name) for name in WORDS}
    return numbers, {name: each if isinstance(each, list) else [each] * rows for name, each in given.items()}


def right(params: Params, row: int) -> Right:
    """Of a trade in which nothing is wrong."""
    numbers, words = book(params)
    end, frequency, notional = (numbers[name][row] for name in ("end", "frequency", "notional"))
    fixed_rate = numbers["fixed_rate"][row] if "fixed_rate" in numbers else 0.0
    times = times_of(params, row) or []
    if params.product == "bond_option":
        sign = 1.0 if words["type"][row] == "call" else -1.0
        strike = sign * numbers["strike"][row]
        return swaptions.bond_right(times, strike, end, int(frequency), fixed_rate, sign * notional)
    start = numbers["start"][row] if "start" in numbers else times[0]
    sign = 1.0 if words["side"][row] == "pay" else -1.0
    return swaptions.swap_right(times, start, end, int(frequency), fixed_rate, sign * notional)


@once_per_params
def extents(params: Params) -> list[tuple[int, float]]:
    """Of every trade its exercise times, and its payments after the first of them, as the cost takes them."""
    numbers, _ = book(params)
    found = []
    for row, (end, frequency) in enumerate(zip(numbers["end"], numbers["frequency"], strict=True)):
        times = times_of(params, row) or [0.0]
        flows = (end - times[0]) * frequency
        found.append((min(len(times), MOST_DATES), max(flows, 1.0) if flows == flows else 1.0))
    return found


def work(params: Params) -> float:
    """Dates of all trades, each by the nodes and flows that it takes, times the cells of the grid."""
    return math.fsum(dates * (64.0 + flows) for dates, flows in extents(params)) * len(cells(params))


def is_shared(times: Any) -> bool:
    """Whether the exercise times are those of all trades."""
    return not isinstance(times, list) or not any(each is None or isinstance(each, list) for each in times)
