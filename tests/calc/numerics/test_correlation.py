"""What is a correlation matrix, what is none and why, and factors of both full and singular ones."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from calc.numerics.correlation import check_correlation, check_covariance, factor, square

ABC = ["A", "B", "C"]
IMPOSSIBLE = np.array([[1, 0.9, 0.9], [0.9, 1, -0.9], [0.9, -0.9, 1]])


def test_an_impossible_matrix_names_eigenvalue_and_carriers() -> None:
    (wrong,) = check_correlation(IMPOSSIBLE, ABC)
    assert wrong.place == ""
    assert wrong.code == "not_psd"
    assert "smallest eigenvalue is -0.8" in wrong.detail
    assert "A, B and C carry" in wrong.detail


def test_only_those_who_carry_it_are_named() -> None:
    matrix = np.eye(6)
    matrix[np.ix_([1, 3, 4], [1, 3, 4])] = IMPOSSIBLE
    (wrong,) = check_correlation(matrix, list("ABCDEF"))
    assert "B, D and E carry" in wrong.detail


def test_where_it_is_wrong() -> None:
    """B81: and each place is named."""
    matrix = np.eye(3)
    matrix[0, 1] = 0.5
    matrix[1, 0] = 0.501
    matrix[2, 2] = 0.99
    assert [(wrong.place, wrong.code) for wrong in check_correlation(matrix, ABC)] == [
        ("[2][2]", "bad_diagonal"),
        ("[1][0]", "not_symmetric"),
    ]
    matrix = np.eye(3)
    matrix[0, 1] = matrix[1, 0] = 1.5
    assert {(wrong.place, wrong.code) for wrong in check_correlation(matrix, ABC)} == {
        ("[0][1]", "out_of_range"),
        ("[1][0]", "out_of_range"),
        ("", "not_psd"),
    }


def test_rounding_is_no_fault() -> None:
    """B81: the eigenvalue below zero by rounding."""
    singular = np.ones((3, 3))
    assert check_correlation(singular, ABC) == []
    assert check_correlation(singular - 1e-12 * (1 - np.eye(3)) * [[0, 1, -1], [1, 0, 1], [-1, 1, 0]], ABC) == []
    negative = singular.copy()
    negative[0, 1] = negative[1, 0] = 1 - 1e-8  # smallest eigenvalue about -2e-9: more than rounding
    assert check_correlation(negative, ABC) != []


def test_covariances() -> None:
    scale = np.array([0.2, 0.0, 3.0])
    assert check_covariance(np.outer(scale, scale), ABC) == []
    assert [wrong.place for wrong in check_covariance(np.diag([1.0, -1.0, 1e9]), ABC)] == ["[1][1]", "[2][2]"]
    beyond = np.diag([1.0, 0.0, 1.0])
    beyond[0, 1] = beyond[1, 0] = 0.1
    assert {wrong.place for wrong in check_covariance(beyond, ABC)} == {"[0][1]", "[1][0]"}
    (wrong,) = check_covariance(IMPOSSIBLE * 0.04, ABC)
    assert "-0.8" in wrong.detail


def test_shapes() -> None:
    assert square([[1.0, 0.0], [0.0, 1.0]], 2) == []
    assert square([[1.0]], 2)[0].place == ""
    assert [wrong.place for wrong in square([[1.0], [0.0, 1.0]], 2)] == ["[0]"]


@given(st.integers(1, 12), st.integers(1, 12), st.integers(0, 2**32 - 1))
def test_a_factor_gives_its_matrix_back(size: int, rank: int, seed: int) -> None:
    loadings = np.random.default_rng(seed).standard_normal((size, rank))
    covariance = loadings @ loadings.T
    found = factor(covariance)
    assert found.shape[1] <= size
    assert found @ found.T == pytest.approx(covariance, abs=1e-9 * float(covariance.max()))


def test_a_factor_of_nothing() -> None:
    assert factor(np.zeros((3, 3))).shape == (3, 0)
    assert factor(np.ones((4, 4))).shape == (4, 1)
