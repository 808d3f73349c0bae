"""What a contest is: the same question to a kind and to its anchor library, both answers timed and compared.

CPU seconds are those of this process, of the calculation alone: neither side reads or writes JSON text. Where answers
are simulated, the anchor's seconds are those that it would need for our standard error (its variance falls with 1/n).
"""

import json
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from calc import execute
from calc.kind import forget, wave_bounds

LEAST_S = 0.05  # what is shorter is repeated until it takes so long


@dataclass(frozen=True)
class Side:
    """One answer: CPU seconds, the figure that both sides must agree on, its standard error where it is simulated."""

    cpu_s: float
    value: float
    error: float = 0.0


@dataclass(frozen=True)
class Contest:
    """`goal` is how many times less CPU ours is to take, `goal_per_s` how much of `work` it is to do in a CPU second;
    None where the catalogue names no such goal.

    `within` is how far the values may be apart, relative; simulated ones may differ by five standard errors beside.
    """

    kind: str
    what: str
    anchor: str
    goal: float | None
    ours: Callable[[], Side]
    other: Callable[[], Side]
    within: float = 1e-6
    work: int = 1
    goal_per_s: float | None = None


@dataclass(frozen=True)
class Score:
    """CPU seconds of one turn; the anchor's to our standard error."""

    ours_s: float
    anchor_s: float
    error: float


def fight(contest: Contest) -> Score:
    """One turn. Raises ValueError where the answers do not agree."""
    ours, other = contest.ours(), contest.other()
    apart = abs(ours.value - other.value)
    if not apart <= contest.within * abs(other.value) + 5 * math.hypot(ours.error, other.error):
        raise ValueError(f"{contest.kind}, {contest.what}: ours is {ours}, {contest.anchor} has {other}")
    longer = (other.error / ours.error) ** 2 if ours.error and other.error else 1.0
    return Score(ours.cpu_s, other.cpu_s * longer, ours.error)


def looped(loop: Callable[[], Sequence[float]], times: float) -> Side:
    """A loop over some of the work, of which there is so many times as much; its last answer."""
    took_s, found = timed(loop)
    return Side(took_s * times, found[-1])


def timed(calculate: Callable[[], Any]) -> tuple[float, Any]:
    """CPU seconds of one call, and what it answered."""
    calls, begun = 0, time.process_time()
    while True:
        answer = calculate()
        calls += 1
        took_s = time.process_time() - begun
        if took_s >= LEAST_S:
            return took_s / calls, answer


def ours(kind: str, data: dict[str, Any], figure: Callable[[Any], tuple[float, float]]) -> Callable[[], Side]:
    """A side that answers by our kind; `figure` takes value and standard error from the result.

    Params are read anew for each call, and those before let go, outside of the time: a kind keeps what it derives.
    """
    planned = execute.plan(kind, json.dumps(data).encode(), fresh_seed=1)
    module = execute.find(kind)

    def side() -> Side:
        used_s, calls, result = 0.0, 0, None
        while used_s < LEAST_S:
            forget()
            params = msgspec.json.decode(planned.data, type=module.Params)
            begun = time.process_time()
            result = calculate(module, params)
            used_s += time.process_time() - begun
            calls += 1
        return Side(used_s / calls, *figure(result))

    return side


def answer(kind: str, data: dict[str, Any]) -> Any:
    """The result of a kind, as a record."""
    planned = execute.plan(kind, json.dumps(data).encode(), fresh_seed=1)
    module = execute.find(kind)
    return calculate(module, msgspec.json.decode(planned.data, type=module.Params))


def calculate(kind: Any, params: Any) -> Any:
    """The result, from the first part to the last."""
    whole = kind.plan(params)
    accumulator, end, wave = None, 0, 0
    while end < whole.parts:
        start, end = wave_bounds(wave, whole.first_wave, whole.largest_wave)
        partials = [kind.run(params, part) for part in range(start, min(end, whole.parts))]
        accumulator = kind.reduce(params, accumulator, partials)
        if kind.enough(params, accumulator):
            break
        wave += 1
    return kind.result(params, accumulator)


def price(result: Any) -> tuple[float, float]:
    """Price and standard error of an option's result."""
    return result.price, (result.standard_error or {}).get("price", 0.0)


def scaled(count: int, size: float) -> int:
    """Even, and not below 1,024."""
    return max(2 * round(count * size / 2), 1024)
