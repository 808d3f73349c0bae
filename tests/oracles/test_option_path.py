"""Barriers, lookbacks and geometric averages against QuantLib, over the domain that both know."""

import json
import math
from typing import Any

import pytest
import QuantLib as ql
from hypothesis import given, settings
from hypothesis import strategies as st

from calc import execute
from tests.oracles.strategies import log_uniform

if "option_path" not in execute.kinds():
    execute.load("calc.kinds.option_path")

TODAY = ql.Date(15, 1, 2024)
DAYS = ql.Actual365Fixed()


MARKETS = st.fixed_dictionaries(
    {
        "spot": log_uniform(1, 1e4),
        "rate": st.floats(-0.02, 0.2),
        "dividend_yield": st.floats(-0.02, 0.2),
        "volatility": log_uniform(0.05, 1),
        "type": st.sampled_from(["call", "put"]),
    }
)
MONEYNESS, TERM = log_uniform(0.5, 2), st.integers(20, 2000)


def price(data: dict[str, Any]) -> float:
    planned = execute.plan("option_path", json.dumps(data).encode(), fresh_seed=1)
    return float(json.loads(execute.execute("option_path", planned.data))["price"])


def process(data: dict[str, Any]) -> ql.BlackScholesMertonProcess:
    ql.Settings.instance().evaluationDate = TODAY
    return ql.BlackScholesMertonProcess(
        ql.QuoteHandle(ql.SimpleQuote(data["spot"])),
        ql.YieldTermStructureHandle(ql.FlatForward(TODAY, data["dividend_yield"], DAYS)),
        ql.YieldTermStructureHandle(ql.FlatForward(TODAY, data["rate"], DAYS)),
        ql.BlackVolTermStructureHandle(ql.BlackConstantVol(TODAY, ql.NullCalendar(), data["volatility"], DAYS)),
    )


def side(data: dict[str, Any]) -> int:
    return int(ql.Option.Call if data["type"] == "call" else ql.Option.Put)


def value(option: ql.Instrument, engine: ql.PricingEngine) -> float:
    option.setPricingEngine(engine)
    return float(option.NPV())


@settings(max_examples=60, deadline=None)
@given(
    MARKETS,
    MONEYNESS,
    TERM,
    st.sampled_from([("down_out", -1), ("down_in", -1), ("up_out", 1), ("up_in", 1)]),
    log_uniform(0.005, 0.5),
    st.floats(0, 5),
)
def test_barriers(
    data: dict[str, Any], moneyness: float, days: int, style: tuple[str, int], distance: float, rebate: float
) -> None:
    name, way = style
    data |= {"strike": data["spot"] * moneyness, "barrier": data["spot"] * math.exp(way * distance)}
    data |= {"rebate": rebate, "maturity": days / 365, "style": f"barrier_{name}"}
    kinds = {"down_out": ql.Barrier.DownOut, "down_in": ql.Barrier.DownIn, "up_out": ql.Barrier.UpOut}
    option = ql.BarrierOption(
        kinds.get(name, ql.Barrier.UpIn),
        data["barrier"],
        rebate,
        ql.PlainVanillaPayoff(side(data), data["strike"]),
        ql.EuropeanExercise(TODAY + days),
    )
    if 2 * data["rate"] * data["volatility"] ** 2 < -((data["rate"] - data["dividend_yield"]) ** 2):
        data["rebate"] = 0.0  # QuantLib has no formula there
        option = ql.BarrierOption(
            kinds.get(name, ql.Barrier.UpIn),
            data["barrier"],
            0.0,
            ql.PlainVanillaPayoff(side(data), data["strike"]),
            ql.EuropeanExercise(TODAY + days),
        )
    known = value(option, ql.AnalyticBarrierEngine(process(data)))
    if math.isfinite(known):
        assert price(data) == pytest.approx(known, abs=1e-9 * data["spot"])


@settings(max_examples=60, deadline=None)
@given(MARKETS, MONEYNESS, TERM, log_uniform(1e-3, 0.5), st.booleans())
def test_lookbacks(data: dict[str, Any], moneyness: float, days: int, beyond: float, floating: bool) -> None:
    highest = (data["type"] == "call") != floating
    extreme = data["spot"] * math.exp(beyond if highest else -beyond)
    exercise = ql.EuropeanExercise(TODAY + days)
    data |= {"maturity": days / 365, "running_maximum" if highest else "running_minimum": extreme}
    if floating:
        data |= {"style": "lookback_floating"}
        option = ql.ContinuousFloatingLookbackOption(extreme, ql.FloatingTypePayoff(side(data)), exercise)
        known = value(option, ql.AnalyticContinuousFloatingLookbackEngine(process(data)))
    else:
        data |= {"style": "lookback_fixed", "strike": data["spot"] * moneyness}
        option = ql.ContinuousFixedLookbackOption(extreme, ql.PlainVanillaPayoff(side(data), data["strike"]), exercise)
        known = value(option, ql.AnalyticContinuousFixedLookbackEngine(process(data)))
    carry = abs(data["rate"] - data["dividend_yield"])
    if carry > 1e-5:  # nearer to no carry QuantLib's formula loses its digits
        assert price(data) == pytest.approx(known, abs=1e-8 * data["spot"])


@settings(max_examples=30, deadline=None)
@given(MARKETS, MONEYNESS, st.lists(st.integers(1, 1500), min_size=1, max_size=20, unique=True).map(sorted))
def test_geometric_averages(data: dict[str, Any], moneyness: float, days: list[int]) -> None:
    data |= {"strike": data["spot"] * moneyness, "fixing_times": [d / 365 for d in days], "style": "asian_geometric"}
    option = ql.DiscreteAveragingAsianOption(
        ql.Average.Geometric,
        1.0,
        0,
        [TODAY + d for d in days],
        ql.PlainVanillaPayoff(side(data), data["strike"]),
        ql.EuropeanExercise(TODAY + days[-1]),
    )
    known = value(option, ql.AnalyticDiscreteGeometricAveragePriceAsianEngine(process(data)))
    assert price(data) == pytest.approx(known, abs=1e-9 * data["spot"])
