"""A house and a receiver for each test."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests import servers
from tests.webhooks.house import House, Process
from tests.webhooks.receiver import Receiver


@pytest.fixture
def house(server: servers.Server) -> Iterator[House]:
    """An empty store, whose attempts follow each other quickly."""
    house = House(server)
    yield house
    house.store.close()


@pytest.fixture
def hasty(server: servers.Server) -> Iterator[House]:
    """One whose attempts are over soon, for receivers that say nothing."""
    house = House(server, webhook_time_limit_s=0.4)
    yield house
    house.store.close()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """One that takes what comes."""
    receiver = Receiver()
    yield receiver
    receiver.close()


@pytest.fixture
def couriers(tmp_path: Path) -> Iterator[Callable[..., Process]]:
    """Start processes that deliver; what is left of them at the end is killed."""
    started: list[Process] = []

    def start(house: House, **environ: str) -> Process:
        started.append(Process(house, tmp_path / f"webhooks-{len(started)}.jsonl", **environ))
        return started[-1]

    yield start
    for process in started:
        process.kill()
