"""What the operations of the OpenAPI document are made of: parameters, headers, answers good and bad."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from calc import execute
from gateway import openapi_examples
from gateway.accept import OFFERED
from gateway.codes import CODES, PROXY_CODES
from gateway.filters import MOST_VALUES
from gateway.problems import MEDIA_TYPE
from gateway.queries import LIMIT, MOST, TASK_ID
from gateway.traits import CODE_PATTERN, LONGEST, TIMES_PATTERN
from pipeline.keys import PRIORITIES
from pipeline.record import STATES
from pipeline.settings import Settings

JSON = "application/json"
REF = "#/components/schemas/{name}"
Made = dict[str, Any]
NONE: Mapping[str, Any] = MappingProxyType({})
ALL = CODES | PROXY_CODES
BARE = ("unsupported_media_type",)  # of a change without a body, which a page asks for with the session's cookie
SHORT = ("malformed_json", "body_too_large", "unsupported_media_type", "invalid_request")  # of a short body, read whole


class Good(NamedTuple):
    """An answer: its schema ("" for a kind's named outputs), what it means, headers; `content` where it is no JSON;
    `links`: where its fields lead."""

    schema: str
    description: str
    headers: Mapping[str, Any] = NONE
    content: Mapping[str, Any] = NONE
    links: Mapping[str, Any] = NONE


def operation(
    summary: str,
    name: str,
    parameters: list[Made],
    good: dict[int, Good],
    bad: tuple[str, ...],
    body: Made | None = None,
) -> Made:
    """An operation with all its answers."""
    responses = {str(status): _good(answer) for status, answer in good.items()}
    if any(each.get("in") == "query" for each in parameters):
        bad = (*bad, "uri_too_long")  # nginx's, of what fits each parameter's schema
    for status in sorted({ALL[code].status for code in bad}):
        responses[str(status)] = _bad(status, bad)
    if "rate_limited" in bad:
        for answer in responses.values():
            answer["headers"] |= RATE_LIMIT
    said = {"summary": summary, "operationId": name, "parameters": parameters, "responses": responses}
    return said | ({"requestBody": body} if body else {})


def two_forms() -> Made:
    """A result, as `Accept` asks for it."""
    same = {"type": "object", "description": "The same as MessagePack: its numbers are the same doubles and integers."}
    return {JSON: {"schema": {"type": "object"}}} | {name: {"schema": same} for name in OFFERED if name != JSON}


def reason() -> Made:
    """The body of a cancel, which may be left out."""
    examples = {"why": {"summary": "With a reason", "value": {"reason": "wrong curve"}}}
    return {"required": False, "content": {JSON: {"schema": ref("Cancel"), "examples": examples}}}


def text(media_type: str, description: str, line: str = "") -> Made:
    """A text that is no JSON. `line`: the schema of each line, where each is a value by itself."""
    if not line:
        return {media_type: {"schema": {"type": "string", "description": description}}}
    return {media_type: {"schema": {"type": "array", "items": ref(line), "description": f"{description} One a line."}}}


def stream(description: str, *, ids: bool = True, **events: str) -> Made:
    """Server-sent events: the schema is of one event, the data of each are JSON of the schema that it names. `ids`:
    each has one, to go on behind it."""
    data = {"type": "string", "contentMediaType": JSON, "contentSchema": {"anyOf": [ref(e) for e in events.values()]}}
    fields = {"id": {"type": "string"}, "event": {"enum": list(events)}, "data": data}
    event = {
        "type": "object",
        "description": description,
        "properties": fields,
        "required": ["event", "data", *["id"] * ids],
    }
    return {"text/event-stream": {"schema": event}}


def ref(name: str) -> Made:
    """A schema by its name."""
    return {"$ref": REF.format(name=name)}


def header(description: str) -> Made:
    """A header of an answer."""
    return {"description": description, "schema": {"type": "string"}}


def query(name: str, schema: Made, description: str) -> Made:
    """A parameter after the `?`."""
    return {"name": name, "in": "query", "schema": schema, "description": description}


def path(name: str, schema: Made, description: str) -> Made:
    """A parameter in the path."""
    return {"name": name, "in": "path", "required": True, "schema": schema, "description": description}


def wait(settings: Settings) -> list[Made]:
    """How to wait."""
    limit = settings.wait_limit_s
    prefer = {"type": "string", "examples": ["wait=10"]}
    return [
        query("wait", {"type": "number", "minimum": 0, "maximum": limit}, "Seconds to wait for the task's end."),
        {
            "name": "Prefer",
            "in": "header",
            "schema": prefer,
            "description": f"`wait=N`: the same as a header (RFC 7240); at most {limit:g} s are applied.",
        },
    ]


def filters() -> list[Made]:
    """Which tasks are listed."""
    names = [name for kind in execute.kinds().values() for name in (kind.NAME, *kind.ALIASES)]
    limit = {"type": "integer", "minimum": 1, "maximum": MOST, "default": LIMIT}
    words = {"type": "string", "maxLength": LONGEST}
    time = {"type": "string", "maxLength": LONGEST, "pattern": TIMES_PATTERN, "examples": [">5s", "<200ms", "5s..1m"]}
    several: list[tuple[str, Made, str]] = [
        ("state", {"enum": list(STATES)}, "in this state"),
        ("kind", {"enum": sorted(names)}, "of this kind (or alias)"),
        ("batch", {"type": "string", "pattern": TASK_ID.pattern}, "of this batch"),
        ("owner", words, "of this owner, for those who see all"),
        ("error", {"type": "string", "pattern": CODE_PATTERN}, "that failed with this code"),
        ("priority", {"enum": list(PRIORITIES)}, "of this priority"),
        ("label", words, "with these words in their label, in small letters or capitals"),
        ("text", words, "with these words in id, label, custom id, metadata, error or (short) data"),
        ("waited", time, "that waited so long before they started"),
        ("ran", time, "that ran so long"),
    ]
    return [
        *(_several(name, schema, f"Only tasks {which}; of several values one.") for name, schema, which in several),
        *(_several(f"-{name}", schema, f"No tasks {which}.") for name, schema, which in several),
        query("since", {"type": "string", "format": "date-time"}, "Only tasks submitted then or later."),
        query("until", {"type": "string", "format": "date-time"}, "Only tasks submitted before."),
        query("cursor", {"type": "string", "pattern": TASK_ID.pattern}, "Where the page before ended."),
        query("limit", limit, "Most tasks of a page."),
    ]


def _several(name: str, schema: Made, description: str) -> Made:
    values = {"type": "array", "items": schema, "maxItems": MOST_VALUES}
    return query(name, values, description) | {"style": "form", "explode": True}


REQUEST_ID = {"X-Request-ID": header("The request in the logs; yours when you sent a valid one.")}
RATE_LIMIT = {"RateLimit": header("What is left to its owner, where HEADRACE_RATE_LIMIT is set.")}
CHALLENGE = {"WWW-Authenticate": header("Which credential is wanted.")}
RETRY_AFTER = {"Retry-After": header("Seconds.")}
REPLAYED = {"Idempotent-Replayed": header("`true`: an earlier request with this key was accepted.")}
APPLIED = {"Preference-Applied": header("How long `Prefer` made it wait at most.")}
LOCATION = {"Location": header("The task.")} | RETRY_AFTER
BATCH_LOCATION = {"Location": header("The batch.")} | RETRY_AFTER | REPLAYED
IDEMPOTENCY_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "schema": {"type": "string", "pattern": '^("[ !#-~]{1,255}"|[!#-~]([ !#-~]{0,253}[!#-~])?)$'},
    "description": "1 to 255 printable characters, in quotes or bare. Key and body make one task, for 24 hours.",
}
LAST_EVENT_ID = {
    "name": "Last-Event-ID",
    "in": "header",
    "schema": {"type": "string", "examples": ["2.17"]},
    "description": "The id of the last event that was seen: what came after it is told. Any gateway knows. "
    "After any other text all is told, from the beginning.",
}
IF_NONE_MATCH = {
    "name": "If-None-Match",
    "in": "header",
    "schema": {"type": "string"},
    "description": "The ETag of the answer that you have: 304 when nothing has changed since.",
}
ETAG = {"ETag": header("Names what is told, but for durations that still grow. For If-None-Match.")}
UNCHANGED = Good("nothing", "As If-None-Match knows it.", ETAG | APPLIED | RETRY_AFTER)
ID = path("task_id", {"type": "string", "pattern": TASK_ID.pattern}, "As POST /tasks answered it.")
BATCH_ID = path("batch_id", {"type": "string", "pattern": TASK_ID.pattern}, "As POST /tasks/batch answered it.")


def _good(answer: Good) -> Made:
    schema = ref(answer.schema) if answer.schema else {"type": "object"}
    said = {"description": answer.description, "headers": {**answer.headers, **REQUEST_ID}}
    if answer.schema == "nothing":
        return said
    if answer.links:
        said["links"] = answer.links
    return said | {"content": answer.content or {JSON: {"schema": schema}}}


def _bad(status: int, codes: tuple[str, ...]) -> Made:
    meanings = {code: ALL[code] for code in codes if ALL[code].status == status}
    more = RETRY_AFTER if any(m.retry_after_s for m in meanings.values()) else {}
    more |= CHALLENGE if "unauthenticated" in meanings else {}
    return {
        "description": " · ".join(f"`{code}`: {meaning.title}." for code, meaning in meanings.items()),
        "headers": more | REQUEST_ID,
        "content": {MEDIA_TYPE: {"schema": ref("ProblemBody"), "examples": openapi_examples.of(meanings)}},
    }
