"""Sobol points against scipy's; what scrambling must keep, and what it must make random."""

import math

import numpy as np
import pytest
from scipy import stats
from scipy.stats import qmc

from calc.kernels import sobol
from calc.kernels.elementary import norm_ppf_of


def test_the_direction_numbers_are_scipys() -> None:
    """scipy goes through the points in the order of Gray's code: point i of its is i ^ i/2 of ours."""
    theirs = qmc.Sobol(sobol.DIMENSIONS, scramble=False, bits=32).random(512)
    for i in range(512):
        gray = i ^ (i >> 1)
        raw = np.zeros(sobol.DIMENSIONS, np.uint64)
        for bit in range(gray.bit_length()):
            if gray >> bit & 1:
                raw ^= sobol._DIRECTIONS[:, bit]
        ours = [int(f"{word:032b}"[::-1], 2) / 2**32 for word in raw]
        assert ours == theirs[i].tolist()


@pytest.mark.parametrize("first", [0, 4096, 3 * 4096])
def test_every_projection_on_one_dimension_is_a_net(first: int) -> None:
    """2^12 points from a multiple of 2^12 on: one in each of 2^12 cells, in all dimensions and replicates."""
    for replicate in range(3):
        cells = (sobol.points(5, replicate, first, 4096, sobol.DIMENSIONS) * 4096).astype(int)
        assert (np.sort(cells, axis=0) == np.arange(4096)[:, None]).all()


def test_the_first_two_dimensions_are_a_net() -> None:
    """(0, m, 2): one point in each box of 2^-10, of every shape."""
    points = sobol.points(1, 2, 1024, 1024, 2)
    for a in range(11):
        boxes = (points[:, 0] * 2**a).astype(int) * 2 ** (10 - a) + (points[:, 1] * 2 ** (10 - a)).astype(int)
        assert np.unique(boxes).size == 1024


def test_a_coordinate_depends_on_its_name_alone() -> None:
    whole = sobol.points(5, 1, 0, 3000, 8)
    assert ((whole > 0) & (whole < 1)).all()
    np.testing.assert_array_equal(sobol.points(5, 1, 777, 1500, 5), whole[777:2277, :5])
    for index in (0, 1, 255, 256, 2999):
        for dimension in range(8):
            scramble = sobol.scramble_seed(5, 1, dimension)
            assert sobol.sobol_owen(index, dimension, scramble) == whole[index, dimension]
    last = sobol.points(5, 1, 2**32 - 300, 300, 1)[:, 0]
    assert last[-1] == sobol.sobol_owen(2**32 - 1, 0, sobol.scramble_seed(5, 1, 0))


@pytest.mark.parametrize("index", [0, 1, 12_345, 2**32 - 1])
def test_each_point_is_uniform_over_the_replicates(index: int) -> None:
    """Without this an estimate would be biased."""
    u = [sobol.sobol_owen(index, 3, sobol.scramble_seed(9, replicate, 3)) for replicate in range(4000)]
    assert stats.kstest(u, "uniform").pvalue > 0.001


def test_dimensions_and_replicates_are_scrambled_apart() -> None:
    scrambles = {sobol.scramble_seed(s, r, d) for s in (0, 1, 2**52) for r in range(32) for d in range(256)}
    assert len(scrambles) == 3 * 32 * 256
    first = np.array([sobol.points(1, replicate, 0, 1, 256)[0] for replicate in range(400)])
    correlation = np.corrcoef(first, rowvar=False) - np.eye(256)
    assert np.abs(correlation).max() < 5.5 / math.sqrt(400)


def test_the_error_of_32_replicates_is_honest_and_small() -> None:
    """∏ (1 + (u - ½)/k) over eight dimensions: mean 1. Scores of 150 seeds, and the gain over plain sampling."""
    weights = 1.0 / np.arange(1, 9)
    scores, errors = [], []
    for seed in range(150):
        means = [(1 + weights * (sobol.points(seed, r, 0, 256, 8) - 0.5)).prod(axis=1).mean() for r in range(32)]
        errors.append(np.std(means, ddof=1) / math.sqrt(32))
        scores.append((np.mean(means) - 1) / errors[-1])
    assert 0.8 < math.sqrt(np.mean(np.square(scores))) < 1.25
    assert abs(np.mean(scores)) < 4 / math.sqrt(150)
    plain = math.sqrt(((1 + weights**2 / 12).prod() - 1) / (32 * 256))
    assert np.mean(errors) < plain / 10


def test_normals_from_points_have_their_moments() -> None:
    for power, mean in ((1, 0), (2, 1), (3, 0), (4, 3), (6, 15)):
        moments = [(norm_ppf_of(sobol.points(3, r, 0, 2**14, 1)[:, 0]) ** power).mean() for r in range(32)]
        assert abs(np.mean(moments) - mean) < 4.5 * np.std(moments, ddof=1) / math.sqrt(32), power
