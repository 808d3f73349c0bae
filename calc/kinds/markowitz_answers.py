"""The answer of `markowitz`: from optima to the fields of the result, and the checks on the way."""

import math
from typing import NamedTuple

import numpy as np
from msgspec import Struct

from calc.errors import CalcError
from calc.kind import Caution
from calc.kinds.markowitz_terms import Params
from calc.numerics.black_litterman import Posterior
from calc.numerics.quadratic import Optimum, Problem
from calc.numerics.regions import Infeasible, Region
from calc.quantities import looks_like_percent

MOST_RESIDUAL = 1e-9
MOST_SUM_ERROR = 1e-10


class Asked(NamedTuple):
    """What every part needs of the Params. The distance is null where nothing was repaired."""

    names: list[str]
    problem: Problem
    posterior: Posterior | None
    distance: float | None


class Point(Struct, frozen=True):
    """One portfolio: weights in the order of the assets, shadow prices in the order of the rows."""

    weights: list[float]
    mean: float
    risk: float
    prices: list[float]
    residual: float
    pivot_ratio: float
    rounds: int
    solved: int
    solver: str


class Partial(Struct, frozen=True):
    """Portfolios that one part found."""

    points: list[Point]


Accumulator = Partial


class FrontierPoint(Struct, frozen=True):
    """Weights in the order of the assets; the Sharpe ratio is null without a risk-free rate or without risk."""

    expected_return: float
    risk: float
    sharpe_ratio: float | None
    weights: list[float]


class ActiveBounds(Struct, frozen=True):
    """Assets exactly at a bound."""

    lower: list[str]
    upper: list[str]


class Diagnostics(Struct, frozen=True):
    """`residual`: the largest breach of the optimality conditions, relative to their terms; of all portfolios.

    `condition`: of the covariance of the assets between their bounds, a lower bound from the pivots of its factor.
    """

    method: str
    objective: str
    estimator: str
    portfolios_solved: int
    iterations: int
    residual: float
    sum_error: float
    condition: float
    repaired_distance: float | None
    units: dict[str, str]
    warnings: list[Caution]


class Result(Struct, frozen=True):
    """For the objective frontier the portfolios are in `frontier` and the fields of one are null.

    Returns are null without means, Sharpe ratios without a risk-free rate; the last three without black_litterman.
    """

    weights: dict[str, float] | None
    expected_return: float | None
    risk: float | None
    sharpe_ratio: float | None
    active_bounds: ActiveBounds | None
    shadow_prices: dict[str, float] | None
    frontier: list[FrontierPoint] | None
    implied_returns: dict[str, float] | None
    posterior_mean: dict[str, float] | None
    unconstrained_weights: dict[str, float] | None
    standard_error: None
    diagnostics: Diagnostics


def point(params: Params, asked: Asked, found: Optimum, solved: int) -> Point:
    """A portfolio as it goes through JSON, checked."""
    check_weights(found, asked.problem)
    check_residual(found)
    if params.target_return is not None:
        check_target(found.mean, params.target_return)
    return Point(
        weights=found.weights.tolist(),
        mean=found.mean,
        risk=math.sqrt(found.variance),
        prices=[-2.0 * y + 0.0 for y in found.multipliers.tolist()],
        residual=found.residual,
        pivot_ratio=found.pivot_ratio,
        rounds=found.rounds,
        solved=solved,
        solver=found.method,
    )


def result(params: Params, asked: Asked, points: list[Point]) -> Result:
    """From all the portfolios of the objective."""
    names, posterior = asked.names, asked.posterior
    only = points[0] if params.objective != "frontier" else None
    has_means = params.mean is not None or posterior is not None
    return Result(
        weights=None if only is None else dict(zip(names, only.weights, strict=True)),
        expected_return=only.mean if only is not None and has_means else None,
        risk=None if only is None else only.risk,
        sharpe_ratio=None if only is None or not has_means else _sharpe(params, only),
        active_bounds=None if only is None else _active(only, asked, params),
        shadow_prices=None if only is None else dict(zip(_rows(params), only.prices, strict=False)),
        frontier=None if only is not None else [_shown(params, each) for each in points],
        implied_returns=None if posterior is None else dict(zip(names, posterior.implied.tolist(), strict=True)),
        posterior_mean=None if posterior is None else dict(zip(names, posterior.mean.tolist(), strict=True)),
        unconstrained_weights=None
        if posterior is None or posterior.unconstrained is None
        else dict(zip(names, posterior.unconstrained.tolist(), strict=True)),
        standard_error=None,
        diagnostics=Diagnostics(
            method=", ".join(sorted({each.solver for each in points})),
            objective=params.objective,
            estimator="exact active set; " + ("posterior of Black and Litterman" if posterior else "means as sent"),
            portfolios_solved=sum(each.solved for each in points),
            iterations=sum(each.rounds for each in points),
            residual=max(each.residual for each in points),
            sum_error=max((math.fsum(each.weights) - 1.0 for each in points), key=abs),
            condition=max(each.pivot_ratio for each in points),
            repaired_distance=asked.distance,
            units=_UNITS,
            warnings=_warnings(params, points),
        ),
    )


def unmet(params: Params, told: Infeasible) -> str:
    """Which limits contradict each other, and by how much."""
    rows = _rows(params)
    limits = ", ".join(["bounds", *(rows[row] for row in told.rows)])
    return (
        f"No weights are within all limits: {limits} do not go together; the closest weights miss by {told.missed:.6g}."
    )


def check_weights(found: Optimum, problem: Problem) -> None:
    """Within their bounds to the last bit, and 1 in all."""
    if problem.before is None:
        inside = (found.weights >= problem.region.lower).all() and (found.weights <= problem.region.upper).all()
    else:
        lower, upper = _bounds_of_split(problem.region, problem.before)
        inside = (found.weights >= lower - 1e-12).all() and (found.weights <= upper + 1e-12).all()
    if not inside or abs(math.fsum(found.weights) - 1.0) > MOST_SUM_ERROR * max(
        1.0, float(np.abs(found.weights).max())
    ):
        raise CalcError(
            "A check failed: weights are within their bounds and add up to 1.", code="internal_check_failed"
        )


def check_residual(found: Optimum) -> None:
    """The optimality conditions hold."""
    if not found.residual <= MOST_RESIDUAL:
        raise CalcError("A check failed: the conditions of the optimum hold.", code="internal_check_failed")


def check_target(mean: float, target: float) -> None:
    """The return is what was asked for."""
    if mean < target - 1e-9 * max(1.0, abs(target)):
        raise CalcError("A check failed: the return reaches its target.", code="internal_check_failed")


_UNITS = {
    "weights": "fraction of the portfolio",
    "expected_return": "per period of the means",
    "risk": "per square root of that period",
    "sharpe_ratio": "per square root of that period",
    "shadow_prices": "variance per unit of the limit",
}


def _bounds_of_split(
    region: Region, before: np.ndarray[tuple[int], np.dtype[np.float64]]
) -> tuple[np.ndarray[tuple[int], np.dtype[np.float64]], np.ndarray[tuple[int], np.dtype[np.float64]]]:
    n = before.size
    return before + region.lower[:n] - region.upper[n:], before + region.upper[:n] - region.lower[n:]


def _rows(params: Params) -> list[str]:
    """What the rows of the region are called, in their order."""
    names = ["budget", *(f"group {group.name}" for group in params.groups)]
    if params.turnover is not None:
        names.append("turnover")
    return [*names, "target_return"]


def _sharpe(params: Params, of: Point) -> float | None:
    if params.risk_free_rate is None or of.risk <= 0:
        return None
    return (of.mean - params.risk_free_rate) / of.risk


def _shown(params: Params, of: Point) -> FrontierPoint:
    return FrontierPoint(of.mean, of.risk, _sharpe(params, of), of.weights)


def _active(of: Point, asked: Asked, params: Params) -> ActiveBounds:
    region, before = asked.problem.region, asked.problem.before
    lower, upper = (region.lower, region.upper) if before is None else _bounds_of_split(region, before)
    return ActiveBounds(
        [name for name, w, low in zip(asked.names, of.weights, lower.tolist(), strict=True) if w == low],
        [name for name, w, high in zip(asked.names, of.weights, upper.tolist(), strict=True) if w == high],
    )


def _warnings(params: Params, points: list[Point]) -> list[Caution]:
    cautions = [
        caution
        for i, volatility in enumerate(params.volatility or [])
        for caution in looks_like_percent(f"$.data.volatility[{i}]", volatility, 5)
    ]
    target = params.target_return
    if target is not None and points[0].mean > target + 1e-9:
        detail = f"the portfolio of the least risk returns {points[0].mean:.6g}, more than the target"
        cautions.append(Caution("target_not_binding", "$.data.target_return", detail))
    if params.target_risk is not None and points[0].risk < params.target_risk * (1 - 1e-9):
        detail = f"the portfolio of the largest return has less risk, {points[0].risk:.6g}"
        cautions.append(Caution("target_not_binding", "$.data.target_risk", detail))
    if max(each.pivot_ratio for each in points) > 1e9:
        detail = "the covariance is singular, nearly so: other weights may have the same risk"
        cautions.append(Caution("singular_covariance", "$.data.covariance", detail))
    return cautions
