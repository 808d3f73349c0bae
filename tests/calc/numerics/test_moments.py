"""Moments merge to the moments of the whole, however they are cut, and without cancellation."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from calc.numerics import moments

NUMBERS = st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=60)


@given(NUMBERS, st.data())
def test_merged_is_whole(numbers: list[float], data: st.DataObject) -> None:
    x = np.array(numbers)
    y = np.cos(x)
    cuts = sorted(data.draw(st.lists(st.integers(0, x.size), max_size=4)))
    merged = moments.NOTHING
    for start, end in zip([0, *cuts], [*cuts, x.size], strict=True):
        if end > start:
            merged = moments.merge(merged, moments.of(x[start:end], y[start:end]))
    assert merged.n == x.size
    assert merged.mean_x == pytest.approx(math.fsum(numbers) / x.size, rel=1e-12, abs=1e-9)
    scale = float((x * x).sum()) + 1
    assert merged.xx == pytest.approx(float(((x - x.mean()) ** 2).sum()), rel=1e-9, abs=1e-12 * scale)
    assert merged.yy == pytest.approx(float(((y - y.mean()) ** 2).sum()), rel=1e-9, abs=1e-12)
    assert merged.xy == pytest.approx(float(((x - x.mean()) * (y - y.mean())).sum()), rel=1e-9, abs=1e-12 * scale)


def test_a_small_variance_beside_a_large_mean() -> None:
    x = 1e9 + np.array([0.0, 1.0, 2.0] * 1000)
    merged = moments.merge(moments.of(x[:1000]), moments.of(x[1000:]))
    assert merged.xx == pytest.approx(2000.0, rel=1e-9)


def test_the_error_of_a_mean() -> None:
    sample = moments.of(np.array([1.0, 2.0, 3.0, 4.0]))
    assert moments.mean(sample) == (2.5, pytest.approx(math.sqrt(5 / 3 / 4)))


def test_a_perfect_control_leaves_no_error() -> None:
    y = np.arange(100.0)
    value, error, slope = moments.controlled_mean(moments.of(3 * y + 1, y), expected_y=50.0)
    assert (value, error, slope) == (pytest.approx(151.0), pytest.approx(0.0, abs=1e-6), pytest.approx(3.0))


def test_a_constant_control_changes_nothing() -> None:
    x = np.arange(10.0)
    value, _, slope = moments.controlled_mean(moments.of(x, np.full(10, 2.0)), expected_y=7.0)
    assert (value, slope) == (4.5, 0.0)
