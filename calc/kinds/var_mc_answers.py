"""The answer of `var_mc`, from the losses that its parts kept and from the law."""

import math
from typing import NamedTuple

import numpy as np
from msgspec import Struct

from calc import distributions
from calc.checks import check_order, check_sum
from calc.distributions import Distribution
from calc.errors import CalcError, step
from calc.kind import Caution
from calc.kinds.var_mc_law import book_of, edges_of, known_of, law_of
from calc.kinds.var_mc_quadratic import window_of
from calc.kinds.var_mc_samples import Partial, bins_of, blocks_of, unpacked
from calc.kinds.var_mc_terms import Params, names_of
from calc.numerics import importance, tail_bins, tails
from calc.numerics.book_risk import BLOCK
from calc.quantities import looks_like_percent


class Diagnostics(Struct, frozen=True):
    method: str
    distribution: str
    estimator: str
    components: str
    nearest_scenarios: int | None
    scenarios: int
    beyond_var: int
    blocks: int
    block_size: int
    stopped_early: bool
    horizon: str
    residual: float | None
    iterations: int | None
    units: dict[str, str]
    warnings: list[Caution]


class Result(Struct, frozen=True):
    """Losses are positive. The parametric figures and contributions are null for lognormal returns.

    `contributions` add up to `parametric_var`, `component_var` to `var`, `component_es` to `es`. Of delta_gamma there
    is no portfolio value, no exposure, hence no marginal, no undiversified figure; and no distribution, for its
    scenarios are drawn from another law.
    """

    var: float
    es: float
    portfolio_value: float | None
    parametric_var: float | None
    parametric_es: float | None
    undiversified_var: float | None
    diversification: float | None
    contributions: dict[str, float] | None
    component_var: dict[str, float]
    component_es: dict[str, float]
    marginal_var: dict[str, float] | None
    marginal_es: dict[str, float] | None
    component_standard_error: dict[str, dict[str, float]] | None
    standard_error: dict[str, float] | None
    interval_95: dict[str, tuple[float, float]] | None
    distribution: Distribution | None
    diagnostics: Diagnostics


def answer(params: Params, accumulator: Partial) -> Result:
    """From what was folded; of linear_normal from the law alone. Raises CalcError where a self-check fails."""
    names = names_of(params)
    risk = None if params.method == "linear_normal" else risk_of(params, accumulator)
    known = known_of(params)
    shares = _shares(params, accumulator, risk)
    var, es = (known.var, known.es) if risk is None else (risk.var, risk.es)
    check_order(var, es)
    check_sum("component_var", shares.var, var)
    check_sum("component_es", shares.es, es)
    law = None if params.distribution == "lognormal" else known
    book = None if params.method == "delta_gamma" else book_of(params)
    scale = None if book is None else book.exposures
    return Result(
        var=var,
        es=es,
        portfolio_value=None if scale is None else math.fsum(scale),
        parametric_var=law.var if law else None,
        parametric_es=law.es if law else None,
        undiversified_var=known.undiversified,
        diversification=None if known.undiversified is None else known.undiversified - var,
        contributions=_named(names, known.contributions) if law else None,
        component_var=_named(names, shares.var),
        component_es=_named(names, shares.es),
        marginal_var=None if shares.marginal_var is None else _named(names, shares.marginal_var),
        marginal_es=None if shares.marginal_es is None else _named(names, shares.marginal_es),
        component_standard_error=(
            {"var": _named(names, shares.var_errors), "es": _named(names, shares.es_errors)} if risk else None
        ),
        distribution=_distribution(params, accumulator),
        standard_error={"var": risk.var_error, "es": risk.es_error} if risk else None,
        interval_95={"var": risk.var_interval, "es": risk.es_interval} if risk else None,
        diagnostics=_diagnostics(params, accumulator, risk, shares.nearest),
    )


class Shares(NamedTuple):
    """Contributions that add up to VaR and ES, with their errors; marginals where there are exposures."""

    var: list[float]
    es: list[float]
    var_errors: list[float]
    es_errors: list[float]
    marginal_var: list[float] | None
    marginal_es: list[float] | None
    nearest: int | None


def check_kept(kept: int, confidence: float, scenarios: int) -> None:
    """Of the scenarios all losses that the estimators look at are there."""
    if kept < min(tails.needed(confidence, scenarios), scenarios):
        raise CalcError(f"Of {scenarios:,} scenarios only {kept:,} losses are kept.", code="internal_check_failed")


def risk_of(params: Params, folded: Partial) -> tails.Risk:
    """VaR and ES with their errors. Raises CalcError where too few losses are kept, or the law is contradicted."""
    kept = unpacked(folded)
    if params.method != "delta_gamma":
        check_kept(kept.losses.size, params.confidence, folded.scenarios)
        return tails.risk(kept.losses, params.confidence, folded.scenarios)
    try:
        return importance.risk(kept.losses, folded.above, window_of(params).law, params.confidence, folded.scenarios)
    except ValueError as error:
        raise CalcError(f"The simulation contradicts the law: {error}.", code="internal_check_failed") from error


def _distribution(params: Params, folded: Partial) -> Distribution | None:
    body = folded.body
    if params.method != "delta_gamma" and params.distribution == "normal":
        book = book_of(params)
        body = distributions.of_normal(-math.fsum(book.exposures * book.drift), law_of(params).deviation)
    if body is None or params.method == "linear_normal":
        return body
    return distributions.with_tail(body, unpacked(folded).losses, folded.scenarios)


def _shares(params: Params, folded: Partial, risk: tails.Risk | None) -> Shares:
    if params.distribution == "lognormal" and risk is not None:
        return _shares_of_bins(params, folded, risk)
    known = known_of(params)
    var, es = (0.0, 0.0) if risk is None else (risk.var - known.var, risk.es - known.es)
    var_error, es_error = (0.0, 0.0) if risk is None else (risk.var_error, risk.es_error)
    exposed = None if params.method == "delta_gamma" else law_of(params)
    return Shares(
        var=[c + s * var for c, s in zip(known.contributions, known.slopes, strict=True)],
        es=[c + s * es for c, s in zip(known.es_contributions, known.slopes, strict=True)],
        var_errors=[abs(s) * var_error for s in known.slopes],
        es_errors=[abs(s) * es_error for s in known.slopes],
        marginal_var=None if exposed is None else _moved(exposed.marginal_var, exposed.slopes, var),
        marginal_es=None if exposed is None else _moved(exposed.marginal_es, exposed.slopes, es),
        nearest=None,
    )


def _shares_of_bins(params: Params, folded: Partial, risk: tails.Risk) -> Shares:
    scale = book_of(params).exposures
    try:
        units = tail_bins.marginals(bins_of(folded), edges_of(params), scale, risk, params.confidence, folded.scenarios)
    except ValueError as error:
        raise CalcError(f"The pilot contradicts the simulation: {error}.", code="internal_check_failed") from error
    return Shares(
        var=(scale * units.var).tolist(),
        es=(scale * units.es).tolist(),
        var_errors=(np.abs(scale) * units.var_errors).tolist(),
        es_errors=(np.abs(scale) * units.es_errors).tolist(),
        marginal_var=units.var.tolist(),
        marginal_es=units.es.tolist(),
        nearest=units.nearest,
    )


def _moved(units: list[float], slopes: list[float], distance: float) -> list[float]:
    return [unit + slope * distance for unit, slope in zip(units, slopes, strict=True)]


def _diagnostics(params: Params, folded: Partial, risk: tails.Risk | None, nearest: int | None) -> Diagnostics:
    known = known_of(params)
    return Diagnostics(
        method=params.method,
        distribution=params.distribution,
        estimator=_estimator(params),
        components=_COMPONENTS[params.distribution if params.method == "monte_carlo" else params.method],
        nearest_scenarios=nearest,
        scenarios=folded.scenarios,
        beyond_var=risk.beyond if risk else 0,
        blocks=blocks_of(folded.scenarios),
        block_size=BLOCK,
        stopped_early=risk is not None and folded.scenarios < params.scenarios,
        horizon="that of the covariance" if params.horizon_days is None else f"{params.horizon_days:g} days, sqrt_time",
        residual=known.residual,
        iterations=known.iterations,
        units=_UNITS,
        warnings=_warnings(params),
    )


_UNITS = dict.fromkeys(
    (
        *("var", "es", "portfolio_value", "parametric_var", "parametric_es", "undiversified_var", "diversification"),
        *("contributions", "component_var", "component_es"),
    ),
    "currency",
) | {
    "marginal_var": "currency per currency of exposure",
    "marginal_es": "currency per currency of exposure",
    "distribution": "currency, and fractions of the scenarios",
}

_COMPONENTS = {
    "linear_normal": "E[X_i | loss], closed form",
    "normal": "E[X_i | loss], closed form, at the simulated VaR and ES",
    "student_t": "E[X_i | loss], closed form, at the simulated VaR and ES",
    "lognormal": "means over the scenarios of the bin of the loss that holds VaR (nearest_scenarios), and beyond",
    "delta_gamma": "Euler's E[x_i (δ_i + (Γx)_i / 2) | loss] by inversion, moved to the simulated VaR and ES",
}


def _estimator(params: Params) -> str:
    if params.method == "linear_normal":
        return "linear Gaussian: answered in closed form, nothing is simulated; ES is that of Acerbi-Tasche"
    if params.method == "delta_gamma":
        drawn = "importance sampling, exponential twist" if window_of(params).law.theta > 0 else "plain sampling"
        return f"{drawn}: weighted order statistic and Acerbi-Tasche ES; parametric: Imhof inversion on a bent path"
    return "VaR: order statistic ⌈αn⌉; ES: Acerbi-Tasche; errors: binomial, influence function"


def _named(names: list[str], values: list[float]) -> dict[str, float]:
    return dict(zip(names, values, strict=True))


def _warnings(params: Params) -> list[Caution]:
    cautions = []
    volatilities = params.volatilities or {}
    for symbol in names_of(params) if volatilities else ():
        cautions += looks_like_percent(step("$.data.volatilities", symbol), volatilities.get(symbol, 0.0), 5)
    if params.method != "delta_gamma" and book_of(params).rounded:
        path = "$.data.correlation" if params.covariance is None else "$.data.covariance"
        detail = "its smallest eigenvalue is below 0 by rounding (less than 1e-10) and was taken as 0"
        cautions.append(Caution("eigenvalue_rounded", path, detail))
    return cautions
