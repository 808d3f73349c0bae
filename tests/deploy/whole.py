"""All of Headrace as `make up` starts it, on ports and in a folder of its own, with hands to kill what is in it."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from deploy import processes, supervisord
from deploy.ask import Answer, ask
from deploy.processes import Process
from deploy.stack import ROOT, Stack
from pipeline import settings
from tests.deploy.ports import free_run

T = TypeVar("T")
LIMIT_S = 60.0
START_LIMIT_S = 140.0  # three lanes of tests beside it, and three gateways alone take most of a minute
SEED = {"data": {"amount": 10000, "rate": 0.05}}


def until(there: Callable[[], T], limit_s: float = LIMIT_S) -> T:
    """Wait for something true, and answer it; at most `limit_s`."""
    end = time.monotonic() + limit_s
    while not (found := there()):
        assert time.monotonic() < end, f"not within {limit_s} s"
        time.sleep(0.02)
    return found


class Whole:
    """`changes` are settings without HEADRACE_. Else: two gateways, one consumer with two children."""

    def __init__(self, folder: Path, **changes: object) -> None:
        wanted: dict[str, object] = {"CONSUMERS": 1, "GATEWAYS": 2, "CHILDREN": 2, "VAR": folder / "var"}
        wanted |= {"START_LIMIT_S": START_LIMIT_S} | changes
        gateways = int(str(wanted["GATEWAYS"]))
        self.port = free_run(gateways + 3)
        self.gateway_ports = [self.port + 1 + n for n in range(gateways)]
        ports = {"HTTP_PORT": self.port, "GATEWAY_PORT": self.port + 1, "STORE_PORT": self.port + 1 + gateways}
        ports["DASHBOARD_PORT"] = self.port + 2 + gateways
        plain = {name: value for name, value in os.environ.items() if not name.startswith("HEADRACE_")}
        self.environ = plain | {f"HEADRACE_{name}": str(value) for name, value in (wanted | ports).items()}
        read = self.environ | {"HEADRACE_REDIS_URL": f"redis://127.0.0.1:{ports['STORE_PORT']}/0"}
        self.settings = settings.read(read)
        self.var = Path(str(wanted["VAR"]))
        self.stack = Stack(
            root=ROOT,
            var=self.var,
            wanted=settings.deployment(self.environ),
            settings=self.settings,
            environ=self.environ,
        )

    def deploy(self, command: str) -> subprocess.CompletedProcess[str]:
        """`python -m deploy` up, down …"""
        words = [sys.executable, "-m", "deploy", command]
        return subprocess.run(
            words, cwd=ROOT, env=self.environ, capture_output=True, text=True, timeout=2 * START_LIMIT_S, check=False
        )

    def up(self) -> str:
        """Start it; what was said."""
        ended = self.deploy("up")
        assert ended.returncode == 0, ended.stdout + ended.stderr
        return ended.stdout

    def down(self) -> None:
        """Stop it, and see that nothing is left."""
        ended = self.deploy("down")
        assert ended.returncode == 0, ended.stdout + ended.stderr
        assert self.processes() == []

    def ask(self, method: str, path: str, body: object = None, **headers: str) -> Answer:
        """Through nginx; header names with _ for -."""
        return ask(
            self.port, method, path, body, {name.replace("_", "-"): value for name, value in headers.items()}, 60
        )

    def processes(self) -> list[Process]:
        """Everything of ours that runs."""
        return processes.ours(self.var)

    def pids(self) -> dict[str, int]:
        """Program → pid, of what runs."""
        return {program.name: program.pid for program in supervisord.programs(self.stack) if program.pid}

    def restart(self, program: str) -> None:
        """Stop a program politely and start it again, as a deployment does."""
        group = program.partition("-")[0]
        with supervisord._asking(self.stack.socket) as proxy:
            proxy.supervisor.stopProcess(f"{group}:{program}")
            proxy.supervisor.startProcess(f"{group}:{program}")

    def kill_supervisord(self) -> None:
        """SIGKILL: it can stop nobody any more."""
        os.kill(int(self.stack.pidfile.read_text()), signal.SIGKILL)

    def lines(self, pattern: str = "*") -> list[dict[str, Any]]:
        """What was logged: each line is a JSON object."""
        files = sorted((self.var / "log").glob(f"{pattern}.jsonl"))
        return [json.loads(line) for file in files for line in file.read_bytes().rpartition(b"\n")[0].splitlines()]
