"""The largest losses of a sample: kept and merged exactly, and VaR and expected shortfall from them.

A tail is a pair of arrays in the order (loss descending, scenario ascending): a total order, so tails merge to the
same bits whatever was merged first. The estimators (losses positive):

    VaR = x_(r), r = ⌈αn⌉                      the smallest x with P(L <= x) >= α: an order statistic, no interpolation
    ES  = VaR + Σ (L - VaR)⁺ / ((1-α) n)       Acerbi and Tasche (2002), with the fraction of the atom at VaR

Errors: VaR by the order statistics around it (binomial, distribution-free), ES by its influence function.
"""

import math
from fractions import Fraction
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from calc.numerics.normal import TWO_SIDED_95, interval_95

MARGIN = 8.0  # deviations
SAMPLE = 4096  # of the losses, from which a floor of the largest is guessed


class Tail(NamedTuple):
    """The largest losses of a sample, largest first, and the scenarios that they came from."""

    losses: NDArray[np.float64]
    scenarios: NDArray[np.uint32]


class Risk(NamedTuple):
    """VaR and ES with errors. `clipped`: the sample ends inside the interval of VaR, which is too short then."""

    var: float
    var_error: float
    var_interval: tuple[float, float]
    es: float
    es_error: float
    es_interval: tuple[float, float]
    beyond: int
    clipped: bool


def rank(confidence: float, n: int) -> int:
    """⌈αn⌉ for α as it is written: 0.95 × 20 is 19, though the float 0.95 is a little less."""
    return math.ceil(Fraction(repr(confidence)) * n)


def expected_beyond(confidence: float, n: int) -> float:
    """(1-α) n: how many losses of the sample are beyond VaR, on average."""
    return float((1 - Fraction(repr(confidence))) * n)


def needed(confidence: float, n: int) -> int:
    """How many of the n losses the estimators look at, from the largest down."""
    return n - rank(confidence, n) + 1 + _half_width(confidence, n)


def packed(tail: Tail) -> tuple[bytes, bytes]:
    """For the way between parts: 8-byte floats, and 4-byte integers."""
    return tail.losses.astype("<f8").tobytes(), tail.scenarios.astype("<u4").tobytes()


def unpacked(losses: bytes, scenarios: bytes) -> Tail:
    """The other way."""
    return Tail(np.frombuffer(losses, "<f8"), np.frombuffer(scenarios, "<u4"))


def largest(losses: NDArray[np.float64], first_scenario: int, keep: int) -> Tail:
    """The `keep` largest of consecutive scenarios."""
    if losses.size <= keep:
        return _ordered(losses, np.arange(first_scenario, first_scenario + losses.size, dtype=np.uint32), keep)
    candidates = np.flatnonzero(losses >= _floor(losses, keep))
    if candidates.size > keep:
        picked = losses[candidates]
        threshold = np.partition(picked, picked.size - keep)[picked.size - keep]
        candidates = candidates[picked >= threshold]  # more than keep where losses tie
    return _ordered(losses[candidates], (candidates + first_scenario).astype(np.uint32), keep)


def _floor(losses: NDArray[np.float64], keep: int) -> float:
    """A loss that at least `keep` reach, and not many more where they are few of many: a guess from some, checked."""
    some = losses[:: max(losses.size // SAMPLE, 1)]
    rank = math.ceil(1.25 * keep * some.size / losses.size) + 16
    if losses.size < 16 * SAMPLE or rank > some.size // 4:
        return -math.inf
    guess = float(np.partition(some, some.size - rank)[some.size - rank])
    return guess if np.count_nonzero(losses >= guess) >= keep else -math.inf


def ordered(losses: NDArray[np.float64], scenarios: NDArray[np.uint32], keep: int | None = None) -> Tail:
    """All of these losses, or the `keep` largest."""
    return _ordered(losses, scenarios, losses.size if keep is None else keep)


def share_above(confidence: float, n: int) -> float:
    """So much of n or more scenarios that the largest losses needed are among them but once in 10^15 times."""
    most = needed(confidence, n)
    return min((most + MARGIN * math.sqrt(most) + MARGIN * MARGIN / 2) / n, 1.0)


def merge(tails: list[Tail], keep: int) -> Tail:
    """The `keep` largest of all of them."""
    if len(tails) == 1:
        return Tail(tails[0].losses[:keep], tails[0].scenarios[:keep])
    return _ordered(
        np.concatenate([tail.losses for tail in tails]), np.concatenate([tail.scenarios for tail in tails]), keep
    )


def risk(tail: NDArray[np.float64], confidence: float, n: int) -> Risk:
    """VaR and ES of a sample of n whose largest losses are `tail` (descending, at least `needed` of them or all)."""
    r, half = rank(confidence, n), _half_width(confidence, n)
    upper, lower = min(r + half, n), max(r - half, 1)
    var, high, low = (float(tail[n - i]) for i in (r, upper, lower))
    spread = math.sqrt(n * confidence * (1 - confidence))  # binomial: how far the rank of the true quantile strays
    mass = expected_beyond(confidence, n)
    excess = tail[: n - r] - var
    total, squares = float(excess.sum()), float((excess * excess).sum())
    es = var + total / mass
    variance = max(squares / n - (total / n) ** 2, 0.0)
    es_error = math.sqrt(variance / n) * n / mass
    return Risk(
        var=var,
        var_error=(high - low) / max(upper - lower, 1) * spread,
        var_interval=(low, high),
        es=es,
        es_error=es_error,
        es_interval=interval_95(es, es_error),
        beyond=n - r,
        clipped=upper < r + half or lower > r - half,
    )


def _half_width(confidence: float, n: int) -> int:
    return math.ceil(TWO_SIDED_95 * math.sqrt(n * confidence * (1 - confidence)))


def _ordered(losses: NDArray[np.float64], scenarios: NDArray[np.uint32], keep: int) -> Tail:
    order = np.argsort(-losses)
    falling = losses[order]
    if (falling[1:] == falling[:-1]).any():
        order = np.lexsort((scenarios, -losses))
    return Tail(losses[order[:keep]], scenarios[order[:keep]])
