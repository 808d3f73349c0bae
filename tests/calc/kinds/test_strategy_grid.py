"""Trading rules: each against a slow one in plain Python, no look ahead, costs, walks, deflation, bad sets, faults."""

import json
import math
import statistics
from typing import Any

import numpy as np
import pytest

from calc import execute
from calc.errors import CalcError, InvalidData
from calc.kernels import strategies as kernels
from calc.kinds import strategy_grid, strategy_terms
from calc.numerics import sharpe
from tests.calc.laws import LAWS

_RANDOM = np.random.default_rng(7)
WALK = np.round(100 * np.cumprod(1 + 0.02 * _RANDOM.standard_normal((300, 3)), axis=0), 4).tolist()
GRIDS: dict[str, dict[str, Any]] = {
    "moving_average": {"fast": [2, 5], "slow": [10, 30]},
    "momentum": {"lookback": [1, 20], "threshold": [0.0, 0.03]},
    "mean_reversion": {"lookback": [5, 25], "threshold": [0.5, 1.5]},
    "breakout": {"lookback": [1, 10, 40]},
}
BASE = {"prices": WALK, "rule": "moving_average", "grid": GRIDS["moving_average"], "periods_per_year": 252}

HARDER: dict[str, dict[str, Any]] = {
    rule: BASE | {"rule": rule, "grid": grid, "cost": 0.001, "walk_forward": {"train": 60, "test": 30}}
    for rule, grid in GRIDS.items()
} | {
    "flat": BASE | {"prices": [[5.0]] * 60, "walk_forward": {"train": 20, "test": 1, "anchored": True}},
    "extreme": BASE | {"prices": [[1e-9 if t % 3 else 1e9] for t in range(60)], "delay": 0, "risk_free_rate": 1},
    "ratio": dict(strategy_grid.FURTHER_EXAMPLES[-1]) | {"trials": 1, "sharpe": -3, "kurtosis": 1, "skewness": 0},
}


@pytest.mark.parametrize("law", LAWS, ids=lambda law: law.__name__)
@pytest.mark.parametrize("data", HARDER.values(), ids=HARDER)
def test_law(data: dict[str, Any], law: Any) -> None:
    law(strategy_grid, data)


def answer(**data: Any) -> dict[str, Any]:
    planned = execute.plan("strategy_grid", json.dumps(data).encode(), fresh_seed=0)
    return json.loads(execute.execute("strategy_grid", planned.data))


def refusal(**data: Any) -> list[tuple[str, str]]:
    with pytest.raises(InvalidData) as refused:
        answer(**data)
    return [(fault.path, fault.code) for fault in refused.value.faults]


def slow_side(rule: str, past: list[float], given: dict[str, Any], held: int) -> int:
    """Of the prices up to now, by the words of the documentation."""
    window = given.get("lookback") or given["slow"]
    limit, now = given.get("threshold", 0.0), past[-1]
    if rule == "moving_average":
        fast, slow = statistics.fmean(past[-given["fast"] :]), statistics.fmean(past[-window:])
        return (fast > slow) - (fast < slow)
    if rule == "momentum":
        moved = now / past[-1 - window] - 1
        return (moved > limit) - (moved < -limit)
    if rule == "mean_reversion":
        mean, deviation = statistics.fmean(past[-window:]), statistics.pstdev(past[-window:])
        return (now < mean - limit * deviation) - (now > mean + limit * deviation)
    before = past[-1 - window : -1]
    return 1 if now > max(before) else -1 if now < min(before) else held


def slow_returns(rule: str, given: dict[str, Any], first: int, delay: int, cost: float, short: bool) -> list[float]:
    """What a set earned, asset by asset and day by day."""
    window = given.get("lookback") or given["slow"]
    start = window - 1 if rule in ("moving_average", "mean_reversion") else window
    columns = [list(column) for column in zip(*WALK, strict=True)]
    sides: list[list[int]] = []
    for column in columns:
        held, found = 0, []
        for t in range(len(column)):
            held = slow_side(rule, column[: t + 1], given, held) if t >= start else 0
            found.append(held if short else max(held, 0))
        sides.append(found)
    returns = []
    for t in range(first, len(WALK)):
        gained = traded = 0.0
        for column, side in zip(columns, sides, strict=True):
            now, before = side[t - 1 - delay], side[t - 2 - delay] if t > first else 0
            gained += now * (column[t] / column[t - 1] - 1)
            traded += abs(now - before)
        returns.append((gained - cost * traded) / len(columns))
    return returns


@pytest.mark.parametrize("short", [True, False])
@pytest.mark.parametrize("delay", [0, 1, 3])
@pytest.mark.parametrize("rule", GRIDS)
def test_every_set_by_plain_python(rule: str, delay: int, short: bool) -> None:
    cost, grid = 0.0007, GRIDS[rule]
    side = "long_short" if short else "long_only"
    found = answer(**BASE | {"rule": rule, "grid": grid, "delay": delay, "cost": cost, "side": side})["sets"]
    longest = max(grid.get("lookback") or grid["slow"])
    first = (longest - 1 if rule in ("moving_average", "mean_reversion") else longest) + delay + 1
    given_of = [name for name in ("fast", "slow", "lookback", "threshold") if found[name] is not None]
    for i, status in enumerate(found["status"]):
        assert status == "ok"
        returns = slow_returns(rule, {name: found[name][i] for name in given_of}, first, delay, cost, short)
        mean, deviation = statistics.fmean(returns), statistics.stdev(returns)
        assert found["sharpe"][i] == pytest.approx(mean / deviation * math.sqrt(252), rel=1e-9, abs=1e-9)
        assert found["mean_return"][i] == pytest.approx(mean * 252, rel=1e-9, abs=1e-12)
        assert found["volatility"][i] == pytest.approx(deviation * math.sqrt(252), rel=1e-10)
        wealth = np.concatenate([[1.0], np.cumprod(1 + np.array(returns))])
        fall = float((1 - wealth / np.maximum.accumulate(wealth)).max())
        assert found["max_drawdown"][i] == pytest.approx(fall, rel=1e-10)


@pytest.mark.parametrize("rule", GRIDS)
def test_later_prices_change_no_side(rule: str) -> None:
    params = strategy_terms.Params(**BASE | {"rule": rule, "grid": strategy_terms.Grid(**GRIDS[rule])})
    changed = [row if t < 200 else [3 * each for each in row] for t, row in enumerate(WALK)]
    other = strategy_terms.Params(
        **BASE | {"rule": rule, "prices": changed, "grid": strategy_terms.Grid(**GRIDS[rule])}
    )
    for each in strategy_terms.sets(params):
        assert np.array_equal(strategy_grid.held(params, each)[:, :200], strategy_grid.held(other, each)[:, :200])


def test_errors_are_those_of_the_formula() -> None:
    """And 200 samples of normal returns have ratios that spread as it says."""
    found = answer(**BASE)["sets"]
    periods = answer(**BASE)["diagnostics"]["periods"]
    for ratio, error, skewness, kurtosis in zip(
        *(found[name] for name in ("sharpe", "standard_error", "skewness", "kurtosis")), strict=True
    ):
        each = ratio / math.sqrt(252)
        expected = math.sqrt((1 - skewness * each + (kurtosis - 1) / 4 * each**2) / (periods - 1)) * math.sqrt(252)
        assert error == pytest.approx(expected, rel=1e-12)
    random = np.random.default_rng(3)
    samples = 0.001 + 0.01 * random.standard_normal((200, 500))
    ratios = samples.mean(axis=1) / samples.std(axis=1, ddof=1)
    assert 0.8 < ratios.std(ddof=1) / sharpe.error(0.1, 0.0, 3.0, 500) < 1.2


def test_the_best_of_sets_without_skill_is_deflated() -> None:
    """The expected maximum is what the best of that many normal numbers is, on average."""
    random = np.random.default_rng(5)
    best = random.standard_normal((4000, 50)).max(axis=1).mean()
    assert sharpe.expected_maximum(50, 1.0) == pytest.approx(best, rel=0.02)
    found = answer(**BASE | {"grid": {"fast": [2, 3, 5, 8], "slow": [10, 20, 30, 40]}})
    top = found["best"]
    assert top["sharpe"] == max(found["sets"]["sharpe"])
    assert found["sets"]["sharpe"][top["index"]] == top["sharpe"] == found["sharpe"]
    assert 0 < top["deflated_sharpe"] < top["probabilistic_sharpe"] < 1


def test_costs_and_turnover() -> None:
    free, dear = (answer(**BASE | {"cost": cost})["sets"] for cost in (0.0, 0.01))
    for i in range(4):
        assert dear["turnover"][i] == free["turnover"][i] > 0
        assert free["mean_return"][i] - dear["mean_return"][i] == pytest.approx(0.01 * free["turnover"][i], rel=1e-9)


def test_scale_and_order() -> None:
    found = answer(**BASE)["sets"]
    larger = answer(**BASE | {"prices": [[each * 1024 for each in row] for row in WALK]})["sets"]
    assert larger == found
    turned = answer(**BASE | {"prices": [row[::-1] for row in WALK]})["sets"]
    assert turned["sharpe"] == pytest.approx(found["sharpe"], rel=1e-12)
    swapped = answer(**BASE | {"grid": {"fast": [5, 2], "slow": [30, 10]}})["sets"]
    assert swapped["sharpe"] == found["sharpe"][::-1]


def test_the_walk_by_hand() -> None:
    """Choose by the ratio over what was before, trade what comes, pay for changing over."""
    cost, walk = 0.001, {"train": 60, "test": 30}
    whole = answer(**BASE | {"cost": cost, "walk_forward": walk})
    first = 29 + 1 + 1
    names = [dict(zip(("fast", "slow"), each, strict=True)) for each in ((2, 10), (2, 30), (5, 10), (5, 30))]
    alone = [slow_returns("moving_average", each, first, 1, cost, True) for each in names]
    steps = whole["walk_forward"]["steps"]
    assert len(steps) == (300 - first - 60) // 30
    for k, step in enumerate(steps):
        begin, end = 30 * k, 30 * k + 60
        assert (step["train_begin"], step["train_end"], step["test_end"]) == (begin, end, end + 30)
        ratios = [statistics.fmean(each[begin:end]) / statistics.stdev(each[begin:end]) for each in alone]
        assert step["index"] == ratios.index(max(ratios))
        assert step["sharpe_in_sample"] == pytest.approx(max(ratios) * math.sqrt(252), rel=1e-9)
        middle = slice(end + 1, end + 30)
        earned = math.fsum(alone[step["index"]][middle])
        assert step["return_out_of_sample"] == pytest.approx(earned, abs=3 * cost + 0.08)
    total = math.fsum(step["return_out_of_sample"] for step in steps)
    assert whole["walk_forward"]["mean_return"] == pytest.approx(
        total / whole["walk_forward"]["periods"] * 252, rel=1e-9
    )
    anchored = answer(**BASE | {"walk_forward": walk | {"anchored": True}})["walk_forward"]["steps"]
    assert {step["train_begin"] for step in anchored} == {0}


def test_a_walk_of_one_set_is_that_set() -> None:
    """From where it begins, when nothing is held yet."""
    data = BASE | {"grid": {"fast": [5], "slow": [30]}, "cost": 0.001, "walk_forward": {"train": 60, "test": 30}}
    walk = answer(**data)["walk_forward"]
    first = 31 + 60
    returns = slow_returns("moving_average", {"fast": 5, "slow": 30}, first, 1, 0.001, True)[: walk["periods"]]
    assert walk["mean_return"] == pytest.approx(statistics.fmean(returns) * 252, rel=1e-9)
    assert walk["volatility"] == pytest.approx(statistics.stdev(returns) * math.sqrt(252), rel=1e-9)


@pytest.mark.parametrize("place", [0, 1, 2])
def test_a_bad_set_spoils_no_other(place: int) -> None:
    """A fast average that is not fast, a window that is too long: first, in the middle, last."""
    for name, good, bad in (("fast", [2, 3], 10), ("slow", [10, 20], 290)):
        other = {"fast": {"slow": [10]}, "slow": {"fast": [2]}}[name]
        clean = answer(**BASE | {"grid": other | {name: good}})["sets"]
        spoilt = answer(**BASE | {"grid": other | {name: [*good[:place], bad, *good[place:]]}})["sets"]
        assert spoilt["status"] == ["bad_parameters" if i == place else "ok" for i in range(3)]
        for column in ("sharpe", "volatility", "turnover"):
            assert spoilt.pop(column) == [*clean[column][:place], None, *clean[column][place:]]


def test_nothing_is_traded() -> None:
    found = answer(**HARDER["flat"])
    assert found["sets"]["status"] == ["no_trades"] * 4
    assert found["best" if "best" in found else "sets"] is not None
    assert "sharpe" not in found
    assert all(step["index"] is None for step in found["walk_forward"]["steps"])


def test_parts_are_joined_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    data = BASE | {"walk_forward": {"train": 60, "test": 30}}
    whole = answer(**data)
    monkeypatch.setattr(strategy_grid, "_sets_a_part", lambda params: 1)
    assert execute.plan("strategy_grid", json.dumps(data).encode(), fresh_seed=0).parts == 4
    assert answer(**data) == whole


@pytest.mark.parametrize(
    ("change", "path", "code"),
    [
        ({"prices": None}, "$.data.prices", "missing"),
        ({"prices": []}, "$.data.prices", "invalid"),
        ({"prices": [[1.0, 2.0]] * 60 + [[1.0]]}, "$.data.prices[60]", "length_mismatch"),
        ({"prices": [[1.0]] * 50 + [[None]]}, "$.data.prices[50][0]", "wrong_type"),
        ({"prices": [[1.0]] * 50 + [[0.0]]}, "$.data.prices[50][0]", "out_of_range"),
        ({"prices": [[1.0]] * 30}, "$.data.grid", "too_few_observations"),
        ({"rule": None}, "$.data.rule", "missing"),
        ({"grid": {"fast": [2]}}, "$.data.grid.slow", "missing"),
        ({"grid": {"fast": [2], "slow": [5], "lookback": [3]}}, "$.data.grid.lookback", "invalid"),
        ({"grid": {"fast": [9], "slow": [5]}}, "$.data.grid", "too_few_observations"),
        ({"grid": {"fast": [2] * 200, "slow": [9] * 200}}, "$.data.grid", "too_large"),
        ({"assets": ["a"]}, "$.data.assets", "length_mismatch"),
        ({"assets": ["a", "b", "a"]}, "$.data.assets[2]", "duplicate"),
        ({"walk_forward": {"train": 400, "test": 10}}, "$.data.walk_forward.train", "too_few_observations"),
        ({"periods_per_year": None}, "$.data.periods_per_year", "wrong_type"),
        ({"sharpe": 1}, "$.data.sharpe", "invalid"),
        ({"task": "deflated_sharpe"}, "$.data.sharpe", "missing"),
        ({"cost": 5}, "$.data.cost", "out_of_range"),
    ],
)
def test_what_is_refused(change: dict[str, Any], path: str, code: str) -> None:
    assert (path, code) in refusal(**BASE | change)


def test_periods_per_year_has_no_default() -> None:
    assert refusal(**{key: value for key, value in BASE.items() if key != "periods_per_year"}) == [
        ("$.data.periods_per_year", "missing")
    ]


def test_a_trade_at_its_own_price_is_noticed() -> None:
    assert [each["code"] for each in answer(**BASE | {"delay": 0})["diagnostics"]["warnings"]] == ["no_delay"]


def test_the_self_checks_fire(monkeypatch: pytest.MonkeyPatch) -> None:
    right = kernels.signals

    def looking_ahead(prices: Any, *rest: Any) -> None:
        right(prices, *rest)
        rest[-1][0, 50] = prices.shape[1] % 2

    monkeypatch.setattr(kernels, "signals", looking_ahead)
    with pytest.raises(CalcError, match="no_look_ahead") as failed:
        answer(**BASE | {"prices": WALK[:298]})
    assert failed.value.code == "internal_check_failed"
    monkeypatch.undo()
    of = np.array([[0.1], [0.2], [2.0], [1.0], [0.1], [0.1], [1.0]])
    with pytest.raises(CalcError, match="figures"):
        strategy_grid.check_figures(of, np.zeros(1, np.uint8))
