"""VaR and expected shortfall of a linear book whose returns are normal or Student t, in closed form.

The loss of such a book has the law of one return, so both are its deviation times a number. Contributions are Euler's:
c_i = e_i (Σe)_i / e·Σe of VaR, which add up to it. McNeil, Frey and Embrechts (2015), 2.2 and 8.5.
"""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from calc.numerics import normal, student_t

Array = NDArray[np.float64]


class ClosedForm(NamedTuple):
    """`undiversified` is the sum of what each position would have alone."""

    var: float
    es: float
    undiversified: float
    contributions: list[float]


def multipliers(confidence: float, degrees: float | None) -> tuple[float, float]:
    """VaR and ES of a loss with mean 0 and deviation 1: Student t with `degrees`, normal where that is None."""
    beyond = 1 - confidence
    if degrees is None:
        q = normal.quantile(confidence)
        return q, normal.density(q) / beyond
    q = student_t.quantile(confidence, degrees)
    unit = math.sqrt((degrees - 2) / degrees)
    return unit * q, unit * student_t.density(q, degrees) / beyond * (degrees + q * q) / (degrees - 1)


def closed_form(confidence: float, degrees: float | None, exposures: Array, factor: Array) -> ClosedForm:
    """Of n exposures, whose covariance is `factor` times its transpose (n × k)."""
    to_var, to_es = multipliers(confidence, degrees)
    loading = np.array([math.fsum(exposures * column) for column in factor.T])
    variance = math.fsum(loading * loading)
    deviation = math.sqrt(variance)
    covaried = [math.fsum(row * loading) for row in factor]
    alone = [abs(e) * math.sqrt(math.fsum(row * row)) for e, row in zip(exposures.tolist(), factor, strict=True)]
    shares = [e * c / variance if variance > 0 else 0.0 for e, c in zip(exposures.tolist(), covaried, strict=True)]
    return ClosedForm(
        var=deviation * to_var,
        es=deviation * to_es,
        undiversified=math.fsum(alone) * to_var,
        contributions=[share * deviation * to_var for share in shares],
    )
