"""Brownian motion at given times, in tiles of many paths, the most telling random number first.

The end is drawn first, then the middle of each gap, so that the first dimensions of a Sobol point decide nearly all of
a path (Caflisch, Morokoff and Owen 1997, *Valuation of mortgage-backed securities using Brownian bridges*). A tile is
an array [times, paths]; a plan says for each step which row is made, from which two rows (-1: time 0, or none), with
which weights and deviation.

Where the numbers come from, for the step k of the path or point i:

    replicate < 0     Philox, stream 0, block k, number i: plain Monte Carlo
    replicate >= 0    dimension k of Owen-scrambled Sobol point i of this replicate; from dimension 256 on Philox,
                      stream 1, block 32 k + replicate, number i: replicates stay independent and unbiased
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from calc.kernels.elementary import fill_ppf
from calc.kernels.jit import kernel
from calc.kernels.philox import fill_normals as fill_random_normals
from calc.kernels.philox import fill_uniforms as fill_random_uniforms
from calc.kernels.sobol import DIMENSIONS, fill_dimension

Array = NDArray[np.float64]
Order = NDArray[np.int64]

REPLICATES = 32


class Steps(NamedTuple):
    """The plan: step k makes `row[k]` of `left[k]` and `right[k]`."""

    row: Order
    left: Order
    right: Order
    from_left: Array
    from_right: Array
    deviation: Array


def steps(times: Array) -> Steps:
    """The plan for ascending times above 0, by halving the widest count of times between two known ones."""
    n = times.size
    row, left, right = (np.full(n, -1, dtype=np.int64) for _ in range(3))
    from_left, from_right, deviation = np.zeros(n), np.zeros(n), np.zeros(n)
    row[0], deviation[0] = n - 1, np.sqrt(times[n - 1])
    gaps, k = [(-1, n - 1)], 1
    for a, b in gaps:  # grows while it is read: breadth first
        if b - a < 2:
            continue
        middle = (a + b) // 2
        start, at, end = (times[a] if a >= 0 else 0.0), times[middle], times[b]
        row[k], left[k], right[k] = middle, a, b
        from_left[k], from_right[k] = (end - at) / (end - start), (at - start) / (end - start)
        deviation[k] = np.sqrt((at - start) * (end - at) / (end - start))
        k += 1
        gaps += [(a, middle), (middle, b)]
    return Steps(row, left, right, from_left, from_right, deviation)


@kernel
def fill_normals(out: Array, seed: int, replicate: int, dimension: int, first: int) -> None:
    """Write this dimension's normals of points first, first + 1, … to `out`; `first` is even."""
    if replicate < 0:
        fill_random_normals(out, seed, 0, dimension, first)
    elif dimension >= DIMENSIONS:
        fill_random_normals(out, seed, 1, REPLICATES * dimension + replicate, first)
    else:
        uniform = np.empty(out.shape[0])
        fill_dimension(uniform, seed, replicate, dimension, first)
        fill_ppf(out, uniform)


@kernel
def fill_uniforms(out: Array, seed: int, replicate: int, dimension: int, first: int) -> None:
    """Write this dimension's uniforms of points first, first + 1, … to `out`; `first` is even."""
    if replicate < 0:
        fill_random_uniforms(out, seed, 0, dimension, first)
    elif dimension >= DIMENSIONS:
        fill_random_uniforms(out, seed, 1, REPLICATES * dimension + replicate, first)
    else:
        fill_dimension(out, seed, replicate, dimension, first)


@kernel
def fill(
    paths: Array,
    row: Order,
    left: Order,
    right: Order,
    from_left: Array,
    from_right: Array,
    deviation: Array,
    seed: int,
    replicate: int,
    first: int,
) -> None:
    """Standard Brownian motion of points first, first + 1, … at the times of the plan: [times, points]."""
    n = paths.shape[1]
    for k in range(row.shape[0]):
        path, scale = paths[row[k]], deviation[k]
        fill_normals(path, seed, replicate, k, first)
        if k == 0:
            for i in range(n):
                path[i] *= scale
            continue
        after, share_after = paths[right[k]], from_right[k]
        if left[k] < 0:
            for i in range(n):
                path[i] = share_after * after[i] + scale * path[i]
        else:
            before, share_before = paths[left[k]], from_left[k]
            for i in range(n):
                path[i] = share_before * before[i] + share_after * after[i] + scale * path[i]
