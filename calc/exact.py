"""Decimal fields: exact digits from the text, with bounds that msgspec does not check for them.

The bounds stand in the field's `extra_json_schema`, under JSON Schema's own names; who has decimals calls
`outside` in __post_init__.
"""

import operator
from collections.abc import Callable
from decimal import Decimal
from functools import cache
from typing import Annotated, Any, get_args, get_origin

import msgspec
from msgspec import Meta, Struct

Check = tuple[Callable[[Any, Any], bool], Any]  # and the bound that the value is held against
MOST_DIGITS = 40
_BOUNDS: dict[str, tuple[str, Callable[[Any, Any], bool]]] = {
    "exclusiveMinimum": ("above", operator.gt),
    "minimum": ("at least", operator.ge),
    "exclusiveMaximum": ("below", operator.lt),
    "maximum": ("at most", operator.le),
}


def wrong(value: Decimal, bounds: dict[str, Any]) -> str:
    """What is wrong with the value, as the end of a sentence; "" when nothing is."""
    _, digits, exponent = value.as_tuple()
    if not isinstance(exponent, int):
        return "must be a finite number"
    if len(digits) > MOST_DIGITS or abs(exponent) > MOST_DIGITS:
        return f"must be written with at most {MOST_DIGITS} digits"
    said = [(words, bounds[name], holds) for name, (words, holds) in _BOUNDS.items() if name in bounds]
    if all(holds(value, bound) for _, bound, holds in said):
        return ""
    return "must be a number " + " and ".join(f"{words} {bound:.15g}" for words, bound, _ in said)


def outside(params: Struct) -> list[tuple[str, Decimal, str]]:
    """Every decimal field whose value is wrong: its name, its value, and what is wrong with it."""
    found = []
    for name, bounds, checks in _decimals(type(params)):
        value = getattr(params, name)
        right = _is_plain(value)
        for holds, bound in checks:
            right = right and holds(value, bound)
        if not right and (told := wrong(value, bounds)):
            found.append((name, value, told))
    return found


def bounds_of(annotation: Any) -> dict[str, Any]:
    """The bounds in an annotation's notes."""
    notes = get_args(annotation)[1:] if get_origin(annotation) is Annotated else ()
    schemas = [note.extra_json_schema or {} for note in notes if isinstance(note, Meta)]
    return {key: value for schema in schemas for key, value in schema.items()}


def _is_plain(value: Decimal) -> bool:
    """Whether it is finite and written in few digits, without an exponent: seen without taking it apart."""
    text = str(value)
    return len(text) <= MOST_DIGITS and "E" not in text and value.is_finite()


@cache
def _decimals(struct: type[Struct]) -> list[tuple[str, dict[str, Any], list[Check]]]:
    found = [
        (field.name, bounds_of(field.type))
        for field in msgspec.structs.fields(struct)
        if field.type is Decimal or get_args(field.type)[:1] == (Decimal,)
    ]
    return [
        (name, bounds, [(holds, bounds[word]) for word, (_, holds) in _BOUNDS.items() if word in bounds])
        for name, bounds in found
    ]
