"""Conditional value at risk: against its definition, the whole linear program and the closed form; refusals; checks."""

import json
import math
from typing import Any

import numpy as np
import pytest
from scipy.optimize import linprog

from calc import execute
from calc.errors import CalcError, InvalidData
from calc.kinds import cvar_portfolio
from calc.numerics import active_scenarios, normal

if cvar_portfolio.NAME not in execute.kinds():
    execute.load("calc.kinds.cvar_portfolio")

RANDOM = np.random.default_rng(4)
MOVES = RANDOM.standard_t(4, (400, 3)) @ RANDOM.standard_normal((3, 8)) * 0.01
RETURNS = (MOVES + RANDOM.standard_t(4, (400, 8)) * 0.01 + RANDOM.uniform(0, 0.002, 8)).round(6)
LAW = {
    "distribution": "normal",
    "mean": [0.010111, 0.0043532, 0.0137058],
    "covariance": [
        [0.00324625, 0.00022983, 0.00420395],
        [0.00022983, 0.00049937, 0.00019247],
        [0.00420395, 0.00019247, 0.00764097],
    ],
}


def answer(**data: Any) -> dict[str, Any]:
    planned = execute.plan("cvar_portfolio", json.dumps(data).encode(), fresh_seed=0)
    found: dict[str, Any] = json.loads(execute.execute("cvar_portfolio", planned.data))
    return found


def of_returns(returns: np.ndarray = RETURNS, **data: Any) -> dict[str, Any]:
    return answer(scenarios=returns.tolist(), **data)


def refused(**data: Any) -> dict[str, str]:
    with pytest.raises(InvalidData) as told:
        answer(**data)
    return {fault.path: fault.code for fault in told.value.faults}


def whole_program(returns: np.ndarray, beta: float, target: float, most: float) -> float:
    """Rockafellar and Uryasev's program with a variable for every scenario, by HiGHS."""
    count, n = returns.shape
    cost = np.concatenate([np.zeros(n), [1.0], np.full(count, 1 / ((1 - beta) * count))])
    tail = np.hstack([-returns, -np.ones((count, 1)), -np.eye(count)])
    short = np.concatenate([-returns.mean(axis=0), np.zeros(count + 1)])
    budget = np.concatenate([np.ones(n), np.zeros(count + 1)])
    bounds = [(0, most)] * n + [(None, None)] + [(0, None)] * count
    found = linprog(cost, np.vstack([tail, short]), np.append(np.zeros(count), -target), budget[np.newaxis], 1, bounds)
    assert found.status == 0
    return float(found.fun)


@pytest.mark.parametrize("beta", [0.5, 0.9, 0.95, 0.9973])
@pytest.mark.parametrize("target", [-1, 0.0015])
def test_against_the_whole_program(beta: float, target: float) -> None:
    found = of_returns(beta=beta, target_return=target, bounds=[0, 0.4])
    assert found["cvar"] == pytest.approx(whole_program(RETURNS, beta, target, 0.4), abs=1e-10)
    assert found["diagnostics"]["residual"] < 1e-12


def test_many_scenarios_are_solved_by_way_of_fewer() -> None:
    random = np.random.default_rng(6)
    returns = (random.standard_t(4, (9000, 4)) * 0.01).round(5)
    assert active_scenarios._levels(9000, 4) == [3, 1]
    found = of_returns(returns, beta=0.99)
    weights = np.array(list(found["weights"].values()))
    losses = np.sort(-returns @ weights)[::-1]
    assert found["cvar"] == pytest.approx(losses[:90].mean(), rel=1e-12)
    for direction in random.standard_normal((50, 4)):
        other = np.abs(weights + 0.01 * direction)
        assert np.sort(-returns @ (other / other.sum()))[::-1][:90].mean() >= found["cvar"]


def test_var_and_cvar_are_counted_from_the_losses() -> None:
    found = of_returns(beta=0.95)
    losses = np.sort(-RETURNS @ np.array(list(found["weights"].values())))
    assert found["var"] == pytest.approx(losses[379], abs=1e-15)
    assert found["cvar"] == pytest.approx(losses[380:].mean(), abs=1e-15)
    parts = of_returns(beta=0.9973)  # 1.08 scenarios in the tail
    losses = np.sort(-RETURNS @ np.array(list(parts["weights"].values())))
    assert parts["cvar"] == pytest.approx((losses[-1] + 0.08 * losses[-2]) / 1.08, rel=1e-12)


def test_a_price_is_the_slope() -> None:
    low, high = (of_returns(beta=0.95, target_return=r) for r in (0.0015, 0.0015 + 1e-8))
    assert low["shadow_price"] == pytest.approx((high["cvar"] - low["cvar"]) / 1e-8, rel=1e-5)
    low, high = (answer(**LAW, beta=0.95, target_return=r) for r in (0.011, 0.011 + 1e-8))
    assert low["shadow_price"] == pytest.approx((high["cvar"] - low["cvar"]) / 1e-8, rel=1e-5)


@pytest.mark.parametrize("source", [{"scenarios": RETURNS.tolist()}, LAW, {**LAW, "distribution": "student_t"}])
def test_the_largest_return_for_a_cvar(source: dict[str, Any]) -> None:
    asked = {**source, "beta": 0.95}
    if asked.get("distribution") == "student_t":
        asked["degrees_of_freedom"] = 5
    least = answer(**asked)
    limit = 1.3 * least["cvar"]
    found = answer(**asked, max_cvar=limit)
    assert found["cvar"] == pytest.approx(limit, rel=1e-9)
    assert found["expected_return"] > least["expected_return"]
    again = answer(**asked, target_return=found["expected_return"])
    assert again["cvar"] == pytest.approx(limit, rel=1e-9)
    loose = answer(**asked, max_cvar=50)
    assert loose["diagnostics"]["warnings"][0]["code"] == "target_not_binding"
    with pytest.raises(CalcError, match="below the smallest attainable"):
        answer(**asked, max_cvar=0.5 * least["cvar"])


def test_the_least_cvar_of_a_normal_law_is_level_in_all_directions() -> None:
    found = answer(**LAW, beta=0.95, bounds=[-1, 2])
    weights, mean, sigma = np.array(list(found["weights"].values())), np.array(LAW["mean"]), np.array(LAW["covariance"])
    factor = normal.density(normal.quantile(0.95)) / 0.05
    deviation = math.sqrt(weights @ sigma @ weights)
    gradient = factor * sigma @ weights / deviation - mean
    assert gradient == pytest.approx(np.full(3, gradient[0]), abs=1e-13)
    assert found["cvar"] == pytest.approx(factor * deviation - mean @ weights, rel=1e-13)


def test_frontiers_of_several_betas() -> None:
    found = of_returns(beta=[0.9, 0.95], points=5, bounds=[0, 0.5])
    assert found["weights"] is None
    shown = found["portfolios"]
    assert [each["beta"] for each in shown] == [0.9] * 5 + [0.95] * 5
    for frontier in (shown[:5], shown[5:]):
        assert np.diff([each["expected_return"] for each in frontier]).min() > 0
        assert (np.diff([each["cvar"] for each in frontier], 2) > -1e-12).all()
    for each in shown[1:5]:
        exact = whole_program(RETURNS, 0.9, each["expected_return"] - 1e-12, 0.5)
        assert each["cvar"] == pytest.approx(exact, abs=1e-8)


def test_parts_give_what_one_gives(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = of_returns(beta=[0.9, 0.95], points=3)
    monkeypatch.setattr(cvar_portfolio, "_portfolios_a_part", lambda params: 1)
    assert of_returns(beta=[0.9, 0.95], points=3) == whole


def test_scenarios_and_assets_may_stand_in_any_order() -> None:
    once = of_returns(beta=0.95)
    order = np.random.default_rng(1).permutation(400)
    assert of_returns(RETURNS[order], beta=0.95)["cvar"] == pytest.approx(once["cvar"], rel=1e-12)
    turned = of_returns(RETURNS[:, ::-1], beta=0.95)
    assert list(turned["weights"].values())[::-1] == pytest.approx(list(once["weights"].values()), abs=1e-9)


def test_scaling_returns_scales_risk() -> None:
    once, tenfold = of_returns(beta=0.95), of_returns(RETURNS * 10, beta=0.95)
    assert tenfold["cvar"] == pytest.approx(10 * once["cvar"], rel=1e-12)


def test_limit_cases() -> None:
    assert answer(scenarios=[[0.01], [-0.02]], beta=0.5)["cvar"] == pytest.approx(0.02)
    nothing = answer(scenarios=[[0.0, 0.0]] * 4, beta=0.75)
    assert nothing["cvar"] == nothing["var"] == 0
    same = answer(scenarios=[[-0.01, -0.01]] * 10, beta=0.9)
    assert same["cvar"] == pytest.approx(0.01, rel=1e-14)
    riskless = answer(distribution="normal", mean=[0.01, 0.02], volatility=[0, 0.2], correlation=0, beta=0.99)
    assert list(riskless["weights"].values()) == pytest.approx([1, 0], abs=1e-15)
    assert riskless["cvar"] == pytest.approx(-0.01)


def test_what_is_refused() -> None:
    scenarios = RETURNS[:20, :2].tolist()
    assert refused(beta=0.9) == {"$.data.scenarios": "missing"}
    assert refused(beta=95, scenarios=scenarios) == {"$.data.beta": "out_of_range"}
    assert refused(beta=0.99, scenarios=scenarios) == {"$.data.beta": "too_few_scenarios"}
    assert refused(beta=[0.9, 0.3], scenarios=scenarios) == {"$.data.beta[1]": "out_of_range"}
    assert refused(beta=0.9, scenarios=[[0.1, 0.2]] * 10 + [[0.1]]) == {"$.data.scenarios[10]": "length_mismatch"}
    assert refused(beta=0.9, scenarios=[[]] * 20) == {"$.data.scenarios": "too_large"}
    assert refused(beta=0.9, scenarios=scenarios, mean=[0.1, 0.2]) == {"$.data.mean": "invalid"}
    assert refused(beta=0.9, scenarios=scenarios, points=3, max_cvar=1) == {"$.data.points": "invalid"}
    assert refused(beta=0.9, scenarios=scenarios, bounds=[0, 0.4]) == {"$.data.bounds": "infeasible"}
    assert refused(beta=0.9, scenarios=scenarios, target_return=1) == {"$.data.target_return": "infeasible"}
    assert refused(beta=0.9, **{**LAW, "mean": None}) == {"$.data.mean": "missing"}
    assert refused(beta=0.9, **{**LAW, "distribution": "student_t"}) == {"$.data.degrees_of_freedom": "invalid"}


def test_work_beyond_the_limit_is_told_with_the_number() -> None:
    with pytest.raises(InvalidData, match=r"has 6,000 × 1,000 returns: at most 5,000,000") as told:
        answer(beta=0.9, scenarios=[[0.0] * 1000] * 6000)
    assert told.value.faults[0].code == "too_large"


def test_broken_kernels_are_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    right = active_scenarios.minimise

    def broken(**change: Any) -> None:
        monkeypatch.setattr(active_scenarios, "minimise", lambda *given: right(*given)._replace(**change))

    broken(gap=1e-3)
    with pytest.raises(CalcError, match="primal and dual") as told:
        of_returns(beta=0.95)
    assert told.value.code == "internal_check_failed"
    broken(risk=active_scenarios.TailRisk(0.2, 0.1, 20))
    with pytest.raises(CalcError, match="at least VaR"):
        of_returns(beta=0.95)
    broken(weights=np.full(8, 0.2))
    with pytest.raises(CalcError, match="within their bounds"):
        of_returns(beta=0.95)
