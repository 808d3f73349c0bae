"""Value at risk and expected shortfall from what happened: past returns of what is held, or past losses.

    loss of day t = -Σ exposure_i × return_ti          simple returns, oldest first

VaR is the smallest loss x with P(L <= x) >= α, an order statistic; ES is Acerbi and Tasche's, with the fraction of
the atom at VaR. Losses are positive; a gain at the quantile is negative and stays so. Nothing missing is filled in.

`task` var, by `method`:

    plain        every day counts alike
    weighted     a day of age k weighs decay^k (Boudoukh, Richardson and Whitelaw 1998)
    filtered     losses scaled to the next day's volatility, h from GARCH(1,1) of the book's losses, or with `filter_by`
                 symbol of each column (Hull and White 1998; Barone-Adesi, Giannopoulos and Vosper 1999)
    parametric   normal with the sample's mean and deviation
    ewma         normal with mean 0 and RiskMetrics' variance, decay 0.94 where none is given

`distribution` has the losses that this is of (filtered, weighted where the method does so) in bins of equal width.

`task` backtest: Kupiec, Christoffersen and the Basel traffic light, of counts that are sent (`observations` and
`exceptions`; n00, n01, n10, n11), or of losses or returns: each day's VaR is then made from the `window` days before.
`task` ewma: the variance λσ² + (1-λ)x² after the last day, with `initial_variance` or the sample's mean square.

Refused: observations too few for the confidence, rows of unequal length, a window longer than the sample. Accuracy:
order statistics are exact; standard errors are those of sampling (binomial, influence function, delta method), of
`weighted` for 1/Σw² equal observations. GARCH is fitted to a gradient that the diagnostics tell. Cost: 1 ms a fit of
1000 days.
"""

import math
from typing import Annotated, Any, Literal, NamedTuple

import numpy as np
from msgspec import Meta, Struct
from numpy.typing import NDArray

from calc import distributions
from calc.checks import check_order
from calc.distributions import Distribution
from calc.errors import InvalidData
from calc.kind import Caution, Plan, never_enough, no_estimate, once_per_params
from calc.kinds import historical_faults
from calc.kinds.historical_faults import held_of
from calc.numerics import backtests, columns, historical, tails
from calc.numerics.historical import Fit
from calc.positions import Position, Symbol
from calc.quantities import Confidence, measure

NAME = "var_historical"
VERSION = 3
ALIASES: tuple[str, ...] = ()
SUMMARY = "Value at risk and expected shortfall of a portfolio from past returns or losses, and its backtest."
EXAMPLE = {
    "returns": [
        [0.011, 0.004],
        [-0.021, -0.013],
        [0.003, 0.006],
        [-0.008, 0.002],
        [0.017, 0.009],
        [-0.035, -0.028],
        [0.006, -0.001],
        [0.001, 0.003],
        [-0.012, -0.007],
        [0.009, 0.012],
    ],
    "symbols": ["AAPL", "MSFT"],
    "positions": [{"symbol": "AAPL", "quantity": 120, "price": 180.5}, {"symbol": "MSFT", "value": 20500}],
    "confidence": 0.9,
}
_LOSSES = {"losses": [1.5, -2.0, 3.25, 0.1, -0.4, 2.2, -1.7, 0.9] * 8}
FURTHER_EXAMPLES: tuple[dict[str, Any], ...] = (
    {**_LOSSES, "confidence": 0.9, "method": "filtered"},
    {**_LOSSES, "confidence": 0.9, "method": "weighted"},
    {**_LOSSES, "confidence": 0.9, "method": "parametric"},
    {**_LOSSES, "task": "ewma", "decay": 0.94, "initial_variance": 0.0001},
    {**_LOSSES, "task": "backtest", "confidence": 0.9, "window": 40},
)

FITS_A_PART = 512
DAYS_A_PART = 64  # of a backtest, times what a fit costs more than an order statistic
WORST_SHOWN = 10


class Params(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    task: Annotated[Literal["var", "backtest", "ewma"], Meta(title="Task")] = "var"
    method: Annotated[
        Literal["plain", "weighted", "filtered", "parametric", "ewma"],
        Meta(title="Method", description="How the past is made into a law of losses."),
    ] = "plain"
    losses: Annotated[
        list[float] | None,
        measure("Losses", "currency", "Of the whole book, positive when lost. In place of returns.", [120.5, -80, 33]),
    ] = None
    returns: Annotated[
        list[list[float]] | None,
        measure(
            "Returns",
            "fraction",
            "Simple returns: one row a day, oldest first; one column a symbol. 0.01 is 1 %.",
            [[0.011, 0.004], [-0.021, -0.013]],
        ),
    ] = None
    exposures: Annotated[
        list[float] | None,
        measure("Exposures", "currency", "What is held of each column now. In place of positions.", [21660, 20500]),
    ] = None
    positions: Annotated[list[Position], Meta(min_length=1, max_length=10_000, title="Positions")] | None = None
    symbols: Annotated[
        list[Symbol] | None,
        Meta(
            title="Symbols",
            description="Names of the columns. Without them positions stand in the order of the columns.",
            examples=[["AAPL", "MSFT"]],
        ),
    ] = None
    confidence: Annotated[
        Confidence | list[Confidence] | None,
        Meta(title="Confidence", description="One, or several for var.", extra_json_schema={"x-unit": "fraction"}),
    ] = None
    decay: Annotated[
        Annotated[float, Meta(gt=0, lt=1)] | None,
        measure("Decay", "per day", "Weight of a day over that of the next; 0.94 for ewma, 0.98 for weighted.", 0.94),
    ] = None
    initial_variance: Annotated[
        Annotated[float, Meta(ge=0)] | None,
        measure("Initial variance", "currency squared", "Before the first day, for ewma.", 0.0001),
    ] = None
    filter_by: Annotated[
        Literal["portfolio", "symbol"],
        Meta(title="Filter by", description="Whose volatility `filtered` fits: the book's, or each column's."),
    ] = "portfolio"
    observations: Annotated[
        Annotated[int, Meta(ge=1, le=10**6)] | None, measure("Observations", "days", "Of a backtest.", 250)
    ] = None
    exceptions: Annotated[
        Annotated[int, Meta(ge=0, le=10**6)] | None, measure("Exceptions", "days", "With a loss beyond VaR.", 7)
    ] = None
    n00: Annotated[
        Annotated[int, Meta(ge=0, le=10**6)] | None, measure("n00", "days", "Without one after one without.", 216)
    ] = None
    n01: Annotated[
        Annotated[int, Meta(ge=0, le=10**6)] | None, measure("n01", "days", "With one after one without.", 16)
    ] = None
    n10: Annotated[
        Annotated[int, Meta(ge=0, le=10**6)] | None, measure("n10", "days", "Without one after one with.", 17)
    ] = None
    n11: Annotated[
        Annotated[int, Meta(ge=0, le=10**6)] | None, measure("n11", "days", "With one after one with.", 3)
    ] = None
    window: Annotated[
        Annotated[int, Meta(ge=1)] | None, measure("Window", "days", "Use the last so many days only.", 500)
    ] = None
    horizon_days: Annotated[
        float,
        measure("Horizon", "days", "One day's losses are scaled with its square root.", 10, gt=0, le=2520),
    ] = 1.0

    def __post_init__(self) -> None:
        faults = historical_faults.find(self)
        if faults:
            raise InvalidData(faults)


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


class Partial(Struct, frozen=True):
    """8-byte floats: of a backtest VaR of the part's days, of a filter by symbol what its columns add to the losses."""

    values: bytes = b""


Accumulator = Partial
estimate = no_estimate
enough = never_enough


def plan(params: Params) -> Plan:
    """Columns of a filter by symbol, or days of a backtest; all else is one part."""
    if params.task == "var" and params.method == "filtered" and params.filter_by == "symbol":
        return Plan(math.ceil(_columns(params) / _columns_a_part(params)))
    if params.task == "backtest" and _has_series(params):
        return Plan(math.ceil(_days(params) / _days_a_part(params)))
    return Plan(parts=1)


def cost(params: Params) -> float:
    """Reading the numbers, fits, and sorting."""
    if not _has_series(params):
        return 4e-4
    rows, columns = _rows(params), _columns(params)
    once = 6e-4 + 1.2e-7 * rows * columns
    if params.task == "backtest":
        return once + _days(params) * _ns_a_day(params) * 1e-9
    fits = (columns if params.filter_by == "symbol" else 1) if params.method == "filtered" else 0
    return once + rows * (4e-7 + 9e-7 * fits)


def run(params: Params, part: int) -> Partial:
    """The part's days or columns."""
    if params.task == "backtest" and _has_series(params):
        return Partial(_backtest_days(params, part).astype("<f8").tobytes())
    if params.task == "var" and params.method == "filtered" and params.filter_by == "symbol":
        return Partial(_filtered_columns(params, part).astype("<f8").tobytes())
    return Partial()


def reduce(params: Params, accumulator: Partial | None, partials: list[Partial]) -> Partial:
    """Days one after the other; losses of columns added in their order."""
    folded = partials if accumulator is None else [accumulator, *partials]
    if params.task == "backtest":
        return Partial(b"".join(each.values for each in folded))
    if not folded[0].values:
        return Partial()
    total = np.zeros(len(folded[0].values) // 8)
    for each in folded:
        total += np.frombuffer(each.values, "<f8")
    return Partial(total.astype("<f8").tobytes())


def result(params: Params, accumulator: Partial) -> Result:
    """The task's answer."""
    if params.task == "ewma":
        return _variance(params)
    if params.task == "backtest":
        return _backtest(params, np.frombuffer(accumulator.values, "<f8"))
    return _var(params, np.frombuffer(accumulator.values, "<f8"))


def _var(params: Params, filtered: NDArray[np.float64]) -> Result:
    series = _series(params)
    losses, fit, method = series.losses, None, params.method
    if filtered.size:
        losses, method = filtered, "plain"
    elif method == "filtered":
        fit, losses = historical.fitted(losses)
        method = "plain"
    decay = _decay(params)
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


def _variance(params: Params) -> Result:
    series = _series(params)
    variance = historical.variance(series.losses, _decay(params), params.initial_variance)
    return Result(
        variance=variance,
        volatility=math.sqrt(variance),
        portfolio_value=series.held,
        diagnostics=_diagnostics(params, series.losses.size, 0, None, _warnings(params, [])),
    )


def _backtest(params: Params, made: NDArray[np.float64]) -> Result:
    days: list[int] | None = None
    counts = (params.n00, params.n01, params.n10, params.n11)
    observations, exceptions = params.observations, params.exceptions
    if _has_series(params):
        losses = _all_losses(params)
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


def _backtest_days(params: Params, part: int) -> NDArray[np.float64]:
    losses, window = _all_losses(params), params.window or 0
    first, size = window + part * _days_a_part(params), _days_a_part(params)
    confidence, decay = historical_faults.confidences(params)[0], _decay(params)
    return np.array(
        [
            historical.risk(losses[day - window : day], params.method, confidence, decay, params.initial_variance).var
            for day in range(first, min(first + size, losses.size))
        ]
    )


def _filtered_columns(params: Params, part: int) -> NDArray[np.float64]:
    series, size = _series(params), _columns_a_part(params)
    returns = columns.matrix(params.returns or [])[series.first :]
    held = held_of(params)
    root = math.sqrt(params.horizon_days)
    total = np.zeros(len(returns))
    for i in range(part * size, min((part + 1) * size, len(held))):
        total -= historical.fitted(returns[:, i])[1] * (held[i] * root)
    return total


class Series(NamedTuple):
    """Losses over the horizon, of the window's days; the first of them, and what the book is worth."""

    losses: NDArray[np.float64]
    first: int
    held: float | None


@once_per_params
def _series(params: Params) -> Series:
    losses = _all_losses(params)
    first = max(losses.size - (params.window or losses.size), 0)
    held = None if params.returns is None else math.fsum(held_of(params))
    return Series(losses[first:], first, held)


@once_per_params
def _all_losses(params: Params) -> NDArray[np.float64]:
    """A loss a day over the horizon. Columns are added one by one, in their order."""
    scale = math.sqrt(params.horizon_days)
    if params.losses is not None:
        return np.array(params.losses, dtype=np.float64) * scale
    returns = columns.matrix(params.returns or [])
    losses = np.zeros(len(returns))
    for column, exposure in zip(returns.T, held_of(params), strict=True):
        losses -= column * (exposure * scale)
    return losses


def _has_series(params: Params) -> bool:
    return params.losses is not None or params.returns is not None


def _rows(params: Params) -> int:
    return len(params.losses if params.losses is not None else params.returns or ())


def _columns(params: Params) -> int:
    return len(params.returns[0]) if params.returns else 1


def _columns_a_part(params: Params) -> int:
    return max(min(int(5e8 / (900 * _rows(params))), FITS_A_PART), 1)


def _days(params: Params) -> int:
    return _rows(params) - (params.window or 0)


def _ns_a_day(params: Params) -> float:
    window = params.window or 0
    return (
        60_000 + window * {"plain": 30, "weighted": 250, "filtered": 1000, "parametric": 80, "ewma": 60}[params.method]
    )


def _days_a_part(params: Params) -> int:
    return max(int(5e8 / _ns_a_day(params)) // DAYS_A_PART, 1) * DAYS_A_PART


def _decay(params: Params) -> float:
    if params.decay is not None:
        return params.decay
    return 0.98 if params.task == "var" and params.method == "weighted" else 0.94


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
