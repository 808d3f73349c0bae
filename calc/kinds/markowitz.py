"""Mean-variance portfolios (Markowitz 1952): the weights w with the least risk for a return, or the best trade-off.

    return μ'w,   risk σ = √(w'Σw),   Σ wᵢ = 1,   lower <= w <= upper, groups and turnover within their limits

`objective`:

    min_variance    the least σ
    target_return   the least σ with μ'w >= target_return
    target_risk     the largest μ'w with σ <= target_risk
    max_sharpe      the largest (μ'w - risk_free_rate)/σ
    utility         the largest μ'w - risk_aversion σ²/2
    frontier        `points` portfolios, returns equally spaced from that of min_variance to the largest attainable

With `black_litterman` μ and Σ are those of the posterior (He and Litterman 1999): implied returns δΣw of the market's
weights, moved by the views; `unconstrained_weights` are (δΣ)⁻¹μ of the posterior, without any limit or budget.
Σ is a matrix, or volatilities with correlations, or factors BΩB' + diag(specific).

The optimum is exact: the active set is found (Hintermüller, Ito and Kunisch 2003; Nocedal and Wright 2006, 16.5), then
the free weights follow from one linear system; those at their bounds are there to the last bit. Target risk and Sharpe
ratio are found by Newton's steps along the frontier. `shadow_prices` say how fast the variance (less the return's
weight in the objective) changes with a limit. A singular Σ is solved too; its weights may then not be the only ones.

Refused: bounds that never add up to 1, targets beyond what is attainable (the range is told), groups or turnover that
nothing meets (which, and by how much), max_sharpe where no return is above the risk-free rate or where a portfolio
without risk is, a matrix that is not positive semidefinite unless `repair` says nearest.

Residuals of the optimality conditions are below 1e-9 of their terms, most often 1e-13. A portfolio of 500 assets takes
0.01 s, of 100 assets 0.0005 s, and some ten times as long where Σ is singular; frontier points are divided into parts.
"""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from calc.covariances import Repaired, repaired
from calc.errors import CalcError, InvalidData
from calc.kind import Plan, never_enough, no_estimate, once_per_params
from calc.kinds import markowitz_answers as answers
from calc.kinds.markowitz_answers import Accumulator, Asked, Partial, Point, Result
from calc.kinds.markowitz_terms import Params, assets, faults_of
from calc.kinds.weight_bounds import above_all, bounds, no_excess
from calc.numerics import black_litterman, quadratic, regions
from calc.numerics.black_litterman import Posterior
from calc.numerics.quadratic import Optimum, Segment
from calc.numerics.regions import Infeasible, Region

NAME = "markowitz"
VERSION = 1
ALIASES: tuple[str, ...] = ("portfolio_optimization",)
SUMMARY = "Portfolio weights of the best risk and return: minimum variance, targets, Sharpe ratio, frontier."
EXAMPLE = {
    "objective": "max_sharpe",
    "assets": ["equities", "bonds", "gold", "property"],
    "mean": [0.07, 0.03, 0.04, 0.055],
    "volatility": [0.16, 0.05, 0.15, 0.12],
    "correlation": [[1, 0.1, 0.05, 0.6], [0.1, 1, 0.2, 0.15], [0.05, 0.2, 1, 0.1], [0.6, 0.15, 0.1, 1]],
    "bounds": [0, 0.5],
    "risk_free_rate": 0.02,
}
FURTHER_EXAMPLES: tuple[dict[str, Any], ...] = (
    {
        "objective": "utility",
        "risk_aversion": 2.5,
        "assets": ["home", "abroad"],
        "volatility": [0.16, 0.2],
        "correlation": [[1, 0.5], [0.5, 1]],
        "bounds": [-1, 2],
        "black_litterman": {
            "market_weights": [0.6, 0.4],
            "risk_aversion": 2.5,
            "tau": 0.05,
            "views": [{"pick": [1, -1], "value": 0.02}],
        },
    },
    {
        "objective": "frontier",
        "assets": ["equities", "bonds", "gold"],
        "mean": [0.07, 0.03, 0.05],
        "factors": {"loadings": [[1.0], [0.2], [0.6]], "specific": [0.01, 0.002, 0.005], "covariance": [[0.02]]},
        "points": 3,
        "groups": [{"name": "safe", "assets": ["bonds", "gold"], "least": 0.1}],
    },
)

Array = NDArray[np.float64]
estimate = no_estimate
enough = never_enough

_PART_S = 1.0
_PART_WEIGHTS = 60_000  # in one partial: some 1.5 MB of text
_NO_RISK = 1e-13  # of the mean variance: rounding


def plan(params: Params) -> Plan:
    """One part; or the frontier's points, as many to a part as take about a second. Tells what is seen to be wrong."""
    faults = faults_of(params)
    if faults:
        raise InvalidData(faults)
    if params.objective != "frontier":
        return Plan(parts=1)
    return Plan(parts=math.ceil(params.points / _points_a_part(params)))


def cost(params: Params) -> float:
    """By the cube of the assets for each portfolio; a matrix is to be read, a repair takes all eigenvectors, often."""
    tries = {"max_sharpe": 3, "target_risk": 3, "frontier": params.points + 2}.get(params.objective, 1)
    n = len(assets(params).names)
    matrix = 1.4e-7 * n * n if params.factors is None else 3e-6 * n
    return 5e-4 + matrix + tries * _one_s(params) + (6e-8 * n**3 if params.repair == "nearest" else 0.0)


def run(params: Params, part: int) -> Partial:
    """Its portfolios: one, or some points of the frontier. Raises CalcError where none is feasible."""
    try:
        asked = _asked(params)
        if params.objective != "frontier":
            return Partial([answers.point(params, asked, *_chosen(params, asked))])
        size = _points_a_part(params)
        numbers = range(part * size, min((part + 1) * size, params.points))
        return Partial([_on_frontier(params, asked, number) for number in numbers])
    except Infeasible as told:
        raise CalcError(answers.unmet(params, told), code="infeasible") from None
    except ArithmeticError as told:
        raise CalcError(f"The portfolio is not found: {told}.", code="no_convergence") from None


def reduce(params: Params, accumulator: Accumulator | None, partials: list[Partial]) -> Accumulator:
    """All points, in their order."""
    points: list[Point] = [] if accumulator is None else [*accumulator.points]
    for partial in partials:
        points += partial.points
    return Accumulator(points)


def result(params: Params, accumulator: Accumulator) -> Result:
    """The one portfolio, or the frontier."""
    return answers.result(params, _asked(params), accumulator.points)


def _one_s(params: Params) -> float:
    """CPU seconds of one portfolio."""
    n = len(assets(params).names) * (1.5 if params.turnover is not None else 1.0)
    return 8e-5 + 1e-8 * n * n + 7e-11 * n**3


def _points_a_part(params: Params) -> int:
    by_time = int(_PART_S / _one_s(params))
    return max(1, min(by_time, _PART_WEIGHTS // len(assets(params).names)))


@once_per_params
def _asked(params: Params) -> Asked:
    """Means, covariance and limits, as a problem. Raises ArithmeticError."""
    names = assets(params).names
    covariance, distance = _covariance(params)
    posterior = _posterior(params, covariance)
    means = params.mean or [0.0] * len(names)
    mean = np.array(means, dtype=np.float64) if posterior is None else posterior.mean
    problem = quadratic.problem(covariance if posterior is None else posterior.covariance, mean, _region(params, names))
    if params.turnover is not None:
        before = np.array(params.turnover.before, dtype=np.float64)
        problem = quadratic.limit_turnover(problem, before, params.turnover.most)
    return Asked(names, problem, posterior, distance)


def _covariance(params: Params) -> Repaired:
    factors, sent = params.factors, assets(params).covariance
    if factors is None:
        assert sent is not None
        return repaired(sent, params.repair)
    return Repaired(quadratic.of_factors(factors.loadings, factors.covariance, factors.specific), None)


def _posterior(params: Params, covariance: Array) -> Posterior | None:
    market = params.black_litterman
    if market is None:
        return None
    picks = np.array([view.pick for view in market.views], dtype=np.float64)
    spread = [market.tau * math.fsum(pick * black_litterman.times(covariance, pick)) for pick in picks]
    variances = [view.variance or own for view, own in zip(market.views, spread, strict=True)]
    if not all(variance > 0 for variance in variances):
        raise ArithmeticError("a view without variance compares portfolios without risk: send its variance")
    return black_litterman.blend(
        covariance,
        np.array(market.market_weights, dtype=np.float64),
        market.risk_aversion,
        market.tau,
        picks,
        np.array([view.value for view in market.views], dtype=np.float64),
        np.array(variances, dtype=np.float64),
    )


def _region(params: Params, names: list[str]) -> Region:
    """Rows: the budget, then the groups."""
    region = regions.budget(*bounds(params.bounds, len(names)))
    place = {name: i for i, name in enumerate(names)}
    for group in params.groups:
        row = np.zeros(len(names))
        row[[place[name] for name in group.assets]] = 1.0
        least = -math.inf if group.least is None else group.least
        most = math.inf if group.most is None else group.most
        region = region.also(row, least, most)
    return region


def _chosen(params: Params, asked: Asked) -> tuple[Optimum, int]:
    """The portfolio of the objective, and how many were solved for it."""
    problem = asked.problem
    if params.objective == "utility":
        return quadratic.minimise(problem, 1.0 / (params.risk_aversion or math.inf)), 1
    if params.objective == "target_return":
        return _at_return(asked, params.target_return or 0.0), 1
    least = quadratic.minimise(problem)
    if params.objective == "target_risk":
        return _at_risk(asked, params.target_risk or 0.0, least)
    if params.objective == "max_sharpe":
        return _best_ratio(asked, params.risk_free_rate or 0.0, least)
    return least, 1


def _at_return(asked: Asked, target: float) -> Optimum:
    """The least risk with at least that return. The very largest is taken a rounding lower: it may be one portfolio."""
    try:
        return quadratic.at_return(asked.problem, target)
    except ArithmeticError:
        most = _largest_return(asked)
        if target > most + 1e-12 * max(1.0, abs(most)):
            least = -quadratic.largest_return(asked.problem, -1.0)
            raise CalcError("target_return " + above_all(target, least, most), code="infeasible") from None
    return quadratic.at_return(asked.problem, most - 1e-13 * max(1.0, abs(most)))


def _at_risk(asked: Asked, target: float, least: Optimum) -> tuple[Optimum, int]:
    """The largest return with that risk: where the variance along the frontier reaches its square."""
    square = target * target
    if least.variance > square * (1.0 + 1e-12):
        lowest = math.sqrt(least.variance)
        told = f"target_risk {target:g} is below the smallest attainable {lowest:.6g} with these bounds"
        raise CalcError(told, code="infeasible")
    top = _top(asked)
    if top.variance <= square:
        return top, 2

    def wanted(on: Segment) -> float:
        return math.sqrt(max(square - on.variance, 0.0) / on.pace) if on.pace > 0 else math.inf

    found, tried = quadratic.search(asked.problem, lambda at: at.variance > square, wanted, least)
    return found, tried + 2


def _best_ratio(asked: Asked, rate: float, least: Optimum) -> tuple[Optimum, int]:
    """Where variance = t × excess return: there the line from the risk-free rate touches the frontier."""
    most = _largest_return(asked)
    if most <= rate:
        raise CalcError(f"risk_free_rate {no_excess(rate, most)}.", code="no_excess_return")
    floor = _NO_RISK / asked.problem.scale
    if least.variance <= floor and least.mean > rate:
        told = (
            f"A portfolio without risk returns {least.mean:.6g}, more than the risk-free rate: no ratio is the largest."
        )
        raise CalcError(told, code="riskless_excess")

    def wanted(on: Segment) -> float:
        return on.variance / (on.mean - rate) if on.mean > rate else math.inf

    def beyond(at: Optimum) -> bool:
        return at.variance < at.tilt * (at.mean - rate)

    found, tried = quadratic.search(asked.problem, beyond, wanted, least)
    return found, tried + 1


def _largest_return(asked: Asked) -> float:
    return quadratic.largest_return(asked.problem, 1.0)


def _top(asked: Asked) -> Optimum:
    """The largest return, with the least risk that it can have."""
    return _at_return(asked, _largest_return(asked))


@once_per_params
def _ends(params: Params) -> tuple[Optimum, float]:
    """The frontier's first portfolio and its last return."""
    asked = _asked(params)
    least = quadratic.minimise(asked.problem)
    return least, max(_largest_return(asked), least.mean)


def _on_frontier(params: Params, asked: Asked, number: int) -> Point:
    least, most = _ends(params)
    if number == 0:
        return answers.point(params, asked, least, 1)
    target = least.mean + (most - least.mean) * (number / (params.points - 1))
    found = least if target <= least.mean else _at_return(asked, target)
    return answers.point(params, asked, found, 1)
