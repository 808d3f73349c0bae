"""Numbers so small or so large that products of a few of them leave what a number holds.

Below LEAST in size a number is calculated with as 0; where a field must be above 0 it is refused. Above MOST it is
refused. What a book has in a column is not refused here: there a row that cannot be calculated gets its own status
(calc/numerics/columns.py keeps the same limits).
"""

import types
from decimal import Decimal
from typing import Any, get_args, get_origin

import msgspec

from calc.errors import Fault, step
from calc.numerics.columns import LEAST, MOST
from calc.words import bare, is_struct, is_union, json_type, members_of

MOST_FAULTS = 100


def settled(annotation: Any, value: Any, path: str) -> tuple[Any, list[Fault]]:
    """JSON that fits the type as it is calculated with, and every number that is too small or too large, the first
    hundred of them. In the JSON what is no integer may be a Decimal, so that no digit is lost where nothing changes."""
    found: list[Fault] = []
    return _settled(annotation, value, path, found), found[:MOST_FAULTS]


def _settled(annotation: Any, value: Any, path: str, found: list[Fault]) -> Any:
    base, notes = bare(annotation)
    if is_union(base):
        members = members_of(base)
        for member in sorted(members, key=_is_column, reverse=True):
            if json_type(member) == _json_type(value):
                return _settled(member, value, path, found)
    elif base is float and isinstance(value, (int, float, Decimal)):
        return _number(value, any(note.gt == 0 for note in notes), path, found)
    elif is_struct(base) and isinstance(value, dict):
        known = {field.encode_name: field.type for field in msgspec.structs.fields(base)}
        return {
            name: _settled(known[name], each, step(path, name), found) if name in known else each
            for name, each in value.items()
        }
    elif get_origin(base) is dict and isinstance(value, dict):
        inner = get_args(base)[1]
        return {key: _settled(inner, entry, step(path, key), found) for key, entry in value.items()}
    elif get_origin(base) is list and isinstance(value, list):
        if _is_column(annotation):
            return _rows(value)
        inner = get_args(base)[0]
        return [_settled(inner, entry, f"{path}[{i}]", found) for i, entry in enumerate(value)]
    elif get_origin(base) is tuple and isinstance(value, list):
        pairs = zip(get_args(base), value, strict=False)
        return [_settled(inner, entry, f"{path}[{i}]", found) for i, (inner, entry) in enumerate(pairs)]
    return value


def _rows(value: Any) -> Any:
    """A column, or what stands in it, without a fault: its rows have a status."""
    if isinstance(value, list):
        return [_rows(entry) for entry in value]
    return 0.0 if isinstance(value, (int, float, Decimal)) and abs(float(value)) < LEAST else value


def _number(value: Any, above_0: bool, path: str, found: list[Fault]) -> Any:
    """The number as it is calculated with."""
    size = abs(value if isinstance(value, int) else float(value))  # of the float: LEAST itself is a little above 1e-30
    if size > MOST or (above_0 and size < LEAST):
        detail = f"must be from {LEAST:g} to {MOST:g}" if above_0 else f"must be at most {MOST:g} in size"
        found.append(Fault(path, detail, float(value), detail.removeprefix("must be "), "out_of_range"))
    return 0.0 if size < LEAST else value


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
    return "a number" if isinstance(value, (int, float, Decimal)) and not isinstance(value, bool) else "other"
