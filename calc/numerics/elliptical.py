"""VaR and expected shortfall of a linear book whose returns are normal or Student t, in closed form.

The loss of such a book has the law of one return, so both are its mean plus its deviation times a number.
Contributions are Euler's, exposures times marginals, and add up. McNeil, Frey and Embrechts (2015), 2.2 and 8.5.
"""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from calc import lazy
from calc.numerics import normal, student_t

linear = lazy.module("calc.kernels.linear")

Array = NDArray[np.float64]


class ClosedForm(NamedTuple):
    """`undiversified` is the sum of what each position would have alone; marginals are per unit of exposure.

    `slopes`: how a unit's mean loss moves with the book's. Where the book's loss is ℓ, a unit of row i has lost
    marginal_var_i + slope_i (ℓ - var) on average: exactly so, for these laws.
    """

    var: float
    es: float
    deviation: float
    undiversified: float
    marginal_var: list[float]
    marginal_es: list[float]
    slopes: list[float]


def multipliers(confidence: float, degrees: float | None) -> tuple[float, float]:
    """VaR and ES of a loss with mean 0 and deviation 1: Student t with `degrees`, normal where that is None."""
    beyond = 1 - confidence
    if degrees is None:
        q = normal.quantile(confidence)
        return q, normal.density(q) / beyond
    q = student_t.quantile(confidence, degrees)
    unit = math.sqrt((degrees - 2) / degrees)
    return unit * q, unit * student_t.density(q, degrees) / beyond * (degrees + q * q) / (degrees - 1)


def squares_of(factor: Array) -> Array:
    """The sum of the squares of each row."""
    rows = np.ascontiguousarray(factor)
    return np.asarray(linear.rows_times(rows * rows, np.ones(rows.shape[1])))


def closed_form(
    confidence: float, degrees: float | None, exposures: Array, factor: Array, specific: Array, drift: Array
) -> ClosedForm:
    """Of n exposures with mean returns `drift` and covariance BB' + diag(specific²), B the `factor` (n × k)."""
    to_var, to_es = multipliers(confidence, degrees)
    rows = np.ascontiguousarray(factor)
    loading = linear.rows_times(np.ascontiguousarray(factor.T), exposures)
    own = exposures * specific
    deviation = math.sqrt(math.fsum([*(loading * loading).tolist(), *(own * own).tolist()]))
    covaried = linear.rows_times(rows, loading) + specific * own
    volatilities = np.sqrt(squares_of(rows) + specific * specific)
    expected = -math.fsum(exposures * drift)
    units = [c / deviation if deviation > 0 else 0.0 for c in covaried.tolist()]
    gains = drift.tolist()
    alone = (np.abs(exposures) * volatilities * to_var - exposures * drift).tolist()
    return ClosedForm(
        var=expected + deviation * to_var,
        es=expected + deviation * to_es,
        deviation=deviation,
        undiversified=math.fsum(alone),
        marginal_var=[unit * to_var - gain for unit, gain in zip(units, gains, strict=True)],
        marginal_es=[unit * to_es - gain for unit, gain in zip(units, gains, strict=True)],
        slopes=[unit / deviation if deviation > 0 else 0.0 for unit in units],
    )
