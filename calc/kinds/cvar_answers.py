"""The answer of `cvar_portfolio`: from optima to the fields of the result, and the checks on the way."""

import math

import numpy as np
from msgspec import Struct

from calc.errors import CalcError
from calc.kind import Caution
from calc.kinds.cvar_terms import Params
from calc.kinds.weight_bounds import bounds
from calc.numerics import active_scenarios, quadratic
from calc.quantities import looks_like_percent

MOST_GAP = 1e-9
MOST_SUM_ERROR = 1e-10


class Portfolio(Struct, frozen=True):
    """One of the portfolios. `price`: how fast CVaR grows with the return that is asked for; 0 where none binds."""

    beta: float
    weights: list[float]
    mean: float
    var: float
    cvar: float
    price: float
    tail_scenarios: int | None
    gap: float
    rounds: int


class Partial(Struct, frozen=True):
    """Portfolios that one part found."""

    portfolios: list[Portfolio]


Accumulator = Partial


class Shown(Struct, frozen=True):
    """A portfolio of several; weights in the order of the assets."""

    beta: float
    expected_return: float
    var: float
    cvar: float
    weights: list[float]


class Diagnostics(Struct, frozen=True):
    """`residual`: the largest relative gap between primal and dual, or breach of the optimality conditions."""

    method: str
    distribution: str
    estimator: str
    scenarios: int | None
    tail_scenarios: int | None
    iterations: int
    residual: float
    sum_error: float
    repaired_distance: float | None
    units: dict[str, str]
    warnings: list[Caution]


class Result(Struct, frozen=True):
    """Losses are positive. Of several betas or points the portfolios are in `portfolios`, the fields of one null.

    `shadow_price`: how fast CVaR grows with the target return; null where there is none.
    """

    weights: dict[str, float] | None
    expected_return: float | None
    var: float | None
    cvar: float | None
    shadow_price: float | None
    portfolios: list[Shown] | None
    standard_error: None
    diagnostics: Diagnostics


def of_scenarios(params: Params, beta: float, found: active_scenarios.Optimum, mean: float, price: float) -> Portfolio:
    """A portfolio over scenarios, checked."""
    check_gap(found.gap)
    return _checked(
        params,
        Portfolio(
            beta=beta,
            weights=found.weights.tolist(),
            mean=mean,
            var=found.risk.var,
            cvar=found.risk.cvar,
            price=price,
            tail_scenarios=found.risk.beyond,
            gap=abs(found.gap),
            rounds=found.rounds,
        ),
    )


def under_law(
    params: Params, beta: float, found: quadratic.Optimum, to_var: float, to_cvar: float, price: float, tried: int
) -> Portfolio:
    """A portfolio under a normal or t law, checked. `tried` portfolios of the frontier led to it."""
    deviation = math.sqrt(found.variance)
    check_gap(found.residual)
    return _checked(
        params,
        Portfolio(
            beta=beta,
            weights=found.weights.tolist(),
            mean=found.mean,
            var=to_var * deviation - found.mean,
            cvar=to_cvar * deviation - found.mean,
            price=price,
            tail_scenarios=None,
            gap=found.residual,
            rounds=tried,
        ),
    )


def result(params: Params, names: list[str], portfolios: list[Portfolio], distance: float | None) -> Result:
    """From all portfolios."""
    single = params.points is None and not isinstance(params.beta, list)
    only = portfolios[0] if single else None
    law = params.distribution != "scenarios"
    return Result(
        weights=None if only is None else dict(zip(names, only.weights, strict=True)),
        expected_return=None if only is None else only.mean,
        var=None if only is None else only.var,
        cvar=None if only is None else only.cvar,
        shadow_price=only.price if only is not None and params.target_return is not None else None,
        portfolios=None if single else [Shown(p.beta, p.mean, p.var, p.cvar, p.weights) for p in portfolios],
        standard_error=None,
        diagnostics=Diagnostics(
            method="closed_form" if law else "linear_program",
            distribution=params.distribution,
            estimator="k σ - mean" if law else "VaR: order statistic ⌈βT⌉; CVaR: mean of the worst (1-β)T, in parts",
            scenarios=None if params.scenarios is None else len(params.scenarios),
            tail_scenarios=None if only is None else only.tail_scenarios,
            iterations=sum(each.rounds for each in portfolios),
            residual=max(each.gap for each in portfolios),
            sum_error=max((math.fsum(each.weights) - 1.0 for each in portfolios), key=abs),
            repaired_distance=distance,
            units={
                "weights": "fraction of the portfolio",
                "expected_return": "per period of the returns",
                "var": "loss per period, positive",
                "cvar": "loss per period, positive",
            },
            warnings=_warnings(params, portfolios),
        ),
    )


def check_gap(gap: float) -> None:
    """The conditions of the optimum hold."""
    if not abs(gap) <= MOST_GAP:
        raise CalcError("A check failed: primal and dual agree.", code="internal_check_failed")


def check_order(var: float, cvar: float) -> None:
    """CVaR is at least VaR."""
    if cvar < var:
        raise CalcError("A check failed: CVaR is at least VaR.", code="internal_check_failed")


def check_weights(params: Params, weights: list[float]) -> None:
    """Within their bounds to the last bit, and 1 in all."""
    lower, upper = bounds(params.bounds, len(weights))
    given = np.array(weights)
    inside = bool((given >= lower).all() and (given <= upper).all())
    if not inside or abs(math.fsum(weights) - 1.0) > MOST_SUM_ERROR * max(1.0, max(map(abs, weights))):
        raise CalcError(
            "A check failed: weights are within their bounds and add up to 1.", code="internal_check_failed"
        )


def _checked(params: Params, portfolio: Portfolio) -> Portfolio:
    check_order(portfolio.var, portfolio.cvar)
    check_weights(params, portfolio.weights)
    return portfolio


def _warnings(params: Params, portfolios: list[Portfolio]) -> list[Caution]:
    cautions = [
        caution
        for i, volatility in enumerate(params.volatility or [])
        for caution in looks_like_percent(f"$.data.volatility[{i}]", volatility, 5)
    ]
    target = params.target_return
    if target is not None and min(each.mean for each in portfolios) > target + 1e-9:
        detail = "the portfolio of the least CVaR returns more than the target"
        cautions.append(Caution("target_not_binding", "$.data.target_return", detail))
    if params.max_cvar is not None and max(each.cvar for each in portfolios) < params.max_cvar * (1 - 1e-9):
        detail = "the portfolio of the largest return has a lower CVaR"
        cautions.append(Caution("target_not_binding", "$.data.max_cvar", detail))
    return cautions
