"""The least CVaR over scenarios against HiGHS' solution of the whole program, for samples with ties and without."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from calc.numerics import active_scenarios, regions
from calc.numerics.regions import Infeasible, Region


def by_highs(returns: np.ndarray, beta: float, region: Region) -> float | None:
    """Rockafellar and Uryasev's program with a variable for every scenario; None where it is infeasible."""
    count, n = returns.shape
    cost = np.concatenate([np.zeros(n), [1.0], np.full(count, 1 / ((1 - beta) * count))])
    rows, right = [np.hstack([-returns, -np.ones((count, 1)), -np.eye(count)])], [np.zeros(count)]
    for row, least, most in zip(region.rows[1:], region.least[1:], region.most[1:], strict=True):
        padded = np.concatenate([row, np.zeros(count + 1)])[np.newaxis]
        if np.isfinite(least):
            rows.append(-padded)
            right.append(np.array([-least]))
        if np.isfinite(most):
            rows.append(padded)
            right.append(np.array([most]))
    budget = np.concatenate([np.ones(n), np.zeros(count + 1)])[np.newaxis]
    bounds = [*zip(region.lower, region.upper, strict=True), (None, None), *[(0, None)] * count]
    found = linprog(cost, np.vstack(rows), np.concatenate(right), budget, [1.0], bounds)
    return float(found.fun) if found.status == 0 else None


@settings(max_examples=100)
@given(st.integers(0, 2**32 - 1), st.sampled_from([0.5, 0.75, 0.9, 0.95]))
def test_no_solver_finds_less(seed: int, beta: float) -> None:
    random = np.random.default_rng(seed)
    n, count = int(random.integers(1, 15)), int(random.integers(20, 250))
    returns = random.standard_t(3, (count, n)) * 10 ** random.uniform(-4, -1) + random.uniform(-0.001, 0.001, n)
    returns = returns.round(int(random.choice([3, 5, 15])))
    if random.random() < 0.3:
        returns = returns[random.integers(0, count, count)]
    most = max(float(random.choice([1 / n, 1.0, random.uniform(1 / n, 1)])), 1 / n)
    region = regions.budget(np.full(n, float(random.choice([0.0, -0.5]))), np.full(n, most))
    if random.random() < 0.6:
        mean = active_scenarios.means(returns)
        region = region.also(mean, float(np.quantile(mean, random.uniform(0, 1))), np.inf)
    if random.random() < 0.3:
        row = (random.random(n) < 0.5).astype(float)
        region = region.also(row, 0.2, float(random.choice([0.6, np.inf])))
    theirs = by_highs(returns, beta, region)
    try:
        ours = active_scenarios.minimise(returns, beta, region)
    except Infeasible:
        assert theirs is None
        return
    assert theirs is not None
    assert abs(ours.gap) < 1e-9
    assert abs(ours.risk.cvar - theirs) < 1e-9
    assert ours.risk.cvar >= ours.risk.var
