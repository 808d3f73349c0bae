"""What the states of a quadratic program's variables and rows say: x and multipliers, and which states are wrong.

The program and what a state is: `calc/kernels/active_set.py`.
"""

import numpy as np
from numpy.typing import NDArray

from calc.kernels.jit import fma, kernel
from calc.kernels.linear import backward, cholesky, forward, symmetric_times

Array = NDArray[np.float64]
States = NDArray[np.int8]

RIDGE = 1e-11
SLACK = 1e-12  # of x relative to its largest or 1, and of gradients to their largest term: what rounding leaves
LEAST_SCALE = 1e-4  # of gradients: H is to have a mean diagonal of 1


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
    factor = free_block(h, free)
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
            value, _ = row_of(a, tight[k], x)
            short[k] = (least[tight[k]] if states[n + tight[k]] < 0 else most[tight[k]]) - value
        solve_steps(factor, half, schur, rest, short)
        for i in range(f):
            x[free[i]] += rest[i]
        for k in range(t):
            y[tight[k]] += short[k]
    pivots = np.diag(factor)
    return float((pivots.max() / pivots.min()) ** 2)


@kernel
def free_block(h: Array, free: NDArray[np.int64]) -> Array:
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
def solve_steps(factor: Array, half: Array, schur: Array, rest: Array, short: Array) -> None:
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
def moved(
    h: Array,
    c: Array,
    lower: Array,
    upper: Array,
    a: Array,
    least: Array,
    most: Array,
    states: States,
    x: Array,
    y: Array,
    gradient: Array,
) -> tuple[int, float]:
    """Put what is outside at its bound and free what has the wrong sign: how many states that changed, and the
    residual. `gradient` is filled in."""
    n, m = c.shape[0], least.shape[0]
    scale = write_gradient(h, c, a, x, y, gradient)
    size = max(np.abs(x).max(), 1.0)
    residual = breach_of_rows(a, least, most, states, x)
    changed = 0
    for i in range(n):
        outside = max(lower[i] - x[i], x[i] - upper[i]) / size
        wrong = wrong_by(states[i], gradient[i]) / scale if lower[i] < upper[i] else 0.0
        residual = max(residual, outside, wrong, abs(gradient[i]) / scale if states[i] == 0 else 0.0)
        if outside > SLACK:
            states[i] = -1 if x[i] < lower[i] else 1
            changed += 1
        elif wrong > SLACK:
            states[i] = 0
            changed += 1
    for k in range(m):
        value, unit = row_of(a, k, x)
        outside = max(least[k] - value, value - most[k]) / unit
        if states[n + k] == 0 and outside > SLACK:
            states[n + k] = -1 if value < least[k] else 1
            changed += 1
        elif least[k] < most[k] and wrong_by(states[n + k], -y[k]) * np.abs(a[k]).max() > SLACK * scale:
            states[n + k] = 0
            changed += 1
    return changed, residual


@kernel
def wrong_by(state: int, gradient: float) -> float:
    """How much a gradient would have something leave the bound it is at; 0 where it holds it there, or between."""
    return max(-gradient if state < 0 else gradient, 0.0) if state != 0 else 0.0


@kernel
def row_of(a: Array, k: int, x: Array) -> tuple[float, float]:
    """A row's value, and the largest term that it has, or would have with a weight of 1."""
    value, unit = 0.0, 1e-300
    for i in range(x.shape[0]):
        value = fma(a[k, i], x[i], value)  # spelt out: the product has a second use, so a compiler may fuse it or not
        unit = max(unit, abs(a[k, i]) * max(abs(x[i]), 1.0))
    return value, unit


@kernel
def breach_of_rows(a: Array, least: Array, most: Array, states: States, x: Array) -> float:
    """The largest distance of a row from where its state has it, or from its bounds, relative to its terms."""
    breach, n = 0.0, x.shape[0]
    for k in range(least.shape[0]):
        value, unit = row_of(a, k, x)
        if states[n + k] != 0:
            breach = max(breach, abs(value - (least[k] if states[n + k] < 0 else most[k])) / unit)
        breach = max(breach, max(least[k] - value, value - most[k]) / unit)
    return breach


@kernel
def write_gradient(h: Array, c: Array, a: Array, x: Array, y: Array, gradient: Array) -> float:
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
