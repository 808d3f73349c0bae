"""The normal and Student's t law: against tables, closed forms, and the slow truth of an integral."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from calc.numerics import normal, student_t

PROBABILITIES = st.floats(0.5, 0.99999)
DEGREES = st.floats(2.001, 200)
NODES, WEIGHTS = np.polynomial.legendre.leggauss(200)


def integral(degrees: float, low: float, high: float) -> float:
    """Of the cosine to the power ν-1: with x = √ν tan θ it is Student's density, but for the scale."""
    theta = 0.5 * (high - low) * NODES + 0.5 * (high + low)
    return 0.5 * (high - low) * float(WEIGHTS @ np.cos(theta) ** (degrees - 1))


@pytest.mark.parametrize(
    ("x", "below"),
    [
        (-1.0, 0.15865525393145705),
        (-5.0, 2.866515718791939e-07),
        (-10.0, 7.619853024160527e-24),
        (-20.0, 2.7536241186062337e-89),
        (1.959963984540054, 0.975),
        (0.0, 0.5),
    ],
)
def test_normal_distribution(x: float, below: float) -> None:
    assert normal.distribution(x) == pytest.approx(below, rel=1e-13)
    assert normal.distribution(-x) == pytest.approx(1 - below, rel=1e-13)


@given(st.floats(-30, 30))
def test_normal_density_is_the_slope(x: float) -> None:
    h = 1e-5
    slope = (normal.distribution(x + h) - normal.distribution(x - h)) / (2 * h)
    assert normal.density(x) == pytest.approx(slope, rel=1e-4, abs=1e-10)


@given(PROBABILITIES)
def test_normal_quantile(p: float) -> None:
    assert normal.distribution(normal.quantile(p)) == pytest.approx(p, rel=1e-13)


@given(st.floats(-1e3, 1e3), DEGREES)
def test_student_t_is_its_integral(x: float, degrees: float) -> None:
    theta = math.atan(x / math.sqrt(degrees))
    half = integral(degrees, 0, math.pi / 2)
    assert student_t.distribution(x, degrees) == pytest.approx(0.5 + 0.5 * integral(degrees, 0, theta) / half, abs=1e-9)


@given(st.floats(-1e3, 1e3))
def test_student_t_of_two_and_four_degrees(x: float) -> None:
    """The degrees for which the law is elementary; the small tail is compared, with its relative accuracy."""
    lower = -abs(x)
    root = math.sqrt(2 + x * x)
    assert student_t.distribution(lower, 2) == pytest.approx(1 / (root * (root + abs(x))), rel=1e-11)
    share = lower / math.sqrt(4 + x * x)
    four = 0.5 + 0.75 * share - 0.25 * share**3
    assert student_t.distribution(lower, 4) == pytest.approx(four, rel=1e-9, abs=1e-15)


@given(st.floats(-50, 50), DEGREES)
def test_student_t_density_is_the_slope(x: float, degrees: float) -> None:
    h = 1e-4
    slope = (student_t.distribution(x + h, degrees) - student_t.distribution(x - h, degrees)) / (2 * h)
    assert student_t.density(x, degrees) == pytest.approx(slope, rel=1e-5, abs=1e-10)


@pytest.mark.parametrize(
    ("p", "degrees", "x"),
    [(0.975, 4, 2.7764451051977987), (0.99, 4, 3.7469473879791968), (0.95, 10, 1.8124611228107335), (0.5, 3, 0.0)],
)
def test_student_t_quantiles_of_the_tables(p: float, degrees: float, x: float) -> None:
    assert student_t.quantile(p, degrees) == pytest.approx(x, rel=1e-12, abs=1e-15)


@given(PROBABILITIES, DEGREES)
def test_student_t_quantile(p: float, degrees: float) -> None:
    x = student_t.quantile(p, degrees)
    assert student_t.distribution(x, degrees) == pytest.approx(p, rel=1e-12)
    assert student_t.quantile(1 - p, degrees) == pytest.approx(-x, rel=1e-9, abs=1e-12)


def test_at_the_infinities() -> None:
    assert (normal.distribution(-math.inf), normal.distribution(math.inf)) == (0.0, 1.0)
    assert normal.density(math.inf) == 0.0
