"""How losses are distributed: bins of equal width for a picture, from a sample, a sample with weights, or a law.

A sample's bins reach from its least to its largest loss, but for one loss in ten thousand at either end, which are
counted in `below` and `above`: a single wild loss would squeeze all others into one bin.
"""

import math
from itertools import pairwise

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from calc.numerics import normal

MOST_BINS = 100
SAMPLE = 16_384  # scenarios of a simulation that show the body of the distribution, at 0.1 ms; its tail is that of all
_MOST_WITH_TAIL = 120
_OUTLIERS = 10_000  # one loss in so many is outside at either end
_DEVIATIONS = 4.5  # of a normal law that are shown

Array = NDArray[np.float64]


class Distribution(Struct, frozen=True):
    """Probabilities of losses in bins of equal width from `lowest` to `highest` (currency), and beyond them.

    Together they are 1. `scenarios`: how many losses the bins are of; null where they are the law's. Of a simulation
    the bins from `tail_from` on are of all its scenarios, whatever those below are of.
    """

    lowest: float
    highest: float
    probability: list[float]
    below: float
    above: float
    scenarios: int | None
    tail_from: float | None = None


def of_sample(losses: Array, weights: Array | None = None) -> Distribution:
    """Of losses (at least one) that weigh the same, or `weights` that add up to 1. About 2 n^(1/3) bins (Rice)."""
    n, outside = losses.size, losses.size // _OUTLIERS
    parted = np.partition(losses, (outside, n - 1 - outside))
    lowest, highest = float(parted[outside]), float(parted[n - 1 - outside])
    if not highest > lowest:
        lowest, highest = _around(lowest)
    size = min(max(math.ceil(2 * n ** (1 / 3)), 1), MOST_BINS)
    inside = (losses >= lowest) & (losses <= highest)
    places = np.minimum(((losses[inside] - lowest) * (size / (highest - lowest))).astype(np.int64), size - 1)
    counted = np.bincount(places, None if weights is None else weights[inside], minlength=size)
    shares = (counted / (n if weights is None else 1.0)).tolist()
    return Distribution(lowest, highest, shares, _mass(losses < lowest, weights), _mass(losses > highest, weights), n)


def with_tail(body: Distribution, tail: Array, n: int) -> Distribution:
    """The bins of a law, or of a sample of n scenarios, corrected where all losses are known: `tail` are the largest,
    the first one most. Bins are added for losses beyond the body's; what is below the tail keeps its proportions."""
    if tail.size == 0 or n <= (body.scenarios or 0):
        return body
    width = (body.highest - body.lowest) / len(body.probability)
    first = min(max(math.floor((float(tail[-1]) - body.lowest) / width) + 1, 0), len(body.probability))  # above any tie
    reach = (float(tail[min(n // _OUTLIERS, tail.size - 1)]) - body.lowest) / width
    size = min(max(math.floor(reach) + 1, len(body.probability)), _MOST_WITH_TAIL)
    start = body.lowest + first * width
    places = np.floor((tail[tail >= start] - body.lowest) / width).astype(np.int64)
    counted = np.bincount(np.minimum(places, size), minlength=size + 1)[first:] / n
    under = math.fsum(body.probability[:first]) + body.below
    scale = (1.0 - math.fsum(counted)) / under if under > 0 else 0.0
    shares = [each * scale for each in body.probability[:first]] + counted[:-1].tolist()
    highest = body.lowest + size * width
    return Distribution(
        body.lowest, highest, shares, body.below * scale, float(counted[-1]), body.scenarios, tail_from=start
    )


def of_lattice(probabilities: Array, unit: float) -> Distribution:
    """Of losses that are 0, 1, 2, … units: neighbours added up.

    The last bin ends where no more than 1e-9 of the probability is left.
    """
    left = 1.0 - np.cumsum(probabilities)
    shown = max(int(np.argmax(left <= 1e-9)) + 1 if (left <= 1e-9).any() else probabilities.size, 1)
    a_bin = math.ceil(shown / MOST_BINS)
    size = math.ceil(shown / a_bin)
    padded = np.zeros(size * a_bin)
    kept = min(padded.size, probabilities.size)
    padded[:kept] = probabilities[:kept]
    shares = padded.reshape(size, a_bin).sum(axis=1)
    above = max(1.0 - math.fsum(shares), 0.0)
    return Distribution(-0.5 * unit, (size * a_bin - 0.5) * unit, shares.tolist(), 0.0, above, None)


def of_normal(mean: float, deviation: float) -> Distribution:
    """Of a normal law; all in one bin where it has no deviation."""
    if not deviation > 0:
        return Distribution(*_around(mean), [1.0], 0.0, 0.0, None)
    at = np.linspace(-_DEVIATIONS, _DEVIATIONS, MOST_BINS + 1).tolist()
    reached = [normal.distribution(each) for each in at]
    shares = [high - low for low, high in pairwise(reached)]
    lowest, highest = mean - _DEVIATIONS * deviation, mean + _DEVIATIONS * deviation
    return Distribution(lowest, highest, shares, reached[0], 1.0 - reached[-1], None)


def _mass(chosen: NDArray[np.bool_], weights: Array | None) -> float:
    return int(np.count_nonzero(chosen)) / chosen.size if weights is None else math.fsum(weights[chosen])


def _around(value: float) -> tuple[float, float]:
    room = max(abs(value), 1.0) * 1e-3
    return value - room, value + room
