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
from calc.kernels.least_squares import rotate, solve_normal, solve_rotated
from calc.kernels.philox import fill_normals

Array = NDArray[np.float64]

POLICY, PATHS, OUTER, INNER = 1, 2, 3, 4  # streams of random numbers
_CELLS = 256  # of a grid in x between 0 and 1
_LEAST = 4  # paths in the money for each coefficient, below which there is no regression at a date


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
    coefficients = np.empty(degree + 1)
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
        left = times[m - 1] - here
        if _regression(x, gained, coefficients):
            lows[j], highs[j] = _interval(x, coefficients, rate, dividend, vol, left, from_zero)
        low, high = exp(lows[j]), exp(highs[j])
        for i in range(paths):
            if low <= x[i] <= high:
                gained[i] = gain(x[i], rate, dividend, vol, left)
    return lows, highs


@kernel
def _regression(x: Array, target: Array, coefficients: Array) -> bool:
    """Fit target by powers of (x - c0)/c1 over x < 1. `coefficients` are c0, c1 and those of the powers.

    False where too few paths are in the money.
    """
    n, p = x.shape[0], coefficients.shape[0] - 2
    count, total, squares = 0, 0.0, 0.0
    for i in range(n):
        if x[i] < 1.0:
            count += 1
            total += x[i]
    if count < _LEAST * p:
        return False
    centre = total / count
    for i in range(n):
        if x[i] < 1.0:
            squares += (x[i] - centre) * (x[i] - centre)
    variance = squares / count if squares > 0.0 else 1.0
    coefficients[0], coefficients[1] = centre, np.sqrt(variance)
    if not solve_normal(*_moments(x, target, centre, coefficients[1], p), coefficients[2:]):
        _by_rotations(x, target, coefficients)
    return True


@kernel
def _moments(x: Array, target: Array, centre: float, scale: float, p: int) -> tuple[Array, Array]:
    """Σ u^(a+b) as a matrix, and Σ u^a · target, over x < 1, in eight lanes."""
    n, lanes, sums = x.shape[0], np.zeros((3 * p - 1, 8)), np.zeros(3 * p - 1)
    u, aimed = np.empty(8), np.empty(8)
    for first in range(0, n, 8):
        for k in range(8):
            i = min(first + k, n - 1)
            inside = first + k < n and x[i] < 1.0
            u[k] = (x[i] - centre) / scale if inside else 0.0
            aimed[k] = target[i] if inside else 0.0
            lanes[0, k] += 1.0 if inside else 0.0
            lanes[2 * p - 1, k] += aimed[k]
        power = u.copy()
        for a in range(1, 2 * p - 1):
            for k in range(8):
                lanes[a, k] += power[k]
            if a < p:
                for k in range(8):
                    lanes[2 * p - 1 + a, k] += power[k] * aimed[k]
            for k in range(8):
                power[k] *= u[k]
    for a in range(3 * p - 1):
        for k in range(8):
            sums[a] += lanes[a, k]
    gram = np.empty((p, p))
    for a in range(p):
        for b in range(p):
            gram[a, b] = sums[a + b]
    return gram, sums[2 * p - 1 :]


@kernel
def _by_rotations(x: Array, target: Array, coefficients: Array) -> None:
    """The same fit by QR."""
    p = coefficients.shape[0] - 2
    upper, row = np.zeros((p, p + 1)), np.empty(p + 1)
    for i in range(x.shape[0]):
        if x[i] < 1.0:
            row[0] = 1.0
            for k in range(1, p):
                row[k] = row[k - 1] * (x[i] - coefficients[0]) / coefficients[1]
            row[p] = target[i]
            rotate(upper, row)
    solve_rotated(upper, coefficients[2:])


@inline
def _better(x: float, coefficients: Array, rate: float, dividend: float, vol: float, left: float) -> float:
    """By how much exercise at x beats the fitted continuation."""
    u, value = (x - coefficients[0]) / coefficients[1], 0.0
    for k in range(coefficients.shape[0] - 1, 1, -1):
        value = value * u + coefficients[k]
    return gain(x, rate, dividend, vol, left) - max(value, 0.0)


@kernel
def _interval(
    x: Array, coefficients: Array, rate: float, dividend: float, vol: float, left: float, from_zero: bool
) -> tuple[float, float]:
    """The y between which exercise beats continuation, summed over the paths there; empty where it never does."""
    least, most = 1.0, 0.0
    for i in range(x.shape[0]):
        if x[i] < 1.0:
            least, most = min(least, x[i]), max(most, x[i])
    width = (most - least) / _CELLS
    cells = np.zeros(_CELLS)
    for i in range(x.shape[0]):
        if x[i] < 1.0:
            cells[min(int((x[i] - least) / width), _CELLS - 1) if width > 0.0 else 0] += 1.0
    best, running, start, first, last = 0.0, 0.0, 0, 0, -1
    for k in range(_CELLS):
        running += cells[k] * _better(least + (k + 0.5) * width, coefficients, rate, dividend, vol, left)
        if running > best:
            best, first, last = running, start, k
        if running < 0.0 and not from_zero:
            running, start = 0.0, k + 1
    if last < 0:
        return np.inf, -np.inf
    high = _crossing(least, width, last, coefficients, rate, dividend, vol, left)
    if from_zero or first == 0:
        return -np.inf, high
    return _crossing(least, width, first - 1, coefficients, rate, dividend, vol, left), high


@kernel
def _crossing(
    least: float, width: float, cell: int, coefficients: Array, rate: float, dividend: float, vol: float, left: float
) -> float:
    """The y where exercise and continuation are even, between the middles of a cell and the next; else their border."""
    a, b = least + (cell + 0.5) * width, least + (cell + 1.5) * width
    positive = _better(a, coefficients, rate, dividend, vol, left) > 0.0
    if cell == _CELLS - 1 or positive == (_better(b, coefficients, rate, dividend, vol, left) > 0.0):
        return log(least + (cell + 1.0) * width)
    for _ in range(40):
        middle = 0.5 * (a + b)
        if (_better(middle, coefficients, rate, dividend, vol, left) > 0.0) == positive:
            a = middle
        else:
            b = middle
    return log(0.5 * (a + b))
