"""From JSON text to a value of a type, strictly: the value, or InvalidData with every fault in it.

msgspec decodes and checks in one pass, but stops at the first fault and passes over three things that would
change a number in silence: a key given twice, an integer that a float cannot hold, and a number in quotes for a
decimal. So the text of good data is read twice, quickly; only doubtful or wrong data are walked (`calc.faults`).

    text ──msgspec──▶ value ──doubtful?── no ──▶ value
               │                  └────── yes ─▶ walk ──▶ no fault: value │ faults: InvalidData
               └─ not valid ──────────────────────▶ walk ─────────────────▶ faults: InvalidData
"""

import re
from decimal import Decimal
from functools import cache
from typing import Any, TypeVar

import msgspec

from calc import faults, sizes
from calc.errors import Fault, InvalidData

Value = TypeVar("Value")
_EXACT = msgspec.json.Decoder(float_hook=Decimal)
_ENCODER = msgspec.json.Encoder(decimal_format="number")

# Digits as 0, what may stand before a number as a space: then an integer of 16 digits or more is found in one search.
_DIGITS = bytes.maketrans(b"0123456789[,:-\t\r\n", b"0" * 10 + b" " * 7)
_LONG = b" " + b"0" * 16
_LONG_INTEGER = re.compile(rb"(?:^|[\[,:\s])-?([0-9]{16,})(?=[\s,\]}]|$)")
_STRING = re.compile(rb'"([^"]*)"(\s*:)?')  # where no string has escapes; with the colon that makes it a key
_MANY_DIGITS = b"0" * 25
_LARGE_EXPONENT = re.compile(rb"[eE][-+]?0*(?:2[5-9]|[3-9][0-9]|[0-9]{3})")
_BRACES = re.compile(rb"[{}]")


def decode(annotation: type[Value], text: bytes, path: str = "$.data") -> Value:
    """The value in `text`. `path` is where it stands in the client's text. Raises InvalidData with all faults."""
    shape: Any = annotation
    try:
        value: Value = _decoder(shape).decode(text)
        if not _doubtful(text, faults.has_decimals(shape)):
            return value
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, InvalidData) as error:
        found = faults.find(annotation, text, path)
        raise InvalidData(found or [Fault(path, f"is not valid JSON: {error}", code="malformed_json")]) from None
    found = faults.find(annotation, text, path, wrong=False)
    if found:
        raise InvalidData(found)
    return value


def settled(annotation: type[Value], value: Value, text: bytes) -> Value:
    """What was decoded from the text, as it is calculated with (`calc.sizes`). Raises InvalidData."""
    if not _has_extremes(text):
        return value
    plain, found = sizes.settled(annotation, _EXACT.decode(text), "$.data")
    if found:
        raise InvalidData(found)
    return decode(annotation, _ENCODER.encode(plain))


@cache
def _decoder(annotation: Any) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(annotation)


def _doubtful(text: bytes, decimals: bool) -> bool:
    """Whether valid JSON may hold what msgspec passes over. True is allowed to be wrong, False is not."""
    if b"\\" in text:
        return True  # escapes: two spellings of one key
    if _has_huge_integer(text):
        return True
    strings = _STRING.findall(text)
    keys = [word for word, colon in strings if colon]
    if decimals and len(keys) < len(strings):
        return True
    return len(set(keys)) < len(keys) and _has_double_key(text.split(b'"'))  # every second piece is a string


def _has_extremes(text: bytes) -> bool:
    """Whether there may be a number with an exponent of 25 or more, or with as many digits. True may be wrong."""
    digits = text.translate(_DIGITS)
    if _MANY_DIGITS in digits:
        return True
    return (b"0e" in digits or b"0E" in digits) and _LARGE_EXPONENT.search(text) is not None


def _has_huge_integer(text: bytes) -> bool:
    digits = text.translate(_DIGITS)
    if _LONG not in digits and not digits.startswith(_LONG[1:]):
        return False
    return any(len(number) > 16 or int(number) > faults.LARGEST_INTEGER for number in _LONG_INTEGER.findall(text))


def _has_double_key(pieces: list[bytes]) -> bool:
    """Whether one object has a key twice; `pieces` are the text split at its quotes."""
    objects: list[set[bytes]] = []
    for between, word, after in zip(pieces[0::2], pieces[1::2], pieces[2::2], strict=False):
        for brace in _BRACES.findall(between) if b"{" in between or b"}" in between else ():
            if brace == b"{":
                objects.append(set())
            else:
                objects.pop()
        if after.lstrip()[:1] == b":":
            if word in objects[-1]:
                return True
            objects[-1].add(word)
    return False
