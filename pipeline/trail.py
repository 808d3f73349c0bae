"""What the audit asks of the store (deploy/audit): tasks that ended, what people did, and how far it has got.

The events stream says in order which tasks ended, their records say the rest; what people do stands in the stream
`audit`, written by the script that did it. So nothing is written for the audit on the way of a task, and whoever
writes it may be away, or killed, at any time: it goes on where its last line says.
"""

from collections.abc import Sequence
from typing import Any

from msgspec import Struct

from pipeline.store import Store
from pipeline.verbs import Call

# A round: so many entries of the events, so many tasks, so many bytes of their data and results (and the one beyond).
ENTRIES, TASKS, BYTES = 64, 256, 4_000_000
BEGINNING = "0-0"

Record = dict[bytes, bytes]  # fields and values


class Place(Struct, frozen=True):
    """How far the audit has read. `events` is an entry and how many of its pairs; `actions` an entry."""

    events: str = f"{BEGINNING}/0"
    actions: str = BEGINNING

    @property
    def at_ms(self) -> int:
        """When the last event that was read happened; 0 for none."""
        return int(self.events.partition("-")[0])


class Ended(Struct, frozen=True):
    """A task that has ended: `at` is its event's place, "" where that is gone. `known`: there is a record of it."""

    at: str
    id: str
    state: str
    known: bool = True


class Action(Struct, frozen=True):
    """What somebody did: words of the stream by name."""

    id: str
    words: dict[str, str]


class Read(Struct, frozen=True):
    """What is new since a place. `whole`, `all_actions`: nothing is missing between that place and these. `first` is
    the first event that is there from then on, "" for none; `newest` the last of all."""

    place: str
    whole: bool
    all_actions: bool
    first: str
    newest: str
    tasks: list[Ended]
    actions: list[Action]


class Head(Struct, frozen=True):
    """The last line of the audit that is known to be on the disk; `seq` 0: none."""

    seq: int = 0
    sha256: str = ""
    place: Place = Place()
    at: int = 0


def read(place: Place, entries: int = ENTRIES, tasks: int = TASKS) -> Call[Read]:
    """What has happened since a place, in bounded steps."""
    return Call("audit", (0, "", place.events, place.actions, entries, tasks, BYTES), _read, again=True)


def missed(state: str, cursor: str, limit: int, from_ms: int, to_ms: int) -> Call[tuple[str, list[Ended]]]:
    """Tasks in a final state that ended from `from_ms` to `to_ms`, and whose records are kept, by pages."""
    words = (0, "", state, cursor, limit, from_ms, to_ms)
    return Call("audit_missed", words, lambda r: (text(r[0]), [Ended("", text(id), state) for id in r[1]]), again=True)


def acts(limit: int) -> Call[list[Action]]:
    """What people did, the last first, as the store still has it."""
    return Call(
        "acts", (0, "", limit), lambda reply: [Action(text(id), _pairs(words)) for id, words in reply], again=True
    )


def records(store: Store, tasks: Sequence[Ended]) -> list[Record]:
    """The records of tasks as they stand, in one round trip; of a task without one an empty one. Raises StoreAway."""
    known = [task.id for task in tasks if task.known]
    replies = iter(store.raw_all([("HGETALL", store.keys("task", id)) for id in known]))
    return [dict(zip(*[iter(next(replies))] * 2, strict=True)) if task.known else {} for task in tasks]


def anchor(head: Head) -> Call[bool]:
    """Say how far the audit reaches; False when the store knows of more."""
    words = (0, "", head.seq, head.sha256, head.place.events, head.place.actions)
    return Call("anchor", words, bool, again=True)


def head() -> Call[Head]:
    """How far the audit reaches, as the store knows it."""
    return Call("audit_head", (0, ""), _head, again=True)


def _head(reply: list[Any]) -> Head:
    """None where a hand has written something else: the audit itself knows better."""
    try:
        seq, sha256, events, actions, at = (word.decode() for word in reply)
        return Head(int(seq), sha256, Place(events, actions), int(at))
    except (AttributeError, ValueError):
        return Head()


def _read(reply: list[Any]) -> Read:
    place, whole, all_actions, first, newest, tasks, actions = reply
    return Read(
        place.decode(),
        whole == 1,
        all_actions == 1,
        first.decode(),
        newest.decode(),
        [Ended(at.decode(), text(id), state.decode(), size >= 0) for at, id, state, size in tasks],
        [Action(id.decode(), _pairs(words)) for id, words in actions],
    )


def _pairs(words: list[Any]) -> dict[str, str]:
    return {text(name): text(value) for name, value in zip(words[::2], words[1::2], strict=False)}


def text(value: bytes) -> str:
    """Bytes of the store as text; a hand can have put anything there."""
    return value.decode(errors="backslashreplace")
