"""What a task and a job are, and which way a task may go: the state machine is data.

    scheduled ──▶ queued ──▶ running ──▶ succeeded | failed | cancelled     (the last three are final)

Expired is no state: the record is gone. Times are milliseconds since 1970 by Redis' clock (I15).
"""

from typing import Any, Literal, TypedDict

from msgspec import Struct

from pipeline.apikeys import HOME

State = Literal["scheduled", "queued", "running", "succeeded", "failed", "cancelled"]
Priority = Literal["high", "medium", "low"]

STATES: tuple[State, ...] = ("scheduled", "queued", "running", "succeeded", "failed", "cancelled")
FINAL: frozenset[State] = frozenset(("succeeded", "failed", "cancelled"))

# (state, verb) → state. What is not here changes nothing (I4): the scripts are tested against this table.
TRANSITIONS: dict[tuple[State | None, str], State | None] = {
    (None, "submit"): "queued",
    (None, "submit later"): "scheduled",
    ("scheduled", "promote"): "queued",
    ("queued", "take"): "running",
    ("running", "finish"): "succeeded",
    ("running", "fail"): "failed",
    ("running", "bury"): "failed",
    ("running", "limit"): "failed",
    ("scheduled", "cancel"): "cancelled",
    ("queued", "cancel"): "cancelled",
    ("running", "cancel"): "cancelled",
    ("scheduled", "deadline"): "failed",
    ("queued", "deadline"): "failed",
    ("running", "deadline"): "failed",  # unless a wave is folded: then "finish" comes, from what is folded
    ("scheduled", "repair"): "failed",  # what it needs is lost; else repair leaves the state alone
    ("queued", "repair"): "failed",
    ("running", "repair"): "failed",
    ("succeeded", "forget"): None,
    ("failed", "forget"): None,
    ("cancelled", "forget"): None,
}


class NewTask(Struct, frozen=True, kw_only=True):
    """What `submit` needs to know of a task. `data` is complete: defaults and seed are filled in."""

    id: str
    kind: str
    data: bytes
    parts: int
    first_wave: int
    largest_wave: int
    window: int  # most jobs of this task in being at a time
    versions: str  # JSON: kind, package
    sha256: str  # of kind and complete data: what reproduces the answer
    owner: str = HOME
    priority: Priority = "medium"
    seed: int | None = None
    label: str = ""
    batch: str = ""
    request_id: str = ""
    traceparent: str = ""
    not_before_ms: int = 0  # 0: now
    deadline_ms: int = 0  # 0: none
    time_limit_s: float = 300.0  # of one job
    result_ttl_s: int = 86_400
    same_key: str = ""  # idempotency key; "" for none
    same_sha: str = ""  # SHA-256 of the request as the client sent it
    same_ttl_s: int = 86_400
    custom_id: str = ""  # the client's name for it within a batch
    metadata: str = ""  # JSON object of the client's own; "" for none
    rerun_of: str = ""  # the task whose calculation this does again
    rerun_sha256: str = ""  # of that task's result; "" when it has none
    estimated: str = ""  # JSON: what was foretold at submission, to stand beside what came
    webhook: str = (
        ""  # who is told of its end: a URL, or `batch` and perhaps a URL where its batch has one (owe in work.lua)
    )
    by: str = ""  # the key or token that it was submitted with; "" where none is needed


class Submitted(Struct, frozen=True):
    """`outcome`: new; replay (the task that this request already made); mismatch (the key was used for
    another request); full (the owner's backlog is at its limit), quota (the tasks of the owner that have not ended
    are): nothing was written."""

    outcome: Literal["new", "replay", "mismatch", "full", "quota"]
    id: str
    at_ms: int


class Job(Struct, frozen=True):
    """A job that `take` gave to this consumer: it is held and its attempt is counted (I12).

    `token` names the stream entry; who holds it may finish, fail, retry or release the job (I5).
    `name` is `p<n>` (run part n), `r<k>` (fold wave k) or `x` (make the result after a stop).
    `data` is None where the consumer said that it knows the data of the task.
    """

    token: str
    task: str
    name: str
    parts: int
    kind: str
    owner: str
    attempt: int
    interruptions: int
    data: bytes | None
    time_limit_s: float
    waited_ms: int  # since the job was put on its stream
    request_id: str
    traceparent: str

    @property
    def step(self) -> str:
        """`whole` (a task of one part), `part`, `fold` or `result`."""
        if self.parts == 1:
            return "whole"
        return {"p": "part", "r": "fold", "x": "result"}[self.name[0]]

    @property
    def priority(self) -> str:
        """Of the place where it was put: `high:again/…` is `high`."""
        return self.token.partition("/")[0].partition(":")[0]

    @property
    def number(self) -> int:
        """Which part or wave; 0 for the others."""
        return int(self.name[1:] or 0)


class Done(Struct, frozen=True):
    """A job was computed. `value`: a whole task's result, a part's partial, or (step `result`) the result."""

    job: Job
    value: bytes
    child: int
    ran_ms: float


class Folded(Struct, frozen=True):
    """The outcome of folding a wave. `result` is there when it was the last wave, or when the kind said enough."""

    job: Job
    accumulator: bytes
    estimate: bytes | None
    result: bytes | None
    child: int
    ran_ms: float


class Taken(Struct, frozen=True):
    """What `take` gave. `wake_ids` is where to sleep, stream by stream, when there was less than asked for; `standing`
    how many entries the streams that it read had before, held ones included."""

    jobs: list[Job]
    wake_ids: list[str]
    standing: int


class Reaped(Struct, frozen=True):
    """A job that was taken from whoever held it and no longer renews. `consumer` is "-" when it was never begun;
    `outcome`: again (waits for the next), later (after a pause), buried (that was its last interruption)."""

    task: str
    job: str
    kind: str
    owner: str
    consumer: str
    attempts: int
    interruptions: int
    outcome: str
    request_id: str
    traceparent: str


class Wave(Struct, frozen=True):
    """What folding a wave needs: the accumulator so far and the wave's partials in part order (I9)."""

    accumulator: bytes | None
    partials: list[bytes]
    last: bool


class Task(Struct, frozen=True):
    """The record of a task as it stands in Redis, without its data."""

    id: str
    state: State
    kind: str
    owner: str
    priority: Priority
    parts: int
    done: int
    submitted_at: int
    started_at: int | None
    finished_at: int | None
    expires_at: int | None
    not_before: int | None
    attempts: int
    interruptions: int
    label: str
    batch: str
    request_id: str
    seed: int | None
    versions: dict[str, Any]
    sha256: str
    consumer: str  # who took its first job
    custom_id: str
    metadata: dict[str, Any]
    rerun_of: str
    rerun_sha256: str
    estimated: dict[str, Any] | None
    stopped_at: int | None  # when a deadline took its parts away
    estimate: dict[str, Any] | None
    result: bytes | None
    error: dict[str, Any] | None
    webhook: str = ""  # its own; "" for none
    pauses: bool = False  # the one job of a task of one part waits for its next attempt
    cancel_reason: str = ""  # what who gave it up said
    head: bytes = b""  # in a list, in place of its result: the first bytes of one that is not long


class Value(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a trait may be: a text (in lower case where words are looked for), or a number above, below, from, to."""

    text: str | None = None
    above: float | None = None
    below: float | None = None
    least: float | None = None
    most: float | None = None


class Trait(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is looked for in the record of a task, since no index knows it: one of some values, or, with `none`, none of
    them.

    `of` is `priority`, `kind`, `owner`, `batch`, `error`: exactly; `label`, `text` (of id, label, custom id, metadata,
    error and data of at most 16 KiB): words in it; `waited`, `ran`: ms; `data`, `result`: what stands at `path` in
    those of at most 16 KiB, where a number leads into a list and a name into each thing of one.
    """

    of: str
    values: tuple[Value, ...]
    path: tuple[str, ...] = ()
    none: bool = False


class Wanted(Struct, frozen=True, kw_only=True):
    """Which tasks are meant: of each field one of some values, () for any. `oldest`: an id, and none that is older."""

    states: tuple[State, ...] = STATES
    kinds: tuple[str, ...] = ()
    owners: tuple[str, ...] = ()
    batches: tuple[str, ...] = ()
    errors: tuple[str, ...] = ()
    oldest: str = ""
    traits: tuple[Trait, ...] = ()


class NewBatch(Struct, frozen=True, kw_only=True):
    """What `open_batch` needs to know. `lines`: how many tasks were sent; `ttl_s`: how long the record is kept."""

    id: str
    owner: str
    label: str
    lines: int
    ttl_s: int
    webhook: str = ""  # who is told when all of it has ended
    same_key: str = ""
    same_sha: str = ""
    same_ttl_s: int = 86_400


class Batch(Struct, frozen=True):
    """A batch: how many tasks were sent, how many of them were accepted, and how many are in each state now.

    Tasks that are in no state any more were forgotten when their time was over.
    """

    id: str
    owner: str
    label: str
    created_at: int
    lines: int
    rejected: int
    accepted: int
    webhook: str
    states: dict[State, int]


class Ended(Struct, frozen=True):
    """A task of a batch as its results show it; `result` and `error` are JSON texts, or None."""

    id: str
    custom_id: str
    kind: str
    state: State
    result: bytes | None
    error: bytes | None


class Pause(Struct, frozen=True):
    """Who paused a priority, why, and when (ms since 1970)."""

    by: str
    reason: str
    at: int


class Queue(Struct, frozen=True):
    """A priority: jobs on its streams that nobody holds, jobs held, when the oldest that waits was put there."""

    priority: Priority
    waiting: int
    held: int
    oldest_at: int | None
    paused: Pause | None


class Letter(Struct, frozen=True, kw_only=True):
    """A dead letter: a job that was given up, with its cause. `words`: what stood in an entry that was no job."""

    id: str
    at: int
    task: str
    kind: str
    job: str
    consumer: str
    attempts: int
    interruptions: int
    cause: dict[str, Any]
    words: str


class Page(Struct, frozen=True):
    """One page of a list, newest first. `cursor` is "" at the end; pages may be short (I16: bounded walk)."""

    tasks: list[Task]
    cursor: str


class Child(TypedDict, total=False):
    """What one of a consumer's processes does: which job of which task and kind, since when by Redis' clock."""

    pid: int
    cpu_s: float
    rss_bytes: int
    task: str
    job: str
    kind: str
    since: int


class Tally(Struct, frozen=True):
    """What a consumer has done since its start. `jobs` is kind, outcome, how many, seconds, seconds of CPU."""

    jobs: list[tuple[str, str, int, float, float]] = []
    paths: dict[str, int] = {}  # kind → paths and scenarios that were simulated
    ended: dict[str, int] = {}  # why a child ended → how often
    reaped: int = 0
    absences: int = 0  # of the store, since it first answered


class Beat(Struct, frozen=True, kw_only=True):
    """A consumer's heartbeat: readable with HGETALL. `children` is one JSON object a child."""

    name: str
    host: str
    pid: int
    version: str
    started_at: int
    beat_at: int
    children: list[Child]
    lost: dict[str, int] = {}  # kind → outcomes since the last heartbeat that came too late (I5)
    figures: Tally = Tally()
    draining: bool = False  # it was asked to stop: it takes nothing more
    skew_ms: int = 0  # its machine's clock over Redis' one
    kinds: list[str] = []  # those that it can compute
