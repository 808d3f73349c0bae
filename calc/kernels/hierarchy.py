"""Hierarchical clusters of n things by their distances, and weights by halving the order of the leaves.

A cluster's number is that of its thing, or n + its step. What merges next is the nearest pair, ties by the smaller
number, then by the larger: so the answer depends on no order of evaluation. Distances of a merged cluster follow
Lance and Williams (1967); bisection is López de Prado's (2016), *Building diversified portfolios that outperform out
of sample*.
"""

import numpy as np
from numpy.typing import NDArray

from calc.kernels.jit import fma, kernel

Array = NDArray[np.float64]
Indexes = NDArray[np.int64]

SINGLE, AVERAGE, WARD = 0, 1, 2


@kernel
def order_of_leaves(distances: Array, linkage: int) -> Indexes:
    """The leaves from left to right, the smaller number of each pair on the left. `distances` is n × n, symmetric."""
    n = distances.shape[0]
    d = distances.copy()
    number, size = np.arange(n), np.ones(n, dtype=np.int64)
    alive = np.ones(n, dtype=np.bool_)
    nearest, gap = np.zeros(n, dtype=np.int64), np.full(n, np.inf)
    left, right = np.zeros(2 * n, dtype=np.int64), np.zeros(2 * n, dtype=np.int64)
    for k in range(n):
        d[k, k] = np.inf
    lanes, only = np.empty(8), np.ones(n, dtype=np.bool_)
    for k in range(n):
        nearest[k], gap[k], only[k] = _nearest(d, number, k, lanes)
    for step in range(n - 1):
        a, b = _next_pair(number, alive, nearest, gap)
        left[n + step], right[n + step] = number[a], number[b]
        _merge(d, size, alive, a, b, linkage)
        number[a], size[a], alive[b], gap[b] = n + step, size[a] + size[b], False, np.inf
        nearest[a], gap[a], only[a] = _nearest(d, number, a, lanes)
        row = d[a]
        for k in range(n):
            if alive[k] and k != a:
                if nearest[k] in (a, b):
                    if only[k] and row[k] == gap[k]:  # as near as before, and nobody else is
                        nearest[k] = a
                    else:
                        nearest[k], gap[k], only[k] = _nearest(d, number, k, lanes)
                elif row[k] < gap[k]:
                    nearest[k], gap[k], only[k] = a, row[k], True
                elif row[k] == gap[k]:
                    only[k] = False
    return _leaves(n, left, right)


@kernel
def _nearest(d: Array, number: Indexes, k: int, lanes: Array) -> tuple[int, float, bool]:
    """The nearest to cluster k, how far it is, and whether it is the only one; of equals that with the smallest number.

    What is gone, and k itself, are infinitely far.
    """
    row, whole = d[k], d.shape[0] // 8 * 8
    lanes[:] = np.inf
    for j in range(0, whole, 8):
        for lane in range(8):
            lanes[lane] = row[j + lane] if row[j + lane] < lanes[lane] else lanes[lane]
    for j in range(whole, row.shape[0]):
        lanes[0] = min(lanes[0], row[j])
    least, best, equals = lanes.min(), k, 0
    for j in range(row.shape[0]):
        if row[j] == least and j != k:
            equals += 1
            if best == k or number[j] < number[best]:
                best = j
    return best, least, equals == 1


@kernel
def _next_pair(number: Indexes, alive: NDArray[np.bool_], nearest: Indexes, gap: Array) -> tuple[int, int]:
    """The places of the nearest pair, the smaller number first."""
    first, second, least = -1, -1, gap.min()
    for k in range(gap.shape[0]):
        if not alive[k] or gap[k] != least:
            continue
        a, b = k, nearest[k]
        if number[a] > number[b]:
            a, b = b, a
        earlier = first < 0 or number[a] < number[first]
        if earlier or (number[a] == number[first] and number[b] < number[second]):
            first, second = a, b
    return first, second


@kernel
def _merge(d: Array, size: Indexes, alive: NDArray[np.bool_], a: int, b: int, linkage: int) -> None:
    """Write the distances of a and b together in a's row and column; b is infinitely far from then on."""
    between, one, other = d[a, b], d[a], d[b]
    for k in range(d.shape[0]):
        if not alive[k] or k in (a, b):
            continue
        to_a, to_b = one[k], other[k]
        if linkage == SINGLE:
            merged = min(to_a, to_b)
        elif linkage == AVERAGE:
            merged = fma(float(size[a]), to_a, size[b] * to_b) / (size[a] + size[b])
        else:
            square = fma(
                (size[k] + size[a]) * to_a, to_a, fma((size[k] + size[b]) * to_b, to_b, -size[k] * between * between)
            )
            merged = np.sqrt(max(square / (size[a] + size[b] + size[k]), 0.0))
        one[k], d[k, a], d[k, b] = merged, merged, np.inf
    one[b] = np.inf


@kernel
def _leaves(n: int, left: Indexes, right: Indexes) -> Indexes:
    """The leaves under the last cluster, from left to right."""
    order, waiting = np.empty(n, dtype=np.int64), np.empty(2 * n, dtype=np.int64)
    waiting[0], depth, count = 2 * n - 2, 1, 0
    while depth > 0:
        depth -= 1
        cluster = waiting[depth]
        if cluster < n:
            order[count] = cluster
            count += 1
        else:
            waiting[depth], waiting[depth + 1] = right[cluster], left[cluster]
            depth += 2
    return order


@kernel
def distances_of_rows(d: Array) -> Array:
    """The Euclidean distance of each two rows."""
    n = d.shape[0]
    out, lanes = np.zeros((n, n)), np.zeros(8)
    whole = n // 8 * 8
    for i in range(n):
        for j in range(i + 1, n):
            lanes[:] = 0.0
            for k in range(0, whole, 8):
                for lane in range(8):
                    gap = d[i, k + lane] - d[j, k + lane]
                    lanes[lane] += gap * gap
            for k in range(whole, n):
                gap = d[i, k] - d[j, k]
                lanes[k - whole] += gap * gap
            even, odd = (lanes[0] + lanes[4]) + (lanes[2] + lanes[6]), (lanes[1] + lanes[5]) + (lanes[3] + lanes[7])
            out[i, j] = np.sqrt(even + odd)
            out[j, i] = out[i, j]
    return out


@kernel
def bisect(covariance: Array, order: Indexes) -> Array:
    """Weights: each half of the order gets in inverse proportion to its variance under inverse-variance weights."""
    n = order.shape[0]
    weights = np.ones(n)
    starts, ends = np.empty(n + 1, dtype=np.int64), np.empty(n + 1, dtype=np.int64)
    starts[0], ends[0], depth = 0, n, 1
    while depth > 0:
        depth -= 1
        start, end = starts[depth], ends[depth]
        if end - start < 2:
            continue
        middle = start + (end - start) // 2
        first = _variance(covariance, order, start, middle)
        second = _variance(covariance, order, middle, end)
        share = second / (first + second)
        for i in range(start, end):
            weights[order[i]] *= share if i < middle else 1.0 - share
        starts[depth], ends[depth] = start, middle
        starts[depth + 1], ends[depth + 1] = middle, end
        depth += 2
    return weights


@kernel
def _variance(covariance: Array, order: Indexes, start: int, end: int) -> float:
    """Of the leaves from start to end, weighted by their inverse variances."""
    total = 0.0
    for i in range(start, end):
        total += 1.0 / covariance[order[i], order[i]]
    variance = 0.0
    for i in range(start, end):
        row = covariance[order[i]]
        along = 0.0
        for j in range(start, end):
            along += row[order[j]] / covariance[order[j], order[j]]
        variance += along / row[order[i]]
    return variance / (total * total)
