"""The one log line on the hot path: a task was submitted. Collected, and written together some milliseconds later.

Through structlog it would be a tenth of what a submission costs, and who reads the pipe wakes for each write. Its field
names are those of every other line. A stop writes what is collected; a `kill -9` may cost the lines of GATHER_S.
"""

import asyncio
import os

from pipeline import log
from pipeline.record import NewTask
from pipeline.settings import Settings, host_name


class SubmittedLine(log.Common, frozen=True, kw_only=True, omit_defaults=True):
    """`task.submitted`: never the data, only how many bytes they are."""

    owner: str
    priority: str
    parts: int
    input_bytes: int
    input_sha256: str
    batch_id: str = ""
    rerun_of: str = ""
    by: str = ""


GATHER_S = 0.01  # and no longer


class Lines:
    """The submissions of the last milliseconds."""

    def __init__(self, settings: Settings) -> None:
        self._instance = instance(settings)
        self._wanted = log.LEVELS[settings.log_level] <= log.LEVELS["info"]
        self._pid = os.getpid()
        self._lines: list[SubmittedLine] = []

    def submitted(self, task: NewTask) -> None:
        """A task is in the store."""
        if not self._wanted:
            return
        if not self._lines:
            asyncio.get_running_loop().call_later(GATHER_S, self.write)
        line = SubmittedLine(
            ts=log.timestamp(),
            level="info",
            event="task.submitted",
            service="gateway",
            instance=self._instance,
            version=log.VERSION,
            pid=self._pid,
            request_id=task.request_id,
            task_id=task.id,
            kind=task.kind,
            owner=task.owner,
            priority=task.priority,
            parts=task.parts,
            input_bytes=len(task.data),
            input_sha256=task.sha256,
            batch_id=task.batch,
            rerun_of=task.rerun_of,
            by=task.by,
            trace_id=log.trace_id(task.traceparent),
        )
        self._lines.append(line)

    def write(self) -> None:
        """Write what is collected."""
        lines, self._lines = self._lines, []
        log.write_lines(lines)


def instance(settings: Settings) -> str:
    """This process's name in every line: host and port."""
    return f"{host_name()}:{settings.port}"
