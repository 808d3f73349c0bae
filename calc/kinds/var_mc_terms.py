"""The data of `var_mc`: fields, the covariance and drift over the horizon, and what is wrong with them."""

from typing import Annotated, Literal, NamedTuple

import numpy as np
from msgspec import Meta, Struct
from numpy.typing import NDArray

from calc.covariances import Correlation, CovarianceMatrix, from_correlation, from_covariance
from calc.errors import Fault, step
from calc.kind import once_per_params
from calc.positions import Factors, Position, Symbol, faults_of_factors, symbols_of
from calc.quantities import Confidence, Positive, Seed, Volatility, measure


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


class Model(NamedTuple):
    """Covariance (of returns, or of risk factors) and drift over the horizon, and what is wrong with them."""

    covariance: NDArray[np.float64]
    drift: NDArray[np.float64]
    faults: list[Fault]


@once_per_params
def model_of(params: Params) -> Model:
    """The market of the data, by symbol, and what is wrong with it."""
    symbols = names_of(params)
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
    periods = periods_of(params)
    return Model(covariance * periods, np.array([drift.get(symbol, 0.0) for symbol in symbols]) * periods, faults)


def periods_of(params: Params) -> float:
    """The horizon, in what volatilities are per."""
    if params.horizon_days is None:
        return 1.0
    return params.horizon_days / (1.0 if params.volatility_period == "day" else params.days_per_year or 1.0)


@once_per_params
def names_of(params: Params) -> list[str]:
    """Of the symbols, or of the risk factors."""
    if params.method == "delta_gamma":
        size = len(params.delta or ())
        given = params.symbols or ()
        return list(given) if len(given) == size else [str(i + 1) for i in range(size)]
    return symbols_of(params.positions or [])
