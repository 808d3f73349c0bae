"""Baskets: quadrature against simulation and formulas, limits, errors and refusals."""

import json
import math
from typing import Any

import numpy as np
import pytest

from calc import execute
from calc.errors import CalcError, InvalidData
from calc.kinds import option_basket, option_basket_samples
from calc.numerics import basket, black_scholes

if "option_basket" not in execute.kinds():
    execute.load("calc.kinds.option_basket")

FOUR = {
    "type": "call",
    "spots": [100, 90, 80, 110],
    "weights": [0.4, 0.3, 0.2, 0.1],
    "strike": 95,
    "maturity": 2,
    "rate": 0.04,
    "dividend_yields": [0, 0.01, 0.02, 0.03],
    "volatilities": [0.2, 0.3, 0.4, 0.25],
    "correlation": [[1, 0.5, 0.2, 0.3], [0.5, 1, 0.4, 0.1], [0.2, 0.4, 1, 0], [0.3, 0.1, 0, 1]],
    "paths": 8192,
    "seed": 1,
}
TWO = {
    "type": "call",
    "spots": [100, 95],
    "strike": 100,
    "maturity": 2,
    "rate": 0.05,
    "dividend_yields": [0.01, 0.02],
    "volatilities": [0.2, 0.3],
    "correlation": 0.4,
    "paths": 8192,
    "seed": 1,
}


def answer(data: dict[str, Any], **change: Any) -> dict[str, Any]:
    planned = execute.plan("option_basket", json.dumps({**data, **change}).encode(), fresh_seed=5).data
    return json.loads(execute.execute("option_basket", planned))


def faults(data: dict[str, Any], **change: Any) -> dict[str, str]:
    with pytest.raises(InvalidData) as caught:
        answer(data, **change)
    return {fault.path: fault.code for fault in caught.value.faults}


SIMULATED = [
    {**FOUR, "method": "rqmc"},
    {**FOUR, "method": "rqmc", "variance_reduction": "none", "type": "put"},
    {**FOUR, "method": "monte_carlo"},
    {**FOUR, "method": "monte_carlo", "style": "spread", "weights": [1, -0.5, -0.5, 1], "strike": -10},
    {**TWO, "method": "rqmc", "style": "max"},
    {**TWO, "method": "monte_carlo", "style": "min", "variance_reduction": "antithetic_control"},
    {**TWO, "method": "rqmc", "style": "min", "type": "put", "correlation": 1},
    {**TWO, "method": "rqmc", "style": "spread", "strike": 0, "type": "put"},
]


@pytest.mark.parametrize("data", SIMULATED, ids=lambda data: f"{data.get('style')}-{data['method']}-{data['type']}")
def test_forty_seeds_cover_as_they_should(data: dict[str, Any]) -> None:
    z = []
    for seed in range(40):
        found = answer(data, seed=seed, paths=2048)
        z.append((found["price"] - found["exact_price"]) / found["standard_error"]["price"])
    assert 0.6 < math.sqrt(np.mean(np.square(z))) < 1.5
    assert abs(np.mean(z)) < 0.7


def test_every_control_has_the_mean_that_it_is_said_to_have(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no factor can be integrated: geometric basket for a sum, the discounted sum for the rest."""
    monkeypatch.setattr(basket, "direction", lambda terms: None)
    monkeypatch.setattr(basket, "equal_loading", lambda terms: None)
    for data in (FOUR, {**TWO, "style": "max"}, {**TWO, "style": "spread", "strike": 0}):
        found = answer(data, method="rqmc")
        plain = answer(data, method="rqmc", variance_reduction="none")
        assert found["diagnostics"]["control_coefficient"] is not None
        error = math.hypot(found["standard_error"]["price"], plain["standard_error"]["price"])
        assert abs(found["price"] - plain["price"]) < 4.5 * error


def test_a_fourth_factor_that_is_rounding_is_none() -> None:
    """Of four terms one factor is in closed form: more than three others cannot be left."""
    even = {"type": "call", "spots": [100] * 4, "strike": 100, "maturity": 5, "volatilities": [0.4] * 4}
    prices = [answer(even, correlation=0.5, rate=rate)["price"] for rate in (0, 1e-9, 2e-9)]
    assert prices == pytest.approx([prices[0]] * 3, abs=1e-5)


def test_one_asset_is_a_vanilla_option() -> None:
    """Weights of 0, or assets that move as one."""
    plain = black_scholes.european(True, 100, 105, 1, 0.03, 0.01, 0.25).price
    alone = {**TWO, "spots": [100, 50], "strike": 105, "maturity": 1, "rate": 0.03, "dividend_yields": [0.01, 0.01]}
    alone |= {"volatilities": [0.25, 0.25]}
    assert answer(alone, weights=[1, 0])["price"] == pytest.approx(plain, abs=1e-11)
    assert answer(alone, correlation=1, weights=[0.5, 1])["price"] == pytest.approx(plain, abs=1e-11)
    same = answer(alone, spots=[100, 100], correlation=1, style="max", weights=[1, 1])
    assert same["price"] == pytest.approx(plain, abs=1e-9)


def test_an_exchange_has_a_formula() -> None:
    """Margrabe (1978): a spread with strike 0."""
    for rho in (-0.9, 0.0, 0.4, 0.95):
        found = answer(TWO, style="spread", strike=0, correlation=rho)["price"]
        s = math.sqrt(0.04 + 0.09 - 2 * rho * 0.06)
        exact = black_scholes.european(True, 100, 95, 2, 0.02, 0.01, s).price
        assert found == pytest.approx(exact, abs=1e-10)
        best = answer(TWO, style="max", strike=1e-9, correlation=rho)["price"]
        assert best == pytest.approx(95 * math.exp(-0.04) + exact, abs=1e-8)


@pytest.mark.parametrize("kind", ["call", "put"])
def test_best_and_worst_are_both_together(kind: str) -> None:
    """max + min pay what the two vanilla options pay."""
    both = answer(TWO, type=kind, style="max")["price"] + answer(TWO, type=kind, style="min")["price"]
    first = black_scholes.european(kind == "call", 100, 100, 2, 0.05, 0.01, 0.2).price
    second = black_scholes.european(kind == "call", 95, 100, 2, 0.05, 0.02, 0.3).price
    assert both == pytest.approx(first + second, abs=1e-9)


def test_put_call_parity_and_scale() -> None:
    for data in (FOUR, {**TWO, "style": "spread", "strike": 7}):
        call, put = answer(data), answer(data, type="put")
        discount = math.exp(-data["rate"] * data["maturity"])
        assert call["price"] - put["price"] == pytest.approx(discount * (call["forward"] - data["strike"]), abs=1e-9)
        scaled = answer(data, spots=[3 * spot for spot in data["spots"]], strike=3 * data["strike"])
        assert scaled["price"] == pytest.approx(3 * call["price"], rel=1e-10)


def test_the_order_of_the_assets_does_not_matter() -> None:
    turned = [2, 0, 3, 1]
    fields = ("spots", "weights", "dividend_yields", "volatilities")
    other = {field: [FOUR[field][i] for i in turned] for field in fields}
    matrix = [[FOUR["correlation"][i][j] for j in turned] for i in turned]
    assert answer(FOUR, **other, correlation=matrix)["price"] == pytest.approx(answer(FOUR)["price"], abs=1e-10)


@pytest.mark.parametrize("style", ["arithmetic", "max", "min", "spread"])
@pytest.mark.parametrize("still", [{"volatilities": [0, 0]}, {"maturity": 0}])
def test_nothing_moves(style: str, still: dict[str, Any]) -> None:
    found = answer(TWO, style=style, strike=3, method="rqmc", **still)
    term = still.get("maturity", 2)
    ends = [100 * math.exp(0.04 * term), 95 * math.exp(0.03 * term)]
    reached = {"arithmetic": sum(ends) / 2, "max": max(ends), "min": min(ends), "spread": ends[0] - ends[1]}[style]
    assert found["standard_error"] is None
    assert found["price"] == pytest.approx(math.exp(-0.05 * term) * max(reached - 3, 0), rel=1e-12)
    assert [each["code"] for each in found["diagnostics"]["warnings"]] == ["not_simulated"]


@pytest.mark.parametrize("style", ["arithmetic", "spread", "max", "min"])
def test_a_still_asset_and_singular_matrices_are_legal(style: str) -> None:
    still = answer(TWO, style=style, volatilities=[0.2, 0], strike=3)
    near = answer(TWO, style=style, volatilities=[0.2, 1e-7], strike=3)
    assert still["price"] == pytest.approx(near["price"], abs=1e-4)
    for rho in (1, -1):
        singular, beside = (answer(TWO, style=style, correlation=r, strike=3) for r in (rho, rho * (1 - 1e-8)))
        error = (singular["standard_error"] or {"price": 0.0})["price"]
        assert abs(singular["price"] - beside["price"]) < 5 * error + 1e-2


def test_forty_assets_and_more() -> None:
    """Call less put of a simulated basket; a dimension that Sobol points do not have."""
    many = {**FOUR, "dividend_yields": None, "weights": None, "correlation": 0.3, "paths": 2048}
    for n in (40, 300):
        many |= {"spots": [100] * n, "volatilities": [0.1 + 0.4 * i / n for i in range(n)]}
        call, put = answer(many), answer(many, type="put")
        assert call["diagnostics"]["method"] == "rqmc"
        error = math.hypot(call["standard_error"]["price"], put["standard_error"]["price"])
        parity = math.exp(-0.08) * (call["forward"] - 95)
        assert abs(call["price"] - put["price"] - parity) < 5 * error + 1e-9


def test_a_matrix_that_is_none_is_refused_or_repaired() -> None:
    impossible = [[1, 0.9, -0.9, 0], [0.9, 1, 0.9, 0], [-0.9, 0.9, 1, 0], [0, 0, 0, 1]]
    assert faults(FOUR, correlation=impossible) == {"$.data.correlation": "not_psd"}
    found = answer(FOUR, correlation=impossible, repair="nearest")
    assert found["diagnostics"]["repair_distance"] > 0.1
    assert found["diagnostics"]["method"] == "rqmc"


def test_assets_whose_mean_stands_still_have_a_control_that_does() -> None:
    """Correlated as far against each other as three can be, their geometric mean has no variance but rounding's."""
    three = {"spots": [100.0] * 3, "weights": [1 / 3] * 3, "volatilities": [0.2] * 3, "maturity": 1, "paths": 8192}
    found = answer(FOUR, **three, rate=0.01, dividend_yields=[0.0] * 3, correlation=-1, repair="nearest")
    assert found["diagnostics"]["repair_distance"] == pytest.approx(math.sqrt(6) / 2)
    spread = 0.2**2 * 1.5  # what two of them lie apart: the basket itself hardly moves
    assert 0 < found["price"] < 100 * math.sqrt(spread)


def test_what_is_refused() -> None:
    assert faults(FOUR, volatilities=[0.2] * 3, weights=[1, 2]) == {
        "$.data.volatilities": "length_mismatch",
        "$.data.weights": "length_mismatch",
    }
    assert faults(FOUR, weights=[1, -1, 1, 1]) == {"$.data.weights[1]": "invalid"}
    assert faults(FOUR, weights=[0, 0, 0, 0], strike=-1) == {"$.data.weights": "invalid", "$.data.strike": "invalid"}
    assert faults(TWO, style="max", weights=[0, 1]) == {"$.data.weights[0]": "invalid"}
    assert faults(FOUR, correlation=1.5) == {"$.data.correlation": "out_of_range"}
    assert faults(FOUR, method="closed_form") == {"$.data.method": "invalid"}
    assert faults(FOUR, variance_reduction="antithetic") == {"$.data.variance_reduction": "invalid"}
    assert faults(FOUR, rate=2, maturity=80) == {"$.data.rate": "out_of_range"}
    many = {**TWO, "spots": [100] * 500, "volatilities": [0.2] * 500, "dividend_yields": None}
    assert faults(many, paths=10**10) == {"$.data.paths": "too_large"}


def test_a_wide_law_is_simulated_with_a_warning() -> None:
    wide = answer(FOUR, volatilities=[5, 5, 5, 4], maturity=4)
    assert wide["diagnostics"]["method"] == "rqmc"
    assert [each["code"] for each in wide["diagnostics"]["warnings"]] == ["heavy_tail"]


def test_what_does_not_settle_is_simulated() -> None:
    """Assets that move against each other leave a factor in which the sum has a kink, almost."""
    apart = {**FOUR, "correlation": -0.3, "volatilities": [0.9, 0.8, 0.7, 0.6]}
    found = answer(apart)
    assert found["diagnostics"]["method"] == "rqmc"
    asked = answer(apart, method="quadrature")
    assert (
        abs(found["price"] - asked["price"]) < 5 * found["standard_error"]["price"] + asked["diagnostics"]["residual"]
    )


def test_a_target_is_reached_and_stops() -> None:
    found = answer(FOUR, method="rqmc", paths=10**7, target_standard_error=2e-4)
    assert found["standard_error"]["price"] <= 2e-4
    assert found["diagnostics"]["stopped_early"]


def test_a_wrong_kernel_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as broken:
        by_orders = basket._by_orders
        broken.setattr(basket, "_by_orders", lambda *given: (by_orders(*given)[0] + 50.0, by_orders(*given)[1] - 50))
        with pytest.raises(CalcError, match="put_call_parity") as caught:
            answer(FOUR)
        assert caught.value.code == "internal_check_failed"
    with monkeypatch.context() as broken:
        broken.setattr(option_basket_samples.conditioned, "values", lambda x, *rest: x.fill(-1.0))
        with pytest.raises(CalcError, match="payoff_at_least_zero"):
            answer(FOUR, method="rqmc")
    option_basket.check_bounds(10.0, 5.0, 105.0, 100.0, 1e-9)


@pytest.mark.parametrize("order", [8, 20, 64])
def test_hermite_integrates_what_it_should(order: int) -> None:
    nodes, weights = basket._hermite(order)
    assert [float((weights * nodes**k).sum()) for k in (0, 1, 2, 4)] == pytest.approx([1, 0, 1, 3], abs=1e-12)
    assert float((weights * np.exp(nodes)).sum()) == pytest.approx(math.exp(0.5), rel=1e-6 if order == 8 else 1e-13)
