"""European options row by row in closed form, and blocks of simulated payoffs and greeks.

A row is what a column holds of it, in this order; what its model does not use is 0:

    0 w       1 call, -1 put          4 rate              8 kappa (Heston)
    1 spot    or futures price        5 dividend yield    9 theta
    2 strike                          6 volatility       10 xi
    3 maturity                        7 v0 (Heston)      11 rho

An option on a future has the rate for dividend yield: the price of a future does not drift. An answer is price, delta,
gamma, vega, theta, rho, in this order, NaN where there is no finite value.

A simulated observation is these six and the control, all less a pilot value, so that sums of squares lose nothing:

    y = S_T e^(-rT) (the control),   k = K e^(-rT),   in = 1 where w (y - k) > 0

    price  in w (y - k)                                       vega   in w y (√T z - σT)               pathwise
    delta  in w y / S                     pathwise            theta  in w (q y - r k) - σ/(2T) vega
    gamma  in w k z / (S² σ√T)            likelihood ratio    rho    in w T k

Glasserman (2004), *Monte Carlo Methods in Financial Engineering*, section 7.2 and 7.3.
"""

import math

import numpy as np
from numpy.typing import NDArray

from calc.kernels.elementary import exp, fill_ppf, log, norm_cdf, norm_pdf
from calc.kernels.jit import inline, kernel
from calc.kernels.lanes import sum8
from calc.kernels.philox import fill_normals
from calc.kernels.sobol import fill_dimension

Array = NDArray[np.float64]

OUTPUTS = 6
OBSERVED = OUTPUTS + 1  # the control is the last
SUMS = 3 * OBSERVED  # of x, of x², of x y
LANES = 64
BLOCK = 2**14  # observations that share a random stream, at most
TILE = 1024  # paths whose arrays stay in the nearest cache


@inline
def black(w: float, held: float, paid: float, s: float) -> tuple[float, float, float]:
    """(held N(w d1), paid N(w d2), held n(d1)) of Black's formula, s = σ√T; in its limit where s is 0."""
    moneyness = log(held / paid)
    if s > 0.0:
        d1 = moneyness / s + 0.5 * s
    else:
        d1 = math.inf if moneyness > 0.0 else -math.inf if moneyness < 0.0 else 0.0
    return held * norm_cdf(w * d1), paid * norm_cdf(w * (d1 - s)), held * norm_pdf(d1)


@inline
def finite(x: float) -> float:
    """The number; NaN for an infinity. Never -0."""
    return x + 0.0 if abs(x) < math.inf else math.nan


@kernel
def black_scholes(rows: Array, futures: bool) -> Array:
    """Answers [OUTPUTS, n] of rows [12, n]."""
    out = np.empty((OUTPUTS, rows.shape[1]))
    for i in range(rows.shape[1]):
        w, spot, maturity, rate, dividend_yield = rows[0, i], rows[1, i], rows[3, i], rows[4, i], rows[5, i]
        volatility, root = rows[6, i], np.sqrt(maturity)
        s = volatility * root
        held, paid = spot * exp(-dividend_yield * maturity), rows[2, i] * exp(-rate * maturity)
        in_spot, in_cash, slope = black(w, held, paid, s)
        kink = s == 0.0 and held == paid
        if maturity > 0.0:
            decay = slope * volatility / (2.0 * root)
        else:
            decay = math.nan if kink and volatility > 0.0 else 0.0
        price = max(w * (in_spot - in_cash), 0.0)
        out[0, i] = finite(price)
        out[1, i] = finite(w * in_spot / spot)
        out[2, i] = finite(slope / (spot * spot * s)) if s > 0.0 else math.nan if kink else 0.0
        out[3, i] = finite(slope * root)
        out[4, i] = finite(w * (dividend_yield * in_spot - rate * in_cash) - decay)
        out[5, i] = finite(-maturity * price if futures else w * maturity * in_cash)
    return out


@kernel
def begin_tile(x: Array, pilots: Array) -> None:
    """Set each observation of x[OBSERVED, TILE] to minus its pilot."""
    for j in range(OBSERVED):
        for i in range(TILE):
            x[j, i] = -pilots[j]


@kernel
def add_tile(sums: Array, x: Array, n: int) -> None:
    """Add Σ x, Σ x² and Σ x y of the first n observations of the tile to `sums`, and set the others to 0.

    In so many lanes that the processor need not wait for one addition to end before it begins the next; over whole
    tiles, so that all bounds are known when this is compiled.
    """
    plain, square, cross = np.empty(LANES), np.empty(LANES), np.empty(LANES)
    for j in range(OBSERVED):
        for i in range(n, TILE):
            x[j, i] = 0.0
    for j in range(OBSERVED):
        plain[:], square[:], cross[:] = 0.0, 0.0, 0.0
        for i in range(0, TILE, LANES):
            for k in range(LANES):
                value = x[j, i + k]
                plain[k] += value
                square[k] += value * value
                cross[k] += value * x[OUTPUTS, i + k]
        sums[j] += sum8(plain)
        sums[OBSERVED + j] += sum8(square)
        sums[2 * OBSERVED + j] += sum8(cross)


@kernel
def _observe(x: Array, z: Array, share: float, sign: float, row: Array, futures: bool) -> None:
    """Add `share` of the observations of sign·z to the tile."""
    w, spot, maturity, rate, dividend_yield, volatility = row[0], row[1], row[3], row[4], row[5], row[6]
    root = np.sqrt(maturity)
    s = volatility * root
    scale = spot * exp(-dividend_yield * maturity) * exp(-0.5 * s * s)
    paid = row[2] * exp(-rate * maturity)
    ratio = w * paid / spot / spot / s
    decay = 0.5 * volatility / maturity
    by_price, by_paid = (-maturity, 0.0) if futures else (0.0, w * maturity * paid)
    for i in range(TILE):
        normal = sign * z[i]
        held = scale * exp(s * normal)
        inside = share if w * (held - paid) > 0.0 else 0.0
        price = inside * w * (held - paid)
        vega = inside * w * held * (root * normal - volatility * maturity)
        x[0, i] += price
        x[1, i] += inside * w * held / spot
        x[2, i] += inside * ratio * normal
        x[3, i] += vega
        x[4, i] += inside * w * (dividend_yield * held - rate * paid) - decay * vega
        x[5, i] += inside * by_paid + by_price * price
        x[6, i] += share * held


@kernel
def simulated(row: Array, futures: bool, pilots: Array, antithetic: bool, seed: int, block: int, n: int) -> Array:
    """SUMS over the block's n observations: paths, or pairs of them."""
    sums, x, z = np.zeros(SUMS), np.empty((OBSERVED, TILE)), np.empty(TILE)
    for first in range(0, n, TILE):
        begin_tile(x, pilots)
        fill_normals(z, seed, 0, block, first)
        if antithetic:
            _observe(x, z, 0.5, 1.0, row, futures)
            _observe(x, z, 0.5, -1.0, row, futures)
        else:
            _observe(x, z, 1.0, 1.0, row, futures)
        add_tile(sums, x, min(TILE, n - first))
    return sums


@kernel
def replicated(row: Array, futures: bool, pilots: Array, seed: int, replicate: int, first: int, n: int) -> Array:
    """SUMS over points first … first + n - 1 of a replicate."""
    sums, x, z, u = np.zeros(SUMS), np.empty((OBSERVED, TILE)), np.empty(TILE), np.empty(TILE)
    for start in range(0, n, TILE):
        begin_tile(x, pilots)
        fill_dimension(u, seed, replicate, 0, first + start)
        fill_ppf(z, u)
        _observe(x, z, 1.0, 1.0, row, futures)
        add_tile(sums, x, min(TILE, n - start))
    return sums
