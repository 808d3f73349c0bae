"""A house for each test, and a server that a test may kill."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import servers
from tests.gateway.house import House


@pytest.fixture
def house(server: servers.Server) -> House:
    """A gateway over an empty prefix."""
    return House(server)


@pytest.fixture
def own_server(tmp_path: Path) -> Iterator[servers.Server]:
    """A server for one test."""
    server = servers.Server(tmp_path, servers.binaries()["valkey"]).start()
    yield server
    server.kill()
