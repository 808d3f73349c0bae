"""The answer of the kind `strategy_grid`: figures of sets, the best of them, and what walking forward earned."""

import math
from typing import NamedTuple, TypeVar

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from calc.kind import Caution
from calc.kinds.strategy_terms import ParameterSet, Params, observations_of, sets, splits
from calc.numerics import columns, sharpe
from calc.quantities import looks_like_percent

Array = NDArray[np.float64]
Value = TypeVar("Value", int, float)
STATUSES = ("ok", "bad_parameters", "no_trades")
OK, BAD_PARAMETERS, NO_TRADES = range(3)
# Of a set, per period but for the last two: what Partial has packed, in this order.
FIGURES = ("mean", "deviation", "skewness", "kurtosis", "drawdown", "growth", "turnover")
FLAT = 1e-12  # of the mean: a standard deviation below it is rounding


class Choice(NamedTuple):
    """Of a window of the walk: the number of the best set of those seen, -1 where none traded, and its ratio."""

    place: int
    sharpe: float


class Partial(Struct, frozen=True):
    """`figures` are packed columns as FIGURES has them, an entry a set; `choices` are by window of the walk."""

    figures: list[bytes]
    status: bytes
    choices: list[Choice]


Listed = list[float | None]


class Chosen(Struct, frozen=True):
    """A set's parameters; null where its rule has no such one."""

    fast: int | None
    slow: int | None
    lookback: int | None
    threshold: float | None


class Sets(Struct, frozen=True):
    """Columns with an entry a set, in the order of the grid, the last parameter moving fastest."""

    fast: list[int] | None
    slow: list[int] | None
    lookback: list[int] | None
    threshold: list[float] | None
    status: list[str]
    sharpe: Listed
    standard_error: Listed
    mean_return: Listed
    volatility: Listed
    max_drawdown: Listed
    turnover: Listed
    skewness: Listed
    kurtosis: Listed


class Best(Struct, frozen=True):
    """The set with the largest Sharpe ratio. `expected_maximum` is what the best of so many sets would show without any
    skill, and `deflated_sharpe` the probability that the true ratio is above that."""

    index: int
    parameters: Chosen
    sharpe: float
    probabilistic_sharpe: float
    expected_maximum: float
    deflated_sharpe: float
    mean_return: float
    volatility: float
    max_drawdown: float
    turnover: float
    growth: float | None


class Step(Struct, frozen=True):
    """One window of a walk: periods are counted from the first move that counts."""

    train_begin: int
    train_end: int
    test_end: int
    index: int | None
    parameters: Chosen | None
    sharpe_in_sample: float | None
    return_out_of_sample: float


class Walk(Struct, frozen=True):
    """What the chosen sets earned one after the other, costs of changing them within it."""

    sharpe: float | None
    probabilistic_sharpe: float | None
    mean_return: float
    volatility: float
    max_drawdown: float
    turnover: float
    growth: float | None
    periods: int
    steps: list[Step]


class Diagnostics(Struct, frozen=True):
    """`counts`: sets by status. `periods`: moves that every set was tried on."""

    method: str
    estimator: str
    sets: int
    periods: int
    counts: dict[str, int]
    conventions: dict[str, str]
    units: dict[str, str]
    warnings: list[Caution]


class Result(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Yearly figures; `best` is null where no set ever traded."""

    deflated_sharpe: float | None = None
    expected_maximum: float | None = None
    sharpe: float | None = None
    best: Best | None = None
    sets: Sets | None = None
    walk_forward: Walk | None = None
    standard_error: dict[str, float | None] | None
    diagnostics: Diagnostics


class Table(NamedTuple):
    """All sets: figures by name, per period; which are good, and their Sharpe ratios with errors, per period."""

    of: dict[str, Array]
    status: NDArray[np.uint8]
    sharpe: Array
    error: Array


def table(params: Params, accumulator: Partial) -> Table:
    """From the packed columns."""
    of = {name: columns.unpacked(each) for name, each in zip(FIGURES, accumulator.figures, strict=True)}
    status = np.frombuffer(accumulator.status, np.uint8)
    ratios, errors = np.full(status.size, np.nan), np.full(status.size, np.nan)
    for i in np.flatnonzero(status == OK).tolist():
        ratios[i] = of["mean"][i] / of["deviation"][i]
        shape = float(of["skewness"][i]), float(of["kurtosis"][i])
        errors[i] = sharpe.error(float(ratios[i]), *shape, observations_of(params))
    return Table(of, status, ratios, errors)


def whole(params: Params, accumulator: Partial, walk: Walk | None, walk_error: float | None) -> Result:
    """The answer to a grid."""
    found, yearly = table(params, accumulator), math.sqrt(params.periods_per_year)
    best = _best(params, found)
    errors: dict[str, float | None] = {}
    if best is not None:
        errors["sharpe"] = float(found.error[best.index]) * yearly
    if walk is not None:
        errors["walk_forward.sharpe"] = walk_error
    return Result(
        sharpe=best.sharpe if best else None,
        deflated_sharpe=best.deflated_sharpe if best else None,
        expected_maximum=best.expected_maximum if best else None,
        best=best,
        sets=_sets(params, found),
        walk_forward=walk,
        standard_error=errors or None,
        diagnostics=diagnostics(params, np.bincount(found.status, minlength=len(STATUSES)).tolist()),
    )


def chosen(each: ParameterSet) -> Chosen:
    """As the answer has it."""
    return Chosen(*each)


def _best(params: Params, found: Table) -> Best | None:
    good = np.flatnonzero(found.status == OK)
    if not good.size:
        return None
    index, yearly = int(good[np.argmax(found.sharpe[good])]), params.periods_per_year
    ratios = found.sharpe[good].tolist()
    mean = math.fsum(ratios) / len(ratios)
    spread = math.fsum((each - mean) ** 2 for each in ratios) / max(len(ratios) - 1, 1)
    limit, ratio, error = sharpe.expected_maximum(good.size, spread), float(found.sharpe[index]), found.error[index]
    of = {name: float(column[index]) for name, column in found.of.items()}
    return Best(
        index=index,
        parameters=chosen(sets(params)[index]),
        sharpe=ratio * math.sqrt(yearly),
        probabilistic_sharpe=sharpe.above(ratio, 0.0, float(error)),
        expected_maximum=limit * math.sqrt(yearly),
        deflated_sharpe=sharpe.above(ratio, limit, float(error)),
        mean_return=of["mean"] * yearly + params.risk_free_rate,
        volatility=of["deviation"] * math.sqrt(yearly),
        max_drawdown=of["drawdown"],
        turnover=of["turnover"] * yearly,
        growth=None if math.isnan(of["growth"]) else of["growth"] * yearly,
    )


def _sets(params: Params, found: Table) -> Sets:
    yearly, good, tried = params.periods_per_year, found.status == OK, found.status != BAD_PARAMETERS
    fast, slow, lookback, threshold = (list(column) for column in zip(*sets(params), strict=True))
    return Sets(
        fast=_given(fast),
        slow=_given(slow),
        lookback=_given(lookback),
        threshold=_given(threshold),
        status=[STATUSES[code] for code in found.status.tolist()],
        sharpe=columns.listed(found.sharpe * math.sqrt(yearly), good),
        standard_error=columns.listed(found.error * math.sqrt(yearly), good),
        mean_return=columns.listed(found.of["mean"] * yearly + params.risk_free_rate, tried),
        volatility=columns.listed(found.of["deviation"] * math.sqrt(yearly), tried),
        max_drawdown=columns.listed(found.of["drawdown"], tried),
        turnover=columns.listed(found.of["turnover"] * yearly, tried),
        skewness=columns.listed(found.of["skewness"], good),
        kurtosis=columns.listed(found.of["kurtosis"], good),
    )


def _given(column: list[Value | None]) -> list[Value] | None:
    """A column of a parameter that the rule has."""
    there = [each for each in column if each is not None]
    return there or None


def diagnostics(params: Params, counts: list[int]) -> Diagnostics:
    """What was done, in which words and units."""
    of_prices = params.task == "grid"
    conventions = {"sharpe": "mean over standard deviation (n - 1) of simple returns above the risk-free rate, yearly"}
    if of_prices:
        conventions |= {
            "weights": "equal parts of all assets, set anew at every price",
            "delay": f"a signal trades {params.delay} prices after its own",
            "turnover": "traded over wealth, buying and selling both counted",
            "drawdown": "of wealth with returns reinvested",
        }
    conventions["deflated_sharpe"] = "every set counts as an independent trial" if of_prices else "as sent"
    return Diagnostics(
        method="simulation_of_the_past" if of_prices else "closed_form",
        estimator="Sharpe ratio with the error of Mertens, deflated as by Bailey and López de Prado (2014)",
        sets=len(sets(params)) if of_prices else 0,
        periods=observations_of(params) if of_prices else params.observations or 0,
        counts={word: n for word, n in zip(STATUSES, counts, strict=False) if n},
        conventions=conventions,
        units={
            "sharpe": "per square root of a year",
            "expected_maximum": "per square root of a year",
            "mean_return": "per year",
            "growth": "per year",
            "volatility": "per square root of a year",
            "max_drawdown": "fraction",
            "turnover": "per year",
        },
        warnings=[*looks_like_percent("$.data.cost", params.cost, 0.1), *_few(params, of_prices)],
    )


def _few(params: Params, of_prices: bool) -> list[Caution]:
    if not of_prices or params.delay > 0:
        return []
    detail = "trades at the price that makes the signal, which nobody knows before it is made"
    return [Caution("no_delay", "$.data.delay", detail)]


def step_of(params: Params, split: int, choice: Choice, earned: float) -> Step:
    """A window of the walk."""
    begin, end, last = splits(params)[split]
    if choice.place < 0:
        return Step(begin, end, last, None, None, None, earned)
    ratio = choice.sharpe * math.sqrt(params.periods_per_year)
    return Step(begin, end, last, choice.place, chosen(sets(params)[choice.place]), ratio, earned)
