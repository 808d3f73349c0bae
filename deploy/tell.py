"""What the commands say: lines, tables, and problems of three lines (what; why or how known; what to do)."""

import sys
from collections.abc import Sequence

from pipeline.errors import SettingsError

OURS = 1  # exit codes, see __main__
NOT_RUNNING = 3
ENVIRONMENT = 4


class Problem(Exception):
    """Something a person must act on. `todo` is a command wherever there is one."""

    def __init__(self, what: str, why: str, todo: str, exit_code: int = ENVIRONMENT) -> None:
        super().__init__(f"{what}\n{why}\n{todo}")
        self.what, self.why, self.todo, self.exit_code = what, why, todo, exit_code


def say(line: str = "") -> None:
    """One line for the person at the keyboard, at once."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def complain(lines: str) -> None:
    """The same to the error stream."""
    sys.stdout.flush()
    sys.stderr.write(lines + "\n")


def wrong_setting(wrong: SettingsError) -> int:
    """Complain of a setting; the exit code."""
    complain(f"A setting is wrong.\n{wrong}\nEvery setting, its default and what it means: .env.example")
    return ENVIRONMENT


def row(*cells: str) -> None:
    """One row of the table of `up` and `status`."""
    widths = (11, 24, 18)
    padded = [cell.ljust(width) for cell, width in zip(cells, (*widths, 0), strict=False)]
    say("  " + " ".join(padded).rstrip())


def since(seconds: float) -> str:
    """A length of time in words a person says: `8 s`, `12 min`, `3 h 5 min`, `2 d 4 h`."""
    minutes, hours, days = int(seconds // 60), int(seconds // 3600), int(seconds // 86_400)
    if days:
        return f"{days} d {hours % 24} h"
    if hours:
        return f"{hours} h {minutes % 60} min"
    return f"{minutes} min" if minutes else f"{int(seconds)} s"


def span(ports: Sequence[int]) -> str:
    """`8001-8003`, or `8001` for one."""
    return f"{ports[0]}-{ports[-1]}" if len(ports) > 1 else str(ports[0])
