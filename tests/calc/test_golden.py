"""The same question has the same bits as ever; where they change, the kind's VERSION changes."""

import json
from typing import Any

import pytest

from tests.calc.golden import FILE, PROCESSOR, cases, sha256

GOLDEN = json.loads(FILE.read_text())


@pytest.mark.parametrize(("case", "what"), cases().items(), ids=list(cases()))
def test_bits(case: str, what: tuple[str, dict[str, Any]]) -> None:
    expected = GOLDEN[case][PROCESSOR]
    assert sha256(*what) == expected, "other bits: a new VERSION, then `python -m tests.calc.golden`"


def test_nothing_stale() -> None:
    assert GOLDEN.keys() == cases().keys()
