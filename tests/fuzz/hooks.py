"""What schemathesis does not know by itself: NDJSON, MessagePack, which refusals of what fits its schema are right."""

import json
from typing import Any

import msgspec
import schemathesis
from msgspec import Raw, Struct
from schemathesis import Case, CheckContext, HookContext, Response

from calc import DEFAULT_KIND, execute
from calc.faults import LARGEST_INTEGER
from gateway import openapi
from gateway.accept import OFFERED
from gateway.batch_lines import Grid
from gateway.bodies import NDJSON, Envelope, Line
from tests.fuzz.bare import bare, with_data

# Types of bodies that are no tasks, by their name in the document; and the rules between parameters that there are.
SHAPES = {shape.__name__: shape for shape in openapi.ANSWERS}
BETWEEN = {"/spans": ["?since_ms"]}
# What no rule between fields says: for a request that fits its schema the schema is wrong, then.
OF_ONE_FIELD = {"wrong_type", "not_finite", "duplicate_key"}


@schemathesis.serializer(NDJSON)
def ndjson(_: Any, value: Any) -> bytes:
    """A value a line."""
    lines = value if isinstance(value, list) else [value]
    return b"".join(json.dumps(line).encode() + b"\n" for line in lines)


@schemathesis.deserializer(NDJSON)
def lines(_: Any, response: Response) -> list[Any]:
    """Each line is a value."""
    return [json.loads(line) for line in response.content.splitlines()]


@schemathesis.deserializer(*OFFERED[1:])
def numbers(_: Any, response: Response) -> Any:
    """The same as JSON would be."""
    return msgspec.msgpack.decode(response.content)


@schemathesis.hook
def before_call(_: HookContext, case: Case, __: dict[str, Any]) -> None:
    """A list of one value is sent as the value alone would be, so nothing is wrong with a number in place of a list."""
    asked = case.operation.definition.raw.get("parameters", [])
    lists = {each["name"] for each in asked if each["in"] == "query" and each["schema"].get("type") == "array"}
    lone = {name: [str(value)] for name, value in (case.query or {}).items() if name in lists and _is_lone(value)}
    if lone:
        case.query = {**case.query, **lone}


@schemathesis.check
def refusals_are_right(_: CheckContext, response: Response, case: Case) -> None:
    """A request that fits its schema is refused with 410 or 422 only for what the schema cannot say."""
    if case.meta is None or not case.meta.generation.mode.is_positive:
        return
    if response.status_code == 410:
        assert response.json()["code"] == "task_expired"
    if response.status_code == 422 and response.json()["code"] != "idempotency_mismatch":
        told = response.json()
        if not case.operation.body:
            assert [fault["path"] for fault in told["errors"]] == BETWEEN.get(case.operation.path), told
            return
        wrong = [fault for fault in told.get("errors", ()) if fault.get("code") in OF_ONE_FIELD]
        assert all(float(fault["value"]).is_integer() for fault in wrong), told
        named = case.operation.definition.raw["requestBody"]["content"][case.media_type]["schema"].get("$ref", "")
        shape = SHAPES.get(named.rpartition("/")[2])
        for task, known in (
            [(_sent(response), bare(shape))] if shape else _tasks(_sent(response), case.media_type or "")
        ):
            _fits(task, known)


@schemathesis.check
def wrong_lines_are_told(_: CheckContext, response: Response, case: Case) -> None:
    """A batch with something wrong in it is accepted but for that, or refused."""
    if case.meta is None or not case.meta.generation.mode.is_negative or response.status_code != 202:
        return
    if case.operation.path == "/tasks/batch":
        told = response.json()
        assert told["rejected_count"] == len(told["rejected"]) > 0, "what is wrong was accepted"
        assert all(line["detail"] for line in told["rejected"])


def _is_lone(value: object) -> bool:
    return isinstance(value, str | int | float)


def _fits(task: bytes, shape: type[Struct]) -> None:
    """Whether the type takes what the schema takes; but for 5.0, which is an integer to a schema and not to us."""
    spelt = json.dumps(json.loads(task, parse_float=_whole)).encode()
    try:
        msgspec.json.decode(spelt, type=shape)
    except msgspec.ValidationError as wrong:
        raise AssertionError(f"The schema takes more than the type: {wrong}") from None


def _whole(text: str) -> float | int:
    number = float(text)
    return int(number) if number.is_integer() and abs(number) < LARGEST_INTEGER else number


def _sent(response: Response) -> bytes:
    body = response.request.body or b""
    return body.encode() if isinstance(body, str) else bytes(body)


def _tasks(body: bytes, media_type: str) -> list[tuple[bytes, type[Struct]]]:
    """Each task in a body with the bare type that it must fit."""
    if media_type == NDJSON:
        return [(line, _shape(line, Line)) for line in body.splitlines() if line.strip()]
    if body.lstrip()[:1] == b"[":
        return [(bytes(line), _shape(line, Line)) for line in msgspec.json.decode(body, type=list[Raw])]
    if "grid" in msgspec.json.decode(body, type=dict[str, Raw]):
        return [(body, bare(Grid))]
    return [(body, _shape(body, Envelope))]


def _shape(task: bytes | Raw, envelope: type[Struct]) -> type[Struct]:
    kind = msgspec.json.decode(task, type=dict[str, Raw]).get("kind", Raw(msgspec.json.encode(DEFAULT_KIND)))
    return with_data(envelope, execute.find(msgspec.json.decode(kind, type=str)).Params)
