"""The Lua scripts as they are loaded: the pieces a script names in its first line, joined in front of it.

    start.lua · K (the keys it names) · [record] [ledger] [work] · the script

A script with the piece `ledger` collects writes; they are made, and freed slots given on, when its body returns.
"""

import hashlib
import re
from collections.abc import Callable
from functools import cache
from pathlib import Path

from msgspec import Struct

from pipeline.keys import lua_names

FOLDER = Path(__file__).parent / "scripts"
_WITH = re.compile(r"^-- with: ([a-z ]+)$", re.MULTILINE)


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
    pieces = [read(f"pieces/{name}") for name in wanted]
    if "ledger" in wanted:
        finish = "feed()\nclose()\n" if "work" in wanted else "close()\n"
        body = f"local function main()\n{body}end\nlocal reply = main()\n{finish}return reply\n"
    start = read("pieces/start")
    return start + lua_names("".join(pieces) + body) + "".join(pieces) + body
