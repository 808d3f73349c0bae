"""Historical VaR and ES by hand, and what is refused."""

import json
import math
from typing import Any

import numpy as np
import pytest

from calc import execute
from calc.errors import InvalidData

MISMATCH = "length_mismatch"
C_ALONE = [{"symbol": "C", "value": 1}]
RETURNS = [[0.01, -0.02], [-0.03, 0.01], [0.02, 0.02], [-0.01, -0.01], [0.0, 0.03]]


def answer(**data: Any) -> dict[str, Any]:
    planned = execute.plan("var_historical", json.dumps({"confidence": 0.8, **data}).encode(), fresh_seed=0)
    return json.loads(execute.execute("var_historical", planned.data))


def refusal(**data: Any) -> list[tuple[str, str]]:
    with pytest.raises(InvalidData) as refused:
        answer(**data)
    return [(fault.path, fault.code) for fault in refused.value.faults]


def test_by_hand() -> None:
    """Losses of the five days: 100, 200, -400, 200, -300. ⌈0.8 × 5⌉ = 4: VaR 200, and ES 200."""
    found = answer(returns=RETURNS, exposures=[10_000, 10_000])
    assert (found["var"], found["es"], found["portfolio_value"]) == (200.0, 200.0, 20_000.0)
    assert [each["observation"] for each in found["worst"]] == [1, 3, 0, 4, 2]
    assert found["diagnostics"]["beyond_var"] == 1


def test_a_gain_at_the_quantile_is_negative() -> None:
    assert answer(losses=[-5, -4, -3, -2, -1])["var"] == -2.0


def test_ways_to_say_the_same() -> None:
    by_exposures = answer(returns=RETURNS, exposures=[10_000, -5_000])
    positions = [{"symbol": "B", "quantity": -50, "price": 100}, {"symbol": "A", "value": 10_000}]
    assert answer(returns=RETURNS, positions=positions, symbols=["A", "B"]) == by_exposures
    assert answer(returns=RETURNS, positions=positions[::-1]) == by_exposures
    losses = [-(10_000 * a - 5_000 * b) for a, b in RETURNS]
    assert answer(losses=losses)["var"] == pytest.approx(by_exposures["var"])


def test_a_window_is_the_last_days() -> None:
    found = answer(losses=[1000, 5, 4, 3, 2, 1], window=5)
    assert (found["var"], found["es"]) == (4.0, 5.0)
    assert found["worst"][0] == {"observation": 1, "loss": 5.0}


def test_a_horizon_scales_with_the_root_of_time() -> None:
    assert answer(losses=[1, 2, 3, 4, 5], horizon_days=4)["var"] == 8.0


def test_many_returns_of_a_known_law() -> None:
    losses = np.random.default_rng(1).standard_normal(20_000)
    found = answer(losses=losses.tolist(), confidence=0.975)
    assert abs(found["var"] - 1.959963984540054) < 4 * found["standard_error"]["var"]
    assert abs(found["es"] - 2.3378) < 4 * found["standard_error"]["es"]
    assert found["var"] == float(np.quantile(losses, 0.975, method="inverted_cdf"))


def test_equal_losses_have_no_error() -> None:
    found = answer(losses=[3.0] * 100, confidence=0.95)
    assert (found["var"], found["es"]) == (3.0, 3.0)
    assert found["standard_error"] == {"var": 0.0, "es": 0.0}


def test_fat_tails_have_es_beyond_var() -> None:
    """B83."""
    losses = np.random.default_rng(2).standard_t(2.5, 1000)
    found = answer(losses=losses.tolist(), confidence=0.95)
    beyond = np.sort(losses)[::-1][:50]
    assert found["es"] == pytest.approx(math.fsum(beyond) / 50, rel=1e-12)
    assert found["es"] > found["var"]


def test_warnings() -> None:
    assert [each["code"] for each in answer(losses=list(range(5)))["diagnostics"]["warnings"]] == ["interval_clipped"]
    percent = answer(returns=[[1.5], [-2.0], [0.3], [0.1], [0.2]], exposures=[1])
    assert "looks_like_percent" in [each["code"] for each in percent["diagnostics"]["warnings"]]


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ({}, [("$.data", "invalid")]),
        ({"losses": [1], "returns": [[1]]}, [("$.data", "invalid")]),
        ({"losses": []}, [("$.data.confidence", "too_few_observations")]),
        ({"losses": [1, 2, 3, 4]}, [("$.data.confidence", "too_few_observations")]),
        ({"losses": [1, 2, 3, 4, 5], "window": 4}, [("$.data.confidence", "too_few_observations")]),
        ({"losses": [1, 2, 3, 4, 5], "window": 6}, [("$.data.window", "out_of_range")]),
        ({"losses": [1, 2, 3, 4, 5], "exposures": [1]}, [("$.data.exposures", "invalid")]),
        ({"losses": [1, None, 3, "x", 5]}, [("$.data.losses[1]", "wrong_type"), ("$.data.losses[3]", "wrong_type")]),
        ({"returns": RETURNS}, [("$.data.positions", "invalid")]),
        ({"returns": RETURNS, "exposures": [1]}, [("$.data.exposures", MISMATCH)]),
        ({"returns": [[1, 2], [1], [1, 2], [1, 2], [1, 2]], "exposures": [1, 1]}, [("$.data.returns[1]", MISMATCH)]),
        ({"returns": RETURNS, "exposures": [1, 1], "symbols": ["A"]}, [("$.data.symbols", MISMATCH)]),
        ({"returns": RETURNS, "exposures": [1, 1], "symbols": ["A", "A"]}, [("$.data.symbols", "duplicate_key")]),
        ({"returns": RETURNS, "positions": [{"symbol": "A", "value": 1}]}, [("$.data.positions", MISMATCH)]),
        (
            {"returns": RETURNS, "positions": C_ALONE, "symbols": ["A", "B"]},
            [("$.data.positions[0].symbol", "invalid")],
        ),
        ({"losses": [1, 2, 3, 4, 5], "confidence": 95}, [("$.data.confidence", "out_of_range")]),
        ({"losses": [1, 2, 3, 4, 5], "confidence": -0.95}, [("$.data.confidence", "out_of_range")]),
    ],
)
def test_what_is_refused(data: dict[str, Any], expected: list[tuple[str, str]]) -> None:
    assert refusal(**data) == expected


def test_too_few_observations_says_how_many() -> None:
    with pytest.raises(InvalidData) as refused:
        answer(losses=list(range(250)), confidence=0.999)
    assert "250 observations cannot support confidence 0.999: it needs 1,000" in str(refused.value)
