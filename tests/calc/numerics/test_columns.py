"""Lists of numbers as columns and matrices."""

import math
import random

import numpy as np
import pytest

from calc.numerics import columns

ODD = [0.0, -0.0, 5e-324, 1.7976931348623157e308, math.pi, math.inf, -math.inf, 1 / 3]


@pytest.mark.parametrize("size", [1, 8, 15, 16, 17, 65_535, 65_536, 70_000])
def test_a_column_has_the_bits_of_its_list(size: int) -> None:
    numbers = [random.Random(size).choice(ODD) for _ in range(size)]
    found = columns.array(numbers, size)
    assert found.tobytes() == np.array(numbers, dtype=np.float64).tobytes()
    assert found.flags.writeable
    assert found.flags.c_contiguous


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ([], []),
        ([None], [math.nan]),
        ([1.5, None, 2.0], [1.5, math.nan, 2.0]),
        ([1, 2.5, 3], [1.0, 2.5, 3.0]),
        ([2**64 - 1, 2**63], [2.0**64, 2.0**63]),  # nine bytes as a float has, and no float
        (7, [7.0, 7.0, 7.0]),
    ],
)
def test_what_is_no_float_is_read_as_well(value: object, expected: list[float]) -> None:
    np.testing.assert_array_equal(columns.array(value, 3), np.array(expected))


@pytest.mark.parametrize("shape", [(1, 1), (3, 2), (2, 15), (20, 16), (3, 70_000), (70_000, 2), (0, 0), (2, 0)])
def test_a_matrix_has_the_bits_of_its_rows(shape: tuple[int, int]) -> None:
    draws = random.Random(1)
    rows = [[draws.gauss(0, 1) for _ in range(shape[1])] for _ in range(shape[0])]
    found = columns.matrix(rows)
    assert found.shape == (shape if shape[0] else (0,))
    assert found.tobytes() == np.array(rows, dtype=np.float64).tobytes()


def test_rows_of_unequal_length_are_no_matrix() -> None:
    for rows in ([[1.0, 2.0], [3.0]], [[1.0, 2.0], [3.0], [4.0, 5.0, 6.0]], [[1.0] * 16, [1.0] * 15]):
        with pytest.raises(ValueError, match="inhomogeneous"):
            columns.matrix(rows)


@pytest.mark.parametrize("size", [1, 32_767, 32_768, 32_769, 100_000])
@pytest.mark.parametrize("bad", [math.nan, 1e31, -1e31, 1e-31, -1e-31, 11.0, -1.0])
def test_one_bad_entry_is_found_wherever_it_is(size: int, bad: float) -> None:
    bounds = {"minimum": -0.5, "maximum": 10.0}
    column = np.linspace(-0.5, 10.0, size)
    column[size // 2] = 0.0
    assert columns.within(column, bounds).all()
    for place in {0, size // 2, size - 1}:
        spoilt = column.copy()
        spoilt[place] = bad
        assert np.flatnonzero(~columns.within(spoilt, bounds)).tolist() == [place]
