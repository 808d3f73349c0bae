"""A type in words: what a field allows, said so that a person can mend the data."""

import math
import types
from decimal import Decimal
from difflib import get_close_matches
from functools import lru_cache
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import msgspec
from msgspec import Meta, Struct

_PLAIN = {float: "a number", int: "a whole number", str: "a text", bool: "true or false", Decimal: "a number"}
_JSON = {float: "a number", int: "a number", Decimal: "a number", str: "text", bool: "true or false"}


def bare(annotation: Any) -> tuple[Any, list[Meta]]:
    """The type without its notes, and those of the notes that are msgspec's."""
    if get_origin(annotation) is Annotated:
        base, *notes = get_args(annotation)
        return base, [note for note in notes if isinstance(note, Meta)]
    return annotation, []


def is_union(base: Any) -> bool:
    """Whether a value may be of several types."""
    return get_origin(base) in (Union, types.UnionType)


def is_struct(base: Any) -> bool:
    """Whether a value is an object with named fields."""
    return isinstance(base, type) and issubclass(base, Struct)


def members_of(union: Any) -> list[Any]:
    """The types of a union, those of unions within it included."""
    found: list[Any] = []
    for member in get_args(union):
        base, _ = bare(member)
        found += members_of(base) if is_union(base) else [member]
    return found


def json_type(annotation: Any) -> str:
    """What a value of this type is in JSON."""
    base, _ = bare(annotation)
    origin = get_origin(base)
    if origin is Literal:
        return "text"
    if base is types.NoneType:
        return "null"
    return "a list" if origin is list else _JSON.get(base, "an object")


def allowed(annotation: Any) -> str:
    """What is allowed: "a number from 0 to 100", "one of call, put", "a list of 1 to 9 entries, each a text"."""
    base, metas = bare(annotation)
    origin, inner = get_origin(base), get_args(base)
    if origin is Literal:
        return "one of " + ", ".join(map(str, inner))
    if is_union(base):
        return " or ".join(allowed(member) for member in inner if member is not types.NoneType)
    if base is msgspec.Raw:
        return "an object"
    if base in _PLAIN:
        return _PLAIN[base] + "".join(map(_bounds, metas))
    if origin is list:
        return f"a list of {_count(metas)}entries, each {allowed(inner[0])}"
    if origin is dict:
        return f"an object of {_count(metas)}members, each {allowed(inner[1])}"
    if is_struct(base):
        return "an object with " + ", ".join(field.encode_name for field in msgspec.structs.fields(base))
    return ""


def hint(annotation: Any, value: Any) -> str:
    """What the client may have meant, in brackets; "" where nothing comes to mind."""
    base, metas = bare(annotation)
    if base in (int, float, Decimal) and isinstance(value, str):
        try:
            return " (send the number without quotes)" if math.isfinite(float(value)) else ""
        except ValueError:
            return ""
    if get_origin(base) is Literal and isinstance(value, str):
        near = nearest(value, map(str, get_args(base)))
        return f" (did you mean {near!r}?)" if near else ""
    fraction = any((meta.extra or {}).get("fraction") for meta in metas)
    if fraction and isinstance(value, (int, float, Decimal)) and 1 < value < 100:
        return f" (did you mean {float(value) / 100:.12g}?)"
    return ""


def nearest(word: str, known: Any) -> str:
    """The most similar of the known words; "" where none is."""
    return _nearest(word[:100], tuple(known))


@lru_cache(maxsize=1024)  # in ten thousand lines of a batch the same word is wrong
def _nearest(word: str, known: tuple[str, ...]) -> str:
    near = get_close_matches(word, known, 1)
    return near[0] if near else ""


def shown(value: Any) -> Any:
    """The value as an answer can repeat it: a scalar, not too long."""
    if isinstance(value, str):
        value = value.encode(errors="replace").decode()  # half of a surrogate pair cannot be sent back
        return value if len(value) <= 100 else value[:100] + "…"
    if isinstance(value, Decimal):
        return shown(str(value))
    return value if isinstance(value, (int, float)) else None


def _bounds(meta: Meta) -> str:
    """ " from 0 to 100", " above 0 and at most 1", " of 1 to 64 characters": with a space before it."""
    schema = meta.extra_json_schema or {}  # a Decimal has its bounds there
    least, most = schema.get("minimum", meta.ge), schema.get("maximum", meta.le)
    above, below = schema.get("exclusiveMinimum", meta.gt), schema.get("exclusiveMaximum", meta.lt)
    if least is not None and most is not None:
        said = [f"from {_plain(least)} to {_plain(most)}"]
    else:
        bounds = ((least, "at least"), (above, "above"), (most, "at most"), (below, "below"))
        said = [f"{word} {_plain(bound)}" for bound, word in bounds if bound is not None]
    if meta.max_length is not None:
        said.append(f"of {meta.min_length or 0} to {meta.max_length} characters")
    if meta.pattern is not None:
        said.append(f"like {meta.pattern}")
    return " " + " and ".join(said) if said else ""


def _plain(bound: float) -> str:
    return f"{bound:.0f}" if bound == int(bound) and abs(bound) < 1e16 else f"{bound:g}"


def _count(metas: list[Meta]) -> str:
    least = next((meta.min_length for meta in metas if meta.min_length is not None), None)
    most = next((meta.max_length for meta in metas if meta.max_length is not None), None)
    if most is not None:
        return f"{least or 0} to {most} "
    return "" if least is None else f"at least {least} "
