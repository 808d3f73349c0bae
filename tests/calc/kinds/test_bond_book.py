"""Bonds: dates and day counts by hand, round trips, spreads, shifts, bootstraps, bad rows, refusals, self-checks."""

import datetime
import itertools
import json
import math
from typing import Any

import numpy as np
import pytest

from calc import execute
from calc.errors import CalcError, InvalidData
from calc.kernels import bonds as kernels
from calc.kinds import bond_book
from calc.numerics import bonds, curves, day_counts
from tests.calc.laws import LAWS

if bond_book.NAME not in execute.kinds():
    execute.load("calc.kinds.bond_book")

BOND = {
    "settlement": "2024-05-15",
    "maturity": "2034-02-15",
    "coupon": 0.04,
    "frequency": 2,
    "day_count": "act/act_icma",
}
CURVE = {"times": [1, 2, 5, 10, 30], "zero_rates": [0.049, 0.046, 0.043, 0.043, 0.045]}
YEARS = {"years_to_maturity": 7.3, "coupon": 0.05, "frequency": 2}

HARDER: dict[str, dict[str, Any]] = {
    "yield": {**BOND, "yield": [0.03, None, -0.05], "maturity": ["2034-02-15", "2034-02-15", "2024-05-16"]},
    "curve alone": {**YEARS, "years_to_maturity": [0.01, 1, 200], "curve": CURVE, "key_rates": [1, 2]},
    "simple": {**BOND, "price": 99, "maturity": "2024-08-15", "last_period": "simple"},
    "bootstrap": {"bootstrap": {"instruments": [{"maturity": 1, "price": 96}, {"maturity": 2.2, "price": 91}]}},
    "totals": {**BOND, "price": [99.0] * 40_000, "output": "totals", "curve": CURVE, "scenarios": [{"name": "same"}]},
}


@pytest.mark.parametrize("law", LAWS, ids=lambda law: law.__name__)
@pytest.mark.parametrize("data", HARDER.values(), ids=HARDER)
def test_law(data: dict[str, Any], law: Any) -> None:
    law(bond_book, data)


def answer(**data: Any) -> dict[str, Any]:
    planned = execute.plan("bond_book", json.dumps(data).encode(), fresh_seed=0)
    return json.loads(execute.execute("bond_book", planned.data))


def refusal(**data: Any) -> list[tuple[str, str]]:
    with pytest.raises(InvalidData) as refused:
        answer(**data)
    return [(fault.path, fault.code) for fault in refused.value.faults]


def test_days_are_those_of_the_calendar() -> None:
    start, end = datetime.date(1899, 12, 25).toordinal(), datetime.date(2101, 3, 5).toordinal()
    for ordinal in itertools.chain(range(start, start + 800), range(start, end, 29)):
        date = datetime.date.fromordinal(ordinal)
        assert kernels._civil(ordinal) == (date.year, date.month, date.day)
        assert kernels._day(date.year, date.month, date.day) == ordinal
        assert day_counts.ordinal(date.isoformat()) == ordinal
    for wrong in ("2023-02-29", "2100-02-29", "2024-13-01", "2024-00-10", "2024-04-31", "0000-01-01", "2024-1-01", ""):
        assert day_counts.ordinal(wrong) == 0


@pytest.mark.parametrize(
    ("count", "days"),
    [
        ("30/360_us", 2 * 30 + 15),
        ("30e/360", 2 * 30 + 17),
        ("30e/360_isda", 2 * 30 + 15),
        ("30/360_bond_basis", 2 * 30 + 17),
    ],
)
def test_the_end_of_february(count: str, days: int) -> None:
    """Accrued from the coupon of 28 February 2023 to 15 May 2023: what the kinds of 30/360 differ in."""
    data = {"settlement": "2023-05-15", "maturity": "2030-08-31", "coupon": 0.05, "frequency": 2, "yield": 0.05}
    assert answer(**data, day_count=count)["accrued"] == pytest.approx(5 * days / 360, rel=1e-14)


def test_actual_counts() -> None:
    """From 15 November 2023 to 15 February 2024: 92 days, 46 of them in the leap year less a day."""
    data = {"settlement": "2024-02-15", "maturity": "2030-11-15", "coupon": 0.06, "frequency": 2, "yield": 0.05}
    expected = {
        "act/365f": 92 / 365,
        "act/360": 92 / 360,
        "act/act_isda": 47 / 365 + 45 / 366,
        "act/act_icma": 92 / 182 / 2,
    }
    for count, years in expected.items():
        assert answer(**data, day_count=count)["accrued"] == pytest.approx(6 * years, rel=1e-14), count


def test_coupons_at_months_ends() -> None:
    """B85: 30 September to 31 March is a whole period; accrued is 0 on a coupon date."""
    data = {"maturity": "2031-03-31", "coupon": 0.05, "frequency": 2, "day_count": "act/act_icma", "yield": 0.05}
    for settlement in ("2024-09-30", "2025-03-31"):
        found = answer(**data, settlement=settlement)
        assert found["accrued"] == 0
        assert found["clean_price"] == pytest.approx(100, rel=1e-14)
    assert answer(**data, settlement="2024-09-29")["accrued"] == pytest.approx(2.5 * 182 / 183, rel=1e-14)
    same_day = answer(**data | {"maturity": "2031-09-30"}, settlement="2025-03-30", end_of_month=False)
    assert same_day["accrued"] == 0
    leap = answer(**data | {"maturity": "2028-02-29"}, settlement="2027-02-28")
    assert leap["accrued"] == 0


@pytest.mark.parametrize("compounding", ["periodic", "continuous"])
@pytest.mark.parametrize("y", [-0.4, -0.02, 0, 1e-9, 0.03, 0.5, 5])
@pytest.mark.parametrize("years", [0.02, 0.5, 7.3, 100])
def test_yields_come_back(y: float, years: float, compounding: str) -> None:
    data = {**YEARS, "years_to_maturity": years, "compounding": compounding}
    there = answer(**data, **{"yield": y})
    if there["dirty_price"] > 1e6 or there["clean_price"] <= 0:
        return
    back = answer(**data, dirty_price=there["dirty_price"])
    assert back["yield"] == pytest.approx(y, rel=1e-11, abs=2e-14 / min(years, 1))
    assert answer(**data, price=there["clean_price"])["yield"] == pytest.approx(y, rel=1e-10, abs=1e-12)


@pytest.mark.parametrize("compounding", ["periodic", "continuous"])
@pytest.mark.parametrize("years", [0.3, 0.5, 12.1])
@pytest.mark.parametrize("last_period", ["compound", "simple"])
def test_durations_are_derivatives(years: float, compounding: str, last_period: str) -> None:
    data = {**YEARS, "years_to_maturity": years, "compounding": compounding, "last_period": last_period}
    down, here, up = (answer(**data, **{"yield": 0.04 + h}) for h in (-1e-4, 0, 1e-4))
    prices = [each["dirty_price"] for each in (down, here, up)]
    slope = (prices[2] - prices[0]) / 2e-4 / prices[1]
    bend = (prices[2] - 2 * prices[1] + prices[0]) / 1e-8 / prices[1]
    assert here["modified_duration"] == pytest.approx(-slope, rel=1e-5)
    assert here["convexity"] == pytest.approx(bend, rel=1e-4)
    assert here["dv01"] == pytest.approx(prices[1] - prices[2], abs=1e-12)


def test_the_last_period_of_spreadsheets() -> None:
    data = {**YEARS, "years_to_maturity": 0.3, "last_period": "simple"}
    found = answer(**data, **{"yield": 0.08})
    assert found["dirty_price"] == pytest.approx(102.5 / (1 + 0.08 * 0.3), rel=1e-14)
    assert answer(**data, dirty_price=found["dirty_price"])["yield"] == pytest.approx(0.08, rel=1e-13)


@pytest.mark.parametrize("interpolation", curves.INTERPOLATIONS)
def test_a_curve_prices_each_flow(interpolation: str) -> None:
    found = answer(**YEARS, curve=CURVE | {"interpolation": interpolation})
    times, rates = CURVE["times"], CURVE["zero_rates"]
    value = 0.0
    for k in range(15):
        t = 7.3 - k / 2
        amount = 102.5 if k == 0 else 2.5
        value += amount * math.exp(-t * curves.zero_rate(t, times, rates, interpolation))
    assert found["dirty_price"] == pytest.approx(value, rel=1e-13)
    assert found["z_spread"] == 0


def test_spreads() -> None:
    """A spread is a parallel shift of the curve; one of 0 for the curve's own price."""
    shifted = CURVE | {"zero_rates": [rate + 0.0123 for rate in CURVE["zero_rates"]]}
    price = answer(**BOND, curve=shifted)["dirty_price"]
    found = answer(**BOND, curve=CURVE, dirty_price=price)
    assert found["z_spread"] == pytest.approx(0.0123, rel=1e-11)


def test_shifts_of_the_curve() -> None:
    """Against the curve shifted by hand; a spread stays where it is."""
    scenario = {"name": "bent", "parallel": 0.001, "times": [1, 30], "shifts": [0.01, -0.01]}
    data = {**BOND, "face": 1000}
    found = answer(**data, curve=CURVE, price=90, scenarios=[scenario], key_rates=[1, 5, 20])
    fine = [k / 365 for k in range(1, 365 * 10, 5)]
    rates = [curves.zero_rate(t, CURVE["times"], CURVE["zero_rates"], "linear_zero") for t in fine]
    bend = np.interp(fine, [1, 30], [0.01, -0.01]) + 0.001 + found["z_spread"]
    moved = answer(**data, curve={"times": fine, "zero_rates": (np.array(rates) + bend).tolist()})
    value = found["scenarios"][0]
    assert value["value"] == pytest.approx(moved["totals"]["market_value"], rel=1e-7)
    assert value["change"] == pytest.approx(value["value"] - found["totals"]["market_value"], rel=1e-9)
    keys = math.fsum(each["dv01"] for each in found["key_rates"])
    assert keys == pytest.approx(found["curve_dv01"], rel=1e-3)
    assert found["key_rates"][0]["dv01"] < found["key_rates"][1]["dv01"]


def test_a_short_book_is_the_negative() -> None:
    data = {**BOND, "price": 95, "curve": CURVE, "scenarios": [{"name": "up", "parallel": 0.01}], "key_rates": [2, 10]}
    long, short = answer(**data, face=1000), answer(**data, face=-1000)
    assert short["totals"]["market_value"] == -long["totals"]["market_value"]
    assert short["scenarios"][0]["change"] == -long["scenarios"][0]["change"]
    flat = answer(**data, face=[1000, -1000])
    assert flat["totals"] | {"modified_duration": None, "convexity": None} == flat["totals"]
    assert flat["scenarios"][0]["change"] == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize("interpolation", curves.INTERPOLATIONS)
def test_a_bootstrapped_curve_prices_its_instruments(interpolation: str) -> None:
    """Coupons between the nodes, instruments in no order, and negative rates."""
    instruments = [
        {"maturity": 10, "coupon": 0.03, "frequency": 2, "price": 97},
        {"maturity": 0.4, "price": 100.1},
        {"maturity": 3.25, "coupon": 0.02, "frequency": 4, "price": 101},
    ]
    found = answer(bootstrap={"instruments": instruments, "interpolation": interpolation})["curve"]
    assert found["times"] == [0.4, 3.25, 10]
    curve = {"times": found["times"], "zero_rates": found["zero_rates"], "interpolation": interpolation}
    for each in instruments[::2]:
        bond = {"years_to_maturity": each["maturity"], "coupon": each["coupon"], "frequency": each["frequency"]}
        assert answer(**bond, curve=curve)["dirty_price"] == pytest.approx(each["price"], rel=1e-12)
    assert found["zero_rates"][0] < 0


def test_a_bootstrap_that_fails_names_the_instrument() -> None:
    instruments = [{"maturity": 1, "price": 95}, {"maturity": 2, "coupon": 2, "frequency": 1, "price": 10}]
    with pytest.raises(
        InvalidData, match=r"price 10 of the instrument that matures in 2 years.*misses it by"
    ) as refused:
        answer(bootstrap={"instruments": instruments})
    (fault,) = refused.value.faults
    assert (fault.path, fault.code) == ("$.data.bootstrap.instruments[1].price", "bootstrap_failed")


def test_bad_rows_spoil_no_others() -> None:
    """First, in the middle and last, of every column."""
    rows = {
        "maturity": ["2034-02-30", "2034-02-15", "2024-05-15", "2040-01-31", "2034-02-15", "2034-02-15"],
        "coupon": [0.04, 0.04, 0.04, 0.05, None, 0.04],
        "price": [95, 95, 95, 105, 95, -3],
        "face": [1, 2, 3, 4, 5, 6],
        "day_count": ["act/360"] * 5 + ["30/360"],
    }
    mixed = answer(**BOND | rows, curve=CURVE, key_rates=[5, 10])
    assert mixed["status"] == ["bad_input", "ok", "matured", "ok", "bad_input", "bad_input"]
    good = answer(
        **BOND | {name: [column[1], column[3]] for name, column in rows.items()}, curve=CURVE, key_rates=[5, 10]
    )
    for name in ("clean_price", "yield", "convexity", "z_spread"):
        assert [mixed[name][k] for k in (1, 3)] == good[name]
        assert [mixed[name][k] for k in (0, 2, 4, 5)] == [None] * 4
    for name in ("totals", "key_rates", "curve_dv01"):
        assert mixed[name] == good[name]
    assert answer(**BOND | rows | {"price": [None] * 6})["totals"]["market_value"] == 0


def test_many_parts_are_in_order() -> None:
    random = np.random.default_rng(8)
    rows = bond_book.ROWS_A_PART + 100
    price = random.uniform(60, 140, rows).tolist()
    data = {**BOND, "price": price, "curve": CURVE, "scenarios": [{"name": "up", "parallel": 0.01}]}
    planned = execute.plan("bond_book", json.dumps(data).encode(), fresh_seed=0)
    assert planned.parts == 2
    assert len(execute.run("bond_book", planned.data, 0)) < 2_000_000
    found = json.loads(execute.execute("bond_book", planned.data))
    for k in (0, bond_book.ROWS_A_PART - 1, bond_book.ROWS_A_PART, rows - 1):
        alone = answer(**data | {"price": price[k]})
        assert [found[name][k] for name in ("yield", "z_spread")] == [alone["yield"], alone["z_spread"]]
    few = answer(**data, columns=["yield"])
    assert few["yield"] == found["yield"]
    assert "convexity" not in few
    assert answer(**data, output="totals")["totals"] == found["totals"]
    backwards = answer(**data | {"price": price[::-1]})
    assert backwards["yield"] == found["yield"][::-1]
    assert backwards["totals"]["market_value"] == pytest.approx(found["totals"]["market_value"], rel=1e-12)


def test_what_is_refused() -> None:
    with pytest.raises(InvalidData, match=r"'30/360' is ambiguous: use 30/360_us, 30e/360, 30e/360_isda or"):
        answer(**BOND | {"day_count": "30/360"}, price=99)
    assert refusal(**BOND) == [("$.data", "missing")]
    assert refusal(**BOND, price=1, **{"yield": 0.1}) == [("$.data.yield", "invalid")]
    assert refusal(**BOND, price=99, years_to_maturity=3)[0] == ("$.data.settlement", "invalid")
    assert refusal(coupon=0.05, frequency=2, price=99) == [
        ("$.data.settlement", "missing"),
        ("$.data.maturity", "missing"),
        ("$.data.day_count", "missing"),
    ]
    assert refusal(**BOND | {"frequency": 3}, price=99) == [("$.data.frequency", "out_of_range")]
    assert refusal(**BOND, price=[1, 2], face=[1]) == [("$.data.face", "length_mismatch")]
    assert refusal(**BOND | {"maturity": "2024-05-15"}, price=99) == [("$.data.maturity", "matured")]
    assert refusal(**BOND, price=99, key_rates=[1]) == [("$.data.key_rates", "invalid")]
    assert refusal(**BOND, curve={"times": [2, 1], "zero_rates": [0]}) == [
        ("$.data.curve.times", "invalid"),
        ("$.data.curve.zero_rates", "length_mismatch"),
    ]
    assert refusal(**BOND, price=[99.0] * 60_000) == [("$.data.output", "too_large")]
    assert refusal() == [("$.data", "invalid")]


def test_day_counts_have_names() -> None:
    assert [day_counts.code(name) for name in day_counts.NAMES] == list(range(8))
    assert day_counts.wrong("act/act") == "'act/act' is ambiguous: use act/act_icma or act/act_isda"
    assert day_counts.wrong("bus/252") == "'bus/252' is no day count"
    assert (day_counts.ordinal("2024-02-29"), day_counts.ordinal("20240229"), day_counts.ordinal(None)) == (
        738945,
        0,
        0,
    )


def test_self_checks_fire(monkeypatch: pytest.MonkeyPatch) -> None:
    """With numerics that are wrong in one figure."""

    def prices(*arguments: Any) -> Any:
        found = analytics(*arguments)
        found[0, -1] = 1e-9
        return found

    def flows(*arguments: Any) -> Any:
        dirty, spread, paid = on_curve(*arguments)
        return dirty, spread, paid._replace(values=paid.values * (1 + 1e-9))

    def hats(*arguments: Any) -> Any:
        return triangles(*arguments) * 1.1

    analytics, on_curve, triangles, solve = bonds.analytics, bonds.on_curve, curves.hats, curves.bootstrap
    cases = (
        (bonds, "analytics", prices, {"price": 95}, "repricing"),
        (bonds, "on_curve", flows, {"price": 95, "curve": CURVE}, "repricing"),
        (curves, "hats", hats, {"price": 95, "curve": CURVE, "key_rates": [2, 10]}, "key_rates"),
        (
            curves,
            "bootstrap",
            lambda *of: solve(*of)._replace(residuals=[1e-7]),
            {"price": 95, "bootstrap": {"instruments": [{"maturity": 1, "price": 95}]}},
            "bootstrap",
        ),
    )
    for module, name, broken, data, check in cases:
        with monkeypatch.context() as patch:
            patch.setattr(module, name, broken)
            with pytest.raises(CalcError, match=f"self-check {check}") as failed:
                answer(**BOND, **data)
            assert failed.value.code == "internal_check_failed"
        answer(**BOND, **data)


def test_a_yield_that_no_number_holds_is_said_to_be_none() -> None:
    """Paid back 1 for 10,000 within a quarter: the growth of a period is 1e-8, and a yield of -2 + 2e-8 has lost half
    of its digits."""
    dear = {**BOND, "maturity": "2024-08-15", "last_period": "compound"}
    whole = execute.plan("bond_book", json.dumps({**dear, "price": [1e6, 1e5]}).encode(), 0)
    found = json.loads(execute.execute("bond_book", whole.data))
    assert found["status"] == ["no_yield", "ok"]
    assert found["yield"][0] is None
    whole = execute.plan("bond_book", json.dumps({**dear, "price": 1e6}).encode(), 0)
    with pytest.raises(InvalidData, match="no yield that a number holds"):
        execute.execute("bond_book", whole.data)
