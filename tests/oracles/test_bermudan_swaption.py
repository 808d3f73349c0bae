"""Swaptions against QuantLib: Jamshidian's formula for one date, its finite differences for several, bond options."""

import json
import math
from typing import Any

import pytest
import QuantLib as ql
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from calc import execute
from tests.oracles.strategies import log_uniform

TODAY = ql.Date(15, 5, 2026)
DAY_COUNT = ql.Actual365Fixed()
FEW = settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
MODEL = {"rate": st.floats(-0.01, 0.1), "mean_reversion": log_uniform(0.001, 1), "volatility": log_uniform(1e-4, 0.03)}


def answer(**data: Any) -> dict[str, Any]:
    planned = execute.plan("bermudan_swaption", json.dumps(data).encode(), fresh_seed=0)
    return json.loads(execute.execute("bermudan_swaption", planned.data))


def market(rate: float, mean_reversion: float, volatility: float) -> tuple[Any, Any]:
    ql.Settings.instance().evaluationDate = TODAY
    curve = ql.YieldTermStructureHandle(ql.FlatForward(TODAY, rate, DAY_COUNT))
    return ql.HullWhite(curve, mean_reversion, volatility), curve


def swap(curve: Any, payer: bool, start: int, end: int, fixed_rate: float) -> Any:
    """In years of 365 days, fixed and floating once a year."""
    schedule = ql.Schedule([TODAY + 365 * i for i in range(start, end + 1)], ql.NullCalendar(), ql.Unadjusted)
    index = ql.IborIndex(
        "flat", ql.Period(12, ql.Months), 0, ql.USDCurrency(), ql.NullCalendar(), ql.Unadjusted, False, DAY_COUNT, curve
    )
    side = ql.VanillaSwap.Payer if payer else ql.VanillaSwap.Receiver
    return ql.VanillaSwap(side, 1.0, schedule, fixed_rate, DAY_COUNT, schedule, index, 0.0, DAY_COUNT)


@FEW
@given(
    **MODEL, fixed_rate=log_uniform(1e-4, 0.2), payer=st.booleans(), start=st.integers(1, 10), years=st.integers(1, 20)
)
def test_one_date(fixed_rate: float, payer: bool, start: int, years: int, **model: float) -> None:
    hull_white, curve = market(**model)
    swaption = ql.Swaption(
        swap(curve, payer, start, start + years, fixed_rate), ql.EuropeanExercise(TODAY + 365 * start)
    )
    swaption.setPricingEngine(ql.JamshidianSwaptionEngine(hull_white))
    terms = {"product": "european_swaption", "side": "pay" if payer else "receive", "exercise_times": start}
    found = answer(**terms, end=start + years, fixed_rate=fixed_rate, **model)
    assert found["price"] == pytest.approx(swaption.NPV(), abs=1e-8)  # QuantLib's root is good to 1e-8


@settings(FEW, max_examples=8)
@given(
    rate=st.floats(0.0, 0.08),
    mean_reversion=log_uniform(0.005, 0.3),
    volatility=log_uniform(1e-3, 0.02),
    spread=st.floats(-0.02, 0.02),
    payer=st.booleans(),
    start=st.integers(1, 3),
    years=st.integers(2, 6),
)
def test_several_dates(spread: float, payer: bool, start: int, years: int, **model: float) -> None:
    hull_white, curve = market(**model)
    fixed_rate = max(math.expm1(model["rate"]) + spread, 0.001)
    dates = list(range(start, start + years))
    swaption = ql.Swaption(
        swap(curve, payer, start, start + years, fixed_rate), ql.BermudanExercise([TODAY + 365 * i for i in dates])
    )
    swaption.setPricingEngine(ql.FdHullWhiteSwaptionEngine(hull_white, 300, 300, 0, 1e-8))
    terms = {"product": "bermudan_swaption", "side": "pay" if payer else "receive", "exercise_times": dates}
    found = answer(**terms, end=start + years, fixed_rate=fixed_rate, **model)
    assert found["price"] == pytest.approx(swaption.NPV(), abs=2e-5)


@FEW
@given(**MODEL, call=st.booleans(), expiry=st.integers(1, 10), years=st.integers(1, 20), moneyness=log_uniform(0.5, 2))
def test_a_bond_option(call: bool, expiry: int, years: int, moneyness: float, **model: float) -> None:
    hull_white, _ = market(**model)
    strike = moneyness * math.exp(-model["rate"] * years)
    expected = hull_white.discountBondOption(ql.Option.Call if call else ql.Option.Put, strike, expiry, expiry + years)
    terms = {"product": "bond_option", "type": "call" if call else "put", "exercise_times": expiry}
    found = answer(**terms, end=expiry + years, strike=strike, **model)
    assert found["price"] == pytest.approx(expected, rel=1e-9, abs=1e-13)
