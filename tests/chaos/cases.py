"""What the clients ask for, and what must become of it."""

import functools
import random
from collections.abc import Callable
from typing import Any, Literal

import msgspec
from msgspec import Struct

from calc import execute

KINDS = "crash digest hog noop refuse sleep spin"
MODULES = ",".join(f"tests.kinds.{name}" for name in KINDS.split())
# More than innocent jobs will ever lose to the monkey, few enough that what kills its own child is soon buried.
MAX_ATTEMPTS = 6
MEMORY_LIMIT_MB = 300
LONG_PART_S = 0.01  # parts at least so long are never read ahead, so what a kill costs of them can be bounded
BOOK = {
    "positions": [
        {"symbol": "A", "quantity": 100, "price": 50.0}, {"symbol": "B", "quantity": -40, "price": 120.0},
        {"symbol": "C", "quantity": 10, "price": 400.0},
    ],
    "volatilities": {"A": 0.2, "B": 0.35, "C": 0.25}, "correlation": [[1, 0.3, 0.1], [0.3, 1, 0.5], [0.1, 0.5, 1]],
    "confidence": 0.99, "horizon_days": 10, "days_per_year": 252, "scenarios": 600_000,
}  # fmt: skip

Sent = Literal["once", "again", "twice at once", "mismatched"]


class Case(Struct, frozen=True, kw_only=True):
    """One request. `expects` is a final state, the code of a failure, or the code of a refusal at the door."""

    name: str
    kind: str
    data: dict[str, Any]
    expects: str = "succeeded"
    envelope: dict[str, Any] = {}
    sent: Sent = "once"
    cancel_after_s: float | None = None

    def body(self) -> bytes:
        """What is posted."""
        return msgspec.json.encode({"kind": self.kind, "data": self.data, **self.envelope})

    @property
    def accepted(self) -> bool:
        """Whether it is to be accepted at all."""
        return self.expects not in ("refused at the door", "invalid_data")

    @property
    def delay_s(self) -> float:
        return float(self.envelope.get("delay_s", 0))


def truth(case: Case) -> bytes:
    """The result, computed here and undisturbed. How long a part takes changes no bit of it."""
    quick = {name: 0.0 for name in ("part_seconds", "fold_seconds", "seconds") if name in case.data}
    return _computed(case.kind, msgspec.json.encode(case.data | quick))


@functools.cache
def _computed(kind: str, data: bytes) -> bytes:
    return execute.execute(kind, execute.plan(kind, data, fresh_seed=0).data)


# ── the kinds of request, each with how often it is drawn ──


def _whole(dice: random.Random) -> Case:
    return Case(name="one part", kind="digest", data=_digest(dice, 1, dice.choice([0.0, 0.002, 0.05])))


def _tiny(dice: random.Random) -> Case:
    return Case(name="one part, tiny", kind="noop", data={"value": dice.randrange(10**9)})


def _finance(dice: random.Random) -> Case:
    data = {"amount": dice.randrange(1, 10**6), "rate": dice.randrange(1, 900) / 10_000}
    return Case(name="compound interest", kind="compound_interest", data=data)


def _many(dice: random.Random) -> Case:
    data = _digest(dice, dice.randrange(2, 60), dice.choice([LONG_PART_S, 0.02, 0.05])) | {"first_wave": 4}
    return Case(name="many parts", kind="digest", data=data)


def _var(dice: random.Random) -> Case:
    return Case(name="Monte Carlo", kind="var_mc", data=BOOK | {"seed": dice.randrange(20)})


def _enough(dice: random.Random) -> Case:
    data = _digest(dice, 200, 0.005) | {"first_wave": 4, "stop_after": dice.randrange(4, 30)}
    return Case(name="stops early", kind="digest", data=data)


def _refused(dice: random.Random) -> Case:
    data = {"when": dice.choice(["run", "reduce", "result"]), "parts": dice.choice([1, 3])}
    return Case(name="refused", kind="refuse", data=data, expects="refused")


def _at_the_door(dice: random.Random) -> Case:
    return Case(name="wrong data", kind="noop", data={"vlaue": 1}, expects="invalid_data")


def _bug(dice: random.Random) -> Case:
    return Case(name="a bug", kind="refuse", data={"bug": True}, expects="internal_error")


def _crash(dice: random.Random) -> Case:
    parts = dice.choice([1, 5])
    data = {"signal": dice.choice([6, 9, 11]), "parts": parts, "part": parts // 2}
    return Case(name="crashing", kind="crash", data=data, expects="child_died")


def _hog(dice: random.Random) -> Case:
    return Case(name="memory-hungry", kind="hog", data={"megabytes": 2 * MEMORY_LIMIT_MB}, expects="memory_limit")


def _slow(dice: random.Random) -> Case:
    limit = {"time_limit_s": 0.15}
    return Case(name="too slow", kind="sleep", data={"seconds": 60}, expects="time_limit", envelope=limit)


def _cancelled(dice: random.Random) -> Case:
    data = _digest(dice, 300, 0.1)
    return Case(
        name="cancelled", kind="digest", data=data, expects="cancelled", cancel_after_s=dice.choice([0, 0.3, 1.5])
    )


def _scheduled(dice: random.Random) -> Case:
    late = {"delay_s": dice.choice([0.5, 1.5, 4])}
    return Case(name="scheduled", kind="digest", data=_digest(dice, 3, 0.0), envelope=late)


def _again(dice: random.Random) -> Case:
    sent: Sent = dice.choice(["again", "twice at once"])
    return Case(name="sent twice", kind="digest", data=_digest(dice, dice.choice([1, 4]), 0.01), sent=sent)


def _mismatched(dice: random.Random) -> Case:
    return Case(name="key of another", kind="noop", data={"value": dice.randrange(10**9)}, sent="mismatched")


def _digest(dice: random.Random, parts: int, part_seconds: float) -> dict[str, Any]:
    return {"parts": parts, "part_seconds": part_seconds, "seed": dice.randrange(10**9)}


DRAWN: dict[Callable[[random.Random], Case], int] = {
    _whole: 12, _tiny: 12, _finance: 6, _many: 14, _var: 4, _enough: 5, _refused: 6, _at_the_door: 3, _bug: 3,
    _crash: 4, _hog: 3, _slow: 4, _cancelled: 8, _scheduled: 8, _again: 10, _mismatched: 3,
}  # fmt: skip


def draw(dice: random.Random) -> Case:
    """One request of the mix, at one of the three priorities."""
    (make,) = dice.choices(list(DRAWN), list(DRAWN.values()))
    case = make(dice)
    priority = {"priority": dice.choice(["high", "medium", "low"])}
    return msgspec.structs.replace(case, envelope=case.envelope | priority | {"label": "chaos"})
