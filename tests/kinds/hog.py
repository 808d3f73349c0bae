"""Wants memory: `megabytes` a part, in one of the ways in which a calculation can, held for `seconds`.

`pages` many small pieces, touched page by page; `slowly` the same, spread over `seconds`; `array` one numpy array;
`shared` a shared mapping; `mapping` a private one; `leak` pieces that stay when the part is over; `wrapped` an array
whose refusal a library passes on as an error of its own. `where` is the step that does it. `text` gives a partial of
so many megabytes, `numbers` is there to be large.
"""

import mmap
import time
from collections.abc import Callable
from typing import Annotated, Any, Literal

import numpy as np
from msgspec import Meta, Struct

from calc.kind import Plan, never_enough, no_estimate

NAME = "hog"
VERSION = 1
ALIASES: tuple[str, ...] = ()
SUMMARY = "Fills memory."
EXAMPLE = {"megabytes": 1}

How = Literal["pages", "slowly", "array", "shared", "mapping", "leak", "wrapped", "text"]

_MB = 1_000_000
_PAGE = 4096
_leaked: list[bytearray] = []


class Params(Struct, frozen=True, forbid_unknown_fields=True):
    megabytes: Annotated[int, Meta(ge=0, le=10_000_000)]
    seconds: Annotated[float, Meta(ge=0, le=3600)] = 0.0
    parts: Annotated[int, Meta(ge=1)] = 1
    how: How = "pages"
    where: Literal["run", "reduce"] = "run"
    numbers: list[int] = []


class Partial(Struct, frozen=True):
    megabytes: int
    text: str = ""


Accumulator = Result = Partial
estimate = no_estimate
enough = never_enough


def plan(params: Params) -> Plan:
    return Plan(parts=params.parts)


def cost(params: Params) -> float:
    """Touching a page takes a microsecond."""
    return params.parts * (1e-4 + 3e-4 * params.megabytes)


def run(params: Params, part: int) -> Partial:
    return fill(params) if params.where == "run" else Partial(params.megabytes)


def reduce(params: Params, accumulator: Partial | None, partials: list[Partial]) -> Partial:
    if params.where == "reduce":
        fill(params)
    return Partial(sum(each.megabytes for each in partials) + (accumulator.megabytes if accumulator else 0))


def result(params: Params, accumulator: Partial) -> Partial:
    return accumulator


def fill(params: Params) -> Partial:
    """Have the memory for a while."""
    if params.how == "text":
        return Partial(params.megabytes, "x" * (params.megabytes * _MB))
    held = WAYS[params.how](params)
    if params.how != "slowly":
        time.sleep(params.seconds)
    del held
    return Partial(params.megabytes)


def pages(params: Params) -> list[bytearray]:
    return [piece() for _ in range(params.megabytes)]


def slowly(params: Params) -> list[bytearray]:
    held = []
    for _ in range(params.megabytes):
        held.append(piece())
        time.sleep(params.seconds / params.megabytes)
    return held


def leak(params: Params) -> None:
    _leaked.extend(pages(params))


def array(params: Params) -> Any:
    return np.ones(params.megabytes * _MB // 8)


def wrapped(params: Params) -> Any:
    try:
        return array(params)
    except MemoryError as refused:
        raise RuntimeError("The solver has failed.") from refused


def shared(params: Params) -> mmap.mmap:
    return touched(mmap.mmap(-1, params.megabytes * _MB))


def mapping(params: Params) -> mmap.mmap:
    return touched(mmap.mmap(-1, params.megabytes * _MB, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS))


def piece() -> bytearray:
    """A megabyte, of which each page is there."""
    made = bytearray(_MB)
    made[::_PAGE] = bytes([1]) * len(made[::_PAGE])
    return made


def touched(area: mmap.mmap) -> mmap.mmap:
    for at in range(0, len(area), _PAGE):
        area[at] = 1
    return area


WAYS: dict[str, Callable[[Params], Any]] = {
    "pages": pages,
    "slowly": slowly,
    "array": array,
    "shared": shared,
    "mapping": mapping,
    "leak": leak,
    "wrapped": wrapped,
}
