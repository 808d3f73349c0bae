"""How sure a Sharpe ratio is: its error, and what the best of many tries would be without any skill.

Ratios are per period, of n periods, with skewness g and kurtosis k (3 of a normal law) of the returns:

    error² = (1 - g S + (k - 1)/4 S²) / (n - 1)                                     Mertens (2002)
    P[true S > S*] = N((S - S*) / error)                                            Bailey and López de Prado (2012)
    S* of N tries whose ratios have the variance V:  √V ((1 - γ) N⁻¹(1 - 1/N) + γ N⁻¹(1 - 1/(N e)))      (2014)
"""

import math

from calc.numerics import normal

EULER = 0.57721566490153286


def error(sharpe: float, skewness: float, kurtosis: float, periods: int) -> float:
    """Standard error of a ratio."""
    variance = 1.0 - skewness * sharpe + 0.25 * (kurtosis - 1.0) * sharpe * sharpe
    return math.sqrt(max(variance, 0.0) / (periods - 1))


def above(sharpe: float, threshold: float, standard_error: float) -> float:
    """The probability that the true ratio is above a threshold."""
    if standard_error == 0:
        return float(sharpe > threshold)
    return normal.distribution((sharpe - threshold) / standard_error)


def expected_maximum(tries: int, variance: float) -> float:
    """The ratio that the best of so many independent tries is expected to show though none has any skill."""
    if tries < 2:
        return 0.0
    most = (1.0 - EULER) * normal.quantile(1.0 - 1.0 / tries) + EULER * normal.quantile(1.0 - 1.0 / (tries * math.e))
    return math.sqrt(variance) * most
