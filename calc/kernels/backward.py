"""Rights to exercise on several dates under one normal factor, valued from the last date back to now.

On a date the factor is deviation · u, and every function of u is a cubic spline on one uniform grid. A right is worth
the larger of its exercise value and of what it is worth when it is kept; where the two cross, the next expectation is
cut, so that Gauss and Legendre's nodes integrate smooth pieces only.
"""

import numpy as np
from numpy.typing import NDArray

from calc.kernels.elementary import exp, norm_pdf
from calc.kernels.jit import inline, kernel

Array = NDArray[np.float64]
Whole = NDArray[np.int64]

_MOST_CUTS = 16  # of a date; with more of them than differences of rounding have, the larger is taken node by node
_BISECTIONS = 60


@inline
def _bend(values: Array, bends: Array, work: Array) -> None:
    """Second derivatives of the natural spline through equidistant values, times the square of their distance."""
    n = values.size
    bends[0] = bends[n - 1] = work[0] = 0.0
    for i in range(1, n - 1):
        pivot = 4.0 - work[i - 1]
        work[i] = 1.0 / pivot
        bends[i] = (6.0 * ((values[i + 1] - values[i]) - (values[i] - values[i - 1])) - bends[i - 1]) / pivot
    for i in range(n - 2, 0, -1):
        bends[i] -= work[i] * bends[i + 1]


@inline
def _between(values: Array, bends: Array, cell: int, share: float) -> float:
    """The spline within a cell, 0 <= share <= 1."""
    left = 1.0 - share
    straight = left * values[cell] + share * values[cell + 1]
    return float(straight - share * left * ((1.0 + left) * bends[cell] + (1.0 + share) * bends[cell + 1]) / 6.0)


@inline
def _at(values: Array, bends: Array, least: float, per_cell: float, u: float) -> float:
    """The spline at u; beyond the grid its last value."""
    place = min(max((u - least) * per_cell, 0.0), values.size - 1.0)
    cell = min(int(place), values.size - 2)
    return _between(values, bends, cell, place - cell)


@inline
def _cuts(values: Array, bends: Array, least: float, per_cell: float, out: Array) -> int:
    """Where the spline changes its sign, ascending, into `out`; how many times, or -1 where that is too often."""
    found = 0
    for cell in range(values.size - 1):
        if (values[cell] >= 0.0) == (values[cell + 1] >= 0.0):
            continue
        if found == out.size:
            return -1
        rises = values[cell + 1] >= 0.0
        low, high = 0.0, 1.0
        for _ in range(_BISECTIONS):
            middle = 0.5 * (low + high)
            if (_between(values, bends, cell, middle) >= 0.0) == rises:
                high = middle
            else:
                low = middle
        out[found] = least + (cell + 0.5 * (low + high)) / per_cell
        found += 1
    return found


@kernel
def value(
    deviations: Array,
    starts: Whole,
    coefficients: Array,
    slopes: Array,
    moves: Array,
    half_width: float,
    panels: Whole,
    nodes: Array,
    weights: Array,
    points: int,
    boundaries: Array,
) -> float:
    """What the right is worth now. Dates ascend and are later than now; `deviations` of the factor on them.

    Exercise on date i gives Σ coefficient · exp(-slope · factor) over the entries starts[i] to starts[i + 1].
    `moves` (dates × 5) say how date i is reached from the one before it, or from now: the factor is
    a · (factor before) + b, and c times a standard normal more; what stands there is multiplied by
    d · exp(-e · factor before). Into `boundaries` goes where exercise begins, in deviations of its date; NaN where
    nowhere, or on several stretches. `half_width` of the grid in deviations, with so many `points`. The normal law is
    integrated as far, each smooth piece in panels[i] panels on the way to date i.
    """
    dates = deviations.size
    least, per_cell = -half_width, (points - 1) / (2.0 * half_width)
    kept, kept_bends = np.zeros(points), np.zeros(points)
    now, now_bends = np.zeros(points), np.zeros(points)
    gap, gap_bends, work = np.zeros(points), np.zeros(points), np.zeros(points)
    cuts, before = np.zeros(_MOST_CUTS), np.zeros(points)
    worth = 0.0
    for i in range(dates - 1, -1, -1):
        for k in range(points):
            factor = deviations[i] * (least + k / per_cell)
            total = 0.0
            for j in range(starts[i], starts[i + 1]):
                total += coefficients[j] * exp(-slopes[j] * factor)
            now[k] = total
            gap[k] = total - kept[k]
        _bend(now, now_bends, work)
        _bend(gap, gap_bends, work)
        found = _cuts(gap, gap_bends, least, per_cell, cuts)
        boundaries[i] = cuts[0] if found == 1 else np.nan
        for k in range(points if i > 0 else 1):
            factor = deviations[i - 1] * (least + k / per_cell) if i > 0 else 0.0
            centre = (moves[i, 0] * factor + moves[i, 1]) / deviations[i]
            spread = moves[i, 2] / deviations[i]
            total, low = 0.0, -half_width
            for piece in range(max(found, 0) + 1):
                high = half_width
                if piece < found:
                    high = min(max((cuts[piece] - centre) / spread, -half_width), half_width)
                if high > low:
                    middle, half = 0.5 * (low + high), 0.5 * (high - low) / panels[i]
                    exercised = _at(gap, gap_bends, least, per_cell, centre + spread * middle) >= 0.0
                    for panel in range(panels[i]):
                        middle = low + half * (2 * panel + 1)
                        part = 0.0
                        for node in range(nodes.size):
                            z = middle + half * nodes[node]
                            u = centre + spread * z
                            if found < 0:
                                here = max(
                                    _at(now, now_bends, least, per_cell, u), _at(kept, kept_bends, least, per_cell, u)
                                )
                            elif exercised:
                                here = _at(now, now_bends, least, per_cell, u)
                            else:
                                here = _at(kept, kept_bends, least, per_cell, u)
                            part += weights[node] * norm_pdf(z) * here
                        total += half * part
                low = max(low, high)
            worth = moves[i, 3] * exp(-moves[i, 4] * factor) * total
            before[k] = worth
        for k in range(points):
            kept[k] = before[k]
        _bend(kept, kept_bends, work)
    return worth
