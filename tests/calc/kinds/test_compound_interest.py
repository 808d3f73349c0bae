"""Compound interest against rational arithmetic, which knows no rounding."""

import json
from decimal import ROUND_HALF_EVEN, Context, Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calc import execute
from calc.errors import CalcError, InvalidData


def answer(text: str) -> dict[str, Any]:
    data = execute.plan("compound_interest", text.encode(), fresh_seed=0).data
    return json.loads(execute.execute("compound_interest", data), parse_float=Decimal)


def exactly(amount: str, rate: str, periods: int, count: int) -> Fraction:
    return Fraction(amount) * (1 + Fraction(rate) / periods) ** count


def to_twenty_digits(value: Fraction) -> str:
    with_all = Context(prec=20, rounding=ROUND_HALF_EVEN)
    return f"{with_all.divide(Decimal(value.numerator), Decimal(value.denominator)):f}"


def test_the_first_example() -> None:
    found = answer('{"amount": 10000, "rate": 0.05}')
    assert found["total"] == Decimal("10511.62")
    assert found["interest"] == Decimal("511.62")
    assert found["total_exact"] == to_twenty_digits(exactly("10000", "0.05", 12, 12)) == "10511.618978817331898"
    assert found["standard_error"] is None


DIGITS = st.integers(1, 10**12).map(lambda n: str(Decimal(n).scaleb(-6)))
RATES = st.integers(-900_000, 2_000_000).map(lambda n: str(Decimal(n).scaleb(-6)))


@given(DIGITS, RATES, st.sampled_from([1, 2, 4, 12, 365]), st.integers(0, 30))
def test_twenty_digits_are_right(amount: str, rate: str, periods: int, years: int) -> None:
    text = f'{{"amount": {amount}, "rate": {rate}, "periods": {periods}, "years": {years}}}'
    exact = exactly(amount, rate, periods, periods * years)
    if exact >= 10**24:
        return
    found = answer(text)
    assert Decimal(found["total_exact"]) == Decimal(to_twenty_digits(exact))
    assert abs(Fraction(found["total"]) - exact) <= Fraction(1, 200)
    assert abs(Fraction(found["interest"]) - (exact - Fraction(amount))) <= Fraction(1, 100)
    effective = (1 + Fraction(rate) / periods) ** periods - 1
    assert float(found["effective_annual_rate"]) == pytest.approx(float(effective), rel=1e-15)


def test_digits_are_taken_as_sent() -> None:
    """As floats both amounts would be the same."""
    one = answer('{"amount": 100000000000.00000001, "rate": 0}')["total_exact"]
    other = answer('{"amount": 100000000000.00000002, "rate": 0}')["total_exact"]
    assert (one, other) == ("100000000000.00000001", "100000000000.00000002")


@given(DIGITS, st.sampled_from(["0.05", "0", "-0.3", "1.5"]), st.integers(0, 60))
def test_the_schedule_adds_up_to_the_cent(amount: str, rate: str, months: int) -> None:
    years = Decimal(months) / 12
    if (years * 12) % 1:
        years, months = Decimal(months), months * 12
    found = answer(f'{{"amount": {amount}, "rate": {rate}, "years": {years}, "schedule": true}}')
    rows = found["schedule"]
    assert [row["period"] for row in rows] == list(range(1, months + 1))
    assert sum(row["interest"] for row in rows) == found["interest"]
    assert not rows or rows[-1]["balance"] == found["total"]


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ('{"amount": 0, "rate": 0.05}', "$.data.amount"),
        ('{"amount": 1e16, "rate": 0.05}', "$.data.amount"),
        ('{"amount": 1e-50, "rate": 0.05}', "$.data.amount"),
        ('{"amount": "10000", "rate": 0.05}', "$.data.amount"),
        ('{"amount": 1, "rate": -1}', "$.data.rate"),
        ('{"amount": 1, "rate": 10.5}', "$.data.rate"),
        ('{"amount": 1, "rate": 0.1, "periods": 0}', "$.data.periods"),
        ('{"amount": 1, "rate": 0.1, "periods": 12.0}', "$.data.periods"),
        ('{"amount": 1, "rate": 0.1, "years": 0.1}', "$.data.years"),
        ('{"amount": 1, "rate": 0.1, "years": 101, "schedule": true}', "$.data.schedule"),
    ],
)
def test_what_is_refused(text: str, path: str) -> None:
    with pytest.raises(InvalidData) as refused:
        answer(text)
    assert [fault.path for fault in refused.value.faults] == [path]


def test_all_decimals_are_told_together() -> None:
    with pytest.raises(InvalidData) as refused:
        answer('{"amount": -1, "rate": 50, "periods": 0, "yaers": 1}')
    assert len(refused.value.faults) == 4


def test_a_total_beyond_all_money() -> None:
    with pytest.raises(CalcError) as refused:
        answer('{"amount": 1e15, "rate": 10, "years": 200}')
    assert refused.value.code == "too_large"


def test_a_percentage_is_pointed_at() -> None:
    (warning,) = answer('{"amount": 100, "rate": 5}')["diagnostics"]["warnings"]
    assert (warning["code"], warning["path"]) == ("looks_like_percent", "$.data.rate")
