"""Factors of symmetric matrices, whole squares of float64, with every sum in a fixed order: the same bits everywhere.

    pivoted_cholesky   A = B Bᵀ with as many columns as A has rank, the largest remaining variance first
    eigen              A = Σ λ v vᵀ, by Householder's tridiagonal form and QL steps with implicit shifts

Golub and Van Loan (2013), *Matrix Computations*, 4.2.8, 8.3.
"""

import numpy as np
from numpy.typing import NDArray

from calc.kernels.jit import kernel

Array = NDArray[np.float64]
Order = NDArray[np.int64]


@kernel
def pivoted_cholesky(matrix: Array, floor: float) -> tuple[Order, Array]:
    """The order of the pivots (then all other rows, ascending) and B: n × k, rows as they stand in the matrix.

    It ends where the largest remaining variance is at most `floor` times the largest of the matrix. In the order of
    the pivots B is lower trapezoidal.
    """
    n = matrix.shape[0]
    turned = np.zeros((n, n))
    order, taken = np.zeros(n, dtype=np.int64), np.zeros(n, dtype=np.bool_)
    left, column, least = np.empty(n), np.empty(n), 0.0  # variances that remain, one column of what remains
    for i in range(n):
        left[i] = matrix[i, i]
        least = max(least, left[i])
    least *= floor
    rank = 0
    while rank < n:
        pivot = -1
        for i in range(n):
            if not taken[i] and (pivot < 0 or left[i] > left[pivot]):
                pivot = i
        if not left[pivot] > least:
            break
        taken[pivot] = True
        order[rank] = pivot
        column[:] = matrix[:, pivot]
        _less_columns(column, turned, rank, pivot)
        root, made = np.sqrt(left[pivot]), turned[rank]
        for i in range(n):
            made[i] = 0.0 if taken[i] else column[i] / root
            left[i] -= made[i] * made[i]
        made[pivot] = root
        rank += 1
    place = rank
    for i in range(n):
        if not taken[i]:
            order[place] = i
            place += 1
    return order, np.ascontiguousarray(turned[:rank].T)


@kernel
def _less_columns(column: Array, turned: Array, rank: int, pivot: int) -> None:
    """Take what `rank` columns of the factor (rows of `turned`) explain of the pivot's column, four at a time."""
    whole = rank // 4 * 4
    for k in range(0, whole, 4):
        r0, r1, r2, r3 = turned[k], turned[k + 1], turned[k + 2], turned[k + 3]
        f0, f1, f2, f3 = r0[pivot], r1[pivot], r2[pivot], r3[pivot]
        for i in range(column.shape[0]):
            column[i] = column[i] - f0 * r0[i] - f1 * r1[i] - f2 * r2[i] - f3 * r3[i]
    for k in range(whole, rank):
        row, f = turned[k], turned[k, pivot]
        for i in range(column.shape[0]):
            column[i] -= f * row[i]


@kernel
def eigen(matrix: Array) -> tuple[Array, Array]:
    """The eigenvalues, ascending, and their vectors of length 1 as rows; a vector's largest entry is above 0.

    An iteration that does not end (never seen) leaves a NaN in the first eigenvalue.
    """
    n = matrix.shape[0]
    diagonal, beside, vectors = _tridiagonal(matrix)
    if not _ql(diagonal, beside, vectors):
        diagonal[0] = np.nan
    order = np.argsort(diagonal, kind="mergesort")
    values, sorted_vectors = np.empty(n), np.empty((n, n))
    for i in range(n):
        values[i] = diagonal[order[i]]
        row, largest = vectors[order[i]], 0
        for j in range(n):
            if abs(row[j]) > abs(row[largest]):
                largest = j
        sign = -1.0 if row[largest] < 0.0 else 1.0
        for j in range(n):
            sorted_vectors[i, j] = sign * row[j]
    return values, sorted_vectors


@kernel
def _tridiagonal(matrix: Array) -> tuple[Array, Array, Array]:
    """Diagonal and subdiagonal of QᵀAQ, and Qᵀ."""
    n = matrix.shape[0]
    a, turned = matrix.copy(), np.eye(n)
    diagonal, beside = np.empty(n), np.zeros(n)
    v, p, w = np.zeros(n), np.zeros(n), np.zeros(n)
    for k in range(n - 2):
        v[:] = 0.0
        for i in range(k + 1, n):
            v[i] = a[i, k]
        rest = 0.0
        for i in range(k + 2, n):
            rest += v[i] * v[i]
        beside[k] = v[k + 1]
        if rest > 0.0:
            length = np.sqrt(v[k + 1] * v[k + 1] + rest)
            beside[k] = -length if v[k + 1] > 0.0 else length
            v[k + 1] -= beside[k]
            scale = 2.0 / (v[k + 1] * v[k + 1] + rest)
            p[:] = 0.0
            for i in range(k + 1, n):
                f, row = scale * v[i], a[i]
                for j in range(k + 1, n):
                    p[j] += f * row[j]
            half = 0.0
            for i in range(k + 1, n):
                half += p[i] * v[i]
            half *= 0.5 * scale
            for i in range(n):
                w[i] = p[i] - half * v[i]
            for i in range(k + 1, n):
                f, g, row = v[i], w[i], a[i]
                for j in range(k + 1, n):
                    row[j] = row[j] - f * w[j] - g * v[j]
            _reflect(turned, v, scale, k + 1)
    for i in range(n):
        diagonal[i] = a[i, i]
    if n > 1:
        beside[n - 2] = a[n - 1, n - 2]
    return diagonal, beside, turned


@kernel
def _reflect(turned: Array, v: Array, scale: float, first: int) -> None:
    """(I - scale·v vᵀ) times the matrix, in place; v is 0 before `first`."""
    n = turned.shape[0]
    product = np.zeros(n)
    for i in range(first, n):
        f, row = v[i], turned[i]
        for j in range(n):
            product[j] += f * row[j]
    for i in range(first, n):
        f, row = scale * v[i], turned[i]
        for j in range(n):
            row[j] -= f * product[j]


@kernel
def _ql(diagonal: Array, beside: Array, vectors: Array) -> bool:
    """Diagonalise in place: `diagonal` becomes the eigenvalues, rows of `vectors` are turned along. False: no end."""
    n = diagonal.shape[0]
    for low in range(n):
        steps = 0
        while True:
            end = low
            while end < n - 1:
                scale = abs(diagonal[end]) + abs(diagonal[end + 1])
                if abs(beside[end]) <= 1.1e-16 * scale:
                    break
                end += 1
            if end == low:
                break
            steps += 1
            if steps > 60:
                return False
            _ql_step(diagonal, beside, vectors, low, end)
    return True


@kernel
def _ql_step(diagonal: Array, beside: Array, vectors: Array, low: int, end: int) -> None:
    """One QL step with Wilkinson's shift on rows low … end."""
    g = (diagonal[low + 1] - diagonal[low]) / (2.0 * beside[low])
    r = np.sqrt(g * g + 1.0)
    g = diagonal[end] - diagonal[low] + beside[low] / (g + (r if g >= 0.0 else -r))
    sine, cosine, shift = 1.0, 1.0, 0.0
    for i in range(end - 1, low - 1, -1):
        f, b = sine * beside[i], cosine * beside[i]
        r = np.sqrt(f * f + g * g)
        beside[i + 1] = r
        if r == 0.0:
            diagonal[i + 1] -= shift
            beside[end] = 0.0
            return
        sine, cosine = f / r, g / r
        g = diagonal[i + 1] - shift
        r = (diagonal[i] - g) * sine + 2.0 * cosine * b
        shift = sine * r
        diagonal[i + 1] = g + shift
        g = cosine * r - b
        upper, lower = vectors[i + 1], vectors[i]
        for j in range(vectors.shape[1]):
            kept = upper[j]
            upper[j] = sine * lower[j] + cosine * kept
            lower[j] = cosine * lower[j] - sine * kept
    diagonal[low] -= shift
    beside[low] = g
    beside[end] = 0.0
