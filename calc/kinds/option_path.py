"""An option on a path under Black and Scholes: an average, a barrier or an extreme decides what it pays.

    asian        (w (A - K))⁺, A the arithmetic or geometric average over the fixings
    barrier      (w (S_T - K))⁺ if the barrier was hit (in) or never hit (out); else the rebate
    lookback     fixed: (max - K)⁺, (K - min)⁺;  floating: S_T - min, max - S_T

`method`, by default the most accurate that there is:

    closed_form  geometric averages (Kemna and Vorst 1990), barriers and extremes that are watched all the time
                 (Reiner and Rubinstein 1991; Goldman, Sosin and Gatto 1979; Conze and Viswanathan 1991), arithmetic
                 averages of one date to come or with a strike that they exceed for certain: 1e-12 of the spot
    quadrature   barriers watched at dates: the density is carried from date to date; 1e-9 of the spot
    rqmc         all else: Owen-scrambled Sobol points in 32 replicates, Brownian bridge; the error from the replicates
    monte_carlo  pseudo-random paths (Philox)

What is simulated has no discretisation error: steps are exact in law, and between the dates of a barrier or extreme
watched all the time the Brownian bridge says how likely a hit is, or draws the extreme. With `control` an arithmetic
average is integrated in closed form over its geometric one, given the rest of the path: the control without any error
left. A barrier has the vanilla option as control, an extreme the discounted last price. The rebate of a knock-out
watched all the time is added in closed form. Glasserman (2004), *Monte Carlo Methods in Financial Engineering*, 3 to 6.

Beside the price: what is watched all the time, what is watched at the dates, and the former with the barrier moved by
Broadie, Glasserman and Kou (1997). No volatility, no time, a barrier hit before now: the certain answer, with a
warning `barrier_already_hit` for the last; a knock-out is then worth its rebate. A fixing at 0 is the spot.

Refused: dates that do not ascend or lie after maturity, fields that do not go together, methods that do not exist for
a style, more than 1e12 simulated numbers. Cost: closed forms 0.1 ms, 252 dates by quadrature 0.05 s; simulated
numbers 8 ns each, arithmetic averages with `control` 25 ns.
"""

import math
from typing import Any

from msgspec import Struct

from calc.errors import CalcError, InvalidData
from calc.kind import Caution, Estimate, Plan, once_per_params
from calc.kinds import option_path_samples as samples
from calc.kinds import option_path_values as values
from calc.kinds.option_path_faults import faults_of
from calc.kinds.option_path_params import Params, is_asian, is_barrier
from calc.kinds.option_path_terms import (
    Terms,
    barrier_option,
    exact_method,
    is_certain,
    simulated,
    terms,
)
from calc.numerics import barrier, discrete_barrier, normal, replicates
from calc.numerics.moments import Moments
from calc.quantities import looks_like_percent

NAME = "option_path"
VERSION = 2
ALIASES: tuple[str, ...] = ()
SUMMARY = "Price of an Asian, barrier or lookback option: closed form, quadrature or quasi-random paths."
EXAMPLE = {
    "style": "asian_arithmetic",
    "type": "call",
    "spot": 100,
    "strike": 100,
    "maturity": 1,
    "rate": 0.05,
    "volatility": 0.2,
    "fixings": 12,
    "paths": 131_072,
    "seed": 42,
}
_OPTION = {"spot": 100, "rate": 0.05, "volatility": 0.2, "maturity": 1, "paths": 1024, "seed": 1}
_ASIAN = {**_OPTION, "style": "asian_arithmetic", "type": "put", "strike": 95, "fixings": 4}
_BARRIER = {**_OPTION, "style": "barrier_down_out", "type": "call", "strike": 100, "barrier": 90}
_LOOKBACK = {**_OPTION, "style": "lookback_floating", "type": "call"}
FURTHER_EXAMPLES: tuple[dict[str, Any], ...] = (
    {**_ASIAN, "style": "asian_geometric"},
    {**_ASIAN, "method": "monte_carlo"},
    {**_ASIAN, "method": "rqmc", "variance_reduction": "none"},
    _BARRIER,
    {**_BARRIER, "fixings": 4},
    {**_BARRIER, "fixings": 4, "method": "rqmc"},
    {**_BARRIER, "style": "barrier_up_in", "barrier": 120, "method": "monte_carlo"},
    _LOOKBACK,
    {**_LOOKBACK, "method": "rqmc", "fixings": 4},
    {**_LOOKBACK, "style": "lookback_fixed", "strike": 95, "fixings": 4, "monitoring": "continuous", "method": "rqmc"},
)


class Partial(Struct, frozen=True):
    """Of each replicate (one of them for monte_carlo): moments of payoff and control, and of the chance of a hit."""

    price: list[Moments]
    hit: list[Moments]


Accumulator = Partial


class Diagnostics(Struct, frozen=True):
    method: str
    estimator: str
    model: str
    monitoring: str
    dates: int
    paths: int
    replicates: int
    stopped_early: bool
    control_coefficient: float | None
    shifted_barrier: float | None
    units: dict[str, str]
    warnings: list[Caution]


class Result(Struct, frozen=True):
    """`price` is the answer of `method`; `exact_price` the same without simulation, where that can be.

    What a style does not have is null. A barrier's `discrete_price` needs fixings, `shifted_price` equal spacing.
    """

    price: float
    exact_price: float | None
    vanilla_price: float | None
    geometric_price: float | None
    continuous_price: float | None
    discrete_price: float | None
    shifted_price: float | None
    hit_probability: float | None
    standard_error: dict[str, float] | None
    interval_95: dict[str, tuple[float, float]] | None
    diagnostics: Diagnostics


def plan(params: Params) -> Plan:
    """Pieces of all replicates. With a target, waves begin with one small part. All that is wrong is told here."""
    faults = faults_of(params)
    if faults:
        raise InvalidData(faults)
    if not _simulates(params):
        return Plan(parts=1)
    parts = samples.layout(params).parts
    return Plan(parts=parts) if params.target_standard_error is None else Plan(parts=parts, first_wave=1)


def cost(params: Params) -> float:
    found = terms(params)
    seconds = 3e-4
    if is_barrier(params) and found.times.size and params.volatility > 0:
        nodes = discrete_barrier.nodes_for(barrier_option(params, found), found.times)
        if nodes <= discrete_barrier.MOST_NODES:
            seconds += 2e-9 * nodes * nodes + 3e-7 * nodes * found.times.size
    if _simulates(params):
        layout = samples.layout(params)
        pairs = 2 if samples.is_antithetic(params) else 1
        paths = layout.points * layout.replicates * pairs
        numbers = simulated(params, found) * (1.7e-8 if samples.conditions(params) else 7e-9)
        seconds += paths * (2.5e-8 + numbers) * (1.0 if layout.replicates > 1 else 0.65)
    return seconds


def run(params: Params, part: int) -> Partial:
    """The part's piece of every replicate."""
    if not _simulates(params):
        return Partial([], [])
    layout = samples.layout(params)
    first = part * layout.piece
    count = min(layout.piece, layout.points - first)
    numbers = [-1] if layout.replicates == 1 else range(layout.replicates)
    found = [samples.sample(params, replicate, first, count) for replicate in numbers]
    return Partial([price for price, _ in found], [hit for _, hit in found])


def reduce(params: Params, accumulator: Partial | None, partials: list[Partial]) -> Partial:
    """Moments of each replicate, merged in part order."""
    merged, rest = (accumulator, partials) if accumulator is not None else (partials[0], partials[1:])
    for partial in rest:
        merged = Partial(replicates.merged(merged.price, partial.price), replicates.merged(merged.hit, partial.hit))
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
    """Price with its error, and what is known without simulation beside it."""
    found, exact = terms(params), _exact(params)
    if _simulates(params):
        price = _price(params, accumulator)
        errors = {"price": price.standard_error}
        hit = replicates.mean(accumulator.hit) if is_barrier(params) else None
        if hit is not None:
            errors["hit_probability"] = hit.standard_error
        chance = hit.value if hit is not None else None
    else:
        if exact is None:
            raise CalcError(f"no method but simulation answers {params.style}", code="internal_check_failed")
        price, errors = replicates.Mean(exact.price, 0.0, None), {}
        chance = exact.hit_probability
    known = {"price": price.value, "hit_probability": chance or 0.0}
    beside = _beside(params)
    return Result(
        price=price.value,
        exact_price=exact.price if exact else None,
        vanilla_price=values.vanilla(params, found),
        geometric_price=values.geometric(params, found) if is_asian(params) and found.times.size else None,
        **beside,
        hit_probability=chance,
        standard_error=errors or None,
        interval_95={name: normal.interval_95(known[name], error) for name, error in errors.items()} or None,
        diagnostics=_diagnostics(params, accumulator, price.coefficient),
    )


def _simulates(params: Params) -> bool:
    return terms(params).method in ("rqmc", "monte_carlo")


@once_per_params
def _exact(params: Params) -> values.Exact | None:
    return values.exact(params, terms(params))


def _price(params: Params, accumulator: Partial) -> replicates.Mean:
    """With the rebate of a knock-out that is watched all the time, in closed form."""
    found = terms(params)
    mean = replicates.mean(accumulator.price, samples.expected_control(params))
    if not (params.rebate and found.continuous and params.style.endswith("out")):
        return mean
    rebate = params.rebate * barrier.rebate_at_hit(barrier_option(params, found))
    return mean._replace(value=mean.value + rebate)


def _beside(params: Params) -> dict[str, float | None]:
    """The barrier option watched all the time, at the dates, and with a barrier that stands for the dates."""
    found = terms(params)
    beside: dict[str, float | None] = {"continuous_price": None, "discrete_price": None, "shifted_price": None}
    if not is_barrier(params) or is_certain(params, found):
        return beside
    option = barrier_option(params, found)
    if option.distance > 0:
        beside["continuous_price"] = values.continuous_barrier(params, option).price
    if found.times.size:
        if discrete_barrier.nodes_for(option, found.times) <= discrete_barrier.MOST_NODES:
            watched = values.discrete_price(params, found) if found.continuous else _exact(params)
            beside["discrete_price"] = watched.price if watched else None
        if params.fixings is not None:
            shifted = barrier.shifted(option, found.times.size)
            beside["shifted_price"] = values.continuous_barrier(params, shifted).price
    return beside


def paths_in(params: Params, partial: Partial) -> int:
    """Paths in the moments of a partial, or of all that are folded."""
    return sum(m.n for m in partial.price) * (2 if samples.is_antithetic(params) else 1)


def _diagnostics(params: Params, accumulator: Partial, coefficient: float | None) -> Diagnostics:
    found = terms(params)
    made = sum(m.n for m in accumulator.price)
    asked = samples.layout(params) if made else None
    shift = is_barrier(params) and params.fixings is not None and found.times.size > 0
    option = barrier_option(params, found)
    return Diagnostics(
        method=found.method,
        estimator=_estimator(params),
        model="black_scholes",
        monitoring="continuous" if found.continuous else "discrete",
        dates=found.times.size,
        paths=paths_in(params, accumulator),
        replicates=len(accumulator.price),
        stopped_early=asked is not None and made < asked.points * asked.replicates,
        control_coefficient=coefficient,
        shifted_barrier=barrier.shifted(option, found.times.size).barrier if shift else None,
        units=_UNITS,
        warnings=_warnings(params, found),
    )


_UNITS = {
    "price": "currency",
    "hit_probability": "fraction, under the pricing measure",
}


def _estimator(params: Params) -> str:
    method = terms(params).method
    if method == "closed_form":
        return "closed form"
    if method == "quadrature":
        return "density carried from date to date by Gauss-Legendre quadrature"
    points = "32 replicates of scrambled Sobol points" if method == "rqmc" else "pseudo-random paths"
    if samples.is_antithetic(params):
        points += " in antithetic pairs"
    if samples.conditions(params):
        return f"{points}, the geometric average integrated in closed form"
    if samples.expected_control(params) is None:
        return points
    return f"{points}, controlled by the {'vanilla option' if is_barrier(params) else 'discounted last price'}"


def _warnings(params: Params, found: Terms) -> list[Caution]:
    cautions = [
        *looks_like_percent("$.data.rate", params.rate, 1),
        *looks_like_percent("$.data.dividend_yield", params.dividend_yield, 1),
        *looks_like_percent("$.data.volatility", params.volatility, 5),
    ]
    if found.already_hit:
        left = "the vanilla option" if params.style.endswith("in") else "the rebate, due now"
        detail = f"the barrier {params.barrier:g} was hit already: what is left is {left}"
        cautions.append(Caution("barrier_already_hit", "$.data.barrier", detail))
    if params.method is not None and params.method != found.method:
        detail = f"nothing is left to chance: answered by {found.method}, not {params.method}"
        cautions.append(Caution("not_simulated", "$.data.method", detail))
    if (
        _simulates(params)
        and params.volatility * math.sqrt(found.maturity) > 2.5
        and exact_method(params, found) is None
    ):
        detail = "volatility × √maturity is above 2.5: rare paths carry the price, and the standard error is too small"
        cautions.append(Caution("heavy_tail", "$.data.volatility", detail))
    return cautions
