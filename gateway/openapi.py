"""The OpenAPI 3.1 document: made from the types that the routes decode and encode, so that it cannot say otherwise.

Envelope ─┐                          ┌─▶ request body: one branch a kind, `kind` constant
kinds ────┼─ schema_components ──────┼─▶ components
answers ──┘                          └─▶ responses, with every code of problems.py that a route can give
"""

from typing import Any

import msgspec

from calc import DEFAULT_KIND, execute
from calc.kind import Kind
from gateway.answers import Accepted, TaskAnswer, TaskList
from gateway.bodies import Envelope
from gateway.codes import CODES
from gateway.problems import MEDIA_TYPE, ProblemBody
from gateway.queries import LIMIT, MOST, TASK_ID
from gateway.routes.health import Health, Ready
from gateway.routes.kinds import KindAnswer, KindList
from pipeline import log
from pipeline.record import STATES
from pipeline.settings import Settings

JSON = "application/json"
REF = "#/components/schemas/{name}"
ANYWHERE = ("store_unavailable", "internal_error")
TASK = ("unknown_task", "task_expired", "invalid_query", *ANYWHERE)
SUBMIT = (
    *("malformed_json", "bad_header", "task_expired", "body_too_large", "unsupported_media_type", "invalid_request"),
    *("invalid_data", "refused", "unknown_kind", "invalid_query", "idempotency_mismatch", "backlog_full"),
    *("bodies_waiting", "store_full", *ANYWHERE),
)


def document(settings: Settings) -> dict[str, Any]:
    """The document for this deployment's kinds and limits."""
    answered = [Accepted, TaskAnswer, TaskList, KindList, KindAnswer, Health, Ready, ProblemBody]
    _, components = msgspec.json.schema_components(answered, ref_template=REF)
    components["KindAnswer"]["properties"]["schema"] = {"type": "object", "description": "JSON Schema of `data`."}
    components["TaskAnswer"]["properties"]["result"] = {
        "description": "The kind's named outputs; null until the task has succeeded."
    }
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Headrace",
            "version": log.VERSION,
            "description": "Financial calculations by many processes: submit a task, get one right answer.",
        },
        "servers": [{"url": "/"}],
        "paths": _paths(settings),
        "components": {"schemas": components | _submissions(settings)},
    }


def _paths(settings: Settings) -> dict[str, Any]:
    wait = _wait(settings)
    return {
        "/tasks": {
            "post": _operation(
                "Submit a task",
                "submit",
                [*wait, IDEMPOTENCY_KEY],
                {202: ("Accepted", "It is in the store.", LOCATION), 200: ("TaskAnswer", "It was waited for.", {})},
                SUBMIT,
            )
            | {"requestBody": _request_body()},
            "get": _operation(
                "List tasks, newest first",
                "list",
                _list(),
                {200: ("TaskList", "A page.", {})},
                ("invalid_query", *ANYWHERE),
            ),
        },
        "/tasks/{task_id}": {
            "get": _operation("Look at a task", "look", [ID, *wait], {200: ("TaskAnswer", "The task.", {})}, TASK)
        },
        "/tasks/{task_id}/result": {
            "get": _operation(
                "Get nothing but the result",
                "result",
                [ID, *wait],
                {200: ("", "The kind's named outputs.", {}), 202: ("TaskAnswer", "There is none yet.", LOCATION)},
                ("task_failed", "task_cancelled", *TASK),
            )
        },
        "/tasks/{task_id}/cancel": {
            "post": _operation(
                "Give a task up",
                "cancel",
                [ID],
                {200: ("TaskAnswer", "It is cancelled.", {})},
                ("already_final", *TASK),
            )
        },
        "/kinds": {
            "get": _operation("List the kinds", "kinds", [], {200: ("KindList", "All kinds.", {})}, ("invalid_query",))
        },
        "/kinds/{kind}": {
            "get": _operation(
                "Look at a kind",
                "kind",
                [_path("kind", {"type": "string", "examples": [DEFAULT_KIND]}, "A kind or one of its aliases.")],
                {200: ("KindAnswer", "The kind.", {})},
                ("kind_not_found", "invalid_query"),
            )
        },
        "/health": {"get": _operation("Is this process alive?", "health", [], {200: ("Health", "It is.", {})}, ())},
        "/ready": {
            "get": _operation(
                "Can it serve?", "ready", [], {200: ("Ready", "It can.", {})}, ("not_ready", "internal_error")
            )
        },
    }


# ── what a submission may be ──


def _request_body() -> dict[str, Any]:
    kinds = sorted(execute.kinds().values(), key=lambda kind: kind.NAME)
    examples = {kind.NAME: {"summary": kind.SUMMARY, "value": _example(kind)} for kind in kinds}
    branches = [{"$ref": REF.format(name=f"submit_{kind.NAME}")} for kind in kinds]
    return {"required": True, "content": {JSON: {"schema": {"oneOf": branches}, "examples": examples}}}


def _submissions(settings: Settings) -> dict[str, Any]:
    """A schema a kind: the envelope with its `kind` constant and its `data`. Only the default kind may be left out."""
    (_,), named = msgspec.json.schema_components([Envelope], ref_template=REF)
    fields = named["Envelope"]["properties"]
    _limit(fields["time_limit_s"], settings)
    schemas = {}
    for kind in execute.kinds().values():
        names = {"const": kind.NAME} if not kind.ALIASES else {"enum": [kind.NAME, *kind.ALIASES]}
        default = kind.NAME == DEFAULT_KIND
        schemas[f"{kind.NAME}_data"] = execute.schema(kind.NAME)
        schemas[f"submit_{kind.NAME}"] = {
            "type": "object",
            "title": kind.NAME,
            "description": kind.SUMMARY,
            "properties": fields
            | {"kind": names | ({"default": kind.NAME} if default else {})}
            | {"data": {"$ref": REF.format(name=f"{kind.NAME}_data")}},
            "required": ["data"] if default else ["kind", "data"],
            "additionalProperties": False,
        }
    return schemas


def _limit(field: dict[str, Any], settings: Settings) -> None:
    """Say what a job of this deployment may have of time: none may run longer than its whole task."""
    job_s, task_s = settings.part_time_limit_s, settings.task_time_limit_s
    (number,) = (branch for branch in field["anyOf"] if branch["type"] == "number")
    number["maximum"] = min(number["maximum"], task_s)
    said = f"None: {min(job_s, task_s):g}. A whole task has {task_s:g} s from the start of its first job."
    number["description"] += f" {said}"


def _example(kind: Kind) -> dict[str, Any]:
    return {"data": kind.EXAMPLE} if kind.NAME == DEFAULT_KIND else {"kind": kind.NAME, "data": kind.EXAMPLE}


# ── pieces ──


def _operation(
    summary: str,
    name: str,
    parameters: list[dict[str, Any]],
    good: dict[int, tuple[str, str, dict[str, Any]]],
    bad: tuple[str, ...],
) -> dict[str, Any]:
    responses = {str(status): _good(*said) for status, said in good.items()}
    for status in sorted({CODES[code].status for code in bad}):
        responses[str(status)] = _bad(status, bad)
    return {"summary": summary, "operationId": name, "parameters": parameters, "responses": responses}


def _good(schema: str, description: str, headers: dict[str, Any]) -> dict[str, Any]:
    content = {"schema": {"$ref": REF.format(name=schema)} if schema else {"type": "object"}}
    return {"description": description, "headers": headers | REQUEST_ID, "content": {JSON: content}}


def _bad(status: int, codes: tuple[str, ...]) -> dict[str, Any]:
    meanings = {code: CODES[code] for code in codes if CODES[code].status == status}
    retry = {"Retry-After": _header("Seconds.")} if any(m.retry_after_s for m in meanings.values()) else {}
    return {
        "description": " · ".join(f"`{code}`: {meaning.title}." for code, meaning in meanings.items()),
        "headers": retry | REQUEST_ID,
        "content": {MEDIA_TYPE: {"schema": {"$ref": REF.format(name="ProblemBody")}}},
    }


def _header(description: str) -> dict[str, Any]:
    return {"description": description, "schema": {"type": "string"}}


def _query(name: str, schema: dict[str, Any], description: str) -> dict[str, Any]:
    return {"name": name, "in": "query", "schema": schema, "description": description}


def _path(name: str, schema: dict[str, Any], description: str) -> dict[str, Any]:
    return {"name": name, "in": "path", "required": True, "schema": schema, "description": description}


def _wait(settings: Settings) -> list[dict[str, Any]]:
    limit = settings.wait_limit_s
    prefer = {"type": "string", "examples": ["wait=10"]}
    return [
        _query("wait", {"type": "number", "minimum": 0, "maximum": limit}, "Seconds to wait for the task's end."),
        {
            "name": "Prefer",
            "in": "header",
            "schema": prefer,
            "description": f"`wait=N`: the same as a header (RFC 7240); at most {limit:g} s are applied.",
        },
    ]


def _list() -> list[dict[str, Any]]:
    names = [name for kind in execute.kinds().values() for name in (kind.NAME, *kind.ALIASES)]
    limit = {"type": "integer", "minimum": 1, "maximum": MOST, "default": LIMIT}
    return [
        _query("state", {"enum": list(STATES)}, "Only tasks in this state."),
        _query("kind", {"enum": sorted(names)}, "Only tasks of this kind (or alias)."),
        _query("cursor", {"type": "string", "pattern": TASK_ID.pattern}, "Where the page before ended."),
        _query("limit", limit, "Most tasks of a page."),
    ]


REQUEST_ID = {"X-Request-ID": _header("The request in the logs; yours when you sent a valid one.")}
LOCATION = {"Location": _header("The task."), "Retry-After": _header("Seconds.")}
IDEMPOTENCY_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "schema": {"type": "string", "pattern": '^("[ !#-~]{1,255}"|[!#-~]([ !#-~]{0,253}[!#-~])?)$'},
    "description": "1 to 255 printable characters, in quotes or bare. Key and body make one task, for 24 hours.",
}
ID = _path("task_id", {"type": "string"}, "As POST /tasks answered it.")
