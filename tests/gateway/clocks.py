"""Processes whose clock is hours wrong, by way of libfaketime; every test of them is skipped where that is absent."""

import sys
from pathlib import Path

import pytest

LIBRARY = next((str(path) for path in sorted(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"))), "")
needed = pytest.mark.skipif(not LIBRARY, reason="libfaketime is not installed (Debian: apt-get install faketime)")
HOURS = 5


def shifted(hours: int) -> dict[str, str]:
    """The environment of a process whose clock is so many hours ahead."""
    return {"LD_PRELOAD": LIBRARY, "FAKETIME": f"{hours:+d}h", "FAKETIME_DONT_FAKE_MONOTONIC": "1"}


class Movable:
    """A program whose clock a test moves while it runs; `path` starts it."""

    def __init__(self, folder: Path, program: str) -> None:
        self._offset = folder / "offset"
        self.path = str(folder / "moved")
        self.move(0)
        words = {"LD_PRELOAD": LIBRARY, "FAKETIME_TIMESTAMP_FILE": str(self._offset), "FAKETIME_NO_CACHE": "1"}
        lines = ["import os, sys", f"os.environ.update({words | {'FAKETIME_DONT_FAKE_MONOTONIC': '1'}!r})"]
        lines.append(f"os.execv({program!r}, [{program!r}, *sys.argv[1:]])")
        Path(self.path).write_text("\n".join((f"#!{sys.executable}", *lines, "")))
        Path(self.path).chmod(0o755)

    def move(self, hours: int) -> None:
        """From now on its clock is so many hours ahead of this machine's."""
        fresh = self._offset.with_suffix(".new")
        fresh.write_text(f"{hours:+d}h\n")
        fresh.replace(self._offset)
