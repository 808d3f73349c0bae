"""Logs: one JSON object a line on standard output, the same field names from every process.

    {"ts": "2026-11-25T10:17:18.123Z", "level": "info", "event": "job.done", "service": "consumer", …}

Rare things go through structlog. The one line a job is a `Line`, written many at a time: it is on the hot path.
Never the data, results or keys of a client.
"""

import io
import os
import select
import sys
import time
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import msgspec
import structlog
from msgspec import Struct

VERSION = "0.1.0"
PIECE = 4096  # bytes that a pipe takes at once when it says that it is ready (PIPE_BUF)
STUCK_MS = 500  # how long it is waited for who reads the lines
LEVELS = {"debug": 10, "info": 20, "warning": 30, "error": 40}


class Common(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What every line about a task has, from whichever process."""

    ts: str
    level: str
    event: str
    service: str
    instance: str
    version: str
    pid: int
    request_id: str
    task_id: str
    kind: str
    trace_id: str = ""


class Line(Common, frozen=True, kw_only=True, omit_defaults=True):
    """The canonical line of a job: written once, when its outcome is known.

    `event` is job.done, job.refused, job.broke, job.died, job.timed_out, job.lost or job.released.
    """

    owner: str
    priority: str
    job: str
    step: str  # whole, part, fold, result
    part: int
    attempt: int
    interruptions: int = 0
    consumer: str
    child: int
    waited_ms: int
    ran_ms: float
    cpu_ms: float = 0.0  # of the child; 0.0 where it did not answer
    paths: int = 0  # and scenarios, simulated
    outcome: str
    error_code: str = ""


_encoder = msgspec.json.Encoder()


def configure(service: str, instance: str, level: str = "info") -> None:
    """Set up structlog for this process; call it once, first."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            _stamp(service, instance),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(serializer=lambda line, **_: _encoder.encode(line)),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(LEVELS.get(level, 20)),
        logger_factory=structlog.BytesLoggerFactory(_output),  # type: ignore[arg-type]
        cache_logger_on_first_use=True,
    )


def is_configured() -> bool:
    """Whether this process writes such lines: a tool that people run does not."""
    return structlog.is_configured()


def get() -> Any:
    """The logger of this process: `log.info("consumer.started", children=4)`."""
    return structlog.get_logger()


def write_lines(lines: Sequence[Common]) -> None:
    """Write many lines at once."""
    if lines:
        _output.write(_encoder.encode_lines(lines))


def timestamp() -> str:
    """Now, RFC 3339, UTC, milliseconds. By this machine's clock: log times only, never a decision (I15)."""
    seconds, ns = divmod(time.time_ns(), 1_000_000_000)
    return f"{_second_text(seconds)}.{ns // 1_000_000:03d}Z"


@lru_cache(maxsize=4)  # many lines share a second
def _second_text(second: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(second))


def trace_id(traceparent: str) -> str:
    """The trace id of a W3C traceparent, or ""."""
    pieces = traceparent.split("-")
    return pieces[1] if len(pieces) == 4 and len(pieces[1]) == 32 else ""


class _Output:
    """Standard output. Lines may be lost, but never work: when nobody reads it any more (supervisord was killed), when
    its disk is full, and when who reads it stands still, which is waited for once and briefly. Nothing is kept back: it
    would be in the way of the next line."""

    def __init__(self) -> None:
        self._torn = False  # whether a line stopped in its middle
        self._stuck = False  # whether who reads did not read in time: then it is not waited for again
        self._raw: Any = None
        self._ready: Any = None  # asks whether `_raw` takes a piece

    def write(self, lines: bytes) -> None:
        left = b"\n" + lines if self._torn else lines
        whole = len(left)
        try:
            raw = getattr(sys.stdout.buffer, "raw", sys.stdout.buffer)
            while left and self._reads(raw) and (written := raw.write(left[:PIECE])):
                left = left[written:]
        except BrokenPipeError:
            _to_nowhere()
        except OSError:  # ENOSPC, EDQUOT, EIO …: it may be over by the next line
            pass
        if len(left) < whole:
            self._torn = bool(left)

    def flush(self) -> None:
        """Nothing is left to be done."""

    def _reads(self, raw: Any) -> bool:
        """Whether a piece goes through now, or in a moment."""
        if raw is not self._raw:
            self._raw, self._ready = raw, select.poll() if isinstance(raw, io.FileIO) else None
            if self._ready:
                self._ready.register(raw.fileno(), select.POLLOUT)
        self._stuck = self._ready is not None and not self._ready.poll(0 if self._stuck else STUCK_MS)
        return not self._stuck


def _to_nowhere() -> None:
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)


_output = _Output()


def _stamp(service: str, instance: str) -> Any:
    pid = os.getpid()

    def stamp(_logger: Any, _method: str, event: dict[str, Any]) -> dict[str, Any]:
        front = {"ts": timestamp(), "level": event.pop("level"), "event": event.pop("event")}
        return front | {"service": service, "instance": instance, "version": VERSION, "pid": pid} | event

    return stamp
