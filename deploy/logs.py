"""`make logs`: follow the logs of every process, one JSON object a line (store and nginx errors: text)."""

import os

from deploy.stack import Stack
from deploy.tell import NOT_RUNNING, Problem


def logs(stack: Stack) -> int:
    """Becomes `tail`; ends with Ctrl-C."""
    files = sorted(str(path) for path in (stack.var / "log").glob("*") if path.suffix in (".jsonl", ".log"))
    if not files:
        raise Problem("There are no logs yet.", f"{stack.var}/log is empty.", "Start Headrace:  make up", NOT_RUNNING)
    os.execvp("tail", ["tail", "-q", "-n", "20", "-F", *files])
