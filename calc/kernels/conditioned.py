"""Options on a sum of lognormal terms, with one normal factor integrated in closed form.

    payoff  (w (Σ c_i e^(E_i + a_i Z) - K))⁺,   c_i = ±1,   c_i a_i >= 0

Given the exponents E, the sum rises in Z, so it passes K once, at z. Integrated over Z ~ N(0, 1) the payoff is

    w (Σ c_i e^(E_i + a_i²/2) N(w (a_i - z)) - K N(-w z)):

smooth in E, which is what quadrature and quasi-random points want (Krekel, de Kock, Korn and Man 2004, *An analysis of
pricing methods for basket options*). Rows of E are terms, columns are points. z is found for a whole tile at once by
Halley's method on log of what rises over what falls, which is nearly a straight line, within a bracket. The payoff is
0 at z, so an error of 1e-9 in z is one of 1e-18 in the answer.
"""

import numpy as np
from numpy.typing import NDArray

from calc.kernels.elementary import exp, log, norm_cdf
from calc.kernels.jit import fma, kernel
from calc.kernels.lanes import tree

Array = NDArray[np.float64]

_FAR = 40.0  # N(-40) is 0
_REACH = 20.0  # of a first guess
_CLOSE = 1e-4  # of a step: the next would be below 1e-11, and the answer is off by the square of that
_MOST_STEPS = 100
_TILE = 128


@kernel
def crossings(z: Array, exponents: Array, loadings: Array, signs: Array, strike: float) -> None:
    """Write where the sum passes the strike, for each column, beginning at what `z` holds; ∓_FAR where it never does.

    Halley's steps on log of what rises over what falls; each triples the digits.
    """
    terms, n = exponents.shape
    low, high = np.full(n, -_FAR), np.full(n, _FAR)
    up, up_slope, up_bend = np.empty(n), np.empty(n), np.empty(n)
    down, down_slope, down_bend = np.empty(n), np.empty(n), np.empty(n)
    for _ in range(_MOST_STEPS):
        up[:], up_slope[:], up_bend[:] = max(-strike, 0.0), 0.0, 0.0
        down[:], down_slope[:], down_bend[:] = max(strike, 0.0), 0.0, 0.0
        for i in range(terms):
            row, a = exponents[i], loadings[i]
            if signs[i] > 0.0:
                for k in range(n):
                    term = exp(row[k] + a * z[k])
                    up[k] += term
                    up_slope[k] = fma(a, term, up_slope[k])
                    up_bend[k] = fma(a * a, term, up_bend[k])
            else:
                for k in range(n):
                    term = exp(row[k] + a * z[k])
                    down[k] += term
                    down_slope[k] = fma(a, term, down_slope[k])
                    down_bend[k] = fma(a * a, term, down_bend[k])
        widest = 0.0
        for k in range(n):
            gap, per_up, per_down = log(up[k] / down[k]), 1.0 / up[k], 1.0 / down[k]
            rise, fall = up_slope[k] * per_up, down_slope[k] * per_down
            bend = fma(-rise, rise, up_bend[k] * per_up) - fma(-fall, fall, down_bend[k] * per_down)
            slope = rise - fall
            high[k] = z[k] if gap >= 0.0 else high[k]
            low[k] = low[k] if gap >= 0.0 else z[k]
            guess = z[k] - gap * slope / fma(-0.5 * gap, bend, slope * slope)
            inside = guess >= low[k] and guess <= high[k]
            guess = guess if inside else 0.5 * (low[k] + high[k])
            guess = z[k] if gap == 0.0 else guess
            widest = max(widest, abs(guess - z[k]))
            z[k] = guess
        if widest < _CLOSE:
            break


@kernel
def values(out: Array, exponents: Array, loadings: Array, signs: Array, strike: float, w: float, scale: float) -> None:
    """Write the payoff's mean over Z, times `scale`, for each column of exponents[terms, columns]."""
    z = np.zeros(exponents.shape[1])
    crossings(z, exponents, loadings, signs, strike)
    _value_given(out, z, exponents, loadings, signs, strike, w, scale)


@kernel
def call_and_put(
    orders: NDArray[np.int64],
    nodes: Array,
    weights: Array,
    least: float,
    levels: Array,
    left: Array,
    loadings: Array,
    signs: Array,
    strike: float,
) -> tuple[float, float]:
    """Means of call and put over Z and the factors in E = levels + left × factors, by a rule for each factor.

    Factor d has the first orders[d] of nodes[d] and weights[d]; points that weigh less than `least` are left out. A
    crossing is looked for from where the tangent at the centre has it.
    """
    terms, dimensions = left.shape
    centre = np.zeros(1)
    crossings(centre, levels.copy().reshape(terms, 1), loadings, signs, strike)
    pace, tangent = 0.0, np.zeros(dimensions)
    for i in range(terms):
        worth = signs[i] * exp(fma(loadings[i], centre[0], levels[i]))
        pace = fma(worth, loadings[i], pace)
        for d in range(dimensions):
            tangent[d] = fma(worth, left[i, d], tangent[d])
    sums, mass, place = np.zeros((2, 8)), np.empty(_TILE), np.zeros(dimensions, dtype=np.int64)
    points, exponents, z = np.zeros((dimensions, _TILE)), np.empty((terms, _TILE)), np.empty(_TILE)
    calls, puts = np.empty(_TILE), np.empty(_TILE)
    more = True
    while more:
        mass[:] = 0.0
        more = _next_points(points, mass, place, orders, nodes, weights, least)
        z[:] = centre[0]
        for i in range(terms):
            exponents[i, :] = levels[i]
        for d in range(dimensions):
            point, pull = points[d], -tangent[d] / pace
            for k in range(_TILE):
                z[k] = fma(pull, point[k], z[k])
            for i in range(terms):
                row, f = exponents[i], left[i, d]
                for k in range(_TILE):
                    row[k] = fma(f, point[k], row[k])
        for k in range(_TILE):
            z[k] = min(max(z[k], -_REACH), _REACH)
        crossings(z, exponents, loadings, signs, strike)
        _both_given(calls, puts, z, exponents, loadings, signs, strike)
        for k in range(_TILE):
            sums[0, k % 8] = fma(mass[k], calls[k], sums[0, k % 8])
            sums[1, k % 8] = fma(mass[k], puts[k], sums[1, k % 8])
    return tree(sums[0]), tree(sums[1])


@kernel
def _next_points(
    points: Array,
    mass: Array,
    place: NDArray[np.int64],
    orders: NDArray[np.int64],
    nodes: Array,
    weights: Array,
    least: float,
) -> bool:
    """Fill in points of the product rule from `place` on, which is moved along; False after the last."""
    found, dimensions = 0, orders.shape[0]
    while found < mass.shape[0]:
        weight = 1.0
        for d in range(dimensions):
            weight *= weights[d, place[d]]
        if weight >= least:
            for d in range(dimensions):
                points[d, found] = nodes[d, place[d]]
            mass[found] = weight
            found += 1
        d = dimensions - 1
        while d >= 0:
            place[d] += 1
            if place[d] < orders[d]:
                break
            place[d] = 0
            d -= 1
        if d < 0:
            return False
    return True


@kernel
def _both_given(
    calls: Array, puts: Array, z: Array, exponents: Array, loadings: Array, signs: Array, strike: float
) -> None:
    """Means of call and put over Z where the crossings are known."""
    terms, n = exponents.shape
    for k in range(n):
        calls[k], puts[k] = -strike * norm_cdf(-z[k]), strike * norm_cdf(z[k])
    for i in range(terms):
        row, a, sign = exponents[i], loadings[i], signs[i]
        half = 0.5 * a * a
        for k in range(n):
            grown, above = sign * exp(row[k] + half), a - z[k]
            calls[k] = fma(grown, norm_cdf(above), calls[k])
            puts[k] = fma(-grown, norm_cdf(-above), puts[k])
    for k in range(n):
        calls[k] = calls[k] if calls[k] > 0.0 else 0.0
        puts[k] = puts[k] if puts[k] > 0.0 else 0.0


@kernel
def _value_given(
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
