"""A linear program with few rows and any number of columns, by the simplex method with bounded variables.

    minimise c·v    where Σ_j v_j a_j = b and 0 <= v_j <= u_j

Columns come as rows of a matrix (`columns`, N × m), so pricing runs along memory. The inverse of the basis is kept
explicitly, updated by one rank-one step an iteration and made anew every hundred. Pricing is partial: the columns that
promise most are remembered, and all are looked at when none of those is left, so it is always a look at all of them,
with a fresh inverse, that settles the answer. The steepest reduced cost enters; after a long stall it is the first
(Bland's rule), which ends every cycle. Chvátal (1983), *Linear Programming*, chapters 7 and 8.
"""

import numpy as np
from numpy.typing import NDArray

from calc.kernels.jit import inline, kernel
from calc.kernels.lanes import dot8

Array = NDArray[np.float64]
Indexes = NDArray[np.int64]
Flags = NDArray[np.bool_]

OPTIMAL, UNBOUNDED, SINGULAR, UNFINISHED = 0, 1, 2, 3
COST_TOLERANCE = 1e-12  # of reduced costs, relative to costs and prices
VALUE_TOLERANCE = 1e-11  # of the variables, relative to the largest
PIVOT = 1e-9  # the smallest that is trusted, relative to its column
REMEMBERED = 96
FRESH = 100  # iterations between two inversions
STALL = 500  # iterations without progress after which Bland's rule takes over


@kernel
def solve(
    columns: Array, cost: Array, upper: Array, rhs: Array, basis: Indexes, at_upper: Flags, rounds: int
) -> tuple[int, int, Array, Array]:
    """A status, the rounds, values of the basic variables, and the prices π (πB = c_B).

    `basis` (m columns) and `at_upper` (of those outside it) must be feasible; both are changed in place.
    """
    m = rhs.shape[0]
    inverse, values, prices, along = np.empty((m, m)), np.empty(m), np.zeros(m), np.empty(m)
    inside = np.zeros(cost.shape[0], dtype=np.bool_)
    inside[basis] = True
    remembered, count = np.empty(REMEMBERED, dtype=np.int64), 0
    stalled, age, largest_cost = 0, FRESH, np.abs(cost).max()
    for done in range(rounds):
        if age >= FRESH:
            if not _afresh(columns, upper, rhs, basis, at_upper, inside, inverse, values):
                return SINGULAR, done, values, prices
            age = 0
        age += 1
        _set_prices(cost, basis, inverse, prices)
        tolerance = COST_TOLERANCE * (largest_cost + np.abs(prices).max())
        bland = stalled >= STALL
        entering = -1
        if not bland:
            entering, count = _best(columns, cost, prices, at_upper, inside, remembered, count, tolerance)
        if entering < 0:
            count = _look(columns, cost, upper, prices, at_upper, inside, remembered, tolerance, bland)
            entering, count = _best(columns, cost, prices, at_upper, inside, remembered, count, tolerance)
        if entering < 0:
            if age == 1:
                return OPTIMAL, done, values, prices
            age = FRESH
            continue
        for r in range(m):
            along[r] = dot8(inverse[r], columns[entering])
        direction = -1.0 if at_upper[entering] else 1.0
        leaving, length = _ratio(along, upper, basis, values, direction, bland)
        if upper[entering] <= length:
            leaving, length = -1, upper[entering]
        if not np.isfinite(length):
            return UNBOUNDED, done, values, prices
        stalled = 0 if length > VALUE_TOLERANCE else stalled + 1
        _move(along, upper, basis, at_upper, inside, inverse, values, entering, direction, leaving, length)
    return UNFINISHED, rounds, values, prices


@kernel
def _afresh(
    columns: Array,
    upper: Array,
    rhs: Array,
    basis: Indexes,
    at_upper: Flags,
    inside: Flags,
    inverse: Array,
    values: Array,
) -> bool:
    """Write the inverse of the basis and the values; False where the basis is singular."""
    m = rhs.shape[0]
    work = np.zeros((m, 2 * m))
    rest = rhs.copy()
    for j in range(at_upper.shape[0]):
        if at_upper[j] and not inside[j]:
            for i in range(m):
                rest[i] -= upper[j] * columns[j, i]
    for r in range(m):
        for i in range(m):
            work[i, r] = columns[basis[r], i]
        work[r, m + r] = 1.0
    for k in range(m):
        pivot = k
        for i in range(k + 1, m):
            if abs(work[i, k]) > abs(work[pivot, k]):
                pivot = i
        if not abs(work[pivot, k]) > 1e-14:
            return False
        if pivot != k:
            for j in range(k, 2 * m):
                work[k, j], work[pivot, j] = work[pivot, j], work[k, j]
        top = work[k]
        f = 1.0 / top[k]
        for j in range(k, 2 * m):
            top[j] *= f
        for i in range(m):
            g = work[i, k]
            if i != k and g != 0.0:
                row = work[i]
                for j in range(k, 2 * m):
                    row[j] -= g * top[j]
    for r in range(m):
        inverse[r] = work[r, m:]
        values[r] = dot8(inverse[r], rest)
    return True


@kernel
def _set_prices(cost: Array, basis: Indexes, inverse: Array, prices: Array) -> None:
    """Write π = c_B B⁻¹."""
    prices[:] = 0.0
    for r in range(basis.shape[0]):
        c = cost[basis[r]]
        if c != 0.0:
            row = inverse[r]
            for i in range(prices.shape[0]):
                prices[i] += c * row[i]


@inline
def _promise(columns: Array, cost: Array, prices: Array, at_upper: Flags, j: int) -> float:
    """How fast the objective falls as column j moves off its bound."""
    reduced = float(cost[j] - dot8(prices, columns[j]))
    return reduced if at_upper[j] else -reduced


@kernel
def _best(
    columns: Array,
    cost: Array,
    prices: Array,
    at_upper: Flags,
    inside: Flags,
    remembered: Indexes,
    count: int,
    tolerance: float,
) -> tuple[int, int]:
    """The remembered column that promises most (-1: none), and how many are left that promise anything."""
    best, place, left = tolerance, -1, 0
    for k in range(count):
        j = remembered[k]
        promise = 0.0 if inside[j] else _promise(columns, cost, prices, at_upper, j)
        if promise > tolerance:
            remembered[left] = j
            left += 1
            if promise > best:
                best, place = promise, j
    return place, left


@kernel
def _look(
    columns: Array,
    cost: Array,
    upper: Array,
    prices: Array,
    at_upper: Flags,
    inside: Flags,
    remembered: Indexes,
    tolerance: float,
    first: bool,
) -> int:
    """Remember the columns that promise most of all (or the first that promises something): how many."""
    promises = np.empty(REMEMBERED)
    count, least = 0, 0
    for j in range(cost.shape[0]):
        if inside[j] or upper[j] == 0.0:
            continue
        promise = _promise(columns, cost, prices, at_upper, j)
        if not promise > tolerance:
            continue
        if first:
            remembered[0] = j
            return 1
        if count < REMEMBERED:
            remembered[count], promises[count] = j, promise
            count += 1
        elif promise > promises[least]:
            remembered[least], promises[least] = j, promise
        else:
            continue
        if count == REMEMBERED:
            least = int(np.argmin(promises))
    return count


@kernel
def _ratio(
    along: Array, upper: Array, basis: Indexes, values: Array, direction: float, first: bool
) -> tuple[int, float]:
    """Which basic variable reaches a bound first, and after how far: of those that do so together the largest pivot."""
    m = values.shape[0]
    tiny = PIVOT * np.abs(along).max()
    slack = 0.0 if first else VALUE_TOLERANCE * max(1.0, np.abs(values).max())
    soonest = np.inf
    for r in range(m):
        fall = direction * along[r]
        room = values[r] if fall > 0.0 else upper[basis[r]] - values[r]
        if abs(fall) > tiny:
            soonest = min(soonest, (max(room, 0.0) + slack) / abs(fall))
    leaving, length, size = -1, np.inf, 0.0
    for r in range(m):
        fall = direction * along[r]
        room = values[r] if fall > 0.0 else upper[basis[r]] - values[r]
        if abs(fall) > tiny and max(room, 0.0) / abs(fall) <= soonest:
            better = basis[r] < basis[leaving] if first and leaving >= 0 else abs(fall) > size
            if better:
                leaving, length, size = r, max(room, 0.0) / abs(fall), abs(fall)
    return leaving, length


@kernel
def _move(
    along: Array,
    upper: Array,
    basis: Indexes,
    at_upper: Flags,
    inside: Flags,
    inverse: Array,
    values: Array,
    entering: int,
    direction: float,
    leaving: int,
    length: float,
) -> None:
    """Go so far along the entering column; it takes the leaving one's place, or jumps to its other bound."""
    m = values.shape[0]
    for r in range(m):
        values[r] -= direction * length * along[r]
    if leaving < 0:
        at_upper[entering] = not at_upper[entering]
        return
    gone = basis[leaving]
    at_upper[gone] = direction * along[leaving] < 0.0
    inside[gone], inside[entering] = False, True
    values[leaving] = length if direction > 0.0 else upper[entering] - length
    at_upper[entering] = False
    basis[leaving] = entering
    top = inverse[leaving]
    f = 1.0 / along[leaving]
    for i in range(m):
        top[i] *= f
    for r in range(m):
        if r != leaving and along[r] != 0.0:
            g, row = along[r], inverse[r]
            for i in range(m):
                row[i] -= g * top[i]
