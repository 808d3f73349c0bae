"""docs/kinds says what the code says."""

import pytest

from calc import KINDS
from tests.docs.kinds import FOLDER, index, page


@pytest.mark.parametrize("kind", KINDS)
def test_a_page_is_what_the_code_makes(kind: str) -> None:
    assert (FOLDER / f"{kind}.md").read_text() == page(KINDS[kind]), "write it:  python -m tests.docs.kinds"


def test_no_page_is_missing_or_stale() -> None:
    assert {path.name for path in FOLDER.iterdir()} == {f"{kind}.md" for kind in KINDS} | {"README.md"}
    assert (FOLDER / "README.md").read_text() == index()
