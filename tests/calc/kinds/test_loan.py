"""Loans: books row by row, limits, refusals, roots, cents, pools, and self-checks that fire."""

import json
import math
from typing import Any

import numpy as np
import pytest

from calc import execute
from calc.errors import CalcError, InvalidData
from calc.kinds import loan
from calc.numerics import amortisation
from tests.calc.laws import LAWS

if loan.NAME not in execute.kinds():
    execute.load("calc.kinds.loan")

LEVEL = {"principal": 100_000, "rate_per_period": 0.005, "periods": 360}
POOL = {"task": "prepayment", "balance": 1e6, "coupon": 0.06, "remaining_months": 300}


HARDER: dict[str, dict[str, Any]] = {
    "schedule": {"task": "schedule", **LEVEL, "principal": [1000, None, 5], "rounding": "half_up"},
    "begin": {"task": "schedule", **LEVEL, "due": "begin", "balloon": [1, 2]},
    "reg_z": {"task": "apr_reg_z", "advance": [5000, 1], "payment": 230, "payments": 24, "unit_period": "week"},
    "eu": {"task": "apr_eu", "advances": [[0, 1000]], "payments": [[0.25, 272], [0.5, 272], [1, 544]]},
    "flows": {"task": "xirr", "flows": [["2021-01-01", -1], ["2022-01-01", 2]]},
    "book of flows": {"task": "xirr", "lengths": [3, 0, 1], "days": [0, 365, 730, 1], "amounts": [-100, 230, -132, 5]},
    "pools": {**POOL, "balance": [1e5, 2e5], "psa": 300},
    "many": {**POOL, "balance": [1e5] * 90_000, "cpr": 0.1, "output": "totals"},
}


@pytest.mark.parametrize("law", LAWS, ids=lambda law: law.__name__)
@pytest.mark.parametrize("data", HARDER.values(), ids=HARDER)
def test_law(data: dict[str, Any], law: Any) -> None:
    law(loan, data)


def answer(**data: Any) -> dict[str, Any]:
    planned = execute.plan("loan", json.dumps(data).encode(), fresh_seed=0)
    return json.loads(execute.execute("loan", planned.data))


def refusal(**data: Any) -> list[tuple[str, str]]:
    with pytest.raises(InvalidData) as refused:
        answer(**data)
    return [(fault.path, fault.code) for fault in refused.value.faults]


def xirr(*flows: tuple[str, float], **more: Any) -> dict[str, Any]:
    return answer(task="xirr", flows=[list(flow) for flow in flows], **more)


@pytest.mark.parametrize("rate", [0, 1e-12, 1e-30, -1e-12])
def test_no_interest(rate: float) -> None:
    """B84: 100 in ten payments of 10, at rate 0 and next to it."""
    assert answer(principal=100, rate_per_period=rate, periods=10)["payment"] == pytest.approx(10, rel=1e-11)
    rows = answer(task="schedule", principal=100, rate_per_period=rate, periods=10)["by_period"]
    assert math.fsum(rows["principal"]) == pytest.approx(100, rel=1e-14)
    assert rows["balance"][-1] == 0


def test_a_savings_plan_is_a_loan_of_nothing() -> None:
    """PMT(6%/12, 216, 0, 50000) of Excel's documentation is -129.08."""
    found = answer(principal=0, rate_per_period=0.005, periods=216, balloon=-50_000)
    assert found["payment"] == pytest.approx(129.0811608679973, rel=1e-12)


def test_payments_at_the_beginning_are_less_by_one_period() -> None:
    end, begin = answer(**LEVEL), answer(**LEVEL, due="begin")
    assert end["payment"] == pytest.approx(begin["payment"] * 1.005, rel=1e-14)


def test_a_rate_may_be_meant_in_several_ways() -> None:
    for compounding, monthly in (
        ("monthly", 0.06 / 12),
        ("annual", 1.06 ** (1 / 12) - 1),
        ("semiannual", 1.03 ** (1 / 6) - 1),
        ("quarterly", 1.015 ** (1 / 3) - 1),
        ("continuous", math.exp(0.005) - 1),
    ):
        found = answer(amount=1000, rate=0.06, compounding=compounding, term_months=24)
        assert found["rate_per_period"] == pytest.approx(monthly, rel=1e-12)
        assert found["effective_annual_rate"] == pytest.approx((1 + monthly) ** 12 - 1, rel=1e-12)


@pytest.mark.parametrize("due", ["end", "begin"])
@pytest.mark.parametrize("rate", [-0.5, -0.01, 0, 1e-9, 0.005, 0.3, 5])
@pytest.mark.parametrize("balloon", [0, 20_000])
def test_a_schedule_is_its_recursion(rate: float, balloon: float, due: str) -> None:
    found = answer(task="schedule", principal=1e5, rate_per_period=rate, periods=24, balloon=balloon, due=due)
    rows = found["by_period"]
    balance = 1e5
    for k in range(24):
        interest = 0 if k == 0 and due == "begin" else balance * rate
        assert rows["interest"][k] == pytest.approx(interest, rel=1e-9, abs=1e-6)
        assert rows["payment"][k] == pytest.approx(found["payment"], rel=1e-9, abs=1e-6)
        assert rows["balance"][k] == pytest.approx(balance + interest - rows["payment"][k], rel=1e-9, abs=1e-4)
        balance = rows["balance"][k]
    assert balance * (1 + rate * (due == "begin")) == pytest.approx(balloon, abs=1e-9)
    assert found["total_interest"] == pytest.approx(24 * found["payment"] + balloon - 1e5, rel=1e-9, abs=1e-6)


@pytest.mark.parametrize("rounding", ["half_even", "half_up"])
@pytest.mark.parametrize(("principal", "rate", "periods"), [(1000, 0.01, 3), (0.01, 0.01, 12), (123456.78, 0.004, 360)])
def test_cents_add_up(rounding: str, principal: float, rate: float, periods: int) -> None:
    data = {"task": "schedule", "principal": principal, "rate_per_period": rate, "periods": periods}
    found = answer(**data, rounding=rounding)
    rows = found["by_period"]
    cents = {
        name: [round(value * 100) for value in rows[name]] for name in ("payment", "interest", "principal", "balance")
    }
    assert all(abs(rows[name][k] * 100 - cents[name][k]) < 1e-6 for name in cents for k in range(periods))
    assert sum(cents["principal"]) == round(principal * 100)
    assert cents["balance"][-1] == 0
    assert found["final_payment"] == rows["payment"][-1]


def test_half_a_cent_goes_where_the_rounding_says() -> None:
    """Interest of 0.5 cents on 1.00 at 0.5 %."""
    data = {"task": "schedule", "principal": 1, "rate_per_period": 0.005, "periods": 2}
    assert answer(**data, rounding="half_even")["by_period"]["interest"][0] == 0
    assert answer(**data, rounding="half_up")["by_period"]["interest"][0] == 0.01


def test_a_range_of_a_schedule() -> None:
    whole = answer(task="schedule", **LEVEL)["by_period"]
    part = answer(task="schedule", **LEVEL, from_period=13, to_period=24)
    assert part["by_period"]["period"] == list(range(13, 25))
    assert part["interest_sum"] == math.fsum(whole["interest"][12:24])
    assert refusal(task="schedule", **LEVEL, from_period=3, to_period=2) == [("$.data.from_period", "out_of_range")]


def test_bad_rows_spoil_no_others() -> None:
    """First, in the middle and last: null, out of bounds, not whole."""
    good = answer(principal=[1000, 2000], rate_per_period=0.01, periods=[12, 24])
    mixed = answer(principal=[None, 1000, -5, 2000, 3000], rate_per_period=0.01, periods=[12, 12, 12, 24, 1.5])
    assert mixed["status"] == ["bad_input", "ok", "bad_input", "ok", "bad_input"]
    assert [mixed["payment"][k] for k in (1, 3)] == good["payment"]
    assert [mixed["payment"][k] for k in (0, 2, 4)] == [None] * 3
    assert mixed["totals"] == good["totals"]


@pytest.mark.parametrize("task", ["schedule", "prepayment"])
def test_bad_rows_are_in_no_table(task: str) -> None:
    if task == "schedule":
        data = {"rate_per_period": 0.01, "periods": 12}
        good, mixed = answer(task=task, principal=[7.0], **data), answer(task=task, principal=[None, 7.0, -1], **data)
    else:
        data = {"coupon": 0.05, "remaining_months": 12, "psa": 150}
        good, mixed = answer(task=task, balance=[7.0], **data), answer(task=task, balance=[0, 7.0, None], **data)
    assert mixed["by_period"] == good["by_period"]


def test_a_book_is_its_contracts() -> None:
    random = np.random.default_rng(3)
    principal, rate = random.uniform(1e3, 1e6, 20).tolist(), random.uniform(0, 0.02, 20).tolist()
    periods = random.integers(1, 400, 20).tolist()
    book = answer(task="schedule", principal=principal, rate_per_period=rate, periods=periods)
    alone = [
        answer(task="schedule", principal=p, rate_per_period=r, periods=n)
        for p, r, n in zip(principal, rate, periods, strict=True)
    ]
    for name in ("payment", "total_interest", "final_payment"):
        assert book[name] == [each[name] for each in alone]
    assert book["totals"]["payment"] == math.fsum(each["payment"] for each in alone)
    whole = math.fsum(value for each in alone for value in each["by_period"]["interest"])
    assert math.fsum(book["by_period"]["interest"]) == pytest.approx(whole, rel=1e-12)


def test_a_book_of_many_parts_is_in_order() -> None:
    rows = 2 * loan.ROWS_A_PART + 3
    principal = [1000.0 + k for k in range(rows)]
    planned = execute.plan("loan", json.dumps(LEVEL | {"principal": principal}).encode(), fresh_seed=0)
    assert planned.parts == 3
    assert max(len(execute.run("loan", planned.data, part)) for part in range(3)) < 2_000_000
    found = json.loads(execute.execute("loan", planned.data))
    unit = answer(**LEVEL)["payment"] / LEVEL["principal"]
    assert found["payment"] == pytest.approx([each * unit for each in principal], rel=1e-12)
    assert answer(**LEVEL | {"principal": principal}, output="totals")["totals"] == found["totals"]


@pytest.mark.parametrize("count", [1, 12, 360, 4000])
@pytest.mark.parametrize("rate", [-0.01, 0, 1e-10, 0.01, 0.5])
def test_the_rate_of_level_payments_comes_back(rate: float, count: int) -> None:
    if rate * count < -10 or rate * count > 600:
        return
    payment = 1000 / math.fsum((1 + rate) ** -k for k in range(1, count + 1))
    found = answer(task="apr_reg_z", advance=1000, payment=payment, payments=count, unit_period="month")
    assert found["apr_reg_z"] == pytest.approx(12 * rate, abs=1e-12, rel=1e-11)
    assert found["effective_annual_rate"] == pytest.approx((1 + rate) ** 12 - 1, abs=1e-11, rel=1e-10)


def test_unit_periods() -> None:
    """Half months: 24 of them a year, of 15 days."""
    data = {"task": "apr_reg_z", "advance": 1000, "payment": 50, "payments": 24, "unit_period": "half_month"}
    found = answer(**data, first_period_units=0, first_period_days=10)
    i = found["apr_reg_z"] / 24
    value = math.fsum(50 / ((1 + i * 10 / 15) * (1 + i) ** k) for k in range(24))
    assert value == pytest.approx(1000, rel=1e-12)


def test_several_rates_are_all_told() -> None:
    """B79: 10 % and 20 %; the nearest to the guess comes first."""
    flows = [("2021-01-01", -100), ("2022-01-01", 230), ("2023-01-01", -132)]
    low, high = xirr(*flows), xirr(*flows, guess=0.3)
    assert (low["status"], low["sign_changes"]) == ("multiple_roots", 2)
    assert low["roots"] == pytest.approx([0.1, 0.2], abs=1e-12)
    assert high["roots"] == pytest.approx([0.2, 0.1], abs=1e-12)
    assert high["xirr"] == high["roots"][0]
    assert [each["code"] for each in low["diagnostics"]["warnings"]] == ["multiple_roots"]


def test_a_double_root_is_one() -> None:
    found = xirr(("2021-01-01", -100), ("2022-01-01", 220), ("2023-01-01", -121))
    assert found["roots"] == [found["xirr"]]
    assert found["xirr"] == pytest.approx(0.1, abs=1e-6)
    assert found["residual"] < 1e-13


def test_five_rates() -> None:
    """A polynomial in the yearly discount factor with its roots chosen."""
    rates = [-0.5, -0.1, 0.05, 0.4, 3.0]
    amounts = np.polynomial.polynomial.polyfromroots([1 / (1 + rate) for rate in rates])
    days = [365 * k for k in range(6)]
    found = answer(task="xirr", lengths=[6], days=days, amounts=(1000 * amounts).tolist())
    assert found["status"] == ["multiple_roots"]
    assert sorted(found["roots"]["0"]) == pytest.approx(rates, abs=1e-8)


def test_heavy_losses() -> None:
    """B80: in any order of the flows."""
    flows = [("2021-01-01", -1000), ("2024-01-01", 1)]
    assert xirr(*flows)["xirr"] == pytest.approx(-0.9, abs=1e-13)
    assert xirr(*flows[::-1]) == xirr(*flows)
    path = "$.data.flows"
    assert refusal(task="xirr", flows=[["2021-01-01", -1], ["2021-01-01", 2]]) == [(path, "no_sign_change")]
    assert refusal(task="xirr", flows=[["2021-01-01", -1], ["2022-01-01", -2]]) == [(path, "no_sign_change")]
    assert refusal(task="xirr", flows=[]) == [(path, "no_sign_change")]
    assert refusal(task="xirr", flows=[["2021-01-01", -1], ["2021-01-02", 1e-9]]) == [("$.data", "no_rate_in_range")]


def test_a_book_of_flows() -> None:
    days, amounts = [0, 365, 9, 0, 365, 730, 0, None], [-100, 110, 5, -100, 230, -132, -1, 1]
    found = answer(task="xirr", lengths=[2, 1, 3, 0, 2], days=days, amounts=amounts)
    assert found["status"] == ["ok", "no_sign_change", "multiple_roots", "no_sign_change", "bad_input"]
    assert found["xirr"][0] == pytest.approx(0.1, abs=1e-14)
    assert found["xirr"][1] is found["xirr"][4] is None
    assert list(found["roots"]) == ["2"]


def test_eu_with_two_advances() -> None:
    found = answer(task="apr_eu", advances=[[0, 500], [0.5, 500]], payments=[[1, 600], [2, 500]])["apr_eu"]
    value = 500 + 500 * (1 + found) ** -0.5 - 600 / (1 + found) - 500 / (1 + found) ** 2
    assert value == pytest.approx(0, abs=1e-10)


def test_a_pool_without_prepayment_is_a_schedule() -> None:
    pool = answer(**POOL, psa=0)["by_period"]
    plain = answer(task="schedule", principal=1e6, rate_per_period=0.005, periods=300)["by_period"]
    assert pool["scheduled"] == pytest.approx(plain["principal"], rel=1e-9)
    assert pool["cash"] == pytest.approx(plain["payment"], rel=1e-9)
    assert set(pool["prepayment"]) == {0.0}


def test_faster_is_shorter() -> None:
    lives = [answer(**POOL, psa=speed)["average_life"] for speed in (0, 50, 100, 300, 1000)]
    assert lives == sorted(lives, reverse=True)
    assert answer(**POOL, cpr=1)["average_life"] == pytest.approx(1 / 12, rel=1e-12)
    assert answer(**POOL, psa=100, age_months=30)["by_period"]["smm"][0] == pytest.approx(1 - 0.94 ** (1 / 12))


def test_a_pool_pays_out() -> None:
    rows = answer(**POOL, pass_through=0.055, cpr=0.1)["by_period"]
    back = math.fsum(rows["scheduled"]) + math.fsum(rows["prepayment"])
    assert back == pytest.approx(1e6, rel=1e-12)
    assert rows["interest"] == pytest.approx([balance * 0.055 / 12 for balance in rows["balance"]], rel=1e-12)


def test_what_is_refused() -> None:
    assert refusal(amount=5) == [("$.data.rate", "missing")]
    assert refusal() == [("$.data", "invalid")]
    assert refusal(**LEVEL, amount=1, rate=0.1) == [("$.data", "invalid")]
    assert refusal(**LEVEL, psa=100) == [("$.data.psa", "invalid")]
    assert refusal(**LEVEL | {"periods": 1.5, "rate_per_period": -1}) == [
        ("$.data.rate_per_period", "out_of_range"),
        ("$.data.periods", "out_of_range"),
    ]
    assert refusal(**LEVEL | {"principal": [1, 2], "periods": [3]}) == [("$.data.periods", "length_mismatch")]
    assert refusal(**LEVEL | {"principal": []}) == [("$.data.principal", "too_large")]
    assert refusal(task="apr_reg_z", advance=1) == [
        ("$.data.payment", "missing"),
        ("$.data.payments", "missing"),
        ("$.data.unit_period", "missing"),
    ]
    assert refusal(**POOL) == [("$.data.psa", "invalid")]
    assert refusal(task="xirr", flows=[["2021-02-30", 1], ["2021-02-01"]]) == [
        ("$.data.flows[0][0]", "invalid"),
        ("$.data.flows[1]", "invalid"),
    ]
    assert refusal(task="xirr", lengths=[3], days=[0, 1], amounts=[1, 2, 3]) == [("$.data.days", "length_mismatch")]
    assert refusal(task="apr_eu", advances=[[0, 1]], payments=3) == [("$.data.payments", "wrong_type")]
    assert refusal(**LEVEL | {"principal": [1.0] * 400_000}) == [("$.data.output", "too_large")]
    growing = LEVEL | {"rate_per_period": 10, "periods": 1200}
    assert refusal(task="schedule", **growing) == [("$.data", "overflow")]
    unstable = {"principal": 123456.78, "rate_per_period": 0.5, "periods": 60, "rounding": "half_up"}
    assert refusal(task="schedule", **unstable) == [("$.data.rounding", "rounding_unstable")]


def test_percent_slips_are_warned_of() -> None:
    found = answer(amount=1000, rate=5)
    assert [each["path"] for each in found["diagnostics"]["warnings"]] == ["$.data.rate"]


def test_self_checks_fire(monkeypatch: pytest.MonkeyPatch) -> None:
    """With kernels that are wrong in one figure."""

    def broken(function: Any, place: str, entry: tuple[int, int]) -> Any:
        def wrapped(*arguments: Any) -> Any:
            block = function(*arguments)
            getattr(block, place)[entry] *= 1.001
            getattr(block, place)[entry] += 1e-6
            return block

        return wrapped

    for name, place, entry, data, check in (
        ("schedules", "table", (3, 2), {"task": "schedule", **LEVEL}, "repaid"),
        ("pools", "table", (3, 3), {**POOL, "cpr": 0.1}, "repaid"),
        ("returns", "columns", (0, 1), {"task": "xirr", "flows": [["2021-01-01", -1], ["2022-01-01", 2]]}, "residual"),
    ):
        with monkeypatch.context() as patch:
            patch.setattr(amortisation, name, broken(getattr(amortisation, name), place, entry))
            with pytest.raises(CalcError, match=check) as failed:
                answer(**data)
            assert failed.value.code == "internal_check_failed"
        answer(**data)


@pytest.mark.parametrize("lost", [0.5, 0.9, 0.98, 0.9999])
def test_a_rate_far_from_0_is_found(lost: float) -> None:
    """Nearly all is lost within days, and a little comes late: steps from afar see one payment alone."""
    shares, days = (1.0, 1.0, 1.0, 0.37), (1, 2, 3, 371)
    paid = [[day, (1 - lost) * share / 3.37] for day, share in zip(days, shares, strict=True)]
    amounts = [-1.0, *(each for _, each in paid)]
    found = answer(task="xirr", lengths=[5], days=[0, *days], amounts=amounts)
    x = math.log1p(found["xirr"][0])
    assert math.fsum(each * math.exp(-x * day / 365) for day, each in paid) == pytest.approx(1.0, rel=1e-11)
