"""Short jobs in the parent's own hands, ready for whichever child is the first to want one.

A child has one ready behind the one that it does; what is here comes next, high jobs first. A job that waits here for
longer than all that may be ready takes is handed back: the children do something that is not short.
"""

import time
from collections import deque
from collections.abc import Iterator

from msgspec import Struct

from consumer.pace import READY_S, is_urgent
from pipeline.record import Job, Wave

# A job that waits behind a slow one for so long is handed back, so that another child can have it.
STUCK_S = 0.2


class Handful(Struct, frozen=True):
    """What a child needs to do a job, and since when it is here."""

    job: Job
    data: bytes
    wave: Wave | None
    at: float


class Ready:
    """Jobs in the order in which children get them."""

    def __init__(self) -> None:
        self._waiting: deque[Handful] = deque()

    def __len__(self) -> int:
        return len(self._waiting)

    def __iter__(self) -> Iterator[Job]:
        return (each.job for each in self._waiting)

    def add(self, job: Job, data: bytes, wave: Wave | None) -> None:
        """Behind the others, or before them where somebody waits for it."""
        handful = Handful(job, data, wave, time.monotonic())
        if is_urgent(job):
            self._waiting.appendleft(handful)
        else:
            self._waiting.append(handful)

    def first(self) -> Handful:
        """The next one; it stays. Raises IndexError when there is none."""
        return self._waiting[0]

    def drop_first(self) -> None:
        """A child has it."""
        self._waiting.popleft()

    def lose(self, token: str) -> Job | None:
        """The job with this token, which is here no longer."""
        for each in self._waiting:
            if each.job.token == token:
                self._waiting.remove(each)
                return each.job
        return None

    def clear(self) -> list[Job]:
        """All of them, which are here no longer."""
        jobs = list(self)
        self._waiting.clear()
        return jobs

    def due(self) -> float:
        """When they are to be handed back."""
        return min((each.at for each in self._waiting), default=float("inf")) + READY_S + STUCK_S
