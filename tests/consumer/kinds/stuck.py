"""Answers, like `act`; but while a file named for the parent is there, each new child blocks before its first word.

As after a fork that copied a lock which another thread held.
"""

import os
import tempfile
import time
from pathlib import Path
from typing import Any

from msgspec import Struct

from calc.kind import Plan, never_enough, next_to_nothing, no_estimate

NAME = "stuck"
VERSION = 1
ALIASES: tuple[str, ...] = ()
SUMMARY = "Blocks new children."
EXAMPLE: dict[str, Any] = {}


class Params(Struct, frozen=True):
    """Nothing."""


class Partial(Struct, frozen=True):
    """Nothing."""


Accumulator = Result = Partial
cost = next_to_nothing
estimate = no_estimate
enough = never_enough


def plan(params: Params) -> Plan:
    return Plan(parts=1)


def run(params: Params, part: int) -> Partial:
    return Partial()


def reduce(params: Params, accumulator: Partial | None, partials: list[Partial]) -> Partial:
    return Partial()


def result(params: Params, accumulator: Partial) -> Partial:
    return accumulator


def door(parent: int) -> Path:
    """The file whose being there blocks the children of this parent."""
    return Path(tempfile.gettempdir()) / f"stuck-{parent}"


def block() -> None:
    while door(os.getppid()).exists():
        time.sleep(0.01)


os.register_at_fork(after_in_child=block)
