"""Sums in lanes: right, and in the order that is written down."""

import math

import numpy as np
import pytest

from calc.kernels.lanes import dot8, sum8

RANDOM = np.random.default_rng(3)


@pytest.mark.parametrize("n", [0, 1, 7, 8, 9, 64, 1003])
def test_sums(n: int) -> None:
    a, b = RANDOM.standard_normal((2, n))
    assert sum8(a) == pytest.approx(math.fsum(a), abs=1e-12)
    assert dot8(a, b) == pytest.approx(math.fsum(a * b), abs=1e-12)


def test_the_order_is_fixed() -> None:
    """Lane by lane, then as a tree: with numbers whose sum depends on it."""
    a = RANDOM.standard_normal(1003) * 10.0 ** RANDOM.integers(-8, 8, 1003)
    lanes = [0.0] * 8
    for i, each in enumerate(a):
        lanes[i % 8] += float(each)
    tree = ((lanes[0] + lanes[4]) + (lanes[2] + lanes[6])) + ((lanes[1] + lanes[5]) + (lanes[3] + lanes[7]))
    assert sum8(a) == tree
    assert sum8(a) != sum8(a[::-1].copy())
