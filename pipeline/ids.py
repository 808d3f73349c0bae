"""Task ids: 26 characters of Crockford's base 32 that sort by time and that only this pipeline can make.

    01KAX3V5Q2  7M9K2P0Z4D  X1C8TQ
    time in ms  randomness  keyed hash of both

An id whose hash fits but whose record is gone was ours, and has expired (410); any other never was (404).
So no index of dead tasks is needed, and an id cannot be guessed.
"""

import hashlib
import os
import secrets
import struct
from functools import lru_cache, reduce

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
LENGTH = 26
_TIME, _RANDOM, _HASH = 10, 10, 6  # letters; those of the hash are two triples
_LINE = 3  # of the random letters, in the ids of a batch's tasks: one triple
_TRIPLES = [a + b + c for a in ALPHABET for b in ALPHABET for c in ALPHABET]
_LETTERS = frozenset(ALPHABET)
_POOL = 4096  # random bytes that are asked of the system at once
_pool: list[int] = []
os.register_at_fork(after_in_child=_pool.clear)  # two processes would draw the same


def mint(at_ms: int, key: bytes) -> str:
    """A new id for a task submitted at `at_ms` (ms since 1970, by Redis' clock)."""
    stem = _encode(at_ms, _TIME) + _encode(_drawn(), _RANDOM)
    return stem + _hash(stem, key)


def _drawn() -> int:
    """50 bits that nobody can guess."""
    if not _pool:
        _pool.extend(struct.unpack(f"{_POOL // 8}Q", secrets.token_bytes(_POOL)))
    return _pool.pop() & (1 << 5 * _RANDOM) - 1


def minted_at(id: str) -> int:
    """When an id was made, ms since 1970; 0 for what is no id."""
    head = id[:_TIME]
    return reduce(lambda ms, letter: 32 * ms + ALPHABET.index(letter), head, 0) if _LETTERS.issuperset(head) else 0


def first(at_ms: int) -> str:
    """What all ids of tasks submitted at `at_ms` or later come after, and all earlier ones before."""
    return _encode(at_ms, _TIME).ljust(LENGTH, ALPHABET[0])


def nth(batch: str, line: int, key: bytes) -> str:
    """The id of the task in a line of a batch: always the same, in the order of the lines (below 32,768)."""
    stem = _head(batch, key) + _TRIPLES[line & 32767]
    return stem + _hash(stem, key)


def is_ours(id: str, key: bytes) -> bool:
    """Whether this pipeline made the id."""
    if len(id) != LENGTH or not _LETTERS.issuperset(id):
        return False
    return secrets.compare_digest(id[-_HASH:], _hash(id[:-_HASH], key))


@lru_cache(maxsize=64)
def _head(batch: str, key: bytes) -> str:
    """What the ids of a batch's tasks have in common."""
    digest = hashlib.blake2b(batch.encode(), key=key[:64], digest_size=8).digest()
    return batch[:_TIME] + _encode(int.from_bytes(digest), _RANDOM - _LINE)


def _hash(stem: str, key: bytes) -> str:
    number = int.from_bytes(hashlib.blake2b(stem.encode(), key=key[:64], digest_size=8).digest())
    return _TRIPLES[number >> 15 & 32767] + _TRIPLES[number & 32767]


def _encode(number: int, length: int) -> str:
    text = _TRIPLES[number & 32767]
    while len(text) < length:
        number >>= 15
        text = _TRIPLES[number & 32767] + text
    return text[-length:]
