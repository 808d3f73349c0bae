"""Answers with a long text: `bytes` in the result, `partial_bytes` in each partial."""

from typing import Annotated

from msgspec import Meta, Struct

from calc.kind import Plan, never_enough, next_to_nothing, no_estimate

NAME = "huge_result"
VERSION = 1
ALIASES: tuple[str, ...] = ()
SUMMARY = "Answers with a long text."
EXAMPLE = {"bytes": 100_000}


class Params(Struct, frozen=True, forbid_unknown_fields=True):
    bytes: Annotated[int, Meta(ge=0, le=512_000_000)]
    parts: Annotated[int, Meta(ge=1)] = 1
    partial_bytes: Annotated[int, Meta(ge=0, le=2_000_000)] = 0


class Partial(Struct, frozen=True):
    filler: str


class Accumulator(Struct, frozen=True):
    parts: int


class Result(Struct, frozen=True):
    parts: int
    text: str


cost = next_to_nothing
estimate = no_estimate
enough = never_enough


def plan(params: Params) -> Plan:
    return Plan(parts=params.parts)


def run(params: Params, part: int) -> Partial:
    return Partial("x" * params.partial_bytes)


def reduce(params: Params, accumulator: Accumulator | None, partials: list[Partial]) -> Accumulator:
    return Accumulator(len(partials) + (accumulator.parts if accumulator else 0))


def result(params: Params, accumulator: Accumulator) -> Result:
    return Result(accumulator.parts, "x" * params.bytes)
