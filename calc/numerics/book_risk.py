"""A book whose returns are normal, Student t or lognormal: its losses, simulated block by block, and their law.

Blocks of 4096 scenarios; a loss depends on the seed and its scenario's number alone. For normal and Student t one
random number a scenario is enough, because the loss has the law of one return; for normal there is none where the loss
is below all that anybody looks at.
"""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from calc import lazy
from calc.numerics import elliptical, normal, tail_bins
from calc.numerics.correlation import factor_in_order
from calc.numerics.elliptical import ClosedForm
from calc.numerics.quadratic_form import Form, Twist
from calc.numerics.tail_bins import Bins
from calc.numerics.tails import Tail

tail_risk = lazy.module("calc.kernels.tail_risk")

Array = NDArray[np.float64]

BLOCK = 4096
PILOT = 2 * BLOCK  # scenarios that choose the edges of the tail's bins
STREAM, PILOT_STREAM = 0, 1
_ROUNDING = 1e-13  # of a variance, by which a factor may miss it without an eigenvalue below 0


class Book(NamedTuple):
    """n exposures; returns over the horizon with mean `drift` and covariance BB' + diag(specific²), B the factor.

    `order` is that of the rows in which the factor is lower trapezoidal; empty where it is not. `rounded`: the
    covariance had an eigenvalue below 0 by rounding.
    """

    distribution: str
    degrees: float | None
    exposures: Array
    factor: Array
    specific: Array
    order: NDArray[np.int64]
    drift: Array
    rounded: bool


class Rows(NamedTuple):
    """The book as the lognormal kernel takes it: rows in order, padded with zeros to multiples of four."""

    order: NDArray[np.int64]
    factor: Array
    specific: Array
    shift: Array
    exposures: Array


def from_covariance(
    distribution: str, degrees: float | None, exposures: Array, covariance: Array, drift: Array
) -> Book:
    """The book whose returns have that covariance over the horizon."""
    order, factor = factor_in_order(covariance)
    variances = covariance.diagonal()
    missed = elliptical.squares_of(factor) - variances
    rounded = bool((missed > _ROUNDING * np.maximum(variances, 0.0)).any())
    specific = np.zeros(exposures.size)
    return Book(distribution, degrees, exposures, factor, specific, order, drift, rounded)


def from_factors(
    distribution: str, degrees: float | None, exposures: Array, loadings: Array, specific: Array, drift: Array
) -> Book:
    """The book whose returns hang on a few factors."""
    return Book(distribution, degrees, exposures, loadings, specific, np.empty(0, dtype=np.int64), drift, False)


def law(book: Book, confidence: float) -> ClosedForm:
    """The closed form of a linear book; for lognormal its `undiversified` alone means something."""
    closed = elliptical.closed_form(confidence, book.degrees, book.exposures, book.factor, book.specific, book.drift)
    if book.distribution != "lognormal":
        return closed
    q = normal.quantile(confidence)
    alone, variances = [], elliptical.squares_of(book.factor) + book.specific * book.specific
    for e, variance, drift in zip(book.exposures.tolist(), variances.tolist(), book.drift.tolist(), strict=True):
        worst = -q if e >= 0 else q
        alone.append(-e * math.expm1(drift - 0.5 * variance + worst * math.sqrt(variance)))
    return closed._replace(undiversified=math.fsum(alone))


def normal_tail(book: Book, closed: ClosedForm, share: float, seed: int, blocks: range, scenarios: int) -> Tail:
    """Of a normal book with that law the losses above the quantile 1 - `share`, in the order of the scenarios."""
    mean, n = -math.fsum(book.exposures * book.drift), _size(blocks, scenarios)
    room = min(n, math.ceil(n * share + 40 * math.sqrt(n * share) + 1000))  # 40 deviations
    losses, numbers = np.empty(room), np.empty(room, dtype=np.uint32)
    within = (blocks.start, blocks.stop)
    found = tail_risk.normal_tail(
        losses, numbers, closed.deviation, mean, share, seed, STREAM, within, BLOCK, scenarios
    )
    return Tail(losses[:found], numbers[:found])


def student_t_losses(book: Book, closed: ClosedForm, seed: int, blocks: range, scenarios: int) -> Array:
    """Losses of a Student t book with that law."""
    mean = -math.fsum(book.exposures * book.drift)
    out = np.empty(_size(blocks, scenarios))
    for i, block in enumerate(blocks):
        piece = out[i * BLOCK : (i + 1) * BLOCK]
        tail_risk.student_t_losses(piece, closed.deviation, mean, book.degrees, seed, STREAM, block)
    return out


def rows_of(book: Book) -> Rows:
    """The lognormal book in the kernel's form."""
    n = book.exposures.size
    order = book.order if book.order.size else np.arange(n)
    factor = np.zeros((-(-n // 4) * 4, -(-book.factor.shape[1] // 4) * 4))
    factor[:n, : book.factor.shape[1]] = book.factor[order]
    variances = elliptical.squares_of(book.factor) + book.specific * book.specific
    own = _padded(book.specific[order], factor.shape[0]) if book.specific.any() else np.empty(0)
    shift = _padded((book.drift - 0.5 * variances)[order], factor.shape[0])
    return Rows(order, factor, own, shift, _padded(book.exposures[order], factor.shape[0]))


def lognormal_losses(
    book: Book, rows: Rows, seed: int, stream: int, blocks: range, scenarios: int, edges: Array
) -> tuple[Array, Bins]:
    """Losses of a lognormal book, and the bins of the tail; rows of the bins are in the book's order."""
    n, padded = book.exposures.size, rows.exposures.size
    counts = np.zeros(edges.size, dtype=np.int64)
    sums, squares = np.zeros((edges.size, padded)), np.zeros((edges.size, padded))
    out = np.empty(_size(blocks, scenarios))
    for i, block in enumerate(blocks):
        tail_risk.lognormal_losses(
            out[i * BLOCK : (i + 1) * BLOCK],
            rows.factor,
            rows.specific,
            bool(book.order.size),
            rows.shift,
            rows.exposures,
            seed,
            stream,
            block,
            edges,
            counts,
            sums,
            squares,
        )
    back = np.argsort(rows.order)
    return out, Bins(counts, np.ascontiguousarray(sums[:, :n][:, back]), np.ascontiguousarray(squares[:, :n][:, back]))


def edges(book: Book, rows: Rows, seed: int, confidence: float, most: int) -> Array:
    """The edges of the tail's bins, from a pilot with a stream of its own."""
    pilot, _ = lognormal_losses(book, rows, seed, PILOT_STREAM, range(PILOT // BLOCK), PILOT, np.empty(0))
    return tail_bins.edges(pilot, confidence, most)


def quadratic_losses(form: Form, twist: Twist, seed: int, blocks: range, scenarios: int) -> Array:
    """Losses quadratic in normals, drawn from the twisted law."""
    out = np.empty(_size(blocks, scenarios))
    for i, block in enumerate(blocks):
        piece = out[i * BLOCK : (i + 1) * BLOCK]
        tail_risk.quadratic_losses(piece, form.linear, form.square, twist.mean, twist.deviation, seed, STREAM, block)
    return out


def _size(blocks: range, scenarios: int) -> int:
    """How many scenarios the blocks have: the last one of all has what is left."""
    return min(blocks.stop * BLOCK, scenarios) - blocks.start * BLOCK


def _padded(values: Array, size: int) -> Array:
    return np.concatenate([values, np.zeros(size - values.size)])
