"""European options: closed form of whole columns, and what sums over simulated observations say.

Columns [12, rows] and answers [6, rows] are laid out as in calc/kernels/european.py. A group of sums is one sample, or
one replicate of randomised quasi-Monte Carlo; all sums are of differences from a pilot, so they are simply added.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from calc import lazy

european = lazy.module("calc.kernels.european")
heston = lazy.module("calc.kernels.heston")
heston_paths = lazy.module("calc.kernels.heston_paths")

Array = NDArray[np.float64]

REPLICATES = 32
BLOCK = 2**14  # paths that share a random stream: the bits depend on it
OUTPUTS = ("price", "delta", "gamma", "vega", "theta", "rho")
SPOT, STRIKE, MATURITY, RATE, DIVIDEND_YIELD, VOLATILITY = 1, 2, 3, 4, 5, 6
V0, KAPPA, THETA, XI, RHO = 7, 8, 9, 10, 11


class Model(NamedTuple):
    """Which formulas, and whether the underlying is a future."""

    heston: bool
    futures: bool


class Simulation(NamedTuple):
    """How one option is simulated. `steps` is 0 where one step is exact."""

    row: Array
    model: Model
    pilots: Array
    steps: int
    antithetic: bool
    seed: int


class Estimates(NamedTuple):
    """By output: values, standard errors, and the coefficients of the control."""

    values: Array
    errors: Array
    slopes: Array
    replicates: Array  # the price in each group


def closed_form(model: Model, columns: Array) -> tuple[Array, NDArray[np.int64]]:
    """Answers and statuses (0: good). Columns are within their bounds."""
    exact: Array = european.black_scholes(columns, model.futures)
    if not model.heston:
        return exact, np.zeros(columns.shape[1], np.int64)
    found: tuple[Array, NDArray[np.int64]] = heston.heston(columns, exact, model.futures)
    return found


def expected_control(row: Array) -> float:
    """The mean of the discounted price at maturity."""
    return float(row[SPOT]) * math.exp(-float(row[DIVIDEND_YIELD] * row[MATURITY]))


def total_variance(model: Model, row: Array) -> float:
    """Of the logarithm of the price at maturity; under Heston the expected one."""
    maturity = float(row[MATURITY])
    if not model.heston:
        return float(row[VOLATILITY]) ** 2 * maturity
    theta, kappa = float(row[THETA]), float(row[KAPPA])
    return theta * maturity - (float(row[V0]) - theta) * math.expm1(-kappa * maturity) / kappa


def pilots(model: Model, row: Array) -> Array:
    """Near the mean of each observation: Black's formula with the total variance. Where it has no answer, 0."""
    maturity = float(row[MATURITY])
    plain = row.copy()
    plain[VOLATILITY] = math.sqrt(total_variance(model, row) / maturity) if maturity > 0 else 0.0
    answer: Array = european.black_scholes(plain[:, None], model.futures)[:, 0]
    if model.heston:
        answer[[3, 4]] = 0.0  # vega and theta are not observed
    return np.append(np.where(np.isfinite(answer), answer, 0.0), expected_control(row))


def block_sums(simulation: Simulation, block: int, observations: int) -> Array:
    """Sums over one block of a plain sample."""
    row, model, pilot, steps, antithetic, seed = simulation
    if model.heston:
        found: Array = heston_paths.simulated(row, model.futures, pilot, steps, antithetic, seed, block, observations)
    else:
        found = european.simulated(row, model.futures, pilot, antithetic, seed, block, observations)
    return found


def replicate_sums(simulation: Simulation, replicate: int, first: int, points: int) -> Array:
    """Sums over a piece of one replicate."""
    row, model, pilot, steps, _, seed = simulation
    if model.heston:
        found: Array = heston_paths.replicated(row, model.futures, pilot, steps, seed, replicate, first, points)
    else:
        found = european.replicated(row, model.futures, pilot, seed, replicate, first, points)
    return found


def estimates(groups: Sequence[Sequence[float]], n: int, pilot: Array, controlled: bool) -> Estimates:
    """From the sums of each group, of n observations each.

    The coefficients come from all groups together, at the cost of a bias of order 1/n. The standard errors are those of
    the residuals in a plain sample, and of the groups' means where there are several.
    """
    sums = np.array(groups, dtype=np.float64).reshape(len(groups), 3, -1)
    whole, count, last = sums.sum(axis=0), n * len(groups), sums.shape[2] - 1
    centre = whole[0] / count
    with np.errstate(all="ignore"):  # what overflows is not finite, and is told as null
        variance = np.maximum(whole[1] / count - centre * centre, 0.0)
        covariance = whole[2] / count - centre * centre[last]
        slopes = covariance / variance[last] if controlled and variance[last] > 0 else np.zeros_like(centre)
        means = sums[:, 0] / n - slopes * (sums[:, 0, last:] / n)
        values = means.sum(axis=0) / len(groups)
        if len(groups) == 1:
            left = np.maximum(variance - slopes * covariance, 0.0)
            errors = np.sqrt(left / (count - (2 if controlled else 1)))
        else:
            apart = means - values
            errors = np.sqrt((apart * apart).sum(axis=0) / (len(groups) - 1) / len(groups))
    return Estimates((pilot + values)[:last], errors[:last], slopes[:last], pilot[0] + means[:, 0])


def control_score(groups: Sequence[Sequence[float]], n: int) -> float:
    """How many standard errors the mean of the control lies from what it is known to be; 0 where it has no error."""
    swapped = [[*group[6:7], *group[:6], *group[13:14], *group[7:13], *group[20:21], *group[14:20]] for group in groups]
    found = estimates(swapped, n, np.zeros(7), controlled=False)
    return float(found.values[0] / found.errors[0]) if found.errors[0] > 0 else 0.0
