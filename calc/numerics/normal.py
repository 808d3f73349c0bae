"""The normal law: accurate in both tails, without scipy."""

import math
from statistics import NormalDist

_STANDARD = NormalDist()
TWO_SIDED_95 = 1.959963984540054  # the 0.975 quantile


def density(x: float) -> float:
    """Standard normal density; 0 at the infinities."""
    return math.exp(-0.5 * x * x) / math.sqrt(2 * math.pi)


def distribution(x: float) -> float:
    """P(Z <= x), with full relative accuracy for very negative x."""
    return 0.5 * math.erfc(-x / math.sqrt(2))


def quantile(p: float) -> float:
    """The x with P(Z <= x) = p, 0 < p < 1 (Wichura's AS 241)."""
    return _STANDARD.inv_cdf(p)


def interval_95(value: float, standard_error: float) -> tuple[float, float]:
    """The 95 % interval of an estimate with a normal error."""
    return value - TWO_SIDED_95 * standard_error, value + TWO_SIDED_95 * standard_error
