"""An option on several assets under Black and Scholes: on their weighted sum, their best or worst, or a spread.

    arithmetic, spread  (w (Σ weight S - K))⁺      a spread has weights of both signs
    max, min            (w (max or min of weight S - K))⁺

`method`, by default the most accurate that there is:

    quadrature   sums of up to 4 assets: the factor along which the sum rises is integrated in closed form, the others
                 by Gauss-Hermite, the order of each raised until two agree (2e-12 of the basket; Krekel, de Kock, Korn
                 and Man 2004); best or worst of two: an integral of Black's formula (Stulz 1982)
    rqmc         Owen-scrambled Sobol points in 32 replicates; principal components; the error from the replicates
    monte_carlo  pseudo-random outcomes (Philox)

With `control` a simulated sum is integrated over the same factor in closed form, and the best or worst over a factor
that moves all assets alike; where correlations are so near singular that there is none, the control is the option on
the geometric basket, or the discounted sum. No volatility or no time: the certain answer (closed_form). The default is
rqmc where Gauss-Hermite would not settle to 1e-9 of the basket: wide laws of assets that move against each other.

Refused: lists of unequal length, matrices that are no correlations (`not_psd`, unless `repair` is nearest), negative
weights without a spread, methods that do not exist for the basket, more than 1e12 simulated numbers. A singular
matrix is legal. Cost: quadrature 1 to 3 ms for 4 assets; simulated outcomes 25 ns an asset, and 0.1 ns times its
square.
"""

import math
from typing import Any

import numpy as np
from msgspec import Struct

from calc.errors import CalcError
from calc.kind import Caution, Estimate, Plan, once_per_params
from calc.kinds import option_basket_samples as samples
from calc.kinds.option_basket_params import (
    Params,
    discount,
    exact_method,
    is_sum,
    method_of,
)
from calc.numerics import basket, normal, replicates
from calc.numerics.basket import Integrated
from calc.numerics.moments import Moments
from calc.quantities import looks_like_percent

NAME = "option_basket"
VERSION = 2
ALIASES: tuple[str, ...] = ()
SUMMARY = "Price of an option on a basket, the best or worst of several assets, or a spread."
EXAMPLE = {
    "type": "call",
    "spots": [100, 100, 100, 100],
    "weights": [0.25, 0.25, 0.25, 0.25],
    "strike": 100,
    "maturity": 5,
    "rate": 0,
    "volatilities": [0.4, 0.4, 0.4, 0.4],
    "correlation": 0.5,
    "style": "arithmetic",
    "method": "rqmc",
    "paths": 65_536,
    "seed": 42,
}
_OPTION = {
    "type": "put",
    "spots": [100, 90],
    "weights": [0.5, 0.5],
    "strike": 95,
    "maturity": 1,
    "rate": 0.03,
    "volatilities": [0.2, 0.3],
    "correlation": 0.4,
}
_SIMULATED = {"paths": 1024, "seed": 1}
FURTHER_EXAMPLES: tuple[dict[str, Any], ...] = (
    {**_OPTION, "style": "arithmetic"},
    {**_OPTION, "style": "max"},
    {**_OPTION, **_SIMULATED, "style": "arithmetic", "method": "monte_carlo"},
    {**_OPTION, **_SIMULATED, "style": "min", "method": "rqmc"},
    {**_OPTION, **_SIMULATED, "style": "max", "method": "monte_carlo", "variance_reduction": "none"},
    {**_OPTION, **_SIMULATED, "style": "arithmetic", "method": "rqmc", "variance_reduction": "none"},
    {**_OPTION, **_SIMULATED, "style": "min", "method": "rqmc", "correlation": 1},
    {**_OPTION, **_SIMULATED, "style": "arithmetic", "method": "rqmc", "correlation": -1}
    | {"spots": [100, 100], "volatilities": [0.2, 0.2], "strike": 105},
)


SETTLED = 1e-9  # of the basket: a quadrature whose last two orders differ by more is no exact price


class Partial(Struct, frozen=True):
    """Moments of payoff and control, of each replicate (one of them for monte_carlo)."""

    price: list[Moments]


Accumulator = Partial


class Diagnostics(Struct, frozen=True):
    method: str
    estimator: str
    model: str
    assets: int
    paths: int
    replicates: int
    stopped_early: bool
    control_coefficient: float | None
    residual: float | None
    repair_distance: float | None
    units: dict[str, str]
    warnings: list[Caution]


class Result(Struct, frozen=True):
    """`price` is the answer of `method`; `exact_price` the same by quadrature, where that can be.

    `forward` is the expected basket at maturity of a sum; null for the best or worst.
    """

    price: float
    exact_price: float | None
    forward: float | None
    standard_error: dict[str, float] | None
    interval_95: dict[str, tuple[float, float]] | None
    diagnostics: Diagnostics


def plan(params: Params) -> Plan:
    """Pieces of all replicates. With a target, waves begin with one small part."""
    if not _simulates(params):
        return Plan(parts=1)
    parts = samples.layout(params).parts
    return Plan(parts=parts) if params.target_standard_error is None else Plan(parts=parts, first_wave=1)


def cost(params: Params) -> float:
    seconds = 1.3e-3 if exact_method(params) == "quadrature" else 3e-4
    if _simulates(params):
        layout = samples.layout(params)
        pairs = 2 if samples.is_antithetic(params) else 1
        points, n = layout.points * layout.replicates * pairs, len(params.spots)
        integrated = is_sum(params) and params.variance_reduction.endswith("control")
        a_path = 5e-8 + 2e-8 * n if integrated else 1e-8 + 6e-9 * n
        seconds += 1e-3 + points * (a_path + 1e-10 * n * n) + 5e-9 * n**3
    return seconds


def run(params: Params, part: int) -> Partial:
    """The part's piece of every replicate."""
    if not _simulates(params):
        return Partial([])
    layout = samples.layout(params)
    first = part * layout.piece
    count = min(layout.piece, layout.points - first)
    numbers = [-1] if layout.replicates == 1 else range(layout.replicates)
    return Partial([samples.sample(params, replicate, first, count) for replicate in numbers])


def reduce(params: Params, accumulator: Partial | None, partials: list[Partial]) -> Partial:
    """Moments of each replicate, merged in part order."""
    merged, rest = (accumulator, partials) if accumulator is not None else (partials[0], partials[1:])
    for partial in rest:
        merged = Partial(replicates.merged(merged.price, partial.price))
    return merged


def estimate(params: Params, accumulator: Partial) -> Estimate | None:
    """The price so far."""
    if not _simulates(params):
        return None
    value, error, _ = _price(params, accumulator)
    return Estimate(value, error, paths_in(params, accumulator))


def enough(params: Params, accumulator: Partial) -> bool:
    """Whether the standard error has come down to the target."""
    if params.target_standard_error is None or not _simulates(params):
        return False
    return _price(params, accumulator).standard_error <= params.target_standard_error


def result(params: Params, accumulator: Partial) -> Result:
    """Price with its error; the quadrature's beside."""
    exact = _exact(params)
    if _simulates(params):
        price = _price(params, accumulator)
    elif exact is not None:
        price = replicates.Mean(_side(params, exact), 0.0, None)
    else:
        raise CalcError("no method but simulation answers this basket", code="internal_check_failed")
    simulated = _simulates(params)
    return Result(
        price=price.value,
        exact_price=None if exact is None else _side(params, exact),
        forward=math.fsum(samples.prepared(params).terms.forwards.tolist()) if is_sum(params) else None,
        standard_error={"price": price.standard_error} if simulated else None,
        interval_95={"price": normal.interval_95(*price[:2])} if simulated else None,
        diagnostics=_diagnostics(params, accumulator, price.coefficient, exact),
    )


def check_bounds(call: float, put: float, forward: float, strike: float, slack: float) -> None:
    """Call and put are worth at least what they pay for certain, and differ by forward less strike."""
    parity = call - put - (forward - strike)
    least = min(call - max(forward - strike, 0.0), put - max(strike - forward, 0.0))
    if not (abs(parity) <= slack and least >= -slack):
        detail = f"call {call!r} and put {put!r} do not go with forward {forward!r} and strike {strike!r}"
        raise CalcError(f"put_call_parity: {detail}", code="internal_check_failed")


def _simulates(params: Params) -> bool:
    return method_of(params) in ("rqmc", "monte_carlo")


def _price(params: Params, accumulator: Partial) -> replicates.Mean:
    return replicates.mean(accumulator.price, samples.expected_control(params))


def _side(params: Params, exact: Integrated) -> float:
    return discount(params) * (exact.call if params.type == "call" else exact.put)


@once_per_params
def _exact(params: Params) -> Integrated | None:
    """Undiscounted call and put without simulation."""
    method = exact_method(params)
    if method is None:
        return None
    terms, strike = samples.prepared(params).terms, params.strike
    if method == "closed_form":
        values = terms.forwards
        basket_value = {"max": np.max, "min": np.min}.get(params.style, np.sum)(values)
        return Integrated(max(float(basket_value) - strike, 0.0), max(strike - float(basket_value), 0.0), 0.0, 0)
    if is_sum(params):
        loadings = basket.direction(terms)
        if loadings is None:
            raise CalcError("the basket has no factor in which it rises", code="internal_check_failed")
        found, forward = basket.integrated(terms, loadings, strike), math.fsum(terms.forwards.tolist())
    else:
        found, forward = _extreme_of_two(params, terms)
    size = math.fsum(np.abs(terms.forwards).tolist()) + abs(strike)
    check_bounds(found.call, found.put, forward, strike, 1e-6 * size)
    return None if _simulates(params) and found.residual > SETTLED * size else found


def _extreme_of_two(params: Params, terms: basket.Terms) -> tuple[Integrated, float]:
    """Call and put, and the expected best or worst."""
    strike = params.strike
    best, best_or_strike = basket.greatest_of_two(terms, 0.0), basket.greatest_of_two(terms, strike)
    call, forward = max(best_or_strike - strike, 0.0), best
    if params.style == "min":
        deviations = np.sqrt(terms.covariance.diagonal()).tolist()
        calls = [
            basket.black(forward, strike, s) for forward, s in zip(terms.forwards.tolist(), deviations, strict=True)
        ]
        call = max(math.fsum([*calls, -call]), 0.0)
        forward = math.fsum([*terms.forwards.tolist(), -best])
    return Integrated(call, max(call - (forward - strike), 0.0), 0.0, 0), forward


def paths_in(params: Params, partial: Partial) -> int:
    """Paths in the moments of a partial, or of all that are folded."""
    return sum(m.n for m in partial.price) * (2 if samples.is_antithetic(params) else 1)


def _diagnostics(
    params: Params, accumulator: Partial, coefficient: float | None, exact: Integrated | None
) -> Diagnostics:
    made = sum(m.n for m in accumulator.price)
    asked = samples.layout(params) if made else None
    return Diagnostics(
        method=method_of(params),
        estimator=samples.estimator(params),
        model="black_scholes",
        assets=len(params.spots),
        paths=paths_in(params, accumulator),
        replicates=len(accumulator.price),
        stopped_early=asked is not None and made < asked.points * asked.replicates,
        control_coefficient=coefficient,
        residual=None if exact is None else discount(params) * exact.residual,
        repair_distance=samples.prepared(params).distance,
        units={"price": "currency", "forward": "currency"},
        warnings=_warnings(params, exact),
    )


def _warnings(params: Params, exact: Integrated | None) -> list[Caution]:
    cautions = looks_like_percent("$.data.rate", params.rate, 1)
    for i, volatility in enumerate(params.volatilities):
        cautions += looks_like_percent(f"$.data.volatilities[{i}]", volatility, 5)
    for i, dividend_yield in enumerate(params.dividend_yields or []):
        cautions += looks_like_percent(f"$.data.dividend_yields[{i}]", dividend_yield, 1)
    if params.method is not None and params.method != method_of(params):
        detail = f"nothing is left to chance: answered by {method_of(params)}, not {params.method}"
        cautions.append(Caution("not_simulated", "$.data.method", detail))
    size = math.fsum(np.abs(samples.prepared(params).terms.forwards).tolist())
    if exact is not None and exact.residual > SETTLED * (size + abs(params.strike)):
        detail = f"Gauss-Hermite settled to {exact.residual:.3g} only: compare with method rqmc"
        cautions.append(Caution("quadrature_not_settled", "$.data.method", detail))
    if _simulates(params) and max(params.volatilities) * math.sqrt(params.maturity) > 2.5:
        detail = "volatility × √maturity is above 2.5: rare paths carry the price, and the standard error is too small"
        cautions.append(Caution("heavy_tail", "$.data.volatilities", detail))
    return cautions[:100]
