"""Computes for a given time: `seconds` of CPU a part. Counts its parts, so that none is lost or folded twice."""

import time
from typing import Annotated

from msgspec import Meta, Struct

from calc.kind import Estimate, Plan, never_enough

NAME = "spin"
VERSION = 1
ALIASES: tuple[str, ...] = ()
SUMMARY = "Computes for a given time."
EXAMPLE = {"seconds": 0.001, "parts": 3}


class Params(Struct, frozen=True, forbid_unknown_fields=True):
    seconds: Annotated[float, Meta(ge=0, le=3600)]
    parts: Annotated[int, Meta(ge=1)] = 1


class Partial(Struct, frozen=True):
    parts: int


Accumulator = Result = Partial
enough = never_enough


def plan(params: Params) -> Plan:
    return Plan(parts=params.parts)


def cost(params: Params) -> float:
    return params.parts * (params.seconds + 1e-5)


def run(params: Params, part: int) -> Partial:
    spin(params.seconds)
    return Partial(1)


def reduce(params: Params, accumulator: Partial | None, partials: list[Partial]) -> Partial:
    return Partial(sum(each.parts for each in partials) + (accumulator.parts if accumulator else 0))


def estimate(params: Params, accumulator: Partial) -> Estimate:
    return Estimate(float(accumulator.parts), float(params.parts - accumulator.parts))


def result(params: Params, accumulator: Partial) -> Partial:
    return accumulator


def spin(seconds: float) -> None:
    """Use so much CPU time of this thread."""
    end = time.thread_time() + seconds
    while time.thread_time() < end:
        pass
