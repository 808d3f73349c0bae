"""When Brownian motion with drift first reaches a level: the bricks of barrier and lookback options.

X_t = νt + σW_t, and a level at the distance d >= 0 in whose direction the drift is counted: probability that X has
been there by T, and the value of 1 paid at that moment. With κ = √(ν² + 2rσ²),

    P(τ <= T)        = N((νT - d)/σ√T) + e^(2νd/σ²) N((-νT - d)/σ√T)
    E[e^(-rτ); τ<=T] = e^(d(ν-κ)/σ²) N((κT - d)/σ√T) + e^(d(ν+κ)/σ²) N((-κT - d)/σ√T)

Products of a huge power and a tiny probability are made of their logarithms. Where r is so far below 0 that κ is not
real, the second is e^(-rT) P(T) + r ∫ e^(-rt) P(t) dt. Karatzas and Shreve (1991), *Brownian Motion and Stochastic
Calculus*, 3.5; Rubinstein and Reiner (1991), *Unscrambling the binary code*.
"""

import math

from calc.numerics.legendre import gauss_legendre

_LOG_ROOT_2PI = 0.9189385332046727
_LARGEST = 709.0  # e to it is still a number


def log_distribution(x: float) -> float:
    """log P(Z <= x), where P itself is below all floats as well; -∞ at -∞."""
    if x > -37.0:
        return math.log(0.5 * math.erfc(-x / math.sqrt(2)))
    if x < -1e150:
        return -math.inf
    y = 1 / (x * x)
    tail = 1 - y * (1 - 3 * y * (1 - 5 * y * (1 - 7 * y)))
    return -0.5 * x * x - math.log(-x) - _LOG_ROOT_2PI + math.log(tail)


def tilted(exponent: float, x: float) -> float:
    """e^exponent P(Z <= x)."""
    return math.exp(min(exponent + log_distribution(x), _LARGEST))


def hit_probability(distance: float, drift: float, volatility: float, maturity: float) -> float:
    """P(τ <= T). Units: log of price, per year, per square root of a year, years."""
    s = volatility * math.sqrt(maturity)
    if distance <= 0:
        return 1.0
    if s == 0:
        return 1.0 if drift * maturity >= distance else 0.0
    m = drift * maturity
    direct, reflected = (m - distance) / s, (-m - distance) / s
    return min(tilted(0.0, direct) + tilted(2 * distance / s * (m / s), reflected), 1.0)


def discounted_hit(distance: float, drift: float, volatility: float, maturity: float, rate: float) -> float:
    """E[e^(-rτ); τ <= T]: the value of 1, paid when the level is reached."""
    s = volatility * math.sqrt(maturity)
    if distance <= 0:
        return 1.0
    if s == 0:
        return math.exp(-rate * distance / drift) if drift * maturity >= distance else 0.0
    square = drift * drift + 2 * rate * volatility * volatility
    if square < 0:
        return _integrated(distance, drift, volatility, maturity, rate)
    m, k, z = drift * maturity / s, math.sqrt(square) * maturity / s, distance / s
    # m - k without the difference of two large numbers: -2rT/(m + k)
    lower = -2 * rate * maturity / (m + k) if m > 0 else m - k
    return tilted(z * lower, k - z) + tilted(z * (m + k), -k - z)


def _integrated(distance: float, drift: float, volatility: float, maturity: float, rate: float) -> float:
    """The same by parts, on panels that halve towards 0, where P rises from nothing."""
    nodes, weights = gauss_legendre(20)
    terms, end = [], maturity
    for _ in range(60):
        half = 0.25 * end
        for x, w in zip(nodes.tolist(), weights.tolist(), strict=True):
            t = 0.5 * end + half * (1 + x)
            terms.append(half * w * math.exp(-rate * t) * hit_probability(distance, drift, volatility, t))
        end *= 0.5
    at_end = math.exp(-rate * maturity) * hit_probability(distance, drift, volatility, maturity)
    return at_end + rate * math.fsum(terms)
