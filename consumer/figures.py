"""What this consumer has done since its start, in figures: counted where lines are written, told in its heartbeat.

A gateway gives them on to Prometheus (gateway/exporter.py). So a consumer opens no port, and counting a job
is a look in a dict.
"""

from collections import Counter
from collections.abc import Sequence

from pipeline.log import Line
from pipeline.record import Tally


class Figures:
    """Counted by kind and outcome: jobs, seconds in the child, seconds of CPU; by kind: paths of jobs that are done."""

    def __init__(self, ended: Counter[str]) -> None:
        self._ended = ended  # why a child ended → how often, as the pool counts it
        self.reaped = 0  # abandoned jobs that we put again
        self.absences = 0  # of the store, since it first answered
        self._jobs: dict[tuple[str, str], list[float]] = {}
        self._paths: Counter[str] = Counter()  # kind → paths and scenarios that were simulated

    def told(self, lines: Sequence[Line]) -> None:
        """Count the lines of jobs."""
        for line in lines:
            counted = self._jobs.get((line.kind, line.outcome))
            if counted is None:
                counted = self._jobs[line.kind, line.outcome] = [0, 0.0, 0.0]
            counted[0] += 1
            counted[1] += line.ran_ms
            counted[2] += line.cpu_ms
            if line.paths and line.outcome == "done":
                self._paths[line.kind] += line.paths

    def as_told(self) -> Tally:
        """For the heartbeat, as people read it there."""
        jobs = [
            (kind, outcome, int(n), round(ran_ms / 1000, 3), round(cpu_ms / 1000, 3))
            for (kind, outcome), (n, ran_ms, cpu_ms) in self._jobs.items()
        ]
        return Tally(jobs, self._paths, self._ended, self.reaped, self.absences)
