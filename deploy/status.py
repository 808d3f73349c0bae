"""`make status`: what runs, since when; exit code 0 only when all of it does."""

import time
from collections.abc import Sequence

from deploy import supervisord
from deploy.stack import Stack
from deploy.supervisord import Program
from deploy.tell import NOT_RUNNING, OURS, Problem, row, say, since


def status(stack: Stack) -> int:
    """One row a program."""
    if not supervisord.pid(stack):
        why = f"No supervisord answers at {stack.socket}."
        raise Problem("Headrace is not running here.", why, "Start it:  make up", NOT_RUNNING)
    programs = supervisord.programs(stack)
    for program in programs:
        age = f"since {since(time.time() - program.since)}" if program.since else program.trouble
        row(program.name.ljust(14), f"{program.state.lower()} {age}", f"pid {program.pid}" if program.pid else "")
    wrong = trouble(programs)
    say("All of it runs." if not wrong else f"Not running: {', '.join(wrong)}. Its log is in {stack.var}/log.")
    return OURS if wrong else 0


def trouble(programs: Sequence[Program]) -> list[str]:
    """The names of the programs that do not run."""
    return [program.name for program in programs if program.state != "RUNNING"]
