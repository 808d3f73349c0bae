"""What the parent does every so often, between the events of its loop."""

import time
from collections.abc import Callable


class Timer:
    """Something to do every `period_s`; `late_ms` tells how late it was the last time."""

    def __init__(self, period_s: float, act: Callable[[], None], first_s: float = 0.0) -> None:
        self.period_s = period_s
        self.act = act
        self.due = time.monotonic() + first_s
        self.late_ms = 0.0

    def run(self, now: float) -> None:
        """Do it if it is due."""
        if now < self.due:
            return
        self.late_ms = (now - self.due) * 1000
        self.due = now + self.period_s
        self.act()

    def soon(self) -> None:
        """Make it due now."""
        self.due = min(self.due, time.monotonic())
