"""Payoffs along simulated paths, tile by tile: arrays [times, paths] of Brownian motion in, numbers a path out.

`levels` are log S + (r - q - σ²/2) t at the times, so that log S_t = levels + σ W_t. Payoffs are discounted.
"""

import math

import numpy as np
from numpy.typing import NDArray

from calc.kernels import conditioned
from calc.kernels.elementary import exp, log
from calc.kernels.jit import kernel

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]


@kernel
def asian(out: Array, paths: Array, levels: Array, sigma: float, strike: float, w: float, scale: float) -> None:
    """scale · (w (mean price - strike))⁺."""
    times, n = paths.shape
    total = np.zeros(n)
    for j in range(times):
        path, level = paths[j], levels[j]
        for i in range(n):
            total[i] += exp(level + sigma * path[i])
    for i in range(n):
        gain = w * (total[i] / times - strike)
        out[i] = scale * gain if gain > 0.0 else 0.0


@kernel
def asian_given_geometric(
    out: Array, paths: Array, levels: Array, loadings: Array, sigma: float, strike: float, w: float, scale: float
) -> None:
    """The same, its mean over the geometric average, given all else of the path. Overwrites the paths.

    `loadings` are those of log S_t on ξ, the geometric average's deviation scaled to N(0, 1): σ Cov(W_t, ξ).
    """
    times, n = paths.shape
    common = np.zeros(n)
    whole = 0.0
    for j in range(times):
        whole += loadings[j]
        path = paths[j]
        for i in range(n):
            common[i] += path[i]
    for i in range(n):
        common[i] *= sigma / whole  # ξ: the loadings' sum is the deviation of Σ σ W
    for j in range(times):
        path, level, loading = paths[j], levels[j] - math.log(times), loadings[j]
        for i in range(n):
            path[i] = level + sigma * path[i] - loading * common[i]
    conditioned.values(out, paths, loadings, np.ones(times), strike, w, scale)


@kernel
def barrier(
    out: Array,
    vanilla: Array,
    hit: Array,
    paths: Array,
    levels: Array,
    watched: Flags,
    spans: Array,
    discounts: Array,
    start: float,
    sigma: float,
    barrier_level: float,
    down: bool,
    knock_in: bool,
    strike: float,
    w: float,
    rebate: float,
) -> None:
    """Payoff, that of the vanilla option, and the chance that the barrier was hit, of each path.

    spans      of each step: its length in years where the barrier is watched all along, 0 where only at its end
    watched    whether the barrier is watched at the end of the step
    rebate     at the date of the hit for a knock-out watched at dates, at maturity for a knock-in; else 0 is given

    Within a step from x to y, both at the living side of b, the bridge stays there with probability
    1 - exp(-2 (x - b)(y - b)/(σ² dt)).
    """
    times, n = paths.shape
    side = 1.0 if down else -1.0
    alive, paid, before = np.ones(n), np.zeros(n), np.full(n, side * (start - barrier_level))
    for j in range(times):
        path, level, discount = paths[j], levels[j] - barrier_level, discounts[j]
        if spans[j] > 0.0:
            rate = -2.0 / (sigma * sigma * spans[j])
            for i in range(n):
                x = side * (level + sigma * path[i])
                stays = 1.0 - exp(rate * before[i] * x) if x > 0.0 and before[i] > 0.0 else 0.0
                before[i] = x
                alive[i] *= stays
        elif watched[j]:
            for i in range(n):
                lives = alive[i] if side * (level + sigma * path[i]) > 0.0 else 0.0
                paid[i] += discount * (alive[i] - lives)
                alive[i] = lives
    last, level, discount = paths[times - 1], levels[times - 1], discounts[times - 1]
    for i in range(n):
        gain = w * (exp(level + sigma * last[i]) - strike)
        vanilla[i] = discount * gain if gain > 0.0 else 0.0
        hit[i] = 1.0 - alive[i]
        if knock_in:
            out[i] = hit[i] * vanilla[i] + rebate * discount * alive[i]
        else:
            out[i] = alive[i] * vanilla[i] + rebate * paid[i]


@kernel
def beyond(extreme: Array, uniform: Array, before: Array, after: Array, variance: float, side: float) -> None:
    """Move the extreme to that of the bridge between two rows: side 1 for the highest, -1 for the lowest.

    The highest of a bridge from x to y with the variance v is (x + y + √((x - y)² - 2 v log U))/2.
    """
    for i in range(extreme.shape[0]):
        x, y = side * before[i], side * after[i]
        top = 0.5 * (x + y + np.sqrt((x - y) * (x - y) - 2.0 * variance * log(uniform[i])))
        extreme[i] = top if top > extreme[i] else extreme[i]


@kernel
def highest(extreme: Array, row: Array, side: float) -> None:
    """Move the extreme to the row's numbers where these are beyond it."""
    for i in range(extreme.shape[0]):
        top = side * row[i]
        extreme[i] = top if top > extreme[i] else extreme[i]


@kernel
def to_logs(paths: Array, levels: Array, sigma: float) -> None:
    """Brownian motion to log prices, in place."""
    for j in range(paths.shape[0]):
        path, level = paths[j], levels[j]
        for i in range(paths.shape[1]):
            path[i] = level + sigma * path[i]


@kernel
def lookback(
    out: Array, last_price: Array, extreme: Array, last: Array, side: float, floating: bool, strike: float, scale: float
) -> None:
    """Payoff, and the discounted last price; side 1: of the highest price, -1: of the lowest."""
    for i in range(out.shape[0]):
        price, most = exp(last[i]), exp(side * extreme[i])
        gain = side * (most - price) if floating else side * (most - strike)
        out[i] = scale * gain if gain > 0.0 else 0.0
        last_price[i] = scale * price
