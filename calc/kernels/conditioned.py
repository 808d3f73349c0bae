"""Options on a sum of lognormal terms, with one normal factor integrated in closed form.

    payoff  (w (Σ c_i e^(E_i + a_i Z) - K))⁺,   c_i = ±1,   c_i a_i >= 0

Given the exponents E, the sum rises in Z, so it passes K once, at z. Integrated over Z ~ N(0, 1) the payoff is

    w (Σ c_i e^(E_i + a_i²/2) N(w (a_i - z)) - K N(-w z)):

smooth in E, which is what quadrature and quasi-random points want (Krekel, de Kock, Korn and Man 2004, *An analysis of
pricing methods for basket options*). Rows of E are terms, columns are points. z is found for a whole tile at once by
Newton's method on log of what rises over what falls, which is nearly a straight line, within a bracket. The payoff is
0 at z, so an error of 1e-9 in z is one of 1e-18 in the answer.
"""

import numpy as np
from numpy.typing import NDArray

from calc.kernels.elementary import exp, log, norm_cdf
from calc.kernels.jit import kernel

Array = NDArray[np.float64]

_FAR = 40.0  # N(-40) is 0
_CLOSE = 1e-9
_MOST_STEPS = 100


@kernel
def crossings(exponents: Array, loadings: Array, signs: Array, strike: float) -> Array:
    """Where the sum passes the strike, for each column; ∓_FAR where it is above or below it everywhere."""
    terms, n = exponents.shape
    z, low, high = np.zeros(n), np.full(n, -_FAR), np.full(n, _FAR)
    up, down, up_slope, down_slope = np.empty(n), np.empty(n), np.empty(n), np.empty(n)
    for _ in range(_MOST_STEPS):
        up[:], down[:] = max(-strike, 0.0), max(strike, 0.0)
        up_slope[:], down_slope[:] = 0.0, 0.0
        for i in range(terms):
            row, a = exponents[i], loadings[i]
            if signs[i] > 0.0:
                for k in range(n):
                    term = exp(row[k] + a * z[k])
                    up[k] += term
                    up_slope[k] += a * term
            else:
                for k in range(n):
                    term = exp(row[k] + a * z[k])
                    down[k] += term
                    down_slope[k] += a * term
        widest = 0.0
        for k in range(n):
            gap = log(up[k] / down[k])
            slope = up_slope[k] / up[k] - down_slope[k] / down[k]
            high[k] = z[k] if gap >= 0.0 else high[k]
            low[k] = low[k] if gap >= 0.0 else z[k]
            guess = z[k] - gap / slope
            inside = guess >= low[k] and guess <= high[k]
            guess = guess if inside else 0.5 * (low[k] + high[k])
            guess = z[k] if gap == 0.0 else guess
            widest = max(widest, abs(guess - z[k]))
            z[k] = guess
        if widest < _CLOSE:
            break
    return z


@kernel
def values(out: Array, exponents: Array, loadings: Array, signs: Array, strike: float, w: float, scale: float) -> None:
    """Write the payoff's mean over Z, times `scale`, for each column of exponents[terms, columns]."""
    z = crossings(exponents, loadings, signs, strike)
    value_given(out, z, exponents, loadings, signs, strike, w, scale)


@kernel
def value_given(
    out: Array, z: Array, exponents: Array, loadings: Array, signs: Array, strike: float, w: float, scale: float
) -> None:
    """The same where the crossings are known."""
    terms, n = exponents.shape
    for k in range(n):
        out[k] = -w * strike * norm_cdf(-w * z[k])
    for i in range(terms):
        row, a = exponents[i], loadings[i]
        half, sign = 0.5 * a * a, w * signs[i]
        for k in range(n):
            out[k] += sign * exp(row[k] + half) * norm_cdf(w * (a - z[k]))
    for k in range(n):
        out[k] = scale * out[k] if out[k] > 0.0 else 0.0
