"""Numbers so small or so large that products of a few of them leave what a number holds: told, not calculated with.

A number is 0 or from LEAST to MOST in size. What a book has in a column is not looked at here: there a row that cannot
be calculated gets its own status (calc/numerics/columns.py keeps the same limits).
"""

import types
from typing import Any, get_args, get_origin

import msgspec

from calc.errors import Fault, step
from calc.numerics.columns import LEAST, MOST
from calc.words import bare, is_struct, is_union, json_type, members_of

MOST_FAULTS = 100


def find(annotation: Any, value: Any, path: str) -> list[Fault]:
    """Of JSON that fits the type: every number that is too small or too large, the first hundred of them."""
    found: list[Fault] = []
    _look(annotation, value, path, found)
    return found[:MOST_FAULTS]


def _look(annotation: Any, value: Any, path: str, found: list[Fault]) -> None:
    base, _ = bare(annotation)
    if is_union(base):
        members = members_of(base)
        if not any(map(_is_column, members)):
            for member in members:
                if json_type(member) == _json_type(value):
                    _look(member, value, path, found)
    elif base is float and isinstance(value, (int, float)):
        if value != 0 and not LEAST <= abs(value) <= MOST:
            detail = f"must be 0, or from {LEAST:g} to {MOST:g} in size"
            found.append(Fault(path, detail, value, detail.removeprefix("must be "), "out_of_range"))
    elif is_struct(base) and isinstance(value, dict):
        for field in msgspec.structs.fields(base):
            if field.encode_name in value:
                _look(field.type, value[field.encode_name], step(path, field.encode_name), found)
    elif get_origin(base) is dict and isinstance(value, dict):
        for key, entry in value.items():
            _look(get_args(base)[1], entry, step(path, key), found)
    elif get_origin(base) is list and isinstance(value, list) and not _is_column(annotation):
        for i, entry in enumerate(value):
            _look(get_args(base)[0], entry, f"{path}[{i}]", found)
    elif get_origin(base) is tuple and isinstance(value, list):
        for i, (inner, entry) in enumerate(zip(get_args(base), value, strict=False)):
            _look(inner, entry, f"{path}[{i}]", found)


def _is_column(annotation: Any) -> bool:
    """Whether it is a list with an entry a row, where null stands for a row that has none."""
    base, _ = bare(annotation)
    if get_origin(base) is not list:
        return False
    entry, _ = bare(get_args(base)[0])
    return is_union(entry) and {float, types.NoneType} <= {bare(each)[0] for each in members_of(entry)}


def _json_type(value: Any) -> str:
    if isinstance(value, (dict, list)):
        return "a list" if isinstance(value, list) else "an object"
    return "a number" if isinstance(value, (int, float)) and not isinstance(value, bool) else "other"
