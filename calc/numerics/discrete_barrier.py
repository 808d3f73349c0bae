"""Barrier options that are watched at dates, by quadrature: price, chance of a hit and value of the rebate.

The numbers come from `calc/kernels/discrete_barrier.py`; here are the interval, the nodes and what is paid. With
these nodes the answers of twice as many are met to 1e-10 of the spot (tests/calc/kinds/test_option_path.py).
"""

import math
from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from calc import lazy
from calc.numerics.barrier import Barrier

kernels = lazy.module("calc.kernels.discrete_barrier")
heston_cf = lazy.module("calc.kernels.heston_cf")

Array = NDArray[np.float64]

MOST_NODES = 12_000
_NEVER = 10**9
_WIDEST = 20.0  # deviation to maturity: e to the interval's end is still a number
_REACH = 8.5  # deviations at maturity that the interval holds beyond the mean
_NODES_A_DEVIATION = 3.2  # of the shortest step


class Watched(NamedTuple):
    """A knock-out watched at dates: without rebate; the value of 1 at the date of the hit; the chance of one."""

    knock_out: float
    rebate_at_hit: float
    hit_probability: float


def nodes_for(option: Barrier, times: Array) -> int:
    """How many nodes the density needs: 0 where there is none to carry, _NEVER where prices leave all floats."""
    if option.volatility * math.sqrt(option.maturity) > _WIDEST:
        return _NEVER
    if times.size < 2:
        return 0
    low, high = _interval(option)
    shortest = option.volatility * math.sqrt(float(np.diff(times, prepend=0.0).min()))
    wanted = _NODES_A_DEVIATION * max(high - low, 0.0)
    return 32 + math.ceil(wanted / shortest) if wanted < _NEVER * shortest else _NEVER


def watched(option: Barrier, times: Array) -> Watched:
    """The knock-out watched at `times`, ascending and above 0; volatility and times are not 0."""
    return _with_nodes(option, times, nodes_for(option, times))


def _with_nodes(option: Barrier, times: Array, count: int) -> Watched:
    drift = option.rate - option.dividend_yield - 0.5 * option.volatility**2
    spans = np.diff(times, prepend=0.0)
    level = math.log(option.barrier / option.spot)
    at_last = times[-1] >= option.maturity
    carried = spans[:-1] if at_last else spans
    y, mass, living = np.zeros(1), np.ones(1), np.empty(0)
    if carried.size:
        low, high = _interval(option)
        x, shares = _nodes(count)
        y, weights = low + (high - low) * x, (high - low) * shares
        density, living = kernels.carry(y, weights, carried, drift, option.volatility)
        mass = density * weights
    final = float(spans[-1]) if at_last else option.maturity - float(times[-1])
    inside = (level, math.inf) if option.down else (-math.inf, level)
    paid_from = math.log(option.strike / option.spot)
    paid = (paid_from, math.inf) if option.call else (-math.inf, paid_from)
    if at_last:
        _, alive = kernels.ended(mass, y, final, drift, option.volatility, *inside)
        living = np.append(living, alive)
        paid = max(paid[0], inside[0]), min(paid[1], inside[1])
    grown, chance = kernels.ended(mass, y, final, drift, option.volatility, *paid)
    w = 1.0 if option.call else -1.0
    price = option.discount * w * (option.spot * grown - option.strike * chance)
    fallen = -np.diff(living, prepend=1.0)
    at_hit = [
        math.exp(-option.rate * t) * max(lost, 0.0) for t, lost in zip(times.tolist(), fallen.tolist(), strict=True)
    ]
    hit = min(max(1.0 - float(living[-1]), 0.0), 1.0)
    return Watched(max(price, 0.0), math.fsum(at_hit), hit)


def _interval(option: Barrier) -> tuple[float, float]:
    """Where log S_t/S may be that counts, on the living side; also under the measure of the asset."""
    s = option.volatility * math.sqrt(option.maturity)
    drift = (option.rate - option.dividend_yield) * option.maturity - 0.5 * s * s
    low, high = min(drift, 0.0) - _REACH * s, max(drift + s * s, 0.0) + _REACH * s
    level = math.log(option.barrier / option.spot)
    return (max(low, level), max(high, level)) if option.down else (min(low, level), min(high, level))


@cache
def _nodes(count: int) -> tuple[Array, Array]:
    """Ascending Gauss-Legendre nodes on (0, 1), and their weights."""
    x, w = heston_cf.gauss_legendre(count)
    order = np.argsort(x, kind="stable")
    return 0.5 * (1.0 + x[order]), 0.5 * w[order]
