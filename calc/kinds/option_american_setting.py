"""An option with early exercise, ready to be calculated: what is exact about it, or what is to be simulated."""

from typing import NamedTuple

import numpy as np

from calc.errors import CalcError
from calc.kinds.option_american_terms import Params, correlation_of, deviation, may_exercise_now, moves, times_of
from calc.numerics import american, early_exercise
from calc.numerics.american import Array, Continuous, Put
from calc.numerics.correlation import factor
from calc.numerics.early_exercise import Exercise, Vanilla

STILL = 1e-8  # deviation of log price below which a boundary may be missed: it adds less than that of the strike


class Exact(NamedTuple):
    """An answer without simulation, in units of the strike. `probability` and `when` of exercise, where certain."""

    price: float
    method: str
    probability: float | None
    when: float | None
    now: bool


class Setting(NamedTuple):
    """What follows from Params at once, in units of the strike; one of `exact` and `exercise` is there."""

    exact: Exact | None
    exercise: Exercise | None
    intrinsic: float
    european: float | None  # the vanilla one; of max_call the dearest single call, which is worth no more
    continuous: Continuous | None
    unit: float


def as_put(params: Params) -> Put:
    """The vanilla option as a put of strike 1."""
    return american.as_put(
        params.type == "call",
        params.spot or 0.0,
        params.strike,
        params.maturity,
        params.rate,
        params.dividend_yield or 0.0,
        params.volatility or 0.0,
    )


def is_exact(params: Params) -> bool:
    """Whether nothing is to be simulated."""
    if not moves(params):
        return True
    if params.style == "max_call":
        return False
    return len(times_of(params)) == 1 or american.shape(as_put(params)) == "never"


def setting_of(params: Params) -> Setting:
    """Of checked Params."""
    return _vanilla(params) if params.style == "vanilla" else _max_call(params)


def _vanilla(params: Params) -> Setting:
    put, times = as_put(params), np.array(times_of(params))
    intrinsic, european = max(1.0 - put.x, 0.0), american.european(put)
    if not moves(params):
        exact = _still(params, put, times, intrinsic)
        return Setting(exact, None, intrinsic, european, None, put.unit)
    continuous = american.continuous(put)
    if params.exercise_dates is None:
        if continuous is None and deviation(params) < STILL:
            return Setting(_still(params, put, times, intrinsic), None, intrinsic, european, None, put.unit)
        if continuous is None:
            detail = "with such a rate, dividend yield and volatility the boundary is not found to 1e-9"
            raise CalcError(f"Exercise at any time: {detail}: send exercise_dates.", code="no_convergence")
        now = put.x <= continuous.boundary
        method = "closed_form" if american.shape(put) == "never" else "integral_equation"
        exact = Exact(continuous.price, method, 1.0 if now else None, 0.0 if now else None, now)
        return Setting(exact, None, intrinsic, european, continuous, put.unit)
    if is_exact(params):
        now = may_exercise_now(params) and intrinsic >= european > 0
        exact = Exact(max(european, intrinsic if now else 0.0), "closed_form", None, None, now)
        return Setting(exact, None, intrinsic, european, continuous, put.unit)
    exercise = Vanilla(put, times, continuous.boundary if continuous else None)
    return Setting(None, exercise, intrinsic, european, continuous, put.unit)


def _still(params: Params, put: Put, times: Array, intrinsic: float) -> Exact:
    """Nothing moves: the best date is known now. At any time it is now, or the end, or where the gain is greatest."""
    if params.exercise_dates is None:
        times = american.still_dates(put)
    price, when = american.deterministic(put, times)
    return _certain(params, price, when, intrinsic)


def _certain(params: Params, price: float, when: float | None, intrinsic: float) -> Exact:
    if may_exercise_now(params) and intrinsic > 0 and intrinsic >= price:
        return Exact(intrinsic, "deterministic", 1.0, 0.0, True)
    return Exact(price, "deterministic", 0.0 if when is None else 1.0, when, when == 0.0)


def _max_call(params: Params) -> Setting:
    spots, vols = params.spots or [], params.volatilities or []
    dividends = params.dividend_yields or [0.0] * len(spots)
    loadings = factor(correlation_of(params)[0])
    option = early_exercise.max_call(
        spots, params.strike, vols, dividends, loadings, params.rate, np.array(times_of(params))
    )
    intrinsic = max(max(spots) / params.strike - 1.0, 0.0)
    if moves(params):
        return Setting(None, option, intrinsic, max(option.calls()), None, params.strike)
    exact = _certain(params, *early_exercise.best_date(option), intrinsic)
    return Setting(exact, None, intrinsic, None, None, params.strike)
