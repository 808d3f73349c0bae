"""How `var_mc` draws its scenarios: how many to a part, what a part keeps of them, and how that is written."""

import math

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from calc import distributions
from calc.distributions import Distribution
from calc.kinds.var_mc_faults import LEAST_BEYOND
from calc.kinds.var_mc_terms import Params, names_of
from calc.numerics import importance, tail_bins, tails
from calc.numerics.book_risk import BLOCK
from calc.numerics.importance import Above

MOST_KEPT = 100_000  # losses in a partial: with their scenarios 1.6 MB of text
_PART_NS = 500_000_000  # on an idle core of 2020s make
_MOST_BLOCKS_A_PART = 512
TO_TARGET = 64  # blocks a part at most, so that a target is not overshot by much
BIN_NUMBERS = 16_000  # sums in a partial, and as many squares: 340 kB of text


class Partial(Struct, frozen=True):
    """Losses, first to last (little-endian 8-byte floats), and their scenarios (4-byte integers).

    The largest ones; for delta_gamma those around VaR, with sums `above` them. For lognormal the tail's bins: their
    counts, and sums by bin and symbol (8-byte floats). Of part 0 the bins of its first losses, unless they are normal.
    """

    scenarios: int
    losses: bytes
    indexes: bytes
    above: Above = importance.NOTHING
    counts: list[int] = []
    sums: bytes = b""
    squares: bytes = b""
    body: Distribution | None = None


def blocks_of(scenarios: int) -> int:
    """How many blocks there are in so many scenarios."""
    return math.ceil(scenarios / BLOCK)


def blocks_a_part(params: Params) -> int:
    """About half a second of work."""
    most = _MOST_BLOCKS_A_PART if params.target_standard_error is None else TO_TARGET
    return min(max(int(_PART_NS / (ns_a_scenario(params) * BLOCK)), 1), most)


def ns_a_scenario(params: Params) -> float:
    """What one costs, measured: a normal 2.5, an exponential 1.2, a product with the factor 0.05."""
    size = len(names_of(params))
    if params.method == "delta_gamma":
        return 25 + 3 * size
    if params.distribution == "normal":
        return 0.5 + 80 * share_drawn(params)
    if params.distribution == "student_t":
        return 11.0
    if params.factors is not None and params.factors.loadings:
        columns = len(params.factors.loadings[0])
        return 20 + 4.2 * size + 2.5 * columns + 0.05 * size * columns
    return 20 + 4 * size + 0.025 * size * size


def window_scenarios(params: Params) -> int:
    """The fewest scenarios of which VaR is asked: those of the first wave."""
    parts = 1 if params.target_standard_error is not None else 4
    return min(params.scenarios, parts * blocks_a_part(params) * BLOCK)


def share_drawn(params: Params) -> float:
    """Of the scenarios of a normal book, that are drawn: enough for VaR of the first part alone, whatever comes."""
    least = math.ceil(LEAST_BEYOND / tails.expected_beyond(params.confidence, 1))
    return tails.share_above(params.confidence, min(params.scenarios, max(least, TO_TARGET * BLOCK)))


def losses_kept(params: Params) -> int:
    """How many losses a part keeps, at most."""
    if params.method == "delta_gamma":
        return math.ceil(2 * importance.WINDOW * params.scenarios / math.sqrt(window_scenarios(params)))
    return tails.needed(params.confidence, params.scenarios)


def most_losses_kept(params: Params) -> int:
    """So that a partial has at most 2 MB of text: 16 bytes a loss, 22 a sum in a bin."""
    if params.distribution != "lognormal":
        return MOST_KEPT
    size = len(names_of(params))
    return min(MOST_KEPT, (1_990_000 - 22 * max(BIN_NUMBERS, 3 * size)) // 16)


def partial_of(
    params: Params, blocks: range, losses: NDArray[np.float64], bins: tail_bins.Bins | None = None
) -> Partial:
    """Of a part's losses, all of them, and of lognormal ones the bins."""
    tail = tails.largest(losses, blocks.start * BLOCK, losses_kept(params))
    shown = blocks.start == 0 and params.distribution != "normal"
    body = distributions.of_sample(losses[: distributions.SAMPLE]) if shown else None
    return packed(tail, losses.size, importance.NOTHING, bins, body)


def packed(
    tail: tails.Tail, scenarios: int, above: Above, bins: tail_bins.Bins | None, body: Distribution | None = None
) -> Partial:
    """A partial of what is kept, in bytes."""
    losses, indexes = tails.packed(tail)
    counts, sums, squares = tail_bins.packed(bins) if bins else ([], b"", b"")
    return Partial(
        scenarios=scenarios,
        losses=losses,
        indexes=indexes,
        above=above,
        counts=counts,
        sums=sums,
        squares=squares,
        body=body,
    )


def unpacked(partial: Partial) -> tails.Tail:
    """The losses that a partial keeps."""
    return tails.unpacked(partial.losses, partial.indexes)


def bins_of(partial: Partial) -> tail_bins.Bins:
    """The bins of a lognormal partial."""
    return tail_bins.unpacked(partial.counts, partial.sums, partial.squares)
