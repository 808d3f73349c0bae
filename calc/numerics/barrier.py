"""Barrier options that are watched all the time, in closed form, and the barrier that answers for dates.

Reiner and Rubinstein (1991), *Breaking down the barriers*, with a dividend yield, in the letters of Haug (2007), *The
Complete Guide to Option Pricing Formulas*, 4.17. With w = 1 for a call, η = 1 for a barrier below, b = r - q,
ν = b - σ²/2, s = σ√T and h = log(H/S):

    A, B   the vanilla option struck at K, and its payoff beyond H instead
    C, D   their reflections at the barrier, weighted by (H/S)^(2ν/σ²)

Which of them a knock-out is made of depends on whether the strike is beyond the barrier. The rebate of a knock-out is
paid when it is hit, that of a knock-in at maturity if it never was. No time, no volatility: the limit, a path without
chance. Broadie, Glasserman and Kou (1997), *A continuity correction for discrete barrier options*: m dates are as good
as all the time with a barrier moved away by the factor e^(0.5826 σ√(T/m)).
"""

import math
from typing import NamedTuple

from calc.numerics import black_scholes, first_passage
from calc.numerics.first_passage import tilted

SHIFT = 0.5825971579390106  # -ζ(1/2)/√(2π)


class Barrier(NamedTuple):
    """The option without its rebate, not hit so far. Units: currency, years, per year, per square root of a year."""

    call: bool
    down: bool
    spot: float
    strike: float
    barrier: float
    maturity: float
    rate: float
    dividend_yield: float
    volatility: float

    @property
    def distance(self) -> float:
        """From spot to barrier in logarithms, above 0 while it is not hit."""
        gap = math.log(self.spot / self.barrier)
        return gap if self.down else -gap

    @property
    def drift(self) -> float:
        """Of the logarithm, towards the barrier."""
        drift = self.rate - self.dividend_yield - 0.5 * self.volatility**2
        return -drift if self.down else drift

    @property
    def discount(self) -> float:
        return math.exp(-self.rate * self.maturity)


def vanilla(option: Barrier) -> float:
    """The European option without a barrier."""
    return black_scholes.european(
        option.call,
        option.spot,
        option.strike,
        option.maturity,
        option.rate,
        option.dividend_yield,
        option.volatility,
    ).price


def out_and_in(option: Barrier) -> tuple[float, float]:
    """Knock-out and knock-in, without rebates; together they are the vanilla option."""
    whole = vanilla(option)
    if option.distance <= 0:
        return 0.0, whole
    if option.volatility * math.sqrt(option.maturity) == 0:
        return (0.0, whole) if hit_probability(option) == 1.0 else (whole, 0.0)
    a, b, c, d = (_term(option, *which) for which in ((False, False), (True, False), (False, True), (True, True)))
    beyond = (option.strike > option.barrier) == option.down  # the strike is on the living side
    if option.call == option.down:
        out, knocked_in = (a - c, c) if beyond else (b - d, a - b + d)
    else:
        out, knocked_in = (a - b + c - d, b - c + d) if beyond else (0.0, a)
    return max(out, 0.0), max(knocked_in, 0.0)


def hit_probability(option: Barrier) -> float:
    """That the barrier is hit by maturity, under the pricing measure."""
    return first_passage.hit_probability(option.distance, option.drift, option.volatility, option.maturity)


def rebate_at_hit(option: Barrier) -> float:
    """The value of 1, paid when the barrier is hit."""
    return first_passage.discounted_hit(option.distance, option.drift, option.volatility, option.maturity, option.rate)


def rebate_at_maturity(option: Barrier) -> float:
    """The value of 1, paid at maturity if the barrier was never hit."""
    return option.discount * (1.0 - hit_probability(option))


def shifted(option: Barrier, dates: int) -> Barrier:
    """Watched all the time, it is worth about what `option` is at that many equally spaced dates."""
    step = SHIFT * option.volatility * math.sqrt(option.maturity / dates)
    moved = math.log(option.barrier) + (-step if option.down else step)
    return option._replace(barrier=math.exp(min(moved, 700.0)))


def _term(option: Barrier, at_barrier: bool, reflected: bool) -> float:
    """A, B, C or D of Haug's table."""
    w = 1.0 if option.call else -1.0
    eta = 1.0 if option.down else -1.0
    s = option.volatility * math.sqrt(option.maturity)
    nu = (option.rate - option.dividend_yield) * option.maturity - 0.5 * s * s
    h = math.log(option.barrier / option.spot)
    level = h if at_barrier else math.log(option.strike / option.spot)
    x = ((2 * h if reflected else 0.0) - level + nu) / s  # of the cash leg; s more for the asset leg
    side = eta if reflected else w
    weight = 2 * (h / s) * (nu / s) if reflected else 0.0
    held = math.log(option.spot) - option.dividend_yield * option.maturity + (2 * h if reflected else 0.0)
    paid = math.log(option.strike) - option.rate * option.maturity
    return w * (tilted(held + weight, side * (x + s)) - tilted(paid + weight, side * x))
