"""Estimates from samples that may be replicates of quasi-random points: mean, error and control.

One sample: plain Monte Carlo, the error from the spread of its numbers. Several: each is an independent, unbiased
estimate, and the error of their mean comes from the spread among them (Owen 1998, *Scrambling Sobol' and
Niederreiter-Xing points*). With a control y of known mean the slope is that of all samples together.
"""

import math
from typing import NamedTuple

from calc.numerics import moments
from calc.numerics.moments import Moments

REPLICATES = 32


class Mean(NamedTuple):
    """`coefficient` is that of the control; None without one."""

    value: float
    standard_error: float
    coefficient: float | None


def merged(a: list[Moments], b: list[Moments]) -> list[Moments]:
    """Both samples of each replicate together."""
    return [moments.merge(one, other) for one, other in zip(a, b, strict=True)]


def mean(samples: list[Moments], expected_y: float | None = None) -> Mean:
    """Mean of x over all samples, which are of one size; `expected_y` is the known mean of the control."""
    if len(samples) == 1:
        if expected_y is None:
            return Mean(*moments.mean(samples[0]), None)
        return Mean(*moments.controlled_mean(samples[0], expected_y))
    slope = 0.0
    if expected_y is not None:
        spread = math.fsum(m.yy for m in samples)
        slope = math.fsum(m.xy for m in samples) / spread if spread > 0 else 0.0
    estimates = [m.mean_x - slope * (m.mean_y - (expected_y or 0.0)) for m in samples]
    value = math.fsum(estimates) / len(estimates)
    squares = math.fsum((each - value) ** 2 for each in estimates)
    error = math.sqrt(squares / (len(estimates) - 1) / len(estimates))
    return Mean(value, error, None if expected_y is None else slope)


class Layout(NamedTuple):
    """How points are cut into parts: `points` of a replicate, or of the one sample, `piece` of them in a part."""

    points: int
    piece: int
    replicates: int

    @property
    def parts(self) -> int:
        return math.ceil(self.points / self.piece)


def layout(paths: int, simulated: int, piece_work: int, quasi_random: bool, most_parts: int = 2**14) -> Layout:
    """Cut `paths` of `simulated` numbers each into parts of about `piece_work` numbers.

    A piece has a power of two of points. Of quasi-random ones all replicates have the same, and the points of a
    replicate are rounded up to a power of two up to a piece, to whole pieces beyond.
    """
    replicates = REPLICATES if quasi_random else 1
    wanted = math.ceil(paths / replicates)
    work = max(piece_work // replicates // simulated, math.ceil(wanted / most_parts), 64)
    piece = 2 ** (work - 1).bit_length()
    if not quasi_random:
        return Layout(paths, piece, 1)
    if wanted <= piece:
        piece = 2 ** (wanted - 1).bit_length()
    return Layout(math.ceil(wanted / piece) * piece, piece, replicates)
