"""Implied volatilities against QuantLib, over the whole domain: its prices come in, its root finder stands beside."""

import json
import math
from typing import Any

import pytest
import QuantLib as ql
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from calc import execute
from tests.oracles.strategies import log_uniform

if "implied_vol" not in execute.kinds():
    execute.load("calc.kinds.implied_vol")


def implied(**data: Any) -> dict[str, Any]:
    planned = execute.plan("implied_vol", json.dumps(data).encode(), fresh_seed=1)
    found: dict[str, Any] = json.loads(execute.execute("implied_vol", planned.data))
    return found


@settings(max_examples=600, deadline=None)
@given(
    call=st.booleans(),
    forward=log_uniform(1e-3, 1e6),
    moneyness=st.floats(-4, 4),
    maturity=log_uniform(1e-3, 50),
    rate=st.floats(-0.05, 0.2),
    deviation=log_uniform(1e-3, 5),
)
@example(call=True, forward=100.0, moneyness=0.0, maturity=1.0, rate=0.0, deviation=0.02)
@example(call=False, forward=100.0, moneyness=1e-9, maturity=1.0, rate=0.0, deviation=1e-3)
def test_quantlib_prices_come_back(
    call: bool, forward: float, moneyness: float, maturity: float, rate: float, deviation: float
) -> None:
    """As far as the price, correct to some units in its last place, says what the volatility is."""
    strike, discount = forward * math.exp(moneyness), math.exp(-rate * maturity)
    kind = ql.Option.Call if call else ql.Option.Put
    price = ql.blackFormula(kind, strike, forward, deviation, discount)
    upper = -moneyness / deviation + deviation / 2
    slope = discount * forward * math.exp(-0.5 * upper * upper) / math.sqrt(2 * math.pi) * deviation
    blur = 4e-16 * (price + discount * max(forward, strike)) / slope if slope > 0 else math.inf
    assume(blur < 1e-6 and price > 1e-290)
    found = implied(
        price=price, type="call" if call else "put", forward=forward, strike=strike, maturity=maturity, rate=rate
    )
    assert found["status"] == ["ok"]
    assert found["volatility"][0] * math.sqrt(maturity) == pytest.approx(deviation, rel=1e-11 + 4 * blur)


@settings(max_examples=200, deadline=None)
@given(moneyness=st.floats(-0.7, 0.7), maturity=log_uniform(0.05, 5), vol=st.floats(0.1, 1.5), call=st.booleans())
def test_quantlib_finds_the_same_root(moneyness: float, maturity: float, vol: float, call: bool) -> None:
    strike, kind = 100 * math.exp(moneyness * vol * math.sqrt(maturity)), ql.Option.Call if call else ql.Option.Put
    price = ql.blackFormula(kind, strike, 100.0, vol * math.sqrt(maturity), 1.0)
    theirs = ql.blackFormulaImpliedStdDev(kind, strike, 100.0, price, 1.0, 0.0, 0.5 * math.sqrt(maturity), 1e-13, 500)
    found = implied(price=price, type="call" if call else "put", forward=100, strike=strike, maturity=maturity, rate=0)
    assert found["volatility"][0] == pytest.approx(theirs / math.sqrt(maturity), rel=1e-9)
