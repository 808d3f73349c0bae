"""Lookback options that are watched all the time, in closed form.

Goldman, Sosin and Gatto (1979) for floating strikes, Conze and Viswanathan (1991) for fixed ones. All four are made of
two values, of what the highest price will exceed k >= S by, and of what the lowest will fall short of k <= S by. With
b = r - q, d = (log(S/k) + (b + σ²/2) T)/σ√T, e = d - σ√T:

    above(k) = S e^(-qT) N(d) - k e^(-rT) N(e) + S e^(-rT) σ²/2b [e^(bT) N(d) - (S/k)^(-2b/σ²) N(d - 2b√T/σ)]
    below(k) = k e^(-rT) N(-e) - S e^(-qT) N(-d) + S e^(-rT) σ²/2b [(S/k)^(-2b/σ²) N(2b√T/σ - d) - e^(bT) N(-d)]

Near b = 0 the bracket is a small difference over a small number: there the same is the integral of the probability
that the extreme is beyond a level, over all levels.
"""

import math

from calc.numerics import first_passage
from calc.numerics.first_passage import tilted
from calc.numerics.legendre import gauss_legendre

_NEARLY_ZERO = 1e-4  # of 2b/σ²: the bracket has lost four digits
_PANELS, _NODES = 40, 20


def fixed(
    call: bool,
    spot: float,
    strike: float,
    extreme: float,
    maturity: float,
    rate: float,
    dividend_yield: float,
    volatility: float,
) -> float:
    """Highest price over the strike, or strike over the lowest; `extreme` is the highest or lowest so far."""
    discount = math.exp(-rate * maturity)
    market = (maturity, rate, dividend_yield, volatility)
    if call:
        return discount * max(extreme - strike, 0.0) + above(spot, max(extreme, strike), *market)
    return discount * max(strike - extreme, 0.0) + below(spot, min(extreme, strike), *market)


def floating(
    call: bool, spot: float, extreme: float, maturity: float, rate: float, dividend_yield: float, volatility: float
) -> float:
    """Last price over the lowest, or the highest over the last; `extreme` is the lowest or highest so far."""
    held, discount = spot * math.exp(-dividend_yield * maturity), math.exp(-rate * maturity)
    market = (maturity, rate, dividend_yield, volatility)
    if call:
        return max(held - discount * extreme + below(spot, extreme, *market), 0.0)
    return max(discount * extreme - held + above(spot, extreme, *market), 0.0)


def above(spot: float, level: float, maturity: float, rate: float, dividend_yield: float, volatility: float) -> float:
    """Value of (highest - level)⁺ for level >= spot."""
    b, s = rate - dividend_yield, volatility * math.sqrt(maturity)
    if s == 0:
        return math.exp(-rate * maturity) * max(spot * math.exp(max(b * maturity, 0.0)) - level, 0.0)
    power = 2 * b / volatility**2
    if abs(power) < _NEARLY_ZERO:
        return _beyond(1.0, spot, level, maturity, rate, b, volatility)
    d = (math.log(spot / level) + b * maturity) / s + 0.5 * s
    held, paid = math.log(spot) - dividend_yield * maturity, math.log(level) - rate * maturity
    now = math.log(spot) - rate * maturity
    bracket = tilted(held, d) - tilted(now + power * math.log(level / spot), d - power * s)
    return max(tilted(held, d) - tilted(paid, d - s) + bracket / power, 0.0)


def below(spot: float, level: float, maturity: float, rate: float, dividend_yield: float, volatility: float) -> float:
    """Value of (level - lowest)⁺ for level <= spot."""
    b, s = rate - dividend_yield, volatility * math.sqrt(maturity)
    if s == 0:
        return math.exp(-rate * maturity) * max(level - spot * math.exp(min(b * maturity, 0.0)), 0.0)
    power = 2 * b / volatility**2
    if abs(power) < _NEARLY_ZERO:
        return _beyond(-1.0, spot, level, maturity, rate, b, volatility)
    d = (math.log(spot / level) + b * maturity) / s + 0.5 * s
    held, paid = math.log(spot) - dividend_yield * maturity, math.log(level) - rate * maturity
    now = math.log(spot) - rate * maturity
    bracket = tilted(now + power * math.log(level / spot), power * s - d) - tilted(held, -d)
    return max(tilted(paid, s - d) - tilted(held, -d) + bracket / power, 0.0)


def _beyond(
    sign: float, spot: float, level: float, maturity: float, rate: float, carry: float, volatility: float
) -> float:
    """∫ S e^y P(the extreme of ±X is beyond y) dy from the level on; sign is 1 upwards, -1 downwards."""
    s = volatility * math.sqrt(maturity)
    drift = sign * (carry - 0.5 * volatility**2)
    start = sign * math.log(level / spot)
    far = max(start, max(drift, drift + sign * volatility**2) * maturity) + 10 * s
    width = (far - start) / _PANELS
    nodes, weights = gauss_legendre(_NODES)
    terms = []
    for panel in range(_PANELS):
        for x, w in zip(nodes.tolist(), weights.tolist(), strict=True):
            y = start + width * (panel + 0.5 * (1 + x))
            chance = first_passage.hit_probability(y, drift, volatility, maturity)
            terms.append(0.5 * width * w * chance * math.exp(sign * y))
    return spot * math.exp(-rate * maturity) * math.fsum(terms)
