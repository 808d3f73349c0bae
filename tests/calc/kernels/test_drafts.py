"""Rounds of the active set that are drafted with one factor end where those with a factor each do."""

import numpy as np
import pytest

from calc.kernels import active_set, drafts


def program(seed: int, assets: int, observations: int) -> tuple[np.ndarray, ...]:
    """Least variance for a return: weights from 0 to four times an equal share. Singular with few observations."""
    random = np.random.default_rng(seed)
    spread = random.standard_normal((assets, observations)) * random.uniform(0.1, 0.4, (assets, 1))
    covariance = spread @ spread.T / observations + 0.02 * np.ones((assets, assets))
    covariance /= covariance.diagonal().mean()
    mean = random.uniform(0.02, 0.08, assets)
    rows = np.vstack([np.ones(assets), mean])
    bounds = np.zeros(assets), np.full(assets, 4.0 / assets)
    target = float(np.quantile(mean, 0.6))
    return covariance, np.zeros(assets), *bounds, rows, np.array([1.0, target]), np.array([1.0, np.inf])


def fresh_states(assets: int) -> np.ndarray:
    states = np.zeros(assets + 2, dtype=np.int8)
    states[assets] = -1
    return states


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("assets", [64, 150])
def test_drafts_end_in_the_states_of_the_rounds(assets: int, seed: int) -> None:
    asked = program(seed, assets, 4 * assets)
    states, begun = fresh_states(assets), fresh_states(assets)
    assert drafts.drafted(*asked, fresh_states(assets), 15) > 0
    rounds, x, y, _, residual, _ = active_set.guess(*asked, states, 30)
    begun[0] = -1  # with a variable at a bound nothing is drafted
    assert drafts.drafted(*asked, begun.copy(), 15) == 0
    other, z, multipliers, *_ = active_set.guess(*asked, begun, 30)
    assert rounds > 0
    assert other > 0
    assert residual < 1e-12
    assert (states == begun).all()
    assert (x == z).all()
    assert (y == multipliers).all()


@pytest.mark.parametrize("seed", range(6))
def test_a_singular_matrix_is_drafted_no_worse(seed: int) -> None:
    asked = program(seed, 120, 60)
    states, begun = fresh_states(120), fresh_states(120)
    rounds, x, *_ = active_set.guess(*asked, states, 30)
    begun[0] = -1
    other, z, *_ = active_set.guess(*asked, begun, 30)
    assert (rounds > 0) == (other > 0)
    if rounds > 0:
        h = asked[0]
        assert x @ h @ x == pytest.approx(z @ h @ z, rel=1e-9)
