"""Least squares within bounds, for a handful of parameters: Levenberg's and Marquardt's method, in plain numbers.

A step solves (J'J + λ D) p = -J'r over the parameters that are free, D being the largest diagonal of J'J so far, and
is cut off at the bounds; a parameter that stands at a bound with the slope pushing outwards is not free. λ follows the
ratio of what the sum of squares lost to what its quadratic model had promised (Nielsen 1999, *Damping parameter in
Marquardt's method*; Kanzow, Yamashita and Fukushima 2004 for the projection). A parameter with equal bounds is fixed.

Everything is sums and products of Python's floats in a fixed order: the same bits on every machine.
"""

import math
from collections.abc import Callable
from typing import NamedTuple

Vector = list[float]
Square = list[list[float]]

_MOST_DAMPING = 1e14
_LEAST_STEP = 1e-13  # relative, below which there is nothing left to gain
_LEAST_GAIN = 1e-15


class Quadratic(NamedTuple):
    """At some parameters: half the sum of squares, its gradient J'r, and J'J."""

    cost: float
    gradient: Vector
    normal: Square


class Fit(NamedTuple):
    """Where it ended. `iterations` are evaluations."""

    parameters: Vector
    at: Quadratic
    iterations: int
    converged: bool


Evaluate = Callable[[Vector], Quadratic]


def fit(evaluate: Evaluate, start: Vector, low: Vector, high: Vector, most: int = 200) -> Fit:
    """The minimum that the way down from `start` leads to. `evaluate` may answer with a cost of ∞ or NaN."""
    x = clip(start, low, high)
    at = evaluate(x)
    scale = [0.0] * len(x)
    damping, growth = 1e-3, 2.0
    for count in range(2, most):
        scale = [max(known, at.normal[i][i]) for i, known in enumerate(scale)]
        free = [i for i in range(len(x)) if _free(x[i], at.gradient[i], low[i], high[i])]
        step = _step(at, free, [damping * each for each in scale])
        if not free or (step is not None and _still(x, step, low, high)):
            return Fit(x, at, count - 1, True)
        trial = x if step is None else clip([a + b for a, b in zip(x, step, strict=True)], low, high)
        found = at if step is None else evaluate(trial)
        gain = at.cost - found.cost
        promised = _promised(at, [b - a for a, b in zip(x, trial, strict=True)])
        if gain > 0.0 and promised > 0.0:  # False for a cost of NaN
            done = gain <= _LEAST_GAIN * at.cost and promised <= _LEAST_GAIN * at.cost
            x, at = trial, found
            damping, growth = damping * max(1.0 / 3.0, 1.0 - (2.0 * min(gain / promised, 1e3) - 1.0) ** 3), 2.0
            if done or at.cost == 0.0:
                return Fit(x, at, count, True)
        else:
            damping, growth = damping * growth, 2.0 * growth
            if damping > _MOST_DAMPING:  # no way down that the numbers can tell
                return Fit(x, at, count, True)
    return Fit(x, at, most, False)


def clip(x: Vector, low: Vector, high: Vector) -> Vector:
    """x, with every parameter within its bounds."""
    return [min(max(value, least), most) for value, least, most in zip(x, low, high, strict=True)]


def within(box: tuple[Vector, Vector], place: Vector) -> Vector:
    """The point of a box at `place`, each from 0 to 1: in logarithms where its lower end is above 0."""
    return [
        a * math.exp(u * math.log(b / a)) if a > 0.0 else a + u * (b - a) for a, b, u in zip(*box, place, strict=True)
    ]


def condition(normal: Square, free: list[int]) -> float | None:
    """Of the Jacobian's columns, each scaled to length 1: largest over smallest singular value; None where one is 0."""
    scale = [math.sqrt(normal[i][i]) for i in free]
    if not free or min(scale) == 0.0:
        return None
    sized = list(zip(free, scale, strict=True))
    values = eigenvalues([[normal[i][j] / (a * b) for j, b in sized] for i, a in sized])
    least, most = min(values), max(values)
    return math.sqrt(most / least) if least > 1e-15 * most else None


def eigenvalues(matrix: Square) -> Vector:
    """Of a small symmetric matrix, in no order: Jacobi's rotations."""
    a = [row[:] for row in matrix]
    n = len(a)
    for _ in range(30):
        if math.fsum(a[i][j] ** 2 for i in range(n) for j in range(i)) < 1e-40:
            break
        for p in range(n):
            for q in range(p + 1, n):
                _rotate(a, p, q)
    return [a[i][i] for i in range(n)]


def _rotate(a: Square, p: int, q: int) -> None:
    """Make a[p][q] zero."""
    if a[p][q] == 0.0:
        return
    theta = (a[q][q] - a[p][p]) / (2.0 * a[p][q])
    t = math.copysign(1.0, theta) / (abs(theta) + math.sqrt(theta * theta + 1.0))
    c = 1.0 / math.sqrt(t * t + 1.0)
    s = t * c
    for k in range(len(a)):
        a[k][p], a[k][q] = c * a[k][p] - s * a[k][q], s * a[k][p] + c * a[k][q]
    for k in range(len(a)):
        a[p][k], a[q][k] = c * a[p][k] - s * a[q][k], s * a[p][k] + c * a[q][k]


def _free(value: float, slope: float, low: float, high: float) -> bool:
    if low == high:
        return False
    return not ((value <= low and slope >= 0.0) or (value >= high and slope <= 0.0))


def _still(x: Vector, step: Vector, low: Vector, high: Vector) -> bool:
    """Whether the step moves nothing that could be seen."""
    sizes = [max(abs(value), 1e-3 * (most - least)) for value, least, most in zip(x, low, high, strict=True)]
    return all(abs(move) <= _LEAST_STEP * size for move, size in zip(step, sizes, strict=True))


def _promised(at: Quadratic, step: Vector) -> float:
    """What the quadratic model loses along the step."""
    slope = math.fsum(g * s for g, s in zip(at.gradient, step, strict=True))
    bend = math.fsum(
        s * math.fsum(a * b for a, b in zip(row, step, strict=True)) for s, row in zip(step, at.normal, strict=True)
    )
    return -slope - 0.5 * bend


def _step(at: Quadratic, free: list[int], damping: Vector) -> Vector | None:
    """(J'J + diag) p = -J'r over the free parameters, by Cholesky; 0 for the others. None: not positive definite."""
    n = len(free)
    factor = [[0.0] * n for _ in range(n)]
    solved = [0.0] * n
    for i in range(n):
        for j in range(i + 1):
            rest = at.normal[free[i]][free[j]] + (damping[free[i]] if i == j else 0.0)
            rest -= math.fsum(factor[i][k] * factor[j][k] for k in range(j))
            if i == j and not rest > 0.0:
                return None
            factor[i][j] = math.sqrt(rest) if i == j else rest / factor[j][j]
        known = math.fsum(factor[i][k] * solved[k] for k in range(i))
        solved[i] = (-at.gradient[free[i]] - known) / factor[i][i]
    for i in reversed(range(n)):
        solved[i] = (solved[i] - math.fsum(factor[k][i] * solved[k] for k in range(i + 1, n))) / factor[i][i]
    step = [0.0] * len(at.gradient)
    for i, place in enumerate(free):
        step[place] = solved[i]
    return step
