"""The shapes in which tasks are told. The routes encode these types, and the document has their schemas.

Times are RFC 3339 in UTC with milliseconds, durations have their unit in the name; what is not known yet is null.
"""

from typing import Literal

from msgspec import Raw, Struct

from gateway.forecast import Forecast
from pipeline.record import Priority, State


class Links(Struct, frozen=True, omit_defaults=True):
    """Where to go from here. `cancel` is there as long as it can do something."""

    self: str
    result: str
    cancel: str = ""


class Progress(Struct, frozen=True):
    """How far a task is: parts done of all, the estimate from the folded ones, and seconds to go at this pace."""

    done: int
    parts: int
    fraction: float
    estimate: float | None
    standard_error: float | None
    eta_s: float | None


class Versions(Struct, frozen=True):
    """What computed the result, with `seed` and `sha256` all that reproduces it."""

    kind: int
    package: str


class Failure(Struct, frozen=True):
    """Why a task failed: a code for programs, a sentence for people. (A traceback stays in the dead letter.)"""

    code: str
    message: str


class Rerun(Struct, frozen=True):
    """Of which task this repeats the calculation, and whether the results are the same to the last bit: null until both
    are known."""

    of: str
    sha256: str | None
    same_bits: bool | None


class ForecastError(Struct, frozen=True):
    """What came, less what was foretold, in seconds; null where nothing was, or nothing has come yet."""

    wait_s: float | None
    run_s: float | None


class WebhookAnswer(Struct, frozen=True, kw_only=True):
    """Who is told of an end, and whether they have heard. `waiting`: nothing has ended yet; `pending`: it is tried
    until it is taken or given up; `forgotten`: it was one or the other, longer than 7 days ago."""

    url: str
    state: Literal["waiting", "pending", "delivered", "given_up", "forgotten"]
    attempts: int
    next_at: str | None
    last_at: str | None
    last_status: int | None
    last_error: str | None
    delivered_at: str | None


class Headline(Struct, frozen=True):
    """The first plain number of a result and its name; as text, so that it keeps its digits whoever reads it."""

    name: str
    value: str


class TaskSummary(Struct, frozen=True, kw_only=True):
    """A task as it stands in a list: all but its result."""

    task_id: str
    kind: str
    state: State
    priority: Priority
    label: str
    metadata: dict[str, str]
    owner: str
    batch_id: str | None
    custom_id: str | None
    submitted_at: str
    run_at: str | None
    started_at: str | None
    finished_at: str | None
    expires_at: str | None
    waited_ms: int
    why_waiting: str | None
    ran_ms: int | None
    attempts: int
    interruptions: int
    progress: Progress
    estimated: Forecast | None
    forecast_error: ForecastError | None
    stopped_at: str | None
    error: Failure | None
    cancel_reason: str | None
    seed: int | None
    versions: Versions | None
    sha256: str
    links: Links


class TaskListed(TaskSummary, frozen=True, kw_only=True):
    """A task of a list, with the first number of its result where that is not long."""

    headline: Headline | None


class TaskAnswer(TaskSummary, frozen=True, kw_only=True):
    """A task: the answer of GET /tasks/{task_id}, of a wait and of a cancel.

    `cached`: an equal calculation that was submitted before answers this submission. `result_sha256` is of the result's
    bytes.
    """

    cached: bool
    webhook: WebhookAnswer | None
    rerun: Rerun | None
    result_sha256: str | None
    result: Raw


class Accepted(Struct, frozen=True, kw_only=True):
    """The answer to a submission: where the task is and how to follow it."""

    task_id: str
    kind: str
    state: State
    priority: Priority
    label: str
    submitted_at: str
    cached: bool
    rerun_of: str | None
    estimated: Forecast | None
    links: Links


class TaskList(Struct, frozen=True, kw_only=True):
    """One page, newest first. `cursor` and `next` are null on the last page."""

    tasks: list[TaskListed]
    cursor: str | None
    next: str | None
