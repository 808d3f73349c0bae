"""A stack of its own: `make up` on free ports in its own folder, the store behind a proxy, a consumer hours off."""

import os
import shutil
import subprocess
import sys
import tempfile
from itertools import count
from pathlib import Path

from deploy import processes
from deploy.processes import PROC, Process
from deploy.stack import ROOT
from pipeline.settings import Settings
from tests.chaos.cases import MAX_ATTEMPTS, MEMORY_LIMIT_MB, MODULES
from tests.deploy.ports import free_run
from tests.proxy import Proxy
from tests.servers import Server, binaries

GATEWAYS, CONSUMERS, CHILDREN = 3, 3, 2
LEASE_S, GRACE_S = 2.0, 3.0
HOURS_OFF = ("+9h", "-7h")
LIMIT_S = 180.0


class ChaosStack:
    """`with ChaosStack(…) as stack:` runs until its end; `down` is the polite end, and says how it went."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="chaos-"))
        self.var, self.log = self.folder / "var", self.folder / "var" / "log"
        self.server = Server(self.folder / "store", binaries()["valkey"])
        self.proxy = Proxy(self.server.port)
        first = free_run(GATEWAYS + 2)
        self.http_port = first + GATEWAYS
        self.environ = self._environ(first)
        self.settings = Settings(redis_url=self.server.url)  # past the proxy: for watching and proving
        self.late = LateConsumer(self.environ, self.log / "consumer-late.jsonl")

    def _environ(self, first: int) -> dict[str, str]:
        ours = {
            "VAR": self.var, "HTTP_PORT": self.http_port, "GATEWAY_PORT": first, "GATEWAYS": GATEWAYS,
            "DASHBOARD_PORT": self.http_port + 1,
            "CONSUMERS": CONSUMERS, "CHILDREN": CHILDREN, "REDIS_URL": self.proxy.url, "KINDS": MODULES,
            "LEASE_S": LEASE_S, "GRACE_S": GRACE_S, "STOP_LIMIT_S": GRACE_S + 6, "START_LIMIT_S": LIMIT_S,
            "MAX_ATTEMPTS": MAX_ATTEMPTS, "MAX_INTERRUPTIONS": 1000, "RETRY_PAUSE_S": 0.05,
            "MEMORY_LIMIT_MB": MEMORY_LIMIT_MB, "RESULT_TTL_S": 86_400, "WARM": "none",
        }  # fmt: skip
        plain = {name: text for name, text in os.environ.items() if not name.startswith("HEADRACE_")}
        return plain | {f"HEADRACE_{name}": str(value) for name, value in ours.items()}

    def __enter__(self) -> "ChaosStack":
        self.server.start()
        self.proxy.__enter__()
        said = self._deploy("up")
        if said.returncode:
            self.__exit__()
            raise RuntimeError(f"the stack does not come up:\n{said.stdout}\n{said.stderr}")
        self.late.keep()
        return self

    def __exit__(self, *_: object) -> None:
        self.late.kill()
        self._deploy("down")
        self.proxy.__exit__()
        self.server.kill()

    def down(self) -> str:
        """Stop all politely; what went wrong, or ""."""
        late = self.late.stop()
        said = self._deploy("down")
        wrong = [f"the late consumer ended with exit code {late}"] if late else []
        return "\n".join(wrong + ([said.stdout + said.stderr] if said.returncode else []))

    def left(self) -> list[Process]:
        """Every process that still runs and was given our store, and our nginx."""
        ours = {process.pid: process for process in processes.ours(self.var)}
        ours |= {process.pid: process for process in processes.all_processes() if self._given_our_store(process.pid)}
        return list(ours.values())

    def remove(self) -> None:
        """Remove the folder: nothing went wrong, so nobody will read the logs."""
        shutil.rmtree(self.folder)

    # ── who is who ──

    def parents(self) -> list[Process]:
        """The consumers, the late one too."""
        return [process for process in self._programs() if _runs(process.pid, "consumer")] + self.late.process()

    def gateways(self) -> list[Process]:
        return [process for process in self._programs() if _runs(process.pid, "gateway")]

    def nginx(self) -> list[Process]:
        """nginx's master."""
        return [process for process in self._programs() if process.name == "nginx"]

    def nginx_workers(self) -> list[Process]:
        """nginx's workers, those whose master was killed too."""
        masters = {process.pid for process in self.nginx()}
        return [each for each in processes.ours(self.var) if each.name == "nginx" and each.pid not in masters]

    def children(self) -> list[Process]:
        """The consumers' children."""
        parents = {process.pid for process in self.parents()}
        return [process for process in processes.all_processes() if process.parent in parents]

    def _programs(self) -> list[Process]:
        """What supervisord has started."""
        above = int((self.var / "run" / "supervisord.pid").read_text())
        return [process for process in processes.all_processes() if process.parent == above]

    def _given_our_store(self, pid: int) -> bool:
        try:
            environ = (PROC / str(pid) / "environ").read_bytes()
        except OSError:  # gone meanwhile, or another user's
            return False
        return f"HEADRACE_REDIS_URL={self.proxy.url}".encode() in environ.split(b"\0")

    def _deploy(self, command: str) -> subprocess.CompletedProcess[str]:
        line = [sys.executable, "-m", "deploy", command]
        return subprocess.run(
            line, cwd=ROOT, env=self.environ, capture_output=True, text=True, check=False, timeout=2 * LIMIT_S
        )


def _runs(pid: int, room: str) -> bool:
    try:
        return (PROC / str(pid) / "cmdline").read_bytes().split(b"\0")[1:3] == [b"-m", room.encode()]
    except OSError:  # gone meanwhile
        return False


class LateConsumer:
    """A consumer whose clock is hours off, where this machine has libfaketime. Started again when it was killed."""

    def __init__(self, environ: dict[str, str], log: Path) -> None:
        self.library = next(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"), None)
        self._environ, self._log = environ, log
        self._running: subprocess.Popen[bytes] | None = None
        self._starts = count()

    def keep(self) -> None:
        """Start it, when it does not run."""
        if self.library is None or (self._running and self._running.poll() is None):
            return
        off = HOURS_OFF[next(self._starts) % len(HOURS_OFF)]
        faked = {"LD_PRELOAD": str(self.library), "FAKETIME": off}
        with self._log.open("ab") as log:
            command = [sys.executable, "-m", "consumer"]
            self._running = subprocess.Popen(command, cwd=ROOT, env=self._environ | faked, stdout=log, stderr=log)

    def process(self) -> list[Process]:
        found = processes.read(self._running.pid) if self._running else None
        return [found] if found else []

    def stop(self) -> int:
        """SIGTERM; its exit code."""
        if self._running is None:
            return 0
        self._running.terminate()
        try:
            return self._running.wait(10 * GRACE_S)
        except subprocess.TimeoutExpired:
            return 1

    def kill(self) -> None:
        if self._running and self._running.poll() is None:
            self._running.kill()
            self._running.wait()
