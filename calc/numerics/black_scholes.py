"""The European option in closed form: Black and Scholes (1973), Merton (1973) with a dividend yield.

With F = S e^((r-q)T), s = σ√T, d1 = ln(F/K)/s + s/2, d2 = d1 - s and w = 1 for a call, -1 for a put:

    price = w (S e^(-qT) N(w d1) - K e^(-rT) N(w d2))

No time or no volatility is a limit, not an error: d1 and d2 go to ±∞ by the side of the forward, and the price is
the discounted intrinsic value of the forward. What has no finite limit there is None.
"""

import math
from typing import NamedTuple

from calc.numerics.normal import density, distribution


class Priced(NamedTuple):
    """Price and raw derivatives: per unit of spot, per 1.00 of volatility and rate, per year. None: no finite value."""

    price: float
    delta: float
    gamma: float | None
    vega: float
    theta: float | None
    rho: float


def european(
    call: bool, spot: float, strike: float, maturity: float, rate: float, dividend_yield: float, volatility: float
) -> Priced:
    """Price and greeks. Units: years, per year (continuous), per square root of a year."""
    w = 1.0 if call else -1.0
    root = math.sqrt(maturity)
    s = volatility * root
    moneyness = math.log(spot / strike) + (rate - dividend_yield) * maturity
    d1 = moneyness / s + 0.5 * s if s > 0 else math.copysign(math.inf, moneyness) if moneyness else 0.0
    d2 = d1 - s
    held, paid = spot * math.exp(-dividend_yield * maturity), strike * math.exp(-rate * maturity)
    in_spot, in_cash = held * distribution(w * d1), paid * distribution(w * d2)
    at_the_kink = s == 0 and moneyness == 0
    slope = held * density(d1)
    if maturity > 0:
        decay: float | None = slope * volatility / (2 * root)
    else:
        decay = None if at_the_kink and volatility > 0 else 0.0
    carry = w * (dividend_yield * in_spot - rate * in_cash)
    return Priced(
        price=max(w * (in_spot - in_cash), 0.0) + 0.0,  # + 0.0: never -0.0
        delta=w * in_spot / spot + 0.0,
        gamma=_ratio(slope, spot * spot * s) if s > 0 else None if at_the_kink else 0.0,
        vega=slope * root,
        theta=None if decay is None else carry - decay + 0.0,
        rho=w * maturity * in_cash + 0.0,
    )


def _ratio(over: float, under: float) -> float | None:
    """Their quotient; None where it is beyond all floats (a gamma at the kink, almost)."""
    quotient = over / under if under > 0 else math.inf if over > 0 else 0.0
    return quotient if math.isfinite(quotient) else None
