"""A tab as a test has it: the events of a stream, one after the other."""

import asyncio
import json
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

import httpx

from gateway.dashboard.reader import Reader
from gateway.routes import dashboard
from pipeline import verbs
from pipeline.record import Beat
from tests.gateway.house import House

LIMIT_S = 60  # for what comes within a second or two on a quiet machine


class Event(NamedTuple):
    """One event of the stream; `name` is "" for a comment."""

    name: str
    data: dict[str, Any]


def read(text: str) -> Event | None:
    """An event; None for what is none, like the time to wait before the next attempt."""
    if text.startswith(":"):
        return Event("", {})
    fields = dict(line.split(": ", 1) for line in text.strip().splitlines())
    return Event(fields["event"], json.loads(fields["data"])) if "event" in fields else None


class Tab:
    """Reads a stream until something is there."""

    def __init__(self, pieces: AsyncIterator[bytes]) -> None:
        self._pieces = pieces
        self.seen: list[Event] = []

    async def next(self, name: str = "") -> Event:
        """The next event, of this name if one is given."""
        while True:
            async with asyncio.timeout(LIMIT_S):
                event = read((await anext(self._pieces)).decode())
            if event:
                self.seen.append(event)
                if name in ("", event.name):
                    return event

    async def until(self, true: Any, name: str = "frame") -> Event:
        """The first event of a name of which something is true."""
        while True:
            event = await self.next(name)
            if true(event.data):
                return event


def reader_of(h: House) -> Reader:
    """The one reader of a gateway in this process."""
    reader: Reader = h.client._transport.app.state.reader  # type: ignore[attr-defined]
    return reader


@asynccontextmanager
async def tab(h: House, scope: str = "", task: str = "") -> AsyncIterator[Tab]:
    """A tab for the length of a block; the test's client cannot read a stream that does not end."""
    pieces = dashboard.events(h.desk, reader_of(h), scope, task)
    try:
        yield Tab(pieces)
    finally:
        await pieces.aclose()


class Listener(threading.Thread):
    """A tab of a gateway process, in a thread: collects events until the stream ends."""

    def __init__(self, url: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(daemon=True)
        self.url, self.headers = url, headers or {}
        self.events: list[Event] = []
        self.first = threading.Event()
        self.start()

    def run(self) -> None:
        """Read until the end."""
        with httpx.stream("GET", self.url, headers=self.headers, timeout=LIMIT_S) as answer:
            self.status, self.sent = answer.status_code, answer.headers
            text = ""
            for piece in answer.iter_text():
                text += piece
                *whole, text = text.split("\n\n")
                self.events += [event for each in whole if (event := read(each))]
                if self.events:
                    self.first.set()


def beat(h: House, name: str = "c-1", **about: Any) -> None:
    """A heartbeat as a consumer writes it, of two idle children unless something else is said."""
    idle = {"pid": 8, "cpu_s": 0.1, "rss_bytes": 1_000_000}
    given = {"host": "h", "pid": 7, "version": "1", "started_at": 1, "beat_at": 0, "children": [idle, idle]} | about
    h.store.do(verbs.beat(Beat(name=name, **given)))


def doing(task: str, job: str = "p0", kind: str = "compound_interest") -> dict[str, Any]:
    """A child that computes something."""
    return {"pid": 9, "cpu_s": 0.1, "rss_bytes": 1_000_000, "task": task, "job": job, "kind": kind, "since": 1}
