"""Bonds with level coupons, a book at a time: dates to flows, yields to prices and back, spreads over a curve.

A day is its ordinal (1 January of year 1 is 1). A bond is w, n, c, R: n coupons c left, the first after w periods,
redemption R with the last. Time is counted in coupon periods; x = ln(1 + yield/frequency) per period:

    dirty(x) = e^(-w x) (c Σ_{k<n} v^k + R v^(n-1)),   v = e^(-x)

ln dirty is convex and falls in x, so Newton's rule for it comes from any point to the left of the root without fail.
"""

import math

import numpy as np
from numpy.typing import NDArray

from calc.kernels.elementary import exp, expm1, log, log1p
from calc.kernels.jit import inline, kernel

Array = NDArray[np.float64]
Whole = NDArray[np.int64]
Status = NDArray[np.uint8]

OK, BAD_INPUT, MATURED, NO_YIELD = 0, 1, 2, 3
US_30_360, E_30_360, ISDA_30_360, BOND_30_360, ICMA, ISDA, FIXED_365, OVER_360 = range(8)
LINEAR_ZERO, LOG_LINEAR_DISCOUNT = 0, 1
CLEAN, DIRTY, ACCRUED, YIELD, MACAULAY, MODIFIED, CONVEXITY, DV01, RESIDUAL = range(9)
_MOST_STEPS = 100
_STEEPEST = 1e-15
_DAYS_BEFORE_1970 = 719163


@inline
def _civil(day: int) -> tuple[int, int, int]:
    """Year, month and day of the month, of the Gregorian calendar (Hinnant 2013)."""
    z = day - 1 + 306
    era = z // 146097
    doe = z - era * 146097
    yoe = (doe - doe // 1460 + doe // 36524 - doe // 146096) // 365
    doy = doe - (365 * yoe + yoe // 4 - yoe // 100)
    mp = (5 * doy + 2) // 153
    month = mp + 3 if mp < 10 else mp - 9
    return yoe + era * 400 + (1 if month <= 2 else 0), month, doy - (153 * mp + 2) // 5 + 1


@inline
def _day(year: int, month: int, day: int) -> int:
    """The ordinal of a date."""
    y = year - 1 if month <= 2 else year
    era = y // 400
    yoe = y - era * 400
    doy = (153 * (month - 3 if month > 2 else month + 9) + 2) // 5 + day - 1
    return era * 146097 + yoe * 365 + yoe // 4 - yoe // 100 + doy - 305


@inline
def _leap(year: int) -> bool:
    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)


@inline
def _month_end(year: int, month: int) -> int:
    if month == 2:
        return 29 if _leap(year) else 28
    return 30 if month in (4, 6, 9, 11) else 31


@inline
def _months_before(year: int, month: int, day: int, to_end: bool, months: int) -> int:
    """The day so many months before a date: the same day of the month, or the month's last."""
    at = year * 12 + month - 1 - months
    last = _month_end(at // 12, at % 12 + 1)
    return _day(at // 12, at % 12 + 1, last if to_end else min(day, last))


@inline
def _days_360(start: int, end: int, maturity: int, count: int) -> int:
    """Days between two dates when every month has 30 (ISDA 2006, 4.16 f to h; the American rule for February)."""
    y1, m1, d1 = _civil(start)
    y2, m2, d2 = _civil(end)
    first_is_end = m1 == 2 and d1 == _month_end(y1, 2)
    second_is_end = m2 == 2 and d2 == _month_end(y2, 2)
    if count == E_30_360:
        d1, d2 = min(d1, 30), min(d2, 30)
    elif count == ISDA_30_360:
        d1 = 30 if first_is_end else min(d1, 30)
        d2 = 30 if second_is_end and end != maturity else min(d2, 30)
    else:
        if count == US_30_360 and first_is_end:
            d2 = 30 if second_is_end else d2
            d1 = 30
        d1 = min(d1, 30)
        d2 = 30 if d2 == 31 and d1 == 30 else d2
    return 360 * (y2 - y1) + 30 * (m2 - m1) + d2 - d1


@inline
def _years_isda(start: int, end: int) -> float:
    """Days in leap years over 366 and the others over 365 (ISDA 2006, 4.16 b)."""
    y1, _, _ = _civil(start)
    y2, _, _ = _civil(end)
    first = 366.0 if _leap(y1) else 365.0
    last = 366.0 if _leap(y2) else 365.0
    if y1 == y2:
        return (end - start) / first
    return (_day(y1 + 1, 1, 1) - start) / first + (y2 - y1 - 1) + (end - _day(y2, 1, 1)) / last


@inline
def _years(start: int, end: int, count: int) -> float:
    """Of the day counts that do not look at the coupon period."""
    if count == ISDA:
        return _years_isda(start, end)
    return (end - start) / (365.0 if count == FIXED_365 else 360.0)


@kernel
def dated(
    settlement: Whole,
    maturity: Whole,
    frequency: Whole,
    count: Whole,
    end_of_month: bool,
    w: Array,
    n: Whole,
    accrued: Array,
    status: Status,
) -> None:
    """Periods to the next coupon, coupons left, and periods accrued since the last one.

    Coupon dates stand back from maturity. With 30/360 and act/act (ICMA) the accrued part and w make one period; with
    the other counts both are that count's years × frequency.
    """
    for i in range(settlement.size):
        if status[i] != OK:
            continue
        if maturity[i] <= settlement[i]:
            status[i] = MATURED
            continue
        step = 12 // frequency[i]
        year, month, day = _civil(maturity[i])
        to_end = end_of_month and day == _month_end(year, month)
        y0, m0, _ = _civil(settlement[i])
        k = max((12 * (year - y0) + month - m0) // step - 1, 0)
        while _months_before(year, month, day, to_end, (k + 1) * step) > settlement[i]:
            k += 1
        following = _months_before(year, month, day, to_end, k * step)
        last = _months_before(year, month, day, to_end, (k + 1) * step)
        n[i] = k + 1
        if count[i] == ICMA:
            accrued[i] = (settlement[i] - last) / (following - last)
            w[i] = 1.0 - accrued[i]
        elif count[i] <= BOND_30_360:
            accrued[i] = _days_360(last, settlement[i], maturity[i], count[i]) * frequency[i] / 360.0
            w[i] = 1.0 - accrued[i]
        else:
            accrued[i] = _years(last, settlement[i], count[i]) * frequency[i]
            w[i] = _years(settlement[i], following, count[i]) * frequency[i]


@kernel
def flow_times(
    settlement: int, maturity: int, frequency: int, end_of_month: bool, w: float, n: int, out: Array
) -> None:
    """Years to each flow of one bond: days over 365 where there are dates (maturity above 0), else periods."""
    if maturity > 0:
        step = 12 // frequency
        year, month, day = _civil(maturity)
        to_end = end_of_month and day == _month_end(year, month)
        for k in range(n):
            out[k] = (_months_before(year, month, day, to_end, (n - 1 - k) * step) - settlement) / 365.0
    else:
        for k in range(n):
            out[k] = (w + k) / frequency


@inline
def _sums(v: float, n: int, c: float, redemption: float) -> tuple[float, float]:
    """Q = Σ q_k v^k and v Q' for the flows q_k = c, the last c + R, by Horner's rule."""
    total, slope = c + redemption, 0.0
    for _ in range(n - 1):
        slope = slope * v + total
        total = total * v + c
    return total, slope * v


@inline
def _figures(
    v: float, up: float, again: float, n: int, c: float, redemption: float
) -> tuple[float, float, float, float, float]:
    """Q, v Q' and Σ k (k-1) q_k v^k at v, and Q at two more: in one loop, as each by itself waits for its last sum."""
    total, slope, half = c + redemption, 0.0, 0.0
    total_up, total_again = total, total
    for _ in range(n - 1):
        half = half * v + slope
        slope = slope * v + total
        total = total * v + c
        total_up = total_up * up + c
        total_again = total_again * again + c
    return total, slope * v, 2.0 * half * v * v, total_up, total_again


@inline
def _dirty(x: float, w: float, n: int, c: float, redemption: float) -> float:
    total, _ = _sums(exp(-x), n, c, redemption)
    return total * exp(-w * x)


@inline
def _solved(dirty: float, w: float, n: int, c: float, redemption: float) -> float:
    """x with dirty(x) = dirty; NaN where Newton's rule does not settle."""
    target = log(dirty)
    x = log1p(c / redemption) if redemption > 0.0 and c < 10.0 * redemption else 0.0
    for step_count in range(_MOST_STEPS):
        total, slope = _sums(exp(-x), n, c, redemption)
        gap = log(total) - w * x - target
        if step_count == 0 and gap < -0.5:
            x = 0.0  # far right of the root the line is flat, and a step too long
            total, slope = _sums(exp(-x), n, c, redemption)
            gap = log(total) - w * x - target
        step = gap / (w + slope / total)
        x += step
        if abs(step) <= _STEEPEST + 2.5e-16 * abs(x):
            return x
    return x if abs(step) < 1e-12 * (1.0 + abs(x)) else math.nan


@inline
def _of_yield(y: float, frequency: float, continuous: bool) -> float:
    return y / frequency if continuous else log1p(y / frequency)


@kernel
def analytics(
    w: Array,
    n: Whole,
    accrued: Array,
    coupon: Array,
    redemption: Array,
    frequency: Whole,
    given: Array,
    given_as: int,
    continuous: bool,
    simple_last: bool,
    out: Array,
    status: Status,
) -> None:
    """Into `out` (rows × 9) what follows from a clean price, a dirty price or a yield.

    Per 100 of face; the residual is relative, of the price put together again from the yield. `coupon` is a rate per
    year. `simple_last`: with one coupon left money grows by simple interest.
    """
    for i in range(w.size):
        if status[i] != OK:
            continue
        f = float(frequency[i])
        c = 100.0 * coupon[i] / f
        owed = accrued[i] * c
        simple = simple_last and n[i] == 1 and not continuous
        if given_as == YIELD:
            y = given[i]
            x = _of_yield(y, f, continuous)
            dirty = (c + redemption[i]) / (1.0 + y / f * w[i]) if simple else _dirty(x, w[i], n[i], c, redemption[i])
        else:
            dirty = given[i] + (owed if given_as == CLEAN else 0.0)
            if not dirty > 0.0:
                status[i] = BAD_INPUT
                continue
            if simple:
                y = ((c + redemption[i]) / dirty - 1.0) * f / w[i]
                x = 0.0
            else:
                x = _solved(dirty, w[i], n[i], c, redemption[i])
                y = f * x if continuous else f * expm1(x)
        if simple:
            years = w[i] / f
            grown = 1.0 + y * years
            macaulay, modified, convexity = years, years / grown, 2.0 * (years / grown) ** 2
            up = (c + redemption[i]) / (1.0 + (y + 1e-4) * years)
            again = (c + redemption[i]) / grown
        else:
            v, x_up, x_again = exp(-x), _of_yield(y + 1e-4, f, continuous), _of_yield(y, f, continuous)
            total, slope, bend, up, again = _figures(v, exp(-x_up), exp(-x_again), n[i], c, redemption[i])
            mean = w[i] + slope / total
            square = w[i] * w[i] + (2.0 * w[i] * slope + slope + bend) / total
            macaulay = mean / f
            modified = macaulay if continuous else macaulay * v
            convexity = square / (f * f) if continuous else (square + mean) * v * v / (f * f)
            up *= exp(-w[i] * x_up)
            again *= exp(-w[i] * x_again)
        out[i, CLEAN] = dirty - owed
        out[i, DIRTY] = dirty
        out[i, ACCRUED] = owed
        out[i, YIELD] = y
        out[i, MACAULAY] = macaulay
        out[i, MODIFIED] = modified
        out[i, CONVEXITY] = convexity
        out[i, DV01] = dirty - up
        out[i, RESIDUAL] = abs(again / dirty - 1.0)
        for k in range(9):
            if not np.isfinite(out[i, k]):
                status[i] = NO_YIELD


@inline
def zero_rate(t: float, times: Array, rates: Array, interpolation: int) -> float:
    """The continuous zero rate at t: straight between nodes, or with straight logarithms of discount factors.

    Outside of the nodes the rate of the nearest.
    """
    last = times.size - 1
    if t <= times[0]:
        return float(rates[0])
    if t >= times[last]:
        return float(rates[last])
    low, high = 0, last
    while high - low > 1:
        middle = (low + high) // 2
        if times[middle] <= t:
            low = middle
        else:
            high = middle
    share = (t - times[low]) / (times[high] - times[low])
    if interpolation == LINEAR_ZERO:
        return float(rates[low] + share * (rates[high] - rates[low]))
    first, second = rates[low] * times[low], rates[high] * times[high]
    return float((first + share * (second - first)) / t)


@kernel
def valued(
    w: Array,
    n: Whole,
    coupon: Array,
    redemption: Array,
    frequency: Whole,
    settlement: Whole,
    maturity: Whole,
    end_of_month: bool,
    times: Array,
    rates: Array,
    interpolation: int,
    dirty: Array,
    spread: Array,
    first: Whole,
    flow_time: Array,
    flow_value: Array,
    status: Status,
) -> None:
    """Every flow's years and present value on the curve, from `first[i]` on, per 100 of face.

    Where `dirty[i]` is a price the values carry the spread s that gives it, Σ value · e^(-s t); where it is NaN the
    spread is 0 and `dirty` is filled in. `maturity` is 0 where there are no dates.
    """
    for i in range(w.size):
        if status[i] != OK:
            continue
        own = slice(first[i], first[i] + n[i])
        t, value = flow_time[own], flow_value[own]
        flow_times(settlement[i], maturity[i], frequency[i], end_of_month, w[i], n[i], t)
        c = 100.0 * coupon[i] / frequency[i]
        total = 0.0
        for k in range(n[i]):
            amount = c + redemption[i] if k == n[i] - 1 else c
            value[k] = amount * exp(-zero_rate(t[k], times, rates, interpolation) * t[k])
            total += value[k]
        spread[i] = 0.0
        if np.isnan(dirty[i]):
            dirty[i] = total
            continue
        s = 0.0
        step = 0.0
        for _ in range(_MOST_STEPS):
            total = slope = 0.0
            for k in range(n[i]):
                now = value[k] * exp(-s * t[k])
                total += now
                slope += t[k] * now
            step = log(total / dirty[i]) * total / slope
            s += step
            if abs(step) <= _STEEPEST + 4e-16 * abs(s):
                break
        if not abs(step) < 1e-12 * (1.0 + abs(s)):
            status[i] = NO_YIELD
        spread[i] = s
        for k in range(n[i]):
            value[k] *= exp(-s * t[k])
