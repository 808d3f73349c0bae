"""`python -m deploy.sync FOLDER`: each second, what the store has written reaches the disk.

Why not `appendfsync everysec`, with which the server does it itself: while such an fsync is under way, the server keeps
in its own memory what it acknowledges meanwhile (for up to two seconds, where the disk is busy), and a SIGKILL at that
moment loses it. With `appendfsync no` every write is the kernel's before its answer leaves, and the kernel survives a
killed process; what remains to be done is this.
"""

import os
import signal
import sys
import time
from pathlib import Path

from deploy.line import write_line

PERIOD_S = 1.0


class Folder:
    """The files of one folder and of those in it; `sync` brings to the disk what has changed since the last time."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._synced: dict[Path, tuple[int, int, int]] = {}

    def sync(self) -> list[Path]:
        """The files and folders that were brought to the disk. Raises OSError when the disk fails."""
        changed = {path: seen for path, seen in self._look().items() if self._synced.get(path) != seen}
        for path, seen in changed.items():  # looked at before: what changes meanwhile is the next time's
            if _to_disk(path):
                self._synced[path] = seen
            else:
                self._synced.pop(path, None)
        return list(changed)

    def _look(self) -> dict[Path, tuple[int, int, int]]:
        found = {}
        for path in (self.path, *self.path.rglob("*")):
            try:
                about = path.stat()
            except FileNotFoundError:  # a rewrite has just removed it
                continue
            found[path] = (about.st_ino, about.st_size, about.st_mtime_ns)
        return found


def _to_disk(path: Path) -> bool:
    """Whether it was still there."""
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return False
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    return True


def main(path: Path) -> None:
    """Until SIGTERM. A disk that fails is logged, and ends this program: supervisord starts it again."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    folder = Folder(path)
    while True:
        begun = time.monotonic()
        try:
            folder.sync()
        except OSError as wrong:
            write_line("sync", "error", "store.sync_failed", folder=str(path), error=str(wrong))
            sys.exit(1)
        time.sleep(max(0.0, begun + PERIOD_S - time.monotonic()))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
