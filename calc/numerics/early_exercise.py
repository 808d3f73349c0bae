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
from calc.numerics.normal import distribution

put_policy = lazy.module("calc.kernels.american")
put_paths = lazy.module("calc.kernels.american_paths")
call_policy = lazy.module("calc.kernels.max_call")
call_paths = lazy.module("calc.kernels.max_call_paths")

Array = NDArray[np.float64]

_FARTHEST = 3.0  # standard deviations below the strike, beyond which the policy's paths need not start
_MARGIN = 0.25
_NOTHING = 1e-9  # of all calls together, or of the strike


class Sample(NamedTuple):
    """A block: discounted payoffs, discounted controls, and rows of (exercised, exercised × time), n numbers each."""

    payoffs: Array
    controls: Array
    exercised: Array


class Alone(NamedTuple):
    """The right to exercise on one of the dates alone: its price, the date, the probability of a gain."""

    price: float
    time: float
    probability: float


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

    def rarest(self) -> float:
        """The least share of paths on which their mean depends: a sample tells it if it has some of them."""

    def alone(self) -> Alone:
        """The best of the dates, when none of the others may be used: no less than that is the option worth."""


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

    def rarest(self) -> float:
        """Of the largest value that they can have, or of what is missing to it."""
        share = self.control() / math.exp(-self.put.rate * self.put.maturity)
        return min(share, 1.0 - share)

    def alone(self) -> Alone:
        put = self.put
        price, time = max((american.european(put._replace(maturity=time)), time) for time in self.times.tolist())
        # the probability is that of who holds the option, who counts in money: a call is seen from the share here
        rate, dividend, y = (put.dividend, put.rate, -1.0) if put.turned else (put.rate, put.dividend, 1.0)
        y *= math.log(put.x)
        score = _score(y, rate - dividend - 0.5 * put.vol * put.vol, put.vol, time)
        return Alone(price, time, distribution(score if put.turned else -score))

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
        return self._calls(float(self.times[-1]))

    def rarest(self) -> float:
        """Of paths with a gain, of each asset whose call is worth anything beside all of them."""
        time, values = float(self.times[-1]), self.calls()
        least = _NOTHING * max(math.fsum(values), 1.0)
        shares = [
            distribution(_score(y, drift, vol, time))
            for (y, drift, vol, _), value in zip(self.market.tolist(), values, strict=True)
            if value > least
        ]
        return min(shares, default=1.0)

    def alone(self) -> Alone:
        """Of one asset, too: whether it is the dearest is not asked."""
        price, time = max((max(self._calls(time)), time) for time in self.times.tolist())
        y, drift, vol, _ = self.market[self._calls(time).index(price)].tolist()
        return Alone(price, time, distribution(_score(y, drift, vol, time)))

    def _calls(self, time: float) -> list[float]:
        return [
            float(call_policy.calls(row[:1].copy(), row[np.newaxis].copy(), self.rate, time)) for row in self.market
        ]


def _score(y: float, drift: float, vol: float, time: float) -> float:
    """How many standard deviations above 0 a log price is expected."""
    mean, deviation = y + drift * time, vol * math.sqrt(time)
    return mean / deviation if deviation > 0 else math.copysign(math.inf, mean)


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
