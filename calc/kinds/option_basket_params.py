"""What `option_basket` is asked: its data, the rules between them, and what follows from them."""

import math
from typing import Annotated, Literal

import numpy as np
from msgspec import Meta, Struct
from numpy.typing import NDArray

from calc import covariances
from calc.covariances import Repair
from calc.errors import Fault, InvalidData
from calc.kind import once_per_params
from calc.numerics import basket, correlation
from calc.numerics.basket import Terms
from calc.quantities import DividendYield, Maturity, Positive, Rate, Seed, Spot, Volatility, measure

Style = Literal["arithmetic", "max", "min", "spread"]
Reduction = Literal["none", "antithetic", "control", "antithetic_control"]
Method = Literal["closed_form", "quadrature", "rqmc", "monte_carlo"]

MOST_ASSETS = 500
MOST_WORK = 1e12  # paths × numbers a path
WIDEST = 25.0  # variance to maturity up to which Gauss-Hermite is the default
_Size = Meta(min_length=2, max_length=MOST_ASSETS)


class Params(Struct, frozen=True, forbid_unknown_fields=True):
    type: Annotated[Literal["call", "put"], Meta(title="Type", description="The right to buy or to sell.")]
    spots: Annotated[Annotated[list[Spot], _Size], measure("Spots", "currency", "Prices of the assets now.", [100, 90])]
    strike: Annotated[
        float,
        measure("Strike", "currency", "Of the basket; may be 0 or below with a spread.", 100, ge=-1e9, le=1e9),
    ]
    maturity: Maturity
    rate: Rate
    volatilities: Annotated[
        Annotated[list[Volatility], _Size],
        measure("Volatilities", "per square root of a year", "Of the assets; 0.2 is 20 %.", [0.2, 0.3]),
    ]
    correlation: Annotated[
        float | list[list[float]],
        Meta(
            title="Correlation",
            description="Of the assets' returns: one number for every pair, or a full matrix.",
            examples=[0.5, [[1, 0.6], [0.6, 1]]],
            extra_json_schema={"x-unit": "none"},
        ),
    ]
    style: Annotated[
        Style, Meta(title="Style", description="Weighted sum, the best or worst of the weighted assets, or a spread.")
    ] = "arithmetic"
    weights: Annotated[
        Annotated[list[Annotated[float, Meta(ge=-1e9, le=1e9)]], _Size] | None,
        measure(
            "Weights",
            "units",
            "Of the assets, below 0 in a spread only. Without them 1/n each; 1 each for max and min; 1 for the first "
            "and -1 for the others of a spread.",
            [0.5, 0.5],
        ),
    ] = None
    dividend_yields: Annotated[
        Annotated[list[DividendYield], _Size] | None,
        measure("Dividend yields", "per year", "Of the assets, continuously compounded; without them 0.", [0, 0.02]),
    ] = None
    repair: Repair = "none"
    method: Annotated[
        Method | None,
        Meta(
            title="Method",
            description="Without it the most accurate there is: quadrature for sums of up to 4 assets (where it "
            "settles) and the best or worst of 2, else rqmc: quasi-random points in 32 replicates. "
            "monte_carlo: pseudo-random.",
        ),
    ] = None
    paths: Annotated[int, measure("Paths", "count", "Simulated outcomes.", 131_072, ge=1000, le=10**10)] = 131_072
    variance_reduction: Annotated[
        Reduction,
        Meta(title="Variance reduction", description="How the same paths say more; antithetic with monte_carlo only."),
    ] = "control"
    target_standard_error: Annotated[
        Positive | None,
        measure("Target standard error", "currency", "Stop before `paths` when the price's is at most this.", 0.001),
    ] = None
    seed: Seed | None = None

    def __post_init__(self) -> None:
        faults = [*_lengths(self), *_weights(self), *_growth(self)]
        if not faults:
            faults = covariances.of_assets(None, self.volatilities, self.correlation, names(self), self.repair)[1]
        if not faults:
            faults = _how(self)
        if faults:
            raise InvalidData(faults)


def names(params: Params) -> list[str]:
    return covariances.asset_names(None, len(params.spots))[0]


def is_sum(params: Params) -> bool:
    return params.style in ("arithmetic", "spread")


def weights_of(params: Params) -> list[float]:
    n = len(params.spots)
    if params.weights is not None:
        return params.weights
    if params.style == "spread":
        return [1.0, *[-1.0] * (n - 1)]
    return [1.0 / n if params.style == "arithmetic" else 1.0] * n


def covariance_given(params: Params) -> NDArray[np.float64]:
    """A year's, as it was sent."""
    return covariances.of_assets(None, params.volatilities, params.correlation, names(params), params.repair)[0]


def terms_of(params: Params, covariance: NDArray[np.float64]) -> Terms:
    """The weighted assets, with this covariance of a year."""
    return basket.terms_of(
        np.array(params.spots, dtype=np.float64),
        np.array(weights_of(params)),
        np.array(params.dividend_yields or [0.0] * len(params.spots), dtype=np.float64),
        params.rate,
        params.maturity,
        covariance,
    )


@once_per_params
def _methods(params: Params) -> tuple[Method | None, Method]:
    """How the option can be valued without simulation, and how it is valued best."""
    widest = max(params.volatilities) ** 2 * params.maturity
    if widest == 0:
        return "closed_form", "closed_form"
    covariance = covariance_given(params)
    live = sum(weight != 0 for weight in weights_of(params))
    if widest > WIDEST or live > basket.MOST_BY_QUADRATURE:
        return None, "rqmc"
    if not is_sum(params):
        return ("quadrature", "quadrature") if live == 2 else (None, "rqmc")
    if params.repair == "nearest" and correlation.check_covariance(covariance, names(params)):
        return None, "rqmc"
    terms = terms_of(params, covariance)
    found = basket.direction(terms)
    if found is None:
        return None, "rqmc"
    return "quadrature", "quadrature" if basket.settles(terms, found) else "rqmc"


def exact_method(params: Params) -> Method | None:
    """How the option can be valued without simulation; None where it must be simulated."""
    return _methods(params)[0]


def method_of(params: Params) -> Method:
    """The method that answers; what is certain is not simulated."""
    exact, best = _methods(params)
    return "closed_form" if exact == "closed_form" else params.method or best


def numbers_a_path(params: Params) -> int:
    """The work of one path: exponentials, and products with the factors."""
    n = len(params.spots)
    return n * (1 + n // 64)


def _lengths(params: Params) -> list[Fault]:
    n = len(params.spots)
    faults = []
    for field in ("volatilities", "weights", "dividend_yields"):
        given = getattr(params, field)
        if given is not None and len(given) != n:
            detail = f"has {len(given)} entries, spots has {n}"
            faults.append(Fault(f"$.{field}", detail, code="length_mismatch"))
    return faults


def _weights(params: Params) -> list[Fault]:
    faults = []
    given = params.weights or []
    for i, weight in enumerate(given):
        if weight < 0 and params.style != "spread":
            faults.append(Fault(f"$.weights[{i}]", "is below 0: for that the style is spread", weight))
        elif weight == 0 and not is_sum(params):
            faults.append(Fault(f"$.weights[{i}]", f"must be above 0: style {params.style} compares all", weight))
        elif 0 < abs(weight) < 1e-9:
            faults.append(Fault(f"$.weights[{i}]", "is too small: 0, or at least 1e-9", weight, code="out_of_range"))
    if given and not any(given):
        faults.append(Fault("$.weights", "are all 0"))
    if params.style != "spread" and params.strike < 1e-9:
        faults.append(Fault("$.strike", "must be above 0: only a spread's may be lower", params.strike))
    return faults[:100]


def _growth(params: Params) -> list[Fault]:
    rates = [("$.rate", params.rate)]
    rates += [(f"$.dividend_yields[{i}]", each) for i, each in enumerate(params.dividend_yields or [])]
    return [
        Fault(path, f"times maturity is {rate * params.maturity:g}: at most 100", rate, code="out_of_range")
        for path, rate in rates
        if not abs(rate * params.maturity) <= 100
    ][:100]


def _how(params: Params) -> list[Fault]:
    """Method, variance reduction and work of data that are right otherwise."""
    faults = []
    exact = exact_method(params)
    if params.method in ("closed_form", "quadrature") and params.method != exact:
        others = ", ".join(each for each in (exact, "rqmc", "monte_carlo") if each)
        detail = f"there is no {params.method.replace('_', ' ')} for this basket"
        faults.append(Fault("$.method", detail, params.method, others))
    if params.variance_reduction.startswith("antithetic"):
        if params.method != "monte_carlo":
            detail = "goes with method monte_carlo: quasi-random points are balanced already"
            faults.append(Fault("$.variance_reduction", detail, params.variance_reduction, "none or control"))
        elif params.paths % 2:
            faults.append(Fault("$.paths", "must be even: antithetic paths come in pairs", params.paths))
    work = float(params.paths) * numbers_a_path(params)
    if work > MOST_WORK and method_of(params) in ("rqmc", "monte_carlo"):
        detail = f"paths × numbers a path = {work:.3g} exceeds {MOST_WORK:.0e}: reduce paths"
        faults.append(Fault("$.paths", detail, params.paths, code="too_large"))
    return faults


def discount(params: Params) -> float:
    return math.exp(-params.rate * params.maturity)
