"""The data of the kind `bermudan_swaption`: its fields, their bounds, what is wrong, the rights of rows."""

import itertools
import math
from typing import Annotated, Any, Literal

import msgspec
import numpy as np
from msgspec import Meta, Struct

from calc.checks import length_faults
from calc.errors import Fault
from calc.exact import bounds_of
from calc.kind import once_per_params
from calc.kinds.rate_curve import CurveTerms, MeanReversion, RateVolatility, curve_faults
from calc.numerics import columns, swaptions
from calc.numerics.hull_white import HullWhite
from calc.numerics.swaptions import SAME, Right
from calc.quantities import Rate, measure

MOST_ROWS = 20_000
MOST_DATES = 500  # of a right
MOST_SHIFTS = 100  # of a grid, a side
MOST_WORK = 10**9  # steps: dates × (nodes + flows) × cells of the grid
MOST_ANSWER = 7_500_000  # bytes, by 20 a number

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
_NEEDED = {"bond_option": ("type", "strike")}
_UNUSED = {"bond_option": ("side", "start")}


def list_lengths(params: Params) -> dict[str, int]:
    """Entries of the columns that are lists, one a trade."""
    given = {name: getattr(params, name) for name in (*WORDS, *NUMBERS)}
    if not _shared(params.exercise_times):
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
    found: Any = given if _shared(given) else given[row]
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


def wrong(params: Params, row: int) -> Fault | None:
    """What is wrong with a trade by itself; its path has no row."""
    numbers, words = book(params)
    name = "type" if params.product == "bond_option" else "side"
    if words[name][row] not in WORDS[name]:
        return Fault(f"$.{name}", f"must be {' or '.join(WORDS[name])}", words[name][row])
    for name, column in numbers.items():
        if math.isnan(column[row]):
            return Fault(f"$.{name}", f"must be {columns.said(BOUNDS[name])}", code="out_of_range")
    if numbers["frequency"][row] not in FREQUENCIES:
        return Fault("$.frequency", "must be 1, 2, 4 or 12", numbers["frequency"][row], code="out_of_range")
    times = times_of(params, row)
    return _wrong_times(params, times) or _wrong_ends(params, row, times or [])


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


def too_wild(params: Params, right: Right) -> float | None:
    """How far the model goes beyond what it can be asked, in the largest volatility; None where it does not."""
    most = params.volatility + max(params.volatility_shifts or [0.0])
    found = swaptions.deviation(right, HullWhite(params.mean_reversion, max(most, params.volatility)))
    return found if not found <= swaptions.MOST_DEVIATION else None


def faults_of(params: Params) -> list[Fault]:
    """All that is wrong between fields; paths begin with $."""
    faults = [*curve_faults(params.rate, params.curve), *_product_faults(params), *_column_faults(params)]
    for shift in params.volatility_shifts or []:
        if not 0 <= params.volatility + shift <= 1:
            detail = f"leave a volatility of {params.volatility + shift:g}: it must be from 0 to 1"
            faults.append(Fault("$.volatility_shifts", detail, shift, code="out_of_range"))
            break
    if faults:
        return faults
    if not list_lengths(params):
        alone = wrong(params, 0)
        return [alone] if alone else [*_wildness_faults(params), *_size_faults(params)]
    return _size_faults(params)


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


def _shared(times: Any) -> bool:
    """Whether the exercise times are those of all trades."""
    return not isinstance(times, list) or not any(each is None or isinstance(each, list) for each in times)


def _wrong_times(params: Params, times: list[float] | None) -> Fault | None:
    path, bounds = "$.exercise_times", BOUNDS["exercise_times"]
    if not times or len(times) > MOST_DATES:
        return Fault(path, f"must be 1 to {MOST_DATES} times", None if times is None else len(times))
    if not all(0 <= each <= 100 for each in times):
        return Fault(path, f"must be {columns.said(bounds)}", code="out_of_range")
    if any(a >= b for a, b in itertools.pairwise(times)):
        return Fault(path, "must ascend", allowed="each later than the one before")
    if params.product == "european_swaption" and len(times) > 1:
        return Fault(path, f"are {len(times)}: a european_swaption has one", allowed="product bermudan_swaption")
    return None


def _wrong_ends(params: Params, row: int, times: list[float]) -> Fault | None:
    numbers, _ = book(params)
    end, last = numbers["end"][row], times[-1]
    if params.product == "bond_option":
        return Fault("$.end", f"must be after the last exercise time, {last:g}", end) if end - last <= SAME else None
    start = numbers["start"][row] if "start" in numbers else times[0]
    if end - start <= SAME:
        return Fault("$.end", f"must be after the start of the swap, {start:g}", end)
    latest = ([start, *swaptions.periods(start, end, int(numbers["frequency"][row]))])[-2]
    if last > latest + SAME:
        detail = f"must be at most {latest:g}, the start of the swap's last period"
        return Fault("$.exercise_times", detail, last, code="out_of_range")
    return None


def _wildness_faults(params: Params) -> list[Fault]:
    found = too_wild(params, right(params, 0))
    if found is None:
        return []
    detail = (
        f"gives the logarithm of a bond of this trade a standard deviation of {found:.3g}: "
        f"at most {swaptions.MOST_DEVIATION:g}"
    )
    return [Fault("$.volatility", detail, params.volatility, code="out_of_range")]


def _product_faults(params: Params) -> list[Fault]:
    product = params.product
    needed = _NEEDED.get(product, ("side", "fixed_rate"))
    unused = _UNUSED.get(product, ("type", "strike"))
    faults = [Fault(f"$.{name}", "is missing", code="missing") for name in needed if getattr(params, name) is None]
    return faults + [
        Fault(f"$.{name}", f"is not used by product {product}", allowed="leave it out")
        for name in unused
        if getattr(params, name) is not None
    ]


def _column_faults(params: Params) -> list[Fault]:
    """Unequal lengths, and single values that are no good for any trade."""
    given = params.exercise_times
    if isinstance(given, list) and not _shared(given) and any(isinstance(each, float) for each in given):
        return [Fault("$.exercise_times", "must be numbers, or one list of numbers for each trade")]
    faults = length_faults(list_lengths(params), MOST_ROWS)
    for name in NUMBERS:
        value = getattr(params, name)
        allowed = columns.wrong(value, BOUNDS[name]) if isinstance(value, (int, float)) else ""
        if allowed:
            faults.append(Fault(f"$.{name}", f"must be {allowed}", value, allowed, "out_of_range"))
    if isinstance(params.frequency, (int, float)) and params.frequency not in FREQUENCIES:
        faults.append(Fault("$.frequency", "must be 1, 2, 4 or 12", params.frequency, code="out_of_range"))
    for name, allowed_words in WORDS.items():
        value = getattr(params, name)
        if isinstance(value, str) and value not in allowed_words:
            faults.append(Fault(f"$.{name}", f"must be {' or '.join(allowed_words)}", value[:100]))
    if list_lengths(params) and "exercise_times" not in list_lengths(params):
        shared = _wrong_times(params, times_of(params, 0))
        faults += [shared] if shared else []
    return faults


def _size_faults(params: Params) -> list[Fault]:
    asked = work(params)
    if asked > MOST_WORK:
        detail = f"with the dates of all trades are {asked:.3g} steps: at most {MOST_WORK:.0e}; divide the book"
        return [Fault("$.exercise_times", detail, code="too_large")]
    size = rows_of(params) * (len(cells(params)) + 3) * 20
    if params.output == "totals" or size <= MOST_ANSWER:
        return []
    detail = f"rows of {rows_of(params):,} trades and {len(cells(params)) - 1} cells would be {size / 1e6:.1f} MB"
    return [Fault("$.output", detail, "rows", 'output "totals", fewer trades or shifts', "too_large")]
