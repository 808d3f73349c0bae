"""The data of `cvar_portfolio`: fields, and what is wrong between them."""

import math
from typing import Annotated, Literal

from msgspec import Meta, Struct, field

from calc.covariances import (
    AssetCorrelation,
    AssetCovariance,
    AssetNames,
    AssetVolatility,
    Matrix,
    Repair,
    asset_names,
    of_assets,
)
from calc.errors import Fault
from calc.kind import once_per_params
from calc.kinds.weight_bounds import Bounds, Mean, above_all, bounds, bounds_faults, length_fault
from calc.numerics import columns, regions, tails
from calc.quantities import measure

Beta = Annotated[float, Meta(ge=0.5, le=0.999)]
MOST_CELLS = 5_000_000
MOST_WORK = 10**10  # scenarios × assets²: some 200 CPU seconds for one portfolio
MOST_WEIGHTS = 200_000  # in one answer


class Params(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    assets: AssetNames = None
    scenarios: Annotated[
        Annotated[list[list[Mean]], Meta(min_length=1, max_length=1_000_000)] | None,
        measure(
            "Scenarios", "per period", "Returns: a row for each scenario, an entry for each asset.", [[0.01, -0.02]]
        ),
    ] = None
    distribution: Annotated[
        Literal["scenarios", "normal", "student_t"],
        Meta(title="Distribution", description="The scenarios as they are, or a law with mean and covariance."),
    ] = "scenarios"
    degrees_of_freedom: Annotated[
        Annotated[float, Meta(gt=2, le=200)] | None,
        measure("Degrees of freedom", "none", "Of Student's t; its variance is that of the covariance.", 4),
    ] = None
    mean: Annotated[
        Annotated[list[Mean], Meta(min_length=1, max_length=2000)] | None,
        measure("Mean", "per period", "Expected returns, for normal and student_t; 0.01 is 1 %.", [0.01, 0.004]),
    ] = None
    covariance: AssetCovariance = None
    volatility: AssetVolatility = None
    correlation: AssetCorrelation = None
    repair: Repair = "none"
    beta: Annotated[
        float | list[float],
        Meta(
            title="Beta",
            description="0.5 … 0.999: CVaR is the mean of the worst 1-β of the losses. A list: a portfolio for each.",
            examples=[0.95],
            extra_json_schema={"x-unit": "fraction"},
        ),
    ]
    bounds: Bounds = field(default_factory=lambda: [0.0, 1.0])
    target_return: Annotated[
        Mean | None, measure("Target return", "per period", "The least expected return; none if absent.", 0.008)
    ] = None
    max_cvar: Annotated[
        Mean | None,
        measure("Largest CVaR", "per period", "In place of the least CVaR: the largest return with it.", 0.1),
    ] = None
    points: Annotated[
        Annotated[int, Meta(ge=2, le=1000)] | None,
        measure("Points", "count", "A frontier: so many returns from that of the least CVaR to the largest.", 10),
    ] = None


class Assets(Struct, frozen=True):
    """Names, the covariance as it was sent (None with scenarios), and what is wrong with them."""

    names: list[str]
    covariance: Matrix | None
    faults: list[Fault]


@once_per_params
def assets(params: Params) -> Assets:
    """Of Params, checked."""
    given = ("mean", "covariance", "volatility", "correlation")
    if params.distribution == "scenarios":
        rows = params.scenarios or []
        names, faults = asset_names(params.assets, len(rows[0]) if rows else len(params.assets or [0]))
        faults += [
            Fault(f"$.{name}", "belongs to the distributions normal and student_t")
            for name in given
            if getattr(params, name) is not None
        ]
        return Assets(names, None, faults + _scenario_faults(params, names))
    names, faults = asset_names(params.assets, len(params.covariance or params.volatility or params.mean or [0]))
    matrix, wrong = of_assets(params.covariance, params.volatility, params.correlation, names, params.repair)
    faults += wrong + length_fault("$.mean", params.mean, names)
    if params.mean is None:
        faults.append(Fault("$.mean", f"is missing: {params.distribution} needs it", code="missing"))
    if params.scenarios is not None:
        faults.append(Fault("$.scenarios", f"are not used with {params.distribution}"))
    return Assets(names, matrix, faults)


def betas(params: Params) -> list[float]:
    """The confidences, one or more."""
    return params.beta if isinstance(params.beta, list) else [params.beta]


def faults_of(params: Params) -> list[Fault]:
    """Everything that is wrong with the data, as far as it is seen without solving."""
    known = assets(params)
    faults = [*known.faults, *_beta_faults(params)]
    if known.names:
        faults += bounds_faults(params.bounds, known.names)
    degrees = params.degrees_of_freedom
    if (params.distribution == "student_t") != (degrees is not None):
        faults.append(Fault("$.degrees_of_freedom", "belongs to the distribution student_t, which needs it", degrees))
    chosen = [name for name in ("target_return", "max_cvar", "points") if getattr(params, name) is not None]
    faults += [Fault(f"$.{name}", f"stands in place of {chosen[0]}: not beside it") for name in chosen[1:]]
    weights = len(betas(params)) * (params.points or 1) * len(known.names)
    if weights > MOST_WEIGHTS:
        detail = f"and beta ask for {weights:,} weights: at most {MOST_WEIGHTS:,}"
        faults.append(Fault("$.points", detail, params.points, code="too_large"))
    return faults or _range_faults(params)


def _scenario_faults(params: Params, names: list[str]) -> list[Fault]:
    if params.scenarios is None:
        return [Fault("$.scenarios", "is missing: or send a distribution with mean and covariance", code="missing")]
    width, count = len(names), len(params.scenarios)
    faults = [
        Fault(f"$.scenarios[{t}]", f"has {len(row)} entries, there are {width} assets", code="length_mismatch")
        for t, row in enumerate(params.scenarios)
        if len(row) != width
    ]
    if width > 2000 or width == 0:
        faults.append(Fault("$.scenarios", f"has {width} assets", allowed="1 to 2,000", code="too_large"))
    elif count * width > MOST_CELLS:
        detail = f"has {count:,} × {width:,} returns: at most {MOST_CELLS:,}"
        faults.append(Fault("$.scenarios", detail, code="too_large"))
    elif count * width * width > MOST_WORK:
        detail = f"scenarios × assets² = {count * width * width:.2g} exceeds {MOST_WORK:.0g}: send fewer of either"
        faults.append(Fault("$.scenarios", detail, code="too_large"))
    return faults[:100]


def _beta_faults(params: Params) -> list[Fault]:
    faults = []
    given = betas(params)
    if not 1 <= len(given) <= 100:
        faults.append(Fault("$.beta", f"has {len(given)} entries", allowed="1 to 100"))
    for k, beta in enumerate(given):
        path = f"$.beta[{k}]" if isinstance(params.beta, list) else "$.beta"
        if not 0.5 <= beta <= 0.999:
            hint = f" (did you mean {beta / 100:.12g}?)" if 50 <= beta <= 99.9 else ""
            faults.append(Fault(path, f"must be from 0.5 to 0.999{hint}", beta, code="out_of_range"))
        elif params.scenarios is not None and tails.expected_beyond(beta, len(params.scenarios)) < 1:
            detail = f"leaves less than one of {len(params.scenarios):,} scenarios in the tail"
            least = math.ceil(1 / tails.expected_beyond(beta, 1))
            faults.append(Fault(path, detail, beta, f"at least {least:,} scenarios", "too_few_scenarios"))
    return faults


def _range_faults(params: Params) -> list[Fault]:
    """A return beyond what bounds and budget allow."""
    if params.target_return is None:
        return []
    means = mean_of(params)
    lower, upper = (each.tolist() for each in bounds(params.bounds, len(means)))
    most = regions.filled(lower, upper, means)
    if params.target_return <= most + 1e-12 * max(1.0, abs(most)):
        return []
    least = -regions.filled(lower, upper, [-m for m in means])
    return [Fault("$.target_return", above_all(params.target_return, least, most), code="infeasible")]


@once_per_params
def mean_of(params: Params) -> list[float]:
    """Expected returns: as sent, or those of the scenarios, by exact sums."""
    if params.mean is not None:
        return params.mean
    return [math.fsum(column.tolist()) / column.size for column in columns.matrix(params.scenarios or []).T]
