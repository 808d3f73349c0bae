"""A range of a book of bonds: what each is worth, and how the whole moves with a curve.

Formulas and kernels: `calc/kernels/bonds.py`. Prices are per 100 of face, sums in currency.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from calc import lazy

kernels = lazy.module("calc.kernels.bonds")
elementary = lazy.module("calc.kernels.elementary")

Array = NDArray[np.float64]
STATUSES = ("ok", "bad_input", "matured", "no_yield")
OK = 0
BASIS_POINT = 1e-4


class Terms(NamedTuple):
    """Of good rows: periods to the next coupon, coupons left, periods accrued; dates are 0 where there are none."""

    w: Array
    n: NDArray[np.int64]
    accrued: Array
    settlement: NDArray[np.int64]
    maturity: NDArray[np.int64]


class Flows(NamedTuple):
    """What the whole range pays: distinct times in years, and present values in currency."""

    times: Array
    values: Array


def terms(book: Mapping[str, Array], end_of_month: bool, status: NDArray[np.uint8]) -> Terms:
    """Coupons of each bond; `status` is filled in where a bond has matured."""
    rows = status.size
    w, n, accrued = np.ones(rows), np.ones(rows, np.int64), np.zeros(rows)
    frequency = book["frequency"].astype(np.int64)
    if "years_to_maturity" in book:
        periods = book["years_to_maturity"] * frequency
        n = np.maximum(np.ceil(periods - 1e-9), 1.0).astype(np.int64)
        w = periods - (n - 1)
        none = np.zeros(rows, np.int64)
        return Terms(w, n, 1.0 - w, none, none)
    settlement, maturity = book["settlement"].astype(np.int64), book["maturity"].astype(np.int64)
    count = book["day_count"].astype(np.int64)
    kernels.dated(settlement, maturity, frequency, count, end_of_month, w, n, accrued, status)
    return Terms(w, n, accrued, settlement, maturity)


def analytics(
    book: Mapping[str, Array],
    of: Terms,
    quote: Array,
    quoted_as: str,
    continuous: bool,
    simple_last: bool,
    status: NDArray[np.uint8],
) -> Array:
    """rows × 9: clean, dirty, accrued, yield, Macaulay, modified, convexity, DV01, relative residual of the price."""
    out = np.full((status.size, 9), np.nan)
    given_as = {"price": kernels.CLEAN, "dirty_price": kernels.DIRTY, "yields": kernels.YIELD}[quoted_as]
    kernels.analytics(
        of.w,
        of.n,
        of.accrued,
        book["coupon"],
        book["redemption"],
        book["frequency"].astype(np.int64),
        quote,
        given_as,
        continuous,
        simple_last,
        out,
        status,
    )
    return out


def on_curve(
    book: Mapping[str, Array],
    of: Terms,
    end_of_month: bool,
    curve: tuple[Array, Array, int],
    dirty: Array,
    status: NDArray[np.uint8],
) -> tuple[Array, Array, Flows]:
    """Dirty prices (where `dirty` is NaN, those of the curve), spreads over it, and the flows of all good rows."""
    times, rates, interpolation = curve
    dirty, spread = dirty.copy(), np.full(status.size, np.nan)
    counted = np.where(status == OK, of.n, 0)
    first = np.cumsum(counted) - counted
    flow_time, flow_value = np.zeros(int(counted.sum())), np.zeros(int(counted.sum()))
    kernels.valued(
        of.w,
        of.n,
        book["coupon"],
        book["redemption"],
        book["frequency"].astype(np.int64),
        of.settlement,
        of.maturity,
        end_of_month,
        times,
        rates,
        interpolation,
        dirty,
        spread,
        first,
        flow_time,
        flow_value,
        status,
    )
    weight = np.repeat(np.where(status == OK, book["face"] / 100.0, 0.0), counted)
    return dirty, spread, _gathered(flow_time, flow_value * weight, bool(of.maturity.any()))


def changes(flows: Flows, shifts: Sequence[Array]) -> list[float]:
    """By how much the flows are worth more when zero rates rise by each of the shifts (at the flows' times)."""
    return [
        float(np.sum(flows.values * (elementary.exp_of(-shift * flows.times) - 1.0))) if flows.times.size else 0.0
        for shift in shifts
    ]


def _gathered(times: Array, values: Array, dated: bool) -> Flows:
    """Flows of one time added up; dated ones stand on whole days."""
    if not times.size:
        return Flows(times, values)
    if not dated:
        distinct, place = np.unique(times, return_inverse=True)
        return Flows(distinct, np.bincount(place, weights=values).astype(np.float64))
    days = np.rint(times * 365.0).astype(np.int64)
    by_day = np.bincount(days, weights=values).astype(np.float64)
    paid = np.flatnonzero(by_day)
    return Flows(paid / 365.0, by_day[paid])
