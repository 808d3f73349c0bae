"""Simulated observations of `option_basket`: points of one replicate, or pseudo-random outcomes, as moments."""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from calc import covariances, lazy
from calc.errors import CalcError
from calc.kind import once_per_params
from calc.kinds.option_basket_params import (
    Params,
    covariance_given,
    discount,
    is_sum,
    method_of,
    numbers_a_path,
    terms_of,
)
from calc.numerics import basket, moments, replicates
from calc.numerics.basket import Terms
from calc.numerics.moments import Moments
from calc.numerics.replicates import Layout

conditioned = lazy.module("calc.kernels.conditioned")
kernels = lazy.module("calc.kernels.basket")

Array = NDArray[np.float64]

NUMBERS_A_PART = 2**26  # about half a second
NUMBERS_TO_TARGET = 2**21  # finer, so that a target is not overshot by much
NUMBERS_A_TILE = 2**15  # they stay in the second cache


class Prepared(NamedTuple):
    """The terms, and the factor integrated in closed form: by `loadings` of a sum, or by one for an extreme."""

    terms: Terms
    distance: float | None  # of a repaired matrix
    loadings: Array | None
    loading: float | None

    @property
    def integrates(self) -> bool:
        return self.loadings is not None or self.loading is not None


@once_per_params
def prepared(params: Params) -> Prepared:
    """Raises CalcError where a matrix cannot be repaired."""
    mended = covariances.repaired(covariance_given(params), params.repair)
    terms = terms_of(params, mended.covariance)
    if not params.variance_reduction.endswith("control"):
        return Prepared(terms, mended.distance, None, None)
    if is_sum(params):
        return Prepared(terms, mended.distance, basket.direction(terms), None)
    return Prepared(terms, mended.distance, None, basket.equal_loading(terms))


@once_per_params
def _factors(params: Params) -> Array:
    """Of what is simulated: [terms, dimensions]."""
    found = prepared(params)
    if found.loadings is not None:
        return basket.rest(found.terms, found.loadings)
    if found.loading is not None:
        return basket.rest(found.terms, np.full(found.terms.levels.size, found.loading))
    return basket.factors(found.terms.covariance)


def layout(params: Params) -> Layout:
    """How the paths are cut; antithetic pairs count as one observation."""
    work = NUMBERS_A_PART if params.target_standard_error is None else NUMBERS_TO_TARGET
    pairs = 2 if is_antithetic(params) else 1
    numbers = numbers_a_path(params) * pairs * 2
    return replicates.layout(params.paths // pairs, numbers, work, method_of(params) == "rqmc")


def is_antithetic(params: Params) -> bool:
    return method_of(params) == "monte_carlo" and params.variance_reduction.startswith("antithetic")


def estimator(params: Params) -> str:
    """In words."""
    method = method_of(params)
    if method == "closed_form":
        return "certain"
    if method == "quadrature":
        return "one factor in closed form, the others by Gauss quadrature"
    points = "32 replicates of scrambled Sobol points" if method == "rqmc" else "pseudo-random outcomes"
    if is_antithetic(params):
        points += " in antithetic pairs"
    if prepared(params).integrates:
        return f"{points}, one factor integrated in closed form"
    if expected_control(params) is None:
        return points
    by = "option on the geometric basket" if params.style == "arithmetic" else "discounted sum"
    return f"{points}, controlled by the {by}"


def expected_control(params: Params) -> float | None:
    """Known mean of the control; None without one."""
    found = prepared(params)
    if found.integrates or not params.variance_reduction.endswith("control"):
        return None
    if params.style != "arithmetic":
        return discount(params) * math.fsum(found.terms.forwards.tolist())
    shares, level = _geometric(params)
    variance = float((found.terms.covariance * np.multiply.outer(shares, shares)).sum())
    mean = level + float((shares * found.terms.levels).sum())
    call = basket.black(math.exp(mean + 0.5 * variance), params.strike, math.sqrt(max(variance, 0.0)))
    put = call - math.exp(mean + 0.5 * variance) + params.strike
    return discount(params) * (call if params.type == "call" else put)


def sample(params: Params, replicate: int, first: int, count: int) -> Moments:
    """Moments of (payoff, control) of observations first … first + count - 1."""
    rows = prepared(params).terms.levels.size
    tile = 2 ** max(min(int(math.log2(NUMBERS_A_TILE / rows)), 10), 6)
    x, y = np.empty(count), np.zeros(count)
    for start in range(0, count, tile):
        end = min(start + tile, count)
        _tile(params, replicate, first + start, x[start:end], y[start:end])
    check_payoffs(x)
    return moments.of(x, y if expected_control(params) is not None else None)


def check_payoffs(x: Array) -> None:
    """No payoff is below 0."""
    worst = float(x.min())
    if not worst >= 0:
        raise CalcError(f"payoff_at_least_zero: an outcome pays {worst!r}", code="internal_check_failed")


def _tile(params: Params, replicate: int, first: int, x: Array, y: Array) -> None:
    """Observations of a tile, written to x and y."""
    levels = prepared(params).terms.levels
    exponents = np.empty((levels.size, x.size))
    kernels.fill(exponents, levels, _factors(params), params.seed or 0, replicate, first)
    _pay(params, exponents, x, y)
    if is_antithetic(params):
        x2, y2 = np.empty(x.size), np.zeros(x.size)
        _pay(params, 2.0 * levels[:, None] - exponents, x2, y2)
        x += x2
        x *= 0.5
        y += y2
        y *= 0.5


def _pay(params: Params, exponents: Array, x: Array, y: Array) -> None:
    found, w, scale = prepared(params), 1.0 if params.type == "call" else -1.0, discount(params)
    signs, side = found.terms.signs, 1.0 if params.style == "max" else -1.0
    if found.loadings is not None:
        conditioned.values(x, exponents, found.loadings, signs, params.strike, w, scale)
    elif found.loading is not None:
        kernels.extreme_given_rest(x, exponents, side, found.loading, math.log(params.strike), w, scale)
    elif is_sum(params):
        kernels.total(x, exponents, signs, params.strike, w, scale)
    else:
        kernels.extreme(x, exponents, side, params.strike, w, scale)
    if expected_control(params) is None:
        return
    if params.style == "arithmetic":
        shares, level = _geometric(params)
        kernels.geometric(y, exponents, shares, level, params.strike, w, scale)
    else:
        kernels.plain_total(y, exponents, signs, scale)


@once_per_params
def _geometric(params: Params) -> tuple[Array, float]:
    """Shares p of the assets in the forward basket, and -Σ p log p: Π (value/p)^p is at most Σ value."""
    forwards = prepared(params).terms.forwards
    shares = forwards / forwards.sum()
    return shares, -math.fsum(p * math.log(p) for p in shares.tolist() if p > 0)
