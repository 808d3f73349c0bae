"""Quadratic programs of every shape against clarabel, and whole requests against PyPortfolioOpt."""

import json
from typing import Any

import clarabel
import numpy as np
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st
from pypfopt import EfficientFrontier

from calc import execute
from calc.numerics import quadratic, regions
from calc.numerics.regions import Infeasible, Region

if "markowitz" not in execute.kinds():
    execute.load("calc.kinds.markowitz")

SEEDS = st.integers(0, 2**32 - 1)


def by_clarabel(hessian: np.ndarray, pull: np.ndarray, region: Region) -> tuple[np.ndarray, str]:
    n, even = pull.size, region.least == region.most
    low, high = np.isfinite(region.least) & ~even, np.isfinite(region.most) & ~even
    rows = [region.rows[even], -region.rows[low], region.rows[high], -np.eye(n), np.eye(n)]
    sides = [region.most[even], -region.least[low], region.most[high], -region.lower, region.upper]
    options = clarabel.DefaultSettings()
    options.verbose = False
    options.tol_gap_abs = options.tol_gap_rel = options.tol_feas = 1e-11
    right = np.concatenate(sides)
    cones = [clarabel.ZeroConeT(int(even.sum())), clarabel.NonnegativeConeT(right.size - int(even.sum()))]
    half = sp.triu(sp.csc_matrix(hessian)).tocsc()
    found = clarabel.DefaultSolver(half, -pull, sp.csc_matrix(np.vstack(rows)), right, cones, options).solve()
    return np.array(found.x), str(found.status)


def random_problem(random: np.random.Generator) -> tuple[quadratic.Problem, float]:
    """Full, singular and riskless covariances; bounds that are tight, loose and at corners; up to three groups."""
    n, count = int(random.integers(1, 25)), int(random.integers(3, 50))
    returns = random.standard_normal((count, n)) * 10 ** random.uniform(-2, 0, n)
    returns += random.standard_normal((count, 1)) * random.uniform(0, 1)
    if random.random() < 0.2:
        returns, n = np.repeat(returns, 2, axis=1), 2 * n
    if random.random() < 0.15:
        returns[:, 0] = 0.0
    centred = returns - returns.mean(axis=0)
    covariance = centred.T @ centred / count + (1e-6 if n == 1 else 0.0)
    mean = random.standard_normal(n).round(random.choice([1, 12])) * 10 ** random.uniform(-4, 0)
    most = max(random.choice([1 / int(random.integers(1, n + 1)), 1 / n, 1.0, random.uniform(1 / n, 1)]), 1 / n)
    region = regions.budget(np.full(n, random.choice([0.0, -0.5])), np.full(n, most))
    for _ in range(int(random.integers(0, 4))):
        row = (random.random(n) < 0.5).astype(float)
        inside = float(row @ random.dirichlet(np.full(n, 0.3)))
        lower, upper = round(inside - random.uniform(0, 0.5), 1), round(inside + random.uniform(0, 0.5), 1)
        region = region.also(row, lower, upper if random.random() < 0.7 else np.inf)
    tilt = random.choice([0.0, random.uniform(0, 2) / max(np.abs(mean).max(), 1e-9) * covariance.trace() / n])
    return quadratic.problem(0.5 * (covariance + covariance.T), mean, region), float(tilt)


@settings(max_examples=150)
@given(SEEDS)
def test_no_solver_finds_less(seed: int) -> None:
    random = np.random.default_rng(seed)
    asked, tilt = random_problem(random)
    if random.random() < 0.3:
        before = random.dirichlet(np.ones(asked.mean.size)).round(3)
        asked = quadratic.limit_turnover(asked, before, float(random.choice([0.05, 0.5, 1.0])))
    hessian, pull = quadratic._quadratic_part(asked), quadratic._gain(asked) * (tilt * asked.scale)
    if asked.before is not None:
        pull = pull - quadratic._mirrored(quadratic._product(asked, asked.before))
    theirs, status = by_clarabel(hessian, pull, asked.region)
    try:
        ours = quadratic.minimise(asked, tilt)
    except Infeasible:
        assert status != "Solved"
        return
    assert ours.residual < 1e-9
    assert abs(ours.weights.sum() - 1) < 1e-10 * max(1, np.abs(ours.weights).max())
    if status == "Solved":
        x = ours.weights if asked.before is None else np.concatenate([x_of(ours, asked, 1), x_of(ours, asked, -1)])
        value = 0.5 * x @ hessian @ x - pull @ x
        assert value <= 0.5 * theirs @ hessian @ theirs - pull @ theirs + 1e-8


def x_of(found: quadratic.Optimum, asked: quadratic.Problem, sign: int) -> np.ndarray:
    """What is bought (1) or sold (-1)."""
    assert asked.before is not None
    return np.maximum(sign * (found.weights - asked.before), 0.0)


@settings(max_examples=20)
@given(SEEDS, st.sampled_from(["min_variance", "target_return", "target_risk", "max_sharpe", "utility"]))
def test_whole_requests(seed: int, objective: str) -> None:
    random = np.random.default_rng(seed)
    n = int(random.integers(3, 30))
    loadings = random.standard_normal((n, 3)) * 0.1
    covariance = loadings @ loadings.T + np.diag(random.uniform(0.05, 0.3, n) ** 2)
    covariance = 0.5 * (covariance + covariance.T)
    mean, most = random.uniform(0.01, 0.12, n), float(random.uniform(2 / n, 1))
    data: dict[str, Any] = {"objective": objective, "mean": mean.tolist(), "covariance": covariance.tolist()}
    theirs = EfficientFrontier(mean, covariance, weight_bounds=(0, most), solver="CLARABEL")
    if objective == "min_variance":
        theirs.min_volatility()
    elif objective == "target_return":
        data["target_return"] = float(np.quantile(mean, 0.6))
        theirs.efficient_return(data["target_return"])
    elif objective == "target_risk":
        lowest = EfficientFrontier(mean, covariance, weight_bounds=(0, most))
        lowest.min_volatility()
        data["target_risk"] = 1.1 * lowest.portfolio_performance(risk_free_rate=0)[1]
        theirs.efficient_risk(data["target_risk"])
    elif objective == "max_sharpe":
        data["risk_free_rate"] = 0.005
        theirs.max_sharpe(risk_free_rate=0.005)
    else:
        data["risk_aversion"] = 4.0
        theirs.max_quadratic_utility(risk_aversion=4)
    planned = execute.plan("markowitz", json.dumps({**data, "bounds": [0, most]}).encode(), fresh_seed=0)
    ours = json.loads(execute.execute("markowitz", planned.data))
    assert np.abs(np.array([ours["weights"][f"asset_{i}"] for i in range(1, n + 1)]) - theirs.weights).max() < 2e-3
    expected, risk, _ = theirs.portfolio_performance(risk_free_rate=data.get("risk_free_rate", 0))
    if objective == "max_sharpe":
        assert ours["sharpe_ratio"] >= (expected - 0.005) / risk - 1e-9
    elif objective == "utility":
        assert ours["expected_return"] - 2 * ours["risk"] ** 2 >= expected - 2 * risk**2 - 1e-9
    elif objective != "target_risk":
        assert ours["risk"] <= risk + 1e-9
    else:
        assert ours["expected_return"] >= expected - 1e-6
