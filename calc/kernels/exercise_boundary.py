"""The American put, exercisable at any time: its boundary by fixed-point iteration, its price by Kim's integral.

Andersen, Lake and Offengenden (2016), *High-performance American option pricing*, in units of the strike. With τ the
time that is left, X = min(1, r/q) (1 where q <= 0) the boundary at τ = 0, d± = (ln z + (r - q) τ ± σ²τ/2)/(σ√τ):

    B(τ) = e^(-(r-q)τ) N/D                                                                     (their FP-B)
    N = Φ(d₋(τ, B(τ))) + r ∫ e^(ru) Φ(d₋(τ-u, B(τ)/B(u))) du
    D = Φ(d₊(τ, B(τ))) + q ∫ e^(qu) Φ(d₊(τ-u, B(τ)/B(u))) du
    price = European + ∫ [r e^(-rv) Φ(-d₋(v, S/B(τ-v))) - q S e^(-qv) Φ(-d₊(v, S/B(τ-v)))] dv

ln²(B/X) is interpolated by a Chebyshev polynomial in √τ. Integrals are Gauss-Legendre sums in the angle θ with
√(τ-u) = √τ sin θ, √u = √τ cos θ, in which the integrand is smooth at both ends. Needs r > 0, or r = 0 > q.
"""

import math

import numpy as np
from numpy.typing import NDArray

from calc.kernels.elementary import exp, log, norm_cdf
from calc.kernels.jit import inline, kernel

Array = NDArray[np.float64]

_ROUNDS = 300
_CLOSE = 1e-13  # relative change of the boundary at which the iteration ends


@inline
def european_put(x: float, strike: float, total: float, carry: float, discount: float) -> float:
    """discount · E[(strike - x e^…)⁺] with e^(carry) = forward/spot and `total` = σ√τ > 0."""
    d = (log(x / strike) + carry) / total + 0.5 * total
    value = discount * (strike * norm_cdf(total - d) - x * exp(carry) * norm_cdf(-d))
    return value if value > 0.0 else 0.0


@kernel
def _interpolated(coefficients: Array, z: float) -> float:
    """Chebyshev sum at z within [-1, 1], by Clenshaw's recurrence."""
    b1, b2 = 0.0, 0.0
    for k in range(coefficients.shape[0] - 1, 0, -1):
        b1, b2 = 2.0 * z * b1 - b2 + coefficients[k], b1
    return float(z * b1 - b2 + 0.5 * coefficients[0])


@kernel
def _chebyshev(values: Array, cosines: Array) -> Array:
    """Coefficients from values at the n + 1 points cos(kπ/n); cosines[k] = cos(kπ/n) for k < 2n."""
    n = values.shape[0] - 1
    out = np.empty(n + 1)
    for j in range(n + 1):
        total = 0.5 * (values[0] + values[n] * cosines[(j * n) % (2 * n)])
        for k in range(1, n):
            total += values[k] * cosines[(j * k) % (2 * n)]
        out[j] = 2.0 / n * total
    out[n] *= 0.5
    return out


@inline
def _boundary(limit: float, coefficients: Array, root_left: float, root_whole: float) -> float:
    """B at √τ = root_left."""
    square = _interpolated(coefficients, 2.0 * root_left / root_whole - 1.0)
    return limit * exp(-np.sqrt(max(square, 0.0)))


@kernel
def boundary(
    rate: float, dividend: float, vol: float, maturity: float, start: Array, cosines: Array, rule: Array
) -> tuple[Array, Array, float]:
    """B at √τ = √T (1 + cos(kπ/n))/2, its Chebyshev coefficients, and the last relative change.

    `start` is where the iteration begins, its last entry the limit X; the rows of `rule` are sin θ, cos θ and the
    weight of each node of the integral, per τ.
    """
    n, root = start.shape[0] - 1, math.sqrt(maturity)
    limit, points = start[n], start.copy()
    squares = np.empty(n + 1)
    change, fresh = math.inf, points.copy()
    for _ in range(_ROUNDS):
        for k in range(n + 1):
            squares[k] = log(points[k] / limit) ** 2
        coefficients = _chebyshev(squares, cosines)
        change = 0.0
        for k in range(n):
            root_left = 0.5 * root * (1.0 + cosines[k])
            left, here = root_left * root_left, points[k]
            total = vol * root_left
            d = (log(here) + (rate - dividend) * left) / total
            over, under = norm_cdf(d - 0.5 * total), norm_cdf(d + 0.5 * total)
            for i in range(rule.shape[1]):
                since, root_u = root_left * rule[0, i], root_left * rule[1, i]
                u = root_u * root_u
                there = _boundary(limit, coefficients, root_u, root)
                d = (log(here / there) + (rate - dividend) * since * since) / (vol * since)
                weight = rule[2, i] * left
                over += weight * rate * exp(rate * u) * norm_cdf(d - 0.5 * vol * since)
                under += weight * dividend * exp(dividend * u) * norm_cdf(d + 0.5 * vol * since)
            found = exp((dividend - rate) * left) * over / under
            fresh[k] = min(found, limit) if found > 0.0 else 0.5 * here
            change = max(change, abs(fresh[k] - here) / here)
        points[:] = fresh
        if change < _CLOSE:
            break
    for k in range(n + 1):
        squares[k] = log(points[k] / limit) ** 2
    return points, _chebyshev(squares, cosines), change


@kernel
def premium(
    x: float,
    rate: float,
    dividend: float,
    vol: float,
    maturity: float,
    limit: float,
    coefficients: Array,
    rule: Array,
) -> float:
    """What the right to exercise early adds to the European put at x = S/K, in units of the strike."""
    root, value = math.sqrt(maturity), 0.0
    for i in range(rule.shape[1]):
        since = root * rule[0, i]
        time = since * since
        there = _boundary(limit, coefficients, root * rule[1, i], root)
        d = (log(x / there) + (rate - dividend) * time) / (vol * since)
        paid = rate * exp(-rate * time) * norm_cdf(0.5 * vol * since - d)
        held = dividend * x * exp(-dividend * time) * norm_cdf(-0.5 * vol * since - d)
        value += rule[2, i] * maturity * (paid - held)
    return value
