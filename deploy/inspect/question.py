"""A question: what people ask, and the Redis commands that answer it."""

from collections.abc import Sequence
from functools import cache
from pathlib import Path

from msgspec import Struct

from pipeline.keys import Keys

Words = tuple[str, ...]

LUA = Path(__file__).parent / "lua"


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
    code: str  # of an error
    owner: str
    batch: str
    same: str  # an idempotency key, as a client sent it
    submission: str  # what nginx calls a request: submission_id in its log
    minutes: tuple[str, ...]  # yyyymmddhhmm, UTC
    lease_ms: int
    share: int


def line(*words: str, only: str = "") -> Line:
    """A plain command."""
    return Line(words, only)


def lua(name: str, keys: Sequence[str], *arguments: str) -> Line:
    """A command that computes, where a plain one does not suffice. EVAL_RO refuses to write."""
    return Line(("EVAL_RO", source(name), str(len(keys)), *keys, *arguments))


@cache
def source(name: str) -> str:
    """A Lua file as one line for a shell: without its comments, which stand alone on their lines."""
    lines = (LUA / f"{name}.lua").read_text().splitlines()
    return " ".join(line.strip() for line in lines if line.strip() and not line.startswith("--"))
