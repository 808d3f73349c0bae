"""SABR's volatilities and Heston's prices against QuantLib, over their parameters' domains; and a calibration."""

import json
import math
from typing import Any

import pytest
import QuantLib as ql
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from calc import execute
from tests.oracles.strategies import log_uniform

if "model_calibration" not in execute.kinds():
    execute.load("calc.kinds.model_calibration")

TODAY, DAYS = ql.Date(15, 5, 2024), ql.Actual365Fixed()


def answer(**data: Any) -> dict[str, Any]:
    planned = execute.plan("model_calibration", json.dumps(data).encode(), fresh_seed=1)
    found: dict[str, Any] = json.loads(execute.execute("model_calibration", planned.data))
    return found


@settings(max_examples=300, deadline=None)
@given(
    forward=log_uniform(1e-3, 1e4),
    moneyness=st.floats(-1.5, 1.5),
    maturity=log_uniform(0.02, 30),
    level=log_uniform(0.02, 1),
    beta=st.floats(0, 1),
    nu=log_uniform(0.01, 2),
    rho=st.floats(-0.95, 0.95),
)
def test_sabr(
    forward: float, moneyness: float, maturity: float, level: float, beta: float, nu: float, rho: float
) -> None:
    """QuantLib loses digits of z/x(z) where z is small, hence 1e-7."""
    strike, alpha = forward * math.exp(moneyness), level * forward ** (1 - beta)
    theirs = ql.sabrVolatility(strike, forward, maturity, alpha, beta, nu, rho)
    parameters = {"alpha": alpha, "beta": beta, "nu": nu, "rho": rho}
    point = {"maturity": maturity, "strike": strike}
    (ours,) = answer(model="sabr", task="evaluate", forward=forward, parameters=parameters, points=[point])[
        "volatilities"
    ]
    assume(theirs > 0)
    assert ours == pytest.approx(theirs, rel=1e-7)


def laguerre(model: Any) -> Any:
    return ql.AnalyticHestonEngine(model, 192)


def lobatto(model: Any) -> Any:
    """Adaptive; it stops some 1e-7 early."""
    return ql.AnalyticHestonEngine(model, 1e-11, 1_000_000)


def heston_price(engine: Any, strike: float, days: int, rate: float, dividend: float, p: dict[str, float]) -> float:
    ql.Settings.instance().evaluationDate = TODAY
    flat = [ql.YieldTermStructureHandle(ql.FlatForward(TODAY, r, DAYS)) for r in (rate, dividend)]
    spot = ql.QuoteHandle(ql.SimpleQuote(100.0))
    process = ql.HestonProcess(*flat, spot, p["v0"], p["kappa"], p["theta"], p["xi"], p["rho"])
    option = ql.VanillaOption(ql.PlainVanillaPayoff(ql.Option.Call, strike), ql.EuropeanExercise(TODAY + days))
    option.setPricingEngine(engine(ql.HestonModel(process)))
    price: float = option.NPV()
    return price


@settings(max_examples=60, deadline=None)
@given(
    moneyness=st.floats(-1.5, 1.5),
    days=st.integers(20, 3650),
    rate=st.floats(-0.02, 0.1),
    dividend=st.floats(0, 0.05),
    v0=log_uniform(0.01, 0.5),
    kappa=log_uniform(0.2, 8),
    theta=log_uniform(0.01, 0.5),
    xi=log_uniform(0.05, 1.5),
    rho=st.floats(-0.95, 0.95),
)
def test_heston(
    moneyness: float,
    days: int,
    rate: float,
    dividend: float,
    v0: float,
    kappa: float,
    theta: float,
    xi: float,
    rho: float,
) -> None:
    """As near to QuantLib as its two quadratures are to each other."""
    maturity = days / 365
    strike = 100 * math.exp(moneyness * math.sqrt(v0 * maturity))
    parameters = {"v0": v0, "kappa": kappa, "theta": theta, "xi": xi, "rho": rho}
    theirs, otherwise = (
        heston_price(engine, strike, days, rate, dividend, parameters) for engine in (laguerre, lobatto)
    )
    assume(abs(theirs - otherwise) < 1e-4)
    point = {"maturity": maturity, "strike": strike}
    market = {"spot": 100, "rate": rate, "dividend_yield": dividend}
    found = answer(model="heston", task="evaluate", parameters=parameters, points=[point], **market)
    assert found["prices"][0] == pytest.approx(theirs, abs=1e-8 + abs(theirs - otherwise))


@settings(max_examples=25, deadline=None)
@given(
    v0=log_uniform(0.01, 0.2),
    kappa=log_uniform(0.5, 4),
    theta=log_uniform(0.01, 0.2),
    xi=log_uniform(0.2, 1.2),
    rho=st.floats(-0.9, 0.3),
)
def test_a_heston_surface_made_elsewhere_is_fitted(
    v0: float, kappa: float, theta: float, xi: float, rho: float
) -> None:
    """From starts that know nothing QuantLib's prices are fitted as well as from the parameters that made them.

    How well that is hangs on QuantLib: far in the wings its prices have few digits.
    """
    parameters = {"v0": v0, "kappa": kappa, "theta": theta, "xi": xi, "rho": rho}
    quotes = [
        {
            "maturity": days / 365,
            "strike": strike,
            "price": heston_price(laguerre, strike, days, 0.02, 0.01, parameters),
        }
        for days in (91, 182, 365, 730)
        for strike in (80.0, 90.0, 100.0, 110.0, 120.0)
    ]
    market = {"model": "heston", "spot": 100, "rate": 0.02, "dividend_yield": 0.01, "quotes": quotes}
    found, known = answer(starts=8, **market), answer(starts=1, start=parameters, **market)
    assert found["fits"][0]["cost"] <= 1.01 * known["fits"][0]["cost"] + 1e-16
    assert found["rmse"] < 1e-3
