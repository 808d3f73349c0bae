"""supervisord: start it, ask it, stop it, over its unix socket (mode 0700, no port)."""

import contextlib
import http.client
import socket
import subprocess
import sys
import time
import xmlrpc.client
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from msgspec import Struct

from deploy.stack import Stack
from deploy.tell import OURS, Problem

CONF = "supervisord.conf"
SHUTDOWN_STATE = 6  # of supervisor.xmlrpc.Faults
# Where an address may be no longer than this, the socket's path counts as one.
SOCKET_PATH_LIMIT = 103


class Program(Struct, frozen=True):
    """One process that supervisord looks after. `since` is seconds since 1970, 0 when it does not run."""

    name: str
    group: str
    state: str
    since: int
    pid: int
    trouble: str


class _Connection(http.client.HTTPConnection):
    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=10)
        self.path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self.path))


class _Transport(xmlrpc.client.Transport):
    def __init__(self, path: Path) -> None:
        super().__init__()
        self.path = path

    def make_connection(self, host: Any) -> http.client.HTTPConnection:
        known, kept = self._connection
        if kept and known == host:
            return kept
        made = _Connection(self.path)
        self._connection = host, made  # so that close() closes it
        return made


@contextlib.contextmanager
def _asking(path: Path) -> Iterator[Any]:
    with xmlrpc.client.ServerProxy("http://localhost", transport=_Transport(path)) as proxy:
        yield proxy


def pid(stack: Stack) -> int | None:
    """The pid of the supervisord that answers here; None when none does, or one that is stopping everything."""
    try:
        with _asking(stack.socket) as proxy:
            return int(proxy.supervisor.getPID())
    except (OSError, http.client.HTTPException, xmlrpc.client.Fault):
        return None


def is_stopping(stack: Stack) -> bool:
    """Whether it was told to stop everything, and is at it: then it answers nothing else."""
    try:
        with _asking(stack.socket) as proxy:
            proxy.supervisor.getPID()
    except (OSError, http.client.HTTPException):
        return False
    except xmlrpc.client.Fault as fault:
        return fault.faultCode == SHUTDOWN_STATE
    return False


def programs(stack: Stack) -> list[Program]:
    """Everything that it looks after, in the order of its names."""
    try:
        with _asking(stack.socket) as proxy:
            rows = proxy.supervisor.getAllProcessInfo()
    except (OSError, http.client.HTTPException, xmlrpc.client.Fault) as gone:
        raise Problem("supervisord does not answer any more.", str(gone), "Clean up:  make down", OURS) from None
    found = [
        Program(
            name=row["name"],
            group=row["group"],
            state=row["statename"],
            since=row["start"] if row["pid"] else 0,
            pid=row["pid"],
            trouble=row["spawnerr"],
        )
        for row in rows
    ]
    return sorted(found, key=lambda program: program.name)


def start(stack: Stack) -> None:
    """Start supervisord in the background; it starts everything else. Returns when it answers."""
    command = [sys.executable, "-m", "supervisor.supervisord", "-c", str(stack.var / CONF)]
    ended = subprocess.run(command, cwd=stack.root, env=stack.environ, capture_output=True, text=True, check=False)
    until = time.monotonic() + 10
    while ended.returncode == 0 and time.monotonic() < until:
        if pid(stack):
            return
        time.sleep(0.02)
    said = ended.stderr.strip() or "it started, but does not answer on its socket"
    raise Problem("supervisord did not start.", said, f"Its log: {stack.var}/log/supervisord.log", OURS)


def shut_down(stack: Stack) -> None:
    """Tell it to stop everything in order, each as long as it needs, then itself. Returns at once."""
    with _asking(stack.socket) as proxy, contextlib.suppress(xmlrpc.client.Fault):  # somebody has told it already
        proxy.supervisor.shutdown()


def start_program(path: Path, name: str) -> None:
    """Start one program (`group:name`) again without waiting for it; `path` is supervisord's socket."""
    with _asking(path) as proxy:
        proxy.supervisor.startProcess(name, False)
