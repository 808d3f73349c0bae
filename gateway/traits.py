"""The words of a filter: their names, what a value may be, and how the store is told what no index knows.

label=night      words in it          data.spot=100     what stands there, exactly
-label=night     not these words      ran=>5s           above, below (<5s), from one to the other (5s..1m)
"""

import math
import re
from collections.abc import Iterator, Sequence
from difflib import get_close_matches

from calc import execute
from calc.errors import Fault
from gateway.queries import TASK_ID, did_you_mean, fault
from pipeline.keys import PRIORITIES
from pipeline.record import STATES, Trait, Value

LONGEST = 200  # characters of a value
MOST_STEPS = 8  # of a path
INDEXED = ("state", "kind", "batch", "owner", "error")
TIMES = ("waited", "ran")
WORDS = (*INDEXED, "priority", "label", "text", *TIMES)
NAMES = (*WORDS, *(f"-{name}" for name in WORDS))
PATHS = ("data.…", "result.…")  # for whoever gave a name that is none
_PATH = re.compile(rf"-?(?:data|result)((?:\.[\w -]{{1,64}}){{1,{MOST_STEPS}}})")
CODE_PATTERN = "^[a-z0-9_.-]{1,64}$"  # as the document has it
_CODE = re.compile(CODE_PATTERN)
_MANTISSA = r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)"
_QUANTITY = re.compile(rf"({_MANTISSA}(?:[eE][+-]?[0-9]{{1,3}})?)(ms|s|m|h|d)?")
_TIME = rf"{_MANTISSA}(?:[eE][+-]?[0-9]{{1,2}})?(?:ms|s|m|h|d)"  # whatever fits in LONGEST is finite
TIMES_PATTERN = rf"^(?:[<>] *{_TIME} *|{_TIME}\.\.{_TIME})$"  # as the document has it
_TIMES = re.compile(TIMES_PATTERN)
_MS = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
BOUNDS = "a time above, below or between: >5s, <200ms, 5s..1m"
A_NUMBER = "a number above, below or between: >5, <1e-3, 90..110"


def is_name(name: str) -> bool:
    """Whether it is a path into data or result, with a minus before it or not."""
    return _PATH.fullmatch(name) is not None


def is_trait(name: str) -> bool:
    """Whether it is looked for in records: what no index knows, and what is not to be but for the state."""
    return is_name(name) or (name in NAMES and name not in (*INDEXED, "-state"))


def of(name: str, values: Sequence[str]) -> Trait:
    """What the store looks for. The values must be right."""
    plain = name.removeprefix("-")
    field, *path = plain.split(".")
    told = tuple(_value(field, value) for value in values)
    return Trait(of=field, path=tuple(path), values=told, none=name.startswith("-"))


def wrong(path: str, name: str, value: str) -> Iterator[Fault]:
    """What is wrong with a value of a name without its minus; `path` is where it stands."""
    if len(value) > LONGEST:
        yield fault(path, value[:LONGEST] + "…", f"at most {LONGEST} characters")
    elif allowed := _refusal(name, value):
        words: Sequence[str] = {"state": STATES, "priority": PRIORITIES}.get(name, ())
        yield fault(path, value, allowed, get_close_matches(value, words, 1))


def unknown(before: str, name: str, known: Sequence[str]) -> Fault:
    """A name that no filter has."""
    meant = did_you_mean(get_close_matches(name, known, 1))
    allowed = ", ".join((*known, *PATHS))
    return Fault(before + name[:40], f"is not a name of a filter.{meant}", allowed=allowed)


# ── pieces ──


def _refusal(name: str, value: str) -> str:
    """What is allowed, when this is not."""
    match name:
        case "state":
            return "" if value in STATES else ", ".join(STATES)
        case "priority":
            return "" if value in PRIORITIES else ", ".join(PRIORITIES)
        case "batch":
            return "" if TASK_ID.fullmatch(value) else "a batch_id"
        case "error":
            return "" if _CODE.fullmatch(value) else "the code of an error: small letters, digits, _ . -"
        case "waited" | "ran":
            return "" if _bounds(value, ms=True) else BOUNDS
    is_bound = name not in WORDS and value[:1] in ("<", ">")  # of a path: a text that begins so is not meant
    return "" if not is_bound or _bounds(value, ms=False) else A_NUMBER


def _value(field: str, value: str) -> Value:
    if field in TIMES:
        return _bounds(value, ms=True) or Value(text=value)
    if field in ("data", "result"):
        return _bounds(value, ms=False) or Value(text=value)
    if field == "kind":
        return Value(text=execute.find(value).NAME)
    return Value(text=value.lower() if field in ("label", "text") else value)


def _bounds(value: str, *, ms: bool) -> Value | None:
    """`>5`, `<5`, `1..5`, with units of time where ms are meant; None for what is none of these."""
    if ms and not _TIMES.fullmatch(value):
        return None
    if value[:1] in ("<", ">"):
        bound = _quantity(value[1:].strip(), ms)
        if bound is None:
            return None
        return Value(above=bound) if value[0] == ">" else Value(below=bound)
    first, dots, last = value.partition("..")
    least, most = _quantity(first, ms), _quantity(last, ms)
    return Value(least=least, most=most) if dots and least is not None and most is not None else None


def _quantity(text: str, ms: bool) -> float | None:
    found = _QUANTITY.fullmatch(text)
    if not found or bool(found[2]) != ms:
        return None
    number = float(found[1]) * (_MS[found[2]] if ms else 1)
    return number if math.isfinite(number) else None
