"""Losses of a book, block by block of scenarios: what the kind `var_mc` simulates.

A scenario's random numbers are named by (seed, stream, block) and its place in the block, and sums run in the order
of the rows: a loss has the same bits wherever and beside whatever it is computed.
"""

import numpy as np
from numpy.typing import NDArray

from calc.kernels.elementary import exp, expm1, log, log1p, norm_ppf, sincos_turn
from calc.kernels.jit import kernel
from calc.kernels.philox import fill_normals, key_of, uniform_pair

Array = NDArray[np.float64]
Counts = NDArray[np.int64]

TILE = 64  # scenarios side by side: a row of them is 512 bytes
_AT_ONCE = 32  # waits that are drawn together
PANEL = 64  # normals of a tile that stay in the nearest cache while all rows use them


@kernel
def normal_tail(
    losses: Array,
    scenarios: NDArray[np.uint32],
    deviation: float,
    mean: float,
    share: float,
    seed: int,
    stream: int,
    blocks: tuple[int, int],
    size: int,
    last: int,
) -> int:
    """Write the losses above the quantile 1 - `share` and their scenarios: how many; -1 where there is no room.

    Of independent scenarios with losses mean + deviation × a standard normal, in the `blocks` from, to of `size`
    scenarios, `last` of all. From one above the quantile to the next the wait is geometric, so none below is drawn.
    """
    key, per_wait = key_of(seed, stream), -1.0 / log1p(-share) if share < 1.0 else 0.0
    waits, chances, found = np.empty(_AT_ONCE), np.empty(_AT_ONCE), 0
    for block in range(blocks[0], blocks[1]):
        place, end, pair = block * size, min((block + 1) * size, last), 0
        while place < end:
            for b in range(_AT_ONCE):
                waits[b], chances[b] = uniform_pair(key, block, pair + b)
            for b in range(_AT_ONCE):
                waits[b] = -log(waits[b]) * per_wait
            pair += _AT_ONCE
            for b in range(_AT_ONCE):
                if waits[b] >= end - place:
                    place = end
                    break
                if found == losses.shape[0]:
                    return -1
                place += int(waits[b])
                losses[found], scenarios[found] = chances[b] * share, place
                place, found = place + 1, found + 1
    for i in range(found):
        losses[i] = mean - deviation * norm_ppf(losses[i])
    return found


@kernel
def student_t_losses(
    out: Array, deviation: float, mean: float, degrees: float, seed: int, stream: int, block: int
) -> None:
    """Write the first losses of the block: mean + deviation × a Student's t scaled to variance 1, by the polar method.

    T = cos(2πv) √(ν (u^(-2/ν) - 1)): Bailey (1994), *Polar generation of random variates with the t-distribution*.
    """
    key = key_of(seed, stream)
    power, scale = -2.0 / degrees, deviation * np.sqrt(degrees - 2.0)
    for i in range(out.shape[0]):
        u, v = uniform_pair(key, block, i)
        out[i] = mean + scale * np.sqrt(expm1(power * log(u))) * sincos_turn(v)[1]


@kernel
def lognormal_losses(
    out: Array,
    factor: Array,
    specific: Array,
    trapezoidal: bool,
    shift: Array,
    exposures: Array,
    seed: int,
    stream: int,
    block: int,
    edges: Array,
    counts: Counts,
    sums: Array,
    squares: Array,
) -> None:
    """Write the first losses of the block, and add what the positions lost in those of the tail to the bins.

    Row i returns g = exp(shift_i + Σ factor_ij z_j + specific_i ε_i) - 1, and the loss is -Σ exposures_i g_i. Where
    `trapezoidal`, factor_ij is 0 for j > i. The factor's rows and columns are a multiple of 4; `specific` may be empty.
    Bin b counts losses from edges[b] to edges[b+1]: to sums[b] are added the rows' -g, to squares[b] their squares.
    """
    n, k = factor.shape
    z, returns = np.empty((k, TILE)), np.empty((n, TILE))
    own = np.empty((n if specific.shape[0] else 0, TILE))
    per_tile, losses = (k + own.shape[0]) * TILE, np.empty(TILE)
    for tile in range((out.shape[0] + TILE - 1) // TILE):
        fill_normals(z.reshape(-1), seed, stream, block, tile * per_tile)
        fill_normals(own.reshape(-1), seed, stream, block, tile * per_tile + k * TILE)
        for i in range(n):
            returns[i, :] = shift[i]
        _add_product(returns, factor, z, trapezoidal)
        losses[:] = 0.0
        for i in range(n):
            row, exposure = returns[i], exposures[i]
            if specific.shape[0]:
                f, noise = specific[i], own[i]
                for s in range(TILE):
                    row[s] += f * noise[s]
            for s in range(TILE):
                row[s] = 1.0 - exp(row[s])
            for s in range(TILE):
                losses[s] += exposure * row[s]
        piece = out[tile * TILE : (tile + 1) * TILE]
        piece[:] = losses[: piece.shape[0]]
        _add_to_bins(piece, returns, edges, counts, sums, squares)


@kernel
def _add_product(out: Array, factor: Array, z: Array, trapezoidal: bool) -> None:
    """out += factor × z for the panels of z one after the other, four rows and four products at a time."""
    n, k = factor.shape
    a, b, c, d = np.empty(TILE), np.empty(TILE), np.empty(TILE), np.empty(TILE)
    for panel in range(0, k, PANEL):
        for i in range(panel if trapezoidal else 0, n, 4):
            f, g, p, q = factor[i], factor[i + 1], factor[i + 2], factor[i + 3]
            for s in range(TILE):
                a[s], b[s], c[s], d[s] = out[i, s], out[i + 1, s], out[i + 2, s], out[i + 3, s]
            end = min(panel + PANEL, k)
            if trapezoidal:
                end = min(end, i + 4)
            for j in range(panel, end, 4):
                f0, f1, f2, f3 = f[j], f[j + 1], f[j + 2], f[j + 3]
                g0, g1, g2, g3 = g[j], g[j + 1], g[j + 2], g[j + 3]
                p0, p1, p2, p3 = p[j], p[j + 1], p[j + 2], p[j + 3]
                q0, q1, q2, q3 = q[j], q[j + 1], q[j + 2], q[j + 3]
                z0, z1, z2, z3 = z[j], z[j + 1], z[j + 2], z[j + 3]
                for s in range(TILE):
                    x0, x1, x2, x3 = z0[s], z1[s], z2[s], z3[s]
                    a[s] = a[s] + f0 * x0 + f1 * x1 + f2 * x2 + f3 * x3
                    b[s] = b[s] + g0 * x0 + g1 * x1 + g2 * x2 + g3 * x3
                    c[s] = c[s] + p0 * x0 + p1 * x1 + p2 * x2 + p3 * x3
                    d[s] = d[s] + q0 * x0 + q1 * x1 + q2 * x2 + q3 * x3
            for s in range(TILE):
                out[i, s], out[i + 1, s], out[i + 2, s], out[i + 3, s] = a[s], b[s], c[s], d[s]


@kernel
def _add_to_bins(losses: Array, lost: Array, edges: Array, counts: Counts, sums: Array, squares: Array) -> None:
    for s in range(losses.shape[0]):
        if edges.shape[0] and losses[s] >= edges[0]:
            b = np.searchsorted(edges, losses[s], side="right") - 1
            counts[b] += 1
            for i in range(lost.shape[0]):
                x = lost[i, s]
                sums[b, i] += x
                squares[b, i] += x * x


@kernel
def quadratic_losses(
    out: Array, linear: Array, square: Array, mean: Array, deviation: Array, seed: int, stream: int, block: int
) -> None:
    """Write the first losses of the block: Σ linear_j y_j + square_j y_j², y_j ~ N(mean_j, deviation_j²)."""
    k = linear.shape[0]
    z, losses = np.empty((k, TILE)), np.empty(TILE)
    for tile in range((out.shape[0] + TILE - 1) // TILE):
        fill_normals(z.reshape(-1), seed, stream, block, tile * k * TILE)
        losses[:] = 0.0
        for j in range(k):
            row, b, c, m, d = z[j], linear[j], square[j], mean[j], deviation[j]
            for s in range(TILE):
                y = m + d * row[s]
                losses[s] += (b + c * y) * y
        piece = out[tile * TILE : (tile + 1) * TILE]
        piece[:] = losses[: piece.shape[0]]


@kernel
def likelihood_ratios(losses: Array, twist: float, cumulant: float) -> Array:
    """exp(cumulant - twist × loss): how much more likely a loss is than under the twisted law that drew it."""
    out = np.empty(losses.shape[0])
    for i in range(losses.shape[0]):
        out[i] = exp(cumulant - twist * losses[i])
    return out
