"""The answer of `option_path`: the price of its method, and beside it what is known without simulation."""

import math

from msgspec import Struct

from calc.errors import CalcError
from calc.kind import Caution, once_per_params
from calc.kinds import option_path_samples as samples
from calc.kinds import option_path_values as values
from calc.kinds.option_path_params import Params, is_asian, is_barrier
from calc.kinds.option_path_terms import (
    Terms,
    barrier_option,
    exact_method,
    is_certain,
    terms,
)
from calc.numerics import barrier, discrete_barrier, normal, replicates
from calc.numerics.moments import Moments
from calc.quantities import looks_like_percent


class Partial(Struct, frozen=True):
    """Of each replicate (one of them for monte_carlo): moments of payoff and control, and of the chance of a hit."""

    price: list[Moments]
    hit: list[Moments]


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


def answer(params: Params, accumulator: Partial) -> Result:
    """From the moments of all parts; from formulas where nothing is simulated."""
    found, exact = terms(params), _exact(params)
    if simulates(params):
        price = price_so_far(params, accumulator)
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


def simulates(params: Params) -> bool:
    """Whether anything is left to chance."""
    return terms(params).method in ("rqmc", "monte_carlo")


@once_per_params
def _exact(params: Params) -> values.Exact | None:
    return values.exact(params, terms(params))


def price_so_far(params: Params, accumulator: Partial) -> replicates.Mean:
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
        simulates(params)
        and params.volatility * math.sqrt(found.maturity) > 2.5
        and exact_method(params, found) is None
    ):
        detail = "volatility × √maturity is above 2.5: rare paths carry the price, and the standard error is too small"
        cautions.append(Caution("heavy_tail", "$.data.volatility", detail))
    return cautions
