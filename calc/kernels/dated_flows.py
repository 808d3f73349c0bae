"""Rates of return of dated cash flows, all of them: x = ln(1 + rate) where Σ amount · exp(-x · time) is 0.

The sum is taken relative to the first time for x >= 0 and to the last for x < 0, so no exponential overflows; that
changes neither sign nor roots. Times are in years, ascending and distinct; amounts are not 0.
"""

import numpy as np
from numpy.typing import NDArray

from calc.kernels.elementary import exp, expm1
from calc.kernels.jit import kernel
from calc.kernels.one_rate import HIGHEST, LANES, LOWEST, only_root, padded, residual

Array = NDArray[np.float64]

OK, MULTIPLE, NO_SIGN_CHANGE, NO_ROOT, UNFINISHED = 0, 1, 2, 3, 4
MOST_ROOTS = 64
_MOST_STEPS = 200
_MOST_BOXES = 100_000
_NARROWEST = 1e-9  # a stretch of x in which roots are no longer told apart


@kernel
def _sides(x: float, times: Array, amounts: Array, terms: Array) -> tuple[float, float, float, float]:
    """Inflows and outflows (both positive) valued at x, and each times its time. `terms` is room to work in."""
    origin = times[0] if x >= 0.0 else times[-1]
    for k in range(times.size):
        terms[k] = amounts[k] * exp(-x * (times[k] - origin))
    gained = lost = gained_time = lost_time = 0.0
    for k in range(times.size):
        gain = max(terms[k], 0.0)
        loss = gain - terms[k]
        gained += gain
        lost += loss
        gained_time += gain * times[k]
        lost_time += loss * times[k]
    return gained, lost, gained_time, lost_time


@kernel
def _between(low: float, high: float, rising: bool, times: Array, amounts: Array, terms: Array) -> float:
    """The root in a stretch in which the value is monotone and changes sign: Newton's rule, kept inside."""
    x = 0.5 * (low + high)
    for _ in range(_MOST_STEPS):
        gained, lost, gained_time, lost_time = _sides(x, times, amounts, terms)
        value = gained - lost
        if value == 0.0:
            return x
        if (value > 0.0) == rising:
            high = x
        else:
            low = x
        slope = lost_time - gained_time
        following = x - value / slope if slope != 0.0 else np.nan
        if not low < following < high:
            following = 0.5 * (low + high)
        if abs(following - x) <= 2e-16 * (1.0 + abs(x)):
            return following
        x = following
    return x


@kernel
def _bounds(low: float, high: float, times: Array, amounts: Array) -> tuple[float, float, float, float]:
    """Between what the value lies on [low, high], and between what its slope does; the stretch is on one side of 0.

    Each term is monotone there, so its extremes are at the ends.
    """
    ahead = low >= 0.0
    origin = times[0] if ahead else times[-1]
    least = most = slope_least = slope_most = 0.0
    for k in range(times.size):
        away = times[k] - origin
        first = exp(-low * away)
        last = exp(-high * away)
        small, large = min(first, last), max(first, last)
        amount = amounts[k]
        least += amount * (small if amount > 0.0 else large)
        most += amount * (large if amount > 0.0 else small)
        steep = -amount * away
        slope_least += steep * (small if steep > 0.0 else large)
        slope_most += steep * (large if steep > 0.0 else small)
    return least, most, slope_least, slope_most


@kernel
def _turn(x: float, times: Array, amounts: Array) -> float:
    """Where the slope is 0 near x: the place of a double root, by three steps of Newton's rule."""
    for _ in range(3):
        origin = times[0] if x >= 0.0 else times[-1]
        slope = curvature = 0.0
        for k in range(times.size):
            away = times[k] - origin
            steep = -amounts[k] * away * exp(-x * away)
            slope += steep
            curvature -= steep * away
        following = x - slope / curvature if curvature != 0.0 else x
        x = following if abs(following - x) < 1e-6 else x
    return x


@kernel
def all_roots(times: Array, amounts: Array, terms: Array, roots: Array) -> int:
    """Every root in the range, ascending, into `roots`; their number, or -1 where more work would be needed.

    Stretches of x are halved until in each the value keeps its sign (no root) or is monotone (one, or none). Where
    neither shows in a stretch of 1e-9 the value touches 0 to rounding: a double root, told once.
    """
    lows, highs = np.empty(256), np.empty(256)
    lows[0], highs[0] = 0.0, HIGHEST
    lows[1], highs[1] = LOWEST, 0.0
    waiting, found = 2, 0
    for _ in range(_MOST_BOXES):
        if waiting == 0:
            return found
        waiting -= 1
        low, high = lows[waiting], highs[waiting]
        least, most, slope_least, slope_most = _bounds(low, high, times, amounts)
        if least > 0.0 or most < 0.0:
            continue
        root = np.nan
        if slope_least > 0.0 or slope_most < 0.0:
            gained, lost, _, _ = _sides(low, times, amounts, terms)
            at_low = gained - lost
            gained, lost, _, _ = _sides(high, times, amounts, terms)
            at_high = gained - lost
            if (at_low > 0.0) == (at_high > 0.0) and at_low != 0.0 and at_high != 0.0:
                continue
            root = _between(low, high, at_high > at_low, times, amounts, terms)
        elif high - low < _NARROWEST:
            gained, lost, _, _ = _sides(0.5 * (low + high), times, amounts, terms)
            if abs(gained - lost) > 1e-14 * (gained + lost):
                continue
            root = _turn(0.5 * (low + high), times, amounts)
        else:
            middle = 0.5 * (low + high)
            lows[waiting], highs[waiting] = middle, high
            lows[waiting + 1], highs[waiting + 1] = low, middle
            waiting += 2
            continue
        if found > 0 and abs(root - roots[found - 1]) <= 1e-7:
            roots[found - 1] = 0.5 * (roots[found - 1] + root)  # a double root that rounding has split
            continue
        if found == roots.size:
            return -1
        roots[found] = root
        found += 1
    return -1


@kernel
def _netted(days: Array, amounts: Array, first: int, end: int, times: Array, nets: Array, days_a_year: float) -> int:
    """Flows of one contract in order of time, those of one day added up, zeros left out; how many are left."""
    own, sent = days[first:end], amounts[first:end]
    spoilt = 0
    for k in range(own.size):
        spoilt += int(sent[k] == 0.0)
    for k in range(own.size - 1):
        spoilt += int(own[k + 1] <= own[k])
    if spoilt == 0:
        for k in range(own.size):
            times[k] = (own[k] - own[0]) / days_a_year
            nets[k] = sent[k]
        return own.size
    order = first + np.argsort(days[first:end], kind="mergesort")
    count = 0
    k = 0
    while k < order.size:
        day = days[order[k]]
        total = 0.0
        while k < order.size and days[order[k]] == day:
            total += amounts[order[k]]
            k += 1
        if total != 0.0:
            times[count] = (day - days[order[0]]) / days_a_year
            nets[count] = total
            count += 1
    return count


@kernel
def _changes(nets: Array) -> tuple[int, int]:
    """How often the sign changes, and from where on it has changed first."""
    changes, turn = 0, nets.size
    for k in range(nets.size - 1):
        changed = (nets[k + 1] > 0.0) != (nets[k] > 0.0)
        changes += int(changed)
        turn = min(turn, k + 1 if changed else nets.size)
    return changes, turn


@kernel
def returns(
    days: Array,
    amounts: Array,
    starts: NDArray[np.int64],
    guess: float,
    days_a_year: float,
    out: Array,
    status: NDArray[np.uint8],
) -> Array:
    """Of each contract the flows `starts[i]` to `starts[i + 1]`: into `out` (rows × 3) the rate nearest to `guess`,
    the relative residual there, and the changes of sign. The answer has all rates of the contracts that have several,
    a row each in their order, MOST_ROOTS wide, the rest NaN.
    """
    longest = 0
    for row in range(out.shape[0]):
        longest = max(longest, starts[row + 1] - starts[row])
    room = longest + LANES + 8
    times, nets, terms, found = np.empty(room), np.empty(room), np.empty(room), np.empty(MOST_ROOTS)
    lanes, sums = np.empty((4, 8)), np.empty((2, 4))
    roots, several = np.full((1, MOST_ROOTS), np.nan), 0
    for row in range(out.shape[0]):
        count = _netted(days, amounts, starts[row], starts[row + 1], times, nets, days_a_year)
        t, c = times[:count], nets[:count]
        changes, turn = _changes(c)
        out[row, 0] = out[row, 1] = np.nan
        out[row, 2] = changes
        if changes == 0:
            status[row] = NO_SIGN_CHANGE
            continue
        if changes == 1:
            whole = padded(times, nets, count)
            x = only_root(times[:whole], nets[:whole], terms, turn, lanes, sums)
            status[row] = NO_ROOT if np.isnan(x) else OK
        else:
            many = all_roots(t, c, terms, found)
            status[row] = UNFINISHED if many < 0 else NO_ROOT if many == 0 else OK if many == 1 else MULTIPLE
            x = np.nan
            for j in range(max(many, 0)):
                if j == 0 or abs(expm1(found[j]) - guess) < abs(expm1(x) - guess):
                    x = found[j]
            if many > 1:
                if several == roots.shape[0]:
                    more = np.full((2 * several, MOST_ROOTS), np.nan)
                    more[:several] = roots
                    roots = more
                for j in range(many):
                    roots[several, j] = expm1(found[j])
                several += 1
        if not np.isnan(x):
            out[row, 0] = expm1(x)
            whole = padded(times, nets, count) - 8
            out[row, 1] = residual(x, times[:whole], nets[:whole], terms, lanes)
    return roots[:several]
