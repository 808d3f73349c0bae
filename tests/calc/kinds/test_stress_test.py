"""Stress tests: profits by hand, contributions, reverse scenarios against grids, bad rows, refusals, self-checks."""

import json
import math
from typing import Any

import numpy as np
import pytest

from calc import execute
from calc.errors import CalcError, InvalidData
from calc.kinds import stress_test
from calc.numerics import reverse_stress
from tests.calc.laws import LAWS

if stress_test.NAME not in execute.kinds():
    execute.load("calc.kinds.stress_test")

OPTION = {
    "symbol": "S",
    "type": "option",
    "option_type": "call",
    "quantity": -100,
    "price": 100,
    "strike": 105,
    "maturity": 0.5,
    "volatility": 0.2,
    "rate": 0.03,
    "dividend_yield": 0.01,
    "volatility_factor": "V",
    "rate_factor": "R",
}
BOND = {"symbol": "Y", "type": "bond", "quantity": 5000, "maturity": 7.3, "coupon": 0.05, "frequency": 2, "yield": 0.04}
SHARES = {"symbol": "S", "quantity": 60, "price": 100}
CRASH = {"name": "crash", "shocks": {"S": {"type": "relative", "value": -0.2}, "V": {"type": "absolute", "value": 0.1}}}
UP = {"name": "up", "shocks": {"Y": {"type": "absolute", "value": 0.01}}}

HARDER: dict[str, dict[str, Any]] = {
    "bad row": {
        "positions": [SHARES, OPTION | {"strike": None}],
        "reverse": None,
        "scenarios": [{"name": "-", "shocks": {}}],
    },
    "rows": {"output": "rows"},
    "exposures": {"positions": None, "exposures": [1, 2], "scenarios": None}
    | {"reverse": {"target_loss": 1, "covariance": [[1, 0], [0, 1]]}},
}


@pytest.mark.parametrize("law", LAWS, ids=lambda law: law.__name__)
@pytest.mark.parametrize("change", HARDER.values(), ids=HARDER)
def test_law(change: dict[str, Any], law: Any) -> None:
    law(stress_test, {**stress_test.EXAMPLE, **change})


def answer(**data: Any) -> dict[str, Any]:
    planned = execute.plan("stress_test", json.dumps(data).encode(), fresh_seed=0)
    return json.loads(execute.execute("stress_test", planned.data))


def refusal(**data: Any) -> list[tuple[str, str]]:
    with pytest.raises(InvalidData) as refused:
        answer(**data)
    return [(fault.path, fault.code) for fault in refused.value.faults]


def black_scholes(spot: float = 100, volatility: float = 0.2, rate: float = 0.03) -> float:
    """The option above, by the textbook's formula."""
    spread = volatility * math.sqrt(0.5)
    d1 = (math.log(spot / 105) + (rate - 0.01) * 0.5) / spread + spread / 2
    above, paid = (0.5 * math.erfc(-d / math.sqrt(2)) for d in (d1, d1 - spread))
    return spot * math.exp(-0.005) * above - 105 * math.exp(-rate * 0.5) * paid


def bond_price(y: float) -> float:
    """The bond above: 15 coupons, the last in 7.3 years."""
    return math.fsum((102.5 if k == 0 else 2.5) / (1 + y / 2) ** (14.6 - k) for k in range(15))


def test_full_revaluation() -> None:
    found = answer(positions=[SHARES, OPTION, BOND], scenarios=[CRASH, UP], output="rows")
    crash, up = found["scenarios"]
    option = -100 * (black_scholes(80, 0.3) - black_scholes())
    assert found["positions_pnl"][0] == pytest.approx([-1200, option, 0], rel=1e-10)
    assert crash["pnl"] == pytest.approx(-1200 + option, rel=1e-10)
    assert up["pnl"] == pytest.approx(50 * (bond_price(0.05) - bond_price(0.04)), rel=1e-12)
    spot, volatility = (
        -100 * (black_scholes(**each) - black_scholes()) for each in ({"spot": 80}, {"volatility": 0.3})
    )
    assert crash["contributions"] == pytest.approx({"S": -1200 + spot, "V": volatility}, rel=1e-10)
    assert math.fsum(crash["contributions"].values()) + crash["interaction"] == pytest.approx(crash["pnl"], rel=1e-13)
    assert up["interaction"] == 0
    assert found["worst"] == min(
        ({k: each[k] for k in ("name", "pnl")} for each in (crash, up)), key=lambda each: each["pnl"]
    )


def test_types_of_shocks() -> None:
    shocks = [{"name": k, "shocks": {"S": {"type": k, "value": v}}} for k, v in (("relative", 0.1), ("absolute", 10))]
    one, other = answer(positions=[SHARES, OPTION], scenarios=shocks)["scenarios"]
    assert one["pnl"] == pytest.approx(other["pnl"], rel=1e-12)
    rate = {"name": "rate", "shocks": {"R": {"type": "absolute", "value": 0.01}}}
    found = answer(positions=[OPTION], scenarios=[rate])["scenarios"][0]
    assert found["pnl"] == pytest.approx(-100 * (black_scholes(rate=0.04) - black_scholes()), rel=1e-9)


def test_exposures_are_linear() -> None:
    shocks = {"a": {"type": "absolute", "value": 0.1}, "b": {"type": "relative", "value": -0.2}}
    found = answer(exposures={"a": 1000, "b": -500, "c": 7}, scenarios=[{"name": "x", "shocks": shocks}])
    (scenario,) = found["scenarios"]
    assert scenario["pnl"] == pytest.approx(200, rel=1e-14)
    assert scenario["contributions"] == {"a": 100.0, "b": 100.0}


def test_limits() -> None:
    """No time, no volatility, a volatility shocked below 0, and a price almost gone."""
    call = OPTION | {"quantity": 1, "strike": 90, "rate": 0, "dividend_yield": 0}
    shocks = {"S": {"type": "relative", "value": -0.05}}
    move = {"name": "x", "shocks": shocks}
    for change in ({"maturity": 0}, {"volatility": 0}):
        assert answer(positions=[call | change], scenarios=[move])["scenarios"][0]["pnl"] == pytest.approx(
            -5, rel=1e-12
        )
    low = {"name": "low", "shocks": {"V": {"type": "absolute", "value": -0.5}}}
    found = answer(positions=[call], scenarios=[low])
    flat = answer(positions=[call], scenarios=[{"name": "0", "shocks": {"V": {"type": "absolute", "value": -0.2}}}])
    assert found["scenarios"][0]["pnl"] == flat["scenarios"][0]["pnl"]
    assert [each["code"] for each in found["diagnostics"]["warnings"]] == ["volatility_floored"]
    gone = {"name": "gone", "shocks": {"S": {"type": "relative", "value": -1 + 1e-12}}}
    value = answer(positions=[call], scenarios=[gone])["scenarios"][0]["pnl"]
    now = answer(positions=[call], scenarios=[{"name": "gone", "shocks": {"S": {"type": "absolute", "value": -100}}}])
    assert value == pytest.approx(now["scenarios"][0]["pnl"], rel=1e-12)


def test_many_parts_add_up() -> None:
    """Three ranges of positions under two ranges of scenarios, against each position alone."""
    count = 2 * stress_test.POSITIONS_A_PART + 5
    positions = [OPTION | {"strike": 80 + 0.005 * k} for k in range(count)]
    shocks = [{"name": str(k), "shocks": {"S": {"type": "absolute", "value": 0.1 * k}}} for k in range(300)]
    data = {"positions": positions, "scenarios": shocks}
    planned = execute.plan("stress_test", json.dumps(data).encode(), fresh_seed=0)
    assert planned.parts == 6
    found = json.loads(execute.execute("stress_test", planned.data))["scenarios"]
    pieces = [answer(positions=positions[k::5], scenarios=shocks)["scenarios"] for k in range(5)]
    for s in range(300):
        assert found[s]["pnl"] == pytest.approx(math.fsum(piece[s]["pnl"] for piece in pieces), rel=1e-11)
        assert found[s]["contributions"]["S"] == pytest.approx(found[s]["pnl"], rel=1e-12)
    rows = answer(positions=positions, scenarios=shocks[:40], output="rows")
    assert len(rows["positions_pnl"]) == 40
    assert math.fsum(rows["positions_pnl"][39]) == pytest.approx(found[39]["pnl"], rel=1e-11)


def test_linear_positions_are_condensed() -> None:
    """Their order does not matter, and the answer is that of rows."""
    random = np.random.default_rng(4)
    positions = [
        {"symbol": f"S{k % 7}", "quantity": q, "price": p}
        for k, (q, p) in enumerate(zip(random.normal(0, 100, 50), random.uniform(1, 200, 50), strict=True))
    ]
    shocks = [{"name": "x", "shocks": {f"S{k}": {"type": "relative", "value": 0.01 * (k - 3)} for k in range(7)}}]
    found, back = answer(positions=positions, scenarios=shocks), answer(positions=positions[::-1], scenarios=shocks)
    assert found["scenarios"][0]["contributions"] == back["scenarios"][0]["contributions"]
    rows = answer(positions=positions, scenarios=shocks, output="rows")
    assert math.fsum(rows["positions_pnl"][0]) == pytest.approx(found["scenarios"][0]["pnl"], rel=1e-12)


def test_bad_rows_spoil_no_others() -> None:
    bad = [OPTION | {"strike": None}, SHARES | {"value": 3}, BOND | {"frequency": 3}]
    good = answer(positions=[SHARES, OPTION, BOND], scenarios=[CRASH, UP], output="rows")
    mixed = answer(positions=[bad[0], SHARES, OPTION, bad[1], BOND, bad[2]], scenarios=[CRASH, UP], output="rows")
    assert mixed["status"] == ["bad_input", "ok", "ok", "bad_input", "ok", "bad_input"]
    assert mixed["scenarios"] == good["scenarios"]
    for with_bad, without in zip(mixed["positions_pnl"], good["positions_pnl"], strict=True):
        assert [with_bad[k] for k in (1, 2, 4)] == without
        assert [with_bad[k] for k in (0, 3, 5)] == [None] * 3


def test_the_linear_scenario_is_the_most_likely() -> None:
    """No other move that loses as much is nearer."""
    random = np.random.default_rng(6)
    loadings = random.normal(size=(4, 4))
    covariance, exposures = loadings @ loadings.T / 100, np.array([1000.0, -500, 200, 0])
    found = answer(exposures=exposures.tolist(), reverse={"target_loss": 300, "covariance": covariance.tolist()})[
        "reverse"
    ]
    moves = np.array(list(found["shocks"].values()))
    assert -moves @ exposures == pytest.approx(300, rel=1e-12)
    assert moves @ np.linalg.solve(covariance, moves) == pytest.approx(found["mahalanobis"] ** 2, rel=1e-9)
    for _ in range(50):
        other = moves + random.normal(size=4) * 0.05
        other *= 300 / (-other @ exposures)
        assert math.sqrt(other @ np.linalg.solve(covariance, other)) >= found["mahalanobis"]
    assert found["probability"] == pytest.approx(0.5 * math.erfc(found["mahalanobis"] / math.sqrt(2)), rel=1e-14)


def test_a_singular_covariance_will_do() -> None:
    found = answer(exposures=[100, 100], reverse={"target_loss": 10, "covariance": [[0.04, 0.04], [0.04, 0.04]]})
    assert found["reverse"]["shocks"] == pytest.approx({"1": -0.05, "2": -0.05})


def test_a_short_straddle_has_two_ways_to_lose() -> None:
    """The nearer of the two, found on a fine grid."""
    legs = [
        OPTION | {"option_type": each, "strike": 100, "volatility_factor": None, "rate_factor": None}
        for each in ("call", "put")
    ]
    found = answer(positions=legs, reverse={"target_loss": 1000, "covariance": [[0.04]]})["reverse"]
    grid = [{"name": str(k), "shocks": {"S": {"type": "relative", "value": k / 1000}}} for k in range(-400, 401)]
    losing = [each for each in answer(positions=legs, scenarios=grid)["scenarios"] if each["pnl"] <= -1000]
    nearest = min(abs(int(each["name"])) for each in losing) / 1000
    assert nearest - 0.001 <= abs(found["shocks"]["S"]) <= nearest
    assert found["mahalanobis"] == pytest.approx(abs(found["shocks"]["S"]) / 0.2, rel=1e-12)


def test_a_curved_book_in_two_factors() -> None:
    """Against a scan of directions: along each, the first move that loses the target."""
    book = [SHARES | {"quantity": 120}, OPTION | {"rate_factor": None}]
    covariance = [[0.03, -0.006], [-0.006, 0.004]]
    found = answer(positions=book, reverse={"target_loss": 1500, "covariance": covariance})["reverse"]
    assert found["loss"] == pytest.approx(1500, rel=1e-9)
    spread = np.linalg.cholesky(covariance)
    tried = []
    for angle in np.linspace(0, 2 * math.pi, 181):
        for distance in np.arange(0.2, 6, 0.05):
            x = spread @ np.array([math.cos(angle), math.sin(angle)]) * distance
            if x[0] > -1 and x[1] > -0.2:
                tried.append((distance, x))
    grid = [
        {"name": str(k), "shocks": {"S": {"type": "relative", "value": x[0]}, "V": {"type": "absolute", "value": x[1]}}}
        for k, (_, x) in enumerate(tried)
    ]
    pnl = [each["pnl"] for each in answer(positions=book, scenarios=grid)["scenarios"]]
    nearest = min(distance for (distance, _), profit in zip(tried, pnl, strict=True) if profit <= -1500)
    assert nearest - 0.06 <= found["mahalanobis"] <= nearest + 1e-6


def test_what_cannot_be_lost_is_refused_with_what_can() -> None:
    """A bought option loses its premium at most."""
    bought = OPTION | {"quantity": 100, "volatility_factor": None, "rate_factor": None}
    with pytest.raises(InvalidData, match="the largest loss found is") as refused:
        answer(positions=[bought], reverse={"target_loss": 1e6, "covariance": [[0.04]]})
    (fault,) = refused.value.faults
    assert (fault.path, fault.code) == ("$.data.reverse.target_loss", "not_attainable")
    largest = float(fault.detail.split()[-1])
    assert 0.5 * 100 * black_scholes() < largest <= 100 * black_scholes() * (1 + 1e-5)
    flat = {"target_loss": 1, "covariance": [[1.0]]}
    assert refusal(exposures={"a": 0}, reverse=flat) == [("$.data.reverse.target_loss", "not_attainable")]


def test_what_is_refused() -> None:
    assert refusal() == [("$.data", "invalid")]
    assert refusal(positions=[SHARES]) == [("$.data", "invalid")]
    assert refusal(positions=[], scenarios=[CRASH]) == [("$.data.positions", "missing")]
    typo = {"name": "EQ-20", "shocks": {"SPX2": {"type": "relative", "value": -0.2}}}
    with pytest.raises(
        InvalidData, match=r"scenario 'EQ-20' shocks 'SPX2' which no position uses \(did you mean 'SPX'\?\)"
    ) as refused:
        answer(positions=[SHARES | {"symbol": "SPX"}], scenarios=[typo])
    assert [fault.code for fault in refused.value.faults] == ["unknown_factor"]
    gone = {"name": "x", "shocks": {"S": {"type": "relative", "value": -1}}}
    assert refusal(positions=[SHARES], scenarios=[gone]) == [("$.data.scenarios[0].shocks.S.value", "out_of_range")]
    moved = {"name": "x", "shocks": {"S": {"type": "absolute", "value": -1}}}
    assert refusal(positions=[{"symbol": "S", "value": 9}], scenarios=[moved]) == [
        ("$.data.scenarios[0].shocks.S", "invalid")
    ]
    reverse = {"target_loss": 1, "covariance": [[1, 2], [2, 1]]}
    assert refusal(exposures=[1, 1], reverse=reverse)[0][0].startswith("$.data.reverse.covariance")
    assert refusal(exposures=[1], reverse=reverse)[0] == ("$.data.reverse.covariance", "length_mismatch")
    assert refusal(exposures={"a": 1}, reverse={"target_loss": 1, "covariance": [[1]], "factors": ["b"]}) == [
        ("$.data.reverse.factors", "invalid")
    ]


def test_self_checks_fire(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*arguments: Any) -> None:
        profits(*arguments)
        arguments[5][0] *= 1.0001

    profits = stress_test.revaluation.profits
    scenario = {"name": "x", "shocks": {"S": {"type": "relative", "value": -0.1}}}
    with monkeypatch.context() as patch:
        patch.setattr(stress_test.revaluation, "profits", broken)
        with pytest.raises(CalcError, match="self-check contributions"):
            answer(positions=[SHARES], scenarios=[scenario])
    linear = reverse_stress.linear
    with monkeypatch.context() as patch:
        patch.setattr(reverse_stress, "linear", lambda *of: linear(*of)._replace(loss=1.01))
        with pytest.raises(CalcError, match="self-check reverse") as failed:
            answer(exposures=[1], reverse={"target_loss": 1, "covariance": [[1]]})
        assert failed.value.code == "internal_check_failed"
