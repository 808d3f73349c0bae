"""The rate of return of dated flows that change sign once: x = ln(1 + rate) where Σ amount · exp(-x · time) is 0.

Times are in years, ascending and distinct; amounts are not 0, but for those that fill up a vector (`padded`).
"""

import numpy as np
from numpy.typing import NDArray

from calc.kernels.elementary import exp, log
from calc.kernels.jit import inline, kernel
from calc.kernels.lanes import tree

Array = NDArray[np.float64]

LOWEST, HIGHEST = -34.538776394910684, 13.815511557963774  # ln of 1e-15 and of 1,000,001
LANES = 16  # flows that are valued at once, whatever the processor
_MOST_STEPS = 200


@kernel
def worth_at(x: float, times: Array, amounts: Array, terms: Array) -> None:
    """What each flow is worth at x, into `terms`, behind which there are eight zeros."""
    origin, n = times[0] if x >= 0.0 else times[-1], times.size
    for k in range(n):
        terms[k] = amounts[k] * exp(-x * (times[k] - origin))
    for k in range(n, n + 8):
        terms[k] = 0.0


@kernel
def padded(times: Array, nets: Array, count: int) -> int:
    """Put flows of 0 at the last time behind `count` flows, up to a whole number of vectors and eight more; how many
    there are then."""
    end = (count + LANES - 1) // LANES * LANES + 8
    for k in range(count, end):
        times[k], nets[k] = times[count - 1], 0.0
    return end


@kernel
def _moments(times: Array, terms: Array, turn: int, lanes: Array, out: Array) -> None:
    """Into `out` the sums of what the flows before `turn`, and those from it on, are worth, and of that times their
    time, its square and its cube: two rows of four. Long sums have eight lanes; `lanes` (4 × 8) is room to work in."""
    end = turn + (times.size - 8 - turn + 7) // 8 * 8
    _sums(times[:turn], terms[:turn], lanes, out[0])
    _sums(times[turn:end], terms[turn:end], lanes, out[1])


@inline
def _sums(times: Array, terms: Array, lanes: Array, out: Array) -> None:
    """A row of `_moments`: whole vectors in lanes, those behind one by one."""
    out[:] = 0.0
    whole = times.size // 8 * 8
    if whole:
        lanes[:] = 0.0
        for k in range(0, whole, 8):
            for j in range(8):
                once = terms[k + j] * times[k + j]
                twice = once * times[k + j]
                lanes[0, j] += terms[k + j]
                lanes[1, j] += once
                lanes[2, j] += twice
                lanes[3, j] += twice * times[k + j]
        for power in range(4):
            out[power] = tree(lanes[power])
    worth = once = twice = thrice = 0.0
    for k in range(whole, times.size):
        term, time = terms[k], times[k]
        worth += term
        once += term * time
        twice += term * time * time
        thrice += term * time * time * time
    out[0] += worth
    out[1] += once
    out[2] += twice
    out[3] += thrice


@inline
def _cumulants(worth: float, once: float, twice: float, thrice: float) -> tuple[float, float, float]:
    """Mean, variance and third central moment of the times of flows, from what `_moments` gives."""
    mean, square = once / worth, twice / worth
    variance = square - mean * mean
    return mean, variance, thrice / worth - mean * (square + 2.0 * variance)


@inline
def _step(sums: Array, span: float) -> tuple[float, float]:
    """How far the root is away, and how far off that may be, relative to it; NaN where nothing is told.

    g = ln(|flows before| / |flows after|) has the slope m₂ - m₁ in x, and cumulants of the times as further
    derivatives. The series of its inverse to the third order, where the terms fall off; else Newton's step. Cumulants
    of order n are of the size of the times' span to the n at most, which says what is left out.
    """
    first, second = sums[0], sums[1]
    ratio = -first[0] / second[0]
    if not 0.0 < ratio < np.inf:
        return np.nan, 1.0
    m1, v1, k1 = _cumulants(first[0], first[1], first[2], first[3])
    m2, v2, k2 = _cumulants(second[0], second[1], second[2], second[3])
    slope = m2 - m1
    newton = -log(ratio) / slope if slope != 0.0 else np.nan
    bend = 0.5 * (v1 - v2) / slope * newton
    twist = (k2 - k1) / (6.0 * slope) * newton * newton
    small = abs(newton) * span
    if abs(bend) + np.sqrt(abs(twist)) < 0.3:
        return newton * (1.0 - bend + (2.0 * bend * bend - twist)), small * small * small * span / slope
    return newton, 1.0


@kernel
def only_root(times: Array, amounts: Array, terms: Array, turn: int, lanes: Array, sums: Array) -> float:
    """The root of flows that change sign once, at `turn`; NaN where it is outside of the range. Behind the flows stand
    such of 0 (`padded`).

    From 0, where nothing is to be discounted, steps of the fourth order within bounds that shrink: two or three.
    """
    low, high = LOWEST, HIGHEST
    rising = amounts[0] > 0.0  # a loan taken: the value rises with x
    x = 0.0
    for _ in range(_MOST_STEPS):
        if x != 0.0:
            worth_at(x, times[:-8], amounts, terms)
        _moments(times, terms if x != 0.0 else amounts, turn, lanes, sums)
        if (sums[0, 0] + sums[1, 0] > 0.0) == rising:
            high = x
        else:
            low = x
        step, error = _step(sums, times[-1] - times[0])
        following = x + step
        if error * abs(step) <= 2e-17 * (1.0 + abs(x)) and LOWEST < following < HIGHEST:
            return following
        if not low < following < high:
            following = 0.5 * (low + high)
        if following == x or high - low <= 2e-16 * (1.0 + abs(x)):
            break
        x = following
    if x - LOWEST < 1e-9 or HIGHEST - x < 1e-9:
        return np.nan
    return x


@kernel
def residual(x: float, times: Array, amounts: Array, terms: Array, lanes: Array) -> float:
    """What is left of the flows, as many as whole vectors, at x, relative to their sizes."""
    worth_at(x, times, amounts, terms)
    lanes[:2] = 0.0
    for k in range(0, times.size, 8):
        for j in range(8):
            lanes[0, j] += terms[k + j]
            lanes[1, j] += abs(terms[k + j])
    return abs(tree(lanes[0])) / tree(lanes[1])
