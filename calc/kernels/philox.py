"""Random numbers by name: Philox4x32-10 of Salmon, Moraes, Dror and Shaw (2011), *Parallel random numbers: as easy as
1, 2, 3*.

Number i of (seed, stream, block) is a function of these four, so it has the same bits in any process and any order:

    counter   i / 2 and the block, each of 64 bits as two words, low before high
    key       the seed below 2^53, and the stream, 0 to 2047, in the eleven bits above it

A kind numbers its uses of randomness as streams (paths, exercise policy, …), and cuts each into blocks. One call of
Philox gives 128 bits, of which two uniforms are made, or by Box and Muller two normals.
"""

import numpy as np
from numpy.typing import NDArray

from calc.kernels.elementary import log, sincos_turn
from calc.kernels.jit import inline, kernel

Array = NDArray[np.float64]
Word = np.uint64
Words = tuple[Word, Word, Word, Word]

STREAMS = 2**11

_M0, _M1 = Word(0xD2511F53), Word(0xCD9E8D57)
_W0, _W1 = Word(0x9E3779B9), Word(0xBB67AE85)
_LOW, _HALF = Word(0xFFFFFFFF), Word(32)
_ONE, _TWELVE = Word(0x3FF0000000000000), Word(12)
_SEED_BITS = Word(53)


@inline
def philox(c0: Word, c1: Word, c2: Word, c3: Word, k0: Word, k1: Word) -> Words:
    """Four words of 32 random bits, from a counter of four words and a key of two; each held in 64 bits."""
    for _ in range(10):
        p0, p1 = _M0 * c0, _M1 * c2
        c0, c1, c2, c3 = (p1 >> _HALF) ^ c1 ^ k0, p1 & _LOW, (p0 >> _HALF) ^ c3 ^ k1, p0 & _LOW
        k0, k1 = (k0 + _W0) & _LOW, (k1 + _W1) & _LOW
    return c0, c1, c2, c3


@inline
def unit(bits: Word) -> float:
    """(k + ½) / 2^52 of the upper 52 of 64 bits: never 0, never 1."""
    return float(Word((bits >> _TWELVE) | _ONE).view(np.float64) - (1.0 - 2.0**-53))


@inline
def key_of(seed: int, stream: int) -> Word:
    """The key of 64 bits."""
    return Word(seed) | (Word(stream) << _SEED_BITS)


@inline
def uniform_pair(key: Word, block: int, pair: int) -> tuple[float, float]:
    """Uniforms 2·pair and 2·pair + 1 of the block, within (0, 1)."""
    i, b = Word(pair), Word(block)
    w0, w1, w2, w3 = philox(i & _LOW, i >> _HALF, b & _LOW, b >> _HALF, key & _LOW, key >> _HALF)
    return unit((w1 << _HALF) | w0), unit((w3 << _HALF) | w2)


@inline
def normal_pair(key: Word, block: int, pair: int) -> tuple[float, float]:
    """Standard normals 2·pair and 2·pair + 1 of the block, by Box and Muller."""
    u, v = uniform_pair(key, block, pair)
    radius = np.sqrt(-2.0 * log(u))
    sine, cosine = sincos_turn(v)
    return radius * cosine, radius * sine


@kernel
def fill_uniforms(out: Array, seed: int, stream: int, block: int, first: int) -> None:
    """Write uniforms first, first + 1, … of the block to `out`; `first` is even."""
    key, start, pairs = key_of(seed, stream), first // 2, out.shape[0] // 2
    for i in range(pairs):
        out[2 * i], out[2 * i + 1] = uniform_pair(key, block, start + i)
    if out.shape[0] % 2:
        out[2 * pairs] = uniform_pair(key, block, start + pairs)[0]


@kernel
def fill_normals(out: Array, seed: int, stream: int, block: int, first: int) -> None:
    """Write normals first, first + 1, … of the block to `out`; `first` is even."""
    key, start, pairs = key_of(seed, stream), first // 2, out.shape[0] // 2
    for i in range(pairs):
        out[2 * i], out[2 * i + 1] = normal_pair(key, block, start + i)
    if out.shape[0] % 2:
        out[2 * pairs] = normal_pair(key, block, start + pairs)[0]


@kernel
def uniforms(seed: int, stream: int, block: int, n: int) -> Array:
    """The first n uniforms of the block, within (0, 1)."""
    out = np.empty(n)
    fill_uniforms(out, seed, stream, block, 0)
    return out


@kernel
def normals(seed: int, stream: int, block: int, n: int) -> Array:
    """The first n standard normals of the block."""
    out = np.empty(n)
    fill_normals(out, seed, stream, block, 0)
    return out
