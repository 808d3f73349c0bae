"""A stand that all tests share: a store, a gateway, a consumer with two children; and the client beside the source."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CLIENT = ROOT / "client"
sys.path.insert(0, str(CLIENT))  # before anything imports it: it is not installed here

from headrace_client import Client  # noqa: E402

from tests.consumer.house import KINDS, House, until  # noqa: E402
from tests.gateway.process import Gateway  # noqa: E402
from tests.servers import Server, binaries, free_port  # noqa: E402

Shell = Callable[..., subprocess.CompletedProcess[str]]


class Stand:
    """A house with consumers that know its kinds, and gateways to ask it through."""

    def __init__(self, server: Server, folder: Path) -> None:
        self.house, self.folder = House(server, folder), folder
        self.gateways: list[Gateway] = []

    def gateway(self, port: int = 0, **environ: str) -> Gateway:
        """Another one. At the port of one that is gone a client takes it for the same."""
        environ = {"HEADRACE_KINDS": KINDS, "HEADRACE_PORT": f"{port or free_port()}"} | environ
        gateway = Gateway(self.house, self.folder / f"gateway-{len(self.gateways)}.log", **environ)
        gateway.port = int(environ["HEADRACE_PORT"])
        gateway.url = f"http://127.0.0.1:{gateway.port}"
        gateway.client.base_url = gateway.url
        self.gateways.append(gateway)
        gateway.until_ready()
        return gateway

    def consumer(self) -> None:
        """One with two children. Before it is ready it compiles, which takes its time on a busy machine."""
        consumer = self.house.consumer()
        until(lambda: consumer.lines("store.back"), 150)

    @property
    def url(self) -> str:
        """Of the first gateway, which no test ends."""
        return self.gateways[0].url

    def close(self) -> None:
        """End everything."""
        for gateway in self.gateways:
            gateway.end()
        self.house.close()


@pytest.fixture(scope="session")
def stand(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stand]:
    """A gateway and a consumer for all tests."""
    stand = Stand(server, tmp_path_factory.mktemp("client"))
    try:
        stand.gateway()
        stand.consumer()
        yield stand
    finally:
        stand.close()


@pytest.fixture
def own_stand(tmp_path: Path) -> Iterator[Stand]:
    """A stand with a store of its own, and nobody in it yet."""
    server = Server(tmp_path / "store", binaries()["valkey"]).start()
    stand = Stand(server, tmp_path)
    yield stand
    stand.close()
    server.kill()


@pytest.fixture
def client(stand: Stand) -> Iterator[Client]:
    """A client of the stand."""
    with Client(stand.url, patience_s=60) as client:
        yield client


@pytest.fixture
def shell(stand: Stand, tmp_path: Path) -> Shell:
    """Runs a Python program that can import the client."""

    def run(*words: str, **environ: str) -> subprocess.CompletedProcess[str]:
        ours = {"PYTHONPATH": f"{CLIENT}{os.pathsep}{ROOT}", "HEADRACE_URL": stand.url}
        return subprocess.run(
            [sys.executable, *words],
            cwd=tmp_path,
            env=os.environ | ours | environ,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
            stdin=subprocess.DEVNULL,
        )

    return run
