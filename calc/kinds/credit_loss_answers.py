"""The answer of `credit_loss`: losses, contributions and their errors, checked."""

import math

import numpy as np
from msgspec import Struct

from calc import distributions
from calc.checks import check_order, check_sum
from calc.distributions import Distribution
from calc.errors import CalcError
from calc.kind import Caution
from calc.kinds import credit_columns
from calc.kinds.credit_columns import Column
from calc.kinds.credit_loss_samples import Partial, bins_of, tail_of
from calc.kinds.credit_loss_terms import Params, edges_of, entries_of, points_of, units_of
from calc.numerics import normal, portfolio_loss, tail_bins, tails
from calc.numerics.portfolio_loss import BLOCK, Law


class Diagnostics(Struct, frozen=True):
    method: str
    estimator: str
    scenarios: int
    beyond_var: int
    block_size: int
    stopped_early: bool
    nearest_scenarios: int | None
    loss_unit: float | None
    points: int | None
    residual: float | None
    iterations: int | None
    units: dict[str, str]
    warnings: list[Caution]


class Result(Struct, frozen=True, omit_defaults=False, kw_only=True):
    """Losses are positive. What does not belong to the method is null. Lists are in the order of the rows, of names
    and then pools, and of thresholds. `pd` is Merton's."""

    expected_loss: Column = None
    unexpected_loss: Column = None
    var: float | None = None
    es: Column = None
    probability_no_loss: float | None = None
    probability_at_least: list[float] | None = None
    component_expected_loss: list[float] | None = None
    component_var: list[float] | None = None
    component_es: list[float] | None = None
    component_standard_error: dict[str, list[float]] | None = None
    worst_default_rate: Column = None
    loss: Column = None
    correlation: Column = None
    capital: Column = None
    risk_weight: Column = None
    risk_weighted_assets: Column = None
    asset_value: Column = None
    asset_volatility: Column = None
    distance_to_default: Column = None
    pd: Column = None
    status: str | list[str] | None = None
    standard_error: dict[str, float] | None = None
    interval_95: dict[str, tuple[float, float]] | None = None
    distribution: Distribution | None = None
    diagnostics: Diagnostics


def check_residual(name: str, residual: float, most: float) -> None:
    """Quadrature or solver have converged."""
    if not residual <= most:
        raise CalcError(f"The residual of {name} is {residual:.1e}, above {most:g}.", code="internal_check_failed")


def simulated(params: Params, folded: Partial) -> Result:
    """Of a simulation: order statistics, contributions from the bins, errors. Raises CalcError where a check fails."""
    n, confidence, entries = folded.scenarios, params.confidence or 0.0, entries_of(params)
    risk = tails.risk(tail_of(folded).losses, confidence, n)
    amounts = np.array([entry.amount for entry in entries])
    try:
        units = tail_bins.marginals(bins_of(folded), edges_of(params), amounts, risk, confidence, n)
    except ValueError as error:
        raise CalcError(f"The pilot contradicts the simulation: {error}.", code="internal_check_failed") from error
    var_parts, es_parts = (amounts * units.var).tolist(), (amounts * units.es).tolist()
    check_order(risk.var, risk.es)
    check_sum("component_es", es_parts, risk.es)
    check_sum("component_var", var_parts, risk.var)
    nothing = folded.no_loss / n
    reached = [each / n for each in folded.reached]
    errors = {"var": risk.var_error, "es": risk.es_error, "probability_no_loss": _binomial_error(nothing, n)}
    errors |= {f"probability_at_least.{i}": _binomial_error(each, n) for i, each in enumerate(reached)}
    expected = [entry.names * entry.amount * entry.pd for entry in entries]
    return Result(
        expected_loss=math.fsum(expected),
        unexpected_loss=risk.var - math.fsum(expected),
        var=risk.var,
        es=risk.es,
        probability_no_loss=nothing,
        probability_at_least=reached if params.thresholds is not None else None,
        component_expected_loss=expected,
        component_var=var_parts,
        component_es=es_parts,
        component_standard_error={
            "var": (amounts * units.var_errors).tolist(),
            "es": (amounts * units.es_errors).tolist(),
        },
        distribution=distributions.with_tail(folded.body, tail_of(folded).losses, n) if folded.body else None,
        standard_error=errors,
        interval_95={
            "var": risk.var_interval,
            "es": risk.es_interval,
            "probability_no_loss": normal.interval_95(nothing, errors["probability_no_loss"]),
        },
        diagnostics=_diagnostics(params, folded, beyond=risk.beyond, nearest=units.nearest),
    )


def exact(params: Params, folded: Partial) -> Result:
    """Of the recursion: the whole law. Raises CalcError where its sum or mean is wrong."""
    entries, (unit, _) = entries_of(params), units_of(params)
    probabilities = np.frombuffer(folded.probabilities, "<f8")
    expected = [entry.names * entry.amount * entry.pd for entry in entries]
    mean = math.fsum(probabilities * np.arange(probabilities.size)) * unit
    total = math.fsum(expected)
    residual = max(abs(math.fsum(probabilities) - 1), abs(mean - total) / max(total, unit))
    check_residual("the recursion", residual, 1e-8)
    law = Law(probabilities, unit, residual)
    var, es = portfolio_loss.risk(law, params.confidence or 0.0)
    check_order(var, es)
    thresholds = params.thresholds
    return Result(
        expected_loss=total,
        unexpected_loss=var - total,
        var=var,
        es=es,
        probability_no_loss=float(probabilities[0]),
        probability_at_least=[portfolio_loss.at_least(law, each) for each in thresholds] if thresholds else thresholds,
        component_expected_loss=expected,
        distribution=distributions.of_lattice(probabilities, unit),
        diagnostics=_diagnostics(params, folded, unit=unit, points=points_of(params), residual=residual),
    )


def by_rows(params: Params) -> Result:
    """Of a formula by rows. Raises CalcError where Merton's equations are not solved."""
    columns, residual, iterations = credit_columns.answer(params)
    check_residual("merton", residual, 1e-7)
    return Result(
        **columns,
        diagnostics=_diagnostics(params, Partial(), residual=residual, iterations=iterations),
    )


def _diagnostics(
    params: Params,
    folded: Partial,
    beyond: int = 0,
    nearest: int | None = None,
    unit: float | None = None,
    points: int | None = None,
    residual: float | None = None,
    iterations: int | None = None,
) -> Diagnostics:
    return Diagnostics(
        method=params.method,
        estimator=_ESTIMATORS[params.method],
        scenarios=folded.scenarios,
        beyond_var=beyond,
        block_size=BLOCK,
        stopped_early=0 < folded.scenarios < params.scenarios,
        nearest_scenarios=nearest,
        loss_unit=unit,
        points=points,
        residual=residual,
        iterations=iterations,
        units=_UNITS,
        warnings=[],
    )


def _binomial_error(share: float, n: int) -> float:
    return math.sqrt(share * (1 - share) / n)


_ESTIMATORS = {
    "basel_irb": "Basel II (June 2006) Annex 5, 99.9 %, scaling factor 1.06 not applied",
    "vasicek": "Vasicek's large pool, closed form; ES by Simpson's rule",
    "gaussian_copula_mc": "VaR: order statistic ⌈αn⌉; ES: Acerbi-Tasche; errors: binomial, influence function",
    "recursion": "Andersen-Sidenius-Basu recursion, trapezoidal rule over the factor; ES: Acerbi-Tasche",
    "merton": "Merton (1974), two equations solved by bracket and Newton",
}


_UNITS = (
    dict.fromkeys(
        ("expected_loss", "unexpected_loss", "var", "es", "loss", "risk_weighted_assets", "asset_value"), "currency"
    )
    | dict.fromkeys(("component_expected_loss", "component_var", "component_es"), "currency")
    | dict.fromkeys(("probability_no_loss", "probability_at_least", "worst_default_rate", "pd"), "fraction")
    | dict.fromkeys(("capital", "risk_weight"), "fraction of exposure")
    | {"asset_volatility": "per square root of a year", "correlation": "none", "distance_to_default": "deviations"}
    | {"distribution": "currency, and fractions of the scenarios"}
)
