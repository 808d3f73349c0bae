"""What a simulated price of an option with early exercise is held against, and what stands in its place where it may
not be given: the right to exercise on one date alone, exercise at any time, the dual's bound.
"""

import math
from typing import NamedTuple

from calc.errors import CalcError
from calc.kind import Caution
from calc.kinds.option_american_setting import Setting
from calc.kinds.option_american_terms import Params, deviation
from calc.numerics import moments
from calc.numerics.early_exercise import Alone, Exercise
from calc.numerics.moments import Moments

SIGMAS = 6.0  # standard errors that a self-check allows
WILD = 2.0  # deviation of log price at maturity, beyond which a sample's own standard error says too little to check
WILD_CALLS = 1.0  # the same for calls, which have no largest value
GROWN = 5.0  # rate × maturity, beyond which what is paid late is out of all proportion
FEW = 30  # observations with a gain, or without, below which the standard error says too little to check a price
ROUNDING = 1e-8  # of a price, deep in the money
SLACK = 1e-8  # of the strike: what it forgives as rounding


class Price(NamedTuple):
    """In units of the strike: with its standard error, the control's coefficient, and, where it is the price of
    exercise on one date alone, that right."""

    value: float
    error: float
    coefficient: float | None
    alone: Alone | None
    cautions: list[Caution]


def within(
    params: Params,
    setting: Setting,
    exercise: Exercise,
    found: tuple[float, float, float | None],
    sample: Moments,
    exercised: Moments,
) -> Price:
    """The price that was found (with error and coefficient of the control), if it is one.

    Worth less than exercise on one date alone, the policy is no good, or too few paths tell what it is worth: that
    right, which has a formula, is the price. Worth more than exercise at any time, with hardly a path that ends without
    a gain, it is the latter. Raises CalcError where a self-check fails.
    """
    value, error, coefficient = found
    gains = exercised.mean_x * exercised.n
    calm = params.style == "vanilla" or deviation(params) <= WILD_CALLS  # a call has no largest value
    if calm and exercise.rarest() * sample.n >= FEW:
        check_controls(sample, exercise.control())
    alone = exercise.alone()
    allowed = (SIGMAS * error if gains >= FEW else 0.0) + _slack(alone.price)
    if value < alone.price - allowed:
        return Price(alone.price, 0.0, None, alone, [_told(alone)])
    if setting.continuous is not None:
        most = setting.continuous.price
        if min(value, 1.0 - value, 1.0 - exercised.mean_x) * exercised.n < FEW:
            return Price(min(value, most), error, coefficient, None, [])
        check_below_continuous(value, error, most)
    return Price(value, error, coefficient, None, [])


def check_controls(sample: Moments, expected: float) -> None:
    """Self-check: what the option is worth at the moment of exercise without the right to exercise early has, today and
    on average, the European value, whatever the policy."""
    mean, error = moments.mean(sample._replace(mean_x=sample.mean_y, xx=sample.yy))
    if abs(mean - expected) > SIGMAS * error + _slack(expected):
        _failed("european_at_exercise", mean, expected)


def check_below_continuous(price: float, error: float, continuous: float) -> None:
    """Self-check: some dates are worth no more than all of them."""
    if price > continuous + SIGMAS * error + _slack(continuous):
        _failed("dates_below_continuous", price, continuous)


def upper_within(
    params: Params, exercise: Exercise, price: Price, upper: tuple[float, float], exercised: Moments
) -> tuple[tuple[float, float] | None, list[Caution]]:
    """The upper bound, and what is to be said of it. None where it bounds nothing: where no outer path gains anything,
    and where it comes out below the price although its sample is too small or too wild to tell.

    Raises CalcError where the self-check fails.
    """
    path, gains = "$.data.outer_paths", exercised.mean_x * params.outer_paths
    if _upper_tells(params, exercise, price.value, exercised):
        check_below_upper(price.value, price.error, upper)
    elif _crossed(price.value, price.error, upper):
        detail = "the upper bound comes out below the price: its sample is too small; send more"
        return None, [Caution("no_upper_bound", path, detail)]
    if gains >= 1:
        return upper, []
    if upper == (0.0, 0.0):
        return None, [Caution("no_gains", path, "no outer path gains anything: there is no upper bound; send more")]
    detail = "hardly an outer path gains anything: the standard error of the upper bound says too little; send more"
    return upper, [Caution("few_gains", path, detail)]


def check_below_upper(price: float, error: float, upper: tuple[float, float]) -> None:
    """Self-check: the bounds are not crossed."""
    if _crossed(price, error, upper):
        _failed("lower_below_upper", price, upper[0])


def _crossed(price: float, error: float, upper: tuple[float, float]) -> bool:
    return price > upper[0] + SIGMAS * math.hypot(error, upper[1]) + _slack(upper[0])


def _upper_tells(params: Params, exercise: Exercise, price: float, exercised: Moments) -> bool:
    """Whether the standard error of the upper bound says enough to check it."""
    if params.style == "max_call":
        calm = deviation(params) <= WILD_CALLS and abs(params.rate) * params.maturity <= GROWN
        return calm and min(exercise.rarest(), exercised.mean_x) * params.outer_paths >= FEW
    share = min(price, 1.0 - price, exercised.mean_x)
    return deviation(params) <= WILD and share * params.outer_paths >= FEW


def _told(alone: Alone) -> Caution:
    detail = (
        f"the policy that was found is worth less than exercise at {alone.time:.6g} years alone: "
        "the price is that of the latter, by its formula; send more policy_paths"
    )
    return Caution("one_date", "$.data.policy_paths", detail)


def _slack(bound: float) -> float:
    """What rounding may do to a price of that size, in units of the strike."""
    return SLACK + ROUNDING * abs(bound)


def _failed(check: str, price: float, bound: float) -> None:
    raise CalcError(
        f"Self-check {check} failed: {price:.9g}, bound {bound:.9g} (in units of the strike).",
        code="internal_check_failed",
    )
