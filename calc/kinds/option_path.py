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

from typing import Any

from calc.errors import InvalidData
from calc.kind import Estimate, Plan
from calc.kinds import option_path_samples as samples
from calc.kinds.option_path_answers import Partial, Result, answer, paths_in, price_so_far, simulates
from calc.kinds.option_path_faults import faults_of
from calc.kinds.option_path_params import Params, is_barrier
from calc.kinds.option_path_terms import (
    barrier_option,
    simulated,
    terms,
)
from calc.numerics import discrete_barrier, replicates

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


Accumulator = Partial


def plan(params: Params) -> Plan:
    """Pieces of all replicates. With a target, waves begin with one small part. All that is wrong is told here."""
    faults = faults_of(params)
    if faults:
        raise InvalidData(faults)
    if not simulates(params):
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
    if simulates(params):
        layout = samples.layout(params)
        pairs = 2 if samples.is_antithetic(params) else 1
        paths = layout.points * layout.replicates * pairs
        numbers = simulated(params, found) * (1.7e-8 if samples.conditions(params) else 7e-9)
        seconds += paths * (2.5e-8 + numbers) * (1.0 if layout.replicates > 1 else 0.65)
    return seconds


def run(params: Params, part: int) -> Partial:
    """The part's piece of every replicate."""
    if not simulates(params):
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
    if not simulates(params):
        return None
    value, error, _ = price_so_far(params, accumulator)
    return Estimate(value, error, paths_in(params, accumulator))


def enough(params: Params, accumulator: Partial) -> bool:
    """Whether the standard error has come down to the target."""
    if params.target_standard_error is None or not simulates(params):
        return False
    return price_so_far(params, accumulator).standard_error <= params.target_standard_error


def result(params: Params, accumulator: Partial) -> Result:
    """Price with its error, and what is known without simulation beside it."""
    return answer(params, accumulator)
