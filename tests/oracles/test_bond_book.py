"""Bonds against QuantLib, over the whole legal domain: days, accrued interest, prices, yields, durations, spreads."""

import datetime
import json
import math
from typing import Any

import pytest
import QuantLib as ql
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from calc import execute
from tests.oracles.strategies import log_uniform

if "bond_book" not in execute.kinds():
    execute.load("calc.kinds.bond_book")

FEW = settings(max_examples=50, deadline=None, suppress_health_check=list(HealthCheck))
PERIODS = {1: ql.Annual, 2: ql.Semiannual, 4: ql.Quarterly, 12: ql.Monthly}
DAYS = st.integers(datetime.date(1950, 1, 1).toordinal(), datetime.date(2090, 1, 1).toordinal())


def answer(**data: Any) -> dict[str, Any]:
    planned = execute.plan("bond_book", json.dumps(data).encode(), fresh_seed=0)
    return json.loads(execute.execute("bond_book", planned.data))


def quantlib_date(ordinal: int) -> Any:
    date = datetime.date.fromordinal(ordinal)
    return ql.Date(date.day, date.month, date.year)


def iso(ordinal: int) -> str:
    return datetime.date.fromordinal(ordinal).isoformat()


def schedule(settlement: int, maturity: int, frequency: int) -> Any:
    """Coupon dates back from maturity, at months' ends where it is one; the first is before settlement."""
    end = quantlib_date(maturity)
    months, last = 12 // frequency, ql.Date.isEndOfMonth(end)
    count = 1
    while True:
        start = ql.NullCalendar().advance(end, -count * months, ql.Months, ql.Unadjusted, False)
        start = ql.Date.endOfMonth(start) if last else start
        if start <= quantlib_date(settlement):
            break
        count += 1
    whole = ql.Period(months, ql.Months)
    return ql.Schedule(
        start, end, whole, ql.NullCalendar(), ql.Unadjusted, ql.Unadjusted, ql.DateGeneration.Backward, last
    )


@FEW
@given(
    settlement=DAYS,
    life=log_uniform(1, 18_000).map(int),
    frequency=st.sampled_from((1, 2, 4, 12)),
    count=st.sampled_from(
        ("30/360_us", "30e/360", "30/360_bond_basis", "act/act_isda", "act/365f", "act/360", "act/act_icma")
    ),
    coupon=st.floats(0.001, 0.5),
)
def test_accrued_interest(settlement: int, life: int, frequency: int, count: str, coupon: float) -> None:
    """QuantLib counts the days from the last coupon; ours is that count's share of a year."""
    maturity = settlement + life
    data = {"settlement": iso(settlement), "maturity": iso(maturity), "coupon": coupon, "frequency": frequency}
    found = answer(**data, day_count=count, **{"yield": 0.05})
    coupons = list(schedule(settlement, maturity, frequency))
    now = quantlib_date(settlement)
    last = max(date for date in coupons if date <= now)
    following = min(date for date in coupons if date > now)
    counts = {
        "30/360_us": ql.Thirty360(ql.Thirty360.USA),
        "30e/360": ql.Thirty360(ql.Thirty360.European),
        "30/360_bond_basis": ql.Thirty360(ql.Thirty360.BondBasis),
        "act/act_isda": ql.ActualActual(ql.ActualActual.ISDA),
        "act/365f": ql.Actual365Fixed(),
        "act/360": ql.Actual360(),
    }
    if count == "act/act_icma":
        years = (now - last) / (following - last) / frequency
    else:
        years = counts[count].yearFraction(last, now)
    assert found["accrued"] == pytest.approx(100 * coupon * years, rel=1e-12, abs=1e-12)


@FEW
@given(
    settlement=DAYS,
    life=log_uniform(5, 18_000).map(int),
    frequency=st.sampled_from((1, 2, 4, 12)),
    coupon=st.one_of(st.just(0.0), st.floats(1e-4, 0.3)),  # QuantLib rounds smaller ones to 0
    y=st.one_of(st.floats(-0.05, 0.3), log_uniform(1e-8, 1)),
    continuous=st.booleans(),
)
def test_prices_and_durations(
    settlement: int, life: int, frequency: int, coupon: float, y: float, continuous: bool
) -> None:
    maturity = settlement + life
    dates = schedule(settlement, maturity, frequency)
    count = ql.ActualActual(ql.ActualActual.ISMA, dates)
    bond = ql.FixedRateBond(0, 100.0, dates, [coupon], count)
    compounding = ql.Continuous if continuous else ql.Compounded
    rate = ql.InterestRate(y, count, compounding, PERIODS[frequency])
    now = quantlib_date(settlement)
    style = {"compounding": "continuous" if continuous else "periodic"}
    data = {"settlement": iso(settlement), "maturity": iso(maturity), "coupon": coupon, "frequency": frequency}
    found = answer(**data, day_count="act/act_icma", **style, **{"yield": y})
    clean = ql.BondFunctions.cleanPrice(bond, rate, now)
    assert found["clean_price"] == pytest.approx(clean, rel=1e-10, abs=1e-10)
    expected = ql.BondFunctions.duration(bond, rate, ql.Duration.Modified, now)
    assert found["modified_duration"] == pytest.approx(expected, rel=1e-9)
    assert found["convexity"] == pytest.approx(ql.BondFunctions.convexity(bond, rate, now), rel=1e-9)
    if not continuous:
        expected = ql.BondFunctions.duration(bond, rate, ql.Duration.Macaulay, now)
        assert found["macaulay_duration"] == pytest.approx(expected, rel=1e-9)
    assume(clean > 1e-3)
    back = answer(**data, day_count="act/act_icma", **style, price=clean)
    assert back["yield"] == pytest.approx(y, abs=1e-9)


@FEW
@given(
    life=st.integers(30, 12_000),
    frequency=st.sampled_from((1, 2, 4, 12)),
    coupon=st.one_of(st.just(0.0), st.floats(1e-4, 0.2)),
    rates=st.lists(st.floats(-0.02, 0.15), min_size=5, max_size=5),
    log_linear=st.booleans(),
    spread=st.floats(-0.05, 0.2),
)
def test_curves_and_spreads(
    life: int, frequency: int, coupon: float, rates: list[float], log_linear: bool, spread: float
) -> None:
    settlement = datetime.date(2024, 5, 15).toordinal()
    maturity = settlement + life
    now = quantlib_date(settlement)
    ql.Settings.instance().evaluationDate = now
    dates = schedule(settlement, maturity, frequency)
    bond = ql.FixedRateBond(0, 100.0, dates, [coupon], ql.ActualActual(ql.ActualActual.ISMA, dates))
    days = [365, 730, 1825, 3650, 14_600]
    nodes = [now, *(now + day for day in days)]
    count = ql.Actual365Fixed()
    if log_linear:
        factors = [math.exp(-rate * day / 365) for rate, day in zip(rates, days, strict=True)]
        curve = ql.DiscountCurve(nodes, [1.0, *factors], count)
    else:
        curve = ql.ZeroCurve(nodes, [rates[0], *rates], count)
    mine = {
        "times": [day / 365 for day in days],
        "zero_rates": rates,
        "interpolation": "log_linear_discount" if log_linear else "linear_zero",
    }
    data = {"settlement": iso(settlement), "maturity": iso(maturity), "coupon": coupon, "frequency": frequency}
    found = answer(**data, day_count="act/act_icma", curve=mine)
    clean = ql.BondFunctions.cleanPrice(bond, curve, now)
    assert found["clean_price"] == pytest.approx(clean, rel=1e-11, abs=1e-11)
    spreaded = ql.BondFunctions.cleanPrice(bond, curve, spread, count, ql.Continuous, ql.Annual, now)
    assume(spreaded > 1e-3)
    back = answer(**data, day_count="act/act_icma", curve=mine, price=spreaded)
    assert back["z_spread"] == pytest.approx(spread, abs=1e-9)
