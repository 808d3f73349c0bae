"""What each position lost in the tail, from sums over bins of the book's loss, with standard errors.

Nobody knows VaR before the last scenario is simulated, so sums over "losses beyond VaR" cannot be made on the way.
The bins' edges are chosen beforehand, from a pilot sample; the bin in which VaR turns out to lie is cut where VaR is.
Within that bin the mean of a position's loss is taken to be linear in the book's loss: so contributions of VaR add up
to it, and those of ES to the mean loss beyond, whatever the width of the bin.

Contributions are Euler's, E[X_i | L = VaR] and E[X_i | L >= VaR]: Tasche (2000), *Risk contributions and
performance measurement*. A row's loss is per unit of exposure: its contribution is `exposure` times the marginal.
"""

import math
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from calc.numerics.tails import Risk, expected_beyond

Array = NDArray[np.float64]

LEAST_RANK = 20  # beyond the tail's own share, of the pilot: VaR is never below the lowest edge
FRACTIONS = (3.0, 2.3, 1.8, 1.5, 1.3, 1.15, 1.05, 0.95, 0.85, 0.7, 0.5, 0.3, 0.1)  # of the tail's share
BEYOND = 8  # edges above the largest loss of the pilot


class Bins(NamedTuple):
    """Bin b holds the losses from edge b on: how many, and by row the sums of what a unit lost and of its squares."""

    counts: NDArray[np.int64]  # bins
    sums: Array  # bins × rows
    squares: Array


class Marginals(NamedTuple):
    """Per unit of exposure, with standard errors; `nearest` scenarios are those around VaR."""

    var: Array
    es: Array
    var_errors: Array
    es_errors: Array
    nearest: int


def packed(bins: Bins) -> tuple[list[int], bytes, bytes]:
    """For the way between parts: counts, and 8-byte floats by bin and row."""
    return bins.counts.tolist(), bins.sums.astype("<f8").tobytes(), bins.squares.astype("<f8").tobytes()


def unpacked(counts: list[int], sums: bytes, squares: bytes) -> Bins:
    """The other way."""
    by_bin = [np.frombuffer(each, "<f8").reshape(len(counts), -1) for each in (sums, squares)]
    return Bins(np.array(counts, dtype=np.int64), *by_bin)


def added(bins: Iterable[Bins]) -> Bins:
    """The sums of all, in their order."""
    first, *others = bins
    counts, sums, squares = first.counts.copy(), first.sums.copy(), first.squares.copy()
    for each in others:
        counts += each.counts
        sums += each.sums
        squares += each.squares
    return Bins(counts, sums, squares)


def edges(pilot: Array, confidence: float, most: int) -> Array:
    """At most `most` edges, ascending, around and beyond the quantile of the pilot's losses."""
    n = pilot.size
    share = expected_beyond(confidence, n)
    lowest = math.ceil(max(4 * share, share + LEAST_RANK))
    ranks = sorted({lowest, *(max(round(share * f), 1) for f in FRACTIONS)} - set(range(lowest + 1, n)), reverse=True)
    falling = np.sort(pilot)[::-1]
    inner = [float(falling[rank - 1]) if rank < n else -math.inf for rank in ranks if rank <= max(lowest, 1)]
    gap = float(falling[0] - falling[min(BEYOND, n) - 1]) / 2
    chosen = sorted({*inner, float(falling[0]), *(float(falling[0]) + gap * k for k in range(1, BEYOND + 1))})
    step = math.ceil(len(chosen) / most)
    return np.array(chosen[::step])


def marginals(bins: Bins, edge: Array, exposures: Array, risk: Risk, confidence: float, n: int) -> Marginals:
    """What a unit of each row adds to VaR and ES of n scenarios. Raises ValueError where VaR is below all bins."""
    place = int(np.searchsorted(edge, risk.var, side="right")) - 1
    if place < 0 or bins.counts[place] == 0:
        raise ValueError("VaR is in no bin")
    mass = expected_beyond(confidence, n)
    nearest = int(bins.counts[place])
    above = int(bins.counts[place + 1 :].sum())
    lost, lost_squares = bins.sums[place + 1 :].sum(axis=0), bins.squares[place + 1 :].sum(axis=0)
    near = bins.sums[place] / nearest
    slope = _slope(bins, place, near, exposures)
    at_var = near + slope * (risk.var - _total(exposures, near))
    rest = mass - above
    beyond = lost + rest * near
    es = (beyond + slope * (risk.es * mass - _total(exposures, beyond))) / mass
    squares = lost_squares - 2 * at_var * lost + above * at_var**2
    squares += rest / nearest * (bins.squares[place] - 2 * at_var * bins.sums[place] + nearest * at_var**2)
    variance = np.maximum(squares / n - ((es - at_var) * mass / n) ** 2, 0.0)
    spread = np.maximum(bins.squares[place] / nearest - near**2, 0.0)
    return Marginals(
        var=at_var,
        es=es,
        var_errors=np.sqrt(spread / nearest + (slope * risk.var_error) ** 2),
        es_errors=np.sqrt(variance / n) * n / mass,
        nearest=nearest,
    )


def _slope(bins: Bins, place: int, near: Array, exposures: Array) -> Array:
    """How a unit's mean loss moves with the book's: from the bin to all above it, or from the bins below."""
    others = slice(place + 1, None) if bins.counts[place + 1 :].any() else slice(None, place)
    count = int(bins.counts[others].sum())
    if count == 0:
        return np.zeros_like(near)
    way = bins.sums[others].sum(axis=0) / count - near
    total = _total(exposures, way)
    return way / total if total else np.zeros_like(near)


def _total(exposures: Array, units: Array) -> float:
    return math.fsum(exposures * units)
