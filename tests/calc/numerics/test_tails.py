"""Order statistics of losses: exact under any cut and any order, by definition, and with honest errors."""

import itertools
import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from calc.numerics import tails

LOSSES = st.lists(st.integers(-5, 5).map(float) | st.floats(-100, 100), min_size=1, max_size=60)


@given(LOSSES, st.integers(1, 70), st.data())
def test_merged_is_whole(losses: list[float], keep: int, data: st.DataObject) -> None:
    whole = sorted(enumerate(losses), key=lambda each: (-each[1], each[0]))[:keep]
    cuts = sorted({0, len(losses), *data.draw(st.lists(st.integers(0, len(losses)), max_size=4))})
    pieces = [tails.largest(np.array(losses[start:end]), start, keep) for start, end in itertools.pairwise(cuts)]
    merged = tails.merge(data.draw(st.permutations(pieces)), keep)
    assert list(zip(merged.scenarios.tolist(), merged.losses.tolist(), strict=True)) == whole


@given(st.lists(st.floats(-100, 100), min_size=10, max_size=200), st.floats(0.5, 0.99))
def test_by_definition(losses: list[float], confidence: float) -> None:
    n = len(losses)
    tail = np.array(sorted(losses, reverse=True))
    found = tails.risk(tail, confidence, n)
    alpha = Fraction(repr(confidence))
    smallest = min(x for x in losses if Fraction(sum(loss <= x for loss in losses), n) >= alpha)
    assert found.var == smallest
    above = [loss for loss in losses if loss > smallest]
    atom = (1 - alpha) - Fraction(len(above), n)
    expected = (math.fsum(above) / n + float(atom) * smallest) / float(1 - alpha)
    assert found.es == pytest.approx(expected, rel=1e-9, abs=1e-9)
    assert found.es >= found.var
    assert found.var_interval[0] <= found.var <= found.var_interval[1]


def test_the_rank_is_that_of_the_written_confidence() -> None:
    assert tails.rank(0.95, 20) == 19
    assert tails.rank(0.95, 1_000_000) == 950_000
    assert tails.rank(0.975, 100) == 98
    assert tails.expected_beyond(0.99, 1000) == 10.0
    assert all(tails.rank(k / 1000, 1000) == k for k in range(500, 1000))


@pytest.mark.parametrize("confidence", [0.5, 0.9, 0.99, 0.99999])
def test_what_is_needed_is_enough(confidence: float) -> None:
    n = 200_000
    losses = np.random.default_rng(3).standard_normal(n)
    kept = tails.largest(losses, 0, tails.needed(confidence, n))
    assert tails.risk(kept.losses, confidence, n) == tails.risk(np.sort(losses)[::-1], confidence, n)
    for fewer in (1000, 20_000, 199_999):
        assert tails.needed(confidence, fewer) <= tails.needed(confidence, n)


def test_errors_cover_as_they_say() -> None:
    """Exponential losses: VaR and ES are known, and 95 % intervals hold them 95 times in 100."""
    n, confidence, trials = 4000, 0.95, 1000
    var, es = -math.log(0.05), -math.log(0.05) + 1
    rng = np.random.default_rng(11)
    held = np.zeros(2)
    scores = []
    for _ in range(trials):
        found = tails.risk(np.sort(rng.exponential(size=n))[::-1], confidence, n)
        held += [
            found.var_interval[0] <= var <= found.var_interval[1],
            found.es_interval[0] <= es <= found.es_interval[1],
        ]
        scores.append(((found.var - var) / found.var_error, (found.es - es) / found.es_error))
    spread = 3 * math.sqrt(0.95 * 0.05 / trials)  # of a fair coin of 95 %, plus what so few losses beyond VaR cost
    assert np.all(np.abs(held / trials - 0.95) < spread + 0.01)
    assert np.all(np.abs(np.std(scores, axis=0) - 1) < 0.12)


def test_a_small_sample_says_that_it_is_clipped() -> None:
    assert tails.risk(np.arange(100.0)[::-1], 0.975, 100).clipped
    assert not tails.risk(np.arange(1000.0)[::-1], 0.975, 1000).clipped
    single = tails.risk(np.array([2.0]), 0.5, 1)
    assert (single.var, single.es, single.var_error) == (2.0, 2.0, 0.0)


@pytest.mark.parametrize("keep", [1, 700, 3000, 60_000])
def test_the_largest_of_many(keep: int) -> None:
    """Also where the guess of a floor misleads: losses that grow, losses that alternate, losses that tie."""
    drawn = np.random.default_rng(5).standard_normal(100_000)
    alternating = np.where(np.arange(100_000) % (100_000 // tails.SAMPLE) == 0, 9.0, drawn)
    for losses in (drawn, np.sort(drawn), np.sort(drawn)[::-1].copy(), np.round(drawn), alternating, np.zeros(100_000)):
        found = tails.largest(losses, 7, keep)
        order = np.lexsort((np.arange(losses.size), -losses))[:keep]
        assert found.losses.tolist() == losses[order].tolist()
        assert found.scenarios.tolist() == (order + 7).tolist()
