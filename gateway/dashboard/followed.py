"""Tasks that tabs follow: each is read once a look, however many tabs show it, and told when it has changed."""

import asyncio
from collections.abc import Callable

import msgspec
from msgspec import Struct

from gateway import answers, why
from gateway.desk import Desk
from gateway.shapes import TaskAnswer, WebhookAnswer
from pipeline import verbs, views
from pipeline.errors import StoreAway
from pipeline.record import FINAL, Task
from pipeline.views import Point

_encode = msgspec.json.Encoder().encode


class Following(Struct, frozen=True):
    """A followed task: as GET /tasks/{task_id} answers it, and its estimates so far. `gone`: its record was removed.
    `result_bytes`: how long its result is; one that is longer than 64 KiB is not here, but at `links.result`."""

    task: TaskAnswer | None
    gone: bool
    result_bytes: int | None
    points: list[Point]


class Followed:
    """The newest of each followed task, encoded, and a number that goes up when it changes."""

    def __init__(self, desk: Desk, count: Callable[[int], None]) -> None:
        self._desk, self._count = desk, count
        self._records: dict[str, Task | None] = {}
        self._points: dict[str, list[Point]] = {}
        self._told: dict[str, tuple[int, bytes]] = {}

    def news(self, id: str) -> tuple[int, bytes]:
        """Number and text of the newest; 0 while there is none."""
        return self._told.get(id, (0, b""))

    async def look(self, ids: set[str]) -> None:
        """Read those that are followed now; the others are forgotten."""
        for id in (self._told.keys() | self._records.keys()) - ids:
            self._told.pop(id, None)
            self._records.pop(id, None)
            self._points.pop(id, None)
        open_ids = [id for id in ids if id not in self._told or not self._ended(id)]
        try:
            await asyncio.gather(*(self._look(id) for id in open_ids))
        except StoreAway:
            self._away(open_ids)

    def _ended(self, id: str) -> bool:
        record = self._records.get(id)
        return record is None or record.state in FINAL

    async def _look(self, id: str) -> None:
        record = await self._desk.store.do(verbs.task(id), 0)
        self._count(1)
        reason = await why.of(self._desk, record) if record else None
        if record and record.parts > 1:
            known = self._points.setdefault(id, [])
            if known and record.done < known[-1].parts:  # it was begun anew
                known.clear()
            fresh = await self._desk.store.do(views.curve(id, len(known)), 0)
            self._count(1)
            known += fresh
        self._records[id] = record
        self._tell(id, record, reason, await self._desk.hook(record) if record else None)

    def _away(self, ids: list[str]) -> None:
        for id in ids:
            record = self._records.get(id)
            if record:
                self._tell(id, record, why.AWAY if record.state in ("scheduled", "queued") else None)

    def _tell(self, id: str, record: Task | None, reason: str | None, hook: WebhookAnswer | None = None) -> None:
        size = len(record.result) if record and record.result is not None else None
        told = None
        if record:
            told = answers.short(record, answers.whole(record, self._desk.now_ms(), hook=hook, why=reason))
        number, before = self.news(id)
        text = _encode(Following(told, told is None, size, self._points.get(id, [])))
        if text != before:
            self._told[id] = (number + 1, text)
