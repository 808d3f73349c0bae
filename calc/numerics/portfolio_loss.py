"""A portfolio of names that default together: as the kernels take it, simulated, and its exact law.

Name i defaults where √(1-Σa²) ε_i + Σ a_f z_f < c_i, all normals independent and c_i = Φ⁻¹(pd_i); for Student's t both
sides are scaled: z and ε by √(ν/χ²), c_i = t_ν⁻¹(pd_i). With one correlation ρ the single loading is √ρ.
"""

import math
from decimal import Context, Decimal, Inexact
from fractions import Fraction
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from calc import lazy
from calc.numerics import normal, student_t, tail_bins
from calc.numerics.tail_bins import Bins

copula = lazy.module("calc.kernels.copula")

Array = NDArray[np.float64]

BLOCK = 1024
PILOT = 16 * BLOCK
STREAM, PILOT_STREAM = 0, 2  # Student t takes the stream after each for its χ²
NEVER = 1e300  # a threshold that no normal passes
_EXACT = Context(prec=40, traps=[Inexact])  # a float has 17 digits, a product 34
REACH = 8.5  # of the factor's points, in deviations


class Entry(NamedTuple):
    """So many names that are alike; `loadings` on independent factors."""

    names: int
    amount: float  # exposure × lgd
    pd: float
    loadings: tuple[float, ...]


class Names(NamedTuple):
    """Thresholds and loadings over √(1-Σa²), amounts, and whose entry each name is."""

    thresholds: Array
    loadings: Array  # factors × names
    amounts: Array
    owners: NDArray[np.int64]


class Bounds(NamedTuple):
    """By group of names the largest threshold; by factor and group the least and the largest loading."""

    thresholds: Array
    least: Array
    most: Array


class Portfolio(NamedTuple):
    """Names in groups of those that are most alike, padded with some that never default."""

    names: Names
    bounds: Bounds
    degrees: float  # 0 for the Gaussian copula
    entries: int


class Law(NamedTuple):
    """The exact law on a grid: P(loss = l units), with what the quadrature lost of the probability and of the mean."""

    probabilities: Array
    unit: float
    residual: float


def amount(exposure: float, lgd: float) -> float:
    """Their product, rounded once from the decimals as they are written: 0.1 × 3 is 0.3."""
    return float(_EXACT.multiply(Decimal(repr(exposure)), Decimal(repr(lgd))))


def portfolio(entries: list[Entry], degrees: float | None) -> Portfolio:
    """All names of the entries. Their loadings have one length, and squares that add up to less than 1."""
    counts = [entry.names for entry in entries]
    scales = [1 / math.sqrt(1 - math.fsum(a * a for a in entry.loadings)) for entry in entries]
    thresholds = [_threshold(entry.pd, degrees, scale) for entry, scale in zip(entries, scales, strict=True)]
    loadings = np.array([[a * scale for a in entry.loadings] for entry, scale in zip(entries, scales, strict=True)])
    owners = np.repeat(np.arange(len(entries)), counts)
    group = copula.GROUP
    order = _alike_together(np.array([*loadings.T, thresholds])[:, owners], group)
    spare, k = -order.size % group, loadings.shape[1]
    owners = np.concatenate([owners[order], np.repeat(owners[order[-1:]], spare)])
    amounts = np.array([entry.amount for entry in entries])[owners]
    names = Names(np.array(thresholds)[owners], np.ascontiguousarray(loadings[owners].T), amounts, owners)
    for padded, value in ((names.thresholds, -NEVER), (names.amounts, 0.0)):
        padded[order.size :] = value
    by_group = names.loadings.reshape(k, -1, group)
    highest = names.thresholds.reshape(-1, group).max(axis=1)
    bounds = Bounds(highest, *(np.ascontiguousarray(each) for each in (by_group.min(axis=2), by_group.max(axis=2))))
    return Portfolio(names, bounds, degrees or 0.0, len(entries))


def _alike_together(points: Array, group: int) -> NDArray[np.int64]:
    """An order of the columns in which each group of that many is alike: halved again and again where most apart."""
    waiting, ordered = [np.arange(points.shape[1])], []
    while waiting:
        here = waiting.pop()
        if here.size <= group:
            ordered.append(here)
            continue
        mine = points[:, here]
        widest = int(np.argmax(mine.max(axis=1) - mine.min(axis=1)))
        here = here[np.argsort(mine[widest], kind="stable")]
        half = math.ceil(here.size / (2 * group)) * group
        waiting += [here[half:], here[:half]]
    return np.concatenate(ordered)


def losses(names: Portfolio, seed: int, stream: int, first: int, scenarios: int, edges: Array) -> tuple[Array, Bins]:
    """Losses of that many scenarios, and the tail's bins of defaults by entry."""
    out, counts = np.empty(scenarios), np.zeros(edges.size, dtype=np.int64)
    sums, squares = np.zeros((edges.size, names.entries)), np.zeros((edges.size, names.entries))
    known = (tuple(names.names), tuple(names.bounds), names.degrees)
    copula.copula_losses(out, *known, seed, stream, first, edges, counts, sums, squares)
    return out, Bins(counts, sums, squares)


def edges(names: Portfolio, seed: int, confidence: float, most: int) -> Array:
    """The edges of the tail's bins, from a pilot with a stream of its own."""
    pilot, _ = losses(names, seed, PILOT_STREAM, 0, PILOT, np.empty(0))
    return tail_bins.edges(pilot, confidence, most)


def units_of(entries: list[Entry], unit: float | None) -> tuple[float, list[int]] | None:
    """The unit of which all amounts are whole multiples, given or the largest there is, and the multiples; or None."""
    exact = [Fraction(repr(entry.amount)) for entry in entries]
    if unit is None:
        found = Fraction(0)
        for amount in exact:
            found = _common(found, amount)
        given = found or Fraction(1)
    else:
        given = Fraction(repr(unit))
    multiples = [amount / given for amount in exact]
    if any(abs(each - round(each)) > Fraction(1, 10**9) for each in multiples):
        return None
    return float(given), [round(each) for each in multiples]


def points(pieces: int) -> tuple[Array, Array]:
    """Points and weights of the trapezoidal rule over one standard normal factor."""
    step = 2 * REACH / pieces
    z = [-REACH + i * step for i in range(pieces + 1)]
    return np.array(z), np.array([step * normal.density(each) for each in z])


def pieces_needed(entries: list[Entry]) -> int:
    """So many that the law given the factor, which moves faster the more names and correlation, is well resolved."""
    names = sum(entry.names for entry in entries)
    steepest = max(abs(entry.loadings[0]) for entry in entries)
    width = math.sqrt(1 - steepest**2) / max(steepest, 0.05) / math.sqrt(names)
    return min(max(256, math.ceil(2 * REACH / (0.5 * width))), 16_384)


def distribution(names: Portfolio, multiples: list[int], nodes: tuple[Array, Array]) -> Array:
    """What these points of the factor add to the probabilities of 0, 1, … units."""
    each = names.names
    units = np.array(multiples, dtype=np.int64)[each.owners] * (each.amounts > 0)
    result: Array = copula.distribution(*nodes, each.thresholds, each.loadings[0], units, int(units.sum()))
    return result


def risk(law: Law, confidence: float) -> tuple[float, float]:
    """VaR, the smallest loss with P(L <= x) >= confidence, and ES of Acerbi and Tasche."""
    cumulated = np.cumsum(law.probabilities)
    place = min(int(np.searchsorted(cumulated, confidence - 1e-13)), law.probabilities.size - 1)
    var = place * law.unit
    beyond = law.probabilities[place + 1 :]
    excess = math.fsum(beyond * np.arange(1, beyond.size + 1)) * law.unit
    return var, var + excess / (1 - confidence)


def at_least(law: Law, threshold: float) -> float:
    """P(L >= threshold)."""
    first = math.ceil(threshold / law.unit - 1e-9)
    return math.fsum(law.probabilities[max(first, 0) :])


def _threshold(pd: float, degrees: float | None, scale: float) -> float:
    if pd in (0.0, 1.0):
        return NEVER if pd else -NEVER
    return scale * (normal.quantile(pd) if degrees is None else student_t.quantile(pd, degrees))


def _common(a: Fraction, b: Fraction) -> Fraction:
    """The largest fraction of which both are whole multiples."""
    return Fraction(math.gcd(a.numerator * b.denominator, b.numerator * a.denominator), a.denominator * b.denominator)
