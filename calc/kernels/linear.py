"""Dense linear algebra with sums in a fixed order: as fast as LAPACK at our sizes, and the same bits everywhere.

Matrices are float64 and row-major; a symmetric one is given by its whole square, its Cholesky factor R (RᵀR = A) by the
upper triangle. Rows are combined four by four: LLVM makes vectors along the columns, so no sum is reordered.
Golub and Van Loan (2013), *Matrix Computations*, 4.2.
"""

import numpy as np
from numpy.typing import NDArray

from calc.kernels.jit import kernel
from calc.kernels.lanes import dot8

Array = NDArray[np.float64]

TILE = 64  # columns of four rows that stay in the nearest cache while all rows above are taken from them


@kernel
def cholesky(a: Array, m: int) -> int:
    """Factor the leading m × m of `a` in place, upper triangle: -1, or the first row whose pivot is not above 0.

    Four rows at a time; below the diagonal only what stands within these four rows is written to.
    """
    tiles = np.empty((4, TILE))
    for p in range(0, m, 4):
        end = min(p + 4, m)
        if end - p == 4:
            _less_rows_above(a, p, m, tiles)
        else:
            for i in range(p, end):
                for k in range(p):
                    f = a[k, i]
                    for j in range(i, m):
                        a[i, j] -= f * a[k, j]
        for q in range(p, end):
            if not a[q, q] > 0.0:
                return q
            root, row = np.sqrt(a[q, q]), a[q]
            row[q] = root
            for j in range(q + 1, m):
                row[j] /= root
            for i in range(q + 1, end):
                f, below = row[i], a[i]
                for j in range(i, m):
                    below[j] -= f * row[j]
    return -1


@kernel
def _less_rows_above(a: Array, p: int, m: int, tiles: Array) -> None:
    """Take what the rows of the factor above p explain from rows p … p+3, four by four, in pieces that stay near."""
    t0, t1, t2, t3 = a[p], a[p + 1], a[p + 2], a[p + 3]
    s0, s1, s2, s3 = tiles[0], tiles[1], tiles[2], tiles[3]
    for first in range(p, m, TILE):
        n = min(TILE, m - first)
        for j in range(n):
            s0[j], s1[j], s2[j], s3[j] = t0[first + j], t1[first + j], t2[first + j], t3[first + j]
        for k in range(0, p, 4):
            r0, r1 = a[k, first : first + n], a[k + 1, first : first + n]
            r2, r3 = a[k + 2, first : first + n], a[k + 3, first : first + n]
            a0, a1, a2, a3 = a[k, p], a[k + 1, p], a[k + 2, p], a[k + 3, p]
            b0, b1, b2, b3 = a[k, p + 1], a[k + 1, p + 1], a[k + 2, p + 1], a[k + 3, p + 1]
            c0, c1, c2, c3 = a[k, p + 2], a[k + 1, p + 2], a[k + 2, p + 2], a[k + 3, p + 2]
            d0, d1, d2, d3 = a[k, p + 3], a[k + 1, p + 3], a[k + 2, p + 3], a[k + 3, p + 3]
            for j in range(n):
                x0, x1, x2, x3 = r0[j], r1[j], r2[j], r3[j]
                s0[j] = s0[j] - a0 * x0 - a1 * x1 - a2 * x2 - a3 * x3
                s1[j] = s1[j] - b0 * x0 - b1 * x1 - b2 * x2 - b3 * x3
                s2[j] = s2[j] - c0 * x0 - c1 * x1 - c2 * x2 - c3 * x3
                s3[j] = s3[j] - d0 * x0 - d1 * x1 - d2 * x2 - d3 * x3
        for j in range(n):
            t0[first + j], t1[first + j], t2[first + j], t3[first + j] = s0[j], s1[j], s2[j], s3[j]


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
