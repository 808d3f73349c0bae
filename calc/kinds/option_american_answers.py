"""The answer about an option with early exercise."""

import hashlib
import math

from msgspec import Struct

from calc.kind import Caution
from calc.kinds import option_american_bounds
from calc.kinds.option_american_bounds import Price
from calc.kinds.option_american_setting import Exact, Setting
from calc.kinds.option_american_terms import Params, deviation, may_exercise_now
from calc.numerics import normal
from calc.numerics.american import Array
from calc.numerics.early_exercise import Alone
from calc.numerics.moments import Moments
from calc.quantities import looks_like_percent

HEAVY = {"vanilla": 2.5, "max_call": 1.5}  # deviation of log price at maturity, from which on a caution says so


class Diagnostics(Struct, frozen=True):
    """`policy_checksum` is the start of the policy's SHA-256. `residual` is that of the boundary's equation."""

    method: str
    estimator: str
    paths: int
    blocks: int
    block_size: int
    stopped_early: bool
    exercise_dates: int
    exercise_now: bool
    policy_paths: int
    policy_checksum: str | None
    basis_degree: int
    control_coefficient: float | None
    residual: float | None
    conventions: dict[str, str]
    units: dict[str, str]
    warnings: list[Caution]


class Result(Struct, frozen=True):
    """`upper` and `gap` are null unless asked for, and where no outer path gains anything (a caution says so);
    `european` and `american` where there is no such formula.

    Probability and mean time of exercise are null where they are not simulated; the time also where nobody exercises.
    """

    price: float
    upper: float | None
    gap: float | None
    european: float | None
    american: float | None
    exercise_probability: float | None
    mean_exercise_time: float | None
    standard_error: dict[str, float] | None
    interval_95: dict[str, tuple[float, float]] | None
    diagnostics: Diagnostics


_UNITS = {
    "price": "currency",
    "upper": "currency",
    "gap": "currency",
    "european": "currency",
    "american": "currency",
    "exercise_probability": "fraction",
    "mean_exercise_time": "years",
}
_CONVENTIONS = {
    "price": "a lower bound: the value under the policy that was found",
    "exercise_probability": "of exercise with a gain at any date, risk-neutral",
    "mean_exercise_time": "of those",
}
_ESTIMATORS = {
    "none": "mean of discounted payoffs under the policy",
    "antithetic": "mean of antithetic pairs under the policy",
    "control": "mean of discounted payoffs under the policy, controlled by the European value at exercise",
    "antithetic_control": "mean of antithetic pairs under the policy, controlled by the European value at exercise",
}


def exact_result(params: Params, setting: Setting, exact: Exact) -> Result:
    """Without simulation."""
    unit, american = setting.unit, setting.continuous
    estimator = {
        "integral_equation": "Andersen-Lake-Offengenden fixed point, Kim's integral",
        "closed_form": "Black-Scholes formula: early exercise is worth nothing more",
        "deterministic": "the best date, known now",
    }[exact.method]
    return Result(
        price=unit * exact.price,
        upper=None,
        gap=None,
        european=_vanilla_only(params, setting.european, unit),
        american=None if american is None else unit * american.price,
        exercise_probability=exact.probability,
        mean_exercise_time=exact.when,
        standard_error=None,
        interval_95=None,
        diagnostics=Diagnostics(
            method=exact.method,
            estimator=estimator,
            paths=0,
            blocks=0,
            block_size=0,
            stopped_early=False,
            exercise_dates=params.dates,
            exercise_now=exact.now,
            policy_paths=0,
            policy_checksum=None,
            basis_degree=params.basis_degree,
            control_coefficient=None,
            residual=None if american is None else american.residual,
            conventions={},
            units=_UNITS,
            warnings=_warnings(params),
        ),
    )


def simulated_result(
    params: Params,
    setting: Setting,
    policy: Array,
    found: Price,
    upper: tuple[float, float] | None,
    exercised: Moments,
    paths: int,
    blocks: int,
    block_size: int,
) -> Result:
    """From the price, the upper bound and what is known of exercise."""
    price, error = found.value, found.error
    cautions = [*_warnings(params), *found.cautions]
    if upper is not None and setting.exercise is not None:
        upper, told = option_american_bounds.upper_within(params, setting.exercise, found, upper, exercised)
        cautions += told
    now = may_exercise_now(params) and setting.intrinsic >= price and setting.intrinsic > 0
    figures = {"price": (setting.unit * price, setting.unit * error)}
    if upper is not None:
        above = (max(upper[0], setting.intrinsic), 0.0 if setting.intrinsic > upper[0] else upper[1]) if now else upper
        figures["upper"] = (setting.unit * above[0], setting.unit * above[1])
    figures |= _exercise(exercised) if found.alone is None else _exercise_alone(found.alone)
    if now:
        figures |= {"price": (setting.unit * setting.intrinsic, 0.0)}
        figures |= {"exercise_probability": (1.0, 0.0), "mean_exercise_time": (0.0, 0.0)}
    if upper is not None:
        gap = figures["upper"][0] - figures["price"][0]
        figures["gap"] = (gap, math.hypot(figures["upper"][1], figures["price"][1]))
    value = {name: figure[0] for name, figure in figures.items()}
    american = setting.continuous
    return Result(
        price=value["price"],
        upper=value.get("upper"),
        gap=value.get("gap"),
        european=_vanilla_only(params, setting.european, setting.unit),
        american=None if american is None else setting.unit * american.price,
        exercise_probability=value["exercise_probability"],
        mean_exercise_time=value.get("mean_exercise_time"),
        standard_error={name: figure[1] for name, figure in figures.items()},
        interval_95={name: normal.interval_95(*figure) for name, figure in figures.items()},
        diagnostics=Diagnostics(
            method="longstaff_schwartz",
            estimator=_ESTIMATORS[params.variance_reduction] + "; errors are conditional on the policy",
            paths=paths,
            blocks=blocks,
            block_size=block_size,
            stopped_early=paths < params.paths,
            exercise_dates=params.dates,
            exercise_now=now,
            policy_paths=params.policy_size,
            policy_checksum=hashlib.sha256(policy.astype("<f8").tobytes()).hexdigest()[:16],
            basis_degree=params.basis_degree,
            control_coefficient=found.coefficient,
            residual=None if american is None else american.residual,
            conventions=_CONVENTIONS,
            units=_UNITS,
            warnings=cautions,
        ),
    )


def _vanilla_only(params: Params, european: float | None, unit: float) -> float | None:
    return unit * european if params.style == "vanilla" and european is not None else None


def _exercise(sample: Moments) -> dict[str, tuple[float, float]]:
    """Probability and mean time of exercise (x is exercised, y that × time), each with its standard error."""
    n, share = sample.n, sample.mean_x
    found = {"exercise_probability": (min(share, 1.0), math.sqrt(sample.xx / (n - 1) / n))}
    if share > 0:
        time = sample.mean_y / share
        squares = max(sample.yy - 2 * time * sample.xy + time * time * sample.xx, 0.0)
        found["mean_exercise_time"] = (time, math.sqrt(squares / (n - 1) / n) / share)
    return found


def _exercise_alone(alone: Alone) -> dict[str, tuple[float, float]]:
    """The same of exercise on one date, which is known."""
    found = {"exercise_probability": (alone.probability, 0.0)}
    return found | ({"mean_exercise_time": (alone.time, 0.0)} if alone.probability > 0 else {})


def _warnings(params: Params) -> list[Caution]:
    cautions = looks_like_percent("$.data.rate", params.rate, 1)
    named = [("volatility", params.volatility or 0.0, 5), ("dividend_yield", params.dividend_yield or 0.0, 1)]
    named += [(f"volatilities[{i}]", value, 5) for i, value in enumerate(params.volatilities or [])]
    named += [(f"dividend_yields[{i}]", value, 1) for i, value in enumerate(params.dividend_yields or [])]
    for field, value, most in named:
        cautions += looks_like_percent(f"$.data.{field}", value, most)
    if params.dates and deviation(params) > HEAVY[params.style]:
        detail = f"volatility × √maturity is above {HEAVY[params.style]:g}"
        detail += ": rare paths carry the price, and the standard error is too small"
        cautions.append(Caution("heavy_tail", "$.data.maturity", detail))
    return cautions
