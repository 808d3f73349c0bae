"""A kind that does what its data say: answer, wait, spin, raise, refuse, exit, or go down by a signal.

Part n of a task of many parts gives n, so the result is parts · (parts − 1) / 2: what is lost or counted twice shows.
"""

import datetime
import itertools
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import numpy as np
from msgspec import Struct

from calc.errors import CalcError
from calc.kind import Estimate, Plan, never_enough, next_to_nothing

NAME = "act"
VERSION = 1
ALIASES: tuple[str, ...] = ()
SUMMARY = "Does what its data say."
EXAMPLE: dict[str, Any] = {}

Quiet = Literal["answer", "huge", "threads", "files"]
Long = Literal["sleep", "spin", "numpy", "c loop"]
Loud = Literal["raise", "recurse", "refuse", "exit", "die"]
Outside = Literal["start and sleep", "start and exit", "fork and exit", "close and sleep"]
Error = Literal["matrix", "solver", "date", "two words", "no words", "odd words", "odd refusal", "group", "long words"]


cost = next_to_nothing
enough = never_enough


class Params(Struct, frozen=True):
    do: Quiet | Long | Loud | Outside | Error = "answer"
    seconds: float = 0.0
    number: int = 0
    parts: int = 1
    at_part: int = -1  # do it in this part only; -1: in each
    first_wave: int = 2
    mark: str = ""  # a file to which each start adds a byte
    pid_file: str = ""  # a file that names the process that does it
    hold: str = ""  # a file: as long as it is there, a job that has begun does not do it


class Partial(Struct, frozen=True):
    value: int
    text: str = ""


class Accumulator(Struct, frozen=True):
    total: int
    count: int
    text: str = ""


class Result(Struct, frozen=True):
    total: int
    text: str = ""


def plan(params: Params) -> Plan:
    return Plan(parts=params.parts, first_wave=params.first_wave, largest_wave=4 * params.first_wave)


def run(params: Params, part: int) -> Partial:
    if params.mark:
        with open(params.mark, "ab") as file:
            file.write(b".")
    if params.pid_file:
        Path(params.pid_file).write_text(str(os.getpid()))
    if params.at_part not in (-1, part):
        return Partial(part)
    while params.hold and os.path.exists(params.hold):
        time.sleep(0.005)
    return Partial(part, act(params) or "")


def reduce(params: Params, accumulator: Accumulator | None, partials: list[Partial]) -> Accumulator:
    before = accumulator or Accumulator(0, 0)
    text = before.text + "".join(partial.text for partial in partials)
    return Accumulator(before.total + sum(p.value for p in partials), before.count + len(partials), text)


def estimate(params: Params, accumulator: Accumulator) -> Estimate | None:
    return Estimate(float(accumulator.total), 0.0)


def result(params: Params, accumulator: Accumulator) -> Result:
    return Result(accumulator.total, accumulator.text)


class TwoWords(Exception):
    """Cannot be rebuilt from its arguments, as pickle would do it."""

    def __init__(self, first: str, second: str) -> None:
        super().__init__(f"{first} and {second}")


class NoWords(Exception):
    """Cannot be told."""

    def __str__(self) -> str:
        raise RuntimeError("no words")


def throw(error: Exception) -> None:
    raise error


ERRORS: dict[str, Callable[[], Any]] = {
    "matrix": lambda: np.linalg.inv(np.zeros((2, 2))),
    "solver": lambda: throw(FloatingPointError("The solver does not converge.")),
    "date": lambda: datetime.date(2026, 2, 30),
    "two words": lambda: throw(TwoWords("this", "that")),
    "no words": lambda: throw(NoWords()),
    "odd words": lambda: throw(ValueError("half of a pair: \ud800")),
    "odd refusal": lambda: throw(CalcError("half of a pair: \ud800", code="odd")),
    "group": lambda: throw(ExceptionGroup("both", [ValueError("one"), TwoWords("the", "other")])),
    "long words": lambda: throw(ValueError("x" * 10_000_000)),
}


def act(params: Params) -> str | None:
    match params.do:
        case "answer":
            return None
        case "sleep":
            time.sleep(params.seconds)
        case "spin":
            end = time.monotonic() + params.seconds
            while time.monotonic() < end:
                pass
        case "numpy":  # minutes inside one call of linear algebra
            np.linalg.eigvals(np.random.default_rng(1).random((4000, 4000)))
        case "c loop":  # for ever inside one C function that holds the interpreter's lock
            sum(itertools.repeat(1))
        case "raise":
            raise RuntimeError("as asked")
        case "recurse":
            return act(params)
        case "refuse":
            raise CalcError("Not with these numbers.", code="as_asked")
        case "exit":
            sys.exit(params.number)
        case "die":
            os.kill(os.getpid(), params.number)
            time.sleep(30)
        case (
            "matrix"
            | "solver"
            | "date"
            | "two words"
            | "no words"
            | "odd words"
            | "odd refusal"
            | "group"
            | "long words"
        ):
            ERRORS[params.do]()
        case "start and sleep" | "start and exit" | "fork and exit" | "close and sleep":
            outside(params)
        case "huge":
            return "x" * params.number
        case "threads":
            matrix = np.ones((600, 600))
            matrix @ matrix
            return str(len(os.listdir("/proc/self/task")))
        case "files":
            return " ".join(os.readlink(f"/proc/self/fd/{fd}") for fd in sorted(os.listdir("/proc/self/fd"))[:-1])
    return None


def outside(params: Params) -> None:
    """Start a process that holds this one's pipe open, fork one, or let go of the pipe; then sleep or exit."""
    deed, _, then = params.do.partition(" and ")
    if deed == "start":
        listed = [int(fd) for fd in os.listdir("/proc/self/fd") if int(fd) > 2]
        still_open = [fd for fd in listed if os.path.exists(f"/proc/self/fd/{fd}")]  # not that of the listing
        subprocess.Popen(["sleep", str(params.seconds)], pass_fds=still_open)
    if deed == "fork":
        forked = os.fork()
        if forked == 0:
            time.sleep(params.seconds)
            os._exit(0)
        Path(params.pid_file).write_text(str(forked))
    if deed == "close":
        os.closerange(3, 1000)
    if then == "exit":
        os._exit(3)
    time.sleep(params.seconds)
