"""A frame: what the dashboard shows now, of a whole fleet or of what one owner may see. Bounded, whatever there is."""

import contextlib
from typing import TypeVar

import msgspec
from msgspec import Struct

from gateway import answers, fleet
from gateway.dashboard.series import Series, Times
from gateway.fleet import LostAnswer, Owners, QueueAnswer, WorkerAnswer
from gateway.shapes import TaskSummary
from pipeline.record import Beat, Task
from pipeline.views import Span

RUNNING = 8  # tasks, the oldest
MOST_SPANS = 200  # jobs that ended since the frame before
RECENT_MS = 60_000  # of spans in a snapshot
SERIES_MS = 15 * 60_000


class Strength(Struct, frozen=True):
    """The store: whether it answers, since when it has not, and the share of its memory that is used (0 without a
    limit)."""

    ok: bool
    away_since: str | None
    fullness: float


class Bar(Struct, frozen=True):
    """A job that somebody computed, or `jobs` of them that stand too close to be told apart."""

    consumer: str
    child: int
    pid: int | None
    task_id: str | None
    kind: str | None
    part: str | None
    from_ms: int
    to_ms: int
    outcome: str
    jobs: int = 1


class Rates(Struct, frozen=True):
    """Tasks that ended per second, in the last ten seconds; paths and scenarios that all processes simulated per
    second, by their consumers' heartbeats. Null until it is known."""

    finished_per_s: float | None
    by_kind: dict[str, float]
    paths_per_s: float | None = None


class Cost(Struct, frozen=True):
    """What the dashboard costs: tabs that listen at this gateway, commands a second that the store gets for them."""

    listeners: int
    commands_per_s: float


class Frame(Struct, frozen=True, kw_only=True):
    """One second. Counts and queues are the store's; rates and times are of the last minutes."""

    at: str
    store: Strength
    states: dict[str, int]
    queues: list[QueueAnswer]
    workers: list[WorkerAnswer]
    lost: list[LostAnswer]
    rates: Rates
    wait_ms: Times
    run_ms: Times
    error_rate: float | None
    failed_recently: int
    utilisation: float | None
    busy: int
    processes: int
    drain_s: float | None
    running: list[TaskSummary]
    spans: list[Bar]
    spans_left_out: bool
    versions: dict[str, list[str]]
    cost: Cost


class Snapshot(Frame, frozen=True, kw_only=True):
    """The first frame of a stream: with the last 15 minutes, and the jobs of the last one."""

    series: Series


F = TypeVar("F", bound=Frame)


def bar(span: Span, pids: dict[tuple[str, int], int], kind: str = "") -> Bar:
    """A job on its row; of the kind that is told beside it, or that it says itself. A child's pid is told while its
    consumer lives and the job is of its time."""
    pid = pids.get((span.consumer, span.child))
    to_ms = span.from_ms + round(span.ran_ms)
    return Bar(
        span.consumer,
        span.child,
        pid,
        span.task,
        kind or span.kind or None,
        span.job,
        span.from_ms,
        to_ms,
        span.outcome,
    )


def pids(beats: list[Beat]) -> dict[tuple[str, int], int]:
    """Consumer and number of a child → its pid."""
    return {(beat.name, number): child.get("pid", 0) for beat in beats for number, child in enumerate(beat.children)}


def running(tasks: list[Task], now_ms: int) -> list[TaskSummary]:
    """The tasks that run for longest. One of whose record a hand has taken something is left out."""
    told = []
    for task in sorted(tasks, key=lambda task: task.started_at or 0):
        with contextlib.suppress(msgspec.ValidationError):
            told.append(answers.summary(task, now_ms))
    return told


def only_of(owner: str, frame: F, owners: Owners) -> F:
    """A frame without what is another owner's: which tasks others have in the processes does not show."""
    workers, lost = fleet.only_of(owner, frame.workers, frame.lost, owners)
    spans = [each for each in frame.spans if owners.get(each.task_id or "", ("", ""))[0] == owner]
    return msgspec.structs.replace(frame, workers=workers, lost=lost, spans=spans)
