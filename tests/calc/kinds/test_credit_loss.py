"""Credit losses: simulation against the exact recursion, rows of formulas, limit cases, and what is refused."""

import importlib
import json
import math
from typing import Any

import numpy as np
import pytest

from calc import execute
from calc.errors import CalcError, InvalidData
from calc.kinds import credit_loss, credit_loss_answers, credit_loss_terms

if credit_loss.NAME not in execute.kinds():
    execute.load(credit_loss.__name__)

POOL = {"count": 100, "exposure": 1, "pd": 0.02, "lgd": 1, "correlation": 0.2}
MIXED = [
    {"exposure": 1.5, "pd": 0.03, "lgd": 0.4, "correlation": 0.1, "count": 30},
    {"exposure": 4.0, "pd": 0.01, "lgd": 0.6, "correlation": 0.3, "count": 20},
    {"exposure": 10.0, "pd": 0.005, "lgd": 0.3, "correlation": 0.0},
]
MERTON = {"method": "merton", "equity": 3, "equity_volatility": 0.8, "debt": 10, "rate": 0.05, "maturity": 1}


def answer(**data: Any) -> dict[str, Any]:
    planned = execute.plan("credit_loss", json.dumps(data).encode(), fresh_seed=5)
    return json.loads(execute.execute("credit_loss", planned.data))


def simulated(**change: Any) -> dict[str, Any]:
    question = {"method": "gaussian_copula_mc", "pools": MIXED, "confidence": 0.99, "scenarios": 20_000, "seed": 1}
    return answer(**{**question, **change})


def exact(**change: Any) -> dict[str, Any]:
    return answer(**{"method": "recursion", "pools": MIXED, "confidence": 0.99, **change})


def refusal(**data: Any) -> list[tuple[str, str]]:
    with pytest.raises(InvalidData) as refused:
        answer(**data)
    return [(fault.path, fault.code) for fault in refused.value.faults]


def test_the_simulation_covers_the_recursion() -> None:
    truth, scores = exact(thresholds=[3.0]), []
    for seed in range(40):
        found = simulated(seed=seed, thresholds=[3.0])
        errors = found["standard_error"]
        scores += [(found[name] - truth[name]) / errors[name] for name in ("es", "probability_no_loss")]
        scores.append(
            (found["probability_at_least"][0] - truth["probability_at_least"][0]) / errors["probability_at_least.0"]
        )
        assert found["expected_loss"] == pytest.approx(truth["expected_loss"], rel=1e-12)
    assert 0.6 < math.sqrt(np.mean(np.square(scores))) < 1.5


def test_student_t_against_its_own_conditional_law() -> None:
    """P(no loss) of alike names is a double integral over factor and χ², here by sampling the two alone."""
    rng = np.random.default_rng(3)
    z, mixing = rng.standard_normal(400_000), np.sqrt(rng.chisquare(4, 400_000) / 4)
    from_t = {0.02: -2.9985278694386}[0.02]
    limit = (from_t * mixing - math.sqrt(0.2) * z) / math.sqrt(0.8)
    none = np.array([0.5 * math.erfc(x / math.sqrt(2)) for x in limit]) ** 100
    found = simulated(pools=[POOL], copula="student_t", degrees_of_freedom=4, scenarios=100_000)
    error = math.hypot(found["standard_error"]["probability_no_loss"], none.std() / math.sqrt(none.size))
    assert abs(found["probability_no_loss"] - none.mean()) < 4 * error
    assert found["es"] > simulated(pools=[POOL], scenarios=100_000)["es"]


def test_several_factors_are_one_where_names_are_alike() -> None:
    """Only the sum of squares of the loadings counts in a homogeneous pool."""
    two = {key: value for key, value in POOL.items() if key != "correlation"} | {"loadings": [0.3, math.sqrt(0.11)]}
    found, truth = simulated(pools=[two], scenarios=100_000), exact(pools=[POOL])
    assert abs(found["es"] - truth["es"]) < 4 * found["standard_error"]["es"]


def test_contributions_add_up_and_are_those_of_the_simulation() -> None:
    found = simulated(scenarios=50_000)
    for figure in ("var", "es"):
        assert math.fsum(found[f"component_{figure}"]) == pytest.approx(found[figure], rel=1e-11)
    assert math.fsum(found["component_expected_loss"]) == pytest.approx(found["expected_loss"], rel=1e-12)
    pools = [*MIXED[:2], {**MIXED[2], "pd": 0.05}]  # so that each defaults in every tail
    truth, scores = simulated(pools=pools, scenarios=2_000_000, seed=99), []
    for seed in range(30):
        small = simulated(pools=pools, seed=seed)
        errors = small["component_standard_error"]["es"]
        pairs = zip(small["component_es"], truth["component_es"], errors, strict=True)
        scores += [(a - b) / error for a, b, error in pairs]
    assert 0.6 < math.sqrt(np.mean(np.square(scores))) < 1.5


def test_names_and_pools_are_the_same_portfolio() -> None:
    one = {key: value for key, value in POOL.items() if key != "count"}
    assert exact(pools=None, names=[one] * 100)["es"] == pytest.approx(exact(pools=[POOL])["es"], rel=1e-12)
    assert simulated(pools=None, names=[one] * 100)["es"] == simulated(pools=[POOL])["es"]


def test_independent_names_are_binomial() -> None:
    found = exact(pools=[{**POOL, "correlation": 0}], confidence=0.999)
    assert found["probability_no_loss"] == pytest.approx(0.98**100, rel=1e-10)
    assert found["diagnostics"]["residual"] < 1e-12


def test_a_fine_pool_is_vasicek() -> None:
    fine = exact(pools=[{**POOL, "count": 3000, "exposure": 1 / 3000}], loss_unit=1 / 3000, confidence=0.99)
    pool = answer(method="vasicek", pd=0.02, correlation=0.2, lgd=1, confidence=0.99)
    assert fine["var"] == pytest.approx(pool["loss"], rel=0.02)
    assert fine["es"] == pytest.approx(pool["es"], rel=0.02)


def test_certain_and_impossible_defaults() -> None:
    sure, never = {**POOL, "pd": 1}, {**POOL, "pd": 0}
    for ask in (simulated, exact):
        assert (ask(pools=[sure])["var"], ask(pools=[sure])["es"]) == (100.0, pytest.approx(100.0, rel=1e-9))
        found = ask(pools=[never])
        assert (found["var"], found["es"], found["probability_no_loss"]) == (0.0, 0.0, pytest.approx(1.0, abs=1e-12))


def test_parts_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    whole, law = simulated(scenarios=50_001), exact(pools=[POOL])
    monkeypatch.setattr(credit_loss_terms, "PART_NS", 4_000_000)
    assert simulated(scenarios=50_001) == whole
    assert exact(pools=[POOL])["es"] == pytest.approx(law["es"], rel=1e-12)


def test_a_target_stops_early() -> None:
    target = simulated()["standard_error"]["es"]
    found = simulated(scenarios=5_000_000, target_standard_error=target)
    assert found["standard_error"]["es"] <= target
    assert found["diagnostics"]["stopped_early"]


@pytest.mark.parametrize("bad", [0, 1, 2])
def test_a_bad_row_spoils_no_other(bad: int) -> None:
    pds: list[float | None] = [0.01, 0.02, 0.03]
    good = answer(method="basel_irb", pd=pds, lgd=0.45, asset_class="corporate", maturity=2.5)
    for value, status in ((0.0001, "below_floor"), (None, "bad_input"), (1.5, "bad_input")):
        spoilt = [value if i == bad else pd for i, pd in enumerate(pds)]
        found = answer(method="basel_irb", pd=spoilt, lgd=0.45, asset_class="corporate", maturity=2.5)
        assert found["status"][bad] == status
        assert found["capital"] == [None if i == bad else each for i, each in enumerate(good["capital"])]


def test_basel_properties() -> None:
    corporate = {"method": "basel_irb", "pd": 0.02, "lgd": 0.45, "asset_class": "corporate", "maturity": 2.5}
    plain = answer(**corporate)
    assert answer(**{**corporate, "lgd": 0.9})["capital"] == pytest.approx(2 * plain["capital"], rel=1e-12)
    assert answer(**corporate, exposure=100)["risk_weighted_assets"] == pytest.approx(100 * plain["risk_weight"])
    assert answer(**corporate, turnover=5)["correlation"] == pytest.approx(plain["correlation"] - 0.04, rel=1e-12)
    assert answer(**{**corporate, "maturity": 5})["capital"] > plain["capital"]
    assert answer(method="basel_irb", pd=0.02, lgd=0.45, asset_class="mortgage")["correlation"] == 0.15


def test_merton_solves_its_two_equations() -> None:
    found = answer(**MERTON)
    assert found["diagnostics"]["residual"] < 1e-12
    assert answer(**{**MERTON, "equity": 300, "debt": 1000})["asset_value"] == pytest.approx(100 * found["asset_value"])
    free = answer(**{**MERTON, "debt": 0})
    assert (free["asset_value"], free["asset_volatility"], free["pd"], free["distance_to_default"]) == (3, 0.8, 0, None)
    rows = answer(**{**MERTON, "equity": [3, -1, 3], "debt": [10, 10, 0]})
    assert rows["status"] == ["ok", "bad_input", "ok"]
    assert rows["asset_value"] == [found["asset_value"], None, 3.0]


def test_merton_takes_equity_down_to_a_hundred_millionth_of_the_debt() -> None:
    owed = 10 * math.exp(-0.05)
    least = 1.0001e-8 * owed
    found = answer(**{**MERTON, "equity": least})
    assert found["diagnostics"]["residual"] < 1e-7
    z, root = found["distance_to_default"], found["asset_volatility"]
    # so little asset volatility is Bachelier's limit: E = D σ (d Φ(d) + φ(d)), σ_E E = D σ Φ(d)
    inside, height = 0.5 * math.erfc(-z / math.sqrt(2)), math.exp(-0.5 * z * z) / math.sqrt(2 * math.pi)
    assert owed * root * (z * inside + height) == pytest.approx(least, rel=1e-6)
    assert owed * root * inside == pytest.approx(0.8 * least, rel=1e-6)
    with pytest.raises(InvalidData) as refused:
        answer(**{**MERTON, "equity": 1e-14})
    (fault,) = refused.value.faults
    assert (fault.path, fault.value, fault.code) == ("$.data.equity", 1e-14, "out_of_range")
    assert (fault.allowed or "").startswith("at least 9.51229e-08")
    rows = answer(**{**MERTON, "equity": [3, 1e-14, 0.9999e-8 * owed, least]})
    assert rows["status"] == ["ok", "too_little_equity", "too_little_equity", "ok"]
    assert rows["pd"] == [answer(**MERTON)["pd"], None, None, found["pd"]]


def test_vasicek_is_monotone() -> None:
    rates = answer(method="vasicek", pd=0.02, correlation=[0.0, 0.1, 0.3, 0.6], lgd=1, confidence=0.999)
    assert rates["worst_default_rate"][0] == pytest.approx(0.02, rel=1e-12)
    assert rates["worst_default_rate"] == sorted(rates["worst_default_rate"])
    assert all(es >= loss for es, loss in zip(rates["es"], rates["loss"], strict=True))


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ({"method": "basel_irb", "pd": 0.0001, "lgd": 0.4, "asset_class": "mortgage"}, [("$.data.pd", "out_of_range")]),
        ({"method": "basel_irb", "pd": 0.01, "lgd": 0.4, "asset_class": "corporate"}, [("$.data.maturity", "missing")]),
        (
            {"method": "basel_irb", "pd": 0.01, "lgd": 0.4},
            [("$.data.asset_class", "missing"), ("$.data.maturity", "missing")],
        ),
        ({"method": "vasicek", "pd": 0.01, "lgd": 0.4, "correlation": 0.1}, [("$.data.confidence", "missing")]),
        (
            {"method": "vasicek", "pd": [0.1, 0.2], "lgd": [0.4], "correlation": 0.1, "confidence": 0.9},
            [("$.data.lgd", "length_mismatch")],
        ),
        ({**MERTON, "equity": 0}, [("$.data.equity", "out_of_range")]),
        ({**MERTON, "pd": 0.1}, [("$.data.pd", "invalid")]),
        ({**MERTON, "rate": None}, [("$.data.rate", "missing")]),
        ({"method": "recursion", "confidence": 0.9}, [("$.data.pools", "missing")]),
        ({"method": "recursion", "pools": [POOL]}, [("$.data.confidence", "missing")]),
        ({"method": "recursion", "pools": [POOL], "confidence": 0.9, "pd": 0.1}, [("$.data.pd", "invalid")]),
        (
            {"method": "recursion", "pools": [POOL, {**POOL, "exposure": 1e-7}], "confidence": 0.9},
            [("$.data.loss_unit", "too_large")],
        ),
        (
            {"method": "recursion", "pools": [POOL, {**POOL, "exposure": 1e-30}], "confidence": 0.9},
            [("$.data.loss_unit", "too_large")],
        ),
        (
            {"method": "recursion", "pools": [POOL], "confidence": 0.9, "loss_unit": 0.3},
            [("$.data.loss_unit", "no_common_unit")],
        ),
        (
            {"method": "gaussian_copula_mc", "pools": [POOL], "confidence": 0.999, "scenarios": 10_000},
            [("$.data.scenarios", "too_few_scenarios")],
        ),
        (
            {"method": "gaussian_copula_mc", "pools": [POOL], "confidence": 0.9, "scenarios": 10**9},
            [("$.data.scenarios", "too_large")],
        ),
        (
            {"method": "gaussian_copula_mc", "pools": [POOL], "confidence": 0.9, "copula": "student_t"},
            [("$.data.degrees_of_freedom", "invalid")],
        ),
        (
            {"method": "gaussian_copula_mc", "pools": [POOL, {**POOL, "correlation": None, "loadings": [0.1, 0.2]}]}
            | {"confidence": 0.9},
            [("$.data.pools", "length_mismatch")],
        ),
        (
            {"method": "recursion", "pools": [{**POOL, "loadings": [0.1]}], "confidence": 0.9},
            [("$.data.pools[0].correlation", "invalid")],
        ),
        (
            {"method": "recursion", "pools": [{**POOL, "pd": 1.2}], "confidence": 0.9},
            [("$.data.pools[0].pd", "out_of_range")],
        ),
    ],
)
def test_what_is_refused(data: dict[str, Any], expected: list[tuple[str, str]]) -> None:
    assert refusal(**data) == expected


def test_checks_fire(monkeypatch: pytest.MonkeyPatch) -> None:
    kernels = importlib.import_module("calc.kernels.copula")
    with pytest.raises(CalcError, match="below VaR"):
        credit_loss_answers.check_order(2.0, 1.0)
    with pytest.raises(CalcError, match="adds up to"):
        credit_loss_answers.check_sum("component_es", [1.0], 2.0)
    right = kernels.distribution
    monkeypatch.setattr(kernels, "distribution", lambda *arguments: 0.9 * right(*arguments))
    with pytest.raises(CalcError, match="residual of the recursion") as error:
        exact(confidence=0.98)
    assert error.value.code == "internal_check_failed"
    monkeypatch.setattr(kernels, "merton", lambda *arguments: np.array([[12.0, 0.2, 1.0, np.nan, 3.0]]))
    with pytest.raises(CalcError, match="residual of merton"):
        answer(**MERTON)
