"""The answers that others have worked out (tests/refs/)."""

import json
from typing import Any

import pytest

from calc import KINDS, execute
from tests.refs.cases import CASES, at, tolerance


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
        assert float(at(answer, path)) == pytest.approx(value, abs=tolerance(case, answer, path), rel=0), path


def test_every_kind_has_one() -> None:
    assert set(KINDS) <= {case["kind"] for case in CASES}


def test_a_simulated_case_has_three_seeds() -> None:
    for case in CASES:
        simulated = "4se" in str(case["tolerance"].values())
        assert len(set(case.get("seeds", []))) >= 3 or not simulated, case["id"]
