"""Value at risk and expected shortfall from what happened: past returns of what is held, or past losses.

    loss of day t = -Σ exposure_i × return_ti          simple returns, oldest first

VaR is the smallest loss x with P(L <= x) >= α, an order statistic; ES is Acerbi and Tasche's, with the fraction of
the atom at VaR. Losses are positive; a gain at the quantile is negative and stays so. Nothing missing is filled in.
"""

import math
from typing import Annotated

import numpy as np
from msgspec import Meta, Struct
from numpy.typing import NDArray

from calc.errors import Fault, InvalidData
from calc.kind import Caution, never_enough, no_estimate, one_part, only_partial, result_of_partial
from calc.numerics import tails
from calc.positions import Position, Symbol, exposures, symbols_of
from calc.quantities import Confidence, measure

NAME = "var_historical"
VERSION = 1
ALIASES: tuple[str, ...] = ()
SUMMARY = "Value at risk and expected shortfall of a portfolio from past returns or losses."
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

MOST_NUMBERS = 5_000_000
WORST_SHOWN = 10


class Params(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
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
    confidence: Confidence
    window: Annotated[
        Annotated[int, Meta(ge=1)] | None, measure("Window", "days", "Use the last so many days only.", 500)
    ] = None
    horizon_days: Annotated[
        float,
        measure("Horizon", "days", "One day's losses are scaled with its square root.", 10, gt=0, le=2520),
    ] = 1.0

    def __post_init__(self) -> None:
        faults = _faults(self)
        if faults:
            raise InvalidData(faults)


class Worst(Struct, frozen=True):
    """One of the largest losses. `observation` counts the rows as they were sent, from 0."""

    observation: int
    loss: float


class Diagnostics(Struct, frozen=True):
    method: str
    estimator: str
    observations: int
    beyond_var: int
    horizon: str
    units: dict[str, str]
    warnings: list[Caution]


class Result(Struct, frozen=True):
    """Losses are positive. `portfolio_value` is null when losses were sent."""

    var: float
    es: float
    portfolio_value: float | None
    worst: list[Worst]
    standard_error: dict[str, float]
    interval_95: dict[str, tuple[float, float]]
    diagnostics: Diagnostics


class Partial(Struct, frozen=True):
    """Nothing is left to fold: the one part works the result out."""

    result: Result


Accumulator = Partial
plan = one_part
reduce = only_partial
estimate = no_estimate
enough = never_enough
result = result_of_partial


def run(params: Params, part: int) -> Partial:
    """The whole of it."""
    losses, held = _losses(params)
    first = max(losses.size - (params.window or losses.size), 0)
    losses = losses[first:]
    tail = tails.largest(losses, first, losses.size)
    risk = tails.risk(tail.losses, params.confidence, losses.size)
    worst = zip(tail.scenarios[:WORST_SHOWN], tail.losses[:WORST_SHOWN], strict=True)
    return Partial(
        Result(
            var=risk.var,
            es=risk.es,
            portfolio_value=held,
            worst=[Worst(int(observation), float(loss)) for observation, loss in worst],
            standard_error={"var": risk.var_error, "es": risk.es_error},
            interval_95={"var": risk.var_interval, "es": risk.es_interval},
            diagnostics=Diagnostics(
                method="historical",
                estimator="VaR: order statistic ⌈αn⌉; ES: Acerbi-Tasche; errors: binomial, influence function",
                observations=losses.size,
                beyond_var=risk.beyond,
                horizon=f"{params.horizon_days:g} days, sqrt_time",
                units={"var": "currency", "es": "currency", "portfolio_value": "currency"},
                warnings=_warnings(params, risk),
            ),
        )
    )


def _losses(params: Params) -> tuple[NDArray[np.float64], float | None]:
    """A loss a day over the horizon, and what the book is worth. Columns are added one by one, in their order."""
    scale = math.sqrt(params.horizon_days)
    if params.losses is not None:
        return np.array(params.losses) * scale, None
    held = _exposures(params)
    returns = np.array(params.returns)
    losses = np.zeros(len(returns))
    for column, exposure in zip(returns.T, held, strict=True):
        losses -= column * (exposure * scale)
    return losses, math.fsum(held)


def _exposures(params: Params) -> list[float]:
    if params.positions is None:
        return params.exposures or []
    return exposures(params.positions, params.symbols or symbols_of(params.positions))


def _faults(params: Params) -> list[Fault]:
    if (params.losses is None) == (params.returns is None):
        return [Fault("$", "needs losses or returns, and not both", allowed="losses, or returns with exposures")]
    if params.losses is not None:
        rows = len(params.losses)
        faults = [
            Fault(f"$.{field}", "belongs to returns, and losses were sent")
            for field in ("exposures", "positions", "symbols")
            if getattr(params, field) is not None
        ]
    else:
        rows, faults = len(params.returns or ()), _faults_of_returns(params)
    if params.window is not None:
        if params.window > rows:
            detail = f"must be at most the number of observations, {rows}"
            faults.append(Fault("$.window", detail, params.window, code="out_of_range"))
        rows = min(rows, params.window)
    if tails.expected_beyond(params.confidence, rows) < 1:
        least = math.ceil(1 / tails.expected_beyond(params.confidence, 1))
        detail = f"{rows} observations cannot support confidence {params.confidence:g}: it needs {least:,}"
        faults.append(Fault("$.confidence", detail, params.confidence, code="too_few_observations"))
    return faults


def _faults_of_returns(params: Params) -> list[Fault]:
    returns = params.returns or []
    columns = len(returns[0]) if returns else 0
    faults = [
        Fault(f"$.returns[{i}]", f"has {len(row)} entries, the first row has {columns}", code="length_mismatch")
        for i, row in enumerate(returns)
        if len(row) != columns
    ]
    if len(returns) * columns > MOST_NUMBERS:
        faults.append(Fault("$.returns", f"has more than {MOST_NUMBERS:,} numbers", code="too_large"))
    if params.symbols is not None and len(params.symbols) != columns:
        detail = f"has {len(params.symbols)} names for {columns} columns"
        faults.append(Fault("$.symbols", detail, code="length_mismatch"))
    if params.symbols is not None and len(set(params.symbols)) < len(params.symbols):
        faults.append(Fault("$.symbols", "names a column twice", code="duplicate_key"))
    if (params.exposures is None) == (params.positions is None):
        return [*faults, Fault("$.positions", "or exposures are needed beside returns, and not both")]
    if params.exposures is not None and len(params.exposures) != columns:
        detail = f"has {len(params.exposures)} entries for {columns} columns"
        faults.append(Fault("$.exposures", detail, code="length_mismatch"))
    return faults + (_faults_of_positions(params.positions, params.symbols, columns) if params.positions else [])


def _faults_of_positions(positions: list[Position], symbols: list[str] | None, columns: int) -> list[Fault]:
    if symbols is None:
        held = len(symbols_of(positions))
        if held == columns:
            return []
        return [Fault("$.positions", f"hold {held} symbols for {columns} columns", code="length_mismatch")]
    return [
        Fault(f"$.positions[{i}].symbol", "has no column in symbols", position.symbol)
        for i, position in enumerate(positions)
        if position.symbol not in symbols
    ]


def _warnings(params: Params, risk: tails.Risk) -> list[Caution]:
    cautions = []
    if risk.clipped:
        detail = "too few observations beyond VaR for a 95 % interval: the sample ends inside it"
        cautions.append(Caution("interval_clipped", "$.data.confidence", detail))
    if params.returns and any(abs(value) > 1 for row in params.returns for value in row):
        detail = "there are returns above 100 %: a return of 1 % is 0.01"
        cautions.append(Caution("looks_like_percent", "$.data.returns", detail))
    return cautions
