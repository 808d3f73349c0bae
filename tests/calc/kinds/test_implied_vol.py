"""Volatilities from prices that are known to fifty digits; statuses; bad rows among good ones; the self-check."""

import json
import math
from typing import Any

import mpmath
import numpy as np
import pytest

from calc import execute
from calc.errors import CalcError, InvalidData
from calc.kernels import implied_vol as kernels
from calc.kinds import implied_vol
from tests.calc.laws import LAWS

if implied_vol.NAME not in execute.kinds():
    execute.load("calc.kinds.implied_vol")

GOOD = {"type": "call", "spot": 100, "strike": 110, "maturity": 1, "rate": 0.03, "dividend_yield": 0.01}


def answer(**data: Any) -> dict[str, Any]:
    planned = execute.plan("implied_vol", json.dumps(data).encode(), fresh_seed=1)
    found: dict[str, Any] = json.loads(execute.execute("implied_vol", planned.data))
    return found


def price(call: bool, spot: float, strike: float, maturity: float, rate: float, dividend: float, vol: float) -> float:
    """Black and Scholes with fifty digits, rounded once."""
    with mpmath.workdps(50):
        s, k, t, r, q, v = map(mpmath.mpf, (spot, strike, maturity, rate, dividend, vol))
        root = v * mpmath.sqrt(t)
        d1 = (mpmath.log(s / k) + (r - q) * t) / root + root / 2
        w = 1 if call else -1
        held, paid = s * mpmath.exp(-q * t), k * mpmath.exp(-r * t)
        return float(w * (held * mpmath.ncdf(w * d1) - paid * mpmath.ncdf(w * (d1 - root))))


@pytest.mark.parametrize("law", LAWS, ids=lambda law: law.__name__)
@pytest.mark.parametrize(
    "example", [implied_vol.EXAMPLE, {**GOOD, "price": [5, None, -1, 1e300, 5e-324]}], ids=["", "bad"]
)
def test_laws(law: Any, example: dict[str, Any]) -> None:
    law(implied_vol, example)


@pytest.mark.parametrize("strike", [40.0, 99.999999, 103.045453395351, 110.0, 180.0, 900.0])
@pytest.mark.parametrize("vol", [0.005, 0.03, 0.2, 0.9, 4.0, 10.0])
def test_out_of_the_money_all_digits_come_back(strike: float, vol: float) -> None:
    """As far as the price says anything: near its bound it hardly moves with the volatility."""
    call = strike > 100 * math.exp(0.02)
    worth = price(call, 100.0, strike, 1.5, 0.03, 0.01, vol)
    found = answer(**{**GOOD, "type": "call" if call else "put", "strike": strike, "maturity": 1.5, "price": worth})
    if worth < 1e-300:
        assert found["status"] == ["below_intrinsic"]
    elif found["status"] == ["ok"]:
        blur = 1e-15 * worth / (100 * math.sqrt(1.5) * vol * _density(strike, vol))
        assert found["volatility"][0] == pytest.approx(vol, rel=max(1e-12, blur))
    else:
        assert worth >= (100 * math.exp(-0.015) if call else strike * math.exp(-0.045)) * (1 - 1e-15)


def _density(strike: float, vol: float) -> float:
    root = vol * math.sqrt(1.5)
    d1 = (math.log(100 / strike) + 0.03) / root + root / 2
    return math.exp(-0.5 * d1 * d1) / math.sqrt(2 * math.pi)


@pytest.mark.parametrize("x", [0.0, -1e-14, -1e-9, -1e-5, -1e-2, -1.0, -10.0])
@pytest.mark.parametrize("v", [1e-7, 1e-4, 0.0199, 0.0201, 0.3, 3.0, 12.0])
def test_the_kernel_inverts_normalised_prices(x: float, v: float) -> None:
    """Over both sides of the turning point, of the series and of half the bound."""
    with mpmath.workdps(60):
        x_, v_ = mpmath.mpf(x), mpmath.mpf(v)
        most = mpmath.exp(x_ / 2)
        b = most * mpmath.ncdf(x_ / v_ + v_ / 2) - mpmath.ncdf(x_ / v_ - v_ / 2) / most
        lack = most - b
    if float(b) < 1e-300 or float(lack) < 1e-300:
        assert x / v < -30 or v == 12.0
        return
    found, steps = kernels.total_volatility(x, float(b), float(lack), float(most))
    assert found == pytest.approx(v, rel=1e-13)
    assert steps <= 20


def test_a_price_of_1e_200_is_as_good_as_one_of_ten() -> None:
    tiny = price(True, 100.0, 900.0, 0.25, 0.0, 0.0, 0.146)
    assert 1e-210 < tiny < 1e-150
    found = answer(type="call", price=tiny, spot=100, strike=900, maturity=0.25, rate=0)
    assert found["volatility"][0] == pytest.approx(0.146, rel=1e-13)


def test_statuses() -> None:
    found = answer(
        price=[5, 0, -1, 9.9, 10, 101, 100, 5, 5, 5, 5, 5, None],
        type=["call"] * 13,
        spot=[100, 100, 100, 100, 100, 100, 100, 100, 100, 0, 100, 100, 100],
        strike=[100, 100, 100, 90, 90, 100, 100, 100, 100, 100, -1, 100, 100],
        maturity=[1, 1, 1, 1, 1, 1, 1, 0, -2, 1, 1, 101, 1],
        rate=0,
    )
    below, above, bad = "below_intrinsic", "above_maximum", "bad_input"
    assert found["status"] == ["ok", *[below] * 4, above, above, "expired", "expired", *[bad] * 4]
    assert [value is None for value in found["volatility"]] == [status != "ok" for status in found["status"]]
    assert sum(found["diagnostics"]["counts"].values()) == 13


@pytest.mark.parametrize("place", [0, 2, 4])
@pytest.mark.parametrize("bad", [None, -1.0, 0.0, 1e300, 99.01])
def test_a_bad_row_spoils_no_other(place: int, bad: float | None) -> None:
    prices = [3.0, 4.0, 5.0, 6.0, 7.0]
    clean = answer(**GOOD, price=prices)
    spoilt = answer(**GOOD, price=[bad if i == place else value for i, value in enumerate(prices)])
    assert spoilt["status"][place] != "ok"
    assert spoilt["volatility"][place] is None
    others = [i for i in range(5) if i != place]
    assert [spoilt["volatility"][i] for i in others] == [clean["volatility"][i] for i in others]


def test_parity_scaling_and_order() -> None:
    strikes = [70.0, 90.0, 100.0, 120.0, 150.0]
    calls = [price(True, 100, k, 2.0, 0.03, 0.01, 0.25) for k in strikes]
    puts = [price(False, 100, k, 2.0, 0.03, 0.01, 0.25) for k in strikes]
    same = {**GOOD, "maturity": 2}
    by_calls = answer(**{**same, "strike": strikes, "price": calls})["volatility"]
    by_puts = answer(**{**same, "type": "put", "strike": strikes, "price": puts})["volatility"]
    assert by_calls == pytest.approx(by_puts, rel=1e-12)
    larger = {**same, "spot": 700, "strike": [7 * k for k in strikes], "price": [7 * c for c in calls]}
    assert answer(**larger)["volatility"] == pytest.approx(by_calls, rel=1e-12)
    turned = answer(**{**same, "strike": strikes[::-1], "price": calls[::-1]})["volatility"]
    assert turned[::-1] == by_calls


def test_a_dearer_option_has_a_higher_volatility() -> None:
    found = answer(**GOOD, price=[1e-9, 1e-3, 1, 5, 20, 60, 95, 98.9])["volatility"]
    assert found == sorted(found)
    assert len(set(found)) == 8


def test_a_forward_is_a_spot_with_its_carry() -> None:
    by_spot = answer(**GOOD, price=6)["volatility"][0]
    forward = 100 * math.exp(0.02)
    by_forward = answer(type="call", forward=forward, strike=110, maturity=1, rate=0.03, price=6)["volatility"][0]
    assert by_forward == pytest.approx(by_spot, rel=1e-13)


def test_parts_are_joined_in_order() -> None:
    rows = implied_vol.ROWS_A_PART + 7
    prices = np.linspace(1.0, 60.0, rows)
    planned = execute.plan("implied_vol", json.dumps({**GOOD, "price": prices.tolist()}).encode(), fresh_seed=1)
    assert planned.parts == 2
    found = json.loads(execute.execute("implied_vol", planned.data))
    assert found["volatility"] == sorted(found["volatility"])
    assert len(found["status"]) == len(found["iterations"]) == rows
    assert found["volatility"][-1] == answer(**GOOD, price=60)["volatility"][0]


def test_prices_that_say_too_little_are_counted() -> None:
    found = answer(type="call", spot=100, strike=10, maturity=0.1, rate=0, price=[90.00000000000003, 90.5])
    assert found["status"] == ["ok", "ok"]
    caution = found["diagnostics"]["warnings"][0]
    assert (caution["code"], caution["detail"].split()[0]) == ("few_digits", "1")


def test_percent_is_noticed() -> None:
    found = answer(**{**GOOD, "rate": [5, 0.05], "price": 3})
    assert [each["path"] for each in found["diagnostics"]["warnings"]] == ["$.data.rate"]


@pytest.mark.parametrize(
    ("change", "path", "code"),
    [
        ({"strike": [100, 110, 120]}, "$.data.strike", "length_mismatch"),
        ({"type": ["call"]}, "$.data.type", "length_mismatch"),
        ({"forward": 100}, "$.data.spot", "invalid"),
        ({"spot": None}, "$.data.spot", "invalid"),
        ({"spot": None, "forward": 100}, "$.data.dividend_yield", "invalid"),
        ({"price": []}, "$.data.price", None),
        ({"price": [1.0] * 200_001}, "$.data.price", None),
        ({"type": "swap"}, "$.data.type", None),
        ({"price": "NaN"}, "$.data.price", None),
    ],
)
def test_what_is_refused(change: dict[str, Any], path: str, code: str | None) -> None:
    with pytest.raises(InvalidData) as refused:
        answer(**{**GOOD, "price": [3, 4], **change})
    found = {fault.path: fault.code for fault in refused.value.faults}
    assert path in found
    assert code in (None, found[path])


def test_all_columns_of_another_length_are_told() -> None:
    with pytest.raises(InvalidData) as refused:
        answer(**{**GOOD, "price": [3, 4], "strike": [1], "rate": [0.1, 0.1, 0.1]})
    assert [fault.path for fault in refused.value.faults] == ["$.data.strike", "$.data.rate"]


def test_the_self_check_fires(monkeypatch: pytest.MonkeyPatch) -> None:
    right = kernels.solve

    def wrong(*columns: Any) -> Any:
        volatility, status, steps, residual, blur = right(*columns)
        residual[1] = 1e-6
        return volatility, status, steps, residual, blur

    monkeypatch.setattr(kernels, "solve", wrong)
    with pytest.raises(CalcError, match=r"repricing.*row 1 ") as failed:
        answer(**GOOD, price=[3, 4])
    assert failed.value.code == "internal_check_failed"


def test_the_residual_sees_a_wrong_volatility() -> None:
    """What the self-check looks at is the formula itself: a volatility off by 1e-9 is above its limit."""
    worth = [price(True, 100, 100, 1, 0, 0, vol) for vol in (0.2, 0.2 * (1 + 1e-9))]
    assert abs(worth[1] - worth[0]) / 100 > implied_vol.LEAST_RESIDUAL


def test_cost_is_by_row() -> None:
    def seconds(rows: int) -> float:
        return execute.plan("implied_vol", json.dumps({**GOOD, "price": [3.0] * rows}).encode(), 1).cpu_s

    assert seconds(100_000) == pytest.approx(100_000 * implied_vol.SECONDS_A_ROW, rel=0.01)
