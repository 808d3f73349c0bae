"""A task's events (server-sent events): read piece by piece, and gone on with where a connection broke off."""

from collections.abc import Iterator
from time import monotonic

from headrace_client import errors
from headrace_client.asking import AGAIN, Answer, Asker, Tries, problem_of
from headrace_client.records import Event, Task, trouble

SILENCE_S = 40.0  # a gateway says something each 15 s
GONE_ON_S = 0.2  # after a stream that ended before its task: the gateway was stopped


class Follower:
    """Knows which events have been seen. One connection after the other is read with it, until the task has ended."""

    def __init__(self, asker: Asker, task_id: str, patience_s: float | None) -> None:
        self._asker, self._id, self._until = asker, task_id, asker.until(patience_s)
        self._tries = Tries(asker, self._until)
        self._fields: dict[str, str] = {}
        self._rest = b""  # of a line whose end has not come yet
        self._seen = ""
        self.path = f"/tasks/{task_id}/events"
        self.pause_s = 0.0  # before the next connection
        self.over = False

    @property
    def headers(self) -> dict[str, str]:
        """Where to go on."""
        return {"Accept": "text/event-stream"} | ({"Last-Event-ID": self._seen} if self._seen else {})

    def begins(self, answer: Answer) -> bool:
        """Whether there are events to read. Raises what an error means."""
        self._fields, self._rest = {}, b""
        if answer.status in AGAIN:
            self.pause_s = self._tries.pause_s(answer)
            return False
        if answer.status >= 400:
            raise errors.of(answer.status, problem_of(self._asker, answer))
        self.over = answer.status != 200  # 204: all has been told
        self._tries, self.pause_s = Tries(self._asker, self._until), GONE_ON_S
        return not self.over

    def events(self, piece: bytes) -> Iterator[Event]:
        """The events that this piece of the stream completes. Raises StillRunning when patience is over."""
        *lines, self._rest = (self._rest + piece).split(b"\n")  # and at nothing else that ends a line in a text
        yield from filter(None, (self._event(line.decode()) for line in lines))

    def _event(self, line: str) -> Event | None:
        if line:
            name, _, value = line.partition(":")
            self._fields[name] = value.removeprefix(" ")  # a comment has no name
        elif "data" in self._fields:
            return self._complete()
        if monotonic() > self._until:
            raise trouble({"task_id": self._id, "state": "not at its end"}) or AssertionError
        return None

    def _complete(self) -> Event:
        fields, self._fields = self._fields, {}
        self._seen = fields.get("id", self._seen)
        data = self._asker.read(fields["data"])
        self.over = fields.get("event") == "end"
        return Event(self._seen, fields.get("event", "message"), Task(data) if self.over else data)
