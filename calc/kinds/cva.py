"""What the default of a counterparty costs: CVA and DVA of a netting set, with its profiles of exposure.

    CVA = lgd Σ D(t_i) EPE(t_i) PD_i,   EPE(t) = E[max(V(t), 0)],   ENE(t) = E[max(-V(t), 0)];   DVA with ENE, own PD

V is the value of all trades together at t, under the law forward to t (so that D EPE is today's value); PD_i is the
probability of default in period i, independent of V, and each party's own (unilateral). Rates follow Hull and White's
model with constant coefficients, simulated exactly: no step is too long. A swap's coupon is fixed at the start of its
period (`in_advance`), or its floating leg counts as par on every date (`restarting`). A share's forward to an option's
maturity is lognormal and independent of rates. `pfe` is the quantile of max(V, 0) under the same law.

The control variate is V, whose mean is known; for a single swap it is the swaption strip of Sorensen and Bollier
(1994), by Jamshidian's formula. Where the answer has a closed form (a single restarting swap, options all bought or all
sold) it stands in `cva_closed_form`, and the simulation has it without error. Hull and White (1995), *The impact of
default risk on the prices of options*; Brigo, Morini and Pallavicini (2013).

Values on a date are after the payments of that date; an option is still there on its maturity date. Any order of the
trades gives the same answer.
Refused: `rate` and `curve` together or neither, the same of `hazard_rate` and `spread`; dates that do not ascend; an
option whose log price has a standard deviation above 3 at maturity; a `volatility` that gives a bond of the trades'
length a log price with one above 1.5 on a date; more than 200,000 swap periods, 1,000,000 payments × dates or 1e12 of
those × paths (`too_large`).
Self-checks: the mean of V on every date within 10 s.e. of today's formula, ENE and EPE not below 0 beyond 10 s.e.
Cost: about 1.5 ns for each path, date and payment that is left, 20 ns for an option.
"""

import math

from msgspec import Struct

from calc.errors import Fault, InvalidData
from calc.kind import Estimate, Plan, once_per_params
from calc.kinds.cva_answers import Result, result_of
from calc.kinds.cva_setting import BLOCK, Setting, setting_of, tile
from calc.kinds.cva_terms import (
    MAX_NUMBERS,
    MAX_WORK,
    Params,
    exposure_times,
    options_of,
    swaps_of,
    wildness_faults,
)
from calc.numerics import exposure, profiles
from calc.numerics.profiles import Tally

NAME = "cva"
VERSION = 1
ALIASES: tuple[str, ...] = ()
SUMMARY = "CVA, DVA and exposure profiles of a netting set of swaps and options, under Hull-White rates."
EXAMPLE = {
    "netting_set": {
        "swaps": [
            {"notional": 1_000_000, "fixed_rate": 0.03, "side": "pay", "end": 5, "frequency": 2},
            {"notional": 500_000, "fixed_rate": 0.025, "side": "receive", "end": 3},
        ],
        "options": [{"type": "call", "spot": 100, "strike": 105, "maturity": 1, "volatility": 0.2, "quantity": 500}],
    },
    "rate": 0.03,
    "mean_reversion": 0.05,
    "volatility": 0.01,
    "hazard_rate": 0.02,
    "lgd": 0.6,
    "own_hazard_rate": 0.01,
    "dates": 20,
    "paths": 50_000,
    "seed": 42,
}

_PART_S, _PART_TO_TARGET_S = 0.5, 0.06


class Partial(Struct, frozen=True):
    """Observations are paths or antithetic pairs. Sums by date, of the whole, and counts by date and bin of the PFE."""

    paths: int
    sums: list[list[float]]
    totals: list[float]
    counts: list[list[int]]


Accumulator = Partial


def plan(params: Params) -> Plan:
    """Parts of blocks. With a target, waves begin with one small part. What is too large is told here."""
    numbers, faults = _numbers(params), wildness_faults(params)
    if numbers > MAX_NUMBERS:
        detail = f"times payments and options is {numbers:,}: at most {MAX_NUMBERS:,}; send fewer dates or trades"
        faults.append(Fault("$.dates", detail, code="too_large"))
    if numbers * params.paths > MAX_WORK:
        detail = f"times dates and payments is {numbers * params.paths:.3g}: at most {MAX_WORK:.0e}"
        faults.append(Fault("$.paths", detail, params.paths, f"at most {MAX_WORK // numbers}", "too_large"))
    if faults:
        raise InvalidData(faults)
    parts = math.ceil(_blocks(params.paths) / _blocks_a_part(params))
    return Plan(parts) if params.target_standard_error is None else Plan(parts, first_wave=1)


def cost(params: Params) -> float:
    """The pilot, and the paths."""
    return 0.003 + 1e-6 * _numbers(params) + 0.85 * _work_s(params) * (params.paths + profiles.PILOT)


def run(params: Params, part: int) -> Partial:
    """The part's blocks, in their order."""
    problem, tally = setting(params), Tally.empty(len(exposure_times(params)))
    first, paths = part * _blocks_a_part(params), 0
    for block in range(first, min(first + _blocks_a_part(params), _blocks(params.paths))):
        used = min(BLOCK, params.paths - block * BLOCK)
        tile(problem, tally, params.seed or 0, block, used // problem.sides)
        paths += used
    return Partial(paths, tally.sums.tolist(), tally.totals.tolist(), tally.counts.tolist())


def reduce(params: Params, accumulator: Partial | None, partials: list[Partial]) -> Partial:
    """Sums, each rounded once in a wave."""
    folded = partials if accumulator is None else [accumulator, *partials]
    return Partial(
        sum(each.paths for each in folded),
        [[math.fsum(cell) for cell in zip(*rows, strict=True)] for rows in zip(*(p.sums for p in folded), strict=True)],
        [math.fsum(cell) for cell in zip(*(each.totals for each in folded), strict=True)],
        [[sum(cell) for cell in zip(*rows, strict=True)] for rows in zip(*(p.counts for p in folded), strict=True)],
    )


def estimate(params: Params, accumulator: Partial) -> Estimate:
    """CVA so far."""
    problem = setting(params)
    mean, error = profiles.mean_of(accumulator.totals[0], accumulator.totals[1], accumulator.paths // problem.sides)
    return Estimate(problem.centre_cva + mean, error, paths_in(params, accumulator))


def enough(params: Params, accumulator: Partial) -> bool:
    """Whether the standard error of CVA has come down to the target."""
    target = params.target_standard_error
    return target is not None and estimate(params, accumulator).standard_error <= target


def result(params: Params, accumulator: Partial) -> Result:
    """CVA, DVA and the profiles."""
    tally = Tally.of(accumulator.sums, accumulator.totals, accumulator.counts)
    blocks = _blocks(accumulator.paths)
    return result_of(params, setting(params), tally, accumulator.paths, blocks, BLOCK)


def paths_in(params: Params, partial: Partial) -> int:
    """Paths in the sums of a partial, or of all that are folded."""
    return partial.paths


@once_per_params
def setting(params: Params) -> Setting:
    """What follows from Params at once, the pilot included."""
    return setting_of(params)


@once_per_params
def _book(params: Params) -> exposure.NettingSet:
    return exposure.netting_set(swaps_of(params), options_of(params), params.floating == "in_advance")


@once_per_params
def _numbers(params: Params) -> int:
    """Payments, coupons and options, times dates."""
    book = _book(params)
    return len(exposure_times(params)) * (len(book.fixed) + len(book.coupons) + len(book.options))


@once_per_params
def _work_s(params: Params) -> float:
    """Seconds of a path."""
    book, dates = _book(params), exposure_times(params)
    payments = sum(1 for time, _ in book.fixed for date in dates if time > date)
    live = sum(1 for each in book.coupons for date in dates if each.start < date < each.end) if book.resets else 0
    options = sum(1 for each in book.options for date in dates if each.maturity >= date)
    return 1e-8 * len(dates) + 1.5e-9 * payments + 3e-9 * live + 2e-8 * options


def _blocks(paths: int) -> int:
    return math.ceil(paths / BLOCK)


def _blocks_a_part(params: Params) -> int:
    seconds = _PART_S if params.target_standard_error is None else _PART_TO_TARGET_S
    return max(int(seconds / (BLOCK * _work_s(params))), 1)
