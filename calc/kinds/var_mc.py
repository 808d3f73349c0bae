"""Value at risk and expected shortfall of a book of positions: simulated, or from the law of its loss.

Over the horizon h the symbols' returns have the standard deviations and correlations given, scaled with √h, and mean
μh (`drift`, 0 by default); e are the exposures, Σ = BB' + diag(specific²) the covariance, z independent normals:

    normal       loss = -e·(μh + Bz)
    student_t    loss = -e·(μh + Bz √((ν-2)/χ²))        one χ² with ν degrees for the whole book; the variance stays
    lognormal    loss = -e·(exp(μh + Bz - diag(Σ)/2) - 1)   the expected return is exp(μh) - 1
    delta_gamma  loss = δ·x + ½ x'Γx,  x = Bz            δ and Γ are derivatives of the *loss* in the risk factors

Losses are positive. `method` monte_carlo simulates the first three, delta_gamma the last, with scenarios drawn from an
exponentially twisted law in which VaR is the mean (Glasserman, Heidelberger and Shahabuddin 2000), unless
`variance_reduction` is none; linear_normal answers the first in closed form: nothing is simulated,
`standard_error` is null. The loss of a normal or Student t book has the law of one return, so one random number is
drawn a scenario, and E[X_i | loss] is known exactly. Of a normal book only the scenarios above a floor are drawn, which
VaR cannot fall below: they come after geometric waits, as if all had been drawn and the others not been looked at.
`parametric_var` and `parametric_es` are those of the law: closed forms, for delta_gamma the inversion of its generating
function (Imhof 1961). They are null for lognormal.

`component_var` and `component_es` (Euler's, by symbol) add up to `var` and `es`; marginals are per unit of exposure.
For lognormal they come from sums over bins of the book's loss whose edges a pilot sample fixes beforehand.
`distribution` has the losses in bins of equal width: from `tail_from` on of all scenarios; below it for normal those of
the law, for the others of the first 16,384 scenarios.

Refused: fewer than 30 scenarios beyond VaR, impossible matrices, more than 100,000 kept losses, and a quadratic loss
whose law is not found to 1e-8 of its deviation (`law_unknown`: a few of parts of very unlike sizes). A singular matrix
is legal. Accuracy: VaR within its standard error; the law's figures to about 1e-12 (`residual`). Cost for a million
scenarios: 0.001 s normal, 0.02 s Student t; lognormal 8 s with 500 symbols, 2.5 s with factors.
Glasserman (2004), chapter 9; McNeil, Frey and Embrechts (2015), *Quantitative Risk Management*, 2.2, 8.5.
"""

import math
from typing import Annotated, Any, Literal, NamedTuple

import numpy as np
from msgspec import Meta, Struct
from numpy.typing import NDArray

from calc import distributions
from calc.checks import check_order, check_sum
from calc.covariances import Correlation, CovarianceMatrix, from_correlation, from_covariance
from calc.distributions import Distribution
from calc.errors import CalcError, Fault, InvalidData, step
from calc.kind import Caution, Estimate, Plan, once_per_params
from calc.kinds import var_mc_faults
from calc.kinds.var_mc_faults import LEAST_BEYOND
from calc.numerics import book_risk, columns, elliptical, importance, quadratic_form, tail_bins, tails
from calc.numerics.book_risk import BLOCK, PILOT, Book
from calc.numerics.importance import Above
from calc.positions import Factors, Position, Symbol, exposures, faults_of_factors, symbols_of
from calc.quantities import Confidence, Positive, Seed, Volatility, looks_like_percent, measure

NAME = "var_mc"
VERSION = 4
ALIASES: tuple[str, ...] = ("calculate_var",)
SUMMARY = "Value at risk and expected shortfall of a portfolio, simulated or from the law of its loss."
EXAMPLE = {
    "positions": [
        {"symbol": "AAPL", "quantity": 120, "price": 180.5},
        {"symbol": "MSFT", "quantity": 50, "price": 410.0},
        {"symbol": "XOM", "value": -15000},
    ],
    "volatilities": {"AAPL": 0.28, "MSFT": 0.25, "XOM": 0.3},
    "days_per_year": 252,
    "correlation": {"AAPL/MSFT": 0.65, "AAPL/XOM": 0.2, "MSFT/XOM": 0.15},
    "confidence": 0.99,
    "horizon_days": 10,
    "scenarios": 100_000,
    "seed": 42,
}
_POSITIONS = {"positions": [{"symbol": "AAPL", "value": 20000}, {"symbol": "MSFT", "value": -5000}]}
_MARKET = {"volatilities": {"AAPL": 0.28, "MSFT": 0.25}, "correlation": 0.65, "days_per_year": 252, "horizon_days": 1}
_QUADRATIC = {
    "method": "delta_gamma",
    "delta": [1, 2],
    "gamma": [[0.5, 0.1], [0.1, -0.3]],
    "covariance": [[1, 0.3], [0.3, 1]],
}
FURTHER_EXAMPLES: tuple[dict[str, Any], ...] = (
    {**_POSITIONS, **_MARKET, "method": "linear_normal", "confidence": 0.95},
    {**_POSITIONS, **_MARKET, "distribution": "student_t", "degrees_of_freedom": 4, "confidence": 0.95}
    | {"scenarios": 1000, "seed": 1},
    {**_POSITIONS, **_MARKET, "distribution": "lognormal", "confidence": 0.95, "scenarios": 1000, "seed": 1},
    {**_QUADRATIC, "confidence": 0.95, "scenarios": 1000, "seed": 1},
    {**_QUADRATIC, "confidence": 0.95, "scenarios": 1000, "variance_reduction": "none", "seed": 1},
)

MOST_KEPT = 100_000  # losses in a partial: with their scenarios 1.6 MB of text
_PART_NS = 500_000_000  # on an idle core of 2020s make
_MOST_BLOCKS_A_PART = 512
_TO_TARGET = 64  # blocks a part at most, so that a target is not overshot by much
_WAVE_KEPT = 500_000  # losses that a fold merges: 8 MB of partials
_BIN_NUMBERS = 16_000  # sums in a partial, and as many squares: 340 kB of text


class Params(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    positions: Annotated[list[Position], Meta(min_length=1, max_length=10_000, title="Positions")] | None = None
    method: Annotated[
        Literal["monte_carlo", "linear_normal", "delta_gamma"],
        Meta(title="Method", description="Simulate; the closed form alone; or a loss that is quadratic in factors."),
    ] = "monte_carlo"
    volatilities: Annotated[
        dict[str, Volatility] | None,
        measure(
            "Volatilities",
            "per square root of volatility_period",
            "Standard deviation of returns, by symbol; 0.2 is 20 %.",
            {"AAPL": 0.28},
        ),
    ] = None
    volatility_period: Annotated[
        Literal["year", "day"],
        Meta(title="Volatility period", description="What volatilities, covariance, factors and drift are per."),
    ] = "year"
    days_per_year: Annotated[
        Annotated[float, Meta(ge=1, le=366)] | None,
        measure(
            "Days per year",
            "days per year",
            "Of the horizon's days: 252 trading, 365 calendar days. Needed where volatilities are per year.",
            252,
        ),
    ] = None
    correlation: Correlation | None = None
    covariance: CovarianceMatrix | None = None
    factors: Annotated[
        Factors | None, Meta(title="Factors", description="In place of volatilities and correlation, or covariance.")
    ] = None
    drift: Annotated[
        dict[str, Annotated[float, Meta(ge=-10, le=10)]] | None,
        measure(
            "Drift",
            "per volatility_period",
            "Expected return by symbol, of logarithms (continuously compounded) for lognormal; 0 where absent.",
            {"AAPL": 0.05},
        ),
    ] = None
    delta: Annotated[
        list[float] | None,
        measure("Delta", "currency per unit", "Of the loss in each risk factor, for delta_gamma.", [1.0, 2.0]),
    ] = None
    gamma: Annotated[
        list[list[float]] | None,
        measure(
            "Gamma",
            "currency per unit squared",
            "Second derivatives of the loss in the risk factors, a symmetric matrix, for delta_gamma.",
            [[0.5, 0.1], [0.1, -0.3]],
        ),
    ] = None
    symbols: Annotated[
        list[Symbol] | None,
        Meta(title="Symbols", description="Names of the risk factors of delta_gamma; 1, 2, … where absent."),
    ] = None
    distribution: Annotated[
        Literal["normal", "student_t", "lognormal"], Meta(title="Distribution", description="Of the returns.")
    ] = "normal"
    degrees_of_freedom: Annotated[
        Annotated[float, Meta(gt=2, le=200)] | None,
        measure("Degrees of freedom", "none", "Of Student's t; its variance is scaled to the volatilities.", 4),
    ] = None
    confidence: Confidence
    horizon_days: Annotated[
        Annotated[float, Meta(gt=0, le=2520)] | None,
        measure(
            "Horizon",
            "days",
            "Over which the loss is meant. delta_gamma may go without: its covariance is over the horizon then.",
            10,
        ),
    ] = None
    scenarios: Annotated[int, measure("Scenarios", "count", "Simulated horizons.", 100_000, ge=1000, le=10**9)] = (
        100_000
    )
    variance_reduction: Annotated[
        Literal["none", "importance_sampling"] | None,
        Meta(title="Variance reduction", description="importance_sampling is for delta_gamma, and its default."),
    ] = None
    target_standard_error: Annotated[
        Positive | None,
        measure("Target standard error", "currency", "Stop before `scenarios` when VaR's is at most this.", 50),
    ] = None
    seed: Seed | None = None


class Partial(Struct, frozen=True):
    """Losses, first to last (little-endian 8-byte floats), and their scenarios (4-byte integers).

    The largest ones; for delta_gamma those around VaR, with sums `above` them. For lognormal the tail's bins: their
    counts, and sums by bin and symbol (8-byte floats). Of part 0 the bins of its first losses, unless they are normal.
    """

    scenarios: int
    losses: bytes
    indexes: bytes
    above: Above = importance.NOTHING
    counts: list[int] = []
    sums: bytes = b""
    squares: bytes = b""
    body: Distribution | None = None


Accumulator = Partial


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


def plan(params: Params) -> Plan:
    """Blocks of scenarios, as many to a part as take about half a second. All that is wrong is told here."""
    faults = [*var_mc_faults.find(params, _kept(params), _most_kept(params)), *_model(params).faults]
    if faults:
        raise InvalidData(faults)
    if params.method == "linear_normal":
        return Plan(parts=1)
    parts = math.ceil(_blocks(params.scenarios) / _blocks_a_part(params))
    largest_wave = min(max(_WAVE_KEPT // _kept(params), 4), 64)
    first_wave = 1 if params.target_standard_error is not None else min(8, largest_wave)
    return Plan(parts, first_wave, largest_wave)


def cost(params: Params) -> float:
    """Scenarios times what one costs, and what is done once."""
    size = len(_names(params))
    once = 7e-4 + 6e-6 * size
    if params.factors is None:
        once += 1.3e-7 * size**2 + 6e-11 * size**3
    if params.method == "linear_normal":
        return once
    if params.method == "delta_gamma":
        once += 8e-3 + 2.5e-4 * size
    elif params.distribution == "student_t":
        once += 4e-4
    elif params.distribution == "lognormal":
        once += PILOT * _ns_a_scenario(params) * 1e-9
    return once + params.scenarios * _ns_a_scenario(params) * 1e-9


def run(params: Params, part: int) -> Partial:
    """What the whole task needs of the part's blocks: of their largest losses as many as might all be here."""
    if params.method == "linear_normal":
        return Partial(0, b"", b"")
    a_part = _blocks_a_part(params)
    blocks = range(part * a_part, min((part + 1) * a_part, _blocks(params.scenarios)))
    if params.method == "delta_gamma":
        return _run_quadratic(params, blocks)
    book, seed = _book(params), params.seed or 0
    if params.distribution == "normal":
        tail = book_risk.normal_tail(book, _law(params), _share(params), seed, blocks, params.scenarios)
        scenarios = min(blocks.stop * BLOCK, params.scenarios) - blocks.start * BLOCK
        return _packed(tails.ordered(*tail, _kept(params)), scenarios, importance.NOTHING, None)
    if params.distribution == "student_t":
        losses = book_risk.student_t_losses(book, _law(params), seed, blocks, params.scenarios)
        return _partial(params, blocks, losses)
    losses, bins = book_risk.lognormal_losses(
        book, _rows(params), seed, book_risk.STREAM, blocks, params.scenarios, _edges(params)
    )
    return _partial(params, blocks, losses, bins)


def reduce(params: Params, accumulator: Partial | None, partials: list[Partial]) -> Partial:
    """The largest losses of all (of delta_gamma all that were kept), and the sums of the sums."""
    folded = partials if accumulator is None else [accumulator, *partials]
    kept = 2 * MOST_KEPT if params.method == "delta_gamma" else _kept(params)
    tail = tails.merge([_unpacked(each) for each in folded], kept)
    above = importance.added([each.above for each in folded])
    bins = tail_bins.added(map(_bins, folded)) if folded[0].counts else None
    body = next((each.body for each in folded if each.body), None)
    return _packed(tail, sum(each.scenarios for each in folded), above, bins, body)


def estimate(params: Params, accumulator: Partial) -> Estimate | None:
    """VaR so far, once there are enough losses beyond it."""
    if params.method == "linear_normal":
        return None
    if tails.expected_beyond(params.confidence, accumulator.scenarios) < LEAST_BEYOND:
        return None
    risk = _risk(params, accumulator)
    return Estimate(risk.var, risk.var_error, paths_in(params, accumulator))


def enough(params: Params, accumulator: Partial) -> bool:
    """Whether the standard error of VaR has come down to the target."""
    if params.target_standard_error is None:
        return False
    so_far = estimate(params, accumulator)
    return so_far is not None and so_far.standard_error <= params.target_standard_error


def result(params: Params, accumulator: Partial) -> Result:
    """VaR and ES of the scenarios folded so far, those of the law beside them, and who contributes."""
    names = _names(params)
    risk = None if params.method == "linear_normal" else _risk(params, accumulator)
    known = _known(params)
    shares = _shares(params, accumulator, risk)
    var, es = (known.var, known.es) if risk is None else (risk.var, risk.es)
    check_order(var, es)
    check_sum("component_var", shares.var, var)
    check_sum("component_es", shares.es, es)
    law = None if params.distribution == "lognormal" else known
    book = None if params.method == "delta_gamma" else _book(params)
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


class Known(NamedTuple):
    """What the law of the loss says, in currency; `slopes`: how contributions move with the book's loss."""

    var: float
    es: float
    undiversified: float | None
    contributions: list[float]
    es_contributions: list[float]
    slopes: list[float]
    residual: float | None
    iterations: int | None


class Shares(NamedTuple):
    """Contributions that add up to VaR and ES, with their errors; marginals where there are exposures."""

    var: list[float]
    es: list[float]
    var_errors: list[float]
    es_errors: list[float]
    marginal_var: list[float] | None
    marginal_es: list[float] | None
    nearest: int | None


class Model(NamedTuple):
    """Covariance (of returns, or of risk factors) and drift over the horizon, and what is wrong with them."""

    covariance: NDArray[np.float64]
    drift: NDArray[np.float64]
    faults: list[Fault]


def paths_in(params: Params, partial: Partial) -> int:
    """Scenarios in a partial, or in all that are folded."""
    return partial.scenarios


def check_kept(kept: int, confidence: float, scenarios: int) -> None:
    """Of the scenarios all losses that the estimators look at are there."""
    if kept < min(tails.needed(confidence, scenarios), scenarios):
        raise CalcError(f"Of {scenarios:,} scenarios only {kept:,} losses are kept.", code="internal_check_failed")


def check_residual(residual: float) -> None:
    """The inversion of the generating function has converged: it has not where risk factors differ too much in size."""
    if not residual <= quadratic_form.GOOD:
        detail = f"with this delta and covariance gives a loss whose law is known to {residual:.1e} of its size only"
        allowed = f"what gives {quadratic_form.GOOD:g}: parts of the loss whose sizes are nearer to each other"
        raise InvalidData([Fault("$.data.gamma", detail, allowed=allowed, code="law_unknown")])


def _risk(params: Params, folded: Partial) -> tails.Risk:
    kept = _unpacked(folded)
    if params.method != "delta_gamma":
        check_kept(kept.losses.size, params.confidence, folded.scenarios)
        return tails.risk(kept.losses, params.confidence, folded.scenarios)
    try:
        return importance.risk(kept.losses, folded.above, _window(params).law, params.confidence, folded.scenarios)
    except ValueError as error:
        raise CalcError(f"The simulation contradicts the law: {error}.", code="internal_check_failed") from error


def _distribution(params: Params, folded: Partial) -> Distribution | None:
    body = folded.body
    if params.method != "delta_gamma" and params.distribution == "normal":
        book = _book(params)
        body = distributions.of_normal(-math.fsum(book.exposures * book.drift), _law(params).deviation)
    if body is None or params.method == "linear_normal":
        return body
    return distributions.with_tail(body, _unpacked(folded).losses, folded.scenarios)


def _shares(params: Params, folded: Partial, risk: tails.Risk | None) -> Shares:
    if params.distribution == "lognormal" and risk is not None:
        return _shares_of_bins(params, folded, risk)
    known = _known(params)
    var, es = (0.0, 0.0) if risk is None else (risk.var - known.var, risk.es - known.es)
    var_error, es_error = (0.0, 0.0) if risk is None else (risk.var_error, risk.es_error)
    exposed = None if params.method == "delta_gamma" else _law(params)
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
    scale = _book(params).exposures
    try:
        units = tail_bins.marginals(_bins(folded), _edges(params), scale, risk, params.confidence, folded.scenarios)
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
    known = _known(params)
    return Diagnostics(
        method=params.method,
        distribution=params.distribution,
        estimator=_estimator(params),
        components=_COMPONENTS[params.distribution if params.method == "monte_carlo" else params.method],
        nearest_scenarios=nearest,
        scenarios=folded.scenarios,
        beyond_var=risk.beyond if risk else 0,
        blocks=_blocks(folded.scenarios),
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
        drawn = "importance sampling, exponential twist" if _window(params).law.theta > 0 else "plain sampling"
        return f"{drawn}: weighted order statistic and Acerbi-Tasche ES; parametric: Imhof inversion on a bent path"
    return "VaR: order statistic ⌈αn⌉; ES: Acerbi-Tasche; errors: binomial, influence function"


@once_per_params
def _model(params: Params) -> Model:
    symbols = _names(params)
    faults: list[Fault] = []
    covariance = np.zeros((0, 0))
    if params.factors is not None:
        faults += faults_of_factors(params.factors, symbols)
        faults += [
            Fault(f"$.{field}", "stands beside factors, which are in its place")
            for field in ("volatilities", "correlation", "covariance")
            if getattr(params, field) is not None
        ]
    elif params.method == "delta_gamma" and params.delta is None:
        pass  # told already; nobody knows how large the covariance should be
    elif params.covariance is not None:
        if params.volatilities is not None or params.correlation is not None:
            faults.append(Fault("$.covariance", "stands in place of volatilities and correlation: not beside them"))
        covariance, wrong = from_covariance(params.covariance, symbols)
        faults += wrong
    elif params.method != "delta_gamma":
        known = params.volatilities or {}
        faults += [
            Fault(step("$.volatilities", symbol), f"is missing: the positions hold {symbol}", code="missing")
            for symbol in symbols
            if symbol not in known
        ]
        volatilities = [known.get(symbol, 0.0) for symbol in symbols]
        covariance, wrong = from_correlation(params.correlation, volatilities, symbols)
        faults += wrong
    drift = params.drift or {}
    faults += [
        Fault(step("$.drift", symbol), "is not a symbol of the positions") for symbol in drift if symbol not in symbols
    ]
    periods = _periods(params)
    return Model(covariance * periods, np.array([drift.get(symbol, 0.0) for symbol in symbols]) * periods, faults)


def _periods(params: Params) -> float:
    """The horizon, in what volatilities are per."""
    if params.horizon_days is None:
        return 1.0
    return params.horizon_days / (1.0 if params.volatility_period == "day" else params.days_per_year or 1.0)


@once_per_params
def _book(params: Params) -> Book:
    """What the parts need; the factor is their own, for planning does not need it."""
    model, positions = _model(params), params.positions or []
    held = np.array(exposures(positions, symbols_of(positions)))
    if params.factors is None:
        return book_risk.from_covariance(
            params.distribution, params.degrees_of_freedom, held, model.covariance, model.drift
        )
    root = math.sqrt(_periods(params))
    loadings = columns.matrix(params.factors.loadings) * root
    specific = np.array(params.factors.specific) * root
    return book_risk.from_factors(params.distribution, params.degrees_of_freedom, held, loadings, specific, model.drift)


@once_per_params
def _law(params: Params) -> elliptical.ClosedForm:
    return book_risk.law(_book(params), params.confidence)


@once_per_params
def _rows(params: Params) -> book_risk.Rows:
    return book_risk.rows_of(_book(params))


@once_per_params
def _edges(params: Params) -> NDArray[np.float64]:
    most = max(_BIN_NUMBERS // len(_names(params)), 3)
    return book_risk.edges(_book(params), _rows(params), params.seed or 0, params.confidence, most)


@once_per_params
def _known(params: Params) -> Known:
    if params.method == "delta_gamma":
        exact = _window(params).exact
        width = exact.es - exact.var
        both = list(zip(exact.var_contributions, exact.es_contributions, strict=True))
        slopes = [(es - var) / width if width > 0 else 0.0 for var, es in both]
        return Known(
            exact.var,
            exact.es,
            None,
            exact.var_contributions,
            exact.es_contributions,
            slopes,
            exact.residual,
            exact.iterations,
        )
    law, held = _law(params), _book(params).exposures.tolist()
    var, es, slopes = (
        [e * unit for e, unit in zip(held, units, strict=True)]
        for units in (law.marginal_var, law.marginal_es, law.slopes)
    )
    return Known(law.var, law.es, law.undiversified, var, es, slopes, None, None)


class Window(NamedTuple):
    """A quadratic loss: its form and exact law, how it is drawn, and between which losses all are kept."""

    form: quadratic_form.Form
    exact: quadratic_form.Exact
    twist: quadratic_form.Twist
    law: importance.Law
    half_width: float


@once_per_params
def _window(params: Params) -> Window:
    delta, gamma = np.array(params.delta), np.array(params.gamma)
    gamma = 0.5 * (gamma + gamma.T)
    form = quadratic_form.diagonal(delta, gamma, _model(params).covariance)
    exact = quadratic_form.exact(form, delta, gamma, params.confidence)
    check_residual(exact.residual)
    if exact.density == 0:  # nothing that its square could hold
        form = form._replace(linear=np.zeros_like(form.linear), square=np.zeros_like(form.square))
    plain = params.variance_reduction == "none"
    twist = quadratic_form.twist(form, -math.inf if plain else exact.var)
    law = importance.Law(twist.theta, twist.cumulant, exact.var, exact.density)
    beyond = tails.expected_beyond(params.confidence, 1)
    half = importance.half_width(law, beyond, _window_scenarios(params)) if exact.density > 0 else 1.0
    return Window(form, exact, twist, law, half)


def _run_quadratic(params: Params, blocks: range) -> Partial:
    window, seed = _window(params), params.seed or 0
    losses = book_risk.quadratic_losses(window.form, window.twist, seed, blocks, params.scenarios)
    distance = losses - window.exact.var
    above = importance.above(losses[distance > window.half_width], window.law)
    within = np.flatnonzero(np.abs(distance) <= window.half_width)
    tail = tails.ordered(losses[within], within.astype(np.uint32) + np.uint32(blocks.start * BLOCK))
    return _packed(tail, losses.size, above, None)


def _blocks(scenarios: int) -> int:
    return math.ceil(scenarios / BLOCK)


def _blocks_a_part(params: Params) -> int:
    """About half a second of work."""
    most = _MOST_BLOCKS_A_PART if params.target_standard_error is None else _TO_TARGET
    return min(max(int(_PART_NS / (_ns_a_scenario(params) * BLOCK)), 1), most)


def _ns_a_scenario(params: Params) -> float:
    """What one costs, measured: a normal 2.5, an exponential 1.2, a product with the factor 0.05."""
    size = len(_names(params))
    if params.method == "delta_gamma":
        return 25 + 3 * size
    if params.distribution == "normal":
        return 0.5 + 80 * _share(params)
    if params.distribution == "student_t":
        return 11.0
    if params.factors is not None and params.factors.loadings:
        columns = len(params.factors.loadings[0])
        return 20 + 4.2 * size + 2.5 * columns + 0.05 * size * columns
    return 20 + 4 * size + 0.025 * size * size


def _window_scenarios(params: Params) -> int:
    """The fewest scenarios of which VaR is asked: those of the first wave."""
    parts = 1 if params.target_standard_error is not None else 4
    return min(params.scenarios, parts * _blocks_a_part(params) * BLOCK)


def _share(params: Params) -> float:
    """Of the scenarios of a normal book, that are drawn: enough for VaR of the first part alone, whatever comes."""
    least = math.ceil(LEAST_BEYOND / tails.expected_beyond(params.confidence, 1))
    return tails.share_above(params.confidence, min(params.scenarios, max(least, _TO_TARGET * BLOCK)))


def _kept(params: Params) -> int:
    if params.method == "delta_gamma":
        return math.ceil(2 * importance.WINDOW * params.scenarios / math.sqrt(_window_scenarios(params)))
    return tails.needed(params.confidence, params.scenarios)


def _most_kept(params: Params) -> int:
    """So that a partial has at most 2 MB of text: 16 bytes a loss, 22 a sum in a bin."""
    if params.distribution != "lognormal":
        return MOST_KEPT
    size = len(_names(params))
    return min(MOST_KEPT, (1_990_000 - 22 * max(_BIN_NUMBERS, 3 * size)) // 16)


@once_per_params
def _names(params: Params) -> list[str]:
    if params.method == "delta_gamma":
        size = len(params.delta or ())
        given = params.symbols or ()
        return list(given) if len(given) == size else [str(i + 1) for i in range(size)]
    return symbols_of(params.positions or [])


def _named(names: list[str], values: list[float]) -> dict[str, float]:
    return dict(zip(names, values, strict=True))


def _partial(params: Params, blocks: range, losses: NDArray[np.float64], bins: tail_bins.Bins | None = None) -> Partial:
    tail = tails.largest(losses, blocks.start * BLOCK, _kept(params))
    shown = blocks.start == 0 and params.distribution != "normal"
    body = distributions.of_sample(losses[: distributions.SAMPLE]) if shown else None
    return _packed(tail, losses.size, importance.NOTHING, bins, body)


def _packed(
    tail: tails.Tail, scenarios: int, above: Above, bins: tail_bins.Bins | None, body: Distribution | None = None
) -> Partial:
    return Partial(
        scenarios=scenarios,
        losses=tail.losses.astype("<f8").tobytes(),
        indexes=tail.scenarios.astype("<u4").tobytes(),
        above=above,
        counts=bins.counts.tolist() if bins else [],
        sums=bins.sums.astype("<f8").tobytes() if bins else b"",
        squares=bins.squares.astype("<f8").tobytes() if bins else b"",
        body=body,
    )


def _unpacked(partial: Partial) -> tails.Tail:
    return tails.Tail(np.frombuffer(partial.losses, "<f8"), np.frombuffer(partial.indexes, "<u4"))


def _bins(partial: Partial) -> tail_bins.Bins:
    rows = len(partial.counts)
    sums, squares = (np.frombuffer(each, "<f8").reshape(rows, -1) for each in (partial.sums, partial.squares))
    return tail_bins.Bins(np.array(partial.counts, dtype=np.int64), sums, squares)


def _warnings(params: Params) -> list[Caution]:
    cautions = []
    volatilities = params.volatilities or {}
    for symbol in _names(params) if volatilities else ():
        cautions += looks_like_percent(step("$.data.volatilities", symbol), volatilities.get(symbol, 0.0), 5)
    if params.method != "delta_gamma" and _book(params).rounded:
        path = "$.data.correlation" if params.covariance is None else "$.data.covariance"
        detail = "its smallest eigenvalue is below 0 by rounding (less than 1e-10) and was taken as 0"
        cautions.append(Caution("eigenvalue_rounded", path, detail))
    return cautions
