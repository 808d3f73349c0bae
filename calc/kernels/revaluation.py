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
from calc.kernels.jit import kernel

Array = NDArray[np.float64]
Whole = NDArray[np.int64]

LINEAR, OPTION, BOND = 0, 1, 2
NUMBERS = 10
_LEVELS = (1, 4, 5)  # where a position has those of its factors
_LEAST = 1e-300


@kernel
def _options(own: Array, levels: Array, out: Array) -> None:
    """An option at levels (3 × n) of spot, volatility and rate: Black, Scholes and Merton; the discounted intrinsic
    value of the forward without time or volatility."""
    quantity, strike, maturity, sign = own[0], own[2], own[3], own[7]
    spot, volatility, rate = levels[0], levels[1], levels[2]
    carried, root = exp(-own[6] * maturity), np.sqrt(maturity)
    for s in range(out.size):
        now = max(spot[s], 0.0) * carried
        then = strike * exp(-rate[s] * maturity)
        spread = max(volatility[s], 0.0) * root
        chance = spread > 0.0 and now > _LEAST
        d1 = log(now / then) / spread + 0.5 * spread
        value = sign * (now * norm_cdf(sign * d1) - then * norm_cdf(sign * (d1 - spread)))
        out[s] = quantity * (value if chance else max(sign * (now - then), 0.0))


@kernel
def _bonds(own: Array, levels: Array, discount: Array, out: Array) -> None:
    """A bond's dirty price at periodic yields (the first row of `levels`); `discount` is room to work in."""
    yields, frequency, coupon = levels[0], own[3], 100.0 * own[2] / own[3]
    for s in range(out.size):
        discount[s] = exp(-log1p(max(yields[s] / frequency, -0.99)))
        out[s] = coupon + 100.0
    for _ in range(int(own[5]) - 1):
        for s in range(out.size):
            out[s] = out[s] * discount[s] + coupon
    for s in range(out.size):
        price = out[s] * exp(-own[4] * log1p(max(yields[s] / frequency, -0.99)))
        out[s] = own[0] / 100.0 * price


@kernel
def _values(kind: int, own: Array, levels: Array, discount: Array, out: Array) -> None:
    """Of an option or a bond at each column of its factors' levels."""
    if kind == OPTION:
        _options(own, levels, out)
    else:
        _bonds(own, levels, discount, out)


@kernel
def _by_factor(shocks: Array) -> Array:
    """Factors × scenarios, and behind them one scenario that moves nothing."""
    out = np.zeros((shocks.shape[1], shocks.shape[0] + 1))
    for s in range(shocks.shape[0]):
        for factor in range(shocks.shape[1]):
            out[factor, s] = shocks[s, factor]
    return out


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

    A position is valued under all scenarios at once, and as things stand in the same loop: so that the processor's
    vectors are used, and what does not move gives exactly 0.
    """
    scenarios = total.size
    shock, move = _by_factor(relative), _by_factor(absolute)
    of_factor = np.zeros(shock.shape) if alone.size else np.zeros((0, 0))
    levels, single = np.empty((3, scenarios + 1)), np.empty((3, scenarios + 1))
    profit, only, discount = np.empty(scenarios + 1), np.empty(scenarios + 1), np.empty(scenarios + 1)
    total[:] = 0.0
    for i in range(kinds.size):
        own = numbers[i]
        if kinds[i] == LINEAR:
            moved, on = 1, factors[i, 0]
            for s in range(scenarios):
                profit[s] = own[0] * shock[on, s] + own[1] * move[on, s]
        else:
            moved = 0
            for k in range(3):
                level, on = own[_LEVELS[k]], factors[i, k]
                moved += on >= 0
                for s in range(scenarios + 1):
                    single[k, s] = level
                    levels[k, s] = level * (1.0 + shock[on, s]) + move[on, s] if on >= 0 else level
            _values(kinds[i], own, levels, discount, profit)
            now = profit[scenarios]
            for s in range(scenarios):
                profit[s] -= now
        for s in range(scenarios):
            total[s] += profit[s]
        if rows.size:
            for s in range(scenarios):
                rows[s, i] = profit[s]
        if not alone.size:
            continue
        for k in range(3):
            on = factors[i, k]
            if on < 0:
                continue
            if moved > 1:
                single[k] = levels[k]
                _values(kinds[i], own, single, discount, only)
                single[k] = own[_LEVELS[k]]
                now = only[scenarios]
                for s in range(scenarios):
                    of_factor[on, s] += only[s] - now
            else:
                for s in range(scenarios):
                    of_factor[on, s] += profit[s]
    for s in range(alone.shape[0]):
        for factor in range(alone.shape[1]):
            alone[s, factor] += of_factor[factor, s]
