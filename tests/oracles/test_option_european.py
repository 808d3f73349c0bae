"""Prices and greeks against QuantLib over the legal domain: log-uniform, moneyness in standard deviations."""

import json
import math
from typing import Any

import QuantLib as ql
from hypothesis import given, settings
from hypothesis import strategies as st

from calc import execute
from tests.oracles.strategies import log_uniform

TODAY = ql.Date(1, 1, 2020)
DAYS = ql.Thirty360(ql.Thirty360.BondBasis)  # a month is a twelfth of a year, exactly

kinds = st.sampled_from(["call", "put"])
months = st.integers(1, 360)
rates = st.floats(-0.3, 0.5)
deviations = st.floats(-6, 6)


def asked(**data: Any) -> dict[str, Any]:
    plan = execute.plan("option_european", json.dumps({**data, "method": "closed_form"}).encode(), fresh_seed=1)
    found: dict[str, Any] = json.loads(execute.execute("option_european", plan.data))
    return found


def flat(rate: float) -> ql.YieldTermStructureHandle:
    return ql.YieldTermStructureHandle(ql.FlatForward(TODAY, rate, DAYS))


def option(kind: str, strike: float, months: int) -> ql.VanillaOption:
    ql.Settings.instance().evaluationDate = TODAY
    which = ql.Option.Call if kind == "call" else ql.Option.Put
    return ql.VanillaOption(
        ql.PlainVanillaPayoff(which, strike), ql.EuropeanExercise(TODAY + ql.Period(months, ql.Months))
    )


def spread(market: dict[str, Any], total: float, deviation: float) -> float:
    """The strike so many standard deviations from the forward."""
    forward = market["spot"] * math.exp((market["rate"] - market["dividend_yield"]) * market["maturity"])
    return min(max(forward * math.exp(deviation * math.sqrt(total)), 1e-9), 1e9)


@settings(max_examples=150, deadline=None)
@given(kinds, log_uniform(1e-3, 1e6), months, rates, rates, log_uniform(1e-3, 3), deviations)
def test_black_scholes(
    kind: str, spot: float, months: int, rate: float, dividend_yield: float, volatility: float, deviation: float
) -> None:
    market = {"spot": spot, "maturity": months / 12, "rate": rate, "dividend_yield": dividend_yield}
    strike = spread(market, volatility**2 * months / 12, deviation)
    found = asked(type=kind, strike=strike, volatility=volatility, **market)
    process = ql.BlackScholesMertonProcess(
        ql.QuoteHandle(ql.SimpleQuote(spot)),
        flat(dividend_yield),
        flat(rate),
        ql.BlackVolTermStructureHandle(ql.BlackConstantVol(TODAY, ql.NullCalendar(), volatility, DAYS)),
    )
    theirs = option(kind, strike, months)
    theirs.setPricingEngine(ql.AnalyticEuropeanEngine(process))
    held, paid = spot * math.exp(-dividend_yield * months / 12), strike * math.exp(-rate * months / 12)
    unit = max(held, paid)
    assert abs(found["price"] - theirs.NPV()) <= 1e-12 * unit + 1e-9 * theirs.NPV()
    for name, size in (("delta", unit / spot), ("gamma", unit / spot**2), ("vega", unit), ("rho", unit * months / 12)):
        value = getattr(theirs, name)()
        assert abs(found[name] - value) <= 1e-11 * size + 1e-8 * abs(value), name
    assert abs(found["theta"] - theirs.theta()) <= 1e-10 * unit + 1e-7 * abs(theirs.theta())


@settings(max_examples=100, deadline=None)
@given(kinds, log_uniform(1e-3, 1e6), months, rates, log_uniform(1e-3, 3), deviations)
def test_black_76(kind: str, forward: float, months: int, rate: float, volatility: float, deviation: float) -> None:
    maturity = months / 12
    strike = min(max(forward * math.exp(deviation * volatility * math.sqrt(maturity)), 1e-9), 1e9)
    found = asked(
        type=kind, forward=forward, strike=strike, maturity=maturity, rate=rate, volatility=volatility, model="black76"
    )
    which = ql.Option.Call if kind == "call" else ql.Option.Put
    discount = math.exp(-rate * maturity)
    theirs = ql.blackFormula(which, strike, forward, volatility * math.sqrt(maturity), discount)
    assert abs(found["price"] - theirs) <= 1e-12 * discount * max(forward, strike) + 1e-9 * theirs


@settings(max_examples=100, deadline=None)
@given(
    kinds,
    log_uniform(1, 1e4),
    st.integers(1, 120),
    st.floats(-0.05, 0.2),
    st.floats(-0.05, 0.2),
    log_uniform(1e-3, 1),
    log_uniform(1e-2, 20),
    log_uniform(1e-3, 1),
    log_uniform(1e-2, 3),
    st.floats(-0.95, 0.95),
    st.floats(-3, 3),
)
def test_heston(
    kind: str,
    spot: float,
    months: int,
    rate: float,
    dividend_yield: float,
    v0: float,
    kappa: float,
    theta: float,
    xi: float,
    rho: float,
    deviation: float,
) -> None:
    maturity = months / 12
    market = {"spot": spot, "maturity": maturity, "rate": rate, "dividend_yield": dividend_yield}
    variance = theta * maturity + (v0 - theta) * -math.expm1(-kappa * maturity) / kappa
    strike = spread(market, variance, deviation)
    parameters = {"v0": v0, "kappa": kappa, "theta": theta, "xi": xi, "rho": rho}
    found = asked(type=kind, strike=strike, model="heston", **market, **parameters)
    process = ql.HestonProcess(
        flat(rate), flat(dividend_yield), ql.QuoteHandle(ql.SimpleQuote(spot)), v0, kappa, theta, xi, rho
    )
    theirs = option(kind, strike, months)
    theirs.setPricingEngine(ql.AnalyticHestonEngine(ql.HestonModel(process), 1e-12, 1_000_000))
    unit = max(spot * math.exp(-dividend_yield * maturity), strike * math.exp(-rate * maturity))
    assert abs(found["price"] - theirs.NPV()) <= 1e-7 * unit  # theirs is off by 1e-8 in places
