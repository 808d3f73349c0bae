"""Bins of losses: nothing is lost or counted twice, and a tail corrects a sample's bins to those of all."""

import json
import math
from typing import Any

import numpy as np
import pytest

from calc import KINDS, distributions, execute
from calc.distributions import Distribution
from calc.numerics import normal, tails


def whole(of: Distribution) -> float:
    return math.fsum([*of.probability, of.below, of.above])


@pytest.mark.parametrize("n", [1, 2, 10, 250, 9_999, 10_000, 65_536])
def test_a_samples_bins_are_numpys(n: int) -> None:
    losses = np.random.default_rng(n).standard_t(4, n)
    made = distributions.of_sample(losses)
    inside = losses[(losses >= made.lowest) & (losses <= made.highest)]
    counts, _ = np.histogram(inside, len(made.probability), (made.lowest, made.highest))
    assert np.abs(np.array(made.probability) * n - counts).max() <= 1  # an edge may fall to either side by rounding
    assert whole(made) == pytest.approx(1, abs=1e-12)
    assert made.scenarios == n
    assert len(made.probability) <= distributions.MOST_BINS
    assert (made.below + made.above) * n == 2 * (n // 10_000)


def test_equal_losses_are_one_bin() -> None:
    made = distributions.of_sample(np.full(1000, 7.5))
    assert made.lowest < 7.5 < made.highest
    assert sorted(made.probability)[-2:] == [0.0, 1.0]


def test_weights_are_added_up() -> None:
    made = distributions.of_sample(np.array([1.0, 2.0, 3.0, 4.0]), np.array([0.1, 0.2, 0.3, 0.4]))
    assert made.probability == pytest.approx([0.1, 0.2, 0.3, 0.4])


def test_with_its_tail_a_sample_has_the_bins_of_all() -> None:
    losses = np.random.default_rng(5).normal(100, 10, 400_000)
    body = distributions.of_sample(losses[: distributions.SAMPLE])
    made = distributions.with_tail(body, tails.largest(losses, 0, 8_000).losses, losses.size)
    assert made.tail_from is not None
    width = (made.highest - made.lowest) / len(made.probability)
    for i, probability in enumerate(made.probability):
        low, high = made.lowest + i * width, made.lowest + (i + 1) * width
        if low >= made.tail_from - 1e-9:
            assert probability * losses.size == pytest.approx(
                np.count_nonzero((losses >= low) & (losses < high)), abs=1
            )
        else:
            exact = normal.distribution((high - 100) / 10) - normal.distribution((low - 100) / 10)
            assert probability == pytest.approx(exact, abs=5 * math.sqrt(exact / distributions.SAMPLE) + 1e-9)
    assert whole(made) == pytest.approx(1, abs=1e-12)
    assert len(made.probability) <= 120


KINDS_WITH_LOSSES = [
    ("var_mc", {"distribution": "normal"}),
    ("var_mc", {"distribution": "student_t", "degrees_of_freedom": 4}),
    ("var_mc", {"distribution": "lognormal"}),
    ("var_mc", {"method": "linear_normal"}),
    ("credit_loss", {}),
]


@pytest.mark.parametrize(("kind", "changes"), KINDS_WITH_LOSSES)
def test_a_results_bins_agree_with_its_var(kind: str, changes: dict[str, Any]) -> None:
    data = {**KINDS[kind].EXAMPLE, **changes}
    if changes.get("method") == "linear_normal":
        del data["scenarios"]
    result = json.loads(execute.execute(kind, json.dumps(data).encode()))
    bins = result["distribution"]
    width = (bins["highest"] - bins["lowest"]) / len(bins["probability"])
    edges = [bins["lowest"] + i * width for i in range(len(bins["probability"]))]
    beyond = math.fsum(p for low, p in zip(edges, bins["probability"], strict=True) if low >= result["var"])
    reaching = math.fsum(p for low, p in zip(edges, bins["probability"], strict=True) if low + width > result["var"])
    assert beyond + bins["above"] <= 0.01 + 1e-9
    assert reaching + bins["above"] >= 0.01 - 1e-9
    assert math.fsum([*bins["probability"], bins["below"], bins["above"]]) == pytest.approx(1, abs=1e-12)


def test_losses_that_tie_at_the_end_of_the_tail_are_not_halved() -> None:
    losses = np.repeat([0.0, 1.0, 2.0, 3.0], [90_000, 6_000, 3_000, 1_000])
    shuffled = np.random.default_rng(1).permutation(losses)
    body = distributions.of_sample(shuffled[: distributions.SAMPLE])
    made = distributions.with_tail(body, tails.largest(shuffled, 0, 2_500).losses, losses.size)
    assert made.tail_from is not None
    assert 2 < made.tail_from <= 3
    assert made.probability[-1] + made.above == pytest.approx(0.01)
    assert whole(made) == pytest.approx(1, abs=1e-12)


def test_a_tail_far_beyond_the_sample_is_cut_at_120_bins() -> None:
    body = distributions.of_sample(np.linspace(0, 1, distributions.SAMPLE))
    made = distributions.with_tail(body, np.linspace(1000, 0.999, 100), 50_000)
    assert len(made.probability) == 120
    assert made.above > 0
    assert whole(made) == pytest.approx(1, abs=1e-12)


def test_a_lattice_is_added_up_around_its_losses() -> None:
    law = np.full(1000, 1e-3)
    made = distributions.of_lattice(law, 2.0)
    assert (made.lowest, made.highest) == (-1.0, 1999.0)
    assert made.probability == pytest.approx([0.01] * 100)
    short = distributions.of_lattice(np.array([0.5, 0.25, 0.25, 0.0]), 2.0)
    assert (short.lowest, short.highest, short.probability) == (-1.0, 5.0, [0.5, 0.25, 0.25])


def test_a_normal_law_is_its_own() -> None:
    made = distributions.of_normal(3.0, 2.0)
    width = (made.highest - made.lowest) / len(made.probability)
    middle = [made.lowest + (i + 0.5) * width for i in range(len(made.probability))]
    assert math.fsum(m * p for m, p in zip(middle, made.probability, strict=True)) == pytest.approx(3.0, abs=1e-3)
    assert whole(made) == pytest.approx(1, abs=1e-14)
    assert distributions.of_normal(3.0, 0.0).probability == [1.0]
