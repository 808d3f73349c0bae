"""Linear programs against HiGHS: feasible, unbounded, degenerate; and vertices of regions."""

import numpy as np
import pytest
from scipy.optimize import linprog

from calc.kernels import simplex
from calc.numerics import regions
from calc.numerics.regions import Infeasible


def solved(columns: np.ndarray, cost: np.ndarray, upper: np.ndarray, rhs: np.ndarray) -> tuple[int, float]:
    """From artificial columns that are dear."""
    m = rhs.size
    whole = np.vstack([columns, np.diag(np.where(rhs < 0, -1.0, 1.0))])
    costs, uppers = np.append(cost, np.full(m, 1e4)), np.append(upper, np.full(m, np.inf))
    basis, at_upper = np.arange(cost.size, cost.size + m), np.zeros(costs.size, dtype=np.bool_)
    status, _, values, _ = simplex.solve(whole, costs, uppers, rhs, basis, at_upper, 10_000)
    held = np.where(at_upper, uppers, 0.0)
    held[basis] = values
    return status, float(costs @ held)


@pytest.mark.parametrize("seed", range(30))
def test_random_programs(seed: int) -> None:
    random = np.random.default_rng(seed)
    m, n = int(random.integers(1, 8)), int(random.integers(8, 200))
    columns = random.standard_normal((n, m)).round(int(random.choice([0, 1, 12])))
    upper = np.where(random.random(n) < 0.3, np.inf, random.uniform(0, 2, n).round(1))
    inside = np.minimum(upper, 3.0) * random.random(n).round(int(random.choice([0, 12])))
    rhs, cost = columns.T @ inside, np.abs(random.standard_normal(n))
    theirs = linprog(cost, A_eq=columns.T, b_eq=rhs, bounds=[(0, u if np.isfinite(u) else None) for u in upper])
    status, value = solved(columns, cost, upper, rhs)
    assert (status, theirs.status) == (simplex.OPTIMAL, 0)
    assert value == pytest.approx(theirs.fun, abs=1e-8)


def test_what_has_no_end_is_told() -> None:
    columns = np.array([[1.0], [-1.0]])
    status, _ = solved(columns, np.array([-1.0, 0.0]), np.array([np.inf, np.inf]), np.array([1.0]))
    assert status == simplex.UNBOUNDED


def test_a_singular_basis_is_told() -> None:
    columns, at_upper = np.array([[1.0, 1.0], [1.0, 1.0]]), np.zeros(2, dtype=np.bool_)
    status, *_ = simplex.solve(columns, np.ones(2), np.full(2, np.inf), np.ones(2), np.arange(2), at_upper, 10)
    assert status == simplex.SINGULAR


def test_a_cycle_ends() -> None:
    """Beale's program (1955), on which the steepest rule goes round for ever where ties go to the first row."""
    columns = np.array(
        [[0.25, 0.5, 0], [-60, -90, 0], [-1 / 25, -1 / 50, 1], [9, 3, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1.0]]
    )
    cost = np.array([-0.75, 150, -0.02, 6, 0, 0, 0])
    basis, at_upper = np.array([4, 5, 6]), np.zeros(7, dtype=np.bool_)
    rhs = np.array([0.0, 0.0, 1.0])
    status, _, values, _ = simplex.solve(columns, cost, np.full(7, np.inf), rhs, basis, at_upper, 5000)
    assert status == simplex.OPTIMAL
    assert float(cost[basis] @ values) == pytest.approx(-0.05)


def test_vertices_are_corners_with_the_largest_gain() -> None:
    region = regions.budget(np.zeros(4), np.full(4, 0.4)).also(np.array([1.0, 1, 0, 0]), -np.inf, 0.5)
    corner = regions.vertex(region, np.array([4.0, 3, 2, 1]))
    assert corner.weights == pytest.approx([0.4, 0.1, 0.4, 0.1])
    assert np.count_nonzero(corner.states[:4] == 0) == np.count_nonzero(corner.states[4:])
    assert regions.largest_return(region, np.array([4.0, 3, 2, 1])) == pytest.approx(2.8)


def test_filling_up_is_the_largest_return_of_a_budget() -> None:
    random = np.random.default_rng(3)
    for _ in range(50):
        n = int(random.integers(1, 12))
        lower = random.uniform(-0.2, 1 / n, n) * (random.random(n) < 0.7)
        upper, mean = lower + random.uniform(0, 1, n) + 1 / n, random.standard_normal(n)
        region = regions.budget(lower, upper)
        filled = regions.filled(lower.tolist(), upper.tolist(), mean.tolist())
        assert filled == pytest.approx(regions.largest_return(region, mean), abs=1e-12)


def test_what_is_infeasible_names_the_rows() -> None:
    region = regions.budget(np.zeros(3), np.ones(3)).also(np.array([0, 0, 1.0]), -np.inf, 0.9)
    region = region.also(np.ones(3), 1.5, np.inf)
    with pytest.raises(Infeasible) as told:
        regions.vertex(region, np.zeros(3))
    assert told.value.rows == [0, 2]
    assert told.value.missed == pytest.approx(0.5)
