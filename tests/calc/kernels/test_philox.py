"""Philox's known answers, the independence of its names, and the moments of what is made of its bits."""

import math

import numpy as np
import pytest
from scipy import stats

from calc.kernels import philox

FULL = 0xFFFFFFFF
N = 2**20


@pytest.mark.parametrize(
    ("counter", "key", "expected"),
    [
        ((0, 0, 0, 0), (0, 0), (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
        ((FULL, FULL, FULL, FULL), (FULL, FULL), (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)),
        (
            (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
            (0xA4093822, 0x299F31D0),
            (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1),
        ),
    ],
)
def test_known_answers(counter: tuple, key: tuple, expected: tuple) -> None:
    """Of Random123's kat_vectors, philox4x32 with 10 rounds."""
    assert philox.philox(*map(np.uint64, (*counter, *key))) == expected


def test_uniforms_are_made_of_these_bits() -> None:
    """Number 2i and 2i + 1 of a block, from the words of counter (i, block) under the key (seed, stream)."""
    seed, stream, block, i = 2**53 - 2, 2047, 2**40 + 3, 77
    key = seed + stream * 2**53
    words = (i, 0, block % 2**32, block >> 32, key % 2**32, key >> 32)
    a, b, c, d = map(int, philox.philox(*map(np.uint64, words)))
    expected = [(((b << 32 | a) >> 12) + 0.5) / 2**52, (((d << 32 | c) >> 12) + 0.5) / 2**52]
    assert philox.uniforms(seed, stream, block, 200)[2 * i : 2 * i + 2].tolist() == expected


def test_normals_are_made_of_these_uniforms() -> None:
    u, z = philox.uniforms(7, 1, 2, 1000), philox.normals(7, 1, 2, 1000)
    radius = np.sqrt(-2 * np.log(u[::2]))
    np.testing.assert_allclose(z[::2], radius * np.cos(2 * np.pi * u[1::2]), rtol=0, atol=1e-14)
    np.testing.assert_allclose(z[1::2], radius * np.sin(2 * np.pi * u[1::2]), rtol=0, atol=1e-14)


@pytest.mark.parametrize("draw", [philox.uniforms, philox.normals])
def test_a_number_depends_on_its_name_alone(draw) -> None:
    whole = draw(1, 2, 3, 1001)
    for n in (1, 2, 7, 1000):
        np.testing.assert_array_equal(draw(1, 2, 3, n), whole[:n])
    fill = {philox.uniforms: philox.fill_uniforms, philox.normals: philox.fill_normals}[draw]
    for first, n in ((0, 1001), (2, 9), (500, 501), (1000, 1)):
        out = np.empty(n)
        fill(out, 1, 2, 3, first)
        np.testing.assert_array_equal(out, whole[first : first + n])


def test_names_give_numbers_of_their_own() -> None:
    """Seeds, streams and blocks that share bits, too: none of 32 starts is another's, and none is correlated."""
    names = [(s, t, b) for s in (0, 1, 2**32, 2**52) for t in (0, 2047) for b in (0, 1, 2**32, 2**62)]
    z = np.array([philox.normals(*name, 4096) for name in names])
    correlation = np.corrcoef(z) - np.eye(len(names))
    assert np.abs(correlation).max() < 5 / math.sqrt(4096)


def test_uniforms_are_uniform() -> None:
    u = philox.uniforms(5, 0, 1, N)
    assert 0 < u.min() < 1e-5
    assert 1 - 1e-5 < u.max() < 1
    counts = np.bincount((u * 1024).astype(int), minlength=1024)
    assert 0.0005 < stats.chi2.sf(((counts - N / 1024) ** 2).sum() / (N / 1024), 1023) < 0.9995
    pairs = np.bincount((u[::2] * 32).astype(int) * 32 + (u[1::2] * 32).astype(int), minlength=1024)
    assert 0.0005 < stats.chi2.sf(((pairs - N / 2048) ** 2).sum() / (N / 2048), 1023) < 0.9995


def test_normals_have_the_moments_of_the_normal_law() -> None:
    z = philox.normals(11, 3, 5, N)
    for power, mean, variance in ((1, 0, 1), (2, 1, 2), (3, 0, 15), (4, 3, 96), (6, 15, 10_170)):
        assert abs((z**power).mean() - mean) < 4 * math.sqrt(variance / N), power
    assert abs((z[:-1] * z[1:]).mean()) < 4 / math.sqrt(N)
    assert 4.2 < np.abs(z).max() < 7
    assert stats.kstest(z[:200_000], "norm").pvalue > 0.001
