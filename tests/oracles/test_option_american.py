"""Early exercise against QuantLib: at any time by its own integral equation, at dates by finite differences."""

import json
import math
from typing import Any

import QuantLib as ql
from hypothesis import HealthCheck, assume, given, reject, settings
from hypothesis import strategies as st

from calc import execute
from tests.oracles.strategies import log_uniform

if "option_american" not in execute.kinds():
    execute.load("calc.kinds.option_american")

TODAY = ql.Date(15, 5, 2026)
DAY_COUNT = ql.Actual365Fixed()
FEW = settings(deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))


MARKET = {
    "call": st.booleans(),
    "moneyness": st.floats(-0.7, 0.7),
    "rate": st.floats(-0.02, 0.15),
    "dividend_yield": st.floats(-0.02, 0.15),
    "volatility": log_uniform(0.05, 1.0),
}


def answer(call: bool, moneyness: float, days: int, **data: Any) -> dict[str, Any]:
    whole = {
        "type": "call" if call else "put",
        "spot": 100,
        "strike": 100 * math.exp(moneyness),
        "maturity": days / 365,
    }
    planned = execute.plan("option_american", json.dumps({**whole, **data}).encode(), fresh_seed=1)
    return json.loads(execute.execute("option_american", planned.data))


def quantlib(
    exercise: Any,
    engine: Any,
    call: bool,
    moneyness: float,
    rate: float,
    dividend_yield: float,
    volatility: float,
) -> float:
    ql.Settings.instance().evaluationDate = TODAY
    process = ql.BlackScholesMertonProcess(
        ql.QuoteHandle(ql.SimpleQuote(100)),
        ql.YieldTermStructureHandle(ql.FlatForward(TODAY, dividend_yield, DAY_COUNT)),
        ql.YieldTermStructureHandle(ql.FlatForward(TODAY, rate, DAY_COUNT)),
        ql.BlackVolTermStructureHandle(ql.BlackConstantVol(TODAY, ql.NullCalendar(), volatility, DAY_COUNT)),
    )
    payoff = ql.PlainVanillaPayoff(ql.Option.Call if call else ql.Option.Put, 100 * math.exp(moneyness))
    option = ql.VanillaOption(payoff, exercise)
    option.setPricingEngine(engine(process))
    return float(option.NPV())


@settings(FEW, max_examples=60)
@given(**MARKET, days=log_uniform(3, 3650).map(int))
def test_at_any_time(days: int, **market: Any) -> None:
    r, q = (market["dividend_yield"], market["rate"]) if market["call"] else (market["rate"], market["dividend_yield"])
    assume(not q < r <= 0)  # two boundaries, which both refuse
    found = answer(days=days, **market)
    exercise = ql.AmericanExercise(TODAY, TODAY + days)
    scheme = ql.QdFpAmericanEngine.highPrecisionScheme()
    try:
        expected = quantlib(exercise, lambda process: ql.QdFpAmericanEngine(process, scheme), **market)
    except RuntimeError:
        reject()  # its quadrature gives up now and then
    assert abs(found["price"] - expected) < 5e-5


@settings(FEW, max_examples=12)
@given(**MARKET, days=st.integers(5, 100), dates=st.integers(2, 12))
def test_at_dates(days: int, dates: int, **market: Any) -> None:
    """The lower bound is at most 0.5 % and four standard errors below, and not above."""
    found = answer(days=days * dates, exercise_dates=dates, paths=20_000, seed=7, **market)
    exercise = ql.BermudanExercise([TODAY + days * i for i in range(1, dates + 1)])
    expected = quantlib(exercise, lambda process: ql.FdBlackScholesVanillaEngine(process, 300, 600), **market)
    error = 4 * found["standard_error"]["price"] if found["standard_error"] else 0.0
    assert -0.005 * expected - error - 0.003 < found["price"] - expected < error + 0.003


@settings(FEW, max_examples=15)
@given(**MARKET, days=log_uniform(3, 3650).map(int))
def test_order_of_prices(days: int, **market: Any) -> None:
    found = answer(days=days, exercise_dates=5, paths=4000, policy_paths=2048, seed=3, **market)
    error = 6 * found["standard_error"]["price"] if found["standard_error"] else 0.0
    assert found["price"] >= found["european"] - error - 1e-6
    if found["american"] is not None:
        assert found["american"] >= found["european"] - 1e-9
        assert found["american"] >= found["price"] - error - 1e-6
