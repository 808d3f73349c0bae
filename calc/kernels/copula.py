"""Losses of credit portfolios: scenarios of a factor copula, exact distributions by recursion, Merton's two equations.

The random numbers of a scenario are named by (seed, stream, scenario), so a loss has the same bits in any block.
Sums over names run in eight lanes of fixed order.
"""

import numpy as np
from numpy.typing import NDArray

from calc.kernels.elementary import log, norm_cdf
from calc.kernels.jit import kernel
from calc.kernels.lanes import tree
from calc.kernels.philox import fill_normals, key_of, normal_pair, uniform_pair

Array = NDArray[np.float64]
Whole = NDArray[np.int64]

_MOST_ATTEMPTS = 1000


@kernel
def copula_losses(
    out: Array,
    thresholds: Array,
    loadings: Array,
    amounts: Array,
    owners: Whole,
    degrees: float,
    seed: int,
    stream: int,
    first: int,
    edges: Array,
    counts: Whole,
    sums: Array,
    squares: Array,
) -> None:
    """Write the losses of scenarios first, first + 1, …, and count the tail's defaults by bin and owner.

    Name i defaults where its own normal is below thresholds_i √(χ²/ν) - Σ loadings_fi z_f (without the root where
    `degrees` is 0), and loses amounts_i. The names are a multiple of 8; loadings are factors × names. Bin b has the
    losses from edges[b] on: sums[b, owner] counts the owner's defaults, squares[b, owner] adds the squared counts.
    """
    k, n = loadings.shape
    z, own, limits = np.empty(k), np.empty(n), np.empty(n)
    lanes, defaults = np.empty(8), np.empty(sums.shape[1])
    skip = (k + 1) // 2 * 2
    for s in range(out.shape[0]):
        scenario = first + s
        fill_normals(z, seed, stream, scenario, 0)
        fill_normals(own, seed, stream, scenario, skip)
        mixing = 1.0
        if degrees > 0.0:
            mixing = np.sqrt(_chi_square(degrees, seed, stream + 1, scenario) / degrees)
        for i in range(n):
            limits[i] = thresholds[i] * mixing
        for f in range(k):
            row, factor = loadings[f], z[f]
            for i in range(n):
                limits[i] -= row[i] * factor
        lanes[:] = 0.0
        for i in range(0, n, 8):
            for j in range(8):
                lanes[j] += amounts[i + j] if own[i + j] < limits[i + j] else 0.0
        out[s] = tree(lanes)
        if edges.shape[0] and out[s] >= edges[0]:
            b = np.searchsorted(edges, out[s], side="right") - 1
            counts[b] += 1
            defaults[:] = 0.0
            for i in range(n):
                if own[i] < limits[i]:
                    defaults[owners[i]] += 1.0
            for i in range(sums.shape[1]):
                sums[b, i] += defaults[i]
                squares[b, i] += defaults[i] * defaults[i]


@kernel
def _chi_square(degrees: float, seed: int, stream: int, scenario: int) -> float:
    """χ² with more than 2 degrees: Marsaglia and Tsang (2000), *A simple method for generating gamma variables*."""
    key = key_of(seed, stream)
    d = 0.5 * degrees - 1.0 / 3.0
    c = 1.0 / np.sqrt(9.0 * d)
    for attempt in range(_MOST_ATTEMPTS):
        x = normal_pair(key, scenario, 2 * attempt)[0]
        u = uniform_pair(key, scenario, 2 * attempt + 1)[0]
        v = (1.0 + c * x) ** 3
        if v > 0.0 and log(u) < 0.5 * x * x + d - d * v + d * log(v):
            return float(2.0 * d * v)
    return np.nan


@kernel
def distribution(points: Array, weights: Array, thresholds: Array, loadings: Array, units: Whole, total: int) -> Array:
    """Σ over the factor's points of weight × P(loss = l units | point), l = 0 … total.

    Name by name the law of the sum grows (Andersen, Sidenius and Basu 2003, *All your hedges in one basket*): name i
    defaults with probability Φ(thresholds_i - loadings_i z) and loses units_i.
    """
    out = np.zeros(total + 1)
    now, then = np.empty(total + 1), np.empty(total + 1)
    for q in range(points.shape[0]):
        now[:] = 0.0
        now[0] = 1.0
        reached = 0
        for i in range(units.shape[0]):
            p, u = norm_cdf(thresholds[i] - loadings[i] * points[q]), units[i]
            stays = norm_cdf(loadings[i] * points[q] - thresholds[i])
            if u > 0:
                for level in range(reached + 1):
                    then[level] = stays * now[level]
                for level in range(reached + 1, reached + u + 1):
                    then[level] = 0.0
                for level in range(reached + 1):
                    then[level + u] += p * now[level]
                now, then = then, now
                reached += u
        weight = weights[q]
        for level in range(reached + 1):
            out[level] += weight * now[level]
    return out


@kernel
def merton(equity: Array, equity_volatility: Array, debt: Array, maturity: Array) -> Array:
    """Rows of [asset value, asset volatility, distance to default d₂, residual, iterations], one for each firm.

    `debt` is discounted to now: E = V Φ(d₁) - D Φ(d₂), σ_E E = Φ(d₁) σ V. The volatility
    is bracketed between σ_E E/(E+D) and σ_E; for each trial V is Newton's, from above on a convex function.
    """
    out = np.zeros((equity.shape[0], 5))
    for i in range(equity.shape[0]):
        e, d, root = equity[i], debt[i], np.sqrt(maturity[i])
        low, high = equity_volatility[i] * e / (e + d), equity_volatility[i]
        steps, value, d1 = 0, e + d, 0.0
        at_low, at_high = -1.0, 1.0
        volatility = high
        for steps in range(1, 201):
            volatility = (
                (low * at_high - high * at_low) / (at_high - at_low) if steps > 2 else (low if steps == 1 else high)
            )
            if steps > 2 and (steps % 3 == 0 or not low < volatility < high):
                volatility = 0.5 * (low + high)
            value = e + d
            deviation = volatility * root
            for _ in range(100):
                d1 = log(value / d) / deviation + 0.5 * deviation
                delta = norm_cdf(d1)
                step = (value * delta - d * norm_cdf(d1 - deviation) - e) / delta
                value -= step
                if abs(step) <= 4e-16 * value:
                    break
            d1 = log(value / d) / deviation + 0.5 * deviation
            gap = norm_cdf(d1) * volatility * value / e - equity_volatility[i]
            if gap >= 0.0:
                high, at_high = volatility, max(gap, 1e-300)
            else:
                low, at_low = volatility, gap
            if gap == 0.0 or high - low <= 2e-16 * high:
                break
        deviation = volatility * root
        priced = value * norm_cdf(d1) - d * norm_cdf(d1 - deviation)
        out[i, 0], out[i, 1], out[i, 2] = value, volatility, d1 - deviation
        gap = norm_cdf(d1) * volatility * value / e - equity_volatility[i]
        out[i, 3], out[i, 4] = max(abs(priced - e) / (e + d), abs(gap) / equity_volatility[i]), float(steps)
    return out
