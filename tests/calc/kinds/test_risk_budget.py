"""Shares of risk: budgets are met, clusters are ordered, what cannot be is refused, and a broken kernel is noticed."""

import json
import math
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from calc import execute
from calc.errors import CalcError, InvalidData
from calc.kinds import risk_budget
from calc.numerics import hierarchy, risk_parity

if risk_budget.NAME not in execute.kinds():
    execute.load("calc.kinds.risk_budget")

IMPOSSIBLE = [[1, 0.9, 0.9], [0.9, 1, -0.9], [0.9, -0.9, 1]]


def answer(**data: Any) -> dict[str, Any]:
    planned = execute.plan("risk_budget", json.dumps(data).encode(), fresh_seed=0)
    found: dict[str, Any] = json.loads(execute.execute("risk_budget", planned.data))
    return found


def refused(**data: Any) -> dict[str, str]:
    """Path → code of every fault."""
    with pytest.raises(InvalidData) as told:
        answer(**data)
    return {fault.path: fault.code for fault in told.value.faults}


def covariance(size: int, seed: int = 3) -> list[list[float]]:
    random = np.random.default_rng(seed)
    loadings = random.standard_normal((size, 4)) * 0.1
    matrix = loadings @ loadings.T + np.diag(random.uniform(0.05, 0.3, size) ** 2)
    return (0.5 * (matrix + matrix.T)).tolist()


@pytest.mark.parametrize("size", [1, 2, 7, 40, 150])
def test_equal_shares(size: int) -> None:
    found = answer(method="equal_risk", covariance=covariance(size))
    assert list(found["risk_shares"].values()) == pytest.approx([1 / size] * size, rel=1e-10)
    assert math.fsum(found["weights"].values()) == pytest.approx(1, abs=1e-14)
    assert math.fsum(found["risk_contributions"].values()) == pytest.approx(found["risk"], rel=1e-13)


def test_budgets_over_five_magnitudes() -> None:
    budgets = [1e-5, 1e-3, 0.1, 1 - 0.10101]
    found = answer(method="budgets", covariance=covariance(4), budgets=budgets)
    assert list(found["risk_shares"].values()) == pytest.approx(budgets, rel=1e-9)


def test_uncorrelated_assets_have_weights_by_their_volatilities() -> None:
    found = answer(method="equal_risk", volatility=[0.1, 0.2, 0.4], correlation=0)["weights"]
    assert list(found.values()) == pytest.approx([4 / 7, 2 / 7, 1 / 7], rel=1e-13)


def test_scaling_all_variances_changes_no_weight() -> None:
    once = answer(method="equal_risk", volatility=[0.1, 0.2, 0.4], correlation=0.3)
    thousandth = answer(method="equal_risk", volatility=[1e-4, 2e-4, 4e-4], correlation=0.3)
    assert list(thousandth["weights"].values()) == pytest.approx(list(once["weights"].values()), rel=1e-12)


def test_a_singular_correlation_has_an_answer_where_there_is_risk() -> None:
    found = answer(method="equal_risk", volatility=[0.1, 0.2, 0.3], correlation=1)
    assert list(found["risk_shares"].values()) == pytest.approx([1 / 3] * 3, rel=1e-10)


@pytest.mark.parametrize("linkage", ["single", "average", "ward"])
def test_permuting_the_assets_permutes_hrp(linkage: str) -> None:
    matrix = np.array(covariance(9))
    order = np.random.default_rng(1).permutation(9)
    names = [f"A{i}" for i in range(9)]
    once = answer(method="hrp", linkage=linkage, assets=names, covariance=matrix.tolist())
    shuffled = answer(
        method="hrp",
        linkage=linkage,
        assets=[names[i] for i in order],
        covariance=matrix[np.ix_(order, order)].tolist(),
    )
    assert sorted(once["cluster_order"]) == names
    assert once["cluster_order"] != names
    assert set(shuffled["weights"]) == set(names)
    assert math.fsum(shuffled["weights"].values()) == pytest.approx(1, abs=1e-13)


def test_ties_go_to_the_first() -> None:
    found = answer(method="hrp", volatility=[0.2] * 5, correlation=0.5)
    assert found["cluster_order"] == ["asset_3", "asset_4", "asset_5", "asset_1", "asset_2"]
    assert answer(method="hrp", volatility=[0.2] * 5, correlation=0.5) == found


def test_what_is_refused() -> None:
    assert refused(method="equal_risk") == {"$.data.covariance": "missing"}
    assert refused(method="budgets", volatility=[0.1, 0.2], correlation=0.1) == {"$.data.budgets": "invalid"}
    assert refused(method="hrp", volatility=[0.1, 0.2], correlation=0.1, budgets=[0.5, 0.5]) == {
        "$.data.budgets": "invalid"
    }
    two = {"method": "budgets", "volatility": [0.1, 0.2], "correlation": 0.1}
    assert refused(**two, budgets=[0.5, 0.4]) == {"$.data.budgets": "bad_sum"}
    assert refused(**two, budgets=[1.0]) == {"$.data.budgets": "length_mismatch"}
    assert refused(**two, budgets=[1.0, 0.0]) == {"$.data.budgets[1]": "out_of_range"}
    assert refused(**two, budgets=[0.5, 0.5], assets=["A"]) == {"$.data.assets": "length_mismatch"}
    assert refused(**two, budgets=[0.5, 0.5], assets=["A", "A"]) == {"$.data.assets[1]": "duplicate"}
    assert refused(method="hrp", volatility=[0.1, 0, 0.2], correlation=0.1) == {"$.data.volatility[1]": "invalid"}
    assert refused(method="hrp", covariance=[[0.04, 0], [0, 0]]) == {"$.data.covariance[1][1]": "invalid"}
    assert refused(method="hrp", covariance=[[0.04]], volatility=[0.2]) == {"$.data.volatility": "invalid"}


def test_an_impossible_matrix_names_its_carriers_and_can_be_repaired() -> None:
    data = {"method": "equal_risk", "assets": ["A", "B", "C"], "volatility": [0.1, 0.2, 0.2]}
    with pytest.raises(InvalidData) as told:
        answer(**data, correlation=IMPOSSIBLE)
    (fault,) = told.value.faults
    assert fault.code == "not_psd"
    assert "A, B and C carry" in fault.detail
    assert "repair" in fault.detail
    found = answer(**data, correlation=IMPOSSIBLE, repair="nearest")
    assert found["diagnostics"]["repaired_distance"] == pytest.approx(math.sqrt(6 * 0.4**2), rel=1e-7)
    assert list(found["risk_shares"].values()) == pytest.approx([1 / 3] * 3, rel=1e-9)
    possible = answer(**data, correlation=0.5, repair="nearest")
    assert possible["diagnostics"]["repaired_distance"] is None


def test_assets_that_hedge_each_other_wholly_have_no_shares() -> None:
    with pytest.raises(CalcError, match="without risk") as told:
        answer(method="equal_risk", volatility=[0.1, 0.2], correlation=-1)
    assert told.value.code == "no_risk"


def test_a_broken_kernel_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    right = risk_parity.balanced

    def skewed(matrix: Any, budgets: Any) -> risk_parity.Balanced:
        found = right(matrix, budgets)
        weights = found.weights * np.linspace(1, 1.001, len(budgets))
        return found._replace(weights=weights / math.fsum(weights))

    monkeypatch.setattr(risk_parity, "balanced", skewed)
    with pytest.raises(CalcError, match="meet their budgets") as told:
        answer(method="equal_risk", covariance=covariance(5))
    assert told.value.code == "internal_check_failed"


def test_weights_that_are_none_are_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hierarchy, "weights", lambda *_: (np.array([1.5, -0.5]), [0, 1]))
    with pytest.raises(CalcError, match="above 0 and add up"):
        answer(method="hrp", volatility=[0.1, 0.2], correlation=0.1)


def test_contributions_that_do_not_add_up_are_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(risk_parity, "risk", lambda *_: risk_parity.Risk(1.0, [0.5, 0.4]))
    with pytest.raises(CalcError, match="add up to the risk"):
        answer(method="hrp", volatility=[0.1, 0.2], correlation=0.1)


def test_a_percentage_is_doubted() -> None:
    (warning,) = answer(method="equal_risk", volatility=[0.1, 8], correlation=0.1)["diagnostics"]["warnings"]
    assert (warning["code"], warning["path"]) == ("looks_like_percent", "$.data.volatility[1]")


@pytest.mark.parametrize("seed", range(40))
def test_assets_that_nearly_cancel_out_get_what_rounding_leaves(seed: int) -> None:
    """Budgets to a millionth, eigenvalues to 1e-7: an answer with its residual, judged in fractions."""
    random = np.random.default_rng(seed)
    size = int(random.integers(2, 8))
    factors = random.standard_normal((size, int(random.integers(1, size + 1))))
    matrix = factors @ factors.T + 10 ** random.uniform(-5, 0) * np.eye(size)
    scale = np.exp(random.uniform(-5, 1, size)) / np.sqrt(matrix.diagonal())
    matrix = matrix * np.outer(scale, scale)
    matrix = (matrix + matrix.T) / 2
    budgets = np.exp(random.uniform(math.log(1e-6), 0, size))
    budgets /= budgets.sum()
    found = answer(method="budgets", covariance=matrix.tolist(), budgets=budgets.tolist())
    residual = found["diagnostics"]["residual"]
    weights = [Fraction(each) for each in found["weights"].values()]
    rows = [[Fraction(each) for each in row] for row in matrix.tolist()]
    terms = [w * sum(a * b for a, b in zip(row, weights, strict=True)) for w, row in zip(weights, rows, strict=True)]
    off = max(abs(float(term / sum(terms)) / budget - 1) for term, budget in zip(terms, budgets.tolist(), strict=True))
    assert off < 2e-5
    warned = [each["code"] for each in found["diagnostics"]["warnings"]]
    assert warned == (["ill_conditioned"] if residual > 1e-9 else [])
    assert residual < 2e-5


def test_shares_that_are_rounding_are_not_told() -> None:
    with pytest.raises(CalcError, match="cannot be shared out") as told:
        answer(method="budgets", volatility=[0.1, 0.1], correlation=-1 + 1e-13, budgets=[0.5, 0.5])
    assert told.value.code == "no_risk"
