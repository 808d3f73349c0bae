"""The put of strike 1 under a given policy: simulated lower prices, and the upper bound of its dual.

Notation as in `calc/kernels/american.py`. Law: the risk-neutral one of the put.

    lower    mean of e^(-rτ) h(τ), beside it e^(-rτ) P(τ), whose mean is today's European value
    upper    mean of max_j (e^(-r t_j) h_j - M_j), M the martingale part of the lower price, whose increments come from
             simulations within the simulation (Andersen and Broadie 2004)
"""

import math

import numpy as np
from numpy.typing import NDArray

from calc.kernels.american import INNER, OUTER, PATHS, gain
from calc.kernels.elementary import exp
from calc.kernels.exercise_boundary import european_put
from calc.kernels.jit import kernel
from calc.kernels.philox import fill_normals

Array = NDArray[np.float64]

TILE = 1024  # paths that go along together: their state stays in the first cache


@kernel
def _follow(
    start: float,
    now: float,
    first: int,
    market: Array,
    times: Array,
    bounds: Array,
    name: tuple[int, int, int, int],
    z: Array,
    ends: Array,
    when: Array,
) -> None:
    """Paths from y = start at time now over dates first … until exercise: y then, and the date's number, as a float.

    market is rate, dividend, volatility; bounds are lows and highs. `name` is seed, stream, block and number of the
    first normal. The first row of ends and when are the paths, a second one their mirror images.
    """
    n, m = z.shape[0], times.shape[0]
    drift, w, before = market[0] - market[1] - 0.5 * market[2] * market[2], np.zeros(n), now
    when[:] = -1.0
    for j in range(first, m):
        fill_normals(z, name[0], name[1], name[2], name[3] + (j - first) * (n + n % 2))
        spread, base = market[2] * np.sqrt(times[j] - before), start + drift * (times[j] - now)
        low, high, last, number = bounds[0, j], bounds[1, j], j == m - 1, float(j)
        for i in range(n):
            w[i] += spread * z[i]
        for side in range(ends.shape[0]):
            end, date = ends[side], when[side]
            sign = 1.0 if side == 0 else -1.0
            for i in range(n):
                here = base + sign * w[i]
                goes = (date[i] < 0.0) & (last | ((here >= low) & (here <= high)))
                end[i] = here if goes else end[i]
                date[i] = number if goes else date[i]
        before = times[j]


@kernel
def block(
    x: float, market: Array, times: Array, bounds: Array, turned: bool, seed: int, number: int, n: int, sides: int
) -> tuple[Array, Array, Array]:
    """n paths of a block, or n pairs of mirrored ones (sides 2), of which each figure is the mean.

    Discounted payoffs, discounted European values, and two rows about paths exercised with a gain: 1, and the time;
    both with their likelihood under the law of the call if the put is a `turned` one.
    """
    m, rate, dividend, vol = times.shape[0], market[0], market[1], market[2]
    payoffs, controls, exercised, weight = np.zeros(n), np.zeros(n), np.zeros((2, n)), 1.0 / sides
    discounts, maturity = np.empty(m), times[m - 1]
    for j in range(m):
        discounts[j] = exp(-rate * times[j])
    y, done, tile = math.log(x), 0, 0
    z, ends, when = np.empty(TILE), np.empty((sides, TILE)), np.empty((sides, TILE))
    while done < n:
        _follow(y, 0.0, 0, market, times, bounds, (seed, PATHS, number, tile * m * TILE), z, ends, when)
        for side in range(sides):
            for i in range(min(TILE, n - done)):
                j = int(when[side, i])
                share, left = exp(ends[side, i]), maturity - times[j]
                paid = max(1.0 - share, 0.0)
                value = paid
                if left > 0.0:
                    value = european_put(share, 1.0, vol * math.sqrt(left), (rate - dividend) * left, exp(-rate * left))
                payoffs[done + i] += weight * discounts[j] * paid
                controls[done + i] += weight * discounts[j] * value
                if paid > 0.0:
                    likelihood = weight * (exp((dividend - rate) * times[j]) * share / x if turned else 1.0)
                    exercised[0, done + i] += likelihood
                    exercised[1, done + i] += likelihood * times[j]
        done += TILE
        tile += 1
    return payoffs, controls, exercised


@kernel
def _continuation(
    y: float, now: float, first: int, market: Array, times: Array, bounds: Array, seed: int, number: int, pairs: int
) -> float:
    """The value at y of going on under the policy, from simulations: the European one, and what exercise adds."""
    rate, dividend, vol = market[0], market[1], market[2]
    left = times[times.shape[0] - 1] - now
    european = european_put(exp(y), 1.0, vol * math.sqrt(left), (rate - dividend) * left, exp(-rate * left))
    if first == times.shape[0] - 1:
        return european
    z, ends, when = np.empty(pairs), np.empty((2, pairs)), np.empty((2, pairs))
    _follow(y, now, first, market, times, bounds, (seed, INNER, number, 0), z, ends, when)
    total = 0.0
    for side in range(2):
        for i in range(pairs):
            time = times[int(when[side, i])]
            left = times[times.shape[0] - 1] - time
            if left > 0.0:
                total += exp(-rate * (time - now)) * gain(exp(ends[side, i]), rate, dividend, vol, left)
    return european + total / (2.0 * pairs)


@kernel
def upper(x: float, market: Array, times: Array, bounds: Array, seed: int, first: int, paths: int, pairs: int) -> Array:
    """The dual's samples of outer paths first … first + paths - 1, each with `pairs` inner pairs at every date."""
    m, rate, vol = times.shape[0], market[0], market[2]
    drift = rate - market[1] - 0.5 * vol * vol
    samples, z = np.empty(paths), np.empty(m)
    for i in range(paths):
        number = first + i
        fill_normals(z, seed, OUTER, number, 0)
        y, before, martingale, best = math.log(x), 0.0, 0.0, -np.inf
        onward = _continuation(y, 0.0, 0, market, times, bounds, seed, number * m, pairs)
        for j in range(m):
            y += drift * (times[j] - before) + vol * np.sqrt(times[j] - before) * z[j]
            before, discount = times[j], exp(-rate * times[j])
            paid, last, reached = max(1.0 - exp(y), 0.0), j == m - 1, onward
            if not last:
                onward = _continuation(y, before, j + 1, market, times, bounds, seed, number * m + j + 1, pairs)
                onward *= discount
            exercised = last or bounds[0, j] <= y <= bounds[1, j]
            martingale += (discount * paid if exercised else onward) - reached
            best = max(best, discount * paid - martingale)
        samples[i] = best
    return samples
