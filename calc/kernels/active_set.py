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
from numpy.typing import NDArray

from calc.kernels.jit import fma, kernel
from calc.kernels.linear import backward, cholesky, forward, symmetric_times

Array = NDArray[np.float64]
States = NDArray[np.int8]

RIDGE = 1e-11
REFINEMENTS, THOROUGH = 1, 5  # where a singular H takes many
SLACK = 1e-12  # of x relative to its largest or 1, and of gradients to their largest term: what rounding leaves
LEAST_SCALE = 1e-4  # of gradients: H is to have a mean diagonal of 1
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
    for done in range(1, rounds + 1):
        for i in range(n):
            x[i] = lower[i] if states[i] < 0 else (upper[i] if states[i] > 0 else 0.0)
        y[:] = 0.0
        ratio = given_states(h, c, a, least, most, states, x, y, REFINEMENTS)
        if ratio < 0.0:
            break
        scale = _gradient(h, c, a, x, y, gradient)
        size = max(np.abs(x).max(), 1.0)
        residual = _breach_of_rows(a, least, most, states, x)
        changed = 0
        for i in range(n):
            outside = max(lower[i] - x[i], x[i] - upper[i]) / size
            wrong = _wrong(states[i], gradient[i]) / scale if lower[i] < upper[i] else 0.0
            residual = max(residual, outside, wrong, abs(gradient[i]) / scale if states[i] == 0 else 0.0)
            if outside > SLACK:
                states[i] = -1 if x[i] < lower[i] else 1
                changed += 1
            elif wrong > SLACK:
                states[i] = 0
                changed += 1
        for k in range(m):
            value, unit = _row(a, k, x)
            outside = max(least[k] - value, value - most[k]) / unit
            if states[n + k] == 0 and outside > SLACK:
                states[n + k] = -1 if value < least[k] else 1
                changed += 1
            elif least[k] < most[k] and _wrong(states[n + k], -y[k]) * np.abs(a[k]).max() > SLACK * scale:
                states[n + k] = 0
                changed += 1
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
        scale = _gradient(h, c, a, x, y, gradient)
        worst, freed = SLACK, -1
        for i in range(n + m):
            if i < n:
                wrong = _wrong(states[i], gradient[i]) / scale if lower[i] < upper[i] else 0.0
            else:
                pull = -y[i - n] * np.abs(a[i - n]).max()
                wrong = _wrong(states[i], pull) / scale if least[i - n] < most[i - n] else 0.0
            if wrong > worst and not resting[i]:
                worst, freed = wrong, i
        if freed < 0:
            residual = _breach_of_rows(a, least, most, states, x)
            for i in range(n):
                stray = abs(gradient[i]) if states[i] == 0 else _wrong(states[i], gradient[i])
                if lower[i] < upper[i]:
                    residual = max(residual, stray / scale)
            return (done if residual <= MOST_RESIDUAL else -1), y, gradient, residual, ratio
        states[freed] = 0
    return -1, y, gradient, 1.0, 1.0


@kernel
def _wrong(state: int, gradient: float) -> float:
    """How much a gradient would have something leave the bound it is at; 0 where it holds it there, or between."""
    return max(-gradient if state < 0 else gradient, 0.0) if state != 0 else 0.0


@kernel
def _row(a: Array, k: int, x: Array) -> tuple[float, float]:
    """A row's value, and the largest term that it has, or would have with a weight of 1."""
    value, unit = 0.0, 1e-300
    for i in range(x.shape[0]):
        value = fma(a[k, i], x[i], value)  # spelt out: the product has a second use, so a compiler may fuse it or not
        unit = max(unit, abs(a[k, i]) * max(abs(x[i]), 1.0))
    return value, unit


@kernel
def _breach_of_rows(a: Array, least: Array, most: Array, states: States, x: Array) -> float:
    """The largest distance of a row from where its state has it, or from its bounds, relative to its terms."""
    breach, n = 0.0, x.shape[0]
    for k in range(least.shape[0]):
        value, unit = _row(a, k, x)
        if states[n + k] != 0:
            breach = max(breach, abs(value - (least[k] if states[n + k] < 0 else most[k])) / unit)
        breach = max(breach, max(least[k] - value, value - most[k]) / unit)
    return breach


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
            value, _ = _row(a, i - n, x)
            pace, _ = _row(a, i - n, move)
            low, high = least[i - n], most[i - n]
        if abs(pace) <= tiny:
            continue
        room = max(low - value if pace < 0.0 else high - value, 0.0) if pace > 0.0 else min(low - value, 0.0)
        if room / pace < length:
            length, place, side = room / pace, i, (-1 if pace < 0.0 else 1)
    return length, place, side


@kernel
def given_states(
    h: Array, c: Array, a: Array, least: Array, most: Array, states: States, x: Array, y: Array, refinements: int
) -> float:
    """Move the free x, and y, to where the states have them: the ratio of the pivots, squared; -1 where there is none.

    The block of the free is factored (H = RᵀR), then the tight rows by their Schur complement A H⁻¹ Aᵀ.
    """
    n = x.shape[0]
    free = np.flatnonzero(states[:n] == 0)
    tight = np.flatnonzero(states[n:] != 0)
    f, t = free.shape[0], tight.shape[0]
    if f < t:
        return -1.0
    if f == 0:
        return 1.0
    factor = _free_block(h, free)
    if cholesky(factor, f) >= 0:
        return -1.0
    half = np.empty((t, f))  # R⁻ᵀAᵀ, turned
    for k in range(t):
        for i in range(f):
            half[k, i] = a[tight[k], free[i]]
        forward(factor, f, half[k])
    schur = _products(half)
    if cholesky(schur, t) >= 0:
        return -1.0
    product, rest, short = np.empty(n), np.empty(f), np.empty(t)
    for _ in range(1 + refinements):
        symmetric_times(h, x, product)
        for i in range(f):
            rest[i] = c[free[i]] - product[free[i]]
        for k in range(t):
            row = a[tight[k]]
            for i in range(f):
                rest[i] -= y[tight[k]] * row[free[i]]
            value, _ = _row(a, tight[k], x)
            short[k] = (least[tight[k]] if states[n + tight[k]] < 0 else most[tight[k]]) - value
        _step(factor, half, schur, rest, short)
        for i in range(f):
            x[free[i]] += rest[i]
        for k in range(t):
            y[tight[k]] += short[k]
    pivots = np.diag(factor)
    return float((pivots.max() / pivots.min()) ** 2)


@kernel
def _free_block(h: Array, free: NDArray[np.int64]) -> Array:
    """Rows and columns of the free variables, with the ridge."""
    f = free.shape[0]
    block = np.empty((f, f))
    mean = 0.0
    for i in range(f):
        row = h[free[i]]
        for j in range(i, f):
            block[i, j] = row[free[j]]
        mean += block[i, i] / f
    for i in range(f):
        block[i, i] += RIDGE * mean if mean > 0.0 else 1.0
    return block


@kernel
def _products(half: Array) -> Array:
    """half · halfᵀ, each diagonal entry a little larger: rows that depend on others make no pivot of 0."""
    t = half.shape[0]
    s = np.zeros((t, t))
    for k in range(t):
        for j in range(t):
            for i in range(half.shape[1]):
                s[k, j] += half[k, i] * half[j, i]
        s[k, k] *= 1.0 + 1e-14
    return s


@kernel
def _step(factor: Array, half: Array, schur: Array, rest: Array, short: Array) -> None:
    """Solve for the steps of x and y in place: `rest` is what x's equations miss, `short` what the rows miss."""
    t, f = half.shape
    forward(factor, f, rest)
    for k in range(t):
        explained = 0.0
        for i in range(f):
            explained += half[k, i] * rest[i]
        short[k] = explained - short[k]
    forward(schur, t, short)
    backward(schur, t, short)
    for k in range(t):
        for i in range(f):
            rest[i] -= short[k] * half[k, i]
    backward(factor, f, rest)


@kernel
def _gradient(h: Array, c: Array, a: Array, x: Array, y: Array, gradient: Array) -> float:
    """Write Hx - c + Aᵀy; its largest term, or what is small where variances are about 1."""
    symmetric_times(h, x, gradient)
    scale = LEAST_SCALE
    for i in range(x.shape[0]):
        scale = max(scale, abs(gradient[i]), abs(c[i]), abs(h[i, i] * x[i]))
        gradient[i] -= c[i]
    for k in range(y.shape[0]):
        if y[k] != 0.0:
            for i in range(x.shape[0]):
                scale = max(scale, abs(y[k] * a[k, i]))
                gradient[i] = fma(y[k], a[k, i], gradient[i])
    return scale
