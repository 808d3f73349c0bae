"""The client's faults: never retried, and told with the place, the value and what is allowed.

CalcError          the calculation says no, with a `code`
├─ UnknownKind     there is no such kind
└─ InvalidData     the data do not fit the kind: every fault found, each with its place
"""

import json
import re
from typing import Any

from msgspec import Struct

_STEP = re.compile(r'\.([^.\[\]"]+)|\[(\d+)\]|\["((?:[^"\\]|\\.)*)"\]')


class Fault(Struct, frozen=True, omit_defaults=True):
    """One thing wrong in the data. `path` is `$.data.positions[3].price`; `allowed` says what would be right."""

    path: str
    detail: str
    value: Any = None
    allowed: str = ""
    code: str = "invalid"

    @property
    def pointer(self) -> str:
        """The place as a JSON Pointer (RFC 6901): `/data/positions/3/price`."""
        steps = [name or index or json.loads(f'"{quoted}"') for name, index, quoted in _STEP.findall(self.path)]
        whole = "".join("/" + step.replace("~", "~0").replace("/", "~1") for step in steps)
        return whole.encode(errors="replace").decode()  # a name may hold half of a surrogate pair, which no answer can

    def under(self, root: str) -> "Fault":
        """The same fault where `$` is no longer the whole text but the value at `root`."""
        return Fault(root + self.path[1:], self.detail, self.value, self.allowed, self.code)


def step(path: str, key: str) -> str:
    """The path of a member: `.rate`, or `["BRK.B"]` where the key is no plain word."""
    key = key[:100]
    return f"{path}.{key}" if key.isidentifier() else f"{path}[{json.dumps(key)}]"


class CalcError(Exception):
    """The calculation says no to its input. `code` is lower_snake and documented."""

    code = "refused"

    def __init__(self, message: str, code: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        if code is not None:
            self.code = code


class UnknownKind(CalcError):
    """There is no such kind. `nearest` is the most similar name, or ""."""

    code = "unknown_kind"

    def __init__(self, kind: str, nearest: str, known: list[str]) -> None:
        super().__init__(f"There is no kind {kind!r}." + (f" Did you mean {nearest!r}?" if nearest else ""))
        self.kind, self.nearest, self.known = kind, nearest, known


class InvalidData(CalcError):
    """The data do not fit the kind: every fault found, not only the first."""

    code = "invalid_data"

    def __init__(self, faults: list[Fault]) -> None:
        super().__init__("; ".join(f"{fault.path}: {fault.detail}" for fault in faults))
        self.faults = faults

    def under(self, root: str) -> "InvalidData":
        """The same faults, of a value that stands at `root` of a larger text."""
        return InvalidData([fault.under(root) for fault in self.faults])
