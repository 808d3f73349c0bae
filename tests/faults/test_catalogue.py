"""What pricing libraries get wrong at the edges, through the same door as any client's."""

import json
import math
from itertools import pairwise, product
from typing import Any

import pytest

from calc import execute
from calc.errors import CalcError


def answer(kind: str, data: dict[str, Any]) -> dict[str, Any]:
    """What a client would be told."""
    planned = execute.plan(kind, json.dumps(data).encode(), fresh_seed=1)
    found: dict[str, Any] = json.loads(execute.execute(kind, planned.data))
    return found


def test_a_price_that_no_volatility_gives_is_told_in_its_row() -> None:
    """B74: below the discounted intrinsic value, and above the spot, among a thousand good rows."""
    rows = 1002
    column = {"type": "call", "spot": 200, "strike": 100, "maturity": 0.5, "rate": 0.03}
    floor = 200 - 100 * math.exp(-0.015)
    prices = [99.0, *(floor + 0.5 + 0.01 * i for i in range(rows - 2)), 201.0]
    found = answer("implied_vol", {"price": prices} | {name: [value] * rows for name, value in column.items()})
    assert (found["status"][0], found["status"][-1]) == ("below_intrinsic", "above_maximum")
    assert (found["volatility"][0], found["volatility"][-1]) == (None, None)
    assert set(found["status"][1:-1]) == {"ok"}
    assert all(0 < each < 5 for each in found["volatility"][1:-1])


def test_a_price_at_intrinsic_is_no_volatility_of_thirty_five_percent() -> None:
    """B75: S=150, K=100, no rates, price 50: nothing can be said, and nothing is."""
    data = {"price": [50.0], "type": ["call"], "spot": [150], "strike": [100], "maturity": [1], "rate": [0]}
    found = answer("implied_vol", data)
    assert (found["volatility"], found["status"]) == ([None], ["below_intrinsic"])


@pytest.mark.parametrize(("type", "strike"), [("put", 110), ("put", 90), ("call", 110), ("call", 90)])
def test_american_options_are_right_at_low_volatility_and_no_rate(type: str, strike: float) -> None:
    """B76: all finite, never below the European price or the payoff, rising with volatility, smooth at a rate of 0."""
    sign = 1 if type == "call" else -1
    for dividend_yield, maturity in product((0.0, 0.02), (1 / 365, 1.0)):
        at_rate = {}
        for rate in (0.0, 1e-12, 0.05):
            market = {"type": type, "spot": 100, "strike": strike, "maturity": maturity}
            market |= {"rate": rate, "dividend_yield": dividend_yield}
            prices = [answer("option_american", market | {"volatility": v})["price"] for v in (0, 1e-4, 1e-3, 0.2)]
            european = answer("option_european", market | {"volatility": 0.2})["price"]
            assert prices[-1] >= european - 1e-9
            assert all(each >= max(sign * (100 - strike), 0) - 1e-9 for each in prices)
            assert all(low <= high + 1e-9 for low, high in pairwise(prices))
            at_rate[rate] = prices
        assert at_rate[0.0] == pytest.approx(at_rate[1e-12], abs=1e-6)


def test_an_optimiser_without_an_asset_that_pays_says_so() -> None:
    """B82: no return above the riskless rate; one asset; two that are one."""
    two = {"covariance": [[0.04, 0.01], [0.01, 0.09]], "bounds": [0, 1]}
    with pytest.raises(CalcError, match="risk"):
        answer("markowitz", two | {"objective": "max_sharpe", "mean": [0.01, 0.02], "risk_free_rate": 0.05})
    one = {"covariance": [[0.04]], "mean": [0.1], "bounds": [0, 1], "objective": "min_variance"}
    assert list(answer("markowitz", one)["weights"].values()) == [1.0]
    same = {"covariance": [[0.04, 0.04], [0.04, 0.04]], "mean": [0.1, 0.1], "bounds": [0, 1]}
    weights = answer("markowitz", same | {"objective": "min_variance"})["weights"].values()
    assert math.fsum(weights) == pytest.approx(1, abs=1e-9)
    assert all(0 <= weight <= 1 for weight in weights)
