"""The volatility at which Black's formula gives a price, row by row, to the last digits that the price carries.

With F the forward, D the discount factor, held = D F, paid = D K, x = -|log(F/K)| and v = σ√T, the price of the option
that is out of the money, over √(held · paid), and what it lacks to its upper bound m = e^(x/2) are

    b = n (M(-h-t) - M(t-h)),    c = m - b = n (M(h+t) + M(t-h)),    h = x/v,  t = v/2,  n = φ(h) e^(-t²/2),

with Mills' ratio M(z) = Φ(-z)/φ(z): the first where h + t <= 0, the second where h + t >= 0, and neither loses a digit
to a difference that is all rounding. n is also db/dv. As a function of v, b turns from convex to concave at
v² = 2|x|, where h + t = 0. Below, Halley's method solves 1/log b(v) = 1/log β from where a straight line through the
turning point, drawn in log b over 1/v², meets log β; above, log c(v) = log γ from the v that is right at the money.
Where v is small M(-h-t) - M(t-h) is a Taylor series in t around -h.

Jäckel (2015), *Let's be rational*, Wilmott 2015(75), for the turning point and the two objectives; Mills' ratio is a
polynomial in (z - 4.5)/(z + 4.5), over z + √(2/π), whose coefficients were computed with 50 digits.
"""

import math

import numpy as np
from numpy.typing import NDArray

from calc.kernels.elementary import exp, log, log1p, norm_cdf, norm_pdf
from calc.kernels.jit import inline, kernel, polynomial

Array = NDArray[np.float64]
Codes = NDArray[np.int64]

# What `solve` says of a row, and the words for it.
OK, BELOW_INTRINSIC, ABOVE_MAXIMUM, EXPIRED, BAD_INPUT = range(5)
STATUSES = ("ok", "below_intrinsic", "above_maximum", "expired", "bad_input")

_LOG_ROOT_2PI = 0.9189385332046727
_PER_ROOT_2PI = 0.3989422804014327
_ROOT_2_OVER_PI = 0.7978845608028654
_SMALL_T = 0.01  # below, the series
_MOST_STEPS = 100  # three are usual, sixteen the most that were seen; what leaves its bracket is bisected
_CUBIC = 2e-5  # a relative step this small leaves an error of its cube

_MILLS = polynomial(
    1.1261743962047437,
    -0.15776277695537977,
    -0.0014076784494127543,
    0.08681365086263344,
    -0.0966633922426902,
    0.06486732148678856,
    -0.028692355459521663,
    0.006935396680011369,
    0.00044903667303257535,
    -0.0009368652361838247,
    0.00017190302451648324,
    9.201582460219025e-05,
    -3.743577887275982e-05,
    -9.969356261275045e-06,
    6.4559594515751795e-06,
    1.4677741087387606e-06,
    -1.0837118497255013e-06,
    -2.955711402416963e-07,
    1.7705469738891616e-07,
    6.508192027688582e-08,
    -2.6049687041912608e-08,
    -1.1764279660638124e-08,
    2.962654648772119e-09,
    1.1731801909789388e-09,
    -1.8706227931311981e-10,
)


@inline
def mills(z: float) -> float:
    """Φ(-z)/φ(z) for z >= 0."""
    return _MILLS((z - 4.5) / (z + 4.5)) / (z + _ROOT_2_OVER_PI)


@inline
def _series(h: float, t: float) -> float:
    """M(-h-t) - M(t-h) for small t and h <= 0: odd derivatives of y(z) = Φ(z)/φ(z) at h, y' = 1 + z y."""
    y0 = mills(-h)
    y1 = 1.0 + h * y0
    y2 = y0 + h * y1
    y3 = 2.0 * y1 + h * y2
    y4 = 3.0 * y2 + h * y3
    y5 = 4.0 * y3 + h * y4
    y7 = 6.0 * y5 + h * (5.0 * y4 + h * y5)
    s = t * t
    return 2.0 * t * (y1 + s * (y3 / 6.0 + s * (y5 / 120.0 + s * (y7 / 5040.0))))


@kernel
def _low(x: float, beta: float, turn: float, slope: float, log_turn: float) -> tuple[float, int]:
    """v where b(v) = beta, below the turning point; `slope` is that of log b over 1/v² there."""
    wanted = log(beta)
    low, high = 0.0, turn
    v = 1.0 / math.sqrt(1.0 / (turn * turn) + (wanted - log_turn) / slope)
    for step in range(1, _MOST_STEPS):
        h, t = x / v, 0.5 * v
        d = _series(h, t) if t < _SMALL_T else mills(-h - t) - mills(t - h)
        found = log(d) - _LOG_ROOT_2PI - 0.5 * (h * h + t * t)
        if found > wanted:
            high = v
        else:
            low = v
        newton = (found - wanted) * found * d / wanted
        bend = (h * h - t * t) / v - (1.0 + 2.0 / found) / d
        following = v - newton / (1.0 - 0.5 * newton * bend)
        if not low < following < high:  # a NaN as well
            following = 0.5 * (low + high) if not low <= following <= high else following
        if abs(following - v) <= _CUBIC * v:
            return following, step
        v = following
    return v, _MOST_STEPS


@inline
def _quantile_of_tail(p: float) -> float:
    """The z >= 0 with Φ(-z) = p, to 5e-4: Abramowitz and Stegun (1964), 26.2.23."""
    s = math.sqrt(-2.0 * log(p))
    return s - (2.515517 + s * (0.802853 + s * 0.010328)) / (1.0 + s * (1.432788 + s * (0.189269 + s * 0.001308)))


@kernel
def _high(x: float, beta: float, gamma: float, most: float, turn: float) -> tuple[float, int]:
    """v where c(v) = gamma, above the turning point."""
    low, high = turn, 1e9
    v = max(2.0 * _quantile_of_tail(min(gamma / (most + 1.0 / most), 0.5)), turn)
    if beta < 0.1 * most:
        v = turn + beta / (_PER_ROOT_2PI * most) if x == 0.0 else v
    v = max(v, 1e-300)
    wanted = log(gamma)
    for step in range(1, _MOST_STEPS):
        h, t = x / v, 0.5 * v
        log_n = -_LOG_ROOT_2PI - 0.5 * (h * h + t * t)
        if t < _SMALL_T:
            d, n = _series(h, t), exp(log_n)
            lack = (most - n * d) / n
            off = log1p((beta - n * d) / gamma)
        else:
            lack = mills(abs(h + t)) + mills(t - h)
            off = log(lack) + log_n - wanted
        if off > 0.0:
            low = v
        else:
            high = v
        newton = -off * lack
        bend = (h * h - t * t) / v + 1.0 / lack
        following = v - newton / (1.0 - 0.5 * newton * bend)
        if not low <= following <= high:
            following = 0.5 * (low + high) if high < 1e9 else 2.0 * v
        if abs(following - v) <= _CUBIC * v:
            return following, step
        v = following
    return v, _MOST_STEPS


@kernel
def total_volatility(x: float, beta: float, gamma: float, most: float) -> tuple[float, int]:
    """v = σ√T > 0 and the steps taken, for x <= 0, 0 < beta < most, gamma = most - beta, most = e^(x/2)."""
    turn = math.sqrt(-2.0 * x)
    d = mills(0.0) - mills(turn)
    at_turn = _PER_ROOT_2PI * most * d
    if beta < at_turn:
        return _low(x, beta, turn, -0.5 * turn * turn * turn / d, log(at_turn))
    return _high(x, beta, gamma, most, turn)


@inline
def _log_ratio(over: float, under: float) -> float:
    """log(over / under), to the last digit where the two are close as well."""
    ratio = over / under
    return log1p((over - under) / under) if 0.5 < ratio < 2.0 else log(ratio)


@inline
def _legal(price: float, spot: float, strike: float, maturity: float, rate: float, dividend_yield: float) -> bool:
    """Whether a row's market lies where prices are numbers; a NaN does not."""
    prices = price == price and 1e-9 <= spot <= 1e9 and 1e-9 <= strike <= 1e9
    rates = -0.5 <= rate <= 10.0 and -0.5 <= dividend_yield <= 10.0
    times = maturity <= 100.0 and abs(rate) * maturity <= 100.0 and abs(dividend_yield) * maturity <= 100.0
    return prices and rates and times


@kernel
def solve(
    call: NDArray[np.bool_],
    price: Array,
    spot: Array,
    strike: Array,
    maturity: Array,
    rate: Array,
    dividend_yield: Array,
) -> tuple[Array, Codes, Codes, Array, Array]:
    """Volatility, status, steps, residual and blur of every row; columns of one length, NaN where a value is missing.

    A forward F is a spot with a dividend yield equal to the rate. The residual is |price at the volatility - price|
    by Black's formula as it is usually written, over the smaller of held and paid. The blur is what half a unit in the
    last place of the price moves the volatility by, relative. A row that is not OK has zeros.
    """
    rows = price.shape[0]
    volatility, residual, blur = np.zeros(rows), np.zeros(rows), np.zeros(rows)
    status, steps = np.zeros(rows, np.int64), np.zeros(rows, np.int64)
    for i in range(rows):
        if not _legal(price[i], spot[i], strike[i], maturity[i], rate[i], dividend_yield[i]):
            status[i] = BAD_INPUT
            continue
        if maturity[i] <= 0.0:
            status[i] = EXPIRED
            continue
        held = spot[i] * exp(-dividend_yield[i] * maturity[i])
        paid = strike[i] * exp(-rate[i] * maturity[i])
        moneyness = _log_ratio(spot[i], strike[i]) + (rate[i] - dividend_yield[i]) * maturity[i]
        least = min(held, paid)
        unit = math.sqrt(held * paid)
        beyond = price[i] - max(held - paid if call[i] else paid - held, 0.0)
        beta, gamma = beyond / unit, ((held if call[i] else paid) - price[i]) / unit
        if beta <= 0.0:
            status[i] = BELOW_INTRINSIC
            continue
        if gamma <= 0.0:
            status[i] = ABOVE_MAXIMUM
            continue
        v, steps[i] = total_volatility(-abs(moneyness), beta, gamma, math.sqrt(least / max(held, paid)))
        upper = -abs(moneyness) / v + 0.5 * v
        again = least * norm_cdf(upper) - max(held, paid) * norm_cdf(upper - v)
        volatility[i] = v / math.sqrt(maturity[i])
        residual[i] = abs(again - beyond) / least
        blur[i] = 1.11e-16 * price[i] / (least * norm_pdf(upper) * v)
    return volatility, status, steps, residual, blur
