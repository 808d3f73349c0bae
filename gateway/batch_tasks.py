"""From the lines of a batch to its tasks.

    line ──bodies──▶ envelope ──plan──▶ Made │ Rejected

Each is understood by itself. One that is wrong is told with all that is, and keeps no other from the store.
"""

import asyncio
import random
import secrets
from collections.abc import Callable
from functools import partial
from time import monotonic

from msgspec import Struct, structs

from calc.errors import Fault
from gateway import bodies, limits, problems, submission
from gateway.batch_lines import Line
from gateway.desk import Desk
from gateway.idempotency import Key
from gateway.problems import FieldFault, Problem
from gateway.submission import Asked, From
from pipeline.record import NewTask

SLICE_S = 0.005  # of planning, then others have their turn
MOST_REJECTS = 1_000  # lines of which it is told what is wrong; all are counted
MOST_FIELDS = 5_000  # of all these lines that are told; one of each line always is


class Made(Struct, frozen=True):
    """The task of a line; `nth` of the batch's lines, which its id follows from."""

    line: Line
    nth: int
    task: NewTask


class Rejected(Struct, frozen=True):
    """A line that is no task, and what is wrong with it."""

    line: int
    custom_id: str | None
    code: str
    detail: str
    errors: list[FieldFault]


class Maker:
    """Makes the tasks of one batch. `wrong` counts the lines that are none; the first of them are told (`rejected`)."""

    def __init__(self, desk: Desk, batch: str, id_of: Callable[[int], str], sender: From, told: bool) -> None:
        self._desk, self._batch, self._id_of, self._sender = desk, batch, id_of, sender
        self._told = told  # whether somebody is told when all of it has ended
        self._seeds = random.Random(secrets.randbits(256))  # the system's own source would be asked once a line
        self._names: set[str] = set()
        self._fields = MOST_FIELDS  # that may still be told
        self.made: list[Made] = []
        self.rejected: list[Rejected] = []
        self.wrong = 0

    async def understand(self, lines: list[Line]) -> None:
        """Make what can be made of the lines. Long ones are read beside the loop; between others it has its turns."""
        until = monotonic() + SLICE_S
        for nth, line in enumerate(lines, 1):
            if len(line.text) <= limits.LARGE:
                self._understand(nth, line)
            else:
                await self._desk.aside(partial(self._understand, nth, line))
            if monotonic() > until:
                await asyncio.sleep(0)
                until = monotonic() + SLICE_S

    def _understand(self, nth: int, line: Line) -> None:
        enough = len(self.rejected) >= MOST_REJECTS
        if enough and bodies.is_wrong(line.text):  # to say what is wrong costs twenty times as much
            self.wrong += 1
            return
        try:
            self.made.append(Made(line, nth, self._task(nth, line)))
        except Problem as wrong:
            self.wrong += 1
            if not enough:
                self.rejected.append(rejected(line, wrong, max(1, min(self._fields, problems.MOST_FAULTS))))
                self._fields -= len(self.rejected[-1].errors)

    def _task(self, nth: int, line: Line) -> NewTask:
        asked = bodies.envelope(line.text, bodies.Line)
        name = asked.custom_id or ""
        if name in self._names:
            raise problems.invalid([Fault("$.custom_id", "stands in an earlier line too", name)], "invalid_request")
        if asked.cache == "use":
            fault = Fault("$.cache", "is not for tasks of a batch: each of them is calculated", "use", "off")
            raise problems.invalid([fault], "invalid_request")
        whole = Asked(asked, submission.plan(asked, self._seeds.getrandbits(submission.SEED_BITS)), Key(), None)
        task = submission.new_task(self._desk, self._id_of(nth), whole, self._sender, self._batch, name, self._told)
        if name:
            self._names.add(name)
        return task


def of_batch(made: list[Made], batch: str, id_of: Callable[[int], str]) -> list[Made]:
    """The same tasks as they are called in the batch that was opened when they were sent before."""
    return [Made(m.line, m.nth, structs.replace(m.task, id=id_of(m.nth), batch=batch)) for m in made]


def rejected(line: Line, wrong: Problem, most: int) -> Rejected:
    """A line with what is wrong with it, at most so many fields."""
    fields = [problems.field(fault) for fault in wrong.faults[:most]]
    return Rejected(line.number, bodies.custom_id_of(line.text), wrong.code, wrong.detail, fields)


def no_room(made: Made, outcome: str) -> Rejected:
    """A line that came when as many tasks were waiting, or had not ended, as may."""
    owner, priority = made.task.owner, made.task.priority
    code, detail = "backlog_full", f"As many tasks of {owner} are waiting at priority {priority} as may."
    if outcome == "quota":
        code, detail = "quota_full", f"As many tasks of {owner} have not ended as may."
    return Rejected(made.line.number, made.task.custom_id or None, code, detail, [])


def nothing_accepted(rejects: list[Rejected], count: int) -> Problem:
    """The answer when no line became a task: the first lines that are wrong, of so many."""
    first, told = rejects[0], [f"line {each.line}: {each.detail}" for each in rejects[: problems.MOST_FAULTS]]
    left_out = f"; the first {len(told)} are told" if count > len(told) else ""
    more = f" ({count:,} lines are wrong{left_out})" if count > 1 else ""
    return Problem("batch_rejected", f"Line {first.line}: {first.detail}{more}. Nothing was accepted.", wrong=told)
