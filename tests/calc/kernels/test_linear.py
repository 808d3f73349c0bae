"""Factors and solutions against numpy, at sizes around the blocks of eight."""

import numpy as np
import pytest

from calc.kernels import linear

SIZES = [1, 2, 7, 8, 9, 16, 17, 63, 130]


def positive(size: int) -> np.ndarray:
    random = np.random.default_rng(size)
    root = random.standard_normal((size, size))
    return root @ root.T / size + 0.1 * np.eye(size)


@pytest.mark.parametrize("size", SIZES)
def test_cholesky_and_both_solutions(size: int) -> None:
    matrix = positive(size)
    factor = matrix.copy()
    assert linear.cholesky(factor, size) == -1
    assert np.triu(factor) == pytest.approx(np.linalg.cholesky(matrix).T, abs=1e-13)
    x = np.linspace(-1, 2, size)
    found = matrix @ x
    linear.forward(factor, size, found)
    linear.backward(factor, size, found)
    assert found == pytest.approx(x, abs=1e-11)


def test_a_matrix_that_is_not_positive_definite_names_its_row() -> None:
    matrix = np.diag([1.0, 2.0, -1.0, 3.0])
    assert linear.cholesky(matrix, 4) == 2
    assert linear.cholesky(np.full((3, 3), np.nan), 3) == 0


@pytest.mark.parametrize("size", SIZES)
def test_products(size: int) -> None:
    matrix, x = positive(size), np.linspace(-1, 2, size)
    x[::3] = 0.0
    out = np.empty(size)
    linear.symmetric_times(matrix, x, out)
    assert out == pytest.approx(matrix @ x, abs=1e-12)
    assert linear.rows_times(matrix, x) == pytest.approx(matrix @ x, abs=1e-12)
    loadings = np.ascontiguousarray(matrix[:, : max(size // 2, 1)])
    whole = linear.gram(loadings, x)
    assert whole == pytest.approx(loadings @ loadings.T + np.diag(x), abs=1e-12)
    assert (whole == whole.T).all()


@pytest.mark.parametrize("size", SIZES)
def test_a_system_without_symmetry(size: int) -> None:
    matrix = np.random.default_rng(size).standard_normal((size, size))
    x = np.linspace(-1, 2, size)
    found = matrix @ x
    assert linear.lu_solve(matrix.copy(), found)
    assert found == pytest.approx(x, abs=1e-8)


def test_a_singular_system_is_told() -> None:
    assert not linear.lu_solve(np.ones((3, 3)), np.ones(3))
    assert not linear.lu_solve(np.zeros((2, 2)), np.ones(2))
