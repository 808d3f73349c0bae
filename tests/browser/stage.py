"""A whole product for the browser: a store, gateways, consumers, each a process that a test may kill."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from pipeline import verbs
from pipeline.record import FINAL
from pipeline.store import Store
from tests.gateway.house import House
from tests.gateway.process import Gateway
from tests.servers import Server

ROOT = Path(__file__).parents[2]
KINDS = ",".join(f"tests.kinds.{name}" for name in ("noop", "sleep", "spin", "refuse", "crash", "huge_result"))
LEASE_S = 2


class Product:
    """One gateway over a prefix of its own, and consumers when they are started. Ended by `end`."""

    def __init__(self, server: Server, folder: Path, **environ: str) -> None:
        self.house = House(server)
        self.folder, self.server = folder, server
        self.environ = {"HEADRACE_KINDS": KINDS, "HEADRACE_WARM": "none", "HEADRACE_LEASE_S": str(LEASE_S)} | environ
        self.consumers: dict[str, subprocess.Popen[bytes]] = {}
        self.gateway = self._gateway()

    def _gateway(self) -> Gateway:
        gateway = Gateway(self.house, self.folder / "gateway.log", **self.environ)
        gateway.until_ready()
        return gateway

    def again(self) -> None:
        """A gateway once more, at the same address."""
        port = self.gateway.port
        self.gateway.end()
        self.gateway = Gateway(self.house, self.folder / "gateway-2.log", **self.environ, HEADRACE_PORT=str(port))
        self.gateway.port, self.gateway.url = port, f"http://127.0.0.1:{port}"
        self.gateway.client = httpx.Client(base_url=self.gateway.url, timeout=30)
        self.gateway.until_ready()

    @property
    def url(self) -> str:
        """Where it is."""
        return self.gateway.url

    @property
    def client(self) -> httpx.Client:
        """Who asks it beside the browser."""
        return self.gateway.client

    @property
    def store(self) -> Store:
        """Its store, for looking and for filling."""
        return self.house.store

    def consumer(self, name: str, children: int = 2) -> subprocess.Popen[bytes]:
        """Start a consumer and wait until it has said that it lives."""
        ours = {"HEADRACE_REDIS_URL": self.server.url, "HEADRACE_PREFIX": self.house.settings.prefix}
        ours |= {"HEADRACE_NAME": name, "HEADRACE_CHILDREN": str(children)}
        with (self.folder / f"{name}.log").open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "consumer"],
                cwd=ROOT,
                env=os.environ | self.environ | ours,
                stdout=log,
                stderr=log,
            )
        self.consumers[name] = process
        until(lambda: name in [beat.name for beat in self.store.do(verbs.fleet())])
        return process

    def submit(self, kind: str, data: dict[str, Any], **more: Any) -> str:
        """The id of a task that was accepted."""
        answer = self.client.post("/tasks", json={"kind": kind, "data": data, **more})
        assert answer.status_code == 202, answer.text
        return str(answer.json()["task_id"])

    def ended(self, *ids: str, within_s: float = 120) -> list[dict[str, Any]]:
        """The tasks, when all of them have ended."""

        def over() -> list[dict[str, Any]]:
            found = [self.client.get(f"/tasks/{id}").json() for id in ids]
            return found if all(each["state"] in FINAL for each in found) else []

        return list(until(over, within_s))

    def get(self, path: str) -> Any:
        """What the API says."""
        answer = self.client.get(path)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def end(self) -> None:
        """Kill everything."""
        for process in self.consumers.values():
            process.send_signal(signal.SIGKILL)
            process.wait()
        self.gateway.end()
        self.house.store.close()


@contextmanager
def product(server: Server, folder: Path, consumers: Sequence[str] = (), **environ: str) -> Iterator[Product]:
    """A product for the length of a block."""
    made = Product(server, folder, **environ)
    try:
        for name in consumers:
            made.consumer(name)
        yield made
    finally:
        made.end()


def until(what: Any, within_s: float = 60.0) -> Any:
    """Ask until the answer is true; the answer."""
    deadline = time.monotonic() + within_s
    while not (value := what()):
        if time.monotonic() > deadline:
            raise TimeoutError(f"not within {within_s} s")
        time.sleep(0.05)
    return value
