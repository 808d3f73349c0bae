"""What of `option_path` needs no simulation: closed forms, quadrature, and options that are certain."""

import math
from typing import NamedTuple

from calc.errors import CalcError
from calc.kinds.option_path_params import Params, is_asian, is_barrier, looks_up
from calc.kinds.option_path_terms import (
    Terms,
    averaging,
    barrier_option,
    exact_method,
    extreme_so_far,
    is_certain,
)
from calc.numerics import asian, barrier, black_scholes, discrete_barrier, lookback
from calc.numerics.discrete_barrier import Watched


class Exact(NamedTuple):
    """Price, and the chance that a barrier is hit (None where there is no barrier)."""

    price: float
    hit_probability: float | None


def exact(params: Params, found: Terms) -> Exact | None:
    """The answer by the most accurate method that is no simulation; None where there is none."""
    method = exact_method(params, found)
    if method is None:
        return None
    if is_asian(params):
        return Exact(_asian(params, found), None)
    if not is_barrier(params):
        return Exact(_lookback(params, found), None)
    if is_certain(params, found):
        return _certain_barrier(params, found)
    if method == "closed_form":
        return continuous_barrier(params, barrier_option(params, found))
    return discrete_price(params, found)


def vanilla(params: Params, found: Terms) -> float | None:
    """The European option with the same strike and maturity; None where there is no strike."""
    if params.strike is None:
        return None
    return black_scholes.european(
        params.type == "call",
        params.spot,
        params.strike,
        found.maturity,
        params.rate,
        params.dividend_yield,
        params.volatility,
    ).price


def geometric(params: Params, found: Terms) -> float:
    """The option on the geometric average of the same fixings, where none of them is known yet or all are alike."""
    return asian.geometric(averaging(params, found))


def continuous_barrier(params: Params, option: barrier.Barrier) -> Exact:
    """Watched all the time, with its rebate."""
    out, knocked_in = barrier.out_and_in(option)
    check_in_and_out(out, knocked_in, barrier.vanilla(option), params.spot)
    hit = barrier.hit_probability(option)
    if params.style.endswith("in"):
        return Exact(knocked_in + params.rebate * barrier.rebate_at_maturity(option), hit)
    return Exact(out + params.rebate * barrier.rebate_at_hit(option), hit)


def discrete_price(params: Params, found: Terms) -> Exact:
    """Watched at the dates to come, with its rebate."""
    option = barrier_option(params, found)
    watched = discrete_barrier.watched(option, found.times)
    check_watched(watched, barrier.vanilla(option), params.spot)
    if params.style.endswith("in"):
        knocked_in = max(barrier.vanilla(option) - watched.knock_out, 0.0)
        return Exact(
            knocked_in + params.rebate * option.discount * (1 - watched.hit_probability), watched.hit_probability
        )
    return Exact(watched.knock_out + params.rebate * watched.rebate_at_hit, watched.hit_probability)


def check_in_and_out(out: float, knocked_in: float, whole: float, spot: float) -> None:
    """Knock-out and knock-in are the vanilla option together."""
    if not abs(out + knocked_in - whole) <= 1e-9 * (whole + spot):
        detail = f"knock-in and knock-out make {out + knocked_in!r}, the vanilla option is worth {whole!r}"
        raise CalcError(f"knock_in_and_out: {detail}", code="internal_check_failed")


def check_watched(watched: Watched, whole: float, spot: float) -> None:
    """A knock-out is worth at most the vanilla option."""
    if not watched.knock_out <= whole + 1e-9 * spot:
        detail = f"the knock-out is worth {watched.knock_out!r}, the vanilla option {whole!r}"
        raise CalcError(f"knock_out_below_vanilla: {detail}", code="internal_check_failed")


def _asian(params: Params, found: Terms) -> float:
    given = averaging(params, found)
    if params.style == "asian_geometric":
        return asian.geometric(given) if found.times.size else asian.arithmetic(given) or 0.0
    return asian.arithmetic(given) or 0.0


def _certain_barrier(params: Params, found: Terms) -> Exact:
    """Hit before, or a path without chance."""
    option = barrier_option(params, found)
    whole = barrier.vanilla(option)
    knock_in = params.style.endswith("in")
    at: float | None = None  # when it is hit
    if found.already_hit:
        at = 0.0
    elif found.continuous:
        reached = found.maturity > 0 and barrier.hit_probability(option) == 1.0
        at = option.distance / option.drift if reached else None
    elif params.volatility == 0:
        side = 1 if option.down else -1
        drift = params.rate - params.dividend_yield
        level = math.log(option.barrier / option.spot)
        at = next((t for t in found.times.tolist() if side * (drift * t - level) <= 0), None)
    if at is None:
        return Exact(params.rebate * option.discount if knock_in else whole, 0.0)
    return Exact(whole if knock_in else params.rebate * math.exp(-params.rate * at), 1.0)


def _lookback(params: Params, found: Terms) -> float:
    market = (found.maturity, params.rate, params.dividend_yield, params.volatility)
    call, extreme = params.type == "call", extreme_so_far(params, found)
    if found.continuous and extreme is not None:
        if params.strike is None:
            return lookback.floating(call, params.spot, extreme, *market)
        return lookback.fixed(call, params.spot, params.strike, extreme, *market)
    carry = params.rate - params.dividend_yield
    seen = [params.spot * math.exp(carry * t) for t in found.times.tolist()]
    seen += [] if extreme is None else [extreme]
    most = max(seen) if looks_up(params) else min(seen)
    reference = params.spot * math.exp(carry * found.maturity) if params.strike is None else params.strike
    gain = most - reference if looks_up(params) else reference - most
    return math.exp(-params.rate * found.maturity) * max(gain, 0.0)
