"""Historical VaR and ES by hand, and what is refused."""

import json
import math
from typing import Any

import numpy as np
import pytest

from calc import execute
from calc.errors import CalcError, InvalidData
from calc.kinds import historical_terms
from calc.numerics import historical

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
        ({"returns": RETURNS, "exposures": [1, 1], "symbols": ["A", "A"]}, [("$.data.symbols", "duplicate")]),
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


def losses_of(n: int, seed: int = 4) -> list[float]:
    return (np.random.default_rng(seed).standard_t(5, n) * 100).tolist()


def test_several_confidences_stand_beside_each_other() -> None:
    found = answer(losses=losses_of(500), confidence=[0.95, 0.99])
    assert [level["confidence"] for level in found["levels"]] == [0.95, 0.99]
    assert (found["var"], found["es"]) == (found["levels"][0]["var"], found["levels"][0]["es"])
    assert answer(losses=losses_of(500), confidence=0.99)["var"] == found["levels"][1]["var"] > found["var"]


def test_equal_weights_are_the_plain_estimator() -> None:
    plain = answer(losses=losses_of(400), confidence=0.95)
    found = answer(losses=losses_of(400), confidence=0.95, method="weighted", decay=1 - 1e-13)
    assert found["var"] == plain["var"]
    assert found["es"] == pytest.approx(plain["es"], rel=1e-9)


def test_weights_by_hand() -> None:
    """Weights 1/7, 2/7, 4/7 of the losses 5, 1, 3: P(L <= 3) = 6/7."""
    found = answer(losses=[5, 1, 3], method="weighted", decay=0.5, confidence=0.65)
    assert found["var"] == 3.0
    assert found["es"] == pytest.approx(3 + 2 / 7 / 0.35, rel=1e-9)
    assert answer(losses=[5, 1, 3], method="weighted", decay=0.5, confidence=0.66)["var"] == 3.0


def test_parametric_is_the_normal_law_of_the_sample() -> None:
    losses = losses_of(300)
    mean, deviation = np.mean(losses), np.std(losses, ddof=1)
    found = answer(losses=losses, method="parametric", confidence=0.99)
    assert found["var"] == pytest.approx(mean + 2.3263478740408408 * deviation, rel=1e-12)
    assert found["es"] == pytest.approx(mean + 2.6652142203457976 * deviation, rel=1e-9)


def test_ewma_is_the_root_of_its_variance() -> None:
    losses = losses_of(300)
    variance = answer(losses=losses, task="ewma", confidence=None)["variance"]
    found = answer(losses=losses, method="ewma", confidence=0.99)
    assert found["var"] == pytest.approx(2.3263478740408408 * math.sqrt(variance), rel=1e-12)
    slow = answer(losses=losses, task="ewma", decay=0.5, initial_variance=0, confidence=None)["variance"]
    by_hand = 0.0
    for loss in losses:
        by_hand = 0.5 * by_hand + 0.5 * loss * loss
    assert slow == pytest.approx(by_hand, rel=1e-12)


def test_a_filter_follows_the_volatility() -> None:
    """A quiet year after a wild one: the filtered VaR is below the plain, and equal where nothing moves."""
    rng = np.random.default_rng(8)
    calm = np.concatenate([rng.standard_normal(400) * 5, rng.standard_normal(400)])
    plain, filtered = (answer(losses=calm.tolist(), method=m, confidence=0.99) for m in ("plain", "filtered"))
    assert filtered["var"] < 0.5 * plain["var"]
    garch = filtered["diagnostics"]["garch"]
    assert garch["gradient"] < 1e-4
    assert 0 <= garch["alpha"] + garch["beta"] < 1
    flat = answer(losses=[1.0, -1.0] * 50, method="filtered", confidence=0.9)
    assert flat["var"] == pytest.approx(1.0, rel=1e-6)
    assert answer(losses=[0.0] * 50, method="filtered", confidence=0.9)["var"] == 0.0


def test_a_filter_by_symbol_of_one_symbol_is_that_of_the_portfolio() -> None:
    returns = [[each / 1e4] for each in losses_of(300)]
    data = {"returns": returns, "exposures": [-1e4], "method": "filtered", "confidence": 0.95}
    whole, single = answer(**data), answer(**data, filter_by="symbol")
    assert single["var"] == pytest.approx(whole["var"], rel=1e-6)


def test_columns_are_filtered_in_any_number_of_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    returns = (np.random.default_rng(2).standard_normal((120, 9)) / 100).tolist()
    data = {"returns": returns, "exposures": [1e4] * 9, "method": "filtered", "filter_by": "symbol", "confidence": 0.9}
    whole = answer(**data)
    monkeypatch.setattr(historical_terms, "FITS_A_PART", 2)
    cut = answer(**data)
    assert cut["var"] == pytest.approx(whole["var"], rel=1e-12)


@pytest.mark.parametrize("method", ["plain", "weighted", "filtered", "parametric", "ewma"])
def test_es_is_beyond_var_and_both_scale(method: str) -> None:
    losses = losses_of(300)
    found = answer(losses=losses, method=method, confidence=0.95)
    twice = answer(losses=[2 * each for each in losses], method=method, confidence=0.95)
    assert found["es"] >= found["var"]
    assert twice["var"] == pytest.approx(2 * found["var"], rel=1e-9)
    assert found["standard_error"]["var"] > 0


@pytest.mark.parametrize("method", ["plain", "parametric", "weighted", "ewma"])
def test_errors_are_honest(method: str) -> None:
    scores = []
    for seed in range(60):
        losses = np.random.default_rng(seed).standard_normal(2000).tolist()
        found = answer(losses=losses, method=method, confidence=0.95, decay=0.999 if method == "weighted" else None)
        scores.append((found["var"] - 1.6448536269514722) / found["standard_error"]["var"])
    assert 0.6 < math.sqrt(np.mean(np.square(scores))) < 1.5


def test_a_rolling_backtest_against_a_loop() -> None:
    losses = np.array(losses_of(600))
    found = answer(losses=losses.tolist(), task="backtest", window=250, confidence=0.95)
    beyond = [
        day
        for day in range(250, 600)
        if losses[day] > np.quantile(losses[day - 250 : day], 0.95, method="inverted_cdf")
    ]
    assert found["exception_days"] == beyond
    assert (found["observations"], found["exceptions"]) == (350, len(beyond))
    counted = answer(task="backtest", observations=350, exceptions=len(beyond), confidence=0.95)
    assert counted["kupiec_lr"] == found["kupiec_lr"]
    together = found["kupiec_lr"] + found["christoffersen_lr"]
    assert found["conditional_coverage_lr"] == pytest.approx(together, rel=1e-12)


def test_a_backtest_without_exceptions() -> None:
    found = answer(task="backtest", observations=250, exceptions=0, confidence=0.99)
    assert found["kupiec_lr"] == pytest.approx(-2 * 250 * math.log(0.99), rel=1e-12)
    assert (found["zone"], found["multiplier"]) == ("green", 3.0)
    still = answer(task="backtest", n00=249, n01=0, n10=0, n11=0, confidence=None)
    assert (still["christoffersen_lr"], still["christoffersen_p_value"]) == (0.0, 1.0)
    none_twice = answer(task="backtest", n00=200, n01=10, n10=10, n11=0, confidence=0.95)
    assert 0 < none_twice["christoffersen_p_value"] < 1
    every_day = answer(task="backtest", observations=10, exceptions=10, confidence=0.99)
    assert (every_day["zone"], every_day["cumulative_probability"]) == ("red", 1.0)


@pytest.mark.parametrize(("exceptions", "plus"), [(4, 0.0), (5, 0.4), (6, 0.5), (8, 0.75), (9, 0.85), (10, 1.0)])
def test_the_traffic_light(exceptions: int, plus: float) -> None:
    assert answer(task="backtest", observations=250, exceptions=exceptions, confidence=0.99)["plus_factor"] == plus


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ({"losses": [1] * 9, "confidence": None}, [("$.data.confidence", "missing")]),
        ({"losses": [1] * 9, "confidence": []}, [("$.data.confidence", "invalid")]),
        ({"losses": [1] * 9, "confidence": [0.8, 0.99]}, [("$.data.confidence", "too_few_observations")]),
        ({"losses": [1] * 9, "exceptions": 3}, [("$.data.exceptions", "invalid")]),
        ({"losses": [1] * 9, "filter_by": "symbol"}, [("$.data.filter_by", "invalid")]),
        ({"losses": [1] * 9, "task": "backtest"}, [("$.data.window", "missing")]),
        ({"losses": [1] * 9, "task": "backtest", "window": 9}, [("$.data.window", "out_of_range")]),
        ({"losses": [], "task": "ewma"}, [("$.data.losses", "invalid")]),
        ({"losses": [1] * 9, "task": "ewma", "horizon_days": 10}, [("$.data.horizon_days", "invalid")]),
        ({"task": "backtest"}, [("$.data", "invalid")]),
        ({"task": "backtest", "observations": 5}, [("$.data.exceptions", "missing")]),
        ({"task": "backtest", "observations": 5, "exceptions": 6}, [("$.data.exceptions", "out_of_range")]),
        ({"task": "backtest", "n00": 5, "n01": 1}, [("$.data.n10", "missing"), ("$.data.n11", "missing")]),
        ({"task": "backtest", "n00": 0, "n01": 0, "n10": 0, "n11": 0}, [("$.data.n00", "invalid")]),
    ],
)
def test_what_else_is_refused(data: dict[str, Any], expected: list[tuple[str, str]]) -> None:
    assert refusal(**data) == expected


def test_the_check_fires(monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = historical.plain(np.arange(10.0), 0.8)._replace(es=-1.0)
    monkeypatch.setattr(historical, "risk", lambda *rest: wrong)
    with pytest.raises(CalcError) as error:
        answer(losses=[1, 2, 3, 4, 5])
    assert error.value.code == "internal_check_failed"
