"""The weights with the least conditional value at risk over scenarios: a linear program, solved to rounding.

    minimise over w and a:   a + Σ max(-x_t·w - a, 0) / ((1-β)T)        within a region of weights

Rockafellar and Uryasev (2000), *Optimization of conditional value-at-risk*. What is solved is its dual: a column for
each scenario, 0 <= q_t <= 1, that says whether it is in the tail, and a row for each asset and for Σq = (1-β)T. So a
basis is small however many scenarios there are, only the promising scenarios are priced, and the weights are the
prices. Of many scenarios every third is solved first, recursively: its tail is where the whole begins. The vertex is
then solved anew from its basis, and risk is counted from the losses themselves.
"""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from calc import lazy
from calc.numerics import tails
from calc.numerics.regions import Region, vertex

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]
Indexes = NDArray[np.int64]
simplex = lazy.module("calc.kernels.simplex")
linear = lazy.module("calc.kernels.linear")

_WHOLE = 4000  # scenarios, or 20 times the assets, that are solved at once
_THIN = 3


class TailRisk(NamedTuple):
    """VaR: the smallest loss that is not exceeded with probability β. CVaR: the mean of the worst (1-β) of them."""

    var: float
    cvar: float
    beyond: int  # scenarios at VaR or beyond


class Optimum(NamedTuple):
    """`prices`: how fast CVaR grows with the bound of each row; the gap is that of the dual, relative."""

    weights: Array
    risk: TailRisk
    prices: Array
    gap: float
    rounds: int


class _Program(NamedTuple):
    """Columns: scenarios, then for each asset what holds it at its lower and upper bound, then the same of rows."""

    columns: Array
    cost: Array
    upper: Array
    mass: float
    unit: float


def minimise(scenarios: Array, beta: float, region: Region) -> Optimum:
    """The least CVaR. Raises Infeasible, and ArithmeticError where the simplex method does not end."""
    start = vertex(region, np.zeros(region.lower.size)).weights
    rounds = 0
    for thin in _levels(len(scenarios), scenarios.shape[1]):
        program = _program(scenarios[::thin], beta, region)
        basis, at_upper = _tail_of(program, start, len(scenarios[::thin]))
        rhs = np.zeros(start.size + 1)
        rhs[-1] = program.mass
        most = 200 * rhs.size + 20 * len(program.cost)
        status, done, values, _ = simplex.solve(
            program.columns, program.cost, program.upper, rhs, basis, at_upper, most
        )
        rounds += done
        if status != simplex.OPTIMAL:
            raise ArithmeticError(f"the simplex method gave up after {done} rounds with status {status}")
        start = _weights(program, region, basis, len(scenarios[::thin]))
    risk = tail_risk(losses(scenarios, start), beta)
    bound = -math.fsum(program.cost[basis] * values) / program.mass / program.unit
    size = max(abs(risk.cvar), float(np.abs(scenarios).max()) * 1e-6, 1e-300)
    held = np.zeros(program.cost.size)
    held[basis] = values
    of_rows = held[len(scenarios) + 2 * start.size :]
    return Optimum(
        start, risk, (of_rows[0::2] - of_rows[1::2]) / program.mass / program.unit, (risk.cvar - bound) / size, rounds
    )


def losses(scenarios: Array, weights: Array) -> Array:
    """Of each scenario; positive is a loss."""
    return -np.asarray(linear.rows_times(scenarios, weights))


def tail_risk(losses: Array, beta: float) -> TailRisk:
    """By the definition for discrete losses: the one at VaR counts with what is left of the tail's mass."""
    descending = -np.sort(-losses)
    whole = losses.size - tails.rank(beta, losses.size)
    var = float(descending[whole])
    excess = math.fsum(descending[:whole] - var) / tails.expected_beyond(beta, losses.size)
    return TailRisk(var, var + excess, int((losses >= var).sum()))


def means(scenarios: Array) -> Array:
    """Of each asset, by exact sums."""
    return np.array([math.fsum(column) / len(scenarios) for column in scenarios.T])


def _levels(count: int, assets: int) -> list[int]:
    """Which scenarios are solved in turn: every 9th, every 3rd, all."""
    thin = [1]
    while count // (thin[-1] * _THIN) > max(_WHOLE // _THIN, 20 * assets):
        thin.append(thin[-1] * _THIN)
    return thin[::-1]


def _program(scenarios: Array, beta: float, region: Region) -> _Program:
    """Returns are scaled by a power of two, so that no digit changes; a bound that is infinite has no column."""
    count, n = scenarios.shape
    average = float(np.abs(scenarios).sum()) / scenarios.size
    unit = math.ldexp(1.0, -math.frexp(average)[1]) if average > 0 else 1.0
    columns = np.zeros((count + 2 * n + 2 * len(region.rows), n + 1))
    columns[:count, :n] = scenarios * unit
    columns[:count, n] = 1.0
    places = np.arange(n)
    columns[count + 2 * places, places] = 1.0
    columns[count + 2 * places + 1, places] = -1.0
    columns[count + 2 * n :: 2, :n] = region.rows
    columns[count + 2 * n + 1 :: 2, :n] = -region.rows
    sides = np.empty(2 * n + 2 * len(region.rows))
    sides[0 : 2 * n : 2], sides[1 : 2 * n : 2] = -region.lower, region.upper
    sides[2 * n :: 2], sides[2 * n + 1 :: 2] = -region.least, region.most
    finite = np.isfinite(sides)
    cost = np.concatenate([np.zeros(count), np.where(finite, sides, 0.0)])
    upper = np.concatenate([np.ones(count), np.where(finite, np.inf, 0.0)])
    return _Program(columns, cost, upper, tails.expected_beyond(beta, count), unit)


def _tail_of(program: _Program, weights: Array, count: int) -> tuple[Indexes, Flags]:
    """A feasible basis: the worst scenarios of these weights are the tail, bounds take what they leave."""
    n = weights.size
    order = np.argsort(linear.rows_times(program.columns[:count, :n].copy(), weights), kind="stable")
    whole = min(math.floor(program.mass), count - 1)
    at_upper = np.zeros(program.cost.size, dtype=np.bool_)
    at_upper[order[:whole]] = True
    total = program.columns[order[:whole], :n].sum(axis=0)
    total += (program.mass - whole) * program.columns[order[whole], :n]
    places = np.arange(n)
    basis = np.append(np.where(total <= 0, count + 2 * places, count + 2 * places + 1), order[whole])
    return basis.astype(np.int64), at_upper


def _weights(program: _Program, region: Region, basis: Indexes, count: int) -> Array:
    """The prices of the basis, solved anew; an asset whose bound is in the basis is exactly there."""
    n = region.lower.size
    prices = program.cost[basis]
    if not linear.lu_solve(program.columns[basis], prices):
        raise ArithmeticError("the basis of the solution is singular")
    weights = np.minimum(np.maximum(-prices[:n], region.lower), region.upper)
    for j in basis.tolist():
        place, side = divmod(j - count, 2)
        if 0 <= place < n:
            weights[place] = region.upper[place] if side else region.lower[place]
    return weights + 0.0
