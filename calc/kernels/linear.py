"""Dense linear algebra with sums in a fixed order: as fast as LAPACK at our sizes, and the same bits everywhere.

Matrices are float64 and row-major; a symmetric one is given by its whole square, its Cholesky factor R (RᵀR = A) by the
upper triangle. Rows are combined eight at a time: LLVM makes vectors along the columns, so no sum is reordered.
Golub and Van Loan (2013), *Matrix Computations*, 4.2.
"""

import numpy as np
from numpy.typing import NDArray

from calc.kernels.jit import kernel
from calc.kernels.lanes import dot8

Array = NDArray[np.float64]


@kernel
def cholesky(a: Array, m: int) -> int:
    """Factor the leading m × m of `a` in place, upper triangle: -1, or the first row whose pivot is not above 0."""
    for p in range(0, m, 8):
        end = min(p + 8, m)
        for q in range(p, end):
            if not a[q, q] > 0.0:
                return q
            root = np.sqrt(a[q, q])
            a[q, q] = root
            for j in range(q + 1, m):
                a[q, j] /= root
            for i in range(q + 1, end):
                f = a[q, i]
                for j in range(i, m):
                    a[i, j] -= f * a[q, j]
        if end - p == 8:
            _less_eight_rows(a, p, m)
    return -1


@kernel
def _less_eight_rows(a: Array, p: int, m: int) -> None:
    """Take what rows p … p+7 of the factor explain from the rows below."""
    r0, r1, r2, r3 = a[p], a[p + 1], a[p + 2], a[p + 3]
    r4, r5, r6, r7 = a[p + 4], a[p + 5], a[p + 6], a[p + 7]
    for i in range(p + 8, m):
        row = a[i]
        f0, f1, f2, f3, f4, f5, f6, f7 = r0[i], r1[i], r2[i], r3[i], r4[i], r5[i], r6[i], r7[i]
        for j in range(i, m):
            four = row[j] - f0 * r0[j] - f1 * r1[j] - f2 * r2[j] - f3 * r3[j]
            row[j] = four - f4 * r4[j] - f5 * r5[j] - f6 * r6[j] - f7 * r7[j]


@kernel
def forward(r: Array, m: int, b: Array) -> None:
    """Solve Rᵀx = b in place, R the leading m × m."""
    for i in range(m):
        b[i] /= r[i, i]
        f = b[i]
        for j in range(i + 1, m):
            b[j] -= f * r[i, j]


@kernel
def backward(r: Array, m: int, b: Array) -> None:
    """Solve Rx = b in place, R the leading m × m; the sums in eight lanes."""
    lanes = np.zeros(8)
    for i in range(m - 1, -1, -1):
        lanes[:] = 0.0
        whole = i + 1 + (m - i - 1) // 8 * 8
        for j in range(i + 1, whole, 8):
            for k in range(8):
                lanes[k] += r[i, j + k] * b[j + k]
        for j in range(whole, m):
            lanes[j - whole] += r[i, j] * b[j]
        explained = ((lanes[0] + lanes[4]) + (lanes[2] + lanes[6])) + ((lanes[1] + lanes[5]) + (lanes[3] + lanes[7]))
        b[i] = (b[i] - explained) / r[i, i]


@kernel
def symmetric_times(a: Array, x: Array, out: Array) -> None:
    """Write the product of a symmetric matrix and a vector to `out`: rows where x is 0 cost nothing."""
    out[:] = 0.0
    n = x.shape[0]
    picked = np.flatnonzero(x)
    whole = picked.shape[0] // 4 * 4
    for p in range(0, whole, 4):
        i0, i1, i2, i3 = picked[p], picked[p + 1], picked[p + 2], picked[p + 3]
        r0, r1, r2, r3 = a[i0], a[i1], a[i2], a[i3]
        f0, f1, f2, f3 = x[i0], x[i1], x[i2], x[i3]
        for j in range(n):
            out[j] = out[j] + f0 * r0[j] + f1 * r1[j] + f2 * r2[j] + f3 * r3[j]
    for p in range(whole, picked.shape[0]):
        row, f = a[picked[p]], x[picked[p]]
        for j in range(n):
            out[j] += f * row[j]


@kernel
def gram(b: Array, diagonal: Array) -> Array:
    """B Bᵀ + diag(d) of an n × k matrix, whole square."""
    n, k = b.shape
    turned = np.ascontiguousarray(b.T)
    out = np.zeros((n, n))
    for i in range(n):
        row = out[i]
        for c in range(k):
            f, column = b[i, c], turned[c]
            for j in range(i, n):
                row[j] += f * column[j]
        row[i] += diagonal[i]
        for j in range(i + 1, n):
            out[j, i] = row[j]
    return out


@kernel
def lu_solve(a: Array, b: Array) -> bool:
    """Solve ax = b in place (both are overwritten), with row pivots; False where the matrix is singular."""
    m = b.shape[0]
    largest = 0.0
    for i in range(m):
        for j in range(m):
            largest = max(largest, abs(a[i, j]))
    for k in range(m):
        pivot = k
        for i in range(k + 1, m):
            if abs(a[i, k]) > abs(a[pivot, k]):
                pivot = i
        if not abs(a[pivot, k]) > 1e-14 * largest:
            return False
        if pivot != k:
            for j in range(m):
                a[k, j], a[pivot, j] = a[pivot, j], a[k, j]
            b[k], b[pivot] = b[pivot], b[k]
        top = a[k]
        for i in range(k + 1, m):
            f = a[i, k] / top[k]
            row = a[i]
            for j in range(k + 1, m):
                row[j] -= f * top[j]
            b[i] -= f * b[k]
    for i in range(m - 1, -1, -1):
        for j in range(i + 1, m):
            b[i] -= a[i, j] * b[j]
        b[i] /= a[i, i]
    return True


@kernel
def rows_times(a: Array, x: Array) -> Array:
    """The product of a matrix and a vector: a row's sum in eight lanes."""
    out = np.empty(a.shape[0])
    for i in range(a.shape[0]):
        out[i] = dot8(a[i], x)
    return out
