"""Portfolios of 500 assets beside PyPortfolioOpt, cvxpy and HiGHS."""

import math
from typing import Any

import cvxpy
import numpy as np
import pandas
import scipy.sparse as sparse
from numpy.typing import NDArray
from pypfopt import EfficientFrontier, HRPOpt
from scipy.optimize import linprog

from bench.anchors.contest import Contest, Side, ours, timed

BETA = 0.95
Array = NDArray[np.float64]


def contests(size: float) -> list[Contest]:
    """`size` below 1 takes 50 assets instead of 500, and a tenth of the scenarios."""
    assets, scenarios = (500, 2000) if size >= 1 else (50, 200)
    return [
        mean_variance(assets, dense=True),
        mean_variance(assets, dense=False),
        tail(50, scenarios),
        equal_risk(assets),
        hierarchy(assets),
    ]


def mean_variance(assets: int, dense: bool) -> Contest:
    """The least variance for a return, weights from 0 to 2 % (of 500)."""
    random = np.random.default_rng(3)
    loadings = random.standard_normal((assets, 20)) * 0.2 / math.sqrt(20)
    specific = random.uniform(0.05, 0.3, assets) ** 2
    mean = 0.02 + 0.06 * random.random(assets)
    covariance = loadings @ loadings.T + np.diag(specific)
    bounds, target = (0.0, min(1.0, 10 / assets)), float(np.quantile(mean, 0.7))
    form = {"covariance": covariance.tolist()}
    if not dense:
        form = {"factors": {"loadings": loadings.tolist(), "specific": specific.tolist()}}

    def solve() -> float:
        frontier = EfficientFrontier(mean, covariance, weight_bounds=bounds)
        frontier.efficient_return(target)
        return float(frontier.portfolio_performance(risk_free_rate=0.0)[1])

    data = {"objective": "target_return", "target_return": target, "mean": mean.tolist(), "bounds": list(bounds)}
    return Contest(
        kind="markowitz",
        what=f"{assets} assets, target return, {'covariance' if dense else '20 factors'}",
        anchor="PyPortfolioOpt efficient_return",
        goal=8,
        ours=ours("markowitz", data | form, lambda r: (r.risk, 0.0)),
        other=_solved(solve),
    )


def tail(assets: int, scenarios: int) -> Contest:
    """The least CVaR over scenarios for a return, weights up to 20 %."""
    random = np.random.default_rng(4)
    common = random.standard_normal((assets, 5)) * 0.01
    returns = random.standard_t(4, (scenarios, 5)) @ common.T + random.standard_t(4, (scenarios, assets)) * 0.01
    returns += random.uniform(0, 0.001, assets)
    mean = returns.mean(axis=0)
    target = float(np.quantile(mean, 0.6))
    shares = np.full(scenarios, 1 / ((1 - BETA) * scenarios))
    costs = np.concatenate([np.zeros(assets), [1.0], shares])
    losses = sparse.hstack([sparse.csr_matrix(-returns), -np.ones((scenarios, 1)), -sparse.eye(scenarios)])
    earned = sparse.hstack([sparse.csr_matrix(-mean[None]), sparse.csr_matrix((1, scenarios + 1))])
    least = sparse.vstack([losses, earned]).tocsr()
    limits = np.concatenate([np.zeros(scenarios), [-target]])
    budget = sparse.csr_matrix(np.concatenate([np.ones(assets), np.zeros(scenarios + 1)])[None])
    bounds = [(0, 0.2)] * assets + [(None, None)] + [(0, None)] * scenarios

    def solve() -> float:
        return float(linprog(costs, least, limits, budget, [1.0], bounds=bounds, method="highs").fun)

    data = {"scenarios": returns.tolist(), "beta": BETA, "target_return": target, "bounds": [0, 0.2]}
    return Contest(
        kind="cvar_portfolio",
        what=f"{assets} assets, {scenarios:,} scenarios",
        anchor="HiGHS (scipy linprog), the whole program",
        goal=2,
        ours=ours("cvar_portfolio", data, lambda r: (r.cvar, 0.0)),
        other=_solved(solve),
    )


def equal_risk(assets: int) -> Contest:
    """Every asset contributes alike."""
    covariance = _covariance(assets)

    def solve() -> float:
        weights, root = cvxpy.Variable(assets), np.linalg.cholesky(covariance).T
        shares = np.full(assets, 1 / assets)
        program = cvxpy.Problem(cvxpy.Minimize(cvxpy.norm(root @ weights)), [shares @ cvxpy.log(weights) >= 1])
        program.solve(solver=cvxpy.CLARABEL)
        found: Array = weights.value / weights.value.sum()
        return math.sqrt(found @ covariance @ found)

    return Contest(
        kind="risk_budget",
        what=f"{assets} assets, equal risk",
        anchor="cvxpy with Clarabel, Riskfolio-Lib's program",
        goal=20,
        ours=ours("risk_budget", {"method": "equal_risk", "covariance": covariance.tolist()}, lambda r: (r.risk, 0.0)),
        other=_solved(solve),
    )


def hierarchy(assets: int) -> Contest:
    """Hierarchical risk parity, single linkage."""
    covariance = _covariance(assets)
    names = [str(i) for i in range(assets)]
    frame = pandas.DataFrame(covariance, index=names, columns=names)

    def solve() -> float:
        found = HRPOpt(cov_matrix=frame).optimize()
        weights = np.array([found[name] for name in names])
        return math.sqrt(weights @ covariance @ weights)

    return Contest(
        kind="risk_budget",
        what=f"{assets} assets, hierarchical",
        anchor="PyPortfolioOpt HRPOpt",
        goal=40,
        ours=ours("risk_budget", {"method": "hrp", "covariance": covariance.tolist()}, lambda r: (r.risk, 0.0)),
        other=_solved(solve),
    )


def _covariance(assets: int) -> Array:
    random = np.random.default_rng(5)
    loadings = random.standard_normal((assets, 10)) * 0.1
    found: Array = loadings @ loadings.T + np.diag(random.uniform(0.05, 0.3, assets) ** 2)
    return found


def _solved(solve: Any) -> Any:
    def side() -> Side:
        took_s, risk = timed(solve)
        return Side(took_s, risk)

    return side
