"""The closed form: its greeks against differences, its identities, and its limits where time or volatility is none."""

import math

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from calc.numerics.black_scholes import european

SPOTS = st.floats(1, 1000)
MARKETS = st.tuples(SPOTS, SPOTS, st.floats(0.01, 10), st.floats(-0.1, 0.3), st.floats(-0.1, 0.3), st.floats(0.02, 1))
ANY = st.tuples(
    st.floats(1e-9, 1e9),
    st.floats(1e-9, 1e9),
    st.sampled_from([0.0, 5e-324, 1e-300, 1e-9]) | st.floats(0, 100),
    st.floats(-0.5, 1),
    st.floats(-0.5, 1),
    st.sampled_from([0.0, 5e-324, 1e-300, 1e-9]) | st.floats(0, 10),
)


@given(MARKETS)
def test_put_and_call_are_at_parity(market: tuple[float, ...]) -> None:
    s, k, t, r, q, _ = market
    call, put = european(True, *market), european(False, *market)
    scale = s + k + s * math.exp(-q * t) + k * math.exp(-r * t)
    assert call.price - put.price == pytest.approx(s * math.exp(-q * t) - k * math.exp(-r * t), abs=1e-12 * scale)
    assert call.delta - put.delta == pytest.approx(math.exp(-q * t), rel=1e-12)
    assert (call.gamma, call.vega) == (put.gamma, put.vega)


@given(MARKETS, st.booleans())
def test_greeks_are_the_derivatives(market: tuple[float, ...], call: bool) -> None:
    s, k, t, _, _, v = market
    assume(abs(math.log(s / k)) < 3 * v * math.sqrt(t))  # where the differences say something
    price = european(call, *market)

    def slope(i: int, h: float) -> float:
        up, down = list(market), list(market)
        up[i] += h
        down[i] -= h
        return (european(call, *up).price - european(call, *down).price) / (2 * h)

    def close(value: float | None, difference: float, scale: float) -> bool:
        return value == pytest.approx(difference, rel=1e-4, abs=1e-6 * scale)

    scale = s + k
    assert close(price.delta, slope(0, 1e-5 * s), 1.0)
    assert close(price.theta, -slope(2, 1e-6 * t), scale / t)
    assert close(price.rho, slope(3, 1e-6), scale * t)
    assert close(price.vega, slope(5, 1e-6), scale * math.sqrt(t))
    h = 1e-3 * s * v * math.sqrt(t)
    up, down = european(call, s + h, *market[1:]).delta, european(call, s - h, *market[1:]).delta
    assert close(price.gamma, (up - down) / (2 * h), 1 / (s * v * math.sqrt(t)))


@given(ANY, st.booleans())
def test_nothing_is_ever_infinite_or_negative(market: tuple[float, ...], call: bool) -> None:
    s, k, t, r, q, _ = market
    priced = european(call, *market)
    for value in priced:
        assert value is None or math.isfinite(value)
        assert value is None or math.copysign(1, value) > 0 or value != 0, "never -0.0"
    most = (s * math.exp(-q * t)) if call else (k * math.exp(-r * t))
    assert 0 <= priced.price <= most * (1 + 1e-12)
    assert None not in (priced.price, priced.delta, priced.vega, priced.rho)


@given(MARKETS, st.floats(0.001, 1000), st.booleans())
def test_prices_scale_with_the_currency(market: tuple[float, ...], factor: float, call: bool) -> None:
    s, k, *rest = market
    one, other = european(call, *market), european(call, factor * s, factor * k, *rest)
    assert other.price == pytest.approx(factor * one.price, rel=1e-9, abs=1e-13 * factor * (s + k))


def test_no_volatility_is_the_forwards_intrinsic_value() -> None:
    """B77."""
    s, k, t, r, q = 100.0, 103.0, 1.0, 0.04, 0.01
    forward = s * math.exp(-q * t) - k * math.exp(-r * t)
    call, put = european(True, s, k, t, r, q, 0.0), european(False, s, k, t, r, q, 0.0)
    assert call.price == pytest.approx(forward, abs=1e-12)
    assert call.price == pytest.approx(0.0436, abs=1e-3)
    assert put.price == 0.0
    assert (call.gamma, call.vega, put.delta, put.theta, put.rho) == (0.0, 0.0, 0.0, 0.0, 0.0)
    assert european(True, s, k, t, r, q, 1e-6).price == pytest.approx(call.price, abs=1e-10)


@pytest.mark.parametrize("volatility", [0.0, 0.2])
@pytest.mark.parametrize("call", [True, False])
@pytest.mark.parametrize("spot", [90.0, 100.0, 110.0])
def test_no_time_is_the_payoff(spot: float, call: bool, volatility: float) -> None:
    """B78."""
    priced = european(call, spot, 100.0, 0.0, 0.05, 0.02, volatility)
    sign = 1 if call else -1
    assert priced.price == max(sign * (spot - 100.0), 0.0)
    assert (priced.vega, priced.rho) == (0.0, 0.0)
    if spot == 100.0:
        assert priced.gamma is None
        assert priced.delta == sign * 0.5
        assert (priced.theta is None) == (volatility > 0)
    else:
        inside = sign * (spot - 100.0) > 0
        assert priced.delta == (sign if inside else 0.0)
        assert priced.gamma == 0.0
        assert priced.theta == pytest.approx(sign * (0.02 * spot - 0.05 * 100.0) if inside else 0.0)
