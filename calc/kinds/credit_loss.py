"""Losses from default: the Basel capital formula, Vasicek's large pool, portfolios under a copula, Merton's firm.

    basel_irb           capital and risk weight of exposures (Basel II, June 2006, foundation formula, 99.9 %, factor
                        1.06 not applied), by asset_class; maturity counts for corporates. pd at least 0.0003
    vasicek             default rate Φ((Φ⁻¹(pd) + √ρ Φ⁻¹(α)) / √(1-ρ)) of an infinitely fine pool, and its loss
    gaussian_copula_mc  simulated losses of names and pools: name i defaults where a·z + √(1-a·a) ε_i < Φ⁻¹(pd_i);
                        `copula` student_t divides both sides by √(χ²/ν) and takes t_ν⁻¹(pd_i)
    recursion           the exact law for one Gaussian factor, where all losses are whole multiples of a unit
    merton              asset value, volatility and probability of default of a firm from its equity:
                        E = V Φ(d₁) - D e^(-rT) Φ(d₂), σ_E E = Φ(d₁) σ_V V, pd = Φ(-d₂) under the riskless drift

basel_irb, vasicek and merton take numbers, or columns of one length with a `status` for each row: a bad row is null
and spoils no other. VaR is the smallest loss x with P(L <= x) >= α, ES that of Acerbi and Tasche with the fraction of
the atom; contributions of VaR and ES are E[loss_i | L = VaR] and E[loss_i | L >= VaR], from bins of the loss that a
pilot sample fixes. Expected losses are exact. `distribution` has the losses in bins of equal width: those of the
law for the recursion; of a simulation all scenarios from `tail_from` on, below it the first 16,384.

Refused: pd below the Basel floor, fewer than 30 scenarios beyond VaR, loadings whose squares reach 1, more than
20,000 names, recursion with amounts of no common unit, and equity below 1e-8 of merton's discounted debt (in a book the
row's status is too_little_equity). Accuracy: closed forms 1e-12, recursion 1e-10, merton by its residual; simulated
figures by their standard errors. Names that cannot default more often than a bound, which most do not reach, are passed
over together (thinning): 1 to 2 µs a scenario of 1000 names.
Vasicek (2002); Andersen, Sidenius and Basu (2003); Merton (1974); Glasserman (2004), chapter 9.
"""

import math
from typing import Annotated, Any, Literal

import numpy as np
from msgspec import Meta, Struct
from numpy.typing import NDArray

from calc import distributions
from calc.checks import check_order, check_sum
from calc.distributions import Distribution
from calc.errors import CalcError, Fault, InvalidData
from calc.kind import Caution, Estimate, Plan, once_per_params
from calc.kinds import credit_columns
from calc.kinds.credit_columns import AssetClass, Column, Number
from calc.numerics import normal, portfolio_loss, tail_bins, tails
from calc.numerics.portfolio_loss import BLOCK, PILOT, Entry, Law, Portfolio
from calc.quantities import Confidence, Positive, Seed, measure

NAME = "credit_loss"
VERSION = 3
ALIASES: tuple[str, ...] = ()
SUMMARY = "Credit losses: Basel capital, Vasicek's pool, portfolios under a copula simulated or exact, Merton's firm."
EXAMPLE = {
    "method": "gaussian_copula_mc",
    "pools": [
        {"name": "retail", "count": 80, "exposure": 1.0, "pd": 0.02, "lgd": 0.45, "correlation": 0.15},
        {"name": "corporate", "count": 20, "exposure": 5.0, "pd": 0.01, "lgd": 0.6, "correlation": 0.2},
    ],
    "confidence": 0.99,
    "scenarios": 20_000,
    "seed": 42,
}
FURTHER_EXAMPLES: tuple[dict[str, Any], ...] = (
    {
        "method": "gaussian_copula_mc",
        "copula": "student_t",
        "degrees_of_freedom": 4,
        "names": [
            {"exposure": 3.0, "pd": 0.05, "lgd": 0.4, "loadings": [0.4, 0.2]},
            {"exposure": 1.0, "pd": 0.1, "lgd": 0.6, "loadings": [0.3, -0.1]},
        ],
        "confidence": 0.95,
        "scenarios": 1000,
        "seed": 1,
    },
    {
        "method": "recursion",
        "pools": [{"count": 30, "exposure": 1, "pd": 0.02, "lgd": 1, "correlation": 0.2}],
        "confidence": 0.99,
        "thresholds": [5],
    },
    {"method": "basel_irb", "pd": [0.01, 0.02], "lgd": 0.45, "asset_class": "corporate", "maturity": 2.5},
    {"method": "vasicek", "pd": 0.02, "lgd": 0.4, "correlation": 0.1, "confidence": 0.999},
    {"method": "merton", "equity": 3.0, "equity_volatility": 0.8, "rate": 0.05, "maturity": 1.0, "debt": 10.0},
)

LEAST_BEYOND = 30  # losses beyond VaR, below which its error says nothing
MOST_KEPT = 80_000  # losses in a partial: with their scenarios 1.3 MB of text
MOST_NAMES = 20_000
MOST_UNITS = 50_000
MOST_STEPS = 2e11  # of the recursion: points × names × units
_PART_NS = 500_000_000
_BIN_NUMBERS = 16_000
_POOLED = ("gaussian_copula_mc", "recursion")


class Pool(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`count` names that are alike. Either one correlation, or loadings on independent factors."""

    name: Annotated[str, Meta(min_length=1, max_length=64)] | None = None
    count: Annotated[int, measure("Count", "count", "Of names that are alike.", 100, ge=1, le=MOST_NAMES)] = 1
    exposure: Annotated[float, measure("Exposure", "currency", "At default, of one name.", 1e6, ge=0, le=1e15)]
    pd: Annotated[float, measure("Probability of default", "fraction", "Over the horizon.", 0.02, ge=0, le=1)]
    lgd: Annotated[float, measure("Loss given default", "fraction", "Of the exposure; 0.45 is 45 %.", 0.45, ge=0, le=1)]
    correlation: Annotated[
        Annotated[float, Meta(ge=0, lt=0.99)] | None,
        measure("Correlation", "none", "Of two names' asset returns: the square of the loading.", 0.2),
    ] = None
    loadings: Annotated[
        list[float] | None,
        measure("Loadings", "none", "On independent factors, in place of correlation; squares below 0.99.", [0.3, 0.2]),
    ] = None

    def __post_init__(self) -> None:
        if (self.correlation is None) == (self.loadings is None):
            raise InvalidData([Fault("$.correlation", "or loadings are needed, and not both", self.correlation)])
        if self.loadings is not None and not (self.loadings and math.fsum(a * a for a in self.loadings) < 0.99):
            raise InvalidData([Fault("$.loadings", "must be there, with squares that add up to less than 0.99")])


class Params(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    method: Annotated[
        Literal["basel_irb", "vasicek", "gaussian_copula_mc", "recursion", "merton"], Meta(title="Method")
    ]
    names: Annotated[list[Pool], Meta(min_length=1, max_length=MOST_NAMES, title="Names")] | None = None
    pools: Annotated[list[Pool], Meta(min_length=1, max_length=MOST_NAMES, title="Pools")] | None = None
    copula: Annotated[Literal["gaussian", "student_t"], Meta(title="Copula")] = "gaussian"
    degrees_of_freedom: Annotated[
        Annotated[float, Meta(gt=2, le=200)] | None,
        measure("Degrees of freedom", "none", "Of the Student t copula.", 4),
    ] = None
    confidence: Confidence | None = None
    scenarios: Annotated[int, measure("Scenarios", "count", "Simulated.", 100_000, ge=1000, le=10**9)] = 100_000
    thresholds: Annotated[
        list[float] | None,
        measure("Thresholds", "currency", "Losses whose probability of being reached is asked.", [20.0]),
    ] = None
    loss_unit: Annotated[
        Positive | None,
        measure("Loss unit", "currency", "Of the recursion; the largest common one where absent.", 1000),
    ] = None
    target_standard_error: Annotated[
        Positive | None,
        measure("Target standard error", "currency", "Stop before `scenarios` when ES's is at most this.", 50),
    ] = None
    pd: Annotated[Number | None, measure("Probability of default", "fraction", "Over a year.", 0.01)] = None
    lgd: Annotated[Number | None, measure("Loss given default", "fraction", "Of the exposure.", 0.45)] = None
    exposure: Annotated[Number | None, measure("Exposure", "currency", "At default; 1 where absent.", 1e6)] = None
    correlation: Annotated[Number | None, measure("Correlation", "none", "Of asset returns, for vasicek.", 0.1)] = None
    asset_class: Annotated[AssetClass | list[AssetClass] | None, Meta(title="Asset class")] = None
    maturity: Annotated[
        Number | None,
        measure(
            "Maturity", "years", "Effective, from 1 to 5, for corporates of basel_irb; of the debt for merton.", 2.5
        ),
    ] = None
    turnover: Annotated[
        Number | None, measure("Turnover", "millions of euros", "Of a corporate of basel_irb below 50.", 20)
    ] = None
    equity: Annotated[Number | None, measure("Equity", "currency", "Its market value, for merton.", 3.0)] = None
    equity_volatility: Annotated[
        Number | None, measure("Equity volatility", "per square root of a year", "0.8 is 80 %.", 0.8)
    ] = None
    debt: Annotated[Number | None, measure("Debt", "currency", "Due at maturity.", 10.0)] = None
    rate: Annotated[Number | None, measure("Rate", "per year", "Riskless rate, continuously compounded.", 0.05)] = None
    seed: Seed | None = None


class Partial(Struct, frozen=True):
    """Of a simulation the largest losses (8-byte floats), their scenarios (4-byte integers), how many lost nothing or
    reached each threshold, and the tail's bins (8-byte floats by bin and entry); of part 0 also the bins of its first
    losses. Of the recursion probabilities."""

    scenarios: int = 0
    losses: bytes = b""
    indexes: bytes = b""
    no_loss: int = 0
    reached: list[int] = []
    counts: list[int] = []
    sums: bytes = b""
    squares: bytes = b""
    probabilities: bytes = b""
    body: Distribution | None = None


Accumulator = Partial


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


def plan(params: Params) -> Plan:
    """Blocks of scenarios, or points of the recursion, as many to a part as take about half a second."""
    faults = _faults(params)
    if faults:
        raise InvalidData(faults)
    if params.method == "gaussian_copula_mc":
        parts = math.ceil(math.ceil(params.scenarios / BLOCK) / _blocks_a_part(params))
        return Plan(parts, first_wave=1 if params.target_standard_error is not None else 8)
    if params.method == "recursion":
        return Plan(math.ceil(_points(params) / _points_a_part(params)))
    return Plan(parts=1)


def cost(params: Params) -> float:
    """Scenarios, points or rows, times what one costs."""
    if params.method == "gaussian_copula_mc":
        once = 8e-4 + 2.5e-5 * len(_entries(params))
        return once + (params.scenarios + PILOT) * _ns_a_scenario(params) * 1e-9
    if params.method == "recursion":
        return 1e-3 + _points(params) * _ns_a_point(params) * 1e-9
    return 4e-4 + credit_columns.cost(params)


def run(params: Params, part: int) -> Partial:
    """The part's share of scenarios or points; nothing where the result is a formula."""
    if params.method == "gaussian_copula_mc":
        return _run_scenarios(params, part)
    if params.method == "recursion":
        z, weights = portfolio_loss.points(_points(params) - 1)
        here = slice(part * _points_a_part(params), (part + 1) * _points_a_part(params))
        names, (_, multiples) = _portfolio(params), _units(params)
        found = portfolio_loss.distribution(names, multiples, (z[here], weights[here]))
        return Partial(probabilities=found.astype("<f8").tobytes())
    return Partial()


def reduce(params: Params, accumulator: Partial | None, partials: list[Partial]) -> Partial:
    """The largest losses of all, and the sums of the sums, in part order."""
    folded = partials if accumulator is None else [accumulator, *partials]
    if params.method == "recursion":
        total = sum(np.frombuffer(each.probabilities, "<f8") for each in folded)
        return Partial(probabilities=np.asarray(total).astype("<f8").tobytes())
    if params.method != "gaussian_copula_mc":
        return Partial()
    bins = tail_bins.added(map(_bins, folded))
    return _packed(
        tails.merge([_tail(each) for each in folded], _kept(params)),
        sum(each.scenarios for each in folded),
        sum(each.no_loss for each in folded),
        [sum(column) for column in zip(*(each.reached for each in folded), strict=True)],
        bins,
        next((each.body for each in folded if each.body), None),
    )


def estimate(params: Params, accumulator: Partial) -> Estimate | None:
    """ES so far, once there are enough losses beyond VaR."""
    confidence = params.confidence or 0.0
    if accumulator.scenarios == 0 or tails.expected_beyond(confidence, accumulator.scenarios) < LEAST_BEYOND:
        return None
    risk = tails.risk(_tail(accumulator).losses, confidence, accumulator.scenarios)
    return Estimate(risk.es, risk.es_error, paths_in(params, accumulator))


def enough(params: Params, accumulator: Partial) -> bool:
    """Whether the standard error of ES has come down to the target."""
    if params.target_standard_error is None:
        return False
    so_far = estimate(params, accumulator)
    return so_far is not None and so_far.standard_error <= params.target_standard_error


def result(params: Params, accumulator: Partial) -> Result:
    """The one answer, by method."""
    if params.method == "gaussian_copula_mc":
        return _simulated(params, accumulator)
    if params.method == "recursion":
        return _exact(params, accumulator)
    return _by_rows(params)


def paths_in(params: Params, partial: Partial) -> int:
    """Scenarios in a partial, or in all that are folded."""
    return partial.scenarios


def check_residual(name: str, residual: float, most: float) -> None:
    """Quadrature or solver have converged."""
    if not residual <= most:
        raise CalcError(f"The residual of {name} is {residual:.1e}, above {most:g}.", code="internal_check_failed")


def _run_scenarios(params: Params, part: int) -> Partial:
    size = _blocks_a_part(params) * BLOCK
    first = part * size
    scenarios = min(size, params.scenarios - first)
    names, edges = _portfolio(params), _edges(params)
    losses, bins = portfolio_loss.losses(names, params.seed or 0, portfolio_loss.STREAM, first, scenarios, edges)
    reached = [int(np.count_nonzero(losses >= threshold)) for threshold in params.thresholds or ()]
    tail = tails.largest(losses, first, _kept(params))
    body = distributions.of_sample(losses[: distributions.SAMPLE]) if part == 0 else None
    return _packed(tail, scenarios, int(np.count_nonzero(losses == 0)), reached, bins, body)


def _simulated(params: Params, folded: Partial) -> Result:
    n, confidence, entries = folded.scenarios, params.confidence or 0.0, _entries(params)
    risk = tails.risk(_tail(folded).losses, confidence, n)
    amounts = np.array([entry.amount for entry in entries])
    try:
        units = tail_bins.marginals(_bins(folded), _edges(params), amounts, risk, confidence, n)
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
        distribution=distributions.with_tail(folded.body, _tail(folded).losses, n) if folded.body else None,
        standard_error=errors,
        interval_95={
            "var": risk.var_interval,
            "es": risk.es_interval,
            "probability_no_loss": normal.interval_95(nothing, errors["probability_no_loss"]),
        },
        diagnostics=_diagnostics(params, folded, beyond=risk.beyond, nearest=units.nearest),
    )


def _exact(params: Params, folded: Partial) -> Result:
    entries, (unit, _) = _entries(params), _units(params)
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
        diagnostics=_diagnostics(params, folded, unit=unit, points=_points(params), residual=residual),
    )


def _by_rows(params: Params) -> Result:
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


def _faults(params: Params) -> list[Fault]:
    """All that is wrong between fields."""
    if params.method not in _POOLED:
        faults = credit_columns.faults(params)
        if params.method == "vasicek" and params.confidence is None:
            faults.append(Fault("$.confidence", "is missing: vasicek needs it", code="missing"))
        return faults
    faults = [
        Fault(f"$.{field}", f"does not belong to the method {params.method}: say it of names or pools")
        for field in credit_columns.FIELDS
        if getattr(params, field) is not None
    ]
    if params.confidence is None:
        faults.append(Fault("$.confidence", f"is missing: {params.method} needs it", code="missing"))
    if params.names is None and params.pools is None:
        faults.append(Fault("$.pools", f"or names are missing: {params.method} needs them", code="missing"))
    student = params.copula == "student_t"
    if student != (params.degrees_of_freedom is not None):
        detail = "belongs to the copula student_t, which needs it"
        faults.append(Fault("$.degrees_of_freedom", detail, params.degrees_of_freedom))
    faults += _faults_of_names(params)
    if faults or params.method == "recursion":
        return faults or _faults_of_recursion(params)
    return _faults_of_scenarios(params)


def _faults_of_names(params: Params) -> list[Fault]:
    factors = {len(pool.loadings or (1,)) for pool in _pools(params)}
    faults = []
    if len(factors) > 1:
        detail = "have different numbers of loadings; one correlation is one loading"
        faults.append(Fault("$.pools" if params.pools else "$.names", detail, code="length_mismatch"))
    names = sum(pool.count for pool in _pools(params))
    if names > MOST_NAMES:
        faults.append(Fault("$.pools", f"hold {names:,} names: at most {MOST_NAMES:,}", names, code="too_large"))
    return faults


def _faults_of_scenarios(params: Params) -> list[Fault]:
    confidence = params.confidence or 0.0
    beyond = tails.expected_beyond(confidence, params.scenarios)
    if beyond < LEAST_BEYOND:
        least = math.ceil(LEAST_BEYOND / tails.expected_beyond(confidence, 1))
        detail = f"leaves {beyond:g} losses beyond VaR at confidence {confidence:g}: too few, it needs {least:,}"
        return [Fault("$.scenarios", detail, params.scenarios, f"at least {least}", "too_few_scenarios")]
    if _kept(params) > MOST_KEPT:
        detail = f"would keep {_kept(params):,} losses beyond VaR: at most {MOST_KEPT:,}"
        return [Fault("$.scenarios", detail, params.scenarios, "fewer, or a higher confidence", "too_large")]
    return []


def _faults_of_recursion(params: Params) -> list[Fault]:
    if params.copula == "student_t":
        return [Fault("$.copula", "is gaussian where the method is recursion", params.copula)]
    if len(_entries(params)[0].loadings) > 1:
        return [Fault("$.pools", "have several loadings: the recursion knows one factor")]
    found = portfolio_loss.units_of(_entries(params), params.loss_unit)
    if found is None:
        return [Fault("$.loss_unit", "does not divide every exposure × lgd", params.loss_unit, code="no_common_unit")]
    units = sum(m * entry.names for m, entry in zip(found[1], _entries(params), strict=True))
    steps = units * _names(params) * _points(params)
    if units > MOST_UNITS or steps > MOST_STEPS:
        detail = f"would have {min(units, 10**15):,} units and {min(steps, 10**20):.1e} steps: "
        detail += f"at most {MOST_UNITS:,} and {MOST_STEPS:g}"
        return [Fault("$.loss_unit", detail, params.loss_unit, "a larger unit", "too_large")]
    return []


def _pools(params: Params) -> list[Pool]:
    return [*(params.names or ()), *(params.pools or ())]


@once_per_params
def _entries(params: Params) -> list[Entry]:
    return [
        Entry(
            pool.count,
            portfolio_loss.amount(pool.exposure, pool.lgd),
            pool.pd,
            tuple(pool.loadings) if pool.loadings is not None else (math.sqrt(pool.correlation or 0.0),),
        )
        for pool in _pools(params)
    ]


@once_per_params
def _portfolio(params: Params) -> Portfolio:
    return portfolio_loss.portfolio(_entries(params), params.degrees_of_freedom)


@once_per_params
def _units(params: Params) -> tuple[float, list[int]]:
    found = portfolio_loss.units_of(_entries(params), params.loss_unit)
    if found is None:
        raise CalcError("The losses have no common unit.", code="no_common_unit")
    return found


@once_per_params
def _edges(params: Params) -> NDArray[np.float64]:
    most = max(_BIN_NUMBERS // len(_entries(params)), 3)
    return portfolio_loss.edges(_portfolio(params), params.seed or 0, params.confidence or 0.0, most)


def _names(params: Params) -> int:
    return sum(pool.count for pool in _pools(params))


def _ns_a_scenario(params: Params) -> float:
    """Factors, bounds of the groups, then each name that may default: more of them the less alike a group is."""
    entries, student = _entries(params), params.copula == "student_t"
    factors, groups = len(entries[0].loadings), math.ceil(_names(params) / 64)
    defaults = math.fsum(entry.names * entry.pd for entry in entries)
    return 200 + 100 * student + groups * (10 + 2 * factors) + 25 * defaults * (0.2 + 0.8 * factors)


def _blocks_a_part(params: Params) -> int:
    return min(max(int(_PART_NS / (_ns_a_scenario(params) * BLOCK)), 1), 4096)


def _points(params: Params) -> int:
    return portfolio_loss.pieces_needed(_entries(params)) + 1


def _ns_a_point(params: Params) -> float:
    units = sum(m * entry.names for m, entry in zip(_units(params)[1], _entries(params), strict=True))
    return _names(params) * (25 + 0.2 * units)


def _points_a_part(params: Params) -> int:
    return max(int(_PART_NS / _ns_a_point(params)), 1)


def _kept(params: Params) -> int:
    return tails.needed(params.confidence or 0.5, params.scenarios)


def _binomial_error(share: float, n: int) -> float:
    return math.sqrt(share * (1 - share) / n)


def _packed(
    tail: tails.Tail,
    scenarios: int,
    no_loss: int,
    reached: list[int],
    bins: tail_bins.Bins,
    body: Distribution | None,
) -> Partial:
    return Partial(
        scenarios=scenarios,
        losses=tail.losses.astype("<f8").tobytes(),
        indexes=tail.scenarios.astype("<u4").tobytes(),
        no_loss=no_loss,
        reached=reached,
        counts=bins.counts.tolist(),
        sums=bins.sums.astype("<f8").tobytes(),
        squares=bins.squares.astype("<f8").tobytes(),
        body=body,
    )


def _tail(partial: Partial) -> tails.Tail:
    return tails.Tail(np.frombuffer(partial.losses, "<f8"), np.frombuffer(partial.indexes, "<u4"))


def _bins(partial: Partial) -> tail_bins.Bins:
    rows = len(partial.counts)
    sums, squares = (np.frombuffer(each, "<f8").reshape(rows, -1) for each in (partial.sums, partial.squares))
    return tail_bins.Bins(np.array(partial.counts, dtype=np.int64), sums, squares)
