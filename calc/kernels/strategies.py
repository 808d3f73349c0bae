"""Trading rules on past prices: which side is held after each price, what that earns, and the figures of it.

Prices are [asset, time]; a signal after a price is made of that price and earlier ones. `sums` are prefix sums of the
prices, one longer. A window that does not reach back far enough gives no signal.
"""

import math

import numpy as np
from numpy.typing import NDArray

from calc.kernels.elementary import log1p
from calc.kernels.jit import inline, kernel

Array = NDArray[np.float64]
Sides = NDArray[np.int8]
Whole = NDArray[np.int64]

MOVING_AVERAGE, MOMENTUM, MEAN_REVERSION, BREAKOUT = range(4)
TIE = 1e-9  # of the price: by less than that no average is above another, so that rounding gives no signal


@inline
def _side(score: float, threshold: float) -> int:
    """Which side a score is for: 1, -1, or neither."""
    if score > threshold:
        return 1
    return -1 if score < -threshold else 0


@inline
def _deviations(prices: Array, sums: Array, i: int, t: int, window: int) -> float:
    """By how many standard deviations of its window a price is away from the window's mean; 0 where nothing moved."""
    mean = (sums[i, t + 1] - sums[i, t + 1 - window]) / window
    total = 0.0
    for k in range(t + 1 - window, t + 1):
        total += (prices[i, k] - mean) * (prices[i, k] - mean)
    deviation = math.sqrt(total / window)
    return (prices[i, t] - mean) / deviation if deviation > TIE * mean else 0.0


@inline
def _breakout(prices: Array, i: int, t: int, window: int, held: int) -> int:
    """1 above all prices of the window before, -1 below them, else what was held."""
    least = most = prices[i, t - window]
    for k in range(t - window + 1, t):
        least, most = min(least, prices[i, k]), max(most, prices[i, k])
    if prices[i, t] > most:
        return 1
    return -1 if prices[i, t] < least else held


@kernel
def signals(
    prices: Array, sums: Array, rule: int, fast: int, slow: int, threshold: float, short: bool, out: Sides
) -> None:
    """Into `out` [asset, time]: 1, 0 or -1 after each price. Rules of one window have it in `slow`."""
    assets, times = prices.shape
    for i in range(assets):
        side = 0
        for t in range(times):
            if t < slow - 1 or (t < slow and rule != MOVING_AVERAGE and rule != MEAN_REVERSION):
                out[i, t] = 0
                continue
            if rule == MOVING_AVERAGE:
                above = (sums[i, t + 1] - sums[i, t + 1 - fast]) / fast - (
                    sums[i, t + 1] - sums[i, t + 1 - slow]
                ) / slow
                side = _side(above, TIE * prices[i, t])
            elif rule == MOMENTUM:
                side = _side(prices[i, t] / prices[i, t - slow] - 1.0, threshold)
            elif rule == MEAN_REVERSION:
                side = -_side(_deviations(prices, sums, i, t, slow), threshold)
            else:
                side = _breakout(prices, i, t, slow, side)
            out[i, t] = side if short or side > 0 else 0


@kernel
def earned(moves: Array, held: Sides, first: int, delay: int, cost: float, returns: Array, traded: Array) -> None:
    """Into `returns`: of each time from `first` on, what was held over the move to it, in equal parts of all assets,
    less `cost` of what was traded before, which goes into `traded`. `held` is after each price; it is held from
    `delay` prices later on, and before the first move nothing was."""
    assets = moves.shape[0]
    for k in range(returns.size):
        t, gained, turned = first + k, 0.0, 0.0
        for i in range(assets):
            now = held[i, t - 1 - delay]
            before = held[i, t - 2 - delay] if k > 0 else 0
            gained += now * moves[i, t]
            turned += abs(now - before)
        traded[k] = turned / assets
        returns[k] = gained / assets - cost * traded[k]


@kernel
def of_windows(returns: Array, begins: Whole, ends: Whole, out: Array) -> None:
    """Into `out` (windows × 2): mean and standard deviation (n - 1) of the returns of each window."""
    for k in range(begins.size):
        n, mean, second = ends[k] - begins[k], 0.0, 0.0
        for t in range(begins[k], ends[k]):
            mean += returns[t]
        mean /= n
        for t in range(begins[k], ends[k]):
            second += (returns[t] - mean) * (returns[t] - mean)
        out[k, 0], out[k, 1] = mean, math.sqrt(second / (n - 1))


@kernel
def figures(returns: Array, riskless: float, out: Array) -> None:
    """Into `out`: of what is earned above `riskless` a time mean, standard deviation (n - 1), skewness and kurtosis; of
    the wealth made by all returns the largest fall from a peak, as a share, and the mean growth of its logarithm, which
    is NaN where all was lost."""
    n = returns.size
    mean = 0.0
    for each in returns:
        mean += each
    mean /= n
    second = third = fourth = 0.0
    for each in returns:
        away = each - mean
        square = away * away
        second += square
        third += square * away
        fourth += square * square
    share, fall, grown = 1.0, 0.0, 0.0  # of the peak so far
    for each in returns:
        if each > -1.0:
            grown += log1p(each)
            share = min(share * (1.0 + each), 1.0)
        else:
            grown, share = np.nan, 0.0
        fall = max(fall, 1.0 - share)
    variance = second / n
    out[0] = mean - riskless
    out[1] = math.sqrt(second / (n - 1))
    out[2] = third / n / (variance * math.sqrt(variance)) if variance > 0.0 else 0.0
    out[3] = fourth / n / (variance * variance) if variance > 0.0 else 3.0
    out[4] = fall
    out[5] = grown / n
