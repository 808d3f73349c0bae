"""The lognormal volatility of the SABR model, with its derivatives by the parameters.

    dF = α F^β dW,   dα = ν α dZ,   dW dZ = ρ dt

Hagan, Kumar, Lesniewski and Woodward (2002), *Managing smile risk*, equation 2.17a, with L = log(F/K), c = 1 - β and
m = (F K)^(c/2):

    σ = α / (m (1 + c² L²/24 + c⁴ L⁴/1920)) · z/x(z) · (1 + T (c² α²/(24 m²) + ρβν α/(4 m) + (2 - 3ρ²) ν²/24)),
    z = ν m L/α,   x(z) = log((√(1 - 2ρz + z²) + z - ρ)/(1 - ρ)) = Σ P_n(ρ) z^(n+1)/(n+1)

with Legendre's polynomials P_n, since x' is their generating function: the series is used where |z| is small. A shifted
model has F and K each with the shift added; σ is then Black's volatility of the shifted forward.
"""

import math
from functools import partial
from typing import NamedTuple

from calc.numerics import calibration
from calc.numerics.calibration import Fit, Quadratic
from calc.numerics.smiles import Smile, near_the_money

NAMES = ("alpha", "beta", "nu", "rho")
LEGAL = {"alpha": (1e-12, 1e12), "beta": (0.0, 1.0), "nu": (0.0, 100.0), "rho": (-0.9999, 0.9999)}
BOUNDS = {"alpha": (1e-9, 1e9), "beta": (0.0, 1.0), "nu": (1e-4, 10.0), "rho": (-0.999, 0.999)}
_SMALL_Z = 0.05  # below, the series, whose first term left out is z^13/14


class Volatility(NamedTuple):
    """σ per square root of a year (beyond the formula's reach it may be 0 or less); its gradient in NAMES' order."""

    value: float
    gradient: tuple[float, float, float, float]


def volatility(forward: float, strike: float, maturity: float, parameters: list[float]) -> Volatility:
    """σ of one strike. `forward` and `strike` are above 0, shift included; parameters are α > 0, β, ν >= 0, ρ."""
    alpha, beta, nu, rho = parameters
    log_ratio, log_mean, c = math.log(forward / strike), 0.5 * (math.log(forward) + math.log(strike)), 1.0 - beta
    l2 = log_ratio * log_ratio
    m = math.exp(c * log_mean)
    wing = 1.0 + c * c * l2 / 24 * (1.0 + c * c * l2 / 80)
    a = alpha / m
    z = nu * log_ratio / a
    ratio, by_z, by_rho = _ratio(z, rho)
    in_time = c * c * a * a / 24 + 0.25 * rho * beta * nu * a + (2 - 3 * rho * rho) * nu * nu / 24
    level, growth = a / wing, 1.0 + maturity * in_time
    wing_beta = -(c * l2 / 12) * (1.0 + c * c * l2 / 40)
    time_a = c * c * a / 12 + 0.25 * rho * beta * nu
    gradient = (
        growth * (ratio - by_z * z) / (wing * m) + level * ratio * maturity * time_a / m,
        growth * level * (ratio * (log_mean - wing_beta / wing) - by_z * z * log_mean)
        + level * ratio * maturity * (time_a * a * log_mean - c * a * a / 12 + 0.25 * rho * nu * a),
        growth * by_z * log_ratio / wing
        + level * ratio * maturity * (0.25 * rho * beta * a + (2 - 3 * rho * rho) * nu / 12),
        level * (growth * by_rho + ratio * maturity * (0.25 * beta * nu * a - 0.25 * rho * nu * nu)),
    )
    return Volatility(level * ratio * growth, gradient)


def value(forward: float, strike: float, maturity: float, parameters: list[float]) -> float | None:
    """σ of one strike; None where the formula gives none above 0."""
    found = volatility(forward, strike, maturity, parameters).value
    return found if 0.0 < found < math.inf else None


def objective(quotes: Smile, parameters: list[float]) -> Quadratic:
    """Half the weighted sum of squared errors in volatility, its gradient and J'J."""
    size = len(NAMES)
    cost, gradient, normal = 0.0, [0.0] * size, [[0.0] * size for _ in range(size)]
    for strike, market, weight in zip(quotes.strikes, quotes.volatilities, quotes.weights, strict=True):
        found = volatility(quotes.forward, strike, quotes.maturity, parameters)
        error = found.value - market
        cost += 0.5 * weight * error * error
        for i, by in enumerate(found.gradient):
            gradient[i] += weight * error * by
            for j in range(size):
                normal[i][j] += weight * by * found.gradient[j]
    return Quadratic(cost, gradient, normal)


def fit(quotes: Smile, start: list[float], low: list[float], high: list[float]) -> Fit:
    """The minimum below `start`."""
    return calibration.fit(partial(objective, quotes), start, low, high)


def start_box(quotes: Smile) -> tuple[list[float], list[float]]:
    """Where starts are drawn from; the first number is α F^(β-1), the level of volatility (see `from_box`)."""
    level = near_the_money(quotes)
    return [0.5 * level, 0.1, 0.1, -0.8], [1.5 * level, 0.9, 2.0, 0.6]


def from_box(quotes: Smile, point: list[float], beta: float) -> list[float]:
    """A point of the box as parameters: α is brought to the units of a model with this β."""
    return [point[0] * math.exp((1.0 - beta) * math.log(quotes.forward)), beta, *point[2:]]


def _ratio(z: float, rho: float) -> tuple[float, float, float]:
    """z/x(z), and its derivatives by z and ρ."""
    if abs(z) < _SMALL_Z:
        return _small_ratio(z, rho)
    root = math.sqrt(1.0 - 2.0 * rho * z + z * z)
    if z > 0.0:  # of the two forms of the logarithm, the one without a difference
        over = root + z - rho
        x = math.log(over / (1.0 - rho))
        x_rho = 1.0 / (1.0 - rho) - (z / root + 1.0) / over
    else:
        over = root - z + rho
        x = -math.log(over / (1.0 + rho))
        x_rho = 1.0 / (1.0 + rho) - (1.0 - z / root) / over
    return z / x, (1.0 - z / (x * root)) / x, -z * x_rho / (x * x)


def _small_ratio(z: float, rho: float) -> tuple[float, float, float]:
    """By the series of x(z)/z, z/x(z) being one over it."""
    before, at, slope_before, slope = 1.0, rho, 0.0, 1.0  # P and P' of n - 1 and n
    total, by_z, by_rho, power = 1.0, 0.0, 0.0, 1.0
    for n in range(1, 13):
        by_z += n * at * power / (n + 1)
        power *= z
        total += at * power / (n + 1)
        by_rho += slope * power / (n + 1)
        before, at, after = at, ((2 * n + 1) * rho * at - n * before) / (n + 1), at
        slope_before, slope = slope, slope_before + (2 * n + 1) * after
    return 1.0 / total, -by_z / (total * total), -by_rho / (total * total)
