"""What a request may send, in the OpenAPI document: a branch a kind, with `kind` constant and its own `data`."""

from typing import Any

import msgspec

from calc import DEFAULT_KIND, execute
from calc.kind import Kind
from gateway.batch_lines import MOST, Grid
from gateway.bodies import NDJSON, Envelope, Line
from gateway.openapi_pieces import JSON, REF, Made, ref
from pipeline.settings import Settings


def of_task() -> Made:
    """The body of a submission: an example a kind."""
    examples = {kind.NAME: {"summary": kind.SUMMARY, "value": _example(kind)} for kind in _kinds()}
    return {"required": True, "content": {JSON: {"schema": {"oneOf": _branches("submit")}, "examples": examples}}}


def of_batch() -> Made:
    """The bodies of a batch: a list of tasks, a grid, or a task a line (then the schema is that of the lines)."""
    tasks = [_example(kind) | {"custom_id": f"my-{kind.NAME}"} for kind in _kinds()]
    default = execute.find(DEFAULT_KIND).EXAMPLE
    field, value = next((name, value) for name, value in default.items() if isinstance(value, int | float))
    grid = {"data": default, "grid": {field: [value, 2 * value]}}
    lines = "".join(msgspec.json.encode(task).decode() + "\n" for task in tasks)
    examples = {
        "list": {"summary": "A list of tasks", "value": tasks},
        "grid": {"summary": "A task for each combination", "value": grid},
    }
    return {
        "required": True,
        "content": {
            JSON: {"schema": {"oneOf": [ref("BatchLines"), ref("Grid")]}, "examples": examples},
            NDJSON: {"schema": ref("BatchLines"), "examples": {"lines": {"summary": "A task a line", "value": lines}}},
        },
    }


def schemas(settings: Settings) -> Made:
    """A schema a kind of what is submitted alone, and in a batch. Only the default kind may be left out."""
    shapes = {"submit": Envelope, "line": Line}
    _, named = msgspec.json.schema_components([*shapes.values(), Grid], ref_template=REF)
    grid = named["Grid"]
    for shape in (named["Envelope"], named["Line"], grid):
        _limit(shape["properties"]["time_limit_s"], settings)
    names = sorted(name for kind in _kinds() for name in (kind.NAME, *kind.ALIASES))
    about = {"type": "object", "description": "What all the tasks have in common: the kind's data, but for the grid's."}
    grid["properties"] |= {"kind": {"enum": names, "default": DEFAULT_KIND}, "data": about}
    lines = {"type": "array", "minItems": 1, "maxItems": MOST, "items": {"oneOf": _branches("line")}}
    made: Made = {"Grid": grid, "BatchLines": lines}
    for kind in _kinds():
        made[f"{kind.NAME}_data"] = execute.schema(kind.NAME)
        for prefix, shape in shapes.items():
            made[f"{prefix}_{kind.NAME}"] = _submission(kind, named[shape.__name__]["properties"])
    return made


def _submission(kind: Kind, fields: dict[str, Any]) -> Made:
    names = {"const": kind.NAME} if not kind.ALIASES else {"enum": [kind.NAME, *kind.ALIASES]}
    default = kind.NAME == DEFAULT_KIND
    return {
        "type": "object",
        "title": kind.NAME,
        "description": kind.SUMMARY,
        "properties": fields
        | {"kind": names | ({"default": kind.NAME} if default else {})}
        | {"data": ref(f"{kind.NAME}_data")},
        "required": ["data"] if default else ["kind", "data"],
        "additionalProperties": False,
    }


def _limit(field: dict[str, Any], settings: Settings) -> None:
    """Say what a job of this deployment may have of time: none may run longer than its whole task."""
    job_s, task_s = settings.part_time_limit_s, settings.task_time_limit_s
    (number,) = (branch for branch in field["anyOf"] if branch["type"] == "number")
    number["maximum"] = min(number["maximum"], task_s)
    said = f"None: {min(job_s, task_s):g}. A whole task has {task_s:g} s from the start of its first job."
    number["description"] += f" {said}"


def _kinds() -> list[Kind]:
    return sorted(execute.kinds().values(), key=lambda kind: kind.NAME)


def _branches(prefix: str) -> list[Made]:
    return [ref(f"{prefix}_{kind.NAME}") for kind in _kinds()]


def _example(kind: Kind) -> dict[str, Any]:
    return {"data": kind.EXAMPLE} if kind.NAME == DEFAULT_KIND else {"kind": kind.NAME, "data": kind.EXAMPLE}
