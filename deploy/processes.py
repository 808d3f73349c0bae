"""Processes as Linux shows them under /proc: who listens on a port, which are ours, which still live.

Where there is no /proc these answer "nobody known"; nothing here is needed to start.
"""

import contextlib
import os
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

from msgspec import Struct

from deploy.stack import MARK

PROC = Path("/proc")
LISTEN = "0A"  # state of a listening socket in /proc/net/tcp


class Process(Struct, frozen=True):
    """`started` (clock ticks since boot) tells a process from a later one with the same pid."""

    pid: int
    parent: int
    started: int
    name: str


def holder(port: int) -> Process | None:
    """Who listens on a TCP port of this machine; None when nobody is known."""
    sockets = {f"socket:[{inode}]" for inode in _listening_inodes(port)}
    if not sockets:
        return None
    for process in all_processes():
        if sockets & _open_files(process.pid):
            return process
    return None


def ours(var: Path) -> list[Process]:
    """Every process that was started for this `var` folder, whoever its parent is now.

    A program carries MARK in its environment; the store and nginx overwrite theirs, but stand in their folders
    of `var` and have no terminal, which somebody's shell there would have. This process and its parents do not count.
    """
    mark = f"{MARK}={var}".encode()
    above = {process.pid for process in _lineage(os.getpid())}
    return [process for process in all_processes() if process.pid not in above and _belongs(process.pid, mark, var)]


def living(processes: Iterable[Process]) -> list[Process]:
    """Those of the given that still run (a zombie does not)."""
    return [process for process in processes if read(process.pid) == process]


def wait_gone(processes: Iterable[Process], limit_s: float) -> list[Process]:
    """Wait until all are gone, at most `limit_s`; those that still live."""
    until = time.monotonic() + limit_s
    left = living(processes)
    while left and time.monotonic() < until:
        time.sleep(0.02)
        left = living(left)
    return left


def read(pid: int) -> Process | None:
    """One process; None when it is gone or a zombie."""
    try:
        text = (PROC / str(pid) / "stat").read_text()
    except (OSError, UnicodeDecodeError):
        return None
    name, _, rest = text.partition(" (")[2].rpartition(") ")
    fields = rest.split()
    if not fields or fields[0] in "ZX":
        return None
    return Process(pid=pid, parent=int(fields[1]), started=int(fields[19]), name=name)


def all_processes() -> Iterator[Process]:
    """Every process that runs now."""
    pids = (int(entry.name) for entry in PROC.iterdir() if entry.name.isdigit()) if PROC.is_dir() else iter(())
    return (process for pid in pids if (process := read(pid)))


def _lineage(pid: int) -> Iterator[Process]:
    process = read(pid)
    while process:
        yield process
        process = read(process.parent)


def _belongs(pid: int, mark: bytes, var: Path) -> bool:
    try:
        folder = PROC / str(pid)
        if mark in (folder / "environ").read_bytes().split(b"\0"):
            return True
        terminal = (folder / "stat").read_text().rpartition(")")[2].split()[4]
        stands = Path(os.readlink(folder / "cwd"))
        return terminal == "0" and any(stands.is_relative_to(var / kept) for kept in ("store", "nginx"))
    except OSError:  # gone meanwhile, or another user's
        return False


def _listening_inodes(port: int) -> Iterator[str]:
    for table in ("tcp", "tcp6"):
        path = PROC / "net" / table
        lines = path.read_text().splitlines()[1:] if path.is_file() else []
        for fields in (line.split() for line in lines):
            if fields[3] == LISTEN and int(fields[1].rpartition(":")[2], 16) == port:
                yield fields[9]


def _open_files(pid: int) -> set[str]:
    folder = PROC / str(pid) / "fd"
    files = set()
    with contextlib.suppress(OSError):  # gone meanwhile, or another user's
        for name in os.listdir(folder):
            files.add(os.readlink(folder / name))
    return files
