"""The correlation matrix nearest to one that is none.

Alternating projections between the positive semidefinite matrices and those with a diagonal of ones, with Dykstra's
correction: Higham (2002), *Computing the nearest correlation matrix: a problem from finance*. The distance is that of
Frobenius, √Σ (x_ij - a_ij)².
"""

import math

import numpy as np
from numpy.typing import NDArray

from calc import lazy

Matrix = NDArray[np.float64]
factorise = lazy.module("calc.kernels.factorise")

LARGEST = 500  # rows: every round takes all eigenvectors
_ROUNDS = 500
_CLOSE = 1e-9  # relative distance of the two projections at which they are one


def nearest_correlation(matrix: Matrix) -> tuple[Matrix, float]:
    """The nearest correlation matrix to a symmetric n × n one with a diagonal of ones, and how far it is.

    Raises ArithmeticError where 500 rounds do not settle it.
    """
    ones, correction = matrix, np.zeros_like(matrix)
    for _ in range(_ROUNDS):
        moved = ones - correction
        semidefinite = _semidefinite(moved)
        correction = semidefinite - moved
        ones = semidefinite.copy()
        np.fill_diagonal(ones, 1.0)
        if frobenius(ones - semidefinite) <= _CLOSE * frobenius(ones):
            scale = 1.0 / np.sqrt(semidefinite.diagonal())
            found = semidefinite * np.multiply.outer(scale, scale)
            np.fill_diagonal(found, 1.0)
            return found, frobenius(found - matrix)
    raise ArithmeticError(f"the nearest correlation matrix is not found after {_ROUNDS} rounds")


def frobenius(matrix: Matrix) -> float:
    """√ of the sum of squares."""
    return math.sqrt(math.fsum((matrix * matrix).ravel()))


def _semidefinite(matrix: Matrix) -> Matrix:
    """The nearest positive semidefinite matrix: without the eigenvalues below 0."""
    values, vectors = factorise.eigen(matrix)
    if math.isnan(values[0]):
        raise ArithmeticError("the eigenvalues of a matrix did not converge")
    without = matrix.copy()
    for i in np.flatnonzero(values < 0):
        without -= values[i] * np.multiply.outer(vectors[i], vectors[i])
    return 0.5 * (without + without.T)
