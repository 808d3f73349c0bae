"""A house for each test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.consumer.house import House
from tests.servers import Server


@pytest.fixture
def house(server: Server, tmp_path: Path) -> Iterator[House]:
    """An empty prefix, and consumers that end with the test."""
    house = House(server, tmp_path)
    yield house
    house.close()
