"""Says no: raises a CalcError (the client's fault, final), or with `bug` an exception that is none."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from calc.errors import CalcError
from calc.kind import Plan, never_enough, next_to_nothing, no_estimate

NAME = "refuse"
VERSION = 1
ALIASES: tuple[str, ...] = ()
SUMMARY = "Refuses its input, or breaks."
EXAMPLE = {"when": "never"}

When = Literal["never", "plan", "run", "reduce", "result"]


class Params(Struct, frozen=True, forbid_unknown_fields=True):
    when: When = "run"
    part: Annotated[int, Meta(ge=0)] = 0  # the part that says no; the fold that holds it
    parts: Annotated[int, Meta(ge=1)] = 1
    text: str = "This cannot be calculated."
    code: str = "refused"
    bug: bool = False


class Partial(Struct, frozen=True):
    parts: int


Accumulator = Result = Partial
cost = next_to_nothing
estimate = no_estimate
enough = never_enough


def plan(params: Params) -> Plan:
    _refuse(params, "plan")
    return Plan(parts=params.parts)


def run(params: Params, part: int) -> Partial:
    if part == params.part:
        _refuse(params, "run")
    return Partial(1)


def reduce(params: Params, accumulator: Partial | None, partials: list[Partial]) -> Partial:
    before = accumulator.parts if accumulator else 0
    if before <= params.part < before + len(partials):
        _refuse(params, "reduce")
    return Partial(before + sum(each.parts for each in partials))


def result(params: Params, accumulator: Partial) -> Partial:
    _refuse(params, "result")
    return accumulator


def _refuse(params: Params, now: When) -> None:
    if params.when == now:
        raise RuntimeError(params.text) if params.bug else CalcError(params.text, params.code)
