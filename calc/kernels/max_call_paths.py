"""The call on the dearest of n assets under a given policy: simulated lower prices, and the upper bound of its dual.

Notation as in `calc/kernels/max_call.py`; the two estimators are those of `calc/kernels/american_paths.py`, with the
sum of the European calls on each asset in place of the European put.
"""

import numpy as np
from numpy.typing import NDArray

from calc.kernels.american import INNER, OUTER, PATHS
from calc.kernels.elementary import exp
from calc.kernels.jit import kernel
from calc.kernels.max_call import basis_size, calls, continuation, summary
from calc.kernels.philox import fill_normals

Array = NDArray[np.float64]

TILE = 512


@kernel
def _follow(
    start: Array,
    now: float,
    first: int,
    market: Array,
    loadings: Array,
    rate: float,
    times: Array,
    fits: Array,
    degree: int,
    name: tuple[int, int, int, int],
    n: int,
    sides: int,
) -> tuple[Array, NDArray[np.int64]]:
    """n paths (sides 2: and their mirror images) from log prices `start`: those at exercise [side, path, asset], dates.

    `name` is seed, stream, block and number of the first normal.
    """
    m, assets, factors = times.shape[0], market.shape[0], loadings.shape[1]
    ends, when = np.empty((sides, n, assets)), np.full((sides, n), -1, np.int64)
    w, z, before = np.zeros((factors, n)), np.empty(n), now
    top, values, y = np.empty(6), np.empty(basis_size(assets, degree)), np.empty(assets)
    for j in range(first, m):
        spread, since = np.sqrt(times[j] - before), times[j] - now
        for f in range(factors):
            fill_normals(z, name[0], name[1], name[2], name[3] + ((j - first) * factors + f) * (n + n % 2))
            for i in range(n):
                w[f, i] += spread * z[i]
        for side in range(sides):
            sign = 1.0 if side == 0 else -1.0
            for i in range(n):
                if when[side, i] >= 0:
                    continue
                largest = -np.inf
                for a in range(assets):
                    moved = 0.0
                    for f in range(factors):
                        moved += loadings[a, f] * w[f, i]
                    y[a] = start[a] + market[a, 1] * since + sign * market[a, 2] * moved
                    largest = max(largest, y[a])
                if j < m - 1:
                    if largest <= 0.0:
                        continue
                    summary(y, market, rate, times[m - 1] - times[j], top)
                    if top[0] - 1.0 < continuation(top, fits[j], values, assets, degree):
                        continue
                ends[side, i] = y
                when[side, i] = j
        before = times[j]
    return ends, when


@kernel
def block(
    market: Array,
    loadings: Array,
    rate: float,
    times: Array,
    fits: Array,
    degree: int,
    seed: int,
    number: int,
    n: int,
    sides: int,
) -> tuple[Array, Array, Array]:
    """n paths of a block, or n mirrored pairs (sides 2), of which each figure is the mean.

    Discounted payoffs, discounted calls, and two rows about paths exercised with a gain: 1, and the time.
    """
    m, factors = times.shape[0], loadings.shape[1]
    payoffs, controls, exercised, weight = np.zeros(n), np.zeros(n), np.zeros((2, n)), 1.0 / sides
    start = market[:, 0].copy()
    done, tile = 0, 0
    while done < n:
        first = tile * m * factors * TILE
        name = (seed, PATHS, number, first)
        ends, when = _follow(start, 0.0, 0, market, loadings, rate, times, fits, degree, name, TILE, sides)
        for side in range(sides):
            for i in range(min(TILE, n - done)):
                time, largest = times[when[side, i]], ends[side, i, 0]
                for a in range(1, market.shape[0]):
                    largest = max(largest, ends[side, i, a])
                discount, paid = weight * exp(-rate * time), max(exp(largest) - 1.0, 0.0)
                payoffs[done + i] += discount * paid
                controls[done + i] += discount * calls(ends[side, i], market, rate, times[m - 1] - time)
                if paid > 0.0:
                    exercised[0, done + i] += weight
                    exercised[1, done + i] += weight * time
        done += TILE
        tile += 1
    return payoffs, controls, exercised


@kernel
def _continuation(
    y: Array,
    now: float,
    first: int,
    market: Array,
    loadings: Array,
    rate: float,
    times: Array,
    fits: Array,
    degree: int,
    seed: int,
    number: int,
    pairs: int,
    slope: float,
) -> float:
    """The value at y of going on under the policy, simulated; the calls are the control, `slope` its coefficient."""
    maturity = times[times.shape[0] - 1]
    name = (seed, INNER, number, 0)
    ends, when = _follow(y, now, first, market, loadings, rate, times, fits, degree, name, pairs, 2)
    total = 0.0
    for side in range(2):
        for i in range(pairs):
            time, largest = times[when[side, i]], ends[side, i, 0]
            for a in range(1, market.shape[0]):
                largest = max(largest, ends[side, i, a])
            held = calls(ends[side, i], market, rate, maturity - time)
            total += exp(-rate * (time - now)) * (max(exp(largest) - 1.0, 0.0) - slope * held)
    return slope * calls(y, market, rate, maturity - now) + total / (2.0 * pairs)


@kernel
def upper(
    market: Array,
    loadings: Array,
    rate: float,
    times: Array,
    fits: Array,
    degree: int,
    seed: int,
    first: int,
    paths: int,
    pairs: int,
    slope: float,
) -> Array:
    """The dual's samples of outer paths first … first + paths - 1, each with `pairs` inner pairs at every date."""
    m, assets, factors = times.shape[0], market.shape[0], loadings.shape[1]
    samples, z, y = np.empty(paths), np.empty(m * factors), np.empty(assets)
    top, values = np.empty(6), np.empty(basis_size(assets, degree))
    for i in range(paths):
        number = first + i
        fill_normals(z, seed, OUTER, number, 0)
        y[:] = market[:, 0]
        before, martingale, best = 0.0, 0.0, -np.inf
        onward = _continuation(y, 0.0, 0, market, loadings, rate, times, fits, degree, seed, number * m, pairs, slope)
        for j in range(m):
            for a in range(assets):
                moved = 0.0
                for f in range(factors):
                    moved += loadings[a, f] * z[j * factors + f]
                step = times[j] - before
                y[a] += market[a, 1] * step + market[a, 2] * np.sqrt(step) * moved
            before, discount, last, reached = times[j], exp(-rate * times[j]), j == m - 1, onward
            summary(y, market, rate, times[m - 1] - times[j], top)
            paid = max(top[0] - 1.0, 0.0)
            exercised = last
            if not last:
                exercised = paid > 0.0 and paid >= continuation(top, fits[j], values, assets, degree)
                onward = discount * _continuation(
                    y,
                    before,
                    j + 1,
                    market,
                    loadings,
                    rate,
                    times,
                    fits,
                    degree,
                    seed,
                    number * m + j + 1,
                    pairs,
                    slope,
                )
            martingale += (discount * paid if exercised else onward) - reached
            best = max(best, discount * paid - martingale)
        samples[i] = best
    return samples
