"""The simulated price against the closed form, over many seeds; its errors, its targets and its limits."""

import json
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from calc import execute
from calc.errors import InvalidData
from calc.kinds import option_european

OPTION = {
    "type": "call",
    "spot": 100,
    "strike": 105,
    "maturity": 1,
    "rate": 0.05,
    "dividend_yield": 0.02,
    "volatility": 0.2,
    "paths": 20_000,
    "seed": 1,
}


def answer(**change: Any) -> dict[str, Any]:
    data = execute.plan("option_european", json.dumps({**OPTION, **change}).encode(), fresh_seed=5).data
    return json.loads(execute.execute("option_european", data))


@pytest.mark.parametrize("kind", ["call", "put"])
@pytest.mark.parametrize("reduction", ["none", "antithetic", "control", "antithetic_control"])
def test_two_hundred_seeds_cover_as_they_should(kind: str, reduction: str) -> None:
    """z = (price - closed form) / standard error is standard normal: its mean, spread and tails over 200 seeds.

    The bounds are where a right program fails once in about ten thousand runs; the seeds are fixed.
    """
    z = []
    for seed in range(200):
        found = answer(type=kind, variance_reduction=reduction, seed=seed)
        z.append((found["price"] - found["closed_form"]) / found["standard_error"]["price"])
    scores = np.array(z)
    assert np.abs(scores).max() < 4.5
    assert (np.abs(scores) > 3).sum() <= 4  # expected 0.5
    assert 110 <= (np.abs(scores) < 1).sum() <= 163  # expected 137
    assert 177 <= (np.abs(scores) < 1.96).sum() <= 200  # expected 190
    assert abs(scores.mean()) < 4 / math.sqrt(200)
    assert 0.8 < scores.std() < 1.2


def test_a_wrong_price_would_be_caught() -> None:
    """The same bounds reject a program whose drift forgets the dividend."""
    wrong = answer(dividend_yield=0.0, paths=2_000_000)
    right = answer(method="closed_form")["price"]
    assert abs(wrong["price"] - right) > 10 * wrong["standard_error"]["price"]


def test_reductions_reduce() -> None:
    error = {
        reduction: answer(variance_reduction=reduction)["standard_error"]["price"]
        for reduction in ("none", "antithetic", "control", "antithetic_control")
    }
    assert error["antithetic"] < 0.9 * error["none"]
    assert error["control"] < 0.6 * error["none"]
    assert error["antithetic_control"] < 0.9 * error["control"]


def test_a_small_problem_is_one_part_and_a_large_one_many() -> None:
    def parts(**change: Any) -> int:
        return execute.plan("option_european", json.dumps({**OPTION, **change}).encode(), 5).parts

    assert parts(paths=100_000) == 1
    assert parts(paths=option_european.BLOCK * option_european.BLOCKS_A_PART) == 1
    assert parts(paths=option_european.BLOCK * option_european.BLOCKS_A_PART + 1) == 2
    assert parts(paths=10**10) == 597
    assert parts(paths=10**10, target_standard_error=1e-9) < 10_000


def test_a_target_stops_early_and_is_met() -> None:
    found = answer(paths=10**10, target_standard_error=0.006, variance_reduction="none")
    assert found["standard_error"]["price"] <= 0.006
    assert found["diagnostics"]["stopped_early"]
    assert found["diagnostics"]["paths"] < 3 * (14 / 0.006) ** 2
    assert abs(found["price"] - found["closed_form"]) < 4 * 0.006


def test_the_last_block_has_what_is_left() -> None:
    assert answer(paths=16_384 + 1000)["diagnostics"]["paths"] == 17_384
    assert answer(paths=1000)["diagnostics"]["blocks"] == 1
    assert answer(paths=16_385, variance_reduction="control")["diagnostics"]["blocks"] == 2


def test_without_simulation_there_is_no_error() -> None:
    found = answer(method="closed_form")
    assert (found["standard_error"], found["interval_95"]) == (None, None)
    assert found["price"] == found["closed_form"]


def test_seeds_give_different_numbers() -> None:
    assert len({answer(seed=seed, paths=1000)["price"] for seed in range(100)}) == 100


@pytest.mark.parametrize("change", [{"maturity": 0}, {"volatility": 0}, {"maturity": 0, "spot": 105}])
@pytest.mark.parametrize("reduction", ["none", "antithetic", "control", "antithetic_control"])
def test_nothing_random_has_no_error(change: dict[str, Any], reduction: str) -> None:
    found = answer(**change, variance_reduction=reduction)
    assert found["standard_error"]["price"] == pytest.approx(0, abs=1e-12)
    assert found["price"] == pytest.approx(found["closed_form"], abs=1e-11)


@settings(deadline=None)
@given(
    spot=st.floats(1e-9, 1e9),
    strike=st.floats(1e-9, 1e9),
    maturity=st.floats(0, 100),
    rate=st.floats(-0.5, 1),
    volatility=st.floats(0, 10),
    reduction=st.sampled_from(["none", "antithetic", "control", "antithetic_control"]),
    kind=st.sampled_from(["call", "put"]),
)
def test_every_answer_is_a_number(reduction: str, kind: str, **market: float) -> None:
    found = answer(**market, type=kind, variance_reduction=reduction, paths=1000)
    assert math.isfinite(found["price"])
    assert found["standard_error"]["price"] >= 0


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"paths": 1001, "variance_reduction": "antithetic"}, "$.data.paths"),
        ({"rate": 9, "maturity": 20}, "$.data.rate"),
        ({"maturity": -1}, "$.data.maturity"),
        ({"volatility": -0.1}, "$.data.volatility"),
        ({"target_standard_error": 0}, "$.data.target_standard_error"),
        ({"seed": 2**53}, "$.data.seed"),
        ({"model": "heston"}, "$.data.model"),
    ],
)
def test_what_is_refused(change: dict[str, Any], path: str) -> None:
    with pytest.raises(InvalidData) as refused:
        answer(**change)
    assert [fault.path for fault in refused.value.faults] == [path]


def test_warnings() -> None:
    codes = [warning["code"] for warning in answer(rate=5, volatility=6, paths=1000)["diagnostics"]["warnings"]]
    assert codes == ["looks_like_percent", "looks_like_percent", "heavy_tail"]
    assert answer()["diagnostics"]["warnings"] == []
