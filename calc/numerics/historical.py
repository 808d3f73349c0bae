"""VaR and expected shortfall from past losses, by five estimators; losses are positive, oldest first.

plain        order statistic; ES of Acerbi and Tasche
weighted     a loss of age k days weighs λ^k: Boudoukh, Richardson and Whitelaw (1998), *The best of both worlds*
filtered     plain, of losses times √(h_next/h_t), h fitted by GARCH(1,1): Hull and White (1998); Barone-Adesi,
             Giannopoulos and Vosper (1999)
parametric   normal with the sample's mean and deviation
ewma         normal with mean 0 and the RiskMetrics variance
"""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from calc import lazy
from calc.numerics import tails
from calc.numerics.elliptical import multipliers
from calc.numerics.normal import TWO_SIDED_95, interval_95
from calc.numerics.tails import Risk

garch = lazy.module("calc.kernels.garch")

Array = NDArray[np.float64]

METHODS = ("plain", "weighted", "filtered", "parametric", "ewma")


class Fit(NamedTuple):
    """GARCH(1,1) of a series: its parameters, how it ended, and the variance of the day after the last."""

    omega: float
    alpha: float
    beta: float
    log_likelihood: float
    iterations: int
    next_variance: float
    gradient: float


def fitted(losses: Array) -> tuple[Fit, Array]:
    """The fit, and the losses as they would be at the next day's variance."""
    out, path = garch.fit(np.ascontiguousarray(losses))
    omega, alpha, beta, likelihood, steps, variance, gradient = out.tolist()
    fit = Fit(omega, alpha, beta, likelihood, int(steps), variance, gradient)
    return fit, losses * np.sqrt(variance / path) if variance > 0 else losses.copy()


def risk(losses: Array, method: str, confidence: float, decay: float, initial: float | None) -> Risk:
    """VaR and ES by that method; of `filtered` the losses are scaled already, or it is fitted here."""
    if method == "filtered":
        return plain(fitted(losses)[1], confidence)
    if method == "weighted":
        return weighted(losses, confidence, decay)
    if method == "parametric":
        return parametric(losses, confidence)
    if method == "ewma":
        return riskmetrics(losses, confidence, decay, initial)
    return plain(losses, confidence)


def plain(losses: Array, confidence: float) -> Risk:
    """Order statistics."""
    return tails.risk(np.sort(losses)[::-1], confidence, losses.size)


def weights(size: int, decay: float) -> Array:
    """λ^k of a loss of age k days, oldest first, 1 in all."""
    falling = np.multiply.accumulate(np.concatenate([[1.0], np.full(size - 1, decay)]))[::-1]
    return np.asarray(falling / math.fsum(falling))


def weighted(losses: Array, confidence: float, decay: float) -> Risk:
    """VaR is the smallest x with P(L <= x) >= α under the weights; errors as of 1/Σw² equal observations."""
    order = np.argsort(-losses, kind="stable")
    falling, w = losses[order], weights(losses.size, decay)[order]
    above = np.cumsum(w)
    beyond = 1 - confidence
    effective = 1 / math.fsum(w * w)
    spread = math.sqrt(confidence * beyond / effective)
    place, high, low = (_place(above, level) for level in (beyond, beyond - spread, beyond + spread))
    far, near = (_place(above, beyond - TWO_SIDED_95 * spread), _place(above, beyond + TWO_SIDED_95 * spread))
    var = float(falling[place])
    excess = falling[:place] - var
    first, second = math.fsum(w[:place] * excess), math.fsum(w[:place] * excess * excess)
    es = var + first / beyond
    es_error = math.sqrt(max(second - first * first, 0.0) / effective) / beyond
    return Risk(
        var=var,
        var_error=float(falling[high] - falling[low]) / 2,
        var_interval=(float(falling[near]), float(falling[far])),
        es=es,
        es_error=es_error,
        es_interval=interval_95(es, es_error),
        beyond=place,
        clipped=beyond - TWO_SIDED_95 * spread < float(w[0]),
    )


def parametric(losses: Array, confidence: float) -> Risk:
    """Normal with the sample's mean and deviation; errors of those two."""
    n = losses.size
    mean = math.fsum(losses) / n
    centred = losses - mean
    deviation = math.sqrt(math.fsum(centred * centred) / max(n - 1, 1))
    return _normal(mean, deviation, confidence, n, n)


def riskmetrics(losses: Array, confidence: float, decay: float, initial: float | None) -> Risk:
    """Normal with mean 0 and exponentially weighted variance, worth (1+λ)/(1-λ) observations."""
    deviation = math.sqrt(variance(losses, decay, initial))
    effective = min((1 + decay) / (1 - decay), losses.size)
    return _normal(0.0, deviation, confidence, math.inf, effective)


def variance(losses: Array, decay: float, initial: float | None) -> float:
    """RiskMetrics' variance after the last day, from `initial` or the mean square of all."""
    start = math.fsum(losses * losses) / losses.size if initial is None else initial
    return float(garch.ewma(np.ascontiguousarray(losses), decay, start))


def _normal(mean: float, deviation: float, confidence: float, of_mean: float, of_deviation: float) -> Risk:
    to_var, to_es = multipliers(confidence, None)
    var, es = mean + to_var * deviation, mean + to_es * deviation
    errors = [deviation * math.sqrt(1 / of_mean + to**2 / (2 * of_deviation)) for to in (to_var, to_es)]
    return Risk(var, errors[0], interval_95(var, errors[0]), es, errors[1], interval_95(es, errors[1]), 0, False)


def _place(above: Array, level: float) -> int:
    """The first loss, from the largest down, at which the weight of it and all above exceeds the level."""
    return min(int(np.searchsorted(above, level + 1e-12, side="right")), above.size - 1)
