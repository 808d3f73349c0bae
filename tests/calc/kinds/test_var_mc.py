"""Simulated VaR and ES against their closed forms: five books, a hundred seeds; and every refusal of a matrix."""

import importlib
import json
import math
from typing import Any

import msgspec
import numpy as np
import pytest

from calc import checks, execute
from calc.errors import CalcError, InvalidData
from calc.kinds import var_mc, var_mc_quadratic, var_mc_samples

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
    monkeypatch.setattr(var_mc_samples, "_MOST_BLOCKS_A_PART", 5)
    assert answer(scenarios=300_001) == whole


def test_a_floor_above_what_is_needed_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a normal book only the scenarios above a floor are drawn: were it too high, the check says so."""
    with monkeypatch.context() as broken:
        broken.setattr(var_mc, "share_drawn", lambda params: 0.002)
        with pytest.raises(CalcError, match="losses are kept") as caught:
            answer(scenarios=100_000)
        assert caught.value.code == "internal_check_failed"


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


QUADRATIC: dict[str, Any] = {
    "method": "delta_gamma",
    "delta": [1, 2],
    "gamma": [[0.5, 0.1], [0.1, -0.3]],
    "covariance": [[1, 0.3], [0.3, 1]],
    "confidence": 0.99,
}


def ask(**data: Any) -> dict[str, Any]:
    planned = execute.plan("var_mc", json.dumps(data).encode(), fresh_seed=5)
    return json.loads(execute.execute("var_mc", planned.data))


def refused(**data: Any) -> list[tuple[str, str]]:
    with pytest.raises(InvalidData) as error:
        ask(**data)
    return [(fault.path, fault.code) for fault in error.value.faults]


@pytest.mark.parametrize("reduction", ["importance_sampling", "none"])
def test_a_quadratic_book_covers_its_exact_law(reduction: str) -> None:
    scores = []
    for seed in range(40):
        found = ask(**QUADRATIC, seed=seed, scenarios=8000, variance_reduction=reduction)
        scores += [(found[f] - found[f"parametric_{f}"]) / found["standard_error"][f] for f in ("var", "es")]
    assert 0.6 < math.sqrt(np.mean(np.square(scores))) < 1.5
    assert found["diagnostics"]["residual"] < 1e-12


def test_importance_sampling_is_worth_it() -> None:
    plain = ask(**QUADRATIC, seed=1, variance_reduction="none")["standard_error"]
    twisted = ask(**QUADRATIC, seed=1)["standard_error"]
    assert twisted["var"] < plain["var"] / 3
    assert twisted["es"] < plain["es"] / 5


def test_a_quadratic_book_without_gamma_is_a_linear_one() -> None:
    covariance = [[0.04, 0.024], [0.024, 0.16]]
    book = [{"symbol": "A", "value": -3.0}, {"symbol": "B", "value": 5.0}]
    linear = ask(
        positions=book, covariance=covariance, method="linear_normal", confidence=0.975, horizon_days=1,
        volatility_period="day",
    )  # fmt: skip
    found = ask(method="delta_gamma", delta=[3, -5], gamma=[[0, 0], [0, 0]], covariance=covariance, confidence=0.975)
    for field in ("parametric_var", "parametric_es"):
        assert found[field] == pytest.approx(linear[field], rel=1e-11)
    assert list(found["contributions"].values()) == pytest.approx(list(linear["contributions"].values()), rel=1e-9)


def test_a_square_of_a_normal() -> None:
    """χ² with one degree: its quantile is the square of the normal's; and its negative, which has a largest loss."""
    up = ask(method="delta_gamma", delta=[0], gamma=[[2]], covariance=[[1]], confidence=0.95)
    assert up["parametric_var"] == pytest.approx(1.959963984540054**2, rel=1e-12)
    down = ask(method="delta_gamma", delta=[0], gamma=[[-2]], covariance=[[1]], confidence=0.95)
    assert down["parametric_var"] == pytest.approx(-(0.06270677794321385**2), rel=1e-9)
    assert down["var"] <= 0


def test_a_loss_that_does_not_vary() -> None:
    found = ask(method="delta_gamma", delta=[0, 0], gamma=[[0, 0], [0, 0]], covariance=[[1, 1], [1, 1]], confidence=0.9)
    assert (found["var"], found["es"], found["parametric_var"]) == (0.0, 0.0, 0.0)
    assert found["standard_error"] == {"var": 0.0, "es": 0.0}
    tiny = ask(method="delta_gamma", delta=[1e-30], gamma=[[0]], covariance=[[1]], confidence=0.9)
    assert 0 < tiny["var"] < tiny["parametric_es"] < 3e-30
    still = {"volatilities": {"A": 0, "B": 0}}
    for change in (still, still | {"distribution": "lognormal"}, still | {"method": "linear_normal"}):
        found = answer(**change)
        assert (found["var"], found["es"]) == (0.0, 0.0)
        assert set(found["component_es"].values()) == {0.0}


def test_linear_normal_simulates_nothing_and_says_so() -> None:
    found = answer("twenty", method="linear_normal")
    simulated = answer("twenty")
    assert found["var"] == found["parametric_var"] == simulated["parametric_var"]
    assert found["standard_error"] is None
    assert "closed form" in found["diagnostics"]["estimator"]
    assert answer("twenty", method="linear_normal", confidence=0.99999)["var"] > found["var"]


@pytest.mark.parametrize(
    "change", [{}, {"distribution": "student_t", "degrees_of_freedom": 3}, {"distribution": "lognormal"}]
)
@pytest.mark.parametrize("book", BOOKS)
def test_components_add_up_to_the_answer(book: str, change: dict[str, Any]) -> None:
    found = answer(book, **change)
    held: dict[str, float] = {}
    for position in BOOKS[book]["positions"]:
        value = position.get("value", position.get("quantity", 0) * position.get("price", 0))
        held[position["symbol"]] = held.get(position["symbol"], 0.0) + value
    for figure in ("var", "es"):
        components = found[f"component_{figure}"]
        assert math.fsum(components.values()) == pytest.approx(found[figure], rel=1e-11)
        for symbol, marginal in found[f"marginal_{figure}"].items():
            assert components[symbol] == pytest.approx(held[symbol] * marginal, rel=1e-9, abs=1e-9)


def test_a_hedge_takes_risk_away() -> None:
    found = answer("hedge")
    assert found["component_var"]["A"] > 0 > found["marginal_var"]["B"]
    assert found["diversification"] > 0
    assert answer("single")["diversification"] == pytest.approx(0, abs=5 * answer("single")["standard_error"]["var"])


def test_lognormal_components_have_honest_errors() -> None:
    question = {"distribution": "lognormal", "volatilities": {"A": 0.4, "B": 0.8}, "horizon_days": 60}
    truth = answer(**question, scenarios=4_000_000, seed=999)
    scores = []
    for seed in range(40):
        found = answer(**question, scenarios=20_000, seed=seed)
        for figure in ("var", "es"):
            errors = found["component_standard_error"][figure]
            scores += [
                (found[f"component_{figure}"][symbol] - truth[f"component_{figure}"][symbol]) / errors[symbol]
                for symbol in errors
            ]
    assert 0.6 < math.sqrt(np.mean(np.square(scores))) < 1.5


@pytest.mark.parametrize("distribution", ["normal", "lognormal"])
def test_factors_are_their_covariance(distribution: str) -> None:
    """The same book said by loadings and by the matrix that they make."""
    loadings, specific = [[0.2, 0.1], [0.15, -0.05], [0.0, 0.3]], [0.1, 0.2, 0.0]
    covariance = np.array(loadings) @ np.transpose(loadings) + np.diag(np.square(specific))
    book = {
        "positions": [{"symbol": name, "value": value} for name, value in zip("ABC", (1e5, -5e4, 2e5), strict=True)]
    }
    book |= QUESTION | {"distribution": distribution, "scenarios": 200_000}
    factors = ask(**book, factors={"loadings": loadings, "specific": specific})
    matrix = ask(**book, covariance=covariance.tolist())
    if distribution == "normal":
        assert factors["parametric_es"] == pytest.approx(matrix["parametric_es"], rel=1e-12)
    else:
        assert factors["undiversified_var"] == pytest.approx(matrix["undiversified_var"], rel=1e-12)
    for figure in ("var", "es"):
        error = math.hypot(factors["standard_error"][figure], matrix["standard_error"][figure])
        assert abs(factors[figure] - matrix[figure]) < 4.5 * error


def test_drift_moves_the_loss() -> None:
    plain, drifting = answer("single"), answer("single", drift={"A": 0.1})
    assert drifting["var"] == pytest.approx(plain["var"] - 1e6 * 0.1 * 10 / 252, rel=1e-12)
    assert math.fsum(drifting["contributions"].values()) == pytest.approx(drifting["parametric_var"], rel=1e-12)
    sigma = 0.3 * math.sqrt(10 / 252)
    exact = 1e6 * (1 - math.exp(0.1 * 10 / 252 - 2.3263478740408408 * sigma - sigma * sigma / 2))
    found = answer("single", distribution="lognormal", drift={"A": 0.1}, scenarios=400_000)
    assert abs(found["var"] - exact) < 4 * found["standard_error"]["var"]
    assert found["undiversified_var"] == pytest.approx(exact, rel=1e-12)


@pytest.mark.parametrize(
    "change", [{"distribution": "lognormal"}, {"distribution": "student_t", "degrees_of_freedom": 2.5}]
)
def test_parts_change_nothing(change: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    whole = answer(scenarios=100_001, **change)
    monkeypatch.setattr(var_mc_samples, "_MOST_BLOCKS_A_PART", 3)
    cut = answer(scenarios=100_001, **change)
    assert (whole["var"], whole["es"]) == (cut["var"], cut["es"])
    assert whole["component_es"] == pytest.approx(cut["component_es"], rel=1e-12)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"delta": None}, [("$.data.delta", "missing")]),
        ({"gamma": [[1, 0]]}, [("$.data.gamma", "length_mismatch"), ("$.data.gamma[0]", "length_mismatch")][:1]),
        ({"gamma": None}, [("$.data.gamma", "missing")]),
        ({"gamma": [[1, 0.2], [0.1, 1]]}, [("$.data.gamma[1][0]", "not_symmetric")]),
        ({"covariance": None}, [("$.data.covariance", "missing")]),
        (
            {"covariance": [[1, 2], [2, 1]]},
            [("$.data.covariance[0][1]", "not_psd"), ("$.data.covariance[1][0]", "not_psd")],
        ),
        ({"symbols": ["A", "A"]}, [("$.data.symbols", "duplicate")]),
        ({"symbols": ["A"]}, [("$.data.symbols", "length_mismatch")]),
        ({"distribution": "lognormal"}, [("$.data.distribution", "invalid")]),
        ({"positions": [{"symbol": "A", "value": 1}]}, [("$.data.positions", "invalid")]),
        ({"scenarios": 10**9}, [("$.data.scenarios", "too_large")]),
        ({"horizon_days": 10}, [("$.data.days_per_year", "invalid")]),
    ],
)
def test_what_is_refused_of_a_quadratic_book(change: dict[str, Any], expected: list[tuple[str, str]]) -> None:
    assert refused(**{**QUADRATIC, **change}) == expected


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"horizon_days": None}, [("$.data.horizon_days", "missing")]),
        ({"positions": None}, [("$.data.positions", "missing")]),
        ({"delta": [1, 2]}, [("$.data.delta", "invalid")]),
        ({"drift": {"Z": 0.1}}, [("$.data.drift.Z", "invalid")]),
        ({"variance_reduction": "importance_sampling"}, [("$.data.variance_reduction", "invalid")]),
        ({"factors": {"loadings": [[1], [1]], "specific": [0, 0]}}, [("$.data.factors", "invalid")]),
    ],
)
def test_what_else_is_refused(change: dict[str, Any], expected: list[tuple[str, str]]) -> None:
    told = [(path, code) for path, code, _ in refusal(**change)]
    if "factors" in change:
        assert {path for path, _ in told} == {"$.data.volatilities", "$.data.correlation"}
    else:
        assert told == expected


def test_factors_of_the_wrong_shape() -> None:
    told = refusal(volatilities=None, correlation=None, factors={"loadings": [[1, 2], [1]], "specific": [0.1]})
    assert [(path, code) for path, code, _ in told] == [
        ("$.data.factors.specific", "length_mismatch"),
        ("$.data.factors.loadings[1]", "length_mismatch"),
    ]


def test_checks_fire(monkeypatch: pytest.MonkeyPatch) -> None:
    """A broken kernel gives a failed check, never a number."""
    with pytest.raises(CalcError, match="below VaR"):
        checks.check_order(2.0, 1.0)
    with pytest.raises(CalcError, match="adds up to"):
        checks.check_sum("component_es", [1.0, 2.0], 4.0)
    with pytest.raises(CalcError, match="is known to"):
        var_mc_quadratic.check_residual(1e-3)
    with pytest.raises(InvalidData, match="gamma") as refused:
        var_mc_quadratic.check_residual(math.nan)
    assert [fault.code for fault in refused.value.faults] == ["law_unknown"]
    kernels = importlib.import_module("calc.kernels.tail_risk")
    monkeypatch.setattr(kernels, "quadratic_losses", lambda out, *rest: out.fill(1e9))
    with pytest.raises(CalcError, match="contradicts the law") as error:
        ask(**QUADRATIC, seed=77)
    assert error.value.code == "internal_check_failed"


def test_cost_is_about_what_it_takes() -> None:
    for change in ({}, {"distribution": "lognormal"}):
        params = msgspec.convert({**var_mc.EXAMPLE, **change, "scenarios": 1_000_000}, var_mc.Params)
        assert 0.001 < var_mc.cost(params) < 2
