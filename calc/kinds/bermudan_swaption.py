"""Swaptions and bond options under Hull-White rates, with one exercise date or many; a book, over a grid of shifts.

The short rate reverts at `mean_reversion` a to a curve, with `volatility` σ. With D(t) today's discount factors, the
bond at t under the law forward to t is, with y normal of mean 0 and variance v(t),

    P(t, s) = D(s)/D(t) exp(-B(s-t) y - B(s-t)² v(t)/2),   B(u) = (1 - e^(-au))/a,   v(t) = σ² (1 - e^(-2at))/(2a)

    swap      exercise at t enters the periods that start at t or later, the first at s ≥ t: a payer gets
              P(t, s) - P(t, end) - Σ fixed_rate · length · P(t, paid); the floating leg is on the same curve
    bond      exercise buys (call) or sells (put) for `strike` the bond of `notional` with its later coupons

A European right is Jamshidian's (1989) sum of options on bonds. A Bermudan one is stepped back from its last date,
V(t) = max(exercise, P(t, t') E[V(t')]): every function of y is a cubic spline, the expectation is cut where exercise
begins, and Gauss and Legendre's nodes integrate the smooth pieces. The points are doubled until the price stands still
to 1e-9 of what changes hands; `error` is what the last doubling says. Hull and White (1990); Andersen and Piterbarg
(2010), 10.1.

A quantity is a value or a list with an entry a trade; `exercise_times` are those of all trades, or a list of lists.
A book gets columns with a `status`: ok, bad_input (null, outside of a field's bounds, times that do not ascend or are
after the start of the last period), beyond_model (the logarithm of a bond with a standard deviation above 5). A row
that is not ok has nulls and is in no total. A single such trade is refused.

`rate_shifts` (of all zero rates) and `volatility_shifts` make a grid: every trade is valued in each of its cells.

Self-checks: a price is at least that of every European right on one of the dates, and at most their sum. Refused:
`rate` and `curve` together or neither, fields of another product, columns of unequal length, more than 20,000 trades,
500 dates a trade, 1e9 steps (dates × (64 + flows) × cells), an answer above 8 MB (send `output` totals).
Accuracy: 1e-9 of what changes hands; formulas 1e-13. Cost: a European right 0.05 ms, a Bermudan one with five dates
2 ms, each times the cells of the grid.
"""

import math

import numpy as np

from calc.errors import CalcError, InvalidData
from calc.kind import Plan, never_enough, no_estimate, once_per_params
from calc.kinds.bermudan_answers import BAD_INPUT, BEYOND_MODEL, COARSE, OK, STATUSES, Partial, Result, answer, finite
from calc.kinds.bermudan_faults import faults_of, too_wild, wrong
from calc.kinds.bermudan_terms import Params, cells, extents, list_lengths, right, rows_of
from calc.kinds.rate_curve import discount_of
from calc.numerics import columns, swaptions
from calc.numerics.hull_white import HullWhite
from calc.numerics.swaptions import Priced, Right

NAME = "bermudan_swaption"
VERSION = 2
ALIASES: tuple[str, ...] = ()
SUMMARY = "Bermudan and European swaptions and bond options under Hull-White rates, a book over a grid of shifts."
EXAMPLE = {
    "product": "bermudan_swaption",
    "side": "pay",
    "exercise_times": [2, 3, 4, 5, 6],
    "end": 7,
    "fixed_rate": [0.035, 0.04, 0.045],
    "notional": 1_000_000,
    "curve": {"times": [1, 2, 5, 10], "zero_rates": [0.035, 0.037, 0.04, 0.041]},
    "mean_reversion": 0.05,
    "volatility": 0.01,
    "rate_shifts": [-0.001, 0.001],
}
FURTHER_EXAMPLES = (
    {
        "product": "bond_option",
        "type": "put",
        "exercise_times": [3],
        "end": 9,
        "strike": 63,
        "notional": 100,
        "rate": 0.06,
        "mean_reversion": 0.1,
        "volatility": 0.01,
    },
)

PART_S = 0.7
SECONDS_A_EUROPEAN, SECONDS_A_PAYMENT = 2e-5, 1.6e-6
SECONDS_A_DATE, SECONDS_A_PAIR, SECONDS_A_FLOW = 6e-5, 3.2e-5, 3e-6
MOST_PAIRED = 60  # dates, beyond which grids are as fine as they get
SLACK = 1e-8  # of what changes hands, for which a self-check allows

Accumulator = Partial


def plan(params: Params) -> Plan:
    """So many trades to a part as take some tenths of a second. All that is wrong is told here."""
    faults = faults_of(params)
    if faults:
        raise InvalidData(faults[:100])
    return Plan(parts=math.ceil(rows_of(params) / _rows_a_part(params)))


@once_per_params
def cost(params: Params) -> float:
    """By dates and payments: of formulas, and where there are several dates, of grids that are finer the more there
    are."""
    seconds = 0.0
    for dates, flows in extents(params):
        seconds += dates * (SECONDS_A_EUROPEAN + SECONDS_A_PAYMENT * flows)
        if dates > 1:
            paired = SECONDS_A_PAIR * min(dates, MOST_PAIRED)
            seconds += dates * (SECONDS_A_DATE + paired + SECONDS_A_FLOW * flows)
    return 3e-4 + seconds * len(cells(params))


def run(params: Params, part: int) -> Partial:
    """The part's trades, each in all cells. Raises CalcError where a self-check fails."""
    first = part * _rows_a_part(params)
    rows = range(first, min(first + _rows_a_part(params), rows_of(params)))
    across = len(cells(params))
    table = np.full((across + 3, len(rows)), np.nan)
    status, coarse, boundaries = np.zeros(len(rows), np.uint8), 0, []
    markets = [
        (HullWhite(params.mean_reversion, params.volatility + up), discount_of(params.rate, params.curve, shift))
        for shift, up in cells(params)
    ]
    for i, row in enumerate(rows):
        if wrong(params, row) is not None:
            status[i] = BAD_INPUT
            continue
        of = right(params, row)
        if too_wild(params, of) is not None:
            status[i] = BEYOND_MODEL
            continue
        found = [swaptions.priced(of, *market) for market in markets]
        sizes = [swaptions.size(of, market[1]) for market in markets]
        for each, size in zip(found, sizes, strict=True):
            check_bounds(each, size)
        table[:, i] = [*(each.price for each in found), *_figures(of, found[0])]
        coarse += any(each.error > COARSE * size for each, size in zip(found, sizes, strict=True))
        boundaries = found[0].boundaries
    good = status == OK
    told = params.output == "rows"
    packed = [columns.packed(row) for row in table] if told else [b""] * (across + 3)
    return Partial(
        prices=packed[:across] if told else [],
        european=packed[across],
        european_time=packed[across + 1],
        error=packed[across + 2],
        status=status.tobytes() if told else b"",
        counts=np.bincount(status, minlength=len(STATUSES)).tolist(),
        sums=[columns.summed(row, good) for row in table[:across]],
        coarse=coarse,
        boundaries=[] if list_lengths(params) else finite(boundaries),
    )


def reduce(params: Params, accumulator: Partial | None, partials: list[Partial]) -> Partial:
    """Rows one after the other, sums added."""
    folded = [accumulator, *partials] if accumulator else partials
    return Partial(
        prices=[b"".join(pieces) for pieces in zip(*(each.prices for each in folded), strict=True)],
        european=b"".join(each.european for each in folded),
        european_time=b"".join(each.european_time for each in folded),
        error=b"".join(each.error for each in folded),
        status=b"".join(each.status for each in folded),
        counts=[sum(counts) for counts in zip(*(each.counts for each in folded), strict=True)],
        sums=[math.fsum(sums) for sums in zip(*(each.sums for each in folded), strict=True)],
        coarse=sum(each.coarse for each in folded),
        boundaries=folded[0].boundaries,
    )


estimate, enough = no_estimate, never_enough


def result(params: Params, accumulator: Partial) -> Result:
    """Columns, the grid, totals."""
    return answer(params, accumulator)


def check_bounds(found: Priced, size: float) -> None:
    """Self-check: at least the best right on one date alone, at most all of these together."""
    slack = 10.0 * found.error + SLACK * size
    if not max(found.europeans) - slack <= found.price <= math.fsum(found.europeans) + slack:
        detail = (
            f"a price of {found.price!r} is not from {max(found.europeans)!r} to {math.fsum(found.europeans)!r}, "
            "the largest and the sum of those with one date"
        )
        raise CalcError(f"The self-check european_bounds failed: {detail}.", code="internal_check_failed")


def _figures(of: Right, found: Priced) -> tuple[float, float, float]:
    """The best right on one date alone, its date, and the error of the price."""
    best = found.europeans.index(max(found.europeans))
    return found.europeans[best], of.dates[best], found.error


def _rows_a_part(params: Params) -> int:
    return max(math.floor(PART_S * rows_of(params) / cost(params)), 1)
