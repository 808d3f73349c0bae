"""A question: what people ask, and the Redis commands that answer it."""

from collections.abc import Sequence

from msgspec import Struct

from pipeline.keys import Keys

Words = tuple[str, ...]


class Line(Struct, frozen=True):
    """One command. `only` keeps those lines of the reply that match it, as `grep -E` does."""

    words: Words
    only: str = ""


class Question(Struct, frozen=True):
    """`note` says what the answer does not say by itself."""

    asked: str
    lines: tuple[Line, ...]
    note: str = ""


class About(Struct, frozen=True):
    """What the questions are about. On the page these are names of shell variables."""

    keys: Keys
    task: str
    kind: str
    minutes: tuple[str, ...]  # yyyymmddhhmm, UTC
    lease_ms: int


def line(*words: str) -> tuple[Line, ...]:
    """A single plain command."""
    return (Line(words),)


def lua(source: str, keys: Sequence[str], *arguments: str) -> tuple[Line, ...]:
    """A command that computes where plain ones do not suffice. EVAL_RO refuses to write."""
    return (Line(("EVAL_RO", " ".join(source.split()), str(len(keys)), *keys, *arguments)),)
