"""VaR and expected shortfall of a linear book whose returns are normal or Student t, in closed form.

The loss of such a book has the law of one return, so both are its mean plus its deviation times a number.
Contributions are Euler's, exposures times marginals, and add up. McNeil, Frey and Embrechts (2015), 2.2 and 8.5.
"""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from calc.numerics import normal, student_t

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


def closed_form(
    confidence: float, degrees: float | None, exposures: Array, factor: Array, specific: Array, drift: Array
) -> ClosedForm:
    """Of n exposures with mean returns `drift` and covariance BB' + diag(specific²), B the `factor` (n × k)."""
    to_var, to_es = multipliers(confidence, degrees)
    loading = np.array([math.fsum(exposures * column) for column in factor.T])
    own = exposures * specific
    deviation = math.sqrt(math.fsum([*(loading * loading), *(own * own)]))
    covaried = [math.fsum([*(row * loading), s * o]) for row, s, o in zip(factor, specific, own, strict=True)]
    volatilities = [math.sqrt(math.fsum([*(row * row), s * s])) for row, s in zip(factor, specific, strict=True)]
    expected = -math.fsum(exposures * drift)
    units = [c / deviation if deviation > 0 else 0.0 for c in covaried]
    gains = drift.tolist()
    alone = [abs(e) * v * to_var - e * d for e, v, d in zip(exposures.tolist(), volatilities, gains, strict=True)]
    return ClosedForm(
        var=expected + deviation * to_var,
        es=expected + deviation * to_es,
        deviation=deviation,
        undiversified=math.fsum(alone),
        marginal_var=[unit * to_var - gain for unit, gain in zip(units, gains, strict=True)],
        marginal_es=[unit * to_es - gain for unit, gain in zip(units, gains, strict=True)],
        slopes=[unit / deviation if deviation > 0 else 0.0 for unit in units],
    )
