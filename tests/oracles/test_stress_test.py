"""Stress tests against QuantLib's prices before and after, and reverse ones against scipy's optimiser."""

import json
import math
from typing import Any

import numpy as np
import pytest
import QuantLib as ql
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from scipy import optimize

from calc import execute
from tests.oracles.strategies import log_uniform

if "stress_test" not in execute.kinds():
    execute.load("calc.kinds.stress_test")

FEW = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))


def answer(**data: Any) -> dict[str, Any]:
    planned = execute.plan("stress_test", json.dumps(data).encode(), fresh_seed=0)
    return json.loads(execute.execute("stress_test", planned.data))


@FEW
@given(
    spot=log_uniform(1e-3, 1e6),
    moneyness=log_uniform(0.2, 5),
    maturity=log_uniform(1e-3, 30),
    volatility=log_uniform(1e-3, 3),
    rate=st.floats(-0.1, 0.3),
    dividend=st.floats(-0.1, 0.3),
    call=st.booleans(),
    moves=st.tuples(st.floats(-0.9, 2), st.floats(0, 0.5), st.floats(-0.05, 0.05)),
)
def test_options(
    spot: float,
    moneyness: float,
    maturity: float,
    volatility: float,
    rate: float,
    dividend: float,
    call: bool,
    moves: tuple[float, float, float],
) -> None:
    def price(s: float, v: float, r: float) -> float:
        kind = ql.Option.Call if call else ql.Option.Put
        forward, discount = s * math.exp((r - dividend) * maturity), math.exp(-r * maturity)
        return float(ql.blackFormula(kind, spot * moneyness, forward, v * math.sqrt(maturity), discount))

    position = {
        "symbol": "S",
        "type": "option",
        "option_type": "call" if call else "put",
        "quantity": 7,
        "price": spot,
        "strike": spot * moneyness,
        "maturity": maturity,
        "volatility": volatility,
        "rate": rate,
        "dividend_yield": dividend,
        "volatility_factor": "V",
        "rate_factor": "R",
    }
    types = ("relative", "absolute", "absolute")
    shocks = {name: {"type": t, "value": x} for name, t, x in zip("SVR", types, moves, strict=True)}
    (found,) = answer(positions=[position], scenarios=[{"name": "x", "shocks": shocks}])["scenarios"]
    now, then = price(spot, volatility, rate), price(spot * (1 + moves[0]), volatility + moves[1], rate + moves[2])
    scale = spot * (1 + moneyness) * math.exp(0.5 * maturity)
    assert found["pnl"] == pytest.approx(7 * (then - now), rel=1e-9, abs=1e-12 * scale)


@FEW
@given(
    years=log_uniform(0.01, 50),
    coupon=st.floats(0, 0.3),
    frequency=st.sampled_from((1, 2, 4, 12)),
    y=st.floats(-0.02, 0.4),
    move=st.floats(-0.05, 0.2),
)
def test_bonds(years: float, coupon: float, frequency: int, y: float, move: float) -> None:
    def price(at: float) -> float:
        count = max(math.ceil(years * frequency - 1e-9), 1)
        flows = [100 * coupon / frequency] * count
        flows[0] += 100  # the last in time
        return math.fsum(c * (1 + at / frequency) ** (k - years * frequency) for k, c in enumerate(flows))

    position = {"symbol": "Y", "type": "bond", "quantity": 300, "maturity": years, "coupon": coupon}
    shock = {"name": "x", "shocks": {"Y": {"type": "absolute", "value": move}}}
    (found,) = answer(positions=[position | {"frequency": frequency, "yield": y}], scenarios=[shock])["scenarios"]
    assert found["pnl"] == pytest.approx(3 * (price(y + move) - price(y)), rel=1e-10, abs=1e-10 * price(y))


@settings(FEW, max_examples=25)
@given(
    loadings=st.lists(st.floats(-1, 1), min_size=9, max_size=9),
    exposures=st.lists(st.floats(-1000, 1000), min_size=3, max_size=3),
    share=log_uniform(0.01, 5),
)
def test_linear_reverse(loadings: list[float], exposures: list[float], share: float) -> None:
    """The distance is what a general optimiser finds."""
    spread = np.array(loadings).reshape(3, 3) / 10 + np.eye(3) * 0.2
    covariance, held = spread @ spread.T, np.array(exposures)
    deviation = math.sqrt(held @ covariance @ held)
    assume(deviation > 1)
    found = answer(exposures=exposures, reverse={"target_loss": share * deviation, "covariance": covariance.tolist()})[
        "reverse"
    ]
    assert found["mahalanobis"] == pytest.approx(share, rel=1e-12)
    loses = {"type": "eq", "fun": lambda z: -(held @ spread @ z) / deviation - share}
    solved = optimize.minimize(lambda z: z @ z, np.zeros(3) + 0.1, constraints=[loses], method="SLSQP")
    assert math.sqrt(solved.fun) >= found["mahalanobis"] * (1 - 1e-6)


@settings(FEW, max_examples=8)
@given(quantity=st.floats(-200, 200), target=log_uniform(50, 1500), strike=st.floats(80, 120))
def test_curved_reverse(quantity: float, target: float, strike: float) -> None:
    """A share position and an option in one factor: the smallest move that loses as much, by a scan."""
    option = {
        "symbol": "S",
        "type": "option",
        "option_type": "call",
        "quantity": quantity,
        "price": 100,
        "strike": strike,
    }
    positions = [
        {"symbol": "S", "quantity": 100, "price": 100},
        option | {"maturity": 0.5, "volatility": 0.2, "rate": 0.02},
    ]
    found = answer(positions=positions, reverse={"target_loss": target, "covariance": [[0.04]]})["reverse"]
    grid = [{"name": str(k), "shocks": {"S": {"type": "relative", "value": k / 2000}}} for k in range(-1600, 3000)]
    losing = [each for each in answer(positions=positions, scenarios=grid)["scenarios"] if each["pnl"] <= -target]
    nearest = min(abs(int(each["name"])) for each in losing) / 2000
    assert found["mahalanobis"] * 0.2 == pytest.approx(nearest, abs=0.00051)
