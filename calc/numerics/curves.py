"""Zero curves: continuous rates at nodes, and the bootstrap that finds them from prices of bonds and bills."""

import math
from bisect import bisect_right
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

INTERPOLATIONS = ("linear_zero", "log_linear_discount")
_LOWEST, _HIGHEST = -0.99, 10.0  # of a zero rate


class Instrument(NamedTuple):
    """A bond that pays `coupon` a year per 100, in `frequency` parts, and 100 at maturity; its price is dirty."""

    maturity: float  # years
    coupon: float
    frequency: int
    price: float


class Nodes(NamedTuple):
    """A curve, and by how much each instrument's price is missed."""

    times: list[float]
    zero_rates: list[float]
    residuals: list[float]


class Unsolved(Exception):
    """No zero rate gives an instrument's price. `residual` is model less quote at the nearest end of the range."""

    def __init__(self, index: int, residual: float) -> None:
        super().__init__(f"instrument {index} is missed by {residual}")
        self.index, self.residual = index, residual


def zero_rate(t: float, times: Sequence[float], rates: Sequence[float], interpolation: str) -> float:
    """The rate at t; the nearest node's outside of the nodes."""
    if t <= times[0]:
        return rates[0]
    if t >= times[-1]:
        return rates[-1]
    high = bisect_right(times, t)
    low = high - 1
    share = (t - times[low]) / (times[high] - times[low])
    if interpolation == "linear_zero":
        return rates[low] + share * (rates[high] - rates[low])
    first, second = rates[low] * times[low], rates[high] * times[high]
    return (first + share * (second - first)) / t


def value(instrument: Instrument, times: Sequence[float], rates: Sequence[float], interpolation: str) -> float:
    """Price of an instrument on a curve."""
    return math.fsum(
        amount * math.exp(-zero_rate(t, times, rates, interpolation) * t) for t, amount in _flows(instrument)
    )


def bootstrap(instruments: Sequence[Instrument], interpolation: str) -> Nodes:
    """A node at each maturity, one after the other, such that each instrument has its price.

    Maturities are distinct. Raises Unsolved with the index of an instrument that cannot be priced.
    """
    times: list[float] = []
    rates: list[float] = []
    for index in sorted(range(len(instruments)), key=lambda i: instruments[i].maturity):
        times.append(instruments[index].maturity)
        rates.append(0.0)
        rates[-1] = _last_rate(instruments[index], index, times, rates, interpolation)
    residuals = [value(each, times, rates, interpolation) - each.price for each in instruments]
    return Nodes(times, rates, residuals)


def _last_rate(instrument: Instrument, index: int, times: list[float], rates: list[float], interpolation: str) -> float:
    """The last node's rate z that gives the price: each flow is worth amount · exp(-(a + b z)).

    Newton's rule for the logarithm of the sum, which falls and is convex in z, within bounds that shrink.
    """
    flows = []
    for t, amount in _flows(instrument):
        at_0 = zero_rate(t, times, [*rates[:-1], 0.0], interpolation) * t
        at_1 = zero_rate(t, times, [*rates[:-1], 1.0], interpolation) * t
        flows.append((amount, at_0, at_1 - at_0))

    def worth(z: float) -> tuple[float, float]:
        terms = [(amount * math.exp(-(a + b * z)), b) for amount, a, b in flows]
        return math.fsum(term for term, _ in terms), math.fsum(term * b for term, b in terms)

    low, high = _LOWEST, _HIGHEST
    ends = worth(low)[0] - instrument.price, worth(high)[0] - instrument.price
    if not ends[0] > 0 > ends[1]:
        raise Unsolved(index, min(ends, key=abs))
    z = 0.0
    for _ in range(200):
        total, slope = worth(z)
        if total > instrument.price:
            low = z
        else:
            high = z
        following = z + math.log(total / instrument.price) * total / slope if slope > 0 else math.inf
        if not low <= following <= high:
            following = 0.5 * (low + high)
        if abs(following - z) <= 1e-16 + 2e-16 * abs(z):
            return following
        z = following
    return z


def hats(t: Array, keys: Sequence[float]) -> Array:
    """Weights of key rates at times t (keys × times): triangles that add up to 1, level outside of the keys."""
    return np.array([np.interp(t, keys, np.eye(len(keys))[i]) for i in range(len(keys))])


def _flows(instrument: Instrument) -> list[tuple[float, float]]:
    step = 1.0 / instrument.frequency
    count = max(math.ceil(instrument.maturity * instrument.frequency - 1e-9), 1)
    coupon = instrument.coupon / instrument.frequency
    flows = [(instrument.maturity - k * step, coupon) for k in range(count - 1, 0, -1)] if coupon else []
    return [*flows, (instrument.maturity, 100.0 + coupon)]
