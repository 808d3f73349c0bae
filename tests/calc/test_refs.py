"""The answers that others have worked out (tests/refs/)."""

import json
from pathlib import Path
from typing import Any

import pytest

from calc import KINDS, execute

REFS = sorted((Path(__file__).parent.parent / "refs").glob("*.json"))
CASES = [case for file in REFS for case in json.loads(file.read_text())]


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case['id']}-{case['kind']}")
def test_reference(case: dict[str, Any]) -> None:
    data = execute.plan(case["kind"], json.dumps(case["data"]).encode(), fresh_seed=1).data
    answer = json.loads(execute.execute(case["kind"], data))
    for path, value in case["expected"].items():
        tolerance = case["tolerance"].get(path, 1e-8 * abs(value))
        assert float(_at(answer, path)) == pytest.approx(value, abs=tolerance, rel=0), path


def test_every_kind_has_one() -> None:
    assert set(KINDS) <= {case["kind"] for case in CASES}


def _at(answer: Any, path: str) -> Any:
    for step in path.split("."):
        answer = answer[step]
    return answer
