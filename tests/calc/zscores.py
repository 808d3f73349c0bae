"""Whether the standard errors are honest: `python -m tests.calc.zscores [SEEDS] [KIND …]` asks every simulating kind
with 200 seeds, prints a table, and ends with 1 where a figure is out of the range.

    z = (answer - truth) / standard error of that answer

of every figure that has a standard error. The truth is a closed form where there is one (then the mean of z shows a
bias), else the mean over the seeds. Of an honest error the root of the mean of z² is 1; it must be from 0.6 to 1.5.
"""

import json
import math
import statistics
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from calc import execute
from tests.calc.zscore_questions import QUESTIONS, Question

SEEDS = 200
LEAST, MOST = 0.6, 1.5
Figures = dict[str, float]


@dataclass(frozen=True)
class Row:
    """A figure of a question, or a profile of figures: then the extremes of its entries."""

    kind: str
    question: str
    figure: str
    against: str
    least: float
    most: float
    bias: float

    @property
    def honest(self) -> bool:
        return self.least >= LEAST and self.most <= MOST


def rows(question: Question, seeds: int) -> Iterator[Row]:
    """The figures that have a standard error in any of the answers."""
    answers = [answer(question.kind, question.data(seed)) for seed in range(seeds)]
    errors = [errors_of(each) for each in answers]
    truths = question.truth(answers[0]) if question.truth else {}
    profiles: dict[str, list[tuple[float, float]]] = {}
    for path in sorted({path for found in errors for path, error in found.items() if error > 0}):
        told = [(at(each, path), found.get(path, 0.0)) for each, found in zip(answers, errors, strict=True)]
        values = [value for value, _ in told]
        truth, fewer = (truths[path], seeds) if path in truths else (statistics.fmean(values), seeds - 1)
        z = [(value - truth) / error for value, error in told if error > 0]
        spread = math.sqrt(math.fsum(each * each for each in z) / (fewer - seeds + len(z)))
        name = path.rpartition(".")[0] if path.rpartition(".")[2].isdigit() else path
        profiles.setdefault(name, []).append((spread, statistics.fmean(z)))
    for name, found in profiles.items():
        spreads, means = zip(*found, strict=True)
        known = any(path == name or path.startswith(f"{name}.") for path in truths)
        against = "closed form" if known else "own mean"
        several = f"{name} ({len(found)})" if len(found) > 1 else name
        yield Row(question.kind, question.name, several, against, min(spreads), max(spreads), max(means, key=abs))


def answer(kind: str, data: Mapping[str, Any]) -> dict[str, Any]:
    """The result, read."""
    planned = execute.plan(kind, json.dumps(data).encode(), fresh_seed=1)
    found: dict[str, Any] = json.loads(execute.execute(kind, planned.data))
    return found


def errors_of(answer: Mapping[str, Any]) -> Figures:
    """Standard errors by the path of their figure."""
    found = dict(leaves(answer["standard_error"], ""))
    for figure, errors in answer.get("component_standard_error", {}).items() if "component_var" in answer else ():
        found |= dict(leaves(errors, f"component_{figure}"))
    return found


def leaves(value: Any, path: str) -> Iterator[tuple[str, float]]:
    """Numbers with their paths."""
    if isinstance(value, (int, float)):
        yield path, float(value)
        return
    entries = value.items() if isinstance(value, dict) else enumerate(value or [])
    for key, entry in entries:
        yield from leaves(entry, f"{path}.{key}" if path else str(key))


def at(answer: Any, path: str) -> float:
    """The number under a path with dots."""
    for step in path.split("."):
        answer = answer[int(step)] if isinstance(answer, list) else answer[step]
    return float(answer)


def main(words: list[str], tell: Callable[[str], None] = print) -> int:
    """The table; the exit code."""
    seeds = next((int(word) for word in words if word.isdigit()), SEEDS)
    kinds = [word for word in words if not word.isdigit()]
    wrong = []
    tell(f"{seeds} seeds; r.m.s. of z must be from {LEAST} to {MOST}")
    tell(f"{'kind':16} {'question':42} {'figure':28} {'against':12} {'r.m.s. of z':>12} {'mean':>6}")
    for question in QUESTIONS:
        for row in rows(question, seeds) if not kinds or question.kind in kinds else ():
            spread = f"{row.least:.2f}" if row.least == row.most else f"{row.least:.2f}–{row.most:.2f}"
            line = f"{row.kind:16} {row.question:42} {row.figure:28} {row.against:12} {spread:>12} {row.bias:+6.2f}"
            tell(line if row.honest else f"{line}  OUT")
            wrong += [] if row.honest else [row]
    tell(f"{len(wrong)} figures are out of the range" if wrong else "Every error is honest.")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
