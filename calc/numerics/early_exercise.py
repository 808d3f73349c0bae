"""Options that may be exercised at dates, simulated: a vanilla one, and the call on the dearest of several assets.

Both offer the same: a policy (an array, from a seed), blocks of lower prices under it, samples of the upper bound, and
what is known of the control variate. Prices are in units of the strike (`unit`).
"""

import math
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from calc import lazy
from calc.numerics import american
from calc.numerics.american import Put

put_policy = lazy.module("calc.kernels.american")
put_paths = lazy.module("calc.kernels.american_paths")
call_policy = lazy.module("calc.kernels.max_call")
call_paths = lazy.module("calc.kernels.max_call_paths")

Array = NDArray[np.float64]

_FARTHEST = 3.0  # standard deviations below the strike, beyond which the policy's paths need not start
_MARGIN = 0.25


class Sample(NamedTuple):
    """A block: discounted payoffs, discounted controls, and rows of (exercised, exercised × time), n numbers each."""

    payoffs: Array
    controls: Array
    exercised: Array


class Exercise(Protocol):
    """An option with dates, all of them above 0."""

    @property
    def unit(self) -> float: ...

    def policy(self, seed: int, paths: int, degree: int) -> Array:
        """When to exercise, from `paths` paths (even) and polynomials of that degree."""

    def block(self, policy: Array, degree: int, seed: int, number: int, n: int, sides: int) -> Sample:
        """n paths, or with sides 2 n mirrored pairs."""

    def upper(self, policy: Array, degree: int, seed: int, first: int, paths: int, pairs: int, slope: float) -> Array:
        """Samples of the upper bound; `slope` is the control's coefficient within."""

    def control(self) -> float:
        """The mean of the controls."""


class Vanilla(NamedTuple):
    """The put of strike 1; the control is the European put."""

    put: Put
    times: Array
    boundary: float | None  # of continuous exercise, where known: x at or below it

    @property
    def unit(self) -> float:
        return self.put.unit

    def policy(self, seed: int, paths: int, degree: int) -> Array:
        """Rows of lowest and highest y at which to exercise.

        Where paths start does not matter to a policy: here from below the boundary to above the strike.
        """
        put, deviation = self.put, self.put.vol * math.sqrt(self.put.maturity)
        lowest = -0.5 * _FARTHEST * deviation
        if self.boundary is not None and self.boundary > 0:
            lowest = max(math.log(self.boundary), -_FARTHEST * deviation)
        drift = (put.rate - put.dividend - 0.5 * put.vol * put.vol) * put.maturity
        carried = max(abs(drift) - 2.0 * deviation, 0.0)  # what volatility alone would not bring back to the strike
        lowest -= _MARGIN * deviation + (carried if drift > 0 else 0.0)
        highest = _MARGIN * deviation + (carried if drift < 0 else 0.0)
        from_zero = american.shape(put) == "from_zero"
        bounds = put_policy.policy(
            lowest, highest, put.rate, put.dividend, put.vol, self.times, from_zero, seed, paths, degree
        )
        return np.array(bounds)

    def block(self, policy: Array, degree: int, seed: int, number: int, n: int, sides: int) -> Sample:
        found = put_paths.block(self.put.x, self._market(), self.times, policy, self.put.turned, seed, number, n, sides)
        return Sample(*found)

    def upper(self, policy: Array, degree: int, seed: int, first: int, paths: int, pairs: int, slope: float) -> Array:
        found: Array = put_paths.upper(self.put.x, self._market(), self.times, policy, seed, first, paths, pairs)
        return found

    def control(self) -> float:
        return american.european(self.put)

    def _market(self) -> Array:
        return np.array([self.put.rate, self.put.dividend, self.put.vol])


class MaxCall(NamedTuple):
    """The call of strike 1; the control is the sum of the European calls on each asset.

    `market` and `loadings` are those of calc/kernels/max_call.py.
    """

    market: Array
    loadings: Array
    rate: float
    times: Array
    unit: float

    def policy(self, seed: int, paths: int, degree: int) -> Array:
        """A row for each date: centre and scale of prices, coefficients of the continuation value.

        Without dividends and with a rate of at least 0 waiting is always right: rows of 0 say so.
        """
        if self.rate >= 0 and bool((self.market[:, 3] >= self.rate).all()):
            return np.zeros((len(self.times), 2 + call_policy.basis_size(len(self.market), degree)))
        found: Array = call_policy.policy(self.market, self.loadings, self.rate, self.times, seed, paths, degree)
        return found

    def block(self, policy: Array, degree: int, seed: int, number: int, n: int, sides: int) -> Sample:
        found = call_paths.block(
            self.market, self.loadings, self.rate, self.times, policy, degree, seed, number, n, sides
        )
        return Sample(*found)

    def upper(self, policy: Array, degree: int, seed: int, first: int, paths: int, pairs: int, slope: float) -> Array:
        found: Array = call_paths.upper(
            self.market, self.loadings, self.rate, self.times, policy, degree, seed, first, paths, pairs, slope
        )
        return found

    def control(self) -> float:
        return math.fsum(self.calls())

    def calls(self) -> list[float]:
        """The European call on each asset alone."""
        return [
            float(call_policy.calls(row[:1].copy(), row[np.newaxis].copy(), self.rate, float(self.times[-1])))
            for row in self.market
        ]


def max_call(
    spots: list[float],
    strike: float,
    vols: list[float],
    dividends: list[float],
    loadings: Array,
    rate: float,
    times: Array,
) -> MaxCall:
    """Of assets with these prices, volatilities and dividend yields."""
    rows = [
        [math.log(spot / strike), rate - dividend - 0.5 * vol * vol, vol, rate - dividend]
        for spot, vol, dividend in zip(spots, vols, dividends, strict=True)
    ]
    return MaxCall(np.array(rows), np.ascontiguousarray(loadings), rate, times, strike)


def best_date(option: MaxCall) -> tuple[float, float | None]:
    """Without volatility: the best date's value in units of the strike, and that date; None where it is nothing."""
    best, when = 0.0, None
    for time in option.times.tolist():
        value = max(math.exp(y + drift * time) for y, _, _, drift in option.market.tolist()) - 1.0
        discounted = math.exp(-option.rate * time) * value
        if discounted > best:
            best, when = discounted, time
    return best, when
