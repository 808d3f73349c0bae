"""Mean-variance portfolios: every objective against the conditions of its optimum, limits, refusals, self-checks."""

import json
import math
from typing import Any

import numpy as np
import pytest

from calc import execute
from calc.errors import CalcError, InvalidData
from calc.kinds import markowitz
from calc.numerics import quadratic

if markowitz.NAME not in execute.kinds():
    execute.load("calc.kinds.markowitz")

FOUR = {name: markowitz.EXAMPLE[name] for name in ("assets", "mean", "volatility", "correlation", "bounds")}
SIGMA = np.array(FOUR["correlation"]) * np.outer(FOUR["volatility"], FOUR["volatility"])
MEAN = np.array(FOUR["mean"])


def answer(**data: Any) -> dict[str, Any]:
    planned = execute.plan("markowitz", json.dumps(data).encode(), fresh_seed=0)
    found: dict[str, Any] = json.loads(execute.execute("markowitz", planned.data))
    return found


def of_four(**data: Any) -> dict[str, Any]:
    return answer(**{**FOUR, **data})


def weights(found: dict[str, Any]) -> np.ndarray:
    return np.array([found["weights"][name] for name in FOUR["assets"]])


def refused(**data: Any) -> dict[str, str]:
    with pytest.raises(InvalidData) as told:
        of_four(**data)
    return {fault.path: fault.code for fault in told.value.faults}


def random_weights(count: int = 20_000) -> np.ndarray:
    """Portfolios of the four within their bounds."""
    drawn = np.random.default_rng(5).dirichlet(np.ones(4), count)
    return drawn[(drawn <= 0.5).all(axis=1)]


def test_the_least_variance_is_below_that_of_any_other() -> None:
    found = of_four(objective="min_variance")
    others = random_weights()
    assert found["risk"] ** 2 <= np.einsum("ti,ij,tj->t", others, SIGMA, others).min()
    assert found["active_bounds"] == {"lower": [], "upper": ["bonds"]}
    assert found["weights"]["bonds"] == 0.5
    assert math.fsum(found["weights"].values()) == pytest.approx(1, abs=1e-15)


def test_a_target_return_is_met_and_its_price_is_the_slope() -> None:
    low, high = (of_four(objective="target_return", target_return=r) for r in (0.05, 0.05 + 1e-6))
    assert low["expected_return"] == pytest.approx(0.05, abs=1e-15)
    slope = (high["risk"] ** 2 - low["risk"] ** 2) / 1e-6
    assert low["shadow_prices"]["target_return"] == pytest.approx(slope, rel=1e-4)


def test_a_target_risk_is_met_from_the_other_side() -> None:
    found = of_four(objective="target_risk", target_risk=0.09)
    assert found["risk"] == pytest.approx(0.09, rel=1e-13)
    back = of_four(objective="target_return", target_return=found["expected_return"])
    assert weights(back) == pytest.approx(weights(found), abs=1e-10)


def test_no_portfolio_has_a_larger_sharpe_ratio() -> None:
    found = of_four(objective="max_sharpe", risk_free_rate=0.02)
    others = random_weights()
    ratios = (others @ MEAN - 0.02) / np.sqrt(np.einsum("ti,ij,tj->t", others, SIGMA, others))
    assert found["sharpe_ratio"] >= ratios.max()
    assert found["sharpe_ratio"] == pytest.approx((found["expected_return"] - 0.02) / found["risk"], rel=1e-15)


def test_utility_is_largest_where_its_gradient_is_level() -> None:
    found = of_four(objective="utility", risk_aversion=20, bounds=[-1, 1])
    gradient = MEAN - 20 * SIGMA @ weights(found)
    assert gradient == pytest.approx(np.full(4, gradient[0]), abs=1e-14)


def test_a_frontier_is_convex_and_has_both_ends() -> None:
    found = of_four(objective="frontier", points=41, risk_free_rate=0.02)["frontier"]
    assert len(found) == 41
    returns = [point["expected_return"] for point in found]
    variances = [point["risk"] ** 2 for point in found]
    assert np.diff(returns) == pytest.approx(np.full(40, (returns[-1] - returns[0]) / 40), rel=1e-6)
    assert (np.diff(variances, 2) > -1e-12).all()
    assert returns[-1] == pytest.approx(0.5 * 0.07 + 0.5 * 0.055, abs=1e-12)
    assert found[0]["risk"] == of_four(objective="min_variance")["risk"]


def test_a_frontier_of_many_parts_is_that_of_one(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = of_four(objective="frontier", points=7)
    monkeypatch.setattr(markowitz, "_points_a_part", lambda params: 2)
    data = json.dumps({**FOUR, "objective": "frontier", "points": 7}).encode()
    assert execute.plan("markowitz", data, fresh_seed=0).parts == 4
    assert of_four(objective="frontier", points=7) == whole


def test_factors_are_their_covariance() -> None:
    random = np.random.default_rng(2)
    loadings, specific = random.standard_normal((6, 2)) * 0.1, random.uniform(0.01, 0.05, 6)
    between = np.array([[1.0, 0.3], [0.3, 2.0]])
    dense = loadings @ between @ loadings.T + np.diag(specific)
    mean = random.uniform(0, 0.1, 6).tolist()
    asked = {"objective": "target_return", "target_return": 0.05, "mean": mean}
    by_factors = answer(
        **asked, factors={"loadings": loadings.tolist(), "specific": specific.tolist(), "covariance": between.tolist()}
    )
    by_matrix = answer(**asked, covariance=(0.5 * (dense + dense.T)).tolist())
    assert by_factors["weights"] == pytest.approx(by_matrix["weights"], abs=1e-12)


def test_groups_and_turnover_are_kept() -> None:
    group = {"name": "real", "assets": ["gold", "property"], "least": 0.1, "most": 0.2}
    found = of_four(objective="target_return", target_return=0.05, groups=[group])
    assert found["weights"]["gold"] + found["weights"]["property"] == pytest.approx(0.2, abs=1e-14)
    assert found["shadow_prices"]["group real"] < 0
    before = np.array([0.4, 0.3, 0.2, 0.1])
    turned = of_four(objective="min_variance", turnover={"before": before.tolist(), "most": 0.1})
    assert np.abs(weights(turned) - before).sum() == pytest.approx(0.1, abs=1e-12)
    assert turned["risk"] < math.sqrt(before @ SIGMA @ before)
    still = of_four(objective="min_variance", turnover={"before": before.tolist(), "most": 0})
    assert weights(still) == pytest.approx(before, abs=1e-12)
    free = of_four(objective="min_variance", turnover={"before": before.tolist(), "most": 2})
    assert weights(free) == pytest.approx(weights(of_four(objective="min_variance")), abs=1e-9)


def test_a_singular_covariance_is_solved() -> None:
    random = np.random.default_rng(4)
    sample = np.cov(random.standard_normal((20, 50)).T)
    found = answer(objective="min_variance", covariance=(0.5 * (sample + sample.T)).tolist(), bounds=[0, 0.1])
    assert found["diagnostics"]["residual"] < 1e-9
    twin = answer(objective="min_variance", volatility=[0.2, 0.2, 0.3], correlation=1)
    assert twin["risk"] == pytest.approx(0.2, rel=1e-9)
    nothing = answer(objective="min_variance", volatility=[0, 0.2], correlation=0)
    assert list(nothing["weights"].values()) == pytest.approx([1, 0], abs=1e-15)
    assert nothing["risk"] == pytest.approx(0, abs=1e-15)


def test_one_asset_and_bounds_that_leave_no_choice() -> None:
    assert answer(objective="min_variance", volatility=[0.2], correlation=0)["weights"] == {"asset_1": 1}
    fixed = of_four(objective="min_variance", bounds=[[0.1, 0.1], [0.2, 0.2], [0.3, 0.3], [0.4, 0.4]])
    assert weights(fixed).tolist() == [0.1, 0.2, 0.3, 0.4]
    quarter = of_four(objective="target_return", target_return=0.04, bounds=[0, 0.25])
    assert weights(quarter) == pytest.approx(np.full(4, 0.25), abs=1e-15)


def test_black_litterman_without_views_gives_the_market_back() -> None:
    market = [0.4, 0.3, 0.2, 0.1]
    asked = {name: FOUR[name] for name in ("assets", "volatility", "correlation")}
    found = answer(
        **asked,
        objective="utility",
        risk_aversion=2.5,
        black_litterman={"market_weights": market, "risk_aversion": 2.5, "tau": 0.05},
    )
    assert found["implied_returns"] == found["posterior_mean"]
    assert [found["unconstrained_weights"][name] for name in FOUR["assets"]] == pytest.approx(
        [each / 1.05 for each in market], rel=1e-12
    )


def test_a_certain_view_is_believed() -> None:
    asked = {name: FOUR[name] for name in ("assets", "volatility", "correlation")}
    view = {"pick": [1, 0, -1, 0], "value": 0.03, "variance": 1e-12}
    found = answer(
        **asked,
        objective="utility",
        risk_aversion=2.5,
        black_litterman={"market_weights": [0.25] * 4, "risk_aversion": 2.5, "tau": 0.05, "views": [view]},
    )["posterior_mean"]
    assert found["equities"] - found["gold"] == pytest.approx(0.03, abs=1e-9)


def test_targets_that_do_not_bind_are_told() -> None:
    (warning,) = of_four(objective="target_return", target_return=0.01)["diagnostics"]["warnings"]
    assert (warning["code"], warning["path"]) == ("target_not_binding", "$.data.target_return")
    rich = of_four(objective="target_risk", target_risk=0.5)
    assert rich["expected_return"] == pytest.approx(0.0625, abs=1e-12)
    assert rich["diagnostics"]["warnings"][0]["path"] == "$.data.target_risk"


def test_what_is_refused() -> None:
    assert refused(objective="target_return") == {"$.data.target_return": "missing"}
    assert refused(objective="min_variance", target_risk=0.1) == {"$.data.target_risk": "invalid"}
    assert refused(objective="max_sharpe", mean=None, risk_free_rate=0) == {"$.data.mean": "missing"}
    assert refused(objective="min_variance", mean=[0.1]) == {"$.data.mean": "length_mismatch"}
    assert refused(objective="min_variance", bounds=[0, 0.2]) == {"$.data.bounds": "infeasible"}
    assert refused(objective="min_variance", bounds=[0.5, 0.2]) == {"$.data.bounds": "invalid"}
    assert refused(objective="min_variance", bounds=[[0, 1]] * 3) == {"$.data.bounds": "length_mismatch"}
    assert refused(objective="min_variance", bounds=[[0, 1]] * 3 + [[0]]) == {"$.data.bounds[3]": "length_mismatch"}
    assert refused(objective="min_variance", groups=[{"name": "x", "assets": ["silver"], "most": 1}]) == {
        "$.data.groups[0].assets[0]": "unknown_asset"
    }
    assert refused(objective="max_sharpe", risk_free_rate=0.2) == {"$.data.risk_free_rate": "no_excess_return"}
    assert refused(objective="min_variance", turnover={"before": [1], "most": 1}) == {
        "$.data.turnover.before": "length_mismatch"
    }


def test_every_fault_is_told_at_once() -> None:
    found = refused(objective="target_return", mean=[0.1], bounds=[0, 0.1], assets=["A", "A", "B", "C"])
    assert set(found) == {"$.data.mean", "$.data.bounds", "$.data.assets[1]", "$.data.target_return"}


def test_an_unattainable_target_is_told_with_the_range() -> None:
    with pytest.raises(InvalidData, match=r"above the largest attainable 0\.0625 .*\(range 0\.035\.\.0\.0625\)"):
        of_four(objective="target_return", target_return=0.3)
    with pytest.raises(CalcError, match=r"below the smallest attainable 0\.0593684"):
        of_four(objective="target_risk", target_risk=0.01)
    turnover = {"before": [0.25] * 4, "most": 0.01}
    with pytest.raises(CalcError, match=r"\(range 0\.04855\.\.0\.04895\)"):
        of_four(objective="target_return", target_return=0.06, turnover=turnover)


def test_limits_that_contradict_each_other_are_named() -> None:
    groups = [
        {"name": "real", "assets": ["gold", "property"], "most": 0.3},
        {"name": "paper", "assets": ["equities", "bonds"], "most": 0.6},
    ]
    with pytest.raises(CalcError, match=r"bounds, budget, group real, group paper .* miss by 0\.1") as told:
        of_four(objective="min_variance", groups=groups)
    assert told.value.code == "infeasible"


def test_riskless_excess_has_no_largest_ratio() -> None:
    with pytest.raises(CalcError, match="without risk") as told:
        answer(objective="max_sharpe", risk_free_rate=0.01, mean=[0.02, 0.05], volatility=[0, 0.2], correlation=0)
    assert told.value.code == "riskless_excess"


def test_broken_kernels_are_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    right = quadratic.minimise

    def broken(change: dict[str, Any]) -> None:
        monkeypatch.setattr(quadratic, "minimise", lambda asked, tilt=0.0: right(asked, tilt)._replace(**change))

    broken({"weights": np.array([0.6, 0.4, 0.0, 0.0])})
    with pytest.raises(CalcError, match="within their bounds") as told:
        of_four(objective="min_variance")
    assert told.value.code == "internal_check_failed"
    broken({"residual": 1e-3})
    with pytest.raises(CalcError, match="conditions of the optimum"):
        of_four(objective="min_variance")
    broken({"mean": 0.04})
    with pytest.raises(CalcError, match="reaches its target"):
        of_four(objective="target_return", target_return=0.05)


def test_scaling_the_covariance_changes_no_weight() -> None:
    once = of_four(objective="target_return", target_return=0.05)
    tiny = of_four(objective="target_return", target_return=0.05, volatility=[v * 1e-4 for v in FOUR["volatility"]])
    assert weights(tiny) == pytest.approx(weights(once), abs=1e-12)


def test_the_cost_grows_with_the_work() -> None:
    one = execute.plan("markowitz", json.dumps({**FOUR, "objective": "min_variance"}).encode(), fresh_seed=0)
    many = execute.plan(
        "markowitz", json.dumps({**FOUR, "objective": "frontier", "points": 900}).encode(), fresh_seed=0
    )
    assert many.cpu_s > 50 * one.cpu_s
