"""`python -I -S deploy/tied.py PIDFILE SIGNAL COMMAND…`: become a program that ends when its supervisord does.

A supervisord that is killed (SIGKILL, out of memory) can stop nobody, and its programs would go on without anyone who
starts them again. Linux sends a process SIGNAL when its parent is gone, if it asked for that; the wish outlives exec.
Elsewhere this only executes the command. A polite stop is what it was: same pid, same signals.

Executed for every program that starts, so it imports nothing of ours and little else.
"""

import ctypes
import os
import signal
import sys
from typing import NoReturn

PR_SET_PDEATHSIG = 1


def main(pidfile: str, name: str, command: list[str]) -> NoReturn:
    """Does not return, unless there is no supervisord any more."""
    if sys.platform == "linux":
        number = int(signal.Signals[f"SIG{name}"])
        if ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, number, 0, 0, 0):
            sys.exit(f"{command[0]} cannot be tied to its supervisord: {os.strerror(ctypes.get_errno())}")
        if os.getppid() != supervisor(pidfile):  # it went before we asked, so nobody will send the signal
            sys.exit(f"{command[0]} is not started: its supervisord is gone")
    if os.path.basename(command[0]) == "nginx":
        _quit_orphans(os.getcwd())
    os.execvp(command[0], command)


def _quit_orphans(folder: str) -> None:
    """A master that was killed leaves its workers: they keep the port, so no other master can have it."""
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/comm", encoding="ascii") as file:
                if file.read() == "nginx\n" and os.readlink(f"/proc/{pid}/cwd") == folder:
                    os.kill(int(pid), signal.SIGQUIT)
        except OSError:  # gone meanwhile, or another user's
            continue


def supervisor(pidfile: str) -> int:
    """The pid of the supervisord that starts programs here."""
    with open(pidfile, encoding="ascii") as file:
        return int(file.read())


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3:])
