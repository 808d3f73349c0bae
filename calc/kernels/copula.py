"""Losses of credit portfolios: scenarios of a factor copula, exact distributions by recursion, Merton's two equations.

The random numbers of a scenario are named by (seed, stream, scenario), so a loss has the same bits in any block.
Defaults are rare, so names that survive are passed over together: thinning, Lewis and Shedler (1979), *Simulation of
nonhomogeneous Poisson processes by thinning*.
"""

import numpy as np
from numpy.typing import NDArray

from calc.kernels.elementary import log, log1p, norm_cdf
from calc.kernels.jit import inline, kernel
from calc.kernels.philox import Word, fill_normals, key_of, normal_pair, uniform_pair

Array = NDArray[np.float64]
Whole = NDArray[np.int64]

GROUP = 64
_MANY = 0.3  # a probability above which a normal a name is cheaper
_AT_ONCE = 32  # waits that are drawn together
_MOST_ATTEMPTS = 1000


@kernel
def copula_losses(
    out: Array,
    names: tuple[Array, Array, Array, Whole],
    bounds: tuple[Array, Array, Array],
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

    `names`: thresholds, loadings (factors × names), amounts, owners. Given the factors z, name i defaults with the
    probability Φ(thresholds_i √(χ²/ν) - Σ loadings_fi z_f), without the root where `degrees` is 0: amounts_i are lost.
    The names stand in groups of GROUP; `bounds` are by group the largest threshold, and by factor and group the least
    and the largest loading: with these no name of the group is likelier to default. Bin b has the losses from edges[b]
    on: sums[b, owner] counts the owner's defaults, squares[b, owner] adds the squared counts.
    """
    thresholds, loadings, amounts, owners = names
    k, n = loadings.shape
    key, z, limits = key_of(seed, stream), np.empty(k), np.empty(n)
    chances, rates = np.empty(bounds[0].shape[0]), np.empty(bounds[0].shape[0])
    waits, shares = np.empty(_AT_ONCE), np.empty(_AT_ONCE)
    found, drawn, fallen = np.empty(n, dtype=np.int64), np.empty(n), np.empty(n, dtype=np.int64)
    defaults = np.zeros(sums.shape[1])
    candidates, buffers = (found, drawn, fallen), (limits, waits, shares)
    for s in range(out.shape[0]):
        scenario, mixing = first + s, 1.0
        fill_normals(z, seed, stream, scenario, 0)
        if degrees > 0.0:
            mixing = np.sqrt(_chi_square(degrees, seed, stream + 1, scenario) / degrees)
        _bound_chances(chances, rates, z, mixing, bounds)
        hit, tried = _trials(candidates, chances, rates, thresholds, loadings, z, mixing, buffers, key, scenario)
        for c in range(tried):
            limits[c] = _limit(thresholds, loadings, found[c], z, mixing)
        for c in range(tried):
            limits[c] = norm_cdf(limits[c])
        for c in range(tried):
            if drawn[c] < limits[c]:
                fallen[hit] = found[c]
                hit += 1
        total = 0.0
        for c in range(hit):
            total += amounts[fallen[c]]
        out[s] = total
        if edges.shape[0] and total >= edges[0]:
            b = np.searchsorted(edges, total, side="right") - 1
            counts[b] += 1
            for c in range(hit):
                defaults[owners[fallen[c]]] += 1.0
            for c in range(hit):
                i = owners[fallen[c]]
                sums[b, i] += defaults[i]
                squares[b, i] += defaults[i] * defaults[i]
                defaults[i] = 0.0


@inline
def _limit(thresholds: Array, loadings: Array, i: int, z: Array, mixing: float) -> float:
    """What name i's own normal must be below."""
    limit = thresholds[i] * mixing
    for f in range(z.shape[0]):
        limit -= loadings[f, i] * z[f]
    return float(limit)


@kernel
def _bound_chances(chances: Array, rates: Array, z: Array, mixing: float, bounds: tuple[Array, Array, Array]) -> None:
    """By group the probability of default that none of its names exceeds, and -log of the probability to stay."""
    highest, least, most = bounds
    for g in range(chances.shape[0]):
        chances[g] = highest[g] * mixing
    for f in range(z.shape[0]):
        row, factor = least[f] if z[f] > 0.0 else most[f], z[f]
        for g in range(chances.shape[0]):
            chances[g] -= row[g] * factor
    for g in range(chances.shape[0]):
        chances[g] = norm_cdf(chances[g])
    for g in range(chances.shape[0]):
        rates[g] = -log1p(-chances[g])


@kernel
def _trials(
    candidates: tuple[Whole, Array, Whole],
    chances: Array,
    rates: Array,
    thresholds: Array,
    loadings: Array,
    z: Array,
    mixing: float,
    buffers: tuple[Array, Array, Array],
    key: Word,
    scenario: int,
) -> tuple[int, int]:
    """How many have defaulted for certain (`fallen`) and may have (`found`: where the probability is above `drawn`).

    Each name of a group is tried with the group's probability; what lies between two trials that succeed is an
    exponential wait, so those that fail cost nothing. Where most would succeed, each name's own normal is drawn.
    """
    (found, drawn, fallen), (own, waits, shares) = candidates, buffers
    n, skip = thresholds.shape[0], (z.shape[0] + 1) // 2 * 2
    pair, at, tried, hit = (skip + n) // 2, _AT_ONCE, 0, 0
    left = -1.0  # of the wait for the next success, over the groups; below 0: to be drawn
    for g in range(chances.shape[0]):
        start, place = g * GROUP, 0
        if chances[g] > _MANY:
            for i in range(0, GROUP, 2):
                own[i], own[i + 1] = normal_pair(key, scenario, (skip + start + i) // 2)
            for i in range(start, start + GROUP):
                if own[i - start] < _limit(thresholds, loadings, i, z, mixing):
                    fallen[hit] = i
                    hit += 1
            continue
        while place < GROUP:
            if left < 0.0:
                if at == _AT_ONCE:
                    for b in range(_AT_ONCE):
                        waits[b], shares[b] = uniform_pair(key, scenario, pair + b)
                    for b in range(_AT_ONCE):
                        waits[b] = -log(waits[b])
                    pair, at = pair + _AT_ONCE, 0
                left = waits[at]
            room = (GROUP - place) * rates[g]
            if left >= room:
                left -= room
                break
            place = min(place + int(left / rates[g]), GROUP - 1)
            found[tried], drawn[tried] = start + place, shares[at] * chances[g]
            place, at, tried, left = place + 1, at + 1, tried + 1, -1.0
    return hit, tried


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
