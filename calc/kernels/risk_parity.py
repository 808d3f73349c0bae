"""Weights whose shares of the risk are given: the minimum of ½ x'Rx - Σ bᵢ ln xᵢ, R a correlation matrix.

At the minimum xᵢ (Rx)ᵢ = bᵢ. The function is convex and self-concordant, so Newton's steps, shortened while they are
long, stay positive and always arrive (Spinu 2013, *An algorithm for computing risk parity weights*); some rounds
over the single coordinates (Griveau-Billion, Richard and Roncalli 2013) bring the start near: forty rounds of 500
assets take as long as one of Newton's steps.
"""

import numpy as np
from numpy.typing import NDArray

from calc.kernels.jit import fma, kernel
from calc.kernels.linear import backward, cholesky, forward, symmetric_times

Array = NDArray[np.float64]

_ROUNDS_OF_COORDINATES = 60
_SETTLED = 0.02  # the largest relative change of a round
_STALLED = 4  # whole steps that do not halve the error, though products are exact: rounding leaves no more
_SHORT = 0.25  # the largest relative change for which whole steps are safe; longer ones are divided by 1 + change


@kernel
def balance(r: Array, budgets: Array, steps: int) -> tuple[int, Array, float]:
    """Newton's steps that were taken (-1: no end), x, and the largest |xᵢ (Rx)ᵢ / bᵢ - 1|, as small as rounding lets
    it: whether that is small enough is for the caller to judge."""
    n = budgets.shape[0]
    x, product = np.sqrt(budgets), np.empty(n)
    symmetric_times(r, x, product)
    for _ in range(_ROUNDS_OF_COORDINATES):
        if _coordinates(r, budgets, x, product) < _SETTLED:
            break
    hessian, step = np.empty((n, n)), np.empty(n)
    error, best = np.inf, np.inf
    kept = x.copy()
    length, stalled, exact = 0.0, 0, False
    for done in range(steps):
        if exact:
            _products(r, x, product)
        else:
            symmetric_times(r, x, product)
        error = 0.0
        for i in range(n):
            error = max(error, abs(x[i] * product[i] / budgets[i] - 1.0))
        if error < 1e-14 or (error < 1e-10 and error >= 0.1 * best):
            return (done, kept, best) if error > best else (done, x, error)
        if length == 1.0 and error >= 0.5 * best:
            stalled += 1
            if exact and stalled == _STALLED:
                return done, kept, best
            if not exact:
                exact, stalled, best = True, 0, np.inf
                continue
        if error < best:
            best = error
            kept[:] = x
        for i in range(n):
            hessian[i, i:] = r[i, i:]
            hessian[i, i] += budgets[i] / (x[i] * x[i])
            step[i] = budgets[i] / x[i] - product[i]
        if cholesky(hessian, n) >= 0:
            return -1, x, error
        forward(hessian, n, step)
        backward(hessian, n, step)
        reach = 0.0
        for i in range(n):
            reach = max(reach, abs(step[i]) / x[i])
        length = 1.0 / (1.0 + reach) if reach > _SHORT else 1.0
        for i in range(n):
            x[i] += length * step[i]
            if not x[i] > 0.0:
                return -1, x, error
    return -1, x, error


@kernel
def _products(r: Array, x: Array, product: Array) -> None:
    """Rx in twice the digits (Ogita, Rump and Oishi 2005): where assets nearly cancel out, little is left of one."""
    for i in range(x.shape[0]):
        total, lost = 0.0, 0.0
        for j in range(x.shape[0]):
            term = r[i, j] * x[j]
            lost += fma(r[i, j], x[j], -term)
            more = total + term
            back = more - total
            lost += (total - (more - back)) + (term - back)
            total = more
        product[i] = total + lost


@kernel
def _coordinates(r: Array, budgets: Array, x: Array, product: Array) -> float:
    """One round: each x to its own minimum, the others held. The largest relative change."""
    largest = 0.0
    for i in range(x.shape[0]):
        own = r[i, i]
        others = product[i] - own * x[i]
        better = (-others + np.sqrt(fma(others, others, 4.0 * own * budgets[i]))) / (2.0 * own)
        if not better > 0.0:
            continue
        change, row = better - x[i], r[i]
        largest = max(largest, abs(change) / x[i])
        x[i] = better
        for j in range(x.shape[0]):
            product[j] += change * row[j]
    return largest
