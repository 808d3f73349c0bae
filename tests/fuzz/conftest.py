"""One stack for all tests of this room."""

from collections.abc import Iterator

import pytest

from tests.fuzz.stack import Asked


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Asked]:
    """It runs until the last test has ended."""
    with Asked(tmp_path_factory.mktemp("fuzz")) as stack:
        yield stack
