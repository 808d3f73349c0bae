"""How much is too much, and how we say so: a full backlog, a store that fills up, large bodies in a crowd.

Each is told with the pause after which it is worth asking again.
"""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from gateway.problems import Problem
from pipeline import verbs
from pipeline.async_store import AsyncStore
from pipeline.settings import Settings

LARGE = 100_000  # bytes; a body above it is decoded and planned beside the loop, which others need
CROWD = 8  # so many bodies of the largest size may be here at once, or as many bytes in smaller ones

SHORTEST_S, LONGEST_S = 1, 300  # of a pause
STANDSTILL_S = 60  # when nothing drains nobody knows


class Asks(Protocol):
    """The desk, as far as it is needed here."""

    settings: Settings
    store: AsyncStore


def pause_s(limit: int, drained: float) -> int:
    """The time in which one percent of the limit drains, and at least one task, at `drained` tasks a second."""
    if drained <= 0:
        return STANDSTILL_S
    return min(LONGEST_S, max(SHORTEST_S, math.ceil(max(1.0, limit / 100) / drained)))


def backlog_full(owner: str, priority: str, limit: int, drained: float) -> Problem:
    """The owner's tasks that wait at this priority have reached the limit."""
    pause = pause_s(limit, drained)
    pace = f"{drained:.3g} tasks a second end" if drained > 0 else "no task has ended in the last minutes"
    detail = (
        f"{limit:,} tasks of {owner} are waiting at priority {priority}, as many as may; {pace}. "
        f"Nothing was accepted. Ask again in {pause} s."
    )
    return Problem("backlog_full", detail, retry_after_s=pause)


def quota_full(owner: str, limit: int, drained: float) -> Problem:
    """The owner's tasks that have not ended have reached the limit."""
    pause = pause_s(limit, drained)
    detail = f"{limit:,} tasks of {owner} have not ended, as many as may. Nothing was accepted. Ask again in {pause} s."
    return Problem("quota_full", detail, retry_after_s=pause)


async def one_more(desk: Asks, owner: str) -> list[tuple[bytes, bytes]]:
    """Count one more request of an owner: the headers that say what is left. Raises a Problem when it is too many."""
    per_second, burst = desk.settings.rate_limit, desk.settings.rate_burst
    allowed, left, seconds = await desk.store.do(verbs.rate(owner, per_second, burst))
    wait = math.ceil(seconds)
    told = f"limit={burst}, remaining={left}, reset={wait}"
    if not allowed:
        detail = f"{owner} may ask {per_second:g} times a second, {burst} times at once. Nothing was done."
        headers = {"RateLimit": told}
        raise Problem("rate_limited", detail, retry_after_s=max(1, wait), headers=headers)
    return [(b"ratelimit", told.encode())]


def store_full(fullness: float, limit: float) -> Problem:
    """The store is so full that the rest is kept for the results of what runs."""
    detail = (
        f"The store is {percent(fullness)} full, and above {percent(limit)} nothing more is accepted, so that what "
        "runs can store its results. Nothing was accepted."
    )
    return Problem("store_full", detail)


def percent(share: float) -> str:
    """0.914 → `91 %`."""
    return f"{100 * share:.0f} %"


class Crowd:
    """The large bodies that are here: being read, waiting for the thread, or in it."""

    def __init__(self, largest: int) -> None:
        self._limit = CROWD * largest
        self._bytes = 0

    @contextmanager
    def room(self, size: int) -> Iterator[None]:
        """Keep room for a body for the length of a block. Raises Problem when there is none; small ones need none."""
        if size <= LARGE:
            yield
            return
        if self._bytes + size > self._limit:
            here = f"Large bodies of {self._bytes:,} bytes are being read and checked, of at most {self._limit:,}"
            raise Problem("bodies_waiting", f"{here}. Nothing was accepted.")
        self._bytes += size
        try:
            yield
        finally:
            self._bytes -= size
