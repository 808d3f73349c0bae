"""What the dashboard asks for, in the OpenAPI document: stream, series, failures, a task's story, the session."""

from typing import Any

import msgspec

from gateway import bulk
from gateway.dashboard.acts import MOST, ActList
from gateway.dashboard.bars import MOST_BARS, SpanList
from gateway.dashboard.failures import FailureList
from gateway.dashboard.followed import Following
from gateway.dashboard.frame import Frame, Snapshot
from gateway.dashboard.series import Series
from gateway.dashboard.starts import MarkList
from gateway.dashboard.system import SystemAnswer
from gateway.openapi_pieces import JSON, SHORT, Good, Made, filters, header, operation, query, ref, stream
from gateway.queries import TASK_ID
from gateway.routes.dashboard import LATEST_MS, Visit
from gateway.routes.failures import Bulk, Purged, PurgeLetters, RetryGroup, TaskCount
from gateway.routes.session import Login, SessionAnswer
from gateway.routes.story import Curve, Story

ANSWERS = (
    *(
        Frame,
        Snapshot,
        Following,
        Series,
        SpanList,
        FailureList,
        MarkList,
        ActList,
        SystemAnswer,
        Curve,
        Story,
        Login,
        SessionAnswer,
    ),
    *(Visit, RetryGroup, Bulk, PurgeLetters, Purged, TaskCount, bulk.BulkAnswer),
)
COOKIE = {"Set-Cookie": header("headrace_session: HttpOnly, SameSite=Strict.")}


def paths(anywhere: tuple[str, ...], task: tuple[str, ...], task_id: Made) -> Made:
    """The operations of the dashboard."""
    asked = ("invalid_query", *anywhere)
    return _live(asked) | _failures(asked) | _of_a_task(task, task_id) | _session(asked)


def _live(asked: tuple[str, ...]) -> Made:
    since, until = _moment("since_ms", "From when on."), _moment("until_ms", "Until when; now.")
    most = {"type": "integer", "minimum": 1, "maximum": MOST_BARS, "default": MOST_BARS}
    limit = query("limit", most, "Most bars.")
    acts = query("limit", {"type": "integer", "minimum": 1, "maximum": MOST, "default": 50}, "Most acts.")
    task = query("task", {"type": "string", "pattern": TASK_ID.pattern}, "A task to be told of, too.")
    told = "Server-sent events: `snapshot` once, `frame` each second, `task` when it has changed, `bye` at a stop."
    events = stream(told, ids=False, snapshot="Snapshot", frame="Frame", task="Following")
    good = {200: Good("", "What happens, as it happens.", content=events)}
    codes = ("unknown_task", "task_expired", "tabs_full", *asked)
    return {
        "/dashboard/stream": {"get": operation("Watch everything", "dashboard_stream", [task], good, codes)},
        "/dashboard/frame": {
            "get": operation(
                "Look at everything, where no stream gets through",
                "dashboard_frame",
                [task],
                {200: Good("Visit", "What the stream would say.")},
                codes,
            )
        },
        "/minutes": {
            "get": operation(
                "Look at the last minutes, by kind", "minutes", [since], {200: Good("Series", "A series.")}, asked
            )
        },
        "/spans": {
            "get": operation(
                "See who computed what, when",
                "spans",
                [since, until, limit],
                {200: Good("SpanList", "Bars, a row a child.")},
                asked,
            )
        },
        "/starts": {
            "get": operation(
                "See when processes began, and with which version",
                "starts",
                [since],
                {200: Good("MarkList", "What changed, and when.")},
                asked,
            )
        },
        "/audit": {
            "get": operation(
                "See what people did", "audit", [acts], {200: Good("ActList", "The last acts first.")}, asked
            )
        },
        "/system": {
            "get": operation(
                "Look at store, gateways, consumers, settings", "system", [], {200: Good("SystemAnswer", "All.")}, asked
            )
        },
    }


def _failures(asked: tuple[str, ...]) -> Made:
    since = _moment("since_ms", "From when on; the last 24 hours.")
    done = {200: Good("BulkAnswer", "What became of them.")}
    room = ("count_changed", "store_full", *SHORT, *asked)
    group = RetryGroup("f616cf0f7f943dac", 412)
    which = [each for each in filters() if each["name"] not in ("cursor", "limit")]
    return {
        "/failures": {
            "get": operation(
                "Group failures by cause", "failures", [since], {200: Good("FailureList", "The groups.")}, asked
            )
        },
        "/failures/retry": {
            "post": operation("Try a group again", "retry_failures", [], done, room, _body("RetryGroup", group))
        },
        "/tasks/bulk": {
            "post": operation(
                "Cancel or retry all that fit",
                "bulk",
                [],
                done,
                room,
                _body("Bulk", Bulk("cancel", {"state": "queued"}, 0)),
            )
        },
        "/tasks/count": {
            "get": operation("Count tasks", "count", which, {200: Good("TaskCount", "How many fit.")}, asked)
        },
        "/dead-letters/purge": {
            "post": operation(
                "Remove every dead letter",
                "purge_letters",
                [],
                {200: Good("Purged", "They are removed.")},
                ("count_changed", *SHORT, *asked),
                _body("PurgeLetters", PurgeLetters(0)),
            )
        },
    }


def _of_a_task(task: tuple[str, ...], task_id: Made) -> Made:
    return {
        "/tasks/{task_id}/curve": {
            "get": operation(
                "See how the estimate came near the result",
                "curve",
                [task_id],
                {200: Good("Curve", "A point a fold.")},
                task,
            )
        },
        "/tasks/{task_id}/data": {
            "get": operation("Get what was asked", "data", [task_id], {200: Good("", "The complete data.")}, task)
        },
        "/tasks/{task_id}/history": {
            "get": operation(
                "Get what happened to it", "history", [task_id], {200: Good("Story", "Lines and jobs.")}, task
            )
        },
    }


def _session(asked: tuple[str, ...]) -> Made:
    who = {200: Good("SessionAnswer", "Who asks.")}
    begun = {200: Good("SessionAnswer", "The cookie is set.", COOKIE)}
    return {
        "/session": {
            "get": operation("Who am I?", "session", [], who, asked),
            "post": operation(
                "Keep a key in the browser",
                "begin_session",
                [],
                begun,
                ("cross_site", *SHORT, *asked),
                _body("Login", Login("hr_viewer_0000AAAA_…")),
            ),
            "delete": operation(
                "Forget it", "end_session", [], {204: Good("nothing", "The cookie goes.", COOKIE)}, asked
            ),
        }
    }


def _moment(name: str, description: str) -> Made:
    return query(
        name, {"type": "integer", "minimum": 0, "maximum": LATEST_MS}, f"{description} Milliseconds since 1970."
    )


def _body(schema: str, example: Any) -> Made:
    shown = {"example": {"summary": "An example", "value": msgspec.to_builtins(example)}}
    return {"required": True, "content": {JSON: {"schema": ref(schema), "examples": shown}}}
