"""Baskets under Black and Scholes: the factor that is integrated in closed form, and what needs no simulation.

The terms c_i e^(levels_i + X_i), X ~ N(0, V), are the assets' weighted values at maturity; c_i is 1 or -1. A factor Z
with Cov(X, Z) = a leaves V - a aᵀ. It may be integrated in closed form if c_i a_i >= 0 for all i: then the sum rises in
Z. Best is Z along the sum Σ F_i X_i of the terms at their forwards, a ∝ V F, which leaves least. Where that has wrong
signs, so much of the factor with a_i ∝ c_i √V_ii is added as makes them right: it exists for every correlation matrix
that is not singular.

Sums of up to four terms: Gauss-Hermite over what is left, of each factor as many nodes as make the answer stand. The
best or worst of two: E max(S1, S2, K) is an integral over S2 of Black's formula for S1 (Stulz 1982, *Options on the
minimum or the maximum of two risky assets*, has it as a bivariate normal probability), on panels that narrow towards
its kinks.
"""

import math
from functools import cache, lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from calc import lazy
from calc.numerics.legendre import gauss_legendre

conditioned = lazy.module("calc.kernels.conditioned")
kernels = lazy.module("calc.kernels.basket")
elementary = lazy.module("calc.kernels.elementary")
factorise = lazy.module("calc.kernels.factorise")

Array = NDArray[np.float64]

MOST_BY_QUADRATURE = 4  # assets
_ORDERS = {  # by the number of factors that are left
    0: (1,),
    1: (12, 16, 20, 24, 32, 40, 48, 64, 96, 128),
    2: (8, 10, 12, 16, 20, 24, 28, 32, 40, 48, 64, 96),
    3: (6, 8, 10, 12, 16, 20, 24, 28, 32, 40, 48, 56),
}
_FEW = 4  # nodes of the others, while one factor's are counted
_CLOSE = 2e-12  # two orders agree: relative to the terms' sizes
_SINGULAR = 1e-9  # of a pivot of a correlation matrix
_NOTHING = 1e-15  # of the largest eigenvalue
_REACH = 9.0
_SMALLEST_WEIGHT = 1e-30


class Terms(NamedTuple):
    """Logarithms of the weighted values, less their random part, their signs, and its covariance to maturity."""

    levels: Array
    signs: Array
    covariance: Array

    @property
    def forwards(self) -> Array:
        """Expected weighted values, signed."""
        sizes = self.levels + 0.5 * self.covariance.diagonal()
        grown: Array = np.array([math.exp(min(x, 700.0)) for x in sizes.tolist()])
        return np.asarray(self.signs * grown)


class Integrated(NamedTuple):
    """Undiscounted call and put, how far the last two orders, and parity, disagree, and the largest order."""

    call: float
    put: float
    residual: float
    order: int


def terms_of(
    spots: Array, weights: Array, dividend_yields: Array, rate: float, maturity: float, covariance: Array
) -> Terms:
    """Of the assets with a weight; `covariance` is a year's."""
    held = np.flatnonzero(weights)
    moved = covariance[np.ix_(held, held)] * maturity
    sizes = [math.log(x) for x in (spots[held] * np.abs(weights[held])).tolist()]
    levels = np.array(sizes) + (rate - dividend_yields[held]) * maturity - 0.5 * moved.diagonal()
    return Terms(levels, np.where(weights[held] > 0, 1.0, -1.0), moved)


def direction(terms: Terms) -> Array | None:
    """a, the covariances of the exponents with a factor in which the sum rises; None where none is found."""
    deviations = np.sqrt(terms.covariance.diagonal())
    forwards = terms.forwards
    along = (terms.covariance * forwards).sum(axis=1)
    variance = float((along * forwards).sum())
    size = float((deviations * np.abs(forwards)).sum())
    if not (0 < size < 1e150):
        return None
    live = np.flatnonzero(deviations)
    against = -(terms.signs * along)[live] / deviations[live]
    missing = max(float(against.max()), 0.0)
    if missing <= 1e-13 * size:
        missing, spread = 0.0, 0.0
    else:
        correlation = terms.covariance[np.ix_(live, live)] / np.multiply.outer(deviations[live], deviations[live])
        gamma = _common(correlation, terms.signs[live])
        if gamma is None:
            return None
        spread = missing * (2 * size + missing / (gamma * gamma))
    if variance + spread <= 1e-10 * size * size:
        return None
    found = (along + missing * terms.signs * deviations) / math.sqrt(variance + spread)
    return np.asarray(np.where(terms.signs * found > 1e-13 * deviations, found, 0.0))


def settles(terms: Terms, loadings: Array) -> bool:
    """Whether Gauss-Hermite will be good to 1e-9 of the basket, as found by trial.

    What is left bends where the crossing moves fast: by an asset's remaining deviation over its loading.
    """
    variances = terms.covariance.diagonal()
    widest = float(variances.max())
    left = np.sqrt(np.maximum(variances - loadings * loadings, 0.0))
    return widest <= 0.25 or bool((left * math.sqrt(widest) <= 4.0 * np.abs(loadings)).all())


def equal_loading(terms: Terms) -> float | None:
    """a with V - a² 1 1ᵀ positive semidefinite and as small as can be; None where V is near singular."""
    deviations = np.sqrt(terms.covariance.diagonal())
    if not deviations.all():
        return None
    correlation = terms.covariance / np.multiply.outer(deviations, deviations)
    return _common(correlation, 1.0 / deviations)


def factors(covariance: Array) -> Array:
    """B with B Bᵀ = covariance, [n, rank], the widest factor first."""
    values, vectors = factorise.eigen(np.ascontiguousarray(covariance))
    kept = [k for k in range(values.size - 1, -1, -1) if values[k] > _NOTHING * max(values[-1], 0.0)]
    return np.ascontiguousarray((vectors[kept] * np.sqrt(values[kept])[:, None]).T).reshape(len(covariance), len(kept))


def rest(terms: Terms, loadings: Array) -> Array:
    """Factors of what the loadings' factor leaves."""
    left = terms.covariance - np.multiply.outer(loadings, loadings)
    scale = float(terms.covariance.diagonal().max())
    values, vectors = factorise.eigen(np.ascontiguousarray(0.5 * (left + left.T)))
    kept = [k for k in range(values.size - 1, -1, -1) if values[k] > _NOTHING * scale]
    return np.ascontiguousarray((vectors[kept] * np.sqrt(values[kept])[:, None]).T).reshape(len(left), len(kept))


def integrated(terms: Terms, loadings: Array, strike: float) -> Integrated:
    """Call and put on the sum of up to four terms, undiscounted.

    How many nodes each factor needs is found first, with few of the others: their errors add up. Then both the orders
    that were enough and those before are taken on all factors together, and raised until they agree.
    """
    left = np.ascontiguousarray(rest(terms, loadings)[:, : max(_ORDERS)])  # of four terms a fourth factor is rounding
    forward = math.fsum(terms.forwards.tolist())
    close = _CLOSE * (math.fsum(np.abs(terms.forwards).tolist()) + abs(strike))
    ladder, dimensions = _ORDERS[left.shape[1]], left.shape[1]

    def valued(rungs: list[int]) -> tuple[float, float]:
        return _by_orders(terms, loadings, left, strike, [ladder[min(rung, len(ladder) - 1)] for rung in rungs])

    rungs = [_rungs_alone(terms, loadings, left, strike, k, close) for k in range(dimensions)]
    before, _ = valued([rung - 1 for rung in rungs])
    while True:
        call, put = valued(rungs)
        residual = max(abs(call - before), abs(call - put - (forward - strike)))
        if residual <= close or min(rungs, default=len(ladder)) >= len(ladder) - 1:
            return Integrated(call, put, residual, ladder[min(max(rungs, default=0), len(ladder) - 1)])
        before, rungs = call, [rung + 1 for rung in rungs]


def _rungs_alone(terms: Terms, loadings: Array, left: Array, strike: float, k: int, close: float) -> int:
    """The order of the ladder from which on factor k, with few nodes of the others, changes nothing any more."""
    ladder, others = _ORDERS[left.shape[1]], [_FEW] * left.shape[1]
    before = math.inf
    for rung, order in enumerate(ladder):
        call, _ = _by_orders(terms, loadings, left, strike, [*others[:k], order, *others[k + 1 :]])
        if abs(call - before) <= close:
            return rung
        before = call
    return len(ladder) - 1


def _by_orders(terms: Terms, loadings: Array, left: Array, strike: float, orders: list[int]) -> tuple[float, float]:
    """Call and put by so many nodes in each of the factors that are left."""
    rule = _rule(tuple(orders))
    found: tuple[float, float] = conditioned.call_and_put(
        *rule, _SMALLEST_WEIGHT, terms.levels, left, loadings, terms.signs, strike
    )
    return found


@lru_cache(256)
def _rule(orders: tuple[int, ...]) -> tuple[NDArray[np.int64], Array, Array]:
    """The orders, and rows of nodes and of weights, one for each factor."""
    nodes, weights = np.zeros((2, len(orders), max(orders, default=0)))
    for k, order in enumerate(orders):
        nodes[k, :order], weights[k, :order] = _hermite(order)
    return np.array(orders, dtype=np.int64), nodes, weights


@cache
def _hermite(order: int) -> tuple[Array, Array]:
    found: tuple[Array, Array] = kernels.gauss_hermite(order)
    return found


def greatest_of_two(terms: Terms, strike: float) -> float:
    """E max(S1, S2, K), undiscounted, K >= 0."""
    first, second = np.sqrt(terms.covariance.diagonal()).tolist()
    if second == 0:
        terms = Terms(terms.levels[::-1], terms.signs, terms.covariance[::-1, ::-1])
        first, second = second, first
    level_1, level_2 = terms.levels.tolist()
    slope = float(terms.covariance[0, 1]) / second if second > 0 else 0.0
    left = math.sqrt(max(first * first - slope * slope, 0.0))
    kinks = [] if strike == 0 or second == 0 else [(math.log(strike) - level_2) / second]
    if second != slope:
        kinks.append((level_1 + 0.5 * left * left - level_2) / (second - slope))
    if slope != 0 and strike > 0:
        kinks.append((math.log(strike) - level_1 - 0.5 * left * left) / slope)
    low, high = min(0.0, slope, second) - _REACH, max(0.0, slope, second) + _REACH
    z, weights = _panels(low, high, kinks)
    other = np.maximum(elementary.exp_of(level_2 + second * z), strike)
    forward = elementary.exp_of(level_1 + slope * z + 0.5 * left * left)
    mean = other + _black(forward, other, left)
    density = elementary.exp_of(-0.5 * z * z) / math.sqrt(2 * math.pi)
    return math.fsum((weights * density * mean).tolist())


def black(forward: float, strike: float, s: float) -> float:
    """A call, undiscounted."""
    return float(_black(np.array([forward]), np.array([strike]), s)[0])


def _black(forward: Array, strike: Array, s: float) -> Array:
    """Calls, undiscounted."""
    if s == 0:
        return np.maximum(forward - strike, 0.0)
    d1 = elementary.log_of(forward / strike) / s + 0.5 * s
    value = forward * elementary.norm_cdf_of(d1) - strike * elementary.norm_cdf_of(d1 - s)
    return np.maximum(np.where(forward > 0, value, 0.0), 0.0)


def _panels(low: float, high: float, kinks: list[float]) -> tuple[Array, Array]:
    """Gauss-Legendre nodes and weights on panels that halve towards each kink."""
    edges = {low, high}
    for kink in kinks:
        if low < kink < high:
            steps = [(high - low) * 0.5**k for k in range(40)]
            edges |= {kink, *(kink + each for each in steps), *(kink - each for each in steps)}
    edges |= {low + (high - low) * k / 24 for k in range(24)}
    kept = np.array(sorted(edge for edge in edges if low <= edge <= high))
    x, w = gauss_legendre(16)
    half = 0.5 * np.diff(kept)
    middle = kept[:-1] + half
    return (middle[:, None] + half[:, None] * x).ravel(), (half[:, None] * w).ravel()


def _common(correlation: Array, u: Array) -> float | None:
    """1/√(uᵀ R⁻¹ u), the largest γ with R - γ² u uᵀ positive semidefinite; None where R is near singular."""
    work, right, total = correlation.copy(), u.copy(), 0.0
    for k in range(len(work)):
        pivot = float(work[k, k])
        if pivot < _SINGULAR:
            return None
        total += float(right[k]) ** 2 / pivot
        share = work[k + 1 :, k] / pivot
        right[k + 1 :] -= share * right[k]
        work[k + 1 :, k + 1 :] -= np.multiply.outer(share, work[k, k + 1 :])
    return 1.0 / math.sqrt(total)
