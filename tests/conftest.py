"""What all tests share: real servers. Nothing here stands in for Redis."""

import os
import random
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from pipeline import verbs
from pipeline.store import Store
from tests import servers

# Hundreds of consumers are started here; each would load all kernels. What starts with the default says so itself.
os.environ.setdefault("HEADRACE_WARM", "none")


@pytest.fixture(scope="session", params=sorted(servers.binaries()))
def any_server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[servers.Server]:
    """A server of each make that this machine has."""
    server = servers.Server(tmp_path_factory.mktemp("store"), servers.binaries()[request.param]).start()
    yield server
    server.kill()


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[servers.Server]:
    """One server, of the make that `make up` uses."""
    server = servers.Server(tmp_path_factory.mktemp("store"), servers.binaries()["valkey"]).start()
    yield server
    server.kill()


@pytest.fixture
def store(any_server: servers.Server) -> Iterator[Store]:
    """An empty store with streams and group."""
    with any_server.client() as client:
        client.flushall()
    store = Store(any_server.settings(), "test")
    store.do(verbs.ready())
    yield store
    store.close()


@pytest.fixture
def hands(store: Store, any_server: servers.Server) -> Iterator[redis.Redis]:
    """A plain client to the server of `store`, for looking and for meddling."""
    with any_server.client() as plain:
        yield plain


@pytest.fixture
def hold(tmp_path: Path) -> Iterator[Path]:
    """A file: jobs of the kind `act` that name it begin and wait as long as it is there."""
    file = tmp_path / "hold"
    file.touch()
    yield file
    file.unlink(missing_ok=True)


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--seed N` repeats what a failure printed."""
    parser.addoption("--seed", type=int, default=None, help="first seed of the random tests")


@pytest.fixture
def first_seed(request: pytest.FixtureRequest) -> int:
    """A fresh seed, or the one of `--seed`."""
    given = request.config.getoption("--seed")
    return random.randrange(10**6) if given is None else int(given)
