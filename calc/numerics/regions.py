"""The portfolios that a client allows: bounds of each weight, and of weighted sums of them.

    l <= w <= u,   g <= Aw <= h

The first row of A is the budget, Σw = 1. A vertex of the region, and the largest return within it, come from a linear
program; where there is only the budget, from filling up in the order of the means.
"""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from calc import lazy

Array = NDArray[np.float64]
simplex = lazy.module("calc.kernels.simplex")

_FEASIBLE = 1e-9  # of the sums: what rounding may leave of an artificial variable


class Region(NamedTuple):
    """n weights, m rows; an infinite `least` or `most` is no bound."""

    lower: Array
    upper: Array
    rows: Array
    least: Array
    most: Array

    def also(self, row: Array, least: float, most: float) -> "Region":
        """The same with one more row, the last."""
        return Region(
            self.lower,
            self.upper,
            np.vstack([self.rows, row]),
            np.append(self.least, least),
            np.append(self.most, most),
        )


class Infeasible(ArithmeticError):
    """No weights are within all bounds: which rows cannot hold together, and by how much they are missed at least."""

    def __init__(self, rows: list[int], missed: float) -> None:
        super().__init__(f"no weights are within all bounds: rows {rows} are missed by {missed:.6g}")
        self.rows, self.missed = rows, missed


class Vertex(NamedTuple):
    """A corner of a region: n weights, and n + m states for the active set."""

    weights: Array
    states: NDArray[np.int8]


def budget(lower: Array, upper: Array) -> Region:
    """Weights within bounds that add up to 1."""
    one = np.ones(1)
    return Region(lower, upper, np.ones((1, lower.size)), one, one)


def filled(lower: list[float], upper: list[float], mean: list[float]) -> float:
    """The largest Σ mean·w of weights within bounds that add up to 1: every weight at its least, then the best filled.

    The bounds must allow the budget.
    """
    left = 1.0 - math.fsum(lower)
    terms = [m * low for m, low in zip(mean, lower, strict=True)]
    for i in sorted(range(len(mean)), key=lambda i: (-mean[i], i)):
        more = min(upper[i] - lower[i], left)
        if more <= 0:
            break
        terms.append(mean[i] * more)
        left -= more
    return math.fsum(terms)


def vertex(region: Region, gain: Array) -> Vertex:
    """A corner with the largest Σ gain·w. Raises Infeasible."""
    n, m = region.rows.shape[1], region.rows.shape[0]
    lifted = np.isfinite(region.least)
    start = np.array([math.fsum(row * region.lower) for row in region.rows])
    rhs = np.where(lifted, region.least, region.most) - start
    sign = np.where(rhs < 0, -1.0, 1.0)
    # Columns: the weights above their lower bounds, a slack for each row, an artificial for each row.
    columns = np.vstack([region.rows.T, np.diag(np.where(lifted, -1.0, 1.0)), np.diag(sign)])
    room = np.where(lifted, region.most - np.where(lifted, region.least, 0.0), np.inf)
    upper = np.concatenate([region.upper - region.lower, room, np.full(m, np.inf)])
    basis, at_upper = np.arange(n + m, n + 2 * m), np.zeros(n + 2 * m, dtype=np.bool_)
    artificial = np.concatenate([np.zeros(n + m), np.ones(m)])
    values, prices = _optimum(columns, artificial, upper, rhs, basis, at_upper)
    missed = math.fsum(value for value, j in zip(values.tolist(), basis.tolist(), strict=True) if j >= n + m)
    if missed > _FEASIBLE * max(1.0, float(np.abs(rhs).max())):
        raise Infeasible(np.flatnonzero(np.abs(prices) > 1e-9).tolist(), missed)  # Farkas: the rows with a price
    upper[n + m :] = 0.0
    cost = np.concatenate([-gain / max(float(np.abs(gain).max()), 1e-300), np.zeros(2 * m)])
    values, _ = _optimum(columns, cost, upper, rhs, basis, at_upper)
    return _corner(region, basis, at_upper, values, lifted)


def largest_return(region: Region, mean: Array) -> float:
    """The largest Σ mean·w. Raises Infeasible."""
    return math.fsum(mean * vertex(region, mean).weights)


def _optimum(
    columns: Array,
    cost: Array,
    upper: Array,
    rhs: Array,
    basis: NDArray[np.int64],
    at_upper: NDArray[np.bool_],
) -> tuple[Array, Array]:
    """The values of the basic variables, and the prices of the rows; basis and at_upper are changed in place."""
    status, rounds, values, prices = simplex.solve(columns, cost, upper, rhs, basis, at_upper, 50 * cost.size + 1000)
    if status != simplex.OPTIMAL:
        raise ArithmeticError(f"the simplex method gave up after {rounds} rounds with status {status}")
    return values, prices


def _corner(
    region: Region, basis: NDArray[np.int64], at_upper: NDArray[np.bool_], values: Array, lifted: NDArray[np.bool_]
) -> Vertex:
    n, m = region.rows.shape[1], region.rows.shape[0]
    states = np.where(at_upper[: n + m], 1, -1).astype(np.int8)
    states[n:][~lifted] = 1  # such a row has its slack below its upper bound
    weights = np.where(at_upper[:n], region.upper, region.lower)
    for j, value in zip(basis.tolist(), values.tolist(), strict=True):
        if j < n:
            states[j] = 0
            weights[j] = min(max(region.lower[j] + value, region.lower[j]), region.upper[j])
        elif j < n + m:
            states[j] = 0
        else:
            states[j - m] = 0  # a row that follows from the others
    return Vertex(weights, states)
