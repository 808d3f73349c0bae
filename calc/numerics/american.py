"""A vanilla option with early exercise as a put, in units of the strike; and its price when exercise is continuous.

A call on S struck at K is a put on K struck at S with rate and dividend yield exchanged (McDonald and Schroder 1998):
so there is one problem, the put of strike 1 at x = S/K. Continuation values are convex in x, so at every date the
x at which exercise is right are an interval: one that begins at 0, or one with two ends, or none (`shape`).
"""

import math
from functools import cache
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from calc import lazy
from calc.numerics.legendre import gauss_legendre

exercise_boundary = lazy.module("calc.kernels.exercise_boundary")

Array = NDArray[np.float64]

_POINTS, _NODES, _PRICE_NODES = 20, 32, 64
_NOTHING = 1e-13  # interest on the strike, which is the most that early exercise can earn without negative dividends
_CLOSE = 1e-9  # relative change of the boundary up to which it counts as found


class Put(NamedTuple):
    """The put of strike 1; prices are times `unit`. `turned`: it stands for a call, seen from the share."""

    x: float
    rate: float
    dividend: float
    vol: float
    maturity: float
    unit: float
    turned: bool


class Continuous(NamedTuple):
    """Exercise at any time: price in units of the strike, the boundary now (x at or below it: exercise), residual."""

    price: float
    boundary: float
    residual: float


def as_put(
    call: bool, spot: float, strike: float, maturity: float, rate: float, dividend_yield: float, vol: float
) -> Put:
    """The put that the option is."""
    if call:
        return Put(strike / spot, dividend_yield, rate, vol, maturity, spot, True)
    return Put(spot / strike, rate, dividend_yield, vol, maturity, strike, False)


def shape(put: Put) -> Literal["from_zero", "between", "never"]:
    """Where early exercise can be right: below a boundary, between two, or nowhere.

    Exercise earns r - q x a year; far in the money that is r. It is nowhere above 0 for x < 1 if neither r nor
    r - q is.
    """
    if put.rate > 0 or (put.rate == 0 and put.dividend < 0):
        return "from_zero"
    return "between" if put.dividend < put.rate else "never"


def european(put: Put) -> float:
    """Its value without early exercise, in units of the strike; maturity or volatility 0 is the limit."""
    total = put.vol * math.sqrt(put.maturity)
    carry = (put.rate - put.dividend) * put.maturity
    discount = math.exp(-put.rate * put.maturity)
    if total == 0:
        return discount * max(1.0 - put.x * math.exp(carry), 0.0)
    return float(exercise_boundary.european_put(put.x, 1.0, total, carry, discount))


def continuous(put: Put) -> Continuous | None:
    """Exercise at any time, for volatility and maturity above 0; None where there are two boundaries, or none found."""
    kind = shape(put)
    if kind == "never" or (put.dividend >= 0 and put.rate * put.maturity < _NOTHING):
        return Continuous(max(european(put), 1.0 - put.x), 0.0, 0.0)
    if kind == "between":
        return None
    limit = min(1.0, put.rate / put.dividend) if put.dividend > 0 else 1.0
    cosines = np.array([math.cos(math.pi * k / _POINTS) for k in range(2 * _POINTS)])
    start = np.array([_guess(put, limit, 0.5 * (1.0 + cosines[k])) for k in range(_POINTS + 1)])
    points, coefficients, residual = exercise_boundary.boundary(
        put.rate, put.dividend, put.vol, put.maturity, start, cosines, _rule(_NODES)
    )
    if not residual < _CLOSE:
        return None
    if put.x <= points[0]:
        return Continuous(1.0 - put.x, float(points[0]), float(residual))
    rule = _rule(_PRICE_NODES)
    premium = exercise_boundary.premium(put.x, put.rate, put.dividend, put.vol, put.maturity, limit, coefficients, rule)
    price = max(european(put) + max(float(premium), 0.0), 1.0 - put.x, 0.0)
    return Continuous(price, float(points[0]), float(residual))


def deterministic(put: Put, times: Array) -> tuple[float, float | None]:
    """Without volatility: the best date's value in units of the strike, and that date; None where it is nothing."""
    best, when = 0.0, None
    for time in times.tolist():
        forward = put.x * math.exp((put.rate - put.dividend) * time)
        value = math.exp(-put.rate * time) * (1.0 - forward)
        if value > best:
            best, when = value, time
    return best, when


def still_dates(put: Put) -> Array:
    """Without volatility and at any time: now, maturity, and where the gain r - q x of waiting no longer changes sign.

    The discounted payoff e^(-rt) - x e^(-qt) is stationary at e^((r-q)t) = r/(q x).
    """
    times = [0.0, put.maturity]
    ratio = put.rate / (put.dividend * put.x) if put.dividend else 0.0
    if ratio > 0 and put.rate != put.dividend:
        times.insert(1, math.log(ratio) / (put.rate - put.dividend))
    return np.array([time for time in times if 0 <= time <= put.maturity])


@cache
def _rule(n: int) -> Array:
    """sin θ, cos θ and weight of n nodes on (0, π/2), for integrals over τ sin²θ, per τ."""
    nodes, weights = gauss_legendre(n)
    angles = [0.25 * math.pi * (1.0 + node) for node in nodes.tolist()]
    sines, cosines = np.array([math.sin(each) for each in angles]), np.array([math.cos(each) for each in angles])
    return np.array([sines, cosines, 0.5 * math.pi * weights * sines * cosines])


def _guess(put: Put, limit: float, share: float) -> float:
    """Between the boundary at maturity and that of the perpetual put, at √τ = share·√T."""
    variance = put.vol * put.vol
    if share == 0 or variance == 0:  # nothing moves that could be waited for
        return limit
    drift = put.rate - put.dividend - 0.5 * variance
    slope = (-drift - math.sqrt(drift * drift + 2.0 * put.rate * variance)) / variance
    forever = min(slope / (slope - 1.0), limit) if slope < 0 else 0.5 * limit
    gap = limit - forever
    if gap <= 0:
        return limit
    return max(forever + gap * math.exp(-2.0 * put.vol * share * math.sqrt(put.maturity) * limit / gap), 1e-3 * limit)
