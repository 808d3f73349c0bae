"""Means, variances and covariances that can be merged, without the difference of two large sums.

Chan, Golub and LeVeque (1983), *Algorithms for computing the sample variance*. Merging is exact in mathematics
but not in bits: who merges does it in block order.
"""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


class Moments(NamedTuple):
    """Of n pairs (x, y): the means, and the sums of squares and products around them."""

    n: int
    mean_x: float
    mean_y: float
    xx: float
    yy: float
    xy: float


NOTHING = Moments(0, 0.0, 0.0, 0.0, 0.0, 0.0)


def of(x: Array, y: Array | None = None) -> Moments:
    """The moments of arrays of n numbers; without `y` those of y are 0."""
    n = x.size
    mean_x = float(x.sum()) / n
    dx = x - mean_x
    if y is None:
        return Moments(n, mean_x, 0.0, float((dx * dx).sum()), 0.0, 0.0)
    mean_y = float(y.sum()) / n
    dy = y - mean_y
    return Moments(n, mean_x, mean_y, float((dx * dx).sum()), float((dy * dy).sum()), float((dx * dy).sum()))


def merge(a: Moments, b: Moments) -> Moments:
    """The moments of both samples together."""
    if a.n == 0 or b.n == 0:
        return b if a.n == 0 else a
    n = a.n + b.n
    dx, dy = b.mean_x - a.mean_x, b.mean_y - a.mean_y
    share = b.n / n
    weight = a.n * share
    return Moments(
        n=n,
        mean_x=a.mean_x + dx * share,
        mean_y=a.mean_y + dy * share,
        xx=a.xx + b.xx + dx * dx * weight,
        yy=a.yy + b.yy + dy * dy * weight,
        xy=a.xy + b.xy + dx * dy * weight,
    )


def mean(m: Moments) -> tuple[float, float]:
    """Mean of x and its standard error."""
    return m.mean_x, math.sqrt(m.xx / (m.n - 1) / m.n)


def controlled_mean(m: Moments, expected_y: float) -> tuple[float, float, float]:
    """Mean of x with y as control variate, its standard error, and the coefficient.

    The coefficient is estimated from the same sample, which costs one degree of freedom and a bias of order 1/n.
    """
    slope = m.xy / m.yy if m.yy > 0 else 0.0
    residual = max(m.xx - slope * m.xy, 0.0)
    return m.mean_x - slope * (m.mean_y - expected_y), math.sqrt(residual / (m.n - 2) / m.n), slope
