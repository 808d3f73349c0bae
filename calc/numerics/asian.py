"""Options on an average over dates: what has a closed form.

The geometric average of S over future dates t_1 … t_n is lognormal: with b = r - q,

    E log G = log S + (b - σ²/2) Σ t_i/n,   Var log G = σ² ΣΣ min(t_i, t_j)/n²

(Kemna and Vorst 1990, *A pricing method for options based on average asset values*, for dates). Past fixings move the
strike of an arithmetic average, K' = (K N - past sum)/n, and scale a geometric one, where N is the number of all
fixings. With one date to come, with a strike K' <= 0, or with no volatility an arithmetic average has one too.
"""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from calc.numerics.normal import distribution


class Averaging(NamedTuple):
    """`times` are the fixings to come, all above 0; `past` are so many fixings with the average `so_far`."""

    call: bool
    spot: float
    strike: float
    maturity: float
    rate: float
    dividend_yield: float
    volatility: float
    times: NDArray[np.float64]
    past: int
    so_far: float

    @property
    def share(self) -> float:
        """Of the fixings to come among all."""
        return self.times.size / (self.times.size + self.past)

    @property
    def strike_to_come(self) -> float:
        """K': what the average of the fixings to come must exceed. There is one at least."""
        n = self.times.size
        return (self.strike * (n + self.past) - self.so_far * self.past) / n

    @property
    def forwards(self) -> list[float]:
        """Expected prices at the fixings to come."""
        carry = self.rate - self.dividend_yield
        return [self.spot * math.exp(carry * t) for t in self.times.tolist()]


def covariances(times: NDArray[np.float64]) -> NDArray[np.float64]:
    """Σ_j min(t_i, t_j) of ascending times."""
    earlier = np.cumsum(times)
    later = np.arange(times.size - 1, -1, -1) * times
    return earlier + later


def black(call: bool, forward: float, strike: float, s: float) -> float:
    """E (±(F e^(sZ - s²/2) - K))⁺, undiscounted; strikes <= 0 are always or never paid."""
    w = 1.0 if call else -1.0
    if s == 0 or strike <= 0 or forward <= 0:
        return max(w * (forward - strike), 0.0)
    d1 = math.log(forward / strike) / s + 0.5 * s
    return max(w * (forward * distribution(w * d1) - strike * distribution(w * (d1 - s))), 0.0)


def geometric(option: Averaging) -> float:
    """The option on the geometric average."""
    n, past = option.times.size, option.past
    discount = math.exp(-option.rate * option.maturity)
    logs = past * math.log(option.so_far) if past else 0.0
    nu = option.rate - option.dividend_yield - 0.5 * option.volatility**2
    mean = (logs + n * math.log(option.spot) + nu * math.fsum(option.times.tolist())) / (n + past)
    variance = option.volatility**2 * math.fsum(covariances(option.times).tolist()) / (n + past) ** 2
    forward = math.exp(min(mean + 0.5 * variance, 700.0))
    return discount * black(option.call, forward, option.strike, math.sqrt(variance))


def arithmetic(option: Averaging) -> float | None:
    """The option on the arithmetic average where that has a closed form; None elsewhere."""
    discount = math.exp(-option.rate * option.maturity)
    w = 1.0 if option.call else -1.0
    if not option.times.size:
        return discount * max(w * (option.so_far - option.strike), 0.0)
    scale, strike = discount * option.share, option.strike_to_come
    forward = math.fsum(option.forwards) / option.times.size
    if strike <= 0 or option.volatility == 0:
        return scale * max(w * (forward - strike), 0.0)
    if option.times.size == 1:
        s = option.volatility * math.sqrt(float(option.times[0]))
        return scale * black(option.call, forward, strike, s)
    return None
