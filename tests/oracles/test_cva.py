"""Exposures against QuantLib: its Hull-White bonds under quadrature, its swaptions by Jamshidian's formula."""

import json
import math
from typing import Any

import numpy as np
import QuantLib as ql
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from calc import execute
from tests.oracles.strategies import log_uniform

if "cva" not in execute.kinds():
    execute.load("calc.kinds.cva")

TODAY = ql.Date(15, 5, 2026)
DAY_COUNT = ql.Actual365Fixed()
FEW = settings(deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))


MODEL = {"rate": st.floats(-0.01, 0.1), "mean_reversion": log_uniform(0.001, 1), "volatility": log_uniform(1e-4, 0.03)}


def answer(swaps: list[dict[str, Any]], **data: Any) -> dict[str, Any]:
    whole = {"netting_set": {"swaps": swaps}, "lgd": 0.6, "hazard_rate": 0.02, "floating": "restarting", **data}
    planned = execute.plan("cva", json.dumps(whole).encode(), fresh_seed=1)
    return json.loads(execute.execute("cva", planned.data))


def model(rate: float, mean_reversion: float, volatility: float) -> tuple[Any, Any]:
    ql.Settings.instance().evaluationDate = TODAY
    curve = ql.YieldTermStructureHandle(ql.FlatForward(TODAY, rate, DAY_COUNT))
    return ql.HullWhite(curve, mean_reversion, volatility), curve


@settings(FEW, max_examples=15)
@given(**MODEL, fixed_rate=st.floats(0.0, 0.1), payer=st.booleans(), start=st.integers(1, 4), years=st.integers(1, 6))
def test_exposure_at_the_start_is_a_swaption(
    fixed_rate: float, payer: bool, start: int, years: int, **market: float
) -> None:
    swap = {
        "notional": 1.0,
        "fixed_rate": fixed_rate,
        "side": "pay" if payer else "receive",
        "end": float(start + years),
    }
    found = answer([{**swap, "start": float(start)}], dates=[float(start)], paths=1000, **market)
    hull_white, curve = model(**market)
    dates = [TODAY + 365 * i for i in range(start, start + years + 1)]
    schedule = ql.Schedule(dates, ql.NullCalendar(), ql.Unadjusted)
    index = ql.IborIndex(
        "flat", ql.Period(12, ql.Months), 0, ql.USDCurrency(), ql.NullCalendar(), ql.Unadjusted, False, DAY_COUNT, curve
    )
    side = ql.VanillaSwap.Payer if payer else ql.VanillaSwap.Receiver
    underlying = ql.VanillaSwap(side, 1.0, schedule, fixed_rate, DAY_COUNT, schedule, index, 0.0, DAY_COUNT)
    swaption = ql.Swaption(underlying, ql.EuropeanExercise(dates[0]))
    swaption.setPricingEngine(ql.JamshidianSwaptionEngine(hull_white))
    discounted = found["epe"][0] * math.exp(-market["rate"] * start)
    assert abs(discounted - swaption.NPV()) < 1e-7


@settings(FEW, max_examples=15)
@given(**MODEL, date=st.floats(0.1, 4.9), rates=st.lists(st.floats(-0.02, 0.1), min_size=2, max_size=4))
def test_a_netting_set_by_quadrature(date: float, rates: list[float], **market: float) -> None:
    """Forward to the date the short rate is normal around today's forward rate."""
    swaps = [
        {"notional": 100.0 / (i + 1), "fixed_rate": rate, "side": "pay" if i % 2 else "receive", "end": 5.0 + i}
        for i, rate in enumerate(rates)
    ]
    found = answer(swaps, dates=[date], paths=20_000, seed=5, **market)
    hull_white, _ = model(**market)
    a, vol = market["mean_reversion"], market["volatility"]
    deviation = vol * math.sqrt(-math.expm1(-2 * a * date) / (2 * a))
    nodes, weights = np.polynomial.legendre.leggauss(400)
    z = 8 * nodes
    weights = 8 * weights * np.exp(-0.5 * z * z) / math.sqrt(2 * math.pi)
    values = []
    for y in (deviation * z).tolist():
        bond = {s: hull_white.discountBond(date, float(s), market["rate"] + y) for s in range(1, 10) if s > date}
        value = 0.0
        for i, rate in enumerate(rates):
            legs = 1 - bond[5 + i] - rate * sum(bond[s] for s in bond if s <= 5 + i)
            value += (legs if i % 2 else -legs) * 100.0 / (i + 1)
        values.append(value)
    epe = float(weights @ np.maximum(values, 0))
    ene = float(weights @ np.maximum(-np.array(values), 0))
    error = 4 * found["standard_error"]["epe"][0] + 0.002
    assert abs(found["epe"][0] - epe) < error
    assert abs(found["ene"][0] - ene) < error
