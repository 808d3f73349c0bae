"""Weights with given shares of the risk: variance w'Σw = Σ wᵢ(Σw)ᵢ, and wᵢ(Σw)ᵢ in proportion to bᵢ.

The weights are those of the kernel, which knows correlations only: xᵢ = wᵢσᵢ, scaled. Maillard, Roncalli and Teiletche
(2010), *The properties of equally weighted risk contribution portfolios*; Bruder and Roncalli (2012).
"""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from calc import lazy

Array = NDArray[np.float64]
kernel = lazy.module("calc.kernels.risk_parity")
linear = lazy.module("calc.kernels.linear")

_STEPS = 200
_CLOSE = 1e-9  # an error that needs no excuse
_ROUNDINGS = 4.0  # of a sum's largest terms, that an error may be of


class Balanced(NamedTuple):
    """`error` is the largest relative distance of a risk contribution from its budget, before weights are scaled."""

    weights: Array
    error: float
    steps: int


class Risk(NamedTuple):
    """The deviation of a portfolio, and what each asset contributes to it: they add up."""

    deviation: float
    contributions: list[float]


def balanced(covariance: Array, budgets: Array) -> Balanced:
    """Positive weights that add up to 1. Variances must be above 0. Raises ArithmeticError where there are none."""
    deviations = np.sqrt(covariance.diagonal())
    correlation = covariance / np.multiply.outer(deviations, deviations)
    steps, x, error = kernel.balance(np.ascontiguousarray(correlation), budgets, _STEPS)
    if steps < 0 or not error <= _CLOSE + float(rounding(correlation, x, budgets).max()):
        raise ArithmeticError(f"Newton's steps do not end (error {error:.3g})")
    weights = x / deviations
    return Balanced(weights / math.fsum(weights), float(error), int(steps))


def rounding(covariance: Array, weights: Array, budgets: Array) -> Array:
    """How far rounding alone may take each contribution from its budget, relative: much where assets nearly cancel out.

    wᵢ(Σw)ᵢ is a sum of terms that may be far larger than what is left of them; each is right to its last digit. The
    variance, over which they are taken, is the sum of all of them.
    """
    terms = np.abs(weights) * (np.abs(covariance) * np.abs(weights)).sum(axis=1)
    left = budgets * math.fsum((weights * (covariance * weights).sum(axis=1)).tolist())
    each: Array = _ROUNDINGS * np.finfo(np.float64).eps * terms / left
    return each + float((budgets * each).sum())


def risk(covariance: Array, weights: Array) -> Risk:
    """Of any weights."""
    product = np.empty_like(weights)
    linear.symmetric_times(np.ascontiguousarray(covariance), weights, product)
    terms = weights * product
    variance = max(math.fsum(terms), 0.0)
    deviation = math.sqrt(variance)
    return Risk(deviation, [term / deviation if deviation > 0 else 0.0 for term in terms.tolist()])
