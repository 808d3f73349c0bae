"""A chain of SHA-256 over the parts: a part lost, doubled or folded out of order gives another result.

    link_n = SHA-256(seed, n)                                         what running part n gives
    chain  = SHA-256(chain, wave of n parts, link, link, …)           what folding a wave gives

Waves are hashed with their lengths, so their boundaries show as well. `stop_after` says enough after so many folded
parts; `part_seconds` of CPU and `fold_seconds` make it last.
"""

import hashlib
import math
from typing import Annotated

from msgspec import Meta, Struct

from calc.kind import Estimate, Plan
from tests.kinds.spin import spin

NAME = "digest"
VERSION = 1
ALIASES: tuple[str, ...] = ()
SUMMARY = "A hash that shows which parts were folded, in which order and waves."
EXAMPLE = {"parts": 20, "seed": 1}


class Params(Struct, frozen=True, forbid_unknown_fields=True):
    parts: Annotated[int, Meta(ge=1)]
    part_seconds: Annotated[float, Meta(ge=0, le=3600)] = 0.0
    fold_seconds: Annotated[float, Meta(ge=0, le=3600)] = 0.0
    first_wave: Annotated[int, Meta(ge=1)] = 8
    largest_wave: Annotated[int, Meta(ge=1)] = 64
    stop_after: Annotated[int, Meta(ge=0)] = 0  # 0: never
    seed: Annotated[int, Meta(ge=0, lt=2**53)] | None = None


class Partial(Struct, frozen=True):
    part: int
    link: str


class Accumulator(Struct, frozen=True):
    parts: int
    waves: int
    chain: str


class Result(Struct, frozen=True):
    parts: int
    waves: int
    digest: str


def plan(params: Params) -> Plan:
    return Plan(parts=params.parts, first_wave=params.first_wave, largest_wave=params.largest_wave)


def cost(params: Params) -> float:
    return params.parts * (params.part_seconds + 1e-5) + math.ceil(params.parts / 64) * params.fold_seconds


def run(params: Params, part: int) -> Partial:
    spin(params.part_seconds)
    return Partial(part, _hash(params.seed, part))


def paths_in(params: Params, partial: Partial) -> int:
    return 10


def reduce(params: Params, accumulator: Accumulator | None, partials: list[Partial]) -> Accumulator:
    spin(params.fold_seconds)
    before = accumulator or Accumulator(0, 0, "")
    chain = _hash(before.chain, len(partials), *(f"{each.part}:{each.link}" for each in partials))
    return Accumulator(before.parts + len(partials), before.waves + 1, chain)


def estimate(params: Params, accumulator: Accumulator) -> Estimate:
    return Estimate(float(accumulator.parts), float(params.parts - accumulator.parts))


def enough(params: Params, accumulator: Accumulator) -> bool:
    return 0 < params.stop_after <= accumulator.parts


def result(params: Params, accumulator: Accumulator) -> Result:
    return Result(accumulator.parts, accumulator.waves, accumulator.chain)


def _hash(*values: object) -> str:
    return hashlib.sha256(" ".join(map(str, values)).encode()).hexdigest()
