"""Regression by normal equations, every sum in a fixed order: the same bits on every processor.

The normal equations are scaled to a diagonal of ones and factored by Cholesky. Where a pivot is so small that digits
are lost, the caller feeds its rows once more, to `rotate`: a QR factor built row by row with Givens' rotations, which
needs no memory for the rows and loses half as many digits. Golub and Van Loan (2013), *Matrix Computations*, 4.2, 5.2.
"""

import numpy as np
from numpy.typing import NDArray

from calc.kernels.jit import kernel

Array = NDArray[np.float64]

LEAST_PIVOT = 1e-10  # of a diagonal of ones: below it the coefficients would have fewer than six digits
LEAST_DIAGONAL = 1e-12  # of R, relative to its column: below it a column is a combination of those before


@kernel
def solve_normal(gram: Array, right: Array, coefficients: Array) -> bool:
    """Solve gram · coefficients = right, of p unknowns; False, and nothing written, where digits would be lost."""
    p = right.shape[0]
    scale, factor = np.empty(p), np.zeros((p, p))
    for i in range(p):
        if not gram[i, i] > 0.0:
            return False
        scale[i] = 1.0 / np.sqrt(gram[i, i])
    for i in range(p):
        for j in range(i + 1):
            rest = gram[i, j] * scale[i] * scale[j]
            for k in range(j):
                rest -= factor[i, k] * factor[j, k]
            if i > j:
                factor[i, j] = rest / factor[j, j]
            elif rest > LEAST_PIVOT:
                factor[i, i] = np.sqrt(rest)
            else:
                return False
    x = np.empty(p)
    for i in range(p):
        rest = right[i] * scale[i]
        for k in range(i):
            rest -= factor[i, k] * x[k]
        x[i] = rest / factor[i, i]
    for i in range(p - 1, -1, -1):
        rest = x[i]
        for k in range(i + 1, p):
            rest -= factor[k, i] * x[k]
        x[i] = rest / factor[i, i]
    for i in range(p):
        coefficients[i] = x[i] * scale[i]
    return True


@kernel
def rotate(upper: Array, row: Array) -> None:
    """Add a row (p basis functions, then the target) to the triangle `upper` of p + 1 columns; the row is used up."""
    p = upper.shape[0]
    for i in range(p):
        if row[i] != 0.0:
            length = np.sqrt(upper[i, i] * upper[i, i] + row[i] * row[i])
            cosine, sine = upper[i, i] / length, row[i] / length
            for j in range(i, p + 1):
                above = upper[i, j]
                upper[i, j] = cosine * above + sine * row[j]
                row[j] = cosine * row[j] - sine * above


@kernel
def solve_rotated(upper: Array, coefficients: Array) -> None:
    """The coefficients from the triangle; 0 for a basis function that the ones before it make up."""
    p = upper.shape[0]
    for i in range(p - 1, -1, -1):
        column = 0.0
        for k in range(i + 1):
            column += upper[k, i] * upper[k, i]
        rest = upper[i, p]
        for j in range(i + 1, p):
            rest -= upper[i, j] * coefficients[j]
        keeps = abs(upper[i, i]) > LEAST_DIAGONAL * np.sqrt(column)
        coefficients[i] = rest / upper[i, i] if keeps else 0.0
