"""A European option under Black and Scholes with a dividend yield, by Monte Carlo, the closed form beside it.

    S_T = S exp((r - q - σ²/2) T + σ √T z),   price = E[e^(-rT) max(w (S_T - K), 0)],   w = 1 call, -1 put

One step is exact in law: there is no discretisation error, only the standard error. `variance_reduction`:

    antithetic   z and -z are one observation, their mean: the error is that of the pairs' means
    control      the discounted S_T, whose mean S e^(-qT) is known, with the coefficient estimated from the sample

By default the answer is simulated, and closed form and greeks stand beside it for comparison; with `method`
closed_form nothing is simulated and `standard_error` is null. Greeks are raw derivatives of the closed form.
Glasserman (2004), *Monte Carlo Methods in Financial Engineering*, chapters 1 and 4.
"""

import math
from typing import Annotated, Literal

import numpy as np
from msgspec import Meta, Struct

from calc.errors import Fault, InvalidData
from calc.kind import Caution, Estimate, Plan
from calc.numerics import black_scholes, moments, normal
from calc.numerics.moments import Moments
from calc.numerics.streams import stream
from calc.quantities import (
    DividendYield,
    Maturity,
    Positive,
    Rate,
    Seed,
    Spot,
    Strike,
    Volatility,
    looks_like_percent,
    measure,
)

NAME = "option_european"
VERSION = 1
ALIASES: tuple[str, ...] = ("monte_carlo_pricing",)
SUMMARY = "Price of a European call or put under Black-Scholes, simulated, with closed form and greeks."
EXAMPLE = {
    "type": "call",
    "spot": 100,
    "strike": 105,
    "maturity": 1,
    "rate": 0.05,
    "dividend_yield": 0.02,
    "volatility": 0.2,
    "paths": 1_000_000,
    "variance_reduction": "control",
    "seed": 42,
}

BLOCK = 2**14  # paths that share a random stream: part of the version, the bits depend on it
BLOCKS_A_PART = 1024  # about half a second
BLOCKS_A_PART_TO_TARGET = 64  # finer, so that a target is not overshot by much

Reduction = Literal["none", "antithetic", "control", "antithetic_control"]


class Params(Struct, frozen=True, forbid_unknown_fields=True):
    type: Annotated[Literal["call", "put"], Meta(title="Type", description="The right to buy or to sell.")]
    spot: Spot
    strike: Strike
    maturity: Maturity
    rate: Rate
    volatility: Volatility
    dividend_yield: DividendYield = 0.0
    model: Annotated[Literal["black_scholes"], Meta(title="Model")] = "black_scholes"
    method: Annotated[
        Literal["monte_carlo", "closed_form"],
        Meta(title="Method", description="Simulate (closed form beside it), or the closed form alone."),
    ] = "monte_carlo"
    paths: Annotated[
        int,
        measure(
            "Paths",
            "count",
            "Simulated prices at maturity; an antithetic pair counts as two.",
            1_000_000,
            ge=1000,
            le=10**10,
        ),
    ] = 1_000_000
    variance_reduction: Annotated[
        Reduction, Meta(title="Variance reduction", description="How the same paths are made to say more.")
    ] = "none"
    target_standard_error: Annotated[
        Positive | None,
        measure("Target standard error", "currency", "Stop before `paths` when the price's is at most this.", 0.01),
    ] = None
    seed: Seed | None = None

    def __post_init__(self) -> None:
        faults = []
        for field in ("rate", "dividend_yield"):
            growth = getattr(self, field) * self.maturity
            if abs(growth) > 100:
                detail = f"times maturity is {growth:g}: prices would leave the range of numbers (at most 100)"
                faults.append(Fault(f"$.{field}", detail, getattr(self, field), code="out_of_range"))
        if self.variance_reduction.startswith("antithetic") and self.paths % 2:
            faults.append(Fault("$.paths", "must be even: antithetic paths come in pairs", self.paths))
        if faults:
            raise InvalidData(faults)


class Partial(Struct, frozen=True):
    """Moments of payoff (x) and discounted price at maturity (y) over observations: paths, or antithetic pairs."""

    moments: Moments


Accumulator = Partial


class Diagnostics(Struct, frozen=True):
    method: str
    model: str
    estimator: str
    paths: int
    blocks: int
    block_size: int
    stopped_early: bool
    control_coefficient: float | None
    units: dict[str, str]
    warnings: list[Caution]


class Result(Struct, frozen=True):
    """`price` is the answer of `method`. A greek is null where it has no finite value (exactly at the kink)."""

    price: float
    closed_form: float
    delta: float
    gamma: float | None
    vega: float
    theta: float | None
    rho: float
    standard_error: dict[str, float] | None
    interval_95: dict[str, tuple[float, float]] | None
    diagnostics: Diagnostics


def plan(params: Params) -> Plan:
    """Blocks of paths, a fixed number of blocks to a part. With a target, waves begin with one small part."""
    if params.method == "closed_form":
        return Plan(parts=1)
    if params.target_standard_error is None:
        return Plan(parts=math.ceil(_blocks(params.paths) / BLOCKS_A_PART))
    return Plan(parts=math.ceil(_blocks(params.paths) / BLOCKS_A_PART_TO_TARGET), first_wave=1)


def run(params: Params, part: int) -> Partial:
    """The part's blocks, merged in their order."""
    if params.method == "closed_form":
        return Partial(moments.NOTHING)
    a_part = BLOCKS_A_PART if params.target_standard_error is None else BLOCKS_A_PART_TO_TARGET
    merged = moments.NOTHING
    for block in range(part * a_part, min((part + 1) * a_part, _blocks(params.paths))):
        merged = moments.merge(merged, _block(params, block))
    return Partial(merged)


def reduce(params: Params, accumulator: Partial | None, partials: list[Partial]) -> Partial:
    """Moments, merged in part order."""
    merged = moments.NOTHING if accumulator is None else accumulator.moments
    for partial in partials:
        merged = moments.merge(merged, partial.moments)
    return Partial(merged)


def estimate(params: Params, accumulator: Partial) -> Estimate | None:
    """The price so far."""
    if params.method == "closed_form":
        return None
    price, error, _ = _price(params, accumulator.moments)
    return Estimate(price, error)


def enough(params: Params, accumulator: Partial) -> bool:
    """Whether the standard error has come down to the target."""
    if params.target_standard_error is None or params.method == "closed_form":
        return False
    return _price(params, accumulator.moments)[1] <= params.target_standard_error


def result(params: Params, accumulator: Partial) -> Result:
    """Price with its error; closed form and greeks beside it."""
    exact = black_scholes.european(
        params.type == "call",
        params.spot,
        params.strike,
        params.maturity,
        params.rate,
        params.dividend_yield,
        params.volatility,
    )
    simulated = params.method == "monte_carlo"
    price, error, coefficient = _price(params, accumulator.moments) if simulated else (exact.price, 0.0, None)
    paths = accumulator.moments.n * (2 if params.variance_reduction.startswith("antithetic") else 1)
    return Result(
        price=price,
        closed_form=exact.price,
        delta=exact.delta,
        gamma=exact.gamma,
        vega=exact.vega,
        theta=exact.theta,
        rho=exact.rho,
        standard_error={"price": error} if simulated else None,
        interval_95={"price": normal.interval_95(price, error)} if simulated else None,
        diagnostics=Diagnostics(
            method=params.method,
            model=params.model,
            estimator=_estimator(params),
            paths=paths,
            blocks=_blocks(paths),
            block_size=BLOCK,
            stopped_early=simulated and paths < params.paths,
            control_coefficient=coefficient,
            units=_UNITS,
            warnings=_warnings(params),
        ),
    )


def _blocks(paths: int) -> int:
    return math.ceil(paths / BLOCK)


def _block(params: Params, block: int) -> Moments:
    """Moments of one block; the last has the paths that are left."""
    paths = min(BLOCK, params.paths - block * BLOCK)
    antithetic = params.variance_reduction.startswith("antithetic")
    z = stream(params.seed or 0, block).standard_normal(paths // 2 if antithetic else paths)
    s = params.volatility * math.sqrt(params.maturity)
    z *= s
    ends = [np.exp(z), np.exp(-z)] if antithetic else [np.exp(z)]
    scale = params.spot * math.exp(-params.dividend_yield * params.maturity - 0.5 * s * s)
    paid = params.strike * math.exp(-params.rate * params.maturity)
    payoffs = []
    for end in ends:
        end *= scale  # discounted price at maturity
        payoff = end - paid if params.type == "call" else paid - end
        payoffs.append(np.maximum(payoff, 0.0, out=payoff))
    x, y = (0.5 * (a[0] + a[1]) if antithetic else a[0] for a in (payoffs, ends))
    return moments.of(x, y if params.variance_reduction.endswith("control") else None)


def _price(params: Params, sample: Moments) -> tuple[float, float, float | None]:
    """Price, standard error, and the coefficient of the control if there is one."""
    if not params.variance_reduction.endswith("control"):
        return *moments.mean(sample), None
    return moments.controlled_mean(sample, params.spot * math.exp(-params.dividend_yield * params.maturity))


_UNITS = {
    "price": "currency",
    "closed_form": "currency",
    "delta": "currency per currency of spot",
    "gamma": "delta per currency of spot",
    "vega": "currency per 1.00 of volatility",
    "theta": "currency per year",
    "rho": "currency per 1.00 of rate",
}


def _estimator(params: Params) -> str:
    if params.method == "closed_form":
        return "Black-Scholes formula"
    return {
        "none": "mean of discounted payoffs",
        "antithetic": "mean of antithetic pairs",
        "control": "mean of discounted payoffs, controlled by the discounted price at maturity",
        "antithetic_control": "mean of antithetic pairs, controlled by the discounted price at maturity",
    }[params.variance_reduction]


def _warnings(params: Params) -> list[Caution]:
    cautions = [
        *looks_like_percent("$.data.rate", params.rate, 1),
        *looks_like_percent("$.data.dividend_yield", params.dividend_yield, 1),
        *looks_like_percent("$.data.volatility", params.volatility, 5),
    ]
    if params.method == "monte_carlo" and params.volatility * math.sqrt(params.maturity) > 2.5:
        detail = "volatility × √maturity is above 2.5: rare paths carry the price, and the standard error is too small"
        cautions.append(Caution("heavy_tail", "$.data.volatility", detail))
    return cautions
