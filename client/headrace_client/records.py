"""What is told of tasks and batches, in the words of the API. An answer is a dict whose fields are attributes, too."""

import importlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypedDict

from headrace_client import errors
from headrace_client.errors import HeadraceError

State = Literal["scheduled", "queued", "running", "succeeded", "failed", "cancelled"]
Priority = Literal["high", "medium", "low"]
FINAL = ("succeeded", "failed", "cancelled")


class Options(TypedDict, total=False):
    """What may be said with a submission beside kind and data: docs/api.md says what each means."""

    priority: Priority
    label: str
    metadata: dict[str, str]
    time_limit_s: float
    result_ttl_s: int
    delay_s: float
    run_at: str
    deadline_s: float
    cache: Literal["use", "off"]
    webhook: str


class Told(dict[str, Any]):
    """An object of an answer: `told.price` is `told["price"]`. (A field named like a method of dict has only [].)"""

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(f"{name!r} is none of {', '.join(self)}") from None


class Task(Told):
    """A task as it was told. The answer to a submission has the first fields, a list all but the result."""

    task_id: str
    kind: str
    state: State
    priority: Priority
    label: str
    submitted_at: str
    cached: bool
    estimated: Told | None
    forecast_error: Told | None
    metadata: dict[str, str]
    owner: str
    batch_id: str | None
    custom_id: str | None
    started_at: str | None
    finished_at: str | None
    waited_ms: int
    ran_ms: int | None
    progress: Told
    error: Told | None
    seed: int | None
    sha256: str
    result: Any

    @property
    def ended(self) -> bool:
        """Whether it has its last state."""
        return self.state in FINAL

    def outcome(self) -> Any:
        """Its result. Raises TaskFailed, TaskCancelled, or StillRunning."""
        if wrong := trouble(self):
            raise wrong
        return self.result


@dataclass(frozen=True)
class Event:
    """Something that happened to a task: `state`, `progress`, or `end`, whose data are the whole task."""

    id: str
    name: str
    data: Told


@dataclass(frozen=True)
class Item:
    """What became of one line of a batch: a result, or an error. `data` are those that were sent."""

    index: int
    custom_id: str
    data: Mapping[str, Any]
    task_id: str
    result: Any
    error: HeadraceError | None

    def row(self) -> dict[str, Any]:
        """Flat: `data.spot`, `result.price`, `result.standard_error.price`, … Lists and tables are left out."""
        error = self.error.code if self.error else None
        about = {"custom_id": self.custom_id, "task_id": self.task_id, "error": error}
        return about | _flat("data.", self.data) | _flat("result.", self.result)


@dataclass(frozen=True)
class Batch:
    """Tasks that were submitted together; `rejected` are the lines that are none, and so are `untold` more of them."""

    id: str
    label: str
    lines: Sequence[Mapping[str, Any]]
    rejected: Sequence[Item]
    untold: int = 0


class Items(list[Item]):
    """What became of all lines of a batch, in their order."""

    def results(self) -> list[Any]:
        """All results. Raises the first error, if there is one."""
        for item in self.errors():
            raise item.error or AssertionError
        return [item.result for item in self]

    def errors(self) -> list[Item]:
        """The lines without a result."""
        return [item for item in self if item.error]

    def summary(self) -> str:
        """`196 of 200 succeeded; child_died 3, time_limit 1`."""
        codes = Counter(item.error.code for item in self if item.error)
        told = ", ".join(f"{code} {n}" for code, n in codes.most_common())
        return f"{len(self) - codes.total()} of {len(self)} succeeded" + (f"; {told}" if told else "")

    def rows(self) -> list[dict[str, Any]]:
        """A flat dict a line."""
        return [item.row() for item in self]

    def to_pandas(self) -> Any:
        """A DataFrame of the rows; pandas must be installed."""
        try:
            pandas = importlib.import_module("pandas")
        except ImportError as missing:
            raise ImportError("to_pandas needs pandas:  pip install pandas") from missing
        return pandas.DataFrame(self.rows())


def trouble(told: Mapping[str, Any]) -> HeadraceError | None:
    """Why a task, or a line of a batch's results, has no result; None when it has one."""
    about = {"task_id": told["task_id"], "task": told}
    match told["state"]:
        case "succeeded":
            return None
        case "failed":
            error = told["error"]
            return errors.TaskFailed(about | {"code": error["code"], "detail": error["message"]})
        case "cancelled":
            reason = f" ({told['cancel_reason']})" if told.get("cancel_reason") else ""
            detail = f"Task {told['task_id']} was cancelled before it had a result{reason}."
            return errors.TaskCancelled(about | {"code": "task_cancelled", "detail": detail})
    far = f", {told['progress']['fraction']:.0%} done" if "progress" in told else ""
    detail = f"Task {told['task_id']} is {told['state']}{far}. It goes on; wait again."
    return errors.StillRunning(about | {"code": "still_running", "detail": detail})


def _flat(prefix: str, value: Any) -> dict[str, Any]:
    return dict(_leaves(prefix, value)) if isinstance(value, Mapping) else {}


def _leaves(prefix: str, value: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, each in value.items():
        if isinstance(each, Mapping):
            yield from _leaves(f"{prefix}{name}.", each)
        elif not isinstance(each, Sequence) or isinstance(each, str):
            yield f"{prefix}{name}", each
