"""Every error code: its status and its words. No other file knows the status of an error.

`problems.py` answers with them, /docs/errors explains them, openapi.py lists them; a test raises each.
"""

from typing import NamedTuple


class Code(NamedTuple):
    """What stands behind a code. `meaning` is its entry on /docs/errors."""

    status: int
    title: str
    meaning: str
    hint: str = ""
    retry_after_s: int = 0


CODES: dict[str, Code] = {
    "malformed_json": Code(
        400,
        "The body is not JSON",
        "The body cannot be read as one JSON value in UTF-8. `detail` says where reading stopped. "
        "JSON has no NaN, no Infinity, no comments and no trailing commas.",
        "Shell quoting? Put the body in a file and send it with -d @task.json.",
    ),
    "bad_header": Code(
        400,
        "A header is not usable",
        "A request header that changes what is done has a value that is not allowed, so nothing was done.",
    ),
    "unauthenticated": Code(
        401,
        "Who is asking?",
        "The request has no API key or token, or one that is not accepted. Nothing was done.",
        "Send `Authorization: Bearer KEY`. Make a key:  make key ROLE=submitter",
    ),
    "forbidden": Code(
        403,
        "This role may not do that",
        "The key or token is good, but its role is not enough for this. `detail` says which role is.",
        "Roles: viewer, submitter, operator, admin; each may do what those before it may.",
    ),
    "cross_site": Code(
        403,
        "The request comes from another site",
        "A browser sent this request with a session, a password or rights that it sends by itself, and a page of "
        "another site made it do so, or it does not say which page. Nothing was done.",
        "Programs send `Authorization: Bearer KEY` and are not asked where they come from.",
    ),
    "no_such_path": Code(
        404,
        "There is nothing at this path",
        "No resource has this address. Addresses have no slash at their end.",
        "The addresses are listed at /docs.",
    ),
    "unknown_task": Code(
        404,
        "There is no such task",
        "No task with this id was ever accepted here. An id that was ours, but whose record is gone, answers 410.",
        "Copy the whole task_id from the answer to POST /tasks: 26 characters, upper-case letters and digits.",
    ),
    "unknown_queue": Code(
        404,
        "There is no such queue",
        "A queue is one of the three priorities: high, medium, low.",
        "GET /queues lists them.",
    ),
    "unknown_letter": Code(
        404,
        "There is no such dead letter",
        "No dead letter has this id, or it was removed.",
        "GET /dead-letters lists them.",
    ),
    "unknown_delivery": Code(
        404,
        "There is no such delivery",
        "No task or batch of this id has a webhook and has ended, or it was told or given up more than 7 days ago.",
        "GET /webhooks?state=given_up lists what was given up.",
    ),
    "unknown_secret": Code(
        404,
        "There is no such secret",
        "This owner has no webhook secret with this id, or it was removed.",
        "GET /webhook-secrets lists them.",
    ),
    "not_final": Code(
        409,
        "The task has not ended",
        "Only the record of a task that has ended can be removed.",
        "POST /tasks/{task_id}/cancel ends it.",
    ),
    "not_acceptable": Code(
        406,
        "No form of the result is acceptable",
        "The header `Accept` allows neither JSON nor MessagePack, or the result has a number that the form it allows "
        "cannot say. Weights (`;q=0.5`) and ranges (`*/*`) count.",
        "Leave Accept out, or send `Accept: application/json` or `Accept: application/msgpack`.",
    ),
    "count_changed": Code(
        409,
        "It is another number by now",
        "`expect_count` says how many a page showed. By now they are more or fewer, by over one in twenty (of dead "
        "letters: at all), so nothing was done.",
        "Look again, and send the number of now.",
    ),
    "unknown_batch": Code(
        404,
        "There is no such batch",
        "No batch with this id was ever accepted here, or its record is gone.",
        "Copy the whole batch_id from the answer to POST /tasks/batch.",
    ),
    "batch_rejected": Code(
        422,
        "No task of the batch was accepted",
        "Every line has something wrong, or one has and `atomic=true` was asked for. `wrong` says what, line by line.",
        "Without atomic=true the lines that are right are accepted.",
    ),
    "kind_not_found": Code(
        404,
        "There is no such kind",
        "GET /kinds/{kind} was asked for a name that is neither a kind nor an alias of one.",
        "GET /kinds lists every kind.",
    ),
    "method_not_allowed": Code(
        405,
        "This path does not take this method",
        "The address exists but not for this method. The header `Allow` says which it takes.",
    ),
    "already_final": Code(
        409,
        "The task has ended already",
        "A task that succeeded or failed cannot be cancelled. Cancelling a cancelled task again is fine (200).",
        "GET /tasks/{task_id} gives its result or its error.",
    ),
    "not_failed": Code(
        409,
        "The task has not failed",
        "POST /tasks/{task_id}/retry repeats a task that failed or was cancelled; this one did neither (yet).",
        "POST /tasks/{task_id}/rerun repeats a task that succeeded, and compares the results.",
    ),
    "not_succeeded": Code(
        409,
        "The task has not succeeded",
        "POST /tasks/{task_id}/rerun repeats a task that succeeded, to compare the results; this one has none.",
        "POST /tasks/{task_id}/retry repeats a task that failed or was cancelled.",
    ),
    "task_failed": Code(
        409,
        "The task failed, so it has no result",
        "GET /tasks/{task_id}/result was asked for a task that failed. `error` says why.",
        "GET /tasks/{task_id} tells the whole story.",
    ),
    "task_cancelled": Code(
        409,
        "The task was cancelled, so it has no result",
        "GET /tasks/{task_id}/result was asked for a task that was cancelled.",
        "Submit it again if the result is wanted after all.",
    ),
    "task_expired": Code(
        410,
        "The task has been forgotten",
        "This id was ours; the record was kept for the task's result_ttl_s after its end and has been removed.",
        "The same data and seed give the same result to the last bit: submit it again. Keep longer with result_ttl_s.",
    ),
    "body_too_large": Code(
        413,
        "The body is too large",
        "The body is longer than HEADRACE_BODY_LIMIT_BYTES. Reading stopped there and nothing was accepted.",
    ),
    "unsupported_media_type": Code(
        415,
        "The body is not declared as JSON",
        "POST /tasks takes `Content-Type: application/json` in UTF-8, not compressed; a batch may be "
        "`application/x-ndjson` as well.",
        "With curl: -H 'Content-Type: application/json'.",
    ),
    "invalid_request": Code(
        422,
        "The request has wrong fields",
        "The body is JSON, but its fields are not those of a submission. `errors` lists each with what is allowed.",
        "GET /docs shows the fields and an example of every kind.",
    ),
    "invalid_data": Code(
        422,
        "The data do not fit the kind",
        "`data` is not what this kind takes. `errors` lists every wrong field: place, value, and what is allowed.",
        "GET /kinds/{kind} gives the JSON Schema of its data and an example that works.",
    ),
    "refused": Code(
        422,
        "The calculation refuses its input",
        "Each field is fine by itself, but together they are not something that this kind can calculate. "
        "A kind may give a more exact `code`; `detail` says what is wrong and where. The same input is refused again.",
        "GET /kinds/{kind} says what the kind takes.",
    ),
    "unknown_kind": Code(
        422,
        "There is no such kind",
        "The submission names a kind that does not exist. `did_you_mean` is the most similar name.",
        "GET /kinds lists every kind.",
    ),
    "invalid_query": Code(
        422,
        "A query parameter is wrong",
        "A parameter after the `?` is unknown, repeated or has a value that is not allowed. `errors` lists each.",
    ),
    "idempotency_mismatch": Code(
        422,
        "The Idempotency-Key was used for another request",
        "This key belongs to a request with another body. A key is kept for 24 hours.",
        "A new request takes a new key; to repeat the old one, send exactly its body.",
    ),
    "rate_limited": Code(
        429,
        "Too many requests",
        "This owner has asked more often than HEADRACE_RATE_LIMIT allows. The header `RateLimit` says what is left.",
        "Submit many tasks in one request: POST /tasks/batch.",
        1,
    ),
    "quota_full": Code(
        429,
        "This owner's tasks have to end first",
        "The owner's tasks that have not ended have reached HEADRACE_UNFINISHED_LIMIT. Nothing was accepted.",
        "Wait until some have ended, or cancel some.",
        1,
    ),
    "backlog_full": Code(
        429,
        "Too many tasks are waiting",
        "The owner's tasks that wait at this priority have reached HEADRACE_BACKLOG_LIMIT. Nothing was accepted. "
        "Retry-After is the time in which one percent of that limit drains at the pace of the last two minutes, "
        "1 to 300 s; 60 s while nothing drains.",
        "Send it again after the pause that Retry-After names.",
        retry_after_s=60,
    ),
    "bodies_waiting": Code(
        429,
        "Too many large bodies at once",
        "This gateway reads and checks large bodies one after another, and as many bytes of them are here as eight "
        "bodies of HEADRACE_BODY_LIMIT_BYTES have. Nothing was accepted.",
        "Send it again after the pause that Retry-After names; another gateway may take it at once.",
        retry_after_s=2,
    ),
    "tabs_full": Code(
        429,
        "Too many tabs listen",
        "This gateway serves as many streams of the dashboard as it may.",
        "Close some, or come again: another gateway may have room.",
        5,
    ),
    "internal_error": Code(
        500,
        "A fault of ours",
        "Something happened that must not. It is in the log under the `request_id` of this answer.",
        "Please report it with its request_id.",
    ),
    "store_unavailable": Code(
        503,
        "The task store is away",
        "Redis does not answer, is loading, or refuses writes. Nothing that was accepted is known to be lost.",
        "Send it again after two seconds; an Idempotency-Key makes that safe.",
        retry_after_s=2,
    ),
    "store_full": Code(
        503,
        "The task store is full",
        "The store uses more of its memory than HEADRACE_FILL_LIMIT allows, or all of it. Submissions are refused, so "
        "that what runs can store its results; everything else is answered. Nothing was accepted.",
        "Memory comes back as tasks are forgotten (result_ttl_s); more of it is Redis' maxmemory.",
        retry_after_s=10,
    ),
    "not_ready": Code(
        503,
        "This gateway is not ready",
        "GET /ready: this process cannot serve now. `wrong` lists what is missing.",
        retry_after_s=2,
    ),
}

# What nginx answers by itself, before a gateway is asked; a test compares it with nginx's configuration.
PROXY_CODES: dict[str, Code] = {
    "bad_request": Code(400, "The request is not HTTP", "The request line or a header cannot be read as HTTP."),
    "wrong_password": Code(
        401,
        "The dashboard asks for user and password",
        "Port 5555 serves whoever has the user and password of HEADRACE_DASHBOARD_AUTH; `make up` prints them.",
    ),
    "uri_too_long": Code(414, "The address is too long", "The request line is longer than the proxy reads."),
    "headers_too_large": Code(431, "The headers are too large", "The headers are longer than the proxy reads."),
    "gateway_unreachable": Code(
        502,
        "No gateway answered",
        "The connection to every gateway that was tried broke. Whether the task was accepted is not known.",
        "Send it again with the same Idempotency-Key: it is then accepted once.",
        retry_after_s=1,
    ),
    "gateway_timeout": Code(
        504,
        "The gateway took too long",
        "A gateway took the request and did not answer in time. Whether the task was accepted is not known.",
        "Send it again with the same Idempotency-Key: it is then accepted once.",
        retry_after_s=1,
    ),
}

# The `code` in `error` of a task that failed: written by consumers and scripts, explained on /docs/errors.
TASK_ERRORS = {
    "internal_error": "The calculation has a bug. Its traceback is in the dead letter and in the consumer's log. "
    "It is not tried again, because the same data would break it again.",
    "child_died": "The computing process went down in every attempt, by a signal or with an exit code; "
    "`message` says how.",
    "memory_limit": "A job of the task needed more memory than HEADRACE_MEMORY_LIMIT_MB in every attempt. "
    "Ask for less at once, or allow more.",
    "time_limit": "A job of the task ran longer than time_limit_s in every attempt. Ask for less, or allow more.",
    "task_time_limit": "The whole task took longer than HEADRACE_TASK_TIME_LIMIT_S from the start of its first job.",
    "lost": "The store lost what the task needs, its data for example: by a hand in Redis, or by a failover to a "
    "server that had not everything. Submit it again.",
    "interrupted": "Consumers went away too often while they held a job of this task. Submit it again.",
    "attempts_spent": "A job of the task was taken as often as it may be, and never came to an end.",
    "deadline": "The deadline of the task came before any of its work was folded.",
}
