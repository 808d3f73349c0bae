"""Kills its own process by a signal while it runs a given part.

It cannot know its attempt, so files say when: `unless_exists` and `only_if_exists` name files that are looked for,
`leave` one that is made just before. {"leave": "/tmp/x", "unless_exists": "/tmp/x"} dies once.
"""

import os
from pathlib import Path
from typing import Annotated

from msgspec import Meta, Struct

from calc.kind import Plan, never_enough, next_to_nothing, no_estimate

NAME = "crash"
VERSION = 1
ALIASES: tuple[str, ...] = ()
SUMMARY = "Kills its process."
EXAMPLE = {"unless_exists": "/"}


class Params(Struct, frozen=True, forbid_unknown_fields=True):
    signal: Annotated[int, Meta(ge=1, le=64)] = 9
    part: Annotated[int, Meta(ge=0)] = 0
    parts: Annotated[int, Meta(ge=1)] = 1
    unless_exists: str | None = None
    only_if_exists: str | None = None
    leave: str | None = None


class Partial(Struct, frozen=True):
    parts: int


Accumulator = Result = Partial
cost = next_to_nothing
estimate = no_estimate
enough = never_enough


def plan(params: Params) -> Plan:
    return Plan(parts=params.parts)


def run(params: Params, part: int) -> Partial:
    saved = params.unless_exists is not None and Path(params.unless_exists).exists()
    spared = params.only_if_exists is not None and not Path(params.only_if_exists).exists()
    if part == params.part and not saved and not spared:
        if params.leave is not None:
            Path(params.leave).touch()
        os.kill(os.getpid(), params.signal)
    return Partial(1)


def reduce(params: Params, accumulator: Partial | None, partials: list[Partial]) -> Partial:
    return Partial(sum(each.parts for each in partials) + (accumulator.parts if accumulator else 0))


def result(params: Params, accumulator: Partial) -> Partial:
    return accumulator
