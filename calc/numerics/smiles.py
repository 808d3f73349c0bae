"""Option quotes by maturity, and whether a book of them could be bought and sold at a profit without any risk."""

import itertools
import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from calc import lazy
from calc.numerics import black_scholes

implied_vol = lazy.module("calc.kernels.implied_vol")

Array = NDArray[np.float64]

_LEAST_VEGA = 1e-3  # of the largest of its maturity: what a quote far in the wings counts with
_NO_VEGA = 1e-100  # over the forward: no price tells anything of the volatility


class Smile(NamedTuple):
    """Quotes of one maturity, in the order of `rows`: their numbers among all. Forward and strikes include the shift.

    `volatilities` are the market's, `calls` the discounted calls at these; `scales` turn the error of a price into
    that of a volatility, times the root of the quote's weight.
    """

    maturity: float
    forward: float
    discount: float
    rows: list[int]
    strikes: list[float]
    volatilities: list[float]
    calls: list[float]
    weights: list[float]
    scales: list[float]


class Violation(NamedTuple):
    """Rows that no model without arbitrage fits together, and what is gained in which unit."""

    code: str
    rows: tuple[int, ...]
    gain: float
    unit: str


def smile(
    maturity: float,
    forward: float,
    rate: float,
    rows: list[int],
    strikes: list[float],
    volatilities: list[float],
    weights: list[float],
) -> Smile:
    """The quotes of one maturity, with calls and vegas by Black's formula; scales are 0 where no quote has a vega."""
    priced = [
        black_scholes.european(True, forward, strike, maturity, rate, rate, volatility)
        for strike, volatility in zip(strikes, volatilities, strict=True)
    ]
    largest = max(each.vega for each in priced)
    floor = _LEAST_VEGA * largest if largest > _NO_VEGA * forward else math.inf
    return Smile(
        maturity=maturity,
        forward=forward,
        discount=math.exp(-rate * maturity),
        rows=rows,
        strikes=strikes,
        volatilities=volatilities,
        calls=[each.price for each in priced],
        weights=weights,
        scales=[math.sqrt(w) / max(each.vega, floor) for w, each in zip(weights, priced, strict=True)],
    )


def near_the_money(quotes: Smile) -> float:
    """The market's volatility at the strike nearest to the forward."""
    nearest = min(range(len(quotes.strikes)), key=lambda i: abs(math.log(quotes.strikes[i] / quotes.forward)))
    return quotes.volatilities[nearest]


def call(forward: float, strike: float, maturity: float, rate: float, volatility: float) -> float:
    """Black's price of a call."""
    return black_scholes.european(True, forward, strike, maturity, rate, rate, volatility).price


def option(is_call: bool, call: float, forward: float, strike: float, discount: float) -> float:
    """The call, or the put by parity; never below 0 or the intrinsic value by a rounding."""
    value = call if is_call else call - discount * (forward - strike)
    return max(value, discount * max(forward - strike if is_call else strike - forward, 0.0))


def volatilities_of(
    prices: Sequence[float],
    calls: Sequence[bool],
    forwards: Sequence[float],
    strikes: Sequence[float],
    maturities: Sequence[float],
    rate: float,
) -> list[float | None]:
    """Black's implied volatilities; None where no volatility gives the price."""
    rates = np.full(len(prices), rate)
    columns: list[Any] = [np.array(each, np.float64) for each in (prices, forwards, strikes, maturities)]
    found, status, *_ = implied_vol.solve(np.array(calls, np.bool_), *columns, rates, rates)
    return [value if code == 0 else None for value, code in zip(found.tolist(), status.tolist(), strict=True)]


def volatilities_of_calls(
    calls: list[float], forward: float, strikes: list[float], maturity: float, rate: float
) -> list[float | None]:
    """Of one maturity's discounted calls, each by the option that is out of the money."""
    size, discount = len(strikes), math.exp(-rate * maturity)
    outside = [strike >= forward for strike in strikes]
    prices = [
        value if out else value - discount * (forward - strike)
        for value, out, strike in zip(calls, outside, strikes, strict=True)
    ]
    return volatilities_of(prices, outside, [forward] * size, strikes, [maturity] * size, rate)


def butterflies(quotes: Smile) -> list[Violation]:
    """Neighbouring strikes at which the calls' price is not convex, or not falling with the strike."""
    found = []
    order = sorted(range(len(quotes.rows)), key=lambda i: (quotes.strikes[i], i))
    places = [i for n, i in enumerate(order) if n == 0 or quotes.strikes[i] > quotes.strikes[order[n - 1]]]
    unit = quotes.discount * quotes.forward
    for i, j in itertools.pairwise(places):
        fall = (quotes.calls[i] - quotes.calls[j]) / quotes.discount
        gain = max(-fall, fall - (quotes.strikes[j] - quotes.strikes[i])) / quotes.forward
        if gain > 1e-12:
            found.append(Violation("spread_arbitrage", (quotes.rows[i], quotes.rows[j]), gain, "the forward"))
    for i, j, k in zip(places, places[1:], places[2:], strict=False):
        share = (quotes.strikes[j] - quotes.strikes[i]) / (quotes.strikes[k] - quotes.strikes[i])
        gain = (quotes.calls[j] - (1.0 - share) * quotes.calls[i] - share * quotes.calls[k]) / unit
        if gain > 1e-12:
            rows = (quotes.rows[i], quotes.rows[j], quotes.rows[k])
            found.append(Violation("butterfly_arbitrage", rows, gain, "the forward"))
    return found


def calendars(early: Smile, late: Smile) -> list[Violation]:
    """Later quotes whose total variance lies below the earlier ones', interpolated at the same log(K/F)."""
    points = sorted(
        (math.log(strike / early.forward), volatility**2 * early.maturity, row)
        for strike, volatility, row in zip(early.strikes, early.volatilities, early.rows, strict=True)
    )
    found = []
    for strike, volatility, row in zip(late.strikes, late.volatilities, late.rows, strict=True):
        x, variance = math.log(strike / late.forward), volatility**2 * late.maturity
        for (x0, w0, row0), (x1, w1, row1) in itertools.pairwise(points):
            if x0 - 1e-12 <= x <= x1 + 1e-12 and x1 > x0:
                between = w0 + (w1 - w0) * (x - x0) / (x1 - x0)
                if variance < between * (1.0 - 1e-9):
                    found.append(
                        Violation("calendar_arbitrage", (row0, row1, row), between - variance, "total variance")
                    )
                break
    return found
