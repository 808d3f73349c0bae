"""What is wrong with the data of the kind `bermudan_swaption`: between fields, and with a trade by itself."""

import itertools
import math

from calc.checks import length_faults
from calc.errors import Fault
from calc.kinds.bermudan_terms import (
    BOUNDS,
    FREQUENCIES,
    MOST_DATES,
    NUMBERS,
    WORDS,
    Params,
    book,
    cells,
    is_shared,
    list_lengths,
    right,
    rows_of,
    times_of,
    work,
)
from calc.kinds.rate_curve import curve_faults
from calc.numerics import columns, swaptions
from calc.numerics.hull_white import HullWhite
from calc.numerics.swaptions import SAME, Right

MOST_ROWS = 20_000
MOST_WORK = 10**9  # steps: dates × (nodes + flows) × cells of the grid
MOST_ANSWER = 7_500_000  # bytes, by 20 a number
_NEEDED = {"bond_option": ("type", "strike")}
_UNUSED = {"bond_option": ("side", "start")}


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
    if isinstance(given, list) and not is_shared(given) and any(isinstance(each, float) for each in given):
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
