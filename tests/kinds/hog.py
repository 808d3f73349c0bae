"""Fills memory: `megabytes` a part, touched page by page and held for `seconds`."""

import time
from typing import Annotated

from msgspec import Meta, Struct

from calc.kind import Plan, never_enough, no_estimate

NAME = "hog"
VERSION = 1
ALIASES: tuple[str, ...] = ()
SUMMARY = "Fills memory."
EXAMPLE = {"megabytes": 1}

_PAGE = 4096


class Params(Struct, frozen=True, forbid_unknown_fields=True):
    megabytes: Annotated[int, Meta(ge=0, le=1_000_000)]
    seconds: Annotated[float, Meta(ge=0, le=3600)] = 0.0
    parts: Annotated[int, Meta(ge=1)] = 1


class Partial(Struct, frozen=True):
    megabytes: int


Accumulator = Result = Partial
estimate = no_estimate
enough = never_enough


def plan(params: Params) -> Plan:
    return Plan(parts=params.parts)


def run(params: Params, part: int) -> Partial:
    held = [bytearray(1_000_000) for _ in range(params.megabytes)]
    for piece in held:
        piece[::_PAGE] = bytes([1]) * len(piece[::_PAGE])
    time.sleep(params.seconds)
    return Partial(len(held))


def reduce(params: Params, accumulator: Partial | None, partials: list[Partial]) -> Partial:
    return Partial(sum(each.megabytes for each in partials) + (accumulator.megabytes if accumulator else 0))


def result(params: Params, accumulator: Partial) -> Partial:
    return accumulator
