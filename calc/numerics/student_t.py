"""Student's t law: distribution and quantile without scipy, which would cost every child its memory.

The distribution is the regularised incomplete beta function by its continued fraction (Lentz's method,
*Numerical Recipes* 6.4); the quantile is found by bisection and polished by Newton.
"""

import math


def density(x: float, degrees: float) -> float:
    """Density of t with `degrees` degrees of freedom (any positive number), not scaled."""
    log_norm = math.lgamma((degrees + 1) / 2) - math.lgamma(degrees / 2) - 0.5 * math.log(degrees * math.pi)
    return math.exp(log_norm - (degrees + 1) / 2 * math.log1p(x * x / degrees))


def distribution(x: float, degrees: float) -> float:
    """P(T <= x). Near 0 the way from the middle is computed, further out the tail: each where it is small."""
    square = x * x
    if square < 1:
        return 0.5 + math.copysign(0.5 * _incomplete_beta(0.5, degrees / 2, square / (degrees + square)), x)
    tail = 0.5 * _incomplete_beta(degrees / 2, 0.5, degrees / (degrees + square))
    return 1 - tail if x > 0 else tail


def quantile(p: float, degrees: float) -> float:
    """The x with P(T <= x) = p, 0 < p < 1."""
    if p < 0.5:
        return -quantile(1 - p, degrees)
    low, high = 0.0, 1.0
    while distribution(high, degrees) < p:
        low, high = high, 2 * high
    for _ in range(30):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if distribution(middle, degrees) < p else (low, middle)
    x = 0.5 * (low + high)
    for _ in range(3):
        x -= (distribution(x, degrees) - p) / density(x, degrees)
    return x


def _incomplete_beta(a: float, b: float, x: float) -> float:
    if x <= 0 or x >= 1:
        return 0.0 if x <= 0 else 1.0
    log_front = math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x)
    if x < (a + 1) / (a + b + 2):
        return math.exp(log_front) * _continued_fraction(a, b, x) / a
    return 1 - math.exp(log_front) * _continued_fraction(b, a, 1 - x) / b


def _continued_fraction(a: float, b: float, x: float) -> float:
    tiny = 1e-300
    c, d = 1.0, 1 / _away_from_zero(1 - (a + b) * x / (a + 1), tiny)
    value = d
    for m in range(1, 1000):
        even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        change = 1.0
        for term in (even, odd):
            d = 1 / _away_from_zero(1 + term * d, tiny)
            c = _away_from_zero(1 + term / c, tiny)
            change = c * d
            value *= change
        if abs(change - 1) < 1e-16:
            return value
    raise ArithmeticError(f"incomplete beta({a}, {b}, {x}) does not converge")


def _away_from_zero(x: float, tiny: float) -> float:
    return x if abs(x) > tiny else tiny
