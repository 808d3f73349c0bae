"""Values at the edges of a JSON Schema: the smallest, the largest, the empty, the absent; whole data made with them."""

import itertools
import math
import random
from collections.abc import Iterator
from typing import Any

Json = Any


def values(schema: Json) -> list[Json]:
    """Values that fit the schema and are unlike what people send."""
    if "const" in schema:
        return [schema["const"]]
    if "enum" in schema:
        return list(schema["enum"])
    for choice in ("anyOf", "oneOf"):
        if choice in schema:
            return [value for each in schema[choice] for value in values(each)]
    kind = schema.get("type")
    match kind:
        case "null":
            return [None]
        case "boolean":
            return [False, True]
        case "integer" | "number":
            return _numbers(schema, kind == "integer")
        case "string":
            return _texts(schema)
        case "array":
            return _lists(schema)
        case "object":
            return _objects(schema)
    return [None, 0, "", [], {}]


def _numbers(schema: Json, whole: bool) -> list[Json]:
    low, high = (
        schema.get("minimum", schema.get("exclusiveMinimum")),
        schema.get("maximum", schema.get("exclusiveMaximum")),
    )
    if whole:
        least = -(2**53) if low is None else low + ("exclusiveMinimum" in schema)
        most = 2**53 - 1 if high is None else high - ("exclusiveMaximum" in schema)
        return sorted({math.ceil(least), math.floor(most), min(max(0, least), most), min(max(1, least), most)})
    least = -1.7e308 if low is None else float(low)
    most = 1.7e308 if high is None else float(high)
    least = math.nextafter(least, math.inf) if "exclusiveMinimum" in schema else least
    most = math.nextafter(most, -math.inf) if "exclusiveMaximum" in schema else most
    return sorted({each for each in (least, most, 0.0, 5e-324, 1.0, 1e-9, 1e9) if least <= each <= most})


def _texts(schema: Json) -> list[Json]:
    if schema.get("format") == "date":
        return ["2026-02-28", "0001-01-01", "9999-12-31"]
    short, long = schema.get("minLength", 0), min(schema.get("maxLength", 30), 30)
    texts = ["x" * short, "é" * long, "0" * max(short, 1)]
    return [text for text in texts if short <= len(text) <= schema.get("maxLength", math.inf)]


def _lists(schema: Json) -> list[Json]:
    if "prefixItems" in schema:
        columns = [values(each) for each in schema["prefixItems"]]
        return [[column[min(n, len(column) - 1)] for column in columns] for n in range(max(map(len, columns)))]
    least, most = schema.get("minItems", 0), schema.get("maxItems", math.inf)
    items = values(schema.get("items", {}))
    made: list[Json] = [[] if not least else [items[0]] * least]
    made += [[item] * max(1, least) for item in items]
    made += [[items[0], items[-1]], [items[len(items) // 2]] * 3]
    return [each for each in made if least <= len(each) <= most]


def _objects(schema: Json) -> list[Json]:
    properties = schema.get("properties")
    if properties is None:
        inner = schema.get("additionalProperties")
        held = values(inner) if isinstance(inner, dict) else [0]
        made: list[Json] = [{}, *({"x": value} for value in held), {"x": held[0], "": held[-1]}]
        least, most = schema.get("minProperties", 0), schema.get("maxProperties", math.inf)
        return [each for each in made if least <= len(each) <= most]
    required = schema.get("required", [])
    base = {name: values(properties[name])[0] for name in required}
    return [base, *({**base, name: value} for name in properties for value in values(properties[name]))]


def data(schema: Json, example: dict[str, Json], depth: int) -> Iterator[dict[str, Json]]:
    """The example with up to `depth` fields at an edge, or absent; and what is required alone, with one."""
    fields = {name: [*values(each), _ABSENT] for name, each in schema["properties"].items()}
    bare = {name: example.get(name, found[0]) for name, found in fields.items() if name in schema.get("required", [])}
    for base, most in ((example, depth), (bare, 1)):
        for changed in range(most + 1):
            for names in itertools.combinations(fields, changed):
                for chosen in itertools.product(*(fields[name] for name in names)):
                    yield _with(base, dict(zip(names, chosen, strict=True)))


def drawn(schema: Json, example: dict[str, Json], chance: random.Random) -> Iterator[dict[str, Json]]:
    """The example with two fields at an edge, without end."""
    fields = {name: [*values(each), _ABSENT] for name, each in schema["properties"].items()}
    while True:
        names = chance.sample(list(fields), min(2, len(fields)))
        yield _with(example, {name: chance.choice(fields[name]) for name in names})


def _with(base: dict[str, Json], changed: dict[str, Json]) -> dict[str, Json]:
    return {name: value for name, value in {**base, **changed}.items() if value is not _ABSENT}


_ABSENT = object()
