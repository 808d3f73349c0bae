"""Positions revalued under shocks of their factors: linear ones, European options, bonds.

A position is a type, ten numbers and up to three factors (an index, or -1): price or yield, volatility, rate. The shock
of a factor has a relative and an absolute part: the shocked level is level · (1 + relative) + absolute.

    LINEAR   worth, quantity                       profit = worth · relative + quantity · absolute
    OPTION   quantity, spot, strike, maturity, volatility, rate, dividend yield, 1 call or -1 put
    BOND     face, yield, coupon rate, frequency, periods to the next coupon, coupons left        per 100 of face
"""

import numpy as np
from numpy.typing import NDArray

from calc.kernels.elementary import exp, log, log1p, norm_cdf
from calc.kernels.jit import inline, kernel

Array = NDArray[np.float64]
Whole = NDArray[np.int64]

LINEAR, OPTION, BOND = 0, 1, 2
NUMBERS = 10
_LEAST = 1e-300


@inline
def option(
    spot: float, strike: float, maturity: float, volatility: float, rate: float, dividend: float, sign: float
) -> float:
    """Black, Scholes and Merton; the discounted intrinsic value of the forward without time or volatility."""
    now = spot * exp(-dividend * maturity)
    then = strike * exp(-rate * maturity)
    spread = volatility * np.sqrt(maturity)
    if not (spread > 0.0 and now > _LEAST):
        return float(max(sign * (now - then), 0.0))
    d1 = log(now / then) / spread + 0.5 * spread
    return sign * (now * norm_cdf(sign * d1) - then * norm_cdf(sign * (d1 - spread)))


@inline
def bond(y: float, coupon: float, frequency: float, first: float, count: float) -> float:
    """Dirty price per 100 at a periodic yield."""
    x = log1p(max(y / frequency, -0.99))
    v = exp(-x)
    c = 100.0 * coupon / frequency
    total = c + 100.0
    for _ in range(int(count) - 1):
        total = total * v + c
    return total * exp(-first * x)


@inline
def _value(kind: int, numbers: Array, price: float, volatility: float, rate: float) -> float:
    """Of an option or a bond at these levels of its factors."""
    if kind == OPTION:
        spot = max(price, 0.0)
        vol = max(volatility, 0.0)
        return float(numbers[0]) * option(spot, numbers[2], numbers[3], vol, rate, numbers[6], numbers[7])
    return float(numbers[0]) / 100.0 * bond(price, numbers[2], numbers[3], numbers[4], numbers[5])


@inline
def _shocked(level: float, factor: int, relative: Array, absolute: Array) -> float:
    return float(level * (1.0 + relative[factor]) + absolute[factor]) if factor >= 0 else level


@kernel
def profits(
    kinds: Whole,
    numbers: Array,
    factors: Whole,
    relative: Array,
    absolute: Array,
    total: Array,
    alone: Array,
    rows: Array,
) -> None:
    """Value under each scenario less value now.

    kinds: positions; numbers: positions × 10; factors: positions × 3; relative, absolute, alone: scenarios × factors;
    total: scenarios. `rows` is scenarios × positions, or empty. `alone` gets what each factor's shock does by itself,
    and is left as it is where it has no rows.
    """
    values = np.zeros(kinds.size)
    for i in range(kinds.size):
        if kinds[i] != LINEAR:
            values[i] = _value(kinds[i], numbers[i], numbers[i, 1], numbers[i, 4], numbers[i, 5])
    for s in range(total.size):
        shock, move = relative[s], absolute[s]
        sum_of_all = 0.0
        for i in range(kinds.size):
            own = numbers[i]
            a, b, c = factors[i, 0], factors[i, 1], factors[i, 2]
            price, volatility, rate = own[1], own[4], own[5]
            if kinds[i] == LINEAR:
                profit = own[0] * shock[a] + own[1] * move[a]
                if alone.size:
                    alone[s, a] += profit
            else:
                now = values[i]
                new_price = _shocked(price, a, shock, move)
                new_volatility = _shocked(volatility, b, shock, move)
                new_rate = _shocked(rate, c, shock, move)
                profit = _value(kinds[i], own, new_price, new_volatility, new_rate) - now
                if alone.size:
                    first, second, third = new_price != price, new_volatility != volatility, new_rate != rate
                    if first:
                        only = not (second or third)
                        alone[s, a] += profit if only else _value(kinds[i], own, new_price, volatility, rate) - now
                    if second:
                        only = not (first or third)
                        alone[s, b] += profit if only else _value(kinds[i], own, price, new_volatility, rate) - now
                    if third:
                        only = not (first or second)
                        alone[s, c] += profit if only else _value(kinds[i], own, price, volatility, new_rate) - now
            sum_of_all += profit
            if rows.size:
                rows[s, i] = profit
        total[s] = sum_of_all
