"""A convex quadratic program with few rows, solved exactly by finding out which bounds hold.

    minimise ½ xᵀHx - cᵀx    where l <= x <= u and g <= Ax <= h

A *state* says for each variable, and for each row of A, whether it is at its lower bound (-1), between (0) or at its
upper bound (1). Given the states, x and the multipliers y follow from a linear system. They are the solution when x is
within its bounds and every multiplier has the sign of its side.

`guess` puts each variable that is outside at its bound and frees each whose multiplier has the wrong sign, all at once:
a handful of rounds where it settles, which is most often (Hintermüller, Ito and Kunisch 2003, *The primal-dual active
set strategy as a semismooth Newton method*). `descend` starts at a vertex and changes one state at a time: always
within the bounds, always downwards, so it always ends (Nocedal and Wright 2006, *Numerical Optimization*, 16.5).

H may be singular: 1e-11 of the mean diagonal is added for the factor and taken out again by refinement.
"""

import numpy as np

from calc.kernels.active_states import (
    SLACK,
    Array,
    States,
    breach_of_rows,
    given_states,
    moved,
    row_of,
    write_gradient,
    wrong_by,
)
from calc.kernels.drafts import drafted
from calc.kernels.jit import kernel

REFINEMENTS, THOROUGH = 1, 5  # where a singular H takes many
MOST_RESIDUAL = 1e-9  # of what `descend` may call a solution


@kernel
def guess(
    h: Array, c: Array, lower: Array, upper: Array, a: Array, least: Array, most: Array, states: States, rounds: int
) -> tuple[int, Array, Array, Array, float, float]:
    """The rounds that were needed (-1: it did not settle), x, y, gradient, residual and pivot ratio.

    `states` (n variables, then the rows) is where it begins, and is changed in place. The gradient is Hx - c + Aᵀy: at
    least 0 at a lower bound, at most 0 at an upper one. The residual is the largest breach of that or of a bound,
    relative to the size of the terms; the ratio is of the largest to the smallest pivot of the free block.
    """
    n, m = c.shape[0], least.shape[0]
    x, y, gradient = np.zeros(n), np.zeros(m), np.zeros(n)
    residual, ratio = 1.0, 1.0
    begun = drafted(h, c, lower, upper, a, least, most, states, rounds // 2)
    for done in range(1 + begun, rounds + 1):
        for i in range(n):
            x[i] = lower[i] if states[i] < 0 else (upper[i] if states[i] > 0 else 0.0)
        y[:] = 0.0
        ratio = given_states(h, c, a, least, most, states, x, y, REFINEMENTS)
        if ratio < 0.0:
            break
        changed, residual = moved(h, c, lower, upper, a, least, most, states, x, y, gradient)
        if changed == 0:
            return (done if residual <= MOST_RESIDUAL else -1), x, y, gradient, residual, ratio
    return -1, x, y, gradient, residual, ratio


@kernel
def descend(
    h: Array,
    c: Array,
    lower: Array,
    upper: Array,
    a: Array,
    least: Array,
    most: Array,
    states: States,
    x: Array,
    rounds: int,
) -> tuple[int, Array, Array, float, float]:
    """As `guess`, from an x within all bounds, which is changed in place.

    The states at the beginning must be independent: of the free variables as many as make the tight rows so.
    """
    n, m = c.shape[0], least.shape[0]
    y, gradient, target, move = np.zeros(m), np.zeros(n), np.zeros(n), np.zeros(n)
    resting = np.zeros(n + m, dtype=np.bool_)  # freed without effect since the last step: rounding, not descent
    freed = -1
    for done in range(1, rounds + 1):
        target[:] = x
        y[:] = 0.0
        ratio = given_states(h, c, a, least, most, states, target, y, THOROUGH)
        if ratio < 0.0:
            return -1, y, gradient, 1.0, 1.0
        move[:] = target - x
        length, place, side = _blocked(lower, upper, a, least, most, states, x, move)
        if length > 0.0:
            if length * np.abs(move).max() > 1e-13 * np.abs(x).max():
                resting[:] = False
            for i in range(n):
                further = target[i] if length == 1.0 else x[i] + length * move[i]
                x[i] = min(max(further, lower[i]), upper[i])
        elif place == freed:
            resting[freed] = True
        if place >= 0:
            states[place] = side
            if place < n:
                x[place] = lower[place] if side < 0 else upper[place]
            continue
        scale = write_gradient(h, c, a, x, y, gradient)
        worst, freed = SLACK, -1
        for i in range(n + m):
            if i < n:
                wrong = wrong_by(states[i], gradient[i]) / scale if lower[i] < upper[i] else 0.0
            else:
                pull = -y[i - n] * np.abs(a[i - n]).max()
                wrong = wrong_by(states[i], pull) / scale if least[i - n] < most[i - n] else 0.0
            if wrong > worst and not resting[i]:
                worst, freed = wrong, i
        if freed < 0:
            residual = breach_of_rows(a, least, most, states, x)
            for i in range(n):
                stray = abs(gradient[i]) if states[i] == 0 else wrong_by(states[i], gradient[i])
                if lower[i] < upper[i]:
                    residual = max(residual, stray / scale)
            return (done if residual <= MOST_RESIDUAL else -1), y, gradient, residual, ratio
        states[freed] = 0
    return -1, y, gradient, 1.0, 1.0


@kernel
def _blocked(
    lower: Array, upper: Array, a: Array, least: Array, most: Array, states: States, x: Array, move: Array
) -> tuple[float, int, int]:
    """How far of `move` x can go, at most 1, what stops it (-1: nothing) and at which side."""
    n = x.shape[0]
    length, place, side = 1.0, -1, 0
    if np.count_nonzero(states[:n] == 0) <= np.count_nonzero(states[n:]):
        return length, place, side  # x is determined by the rows alone: it moves by rounding only
    tiny = 1e-14 * max(np.abs(move).max(), np.abs(x).max())
    for i in range(n + least.shape[0]):
        if states[i] != 0:
            continue
        if i < n:
            value, pace, low, high = x[i], move[i], lower[i], upper[i]
        else:
            value, _ = row_of(a, i - n, x)
            pace, _ = row_of(a, i - n, move)
            low, high = least[i - n], most[i - n]
        if abs(pace) <= tiny:
            continue
        room = max(low - value if pace < 0.0 else high - value, 0.0) if pace > 0.0 else min(low - value, 0.0)
        if room / pace < length:
            length, place, side = room / pace, i, (-1 if pace < 0.0 else 1)
    return length, place, side
