"""Barrier options that are watched at dates: the density of paths that have not been hit, carried from date to date.

The density of log S_t/S, as far as it lives, is known at Gauss-Legendre nodes on the living side; one step is a sum
over nodes against the normal density, cut off where that is below 1e-17. The density is analytic on the interval, so
the error falls geometrically with the nodes. Aitsahlia and Lai (1997), *Valuation of discrete barrier and hindsight
options*, carry densities in this way.
"""

import numpy as np
from numpy.typing import NDArray

from calc.kernels.elementary import exp, norm_cdf
from calc.kernels.jit import kernel
from calc.kernels.lanes import dot8

Array = NDArray[np.float64]

_REACH = 8.8  # deviations beyond which the density of a step counts for nothing
_PER_ROOT_2PI = 0.3989422804014327


@kernel
def step(density: Array, y: Array, weights: Array, shift: float, deviation: float) -> Array:
    """The living density one step later, at the same ascending nodes."""
    n = y.shape[0]
    after = np.zeros(n)
    first, end = 0, 0
    for i in range(n):
        centre = y[i] + shift
        while first < n and y[first] < centre - _REACH * deviation:
            first += 1
        while end < n and y[end] <= centre + _REACH * deviation:
            end += 1
        mass, per = density[i] * weights[i] * _PER_ROOT_2PI / deviation, 1.0 / deviation
        for k in range(first, end):
            x = (y[k] - centre) * per
            after[k] += mass * exp(-0.5 * x * x)
    return after


@kernel
def carry(y: Array, weights: Array, spans: Array, drift: float, sigma: float) -> tuple[Array, Array]:
    """The living density after the last of the spans, and the mass that lives after each."""
    living = np.empty(spans.shape[0])
    deviation = sigma * np.sqrt(spans[0])
    density = np.empty(y.shape[0])
    for i in range(y.shape[0]):
        x = (y[i] - drift * spans[0]) / deviation
        density[i] = _PER_ROOT_2PI / deviation * exp(-0.5 * x * x)
    living[0] = dot8(density, weights)
    for j in range(1, spans.shape[0]):
        density = step(density, y, weights, drift * spans[j], sigma * np.sqrt(spans[j]))
        living[j] = dot8(density, weights)
    return density, living


@kernel
def ended(
    mass: Array, y: Array, span: float, drift: float, sigma: float, low: float, high: float
) -> tuple[float, float]:
    """E e^Y and P, both of Y within (low, high), one step after the masses at y."""
    deviation = sigma * np.sqrt(span)
    grown, chance = np.empty(y.shape[0]), np.empty(y.shape[0])
    for i in range(y.shape[0]):
        mean = y[i] + drift * span
        a, b = (low - mean) / deviation, (high - mean) / deviation
        chance[i] = _between(a, b)
        grown[i] = exp(mean + 0.5 * deviation * deviation) * _between(a - deviation, b - deviation)
    return dot8(mass, grown), dot8(mass, chance)


@kernel
def _between(a: float, b: float) -> float:
    """P(a < Z < b), from the side where it is not a difference of two near 1."""
    if a >= b:
        return 0.0
    return norm_cdf(-a) - norm_cdf(-b) if a > 0.0 else norm_cdf(b) - norm_cdf(a)
