"""The weights with the least conditional value at risk over scenarios: a linear program, solved to rounding.

    minimise over w and a:   a + Σ max(-x_t·w - a, 0) / ((1-β)T)        within a region of weights

Rockafellar and Uryasev (2000), *Optimization of conditional value-at-risk*. What is solved is its dual: a column for
each scenario, 0 <= q_t <= 1, that says whether it is in the tail, and a row for each asset and for Σq = (1-β)T. So a
basis is small however many scenarios there are, and the weights are the prices. Of many scenarios every third is solved
first, recursively; with its weights only those near VaR are left open, and more where the solution contradicts what was
taken for granted. The vertex is then solved anew from its basis, and risk is counted from the losses themselves.
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

_WHOLE = 4000  # scenarios that are solved at once, where no weights are known to begin with
_THIN = 3
_BAND = 400  # scenarios at either side of VaR that are left open at first; and 20 for each asset
_WIDER = 4


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
    """Columns: open scenarios, then for each asset what holds it at its lower and upper bound, then the same of rows.

    `settled` is the sum of the columns of those scenarios that are in the tail for certain.
    """

    columns: Array
    cost: Array
    upper: Array
    rhs: Array
    settled: Array
    open: int


class _Solved(NamedTuple):
    weights: Array
    level: float  # the loss that divides the tail from the others
    bound: float  # what the dual says that CVaR is at least
    prices: Array
    rounds: int


def minimise(scenarios: Array, beta: float, region: Region) -> Optimum:
    """The least CVaR. Raises Infeasible, and ArithmeticError where the simplex method does not end."""
    weights, band, rounds = vertex(region, np.zeros(region.lower.size)).weights, len(scenarios), 0
    for thin in _levels(len(scenarios), scenarios.shape[1]):
        found = _solved(np.ascontiguousarray(scenarios[::thin]), beta, region, weights, band)
        weights, band = found.weights, _BAND + 20 * weights.size
        rounds += found.rounds
    risk = tail_risk(losses(scenarios, weights), beta)
    size = max(abs(risk.cvar), float(np.abs(scenarios).max()) * 1e-6, 1e-300)
    return Optimum(weights, risk, found.prices, (risk.cvar - found.bound) / size, rounds)


def _solved(scenarios: Array, beta: float, region: Region, weights: Array, band: int) -> _Solved:
    """Open are the scenarios whose losses, under the weights so far, are the `band` at either side of VaR.

    Those beyond are taken to be in the tail, those below not to be; where the solution says otherwise, more are opened.
    """
    mass, rounds = tails.expected_beyond(beta, len(scenarios)), 0
    while True:
        order = np.argsort(-losses(scenarios, weights), kind="stable")
        first, last = max(math.floor(mass) - band, 0), math.ceil(mass) + band
        worst, between, rest = order[:first], order[first:last], order[last:]
        found = _of_open(scenarios, worst, between, mass, region, weights)
        weights, rounds = found.weights, rounds + found.rounds
        lost = losses(scenarios, weights)
        slack = 1e-12 * float(np.abs(lost).max(initial=0.0))
        right = (lost[worst] >= found.level - slack).all() and (lost[rest] <= found.level + slack).all()
        if right:
            return found._replace(rounds=rounds)
        band *= _WIDER


def _of_open(
    scenarios: Array, worst: Indexes, between: Indexes, mass: float, region: Region, weights: Array
) -> _Solved:
    """Solve for the scenarios `between`, with `worst` in the tail."""
    unit = _unit(scenarios)
    program = _program(scenarios[worst] * unit, scenarios[between] * unit, mass, region)
    basis, at_upper = _tail_of(program, weights)
    most = 200 * program.rhs.size + 20 * program.cost.size
    status, rounds, values, _ = simplex.solve(
        program.columns, program.cost, program.upper, program.rhs, basis, at_upper, most
    )
    if status != simplex.OPTIMAL:
        raise ArithmeticError(f"the simplex method gave up after {rounds} rounds with status {status}")
    weights, level = _weights(program, region, basis)
    held = np.zeros(program.cost.size)
    held[basis] = values
    of_rows = held[program.open + 2 * weights.size :]
    return _Solved(
        weights,
        level / unit,
        -math.fsum(program.cost[basis] * values) / mass / unit,
        (of_rows[0::2] - of_rows[1::2]) / mass / unit,
        int(rounds),
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


def _unit(scenarios: Array) -> float:
    """A power of two, so that no digit changes, by which returns are about 1."""
    average = float(np.abs(scenarios).sum()) / scenarios.size
    return math.ldexp(1.0, -math.frexp(average)[1]) if average > 0 else 1.0


def _program(worst: Array, between: Array, mass: float, region: Region) -> _Program:
    """Of returns that are scaled. A bound that is infinite has no column."""
    count, n = between.shape
    columns = np.zeros((count + 2 * n + 2 * len(region.rows), n + 1))
    columns[:count, :n] = between
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
    settled = np.append(worst.sum(axis=0), float(len(worst)))
    rhs = -settled
    rhs[n] += mass
    return _Program(
        columns,
        np.concatenate([np.zeros(count), np.where(finite, sides, 0.0)]),
        np.concatenate([np.ones(count), np.where(finite, np.inf, 0.0)]),
        rhs,
        settled,
        count,
    )


def _tail_of(program: _Program, weights: Array) -> tuple[Indexes, Flags]:
    """A feasible basis: the worst open scenarios under these weights are the tail, bounds take what they leave."""
    n, count = weights.size, program.open
    order = np.argsort(linear.rows_times(program.columns[:count, :n].copy(), weights), kind="stable")
    mass = float(program.rhs[n])
    whole = min(math.floor(mass), count - 1)
    at_upper = np.zeros(program.cost.size, dtype=np.bool_)
    at_upper[order[:whole]] = True
    total = program.settled[:n] + program.columns[order[:whole], :n].sum(axis=0)
    total += (mass - whole) * program.columns[order[whole], :n]
    places = np.arange(n)
    basis = np.append(np.where(total <= 0, count + 2 * places, count + 2 * places + 1), order[whole])
    return basis.astype(np.int64), at_upper


def _weights(program: _Program, region: Region, basis: Indexes) -> tuple[Array, float]:
    """The prices of the basis, solved anew: weights and the scaled loss at VaR.

    An asset whose bound is in the basis is exactly there.
    """
    n = region.lower.size
    prices = program.cost[basis]
    if not linear.lu_solve(program.columns[basis], prices):
        raise ArithmeticError("the basis of the solution is singular")
    weights = np.minimum(np.maximum(-prices[:n], region.lower), region.upper)
    for j in basis.tolist():
        place, side = divmod(j - program.open, 2)
        if 0 <= place < n:
            weights[place] = region.upper[place] if side else region.lower[place]
    return weights + 0.0, -float(prices[n])
