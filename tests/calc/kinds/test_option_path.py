"""Averages, barriers and extremes: against closed forms, against each other, at their limits; errors and refusals."""

import json
import math
from typing import Any

import numpy as np
import pytest

from calc import execute
from calc.errors import CalcError, InvalidData
from calc.kinds import option_path_samples as samples
from calc.kinds import option_path_values as values
from calc.numerics import barrier, discrete_barrier, first_passage, lookback
from calc.numerics.barrier import Barrier
from calc.numerics.discrete_barrier import Watched

if "option_path" not in execute.kinds():
    execute.load("calc.kinds.option_path")

MARKET = {"spot": 100, "maturity": 1, "rate": 0.05, "dividend_yield": 0.02, "volatility": 0.2, "seed": 1}
ASIAN = {**MARKET, "style": "asian_arithmetic", "type": "call", "strike": 100, "fixings": 12, "paths": 8192}
OUT = {**MARKET, "style": "barrier_down_out", "type": "call", "strike": 100, "barrier": 90, "paths": 8192}
LOOKBACK = {**MARKET, "style": "lookback_floating", "type": "call", "paths": 8192}


def answer(data: dict[str, Any], **change: Any) -> dict[str, Any]:
    planned = execute.plan("option_path", json.dumps({**data, **change}).encode(), fresh_seed=5).data
    return json.loads(execute.execute("option_path", planned))


def faults(data: dict[str, Any], **change: Any) -> dict[str, str]:
    with pytest.raises(InvalidData) as caught:
        answer(data, **change)
    return {fault.path: fault.code for fault in caught.value.faults}


SIMULATED = [
    {**ASIAN, "style": "asian_geometric", "method": "rqmc", "past_fixings": 2, "running_average": 103},
    {**OUT, "method": "rqmc", "rebate": 3},
    {**OUT, "method": "rqmc", "fixings": 5, "monitoring": "continuous"},
    {**OUT, "method": "monte_carlo", "fixings": 5, "rebate": 3, "variance_reduction": "antithetic_control"},
    {**OUT, "method": "rqmc", "fixings": 7, "style": "barrier_up_in", "barrier": 115, "type": "put", "rebate": 2},
    {**OUT, "method": "monte_carlo", "style": "barrier_up_out", "barrier": 130, "variance_reduction": "none"},
    {**LOOKBACK, "method": "rqmc", "fixings": 3, "monitoring": "continuous", "running_minimum": 95},
    {**LOOKBACK, "method": "monte_carlo", "type": "put", "variance_reduction": "antithetic"},
    {**LOOKBACK, "method": "rqmc", "style": "lookback_fixed", "strike": 95, "running_maximum": 110},
    {**LOOKBACK, "method": "rqmc", "style": "lookback_fixed", "strike": 105, "type": "put"},
]


@pytest.mark.parametrize("data", SIMULATED, ids=lambda data: f"{data['style']}-{data['method']}")
def test_forty_seeds_cover_as_they_should(data: dict[str, Any]) -> None:
    """z = (price - exact price) / standard error: where one is wrong, r.m.s. or mean leave their range."""
    z = []
    for seed in range(40):
        found = answer(data, seed=seed, paths=2048)
        z.append((found["price"] - found["exact_price"]) / found["standard_error"]["price"])
    assert 0.6 < math.sqrt(np.mean(np.square(z))) < 1.5
    assert abs(np.mean(z)) < 0.7


def test_forty_seeds_of_an_average() -> None:
    exact, z = 6.15604142774, []  # AS-3
    for seed in range(40):
        found = answer(ASIAN, dividend_yield=0, seed=seed, paths=4096)
        z.append((found["price"] - exact) / found["standard_error"]["price"])
    assert 0.6 < math.sqrt(np.mean(np.square(z))) < 1.5


@pytest.mark.parametrize("reduction", ["none", "antithetic", "control", "antithetic_control"])
def test_every_reduction_estimates_the_same(reduction: str) -> None:
    best = answer(ASIAN, paths=131_072)
    found = answer(ASIAN, method="monte_carlo", variance_reduction=reduction)
    assert abs(found["price"] - best["price"]) < 4.5 * found["standard_error"]["price"]


def test_the_control_takes_nearly_all_of_the_error() -> None:
    plain = answer(ASIAN, method="monte_carlo", variance_reduction="none")["standard_error"]["price"]
    assert answer(ASIAN, method="monte_carlo")["standard_error"]["price"] < plain / 30
    assert answer(ASIAN)["standard_error"]["price"] < plain / 200


def test_more_dates_than_sobol_has_dimensions() -> None:
    """Of the arithmetic average of 400 dates, call less put is known."""
    call, put = (answer(ASIAN, fixings=400, paths=2048, type=kind) for kind in ("call", "put"))
    forwards = [100 * math.exp(0.03 * (i + 1) / 400) for i in range(400)]
    parity = math.exp(-0.05) * (math.fsum(forwards) / 400 - 100)
    error = math.hypot(call["standard_error"]["price"], put["standard_error"]["price"])
    assert abs(call["price"] - put["price"] - parity) < 5 * error + 1e-12


def test_an_average_of_the_past() -> None:
    """One date to come, or a strike that is exceeded already, is a closed form; else K' = (K N - past)/n."""
    last = answer(ASIAN, fixings=1, past_fixings=11, running_average=100)
    assert last["standard_error"] is None
    vanilla = answer(ASIAN, fixings=1)["price"]
    assert last["price"] == pytest.approx(vanilla / 12, rel=1e-12)
    sure = answer(ASIAN, past_fixings=12, running_average=250)
    forwards = [100 * math.exp(0.03 * (i + 1) / 12) for i in range(12)]
    paid = math.exp(-0.05) * ((250 * 12 + math.fsum(forwards)) / 24 - 100)
    assert sure["price"] == pytest.approx(paid, rel=1e-12)
    assert answer(ASIAN, past_fixings=12, running_average=250, type="put")["price"] == 0
    simulated = answer(ASIAN, past_fixings=12, running_average=250, method="rqmc")
    assert simulated["price"] == pytest.approx(paid, abs=5 * simulated["standard_error"]["price"])


def test_prices_scale_with_the_currency() -> None:
    for data in (ASIAN, OUT, {**OUT, "fixings": 12}, {**LOOKBACK, "running_minimum": 95}):
        scaled = {k: v * 7 for k, v in data.items() if k in ("spot", "strike", "barrier", "running_minimum")}
        assert answer(data, **scaled)["price"] == pytest.approx(7 * answer(data)["price"], rel=1e-9)


@pytest.mark.parametrize("kind", ["call", "put"])
@pytest.mark.parametrize(("side", "level"), [("down", 85), ("down", 99), ("up", 101), ("up", 120)])
@pytest.mark.parametrize("dates", [{}, {"fixings": 12}, {"fixing_times": [0.1, 0.5]}])
def test_in_and_out_are_the_vanilla_option(kind: str, side: str, level: float, dates: dict[str, Any]) -> None:
    out, knocked_in = (
        answer(OUT, type=kind, barrier=level, style=f"barrier_{side}_{way}", **dates) for way in ("out", "in")
    )
    assert out["price"] + knocked_in["price"] == pytest.approx(out["vanilla_price"], abs=1e-9)
    assert out["hit_probability"] == pytest.approx(knocked_in["hit_probability"], abs=1e-12)


@pytest.mark.parametrize("dates", [2, 5, 50, 252])
@pytest.mark.parametrize("kind", ["call", "put"])
def test_twice_the_nodes_change_nothing(dates: int, kind: str) -> None:
    option = Barrier(kind == "call", False, 100, 95, 112, 1.0, 0.03, 0.05, 0.35)
    times = np.arange(1, dates + 1) / dates
    found = discrete_barrier.watched(option, times)
    finer = discrete_barrier._with_nodes(option, times, 2 * discrete_barrier.nodes_for(option, times))
    assert found == pytest.approx(finer, abs=1e-10 * 100)


def test_dates_come_near_to_all_the_time() -> None:
    found = answer(OUT, fixings=252)
    assert found["continuous_price"] < found["price"] < found["vanilla_price"]
    assert found["shifted_price"] == pytest.approx(found["price"], rel=1e-3)
    watched = answer(OUT, fixings=252, monitoring="continuous")
    assert watched["price"] == found["continuous_price"]
    assert watched["discrete_price"] == pytest.approx(found["price"], abs=1e-12)


def test_a_barrier_that_was_hit() -> None:
    for change in ({"spot": 90}, {"spot": 80}, {"running_minimum": 89}):
        out = answer(OUT, rebate=3, **change)
        assert (out["price"], out["hit_probability"]) == (3.0, 1.0)
        knocked_in = answer(OUT, style="barrier_down_in", **change)
        assert knocked_in["price"] == knocked_in["vanilla_price"]
        assert [each["code"] for each in out["diagnostics"]["warnings"]] == ["barrier_already_hit"]
    assert answer(OUT, spot=80, fixings=4)["price"] > 0  # nobody looks before the first date
    assert answer(OUT, spot=80, fixing_times=[0, 0.5])["hit_probability"] == 1.0
    told = answer(OUT, spot=80, method="rqmc")["diagnostics"]["warnings"]
    assert [each["code"] for each in told] == ["barrier_already_hit", "not_simulated"]


@pytest.mark.parametrize("style", ["asian_arithmetic", "asian_geometric", "barrier_up_out", "lookback_fixed"])
@pytest.mark.parametrize("method", [None, "rqmc"])
@pytest.mark.parametrize("still", [{"volatility": 0}, {"maturity": 0}, {"volatility": 0, "rate": -0.1}])
def test_nothing_moves(style: str, method: str | None, still: dict[str, Any]) -> None:
    """The payoff of the one path there is, discounted; 1e-9 away from the limit as near."""
    data = {**MARKET, "style": style, "type": "call", "strike": 99, "method": method}
    data |= {"fixings": 4} if "asian" in style else {"barrier": 120} if "barrier" in style else {}
    found = answer(data, **still)
    assert found["standard_error"] is None
    term, rate = (0 if "maturity" in still else 1), still.get("rate", 0.05)
    path = [100 * math.exp((rate - 0.02) * term * i / 4) for i in range(5)]
    reached = {
        "asian_arithmetic": math.fsum(path[1:]) / 4,
        "asian_geometric": math.prod(path[1:]) ** 0.25,
        "barrier_up_out": path[-1],
        "lookback_fixed": max(path),
    }[style]
    assert found["price"] == pytest.approx(math.exp(-rate * term) * max(reached - 99, 0), rel=1e-12, abs=1e-12)
    near = answer({**data, "method": None}, **{k: v or 1e-9 for k, v in still.items()})
    assert near["price"] == pytest.approx(found["price"], abs=1e-3)


def test_a_still_path_hits_its_barrier_in_time() -> None:
    data = {**OUT, "volatility": 0, "style": "barrier_up_out", "barrier": 102, "strike": 90, "rebate": 3}
    after = math.log(1.02) / 0.03
    assert answer(data)["price"] == pytest.approx(3 * math.exp(-0.05 * after), rel=1e-12)
    assert answer(data, fixings=4)["price"] == pytest.approx(3 * math.exp(-0.05 * 0.75), rel=1e-12)
    assert answer(data, barrier=110)["price"] == answer(data, barrier=110)["vanilla_price"]


def test_lookbacks_are_worth_more_than_vanilla() -> None:
    for kind in ("call", "put"):
        fixed = answer(LOOKBACK, style="lookback_fixed", strike=103, type=kind)
        assert fixed["price"] > fixed["vanilla_price"]
        seen = answer(LOOKBACK, type=kind, fixings=12)
        assert seen["price"] < answer(LOOKBACK, type=kind)["price"]


def test_no_carry_is_no_gap() -> None:
    """Where b goes through 0 the lookback's formula gives way to an integral."""
    for function, level in ((lookback.above, 105.0), (lookback.below, 95.0)):
        near = [function(100, level, 1.0, 0.05, 0.05 - b, 0.2) for b in (-2.1e-6, -1.9e-6, 0.0, 1.9e-6, 2.1e-6)]
        assert near[2] == pytest.approx((near[1] + near[3]) / 2, abs=1e-9)
        assert near[1] + near[3] == pytest.approx(near[0] + near[4], abs=1e-9)


def test_a_rebate_where_rates_are_negative() -> None:
    """By parts where κ is not real, the formula elsewhere: both together are smooth."""
    values_of = [first_passage.discounted_hit(0.1, 0.0, 0.3, 2.0, rate) for rate in (-1e-6, 0.0, 1e-6)]
    assert values_of[0] + values_of[2] == pytest.approx(2 * values_of[1], abs=1e-10)
    assert values_of[0] > values_of[1] > values_of[2]
    assert first_passage._integrated(0.1, 0.02, 0.3, 2.0, 0.05) == pytest.approx(
        first_passage.discounted_hit(0.1, 0.02, 0.3, 2.0, 0.05), abs=1e-12
    )


def test_a_target_is_reached_and_stops() -> None:
    asked = {**ASIAN, "method": "monte_carlo", "paths": 20_000_000, "target_standard_error": 1e-3}
    found = answer(asked)
    assert found["standard_error"]["price"] <= 1e-3
    assert found["diagnostics"]["stopped_early"]
    assert found["diagnostics"]["paths"] < 10**6
    many = answer({**ASIAN, "paths": 10**7, "target_standard_error": 1e-5})
    assert many["standard_error"]["price"] <= 1e-5
    assert many["diagnostics"]["paths"] % 32 == 0


def test_what_is_refused() -> None:
    assert faults(ASIAN, fixings=None) == {"$.data.fixings": "missing"}
    assert faults(ASIAN, fixing_times=[1]) == {"$.data.fixings": "invalid"}
    assert faults(ASIAN, fixings=None, fixing_times=[0.5, 0.5, 2]) == {
        "$.data.fixing_times[1]": "not_ascending",
        "$.data.fixing_times[2]": "out_of_range",
    }
    assert faults(ASIAN, barrier=90, rebate=1, strike=None, monitoring="continuous") == {
        "$.data.monitoring": "invalid",
        "$.data.strike": "missing",
        "$.data.barrier": "invalid",
        "$.data.rebate": "invalid",
    }
    assert faults(OUT, barrier=None, maturity=None) == {"$.data.barrier": "missing", "$.data.maturity": "missing"}
    assert faults(OUT, monitoring="discrete") == {"$.data.fixings": "missing"}
    assert faults(OUT, running_maximum=120) == {"$.data.running_maximum": "invalid"}
    assert faults(ASIAN, running_average=100) == {"$.data.past_fixings": "missing"}
    assert faults(ASIAN, method="closed_form") == {"$.data.method": "invalid"}
    assert faults(LOOKBACK, method="quadrature") == {"$.data.method": "invalid"}
    assert faults(ASIAN, method="rqmc", variance_reduction="antithetic") == {"$.data.variance_reduction": "invalid"}
    assert faults(ASIAN, method="monte_carlo", variance_reduction="antithetic", paths=1001) == {
        "$.data.paths": "invalid"
    }
    assert faults(ASIAN, fixings=5000, paths=10**10) == {"$.data.paths": "too_large"}
    assert faults(LOOKBACK, strike=100) == {"$.data.strike": "invalid"}
    assert faults(OUT, rate=2, maturity=80) == {"$.data.rate": "out_of_range"}


def test_a_percentage_is_noticed() -> None:
    found = answer(OUT, volatility=9)
    assert [each["path"] for each in found["diagnostics"]["warnings"]] == ["$.data.volatility"]


def test_a_wrong_kernel_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each self-check fires where what it checks is broken."""
    term = barrier._term
    with monkeypatch.context() as broken:
        broken.setattr(barrier, "_term", lambda option, *which: 1.01 * term(option, *which))
        with pytest.raises(CalcError, match="knock_in_and_out") as caught:
            answer(OUT)
        assert caught.value.code == "internal_check_failed"
    with monkeypatch.context() as broken:
        broken.setattr(discrete_barrier, "watched", lambda option, times: Watched(99.0, 0.0, 0.5))
        with pytest.raises(CalcError, match="knock_out_below_vanilla"):
            answer(OUT, fixings=5)
    with monkeypatch.context() as broken:
        broken.setattr(samples.kernels, "asian_given_geometric", lambda x, *rest: x.fill(-1.0))
        with pytest.raises(CalcError, match="payoff_at_least_zero"):
            answer(ASIAN)
    with monkeypatch.context() as broken:
        broken.setattr(samples.kernels, "barrier", lambda x, y, *rest: x.fill(1.0))
        with pytest.raises(CalcError, match="knock_out_below_vanilla"):
            answer(OUT, method="rqmc")
    values.check_watched(Watched(1.0, 0.0, 0.0), 1.0, 100.0)


def test_the_estimate_of_its_cost_is_near() -> None:
    """Grows with the work as it should; its scale was measured."""
    costs = [
        execute.plan("option_path", json.dumps({**ASIAN, "paths": paths}).encode(), fresh_seed=1).cpu_s
        for paths in (2**17, 2**20)
    ]
    assert costs[1] / costs[0] == pytest.approx(8, rel=0.1)
