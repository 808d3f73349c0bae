"""Data that work, with legal numbers of every size in them, down to the smallest that there is; or of an odd shape: one
of each, all alike, none at all, dates on one day.
"""

import copy
import math
import random
import re
from collections.abc import Iterator
from typing import Any

Json = Any
TINY = (5e-324, 1e-300, 1e-160, 1e-100, 1e-31, 1e-30, 1e-29, 1e-25, 1e-20, 1e-17, 1e-14, 1e-9)
LARGEST = 1.1e30  # of what has no bound


def changed(schema: Json, data: dict[str, Json], chance: random.Random, most: int = 3) -> dict[str, Json]:
    """The data with one number, or a few, at the edge of what its schema allows or of any size between."""
    whole = copy.deepcopy(data)
    places = list(_numbers(schema, whole))
    for holder, key, bounds, integer in chance.sample(places, min(len(places), chance.randint(1, most))):
        holder[key] = _drawn(bounds, integer, chance)
    return whole


def reshaped(schema: Json, data: dict[str, Json], chance: random.Random, most: int = 3) -> dict[str, Json]:
    """The data with a list or a few of another length or all alike, with dates that coincide, other words chosen."""
    whole = copy.deepcopy(data)
    for _ in range(chance.randint(1, most)):
        lists = [each for each in _lists(whole) if each]
        if lists:
            _bent(chance.choice(lists), lists, chance)
    dates = [(holder, key) for holder, key in _texts(whole) if _DATE.fullmatch(holder[key])]
    if dates and chance.random() < 0.5:
        holder, key = chance.choice(dates)
        holder[key] = chance.choice([*(each[name] for each, name in dates), *DAYS])
    for name, field in schema.get("properties", {}).items():
        words = [word for each in (field, *field.get("anyOf", ())) for word in each.get("enum", ())]
        if words and chance.random() < 0.1:
            whole[name] = chance.choice(words)
    return whole


DAYS = ("2024-02-29", "2023-12-31", "2024-08-30", "1970-01-01", "2099-12-31")
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")


def _bent(chosen: list[Json], lists: list[list[Json]], chance: random.Random) -> None:
    """A list, or with it all those that are as long, in another shape."""
    alike = [each for each in lists if len(each) == len(chosen)] if chance.random() < 0.7 else [chosen]
    way = chance.choice(("one", "same", "nothing", "unit", "minus", "longer", "backwards"))
    numbers = [each for each in alike if all(isinstance(x, (int, float)) and not isinstance(x, bool) for x in each)]
    for each in alike if way in ("one", "longer") else [chosen]:
        if way == "one":
            del each[1:]
        elif way == "same":
            each[:] = [copy.deepcopy(each[0]) for _ in each]
        elif way == "longer":
            each.append(copy.deepcopy(each[-1]))
        elif way == "backwards":
            each.reverse()
        elif chosen in numbers:
            place = chance.randrange(len(each))
            made = {"nothing": [0.0] * len(each), "unit": [1.0] * len(each), "minus": list(each)}[way]
            made[place] = -each[place] if way == "minus" else made[place]
            each[:] = made


def _lists(value: Json) -> Iterator[list[Json]]:
    if isinstance(value, list):
        yield value
    for entry in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _lists(entry)


def _texts(value: Json) -> Iterator[tuple[Json, Any]]:
    """(holder, key) of every text within."""
    entries: Any = value.items() if isinstance(value, dict) else enumerate(value)
    for key, entry in entries:
        if isinstance(entry, str):
            yield value, key
        elif isinstance(entry, (dict, list)):
            yield from _texts(entry)


def _drawn(schema: Json, integer: bool, chance: random.Random) -> Json:
    low, high = _bound(schema, "minimum", "exclusiveMinimum", -1), _bound(schema, "maximum", "exclusiveMaximum", 1)
    if integer:
        least, most = math.ceil(low), math.floor(high)
        return chance.choice([least, most, chance.randint(least, most), min(max(1, least), most)])
    if chance.random() < 0.25:
        return chance.choice([low, high])
    tiny = chance.random() < 0.4
    size = (
        chance.choice(TINY) if tiny else math.exp(chance.uniform(math.log(1e-12), math.log(max(abs(low), abs(high)))))
    )
    return min(max(chance.choice((-size, size, low + size, high - size)), low), high)


def _bound(schema: Json, closed: str, open_: str, way: int) -> float:
    """Where a side of the range ends."""
    if closed in schema:
        return max(min(float(schema[closed]), LARGEST), -LARGEST)
    if open_ in schema:
        return math.nextafter(float(schema[open_]), -way * math.inf)
    return way * LARGEST


def _numbers(schema: Json, value: Json) -> Iterator[tuple[Json, Any, Json, bool]]:
    """(holder, key, schema, whether whole) of every number within."""
    entries: Any = value.items() if isinstance(value, dict) else enumerate(value)
    for key, entry in entries:
        inner = _inner(schema, key)
        for each in inner.get("anyOf", [inner]):
            if isinstance(entry, (dict, list)) and each.get("type") in ("object", "array"):
                yield from _numbers(each, entry)
            elif isinstance(entry, (int, float)) and not isinstance(entry, bool) and each.get("type") in _TYPES:
                # what stands around a union's number counts for it, too
                around = {name: bound for name, bound in inner.items() if name != "anyOf"}
                yield value, key, {**around, **each}, each["type"] == "integer" or bool(each.get("enum"))
                break


_TYPES = ("number", "integer")


def _inner(schema: Json, key: Any) -> Json:
    if isinstance(key, str):
        return schema.get("properties", {}).get(key) or schema.get("additionalProperties") or {}
    if "prefixItems" in schema:
        return schema["prefixItems"][key]
    return schema.get("items", {})
