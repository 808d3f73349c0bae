"""Whole gateway processes for tests: started, asked, stopped, killed."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from tests.gateway.house import House
from tests.servers import free_port

ROOT = Path(__file__).parent.parent.parent


class Gateway:
    """`python -m gateway` on a free port."""

    def __init__(self, house: House, log: Path, **environ: str) -> None:
        self.port, self.log = free_port(), log
        ours = {"HEADRACE_REDIS_URL": house.settings.redis_url, "HEADRACE_PREFIX": house.settings.prefix}
        ours |= {"HEADRACE_PORT": str(self.port), "HEADRACE_LOG_LEVEL": "debug"}
        with log.open("wb") as out:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "gateway"], cwd=ROOT, env=os.environ | ours | environ, stdout=out, stderr=out
            )
        self.url = f"http://127.0.0.1:{self.port}"
        self.client = httpx.Client(base_url=self.url, timeout=30)

    def is_ready(self) -> bool:
        """Whether it serves and says that it can."""
        try:
            return self.client.get("/ready").status_code == 200
        except httpx.TransportError:
            return False

    def until_ready(self) -> None:
        """Wait for that."""
        deadline = time.monotonic() + 90
        while not self.is_ready():
            if time.monotonic() > deadline or self.process.poll() is not None:
                raise TimeoutError(self.log.read_text())
            time.sleep(0.02)

    def lines(self) -> list[dict[str, Any]]:
        """Every line that it wrote: each is one JSON object."""
        return [json.loads(line) for line in self.log.read_bytes().rpartition(b"\n")[0].splitlines()]

    def until_waits(self, count: int = 1) -> None:
        """Until so many requests wait here for the end of a task."""
        deadline = time.monotonic() + 60
        while f"\nheadrace_waiting_requests {count}.0\n" not in self.client.get("/metrics").text:
            assert time.monotonic() < deadline
            time.sleep(0.02)

    def stop(self) -> int:
        """SIGTERM; the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(60)

    def end(self) -> None:
        """SIGKILL, if it still runs."""
        self.process.kill()
        self.process.wait()
        self.client.close()


@contextmanager
def running(house: House, log: Path, **environ: str) -> Iterator[Gateway]:
    """A gateway process for the length of a block."""
    gateway = Gateway(house, log, **environ)
    try:
        gateway.until_ready()
        yield gateway
    finally:
        gateway.end()
