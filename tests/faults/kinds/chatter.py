"""Writes everywhere a library might: standard output and error, logging, warnings, the descriptors themselves."""

import logging
import os
import sys
import warnings
from typing import Annotated, Any

from msgspec import Meta, Struct

from calc.kind import Plan, never_enough, next_to_nothing, no_estimate

NAME = "chatter"
VERSION = 1
ALIASES: tuple[str, ...] = ()
SUMMARY = "Writes long lines."
EXAMPLE: dict[str, Any] = {"lines": 1}

LONG = "x" * 10_000


class Params(Struct, frozen=True, forbid_unknown_fields=True):
    lines: Annotated[int, Meta(ge=0)] = 1
    parts: Annotated[int, Meta(ge=1)] = 1


class Partial(Struct, frozen=True):
    lines: int


Accumulator = Result = Partial
cost = next_to_nothing
estimate = no_estimate
enough = never_enough


def plan(params: Params) -> Plan:
    return Plan(parts=params.parts)


def run(params: Params, part: int) -> Partial:
    for _ in range(params.lines):
        print(LONG, flush=True)
        print(LONG, file=sys.stderr, flush=True)
        logging.getLogger("chatter").error(LONG)
        warnings.warn(LONG, stacklevel=1)
        os.write(1, LONG.encode())
        os.write(2, LONG.encode())
    return Partial(params.lines)


def reduce(params: Params, accumulator: Partial | None, partials: list[Partial]) -> Partial:
    return Partial(sum(each.lines for each in partials) + (accumulator.lines if accumulator else 0))


def result(params: Params, accumulator: Partial) -> Partial:
    return accumulator
