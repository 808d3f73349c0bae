"""The OpenAPI 3.1 document: made from the types that the routes decode and encode, so that it cannot say otherwise.

Envelope ─┐                          ┌─▶ request body: one branch a kind, `kind` constant    openapi_bodies
kinds ────┼─ schema_components ──────┼─▶ components
answers ──┘                          └─▶ responses, with every code that a route can give    openapi_pieces
"""

from typing import Any

import msgspec

from calc import DEFAULT_KIND
from gateway import openapi_bodies, openapi_dashboard, openapi_operations, openapi_security, openapi_webhooks
from gateway.batch_results import FORMATS, ResultLine
from gateway.openapi_links import OF_BATCH, OF_TASK
from gateway.openapi_pieces import (
    APPLIED,
    BARE,
    BATCH_ID,
    BATCH_LOCATION,
    ETAG,
    ID,
    IDEMPOTENCY_KEY,
    IF_NONE_MATCH,
    LAST_EVENT_ID,
    LOCATION,
    REF,
    REPLAYED,
    RETRY_AFTER,
    SHORT,
    UNCHANGED,
    Good,
    Made,
    filters,
    operation,
    path,
    query,
    reason,
    stream,
    text,
    two_forms,
    wait,
)
from gateway.problems import ProblemBody
from gateway.routes.batches import LABEL, BatchAccepted, BatchAnswer, BatchList
from gateway.routes.health import Health, Ready
from gateway.routes.kinds import KindAnswer, KindList
from gateway.routes.tasks import Valid
from gateway.routes.watch import ProgressEvent, StateEvent
from gateway.shapes import Accepted, TaskAnswer, TaskList
from gateway.short_bodies import Cancel
from pipeline import log
from pipeline.receiver import LONGEST
from pipeline.settings import Settings

ANSWERS = (
    *(Accepted, TaskAnswer, TaskList, Valid, BatchAccepted, BatchAnswer, BatchList, ResultLine, StateEvent),
    *(ProgressEvent, Cancel, KindList, KindAnswer, Health, Ready, ProblemBody, *openapi_operations.ANSWERS),
    *openapi_dashboard.ANSWERS,
    *openapi_webhooks.ANSWERS,
)
ANYWHERE = ("unauthenticated", "forbidden", "cross_site", "rate_limited", "store_unavailable", "internal_error")
TASK = ("unknown_task", "task_expired", "invalid_query", *ANYWHERE)
BATCH = ("unknown_batch", "invalid_query", *ANYWHERE)
BODY = ("malformed_json", "bad_header", "body_too_large", "unsupported_media_type", "invalid_request", "bodies_waiting")
CHECKED = (*BODY, "invalid_data", "refused", "unknown_kind", "invalid_query", *ANYWHERE)
ROOM = ("idempotency_mismatch", "backlog_full", "quota_full", "store_full")
SUBMIT = (*CHECKED, *ROOM, "task_expired")
AGAIN = (*TASK, *ROOM, *BARE, "bad_header", "invalid_request", "invalid_data", "refused", "unknown_kind")
SUBMITTED = Good("Accepted", "It is in the store.", LOCATION | REPLAYED, links=OF_TASK)
WAITED = Good("TaskAnswer", "It was waited for, or an equal calculation had the result.", APPLIED | REPLAYED)


def document(settings: Settings) -> dict[str, Any]:
    """The document for this deployment's kinds and limits."""
    _, components = msgspec.json.schema_components(ANSWERS, ref_template=REF)
    components["KindAnswer"]["properties"]["schema"] = {"type": "object", "description": "JSON Schema of `data`."}
    outputs = {"description": "The kind's named outputs; null until the task has succeeded."}
    components["TaskAnswer"]["properties"]["result"] = outputs
    components["ResultLine"]["properties"] |= {
        "result": outputs,
        "error": {"description": "Code and message, or null."},
    }
    components["Valid"]["properties"]["data"] = {
        "type": "object",
        "description": "Complete: as it would be calculated.",
    }
    paths = _tasks(settings) | _again(settings) | _batches() | _system()
    for more in (openapi_operations.paths(ANYWHERE, TASK, ID), openapi_dashboard.paths(ANYWHERE, TASK, ID)):
        for address, methods in more.items():
            paths[address] = paths.get(address, {}) | methods
    paths |= openapi_webhooks.paths(ANYWHERE)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Headrace",
            "version": log.VERSION,
            "description": "Financial calculations by many processes: submit a task, get one right answer.",
        },
        "servers": [{"url": "/"}],
        "paths": openapi_security.secured(paths),
        "components": {
            "schemas": components | openapi_bodies.schemas(settings),
            "securitySchemes": openapi_security.SCHEMES,
        },
    }


def _tasks(settings: Settings) -> Made:
    waiting = wait(settings)
    submitted = {202: SUBMITTED, 200: WAITED}
    body = openapi_bodies.of_task()
    valid = {200: Good("Valid", "It would be accepted.")}
    look = {200: Good("TaskAnswer", "The task.", ETAG | APPLIED | RETRY_AFTER), 304: UNCHANGED}
    result = {
        200: Good("", "The kind's named outputs.", ETAG | APPLIED, content=two_forms()),
        202: Good("TaskAnswer", "There is none yet.", LOCATION | APPLIED),
        304: UNCHANGED,
    }
    return {
        "/tasks": {
            "post": operation("Submit a task", "submit", [*waiting, IDEMPOTENCY_KEY], submitted, SUBMIT, body),
            "get": operation(
                "List tasks, newest first",
                "list",
                filters(),
                {200: Good("TaskList", "A page.")},
                ("invalid_query", *ANYWHERE),
            ),
        },
        "/tasks/validate": {
            "post": operation("Check a task, submit nothing", "validate", [IDEMPOTENCY_KEY], valid, CHECKED, body)
        },
        "/tasks/{task_id}": {"get": operation("Look at a task", "look", [ID, *waiting, IF_NONE_MATCH], look, TASK)},
        "/tasks/{task_id}/result": {
            "get": operation(
                "Get nothing but the result",
                "result",
                [ID, *waiting, IF_NONE_MATCH],
                result,
                ("not_acceptable", "task_failed", "task_cancelled", *TASK),
            )
        },
        "/tasks/{task_id}/events": {"get": _events()},
        "/tasks/{task_id}/cancel": {
            "post": operation(
                "Give a task up",
                "cancel",
                [ID],
                {200: Good("TaskAnswer", "It is cancelled.")},
                ("already_final", *SHORT, *TASK),
                reason(),
            )
        },
    }


def _again(settings: Settings) -> Made:
    again = [ID, *wait(settings), IDEMPOTENCY_KEY]
    submitted = {202: SUBMITTED, 200: WAITED}
    return {
        "/tasks/{task_id}/rerun": {
            "post": operation(
                "Calculate again what succeeded, and compare", "rerun", again, submitted, ("not_succeeded", *AGAIN)
            )
        },
        "/tasks/{task_id}/retry": {
            "post": operation(
                "Try again what failed or was cancelled", "retry", again, submitted, ("not_failed", *AGAIN)
            )
        },
        "/dead-letters/{letter_id}/retry": {
            "post": operation(
                "Try a dead letter's task again",
                "retry_letter",
                [openapi_operations.LETTER, *again[1:]],
                submitted,
                ("unknown_letter", "not_failed", *AGAIN),
            )
        },
    }


def _events() -> Made:
    told = "Server-sent events: `state`, `progress` and at last `end`, which is the task; their data are JSON."
    content = stream(told, state="StateEvent", progress="ProgressEvent", end="TaskAnswer")
    good = {200: Good("", "What happens to the task.", content=content), 204: Good("nothing", "All has been told.")}
    return operation("Watch a task", "events", [ID, LAST_EVENT_ID], good, TASK)


def _batches() -> Made:
    looked = {200: Good("BatchAnswer", "The batch and its counts.")}
    label = query("label", {"type": "string", "maxLength": LABEL}, "A name of your own for lists.")
    atomic = query("atomic", {"enum": ["false", "true"], "default": "false"}, "All tasks are accepted, or none.")
    told = "Who is told when all of it has ended: an https URL."
    webhook = query("webhook", {"type": "string", "format": "uri", "maxLength": LONGEST}, told)
    wanted = query(
        "format", {"enum": list(FORMATS), "default": next(iter(FORMATS))}, "As lines of JSON, or as a table."
    )
    streams = text("application/x-ndjson", "The tasks.", line="ResultLine")
    streams |= text("text/csv", "A header, then a task a row.")
    return {
        "/tasks/batch": {
            "post": operation(
                "Submit many tasks",
                "submit_batch",
                [atomic, label, webhook, IDEMPOTENCY_KEY],
                {202: Good("BatchAccepted", "What is right is in the store.", BATCH_LOCATION, links=OF_BATCH)},
                (*BODY, *ROOM, "invalid_data", "batch_rejected", "invalid_query", *ANYWHERE),
                openapi_bodies.of_batch(),
            )
        },
        "/batches": {
            "get": operation(
                "List batches, newest first",
                "batches",
                [],
                {200: Good("BatchList", "The newest hundred.")},
                ("invalid_query", *ANYWHERE),
            )
        },
        "/batches/{batch_id}": {"get": operation("Look at a batch", "batch", [BATCH_ID], looked, BATCH)},
        "/batches/{batch_id}/results": {
            "get": operation(
                "Get the results of a batch",
                "batch_results",
                [BATCH_ID, wanted],
                {200: Good("", "The tasks that have ended, in the order of their lines.", content=streams)},
                BATCH,
            )
        },
        "/batches/{batch_id}/cancel": {
            "post": operation("Give a batch up", "cancel_batch", [BATCH_ID], looked, (*SHORT, *BATCH), reason())
        },
    }


def _system() -> Made:
    kind = path("kind", {"type": "string", "examples": [DEFAULT_KIND]}, "A kind or one of its aliases.")
    return {
        "/kinds": {
            "get": operation("List the kinds", "kinds", [], {200: Good("KindList", "All kinds.")}, ("invalid_query",))
        },
        "/kinds/{kind}": {
            "get": operation(
                "Look at a kind",
                "kind",
                [kind],
                {200: Good("KindAnswer", "The kind.")},
                ("kind_not_found", "invalid_query"),
            )
        },
        "/health": {"get": operation("Is this process alive?", "health", [], {200: Good("Health", "It is.")}, ())},
        "/ready": {
            "get": operation(
                "Can it serve?", "ready", [], {200: Good("Ready", "It can.")}, ("not_ready", "internal_error")
            )
        },
    }
