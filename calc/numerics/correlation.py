"""Whether a matrix is a correlation or covariance matrix, and if not, what is wrong and where.

Never repaired in silence: an impossible matrix is an answer to give back, not a thing to sample from.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from calc import lazy

factorise = lazy.module("calc.kernels.factorise")

LARGEST = 1e4  # of a covariance: a volatility of 10,000 %
TOLERANCE = 1e-10  # of symmetry, diagonal and smallest eigenvalue: rounding, not a mistake
_ROWS = 32  # that are looked at at once
SMALLEST_PIVOT = 1e-14  # of the largest variance: what is left below it is rounding


class Wrong(NamedTuple):
    """One thing wrong: `place` is "[1][2]" within the matrix, or "" where it is the matrix as a whole."""

    place: str
    detail: str
    code: str


def square(rows: list[list[float]], size: int) -> list[Wrong]:
    """Every row that has the wrong length, or the wrong number of rows."""
    if len(rows) != size:
        return [Wrong("", f"has {len(rows)} rows for {size} symbols", "length_mismatch")]
    return [
        Wrong(f"[{i}]", f"has {len(row)} entries for {size} symbols", "length_mismatch")
        for i, row in enumerate(rows)
        if len(row) != size
    ]


def check_correlation(matrix: NDArray[np.float64], symbols: list[str]) -> list[Wrong]:
    """What keeps it from being a correlation matrix: range, diagonal, symmetry, or an eigenvalue. [] when nothing."""
    if _is_possible(matrix):
        return []
    wrong = [
        Wrong(f"[{i}][{j}]", f"is {matrix[i, j]:.15g}: a correlation is from -1 to 1", "out_of_range")
        for i, j in np.argwhere(np.abs(matrix) > 1 + TOLERANCE)
    ]
    wrong += [
        Wrong(f"[{i}][{i}]", f"is {matrix[i, i]:.15g}: the diagonal of a correlation matrix is 1", "bad_diagonal")
        for (i,) in np.argwhere(np.abs(matrix.diagonal() - 1) > TOLERANCE)
        if abs(matrix[i, i]) <= 1 + TOLERANCE
    ]
    if np.abs(matrix).max(initial=0.0) > LARGEST:
        return wrong  # nothing more is to be learnt from it
    wrong += _asymmetric(matrix, TOLERANCE)
    return wrong + _indefinite(0.5 * (matrix + matrix.T), symbols)


def check_covariance(matrix: NDArray[np.float64], symbols: list[str]) -> list[Wrong]:
    """What keeps it from being a covariance matrix; eigenvalues are judged with variances scaled to 1."""
    diagonal = matrix.diagonal()
    if diagonal.min(initial=1.0) > 0 and _size(matrix) <= LARGEST:
        inverse = 1.0 / np.sqrt(diagonal)
        with np.errstate(over="ignore"):  # far beyond its variances: told below
            scaled = matrix * inverse
            scaled *= inverse[:, np.newaxis]
        if _is_possible(scaled):
            return []
    wrong = [
        Wrong(f"[{i}][{i}]", f"is {diagonal[i]:.15g}: a variance is at least 0", "out_of_range")
        for (i,) in np.argwhere(diagonal < 0)
    ]
    wrong += [
        Wrong(f"[{i}][{j}]", f"is {matrix[i, j]:.15g}: beyond {LARGEST:g}", "out_of_range")
        for i, j in np.argwhere(np.abs(matrix) > LARGEST)
    ]
    if wrong:
        return wrong
    scale = np.sqrt(diagonal)
    bounds = np.outer(scale, scale)
    wrong = [
        Wrong(f"[{i}][{j}]", f"is {matrix[i, j]:.15g}: more than its variances allow ({bounds[i, j]:.6g})", "not_psd")
        for i, j in np.argwhere(np.abs(matrix) > bounds * (1 + TOLERANCE))
    ]
    wrong += _asymmetric(matrix, TOLERANCE * float(bounds.max(initial=0.0)))
    if wrong:
        return wrong
    live = np.flatnonzero(scale)
    return _indefinite(matrix[np.ix_(live, live)] / bounds[np.ix_(live, live)], [symbols[i] for i in live])


def _is_possible(matrix: NDArray[np.float64]) -> bool:
    """A quick yes to a correlation matrix, as nearly all are; False where it needs a closer look."""
    if _size(matrix) > 1 + TOLERANCE or asymmetry(matrix) > TOLERANCE:
        return False
    return not (np.abs(matrix.diagonal() - 1) > TOLERANCE).any() and _is_definite(matrix)


def _size(matrix: NDArray[np.float64]) -> float:
    """Of the largest entry; 0.0 where there is none."""
    return max(float(matrix.max(initial=0.0)), -float(matrix.min(initial=0.0)))


def asymmetry(matrix: NDArray[np.float64]) -> float:
    """The largest distance of two entries that ought to be one. In pieces that stay in the processor's memory."""
    largest = 0.0
    for first in range(0, len(matrix), _ROWS):
        some = slice(first, first + _ROWS)
        gap = matrix[some, first:] - matrix[first:, some].T
        largest = max(largest, _size(gap))
    return largest


def _is_definite(matrix: NDArray[np.float64]) -> bool:
    """Whether Cholesky's factor exists, with a little added to the diagonal: then no eigenvalue is below 0."""
    firm = matrix.copy()
    firm.ravel()[:: len(matrix) + 1] += TOLERANCE
    try:
        np.linalg.cholesky(firm)
    except np.linalg.LinAlgError:
        return False
    return True


def _asymmetric(matrix: NDArray[np.float64], tolerance: float) -> list[Wrong]:
    return [
        Wrong(
            f"[{j}][{i}]",
            f"is {matrix[j, i]:.15g}, but [{i}][{j}] is {matrix[i, j]:.15g}: the matrix must be symmetric",
            "not_symmetric",
        )
        for i, j in np.argwhere(np.abs(matrix - matrix.T) > tolerance)
        if i < j
    ]


def _indefinite(matrix: NDArray[np.float64], symbols: list[str]) -> list[Wrong]:
    """Where a combination of the symbols would have a negative variance."""
    if _is_definite(matrix):
        return []
    values, vectors = np.linalg.eigh(matrix)
    if values[0] >= -TOLERANCE:
        return []
    carriers = _carriers(vectors[:, 0], symbols)
    detail = f"is not positive semidefinite: its smallest eigenvalue is {values[0]:.6g}; {carriers} carry most of it"
    return [Wrong("", detail, "not_psd")]


def _carriers(vector: NDArray[np.float64], symbols: list[str]) -> str:
    """The fewest symbols (at most six) that hold nine tenths of an eigenvector's weight, in the client's order."""
    weights = vector * vector
    order = np.argsort(-weights, kind="stable")
    count = min(int(np.searchsorted(np.cumsum(weights[order]), 0.9)) + 1, 6)
    names = [symbols[i] for i in sorted(order[:count])]
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def factor(covariance: NDArray[np.float64]) -> NDArray[np.float64]:
    """B with B Bᵀ = covariance, n × k with k the rank: Cholesky with pivots, which a singular matrix does not stop."""
    return factor_in_order(covariance)[1]


def factor_in_order(covariance: NDArray[np.float64]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """`factor`, and the order of rows in which it is lower trapezoidal. Its bits depend on no BLAS and no processor."""
    order, root = factorise.pivoted_cholesky(np.ascontiguousarray(covariance), SMALLEST_PIVOT)
    return order, root
