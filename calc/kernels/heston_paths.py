"""Heston's model by simulation: paths of the variance by Andersen's scheme, and what they say of an option's payoff.

Andersen (2008), *Simple and efficient simulation of the Heston stochastic volatility model*: scheme QE with martingale
correction, γ1 = γ2 = 1/2. Over a step Δ the variance V goes to V', whose mean m and variance s² are exact; with
ψ = s²/m² it is a squared normal a (b + z)² where ψ <= 1.5, and else 0 or exponential; then

    log S grows by (r - q) Δ + K0 + K1 V + K2 V' + √(K3 (V + V')) z',   K3 = Δ (1 - ρ²)/2.

Given the path of V the sum of these is normal, so z' is never drawn: the payoff's expectation given the path is Black's
formula with the path's own forward and variance (Romano and Touzi 1997). It has the mean of the scheme, a smaller
variance, and smooth derivatives by S and r; those by v0 and T would go through the scheme: the closed form has them.

Rows, answers, pilots and sums are those of calc/kernels/european.py; the control is the path's own forward.
"""

import numpy as np
from numpy.typing import NDArray

from calc.kernels.elementary import exp, fill_ppf, log, norm_cdf
from calc.kernels.european import BLOCK, OBSERVED, SUMS, TILE, add_tile, begin_tile, black
from calc.kernels.jit import inline, kernel
from calc.kernels.philox import fill_normals
from calc.kernels.sobol import fill_dimension

Array = NDArray[np.float64]

_SWITCH = 1.5  # the ψ above which V' is 0 or exponential
_NEVER = 1e-300  # a mean below which the variance is 0 and stays so


@kernel
def _constants(row: Array, steps: int) -> Array:
    """κ-decay, the two coefficients of s², K1, K2, K3, A = K2 + K3/2 and the uncorrected K0, of one step."""
    kappa, theta, xi, rho = row[8], row[9], row[10], row[11]
    dt = row[3] / steps
    decay = exp(-kappa * dt)
    k1 = 0.5 * dt * (kappa * rho / xi - 0.5) - rho / xi
    k2 = 0.5 * dt * (kappa * rho / xi - 0.5) + rho / xi
    k3 = 0.5 * dt * (1.0 - rho * rho)
    return np.array(
        [
            decay,
            xi * xi * decay / kappa * (1.0 - decay),
            theta * xi * xi / (2.0 * kappa) * (1.0 - decay) * (1.0 - decay),
            k1,
            k2,
            k3,
            k2 + 0.5 * k3,
            -rho * kappa * theta * dt / xi,
        ]
    )


@inline
def _exponential(z: float, m: float, psi: float, a: float, k0: float, k13: float, v: float) -> tuple[float, float]:
    """V' and K0 where ψ is large: V' is 0 with probability p, else exponential."""
    p = (psi - 1.0) / (psi + 1.0)
    beta = (1.0 - p) / m
    above = norm_cdf(-z)  # 1 - u
    after = log((1.0 - p) / above) / beta if above < 1.0 - p else 0.0
    return after, -log(p + beta * (1.0 - p) / (beta - a)) - k13 * v if a < beta else k0


@kernel
def _step(v: Array, total: Array, drift: Array, z: Array, theta: float, c: Array) -> None:
    """Take the tile over one step: V, the sum of V + V' and the sum of K0 + K1 V + K2 V'."""
    decay, by_v, fixed, k1, k2, k3, a, k0 = c[0], c[1], c[2], c[3], c[4], c[5], c[6], c[7]
    k13 = k1 + 0.5 * k3
    after, first = np.empty(TILE), np.empty(TILE)
    for i in range(TILE):
        m = theta + (v[i] - theta) * decay
        m = m if m > _NEVER else 1.0
        psi = max((v[i] * by_v + fixed) / (m * m), 1e-12)
        twice = 2.0 / min(psi, _SWITCH)
        b2 = twice - 1.0 + np.sqrt(twice) * np.sqrt(twice - 1.0)
        scale = m / (1.0 + b2)
        root = np.sqrt(b2) + z[i]
        after[i] = scale * root * root
        left = 1.0 - 2.0 * a * scale
        corrected = -a * b2 * scale / left + 0.5 * log(left if left > 0.0 else 1.0) - k13 * v[i]
        first[i] = corrected if left > 0.0 else k0
    for i in range(TILE):
        m = theta + (v[i] - theta) * decay
        if m <= _NEVER:
            after[i], first[i] = 0.0, -k13 * v[i]
        elif (v[i] * by_v + fixed) > _SWITCH * m * m:
            after[i], first[i] = _exponential(z[i], m, (v[i] * by_v + fixed) / (m * m), a, k0, k13, v[i])
    for i in range(TILE):
        total[i] += v[i] + after[i]
        drift[i] += first[i] + k1 * v[i] + k2 * after[i]
        v[i] = after[i]


@kernel
def _observe(x: Array, total: Array, drift: Array, k3: float, share: float, row: Array, futures: bool) -> None:
    """Add `share` of each path's expected payoff and greeks to the tile, and of its discounted forward."""
    w, spot, maturity, rate, dividend_yield = row[0], row[1], row[3], row[4], row[5]
    held0, paid = spot * exp(-dividend_yield * maturity), row[2] * exp(-rate * maturity)
    for i in range(TILE):
        variance = max(k3 * total[i], 0.0)
        s = np.sqrt(variance)
        held = held0 * exp(drift[i] + 0.5 * variance)
        in_spot, in_cash, slope = black(w, held, paid, s)
        price = w * (in_spot - in_cash)
        x[0, i] += share * price
        x[1, i] += share * w * in_spot / spot
        x[2, i] += share * slope / (spot * spot * s) if s > 0.0 else 0.0
        x[5, i] += share * (-maturity * price if futures else w * maturity * in_cash)
        x[6, i] += share * held


@kernel
def _paths(x: Array, z: Array, share: float, sign: float, row: Array, steps: int, futures: bool) -> None:
    """The tile's observations from its normals z[steps, TILE]."""
    c = _constants(row, steps)
    v, total, drift = np.full(TILE, row[7]), np.zeros(TILE), np.zeros(TILE)
    signed = np.empty(TILE)
    for j in range(steps):
        for i in range(TILE):
            signed[i] = sign * z[j, i]
        _step(v, total, drift, signed, row[9], c)
    _observe(x, total, drift, c[5], share, row, futures)


@kernel
def simulated(
    row: Array, futures: bool, pilots: Array, steps: int, antithetic: bool, seed: int, block: int, n: int
) -> Array:
    """SUMS over the block's n observations: paths, or pairs of them. A step's normals lie side by side in the block."""
    sums, x, z = np.zeros(SUMS), np.empty((OBSERVED, TILE)), np.empty((steps, TILE))
    for first in range(0, n, TILE):
        begin_tile(x, pilots)
        for j in range(steps):
            fill_normals(z[j], seed, 0, block, j * BLOCK + first)
        if antithetic:
            _paths(x, z, 0.5, 1.0, row, steps, futures)
            _paths(x, z, 0.5, -1.0, row, steps, futures)
        else:
            _paths(x, z, 1.0, 1.0, row, steps, futures)
        add_tile(sums, x, min(TILE, n - first))
    return sums


@kernel
def replicated(
    row: Array, futures: bool, pilots: Array, steps: int, seed: int, replicate: int, first: int, n: int
) -> Array:
    """SUMS over points first … first + n - 1 of a replicate; a step is a dimension."""
    sums, x, z, u = np.zeros(SUMS), np.empty((OBSERVED, TILE)), np.empty((steps, TILE)), np.empty(TILE)
    for start in range(0, n, TILE):
        begin_tile(x, pilots)
        for j in range(steps):
            fill_dimension(u, seed, replicate, j, first + start)
            fill_ppf(z[j], u)
        _paths(x, z, 1.0, 1.0, row, steps, futures)
        add_tile(sums, x, min(TILE, n - start))
    return sums
