"""Numbers in, numbers out: the limit cases that libraries get wrong, through the same door as any client's."""

import itertools
import json
import math
from typing import Any

import numpy as np
import pytest

from calc import KINDS, execute
from calc.errors import InvalidData
from tests.calc.laws import assert_finite
from tests.consumer.house import House
from tests.faults.settle import settled, submit_many

OPTION = {"spot": 100, "strike": 103, "maturity": 1, "rate": 0.04, "dividend_yield": 0.01, "volatility": 0.0}
GREEKS = ("delta", "gamma", "vega", "theta", "rho")
BOOK = {
    "positions": [{"symbol": name, "value": 1000.0} for name in "ABC"],
    "volatilities": dict.fromkeys("ABC", 0.2),
    "days_per_year": 252,
    "confidence": 0.99,
    "horizon_days": 10,
    "scenarios": 10_000,
    "seed": 1,
}


def answer(kind: str, data: dict[str, Any]) -> dict[str, Any]:
    """What a client would be told."""
    planned = execute.plan(kind, json.dumps(data).encode(), fresh_seed=1)
    found: dict[str, Any] = json.loads(execute.execute(kind, planned.data))
    return found


def priced(type: str, method: str = "closed_form", **changes: Any) -> dict[str, Any]:
    """An option."""
    return answer("option_european", {**OPTION, "type": type, "method": method, "paths": 1000, **changes})


def refused(kind: str, data: dict[str, Any]) -> list[tuple[str, str, str]]:
    """Path, code and detail of each fault: told when it is planned, before anything is computed."""
    with pytest.raises(InvalidData) as wrong:
        execute.plan(kind, json.dumps(data).encode(), fresh_seed=1)
    return [(fault.path, fault.code, fault.detail) for fault in wrong.value.faults]


@pytest.mark.parametrize("method", ["closed_form", "monte_carlo"])
def test_without_volatility_it_is_the_forward_that_counts(method: str) -> None:
    """B77: S=100, K=103, r=4 %, q=1 %, one year: the call is worth 0.0437, the put nothing."""
    call, put = priced("call", method)["price"], priced("put", method)["price"]
    assert call == pytest.approx(100 * math.exp(-0.01) - 103 * math.exp(-0.04), abs=1e-10)
    assert round(call, 4) == 0.0437
    assert put == 0.0
    assert priced("call", method, volatility=1e-6)["price"] == pytest.approx(call, abs=2e-5)


@pytest.mark.parametrize("volatility", [0.0, 0.2])
@pytest.mark.parametrize("strike", [90, 100, 110])
@pytest.mark.parametrize("type", ["call", "put"])
@pytest.mark.parametrize("method", ["closed_form", "monte_carlo"])
def test_without_time_it_is_the_payoff(method: str, type: str, strike: int, volatility: float) -> None:
    """B78: in, at and out of the money; every greek a finite number or null; a negative time is refused."""
    found = priced(type, method, strike=strike, maturity=0, volatility=volatility)
    sign = 1 if type == "call" else -1
    assert found["price"] == max(sign * (100 - strike), 0)
    assert_finite({greek: found[greek] for greek in GREEKS})
    [(path, code, _)] = refused("option_european", {**OPTION, "type": type, "maturity": -1e-9})
    assert (path, code) == ("$.data.maturity", "out_of_range")


def near(**entries: float) -> list[list[float]]:
    """The unit matrix of three, with these entries: `r01` is row 0, column 1."""
    matrix = np.eye(3)
    for name, value in entries.items():
        matrix[int(name[1]), int(name[2])] = value
    found: list[list[float]] = matrix.tolist()
    return found


IMPOSSIBLE = near(r01=0.9, r10=0.9, r02=0.9, r20=0.9, r12=-0.9, r21=-0.9)


@pytest.mark.parametrize(
    ("matrix", "place", "code"),
    [
        (IMPOSSIBLE, "$.data.correlation", "not_psd"),
        (near(r01=0.5, r10=0.501), "$.data.correlation[1][0]", "not_symmetric"),
        (near(r22=0.99), "$.data.correlation[2][2]", "bad_diagonal"),
        (near(r01=math.nan, r10=0.5), "$.data.correlation[0][1]", "not_finite"),
    ],
)
def test_an_impossible_correlation_is_refused_before_anything_is_drawn(
    matrix: list[list[float]], place: str, code: str
) -> None:
    """B81: an impossible, an asymmetric, a wrong diagonal, a NaN; the eigenvalue is named where it is one."""
    faults = refused("var_mc", {**BOOK, "correlation": matrix})
    assert (place, code) in [fault[:2] for fault in faults]
    if code == "not_psd":
        assert "smallest eigenvalue is -0.8" in faults[0][2]


def test_an_eigenvalue_below_zero_by_rounding_is_accepted_and_told() -> None:
    """B81: the last matrix of the case, with an eigenvalue of about -1e-12."""
    singular = np.ones((3, 3))
    singular[0, 1] = singular[1, 0] = 1 - 4e-12
    assert -1e-11 < np.linalg.eigvalsh(singular)[0] < -1e-13
    found = answer("var_mc", {**BOOK, "volatilities": dict.fromkeys("ABC", 3.0), "correlation": singular.tolist()})
    assert [warning["code"] for warning in found["diagnostics"]["warnings"]] == ["eigenvalue_rounded"]
    assert found["var"] > 0


def test_expected_shortfall_is_beyond_value_at_risk() -> None:
    """B83: a thousand known returns with a fat tail, of one series and of several, against a calculation by hand."""
    returns = np.random.default_rng(3).standard_t(2.5, (1000, 3)) / 100
    for columns in (1, 3):
        rows, exposures = returns[:, :columns], [1000.0] * columns
        data = {"returns": rows.tolist(), "exposures": exposures, "confidence": 0.95}
        found = answer("var_historical", data)
        losses = np.sort(-1000.0 * rows.sum(axis=1))[::-1]
        assert found["var"] == pytest.approx(losses[50], rel=1e-12)
        assert found["es"] == pytest.approx(losses[:50].mean(), rel=1e-12)
        assert found["es"] > found["var"] * 1.2
    for wrong in (95, -0.95):
        [(path, code, _)] = refused("var_historical", {**data, "confidence": wrong})
        assert (path, code) == ("$.data.confidence", "out_of_range")
    description = json.dumps(execute.schema("var_mc")) + str(KINDS["var_historical"].__doc__)
    assert "Losses are positive" in description + str(KINDS["var_mc"].Result.__doc__)


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_every_answer_names_its_conventions(kind: str) -> None:
    """B90: unit, method or rule of what it says; the same of the input stands in its schema."""
    found = answer(kind, dict(KINDS[kind].EXAMPLE))
    told = json.dumps(found["diagnostics"])
    assert '"method"' in told or '"rounding"' in told, told
    if kind.startswith("var"):
        assert "sqrt_time" in told
        assert "Acerbi-Tasche" in told
    outputs = json.dumps({name: value for name, value in found.items() if name != "diagnostics"})
    units = found["diagnostics"].get("units", {})
    numbers = {name for name in units if f'"{name.rpartition(".")[2]}":' in outputs}
    assert kind == "compound_interest" or numbers, f"no number of {kind} says its unit"


def test_a_convention_changes_what_it_says_it_changes() -> None:
    """B90: horizon and days per year scale a normal VaR with the square root of time, and nothing else moves."""
    correlated = {**BOOK, "correlation": 0.3}
    plain = answer("var_mc", correlated)
    for change, factor in (({"horizon_days": 40}, 2.0), ({"days_per_year": 63}, 2.0), ({"days_per_year": 252}, 1.0)):
        found = answer("var_mc", {**correlated, **change})
        for figure in ("var", "es", "parametric_var", "parametric_es"):
            assert found[figure] == pytest.approx(factor * plain[figure], rel=1e-12)
        assert found["portfolio_value"] == plain["portfolio_value"]
        assert found["diagnostics"]["scenarios"] == plain["diagnostics"]["scenarios"]


FULL: dict[str, dict[str, Any]] = {
    "compound_interest": {"schedule": True, "years": 3},
    "option_european": {"variance_reduction": "antithetic_control", "paths": 20_000},
    "var_mc": {"distribution": "student_t", "degrees_of_freedom": 5, "scenarios": 20_000},
}


def test_every_output_of_every_kind_is_plain_json(house: House) -> None:
    """B64: all optional outputs asked for, through real processes: strict JSON, finite numbers."""
    house.consumer(children=2).ready()
    for kind in sorted(KINDS):
        for data in ({}, FULL.get(kind, {})):
            id = house.submit(kind, **{**dict(KINDS[kind].EXAMPLE), **data})
            task = house.finished(id)
            assert task.state == "succeeded", task.error
            assert_finite(json.loads(task.result or b"", parse_constant=lambda word: pytest.fail(word)))


def test_an_answer_above_the_cap_is_refused_and_harms_nobody(house: House) -> None:
    """B64: the result is too large to store: its task fails with that code, the child that made it goes on."""
    consumer = house.consumer(children=1).ready()
    [pid] = consumer.children()
    huge = house.submit("act", do="huge", number=9_000_000)
    good = submit_many(house, 5)
    task, *others = settled(house, [huge, *good])
    assert task.error is not None
    assert (task.state, task.error["code"], task.result) == ("failed", "result_too_large", None)
    assert {other.state for other in others} == {"succeeded"}
    assert consumer.children() == [pid]


def test_prices_keep_their_order_at_the_edges() -> None:
    """B77, B78: at the edges of time and volatility the price stays within its bounds and rises with both."""
    edges = [0.0, 1e-12, 1e-6, 1e-3, 0.2]
    for maturity, rate in itertools.product((0.0, 1 / 365, 1.0), (0.0, 1e-12, 0.05)):
        market: dict[str, Any] = {"maturity": maturity, "rate": rate, "dividend_yield": 0.0}
        prices = [priced("call", volatility=v, **market)["price"] for v in edges]
        assert prices == sorted(prices)
        assert max(100 - 103 * math.exp(-rate * maturity), 0) - 1e-12 <= prices[0] <= prices[-1] <= 100
