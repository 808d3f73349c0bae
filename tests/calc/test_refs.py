"""The answers that others have worked out (tests/refs/)."""

import json
from pathlib import Path
from typing import Any

import pytest

from calc import KINDS, execute

REFS = sorted((Path(__file__).parent.parent / "refs").glob("*.json"))
CASES = [case for file in REFS for case in json.loads(file.read_text())]


def _each_seed() -> list[Any]:
    """(case, its data with one of its seeds)."""
    return [
        pytest.param(case, case["data"] | seed, id="-".join(map(str, [case["id"], case["kind"], *seed.values()])))
        for case in CASES
        for seed in ([{"seed": seed} for seed in case["seeds"]] if "seeds" in case else [{}])
    ]


@pytest.mark.parametrize(("case", "data"), _each_seed())
def test_reference(case: dict[str, Any], data: dict[str, Any]) -> None:
    planned = execute.plan(case["kind"], json.dumps(data).encode(), fresh_seed=1)
    answer = json.loads(execute.execute(case["kind"], planned.data))
    for path, value in case["expected"].items():
        tolerance = _tolerance(case, answer, path)
        assert float(_at(answer, path)) == pytest.approx(value, abs=tolerance, rel=0), path


def test_every_kind_has_one() -> None:
    assert set(KINDS) <= {case["kind"] for case in CASES}


def test_a_simulated_case_has_three_seeds() -> None:
    for case in CASES:
        simulated = "4se" in str(case["tolerance"].values())
        assert len(set(case.get("seeds", []))) >= 3 or not simulated, case["id"]


def _tolerance(case: dict[str, Any], answer: Any, path: str) -> float:
    """Absolute; "4se" is four standard errors, as the answer itself states them, of which none may be 0."""
    tolerance = case["tolerance"].get(path, 1e-8 * abs(case["expected"][path]))
    if tolerance != "4se":
        return float(tolerance)
    error = float(_at(answer["standard_error"], path))
    assert error > 0, f"{path}: {error}"
    return 4 * error


def _at(answer: Any, path: str) -> Any:
    for step in path.split("."):
        answer = answer[int(step)] if isinstance(answer, list) else answer[step]
    return answer
