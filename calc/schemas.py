"""The JSON Schema of a type, whole: without references, and with decimals as the numbers that they are in our JSON."""

from typing import Any

import msgspec


def of(annotation: Any) -> dict[str, Any]:
    """The schema, with every `$ref` replaced by what it names (no type of ours holds itself)."""
    (root,), named = msgspec.json.schema_components([annotation], ref_template="{name}")
    whole: dict[str, Any] = _inlined(root, named)
    return whole


def _inlined(schema: Any, named: dict[str, Any]) -> Any:
    if isinstance(schema, list):
        return [_inlined(each, named) for each in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        rest = {key: value for key, value in schema.items() if key != "$ref"}
        return _inlined({**named[schema["$ref"]], **rest}, named)
    whole = {key: _inlined(value, named) for key, value in schema.items()}
    if whole.get("format") == "decimal":
        del whole["format"]
        whole["type"] = "number"
        if isinstance(whole.get("default"), str):
            whole["default"] = msgspec.json.decode(whole["default"])
    return whole
