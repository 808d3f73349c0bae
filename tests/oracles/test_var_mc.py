"""The closed forms and inversions of `var_mc` against scipy and plain simulation, over the whole domain."""

import json
import math
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from calc import execute
from tests.oracles.strategies import log_uniform


def answer(**data: Any) -> dict[str, Any]:
    planned = execute.plan("var_mc", json.dumps(data).encode(), fresh_seed=1)
    return json.loads(execute.execute("var_mc", planned.data))


@settings(max_examples=40, deadline=None)
@given(st.floats(0.5, 0.99999), log_uniform(2.05, 200), log_uniform(1e-4, 10), log_uniform(0.01, 2520))
def test_student_t(confidence: float, degrees: float, volatility: float, horizon: float) -> None:
    found = answer(
        positions=[{"symbol": "A", "value": 1000.0}], volatilities={"A": volatility}, days_per_year=252,
        horizon_days=horizon, distribution="student_t", degrees_of_freedom=degrees, confidence=confidence,
        scenarios=math.ceil(1000 + 60 / (1 - confidence)),
    )  # fmt: skip
    deviation = 1000 * volatility * math.sqrt(horizon / 252)
    unit, q = math.sqrt((degrees - 2) / degrees), stats.t.ppf(confidence, degrees)
    np.testing.assert_allclose(found["parametric_var"], deviation * unit * q, rtol=1e-9, atol=1e-12 * deviation)
    es = unit * stats.t.pdf(q, degrees) / (1 - confidence) * (degrees + q * q) / (degrees - 1)
    np.testing.assert_allclose(found["parametric_es"], deviation * es, rtol=1e-8)
    assert abs(found["var"] - found["parametric_var"]) < 6 * found["standard_error"]["var"]


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 6), st.integers(0, 2**32 - 1), st.floats(0.5, 0.9999))
def test_quadratic_forms_against_chi_square_mixtures(size: int, seed: int, confidence: float) -> None:
    """Equal eigenvalues: the loss is a multiple of a non-central χ², which scipy knows."""
    rng = np.random.default_rng(seed)
    delta, scale = rng.standard_normal(size), math.exp(rng.uniform(-3, 3))
    found = answer(
        method="delta_gamma", delta=delta.tolist(), gamma=(2 * scale * np.eye(size)).tolist(),
        covariance=np.eye(size).tolist(), confidence=confidence, scenarios=400_000,
    )  # fmt: skip
    away = float(delta @ delta) / (4 * scale**2)
    exact = scale * (stats.ncx2.ppf(confidence, size, away) - away)
    np.testing.assert_allclose(found["parametric_var"], exact, rtol=1e-7, atol=1e-9 * scale)
    assert found["parametric_es"] >= found["parametric_var"]
    assert math.isclose(math.fsum(found["component_es"].values()), found["es"], rel_tol=1e-8)


@settings(max_examples=15, deadline=None)
@given(st.integers(1, 5), st.integers(0, 2**32 - 1), st.sampled_from([0.5, 0.9, 0.99]))
def test_quadratic_forms_against_simulation(size: int, seed: int, confidence: float) -> None:
    rng = np.random.default_rng(seed)
    root, gamma = rng.standard_normal((size, size)), rng.standard_normal((size, size))
    delta, gamma = rng.standard_normal(size), gamma + gamma.T
    x = rng.standard_normal((200_000, size)) @ root.T
    losses = np.sort(x @ delta + 0.5 * np.einsum("si,ij,sj->s", x, gamma, x))
    found = answer(
        method="delta_gamma", delta=delta.tolist(), gamma=gamma.tolist(), covariance=(root @ root.T).tolist(),
        confidence=confidence, scenarios=400_000,
    )  # fmt: skip
    beyond = np.mean(losses > found["parametric_var"])
    error = math.sqrt(confidence * (1 - confidence) / losses.size)
    assert abs(beyond - (1 - confidence)) < 5.5 * error
