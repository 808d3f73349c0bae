"""Value at risk and expected shortfall of a book of positions, by Monte Carlo.

Over the horizon the symbols' returns have mean 0, and standard deviations and correlations as given, scaled with
the square root of time; e are the exposures, Σ = B Bᵀ the covariance, z independent standard normals:

    normal      loss = -e·Bz
    student_t   loss = -e·Bz √((ν-2)/χ²)              one χ² with ν degrees for the whole book; the variance stays
    lognormal   loss = -e·(exp(Bz - diag(Σ)/2) - 1)   the expected return stays 0

Losses are positive. For normal and student_t the book's loss has the same law as a return, so its closed form stands
beside (`parametric_var`), with contributions of the symbols that add up to it. Glasserman (2004), chapter 9; McNeil,
Frey and Embrechts (2015), *Quantitative Risk Management*, 2.2.
"""

import math
from typing import Annotated, Literal, NamedTuple

import numpy as np
from msgspec import Meta, Struct
from numpy.typing import NDArray

from calc.covariances import Correlation, CovarianceMatrix, from_correlation, from_covariance, smallest_eigenvalue
from calc.errors import Fault, InvalidData, step
from calc.kind import Caution, Estimate, Plan, once_per_params
from calc.numerics import elliptical, tails
from calc.numerics.correlation import factor
from calc.numerics.streams import stream
from calc.positions import Position, exposures, symbols_of
from calc.quantities import Confidence, Positive, Seed, Volatility, looks_like_percent, measure

NAME = "var_mc"
VERSION = 1
ALIASES: tuple[str, ...] = ("calculate_var",)
SUMMARY = "Value at risk and expected shortfall of a portfolio, simulated."
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

BLOCK = 4096  # scenarios that share a random stream and a matrix product: part of the version, the bits depend on it
LEAST_BEYOND = 30  # losses beyond VaR, below which its error says nothing
MOST_KEPT = 100_000  # losses in a partial: with their scenarios 1.6 MB of text
_PART_NS = 500_000_000  # on an idle core of 2020s make
_MOST_BLOCKS_A_PART = 512
_WAVE_KEPT = 500_000  # losses that a fold merges: 8 MB of partials


class Params(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    positions: Annotated[list[Position], Meta(min_length=1, max_length=10_000, title="Positions")]
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
        Literal["year", "day"], Meta(title="Volatility period", description="What volatilities and covariance are per.")
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
    distribution: Annotated[
        Literal["normal", "student_t", "lognormal"], Meta(title="Distribution", description="Of the returns.")
    ] = "normal"
    degrees_of_freedom: Annotated[
        Annotated[float, Meta(gt=2, le=200)] | None,
        measure("Degrees of freedom", "none", "Of Student's t; its variance is scaled to the volatilities.", 4),
    ] = None
    confidence: Confidence
    horizon_days: Annotated[float, measure("Horizon", "days", "Over which the loss is meant.", 10, gt=0, le=2520)]
    scenarios: Annotated[int, measure("Scenarios", "count", "Simulated horizons.", 100_000, ge=1000, le=10**9)] = (
        100_000
    )
    target_standard_error: Annotated[
        Positive | None,
        measure("Target standard error", "currency", "Stop before `scenarios` when VaR's is at most this.", 50),
    ] = None
    seed: Seed | None = None


class Partial(Struct, frozen=True):
    """The largest losses, first to last (little-endian 8-byte floats), and their scenarios (4-byte integers)."""

    scenarios: int
    losses: bytes
    indexes: bytes


Accumulator = Partial


class Diagnostics(Struct, frozen=True):
    method: str
    distribution: str
    estimator: str
    scenarios: int
    beyond_var: int
    blocks: int
    block_size: int
    stopped_early: bool
    horizon: str
    units: dict[str, str]
    warnings: list[Caution]


class Result(Struct, frozen=True):
    """Losses are positive. The parametric figures and contributions are null for lognormal returns."""

    var: float
    es: float
    portfolio_value: float
    parametric_var: float | None
    parametric_es: float | None
    undiversified_var: float | None
    contributions: dict[str, float] | None
    standard_error: dict[str, float]
    interval_95: dict[str, tuple[float, float]]
    diagnostics: Diagnostics


class Book(NamedTuple):
    """What every part needs of the Params: n symbols, k independent normals."""

    symbols: list[str]
    exposures: NDArray[np.float64]  # n, currency
    factor: NDArray[np.float64]  # n × k, over the horizon
    loading: NDArray[np.float64]  # k: Bᵀe
    covariance: NDArray[np.float64]  # n × n, over the horizon


def plan(params: Params) -> Plan:
    """Blocks of scenarios, as many to a part as take about half a second. All that is wrong is told here."""
    faults = [*_faults(params), *_covariance(params)[1]]
    if faults:
        raise InvalidData(faults)
    parts = math.ceil(_blocks(params.scenarios) / _blocks_a_part(params))
    largest_wave = min(max(_WAVE_KEPT // _kept(params), 4), 64)
    first_wave = 1 if params.target_standard_error is not None else min(8, largest_wave)
    return Plan(parts, first_wave, largest_wave)


def run(params: Params, part: int) -> Partial:
    """The largest losses of the part's blocks: as many as the whole task needs, for they might all be here."""
    a_part = _blocks_a_part(params)
    blocks = range(part * a_part, min((part + 1) * a_part, _blocks(params.scenarios)))
    losses = np.concatenate([_losses(params, _book(params), block) for block in blocks])
    return _packed(tails.largest(losses, blocks.start * BLOCK, _kept(params)), losses.size)


def reduce(params: Params, accumulator: Partial | None, partials: list[Partial]) -> Partial:
    """The largest losses of all."""
    folded = partials if accumulator is None else [accumulator, *partials]
    tail = tails.merge([_unpacked(each) for each in folded], _kept(params))
    return _packed(tail, sum(each.scenarios for each in folded))


def estimate(params: Params, accumulator: Partial) -> Estimate | None:
    """VaR so far, once there are enough losses beyond it."""
    if tails.expected_beyond(params.confidence, accumulator.scenarios) < LEAST_BEYOND:
        return None
    risk = tails.risk(_unpacked(accumulator).losses, params.confidence, accumulator.scenarios)
    return Estimate(risk.var, risk.var_error)


def enough(params: Params, accumulator: Partial) -> bool:
    """Whether the standard error of VaR has come down to the target."""
    if params.target_standard_error is None:
        return False
    so_far = estimate(params, accumulator)
    return so_far is not None and so_far.standard_error <= params.target_standard_error


def result(params: Params, accumulator: Partial) -> Result:
    """VaR and ES of the scenarios folded so far, the closed form beside them."""
    book = _book(params)
    risk = tails.risk(_unpacked(accumulator).losses, params.confidence, accumulator.scenarios)
    closed = None
    if params.distribution != "lognormal":
        closed = elliptical.closed_form(params.confidence, params.degrees_of_freedom, book.exposures, book.factor)
    return Result(
        var=risk.var,
        es=risk.es,
        portfolio_value=math.fsum(book.exposures),
        parametric_var=closed.var if closed else None,
        parametric_es=closed.es if closed else None,
        undiversified_var=closed.undiversified if closed else None,
        contributions=dict(zip(book.symbols, closed.contributions, strict=True)) if closed else None,
        standard_error={"var": risk.var_error, "es": risk.es_error},
        interval_95={"var": risk.var_interval, "es": risk.es_interval},
        diagnostics=Diagnostics(
            method="monte_carlo",
            distribution=params.distribution,
            estimator="VaR: order statistic ⌈αn⌉; ES: Acerbi-Tasche; errors: binomial, influence function",
            scenarios=accumulator.scenarios,
            beyond_var=risk.beyond,
            blocks=_blocks(accumulator.scenarios),
            block_size=BLOCK,
            stopped_early=accumulator.scenarios < params.scenarios,
            horizon=f"{params.horizon_days:g} days, sqrt_time",
            units=dict.fromkeys(_IN_CURRENCY, "currency"),
            warnings=_warnings(params, book),
        ),
    )


_IN_CURRENCY = ("var", "es", "portfolio_value", "parametric_var", "parametric_es", "undiversified_var", "contributions")


def _faults(params: Params) -> list[Fault]:
    """What is wrong between fields, covariance and volatilities apart."""
    faults = []
    if params.volatility_period == "year" and params.days_per_year is None:
        faults.append(Fault("$.days_per_year", "is missing: volatilities are per year, the horizon is in days"))
    degrees = params.degrees_of_freedom
    if (params.distribution == "student_t") != (degrees is not None):
        faults.append(Fault("$.degrees_of_freedom", "belongs to the distribution student_t, which needs it", degrees))
    beyond = tails.expected_beyond(params.confidence, params.scenarios)
    if beyond < LEAST_BEYOND:
        least = math.ceil(LEAST_BEYOND / tails.expected_beyond(params.confidence, 1))
        detail = f"leaves {beyond:g} losses beyond VaR at confidence {params.confidence:g}: too few, it needs {least:,}"
        faults.append(Fault("$.scenarios", detail, params.scenarios, f"at least {least}", "too_few_scenarios"))
    elif _kept(params) > MOST_KEPT:
        detail = f"would keep {_kept(params):,} losses beyond VaR: at most {MOST_KEPT:,}"
        faults.append(Fault("$.scenarios", detail, params.scenarios, "fewer, or a higher confidence", "too_large"))
    return faults


@once_per_params
def _covariance(params: Params) -> tuple[NDArray[np.float64], list[Fault]]:
    """Of the symbols, over the horizon; and what is wrong with volatilities, correlation and covariance."""
    symbols = symbols_of(params.positions)
    faults: list[Fault] = []
    if params.covariance is not None:
        if params.volatilities is not None or params.correlation is not None:
            faults.append(Fault("$.covariance", "stands in place of volatilities and correlation: not beside them"))
        covariance, wrong = from_covariance(params.covariance, symbols)
    else:
        known = params.volatilities or {}
        faults += [
            Fault(step("$.volatilities", symbol), f"is missing: the positions hold {symbol}", code="missing")
            for symbol in symbols
            if symbol not in known
        ]
        volatilities = [known.get(symbol, 0.0) for symbol in symbols]
        covariance, wrong = from_correlation(params.correlation, volatilities, symbols)
    periods = params.horizon_days / (1.0 if params.volatility_period == "day" else params.days_per_year or 1.0)
    return covariance * periods, faults + wrong


@once_per_params
def _book(params: Params) -> Book:
    """What the parts need; the factor is their own, for planning does not need it."""
    symbols = symbols_of(params.positions)
    covariance, _ = _covariance(params)
    exposed = np.array(exposures(params.positions, symbols))
    spread = factor(covariance)
    loading = np.array([math.fsum(exposed * column) for column in spread.T])
    return Book(symbols, exposed, spread, loading, covariance)


def _losses(params: Params, book: Book, block: int) -> NDArray[np.float64]:
    """The losses of one block. The whole block is drawn, also for the last, which gives what is left of it.

    Sums run over the rows one by one: their bits depend on no matrix product. Lognormal needs one, of fixed shape.
    """
    random = stream(params.seed or 0, block)
    z = random.standard_normal((book.loading.size, BLOCK))
    losses = np.zeros(BLOCK)
    if params.distribution == "lognormal":
        returns = book.factor @ z
        returns -= 0.5 * book.covariance.diagonal()[:, np.newaxis]
        np.expm1(returns, out=returns)
        weighted = zip(returns, book.exposures, strict=True)
    else:
        weighted = zip(z, book.loading, strict=True)
    for row, weight in weighted:
        row *= weight
        losses -= row
    if params.distribution == "student_t":
        degrees = params.degrees_of_freedom or 0.0
        losses *= np.sqrt((degrees - 2) / random.chisquare(degrees, BLOCK))
    return losses[: params.scenarios - block * BLOCK]


def _blocks(scenarios: int) -> int:
    return math.ceil(scenarios / BLOCK)


def _blocks_a_part(params: Params) -> int:
    """About half a second of work, by what a scenario costs in nanoseconds."""
    symbols = len(symbols_of(params.positions))
    cost = 60 + 14 * symbols
    if params.distribution == "lognormal":
        cost += 12 * symbols + symbols * symbols // 20
    return min(max(_PART_NS // (cost * BLOCK), 1), _MOST_BLOCKS_A_PART)


def _kept(params: Params) -> int:
    return tails.needed(params.confidence, params.scenarios)


def _packed(tail: tails.Tail, scenarios: int) -> Partial:
    return Partial(scenarios, tail.losses.astype("<f8").tobytes(), tail.scenarios.astype("<u4").tobytes())


def _unpacked(partial: Partial) -> tails.Tail:
    return tails.Tail(np.frombuffer(partial.losses, "<f8"), np.frombuffer(partial.indexes, "<u4"))


def _warnings(params: Params, book: Book) -> list[Caution]:
    cautions = []
    for symbol in book.symbols:
        volatility = (params.volatilities or {}).get(symbol, 0.0)
        cautions += looks_like_percent(step("$.data.volatilities", symbol), volatility, 5)
    if smallest_eigenvalue(book.covariance) < -1e-13:
        path = "$.data.correlation" if params.covariance is None else "$.data.covariance"
        detail = "its smallest eigenvalue is below 0 by rounding (less than 1e-10) and was taken as 0"
        cautions.append(Caution("eigenvalue_rounded", path, detail))
    return cautions
