"""Portfolios with the least conditional value at risk (expected shortfall), over scenarios or under a normal or t law.

    loss = -w'r,   VaR = the smallest loss not exceeded with probability β,   CVaR = mean of the worst 1-β losses
    Σ wᵢ = 1,   lower <= w <= upper

By default the least CVaR, with `target_return` at least that return; with `max_cvar` the largest return whose CVaR is
at most that; with `points` a frontier, returns equally spaced from that of the least CVaR to the largest attainable.
Of a list of `beta`, each gets its portfolio (or frontier).

Scenarios are taken as they are, equally likely: the linear program of Rockafellar and Uryasev (2000), *Optimization of
conditional value-at-risk*, solved in its dual form with the scenarios near VaR alone, exact to rounding; the
answer tells the relative gap of the dual. VaR and CVaR are counted from the losses: the loss at VaR belongs to the tail
with the part of its probability that is missing to 1-β. Under normal and student_t (scaled to the covariance) CVaR
is kσ - μ'w, and the weights are on the mean-variance frontier, found exactly.

Refused: less than one scenario in the tail, rows of unequal length, targets beyond what is attainable (the range is
told), bounds that never add up to 1, more than 5,000,000 returns or scenarios × assets² above 10^10.

Gaps are below 1e-9, most often 1e-13. 50 assets with 2,000 scenarios take 0.1 s, with 20,000 0.9 s.
"""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from calc.covariances import repaired
from calc.errors import CalcError, InvalidData
from calc.kind import Plan, never_enough, no_estimate, once_per_params
from calc.kinds import cvar_answers as answers
from calc.kinds.cvar_answers import Accumulator, Partial, Portfolio, Result
from calc.kinds.cvar_terms import Params, assets, betas, faults_of, mean_of
from calc.kinds.weight_bounds import bounds
from calc.numerics import active_scenarios, columns, elliptical, quadratic, regions
from calc.numerics.quadratic import Optimum, Problem, Segment
from calc.numerics.regions import Region

NAME = "cvar_portfolio"
VERSION = 1
ALIASES: tuple[str, ...] = ()
SUMMARY = (
    "Portfolio weights with the least conditional value at risk, over scenarios or under a normal or Student t law."
)
EXAMPLE = {
    "assets": ["equities", "bonds", "gold"],
    "scenarios": [
        [0.031, 0.004, -0.012],
        [-0.052, 0.011, 0.021],
        [0.018, -0.003, 0.007],
        [-0.021, 0.002, 0.014],
        [0.044, -0.006, -0.018],
        [-0.083, 0.015, 0.009],
        [0.012, 0.006, 0.003],
        [0.025, 0.001, -0.025],
        [-0.015, -0.009, 0.032],
        [0.037, 0.005, 0.011],
    ],
    "beta": 0.8,
    "target_return": 0.004,
}
_LAW = {
    "mean": [0.01, 0.004, 0.014],
    "covariance": [[0.003, 0.0002, 0.004], [0.0002, 0.0005, 0.0002], [0.004, 0.0002, 0.0076]],
}
FURTHER_EXAMPLES: tuple[dict[str, Any], ...] = (
    {**_LAW, "distribution": "normal", "target_return": 0.011, "beta": 0.9},
    {**_LAW, "distribution": "student_t", "degrees_of_freedom": 4, "beta": [0.95], "max_cvar": 0.2},
)

Array = NDArray[np.float64]
estimate = no_estimate
enough = never_enough

_PART_S = 1.0
_PART_WEIGHTS = 60_000
_STEPS = 60


def plan(params: Params) -> Plan:
    """Portfolios, as many to a part as take about a second. Tells what is seen to be wrong."""
    faults = faults_of(params)
    if faults:
        raise InvalidData(faults)
    return Plan(parts=math.ceil(_count(params) / _portfolios_a_part(params)))


def cost(params: Params) -> float:
    """By scenarios × assets² for each portfolio; under a law by the cube of the assets."""
    tries = 6 if params.max_cvar is not None else 1
    cells = len(params.scenarios or []) * len(assets(params).names)
    repair = 6e-8 * len(assets(params).names) ** 3 if params.repair == "nearest" else 0.0
    return 3e-4 + 1.3e-7 * cells + repair + _one_s(params) * (_count(params) * tries + (2 if params.points else 0))


def run(params: Params, part: int) -> Partial:
    """Its portfolios, of `beta` and then of the frontier. Raises CalcError where none is feasible."""
    size = _portfolios_a_part(params)
    numbers = range(part * size, min((part + 1) * size, _count(params)))
    try:
        return Partial([_portfolio(params, *divmod(number, params.points or 1)) for number in numbers])
    except ArithmeticError as told:
        raise CalcError(f"The portfolio is not found: {told}.", code="no_convergence") from None


def reduce(params: Params, accumulator: Accumulator | None, partials: list[Partial]) -> Accumulator:
    """All portfolios, in their order."""
    portfolios: list[Portfolio] = [] if accumulator is None else [*accumulator.portfolios]
    for partial in partials:
        portfolios += partial.portfolios
    return Accumulator(portfolios)


def result(params: Params, accumulator: Accumulator) -> Result:
    """The one portfolio, or the list of them."""
    return answers.result(params, assets(params).names, accumulator.portfolios, _distance(params))


def _count(params: Params) -> int:
    return len(betas(params)) * (params.points or 1)


def _one_s(params: Params) -> float:
    """CPU seconds of one portfolio."""
    n = len(assets(params).names)
    if params.scenarios is None:
        return 6 * (1e-4 + 2e-8 * n * n + 1.3e-10 * n**3)
    beta = min(params.beta) if isinstance(params.beta, list) else params.beta
    beyond = (1 - beta) * len(params.scenarios)
    return 3e-4 + n * len(params.scenarios) * (2e-7 + 4.5e-9 * beyond)


def _portfolios_a_part(params: Params) -> int:
    tries = 6 if params.max_cvar is not None else 1
    by_time = int(_PART_S / (_one_s(params) * tries))
    return max(1, min(by_time, _PART_WEIGHTS // len(assets(params).names)))


@once_per_params
def _scenarios(params: Params) -> Array:
    return columns.matrix(params.scenarios or [])


@once_per_params
def _problem(params: Params) -> tuple[Problem, float | None]:
    """Under a law: the mean-variance problem, and how far the covariance was repaired."""
    sent = assets(params).covariance
    assert sent is not None
    covariance, distance = repaired(sent, params.repair)
    return quadratic.problem(covariance, _mean(params), _region(params)), distance


def _distance(params: Params) -> float | None:
    return None if params.scenarios is not None else _problem(params)[1]


def _mean(params: Params) -> Array:
    return np.array(mean_of(params), dtype=np.float64)


def _region(params: Params) -> Region:
    return regions.budget(*bounds(params.bounds, len(assets(params).names)))


def _portfolio(params: Params, which: int, number: int) -> Portfolio:
    """Of one β; of its frontier the `number`-th point."""
    if params.points is None:
        if params.max_cvar is not None:
            return _richest(params, which, params.max_cvar)
        return _least(params, which, params.target_return)
    first = _first(params, which)
    if number == 0:
        return first
    most = max(_largest_return(params), first.mean)
    target = first.mean + (most - first.mean) * (number / (params.points - 1))
    return _least(params, which, _reachable(target, most))


def _first(params: Params, which: int) -> Portfolio:
    """The least CVaR of all, where the frontier of a β begins."""
    kept = _firsts(params)
    if which not in kept:
        kept[which] = _least(params, which, None)
    return kept[which]


@once_per_params
def _firsts(params: Params) -> dict[int, Portfolio]:
    """Those that were found so far, by the place of their β."""
    return {}


def _largest_return(params: Params) -> float:
    lower, upper = (each.tolist() for each in bounds(params.bounds, len(assets(params).names)))
    return regions.filled(lower, upper, mean_of(params))


def _reachable(target: float, most: float) -> float:
    """A rounding below the largest return, which it may be one portfolio only to have."""
    return min(target, most - 1e-13 * max(1.0, abs(most)))


def _least(params: Params, which: int, target: float | None) -> Portfolio:
    """The least CVaR, with at least that return."""
    if target is not None:
        target = _reachable(target, _largest_return(params))
    beta = betas(params)[which]
    if params.scenarios is None:
        return _least_under_law(params, beta, target)
    region, mean = _region(params), _mean(params)
    if target is not None:
        region = region.also(mean, target, math.inf)
    found = active_scenarios.minimise(_scenarios(params), beta, region)
    price = float(found.prices[-1]) if target is not None else 0.0
    return answers.of_scenarios(params, beta, found, math.fsum(mean * found.weights), max(price, 0.0))


def _least_under_law(params: Params, beta: float, target: float | None) -> Portfolio:
    """Where σ = k t on the frontier: there kσ - μ'w is least (its gradient is kΣw/σ - μ)."""
    problem, _ = _problem(params)
    to_var, to_cvar = elliptical.multipliers(beta, params.degrees_of_freedom)

    def wanted(on: Segment) -> float:
        steep = to_cvar * to_cvar - on.pace
        return math.sqrt(max(on.variance, 0.0) / steep) if steep > 0 else math.inf

    def beyond(at: Optimum) -> bool:
        return to_cvar * at.tilt > math.sqrt(at.variance)

    least = quadratic.minimise(problem)
    found, tried = (least, 1) if least.variance <= 0 else quadratic.search(problem, beyond, wanted, least)
    if target is not None and found.mean < target:
        found, tried = quadratic.at_return(problem, target), tried + 1
    price = 0.0
    if target is not None and found.multipliers.size > 1 and found.variance > 0:
        price = -to_cvar * float(found.multipliers[-1]) / math.sqrt(found.variance) - 1.0
    return answers.under_law(params, beta, found, to_var, to_cvar, max(price, 0.0), tried)


def _richest(params: Params, which: int, most_cvar: float) -> Portfolio:
    """The largest return whose least CVaR is at most that: Newton's steps down the convex curve of CVaR by return."""
    first = _least(params, which, None)
    if first.cvar > most_cvar + 1e-12 * max(1.0, abs(most_cvar)):
        told = f"max_cvar {most_cvar:g} is below the smallest attainable {first.cvar:.6g} with these bounds"
        raise CalcError(told, code="infeasible")
    top = _largest_return(params)
    found = _least(params, which, top)
    for _ in range(_STEPS):
        over = found.cvar - most_cvar
        if over <= 1e-13 * max(1e-3, abs(most_cvar)):
            return found
        lower = max(found.mean - over / found.price, first.mean) if found.price > 0 else first.mean
        if lower >= found.mean:
            return found
        found = _least(params, which, lower)
    raise ArithmeticError(f"the return with a CVaR of {most_cvar:g} is not found within {_STEPS} portfolios")
