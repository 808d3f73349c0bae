"""What must be right before anything is started; each fault is one Problem with what to do."""

import contextlib
import os
import pwd
import re
import shlex
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

from deploy import processes, supervisord
from deploy.stack import Stack
from deploy.tell import Problem

OLDEST_PYTHON = (3, 11)
OLDEST_NGINX = (1, 27, 3)  # the first whose upstreams resolve names and can be given a port by Compose


def python(_: Stack) -> None:
    """The Python that runs us. `setup.sh` refuses an old one earlier, with the same words."""
    refuse_python(sys.version_info[:3], sys.executable)


def refuse_python(version: tuple[int, ...], path: str) -> None:
    """Raise when this version is too old."""
    if version < OLDEST_PYTHON:
        raise Problem(
            f"Headrace needs Python 3.11 or newer; this is {'.'.join(map(str, version))} ({path}).",
            "The virtual environment .venv was made with it.",
            "Make it anew:  rm -rf .venv; make up HEADRACE_PYTHON=python3.11",
        )


def folder(stack: Stack) -> None:
    """`var` is there and can be written, and its socket's path is short enough for the system."""
    var = stack.var
    with contextlib.suppress(OSError):  # the look below says what is wrong
        var.mkdir(parents=True, exist_ok=True)
    nearest = next(path for path in (var, *var.parents) if path.exists())
    if nearest != var or not var.is_dir() or not os.access(var, os.W_OK | os.X_OK, effective_ids=True):
        raise Problem(
            f"Cannot write to {_short(var, stack.root)} (owner {_owner(nearest)}, you are {_me()}).",
            "An earlier run with sudo probably made it." if nearest == var else f"Nothing can be made in {nearest}.",
            f"Fix:  sudo chown -R {_me()} {shlex.quote(str(nearest))}    or  make up HEADRACE_VAR=~/headrace",
        )
    if len(str(stack.socket)) > supervisord.SOCKET_PATH_LIMIT:
        raise Problem(
            f"The path of {var} is too long.",
            f"The socket's in it has {len(str(stack.socket))} characters, of at most {supervisord.SOCKET_PATH_LIMIT}.",
            "Choose a shorter one:  make up HEADRACE_VAR=/tmp/headrace",
        )


def ports(stack: Stack) -> None:
    """Every port is free."""
    for number, variable in stack.ports.items():
        if not port_is_free(number):
            raise _port_in_use(stack, number, variable)


def port_is_free(number: int) -> bool:
    """Whether somebody could listen on this port of the loopback address now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # a port that was closed just now is free
        try:
            probe.bind(("127.0.0.1", number))
        except OSError:
            return False
    return True


def _port_in_use(stack: Stack, number: int, variable: str) -> Problem:
    other = processes.holder(number)
    who = f'"{other.name}" (pid {other.pid})' if other else "another process"
    if other and other in processes.ours(stack.var):
        why = "It was left behind by a Headrace of this folder whose supervisord is gone."
        return Problem(f"Port {number} is already in use by {who}.", why, "Stop it:  make down")
    choose = {
        "HEADRACE_HTTP_PORT": f"make up PORT={number + 1}",
        "HEADRACE_DASHBOARD_PORT": f"make up HEADRACE_DASHBOARD_PORT={number + 1}",
        "HEADRACE_GATEWAY_PORT": "make up HEADRACE_GATEWAY_PORT=8101",
        "HEADRACE_STORE_PORT": "make up HEADRACE_STORE_PORT=6391",
    }[variable]
    why = f"{variable} puts us there; no other port is taken unasked."
    todo = f"Choose another:  {choose}    or stop that process."
    return Problem(f"Port {number} is already in use by {who}.", why, todo)


def nothing_left(stack: Stack) -> None:
    """No program of an earlier start runs on: it would hold a lock, a port or jobs."""
    left = processes.ours(stack.var)
    if left:
        pids = ", ".join(str(process.pid) for process in left)
        what = f"{len(left)} processes of an earlier start are left behind."
        raise Problem(what, f"Their supervisord is gone; their pids: {pids}.", "Stop them:  make down")


def ports_differ(stack: Stack) -> None:
    """The ranges of nginx, gateways and store do not overlap."""
    wanted = [stack.wanted.http_port, stack.wanted.dashboard_port, *stack.gateway_ports] + [
        stack.wanted.store_port
    ] * stack.embedded
    twice = sorted({port for port in wanted if wanted.count(port) > 1} | {port for port in wanted if port > 65_535})
    if twice:
        raise Problem(
            f"Port {twice[0]} cannot be used twice, or does not exist.",
            "HEADRACE_HTTP_PORT, HEADRACE_DASHBOARD_PORT, HEADRACE_GATEWAY_PORT (and the ports after it) and"
            " HEADRACE_STORE_PORT must differ.",
            "Choose others:  make up HEADRACE_GATEWAY_PORT=8101",
        )


def store(stack: Stack) -> None:
    """A given server accepts connections. (Whether it is fit to use, `up` asks the store itself.)"""
    if stack.embedded:
        return
    url = urlsplit(stack.wanted.redis_url)
    host, port = url.hostname or "127.0.0.1", url.port or 6379
    shown = f"{url.scheme}://{host}:{port}"  # never the password
    if url.scheme not in ("redis", "rediss"):
        raise _store_away(shown, f"HEADRACE_REDIS_URL must begin with redis:// or rediss://, not {url.scheme}://.")
    try:
        socket.create_connection((host, port), timeout=3).close()
    except OSError as refused:
        raise _store_away(shown, f"HEADRACE_REDIS_URL names it: {refused.strerror or refused}.") from None


def _store_away(shown: str, why: str) -> Problem:
    todo = "Start it, or use the embedded store:  make up HEADRACE_REDIS_URL="
    return Problem(f"The store at {shown} does not answer.", why, todo)


def binaries(stack: Stack) -> None:
    """nginx and the store's server run on this machine, and nginx is new enough."""
    said = _version(stack.nginx, "-v", "HEADRACE_NGINX")
    found = re.search(r"nginx/(\d+)\.(\d+)\.(\d+)", said)
    if not found or tuple(map(int, found.groups())) < OLDEST_NGINX:
        raise Problem(
            f"nginx 1.27.3 or newer is needed; {stack.nginx} is {found[0] if found else 'something else'}.",
            "HEADRACE_NGINX names it.",
            "Use the one that comes with Headrace:  make up HEADRACE_NGINX=",
        )
    if stack.embedded:
        _version(stack.redis_server, "--version", "HEADRACE_REDIS_SERVER")


def _version(binary: Path, option: str, variable: str) -> str:
    try:
        ended = subprocess.run([binary, option], capture_output=True, text=True, timeout=10, check=True)
    except (OSError, subprocess.SubprocessError) as wrong:
        raise Problem(
            f"{binary} does not run.", str(wrong), f"Use the one that comes with Headrace:  make up {variable}="
        ) from None
    return ended.stdout + ended.stderr


# In this order: the first that fails is told.
CHECKS: dict[str, Callable[[Stack], None]] = {
    "Python is new enough": python,
    "the folder for data and logs can be written": folder,
    "the ports differ": ports_differ,
    "the ports are free": ports,
    "no process is left behind": nothing_left,
    "nginx and the store's server run here": binaries,
    "the given store accepts connections": store,
}


def everything(stack: Stack) -> None:
    """Raise the first Problem, if there is one."""
    for check in CHECKS.values():
        check(stack)


def _short(path: Path, root: Path) -> str:
    return f"./{path.relative_to(root)}" if path.is_relative_to(root) else str(path)


def _owner(path: Path) -> str:
    try:
        return path.owner()
    except KeyError:  # a user without a name
        return str(path.stat().st_uid)


def _me() -> str:
    return pwd.getpwuid(os.geteuid()).pw_name
