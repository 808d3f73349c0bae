"""The portfolio with the least variance, less a multiple of its return, in a region: exact to rounding.

    minimise ½ w'Σw - t μ'w

Σ is scaled to a mean variance of 1. The active set is guessed first, which is quick; where the guess does not settle,
it is found by descending from a vertex, which always is. Either way the weights at their bounds are there exactly,
the others follow from a linear system, and what the conditions of the optimum miss is told.

As t grows from 0 the optimum goes along the efficient frontier (Markowitz 1956). While the active set stays,

    return = e₀ + t p        variance = v₀ + t² p        p = μ'(dw/dt)

so the t at which a portfolio has a wanted risk or the best Sharpe ratio is found by Newton's steps, the last of which
is exact. A limit on turnover, Σ|w - w₀| <= τ, doubles the variables: w = w₀ + bought - sold.
"""

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from calc import lazy
from calc.numerics import regions
from calc.numerics.correlation import factor
from calc.numerics.regions import Infeasible, Region, vertex

Array = NDArray[np.float64]
active_set = lazy.module("calc.kernels.active_set")
linear = lazy.module("calc.kernels.linear")

_GUESSES = 30
_STEPS = 60  # of descent, for each weight
_WIDTHS = (0.0, 1e-8, 1e-6)
_GOLDEN = 0.6180339887498949
_NEARNESS = 1e-7  # δ, of the mean variance
_NEAR_STEPS = 100
_NEAR_ENOUGH = 1e-11
_SEARCHES = 200
_SUM_ERROR, _MOST_SUM_ERROR = 1e-11, 1e-8  # of weights: what rounding may leave, what is mended


class Problem(NamedTuple):
    """n assets: Σ scaled to a mean variance of 1 by `scale`. `region` is that of w, or of (bought, sold)."""

    covariance: Array
    scale: float
    mean: Array
    region: Region
    before: Array | None = None  # w₀, where turnover is limited


class Optimum(NamedTuple):
    """`multipliers`: how fast half the variance, less t times the return, falls as a row's bound grows.

    States are -1 at the lower bound, 0 between, 1 at the upper, of the variables and then of the rows.
    """

    weights: Array
    variance: float
    mean: float
    tilt: float
    multipliers: Array
    states: NDArray[np.int8]
    residual: float
    pivot_ratio: float
    rounds: int
    method: str


class _Found(NamedTuple):
    x: Array
    y: Array
    states: NDArray[np.int8]
    residual: float
    ratio: float
    rounds: int


class Segment(NamedTuple):
    """Return and variance as functions of t while the active set stays."""

    variance: float  # v₀
    mean: float  # e₀
    pace: float  # p


def problem(covariance: Array, mean: Array, region: Region) -> Problem:
    """Scaled to a mean variance of 1."""
    average = math.fsum(covariance.diagonal()) / len(covariance)
    scale = 1.0 / average if average > 0 else 1.0
    return Problem(covariance * scale, scale, mean, region)


def of_factors(loadings: list[list[float]], between: list[list[float]] | None, specific: list[float]) -> Array:
    """B Ω B' + diag(d), n × n: Ω is the identity where `between` is None."""
    given = np.array(loadings, dtype=np.float64)
    if between is not None:
        root = factor(np.array(between, dtype=np.float64))
        spread = np.zeros((len(given), root.shape[1]))
        for column, row in zip(given.T, root, strict=True):
            spread += np.multiply.outer(column, row)
        given = spread
    return np.asarray(linear.gram(np.ascontiguousarray(given), np.array(specific, dtype=np.float64)))


def largest_return(asked: Problem, sign: float) -> float:
    """The largest of `sign` times the return. Raises Infeasible."""
    held = 0.0 if asked.before is None else math.fsum(asked.mean * asked.before)
    return sign * held + regions.largest_return(asked.region, sign * _gain(asked))


def limit_turnover(asked: Problem, before: Array, most: float) -> Problem:
    """The same with Σ|w - before| <= most, over what is bought and what is sold. Raises Infeasible."""
    region = asked.region
    if most == 0:  # no vertex of such a region is a proper one: its only point is all that is left
        lower, upper = np.maximum(region.lower, before), np.minimum(region.upper, before)
        if (lower > upper).any():
            raise Infeasible([len(region.rows)], float((lower - upper).max()))
        fixed = region._replace(lower=lower, upper=upper)
        return asked._replace(region=fixed.also(np.zeros(before.size), -math.inf, most))
    gap_low, gap_high = region.lower - before, region.upper - before
    held = np.array([math.fsum(row * before) for row in region.rows])
    nothing = np.zeros_like(before)
    split = Region(
        lower=np.concatenate([np.maximum(gap_low, nothing), np.maximum(-gap_high, nothing)]),
        upper=np.concatenate([np.maximum(gap_high, nothing), np.maximum(-gap_low, nothing)]),
        rows=np.hstack([region.rows, -region.rows]),
        least=region.least - held,
        most=region.most - held,
    )
    return asked._replace(region=split.also(np.ones(2 * before.size), -math.inf, most), before=before)


def minimise(asked: Problem, tilt: float = 0.0) -> Optimum:
    """The optimum for t = `tilt`. Raises Infeasible, and ArithmeticError where the conditions are not met."""
    region = asked.region
    hessian, gain = _quadratic_part(asked), _gain(asked)
    pull = gain * (tilt * asked.scale)
    if asked.before is not None:
        pull += _mirrored(-_product(asked, asked.before))
    states = np.zeros(pull.size + region.least.size, dtype=np.int8)
    states[pull.size :] = np.where(region.least == region.most, -1, 0)
    rounds, x, y, _, residual, ratio = active_set.guess(hessian, pull, *region, states, _GUESSES)
    method = "primal_dual_active_set"
    if rounds < 0:
        x, y, states, residual, ratio, rounds = _descended(hessian, pull, region, gain)
        method = "primal_active_set"
    x = np.minimum(np.maximum(x, region.lower), region.upper) + 0.0
    weights = _added_up(x, region) if asked.before is None else _joined(asked.before, x)
    return Optimum(
        weights=weights,
        variance=max(math.fsum(weights * _product(asked, weights)) / asked.scale, 0.0),
        mean=math.fsum(asked.mean * weights),
        tilt=tilt,
        multipliers=y / asked.scale,
        states=states,
        residual=float(residual),
        pivot_ratio=float(ratio),
        rounds=int(rounds),
        method=method,
    )


def _added_up(x: Array, region: Region) -> Array:
    """Weights whose sum rounding has moved away from 1, as where what is left of a matrix is nearly singular: what is
    missing is given to those that have room for it."""
    missing = 1.0 - math.fsum(x)
    if abs(missing) <= _SUM_ERROR * max(1.0, float(np.abs(x).max())) or abs(missing) > _MOST_SUM_ERROR:
        return x
    room = np.minimum(x - region.lower, region.upper - x) > abs(missing)
    return np.where(room, x + missing / max(int(room.sum()), 1), x)


def _descended(hessian: Array, pull: Array, region: Region, gain: Array) -> _Found:
    """By descent from a vertex; where rounding stops that, in steps that stay near the last.

    Each step minimises the same plus δ/2 |x - last|², which is never singular. They end where δ |x - last| is nothing:
    there the gradients are those of the problem itself (Rockafellar 1976, the proximal point method).
    """
    found = _walked(hessian, pull, region, gain)
    if found is not None:
        return found
    rounds, last, firm = 0, vertex(region, gain).weights, hessian + _NEARNESS * np.eye(pull.size)
    for _ in range(_NEAR_STEPS):
        found = _walked(firm, pull + _NEARNESS * last, region, gain)
        if found is None:
            break
        rounds += found.rounds
        size = max(float(np.abs(pull).max()), float((firm.diagonal() * np.abs(found.x)).max()))
        stray = _NEARNESS * float(np.abs(found.x - last).max()) / size
        if stray <= _NEAR_ENOUGH:
            return found._replace(residual=found.residual + stray, rounds=rounds)
        last = found.x
    raise ArithmeticError(f"the active set is not found within {rounds} steps")


def _walked(hessian: Array, pull: Array, region: Region, gain: Array) -> _Found | None:
    """Where many limits meet in one point a descent may go round in a ring: then its way goes through a region that is
    a little larger, by another amount at each limit, and only its last steps through this one. None: it got stuck.
    """
    most = _STEPS * (pull.size + region.least.size) + 100
    for width in _WIDTHS:
        around = _widened(region, width)
        x, states = vertex(around, gain)
        rounds, y, _, residual, ratio = active_set.descend(hessian, pull, *around, states, x, most)
        if width and rounds >= 0:
            n = pull.size
            x = np.minimum(np.maximum(x, region.lower), region.upper)
            x = np.where(states[:n] < 0, region.lower, np.where(states[:n] > 0, region.upper, x))
            further, y, _, residual, ratio = active_set.descend(hessian, pull, *region, states, x, most)
            rounds = rounds + further if further >= 0 else -1
        if rounds >= 0:
            return _Found(x, y, states, float(residual), float(ratio), int(rounds))
    return None


def _widened(region: Region, width: float) -> Region:
    """Each limit further out by `width` times a number between 1 and 2; what is fixed stays so."""
    n, m = region.lower.size, region.least.size
    shares = 1.0 + np.modf(_GOLDEN * np.arange(1, 2 * (n + m) + 1))[0]
    apart, loose = width * (region.lower < region.upper), width * (region.least < region.most)
    return Region(
        region.lower - apart * shares[:n],
        region.upper + apart * shares[n : 2 * n],
        region.rows,
        region.least - loose * shares[2 * n : 2 * n + m],
        region.most + loose * shares[2 * n + m :],
    )


def at_return(asked: Problem, target: float) -> Optimum:
    """The least variance with a return of at least `target`; its multiplier is the last. Raises as `minimise`."""
    short = 0.0 if asked.before is None else math.fsum(asked.mean * asked.before)
    region = asked.region.also(_gain(asked), target - short, math.inf)
    return minimise(asked._replace(region=region))


def segment(asked: Problem, found: Optimum) -> Segment:
    """How return and variance go on from `found` while the active set stays."""
    gain = _gain(asked)
    moving, y = np.zeros_like(gain), np.zeros_like(asked.region.least)
    still = np.zeros_like(y)
    rows, pull = asked.region.rows, gain * asked.scale
    ratio = active_set.given_states(_quadratic_part(asked), pull, rows, still, still, found.states, moving, y, 2)
    pace = max(math.fsum(gain * moving), 0.0) if ratio >= 0 else 0.0
    return Segment(found.variance - found.tilt**2 * pace, found.mean - found.tilt * pace, pace)


def search(
    asked: Problem, beyond: Callable[[Optimum], bool], wanted: Callable[[Segment], float], least: Optimum
) -> tuple[Optimum, int]:
    """The optimum at the t where `beyond` becomes true, and how many were tried. `least` is the one of t = 0.

    `wanted` is that t on a segment: 0 or less, or an infinity, where it has none. Raises ArithmeticError.
    """
    low, high, found = 0.0, math.inf, least
    unit = 1.0 / (asked.scale * max(float(np.abs(asked.mean).max()), 1e-300))
    for tried in range(1, _SEARCHES):
        tilt = wanted(segment(asked, found))
        if found is not least and abs(tilt - found.tilt) <= 1e-13 * found.tilt:
            return found, tried
        if not low < tilt < high:
            tilt = max(4.0 * low, unit) if high == math.inf else 0.5 * (low + high)
        if low > 0 and high - low <= 1e-15 * high < math.inf:
            return found, tried
        found = minimise(asked, tilt)
        if beyond(found):
            high = tilt
        else:
            low = tilt
    raise ArithmeticError(f"the trade-off of risk and return is not found within {_SEARCHES} portfolios")


def _quadratic_part(asked: Problem) -> Array:
    if asked.before is None:
        return asked.covariance
    return np.block([[asked.covariance, -asked.covariance], [-asked.covariance, asked.covariance]])


def _gain(asked: Problem) -> Array:
    """The means, of the region's variables."""
    return asked.mean if asked.before is None else _mirrored(asked.mean)


def _mirrored(row: Array) -> Array:
    return np.concatenate([row, -row])


def _joined(before: Array, x: Array) -> Array:
    return before + (x[: before.size] - x[before.size :])


def _product(asked: Problem, weights: Array) -> Array:
    """Σw, scaled as the problem is."""
    out = np.empty_like(weights)
    linear.symmetric_times(asked.covariance, weights, out)
    return out
