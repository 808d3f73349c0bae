"""The law of a quadratic loss, its twist, and the factors that it is made of."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from calc.kernels import factorise
from calc.numerics import normal, quadratic_form
from calc.numerics.quadratic_form import Form


@settings(deadline=None, max_examples=40)
@given(st.integers(1, 30), st.integers(0, 2**32 - 1))
def test_eigenvalues_give_the_matrix_back(size: int, seed: int) -> None:
    half = np.random.default_rng(seed).standard_normal((size, size))
    matrix = half + half.T
    values, vectors = factorise.eigen(matrix)
    assert vectors.T @ np.diag(values) @ vectors == pytest.approx(matrix, abs=1e-12 * size)
    assert vectors @ vectors.T == pytest.approx(np.eye(size), abs=1e-13 * size)
    assert values == pytest.approx(np.linalg.eigvalsh(matrix), abs=1e-12 * size)


def test_eigenvalues_of_special_matrices() -> None:
    for matrix in (np.zeros((3, 3)), np.eye(4), np.ones((5, 5)), np.diag([3.0, 1.0, 2.0]), np.array([[2.0]])):
        values, vectors = factorise.eigen(matrix)
        assert values == pytest.approx(np.linalg.eigvalsh(matrix), abs=1e-14)
        assert vectors.T @ np.diag(values) @ vectors == pytest.approx(matrix, abs=1e-14)


def test_a_pivoted_factor_is_trapezoidal_in_its_order() -> None:
    root = np.random.default_rng(1).standard_normal((7, 4))
    order, factor = factorise.pivoted_cholesky(root @ root.T, 1e-13)
    assert factor.shape == (7, 4)
    assert np.triu(factor[order], 1) == pytest.approx(np.zeros((7, 4)), abs=0)
    assert factor @ factor.T == pytest.approx(root @ root.T, abs=1e-12)


@settings(deadline=None, max_examples=30)
@given(st.integers(1, 6), st.integers(0, 2**32 - 1), st.floats(0.5, 0.99999))
def test_the_quantile_is_where_the_tail_is(size: int, seed: int, confidence: float) -> None:
    rng = np.random.default_rng(seed)
    form = Form(rng.standard_normal(size), rng.standard_normal(size), np.eye(size))
    found = quadratic_form.exact(form, form.linear, 2 * np.diag(form.square), confidence)
    steep = found.density * quadratic_form.moments(form)[1]  # just below a ceiling, where few digits are left
    rounding = steep * 1e-12
    beyond = quadratic_form.tail(form, found.var).beyond
    assert beyond == pytest.approx(1 - confidence, rel=1e-10, abs=rounding)
    assert found.residual < 1e-10
    scale = math.fsum(map(abs, found.es_contributions))
    slack = (1e-9 + 1e-15 * steep**2) * scale
    assert math.fsum(found.es_contributions) == pytest.approx(found.es, abs=slack)
    assert math.fsum(found.var_contributions) == pytest.approx(found.var, abs=slack)


def test_a_twist_makes_var_the_mean() -> None:
    form = Form(np.array([1.0, -2.0]), np.array([0.4, -0.3]), np.eye(2))
    twist = quadratic_form.twist(form, 6.0)
    assert math.fsum(form.linear * twist.mean + form.square * (twist.mean**2 + twist.deviation**2)) == pytest.approx(6)
    assert quadratic_form.twist(form, -1.0).theta == 0.0


def test_a_loss_with_a_ceiling() -> None:
    form = Form(np.array([1.0]), np.array([-0.25]), np.eye(1))
    assert quadratic_form.ceiling(form) == 1.0
    assert quadratic_form.exact(form, form.linear, np.array([[-0.5]]), 0.99999).var < 1.0
    assert quadratic_form.ceiling(Form(np.array([1.0, 1.0]), np.array([-0.25, 0.0]), np.eye(2))) == math.inf


BESIDE = [1e-2, 3.6e-4, 1e-9, 1e-14, 1e-30]


@pytest.mark.parametrize("beside", BESIDE)
@pytest.mark.parametrize("linear", [0.0, 1.0])
@pytest.mark.parametrize("confidence", [0.95, 0.9999])
def test_a_ceiling_that_a_little_noise_smears(beside: float, linear: float, confidence: float) -> None:
    """The loss b y - y²/2 + c z, c small: its tail is an integral over z of that with a ceiling."""
    form = Form(np.array([linear, beside]), np.array([-0.5, 0.0]), np.eye(2))
    found = quadratic_form.exact(form, form.linear, 2 * np.diag(form.square), confidence)
    nodes, weights = np.polynomial.legendre.leggauss(400)
    top = 0.5 * linear**2

    def beyond(x: float) -> float:
        """P(L > x): z from where the ceiling is reached, z = a + w² so that the square root there is smooth."""
        least = max((x - top) / beside, -12.0)
        w = 0.5 * (nodes + 1.0) * math.sqrt(max(12.0 - least, 0.0))
        z = least + w * w
        half = np.sqrt(2.0 * np.maximum(top + beside * z - x, 0.0))
        inside = [normal.distribution(linear + h) - normal.distribution(linear - h) for h in half.tolist()]
        density = np.exp(-0.5 * z * z) / math.sqrt(2 * math.pi) * 2.0 * w
        return float(math.fsum(weights * density * inside)) * 0.5 * math.sqrt(max(12.0 - least, 0.0))

    slack = 1e-12 + 1e-12 * found.density * quadratic_form.moments(form)[1]
    assert beyond(found.var) == pytest.approx(1 - confidence, rel=1e-7, abs=slack)
    assert found.residual <= quadratic_form.GOOD
    assert found.es >= found.var
    scale = math.fsum(map(abs, found.es_contributions))
    assert math.fsum(found.es_contributions) == pytest.approx(found.es, abs=1e-7 * scale)


def test_parts_that_differ_much_in_size_are_known_too() -> None:
    linear = np.array([51.637575551752754, 0.01767060788536534, -13135071936.207811])
    square = np.array([0.6846025064000433, 0.0, -4477877453.358618])
    found = quadratic_form.exact(Form(linear, square, np.eye(3)), linear, 2 * np.diag(square), 0.9999)
    assert found.residual <= quadratic_form.GOOD
    y = np.random.default_rng(1).standard_normal((1_000_000, 3))
    assert abs(np.count_nonzero(y @ linear + y**2 @ square > found.var) - 100) < 50


@pytest.mark.parametrize("confidence", [0.5, 0.9, 0.99])
def test_a_law_whose_integrand_rises_on_its_way_is_known(confidence: float) -> None:
    """Nearly linear in one normal, with a floor in it that is far away; and a hundred more of whatever shape."""
    form = Form(
        np.array([1.9465171, 0.82206234, -1.67591797]), np.array([-0.34190442, -0.01001803, 5.83672967]), np.eye(3)
    )
    found = quadratic_form.exact(form, form.linear, 2 * np.diag(form.square), confidence)
    y = np.random.default_rng(7).standard_normal((400_000, 3))
    beyond = np.mean(y @ form.linear + y**2 @ form.square > found.var)
    assert found.residual < 1e-10
    assert abs(beyond - (1 - confidence)) < 5 * math.sqrt(confidence * (1 - confidence) / len(y))
    for seed in range(100):
        rng = np.random.default_rng(seed)
        form = Form(rng.standard_normal(4), rng.standard_normal(4) * 10 ** rng.uniform(-3, 1, 4), np.eye(4))
        assert quadratic_form.exact(form, form.linear, 2 * np.diag(form.square), confidence).residual < 1e-8, seed
