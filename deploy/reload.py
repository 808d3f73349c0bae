"""`python -m deploy.reload gateway`: run a module in this terminal, and start it again when a source file changes.

    look every half second ──changed──▶ SIGTERM ──▶ wait for its polite end ──▶ start anew

What ends by itself, as after a slip of the keyboard, is started again with the next change. Ctrl-C ends both.
"""

import contextlib
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from deploy.stack import ROOT
from deploy.tell import say

ROOMS = ("calc", "pipeline", "consumer", "gateway", "webhooks", "deploy", "tests/kinds")
SUFFIXES = (".py", ".lua", ".html", ".js", ".css")
LOOK_S = 0.5
WRONG_USAGE = 2


def main(arguments: list[str], root: Path = ROOT) -> int:
    """Until Ctrl-C; the exit code of the last run."""
    if len(arguments) != 1:
        say("Usage: python -m deploy.reload gateway|consumer|webhooks")
        return WRONG_USAGE
    command = [sys.executable, "-m", arguments[0]]
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # who stops us stops what we run
    seen = look(root)
    running = subprocess.Popen(command, cwd=root)
    try:
        while True:
            time.sleep(LOOK_S)
            now = look(root)
            if now != seen:
                say(f"── changed: {', '.join(sorted(str(path.relative_to(root)) for path in changed(seen, now)))}")
                seen = now
                running.terminate()
                running.wait()
                running = subprocess.Popen(command, cwd=root)
    except KeyboardInterrupt:
        running.terminate()
        with contextlib.suppress(KeyboardInterrupt):
            return running.wait()
        running.kill()
        return running.wait()


def look(root: Path) -> dict[Path, int]:
    """Every source file and when it was last changed."""
    return dict(_stamps(root))


def changed(before: dict[Path, int], after: dict[Path, int]) -> set[Path]:
    """Files that are new, gone or different."""
    return {path for path, _ in before.items() ^ after.items()}


def _stamps(root: Path) -> Iterator[tuple[Path, int]]:
    for room in ROOMS:
        for path in (root / room).rglob("*"):
            if path.suffix in SUFFIXES:
                with contextlib.suppress(FileNotFoundError):  # an editor that writes a file anew removes it first
                    yield path, path.stat().st_mtime_ns


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
