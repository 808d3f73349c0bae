"""What an option with early exercise is, as a client says it: its fields, and all that can be wrong between them."""

import math
from typing import Annotated, Any, Literal

import numpy as np
from msgspec import Meta, Struct

from calc.covariances import from_correlation
from calc.errors import Fault, InvalidData
from calc.numerics.columns import LEAST
from calc.quantities import (
    DividendYield,
    Maturity,
    Positive,
    Rate,
    Seed,
    Spot,
    Strike,
    Volatility,
    measure,
)

MAX_ASSETS = 20
MAX_POLICY_STEPS = 2**28  # paths × dates × assets of the policy: every process that helps works it out
MAX_STEPS = 10**12
MAX_DEVIATION = 2.5  # of max_call's log prices: beyond it paths that nobody draws carry the price

Listed = Meta(min_length=2, max_length=MAX_ASSETS)
Dates = (
    Annotated[int, Meta(ge=1, le=5000)]
    | Annotated[list[Annotated[float, Meta(ge=0, le=100)]], Meta(min_length=1, max_length=5000)]
)


class Params(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    style: Annotated[
        Literal["vanilla", "max_call"],
        Meta(title="Style", description="An option on one asset, or a call on the dearest of several."),
    ] = "vanilla"
    type: Annotated[
        Literal["call", "put"] | None, Meta(title="Type", description="The right to buy or to sell; of vanilla.")
    ] = None
    spot: Spot | None = None
    strike: Strike
    maturity: Maturity
    rate: Rate
    volatility: Volatility | None = None
    dividend_yield: DividendYield | None = None
    spots: Annotated[
        Annotated[list[Spot], Listed] | None, measure("Spots", "currency", "Of max_call's assets.", [90, 90])
    ] = None
    volatilities: Annotated[
        Annotated[list[Volatility], Listed] | None,
        measure("Volatilities", "per square root of a year", "Of max_call's assets.", [0.2, 0.2]),
    ] = None
    dividend_yields: Annotated[
        Annotated[list[DividendYield], Listed] | None,
        measure("Dividend yields", "per year", "Of max_call's assets; 0 when absent.", [0.1, 0.1]),
    ] = None
    correlation: Annotated[
        float | list[list[float]] | None,
        measure("Correlation", "none", "Of max_call's assets: one number for every pair, or a full matrix.", 0.3),
    ] = None
    exercise_dates: Annotated[
        Dates | None,
        measure(
            "Exercise dates",
            "count, or years",
            "How many dates, equally spaced, the last at maturity; or a list of times. Absent: at any time (vanilla).",
            50,
        ),
    ] = None
    paths: Annotated[
        int,
        measure("Paths", "count", "Simulated paths; an antithetic pair counts as two.", 200_000, ge=1000, le=10**10),
    ] = 200_000
    policy_paths: Annotated[
        Annotated[int, Meta(ge=1024, le=2**20)] | None,
        measure(
            "Policy paths",
            "count",
            "From which the exercise policy is found; 16,384 (vanilla) or 65,536 (max_call) when absent.",
            16_384,
        ),
    ] = None
    basis_degree: Annotated[int, measure("Basis degree", "none", "Of the regression's polynomials.", 4, ge=2, le=8)] = 4
    variance_reduction: Annotated[
        Literal["none", "antithetic", "control", "antithetic_control"],
        Meta(title="Variance reduction", description="How the same paths are made to say more."),
    ] = "antithetic_control"
    upper_bound: Annotated[
        bool, Meta(title="Upper bound", description="Whether to simulate the dual's upper bound as well.")
    ] = False
    outer_paths: Annotated[int, measure("Outer paths", "count", "Of the upper bound.", 512, ge=64, le=65_536)] = 512
    inner_paths: Annotated[
        int,
        measure("Inner paths", "count", "Of the upper bound, from each date of an outer path.", 128, ge=16, le=4096),
    ] = 128
    target_standard_error: Annotated[
        Positive | None,
        measure("Target standard error", "currency", "Stop before `paths` when the price's is at most this.", 0.001),
    ] = None
    seed: Seed | None = None

    def __post_init__(self) -> None:
        faults = [*_style_faults(self), *_date_faults(self), *_growth_faults(self), *_size_faults(self)]
        faults += _deviation_faults(self)
        if faults:
            raise InvalidData(faults)

    @property
    def assets(self) -> int:
        return len(self.spots) if self.spots is not None else 1

    @property
    def policy_size(self) -> int:
        return self.policy_paths or (65_536 if self.style == "max_call" else 16_384)

    @property
    def dates(self) -> int:
        """How many dates there are; 0 for exercise at any time."""
        given = self.exercise_dates
        return 0 if given is None else given if isinstance(given, int) else len(given)

    @property
    def dual_steps(self) -> int:
        """Path-steps of the upper bound."""
        pairs = self.dates * (self.dates + 1) // 2
        return self.outer_paths * self.inner_paths * pairs * self.assets if self.upper_bound else 0


def times_of(params: Params) -> list[float]:
    """The dates above 0, the last at maturity exactly."""
    given = params.exercise_dates
    if isinstance(given, int):
        return [params.maturity * (i / given) for i in range(1, given)] + [params.maturity]
    return [*(time for time in (given or [])[:-1] if time > 0), params.maturity]


def may_exercise_now(params: Params) -> bool:
    """Whether one of the dates is now."""
    given = params.exercise_dates
    return given is None or (isinstance(given, list) and given[0] == 0)


def correlation_of(params: Params) -> tuple[np.ndarray[Any, np.dtype[np.float64]], list[Fault]]:
    """The correlation matrix of max_call's assets, and what is wrong with it."""
    names = [f"asset_{i}" for i in range(1, params.assets + 1)]
    return from_correlation(params.correlation, [1.0] * params.assets, names)


_VANILLA_NEEDS: tuple[str, ...] = ("type", "spot", "volatility")
_MAX_CALL_NEEDS: tuple[str, ...] = ("spots", "volatilities")


def _style_faults(params: Params) -> list[Fault]:
    """Fields that the style needs, and fields that it does not have."""
    vanilla = params.style == "vanilla"
    needed, foreign = (_VANILLA_NEEDS, _MAX_CALL_NEEDS) if vanilla else (_MAX_CALL_NEEDS, _VANILLA_NEEDS)
    faults = [
        Fault(f"$.{field}", f"is missing: {params.style} needs it", code="missing")
        for field in needed
        if getattr(params, field) is None
    ]
    foreign += ("dividend_yields", "correlation") if vanilla else ("dividend_yield",)
    for field in foreign:
        value = getattr(params, field)
        if value is not None and not (field == "type" and value == "call"):
            told = value if isinstance(value, (int, float, str)) else None
            faults.append(Fault(f"$.{field}", f"does not belong to the style {params.style}", told))
    if not vanilla and params.spots is not None:
        for field in ("volatilities", "dividend_yields"):
            values = getattr(params, field)
            if values is not None and len(values) != params.assets:
                detail = f"has {len(values)} entries, spots has {params.assets}"
                faults.append(Fault(f"$.{field}", detail, code="length_mismatch"))
    if not vanilla and params.exercise_dates is None:
        faults.append(Fault("$.exercise_dates", "is missing: max_call needs dates", code="missing"))
    return faults


def _date_faults(params: Params) -> list[Fault]:
    given = params.exercise_dates
    if not isinstance(given, list):
        return []
    faults = [
        Fault(f"$.exercise_dates[{i}]", "must be later than the one before", given[i])
        for i in range(1, len(given))
        if given[i] <= given[i - 1]
    ]
    if abs(given[-1] - params.maturity) > 1e-9 * max(params.maturity, 1.0):
        place = f"$.exercise_dates[{len(given) - 1}]"
        faults.append(Fault(place, "must be the maturity: the last date ends the option", given[-1], "the maturity"))
    return faults[:100]


def _growth_faults(params: Params) -> list[Fault]:
    """Rates that would leave the range of numbers."""
    named = [("$.rate", params.rate), ("$.dividend_yield", params.dividend_yield or 0.0)]
    named += [(f"$.dividend_yields[{i}]", value) for i, value in enumerate(params.dividend_yields or [])]
    return [
        Fault(
            path,
            f"times maturity is {value * params.maturity:g}: prices would leave the range of numbers (at most 100)",
            value,
            code="out_of_range",
        )
        for path, value in named
        if abs(value * params.maturity) > 100
    ]


def _deviation_faults(params: Params) -> list[Fault]:
    """Calls on assets that move so much that no sample finds the paths which carry their price; a put is no larger than
    its strike, and a vanilla call is simulated as a put."""
    root = math.sqrt(params.maturity)
    if params.style != "max_call" or root == 0:
        return []
    most = MAX_DEVIATION / root
    return [
        Fault(
            f"$.volatilities[{i}]",
            f"times the root of maturity is {value * root:.4g}: at most {MAX_DEVIATION:g}, for beyond it paths "
            "that are too rare to be drawn carry the price",
            value,
            f"at most {most:.4g} with this maturity",
            "out_of_range",
        )
        for i, value in enumerate(params.volatilities or [])
        if value > most
    ]


def _size_faults(params: Params) -> list[Fault]:
    faults = []
    if params.variance_reduction.startswith("antithetic") and params.paths % 2:
        faults.append(Fault("$.paths", "must be even: antithetic paths come in pairs", params.paths))
    for field, value in (("policy_paths", params.policy_size), ("inner_paths", params.inner_paths)):
        if value % 2:
            faults.append(Fault(f"$.{field}", "must be even: its paths come in pairs", value))
    steps = params.policy_size * params.dates * params.assets
    if steps > MAX_POLICY_STEPS:
        detail = f"times dates and assets is {steps:,}: at most {MAX_POLICY_STEPS:,}"
        most = MAX_POLICY_STEPS // (params.dates * params.assets)
        faults.append(Fault("$.policy_paths", detail, params.policy_size, f"at most {most}", "too_large"))
    for field, steps in (("paths", params.paths * params.dates * params.assets), ("outer_paths", params.dual_steps)):
        if steps > MAX_STEPS:
            detail = f"makes {steps:.3g} steps of paths: at most {MAX_STEPS:.0e}; send fewer paths or dates"
            faults.append(Fault(f"$.{field}", detail, getattr(params, field), code="too_large"))
    return faults


def deviation(params: Params) -> float:
    """The standard deviation of the logarithm of a price at maturity; of max_call's assets the largest."""
    return max(params.volatilities or [params.volatility or 0.0]) * math.sqrt(params.maturity)


def moves(params: Params) -> bool:
    """Whether anything about the option is random, as far as numbers can tell."""
    return deviation(params) >= LEAST
