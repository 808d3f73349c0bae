"""Baskets against QuantLib: sums by Choi's quadrature, best and worst of two by Stulz's formula."""

import json
import math
from typing import Any

import pytest
import QuantLib as ql
from hypothesis import given, settings
from hypothesis import strategies as st

from calc import execute
from tests.oracles.strategies import log_uniform

if "option_basket" not in execute.kinds():
    execute.load("calc.kinds.option_basket")

TODAY = ql.Date(15, 1, 2024)
DAYS = ql.Actual365Fixed()


def baskets(least: int, most: int) -> st.SearchStrategy[dict[str, Any]]:
    def of(n: int) -> st.SearchStrategy[dict[str, Any]]:
        return st.fixed_dictionaries(
            {
                "type": st.sampled_from(["call", "put"]),
                "spots": st.lists(log_uniform(20, 200), min_size=n, max_size=n),
                "volatilities": st.lists(log_uniform(0.05, 0.6), min_size=n, max_size=n),
                "dividend_yields": st.lists(st.floats(0, 0.1), min_size=n, max_size=n),
                "rate": st.floats(-0.02, 0.1),
                "correlation": st.floats(0.0, 0.9),
            }
        )

    return st.integers(least, most).flatmap(of)


def answered(data: dict[str, Any]) -> dict[str, Any]:
    planned = execute.plan("option_basket", json.dumps(data).encode(), fresh_seed=1)
    return dict(json.loads(execute.execute("option_basket", planned.data)))


def agrees(told: dict[str, Any], right: float, tolerance: float) -> None:
    """The quadrature to all its digits, where there is one; the simulation within five of its errors."""
    if told["exact_price"] is not None:
        assert told["exact_price"] == pytest.approx(right, abs=tolerance)
    errors = told["standard_error"] or {"price": 0.0}
    assert told["price"] == pytest.approx(right, abs=5 * errors["price"] + tolerance)


def processes(data: dict[str, Any]) -> list[ql.BlackScholesMertonProcess]:
    ql.Settings.instance().evaluationDate = TODAY
    return [
        ql.BlackScholesMertonProcess(
            ql.QuoteHandle(ql.SimpleQuote(spot)),
            ql.YieldTermStructureHandle(ql.FlatForward(TODAY, dividend_yield, DAYS)),
            ql.YieldTermStructureHandle(ql.FlatForward(TODAY, data["rate"], DAYS)),
            ql.BlackVolTermStructureHandle(ql.BlackConstantVol(TODAY, ql.NullCalendar(), volatility, DAYS)),
        )
        for spot, dividend_yield, volatility in zip(
            data["spots"], data["dividend_yields"], data["volatilities"], strict=True
        )
    ]


def option(data: dict[str, Any], days: int, kind: type, *given: Any) -> ql.BasketOption:
    side = ql.Option.Call if data["type"] == "call" else ql.Option.Put
    payoff = kind(ql.PlainVanillaPayoff(side, data["strike"]), *given)
    return ql.BasketOption(payoff, ql.EuropeanExercise(TODAY + days))


@settings(max_examples=25, deadline=None)
@given(baskets(2, 3), log_uniform(0.7, 1.4), st.integers(30, 1500))
def test_sums(data: dict[str, Any], moneyness: float, days: int) -> None:
    n = len(data["spots"])
    data |= {"strike": math.fsum(data["spots"]) / n * moneyness, "maturity": days / 365}
    asked = option(data, days, ql.AverageBasketPayoff, ql.Array([1 / n] * n))
    matrix = ql.Matrix(n, n)
    for i in range(n):
        for j in range(n):
            matrix[i][j] = 1.0 if i == j else data["correlation"]
    asked.setPricingEngine(ql.ChoiBasketEngine(processes(data), matrix, 30.0))
    agrees(answered(data), asked.NPV(), 1e-7 * data["strike"])


@settings(max_examples=60, deadline=None)
@given(baskets(2, 2), log_uniform(0.7, 1.4), st.integers(30, 1500), st.sampled_from(["max", "min"]), st.floats(-1, 1))
def test_best_and_worst_of_two(data: dict[str, Any], moneyness: float, days: int, style: str, rho: float) -> None:
    data |= {"strike": data["spots"][0] * moneyness, "maturity": days / 365, "style": style, "correlation": rho * 0.99}
    asked = option(data, days, ql.MaxBasketPayoff if style == "max" else ql.MinBasketPayoff)
    asked.setPricingEngine(ql.StulzEngine(*processes(data), data["correlation"]))
    agrees(answered(data), asked.NPV(), 1e-7 * math.fsum(data["spots"]))
