"""What came back, for people: how far all is while it runs, then a table, each answer beside what it must be."""

import time
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any, TextIO

from examples.checks import Figure, figures
from examples.client import ended
from examples.portfolio import Portfolio
from examples.questions import Question

DRAW_S, LINE_S = 0.1, 2.0  # how often a terminal's bar, and a line elsewhere
BAR = 30
HEADER = ("", "", "answer", "± s.e.", "check", "off by", "waited", "ran", "jobs by child")
LEFT = {0, 1, 8}  # columns that are not numbers


# ── while it runs ──


class Bar:
    """In a terminal a bar that grows in its place, elsewhere a line now and then."""

    def __init__(self, out: TextIO, asked: Sequence[Question]) -> None:
        self._out, self._asked = out, asked
        self._terminal = out.isatty()
        self._begun = time.monotonic()
        self._drawn = self._begun

    def draw(self, last: bool = False) -> None:
        """Show where all of it stands, unless it was shown just now."""
        now = time.monotonic()
        if not last and now - self._drawn < (DRAW_S if self._terminal else LINE_S):
            return
        self._drawn = now
        done, parts, finished = self._progress()
        line = f"{finished} of {len(self._asked)} tasks, {done} of {parts} parts, {now - self._begun:.1f} s"
        if self._terminal:
            filled = BAR * done // max(parts, 1)
            line = f"\r\x1b[K{'█' * filled}{'░' * (BAR - filled)}  {line}"
        self._out.write(line + ("\n" if last or not self._terminal else ""))
        self._out.flush()

    def _progress(self) -> tuple[int, int, int]:
        """Parts done, parts, tasks that have ended. A task that nobody has looked at yet counts as one part."""
        tasks = [question.task for question in self._asked]
        far = [task["progress"] for task in tasks if task]
        parts = sum(each["parts"] for each in far) + len(tasks) - len(far)
        return sum(each["done"] for each in far), parts, sum(bool(task) and ended(task) for task in tasks)


# ── when it is done ──


def show(asked: Sequence[Question], held: Portfolio, out: TextIO) -> None:
    """The table, and whose short names stand in its last column."""
    short = _short_names(asked)
    rows = [("", HEADER), *((each.family, row) for each in asked for row in _rows(each, held, short))]
    widths = [max(len(row[column]) for _, row in rows) for column in range(len(HEADER))]
    out.write("\n")
    before = ""
    for family, row in rows:
        if family != before:
            out.write(f"\n{family}\n")
        before = family
        cells = zip(range(len(row)), row, widths, strict=True)
        out.write("  ".join(cell.ljust(w) if n in LEFT else cell.rjust(w) for n, cell, w in cells).rstrip() + "\n")
    out.write("\n")
    for name, consumer in sorted((shown, name) for name, shown in short.items()):
        out.write(f"{name} is {consumer}\n")
    if short:
        out.write(
            "c1 2·0·1·1: its child 0 computed two of the task's jobs, children 2 and 3 one each. A fold is a job too.\n"
        )


def _rows(question: Question, held: Portfolio, short: dict[str, str]) -> Iterator[tuple[str, ...]]:
    task = question.task
    times = (_ms(task.get("waited_ms")), _ms(task.get("ran_ms")), _jobs(question.spans, short))
    shown = figures(question, held)
    if not shown:
        yield (question.what, question.refused or str(task.get("state", "not accepted")), "", "", "", "", *times)
    for number, figure in enumerate(shown):
        numbers = (_number(figure.answer), _number(figure.error), _number(figure.check), _off(figure))
        yield ("" if number else question.what, figure.name, *numbers, *(("", "", "") if number else times))


def _off(figure: Figure) -> str:
    if not figure.simulated:
        return "=" if figure.right else "≠"
    if not figure.error:
        return "=" if figure.right else "≠"
    return f"{(figure.answer - figure.check) / figure.error:+.1f} s.e."


def _short_names(asked: Sequence[Question]) -> dict[str, str]:
    names = sorted({span["consumer"] for question in asked for span in question.spans})
    return {name: f"c{number}" for number, name in enumerate(names, 1)}


def _jobs(spans: list[dict[str, Any]], short: dict[str, str]) -> str:
    """How many of a task's jobs each child did: `c1 2·0·1·1  c3 1·0`."""
    did = Counter((short[span["consumer"]], span["child"]) for span in spans if span["outcome"] == "done")
    consumers = sorted({consumer for consumer, _ in did})
    most = max((child for _, child in did), default=0)
    return "  ".join(f"{c} {'·'.join(str(did[c, child]) for child in range(most + 1))}" for c in consumers)


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:,.2f}" if abs(value) >= 1000 else f"{value:,.5f}"


def _ms(value: int | None) -> str:
    return "" if value is None else f"{value:,} ms"
