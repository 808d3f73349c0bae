"""VaR and expected shortfall from a sample in which large losses were made likely, each weighted with its likelihood.

A loss L counts w(L) = exp(cumulant - theta·L); theta = 0 is the plain sample. Of n losses

    VaR = the smallest x with Σ_{L > x} w <= (1-α) n          ES = VaR + Σ w (L - VaR)⁺ / ((1-α) n)

Only losses within a window around an expected VaR are kept one by one, of those above it sums. Errors are those of
the mean of w·1{L > VaR}, over the density at VaR, and of the mean of w (L - VaR)⁺: Glynn (1996), *Importance sampling
for Monte Carlo estimation of quantiles*.
"""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from calc import lazy
from calc.numerics.normal import interval_95
from calc.numerics.tails import Risk, expected_beyond

tail_risk = lazy.module("calc.kernels.tail_risk")

Array = NDArray[np.float64]

WINDOW = 8.0  # bounds of the standard error of VaR, to either side


class Law(NamedTuple):
    """How the sample was drawn, and what is expected of it: weights, VaR, density of the loss there."""

    theta: float
    cumulant: float
    centre: float
    density: float


class Above(NamedTuple):
    """Sums over losses above the window, y their distance from its centre: n, w, w², wy, w²y, w²y²."""

    losses: int
    weight: float
    weight_squares: float
    excess: float
    weighted: float
    squares: float


NOTHING = Above(0, 0.0, 0.0, 0.0, 0.0, 0.0)


def half_width(law: Law, beyond: float, n: int) -> float:
    """Of the window. E[w² 1{L > x}] is at most w(x) P(L > x), so the error of VaR is at most the root below."""
    at_centre = math.exp(law.cumulant - law.theta * law.centre)
    return WINDOW * math.sqrt(at_centre * beyond / n) / law.density


def above(losses: Array, law: Law) -> Above:
    """The sums of losses that are above the window."""
    if not losses.size:
        return NOTHING
    w, y = tail_risk.likelihood_ratios(losses, law.theta, law.cumulant), losses - law.centre
    sums = [float(each.sum()) for each in (w, w * w, w * y, w * w * y, w * w * y * y)]
    return Above(losses.size, *sums)


def added(sums: list[Above]) -> Above:
    """Of all of them, each sum rounded once."""
    return Above(
        sum(each.losses for each in sums), *(math.fsum(column) for column in list(zip(*sums, strict=True))[1:])
    )


def risk(window: Array, sums: Above, law: Law, confidence: float, n: int) -> Risk:
    """VaR and ES. `window` is descending. Raises ValueError where VaR is not within it."""
    mass = expected_beyond(confidence, n)
    w = tail_risk.likelihood_ratios(window, law.theta, law.cumulant)
    counted = sums.weight + np.cumsum(w)
    place = int(np.searchsorted(counted, mass, side="right"))
    if sums.weight > mass or place == window.size:
        raise ValueError("VaR is outside of the window")
    var = float(window[place])
    y, w, shift = window[:place] - law.centre, w[:place], var - law.centre
    weight, weight_squares = sums.weight + float(w.sum()), sums.weight_squares + float((w * w).sum())
    excess = sums.excess + float((w * y).sum()) - shift * weight
    weighted = sums.weighted + float((w * w * y).sum())
    squares = sums.squares + float((w * w * y * y).sum()) - 2 * shift * weighted + shift**2 * weight_squares
    spread = math.sqrt(max(weight_squares / n - (weight / n) ** 2, 0.0) / n)
    var_error = spread / law.density if law.density > 0 else 0.0  # no density: a loss that does not vary
    es_error = math.sqrt(max(squares / n - (excess / n) ** 2, 0.0) / n) * n / mass
    es = var + excess / mass
    return Risk(
        var=var,
        var_error=var_error,
        var_interval=interval_95(var, var_error),
        es=es,
        es_error=es_error,
        es_interval=interval_95(es, es_error),
        beyond=sums.losses + place,
        clipped=False,
    )
