"""Rights to enter a swap, or to trade a bond, under Hull and White's model: on one date by formula, on several by steps
back from the last (calc/kernels/backward.py), with the factor of calc/numerics/hull_white.py.
"""

import itertools
import math
from typing import NamedTuple

import numpy as np

from calc import lazy
from calc.numerics.hull_white import Discount, HullWhite, option_on_flows
from calc.numerics.legendre import gauss_legendre

kernels = lazy.module("calc.kernels.backward")

REACH = 8.5  # standard deviations of the normal law that are integrated, beyond where the largest flow has its weight
NODES = 32  # of a panel of the normal law
RESOLVED = 1.05  # of a panel's width for a reach of 8.5, the least width of a bend that its nodes see
MOST_PANELS, MOST_PANELS_FROM_NOW = 64, 1024  # from the points of a grid, from now alone
FEWEST, MOST = 8, 256  # points of a grid in a standard deviation
ENOUGH = 1e-9  # of the amounts that change hands: the error at which a grid is fine enough
ORDER = 8.0  # by which a doubling of the points lessens the error, at least: sixteen where it is smooth
MOST_DEVIATION = 5.0  # of the logarithm of the longest bond in a right
SAME = 1e-9  # years within which two times are one

Flow = tuple[float, float]  # time, amount


class Right(NamedTuple):
    """What exercise gives on each of the ascending dates: flows in time order, at the date or later."""

    dates: list[float]
    given: list[list[Flow]]


class Priced(NamedTuple):
    """`error`: of the grid, as its last doubling tells it; 0 by formula. `europeans`: of the rights to
    exercise on one of the dates alone. `boundaries`: the factor where exercise begins on each date, NaN where it does
    not, or not in one piece."""

    price: float
    error: float
    points: int
    europeans: list[float]
    boundaries: list[float]


def periods(start: float, end: float, frequency: int) -> list[float]:
    """Ends of a swap's periods after its start: equal ones back from the end, a short one first."""
    count = max(math.ceil((end - start) * frequency - SAME), 1)
    return [*(end - k / frequency for k in range(count - 1, 0, -1)), end]


def swap_right(
    dates: list[float], start: float, end: float, frequency: int, fixed_rate: float, notional: float
) -> Right:
    """To enter on a date into what is left of a swap: the periods that start then or later. Pays fixed; with a
    notional below 0 it receives."""
    ends = periods(start, end, frequency)
    starts = [start, *ends[:-1]]
    given = []
    for date in dates:
        first = next(i for i, each in enumerate(starts) if each >= date - SAME)
        fixed = [
            (paid, -notional * fixed_rate * (paid - since))
            for since, paid in zip(starts[first:], ends[first:], strict=True)
        ]
        given.append(_merged([(max(starts[first], date), notional), *fixed, (end, -notional)]))
    return Right(dates, given)


def bond_right(dates: list[float], strike: float, end: float, frequency: int, coupon: float, notional: float) -> Right:
    """To buy a bond for `strike` on a date, with all its coupons after it. With both amounts below 0: to sell it."""
    given = []
    for date in dates:
        count = math.floor((end - date) * frequency - SAME)
        fixed = [(end - k / frequency, notional * coupon / frequency) for k in range(max(count, 0), -1, -1)]
        given.append(_merged([(date, -strike), *fixed, (end, notional)]))
    return Right(dates, given)


def deviation(right: Right, model: HullWhite) -> float:
    """The largest standard deviation, on a date, of the logarithm of the bond to the last flow."""
    return max(
        model.duration(flows[-1][0] - date) * math.sqrt(model.variance(date))
        for date, flows in zip(right.dates, right.given, strict=True)
    )


def size(right: Right, discount: Discount) -> float:
    """Of what changes hands on the first date, by today's value."""
    return math.fsum(abs(amount) * discount(time) for time, amount in right.given[0])


def priced(right: Right, model: HullWhite, discount: Discount) -> Priced:
    """The value now of the right to exercise once, on the date that is best."""
    alone = [european(date, flows, model, discount) for date, flows in zip(right.dates, right.given, strict=True)]
    if len(alone) == 1:
        return Priced(alone[0], 0.0, 0, alone, [math.nan])
    certain = [model.variance(date) == 0 for date in right.dates]
    open_dates = certain.count(False)
    known = max(alone[: len(alone) - open_dates], default=0.0)  # on such dates nothing is known that is not known now
    if open_dates < 2:
        return Priced(max(alone), 0.0, 0, alone, [math.nan] * len(alone))
    rest = Right(right.dates[-open_dates:], right.given[-open_dates:])
    value, error, points, boundaries = _backward(rest, model, discount)
    return Priced(max(value, known), error, points, alone, [math.nan] * (len(alone) - open_dates) + boundaries)


def european(date: float, flows: list[Flow], model: HullWhite, discount: Discount) -> float:
    """The value now of max(Σ amount · P(date, time), 0): by Jamshidian's formula where all flows but the first are of
    one sign and the first of the other, else by steps back from the one date."""
    first, rest = flows[0], flows[1:]
    if model.variance(date) == 0:
        return max(math.fsum(amount * discount(time) for time, amount in flows), 0.0)
    if all(amount * first[1] < 0 for _, amount in rest):
        return option_on_flows(model, discount, date, first, rest)
    return _backward(Right([date], [flows]), model, discount)[0]


def worth(flows: list[Flow], date: float, factor: float, model: HullWhite, discount: Discount) -> float:
    """Of flows on a date or later, on that date, where the factor is what it is."""
    today, variance, found = discount(date), model.variance(date), []
    for time, amount in flows:
        reach = model.duration(time - date)
        found.append(amount * discount(time) / today * math.exp(-reach * (factor + 0.5 * reach * variance)))
    return math.fsum(found)


def par_rate(
    start: float, ends: list[float], date: float, factor: float, model: HullWhite, discount: Discount
) -> float:
    """The fixed rate at which the swap of these periods is worth nothing on a date."""
    fixed = [(end, end - since) for since, end in zip([start, *ends[:-1]], ends, strict=True)]
    floating = [(start, 1.0), (ends[-1], -1.0)]
    return worth(floating, date, factor, model, discount) / worth(fixed, date, factor, model, discount)


def _merged(flows: list[Flow]) -> list[Flow]:
    """Amounts at one time added up; those of 0 left out."""
    found: list[Flow] = []
    for time, amount in flows:
        if found and found[-1][0] == time:
            found[-1] = (time, found[-1][1] + amount)
        else:
            found.append((time, amount))
    return [each for each in found if each[1] != 0.0]


def _backward(right: Right, model: HullWhite, discount: Discount) -> tuple[float, float, int, list[float]]:
    """Price, error, points of a grid, boundaries: points are doubled until the price stands still."""
    deviations = np.sqrt([model.variance(date) for date in right.dates])
    starts, coefficients, slopes = _terms(right, model, discount)
    moves = _moves(right.dates, model, discount)
    nodes, weights = gauss_legendre(NODES)
    half_width = REACH + deviation(right, model)
    panels = _panels(moves, half_width)
    enough, boundaries = ENOUGH * size(right, discount), np.zeros(len(right.dates))
    value, error, points = math.nan, math.inf, FEWEST
    while not error <= enough and points <= MOST:
        whole = 2 * math.ceil(half_width * points / 2) + 1
        before, value = (
            value,
            float(
                kernels.value(
                    deviations,
                    starts,
                    coefficients,
                    slopes,
                    moves,
                    half_width,
                    panels,
                    nodes,
                    weights,
                    whole,
                    boundaries,
                )
            ),
        )
        error = abs(value - before) / ORDER if before == before else math.inf
        points *= 2
    return max(value, 0.0), error, whole, (boundaries * deviations).tolist()


def _terms(right: Right, model: HullWhite, discount: Discount) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of each date's flows: coefficient and slope of the bond that pays them, as functions of the factor."""
    starts = [0, *itertools.accumulate(map(len, right.given))]
    coefficients, slopes = [], []
    for date, flows in zip(right.dates, right.given, strict=True):
        today, variance = discount(date), model.variance(date)
        for time, amount in flows:
            reach = model.duration(time - date)
            coefficients.append(amount * discount(time) / today * math.exp(-0.5 * reach * reach * variance))
            slopes.append(reach)
    return np.array(starts), np.array(coefficients), np.array(slopes)


def _moves(dates: list[float], model: HullWhite, discount: Discount) -> np.ndarray:
    """From each date to the next, under the law forward to it (calc/kernels/backward.py)."""
    rows = [[0.0, 0.0, math.sqrt(model.variance(dates[0])), discount(dates[0]), 0.0]]
    for before, date in itertools.pairwise(dates):
        reach, variance, decay = model.duration(date - before), model.variance(before), model.decay(date - before)
        bond = discount(date) / discount(before) * math.exp(-0.5 * reach * reach * variance)
        rows.append([decay, decay * reach * variance, math.sqrt(model.variance(date - before)), bond, reach])
    return np.array(rows)


def _panels(moves: np.ndarray, reach: float) -> np.ndarray:
    """On the way to each date, so many that the nodes see the bend that the next exercise makes in what is kept there:
    it is as wide as the factor moves from the date to the next, against how it moves to the date."""
    bends = np.append(moves[1:, 0] * moves[:-1, 2] / moves[1:, 2], 1.0)
    panels: np.ndarray = np.ceil(np.maximum(bends, 1.0) * (reach / REACH) / RESOLVED)
    panels[0], panels[1:] = min(panels[0], MOST_PANELS_FROM_NOW), np.minimum(panels[1:], MOST_PANELS)
    whole: np.ndarray = panels.astype(np.int64)
    return whole
