"""The functions against mpmath and scipy over all magnitudes, and at the ends of the floats."""

import math
from collections.abc import Callable

import mpmath
import numpy as np
import pytest
from scipy import special

from calc.kernels import elementary

mpmath.mp.dps = 40
RANDOM = np.random.default_rng(20_240_229)
ROOT_2 = mpmath.sqrt(2)


def magnitudes(low: float, high: float, n: int = 1500) -> np.ndarray:
    """Of both signs, log-uniform in size."""
    return np.exp(RANDOM.uniform(math.log(low), math.log(high), n)) * RANDOM.choice([-1.0, 1.0], n)


def units_off(function: Callable[[float], float], truth: Callable, x: np.ndarray) -> float:
    """The largest error in units in the last place of the truth."""
    found = 0.0
    for each in map(float, x):
        exact = truth(mpmath.mpf(each))
        found = max(found, float(abs(mpmath.mpf(function(each)) - exact)) / np.spacing(abs(float(exact))))
    return found


def relative_error(function: Callable[[float], float], truth: Callable, x: np.ndarray) -> float:
    return max(float(abs(mpmath.mpf(function(each)) / truth(mpmath.mpf(each)) - 1)) for each in map(float, x))


def sine(u: float) -> float:
    return elementary.sincos_turn(u)[0]


def cosine(u: float) -> float:
    return elementary.sincos_turn(u)[1]


@pytest.mark.parametrize(
    ("function", "truth", "x"),
    [
        (elementary.exp, mpmath.exp, np.r_[magnitudes(1e-20, 709), RANDOM.uniform(-708, 709.7, 1500)]),
        (elementary.expm1, mpmath.expm1, np.r_[magnitudes(1e-300, 709), RANDOM.uniform(-2, 2, 1500)]),
        (elementary.log, mpmath.log, np.r_[abs(magnitudes(1e-323, 1e308)), 1 + magnitudes(1e-16, 0.5)]),
        (elementary.log1p, mpmath.log1p, np.r_[magnitudes(1e-300, 0.999), abs(magnitudes(1e-5, 1e308))]),
        (sine, lambda u: mpmath.sin(2 * mpmath.pi * u), np.r_[magnitudes(1e-300, 1), RANDOM.uniform(-9, 9, 1500)]),
        (cosine, lambda u: mpmath.cos(2 * mpmath.pi * u), np.r_[magnitudes(1e-300, 1), RANDOM.uniform(-9, 9, 1500)]),
    ],
    ids=["exp", "expm1", "log", "log1p", "sine", "cosine"],
)
def test_two_units_in_the_last_place(function: Callable, truth: Callable, x: np.ndarray) -> None:
    assert units_off(function, truth, x) <= 2


def cdf(x: mpmath.mpf) -> mpmath.mpf:
    return mpmath.erfc(-x / ROOT_2) / 2


def ppf(p: mpmath.mpf) -> mpmath.mpf:
    """Newton's steps from the answer under test: they end at the truth, or the comparison fails."""
    x = mpmath.mpf(elementary.norm_ppf(float(p)))
    for _ in range(3):
        x -= (cdf(x) - p) / mpmath.npdf(x)
    return x


@pytest.mark.parametrize(
    ("function", "truth", "x"),
    [
        (elementary.norm_cdf, cdf, np.r_[magnitudes(1e-300, 37.5), RANDOM.uniform(-9, 9, 1500)]),
        (elementary.norm_pdf, mpmath.npdf, magnitudes(1e-300, 37.5)),
        (
            elementary.norm_log_cdf,
            lambda x: mpmath.log(cdf(x)),
            np.r_[-abs(magnitudes(1e-5, 1e4)), magnitudes(1e-5, 8)],
        ),
        (elementary.norm_ppf, ppf, np.r_[abs(magnitudes(1e-307, 0.5)), 1 - abs(magnitudes(1e-16, 0.5))]),
    ],
    ids=["cdf", "pdf", "log cdf", "ppf"],
)
def test_the_normal_law_is_right_in_both_tails(function: Callable, truth: Callable, x: np.ndarray) -> None:
    assert relative_error(function, truth, x) <= 1e-14


@pytest.mark.parametrize(
    ("function", "numpys"),
    [
        (elementary.exp, np.exp),
        (elementary.expm1, np.expm1),
        (elementary.log, np.log),
        (elementary.log1p, np.log1p),
        (elementary.norm_cdf, special.ndtr),
        (elementary.norm_log_cdf, special.log_ndtr),
        (elementary.norm_ppf, special.ndtri),
    ],
    ids=["exp", "expm1", "log", "log1p", "cdf", "log cdf", "ppf"],
)
def test_the_ends_of_the_floats(function: Callable, numpys: Callable) -> None:
    ends = np.array([0.0, 1.0, -1.0, 0.5, np.inf, -np.inf, np.nan, 1e-320, -1e-320, 1e308, -1e308, 710, -745.2, 2.0])
    with np.errstate(all="ignore"):
        expected = numpys(ends)
    np.testing.assert_allclose([function(end) for end in map(float, ends)], expected, rtol=1e-14, atol=0)


def test_the_smallest_numbers() -> None:
    assert elementary.exp(-745.1) == 5e-324
    assert elementary.expm1(5e-324) == elementary.log1p(5e-324) == 5e-324
    assert abs(elementary.norm_cdf(-38.4) - float(cdf(mpmath.mpf(-38.4)))) <= 1e-323


@pytest.mark.parametrize(
    ("of", "scalar", "x"),
    [
        (elementary.exp_of, elementary.exp, magnitudes(1e-5, 800)),
        (elementary.log_of, elementary.log, abs(magnitudes(1e-320, 1e300))),
        (elementary.norm_cdf_of, elementary.norm_cdf, magnitudes(1e-5, 45)),
        (elementary.norm_ppf_of, elementary.norm_ppf, np.r_[RANDOM.random(1500), 0, 1, 0.075, 0.925, 1e-300, 2]),
    ],
    ids=["exp", "log", "cdf", "ppf"],
)
def test_vectors_have_the_bits_of_scalars(of: Callable, scalar: Callable, x: np.ndarray) -> None:
    """Whatever their length: what is left over from the processor's vectors is computed alike."""
    for n in (0, 1, 2, 3, 7, 8, 9, 31, x.size):
        np.testing.assert_array_equal(of(x[:n]), [scalar(each) for each in map(float, x[:n])])


def test_cdf_and_ppf_undo_each_other() -> None:
    p = RANDOM.random(10_000)
    np.testing.assert_allclose(elementary.norm_cdf_of(elementary.norm_ppf_of(p)), p, rtol=1e-14)
