"""The results of a batch as they are streamed: a line a task that has ended, in the order in which they were sent."""

import csv
import io
from collections.abc import AsyncIterator, Callable
from typing import Any

import msgspec
from msgspec import Raw, Struct

from gateway.answers import NOTHING
from gateway.desk import Desk
from pipeline import verbs
from pipeline.record import Ended, State

TASKS, BYTES = 200, 1_000_000  # that are read at a time
FIXED = ("custom_id", "task_id", "kind", "state", "error_code", "error_message")
FORMULA = ("=", "+", "-", "@", "\t", "\r")  # a spreadsheet would calculate a text that begins so
_encode = msgspec.json.Encoder().encode
_exact = msgspec.json.Decoder(float_hook=str).decode  # numbers keep the digits that the result has


class ResultLine(Struct, frozen=True):
    """One line of the results as NDJSON."""

    custom_id: str | None
    task_id: str
    kind: str
    state: State
    result: Raw
    error: Raw


async def ndjson(desk: Desk, batch: str) -> AsyncIterator[bytes]:
    """One JSON object a line."""
    async for page in _pages(desk, batch):
        yield b"".join(_line(task) for task in page)


async def as_csv(desk: Desk, batch: str) -> AsyncIterator[bytes]:
    """A table: the same columns first, then each number and text that any result has at its top (`price`) or one level
    below (`standard_error.price`). The columns are known when all results have been seen: they are read twice."""
    columns: dict[str, None] = {}
    seen: set[str] = set()  # what ends between the two readings may have other columns
    async for page in _pages(desk, batch):
        for task in page:
            columns |= dict.fromkeys(_flat(task))
            seen.add(task.id)
    yield _row([*FIXED, *columns])
    async for page in _pages(desk, batch):
        yield b"".join(_cells(task, columns) for task in page if task.id in seen)


FORMATS: dict[str, tuple[str, Callable[[Desk, str], AsyncIterator[bytes]]]] = {
    "ndjson": ("application/x-ndjson", ndjson),
    "csv": ("text/csv; charset=utf-8", as_csv),
}


async def _pages(desk: Desk, batch: str) -> AsyncIterator[list[Ended]]:
    cursor = ""
    while True:
        cursor, tasks = await desk.store.do(verbs.ended(batch, cursor, TASKS, BYTES))
        yield tasks
        if not cursor:
            return


def _line(task: Ended) -> bytes:
    result, error = (NOTHING if text is None else Raw(text) for text in (task.result, task.error))
    return _encode(ResultLine(task.custom_id or None, task.id, task.kind, task.state, result, error)) + b"\n"


def _cells(task: Ended, columns: dict[str, None]) -> bytes:
    values = _flat(task)
    return _row([*_fixed(task), *(values.get(column, "") for column in columns)])


def _fixed(task: Ended) -> list[str]:
    error: dict[str, Any] = msgspec.json.decode(task.error) if task.error else {}
    told = (error.get("code", ""), error.get("message", ""))
    return [_safe(text) for text in (task.custom_id, task.id, task.kind, task.state, *told)]


def _flat(task: Ended) -> dict[str, str]:
    """Column → value, for what stands at the top of the result and one level below."""
    flat: dict[str, str] = {}
    for name, value in (_numbers(task.result) if task.result else {}).items():
        inner = value.items() if isinstance(value, dict) else ()
        for column, each in [(name, value), *((f"{name}.{key}", each) for key, each in inner)]:
            if isinstance(each, bool | int):
                flat[column] = str(each).lower()
            elif isinstance(each, str):
                flat[column] = each if _is_number(each) else _safe(each)
    return flat


def _numbers(result: bytes) -> dict[str, Any]:
    value = _exact(result)
    return value if isinstance(value, dict) else {}


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _safe(text: str) -> str:
    return f"'{text}" if text.startswith(FORMULA) else text


def _row(cells: list[str]) -> bytes:
    line = io.StringIO()
    csv.writer(line, lineterminator="\n").writerow(cells)
    return line.getvalue().encode()
