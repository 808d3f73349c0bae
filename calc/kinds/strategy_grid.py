"""Trading rules on past prices: every set of a grid of parameters, the best of them, and how much of it is luck.

    return of period t = Σ side_i(t) (P_i(t)/P_i(t-1) - 1) / n - cost × what was traded / n

The side of an asset is +1, 0 or -1 (0 with long_only), made by its rule from prices up to one time, held from `delay`
prices later on: nothing looks ahead. Every set is tried on the same moves, those after the longest window. Rules:

    moving_average   +1 where the mean of the last `fast` prices is above that of the last `slow`, -1 below
    momentum         +1 where the return over `lookback` is above `threshold` (0 when absent), -1 below its negative
    mean_reversion   -1 where the price is more than `threshold` standard deviations above the mean of its last
                     `lookback`, +1 as far below
    breakout         +1 above the highest of the `lookback` prices before, -1 below the lowest, held until the other

Sharpe ratio S = mean / standard deviation of returns above the risk-free rate, × √periods_per_year; its standard error
is Mertens' (2002), with skewness g and kurtosis k: √((1 - g S + (k-1)/4 S²)/(n-1)) per period. The best of many sets
looks good by luck alone: `expected_maximum` is what it would show without skill, `deflated_sharpe` the probability that
the true ratio is above that (Bailey and López de Prado 2014, *The deflated Sharpe ratio*). Sets of a grid resemble each
other, so that they are fewer trials than they count for, and the figure is rather too low.

`walk_forward` chooses the set with the best ratio over `train` periods, trades it over the next `test`, and so on: what
comes out was never used to choose. `task` deflated_sharpe does the last formula alone, for a ratio that is known.

A set gets a `status`: ok, bad_parameters (fast not below slow, a window that leaves fewer than 20 moves), no_trades
(nothing is traded, or the returns never move). Refused: prices that are null, not from 1e-9 to 1e9 or in rows of
unequal length, parameters of another rule, a grid without any set that can be tried, more than 20,000 sets, 2,000,000
prices, 1e12 steps.
Self-checks: the first set of a part has the same sides where the later half of the prices is not known; deviations,
falls and kurtosis are what they can be.
Cost: 3 ns a set, price and asset; with mean_reversion and breakout 1 ns more for each price of the window.
"""

import math

import numpy as np
from numpy.typing import NDArray

from calc import lazy
from calc.errors import CalcError, InvalidData
from calc.kind import Plan, never_enough, no_estimate, once_per_params
from calc.kinds import strategy_answers as answers
from calc.kinds.strategy_answers import BAD_PARAMETERS, FIGURES, FLAT, NO_TRADES, OK, Choice, Partial, Result, Walk
from calc.kinds.strategy_terms import (
    RULES,
    ParameterSet,
    Params,
    faults_of,
    first_move,
    is_sensible,
    observations_of,
    sets,
    splits,
    work,
)
from calc.numerics import columns, sharpe

kernels = lazy.module("calc.kernels.strategies")

NAME = "strategy_grid"
VERSION = 1
ALIASES: tuple[str, ...] = ()
SUMMARY = "Trading rules over a grid of parameters on past prices: Sharpe ratios with errors, deflated, walked forward."
_PRICES = (
    *(100, 101, 103, 102, 104, 107, 106, 108, 111, 110),
    *(108, 105, 104, 101, 99, 100, 98, 97, 99, 102),
    *(104, 103, 106, 109, 112, 111, 113, 116, 114, 111),
    *(109, 110, 107, 105, 106, 104, 103, 105, 108, 111),
)
EXAMPLE = {
    "prices": [[each] for each in _PRICES],
    "assets": ["AAPL"],
    "rule": "moving_average",
    "grid": {"fast": [2, 3], "slow": [5, 8]},
    "cost": 0.0005,
    "periods_per_year": 252,
    "walk_forward": {"train": 20, "test": 5},
}
FURTHER_EXAMPLES = (
    {**EXAMPLE, "rule": "momentum", "grid": {"lookback": [5, 10]}, "walk_forward": None},
    {**EXAMPLE, "rule": "mean_reversion", "grid": {"lookback": [8], "threshold": [1]}, "side": "long_only"},
    {**EXAMPLE, "rule": "breakout", "grid": {"lookback": [4, 8]}},
    {
        "task": "deflated_sharpe",
        "sharpe": 2.5,
        "observations": 1250,
        "trials": 100,
        "trials_variance": 0.5,
        "skewness": -3,
        "kurtosis": 10,
        "periods_per_year": 250,
    },
)

PART_S = 0.7
SECONDS_A_STEP, SECONDS_A_NUMBER = 1e-9, 7e-8
SECONDS_A_SET, SECONDS_A_SPLIT, SECONDS_A_TRAINED, SECONDS_A_WINDOW = 4e-5, 1e-6, 2e-9, 1.5e-5

Accumulator = Partial
Array = NDArray[np.float64]
Sides = NDArray[np.int8]


def plan(params: Params) -> Plan:
    """So many sets to a part as take some tenths of a second. All that is wrong is told here."""
    faults = faults_of(params)
    if faults:
        raise InvalidData(faults)
    return Plan(parts=1 if params.task != "grid" else math.ceil(len(sets(params)) / _sets_a_part(params)))


def cost(params: Params) -> float:
    """By steps, sets, windows of the walk, and prices that are read."""
    if params.task != "grid":
        return 2e-4
    numbers = len(params.prices or ()) * len((params.prices or [[]])[0])
    return 5e-4 + SECONDS_A_NUMBER * numbers + SECONDS_A_WINDOW * len(splits(params)) + _work_s(params)


def run(params: Params, part: int) -> Partial:
    """The part's sets, each over all prices; and of each window of the walk the best of them."""
    if params.task != "grid":
        return Partial([], b"", [])
    first = part * _sets_a_part(params)
    tried = sets(params)[first : first + _sets_a_part(params)]
    found, status = np.full((len(FIGURES), len(tried)), np.nan), np.full(len(tried), BAD_PARAMETERS, np.uint8)
    choices, checked = [Choice(-1, 0.0)] * len(splits(params)), False
    for i, each in enumerate(tried):
        if not is_sensible(params, each):
            continue
        sides = held(params, each)
        if not checked:
            check_no_look_ahead(params, each, sides)
            checked = True
        returns, traded = _traded(params, sides)
        found[:, i] = _figures(params, returns, traded)
        flat = found[1, i] <= FLAT * abs(found[0, i]) or not traded.any()
        status[i] = NO_TRADES if flat else OK
        choices = [_better(*pair) for pair in zip(choices, _in_sample(params, returns, first + i), strict=True)]
    check_figures(found, status)
    return Partial([columns.packed(row) for row in found], status.tobytes(), choices)


def reduce(params: Params, accumulator: Partial | None, partials: list[Partial]) -> Partial:
    """Sets one after the other; of each window of the walk the best, the first of equal ones."""
    folded = [accumulator, *partials] if accumulator else partials
    choices = folded[0].choices
    for each in folded[1:]:
        choices = [_better(now, other) for now, other in zip(choices, each.choices, strict=True)]
    return Partial(
        [b"".join(pieces) for pieces in zip(*(each.figures for each in folded), strict=True)],
        b"".join(each.status for each in folded),
        choices,
    )


estimate, enough = no_estimate, never_enough


def result(params: Params, accumulator: Partial) -> Result:
    """The sets, the best of them, the walk."""
    if params.task != "grid":
        return _deflated(params)
    walk, error = _walk(params, accumulator.choices)
    return answers.whole(params, accumulator, walk, error)


def held(params: Params, each: ParameterSet, known: int | None = None) -> Sides:
    """The side of each asset after each price, or after so many of them, the others being unknown."""
    prices, sums, _ = _market(params)
    prices = np.ascontiguousarray(prices[:, :known])
    sides = np.empty(prices.shape, np.int8)
    rule, short = RULES.index(params.rule or ""), params.side == "long_short"
    kernels.signals(prices, sums, rule, each.fast or 1, each.window, each.threshold or 0.0, short, sides)
    return sides


def check_no_look_ahead(params: Params, each: ParameterSet, sides: Sides) -> None:
    """Self-check: the sides after the first half of the prices are made of that half."""
    half = sides.shape[1] // 2
    if not np.array_equal(held(params, each, half), sides[:, :half]):
        detail = f"a side of {answers.chosen(each)} is another one where later prices are not known"
        raise CalcError(f"The self-check no_look_ahead failed: {detail}.", code="internal_check_failed")


def check_figures(found: Array, status: NDArray[np.uint8]) -> None:
    """Self-check: deviations are not below 0, a fall is a share, a kurtosis is above the square of its skewness."""
    good = found[:, status == OK]
    of = dict(zip(FIGURES, good, strict=True))
    right = (of["deviation"] > 0) & (of["drawdown"] >= 0) & (of["drawdown"] <= 1) & (of["turnover"] >= 0)
    right &= of["kurtosis"] >= (1.0 + of["skewness"] ** 2) * (1 - 1e-9)
    if not right.all():
        wrong = good[:, ~right][:, 0].tolist()
        detail = ", ".join(f"{name} {value:.6g}" for name, value in zip(FIGURES, wrong, strict=True))
        raise CalcError(f"The self-check figures failed: {detail}.", code="internal_check_failed")


@once_per_params
def _market(params: Params) -> tuple[Array, Array, Array]:
    """Prices [asset, time], their prefix sums, their moves (0 at the first)."""
    prices = np.ascontiguousarray(columns.matrix(params.prices or []).T)
    sums, moves = np.zeros((prices.shape[0], prices.shape[1] + 1)), np.zeros(prices.shape)
    np.cumsum(prices, axis=1, out=sums[:, 1:])
    moves[:, 1:] = prices[:, 1:] / prices[:, :-1] - 1.0
    return prices, sums, moves


def _traded(params: Params, sides: Sides) -> tuple[Array, Array]:
    """Returns of the moves that count, and what was traded before each."""
    returns, traded = np.empty(observations_of(params)), np.empty(observations_of(params))
    kernels.earned(_market(params)[2], sides, first_move(params), params.delay, params.cost, returns, traded)
    return returns, traded


def _figures(params: Params, returns: Array, traded: Array) -> Array:
    """As FIGURES names them."""
    found = np.empty(len(FIGURES))
    kernels.figures(returns, params.risk_free_rate / params.periods_per_year, found)
    found[-1] = float(traded.sum()) / traded.size
    return found


def _in_sample(params: Params, returns: Array, place: int) -> list[Choice]:
    """The ratio of a set over each window that chooses."""
    windows = splits(params)
    begins, ends = (np.array([each[i] for each in windows], dtype=np.int64) for i in (0, 1))
    found = np.empty((len(windows), 2))
    kernels.of_windows(returns, begins, ends, found)
    riskless = params.risk_free_rate / params.periods_per_year
    return [
        Choice(-1, 0.0) if deviation <= FLAT * abs(mean) else Choice(place, (mean - riskless) / deviation)
        for mean, deviation in found.tolist()
    ]


def _better(first: Choice, second: Choice) -> Choice:
    """The larger ratio; of equal ones the first set's."""
    if second.place < 0 or (first.place >= 0 and first.sharpe >= second.sharpe):
        return first
    return second


def _walk(params: Params, choices: list[Choice]) -> tuple[Walk | None, float | None]:
    """What the chosen sets earned one after the other, and the error of its Sharpe ratio."""
    if not choices:
        return None, None
    windows, start = splits(params), splits(params)[0][1]
    sides = np.zeros(_market(params)[0].shape, np.int8)
    shift = first_move(params) - 1 - params.delay  # the signal that is held over observation 0
    chosen = {place: held(params, sets(params)[place]) for place in {each.place for each in choices} if place >= 0}
    for choice, (_, begin, end) in zip(choices, windows, strict=True):
        if choice.place >= 0:
            sides[:, shift + begin : shift + end] = chosen[choice.place][:, shift + begin : shift + end]
    returns, traded = (each[start : windows[-1][2]] for each in _traded(params, sides))
    of = dict(zip(FIGURES, _figures(params, returns, traded).tolist(), strict=True))
    yearly, flat = params.periods_per_year, of["deviation"] <= FLAT * abs(of["mean"]) or not traded.any()
    ratio = None if flat else of["mean"] / of["deviation"]
    error = None if ratio is None else sharpe.error(ratio, of["skewness"], of["kurtosis"], returns.size)
    earned = [math.fsum(returns[begin - start : end - start]) for _, begin, end in windows]
    steps = [answers.step_of(params, i, *each) for i, each in enumerate(zip(choices, earned, strict=True))]
    walk = Walk(
        sharpe=None if ratio is None else ratio * math.sqrt(yearly),
        probabilistic_sharpe=None if ratio is None or error is None else sharpe.above(ratio, 0.0, error),
        mean_return=of["mean"] * yearly + params.risk_free_rate,
        volatility=of["deviation"] * math.sqrt(yearly),
        max_drawdown=of["drawdown"],
        turnover=of["turnover"] * yearly,
        growth=None if math.isnan(of["growth"]) else of["growth"] * yearly,
        periods=returns.size,
        steps=steps,
    )
    return walk, None if error is None else error * math.sqrt(yearly)


def _deflated(params: Params) -> Result:
    """Of a ratio that is known."""
    yearly, periods = math.sqrt(params.periods_per_year), params.observations or 0
    ratio, spread = (params.sharpe or 0.0) / yearly, (params.trials_variance or 0.0) / params.periods_per_year
    limit = sharpe.expected_maximum(params.trials or 1, spread)
    error = sharpe.error(ratio, params.skewness or 0.0, params.kurtosis or 0.0, periods)
    return Result(
        sharpe=ratio * yearly,
        deflated_sharpe=sharpe.above(ratio, limit, error),
        expected_maximum=limit * yearly,
        standard_error={"sharpe": error * yearly},
        diagnostics=answers.diagnostics(params, []),
    )


def _sets_a_part(params: Params) -> int:
    return max(math.floor(PART_S * len(sets(params)) / _work_s(params)), 1)


def _work_s(params: Params) -> float:
    """Seconds of all sets, and of those that a walk chooses once more."""
    count, windows = len(sets(params)), len(splits(params))
    chosen = 1 + 0.5 * min(windows, count) / count
    trained = SECONDS_A_TRAINED * (params.walk_forward.train if params.walk_forward else 0)
    return chosen * SECONDS_A_STEP * work(params) + (SECONDS_A_SET + (SECONDS_A_SPLIT + trained) * windows) * count
