"""A part of `credit_loss`: simulated losses, of which the largest and the bins of the tail are kept."""

import numpy as np
from msgspec import Struct

from calc import distributions
from calc.distributions import Distribution
from calc.kinds.credit_loss_terms import Params, blocks_a_part, edges_of, kept, portfolio_of
from calc.numerics import portfolio_loss, tail_bins, tails
from calc.numerics.portfolio_loss import BLOCK


class Partial(Struct, frozen=True):
    """Of a simulation the largest losses (8-byte floats), their scenarios (4-byte integers), how many lost nothing or
    reached each threshold, and the tail's bins (8-byte floats by bin and entry); of part 0 also the bins of its first
    losses. Of the recursion probabilities."""

    scenarios: int = 0
    losses: bytes = b""
    indexes: bytes = b""
    no_loss: int = 0
    reached: list[int] = []
    counts: list[int] = []
    sums: bytes = b""
    squares: bytes = b""
    probabilities: bytes = b""
    body: Distribution | None = None


def simulate(params: Params, part: int) -> Partial:
    """The part's scenarios."""
    size = blocks_a_part(params) * BLOCK
    first = part * size
    scenarios = min(size, params.scenarios - first)
    names, edges = portfolio_of(params), edges_of(params)
    losses, bins = portfolio_loss.losses(names, params.seed or 0, portfolio_loss.STREAM, first, scenarios, edges)
    reached = [int(np.count_nonzero(losses >= threshold)) for threshold in params.thresholds or ()]
    tail = tails.largest(losses, first, kept(params))
    body = distributions.of_sample(losses[: distributions.SAMPLE]) if part == 0 else None
    return packed(tail, scenarios, int(np.count_nonzero(losses == 0)), reached, bins, body)


def packed(
    tail: tails.Tail,
    scenarios: int,
    no_loss: int,
    reached: list[int],
    bins: tail_bins.Bins,
    body: Distribution | None,
) -> Partial:
    """A partial of the largest losses, counts and bins."""
    losses, indexes = tails.packed(tail)
    counts, sums, squares = tail_bins.packed(bins)
    return Partial(scenarios, losses, indexes, no_loss, reached, counts, sums, squares, body=body)


def tail_of(partial: Partial) -> tails.Tail:
    """The largest losses of a partial, with their scenarios."""
    return tails.unpacked(partial.losses, partial.indexes)


def bins_of(partial: Partial) -> tail_bins.Bins:
    """The bins of a partial's tail."""
    return tail_bins.unpacked(partial.counts, partial.sums, partial.squares)
