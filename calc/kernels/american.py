"""The put of strike 1 with exercise at m dates: when to exercise, found by regression.

x is S/K, y = log x; dates are times above 0, ascending, the last is maturity; at date j exercise is right where
lows[j] <= y <= highs[j]. Early exercise is judged by what it adds to the European put: with h = 1 - x and τ the date of
exercise, E[discounted h(τ) - P(τ)] is the continuation value less the European value P, which is known. Both the
regression (Longstaff and Schwartz 2001) and the prices are of that difference, whose variance is small (Rasmussen
2005, *Control variates for Monte Carlo valuation of American options*).
"""

import math

import numpy as np
from numpy.typing import NDArray

from calc.kernels.elementary import exp, log
from calc.kernels.exercise_boundary import european_put
from calc.kernels.jit import inline, kernel
from calc.kernels.lanes import sum8, tree
from calc.kernels.least_squares import rotate, solve_normal, solve_rotated
from calc.kernels.philox import fill_normals

Array = NDArray[np.float64]

POLICY, PATHS, OUTER, INNER = 1, 2, 3, 4  # streams of random numbers
_CELLS = 256  # of a grid over the x of a regression
_REACH = 0.5  # standard deviations of log x at maturity, to each side of the boundary, over which it is fitted
_LEAST = 4  # paths for each coefficient, below which there is no regression at a date


@inline
def gain(x: float, rate: float, dividend: float, vol: float, left: float) -> float:
    """What exercise now gives beyond the European put: h - P; at maturity nothing."""
    if left <= 0.0:
        return 0.0
    carry = (rate - dividend) * left
    return 1.0 - x - european_put(x, 1.0, vol * math.sqrt(left), carry, exp(-rate * left))


@kernel
def policy(
    lowest: float,
    highest: float,
    rate: float,
    dividend: float,
    vol: float,
    times: Array,
    from_zero: bool,
    seed: int,
    paths: int,
    degree: int,
) -> tuple[Array, Array]:
    """The bounds (lows, highs) of exercise at each date, from `paths` paths (an even number).

    They start spread over y from `lowest` to `highest` and are drawn from maturity backwards, as Brownian bridges, so
    no path is stored; half of them mirror the other half.
    """
    m, half = times.shape[0], paths // 2
    lows, highs = np.full(m, np.inf), np.full(m, -np.inf)
    lows[m - 1], highs[m - 1] = -np.inf, np.inf
    z, w, x, gained = np.empty(half), np.empty(half), np.empty(paths), np.zeros(paths)
    drift = rate - dividend - 0.5 * vol * vol
    fill_normals(w, seed, POLICY, m, 0)
    w *= np.sqrt(times[m - 1])
    picked, aims, fit = np.empty(paths), np.empty(paths), np.empty(degree + 3)
    reach = _REACH * vol * np.sqrt(times[m - 1])
    for j in range(m - 2, -1, -1):
        here, there = times[j], times[j + 1]
        fill_normals(z, seed, POLICY, j + 1, 0)
        share, spread = here / there, np.sqrt(here * (there - here) / there)
        step, discount = (highest - lowest) / half, exp(-rate * (there - here))
        for i in range(half):
            w[i] = share * w[i] + spread * z[i]
            start = lowest + step * (i + 0.5) + drift * here
            x[i] = exp(start + vol * w[i])
            x[half + i] = exp(start - vol * w[i])
        for i in range(paths):
            gained[i] *= discount
        left, found = times[m - 1] - here, False
        if from_zero and highs[j + 1] < 0.0:  # the boundary is near that of the date after
            n = _pick(x, gained, exp(highs[j + 1] - reach), exp(min(highs[j + 1] + reach, 0.0)), picked, aims)
            if _regression(picked[:n], aims[:n], fit):
                lows[j], highs[j] = _interval(picked[:n], fit, rate, dividend, vol, left, True)
                found = exp(lows[j]) < exp(highs[j]) < picked[:n].max()
        if not found:
            n = _pick(x, gained, 0.0, 1.0, picked, aims)
            if _regression(picked[:n], aims[:n], fit):
                lows[j], highs[j] = _interval(picked[:n], fit, rate, dividend, vol, left, from_zero)
            else:
                lows[j], highs[j] = np.inf, -np.inf
        low, high = exp(lows[j]), exp(highs[j])
        for i in range(paths):
            if low <= x[i] <= high:
                gained[i] = gain(x[i], rate, dividend, vol, left)
    return lows, highs


@kernel
def _pick(x: Array, target: Array, low: float, high: float, picked: Array, aims: Array) -> int:
    """Copy the x from low (inclusive) to high, and their targets, to the fronts of two arrays: how many they are."""
    n = 0
    for i in range(x.shape[0]):
        if low <= x[i] < high:
            picked[n], aims[n] = x[i], target[i]
            n += 1
    return n


@kernel
def _regression(x: Array, target: Array, fit: Array) -> bool:
    """Fit target by powers of (x - c0)/c1. `fit` is c0, c1 and the coefficients. False where there are too few x."""
    n, p = x.shape[0], fit.shape[0] - 2
    if n < _LEAST * p:
        return False
    centre, squares = sum8(x) / n, 0.0
    for i in range(n):
        squares += (x[i] - centre) * (x[i] - centre)
    fit[0], fit[1] = centre, np.sqrt(squares / n) if squares > 0.0 else 1.0
    if not solve_normal(*_moments(x, target, centre, fit[1], p), fit[2:]):
        upper, row = np.zeros((p, p + 1)), np.empty(p + 1)
        for i in range(n):
            row[0] = 1.0
            for k in range(1, p):
                row[k] = row[k - 1] * (x[i] - centre) / fit[1]
            row[p] = target[i]
            rotate(upper, row)
        solve_rotated(upper, fit[2:])
    return True


@kernel
def _moments(x: Array, target: Array, centre: float, scale: float, p: int) -> tuple[Array, Array]:
    """Σ u^(a+b) as a matrix, and Σ u^a · target, in eight lanes."""
    n, lanes, sums = x.shape[0], np.zeros((3 * p - 1, 8)), np.zeros(3 * p - 1)
    u, aimed, power = np.empty(8), np.empty(8), np.empty(8)
    for first in range(0, n, 8):
        for k in range(8):
            i = min(first + k, n - 1)
            inside = 1.0 if first + k < n else 0.0
            u[k], aimed[k], power[k] = (x[i] - centre) / scale, inside * target[i], inside
        for a in range(2 * p - 1):
            for k in range(8):
                lanes[a, k] += power[k]
            if a < p:
                for k in range(8):
                    lanes[2 * p - 1 + a, k] += power[k] * aimed[k]
            for k in range(8):
                power[k] *= u[k]
    for a in range(3 * p - 1):
        sums[a] = tree(lanes[a])
    gram = np.empty((p, p))
    for a in range(p):
        for b in range(p):
            gram[a, b] = sums[a + b]
    return gram, sums[2 * p - 1 :]


@inline
def _better(x: float, fit: Array, rate: float, dividend: float, vol: float, left: float) -> float:
    """By how much exercise at x beats the fitted continuation."""
    u, value = (x - fit[0]) / fit[1], 0.0
    for k in range(fit.shape[0] - 1, 1, -1):
        value = value * u + fit[k]
    return gain(x, rate, dividend, vol, left) - max(value, 0.0)


@kernel
def _interval(
    x: Array, fit: Array, rate: float, dividend: float, vol: float, left: float, from_zero: bool
) -> tuple[float, float]:
    """The y between which exercise beats continuation, summed over the paths there; empty where it never does."""
    least, most = x.min(), x.max()
    width = (most - least) / _CELLS
    cells = np.zeros(_CELLS)
    for i in range(x.shape[0]):
        cells[min(int((x[i] - least) / width), _CELLS - 1) if width > 0.0 else 0] += 1.0
    best, running, start, first, last = 0.0, 0.0, 0, 0, -1
    for k in range(_CELLS):
        running += cells[k] * _better(least + (k + 0.5) * width, fit, rate, dividend, vol, left)
        if running > best:
            best, first, last = running, start, k
        if running < 0.0 and not from_zero:
            running, start = 0.0, k + 1
    if last < 0:
        return np.inf, -np.inf
    high = _crossing(least, width, last, fit, rate, dividend, vol, left)
    if from_zero or first == 0:
        return -np.inf, high
    return _crossing(least, width, first - 1, fit, rate, dividend, vol, left), high


@kernel
def _crossing(
    least: float, width: float, cell: int, fit: Array, rate: float, dividend: float, vol: float, left: float
) -> float:
    """The y where exercise and continuation are even, between the middles of a cell and the next; else their border."""
    a, b = least + (cell + 0.5) * width, least + (cell + 1.5) * width
    positive = _better(a, fit, rate, dividend, vol, left) > 0.0
    if cell == _CELLS - 1 or positive == (_better(b, fit, rate, dividend, vol, left) > 0.0):
        return log(least + (cell + 1.0) * width)
    for _ in range(40):
        middle = 0.5 * (a + b)
        if (_better(middle, fit, rate, dividend, vol, left) > 0.0) == positive:
            a = middle
        else:
            b = middle
    return log(0.5 * (a + b))
