"""What a child would still load or compile after a warm start: `python -m tests.calc.first_use` prints a line each.

A consumer answers the kinds' examples before it forks (`execute.warm`), so that all children share the machine code and
none waits for it. Here the same is done, and then every reference case is asked, with few paths, and what makes a kind
go another way. A kernel that gets a new signature by it is missing from the examples of its kind.
"""

import json
from collections.abc import Iterator
from typing import Any

from numba.core.dispatcher import Dispatcher

from calc import execute
from calc.errors import InvalidData
from tests.calc import golden
from tests.refs.cases import CASES

FEW = {"paths": 1024, "policy_paths": 4096, "scenarios": 40_000}


def main() -> None:
    """Warm up, ask everything, print what was missing."""
    met: list[str] = []
    listen(met)
    execute.warm()
    assert met, "nothing was loaded by the examples: this looks at the wrong place"
    for kind, name, data in questions():
        met.clear()
        ask(kind, data)
        for kernel in met:
            print(f"{kind} {name}: {kernel}")


def listen(met: list[str]) -> None:
    """Note each signature that a kernel gets, be it compiled or loaded."""
    add = Dispatcher.add_overload

    def noted(self: Any, compiled: Any) -> None:
        met.append(f"{self.py_func.__module__}.{self.py_func.__name__}{compiled.signature.args}")
        add(self, compiled)

    Dispatcher.add_overload = noted


def questions() -> Iterator[tuple[str, str, dict[str, Any]]]:
    """(kind, name, data)."""
    for case in CASES:
        data = dict(case["data"])
        for field, few in FEW.items():
            if isinstance(data.get(field), int):
                data[field] = min(data[field], few)
        yield case["kind"], case["id"], data
    for name, (kind, data) in golden.cases().items():
        if "example" not in name:
            yield kind, name, data


def ask(kind: str, data: dict[str, Any]) -> None:
    """The answer, or the refusal where a few paths are too few."""
    try:
        execute.execute(kind, execute.plan(kind, json.dumps(data).encode(), fresh_seed=1).data)
    except InvalidData as refused:
        if "too few" not in str(refused):
            raise


if __name__ == "__main__":
    main()
