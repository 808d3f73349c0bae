"""Simulated VaR and ES against their closed forms: five books, a hundred seeds; and every refusal of a matrix."""

import json
import math
from typing import Any

import numpy as np
import pytest

from calc import execute
from calc.errors import InvalidData
from calc.kinds import var_mc

TWENTY = [f"S{i:02}" for i in range(20)]
LOADINGS = np.random.default_rng(5).uniform(0.2, 0.9, 20)
ONE_FACTOR = np.outer(LOADINGS, LOADINGS) + np.diag(1 - LOADINGS**2)

BOOKS: dict[str, dict[str, Any]] = {
    "single": {"positions": [{"symbol": "A", "value": 1e6}], "volatilities": {"A": 0.3}},
    "pair": {
        "positions": [{"symbol": "A", "quantity": 100, "price": 50}, {"symbol": "B", "value": 7000}],
        "volatilities": {"A": 0.2, "B": 0.4},
        "correlation": 0.3,
    },
    "hedge": {
        "positions": [{"symbol": "A", "value": 1e6}, {"symbol": "B", "value": -9e5}, {"symbol": "A", "value": -1e5}],
        "volatilities": {"A": 0.25, "B": 0.26},
        "correlation": [[1, 0.8], [0.8, 1]],
    },
    "singular": {
        "positions": [{"symbol": name, "value": 1000} for name in "ABC"],
        "volatilities": {"A": 0.2, "B": 0.2, "C": 0.3},
        "correlation": {"A/B": 1, "A/C": 0.5, "B/C": 0.5},
    },
    "twenty": {
        "positions": [{"symbol": name, "value": 1e5 * (-1) ** i * (i + 1)} for i, name in enumerate(TWENTY)],
        "covariance": (ONE_FACTOR * 0.04).tolist(),
    },
}
QUESTION = {"days_per_year": 252, "confidence": 0.99, "horizon_days": 10, "scenarios": 16_384, "seed": 1}


def answer(book: str = "pair", **change: Any) -> dict[str, Any]:
    data = execute.plan("var_mc", json.dumps({**BOOKS[book], **QUESTION, **change}).encode(), fresh_seed=5).data
    return json.loads(execute.execute("var_mc", data))


def refusal(book: str = "pair", **change: Any) -> list[tuple[str, str, str]]:
    with pytest.raises(InvalidData) as refused:
        answer(book, **change)
    return [(fault.path, fault.code, fault.detail) for fault in refused.value.faults]


@pytest.mark.parametrize("distribution", [{}, {"distribution": "student_t", "degrees_of_freedom": 4}], ids=["n", "t"])
@pytest.mark.parametrize("book", BOOKS)
def test_a_hundred_seeds_cover_as_they_should(book: str, distribution: dict[str, Any]) -> None:
    """VaR within three standard errors of the closed form, as often as an estimate should be."""
    scores = []
    for seed in range(100):
        found = answer(book, seed=seed, **distribution)
        error = found["standard_error"]
        scores.append(
            (
                (found["var"] - found["parametric_var"]) / error["var"],
                (found["es"] - found["parametric_es"]) / error["es"],
            )
        )
    var, es = np.array(scores).T
    assert (np.abs(var) > 3).sum() <= 2  # expected 0.3
    assert np.abs(var).max() < 4.5
    assert 49 <= (np.abs(var) < 1).sum() <= 86  # expected 68
    assert 0.7 < var.std() < 1.3
    assert abs(var.mean()) < 0.45
    # The mean of a few losses with infinite fourth moment is far from normal: its tails are not judged, its middle is.
    assert (np.abs(es) < 1.96).sum() >= 85
    assert abs(np.median(es)) < 0.5


def test_a_wrong_quantile_would_be_caught() -> None:
    found = answer(scenarios=1_000_000)
    higher = answer(confidence=0.991, scenarios=30_000)["parametric_var"]
    assert abs(found["var"] - higher) > 8 * found["standard_error"]["var"]
    assert abs(found["var"] - found["parametric_var"]) < 4 * found["standard_error"]["var"]


def test_lognormal_loses_at_most_everything() -> None:
    found = answer("single", distribution="lognormal", volatilities={"A": 5.0}, horizon_days=252)
    assert found["es"] < found["portfolio_value"]
    assert found["parametric_var"] is None
    assert found["contributions"] is None


def test_lognormal_against_its_closed_form() -> None:
    """One long position: the loss is a function of one normal, so its quantile is known."""
    sigma = 0.3 * math.sqrt(10 / 252)
    exact = 1e6 * (1 - math.exp(-2.3263478740408408 * sigma - sigma * sigma / 2))
    found = answer("single", distribution="lognormal", scenarios=400_000)
    assert abs(found["var"] - exact) < 4 * found["standard_error"]["var"]


def test_contributions_add_up() -> None:
    for book in BOOKS:
        found = answer(book)
        assert math.fsum(found["contributions"].values()) == pytest.approx(found["parametric_var"], rel=1e-12)
        assert found["parametric_var"] <= found["undiversified_var"] * (1 + 1e-12)
        assert found["es"] >= found["var"]


def test_a_book_in_another_order_is_the_same_book() -> None:
    turned = {**BOOKS["hedge"], "positions": BOOKS["hedge"]["positions"][2:] + BOOKS["hedge"]["positions"][:2]}
    assert answer("hedge") == answer("hedge", **turned)


def test_a_book_twice_as_large_loses_twice_as_much() -> None:
    twice = [{"symbol": each["symbol"], "value": 2 * each["value"]} for each in BOOKS["hedge"]["positions"]]
    assert answer("hedge", positions=twice)["var"] == 2 * answer("hedge")["var"]


def test_ways_to_say_the_same() -> None:
    pair = BOOKS["pair"]
    matrix, pairs = [[1, 0.3], [0.3, 1]], {"B/A": 0.3}
    covariance = [[0.04, 0.024], [0.024, 0.16]]
    daily = {
        "volatility_period": "day",
        "volatilities": {k: v / math.sqrt(252) for k, v in pair["volatilities"].items()},
    }
    plain = answer()
    assert answer(correlation=matrix) == answer(correlation=pairs) == plain
    by_covariance = answer(volatilities=None, correlation=None, covariance=covariance)
    assert by_covariance["var"] == pytest.approx(plain["var"], rel=1e-12)
    assert answer(**daily)["parametric_var"] == pytest.approx(plain["parametric_var"], rel=1e-12)


def test_parts_do_not_change_the_tail(monkeypatch: pytest.MonkeyPatch) -> None:
    """B87: the largest losses of all are the same, in however many parts they are found."""
    whole = answer(scenarios=300_001)
    monkeypatch.setattr(var_mc, "_MOST_BLOCKS_A_PART", 5)
    assert answer(scenarios=300_001) == whole


def test_a_partial_of_the_largest_task_fits() -> None:
    planned = execute.plan("var_mc", json.dumps({**BOOKS["single"], **QUESTION, "scenarios": 9_900_000}).encode(), 5)
    assert planned.parts > 1
    assert len(execute.run("var_mc", planned.data, 0)) <= 2_000_000


def test_a_target_stops_early() -> None:
    target = answer("single")["parametric_var"] / 500
    found = answer("single", scenarios=9_900_000, target_standard_error=target)
    assert found["standard_error"]["var"] <= target
    assert found["diagnostics"]["stopped_early"]


def test_an_impossible_correlation() -> None:
    book = {
        "positions": [{"symbol": name, "value": 1} for name in ("AAPL", "MSFT", "XOM")],
        "volatilities": {"AAPL": 0.2, "MSFT": 0.2, "XOM": 0.2},
    }
    ((path, code, detail),) = refusal(**book, correlation=[[1, 0.9, 0.9], [0.9, 1, -0.9], [0.9, -0.9, 1]])
    assert (path, code) == ("$.data.correlation", "not_psd")
    assert "smallest eigenvalue is -0.8" in detail
    assert "AAPL, MSFT and XOM" in detail
    assert refusal(**book, correlation=-0.6)[0][:2] == ("$.data.correlation", "not_psd")
    rounded = [[1, 1, 1 - 1e-12], [1, 1, 1], [1 - 1e-12, 1, 1]]
    assert [each["code"] for each in answer(**book, correlation=rounded)["diagnostics"]["warnings"]] == [
        "eigenvalue_rounded"
    ]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"correlation": [[1, 0.3], [0.301, 1]]}, [("$.data.correlation[1][0]", "not_symmetric")]),
        ({"correlation": [[0.99, 0.3], [0.3, 1]]}, [("$.data.correlation[0][0]", "bad_diagonal")]),
        ({"correlation": [[1, None], [0.3, 1]]}, [("$.data.correlation[0][1]", "wrong_type")]),
        ({"correlation": [[1, 0.3]]}, [("$.data.correlation", "length_mismatch")]),
        ({"correlation": [[1, 0.3], [0.3]]}, [("$.data.correlation[1]", "length_mismatch")]),
        ({"correlation": 1.2}, [("$.data.correlation", "out_of_range")]),
        ({"correlation": None}, [("$.data.correlation", "invalid")]),
        ({"correlation": {"A/B": -1.5}}, [('$.data.correlation["A/B"]', "out_of_range")]),
        ({"correlation": {}}, [('$.data.correlation["A/B"]', "missing")]),
        ({"correlation": {"A/B": 0, "A/A": 1}}, [('$.data.correlation["A/A"]', "invalid")]),
        ({"covariance": [[1, 0], [0, 1]]}, [("$.data.covariance", "invalid")]),
        ({"volatilities": {"A": 0.2}}, [("$.data.volatilities.B", "missing")]),
        ({"volatilities": None}, [("$.data.volatilities.A", "missing"), ("$.data.volatilities.B", "missing")]),
        ({"confidence": 99}, [("$.data.confidence", "out_of_range")]),
        ({"confidence": 0.9999}, [("$.data.scenarios", "too_few_scenarios")]),
        ({"scenarios": 10**9}, [("$.data.scenarios", "too_large")]),
        ({"days_per_year": None}, [("$.data.days_per_year", "invalid")]),
        ({"distribution": "student_t"}, [("$.data.degrees_of_freedom", "invalid")]),
        ({"degrees_of_freedom": 4}, [("$.data.degrees_of_freedom", "invalid")]),
        ({"distribution": "student_t", "degrees_of_freedom": 2}, [("$.data.degrees_of_freedom", "out_of_range")]),
        ({"positions": []}, [("$.data.positions", "invalid")]),
        ({"positions": [{"symbol": "A", "quantity": 1}]}, [("$.data.positions[0]", "invalid")]),
        ({"positions": [{"symbol": "A", "value": 1, "price": 1}]}, [("$.data.positions[0]", "invalid")]),
        ({"positions": [{"symbol": "A", "quantity": 1e12, "price": 1e12}]}, [("$.data.positions[0]", "invalid")]),
    ],
)
def test_what_is_refused(change: dict[str, Any], expected: list[tuple[str, str]]) -> None:
    assert [(path, code) for path, code, _ in refusal(**change)] == expected


def test_too_few_scenarios_says_how_many() -> None:
    ((_, _, detail),) = refusal(confidence=0.999, scenarios=10_000)
    assert "10 losses" in detail
    assert "30,000" in detail


def test_everything_wrong_is_told_at_once() -> None:
    told = refusal(volatilities={"A": 0.2}, correlation=[[1, 2], [2, 1]], confidence=0.9999, days_per_year=None)
    assert len(told) == 6
