"""Variances that move from day to day: GARCH(1,1) fitted by likelihood, and exponentially weighted.

    h_t = ω + α x²_(t-1) + β h_(t-1)          x²_(-1) = h_(-1) = the mean square; the mean of x is taken as 0
    log likelihood = -½ Σ (log 2π + log h_t + x_t²/h_t)

Bollerslev (1986), *Generalized autoregressive conditional heteroskedasticity*. Scoring steps with the expected
information, damped as by Levenberg and Marquardt, in (ω, α+β, α/(α+β)) kept within a box.
"""

import math

import numpy as np
from numpy.typing import NDArray

from calc.kernels.elementary import log
from calc.kernels.jit import kernel

Array = NDArray[np.float64]

MOST_STEPS, FIRST_STEPS = 300, 8
PERSISTENCES, SHARES = (0.2, 0.7, 0.95, 0.99), (0.01, 0.05, 0.15, 0.4)  # from where it climbs, the best of them on
MOST_PERSISTENCE = 0.9999
_LOG_2PI = math.log(2 * math.pi)


@kernel
def fit(x: Array) -> tuple[Array, Array]:
    """[ω, α, β, log likelihood, steps, next variance, largest free gradient] and the variance of each day.

    The gradient is of the likelihood a day, per unit of (ω over the mean square, α+β, α/(α+β)). All is 0 where x is.
    """
    n = x.shape[0]
    out, path = np.zeros(7), np.zeros(n)
    scale = 0.0
    for t in range(n):
        scale += x[t] * x[t]
    scale /= n
    if scale == 0.0:
        return out, path
    squares = np.empty(n)
    for t in range(n):
        squares[t] = x[t] * x[t] / scale
    at, best = np.zeros(3), -np.inf
    for persistence in PERSISTENCES:
        trial, value, _ = _climb(squares, _start(squares, persistence), FIRST_STEPS)
        if value > best:
            at, best = trial, value
    at, best, steps = _climb(squares, at, MOST_STEPS)
    gradient, information, slope = np.zeros(3), np.zeros((3, 3)), 0.0
    best = _likelihood(squares, at, gradient, information)
    for i in range(3):
        if not _stuck(at, gradient, i):
            slope = max(slope, abs(gradient[i]) / n)
    alpha, beta = at[1] * at[2], at[1] * (1.0 - at[2])
    variance = at[0] + at[1]
    for t in range(n):
        path[t] = variance * scale
        variance = at[0] + alpha * squares[t] + beta * variance
    out[0], out[1], out[2] = at[0] * scale, alpha, beta
    out[3] = best - 0.5 * n * (log(scale) + _LOG_2PI)
    out[4], out[5], out[6] = float(steps), variance * scale, slope
    return out, path


@kernel
def _start(squares: Array, persistence: float) -> Array:
    """The most likely of a few points with that α+β on which the long-run variance is that of the sample."""
    gradient, information = np.zeros(3), np.zeros((3, 3))
    best, at = -np.inf, np.zeros(3)
    for share in SHARES:
        point = np.array([1.0 - persistence, persistence, share])
        value = _likelihood(squares, point, gradient, information)
        if value > best:
            best, at = value, point
    return at


@kernel
def _climb(squares: Array, start: Array, most: int) -> tuple[Array, float, int]:
    """Where scoring steps lead from there, how likely that is, and how many there were."""
    gradient, information = np.zeros(3), np.zeros((3, 3))
    at, damping, steps = start, 1e-3, 0
    best = _likelihood(squares, at, gradient, information)
    while steps < most:
        steps += 1
        then = _kept_within(at + _step(at, gradient, information, damping))
        moved = np.abs(then - at).max()
        if moved < 1e-11:
            break
        value = _likelihood(squares, then, gradient, information)
        if value >= best:
            gained, at, best, damping = value - best, then, value, max(0.1 * damping, 1e-12)
            if gained < 1e-13 * squares.shape[0] and moved < 1e-7:
                break
        else:
            damping *= 10.0
            if damping > 1e15:
                break
            _likelihood(squares, at, gradient, information)
    return at, best, steps


@kernel
def _likelihood(squares: Array, at: Array, gradient: Array, information: Array) -> float:
    """-½ Σ (log h + x²/h) of squares with mean 1; writes its gradient and expected information at (ω, α+β, share)."""
    n = squares.shape[0]
    omega, alpha, beta = at[0], at[1] * at[2], at[1] * (1.0 - at[2])
    share, whole = at[2], at[1]
    variances = np.empty(n)
    h, d0, d1, d2 = omega + whole, 1.0, 1.0, 0.0
    g0, g1, g2 = 0.0, 0.0, 0.0
    i00, i01, i02, i11, i12, i22 = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
    for t in range(n):
        variances[t] = h
        one = 1.0 / h
        excess = 0.5 * (squares[t] * one - 1.0) * one
        g0, g1, g2 = g0 + excess * d0, g1 + excess * d1, g2 + excess * d2
        weight = 0.5 * one * one
        i00, i01, i02 = i00 + weight * d0 * d0, i01 + weight * d0 * d1, i02 + weight * d0 * d2
        i11, i12, i22 = i11 + weight * d1 * d1, i12 + weight * d1 * d2, i22 + weight * d2 * d2
        d0 = 1.0 + beta * d0
        d1 = share * squares[t] + (1.0 - share) * h + beta * d1
        d2 = whole * (squares[t] - h) + beta * d2
        h = omega + alpha * squares[t] + beta * h
    gradient[0], gradient[1], gradient[2] = g0, g1, g2
    information[0, 0], information[1, 1], information[2, 2] = i00, i11, i22
    information[0, 1] = information[1, 0] = i01
    information[0, 2] = information[2, 0] = i02
    information[1, 2] = information[2, 1] = i12
    total = 0.0
    for t in range(n):
        variances[t] = log(variances[t]) + squares[t] / variances[t]
    for t in range(n):
        total += variances[t]
    return -0.5 * total


@kernel
def _bounds(i: int) -> tuple[float, float]:
    """Of ω over the mean square, α+β, and α/(α+β)."""
    if i == 0:
        return 1e-8, 100.0
    return 0.0, (MOST_PERSISTENCE if i == 1 else 1.0)


@kernel
def _kept_within(at: Array) -> Array:
    for i in range(3):
        low, high = _bounds(i)
        at[i] = min(max(at[i], low), high)
    return at


@kernel
def _stuck(at: Array, gradient: Array, i: int) -> bool:
    """Whether the likelihood would rise beyond the bound at which the parameter is."""
    low, high = _bounds(i)
    return bool((at[i] <= low and gradient[i] <= 0.0) or (at[i] >= high and gradient[i] >= 0.0))


@kernel
def _step(at: Array, gradient: Array, information: Array, damping: float) -> Array:
    """Solve the damped system in the parameters that are free, by elimination."""
    a, b = np.zeros((3, 3)), np.zeros(3)
    for i in range(3):
        stuck = _stuck(at, gradient, i)
        b[i] = 0.0 if stuck else gradient[i]
        for j in range(3):
            free = not stuck and not _stuck(at, gradient, j)
            a[i, j] = information[i, j] if free else 0.0
        a[i, i] = 1.0 if stuck else information[i, i] * (1.0 + damping) + 1e-9
    for k in range(3):
        for i in range(k + 1, 3):
            f = a[i, k] / a[k, k]
            for j in range(k, 3):
                a[i, j] -= f * a[k, j]
            b[i] -= f * b[k]
    for i in range(2, -1, -1):
        for j in range(i + 1, 3):
            b[i] -= a[i, j] * b[j]
        b[i] /= a[i, i]
    return b


@kernel
def ewma(x: Array, decay: float, initial: float) -> float:
    """The variance after the last day: λ times the one before, and 1-λ times the last square."""
    variance = initial
    for t in range(x.shape[0]):
        variance = decay * variance + (1.0 - decay) * x[t] * x[t]
    return variance
