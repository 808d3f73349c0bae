"""Sobol points in up to 256 dimensions, with Owen's scrambling by a hash: a point is a function of its name.

    replicate    one scrambling of all points; 32 of them, each an unbiased estimate, give an honest standard error
    index        which point of the replicate, 0 to 2^32 - 1; 2^m points from a multiple of 2^m on are a net
    dimension    0 to 255

The direction numbers are those of Joe and Kuo (2008), *Constructing Sobol sequences with better two-dimensional
projections* (new-joe-kuo-6.21201; joe_kuo.txt and its licence). The scrambling is that of Burley (2020), *Practical
hash-based Owen scrambling*, with the constants that Vegdahl found better (psychopath.io, 2021): a hash in which each
bit is flipped by what is above it. The 32 bits of the net are followed by 20 of a plain hash: each coordinate is
uniform within its cell, not at its centre, so estimates have no bias from the grid.
"""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from calc.kernels.jit import inline, kernel
from calc.kernels.philox import STREAMS, Word, key_of, philox, unit

Array = NDArray[np.float64]

DIMENSIONS = 256
STREAM = STREAMS - 1  # of the scrambling's own random numbers: the last of Philox's

_BITS = 32
_TABLE = 256  # points whose raw coordinates differ in the low bits of the index only
_LOW, _HALF = Word(0xFFFFFFFF), Word(32)


def _directions() -> NDArray[np.uint64]:
    """Words[dimension, bit of the index]: what that bit contributes to a coordinate, its bits in reversed order."""
    words = [[1] * _BITS]  # of the first dimension: van der Corput's sequence
    for line in (Path(__file__).parent / "joe_kuo.txt").read_text().splitlines():
        if line.startswith("#"):
            continue
        _, degree, inner, *m = map(int, line.split())
        for k in range(degree, _BITS):
            term = m[k - degree] ^ (m[k - degree] << degree)
            for i in range(1, degree):
                term ^= ((inner >> (degree - 1 - i)) & 1) * (m[k - i] << i)
            m.append(term)
        words.append(m)
    # Coordinate m_k / 2^(k+1): its upper bits are m_k from bit k downwards, so reversed they begin at bit 0.
    reversed_ = [[int(f"{m:0{k + 1}b}"[::-1], 2) for k, m in enumerate(row)] for row in words]
    return np.array(reversed_, dtype=np.uint64)


_DIRECTIONS = _directions()


@inline
def scramble_seed(seed: int, replicate: int, dimension: int) -> int:
    """63 random bits that choose the scrambling of one dimension of one replicate."""
    key, zero = key_of(seed, STREAM), Word(0)
    a, b, _, _ = philox(Word(dimension), zero, Word(replicate), zero, key & _LOW, key >> _HALF)
    return int(np.int64(((a << _HALF) | b) >> Word(1)))


@inline
def _raw(index: int, dimension: int) -> Word:
    """The unscrambled coordinate, 32 bits in reversed order."""
    found, bit = Word(0), 0
    while index >> bit:
        if (index >> bit) & 1:
            found ^= _DIRECTIONS[dimension, bit]
        bit += 1
    return found


@inline
def _reversed(x: Word) -> Word:
    """32 bits in the other order."""
    x = ((x >> Word(1)) & Word(0x55555555)) | ((x & Word(0x55555555)) << Word(1))
    x = ((x >> Word(2)) & Word(0x33333333)) | ((x & Word(0x33333333)) << Word(2))
    x = ((x >> Word(4)) & Word(0x0F0F0F0F)) | ((x & Word(0x0F0F0F0F)) << Word(4))
    x = ((x >> Word(8)) & Word(0x00FF00FF)) | ((x & Word(0x00FF00FF)) << Word(8))
    return (x >> Word(16)) | ((x & Word(0xFFFF)) << Word(16))


@inline
def _scrambled(x: Word, scramble: int) -> float:
    """A raw coordinate, scrambled and as a number within (0, 1)."""
    a, b = Word(scramble) & _LOW, Word(scramble) >> _HALF
    x ^= (x * Word(0x3D20ADEA)) & _LOW
    x = (x + a) & _LOW
    x = (x * (b | Word(1))) & _LOW
    x ^= (x * Word(0x05526C56)) & _LOW
    x ^= (x * Word(0x53A22864)) & _LOW
    low = ((x ^ b) * Word(0x2C1B3C6D)) & _LOW
    low = ((low ^ (low >> Word(15))) * Word(0x297A2D39)) & _LOW
    return unit((_reversed(x) << _HALF) | (low ^ (low >> Word(15))))


@inline
def sobol_owen(index: int, dimension: int, scramble: int) -> float:
    """One coordinate of one point, within (0, 1); `scramble` is what `scramble_seed` gives."""
    return _scrambled(_raw(index, dimension), scramble)


@kernel
def fill_dimension(out: Array, seed: int, replicate: int, dimension: int, first: int) -> None:
    """Write this coordinate of points first, first + 1, … to `out`."""
    scramble = scramble_seed(seed, replicate, dimension)
    table = np.zeros(_TABLE, np.uint64)
    size, bit = 1, 0
    while size < _TABLE:
        for j in range(size):
            table[size + j] = table[j] ^ _DIRECTIONS[dimension, bit]
        size, bit = 2 * size, bit + 1
    start = 0
    while start < out.shape[0]:
        low = (first + start) % _TABLE
        high = _raw(first + start - low, dimension)
        count = min(out.shape[0] - start, _TABLE - low)
        for j in range(count):
            out[start + j] = _scrambled(high ^ table[low + j], scramble)
        start += count


@kernel
def points(seed: int, replicate: int, first: int, n: int, dims: int) -> Array:
    """Points first … first + n - 1 of a replicate: [n, dims], each coordinate within (0, 1)."""
    out, column = np.empty((n, dims)), np.empty(n)
    for dimension in range(dims):
        fill_dimension(column, seed, replicate, dimension, first)
        for i in range(n):
            out[i, dimension] = column[i]
    return out
