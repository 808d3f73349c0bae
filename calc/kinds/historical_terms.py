"""The data of `var_historical`: fields, the series of losses, and into how much work it is divided."""

import math
from typing import Annotated, Literal, NamedTuple

import numpy as np
from msgspec import Meta, Struct
from numpy.typing import NDArray

from calc.errors import InvalidData
from calc.kind import once_per_params
from calc.kinds import historical_faults
from calc.kinds.historical_faults import held_of
from calc.numerics import columns
from calc.positions import Position, Symbol
from calc.quantities import Confidence, measure

FITS_A_PART = 512
DAYS_A_PART = 64  # of a backtest, times what a fit costs more than an order statistic


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


class Series(NamedTuple):
    """Losses over the horizon, of the window's days; the first of them, and what the book is worth."""

    losses: NDArray[np.float64]
    first: int
    held: float | None


@once_per_params
def series_of(params: Params) -> Series:
    """Of the window's days."""
    losses = all_losses(params)
    first = max(losses.size - (params.window or losses.size), 0)
    held = None if params.returns is None else math.fsum(held_of(params))
    return Series(losses[first:], first, held)


@once_per_params
def all_losses(params: Params) -> NDArray[np.float64]:
    """A loss a day over the horizon. Columns are added one by one, in their order."""
    scale = math.sqrt(params.horizon_days)
    if params.losses is not None:
        return np.array(params.losses, dtype=np.float64) * scale
    returns = columns.matrix(params.returns or [])
    losses = np.zeros(len(returns))
    for column, exposure in zip(returns.T, held_of(params), strict=True):
        losses -= column * (exposure * scale)
    return losses


def has_series(params: Params) -> bool:
    """Whether losses or returns were sent, and not only counts."""
    return params.losses is not None or params.returns is not None


def rows_of(params: Params) -> int:
    """Days that were sent."""
    return len(params.losses if params.losses is not None else params.returns or ())


def columns_of(params: Params) -> int:
    """Symbols; 1 where losses of the whole book were sent."""
    return len(params.returns[0]) if params.returns else 1


def columns_a_part(params: Params) -> int:
    """Fits of a filter by symbol that take about half a second."""
    return max(min(int(5e8 / (900 * rows_of(params))), FITS_A_PART), 1)


def days_of(params: Params) -> int:
    """Days of a backtest, each with a window before it."""
    return rows_of(params) - (params.window or 0)


def ns_a_day(params: Params) -> float:
    """What VaR of one such day costs, measured."""
    window = params.window or 0
    return (
        60_000 + window * {"plain": 30, "weighted": 250, "filtered": 1000, "parametric": 80, "ewma": 60}[params.method]
    )


def days_a_part(params: Params) -> int:
    """Days of a backtest that take about half a second."""
    return max(int(5e8 / ns_a_day(params)) // DAYS_A_PART, 1) * DAYS_A_PART


def decay_of(params: Params) -> float:
    """As sent, or that of the method."""
    if params.decay is not None:
        return params.decay
    return 0.98 if params.task == "var" and params.method == "weighted" else 0.94
