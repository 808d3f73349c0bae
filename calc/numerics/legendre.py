"""Gauss and Legendre's nodes and weights on [-1, 1], without an eigenvalue solver: the same bits everywhere."""

import math
from functools import cache

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@cache
def gauss_legendre(n: int) -> tuple[Array, Array]:
    """n ascending nodes and their weights, which integrate polynomials up to degree 2n - 1 exactly."""
    nodes, weights = np.zeros(n), np.zeros(n)
    for i in range((n + 1) // 2):
        x = math.cos(math.pi * (i + 0.75) / (n + 0.5))
        slope = 1.0
        for _ in range(100):
            value, slope = _legendre(n, x)
            step = value / slope
            x -= step
            if abs(step) < 1e-15:
                break
        if n % 2 and i == n // 2:
            x = 0.0
        slope = _legendre(n, x)[1]
        nodes[i], nodes[n - 1 - i] = -x, x
        weights[i] = weights[n - 1 - i] = 2.0 / ((1.0 - x * x) * slope * slope)
    return nodes, weights


def _legendre(n: int, x: float) -> tuple[float, float]:
    """The polynomial of degree n and its derivative, for |x| < 1."""
    before, value = 1.0, x
    for k in range(2, n + 1):
        before, value = value, ((2 * k - 1) * x * value - (k - 1) * before) / k
    return value, n * (x * value - before) / (x * x - 1.0)
