"""The answers of `var_historical`: VaR and ES, a variance, a backtest."""

import math
from typing import Any

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from calc import distributions
from calc.checks import check_order
from calc.distributions import Distribution
from calc.kind import Caution
from calc.kinds import historical_faults
from calc.kinds.historical_terms import Params, all_losses, decay_of, has_series, series_of
from calc.numerics import backtests, historical, tails
from calc.numerics.historical import Fit

WORST_SHOWN = 10


class Worst(Struct, frozen=True):
    """One of the largest losses. `observation` counts the rows as they were sent, from 0."""

    observation: int
    loss: float


class Level(Struct, frozen=True):
    """VaR and ES at one confidence."""

    confidence: float
    var: float
    es: float
    beyond_var: int
    standard_error: dict[str, float]
    interval_95: dict[str, tuple[float, float]]


class Garch(Struct, frozen=True):
    """The fit of `filtered`, by portfolio. `gradient` is what is left of it, of the log likelihood of a day."""

    omega: float
    alpha: float
    beta: float
    log_likelihood: float
    iterations: int
    next_variance: float
    gradient: float


class Diagnostics(Struct, frozen=True):
    method: str
    estimator: str
    observations: int
    beyond_var: int
    horizon: str
    garch: Garch | None
    units: dict[str, str]
    warnings: list[Caution]


class Result(Struct, frozen=True, kw_only=True):
    """Losses are positive. `portfolio_value` is null when losses were sent; what belongs to another task is null.

    `var` and `es` are those of the first confidence, `levels` has all. `multiplier` is 3 plus Basel's `plus_factor`,
    known for 250 days at 99 % alone.
    """

    var: float | None = None
    es: float | None = None
    levels: list[Level] | None = None
    portfolio_value: float | None = None
    worst: list[Worst] | None = None
    variance: float | None = None
    volatility: float | None = None
    observations: int | None = None
    exceptions: int | None = None
    expected_exceptions: float | None = None
    exception_days: list[int] | None = None
    kupiec_lr: float | None = None
    kupiec_p_value: float | None = None
    christoffersen_lr: float | None = None
    christoffersen_p_value: float | None = None
    conditional_coverage_lr: float | None = None
    conditional_coverage_p_value: float | None = None
    zone: str | None = None
    plus_factor: float | None = None
    multiplier: float | None = None
    green_max: int | None = None
    yellow_max: int | None = None
    green_probability: float | None = None
    yellow_probability: float | None = None
    cumulative_probability: float | None = None
    standard_error: dict[str, float] | None = None
    interval_95: dict[str, tuple[float, float]] | None = None
    distribution: Distribution | None = None
    diagnostics: Diagnostics


def risk_answer(params: Params, filtered: NDArray[np.float64]) -> Result:
    """Of the task var; `filtered` are the losses of a filter by symbol, none where there is none."""
    series = series_of(params)
    losses, fit, method = series.losses, None, params.method
    if filtered.size:
        losses, method = filtered, "plain"
    elif method == "filtered":
        fit, losses = historical.fitted(losses)
        method = "plain"
    decay = decay_of(params)
    scale = params.horizon_days
    initial = None if params.initial_variance is None else params.initial_variance * scale
    levels, risks = [], []
    for confidence in historical_faults.confidences(params):
        risk = historical.risk(losses, method, confidence, decay, initial)
        check_order(risk.var, risk.es)
        risks.append(risk)
        levels.append(
            Level(
                confidence=confidence,
                var=risk.var,
                es=risk.es,
                beyond_var=risk.beyond,
                standard_error={"var": risk.var_error, "es": risk.es_error},
                interval_95={"var": risk.var_interval, "es": risk.es_interval},
            )
        )
    tail = tails.largest(losses, series.first, min(WORST_SHOWN, losses.size))
    worst = zip(tail.scenarios.tolist(), tail.losses.tolist(), strict=True)
    return Result(
        var=levels[0].var,
        es=levels[0].es,
        levels=levels,
        portfolio_value=series.held,
        worst=[Worst(observation, loss) for observation, loss in worst],
        distribution=distributions.of_sample(
            losses, historical.weights(losses.size, decay) if method == "weighted" else None
        ),
        standard_error=levels[0].standard_error,
        interval_95=levels[0].interval_95,
        diagnostics=_diagnostics(params, losses.size, risks[0].beyond, fit, _warnings(params, risks)),
    )


def variance_answer(params: Params) -> Result:
    """Of the task ewma."""
    series = series_of(params)
    variance = historical.variance(series.losses, decay_of(params), params.initial_variance)
    return Result(
        variance=variance,
        volatility=math.sqrt(variance),
        portfolio_value=series.held,
        diagnostics=_diagnostics(params, series.losses.size, 0, None, _warnings(params, [])),
    )


def backtest_answer(params: Params, made: NDArray[np.float64]) -> Result:
    """Of the task backtest; `made` is each day's VaR, none where counts were sent."""
    days: list[int] | None = None
    counts = (params.n00, params.n01, params.n10, params.n11)
    observations, exceptions = params.observations, params.exceptions
    if has_series(params):
        losses = all_losses(params)
        beyond = (losses[-made.size :] > made).tolist()
        counts = backtests.transitions(beyond)
        observations, exceptions = made.size, sum(beyond)
        days = [losses.size - made.size + i for i, each in enumerate(beyond) if each]
    elif observations is None and params.n00 is not None:
        observations = sum(each or 0 for each in counts)
        exceptions = (params.n01 or 0) + (params.n11 or 0)
    told: dict[str, Any] = {"observations": observations, "exceptions": exceptions, "exception_days": days}
    independent = backtests.independence(*(each or 0 for each in counts)) if counts[0] is not None else None
    if independent is not None:
        told |= {"christoffersen_lr": independent.lr, "christoffersen_p_value": independent.p_value}
    levels = historical_faults.confidences(params)
    if levels and observations is not None and exceptions is not None:
        told |= _coverage(observations, exceptions, levels[0], independent)
    return Result(**told, diagnostics=_diagnostics(params, observations or 0, exceptions or 0, None, []))


def _coverage(n: int, exceptions: int, confidence: float, independent: backtests.Test | None) -> dict[str, Any]:
    expected = tails.expected_beyond(confidence, 1)
    coverage = backtests.kupiec(n, exceptions, expected)
    light = backtests.traffic_light(n, exceptions, expected)
    told: dict[str, Any] = {
        "expected_exceptions": tails.expected_beyond(confidence, n),
        "kupiec_lr": coverage.lr,
        "kupiec_p_value": coverage.p_value,
        "multiplier": None if light.plus_factor is None else 3 + light.plus_factor,
        **light._asdict(),
    }
    if independent is not None:
        both = backtests.conditional_coverage(coverage, independent)
        told |= {"conditional_coverage_lr": both.lr, "conditional_coverage_p_value": both.p_value}
    return told


def _diagnostics(params: Params, n: int, beyond: int, fit: Fit | None, warnings: list[Caution]) -> Diagnostics:
    return Diagnostics(
        method={"var": "historical" if params.method == "plain" else params.method}.get(params.task, params.task),
        estimator=_ESTIMATORS[params.method if params.task == "var" else params.task],
        observations=n,
        beyond_var=beyond,
        horizon=f"{params.horizon_days:g} days, sqrt_time",
        garch=None if fit is None else Garch(**fit._asdict()),
        units=_UNITS,
        warnings=warnings,
    )


_ORDER = "VaR: order statistic ⌈αn⌉; ES: Acerbi-Tasche; errors: binomial, influence function"
_ESTIMATORS = {
    "plain": _ORDER,
    "filtered": _ORDER + "; of losses scaled to the next day's GARCH(1,1) volatility",
    "weighted": "VaR: weighted order statistic; ES: Acerbi-Tasche; errors: as of 1/Σw² equal observations",
    "parametric": "normal, sample mean and deviation; ES is that of Acerbi-Tasche; errors: delta method",
    "ewma": "RiskMetrics variance, mean 0, normal; ES is that of Acerbi-Tasche; errors: delta method",
    "backtest": "likelihood ratios of Kupiec (1995) and Christoffersen (1998); zones of the Basel Committee (1996)",
}
_UNITS = dict.fromkeys(("var", "es", "portfolio_value", "volatility"), "currency") | {
    "variance": "currency squared",
    "kupiec_lr": "none",
    "christoffersen_lr": "none",
    "distribution": "currency, and fractions of the observations",
}


def _warnings(params: Params, risks: list[tails.Risk]) -> list[Caution]:
    cautions = []
    if any(risk.clipped for risk in risks):
        detail = "too few observations beyond VaR for a 95 % interval: the sample ends inside it"
        cautions.append(Caution("interval_clipped", "$.data.confidence", detail))
    if params.returns and any(abs(value) > 1 for row in params.returns for value in row):
        detail = "there are returns above 100 %: a return of 1 % is 0.01"
        cautions.append(Caution("looks_like_percent", "$.data.returns", detail))
    return cautions
