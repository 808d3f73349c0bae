"""Simulated observations of `option_path`: points of one replicate, or pseudo-random paths, as moments."""

import math

import numpy as np
from numpy.typing import NDArray

from calc import lazy
from calc.errors import CalcError
from calc.kind import once_per_params
from calc.kinds.option_path_params import Params, is_asian, is_barrier, is_down, looks_up
from calc.kinds.option_path_terms import (
    averaging,
    barrier_option,
    extreme_so_far,
    path_times,
    simulated,
    terms,
)
from calc.numerics import asian, barrier, moments, replicates
from calc.numerics.moments import Moments
from calc.numerics.replicates import Layout

bridge = lazy.module("calc.kernels.bridge")
kernels = lazy.module("calc.kernels.paths")

Array = NDArray[np.float64]

NUMBERS_A_PART = 2**25  # plain ones: about half a second
NUMBERS_TO_TARGET = 2**21  # finer, so that a target is not overshot by much
NUMBERS_A_TILE = 2**16  # they stay in the second cache


def layout(params: Params) -> Layout:
    """How the paths are cut; antithetic pairs count as one observation."""
    found = terms(params)
    work = NUMBERS_A_PART if params.target_standard_error is None else NUMBERS_TO_TARGET
    pairs = 2 if is_antithetic(params) else 1
    heavy = 4 if conditions(params) else 1
    return replicates.layout(
        params.paths // pairs, simulated(params, found) * pairs * heavy, work, found.method == "rqmc"
    )


def is_antithetic(params: Params) -> bool:
    return terms(params).method == "monte_carlo" and params.variance_reduction.startswith("antithetic")


def conditions(params: Params) -> bool:
    """Whether the geometric average is integrated in closed form."""
    return params.style == "asian_arithmetic" and params.variance_reduction.endswith("control")


def expected_control(params: Params) -> float | None:
    """Known mean of the control; None without one."""
    if is_asian(params) or not params.variance_reduction.endswith("control"):
        return None
    found = terms(params)
    if is_barrier(params):
        return barrier.vanilla(barrier_option(params, found))
    return params.spot * math.exp(-params.dividend_yield * found.maturity)


def sample(params: Params, replicate: int, first: int, count: int) -> tuple[Moments, Moments]:
    """Moments of (payoff, control) and of the chance of a hit, of observations first … first + count - 1."""
    rows = len(path_times(terms(params)))
    tile = 2 ** max(min(int(math.log2(NUMBERS_A_TILE / rows)), 10), 6)
    x, y, hit = np.empty(count), np.zeros(count), np.zeros(count)
    for start in range(0, count, tile):
        end = min(start + tile, count)
        _tile(params, replicate, first + start, x[start:end], y[start:end], hit[start:end])
    check_payoffs(params, x, y)
    controlled = expected_control(params) is not None
    return moments.of(x, y if controlled else None), moments.of(hit)


def check_payoffs(params: Params, x: Array, y: Array) -> None:
    """No payoff is below 0, and no knock-out without rebate is above the vanilla option on the same path."""
    worst = float(x.min())
    if not worst >= 0:
        raise CalcError(f"payoff_at_least_zero: a path pays {worst!r}", code="internal_check_failed")
    if params.style in ("barrier_down_out", "barrier_up_out") and params.rebate == 0:
        over = float((x - y).max())
        if not over <= 0:
            raise CalcError(
                f"knock_out_below_vanilla: a path pays {over!r} more than the vanilla option",
                code="internal_check_failed",
            )


@once_per_params
def _plan(params: Params) -> tuple[object, ...]:
    """Steps of the bridge."""
    return tuple(bridge.steps(path_times(terms(params))))


@once_per_params
def _levels(params: Params) -> Array:
    """log S + (r - q - σ²/2) t."""
    times = path_times(terms(params))
    drift = params.rate - params.dividend_yield - 0.5 * params.volatility**2
    return math.log(params.spot) + drift * times


def _tile(params: Params, replicate: int, first: int, x: Array, y: Array, hit: Array) -> None:
    """Observations of a tile, written to x, y and hit."""
    paths = np.empty((len(_levels(params)), x.size))
    bridge.fill(paths, *_plan(params), params.seed or 0, replicate, first)
    uniforms = _uniforms(params, replicate, first, x.size)
    if not is_antithetic(params):
        _pay(params, paths, uniforms, x, y, hit)
        return
    mirrored, other = -paths, [1.0 - u for u in uniforms]
    x2, y2, hit2 = np.empty(x.size), np.zeros(x.size), np.zeros(x.size)
    _pay(params, paths, uniforms, x, y, hit)
    _pay(params, mirrored, other, x2, y2, hit2)
    for one, two in ((x, x2), (y, y2), (hit, hit2)):
        one += two
        one *= 0.5


def _uniforms(params: Params, replicate: int, first: int, count: int) -> list[Array]:
    """For the extremes between dates, one a step; none elsewhere."""
    found = terms(params)
    rows = len(_levels(params))
    made = []
    for j in range(simulated(params, found) - rows):
        made.append(np.empty(count))
        bridge.fill_uniforms(made[j], params.seed or 0, replicate, rows + j, first)
    return made


def _pay(params: Params, paths: Array, uniforms: list[Array], x: Array, y: Array, hit: Array) -> None:
    """Payoffs along the paths, which are overwritten."""
    if is_asian(params):
        _pay_asian(params, paths, x)
    elif is_barrier(params):
        _pay_barrier(params, paths, x, y, hit)
    else:
        _pay_lookback(params, paths, uniforms, x, y)


def _pay_asian(params: Params, paths: Array, x: Array) -> None:
    found, w = terms(params), 1.0 if params.type == "call" else -1.0
    given = averaging(params, found)
    n = found.times.size
    scale = math.exp(-params.rate * found.maturity) * given.share
    paths, levels, sigma = paths[:n], _levels(params)[:n], params.volatility
    if params.style == "asian_geometric":
        # The past scales the geometric average: its logarithm is a level of its own.
        total = n + given.past
        logs = given.past * math.log(given.so_far) if given.past else 0.0
        level = np.array([(logs + float(levels.sum())) / total])
        mean = paths.sum(axis=0, keepdims=True) / total
        kernels.asian(x, mean, level, sigma, given.strike, w, scale / given.share)
    elif conditions(params):
        spread = asian.covariances(found.times)
        loadings = sigma * spread / math.sqrt(float(spread.sum()))
        kernels.asian_given_geometric(x, paths, levels, loadings, sigma, given.strike_to_come, w, scale)
    else:
        kernels.asian(x, paths, levels, sigma, given.strike_to_come, w, scale)


def _pay_barrier(params: Params, paths: Array, x: Array, y: Array, hit: Array) -> None:
    found = terms(params)
    times = path_times(found)
    knock_in = params.style.endswith("in")
    spans = np.diff(times, prepend=0.0) if found.continuous else np.zeros(times.size)
    rebate = 0.0 if found.continuous and not knock_in else params.rebate
    kernels.barrier(
        x,
        y,
        hit,
        paths,
        _levels(params),
        np.arange(times.size) < found.times.size,
        spans,
        np.array([math.exp(-params.rate * t) for t in times.tolist()]),
        math.log(params.spot),
        params.volatility,
        math.log(params.barrier or 1.0),
        is_down(params),
        knock_in,
        params.strike or 0.0,
        1.0 if params.type == "call" else -1.0,
        rebate,
    )


def _pay_lookback(params: Params, paths: Array, uniforms: list[Array], x: Array, y: Array) -> None:
    found, side = terms(params), 1.0 if looks_up(params) else -1.0
    so_far = extreme_so_far(params, found)
    times = path_times(found)
    variances = params.volatility**2 * np.diff(times, prepend=0.0)
    kernels.to_logs(paths, _levels(params), params.volatility)
    extreme = np.full(x.size, -math.inf if so_far is None else side * math.log(so_far))
    before = np.full(x.size, math.log(params.spot))
    for j, row in enumerate(paths):
        if found.continuous:
            kernels.beyond(extreme, uniforms[j], before, row, float(variances[j]), side)
        elif j < found.times.size:
            kernels.highest(extreme, row, side)
        before = row
    floating = params.style == "lookback_floating"
    scale = math.exp(-params.rate * found.maturity)
    kernels.lookback(x, y, extreme, paths[-1], side, floating, params.strike or 0.0, scale)
