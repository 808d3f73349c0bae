"""VaR and expected shortfall of a loss that is quadratic in normal risk factors, exactly.

    L = d·x + ½ x'Gx,   x ~ N(0, Σ),   Σ = CC'

With ½ C'GC = U diag(λ) U' and x = CU y the loss is Σ b_j y_j + λ_j y_j², b = U'C'd, of independent standard normals;
its law follows from its generating function (calc/kernels/quadratic.py). Contributions are Euler's,
E[x_i (d_i + ½ (Gx)_i) | the tail], from the same integrals. Glasserman, Heidelberger and Shahabuddin (2000),
*Variance reduction techniques for estimating Value-at-Risk*, for the exponential twist.
"""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from calc import lazy
from calc.numerics.correlation import factor

factorise = lazy.module("calc.kernels.factorise")
quadratic = lazy.module("calc.kernels.quadratic")

Array = NDArray[np.float64]

STEP = 0.04  # of the trapezoidal rule; the residual compares it with half of it
SMALLEST = 1e-70  # deviation of a loss that varies
NEGLIGIBLE = (1e-15, 1e-13)  # of the deviation: what moves the loss by so little may be left out
MOST_RISE = 1e3  # of the integrand along the path: three digits are lost
BEND = 0.5  # of the path, to the side where the integrand falls
GOOD = 1e-8  # residual of a law that is known


class Form(NamedTuple):
    """L = Σ linear_j y_j + square_j y_j², and x = spread·y: n risk factors, k normals."""

    linear: Array
    square: Array
    spread: Array


class Tail(NamedTuple):
    """P(L > x), E[(L-x)⁺] and the density at x, with the path that gave them."""

    beyond: float
    excess: float
    density: float
    points: NDArray[np.complex128]
    weights: NDArray[np.complex128]


class Exact(NamedTuple):
    """`residual`: how far VaR and ES move, relative to the deviation, when the quadrature is twice as fine."""

    var: float
    es: float
    density: float
    var_contributions: list[float]
    es_contributions: list[float]
    iterations: int
    residual: float


class Twist(NamedTuple):
    """The law under which L has mean x: y_j ~ N(mean_j, deviation_j²), density ratio exp(cumulant - theta·L)."""

    theta: float
    cumulant: float
    mean: Array
    deviation: Array


def diagonal(delta: Array, gamma: Array, covariance: Array) -> Form:
    """The form in independent normals. `gamma` is symmetric; a singular covariance gives fewer normals than factors."""
    root = factor(covariance)
    inner = _times(root.T, _times(gamma, root)) * 0.5
    square, vectors = factorise.eigen(0.5 * (inner + inner.T)) if root.shape[1] else (np.empty(0), np.empty((0, 0)))
    spread = _times(root, vectors.T)
    return Form(np.array([math.fsum(delta * column) for column in spread.T]), square, spread)


def moments(form: Form) -> tuple[float, float]:
    """Mean and deviation; 0 where it is so small that its powers would leave the range of numbers."""
    deviation = math.sqrt(math.fsum(form.linear**2) + 2 * math.fsum(form.square**2))
    return math.fsum(form.square), deviation if deviation > SMALLEST else 0.0


def significant(form: Form, least: float) -> Form:
    """Without what moves the loss by less than `least` of its deviation: VaR and ES move by no more than some of that.

    Beside a loss with a ceiling, a normal of that size makes tails of two sizes, which no one path is right for.
    """
    small = least * moments(form)[1]
    linear, square = (np.where(np.abs(each) < small, 0.0, each) for each in (form.linear, form.square))
    return Form(linear, square, form.spread)


def tail(form: Form, x: float, step: float = STEP, side: float = 1.0) -> Tail:
    """The tail beyond x of a loss that varies, by a path that bends to where the integrand falls in the end (side -1:
    to the other side). Should it rise before that and digits be lost, the path on the other side is better."""
    centre = saddle(form, x, 1.0)
    _, _, curvature = cumulants(form, centre)
    width = 1 / math.sqrt(curvature + 1 / centre**2)
    moving = form.square != 0
    asymptote = -math.fsum(form.linear[moving] ** 2 / (4 * form.square[moving]))
    bend = side * (BEND if x >= asymptote else -BEND)
    points, weights = quadratic.nodes(form.linear, form.square, x, centre, width, bend, step)
    if (rise := _rise(weights)) > MOST_RISE:
        others = quadratic.nodes(form.linear, form.square, x, centre, width, -bend, step)
        if _rise(others[1]) < rise:
            points, weights = others
    beyond, excess, density = (quadratic.integral(points, weights, power) for power in (1, 2, 0))
    return Tail(beyond, excess, density, points, weights)


def _rise(weights: NDArray[np.complex128]) -> float:
    """How far the integrand rises above where the path begins; infinite where it leaves what numbers hold."""
    largest, first = float(np.abs(weights).max()), abs(complex(weights[0]))
    if first == 0 == largest:
        return 1.0  # no tail at all
    return largest / first if first > 0 and largest < math.inf else math.inf


def exact(form: Form, delta: Array, gamma: Array, confidence: float) -> Exact:
    """VaR, ES and contributions. A loss that does not vary has all of them at its value, 0.

    Where the first path does not find the law, its mirror image is tried, and then what is left without negligible
    terms. If none does, the residual is above GOOD, infinite where there is no answer at all.
    """
    size = delta.size
    if moments(form)[1] == 0:
        return Exact(0.0, 0.0, 0.0, [0.0] * size, [0.0] * size, 0, 0.0)
    found = UNKNOWN
    for least in (0.0, *NEGLIGIBLE):
        for side in (1.0, -1.0):
            found = _on_path(significant(form, least), delta, gamma, confidence, side)
            if found.residual <= GOOD:
                return found
    return found


UNKNOWN = Exact(math.nan, math.nan, math.nan, [], [], 0, math.inf)


def _on_path(form: Form, delta: Array, gamma: Array, confidence: float, side: float) -> Exact:
    """The answer by paths on one side; UNKNOWN where they give no law."""
    mean, deviation = moments(form)
    beyond = 1 - confidence
    var, iterations = _quantile(form, beyond, mean, deviation, side)
    found, finer = tail(form, var, STEP, side), tail(form, var, STEP / 2, side)
    residual = max(
        abs(found.beyond - finer.beyond) / max(finer.density * deviation, 1e-300),
        abs(found.excess - finer.excess) / (beyond * deviation),
    )
    if not (residual < math.inf and finer.density > 0):
        return UNKNOWN
    return Exact(
        var=var,
        es=var + finer.excess / beyond,
        density=finer.density,
        var_contributions=_contributions(form, delta, gamma, finer, 0, finer.density),
        es_contributions=_contributions(form, delta, gamma, finer, 1, beyond),
        iterations=iterations,
        residual=residual,
    )


def cumulants(form: Form, s: float) -> tuple[float, float, float]:
    """K(s) and its first two derivatives: mean and variance of the twisted loss."""
    rest = 1 - 2 * form.square * s
    shifted = s * form.linear**2 / rest
    value = math.fsum(0.5 * s * shifted) - 0.5 * math.fsum(math.log(each) for each in rest.tolist())
    slope = math.fsum(shifted + form.square * s * shifted / rest + form.square / rest)
    return value, slope, math.fsum(form.linear**2 / rest**3 + 2 * (form.square / rest) ** 2)


def saddle(form: Form, x: float, pole: float) -> float:
    """The s > 0 with K'(s) = x + pole/s. It exists where pole > 0, and where x is above the mean."""
    _, deviation = moments(form)
    largest = float(form.square.max(initial=0.0))
    low, high = 0.0, 1 / deviation
    most = 1 / (2 * largest) if largest > 0 else math.inf
    while high < most and cumulants(form, high)[1] < x + pole / high:
        low, high = high, min(2 * high, 0.5 * (high + most))
        if high - low <= 1e-15 * high:
            break
    high = min(high, 0.5 * (low + most))
    for _ in range(200):
        middle = 0.5 * (low + high)
        if not low < middle < high:
            break
        if cumulants(form, middle)[1] < x + pole / middle:
            low = middle
        else:
            high = middle
    return 0.5 * (low + high)


def twist(form: Form, x: float) -> Twist:
    """The law in which a loss of x is the mean; no twist where x is not above the mean already."""
    mean, deviation = moments(form)
    theta = saddle(form, x, 0.0) if deviation > 0 and x > mean + 1e-9 * deviation else 0.0
    rest = 1 - 2 * form.square * theta
    return Twist(theta, cumulants(form, theta)[0], theta * form.linear / rest, 1 / np.sqrt(rest))


def ceiling(form: Form) -> float:
    """The largest loss there is; infinite unless every normal that moves the loss ends it."""
    moving = (form.linear != 0) | (form.square != 0)
    if (form.square[moving] >= 0).any():
        return math.inf
    return -math.fsum(form.linear[moving] ** 2 / (4 * form.square[moving]))


def _quantile(form: Form, beyond: float, mean: float, deviation: float, side: float) -> tuple[float, int]:
    """The x with P(L > x) = beyond: Newton on the logarithm of the tail, within a bracket that bisection narrows."""
    low, high, most = mean - deviation, mean + deviation, ceiling(form)
    while tail(form, low, STEP, side).beyond < beyond:
        low -= deviation
    while high < most and tail(form, high, STEP, side).beyond > beyond:
        low, high = high, high + 2 * deviation
    high = min(high, most)
    x, near = 0.5 * (low + high), 1e-13 * max(deviation, abs(mean))
    for iteration in range(1, 201):
        found = tail(form, x, STEP, side)
        low, high = (x, high) if found.beyond > beyond else (low, x)
        moved = math.log(max(found.beyond, 1e-300) / beyond) * found.beyond / max(found.density, 1e-300)
        if abs(moved) <= near and found.density > 0:  # far above a ceiling there is no tail to judge by
            return x + moved, iteration
        x = x + moved if low < x + moved < high else 0.5 * (low + high)
        if high - low <= near:
            return x, iteration
    return x, 200


def _contributions(form: Form, delta: Array, gamma: Array, found: Tail, power: int, mass: float) -> list[float]:
    """E[x_i (d_i + ½ (Gx)_i)] in the tail (power 1) or at its edge (power 0), over its probability or density."""
    first, second = quadratic.second_moments(form.linear, form.square, found.points, found.weights, power)
    straight = delta * np.array([math.fsum(row * first) for row in form.spread])
    curved = _times(gamma, form.spread) * _times(form.spread, second)
    return [(s + 0.5 * math.fsum(row)) / mass for s, row in zip(straight.tolist(), curved, strict=True)]


def _times(a: Array, b: Array) -> Array:
    """The matrix product, sums in the order of the columns."""
    out = np.zeros((a.shape[0], b.shape[1]))
    for column, row in zip(a.T, b, strict=True):
        out += np.multiply.outer(column, row)
    return out
