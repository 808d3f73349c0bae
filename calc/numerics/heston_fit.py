"""Heston's model put to the quotes of several maturities: residuals in volatility, and how exact the integrals are.

A residual is (model price - market price) / vega, times the root of the quote's weight: for small errors the error in
volatility. What does not depend on the parameters (nodes, waves, the control's prices) is prepared once for a number
of nodes; that number is doubled until the prices stand still. Kernels and formulas: `calc/kernels/heston_cf.py`.
"""

import math
from functools import cache, partial
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from calc import lazy
from calc.numerics import black_scholes, calibration
from calc.numerics.calibration import Fit, Quadratic
from calc.numerics.smiles import Smile, near_the_money

heston_cf = lazy.module("calc.kernels.heston_cf")

Array = NDArray[np.float64]

NAMES = ("v0", "kappa", "theta", "xi", "rho")
LEGAL = {"v0": (0.0, 4.0), "kappa": (1e-6, 50.0), "theta": (0.0, 4.0), "xi": (1e-6, 10.0), "rho": (-1.0, 1.0)}
BOUNDS = {"v0": (1e-5, 1.0), "kappa": (0.01, 20.0), "theta": (1e-5, 1.0), "xi": (0.01, 5.0), "rho": (-0.999, 0.999)}
FIRST_NODES, MOST_NODES = 64, 2048
_STILL = 1e-10  # change of a price over D √(F K) that is none
_MOST_KEPT = 256
MOST_EVALUATIONS, LEAST_EVALUATIONS = 200, 5  # with one number of nodes
MOST_WORK = 40_000  # nodes × evaluations of a way down: twenty times what quotes of a market take
_SCALE = 16.0  # of the nodes, over the control's deviation: measured over random parameters


class Prepared(NamedTuple):
    """One maturity: call = base - factor · integral."""

    maturity: float
    control: float
    nodes: Array
    node_weights: Array
    cosines: Array
    sines: Array
    base: Array
    factor: Array


@cache
def _legendre(nodes: int) -> tuple[Array, Array]:
    """Nodes and weights on (-1, 1)."""
    found: tuple[Array, Array] = heston_cf.gauss_legendre(nodes)
    return found


def mean_variance(parameters: list[float], maturity: float) -> float:
    """The expected total variance ∫ E V dt of the time to maturity."""
    v0, kappa, theta, _, _ = parameters
    return theta * maturity - (v0 - theta) * math.expm1(-kappa * maturity) / kappa


def prepare(
    forward: float, discount: float, maturity: float, strikes: list[float], control: float, nodes: int
) -> Prepared:
    """Nodes and waves for one maturity; `control` > 0 is a total variance near the model's."""
    deviation = math.sqrt(control)
    u, weights = heston_cf.half_line(*_legendre(nodes), _SCALE / deviation)
    cosines, sines = heston_cf.waves(u, np.array([math.log(forward / strike) for strike in strikes]))
    base = [black_scholes.european(True, forward, strike, 1.0, 0.0, 0.0, deviation).price for strike in strikes]
    factor = [discount * math.sqrt(forward) * math.sqrt(strike) for strike in strikes]
    return Prepared(maturity, control, u, weights, cosines, sines, discount * np.array(base), np.array(factor))


def prepare_smile(quotes: Smile, nodes: int) -> Prepared:
    """With the market's volatility nearest to the money as the control."""
    control = near_the_money(quotes) ** 2 * quotes.maturity
    return prepare(quotes.forward, quotes.discount, quotes.maturity, quotes.strikes, control, nodes)


def integrals(prepared: Prepared, parameters: list[float]) -> Array:
    """[strikes, 6]: the integral, and its derivatives in NAMES' order."""
    transformed = heston_cf.transform(
        prepared.nodes, prepared.node_weights, prepared.maturity, np.array(parameters), prepared.control
    )
    found: Array = heston_cf.integrals(transformed, prepared.cosines, prepared.sines)
    return found


def calls(prepared: Prepared, parameters: list[float]) -> Array:
    """Discounted calls."""
    return prepared.base - prepared.factor * integrals(prepared, parameters)[:, 0]


def objective(smiles: list[Smile], prepared: list[Prepared], parameters: list[float]) -> Quadratic:
    """Half the weighted sum of squares over all quotes, its gradient and J'J."""
    gradient, normal = np.zeros(len(NAMES)), np.zeros((len(NAMES), len(NAMES)))
    costs = []
    for quotes, ready in zip(smiles, prepared, strict=True):
        scales = np.array(quotes.scales)
        offset = (ready.base - np.array(quotes.calls)) * scales
        found = integrals(ready, parameters)
        costs.append(heston_cf.gather(found, offset, ready.factor * scales, gradient, normal))
    return Quadratic(0.5 * math.fsum(costs), gradient.tolist(), normal.tolist())


def converged_calls(
    forward: float, discount: float, maturity: float, strikes: list[float], parameters: list[float], tolerance: float
) -> tuple[list[float], float, int]:
    """Discounted calls, their change at the last doubling of the nodes over D √(F K), and the number of nodes.

    Without variance the calls are their intrinsic values.
    """
    control = mean_variance(parameters, maturity)
    if control <= 0.0:
        return [discount * max(forward - strike, 0.0) for strike in strikes], 0.0, 0
    nodes, change = FIRST_NODES, math.inf
    found = calls(prepare(forward, discount, maturity, strikes, control, nodes), parameters)
    while change > tolerance and nodes < MOST_NODES:
        nodes *= 2
        before, ready = found, prepare(forward, discount, maturity, strikes, control, nodes)
        found = calls(ready, parameters)
        change = float(np.max(np.abs(found - before) / ready.factor))
    return found.tolist(), change, nodes


class Surface:
    """Quotes of all maturities that are fitted together, and what is prepared for them, kept by the number of nodes."""

    def __init__(self, smiles: list[Smile]) -> None:
        self.smiles = smiles
        self._kept: dict[int, list[Prepared]] = {}

    def prepared(self, nodes: int) -> list[Prepared]:
        """For so many nodes; many nodes take much memory and are not kept."""
        found = self._kept.get(nodes) or [prepare_smile(quotes, nodes) for quotes in self.smiles]
        if nodes <= _MOST_KEPT:
            self._kept[nodes] = found
        return found


def fit(surface: Surface, start: list[float], low: list[float], high: list[float]) -> tuple[Fit, int]:
    """The minimum below `start`, and the nodes with which another doubling would change no price by 1e-10 of its
    factor (or the most there are): from the minimum that few nodes give, those of more are a step or two away.
    Quotes that no model is near are given up after MOST_WORK, as not converged."""
    nodes, iterations, left = FIRST_NODES, 0, MOST_WORK
    prepared = surface.prepared(nodes)
    while True:
        most = min(MOST_EVALUATIONS, left // nodes)
        found = calibration.fit(partial(objective, surface.smiles, prepared), start, low, high, most)
        iterations += found.iterations
        left -= found.iterations * nodes
        if nodes >= MOST_NODES:
            return found._replace(iterations=iterations), nodes
        finer = surface.prepared(2 * nodes)
        change = max(
            float(np.max(np.abs(calls(b, found.parameters) - calls(a, found.parameters)) / b.factor))
            for a, b in zip(prepared, finer, strict=True)
        )
        if change <= _STILL:
            return found._replace(iterations=iterations), nodes
        if left < LEAST_EVALUATIONS * 2 * nodes:
            return found._replace(iterations=iterations, converged=False), nodes
        nodes, prepared, start = 2 * nodes, finer, found.parameters


def start_box(smiles: list[Smile]) -> tuple[list[float], list[float]]:
    """Where starts are drawn from: variances around the market's near the money, the rest where markets have been."""
    levels = [near_the_money(quotes) for quotes in smiles]
    least, most = min(levels) ** 2, max(levels) ** 2
    return [0.25 * least, 0.2, 0.25 * least, 0.1, -0.9], [4.0 * most, 10.0, 4.0 * most, 2.0, 0.5]
