"""Does nothing and gives back its value: what is left is the cost of the pipeline."""

from typing import Annotated

from msgspec import Meta, Struct

from calc.kind import Plan, never_enough, next_to_nothing, no_estimate

NAME = "noop"
VERSION = 1
ALIASES: tuple[str, ...] = ()
SUMMARY = "Gives back its value."
EXAMPLE = {"value": 7}


class Params(Struct, frozen=True, forbid_unknown_fields=True):
    value: int = 0
    parts: Annotated[int, Meta(ge=1)] = 1


class Partial(Struct, frozen=True):
    value: int


Accumulator = Result = Partial
cost = next_to_nothing
estimate = no_estimate
enough = never_enough


def plan(params: Params) -> Plan:
    return Plan(parts=params.parts)


def run(params: Params, part: int) -> Partial:
    return Partial(params.value)


def reduce(params: Params, accumulator: Partial | None, partials: list[Partial]) -> Partial:
    return partials[-1]


def result(params: Params, accumulator: Partial) -> Partial:
    return accumulator
