"""Houses for the cases: on the server that all tests share, or on one that may be killed."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import servers
from tests.consumer.house import House
from tests.servers import Server


@pytest.fixture
def house(server: Server, tmp_path: Path) -> Iterator[House]:
    """An empty prefix, and consumers that end with the test."""
    house = House(server, tmp_path)
    yield house
    house.close()


@pytest.fixture
def frail(tmp_path: Path) -> Iterator[House]:
    """A house with a server of its own."""
    server = servers.Server(tmp_path / "store", servers.binaries()["valkey"]).start()
    house = House(server, tmp_path)
    yield house
    house.close()
    server.kill()
