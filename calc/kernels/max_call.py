"""The call on the dearest of n assets with exercise at m dates: its policy by regression.

Prices are in units of the strike. `market` has a row for each asset: log of today's price, yearly drift of the log,
volatility, rate less dividend yield; `loadings` (n × k, rows of length 1) turn k independent Brownian motions into the
assets'. At a date exercise is right where max - 1 is at least the fitted continuation: a polynomial in the two largest
prices (all monomials up to the degree), the European calls on these two and their product, and, with more than two
assets, the third price and the mean of the others in low order.
Longstaff and Schwartz (2001); Andersen and Broadie (2004).
"""

import math

import numpy as np
from numpy.typing import NDArray

from calc.kernels.american import POLICY
from calc.kernels.elementary import exp, log, norm_cdf
from calc.kernels.jit import inline, kernel
from calc.kernels.least_squares import rotate, solve_normal, solve_rotated
from calc.kernels.philox import fill_normals

Array = NDArray[np.float64]

_LEAST = 4  # paths in the money for each coefficient, below which there is no regression at a date
NEVER = 1e300  # a continuation value that nothing beats


@inline
def call(y: float, asset: Array, rate: float, left: float) -> float:
    """The European call on one asset (a row of market), struck at 1."""
    spread, carry, discount = asset[2] * math.sqrt(left), asset[3] * left, exp(-rate * left)
    forward = exp(y + carry)
    if spread <= 0.0:
        return discount * max(forward - 1.0, 0.0)
    d = (y + carry) / spread + 0.5 * spread
    return max(discount * (forward * norm_cdf(d) - norm_cdf(d - spread)), 0.0)


@inline
def calls(y: Array, market: Array, rate: float, left: float) -> float:
    """The sum of the European calls on each asset, struck at 1."""
    total = 0.0
    for a in range(y.shape[0]):
        total += call(y[a], market[a], rate, left)
    return total


@inline
def basis_size(assets: int, degree: int) -> int:
    """How many functions the continuation is fitted by."""
    return (degree + 1) * (degree + 2) // 2 + 3 + (4 if assets > 2 else 0) + (3 if assets > 3 else 0)


@inline
def summary(y: Array, market: Array, rate: float, left: float, top: Array) -> None:
    """Of the assets' log prices: the three largest prices (missing ones 0), the mean of those beyond the second, and
    the European calls on the two dearest."""
    first, second, third, rest = -np.inf, -np.inf, -np.inf, 0.0
    dearest, next_one = 0, 0
    for a in range(y.shape[0]):
        v = y[a]
        if v > first:
            first, second, third = v, first, second
            dearest, next_one = a, dearest
        elif v > second:
            second, third = v, second
            next_one = a
        elif v > third:
            third = v
        if y.shape[0] > 3:
            rest += exp(v)
    top[0], top[1] = exp(first), exp(second)
    top[2] = exp(third) if y.shape[0] > 2 else 0.0
    top[3] = (rest - top[0] - top[1]) / (y.shape[0] - 2) if y.shape[0] > 3 else 0.0
    top[4] = call(y[dearest], market[dearest], rate, left) if first > 0.0 else 0.0
    top[5] = call(y[next_one], market[next_one], rate, left) if first > 0.0 else 0.0


@inline
def fill_basis(out: Array, top: Array, assets: int, degree: int, centre: float, scale: float) -> None:
    """The basis functions at a summary, in units around the typical largest price."""
    u, v = (top[0] - centre) / scale, (top[1] - centre) / scale
    f, g = top[4] / scale, top[5] / scale
    out[0], out[1], out[2] = f, g, f * g
    place, power = 3, 1.0
    for a in range(degree + 1):
        product = power
        for _ in range(degree + 1 - a):
            out[place] = product
            product *= v
            place += 1
        power *= u
    if assets > 2:
        t = (top[2] - centre) / scale
        out[place], out[place + 1], out[place + 2], out[place + 3] = t, t * t, t * u, t * v
        place += 4
    if assets > 3:
        r = (top[3] - centre) / scale
        out[place], out[place + 1], out[place + 2] = r, r * u, r * v


@inline
def continuation(top: Array, fit: Array, values: Array, assets: int, degree: int) -> float:
    """The fitted value of going on; fit is centre, scale, coefficients, and a scale of 0 says that nothing beats it."""
    if fit[1] <= 0.0:
        return NEVER
    fill_basis(values, top, assets, degree, fit[0], fit[1])
    value = 0.0
    for k in range(values.shape[0]):
        value += fit[2 + k] * values[k]
    return max(value, 0.0)


@kernel
def policy(market: Array, loadings: Array, rate: float, times: Array, seed: int, paths: int, degree: int) -> Array:
    """The fits [date, (centre, scale, coefficients)] of continuation, from `paths` paths (even), drawn backwards.

    Where regression is not possible the scale is 0: go on.
    """
    m, n, factors, half = times.shape[0], market.shape[0], loadings.shape[1], paths // 2
    fits = np.zeros((m, 2 + basis_size(n, degree)))
    w, z, y = np.empty((factors, half)), np.empty(half), np.empty(n)
    tops, cash, top = np.empty((paths, 6)), np.zeros(paths), np.empty(6)
    held, now = np.zeros(paths), np.zeros(paths)  # the calls when exercised, and those on this date
    values = np.empty(basis_size(n, degree))
    for j in range(m - 1, -1, -1):
        here, last = times[j], j == m - 1
        share = 0.0 if last else here / times[j + 1]
        spread = np.sqrt(here) if last else np.sqrt(here * (times[j + 1] - here) / times[j + 1])
        discount = 0.0 if last else exp(-rate * (times[j + 1] - here))
        for f in range(factors):
            fill_normals(z, seed, POLICY, j * factors + f, 0)
            for i in range(half):
                w[f, i] = spread * z[i] + (0.0 if last else share * w[f, i])
        for i in range(paths):
            sign, place = (1.0, i) if i < half else (-1.0, i - half)
            for a in range(n):
                moved = 0.0
                for f in range(factors):
                    moved += loadings[a, f] * w[f, place]
                y[a] = market[a, 0] + market[a, 1] * here + sign * market[a, 2] * moved
            summary(y, market, rate, times[m - 1] - here, tops[i])
            if tops[i, 0] > 1.0 or last:
                now[i] = calls(y, market, rate, times[m - 1] - here)
            cash[i] = max(tops[i, 0] - 1.0, 0.0) if last else cash[i] * discount
            held[i] = now[i] if last else held[i] * discount
        if not last:
            _fit(tops, _less_noise(tops, cash, held, now), fits[j], values, n, degree)
            for i in range(paths):
                top[:] = tops[i]
                if top[0] > 1.0 and top[0] - 1.0 >= continuation(top, fits[j], values, n, degree):
                    cash[i], held[i] = top[0] - 1.0, now[i]
    return fits


@kernel
def _less_noise(tops: Array, cash: Array, held: Array, now: Array) -> Array:
    """`cash` less its best multiple of held - now, whose mean is 0 wherever a path is: the fit's aim stays the same."""
    over, under = 0.0, 0.0
    for i in range(cash.shape[0]):
        if tops[i, 0] > 1.0:
            moved = held[i] - now[i]
            over += moved * cash[i]
            under += moved * moved
    slope = over / under if under > 0.0 else 0.0
    target = cash.copy()
    for i in range(cash.shape[0]):
        if tops[i, 0] > 1.0:
            target[i] -= slope * (held[i] - now[i])
    return target


@kernel
def _fit(tops: Array, cash: Array, fit: Array, values: Array, assets: int, degree: int) -> None:
    """Regress `cash` on the basis over paths in the money; `fit` stays 0 where they are too few or all alike."""
    count, total, squares, p = 0, 0.0, 0.0, values.shape[0]
    for i in range(tops.shape[0]):
        if tops[i, 0] > 1.0:
            count += 1
            total += log(tops[i, 0])
            squares += (tops[i, 0] - 1.0) * (tops[i, 0] - 1.0)
    if count < _LEAST * p:
        return
    centre, scale = exp(total / count), np.sqrt(squares / count)
    if not 0.0 < scale < 1e100:
        return
    gram, right = np.zeros((p, p)), np.zeros(p)
    for i in range(tops.shape[0]):
        if tops[i, 0] > 1.0:
            fill_basis(values, tops[i], assets, degree, centre, scale)
            for a in range(p):
                row, here = gram[a], values[a]
                for b in range(p):
                    row[b] += here * values[b]
                right[a] += here * cash[i]
    if not solve_normal(gram, right, fit[2:]):
        upper, row = np.zeros((p, p + 1)), np.empty(p + 1)
        for i in range(tops.shape[0]):
            if tops[i, 0] > 1.0:
                fill_basis(row[:p], tops[i], assets, degree, centre, scale)
                row[p] = cash[i]
                rotate(upper, row)
        solve_rotated(upper, fit[2:])
    fit[0], fit[1] = centre, scale
