"""Sums over the paths of an exposure simulation, and what a pilot fixes beforehand.

The pilot gives each date a coefficient for the control variate, a centre around which sums are taken, and a window in
which the quantile lies almost surely; values within it are counted in bins, so that quantiles of any number of paths
need no list of them.
"""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from calc.numerics.moments import Moments, of

Array = NDArray[np.float64]
Whole = NDArray[np.int64]

PILOT = 4096  # paths
BINS = 128
_SIGMAS = 8.0  # standard errors, of the pilot and the smallest sample, to each side of the window
_BLUR = 1e-12  # of the largest value
_NARROWEST = 1e-290  # a window, so that the bins per unit are a number
_NEAR = 8  # bins to each side that the density is taken from


class Tally(NamedTuple):
    """Of observations: sums [date, 4], totals [4], counts [date, bin] (calc/kernels/exposure.py says of what)."""

    sums: Array
    totals: Array
    counts: Whole

    @staticmethod
    def empty(dates: int) -> "Tally":
        return Tally(np.zeros((dates, 4)), np.zeros(4), np.zeros((dates, BINS + 2), dtype=np.int64))

    @staticmethod
    def of(sums: list[list[float]], totals: list[float], counts: list[list[int]]) -> "Tally":
        return Tally(np.array(sums), np.array(totals), np.array(counts, dtype=np.int64))


class Pilot(NamedTuple):
    """By date: coefficient of the control, centre of the exposure, and the window: rows low end, bins per unit."""

    slopes: Array
    centres: Array
    windows: Array


def pilot_of(
    values: Array, controls: Array, control_means: Array, controlled: bool, confidence: float, least: int
) -> Pilot:
    """From the pilot's values and controls [date, path]; `least` is of how few values a quantile will be asked."""
    dates = len(values)
    slopes, centres, windows = np.zeros(dates), np.zeros(dates), np.zeros((2, dates))
    for i in range(dates):
        sample = of(np.maximum(values[i], 0.0), controls[i])
        slopes[i] = _slope(sample) if controlled else 0.0
        centres[i] = sample.mean_x - slopes[i] * (sample.mean_y - control_means[i])
        low, high = _window(np.sort(values[i]), confidence, least)
        blur = _BLUR * float(np.abs(values[i]).max())  # within which values differ by their rounding
        if high - low < blur:
            low, high = low - blur, high + blur
        windows[:, i] = low, BINS / max(high - low, _NARROWEST) if high > low else 0.0
    return Pilot(slopes, centres, windows)


def mean_of(total: float, squares: float, n: int) -> tuple[float, float]:
    """Mean and standard error from Σ x and Σ x² of n centred numbers."""
    mean = total / n
    return mean, math.sqrt(max(squares - n * mean * mean, 0.0) / (n - 1) / n)


def quantile(counts: Whole, low: float, per_width: float, confidence: float) -> tuple[float, float]:
    """The quantile, linear within its bin, and its standard error. Raises ValueError where it is outside the window."""
    n = int(counts.sum())
    wanted, below = confidence * n, int(counts[0])
    if per_width == 0.0:  # all that the pilot saw near the quantile is one value
        if not below <= wanted <= below + int(counts[1]):
            raise ValueError("the quantile is outside of its window")
        return low, 0.0
    reached = np.cumsum(counts)
    place = int(np.searchsorted(reached, wanted))
    if not 1 <= place <= BINS:
        raise ValueError("the quantile is outside of its window")
    share = (wanted - float(reached[place - 1])) / float(counts[place])
    first, last = max(place - _NEAR, 1), min(place + _NEAR, BINS)
    density = float(counts[first : last + 1].sum()) * per_width / (last - first + 1) / n
    return low + (place - 1 + share) / per_width, math.sqrt(confidence * (1 - confidence) / n) / density


def _slope(sample: Moments) -> float:
    """The best coefficient; 0 where the control does not move."""
    return sample.xy / sample.yy if sample.yy > 0 else 0.0


def _window(ordered: Array, confidence: float, least: int) -> tuple[float, float]:
    """Around the quantile of an ascending sample; beyond its end as far again as it reaches inwards."""
    n = len(ordered)
    reach = math.ceil(_SIGMAS * math.sqrt(n * (1.0 + n / least) * confidence * (1 - confidence)))
    place = min(math.ceil(confidence * n) - 1, n - 1)
    low, high = float(ordered[max(place - reach, 0)]), float(ordered[min(place + reach, n - 1)])
    if place + reach >= n:
        high += high - low
    if place - reach < 0:
        low -= high - low
    return low, high
