"""The data of `markowitz`: fields, and what is wrong between them."""

from typing import Annotated, Literal

import numpy as np
from msgspec import Meta, Struct, field
from numpy.typing import NDArray

from calc.checks import ragged_faults
from calc.covariances import (
    AssetCorrelation,
    AssetCovariance,
    AssetNames,
    AssetVolatility,
    Matrix,
    Repair,
    asset_names,
    from_covariance,
    of_assets,
)
from calc.errors import Fault
from calc.kind import once_per_params
from calc.kinds.weight_bounds import Bounds, Mean, Weight, above_all, bounds, bounds_faults, length_fault, no_excess
from calc.numerics import regions
from calc.quantities import measure

Array = NDArray[np.float64]
MOST_WEIGHTS = 200_000  # in one answer


class Factors(Struct, frozen=True, forbid_unknown_fields=True):
    """Σ = B Ω B' + diag(d): in place of a covariance matrix."""

    loadings: Annotated[
        list[list[Mean]],
        Meta(title="Loadings", description="B: a row for each asset.", min_length=1, max_length=2000),
    ]
    specific: Annotated[
        list[Annotated[float, Meta(ge=0, le=1e4)]],
        measure("Specific variances", "as the covariance", "d: of each asset, what the factors leave.", [0.01]),
    ]
    covariance: Annotated[
        list[list[float]] | None,
        Meta(title="Factor covariance", description="Ω; independent with variance 1 if absent."),
    ] = None


class Group(Struct, frozen=True, forbid_unknown_fields=True):
    """Limits for the sum of some assets' weights."""

    name: Annotated[str, Meta(min_length=1, max_length=64, title="Name")]
    assets: Annotated[list[str], Meta(min_length=1, max_length=2000, title="Assets", description="Their names.")]
    least: Annotated[Weight | None, measure("Least", "fraction of the portfolio", "Lower limit.", 0.1)] = None
    most: Annotated[Weight | None, measure("Most", "fraction of the portfolio", "Upper limit.", 0.5)] = None


class Turnover(Struct, frozen=True, forbid_unknown_fields=True):
    """A limit on what is bought and sold together, Σ|w - before|."""

    before: Annotated[list[Weight], measure("Before", "fraction of the portfolio", "The weights held now.", [0.5, 0.5])]
    most: Annotated[float, measure("Most", "fraction of the portfolio", "Of buying and selling.", 0.2, ge=0, le=100)]


class View(Struct, frozen=True, forbid_unknown_fields=True):
    """That a portfolio of the assets will return so much."""

    pick: Annotated[list[Weight], Meta(title="Pick", description="Its weights, of all assets: 1 and -1 compare two.")]
    value: Annotated[Mean, measure("Value", "per period", "Its expected return.", 0.05)]
    variance: Annotated[
        Annotated[float, Meta(gt=0, le=1e4)] | None,
        measure("Variance", "per period", "How unsure that is; τ p'Σp if absent (He and Litterman 1999).", 0.001),
    ] = None


class BlackLitterman(Struct, frozen=True, forbid_unknown_fields=True):
    """Means from the market's weights and views, in place of `mean`; Σ becomes that of the posterior."""

    market_weights: Annotated[list[Weight], measure("Market weights", "fraction", "Of each asset.", [0.6, 0.4])]
    risk_aversion: Annotated[float, measure("Risk aversion", "none", "δ, of the market.", 2.5, gt=0, le=1000)]
    tau: Annotated[float, measure("Tau", "none", "How unsure the implied returns are.", 0.05, gt=0, le=10)]
    views: Annotated[list[View], Meta(max_length=1000, title="Views")] = []


class Params(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    objective: Annotated[
        Literal["min_variance", "target_return", "target_risk", "max_sharpe", "utility", "frontier"],
        Meta(title="Objective", description="What the weights are chosen for."),
    ]
    assets: AssetNames = None
    mean: Annotated[
        Annotated[list[Mean], Meta(min_length=1, max_length=2000)] | None,
        measure("Mean", "per period", "Expected returns, of the covariance's period; 0.05 is 5 %.", [0.05, 0.08]),
    ] = None
    covariance: AssetCovariance = None
    volatility: AssetVolatility = None
    correlation: AssetCorrelation = None
    factors: Factors | None = None
    repair: Repair = "none"
    bounds: Bounds = field(default_factory=lambda: [0.0, 1.0])
    groups: Annotated[list[Group], Meta(max_length=200, title="Groups")] = []
    turnover: Turnover | None = None
    black_litterman: BlackLitterman | None = None
    target_return: Annotated[
        Mean | None, measure("Target return", "per period", "The least return, for target_return.", 0.06)
    ] = None
    target_risk: Annotated[
        Annotated[float, Meta(gt=0, le=100)] | None,
        measure("Target risk", "as the volatilities", "The largest deviation, for target_risk.", 0.1),
    ] = None
    risk_aversion: Annotated[
        Annotated[float, Meta(gt=0, le=1e6)] | None,
        measure("Risk aversion", "none", "λ of return - λ variance / 2, for utility.", 3),
    ] = None
    risk_free_rate: Annotated[
        Mean | None, measure("Risk-free rate", "per period", "For Sharpe ratios; max_sharpe needs it.", 0.02)
    ] = None
    points: Annotated[int, measure("Points", "count", "Of the frontier.", 20, ge=2, le=1000)] = 20


class Assets(Struct, frozen=True):
    """Names, the covariance as it was sent (not of factors, None), and what is wrong with them."""

    names: list[str]
    covariance: Matrix | None
    faults: list[Fault]


@once_per_params
def assets(params: Params) -> Assets:
    """Of Params, checked."""
    if params.factors is None:
        names, faults = asset_names(params.assets, len(params.covariance or params.volatility or params.mean or [0]))
        matrix, wrong = of_assets(params.covariance, params.volatility, params.correlation, names, params.repair)
        return Assets(names, matrix, faults + wrong)
    factors = params.factors
    names, faults = asset_names(params.assets, len(factors.loadings))
    faults += [
        Fault(f"$.{name}", "stands in place of factors: not beside them")
        for name in ("covariance", "volatility", "correlation")
        if getattr(params, name) is not None
    ]
    faults += ragged_faults("$.factors.loadings", factors.loadings)
    faults += length_fault("$.factors.specific", factors.specific, names)
    if factors.covariance is not None:
        _, wrong = from_covariance(factors.covariance, [f"factor {k}" for k in range(1, len(factors.loadings[0]) + 1)])
        faults += [Fault("$.factors" + each.path[1:], each.detail, code=each.code) for each in wrong]
    return Assets(names, None, faults)


def faults_of(params: Params) -> list[Fault]:
    """Everything that is wrong with the data, as far as it is seen without solving."""
    known = assets(params)
    names = known.names
    faults = [*known.faults, *length_fault("$.mean", params.mean, names), *_objective_faults(params)]
    faults += bounds_faults(params.bounds, names) + _group_faults(params, names)
    if params.turnover is not None:
        faults += length_fault("$.turnover.before", params.turnover.before, names)
    if params.black_litterman is not None:
        faults += _market_faults(params.black_litterman, names)
    if params.objective == "frontier" and params.points * len(names) > MOST_WEIGHTS:
        detail = f"of {len(names)} assets are {params.points * len(names):,} weights: at most {MOST_WEIGHTS:,}"
        faults.append(Fault("$.points", detail, params.points, code="too_large"))
    return faults or _range_faults(params)


_NEEDED = {
    "target_return": "target_return",
    "target_risk": "target_risk",
    "utility": "risk_aversion",
    "max_sharpe": "risk_free_rate",
}


def _objective_faults(params: Params) -> list[Fault]:
    faults = []
    for objective, name in _NEEDED.items():
        given = getattr(params, name)
        if params.objective == objective and given is None:
            faults.append(Fault(f"$.{name}", f"is missing: {objective} needs it", code="missing"))
        elif params.objective != objective and given is not None and name != "risk_free_rate":
            faults.append(Fault(f"$.{name}", f"belongs to the objective {objective}", given))
    if params.mean is not None and params.black_litterman is not None:
        faults.append(Fault("$.mean", "comes from black_litterman: not beside it"))
    if params.mean is None and params.black_litterman is None and params.objective != "min_variance":
        faults.append(Fault("$.mean", f"is missing: {params.objective} needs it", code="missing"))
    return faults


def _group_faults(params: Params, names: list[str]) -> list[Fault]:
    faults, known = [], set(names)
    for k, group in enumerate(params.groups):
        path = f"$.groups[{k}]"
        faults += [
            Fault(f"{path}.assets[{i}]", "is no asset", name, code="unknown_asset")
            for i, name in enumerate(group.assets)
            if name not in known
        ]
        if len(set(group.assets)) < len(group.assets):
            faults.append(Fault(f"{path}.assets", "names an asset twice", code="duplicate"))
        if group.least is None and group.most is None:
            faults.append(Fault(path, "limits nothing: it needs least or most"))
        elif group.least is not None and group.most is not None and group.least > group.most:
            faults.append(Fault(path, f"has its least, {group.least:g}, above its most, {group.most:g}"))
    return faults


def _market_faults(market: BlackLitterman, names: list[str]) -> list[Fault]:
    path = "$.black_litterman"
    faults = length_fault(f"{path}.market_weights", market.market_weights, names)
    for k, view in enumerate(market.views):
        faults += length_fault(f"{path}.views[{k}].pick", view.pick, names)
        if not any(view.pick):
            faults.append(Fault(f"{path}.views[{k}].pick", "is 0 for every asset: it says nothing"))
    return faults


def _range_faults(params: Params) -> list[Fault]:
    """A return beyond what bounds and budget allow. With groups or turnover the part itself finds out."""
    if params.mean is None or params.groups or params.turnover is not None:
        return []
    lower, upper = (each.tolist() for each in bounds(params.bounds, len(params.mean)))
    most = regions.filled(lower, upper, params.mean)
    if params.target_return is not None and params.target_return > most + 1e-12 * max(1.0, abs(most)):
        least = -regions.filled(lower, upper, [-m for m in params.mean])
        return [Fault("$.target_return", above_all(params.target_return, least, most), code="infeasible")]
    rate = params.risk_free_rate
    if params.objective == "max_sharpe" and rate is not None and most <= rate:
        return [Fault("$.risk_free_rate", no_excess(rate, most), rate, code="no_excess_return")]
    return []
