"""Values of a netting set along simulated paths of a Hull-White short rate and of shares.

On each exposure date t, under the t-forward law, with y the rate's factor and W a share's Brownian motion:

    V = fixed + Σ amount exp(-b y) + Σ amount exp(g y_fixing - b y) + Σ amount exp(-b y) Black(F exp(σW - σ²t/2))

The sums are over fixed payments, over floating coupons that were fixed before t, and over European options. Their
numbers (calc/numerics/exposure.py makes them) stand in flat arrays, those of date i from starts[i] to starts[i + 1].
"""

import math

import numpy as np
from numpy.typing import NDArray

from calc.kernels.elementary import exp, log, norm_cdf
from calc.kernels.jit import inline, kernel
from calc.kernels.lanes import dot8, sum8
from calc.kernels.philox import fill_normals

Array = NDArray[np.float64]
Whole = NDArray[np.int64]

PILOT, PATHS = 1, 2  # streams of random numbers
TILE = 512  # paths whose values on all dates are worked out at once


@inline
def _black(forward: float, strike: float, spread: float, sign: float) -> float:
    """Undiscounted option on a forward; spread 0 is the intrinsic value."""
    if spread <= 0.0 or forward <= 0.0:
        return max(sign * (forward - strike), 0.0)
    d = log(forward / strike) / spread + 0.5 * spread
    return max(sign * (forward * norm_cdf(sign * d) - strike * norm_cdf(sign * (d - spread))), 0.0)


@kernel
def values(
    seed: int,
    stream: int,
    block: int,
    tile: int,
    n: int,
    sides: int,
    steps: Array,
    marks: Whole,
    shares: int,
    slots: int,
    fixed: Array,
    restart: Array,
    flow_starts: Whole,
    flows: Array,
    live_starts: Whole,
    live: Array,
    live_slots: Whole,
    option_starts: Whole,
    options: Array,
    option_shares: Whole,
) -> tuple[Array, Array]:
    """Values of n paths (sides 2: and after them their mirror images) by date, and those with coupons fixed anew.

    steps: rows decay, deviation and root of time of each step; marks: rows of the date (or -1) and of the slot that
    keeps y for a fixing (or -1). flows: rows amount, b; live: amount, g, b; options: amount, b, forward, volatility,
    time, time left, strike, sign.
    """
    dates = fixed.shape[0]
    out, anew = np.zeros((dates, sides * n)), np.zeros((dates, sides * n))
    y, z, held, w = np.zeros(n), np.empty(n), np.zeros((slots, n)), np.zeros((shares, n))
    first = tile * steps.shape[1] * (1 + shares) * n
    for k in range(steps.shape[1]):
        fill_normals(z, seed, stream, block, first + k * (1 + shares) * n)
        for i in range(n):
            y[i] = steps[0, k] * y[i] + steps[1, k] * z[i]
        for u in range(shares):
            fill_normals(z, seed, stream, block, first + (k * (1 + shares) + 1 + u) * n)
            for i in range(n):
                w[u, i] += steps[2, k] * z[i]
        d, slot = marks[0, k], marks[1, k]
        if d >= 0:
            for side in range(sides):
                sign = 1.0 if side == 0 else -1.0
                row, again = out[d, side * n : side * n + n], anew[d, side * n : side * n + n]
                row[:] = fixed[d]
                for f in range(flow_starts[d], flow_starts[d + 1]):
                    amount, b = flows[0, f], -sign * flows[1, f]
                    for i in range(n):
                        row[i] += amount * exp(b * y[i])
                for i in range(n):
                    again[i] = row[i] + restart[d]
                for f in range(live_starts[d], live_starts[d + 1]):
                    amount, g, b, was = live[0, f], sign * live[1, f], sign * live[2, f], held[live_slots[f]]
                    for i in range(n):
                        row[i] += amount * exp(g * was[i] - b * y[i])
                for f in range(option_starts[d], option_starts[d + 1]):
                    _add_option(row, y, w[option_shares[f]], options[:, f], sign)
        if slot >= 0:
            held[slot] = y
    return out, anew


@kernel
def _add_option(row: Array, y: Array, w: Array, option: Array, side: float) -> None:
    """Add one option's value on all paths."""
    amount, b, forward, vol = option[0], -side * option[1], option[2], side * option[3]
    drift, spread = -0.5 * option[3] * option[3] * option[4], option[3] * math.sqrt(option[5])
    for i in range(row.shape[0]):
        moved = forward * exp(vol * w[i] + drift)
        row[i] += amount * exp(b * y[i]) * _black(moved, option[6], spread, option[7])


@kernel
def tally(
    found: Array,
    control: Array,
    sides: int,
    used: int,
    means: Array,
    slopes: Array,
    control_means: Array,
    centres: Array,
    weights: Array,
    windows: Array,
    sums: Array,
    totals: Array,
    counts: Whole,
) -> None:
    """Add the first `used` paths or pairs of a tile to sums [date, 4], totals [4] and counts [date, bin].

    sums: of (exposure - centre), its square, (value - mean), its square; totals: of CVA, its square, DVA, its square;
    an observation is a path, or the mean of a pair. Bin 0 is below the window, the last one above.
    """
    dates, n = found.shape[0], found.shape[1] // sides
    exposure, value = np.empty(used), np.empty(used)
    credit, debit = np.zeros(used), np.zeros(used)
    bins, part = counts.shape[1] - 2, 1.0 / sides
    for d in range(dates):
        exposure[:] = -centres[d]
        value[:] = -means[d]
        low, per_width = windows[0, d], windows[1, d]
        for side in range(sides):
            row, known = found[d, side * n : side * n + used], control[d, side * n : side * n + used]
            for i in range(used):
                exposure[i] += part * (max(row[i], 0.0) - slopes[d] * (known[i] - control_means[d]))
                value[i] += part * row[i]
            for i in range(used):
                place = (row[i] - low) * per_width if per_width > 0.0 else (row[i] - low) * 1e300
                counts[d, int(min(max(place, -1.0), float(bins)) + 1.0)] += 1
        sums[d, 0] += sum8(exposure)
        sums[d, 1] += dot8(exposure, exposure)
        sums[d, 2] += sum8(value)
        sums[d, 3] += dot8(value, value)
        for i in range(used):
            credit[i] += weights[0, d] * exposure[i]
            debit[i] += weights[1, d] * exposure[i]
    totals[0] += sum8(credit)
    totals[1] += dot8(credit, credit)
    totals[2] += sum8(debit)
    totals[3] += dot8(debit, debit)
