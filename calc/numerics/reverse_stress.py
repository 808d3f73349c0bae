"""The most likely scenario among those that lose a given amount: the smallest Mahalanobis distance.

    minimise x'S⁻¹x  with loss(x) = L        x: moves of the factors, S their covariance

For a linear loss -w'x it is x = -L S w / (w'S w), at distance L / √(w'S w) (Breuer, Jandačka, Mencía and Summer 2012).
Otherwise, in coordinates y with x = B y and S = B B', the nearest point of a surface to the origin is looked for by the
rule of Hasofer, Lind, Rackwitz and Fiessler, steps halved until its merit falls (Liu and Der Kiureghian 1991).
"""

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from calc.numerics.correlation import factor

Array = NDArray[np.float64]

_MOST_STEPS = 100
_STEP = 1e-4  # of a coordinate, for derivatives: standard deviations


class Found(NamedTuple):
    """`moves`: of the factors; `distance`: in standard deviations; `loss`: what is lost there."""

    moves: Array
    distance: float
    loss: float
    iterations: int


class NotReached(Exception):
    """No scenario was found that loses as much; `largest` is the most that any tried one loses."""

    def __init__(self, largest: float) -> None:
        super().__init__(f"the largest loss found is {largest}")
        self.largest = largest


def linear(exposures: Array, covariance: Array, loss: float) -> Found:
    """Of a book that loses -Σ exposure × move. Raises NotReached where no move matters."""
    carried = np.array([math.fsum(row * exposures) for row in covariance])
    variance = math.fsum(carried * exposures)
    if not variance > 0.0:
        raise NotReached(0.0)
    moves = carried * (-loss / variance)
    return Found(moves, loss / math.sqrt(variance), -math.fsum(moves * exposures), 0)


def general(losses: Callable[[Array], Array], covariance: Array, loss: float) -> Found:
    """Of a book whose losses (scenarios × factors → scenarios) need not be linear.

    Starts: the gradient at no move, its opposite, and both ways along each of the first eight coordinates; the nearest
    of what they find is told, the first start's among equals. Raises NotReached where none finds anything.
    """
    spread = factor(covariance)
    size = spread.shape[1]
    search = _Search(losses, spread, loss)
    origin = np.zeros(size)
    gradient = search.gradient(origin)
    starts = [gradient * sign / _length(gradient) for sign in (1.0, -1.0) if _length(gradient) > 0.0]
    starts += [np.eye(size)[k] * sign for k in range(min(size, 8)) for sign in (1.0, -1.0)]
    best: tuple[Array, float] | None = None
    for start in starts:
        point = search.nearest(start)
        if point is not None and (best is None or _length(point) < best[1] * (1.0 - 1e-9)):
            best = point, _length(point)
    if best is None:
        raise NotReached(search.largest)
    moves = search.moves(best[0])
    return Found(moves, best[1], float(losses(moves[np.newaxis, :])[0]), search.iterations)


class _Search:
    """One search's function, and the most that it has seen."""

    def __init__(self, losses: Callable[[Array], Array], spread: Array, target: float) -> None:
        self._losses, self._spread, self._target = losses, spread, target
        self.largest, self.iterations = 0.0, 0

    def moves(self, y: Array) -> Array:
        """x = B y."""
        return np.array([math.fsum(row * y) for row in self._spread])

    def values(self, points: Array) -> Array:
        """Losses at points, one a row."""
        found = self._losses(np.array([self.moves(y) for y in points]))
        self.largest = max(self.largest, float(found.max()))
        return found

    def gradient(self, y: Array) -> Array:
        """By central differences."""
        steps = np.eye(y.size) * _STEP
        found = self.values(np.concatenate([y + steps, y - steps]))
        return (found[: y.size] - found[y.size :]) / (2.0 * _STEP)

    def nearest(self, y: Array) -> Array | None:
        """A point of the surface that is nearest among its neighbours; None where the search does not settle."""
        scale = abs(self._target)
        weight = 1.0
        for _ in range(_MOST_STEPS):
            self.iterations += 1
            gap = float(self.values(y[np.newaxis, :])[0]) - self._target
            gradient = self.gradient(y)
            square = math.fsum(gradient * gradient)
            if not square > (1e-12 * scale) ** 2:
                return None
            aim = gradient * ((math.fsum(gradient * y) - gap) / square)
            change = aim - y
            if abs(gap) <= 1e-10 * scale and _length(change) <= 1e-7 * (1.0 + _length(y)):
                return y
            weight = max(weight, 2.0 * _length(y) / math.sqrt(square))
            y = self._better(y, change, gap, weight)
            if not _length(y) < 1e3:
                return None
        return None

    def _better(self, y: Array, change: Array, gap: float, weight: float) -> Array:
        """Along the change as far as the merit |y|²/2 + weight |gap| falls."""
        before = 0.5 * math.fsum(y * y) + weight * abs(gap)
        share = 1.0
        for _ in range(12):
            tried = y + change * share
            missed = abs(float(self.values(tried[np.newaxis, :])[0]) - self._target)
            if 0.5 * math.fsum(tried * tried) + weight * missed < before:
                return tried
            share *= 0.5
        return y + change * share


def _length(y: Array) -> float:
    return math.sqrt(math.fsum(y * y))
