"""Bonds with level coupons, one or a book: prices, yields, durations, spreads over a curve, key rates, scenarios.

Of coupon rate g, frequency f, redemption R, with n coupons left, the first after w periods, per 100 of face:

    dirty = Σ_{k<n} (100 g/f) v^(w+k) + R v^(w+n-1)       clean = dirty - accrued,   accrued = 100 g/f × periods accrued
    periodic yield y:  v = 1/(1 + y/f)     modified duration = Macaulay × v, convexity = Σ (w+k)(w+k+1) pv v²/(f² dirty)
    continuous y:      v = e^(-y/f)        modified duration = Macaulay,     convexity = Σ t² pv / dirty

One of `price` (clean), `dirty_price`, `yield` is sent, or none and a curve prices the bonds. Coupon dates stand back
from maturity. With the 30/360 counts and act/act_icma, w and the accrued part make one period; with act/act_isda,
act/365f and act/360 both are years of that count × f; coupons are level always. In place of dates: `years_to_maturity`.
`dv01` is dirty(y) - dirty(y + 1 bp), positive for a long bond.

A curve has continuous zero rates at times in years (days from settlement / 365), or is bootstrapped: a node at each
instrument's maturity, so that all of them have their prices. `z_spread` is the continuous s with
Σ pv e^(-s t) = dirty. Scenarios and key rates shift zero rates, spreads stay; key rates are triangles that add up to a
parallel shift. Totals are in currency of `face`.

A book sends columns (a list, an entry a bond; one value counts for all) and gets columns with a `status`: ok, bad_input
(null, no date, outside of a field's bounds, an unknown day count), matured (on or before settlement), no_yield (none
that a number holds). A row that is not ok has nulls and is in no total. A single such bond is refused.

Accuracy: 1e-12 relative. Self-checks: prices come back from yields and from spreads to 1e-10, key rates add up to the
parallel shift where there is one, instruments come back from the bootstrapped curve to 1e-8.
Refused: 30/360 without its kind, columns of unequal length, fewer or more than one quote, an instrument that no zero
rate prices (named, with its quote and what is missed), answers above 8 MB (send fewer `columns`, or `output` totals).
Cost: 0.6 µs a bond of 30 coupons, 2 µs with a curve; text in and out about as much a column. A row takes some 35 bytes.
"""

import math

import numpy as np
from numpy.typing import NDArray

from calc.errors import CalcError, InvalidData
from calc.kind import Plan, never_enough, no_estimate
from calc.kinds.bond_answers import Partial, Result, answer
from calc.kinds.bond_columns import book, curve, quoted, rows_told
from calc.kinds.bond_terms import OUTPUTS, Params, faults_of, rows_of, told, with_curve
from calc.numerics import bonds, columns, curves

NAME = "bond_book"
VERSION = 2
ALIASES: tuple[str, ...] = ()
SUMMARY = "Prices, yields, durations, curve spreads, key rates and curve scenarios of one bond or a book of bonds."
EXAMPLE = {
    "settlement": "2024-05-15",
    "maturity": ["2027-11-15", "2034-02-15", "2054-08-15"],
    "coupon": [0.0275, 0.04, 0.045],
    "frequency": 2,
    "day_count": "act/act_icma",
    "price": [95.2, 96.9, 98.4],
    "face": [2_000_000, 1_500_000, 500_000],
    "curve": {"times": [1, 2, 5, 10, 30], "zero_rates": [0.049, 0.046, 0.043, 0.043, 0.045]},
    "key_rates": [2, 5, 10, 30],
    "scenarios": [
        {"name": "up 100", "parallel": 0.01},
        {"name": "steeper", "times": [2, 30], "shifts": [-0.005, 0.005]},
    ],
}

LARGEST_RESIDUAL = 1e-10  # of a price that comes back, relative
LEAST_GROWTH = 1e-5  # of a period: a yield that near to minus the frequency has lost too many digits
ROWS_A_PART = 16_384  # as many as a partial of 2 MB holds with all columns
SECONDS_A_BOND, SECONDS_A_CURVE_BOND, SECONDS_A_SHIFT = 3e-6, 5e-6, 6e-5

Accumulator = Partial
Array = NDArray[np.float64]


def plan(params: Params) -> Plan:
    """A fixed number of bonds to a part. All that is wrong is told here."""
    faults = faults_of(params)
    if faults:
        raise InvalidData(faults)
    return Plan(parts=max(math.ceil(rows_of(params) / ROWS_A_PART), 1))


def cost(params: Params) -> float:
    """Estimated CPU seconds of all parts: so much a bond, so much a shift of the curve in each part."""
    shifts = len(params.key_rates or ()) + len(params.scenarios or ())
    per_bond = SECONDS_A_CURVE_BOND if with_curve(params) else SECONDS_A_BOND
    instruments = len(params.bootstrap.instruments) if params.bootstrap else 0
    parts = math.ceil(rows_of(params) / ROWS_A_PART)
    if params.output == "totals" and not with_curve(params):
        per_bond *= 0.7
    return (
        7e-4 + per_bond * rows_of(params) + SECONDS_A_SHIFT * shifts * parts + 1e-6 * instruments * (instruments + 20)
    )


def run(params: Params, part: int) -> Partial:
    """The part's bonds. Raises CalcError where a self-check fails or the curve cannot be found."""
    first, end = part * ROWS_A_PART, min((part + 1) * ROWS_A_PART, rows_of(params))
    whole_book, usable = book(params)
    rows = first + np.flatnonzero(usable[first:end])
    good_book = {name: column[rows] for name, column in whole_book.items()}
    status = np.full(end - first, bonds.STATUSES.index("bad_input"), np.uint8)
    found, status[rows - first], changes = _valued(params, good_book)
    whole = np.full((end - first, len(OUTPUTS)), np.nan)
    whole[rows - first] = found
    good = status == bonds.OK
    return Partial(
        columns=[columns.packed(whole[:, OUTPUTS.index(name)]) for name in told(params)] if rows_told(params) else [],
        status=status.tobytes() if rows_told(params) else b"",
        counts=np.bincount(status, minlength=len(bonds.STATUSES)).tolist(),
        sums=_sums(whole[good], whole_book["face"][first:end][good]),
        changes=changes,
    )


def reduce(params: Params, accumulator: Partial | None, partials: list[Partial]) -> Partial:
    """Rows one after the other, sums added."""
    folded = [accumulator, *partials] if accumulator else partials
    return Partial(
        columns=[b"".join(pieces) for pieces in zip(*(each.columns for each in folded), strict=True)],
        status=b"".join(each.status for each in folded),
        counts=[sum(counts) for counts in zip(*(each.counts for each in folded), strict=True)],
        sums=[math.fsum(sums) for sums in zip(*(each.sums for each in folded), strict=True)],
        changes=[math.fsum(changes) for changes in zip(*(each.changes for each in folded), strict=True)],
    )


estimate, enough = no_estimate, never_enough


def result(params: Params, accumulator: Partial) -> Result:
    """Columns, totals and what moves. Raises InvalidData where a single bond has no answer."""
    return answer(params, accumulator)


def check_prices(residual: Array) -> None:
    """Self-check: yields give the prices back, and spreads do."""
    if residual.size and not residual.max() <= LARGEST_RESIDUAL:
        detail = f"a price comes back with a relative error of {residual.max():.3g}"
        raise CalcError(f"The self-check repricing failed: {detail}.", code="internal_check_failed")


def check_key_rates(parallel: float, keys: list[float], second_order: float) -> None:
    """Self-check: key rates add up to the parallel shift, but for what is of second order."""
    if keys and not abs(math.fsum(keys) - parallel) <= second_order:
        detail = f"key rates add up to {math.fsum(keys)!r}, a parallel shift gives {parallel!r}"
        raise CalcError(f"The self-check key_rates failed: {detail}.", code="internal_check_failed")


def _valued(params: Params, of_rows: dict[str, Array]) -> tuple[Array, NDArray[np.uint8], list[float]]:
    """Of good rows: rows × OUTPUTS, the status of each, and what the shifts of the curve change."""
    rows = of_rows["face"].size
    status = np.zeros(rows, np.uint8)
    found = np.full((rows, len(OUTPUTS)), np.nan)
    shifts = 1 + len(params.key_rates or ()) + len(params.scenarios or ()) if with_curve(params) else 0
    if not rows:
        if with_curve(params):
            curve(params)
        return found, status, [0.0] * shifts
    of = bonds.terms(of_rows, params.end_of_month, status)
    given = quoted(params)
    flows = None
    quote = of_rows[given] if given else np.zeros(0)
    if given is None:
        nothing = np.full(rows, np.nan)
        quote, found[:, -1], flows = bonds.on_curve(of_rows, of, params.end_of_month, curve(params)[0], nothing, status)
        given = "dirty_price"
    styles = params.compounding == "continuous", params.last_period == "simple"
    numbers = bonds.analytics(of_rows, of, quote, given, *styles, status)
    status[_unheld(numbers, of_rows["frequency"])] = bonds.STATUSES.index("no_yield")
    found[:, :-1] = numbers[:, :-1]
    check_prices(numbers[status == bonds.OK, -1])
    if with_curve(params) and flows is None:
        dirty = np.where(status == bonds.OK, found[:, 1], np.nan)
        _, found[:, -1], flows = bonds.on_curve(of_rows, of, params.end_of_month, curve(params)[0], dirty, status)
    if flows is None:
        return found, status, []
    good = status == bonds.OK
    value = found[good, 1] * of_rows["face"][good] / 100.0
    gross = float(np.abs(value).sum())
    check_prices(np.array([abs(float(flows.values.sum()) - float(value.sum())) / gross if gross else 0.0]))
    changes = bonds.changes(flows, _shifts(params, flows.times))
    bend = float(np.sum(np.abs(flows.values) * (flows.times * bonds.BASIS_POINT) ** 2))
    check_key_rates(changes[0], changes[1 : 1 + len(params.key_rates or ())], bend + 1e-12 * gross)
    return found, status, changes


def _unheld(numbers: Array, frequency: Array) -> NDArray[np.bool_]:
    """Rows whose growth of a period, 1 + yield / frequency, is so small that no number holds the yield well enough."""
    growth = 1.0 + numbers[:, OUTPUTS.index("yield")] / frequency
    return (numbers[:, -1] > LARGEST_RESIDUAL) & (growth < LEAST_GROWTH)


def _shifts(params: Params, times: Array) -> list[Array]:
    """By how much zero rates rise at the flows' times: parallel, key rates, scenarios."""
    shifts = [np.full(times.size, bonds.BASIS_POINT)]
    shifts += [hat * bonds.BASIS_POINT for hat in (curves.hats(times, params.key_rates) if params.key_rates else ())]
    for each in params.scenarios or ():
        bend = np.interp(times, each.times, each.shifts) if each.times and each.shifts else np.zeros(times.size)
        shifts.append(bend + each.parallel)
    return shifts


def _sums(found: Array, face: Array) -> list[float]:
    """As Partial names them, of good rows."""
    units = face / 100.0
    value = found[:, OUTPUTS.index("dirty_price")] * units
    summands = (
        face,
        value,
        found[:, OUTPUTS.index("accrued")] * units,
        found[:, OUTPUTS.index("dv01")] * units,
        found[:, OUTPUTS.index("modified_duration")] * value,
        found[:, OUTPUTS.index("convexity")] * value,
    )
    return [math.fsum(each.tolist()) for each in summands]
