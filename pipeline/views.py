"""What people look at, as verbs: nothing here changes a task. (`verbs.py` has the steps that tasks and jobs take.)

Each is bounded: it looks at so many entries, members or records and no more, and says where it stopped.
"""

from collections.abc import Sequence
from typing import Any, Literal, cast

import msgspec
from msgspec import Struct

from pipeline import replies
from pipeline.legible import legible, text
from pipeline.record import Task
from pipeline.verbs import Call, Word

STALE_MS = 16_000  # a gateway that has said nothing for so long is gone
MOST_BEFORE = 1_000  # how far it is counted how many stand before a task
MOST_RETRYING = 1_000
MOST_STARTS = 1_000

Where = Literal["ring", "stream", "later", "held", "none"]


class Stand(Struct, frozen=True):
    """Where the first job of a task stands. `before`: so many stand before it, in its owner's ring or on its stream;
    None where they are more than were counted. `at`: when its next attempt comes."""

    where: Where
    before: int | None = None
    at: int | None = None


class Span(Struct, frozen=True):
    """One job that somebody computed, with what is known of its task; "" for what is not."""

    consumer: str
    child: int
    task: str
    job: str
    from_ms: int
    ran_ms: float
    outcome: str
    kind: str
    owner: str


class Timeline(Struct, frozen=True):
    """Spans, newest first. `cursor`: where to go on, "" when that was all; `newest`: the newest entry, "" for none."""

    cursor: str
    newest: str
    spans: list[Span]


class Cause(Struct, frozen=True):
    """Why a task failed: its error's code and message."""

    kind: str
    code: str
    message: str
    finished_at: int


class Point(Struct, frozen=True):
    """What a folded prefix of so many parts said; `n`: of how many paths or scenarios, where the kind counts such."""

    parts: int
    estimate: float
    standard_error: float
    n: int | None = None


class Standing(Struct, frozen=True):
    """A gateway as it has told the others: `about` is JSON."""

    name: str
    at: int
    about: bytes


class Start(Struct, frozen=True):
    """A consumer or gateway that began."""

    at: int
    service: str
    name: str
    host: str
    version: str


def starts(limit: int = MOST_STARTS) -> Call[list[Start]]:
    """The starts of consumers and gateways, the last ones first."""
    return Call("starts", (0, "", limit), lambda reply: legible(_start, reply), again=True)


def running(owner: str, limit: int) -> Call[list[Task]]:
    """The running tasks that were submitted first, without results."""
    return Call("running", (0, "", owner, limit), lambda reply: legible(replies.task, reply), again=True)


def retrying() -> Call[int]:
    """How many jobs wait for their next attempt, of the next MOST_RETRYING members of `later`."""
    return Call("retrying", (0, "", MOST_RETRYING), int, again=True)


def stand(id: str) -> Call[Stand | None]:
    """Where the first job of a task stands; None when there is no record of it."""
    return Call("stand", (0, "", id, MOST_BEFORE), _stand, again=True)


def curve(id: str, passed: int = 0) -> Call[list[Point]]:
    """The estimates of a task of many parts as its waves were folded, but for the first `passed`; at most 512."""
    return Call("curve", (0, "", id, passed), lambda reply: legible(_point, reply), again=True)


def history(id: str) -> Call[list[tuple[int, str]]]:
    """What was unusual in a task's life: when (ms since 1970), and what; at most 64 lines, the oldest first."""
    return Call("history", (0, "", id), lambda reply: legible(_line, map(text, reply)), again=True)


def owners(ids: Sequence[str]) -> Call[dict[str, tuple[str, str]]]:
    """Owner and kind of each of these tasks that has a record."""
    return Call(
        "owners",
        (0, "", *ids),
        lambda reply: {id: (text(o), text(k)) for id, (o, k) in zip(ids, reply, strict=True) if o},
        again=True,
    )


def timeline(newest: str, oldest: str, limit: int, *, bare: bool = False) -> Call[Timeline]:
    """Who computed what, newest first, between two entries of `spans` (times in ms are such, or `+`): some `limit`
    jobs; the cursor is the next one's `newest`. `bare`: without owner and kind, which cost four times as much."""
    return Call("timeline", (0, "", newest, oldest, limit, "bare" if bare else ""), _timeline, again=True)


def failures(owner: str, limit: int) -> Call[tuple[list[str], set[str], bool]]:
    """Failed tasks, those submitted last first; the failed tasks of everybody that were tried again, no more than as
    many; and whether the first are all."""
    return Call("failures", (0, "", owner, limit), _failures, again=True)


def causes(ids: Sequence[str]) -> Call[dict[str, Cause]]:
    """Why these tasks failed, of each that has a record."""
    return Call("causes", (0, "", *ids), lambda reply: _causes(ids, reply), again=True)


def retried(pairs: Sequence[tuple[str, str]]) -> Call[int]:
    """Note by which tasks failed tasks are tried again: (old, new), at most MOST_A_CALL; answers how many."""
    words: list[Word] = [id for pair in pairs for id in pair]
    return Call("retried", (0, "", *words), int, again=True)


def gateways(name: str = "", about: bytes = b"") -> Call[list[Standing]]:
    """The gateways that live; with a name this one says that it does."""
    return Call("gateways", (0, "", name, about, STALE_MS), _standing, again=True)


# ── reading replies ──


def _stand(reply: Any) -> Stand | None:
    if reply is None:
        return None
    where = cast(Where, text(reply[0]))
    number = None if reply[1] == b"" else int(reply[1])
    return Stand(where, at=number) if where == "later" else Stand(where, before=number)


def _point(text: bytes) -> Point:
    parts, _, estimate = text.partition(b" ")
    return msgspec.convert({**msgspec.json.decode(estimate), "parts": int(parts)}, Point)


def _line(text: str) -> tuple[int, str]:
    at, _, what = text.partition(" ")
    return int(at), what


def _timeline(reply: list[Any]) -> Timeline:
    cursor, newest, rows, tasks = reply
    about = {id: (text(owner), text(kind)) for id, owner, kind in tasks}
    spans = [span for row in rows if (span := _span(row, about))]
    return Timeline(text(cursor), text(newest), spans)


def _span(row: list[bytes], about: dict[bytes, tuple[str, str]]) -> Span | None:
    """A job; None for what a hand has written there."""
    consumer, named, told = row
    id, _, job = named.partition(b" ")
    owner, kind = about.get(id, ("", ""))
    try:
        child, began, ran_ms, outcome = text(told).split(" ")
        who, task, name = text(consumer), text(id), text(job)
        return Span(who, int(child), task, name, int(began), float(ran_ms), outcome, kind, owner)
    except ValueError:
        return None


def _failures(reply: list[Any]) -> tuple[list[str], set[str], bool]:
    ids, retried, whole = reply
    return text(ids).split(), set(text(retried).split()), bool(whole)


def _causes(ids: Sequence[str], reply: list[Any]) -> dict[str, Cause]:
    known = [(id, row) for id, row in zip(ids, reply, strict=True) if row]
    return dict(legible(lambda pair: (pair[0], _cause(pair[1])), known))


def _cause(row: list[bytes]) -> Cause:
    kind, error, finished_at = row
    told = msgspec.json.decode(error)
    return Cause(text(kind), str(told.get("code", "")), str(told.get("message", "")), int(finished_at))


def _start(entry: Any) -> Start:
    words = [text(word) for word in entry[1]]
    told = dict(zip(words[::2], words[1::2], strict=True))
    return Start(int(entry[0].split(b"-")[0]), told["service"], told["name"], told["host"], told["version"])


def _standing(reply: list[Any]) -> list[Standing]:
    return [Standing(text(name), int(at), about) for name, at, about in reply]
