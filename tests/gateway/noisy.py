"""A kind that warns when it is loaded, and whose plan is broken by a bug."""

import warnings

from msgspec import Struct

from calc.kind import Plan, never_enough, next_to_nothing, no_estimate

NAME = "noisy"
VERSION = 1
ALIASES: tuple[str, ...] = ()
SUMMARY = "Warns and breaks."
EXAMPLE: dict[str, int] = {}


class Params(Struct, frozen=True, forbid_unknown_fields=True):
    pass


class Partial(Struct, frozen=True):
    parts: int


Accumulator = Result = Partial
cost = next_to_nothing
estimate = no_estimate
enough = never_enough


def plan(_params: Params) -> Plan:
    raise AssertionError("a bug of a kind")


def run(_params: Params, _part: int) -> Partial:
    return Partial(1)


def reduce(_params: Params, _accumulator: Partial | None, _partials: list[Partial]) -> Partial:
    return Partial(1)


def result(_params: Params, accumulator: Partial) -> Partial:
    return accumulator


warnings.warn("a warning of a library", stacklevel=1)
