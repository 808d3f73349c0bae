"""What can go wrong, each by its name."""

from collections.abc import Mapping
from typing import Any


class HeadraceError(Exception):
    """Whatever goes wrong. `problem` is the answer's body (RFC 9457), or has its members where there was no answer."""

    def __init__(self, problem: Mapping[str, Any]) -> None:
        super().__init__(problem)
        self.problem = dict(problem)
        self.code = str(problem.get("code", ""))
        self.detail = str(problem.get("detail", ""))
        self.hint = str(problem.get("hint", ""))
        self.errors: list[dict[str, Any]] = list(problem.get("errors", ()))
        self.request_id = str(problem.get("request_id", ""))
        self.retry_after_s = float(problem.get("retry_after_s", 0))

    def __str__(self) -> str:
        fields = [f"{e['path']} {e['detail']}" for e in self.errors] if len(self.errors) > 1 else []
        lines = [f"{self.code}: {self.detail}", *fields, *self.problem.get("wrong", ()), self.hint]
        return "\n  ".join(line for line in lines if line)


class Refused(HeadraceError):
    """The same request would be refused again."""


class InvalidData(Refused):
    """Fields are wrong: `errors` lists each."""


class NotFound(Refused):
    """There is no such task, batch, kind, queue or dead letter: not for this key."""


class Expired(Refused):
    """The task was there; its record has been removed when its time was over."""


class Conflict(Refused):
    """The task's state does not allow it, or the Idempotency-Key belongs to another request."""


class Unauthenticated(Refused):
    """There is no API key, or one that is not known."""


class Forbidden(Refused):
    """The key is good, but its role is not enough."""


class TaskFailed(HeadraceError):
    """The task failed: `code` and `detail` say why; `problem["task"]` is what was told of it."""


class TaskCancelled(HeadraceError):
    """The task was cancelled before it had a result."""


class StillRunning(HeadraceError, TimeoutError):
    """Patience is over. The task goes on: wait again."""


class Busy(HeadraceError):
    """Not now, to the last: `retry_after_s` says when to ask again."""


class Away(HeadraceError):
    """Nobody answers."""


class Broken(HeadraceError):
    """A fault of theirs; or what answers is no Headrace."""


BY_STATUS: dict[int, type[HeadraceError]] = dict.fromkeys((408, 429, 502, 503, 504), Busy)
BY_STATUS |= {0: Away, 401: Unauthenticated, 403: Forbidden, 404: NotFound, 409: Conflict, 410: Expired, 500: Broken}
BY_CODE: dict[str, type[HeadraceError]] = {"idempotency_mismatch": Conflict, "batch_rejected": InvalidData}


def of(status: int, problem: Mapping[str, Any]) -> HeadraceError:
    """The exception of an answer that is a problem."""
    by_status = BY_STATUS.get(status, InvalidData if problem.get("errors") else Refused)
    return BY_CODE.get(str(problem.get("code")), by_status)(problem)
