"""A netting set of swaps and European options as the arrays that `calc/kernels/exposure.py` works on.

All swaps collapse into one list of fixed payments and one of floating coupons: sums over trades are rounded once
(fsum), so their order does not matter. Values on a date are after the payments of that date; an option is still there
on its maturity date. A floating leg is worth its notional at a reset, and between two resets the coupon that was fixed.
"""

import math
from collections import defaultdict
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from calc.numerics import black_scholes
from calc.numerics.hull_white import Discount, HullWhite, option_on_flows

Array = NDArray[np.float64]
Whole = NDArray[np.int64]
Flows = dict[float, float]  # time → amount

_SAME = 1e-9  # years: times so close are one


class Swap(NamedTuple):
    """Pays `rate` on `notional` and receives floating; a negative notional is the other side. Times in years."""

    notional: float
    rate: float
    start: float
    end: float
    frequency: int


class Option(NamedTuple):
    """`quantity` European options (negative: sold) on a share; `vol` is that of its forward; sign 1 call, -1 put."""

    quantity: float
    sign: float
    spot: float
    strike: float
    maturity: float
    vol: float
    dividend: float
    share: int


class Coupon(NamedTuple):
    """Floating coupons on one notional: fixed at `start`, paid with it at `end`."""

    start: float
    end: float
    notional: float


class NettingSet(NamedTuple):
    """Trades, collapsed. `resets`: whether coupons are fixed in advance; else every date is a reset."""

    fixed: list[tuple[float, float]]  # payments (time, amount), ascending
    coupons: list[Coupon]
    options: list[Option]
    resets: bool


class Program(NamedTuple):
    """The kernel's arrays, and for each date the mean of the value there and the discount factor."""

    steps: Array
    marks: Whole
    shares: int
    slots: int
    fixed: Array
    restart: Array
    flow_starts: Whole
    flows: Array
    live_starts: Whole
    live: Array
    live_slots: Whole
    option_starts: Whole
    options: Array
    option_shares: Whole
    means: Array
    discounts: Array

    def kernel_arguments(self) -> tuple[object, ...]:
        """All that `values` takes after the numbers of paths."""
        return tuple(self)[:-2]


def schedule(swap: Swap) -> list[float]:
    """Start, payment times, end: whole periods back from the end, so that a short one comes first."""
    periods = max(math.ceil((swap.end - swap.start) * swap.frequency - _SAME), 1)
    times = [swap.end - i / swap.frequency for i in range(periods - 1, -1, -1)]
    return [swap.start, *times]


def netting_set(swaps: list[Swap], options: list[Option], resets: bool) -> NettingSet:
    """Collapse the trades; any order of them gives the same."""
    payments: dict[float, list[float]] = defaultdict(list)
    coupons: dict[tuple[float, float], list[float]] = defaultdict(list)
    for swap in swaps:
        times = schedule(swap)
        for before, time in pairwise(times):
            payments[time].append(-swap.notional * swap.rate * (time - before))
            coupons[before, time].append(swap.notional)
    return NettingSet(
        [(time, math.fsum(payments[time])) for time in sorted(payments)],
        [Coupon(*period, math.fsum(coupons[period])) for period in sorted(coupons)],
        sorted(options),
        resets,
    )


def value_now(book: NettingSet, discount: Discount) -> float:
    """Today's value of all trades."""
    parts = [amount * discount(time) for time, amount in book.fixed]
    parts += [each.notional * (discount(each.start) - discount(each.end)) for each in book.coupons]
    parts += [_forward_value(option, discount) for option in book.options]
    return math.fsum(parts)


def flows_on(book: NettingSet, date: float) -> tuple[Flows, list[Coupon]]:
    """What is to come after `date`: amounts by time, where the date itself stands for notionals that restart now; and
    the coupons that were fixed before.

    A coupon that is still to be fixed is worth its notional at its start less that at its end; of one that was fixed
    the notional at its end is among the amounts, and what it pays there, with notional, is not.
    """
    amounts: dict[float, list[float]] = defaultdict(list)
    live = []
    for time, amount in book.fixed:
        if time > date + _SAME:
            amounts[time].append(amount)
    for coupon in book.coupons:
        if coupon.end <= date + _SAME:
            continue
        amounts[coupon.end].append(-coupon.notional)
        if coupon.start > date + _SAME:
            amounts[coupon.start].append(coupon.notional)
        elif coupon.start < date - _SAME and book.resets:
            live.append(coupon)
        else:
            amounts[date].append(coupon.notional)
    totals = {time: math.fsum(amounts[time]) for time in sorted(amounts)}
    return {time: total for time, total in totals.items() if total != 0}, live


def strip(book: NettingSet, model: HullWhite, discount: Discount, date: float) -> float | None:
    """Today's value of max(value on `date`, 0) with coupons fixed anew; None where there is no formula."""
    amounts, live = flows_on(book, date)
    for coupon in live:
        amounts[date] = math.fsum([amounts.get(date, 0.0), coupon.notional])
    flows = [(time, amount) for time, amount in sorted(amounts.items()) if amount != 0]
    if not flows:
        return 0.0
    head, rest = flows[0], flows[1:]
    if not rest or any((amount > 0) == (head[1] > 0) for _, amount in rest):
        return None
    return option_on_flows(model, discount, date, head, rest)


def program(book: NettingSet, model: HullWhite, discount: Discount, dates: list[float]) -> Program:
    """The arrays for these exposure dates (ascending, above 0)."""
    slots = _slots(book, dates)
    grid = sorted({*dates, *(time for time in slots if time > 0)})
    fixed, restart = np.zeros(len(dates)), np.zeros(len(dates))
    flows, live, live_slots, options, shares = _Rows(2), _Rows(3), [], _Rows(8), []
    means = np.zeros(len(dates))
    for i, date in enumerate(dates):
        today, variance = discount(date), model.variance(date)
        amounts, coupons = flows_on(book, date)
        fixed[i] = amounts.pop(date, 0.0)
        mean = [fixed[i]]
        for time, amount in amounts.items():
            ratio, b = discount(time) / today, model.duration(time - date)
            flows.add(amount * ratio * math.exp(-0.5 * b * b * variance), b)
            mean.append(amount * ratio)
        restart[i] = math.fsum(coupon.notional for coupon in coupons)
        for coupon in coupons:
            mean.append(coupon.notional * discount(coupon.start) / today)
            live.add(*_live(coupon, model, discount, date))
            live_slots.append(slots[coupon.start])
        for option in book.options:
            if option.maturity >= date - _SAME:
                options.add(*_option(option, model, discount, date))
                shares.append(option.share)
                mean.append(_forward_value(option, discount) / today)
        means[i] = math.fsum(mean)
        for rows in (flows, live, options):
            rows.end_date()
    places = {date: i for i, date in enumerate(dates)}
    marks = [[places.get(time, -1) for time in grid], [slots.get(time, -1) for time in grid]]
    lengths = [after - before for before, after in zip([0.0, *grid[:-1]], grid, strict=True)]
    steps = [
        [model.decay(each) for each in lengths],
        [math.sqrt(model.variance(each)) for each in lengths],
        [math.sqrt(each) for each in lengths],
    ]
    return Program(
        steps=np.array(steps),
        marks=np.array(marks, dtype=np.int64),
        shares=max((option.share for option in book.options), default=-1) + 1,
        slots=len(slots),
        fixed=fixed,
        restart=restart,
        flow_starts=flows.starts(),
        flows=flows.array(),
        live_starts=live.starts(),
        live=live.array(),
        live_slots=np.array(live_slots, dtype=np.int64),
        option_starts=options.starts(),
        options=options.array(),
        option_shares=np.array(shares, dtype=np.int64),
        means=means,
        discounts=np.array([discount(date) for date in dates]),
    )


class _Rows:
    """Rows of numbers, date by date."""

    def __init__(self, width: int) -> None:
        self._width = width
        self._rows: list[tuple[float, ...]] = []
        self._starts = [0]

    def add(self, *row: float) -> None:
        self._rows.append(row)

    def end_date(self) -> None:
        self._starts.append(len(self._rows))

    def starts(self) -> Whole:
        return np.array(self._starts, dtype=np.int64)

    def array(self) -> Array:
        """[number, row]."""
        return np.ascontiguousarray(np.array(self._rows, dtype=np.float64).reshape(-1, self._width).T)


def _slots(book: NettingSet, dates: list[float]) -> dict[float, int]:
    """Where y is kept for each fixing time that a date within the coupon's period looks back to; at 0 it is 0."""
    if not book.resets:
        return {}
    times = {
        coupon.start
        for coupon in book.coupons
        if any(coupon.start + _SAME < date < coupon.end - _SAME for date in dates)
    }
    return {time: i for i, time in enumerate(sorted(times))}


def _live(coupon: Coupon, model: HullWhite, discount: Discount, date: float) -> tuple[float, float, float]:
    """amount, g, b of notional · P(date, end)/P(start, end): y at the start is shifted to the law forward to `date`."""
    g, b = model.duration(coupon.end - coupon.start), model.duration(coupon.end - date)
    then, now = model.variance(coupon.start), model.variance(date)
    exponent = 0.5 * g * g * then - g * model.duration(date - coupon.start) * then - 0.5 * b * b * now
    return coupon.notional * discount(coupon.start) / discount(date) * math.exp(exponent), g, b


def _option(option: Option, model: HullWhite, discount: Discount, date: float) -> tuple[float, ...]:
    left = max(option.maturity - date, 0.0)
    ratio, b = discount(option.maturity) / discount(date), model.duration(left)
    amount = option.quantity * ratio * math.exp(-0.5 * b * b * model.variance(date))
    return amount, b, _forward(option, discount), option.vol, date, left, option.strike, option.sign


def _forward(option: Option, discount: Discount) -> float:
    return option.spot * math.exp(-option.dividend * option.maturity) / discount(option.maturity)


def _forward_value(option: Option, discount: Discount) -> float:
    """Today's value: Black's formula on the forward."""
    forward, paid = _forward(option, discount), discount(option.maturity)
    priced = black_scholes.european(option.sign > 0, forward, option.strike, option.maturity, 0.0, 0.0, option.vol)
    return option.quantity * paid * priced.price
