"""Loans against pyxirr and against sums done the slow way, over the whole legal domain."""

import datetime
import json
import math
from typing import Any

import pytest
import pyxirr
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from calc import execute
from calc.errors import InvalidData
from tests.oracles.strategies import log_uniform

if "loan" not in execute.kinds():
    execute.load("calc.kinds.loan")

FEW = settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
START = datetime.date(2020, 1, 1)


def signed(magnitudes: st.SearchStrategy[float]) -> st.SearchStrategy[float]:
    return st.tuples(magnitudes, st.sampled_from((1, -1))).map(math.prod)


def answer(**data: Any) -> dict[str, Any]:
    planned = execute.plan("loan", json.dumps(data).encode(), fresh_seed=0)
    return json.loads(execute.execute("loan", planned.data))


def answer_or_code(**data: Any) -> dict[str, Any] | str:
    """The answer, or why there is none."""
    try:
        return answer(**data)
    except InvalidData as refused:
        return refused.faults[0].code


@FEW
@given(
    principal=log_uniform(0.01, 1e12),
    rate=signed(log_uniform(1e-12, 0.5)),
    periods=st.integers(1, 1200),
    begin=st.booleans(),
    balloon=st.one_of(st.just(0.0), log_uniform(0.01, 1e12)),
)
def test_payments(principal: float, rate: float, periods: int, begin: bool, balloon: float) -> None:
    found = answer(
        principal=principal, rate_per_period=rate, periods=periods, balloon=balloon, due="begin" if begin else "end"
    )
    growth = math.expm1(periods * math.log1p(rate))
    assume(abs(growth) > 1e-4 and growth < 1e200)  # pmt itself loses its digits beside rate 0
    expected = -pyxirr.pmt(rate, periods, principal, -balloon, pmt_at_beginning=begin)
    scale = principal * abs(rate) + abs(principal - balloon) / periods
    assert found["payment"] == pytest.approx(expected, rel=1e-9, abs=1e-9 * scale / min(abs(growth), 1))


@FEW
@given(
    principal=log_uniform(1, 1e9),
    rate=log_uniform(1e-5, 0.05),
    periods=st.integers(2, 480),
    data=st.data(),
)
def test_schedules(principal: float, rate: float, periods: int, data: st.DataObject) -> None:
    k = data.draw(st.integers(1, periods))
    found = answer(task="schedule", principal=principal, rate_per_period=rate, periods=periods)["by_period"]
    tolerance = 1e-9 * principal
    assert found["interest"][k - 1] == pytest.approx(-pyxirr.ipmt(rate, k, periods, principal), abs=tolerance)
    assert found["principal"][k - 1] == pytest.approx(-pyxirr.ppmt(rate, k, periods, principal), abs=tolerance)


@FEW
@given(
    advance=log_uniform(1, 1e9),
    extra=signed(log_uniform(1e-6, 3)),
    count=st.integers(1, 480),
    units=st.integers(0, 30),
    days=st.floats(0, 30),
)
def test_rates_of_level_payments(advance: float, extra: float, count: int, units: int, days: float) -> None:
    """Put back into the equation of appendix J."""
    assume(units + days > 0.5 and extra > -0.9)
    payment = advance * (1 + extra) / count
    found = answer_or_code(
        task="apr_reg_z",
        advance=advance,
        payment=payment,
        payments=count,
        unit_period="month",
        first_period_units=units,
        first_period_days=days,
    )
    if isinstance(found, str):
        assert found == "no_rate_in_range"
        assert extra < -0.5 or units + days < 2
        return
    i = found["apr_reg_z"] / 12
    value = math.fsum(payment / ((1 + days / 30 * i) * (1 + i) ** (units + k)) for k in range(count))
    assert value == pytest.approx(advance, rel=1e-9)
    if units == 1 and days == 0:
        assert i == pytest.approx(pyxirr.rate(count, payment, -advance, 0), abs=1e-9)


@FEW
@given(
    lent=log_uniform(0.01, 1e12),
    days=st.lists(st.integers(1, 20_000), min_size=1, max_size=60, unique=True),
    total=log_uniform(1e-3, 1e3),
    data=st.data(),
)
def test_one_change_of_sign(lent: float, days: list[int], total: float, data: st.DataObject) -> None:
    shares = data.draw(st.lists(log_uniform(1e-3, 1), min_size=len(days), max_size=len(days)))
    amounts = [lent * total * share / math.fsum(shares) for share in shares]
    dates = [START, *(START + datetime.timedelta(day) for day in days)]
    flows = [-lent, *amounts]
    dated = [[date.isoformat(), flow] for date, flow in zip(dates, flows, strict=True)]
    found = answer_or_code(task="xirr", flows=dated)
    if isinstance(found, str):
        assert found == "no_rate_in_range"
        return
    assert found["residual"] < 1e-12
    expected = pyxirr.xirr(dates, flows)
    if expected is not None and expected < 1e5:
        assert found["xirr"] == pytest.approx(expected, rel=1e-6, abs=1e-8)
    value = pyxirr.xnpv(found["xirr"], dates, flows)
    assert (
        value is None
        or not math.isfinite(value)
        or abs(value) <= 1e-6 * (lent + math.fsum(amounts))
        or found["xirr"] < -0.9
    )


@FEW
@given(
    flows=st.lists(signed(log_uniform(0.1, 100)), min_size=3, max_size=30),
    gaps=st.lists(st.integers(1, 400), min_size=30, max_size=30),
)
def test_all_rates(flows: list[float], gaps: list[int]) -> None:
    """Every change of the value's sign on a fine grid of rates is a rate that is told."""
    days = [sum(gaps[:k]) for k in range(len(flows))]
    found = answer(task="xirr", lengths=[len(flows)], days=days, amounts=flows)
    if found["status"][0] == "no_sign_change":
        assert len({flow > 0 for flow in flows}) == 1
        return
    told = found["roots"]["0"] if "roots" in found else [found["xirr"][0]] if found["status"][0] == "ok" else []
    grid = [math.expm1(-3 + 0.01 * k) for k in range(1000)]
    values = [math.fsum(c * (1 + rate) ** (-day / 365) for day, c in zip(days, flows, strict=True)) for rate in grid]
    for k in range(999):
        if (values[k] > 0) != (values[k + 1] > 0):
            assert any(grid[k] - 1e-9 <= root <= grid[k + 1] + 1e-9 for root in told), grid[k]
    for root in filter(lambda root: root > -0.9, told):  # next to -1 a rate has few digits of 1 + rate
        terms = [c * (1 + root) ** (-(day - days[-1] * (root < 0)) / 365) for day, c in zip(days, flows, strict=True)]
        assert abs(math.fsum(terms)) <= 1e-9 * math.fsum(map(abs, terms))


@FEW
@given(
    balance=log_uniform(1, 1e12),
    coupon=st.floats(0, 0.3),
    months=st.integers(1, 480),
    psa=st.floats(0, 1000),
    age=st.integers(0, 60),
)
def test_pools(balance: float, coupon: float, months: int, psa: float, age: int) -> None:
    """Month by month, with the payment worked out anew for the balance that is left."""
    found = answer(task="prepayment", balance=balance, coupon=coupon, remaining_months=months, psa=psa, age_months=age)[
        "by_period"
    ]
    left, rate = balance, coupon / 12
    for k in range(months):
        n = months - k
        payment = left / n if rate < 1e-9 else left * rate / -math.expm1(-n * math.log1p(rate))
        scheduled = payment - left * rate
        cpr = min(0.06 * min((age + k + 1) / 30, 1) * psa / 100, 1)
        prepaid = (left - scheduled) * (1 - (1 - cpr) ** (1 / 12))
        assert found["scheduled"][k] == pytest.approx(scheduled, rel=1e-7, abs=1e-9 * balance)
        assert found["prepayment"][k] == pytest.approx(prepaid, rel=1e-7, abs=1e-9 * balance)
        left -= scheduled + prepaid
