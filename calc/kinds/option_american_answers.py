"""The answer about an option with early exercise, and the checks that it must pass."""

import hashlib
import math

from msgspec import Struct

from calc.errors import CalcError
from calc.kind import Caution
from calc.kinds.option_american_setting import Exact, Setting
from calc.kinds.option_american_terms import Params, may_exercise_now
from calc.numerics import normal
from calc.numerics.american import Array
from calc.numerics.moments import Moments
from calc.quantities import looks_like_percent

SIGMAS = 6.0  # standard errors that a self-check allows
MOST_CHECKED_VARIANCE = 4.0  # of log price at maturity
FEW = 30  # observations with a gain, below which the standard error says too little to check a price from below
ROUNDING = 1e-8  # of a price, deep in the money
SLACK = 1e-8  # of the strike: what it forgives as rounding


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
    found: tuple[float, float, float | None],
    upper: tuple[float, float] | None,
    exercised: Moments,
    paths: int,
    blocks: int,
    block_size: int,
) -> Result:
    """From the price (with error and control coefficient), the upper bound and what is known of exercise."""
    price, error, coefficient = found
    if exercised.mean_x * exercised.n >= FEW:
        check_above_european(price, error, setting.european)
    if setting.continuous is not None:
        check_below_continuous(price, error, setting.continuous.price)
    if upper is not None and exercised.mean_x * params.outer_paths >= FEW and not _is_wild(params):
        check_below_upper(price, error, upper)
    cautions = _warnings(params)
    if upper is not None and exercised.mean_x * params.outer_paths < 1:
        upper, told = _seldom(upper)
        cautions.append(told)
    now = may_exercise_now(params) and setting.intrinsic >= price and setting.intrinsic > 0
    figures = {"price": (setting.unit * price, setting.unit * error)}
    if upper is not None:
        above = (max(upper[0], setting.intrinsic), 0.0 if setting.intrinsic > upper[0] else upper[1]) if now else upper
        figures["upper"] = (setting.unit * above[0], setting.unit * above[1])
    figures |= _exercise(exercised)
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
            control_coefficient=coefficient,
            residual=None if american is None else american.residual,
            conventions=_CONVENTIONS,
            units=_UNITS,
            warnings=cautions,
        ),
    )


def _seldom(upper: tuple[float, float]) -> tuple[tuple[float, float] | None, Caution]:
    """The upper bound where an outer path hardly ever gains: none if all of them end at 0, which bounds nothing."""
    path = "$.data.outer_paths"
    if upper == (0.0, 0.0):
        return None, Caution("no_gains", path, "no outer path gains anything: there is no upper bound; send more")
    detail = "hardly an outer path gains anything: the standard error of the upper bound says too little; send more"
    return upper, Caution("few_gains", path, detail)


def _is_wild(params: Params) -> bool:
    """Whether prices at maturity spread so widely that a sample's own standard error says too little for a check."""
    most = max(params.volatilities or [params.volatility or 0.0])
    return most * most * params.maturity > MOST_CHECKED_VARIANCE


def _slack(bound: float) -> float:
    """What rounding may do to a price of that size, in units of the strike."""
    return SLACK + ROUNDING * abs(bound)


def check_above_european(price: float, error: float, european: float | None) -> None:
    """The right to exercise early is worth nothing less than nothing."""
    if european is not None and price < european - SIGMAS * error - _slack(european):
        _failed("american_above_european", price, european)


def check_below_continuous(price: float, error: float, continuous: float) -> None:
    """Some dates are worth no more than all of them."""
    if price > continuous + SIGMAS * error + _slack(continuous):
        _failed("dates_below_continuous", price, continuous)


def check_below_upper(price: float, error: float, upper: tuple[float, float]) -> None:
    """The bounds are not crossed."""
    if price > upper[0] + SIGMAS * math.hypot(error, upper[1]) + _slack(upper[0]):
        _failed("lower_below_upper", price, upper[0])


def _failed(check: str, price: float, bound: float) -> None:
    raise CalcError(
        f"Self-check {check} failed: price {price:.9g}, bound {bound:.9g} (in units of the strike).",
        code="internal_check_failed",
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


def _warnings(params: Params) -> list[Caution]:
    cautions = looks_like_percent("$.data.rate", params.rate, 1)
    named = [("volatility", params.volatility or 0.0, 5), ("dividend_yield", params.dividend_yield or 0.0, 1)]
    named += [(f"volatilities[{i}]", value, 5) for i, value in enumerate(params.volatilities or [])]
    named += [(f"dividend_yields[{i}]", value, 1) for i, value in enumerate(params.dividend_yields or [])]
    for field, value, most in named:
        cautions += looks_like_percent(f"$.data.{field}", value, most)
    vols = params.volatilities or [params.volatility or 0.0]
    if params.dates and max(vols) * math.sqrt(params.maturity) > 2.5:
        detail = "volatility × √maturity is above 2.5: rare paths carry the price, and the standard error is too small"
        cautions.append(Caution("heavy_tail", "$.data.maturity", detail))
    return cautions
