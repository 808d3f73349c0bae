"""The slow walk through data that are wrong: every fault, each with its place, its value and what is allowed.

msgspec stays the judge of what is valid: at each level the value is converted as a whole, and only where that
fails does the walk go down. So a million good numbers cost one conversion, and the rules stand in one place.
"""

import json
import math
from collections.abc import Iterator
from decimal import Decimal
from functools import cache
from itertools import islice
from typing import Any, get_args, get_origin

import msgspec
from msgspec import Struct

from calc import exact
from calc.errors import Fault, InvalidData, step
from calc.words import allowed, bare, hint, is_struct, is_union, json_type, members_of, nearest, shown

NEAR = 20  # characters that are shown of a text where it stops to be JSON
MAX_FAULTS = 100  # a matrix of a million bad entries is told in the first hundred
LARGEST_INTEGER = 2**53  # of a float field: above it two integers share one float
_WRONG = object()  # in place of a value that has a fault
_HALF = "holds half of a surrogate pair, which is no text"
_TEXT = "text of whole Unicode letters"


class _Literal(str):
    """A number as it stands in the text, where Python would lose what it says: NaN, 1e999, 9007199254740993."""


class _TwiceKeyed(list[tuple[str, Any]]):
    """The members of an object that has a key twice: no dict, so that no conversion takes it for one."""


def find(annotation: Any, text: bytes, path: str, *, wrong: bool = True) -> list[Fault]:
    """All faults of `text` as a value of the type, at most MAX_FAULTS; [] where there are none.

    `wrong`: msgspec does not take it, so that there is one even where the type says nothing.
    """
    decimals = has_decimals(annotation)
    try:
        value = json.loads(
            text.decode(),
            object_pairs_hook=_members,
            parse_int=_integer,
            parse_float=_decimal if decimals else _float,
            parse_constant=_Literal,
        )
    except json.JSONDecodeError as error:
        near = shown(error.doc[error.pos : error.pos + NEAR])
        where = f"line {error.lineno}, column {error.colno}" + (f", before {near!r}" if near else "")
        return [Fault(path, f"is not valid JSON: {error.msg} ({where})", code="malformed_json")]
    except UnicodeDecodeError as error:
        return [Fault(path, f"is not valid UTF-8 (byte {error.start})", code="malformed_json")]
    except RecursionError:
        return [Fault(path, "is nested too deeply", code="malformed_json")]
    walk = _Walk(thorough=decimals)
    walk.visit(annotation, value, path)
    found = walk.faults[:MAX_FAULTS]
    return found if found or not wrong else list(islice(_unsayable(value, path), MAX_FAULTS))


@cache
def has_decimals(annotation: Any) -> bool:
    """Whether a value of this type may hold a Decimal: its digits are taken from the text, never from a float."""
    return _holds_decimals(annotation)


def _holds_decimals(annotation: Any) -> bool:
    base, _ = bare(annotation)
    if is_struct(base):
        return any(_holds_decimals(field.type) for field in _fields(base).values())
    return base is Decimal or any(_holds_decimals(inner) for inner in get_args(base) if not isinstance(inner, str))


@cache
def _fields(struct: type[Struct]) -> dict[str, msgspec.structs.FieldInfo]:
    """By the name that each has in JSON. (msgspec makes the list anew each time, of all the annotations.)"""
    return {field.encode_name: field for field in msgspec.structs.fields(struct)}


class _Walk:
    """Goes down where a conversion fails. `thorough`: everywhere, because a quoted decimal converts."""

    def __init__(self, thorough: bool) -> None:
        self.faults: list[Fault] = []
        self.thorough = thorough

    def visit(self, annotation: Any, value: Any, path: str) -> Any:
        """The value as the type has it, or _WRONG when faults were added."""
        base, _ = bare(annotation)
        if base is Any or base is msgspec.Raw:
            return value
        if len(self.faults) >= MAX_FAULTS:
            return _WRONG
        if not self.thorough:
            try:
                return msgspec.convert(value, annotation)
            except (msgspec.ValidationError, UnicodeEncodeError, InvalidData):
                pass  # the way down finds out where
        if is_union(base):
            return self._visit_member(annotation, base, value, path)
        if isinstance(value, _TwiceKeyed):
            return self._twice(value, path)
        if isinstance(value, dict) and is_struct(base):
            return self._visit_struct(base, value, path)
        if isinstance(value, dict) and get_origin(base) is dict:
            inner = get_args(base)[1]
            entries = {key: self.visit(inner, entry, step(path, key)) for key, entry in value.items()}
            return self._whole(annotation, entries, entries.values(), path)
        if isinstance(value, list) and get_origin(base) is list:
            inner = get_args(base)[0]
            items = [self.visit(inner, item, f"{path}[{i}]") for i, item in enumerate(value)]
            return self._whole(annotation, items, items, path)
        return self._scalar(annotation, value, path)

    def _visit_struct(self, struct: type[Struct], value: dict[str, Any], path: str) -> Any:
        fields = _fields(struct)
        before = len(self.faults)
        if struct.__struct_config__.forbid_unknown_fields:
            self._unknown([key for key in value if key not in fields], list(fields), path)
        built: dict[str, Any] = {}
        for name, field in fields.items():
            if name in value:
                built[field.name] = self.visit(field.type, value[name], step(path, name))
            elif field.required:
                self._add(step(path, name), "is missing", allowed=allowed(field.type), code="missing")
        if len(self.faults) > before:
            return _WRONG
        try:
            return struct(**built)
        except InvalidData as error:
            self.faults += error.under(path).faults
        except (ValueError, TypeError) as error:
            self._add(path, str(error))
        return _WRONG

    def _unknown(self, keys: list[str], fields: list[str], path: str) -> None:
        for key in keys[:MAX_FAULTS]:
            near = nearest(key, fields)
            detail = "is not a field here" + (f": did you mean {near!r}?" if near else "")
            self._add(step(path, key), detail, allowed="one of " + ", ".join(fields), code="unknown_field")

    def _visit_member(self, annotation: Any, union: Any, value: Any, path: str) -> Any:
        """msgspec's unions hold at most one type of each JSON type, so the value chooses its own."""
        for member in members_of(union):
            if json_type(member) == _json_type_of(value):
                return self.visit(member, value, path)
        return self._scalar(annotation, value, path)

    def _twice(self, members: _TwiceKeyed, path: str) -> Any:
        seen: set[str] = set()
        for key, _ in members:
            if key in seen:
                self._add(step(path, key), "is given twice", allowed="each name once", code="duplicate_key")
            seen.add(key)
        return _WRONG

    def _whole(self, annotation: Any, value: Any, entries: Any, path: str) -> Any:
        """A list or object whose entries were visited: what is left to check is its length and its keys."""
        if any(entry is _WRONG for entry in entries):
            return _WRONG
        try:
            return msgspec.convert(value, annotation)
        except msgspec.ValidationError as error:
            return self._add(path, _fragment(str(error)), allowed=allowed(annotation))
        except UnicodeEncodeError:
            return self._add(path, _HALF, allowed=_TEXT)

    def _scalar(self, annotation: Any, value: Any, path: str) -> Any:
        base, _ = bare(annotation)
        if isinstance(value, _Literal):
            return self._literal(annotation, base, value, path)
        if base is Decimal and isinstance(value, (Decimal, int)) and not isinstance(value, bool):
            told = exact.wrong(Decimal(value), exact.bounds_of(annotation))
            if not told:
                return Decimal(value)
            told += hint(annotation, value)
            return self._add(path, told, shown(value), allowed(annotation), "out_of_range")
        if base is not Decimal:
            try:
                return msgspec.convert(float(value) if type(value) is Decimal else value, annotation)
            except msgspec.ValidationError:
                pass
            except UnicodeEncodeError:
                return self._add(path, _HALF, allowed=_TEXT)
        right = allowed(annotation)
        whole = base is not int or isinstance(value, int)
        same = json_type(base) == _json_type_of(value)
        detail = f"must be {right}" + ("" if same else f", not {_json_type_of(value)}") + hint(annotation, value)
        code = "wrong_type" if not (same and whole) else "out_of_range" if base in (int, float) else "invalid"
        return self._add(path, detail, value=shown(value), allowed=right, code=code)

    def _literal(self, annotation: Any, base: Any, value: _Literal, path: str) -> Any:
        if value.lstrip("-").isdigit():
            if base in (int, Decimal) and len(value) < 100:
                return self._scalar(annotation, int(value), path)
            detail, code = "is an integer above 2^53, which a number here cannot hold exactly", "too_large_integer"
        else:
            detail, code = "must be a finite number", "not_finite"
        return self._add(path, detail, value=shown(str(value)), allowed=allowed(annotation), code=code)

    def _add(self, path: str, detail: str, value: Any = None, allowed: str = "", code: str = "invalid") -> Any:
        self.faults.append(Fault(path, detail, value, allowed, code))
        return _WRONG


def _members(pairs: list[tuple[str, Any]]) -> Any:
    members = dict(pairs)
    return members if len(members) == len(pairs) else _TwiceKeyed(pairs)


def _unsayable(value: Any, path: str) -> Iterator[Fault]:
    """What no value may be, wherever it stands: half a letter, a number that is not finite."""
    left = [(value, path)]
    while left:
        value, path = left.pop()
        if isinstance(value, dict):
            yield from (
                Fault(step(path, key), f"has a name that {_HALF}", allowed=_TEXT) for key in value if _is_half(key)
            )
            left += [(each, step(path, key)) for key, each in reversed(value.items())]
        elif isinstance(value, list):
            left += [(value[i], f"{path}[{i}]") for i in reversed(range(len(value)))]
        elif isinstance(value, _Literal):
            if not value.lstrip("-").isdigit():
                yield Fault(path, "must be a finite number", shown(str(value)), "a finite number", "not_finite")
        elif isinstance(value, str) and _is_half(value):
            yield Fault(path, _HALF, shown(value), _TEXT)


def _is_half(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return True
    return False


def _integer(text: str) -> Any:
    return _Literal(text) if len(text) > 17 or abs(int(text)) > LARGEST_INTEGER else int(text)


def _float(text: str) -> Any:
    value = float(text)
    return value if math.isfinite(value) else _Literal(text)


def _decimal(text: str) -> Any:
    return Decimal(text) if math.isfinite(float(text)) else _Literal(text)


def _json_type_of(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true or false"
    if isinstance(value, (int, float, Decimal, _Literal)):
        return "a number"
    if isinstance(value, str):
        return "text"
    return "a list" if isinstance(value, list) and not isinstance(value, _TwiceKeyed) else "an object"


def _fragment(text: str) -> str:
    """msgspec's sentence as the end of ours: "Expected `array` of length >= 1" → "must be `array` of …"."""
    return text.split(" - at ")[0].replace("Expected", "must be")
