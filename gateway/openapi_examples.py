"""An example of every error, in the OpenAPI document and on /docs/errors: each was answered so; a test compares."""

from collections.abc import Mapping
from typing import Any

import msgspec

from gateway.codes import Code
from gateway.found import GONE
from gateway.problems import NOTHING_LOST

Made = dict[str, Any]
TASK = "01KAX3V5Q27M9K2P0Z4DX1C8TQ"
REQUEST = "0f8b6c1e5d9a4c7f8e21b3a4d5c6f708"


def of(meanings: Mapping[str, Code]) -> Made:
    """An example of each of these errors, by its code."""
    return {code: {"summary": meaning.title, "value": problem(code, meaning)} for code, meaning in meanings.items()}


def problem(code: str, meaning: Code) -> Made:
    """The body of an error."""
    told = DETAILS[code]
    more: Made = {"detail": told} if isinstance(told, str) else dict(told)
    said: Made = {"type": f"/docs/errors#{code}", "title": meaning.title, "status": meaning.status, "code": code}
    said["detail"] = more.pop("detail")
    said |= {"hint": meaning.hint} if meaning.hint else {}
    said |= {"retry_after_s": meaning.retry_after_s} if meaning.retry_after_s else {}
    return said | more | {"request_id": REQUEST}


def text(code: str, meaning: Code) -> str:
    """The same for a page."""
    return msgspec.json.format(msgspec.json.encode(problem(code, meaning)), indent=2).decode()


def _field(path: str, detail: str, **more: Any) -> Made:
    pointer = "" if path.startswith("?") else path[1:].replace(".", "/")
    return {"path": path, "pointer": pointer, "detail": detail} | more


# Code → its detail, or its detail with the members that only it has.
DETAILS: dict[str, str | Made] = {
    "malformed_json": "The body is not valid JSON: Expecting ',' delimiter (line 3, column 18, before "
    "'\"rate\": 0.05}}').",
    "bad_header": "Idempotency-Key must be one text of 1 to 255 printable ASCII characters.",
    "unauthenticated": "There is no API key with this request.",
    "forbidden": "POST /queues/low/pause needs the role operator; key 7QX3M0AB is submitter.",
    "no_such_path": "There is nothing at '/jobs'.",
    "cross_site": "The request comes from a page of another site, or does not say from which.",
    "count_changed": "It was expected to be 412 and is 0 by now. Nothing was done.",
    "tabs_full": "256 tabs listen at this gateway, as many as may.",
    "wrong_password": "This port asks for the user and password of HEADRACE_DASHBOARD_AUTH; make up prints them.",
    "unknown_task": "No task with this id was ever accepted here.",
    "unknown_queue": {
        "detail": "There is no queue 'urgent': high, medium, low.",
        "errors": [_field("$.priority", "is no queue", value="urgent", allowed="high, medium, low", code="invalid")],
    },
    "unknown_letter": "There is no dead letter with this id (any more).",
    "unknown_delivery": "Nothing is or was owed to a webhook for a task or batch of this id.",
    "unknown_secret": "There is no secret with this owner and id (any more).",
    "not_final": {"detail": "The task is running.", "task_id": TASK},
    "unknown_batch": "No batch with this id was ever accepted here.",
    "batch_rejected": {
        "detail": "Line 1: $.data.rate is missing. Nothing was accepted.",
        "wrong": ["line 1: $.data.rate is missing"],
    },
    "kind_not_found": {
        "detail": "There is no kind 'var_cm'. Did you mean 'var_mc'?",
        "errors": [_field("$.kind", "There is no kind 'var_cm'. Did you mean 'var_mc'?", value="var_cm")],
        "did_you_mean": "var_mc",
    },
    "method_not_allowed": "PUT is not one of GET, HEAD, POST.",
    "not_acceptable": "Accept is 'text/csv'; a result is told as application/json or application/msgpack.",
    "already_final": {"detail": "The task has succeeded already.", "task_id": TASK},
    "not_failed": {"detail": "The task is running, not failed or cancelled.", "task_id": TASK},
    "not_succeeded": {"detail": "The task is failed, not succeeded.", "task_id": TASK},
    "task_failed": {
        "detail": "Child died: exit code 7.",
        "task_id": TASK,
        "error": {"code": "child_died", "message": "Child died: exit code 7."},
    },
    "task_cancelled": {"detail": "The task was cancelled before it had a result.", "task_id": TASK},
    "task_expired": {"detail": GONE, "task_id": TASK},
    "body_too_large": "The body is longer than 8,000,000 bytes. Nothing was accepted.",
    "unsupported_media_type": "Content-Type is 'text/plain', not application/json (and no charset but utf-8).",
    "invalid_request": {
        "detail": "$.priority must be one of high, medium, low",
        "errors": [
            _field(
                "$.priority",
                "must be one of high, medium, low",
                value="urgent",
                allowed="one of high, medium, low",
                code="invalid",
            )
        ],
    },
    "invalid_data": {
        "detail": "$.data.raet is not a field here: did you mean 'rate'? (and 1 more)",
        "errors": [
            _field(
                "$.data.raet",
                "is not a field here: did you mean 'rate'?",
                allowed="one of amount, rate, periods, years, schedule",
                code="unknown_field",
            ),
            _field("$.data.rate", "is missing", code="missing"),
        ],
        "did_you_mean": "rate",
    },
    "refused": "The covariance is not positive definite: its smallest eigenvalue is -0.02.",
    "unknown_kind": {
        "detail": "There is no kind 'var_cm'. Did you mean 'var_mc'?",
        "errors": [_field("$.kind", "There is no kind 'var_cm'. Did you mean 'var_mc'?", value="var_cm")],
        "did_you_mean": "var_mc",
    },
    "invalid_query": {
        "detail": "?stat is not a parameter here. Did you mean state?",
        "errors": [
            _field(
                "?stat",
                "is not a parameter here. Did you mean state?",
                allowed="state, kind, batch, owner, error, priority, label, text, waited, ran, -state, -kind,"
                " -batch, -owner, -error, -priority, -label, -text, -waited, -ran, since, until, cursor, limit, data.…,"
                " result.…",
                code="invalid",
            )
        ],
        "did_you_mean": "state",
    },
    "idempotency_mismatch": {"detail": f"This key made {TASK} from another request.", "task_id": TASK},
    "rate_limited": "risk-desk may ask 10 times a second, 50 times at once. Nothing was done.",
    "quota_full": "1,000 tasks of risk-desk have not ended, as many as may. Nothing was accepted. Ask again in 1 s.",
    "backlog_full": "100,000 tasks of risk-desk are waiting at priority low, as many as may; no task has ended in the "
    "last minutes. Nothing was accepted. Ask again in 60 s.",
    "bodies_waiting": "Large bodies of 60,000,000 bytes are being read and checked, of at most 64,000,000. "
    "Nothing was accepted.",
    "internal_error": "The request could not be answered. Its id leads to the reason in our log.",
    "store_unavailable": NOTHING_LOST,
    "store_full": "The store is 91 % full, and above 90 % nothing more is accepted, so that what runs can store its "
    "results. Nothing was accepted.",
    "not_ready": {"detail": "the task store does not answer.", "wrong": ["the task store does not answer"]},
    "bad_request": "The request is not valid HTTP.",
    "uri_too_long": "The request line is too long.",
    "headers_too_large": "The request's headers are too long.",
    "gateway_unreachable": "No gateway answered. With an Idempotency-Key it is safe to send the request again.",
    "gateway_timeout": "The gateway did not answer in time. With an Idempotency-Key it is safe to send the request "
    "again.",
}
