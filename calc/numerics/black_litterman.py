"""Returns that the market implies, blended with an investor's views.

    implied π = δΣw      posterior μ = π + τΣP'(PτΣP' + Ω)⁻¹(q - Pπ)      Σ + M,  M = τΣ - τΣP'(PτΣP' + Ω)⁻¹PτΣ

w are the market's weights, δ its risk aversion, P the portfolios of the views, q their returns, Ω the variances of
those. Without limits
the investor holds (δ(Σ + M))⁻¹μ. Black and Litterman (1992); He and Litterman (1999), *The intuition behind
Black-Litterman model portfolios*.
"""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from calc import lazy

Array = NDArray[np.float64]
linear = lazy.module("calc.kernels.linear")


class Posterior(NamedTuple):
    """n numbers each, and the n × n covariance of returns; `unconstrained` is None where that is singular."""

    implied: Array
    mean: Array
    covariance: Array
    unconstrained: Array | None


def blend(
    covariance: Array, market: Array, aversion: float, tau: float, picks: Array, views: Array, variances: Array
) -> Posterior:
    """The posterior. `picks` is k × n; `variances`, above 0, make Ω's diagonal."""
    implied = aversion * times(covariance, market)
    if not len(picks):
        whole = (1.0 + tau) * covariance
        return Posterior(implied, implied, whole, _solved(aversion * whole, implied))
    spread = np.array([tau * times(covariance, pick) for pick in picks])  # PτΣ, k × n
    inner = np.array([[math.fsum(pick * row) for pick in picks] for row in spread]) + np.diag(variances)
    surprise = np.array([q - math.fsum(pick * implied) for pick, q in zip(picks, views.tolist(), strict=True)])
    weight = _solved(inner, surprise)
    gained = [_solved(inner, np.ascontiguousarray(column)) for column in spread.T]
    if weight is None or any(each is None for each in gained):
        raise ArithmeticError("the views contradict each other beyond what numbers can hold")
    mean = implied + _combined(weight, spread)
    less = np.array([_combined(each, spread) for each in gained if each is not None])
    posterior = covariance + (tau * covariance - 0.5 * (less + less.T))
    return Posterior(implied, mean, posterior, _solved(aversion * posterior, mean))


def times(matrix: Array, vector: Array) -> Array:
    """The product of a symmetric matrix and a vector."""
    out = np.empty_like(vector)
    linear.symmetric_times(np.ascontiguousarray(matrix), np.ascontiguousarray(vector), out)
    return out


def _combined(weights: Array, rows: Array) -> Array:
    total = np.zeros(rows.shape[1])
    for weight, row in zip(weights.tolist(), rows, strict=True):
        total += weight * row
    return total


def _solved(matrix: Array, rhs: Array) -> Array | None:
    """By Cholesky, with one refinement; None where the matrix is singular."""
    factor, x = matrix.copy(), rhs.copy()
    if linear.cholesky(factor, len(rhs)) >= 0:
        return None
    pivots = factor.diagonal()
    if float(pivots.min()) <= 1e-7 * float(pivots.max()):
        return None
    linear.forward(factor, len(rhs), x)
    linear.backward(factor, len(rhs), x)
    rest = rhs - times(matrix, x)
    linear.forward(factor, len(rhs), rest)
    linear.backward(factor, len(rhs), rest)
    return x + rest
