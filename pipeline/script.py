"""The Lua scripts as they are loaded: the pieces a script names in its first line, joined in front of it.

    start.lua · K (the keys it names) · [record] [ledger] [work] · the script

Of a piece only what the script needs is joined: Lua makes every function anew at each call, and all of them cost more
than many a script does. A script with the piece `ledger` collects writes; they are made, and freed slots given on, when
its body returns.
"""

import hashlib
import re
from collections.abc import Callable
from functools import cache
from pathlib import Path

from msgspec import Struct

from pipeline.keys import lua_names, lua_types

FOLDER = Path(__file__).parent / "scripts"
_WITH = re.compile(r"^-- with: ([a-z ]+)$", re.MULTILINE)
# A piece is definitions: each begins with `local` at the margin and goes on to the next.
_DEFINITION = re.compile(r"^(?=local )", re.MULTILINE)
_NAMES = re.compile(r"local (?:function )?([\w, ]+)")
_NO_CODE = re.compile(r"'[^'\n]*'|--.*")  # strings and comments
_CALL = "local call = redis.call\n"
_WORD = re.compile(r"(?<!\w)(?<!\w\.)[A-Za-z_]\w*")  # that is no field of a table


class Script(Struct, frozen=True):
    """`sha` is what EVALSHA wants: the SHA-1 of the source."""

    name: str
    source: str
    sha: str


@cache
def load(name: str) -> Script:
    """The script of a verb."""
    source = joined(read(name), read)
    return Script(name, source, hashlib.sha1(source.encode()).hexdigest())


@cache
def healing(name: str) -> str:
    """The source of a verb that takes away what a hand has put where a key of ours, of another type, belongs."""
    return load(name).source.replace(_CALL, lua_types() + read("pieces/heal"), 1)


def names() -> list[str]:
    """The verbs that have a script."""
    return sorted(path.stem for path in FOLDER.glob("*.lua"))


def read(name: str) -> str:
    """The text of a script (`take`) or of a piece (`pieces/work`)."""
    return (FOLDER / f"{name}.lua").read_text()


def joined(body: str, read: Callable[[str], str]) -> str:
    """The whole source of a script, given its own text."""
    found = _WITH.search(body)
    wanted = found[1].split() if found else []
    pieces = "".join(read(f"pieces/{name}") for name in wanted)
    if "ledger" in wanted:
        finish = "feed()\nclose()\n" if "work" in wanted else "close()\n"
        body = f"local function main()\n{body}end\nlocal reply = main()\n{finish}return reply\n"
    source = _needed(pieces, body) + body
    return read("pieces/start") + lua_names(source) + source


def _needed(pieces: str, body: str) -> str:
    """The definitions of the pieces that the body uses, and those that these use."""
    wanted, kept = _words(body), list[str]()
    for definition in reversed(_DEFINITION.split(pieces)):  # each uses only what stands before it
        names = _NAMES.match(definition)
        if names and not wanted.isdisjoint(_words(names[1])):
            wanted |= _words(definition)
            kept.append(definition)
    return "".join(reversed(kept))


def _words(code: str) -> set[str]:
    return set(_WORD.findall(_NO_CODE.sub("", code)))
