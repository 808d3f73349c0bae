"""Early exercise: prices against each other and against closed forms, honest errors, limits, refusals, self-checks."""

import json
import math
from typing import Any

import numpy as np
import pytest

from calc import execute
from calc.errors import CalcError, InvalidData
from calc.kinds import option_american, option_american_bounds
from calc.kinds.option_american_terms import MAX_POLICY_STEPS
from calc.numerics import american, early_exercise

PUT = {
    "type": "put",
    "spot": 36,
    "strike": 40,
    "maturity": 1,
    "rate": 0.06,
    "volatility": 0.2,
    "exercise_dates": 10,
    "paths": 8000,
    "policy_paths": 4096,
    "seed": 1,
}
MAX_CALL = {
    "style": "max_call",
    "spots": [90, 90],
    "strike": 100,
    "maturity": 3,
    "rate": 0.05,
    "dividend_yields": [0.1, 0.1],
    "volatilities": [0.2, 0.2],
    "correlation": 0,
    "exercise_dates": 9,
    "paths": 8000,
    "policy_paths": 8192,
    "seed": 1,
}


def planned(data: dict[str, Any]) -> execute.Planned:
    return execute.plan("option_american", json.dumps(data).encode(), fresh_seed=5)


def answer(base: dict[str, Any] | None = None, **change: Any) -> dict[str, Any]:
    data = {**(base or PUT), **change}
    whole = planned({name: value for name, value in data.items() if value is not None})
    return json.loads(execute.execute("option_american", whole.data))


def lattice(put: bool, dates: int, steps: int = 4000, **market: float) -> float:
    """The price on a binomial lattice with exercise at `dates` equal dates, the mean of two neighbouring sizes."""
    found = []
    for n in (steps, steps + dates):
        dt = market["maturity"] / n
        up = math.exp(market["volatility"] * math.sqrt(dt))
        p = (math.exp((market["rate"] - market.get("dividend_yield", 0.0)) * dt) - 1 / up) / (up - 1 / up)
        discount = math.exp(-market["rate"] * dt)
        sign = -1 if put else 1
        prices = market["spot"] * up ** np.arange(-n, n + 1, 2.0)
        value = np.maximum(sign * (prices - market["strike"]), 0)
        for step in range(n - 1, -1, -1):
            value = discount * (p * value[1:] + (1 - p) * value[:-1])
            if step and step % (n // dates) == 0:
                prices = market["spot"] * up ** np.arange(-step, step + 1, 2.0)
                value = np.maximum(value, sign * (prices - market["strike"]))
        found.append(float(value[0]))
    return sum(found) / 2


@pytest.mark.parametrize("reduction", ["none", "antithetic", "control", "antithetic_control"])
def test_the_price_is_within_its_error_and_low(reduction: str) -> None:
    exact = lattice(True, 10, spot=36, strike=40, maturity=1, rate=0.06, volatility=0.2)
    for seed in range(5):
        found = answer(variance_reduction=reduction, seed=seed)
        error = found["standard_error"]["price"]
        assert -0.005 * exact - 4 * error < found["price"] - exact < 4 * error + 1e-3 * exact


@pytest.mark.parametrize("reduction", ["none", "antithetic_control"])
def test_errors_are_honest(reduction: str) -> None:
    """The policy is fixed, the pricing paths are fresh: scores around the policy's own mean have a deviation of 1.

    The mean is that of a long run; policies differ between seeds by much less than the errors of so few paths.
    """
    exact = lattice(True, 10, spot=36, strike=40, maturity=1, rate=0.06, volatility=0.2)
    scores = []
    for seed in range(40):
        found = answer(variance_reduction=reduction, paths=1000, policy_paths=32768, seed=seed)
        scores.append((found["price"] - exact) / found["standard_error"]["price"])
    assert 0.6 < math.sqrt(sum(score * score for score in scores) / 40) < 1.5
    assert abs(sum(scores)) / 40 < 4 / math.sqrt(40)


def test_a_wrong_price_would_be_caught() -> None:
    exact = lattice(True, 10, spot=36, strike=40, maturity=1, rate=0.06, volatility=0.2)
    found = answer(dividend_yield=0.01)
    assert abs(found["price"] - exact) > 10 * found["standard_error"]["price"]


@pytest.mark.parametrize(
    "market",
    [
        {"rate": 0.05, "dividend_yield": 0.08, "type": "call"},
        {"rate": -0.01, "dividend_yield": 0.03, "type": "call"},
        {"rate": -0.01, "dividend_yield": -0.04, "type": "put"},
        {"rate": 0.0, "dividend_yield": -0.05, "type": "put"},
        {"rate": -0.05, "dividend_yield": -0.01, "type": "call"},
    ],
)
def test_other_exercise_regions(market: dict[str, Any]) -> None:
    """Calls, negative rates, and the two boundaries of a put with dividend yield below a negative rate."""
    numbers = {"spot": 40.0, "strike": 40.0, "maturity": 1.0, "volatility": 0.2, **market}
    put = numbers.pop("type") == "put"
    exact = lattice(put, 10, **numbers)
    found = answer(**{**market, "spot": 40, "paths": 40_000, "policy_paths": 16_384})
    error = found["standard_error"]["price"]
    assert -0.005 * exact - 4 * error < found["price"] - exact < 4 * error + 1e-3 * exact
    assert found["price"] > found["european"] - 4 * error


@pytest.mark.parametrize("kind", ["put", "call"])
@pytest.mark.parametrize(("rate", "dividend_yield"), [(0.06, 0.0), (0.03, 0.07), (0.05, 0.05), (0.0, -0.02)])
def test_any_time_is_the_limit_of_many_dates(kind: str, rate: float, dividend_yield: float) -> None:
    market = {"spot": 38.0, "strike": 40.0, "maturity": 1.0, "volatility": 0.3}
    found = answer(type=kind, rate=rate, dividend_yield=dividend_yield, exercise_dates=None, **market)
    exact = lattice(kind == "put", 2000, 2000, rate=rate, dividend_yield=dividend_yield, **market)
    assert found["price"] == pytest.approx(exact, abs=2e-3)
    assert found["price"] >= found["european"] - 1e-12
    assert found["standard_error"] is None
    assert found["price"] == found["american"]


def test_a_call_is_a_put_seen_from_the_share() -> None:
    call = answer(type="call", spot=40, strike=36, rate=0.02, dividend_yield=0.06, exercise_dates=None)
    put = answer(type="put", spot=36, strike=40, rate=0.06, dividend_yield=0.02, exercise_dates=None)
    assert call["price"] == pytest.approx(put["price"], rel=1e-13)
    dated = {"exercise_dates": 10, "variance_reduction": "none", "paths": 20_000}
    one = answer(type="call", spot=40, strike=36, rate=0.02, dividend_yield=0.06, **dated)
    assert one["price"] == pytest.approx(
        answer(type="put", spot=36, strike=40, rate=0.06, dividend_yield=0.02, **dated)["price"], rel=1e-12
    )


def test_price_scales_with_spot_and_strike() -> None:
    assert answer(spot=3600, strike=4000)["price"] == pytest.approx(100 * answer()["price"], rel=1e-10)
    times_ten = answer(MAX_CALL, spots=[900, 900], strike=1000)
    assert times_ten["price"] == pytest.approx(10 * answer(MAX_CALL)["price"], rel=1e-10)


def test_exercise_probability_of_a_call_is_risk_neutral() -> None:
    """With one paying date before maturity the call is exercised where it ends in the money, or earlier."""
    market = {"type": "call", "spot": 40, "strike": 40, "rate": 0.05, "dividend_yield": 0.001, "paths": 100_000}
    found = answer(exercise_dates=2, **market)
    d2 = (0.05 - 0.001 - 0.02) / 0.2
    ends_in_the_money = 0.5 * math.erfc(-d2 / math.sqrt(2))
    error = found["standard_error"]["exercise_probability"]
    assert abs(found["exercise_probability"] - ends_in_the_money) < 4 * error + 0.002
    assert 0.5 <= found["mean_exercise_time"] <= 1


def test_the_upper_bound_is_above() -> None:
    for base in (PUT, MAX_CALL):
        found = answer(base, upper_bound=True, outer_paths=128, inner_paths=64)
        assert found["gap"] == found["upper"] - found["price"]
        assert found["gap"] > -4 * found["standard_error"]["gap"]
        assert found["gap"] < 0.03 * found["price"]
    exact = lattice(True, 10, spot=36, strike=40, maturity=1, rate=0.06, volatility=0.2)
    found = answer(upper_bound=True)
    assert found["upper"] > exact - 4 * found["standard_error"]["upper"]
    assert found["upper"] < 1.005 * exact + 4 * found["standard_error"]["upper"]


@pytest.mark.parametrize(("strike", "code"), [(300, "no_gains"), (150, "few_gains"), (100, None)])
def test_an_upper_bound_that_no_path_has_seen_is_none(strike: float, code: str | None) -> None:
    found = answer(
        MAX_CALL, maturity=1, strike=strike, exercise_dates=3, upper_bound=True, outer_paths=64, inner_paths=16
    )
    cautions = [each for each in found["diagnostics"]["warnings"] if each["code"] in ("no_gains", "few_gains")]
    assert [each["code"] for each in cautions] == ([code] if code else [])
    assert all(each["path"] == "$.data.outer_paths" for each in cautions)
    none = code == "no_gains"
    assert (found["upper"] is None, found["gap"] is None) == (none, none)
    assert ("upper" in found["standard_error"], "gap" in found["interval_95"]) == (not none, not none)
    assert found["price"] > 0


def test_max_call_does_not_mind_the_order_of_assets() -> None:
    one = answer(MAX_CALL, spots=[90, 100], volatilities=[0.2, 0.3], dividend_yields=[0.1, 0.05])
    other = answer(MAX_CALL, spots=[100, 90], volatilities=[0.3, 0.2], dividend_yields=[0.05, 0.1])
    error = math.hypot(one["standard_error"]["price"], other["standard_error"]["price"])
    assert abs(one["price"] - other["price"]) < 4 * error


@pytest.mark.parametrize(("assets", "published"), [(3, 11.29), (5, 16.64)])
def test_max_call_on_more_assets(assets: int, published: float) -> None:
    """Andersen and Broadie (2004), table 2."""
    lists = {"spots": [90] * assets, "volatilities": [0.2] * assets, "dividend_yields": [0.1] * assets}
    found = answer(MAX_CALL, **lists, paths=100_000, policy_paths=32_768)
    error = found["standard_error"]["price"]
    assert -0.0075 * published - 4 * error < found["price"] - published < 4 * error + 0.01


def test_max_call_of_assets_that_are_one() -> None:
    """Correlation 1, all the same: a plain call on one of them."""
    together = answer(MAX_CALL, correlation=1, paths=40_000, policy_paths=32_768)
    one = answer(
        PUT, type="call", spot=90, strike=100, maturity=3, rate=0.05, dividend_yield=0.1, exercise_dates=9, paths=40_000
    )
    error = math.hypot(together["standard_error"]["price"], one["standard_error"]["price"])
    assert abs(together["price"] - one["price"]) < 4 * error + 0.005 * one["price"]


def test_without_dividends_waiting_is_right() -> None:
    call = answer(type="call")
    assert call["price"] == call["european"] == call["american"]
    assert (call["diagnostics"]["method"], call["standard_error"]) == ("closed_form", None)
    assert answer(MAX_CALL, dividend_yields=None)["mean_exercise_time"] == pytest.approx(3)


def test_one_date_is_european() -> None:
    found = answer(exercise_dates=1)
    assert found["price"] == found["european"]
    assert answer(exercise_dates=[1.0])["price"] == found["price"]


@pytest.mark.parametrize(
    ("change", "price", "when"),
    [
        ({"maturity": 0}, 4, 0),
        ({"maturity": 0, "spot": 41}, 0, None),
        ({"volatility": 0, "exercise_dates": None}, 4, 0),
        ({"volatility": 0, "exercise_dates": 4}, 40 * math.exp(-0.06 * 0.25) - 36, 0.25),
        ({"volatility": 0, "rate": 0.02, "dividend_yield": 0.08}, 40 * math.exp(-0.02) - 36 * math.exp(-0.08), 1),
    ],
)
def test_nothing_random_is_exact(change: dict[str, Any], price: float, when: float | None) -> None:
    found = answer(**change)
    assert found["price"] == pytest.approx(price, abs=1e-12)
    assert found["mean_exercise_time"] == when
    assert found["standard_error"] is None
    assert found["diagnostics"]["method"] == "deterministic"


def test_almost_nothing_random() -> None:
    assert answer(volatility=1e-6)["price"] == pytest.approx(40 * math.exp(-0.006) - 36, rel=1e-6)
    assert answer(volatility=10, maturity=100)["price"] > 0
    assert answer(volatility=5e-324)["price"] == pytest.approx(40 * math.exp(-0.006) - 36, rel=1e-6)


def test_max_call_without_volatility() -> None:
    assert answer(MAX_CALL, volatilities=[0, 0], maturity=0, spots=[120, 90])["price"] == pytest.approx(20)
    still = answer(MAX_CALL, volatilities=[0, 0], spots=[120, 90], exercise_dates=[0, 1, 3])
    assert (still["price"], still["diagnostics"]["exercise_now"]) == (pytest.approx(20), True)


def test_exercise_now() -> None:
    deep = answer(spot=20, exercise_dates=[0, 0.5, 1], upper_bound=True, outer_paths=64)
    assert deep["price"] == pytest.approx(20)
    assert deep["diagnostics"]["exercise_now"]
    assert (deep["exercise_probability"], deep["mean_exercise_time"]) == (1, 0)
    assert not answer(spot=39, exercise_dates=[0, 0.5, 1])["diagnostics"]["exercise_now"]
    assert answer(spot=20, exercise_dates=None)["price"] == pytest.approx(20)


def test_far_out_of_the_money_the_control_takes_over() -> None:
    found = answer(spot=200)
    assert found["price"] == pytest.approx(found["european"], rel=0.05)


def test_a_target_stops_early_and_is_met() -> None:
    found = answer(paths=10**9, target_standard_error=0.001)
    assert found["standard_error"]["price"] <= 0.001
    assert found["diagnostics"]["stopped_early"]
    assert found["diagnostics"]["paths"] < 10**7


def test_more_paths_make_more_parts() -> None:
    assert planned(PUT).parts == 1
    assert planned({**PUT, "paths": 10**9}).parts > 20
    assert planned({**PUT, "paths": 10**10, "exercise_dates": 100}).parts < 100_000
    assert planned({**PUT, "upper_bound": True, "outer_paths": 10_000, "inner_paths": 1000}).parts > 2


def test_a_policy_has_a_name() -> None:
    checksum = answer()["diagnostics"]["policy_checksum"]
    assert checksum == answer(paths=2000)["diagnostics"]["policy_checksum"]
    assert checksum == answer(spot=50)["diagnostics"]["policy_checksum"]
    assert checksum != answer(seed=2)["diagnostics"]["policy_checksum"]


@pytest.mark.parametrize(
    ("base", "change", "paths"),
    [
        (PUT, {"spot": None, "volatility": None, "type": None}, ["$.data.type", "$.data.spot", "$.data.volatility"]),
        (PUT, {"spots": [1, 2]}, ["$.data.spots"]),
        (MAX_CALL, {"volatilities": [0.2]}, ["$.data.volatilities"]),
        (MAX_CALL, {"volatilities": [0.2, 0.2, 0.2], "type": "put"}, ["$.data.type", "$.data.volatilities"]),
        (MAX_CALL, {"exercise_dates": None}, ["$.data.exercise_dates"]),
        (MAX_CALL, {"correlation": 1.5}, ["$.data.correlation"]),
        (MAX_CALL, {"correlation": None}, ["$.data.correlation"]),
        (
            MAX_CALL,
            {
                "spots": [90] * 3,
                "volatilities": [0.2] * 3,
                "dividend_yields": None,
                "correlation": [[1, 0.9, -0.9], [0.9, 1, 0.9], [-0.9, 0.9, 1]],
            },
            ["$.data.correlation"],
        ),
        (PUT, {"exercise_dates": [0.5, 0.4, 1]}, ["$.data.exercise_dates[1]"]),
        (PUT, {"exercise_dates": [0.5, 0.9]}, ["$.data.exercise_dates[1]"]),
        (PUT, {"paths": 1001}, ["$.data.paths"]),
        (PUT, {"policy_paths": 1025}, ["$.data.policy_paths"]),
        (PUT, {"policy_paths": 2**20, "exercise_dates": 257}, ["$.data.policy_paths"]),
        (PUT, {"paths": 10**10, "exercise_dates": 101}, ["$.data.paths"]),
        (PUT, {"rate": 3, "maturity": 50}, ["$.data.rate"]),
        (PUT, {"volatility": -1}, ["$.data.volatility"]),
    ],
)
def test_what_is_refused(base: dict[str, Any], change: dict[str, Any], paths: list[str]) -> None:
    with pytest.raises(InvalidData) as refused:
        answer(base, **change)
    assert [fault.path for fault in refused.value.faults] == paths


def test_what_is_too_large_says_what_would_do() -> None:
    with pytest.raises(InvalidData) as refused:
        answer(policy_paths=2**20, exercise_dates=1000)
    (fault,) = refused.value.faults
    assert (fault.code, fault.allowed) == ("too_large", f"at most {MAX_POLICY_STEPS // 1000}")


def test_two_boundaries_at_any_time_are_refused() -> None:
    with pytest.raises(CalcError) as refused:
        answer(rate=-0.01, dividend_yield=-0.04, exercise_dates=None)
    assert refused.value.code == "two_boundaries"


def test_warnings() -> None:
    codes = [each["code"] for each in answer(rate=5, volatility=6, paths=1000)["diagnostics"]["warnings"]]
    assert codes == ["looks_like_percent", "looks_like_percent", "heavy_tail"]


def test_cost_is_an_estimate() -> None:
    few, many = planned(PUT).cpu_s, planned({**PUT, "paths": 8_000_000}).cpu_s
    assert 0 < few < 0.1 < many < 2


# The self-checks fire when a kernel goes wrong.


def test_controls_beside_the_european_value_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    good = early_exercise.Vanilla.block

    def worthless(self: Any, *arguments: Any) -> early_exercise.Sample:
        sample = good(self, *arguments)
        return early_exercise.Sample(0.9 * sample.payoffs, 0.9 * sample.controls, sample.exercised)

    monkeypatch.setattr(early_exercise.Vanilla, "block", worthless)
    for seed, how in enumerate(("none", "antithetic", "control", "antithetic_control")):
        with pytest.raises(CalcError, match="european_at_exercise") as failed:
            answer(variance_reduction=how, seed=123 + seed)
        assert failed.value.code == "internal_check_failed"


def test_a_policy_worth_less_than_one_date_is_not_the_price(monkeypatch: pytest.MonkeyPatch) -> None:
    good = early_exercise.Vanilla.policy

    def late(self: Any, *arguments: Any) -> Any:
        bounds = good(self, *arguments)
        bounds[0, :-1], bounds[1, :-1] = 1.0, -1.0  # nowhere before maturity
        return bounds

    monkeypatch.setattr(early_exercise.Vanilla, "policy", late)
    found = answer(spot=20, exercise_dates=4, seed=127)
    put = american.as_put(False, 20, 40, 0.25, 0.06, 0, 0.2)
    assert found["price"] == pytest.approx(40 * american.european(put), rel=1e-12)  # the first of the dates
    assert found["standard_error"]["price"] == 0
    assert (found["exercise_probability"], found["mean_exercise_time"]) == (pytest.approx(1), 0.25)
    assert [each["code"] for each in found["diagnostics"]["warnings"]] == ["one_date"]


def test_controls_that_are_all_0_leave_the_error_of_the_payoffs() -> None:
    """Dividends eat the shares up before maturity, so that their European calls are nothing."""
    change = {"spots": [172, 100], "strike": 1e-9, "maturity": 80, "dividend_yields": [0.9, 0.55]}
    found = answer(MAX_CALL, **change, volatilities=[0, 1e-4], exercise_dates=5, variance_reduction="control")
    assert found["price"] == pytest.approx(100 * math.exp(-0.55 * 16), rel=1e-4)
    assert abs(found["price"] - 100 * math.exp(-0.55 * 16)) < 4 * found["standard_error"]["price"]


WAITING = {"rate": -0.05, "maturity": 20, "exercise_dates": 12, "policy_paths": 1024, "basis_degree": 8, "paths": 1000}


@pytest.mark.parametrize("volatility", [1e-12, 1e-5, 0.01])
@pytest.mark.parametrize("seed", range(3))
def test_waiting_is_right_with_a_rate_below_0(volatility: float, seed: int) -> None:
    """The dividend yield lies lower still, so that nobody but the policy thinks of exercise before the end."""
    found = answer(WAITING | {"seed": seed}, **_PUT, dividend_yield=-0.1, volatility=volatility, spot=1)
    assert found["price"] == pytest.approx(40 * math.exp(1) - math.exp(2), rel=2e-3)
    assert found["price"] >= found["european"] * (1 - 1e-7)


_PUT = {"type": "put", "strike": 40}


@pytest.mark.parametrize("maturity", [1, 30, 100])
@pytest.mark.parametrize(("volatility", "near"), [(1e-160, 1e-12), (1e-150, 1e-12), (1e-31, 1e-12), (1e-12, 1e-7)])
@pytest.mark.parametrize("side", ["put", "call"])
def test_hardly_any_volatility_is_none(side: str, volatility: float, near: float, maturity: float) -> None:
    for dates in (None, 3):
        change = {"type": side, "maturity": maturity, "exercise_dates": dates, "paths": 1000, "dividend_yield": 0.02}
        still = answer(**change, volatility=0)
        assert answer(**change, volatility=volatility)["price"] == pytest.approx(still["price"], abs=near * 40)


@pytest.mark.parametrize(("volatility", "maturity", "most"), [(10, 1, "2.5"), (10, 100, "0.25"), (0.4, 100, "0.25")])
def test_calls_that_no_sample_can_price_are_refused(volatility: float, maturity: float, most: str) -> None:
    with pytest.raises(InvalidData) as refused:
        answer(MAX_CALL, volatilities=[0.2, volatility], maturity=maturity)
    (fault,) = refused.value.faults
    assert (fault.path, fault.value, fault.allowed) == (
        "$.data.volatilities[1]",
        volatility,
        f"at most {most} with this maturity",
    )


def test_the_wildest_calls_are_worth_one_of_them() -> None:
    """Without dividends nobody exercises early: the call on the dearest of two, one of which never matters."""
    change = {"spots": [90, 1e-9], "dividend_yields": [0, 0], "volatilities": [2.5, 2.5], "maturity": 1}
    for seed in range(3):
        found = answer(MAX_CALL, **change, correlation=0.5, seed=seed)
        alone = answer(volatility=2.5, type="call", spot=90, strike=100, rate=0.05, exercise_dates=1)
        assert found["price"] == pytest.approx(alone["price"], rel=1e-6)


def test_a_price_above_continuous_exercise_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    good = early_exercise.Vanilla.block

    def dear(self: Any, *arguments: Any) -> early_exercise.Sample:
        sample = good(self, *arguments)
        return early_exercise.Sample(1.3 * sample.payoffs, sample.controls, sample.exercised)

    monkeypatch.setattr(early_exercise.Vanilla, "block", dear)
    with pytest.raises(CalcError, match="dates_below_continuous"):
        answer(seed=124)


def test_crossed_bounds_fail() -> None:
    option_american_bounds.check_below_upper(1.0, 0.01, (0.99, 0.01))
    with pytest.raises(CalcError, match="lower_below_upper"):
        option_american_bounds.check_below_upper(1.0, 0.001, (0.98, 0.001))


def test_a_boundary_that_is_not_found_is_no_price(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(american, "_CLOSE", 0.0)
    with pytest.raises(CalcError) as failed:
        answer(exercise_dates=None, seed=125)
    assert failed.value.code == "no_convergence"
    assert answer(seed=126)["american"] is None


def test_the_module_is_the_kind() -> None:
    assert execute.find("option_american") is option_american
