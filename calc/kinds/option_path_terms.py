"""What follows from the data of `option_path`: dates, methods, and the option in the words of the formulas."""

import math

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from calc.kind import once_per_params
from calc.kinds.option_path_params import (
    Method,
    Params,
    has_dates,
    is_asian,
    is_barrier,
    is_down,
    looks_up,
    maturity_of,
)
from calc.numerics import discrete_barrier
from calc.numerics.asian import Averaging
from calc.numerics.barrier import Barrier


class Terms(Struct, frozen=True):
    """What follows from Params. `times` are the dates to come, above 0; `now` of the dates are at 0."""

    maturity: float
    times: NDArray[np.float64]
    now: int
    continuous: bool
    method: Method
    already_hit: bool


@once_per_params
def terms(params: Params) -> Terms:
    """Dates, monitoring, whether it is hit, and the method that answers."""
    maturity = maturity_of(params)
    continuous = not is_asian(params) and (
        params.monitoring == "continuous" or (params.monitoring is None and not has_dates(params))
    )
    dates = _given_times(params, maturity)
    times = np.array([t for t in dates if t > 0], dtype=np.float64)
    now = len(dates) - len(times)
    hit = is_barrier(params) and _already_hit(params, continuous or now > 0)
    found = Terms(maturity, times, now, continuous, "rqmc", hit)
    method = "closed_form" if is_certain(params, found) else params.method or exact_method(params, found) or "rqmc"
    return Terms(maturity, times, now, continuous, method, hit)


def is_certain(params: Params, found: Terms) -> bool:
    """Whether no path is left to chance: nothing can move, no date is to come, or the barrier was hit."""
    still = params.volatility == 0 or found.maturity == 0 or not (found.continuous or found.times.size)
    return still or found.already_hit


def exact_method(params: Params, found: Terms) -> Method | None:
    """How the option is valued without simulation; None where it must be simulated."""
    if params.style == "asian_geometric" or is_certain(params, found):
        return "closed_form"
    if params.style == "asian_arithmetic":
        given = averaging(params, found)
        return "closed_form" if found.times.size == 1 or given.strike_to_come <= 0 else None
    if found.continuous:
        return "closed_form"
    if not is_barrier(params):
        return None
    nodes = discrete_barrier.nodes_for(barrier_option(params, found), found.times)
    return "quadrature" if nodes <= discrete_barrier.MOST_NODES else None


def averaging(params: Params, found: Terms) -> Averaging:
    """The average of an Asian option; those at 0 count as past."""
    past, so_far = params.past_fixings, params.running_average or 0.0
    if found.now:
        known = past + found.now
        if params.style == "asian_geometric":
            logs = (past * math.log(so_far) if past else 0.0) + found.now * math.log(params.spot)
            so_far = math.exp(logs / known)
        else:
            so_far = (past * so_far + found.now * params.spot) / known
        past = known
    return Averaging(
        params.type == "call",
        params.spot,
        params.strike or 0.0,
        found.maturity,
        params.rate,
        params.dividend_yield,
        params.volatility,
        found.times,
        past,
        so_far,
    )


def barrier_option(params: Params, found: Terms) -> Barrier:
    """The barrier option without its rebate; without a barrier one that is never hit is of no use: 0 stands there."""
    return Barrier(
        params.type == "call",
        is_down(params),
        params.spot,
        params.strike or 0.0,
        params.barrier or 0.0,
        found.maturity,
        params.rate,
        params.dividend_yield,
        params.volatility,
    )


def extreme_so_far(params: Params, found: Terms) -> float | None:
    """Of a lookback: highest or lowest price before the dates to come; None where there is none."""
    given = params.running_maximum if looks_up(params) else params.running_minimum
    if found.continuous or found.now:
        choose = max if looks_up(params) else min
        return params.spot if given is None else choose(given, params.spot)
    return given


def simulated(params: Params, found: Terms) -> int:
    """Numbers that a path takes."""
    dates = len(path_times(found))
    return 2 * dates if found.continuous and not is_barrier(params) else dates


def path_times(found: Terms) -> NDArray[np.float64]:
    """Times at which paths are simulated: the dates to come, and maturity for what is paid by the last price."""
    if found.times.size and found.times[-1] >= found.maturity:
        return found.times
    return np.append(found.times, found.maturity)


def _given_times(params: Params, maturity: float) -> list[float]:
    if params.fixing_times is not None:
        return params.fixing_times
    n = params.fixings or 0
    return [maturity * (i + 1) / n for i in range(n)]


def _already_hit(params: Params, watched_now: bool) -> bool:
    barrier = params.barrier or 0.0
    if is_down(params):
        return (params.running_minimum or math.inf) <= barrier or (watched_now and params.spot <= barrier)
    return (params.running_maximum or 0.0) >= barrier or (watched_now and params.spot >= barrier)
