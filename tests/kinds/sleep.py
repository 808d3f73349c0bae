"""Holds its process for `seconds` of wall time a part without computing."""

import time
from typing import Annotated

from msgspec import Meta, Struct

from calc.kind import Plan, never_enough, next_to_nothing, no_estimate

NAME = "sleep"
VERSION = 1
ALIASES: tuple[str, ...] = ()
SUMMARY = "Sleeps."
EXAMPLE = {"seconds": 0.001}


class Params(Struct, frozen=True, forbid_unknown_fields=True):
    seconds: Annotated[float, Meta(ge=0, le=3600)]
    parts: Annotated[int, Meta(ge=1)] = 1


class Partial(Struct, frozen=True):
    parts: int


Accumulator = Result = Partial
cost = next_to_nothing
estimate = no_estimate
enough = never_enough


def plan(params: Params) -> Plan:
    return Plan(parts=params.parts)


def run(params: Params, part: int) -> Partial:
    time.sleep(params.seconds)
    return Partial(1)


def reduce(params: Params, accumulator: Partial | None, partials: list[Partial]) -> Partial:
    return Partial(sum(each.parts for each in partials) + (accumulator.parts if accumulator else 0))


def result(params: Params, accumulator: Partial) -> Partial:
    return accumulator
