"""How we say no: whatever was raised becomes a Problem, a Problem becomes an answer.

An error is `application/problem+json` (RFC 9457) with our own members: `code` for programs, `detail` for
people, `hint` for what to do next, `errors` for each field that is wrong, `request_id` for the logs.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from msgspec import Struct
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Match, Route

from calc.errors import CalcError, Fault, InvalidData, UnknownKind
from gateway.codes import CODES, Code
from gateway.shapes import Failure
from pipeline.errors import StoreAway

MEDIA_TYPE = "application/problem+json"
MOST_FAULTS = 100  # a matrix can have a million wrong cells; nobody reads further than this
LONGEST_VALUE = 200  # characters of a wrong value that are sent back
FULL = "maxmemory"  # stands in what Redis answers, in every version, when it has no memory left
NOTHING_LOST = (
    "The task store does not answer. Nothing that was accepted is known to be lost; this request may be sent again: "
    "with an Idempotency-Key it can never be done twice."
)


class FieldFault(Struct, frozen=True, omit_defaults=True):
    """One field that is wrong: where (JSON path and JSON pointer), what was sent, and what would be right."""

    path: str
    pointer: str
    detail: str
    value: Any = None
    allowed: str = ""
    code: str = ""


class ProblemBody(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """The body of every error. `type` is a relative link to the page that explains the code."""

    type: str
    title: str
    status: int
    code: str
    detail: str
    hint: str = ""
    errors: list[FieldFault] = []
    did_you_mean: str = ""
    retry_after_s: int = 0
    task_id: str = ""
    error: Failure | None = None
    wrong: list[str] = []
    request_id: str


class Problem(Exception):
    """An answer that is an error. Raise it anywhere in a request; edge.py turns it into the answer."""

    def __init__(
        self,
        code: str,
        detail: str,
        *,
        hint: str = "",
        faults: Sequence[Fault] = (),
        did_you_mean: str = "",
        task_id: str = "",
        error: Failure | None = None,
        wrong: Sequence[str] = (),
        retry_after_s: int = 0,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.code, self.detail, self.hint = code, detail, hint
        self.faults, self.did_you_mean = faults, did_you_mean
        self.task_id, self.error, self.wrong = task_id, error, wrong
        self.headers = headers or {}
        self.retry_after_s = retry_after_s or self.meaning.retry_after_s

    @property
    def meaning(self) -> Code:
        """The entry of its code; a kind's own code is a kind of refusal."""
        return CODES.get(self.code, CODES["refused"])

    @property
    def path(self) -> str:
        """The first field that is wrong, for the log; "" when no field is."""
        return self.faults[0].path if self.faults else ""


def answer(problem: Problem, request_id: str) -> Response:
    """The problem as a response."""
    meaning = problem.meaning
    headers = dict(problem.headers)
    if problem.retry_after_s:
        headers["Retry-After"] = str(problem.retry_after_s)
    body = ProblemBody(
        type=f"/docs/errors#{problem.code if problem.code in CODES else 'refused'}",
        title=meaning.title,
        status=meaning.status,
        code=problem.code,
        detail=problem.detail,
        hint=problem.hint or meaning.hint,
        errors=[field(fault) for fault in problem.faults[:MOST_FAULTS]],
        did_you_mean=problem.did_you_mean,
        retry_after_s=problem.retry_after_s,
        task_id=problem.task_id,
        error=problem.error,
        wrong=list(problem.wrong),
        request_id=request_id,
    )
    return Response(msgspec.json.encode(body), meaning.status, headers, MEDIA_TYPE)


# ── what others raise, as a problem ──


def of(wrong: Exception, request: Request) -> Problem:
    """Whatever was raised, as a problem. What we do not know is a fault of ours; its text goes to the log only."""
    if isinstance(wrong, Problem):
        return wrong
    if isinstance(wrong, CalcError):
        return of_calculation(wrong)
    if isinstance(wrong, StoreAway):
        if FULL in str(wrong):
            return Problem("store_full", "The store has no memory left and takes no writes. Nothing was accepted.")
        return Problem("store_unavailable", NOTHING_LOST)
    if isinstance(wrong, HTTPException) and wrong.status_code == CODES["no_such_path"].status:
        return nothing_at(request)
    if isinstance(wrong, HTTPException) and wrong.status_code == CODES["method_not_allowed"].status:
        return _method(request)
    return Problem("internal_error", "The request could not be answered. Its id leads to the reason in our log.")


def nothing_at(request: Request) -> Problem:
    """No resource has the address of this request."""
    return Problem("no_such_path", f"There is nothing at {request.scope['path'][:LONGEST_VALUE]!r}.")


def of_calculation(wrong: CalcError) -> Problem:
    """What calc refused at submission."""
    if isinstance(wrong, UnknownKind):
        return unknown_kind(wrong, "unknown_kind")
    if isinstance(wrong, InvalidData):
        return invalid(wrong.faults, wrong.code)
    return Problem(wrong.code, wrong.message)


def unknown_kind(wrong: UnknownKind, code: str) -> Problem:
    """No such kind, with the nearest name and the first of those that exist."""
    fault = Fault("$.kind", wrong.message, wrong.kind, ", ".join(wrong.known[:12]))
    return Problem(code, wrong.message, faults=[fault], did_you_mean=wrong.nearest)


def invalid(faults: Sequence[Fault], code: str) -> Problem:
    """Fields that are wrong: the first is the detail, all of them are listed."""
    first = faults[0]
    if first.code == "malformed_json":
        return Problem("malformed_json", f"The body {first.detail}.")
    least = "at least " if len(faults) == MOST_FAULTS else ""  # calc.faults has not looked further
    more = f" (and {least}{len(faults) - 1} more)" if len(faults) > 1 else ""
    meant = next((found[1] for fault in faults if (found := _MEANT.search(fault.detail))), "")
    return Problem(code, f"{first.path} {first.detail}{more}", faults=faults, did_you_mean=meant)


# ── pieces ──

# What may have been meant stands in the sentence for people; programs get it as a member.
_MEANT = re.compile(r"[Dd]id you mean '?([^'?]+)'?\?")


def _method(request: Request) -> Problem:
    """Starlette names the methods of the first route at a path; two of ours can share one. (`/tasks/batch` fits
    `/tasks/{task_id}` too, but is no task.)"""
    scope = request.scope
    routes = [
        route for route in request.app.routes if isinstance(route, Route) and route.matches(scope)[0] != Match.NONE
    ]
    same = (route for route in routes if route.path == routes[0].path)
    allowed = ", ".join(sorted({method for route in same for method in route.methods or ()}))
    return Problem("method_not_allowed", f"{request.method} is not one of {allowed}.", headers={"Allow": allowed})


def field(fault: Fault) -> FieldFault:
    """A fault as an answer tells it."""
    return FieldFault(fault.path, fault.pointer, fault.detail, _short(fault.value), fault.allowed, fault.code)


def _short(value: Any) -> Any:
    """The value as it was sent, unless it is long: then the beginning of its JSON."""
    if value is None or isinstance(value, bool | int | float):
        return value
    text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
    return value if len(text) <= LONGEST_VALUE else text[:LONGEST_VALUE] + "…"
