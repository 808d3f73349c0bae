"""Baskets of lognormal assets: exponents of many points at once, payoffs, and Gauss-Hermite nodes.

Rows are assets, columns are points: the value that asset i has at maturity is ± e^(exponents[i]), with
exponents = levels + B z for independent standard normals z, dimension by dimension from `calc/kernels/bridge.py`.
"""

import numpy as np
from numpy.typing import NDArray

from calc.kernels.bridge import fill_normals
from calc.kernels.elementary import exp, norm_cdf
from calc.kernels.factorise import eigen
from calc.kernels.jit import kernel

Array = NDArray[np.float64]

_AT_ONCE = 4  # factors that are added in one pass over the exponents


@kernel
def fill(exponents: Array, levels: Array, factors: Array, seed: int, replicate: int, first: int) -> None:
    """Exponents [assets, points] of points first, first + 1, …; factors are B, [assets, dimensions]."""
    assets, n = exponents.shape
    for i in range(assets):
        exponents[i, :] = levels[i]
    z = np.zeros((_AT_ONCE, n))
    b = np.zeros((assets, _AT_ONCE))
    for k in range(0, factors.shape[1], _AT_ONCE):
        for d in range(_AT_ONCE):
            known = k + d < factors.shape[1]
            if known:
                fill_normals(z[d], seed, replicate, k + d, first)
            for i in range(assets):
                b[i, d] = factors[i, k + d] if known else 0.0
        for i in range(assets):
            row = exponents[i]
            for j in range(n):
                row[j] += (b[i, 0] * z[0, j] + b[i, 1] * z[1, j]) + (b[i, 2] * z[2, j] + b[i, 3] * z[3, j])


@kernel
def total(out: Array, exponents: Array, signs: Array, strike: float, w: float, scale: float) -> None:
    """scale · (w (Σ ± e^exponent - strike))⁺ of each point."""
    out[:] = -strike
    for i in range(exponents.shape[0]):
        row, sign = exponents[i], signs[i]
        for j in range(out.shape[0]):
            out[j] += sign * exp(row[j])
    for j in range(out.shape[0]):
        gain = w * out[j]
        out[j] = scale * gain if gain > 0.0 else 0.0


@kernel
def plain_total(out: Array, exponents: Array, signs: Array, scale: float) -> None:
    """scale · Σ ± e^exponent of each point."""
    out[:] = 0.0
    for i in range(exponents.shape[0]):
        row, sign = exponents[i], signs[i]
        for j in range(out.shape[0]):
            out[j] += scale * sign * exp(row[j])


@kernel
def geometric(out: Array, exponents: Array, shares: Array, level: float, strike: float, w: float, scale: float) -> None:
    """scale · (w (e^(level + Σ share · exponent) - strike))⁺ of each point."""
    out[:] = level
    for i in range(exponents.shape[0]):
        row, share = exponents[i], shares[i]
        for j in range(out.shape[0]):
            out[j] += share * row[j]
    for j in range(out.shape[0]):
        gain = w * (exp(out[j]) - strike)
        out[j] = scale * gain if gain > 0.0 else 0.0


@kernel
def _extreme(out: Array, exponents: Array, side: float) -> None:
    """The highest (side 1) or lowest (-1) exponent of each point."""
    out[:] = exponents[0]
    for i in range(1, exponents.shape[0]):
        row = exponents[i]
        for j in range(out.shape[0]):
            out[j] = row[j] if side * row[j] > side * out[j] else out[j]


@kernel
def extreme(out: Array, exponents: Array, side: float, strike: float, w: float, scale: float) -> None:
    """scale · (w (max or min of e^exponent - strike))⁺ of each point."""
    _extreme(out, exponents, side)
    for j in range(out.shape[0]):
        gain = w * (exp(out[j]) - strike)
        out[j] = scale * gain if gain > 0.0 else 0.0


@kernel
def extreme_given_rest(
    out: Array, exponents: Array, side: float, loading: float, log_strike: float, w: float, scale: float
) -> None:
    """The same, its mean over a factor on which all exponents have one `loading`: Black's formula for the extreme."""
    _extreme(out, exponents, side)
    strike = exp(log_strike)
    for j in range(out.shape[0]):
        d2 = (out[j] - log_strike) / loading
        grown = exp(out[j] + 0.5 * loading * loading) * norm_cdf(w * (d2 + loading))
        gain = w * (grown - strike * norm_cdf(w * d2))
        out[j] = scale * gain if gain > 0.0 else 0.0


@kernel
def gauss_hermite(n: int) -> tuple[Array, Array]:
    """Nodes and weights of order n for the standard normal law, weights with full relative accuracy.

    Nodes are eigenvalues of Jacobi's matrix (Golub and Welsch 1969), polished by Newton's method on the orthonormal
    polynomials p_k; a weight is 1/Σ p_k².
    """
    jacobi = np.zeros((n, n))
    for k in range(1, n):
        jacobi[k, k - 1] = jacobi[k - 1, k] = np.sqrt(float(k))
    nodes, _ = eigen(jacobi)
    weights = np.empty(n)
    for i in range(n):
        x, squares = nodes[i], 1.0
        for _ in range(3):
            before, at, squares = 0.0, 1.0, 1.0
            for k in range(n):
                before, at = at, (x * at - np.sqrt(float(k)) * before) / np.sqrt(k + 1.0)
                squares += at * at if k < n - 1 else 0.0
            nodes[i] = x
            x -= at / (np.sqrt(float(n)) * before)
        weights[i] = 1.0 / squares
    return nodes, weights
