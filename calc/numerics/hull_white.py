"""The Hull-White model of the short rate, with constant coefficients, and options on swaps in it.

With a the mean reversion, σ the volatility and D(t) today's discount factors, the bond at t under the t-forward law is

    P(t, s) = D(s)/D(t) exp(-B(s-t) y - B(s-t)² v(t)/2),   y normal with mean 0 and variance v(t),
    B(u) = (1 - e^(-au))/a,   v(t) = σ² (1 - e^(-2at))/(2a),   and as a goes to 0: u, σ² t

and y is a first-order autoregression: y(t) = e^(-a(t-u)) y(u) + an independent normal of variance v(t-u). For the law
forward to a later t, y(u) is shifted by -B(t-u) v(u). Hull and White (1990); Brigo and Mercurio (2006), 3.3.
"""

import math
from collections.abc import Callable
from typing import NamedTuple

from calc.numerics.normal import distribution

Discount = Callable[[float], float]  # D(t)

_SERIES = 1e-5  # a·u up to which the quotient is taken as its series


class HullWhite(NamedTuple):
    """Mean reversion and volatility, per year and per year^(3/2)."""

    reversion: float
    vol: float

    def duration(self, years: float) -> float:
        """B: how the log of a bond with so many years to go hangs on y."""
        return _quotient(self.reversion, years)

    def variance(self, years: float) -> float:
        """v: of y after so many years."""
        return self.vol * self.vol * _quotient(2.0 * self.reversion, years)

    def decay(self, years: float) -> float:
        """What is left of y after so many years."""
        return math.exp(-self.reversion * years)


def option_on_flows(
    model: HullWhite, discount: Discount, expiry: float, paid: tuple[float, float], flows: list[tuple[float, float]]
) -> float:
    """Today's value of max(Σ amount · P(expiry, time), 0) at expiry, over `paid` and the later flows (time, amount).

    All flows are of one sign and `paid` is of the other, at `expiry` or later: Jamshidian (1989). In units of the bond
    of `paid` the sum is monotone in y; at its root it falls apart into options on single bonds.
    """
    start, amount = paid
    deviation, today = math.sqrt(model.variance(expiry)), discount(start)
    reach = model.duration(start - expiry)
    terms = [
        (each * discount(time) / today, (model.duration(time - expiry) - reach) * deviation) for time, each in flows
    ]
    if deviation == 0:
        return today * max(amount + math.fsum(each for each, _ in terms), 0.0)
    root = _root(amount, terms)
    sign = 1.0 if terms[0][0] < 0 else -1.0  # what is owed falls in y: the option pays above the root
    value = amount * distribution(-sign * root)
    value += math.fsum(each * distribution(-sign * (root + spread)) for each, spread in terms)
    return max(today * value, 0.0)


def _root(paid: float, terms: list[tuple[float, float]]) -> float:
    """The standard normal z at which paid + Σ amount · exp(-spread z - spread²/2) is 0: Newton's steps on its log."""
    target, z = math.log(abs(paid)), 0.0
    for _ in range(200):
        parts = [abs(amount) * math.exp(-spread * z - 0.5 * spread * spread) for amount, spread in terms]
        total = math.fsum(parts)
        slope = -math.fsum(part * spread for part, (_, spread) in zip(parts, terms, strict=True)) / total
        if slope == 0:
            return math.copysign(math.inf, math.log(total) - target) if math.log(total) != target else 0.0
        step = (math.log(total) - target) / slope
        z -= max(min(step, 20.0), -20.0)
        if abs(step) < 1e-14 * max(abs(z), 1.0):
            break
    return z


def _quotient(rate: float, years: float) -> float:
    """(1 - e^(-rate·years))/rate."""
    product = rate * years
    if abs(product) < _SERIES:
        return years * (1.0 - product / 2.0 * (1.0 - product / 3.0 * (1.0 - product / 4.0)))
    return -math.expm1(-product) / rate
