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
from typing import Any

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from calc.kind import Plan, never_enough, no_estimate
from calc.kinds import historical_faults
from calc.kinds.historical_answers import Result, backtest_answer, risk_answer, variance_answer
from calc.kinds.historical_faults import held_of
from calc.kinds.historical_terms import (
    Params,
    all_losses,
    columns_a_part,
    columns_of,
    days_a_part,
    days_of,
    decay_of,
    has_series,
    ns_a_day,
    rows_of,
    series_of,
)
from calc.numerics import columns, historical

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


class Partial(Struct, frozen=True):
    """8-byte floats: of a backtest VaR of the part's days, of a filter by symbol what its columns add to the losses."""

    values: bytes = b""


Accumulator = Partial
estimate = no_estimate
enough = never_enough


def plan(params: Params) -> Plan:
    """Columns of a filter by symbol, or days of a backtest; all else is one part."""
    if params.task == "var" and params.method == "filtered" and params.filter_by == "symbol":
        return Plan(math.ceil(columns_of(params) / columns_a_part(params)))
    if params.task == "backtest" and has_series(params):
        return Plan(math.ceil(days_of(params) / days_a_part(params)))
    return Plan(parts=1)


def cost(params: Params) -> float:
    """Reading the numbers, fits, and sorting."""
    if not has_series(params):
        return 4e-4
    rows, columns = rows_of(params), columns_of(params)
    once = 6e-4 + 1.2e-7 * rows * columns
    if params.task == "backtest":
        return once + days_of(params) * ns_a_day(params) * 1e-9
    fits = (columns if params.filter_by == "symbol" else 1) if params.method == "filtered" else 0
    return once + rows * (4e-7 + 9e-7 * fits)


def run(params: Params, part: int) -> Partial:
    """The part's days or columns."""
    if params.task == "backtest" and has_series(params):
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
        return variance_answer(params)
    if params.task == "backtest":
        return backtest_answer(params, np.frombuffer(accumulator.values, "<f8"))
    return risk_answer(params, np.frombuffer(accumulator.values, "<f8"))


def _backtest_days(params: Params, part: int) -> NDArray[np.float64]:
    losses, window = all_losses(params), params.window or 0
    first, size = window + part * days_a_part(params), days_a_part(params)
    confidence, decay = historical_faults.confidences(params)[0], decay_of(params)
    return np.array(
        [
            historical.risk(losses[day - window : day], params.method, confidence, decay, params.initial_variance).var
            for day in range(first, min(first + size, losses.size))
        ]
    )


def _filtered_columns(params: Params, part: int) -> NDArray[np.float64]:
    series, size = series_of(params), columns_a_part(params)
    returns = columns.matrix(params.returns or [])[series.first :]
    held = held_of(params)
    root = math.sqrt(params.horizon_days)
    total = np.zeros(len(returns))
    for i in range(part * size, min((part + 1) * size, len(held))):
        total -= historical.fitted(returns[:, i])[1] * (held[i] * root)
    return total
