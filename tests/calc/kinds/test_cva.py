"""CVA and exposures: against quadrature and formulas, honest errors, order, limits, refusals, self-checks."""

import json
import math
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from calc import execute
from calc.errors import CalcError, InvalidData
from calc.kinds import cva, cva_setting
from calc.numerics import exposure, hull_white, profiles
from calc.numerics.hull_white import HullWhite

PAYER = {"notional": 100, "fixed_rate": 0.03, "side": "pay", "end": 5, "frequency": 2}
RECEIVER = {"notional": 60, "fixed_rate": 0.025, "side": "receive", "start": 1, "end": 4}
CALL = {"type": "call", "spot": 100, "strike": 105, "maturity": 2, "volatility": 0.25, "quantity": 0.2}
PUT = {"type": "put", "spot": 50, "strike": 50, "maturity": 1, "volatility": 0.3, "quantity": -0.1, "underlying": "B"}
BOOK = {
    "netting_set": {"swaps": [PAYER, RECEIVER], "options": [CALL, PUT]},
    "rate": 0.03,
    "mean_reversion": 0.05,
    "volatility": 0.01,
    "hazard_rate": 0.02,
    "lgd": 0.6,
    "own_hazard_rate": 0.01,
    "dates": 10,
    "paths": 8000,
    "seed": 1,
}


def planned(data: dict[str, Any]) -> execute.Planned:
    return execute.plan("cva", json.dumps(data).encode(), fresh_seed=5)


def answer(**change: Any) -> dict[str, Any]:
    data = {name: value for name, value in {**BOOK, **change}.items() if value is not None}
    return json.loads(execute.execute("cva", planned(data).data))


def swaps(*each: dict[str, Any]) -> dict[str, Any]:
    return {"swaps": list(each)}


def bond(t: float, s: Any, y: Any, a: float = 0.05, vol: float = 0.01, rate: float = 0.03) -> Any:
    """P(t, s) at the rate's factor y, forward to t, by the textbook formula."""
    b = (1 - np.exp(-a * (s - t))) / a
    return np.exp(-rate * (s - t) - b * y - 0.5 * b * b * vol * vol * (1 - math.exp(-2 * a * t)) / (2 * a))


def gauss(n: int) -> tuple[Any, Any]:
    """Nodes and weights of the standard normal law: the trapezoidal rule, exact for what is smooth."""
    z = np.linspace(-9, 9, n)
    return z, (z[1] - z[0]) * np.exp(-0.5 * z * z) / math.sqrt(2 * math.pi)


def deviation(t: float, a: float = 0.05, vol: float = 0.01) -> float:
    return vol * math.sqrt((1 - math.exp(-2 * a * t)) / (2 * a))


def test_exposure_of_two_swaps_by_quadrature() -> None:
    """Restarting legs: the value is a function of one normal."""
    z, weight = gauss(40_001)
    found = answer(netting_set=swaps(PAYER, RECEIVER), floating="restarting", dates=[1.25, 2.75, 4.5], paths=40_000)
    for i, t in enumerate([1.25, 2.75, 4.5]):
        y = deviation(t) * z
        value = 100 * (1 - bond(t, 5.0, y)) - sum(1.5 * bond(t, s, y) for s in np.arange(0.5, 5.1, 0.5) if s > t)
        if t < 4:
            value = value - 60 * (1 - bond(t, 4.0, y)) + sum(1.5 * bond(t, s, y) for s in (2.0, 3.0, 4.0) if s > t)
        epe, ene = weight @ np.maximum(value, 0), weight @ np.maximum(-value, 0)
        assert abs(found["epe"][i] - epe) < 4 * found["standard_error"]["epe"][i]
        assert abs(found["ene"][i] - ene) < 4 * found["standard_error"]["ene"][i]
        order = np.argsort(value)
        quantile = value[order][np.searchsorted(np.cumsum(weight[order]), 0.95)]
        assert abs(found["pfe"][i] - quantile) < 4 * found["standard_error"]["pfe"][i] + 0.01


def test_a_coupon_fixed_in_advance_by_quadrature() -> None:
    """Between resets the value hangs on y at the reset and now: two normals, under the law forward to now."""
    a, reset, t, end = 0.05, 2.0, 2.6, 3.0
    found = answer(netting_set=swaps({**PAYER, "frequency": 1, "end": 3}), dates=[t], paths=100_000)
    z, weight = gauss(1001)
    now = deviation(t) * z[:, np.newaxis]
    decay = math.exp(-a * (t - reset))
    share = decay * deviation(reset) ** 2 / deviation(t) ** 2
    rest = math.sqrt(deviation(reset) ** 2 - share**2 * deviation(t) ** 2)
    b = (1 - math.exp(-a * (t - reset))) / a
    then = share * now + rest * z[np.newaxis, :] - b * deviation(reset) ** 2
    value = 100 * (1 / bond(reset, end, then) - 1 - 0.03) * bond(t, end, now)
    epe = weight @ np.maximum(value, 0) @ weight
    assert abs(found["epe"][0] - epe) < 4 * found["standard_error"]["epe"][0] + 1e-6


def test_options_alone_have_a_closed_form() -> None:
    """Hull and White (1995): bought options, so CVA is lgd × P(default) × their value."""
    found = answer(netting_set={"options": [CALL]}, dates=8)
    exact = 0.6 * -math.expm1(-0.02 * 2) * found["value"]
    assert found["cva"] == pytest.approx(exact, rel=1e-12)
    assert found["cva_closed_form"] == pytest.approx(exact, rel=1e-12)
    sold = answer(netting_set={"options": [{**CALL, "quantity": -1}]})
    assert (sold["cva"], sold["cva_closed_form"]) == (pytest.approx(0, abs=1e-14), 0)
    assert sold["dva"] > 0


@pytest.mark.parametrize("side", ["pay", "receive"])
@pytest.mark.parametrize(("start", "end"), [(0, 5), (2, 6), (0, 3.3)])
def test_the_strip_is_what_simulation_finds(side: str, start: float, end: float) -> None:
    swap = {**PAYER, "side": side, "start": start, "end": end}
    plain = answer(netting_set=swaps(swap), floating="restarting", variance_reduction="none", paths=100_000)
    assert abs(plain["cva"] - plain["cva_closed_form"]) < 4 * plain["standard_error"]["cva"]
    known = answer(netting_set=swaps(swap), floating="restarting")
    assert known["cva"] == pytest.approx(known["cva_closed_form"], rel=1e-9)


def test_errors_are_honest() -> None:
    """Over seeds, around a long run's answer."""
    long = answer(paths=1_000_000, seed=10**6)
    for name in ("cva", "dva"):
        scores = []
        for seed in range(40):
            found = answer(paths=1000, seed=seed)
            scores.append((found[name] - long[name]) / found["standard_error"][name])
        assert 0.6 < math.sqrt(sum(score * score for score in scores) / 40) < 1.5
    found = [answer(paths=4000, seed=seed) for seed in range(40)]
    for name in ("epe", "pfe"):
        scores = [(each[name][3] - long[name][3]) / each["standard_error"][name][3] for each in found]
        assert 0.5 < math.sqrt(sum(score * score for score in scores) / 40) < 1.5


@pytest.mark.parametrize("reduction", ["none", "antithetic", "control", "antithetic_control"])
def test_reductions_agree(reduction: str) -> None:
    long = answer(paths=400_000, seed=10**6)
    found = answer(variance_reduction=reduction, paths=20_000)
    for name in ("cva", "dva"):
        error = math.hypot(found["standard_error"][name], long["standard_error"][name])
        assert abs(found[name] - long[name]) < 4 * error
    if reduction == "antithetic_control":
        plain = answer(variance_reduction="none", paths=20_000)
        assert found["standard_error"]["cva"] < 0.5 * plain["standard_error"]["cva"]


def test_cva_is_the_sum_over_its_profile() -> None:
    found = answer()
    times = [0.0, *found["exposure_dates"]]
    cva_, dva = 0.0, 0.0
    for i, (before, t) in enumerate(pairwise(times)):
        step = t - before
        discount = math.exp(-0.03 * t)
        cva_ += 0.6 * discount * found["epe"][i] * math.exp(-0.02 * before) * -math.expm1(-0.02 * step)
        dva += 0.6 * discount * found["ene"][i] * math.exp(-0.01 * before) * -math.expm1(-0.01 * step)
    assert found["cva"] == pytest.approx(cva_, rel=1e-10)
    assert found["dva"] == pytest.approx(dva, rel=1e-10)


def test_the_order_of_trades_does_not_matter() -> None:
    """To the last bit (OpenSourceRisk/Engine#359)."""
    book = {"swaps": [PAYER, RECEIVER, {**PAYER, "fixed_rate": 0.031}], "options": [CALL, PUT]}
    turned = {name: trades[::-1] for name, trades in book.items()}
    assert answer(netting_set=book) == answer(netting_set=turned)


def test_both_sides_mirror_each_other() -> None:
    ours = answer(netting_set=swaps(PAYER), own_hazard_rate=0.02)
    theirs = answer(netting_set=swaps({**PAYER, "side": "receive"}), own_hazard_rate=0.02)
    error = 4 * math.hypot(ours["standard_error"]["cva"], theirs["standard_error"]["dva"])
    assert abs(ours["cva"] - theirs["dva"]) < error + 1e-9
    assert ours["value"] == pytest.approx(-theirs["value"], rel=1e-12)


def test_trades_that_cancel_have_no_exposure() -> None:
    found = answer(netting_set=swaps(PAYER, {**PAYER, "side": "receive"}))
    assert (found["cva"], found["dva"], found["value"]) == (0, 0, 0)


def test_netting_helps() -> None:
    together = answer(netting_set=swaps(PAYER, RECEIVER), own_hazard_rate=None)
    apart = [answer(netting_set=swaps(each), own_hazard_rate=None)["cva"] for each in (PAYER, RECEIVER)]
    assert together["cva"] < sum(apart)
    assert together["dva"] is None


def test_cva_scales_with_notional_and_lgd() -> None:
    base = answer(netting_set=swaps(PAYER))
    assert answer(netting_set=swaps({**PAYER, "notional": 1000}))["cva"] == pytest.approx(10 * base["cva"], rel=1e-9)
    assert answer(netting_set=swaps(PAYER), lgd=0.3)["cva"] == pytest.approx(base["cva"] / 2, rel=1e-9)
    assert answer(lgd=0)["cva"] == 0
    assert answer(hazard_rate=0)["cva"] == 0


def test_hazard_rates_by_date_and_spreads() -> None:
    base = answer(dates=[1, 2, 5])
    assert answer(dates=[1, 2, 5], hazard_rate=[0.02, 0.02, 0.02])["cva"] == base["cva"]
    assert answer(dates=[1, 2, 5], hazard_rate=None, spread=0.012)["cva"] == pytest.approx(base["cva"], rel=1e-12)
    late = answer(dates=[1, 2, 5], hazard_rate=[0, 0, 0.02])
    weight = 0.6 * math.exp(-0.15) * -math.expm1(-0.06)
    assert late["cva"] == pytest.approx(weight * base["epe"][2], rel=1e-10)


def test_a_curve_that_is_flat_is_a_rate() -> None:
    curve = {"times": [1, 5], "zero_rates": [0.03, 0.03]}
    assert answer(rate=None, curve=curve)["cva"] == pytest.approx(answer()["cva"], rel=1e-12)
    steep = answer(rate=None, curve={"times": [1, 5], "zero_rates": [0.01, 0.05]}, netting_set=swaps(PAYER))
    assert steep["value"] > answer(netting_set=swaps(PAYER))["value"]


@pytest.mark.parametrize(
    "change",
    [
        {"volatility": 0},
        {"mean_reversion": 0},
        {"mean_reversion": 5},
        {"mean_reversion": -0.2},
        {"dates": [1, 4, 9]},
        {"dates": 1},
        {"exposure_at": "midpoint"},
        {"pfe_confidence": 0.999},
        {"pfe_confidence": 0.5},
        {"netting_set": swaps({**PAYER, "fixed_rate": -0.01})},
        {"netting_set": swaps({**PAYER, "fixed_rate": 0})},
        {"netting_set": {"options": [{**CALL, "volatility": 0}]}},
        {"netting_set": swaps({**PAYER, "end": 0.1})},
        {"paths": 1000, "dates": 100, "netting_set": swaps({**PAYER, "end": 100, "frequency": 12})},
    ],
)
def test_limits_have_an_answer(change: dict[str, Any]) -> None:
    found = answer(**change)
    size = 1e-9 * 100
    assert found["cva"] >= -4 * found["standard_error"]["cva"] - size
    assert all(
        value >= -4 * error - size for value, error in zip(found["epe"], found["standard_error"]["epe"], strict=True)
    )
    assert all(value >= 0 for value in found["pfe"])


def test_without_volatility_the_exposure_is_the_forward_value() -> None:
    found = answer(volatility=0, netting_set=swaps({**PAYER, "fixed_rate": 0.02}), dates=[1, 2])
    forward = 100 * (1 - math.exp(-0.12)) - sum(math.exp(-0.03 * (s - 1)) for s in np.arange(1.5, 5.1, 0.5))
    assert found["epe"][0] == pytest.approx(forward, rel=1e-12)
    assert found["pfe"][0] == pytest.approx(forward, rel=1e-12)
    assert found["standard_error"]["cva"] == pytest.approx(0, abs=1e-12)


def test_a_target_stops_early_and_is_met() -> None:
    found = answer(paths=10**8, target_standard_error=0.0005)
    assert found["standard_error"]["cva"] <= 0.0005
    assert found["diagnostics"]["stopped_early"]


def test_more_paths_make_more_parts() -> None:
    assert planned(BOOK).parts == 1
    assert 10 < planned({**BOOK, "paths": 10**9}).parts < 100_000
    assert planned({**BOOK, "paths": 10**8}).cpu_s > 10 * planned({**BOOK, "paths": 10**6}).cpu_s


@pytest.mark.parametrize(
    ("change", "paths"),
    [
        ({"netting_set": {}}, ["$.data.netting_set"]),
        ({"netting_set": swaps({**PAYER, "start": 5})}, ["$.data.netting_set.swaps[0].end"]),
        ({"netting_set": swaps({**PAYER, "side": "long"})}, ["$.data.netting_set.swaps[0].side"]),
        ({"curve": {"times": [1], "zero_rates": [0.03]}}, ["$.data.rate"]),
        ({"rate": None}, ["$.data.rate"]),
        ({"rate": None, "curve": {"times": [1, 2], "zero_rates": [0.03]}}, ["$.data.curve.zero_rates"]),
        ({"rate": None, "curve": {"times": [2, 1], "zero_rates": [0.03, 0.03]}}, ["$.data.curve.times[1]"]),
        ({"spread": 0.01}, ["$.data.hazard_rate"]),
        ({"hazard_rate": [0.01, 0.02]}, ["$.data.hazard_rate"]),
        ({"hazard_rate": None, "spread": 0.01, "lgd": 0}, ["$.data.lgd"]),
        ({"dates": [1, 1]}, ["$.data.dates[1]"]),
        ({"paths": 1001, "dates": [2, 1]}, ["$.data.dates[1]", "$.data.paths"]),
        ({"netting_set": swaps(*[{**PAYER, "end": 100, "frequency": 12}] * 200)}, ["$.data.netting_set.swaps"]),
        (
            {"netting_set": swaps({**PAYER, "end": 100, "frequency": 12}), "dates": 1000},
            ["$.data.dates"],
        ),
        ({"paths": 10**9, "dates": 100}, ["$.data.paths"]),
    ],
)
def test_what_is_refused(change: dict[str, Any], paths: list[str]) -> None:
    with pytest.raises(InvalidData) as refused:
        answer(**change)
    assert [fault.path for fault in refused.value.faults] == paths


@pytest.mark.parametrize(
    ("reversion", "floating", "trade"),
    [(0.05, "restarting", PAYER), (-0.2, "in_advance", PAYER), (0.0, "in_advance", {**PAYER, "start": 4})],
)
def test_the_wildest_rate_that_is_taken(reversion: float, floating: str, trade: dict[str, Any]) -> None:
    """What is told as the largest volatility works, and agrees with the swaption strip; a little more is refused."""
    book = {"netting_set": swaps(trade), "mean_reversion": reversion, "floating": floating, "dates": 5, "paths": 20_000}
    with pytest.raises(InvalidData) as refused:
        answer(**book, volatility=1.0)
    (fault,) = refused.value.faults
    assert (fault.path, fault.value, fault.code) == ("$.data.volatility", 1.0, "out_of_range")
    most = float(fault.allowed.split()[2])
    with pytest.raises(InvalidData, match="volatility"):
        answer(**book, volatility=1.00001 * most)
    plain = answer(**book, volatility=0.99999 * most, variance_reduction="none")
    exact = answer(**book, volatility=0.99999 * most)
    assert abs(plain["cva"] - (exact["cva_closed_form"] or exact["cva"])) < 5 * plain["standard_error"]["cva"]
    assert plain["diagnostics"]["martingale"] < 6


def test_warnings() -> None:
    codes = [each["code"] for each in answer(volatility=0.2, mean_reversion=-0.1)["diagnostics"]["warnings"]]
    assert codes == ["looks_like_percent", "mean_reversion_negative"]


def test_schedule_puts_a_short_period_first() -> None:
    assert exposure.schedule(exposure.Swap(1, 0.03, 0.0, 1.25, 2)) == [0.0, 0.25, 0.75, 1.25]
    assert exposure.schedule(exposure.Swap(1, 0.03, 1.0, 2.0, 2)) == [1.0, 1.5, 2.0]
    assert exposure.schedule(exposure.Swap(1, 0.03, 0.0, 0.1, 1)) == [0.0, 0.1]


@pytest.mark.parametrize("reversion", [0.0, 1e-9, 1e-6, 0.05, -0.1])
def test_hull_white_near_no_reversion(reversion: float) -> None:
    model = HullWhite(reversion, 0.01)
    exact = 3.0 if abs(reversion) < 1e-8 else (1 - math.exp(-3 * reversion)) / reversion
    assert model.duration(3.0) == pytest.approx(exact, rel=1e-8)


def test_option_on_flows_is_put_call_parity() -> None:
    """Payer less receiver is the forward swap."""
    model, flows = HullWhite(0.05, 0.01), [(3.0, -0.04), (4.0, -1.04)]
    payer = hull_white.option_on_flows(model, lambda t: math.exp(-0.04 * t), 2.0, (2.0, 1.0), flows)
    turned = [(time, -amount) for time, amount in flows]
    receiver = hull_white.option_on_flows(model, lambda t: math.exp(-0.04 * t), 2.0, (2.0, -1.0), turned)
    forward = math.exp(-0.08) - 0.04 * math.exp(-0.12) - 1.04 * math.exp(-0.16)
    assert payer - receiver == pytest.approx(forward, abs=1e-14)


def test_quantile_of_counts() -> None:
    counts = np.zeros(profiles.BINS + 2, dtype=np.int64)
    counts[0], counts[1:-1], counts[-1] = 500, 10, 500
    value, error = profiles.quantile(counts, 2.0, 64.0, 0.5)
    assert value == pytest.approx(3.0)
    assert error > 0
    counts[0] = 10**6
    with pytest.raises(ValueError, match="window"):
        profiles.quantile(counts, 2.0, 64.0, 0.5)


# The self-checks fire when a kernel goes wrong.


def test_a_drift_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    good = cva_setting._tile

    def drifting(*arguments: Any) -> Any:
        values, controls = good(*arguments)
        return values + 0.5, controls

    monkeypatch.setattr(cva_setting, "_tile", drifting)
    with pytest.raises(CalcError, match="martingale") as failed:
        answer(seed=123)
    assert failed.value.code == "internal_check_failed"


def test_an_exposure_below_zero_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    good = cva_setting._strip

    def wrong(*arguments: Any) -> Any:
        strip = good(*arguments)
        return strip if strip is None else strip - 50.0

    monkeypatch.setattr(cva_setting, "_strip", wrong)
    with pytest.raises(CalcError, match="exposure_above_zero"):
        answer(netting_set=swaps(PAYER), floating="restarting", seed=124)


def test_a_quantile_outside_of_its_window_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(profiles, "_window", lambda *arguments: (1e6, 2e6))
    with pytest.raises(CalcError, match="pfe_window"):
        answer(seed=125)


def test_the_module_is_the_kind() -> None:
    assert execute.find("cva") is cva
