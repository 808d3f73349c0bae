"""The simulated price and greeks against the closed form, over many seeds; errors, targets, limits, parts."""

import json
import math
import time
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from calc import execute
from calc.errors import CalcError, InvalidData
from calc.kinds import option_european_paths as paths
from calc.numerics import european as numerics

OPTION = {
    "type": "call",
    "spot": 100,
    "strike": 105,
    "maturity": 1,
    "rate": 0.05,
    "dividend_yield": 0.02,
    "volatility": 0.2,
    "paths": 20_000,
    "seed": 1,
}


# A change to Heston's model: what is None is left out.
HESTON = {"model": "heston", "volatility": None, "v0": 0.04, "kappa": 1.5, "theta": 0.05, "xi": 0.6, "rho": -0.7}


def answer(**change: Any) -> dict[str, Any]:
    data = execute.plan("option_european", json.dumps({**OPTION, **change}).encode(), fresh_seed=5).data
    return json.loads(execute.execute("option_european", data))


@pytest.mark.parametrize("kind", ["call", "put"])
@pytest.mark.parametrize("reduction", ["none", "antithetic", "control", "antithetic_control"])
def test_two_hundred_seeds_cover_as_they_should(kind: str, reduction: str) -> None:
    """z = (price - closed form) / standard error is standard normal: its mean, spread and tails over 200 seeds.

    The bounds are where a right program fails once in about ten thousand runs; the seeds are fixed.
    """
    z = []
    for seed in range(200):
        found = answer(type=kind, variance_reduction=reduction, seed=seed)
        z.append((found["price"] - found["closed_form"]) / found["standard_error"]["price"])
    scores = np.array(z)
    assert np.abs(scores).max() < 4.5
    assert (np.abs(scores) > 3).sum() <= 4  # expected 0.5
    assert 110 <= (np.abs(scores) < 1).sum() <= 163  # expected 137
    assert 177 <= (np.abs(scores) < 1.96).sum() <= 200  # expected 190
    assert abs(scores.mean()) < 4 / math.sqrt(200)
    assert 0.8 < scores.std() < 1.2


@pytest.mark.parametrize("greek", ["delta", "gamma", "vega", "theta", "rho"])
@pytest.mark.parametrize(("kind", "reduction"), [("call", "antithetic_control"), ("put", "none")])
def test_greeks_are_as_honest(kind: str, reduction: str, greek: str) -> None:
    exact, z = answer(type=kind, method="closed_form")[greek], []
    for seed in range(60):
        found = answer(type=kind, variance_reduction=reduction, seed=seed, paths=4000)
        z.append((found[greek] - exact) / found["standard_error"][greek])
    assert 0.75 < math.sqrt(np.mean(np.square(z))) < 1.3
    assert max(map(abs, z)) < 4.5


@pytest.mark.parametrize("kind", ["call", "put"])
def test_scrambles_are_as_honest_and_better(kind: str) -> None:
    """A Student law with 31 degrees of freedom: its second moment is 31/29."""
    z, errors = [], []
    for seed in range(60):
        found = answer(type=kind, method="rqmc", seed=seed, paths=32 * 128)
        z += [
            (found[n] - answer(type=kind, method="closed_form")[n]) / found["standard_error"][n]
            for n in ("price", "vega")
        ]
        errors.append(found["standard_error"]["price"])
    assert 0.75 < math.sqrt(np.mean(np.square(z))) < 1.35
    assert np.mean(errors) < 0.1 * answer(type=kind, paths=32 * 128)["standard_error"]["price"]


def test_a_wrong_price_would_be_caught() -> None:
    """The same bounds reject a program whose drift forgets the dividend."""
    wrong = answer(dividend_yield=0.0, paths=2_000_000)
    right = answer(method="closed_form")["price"]
    assert abs(wrong["price"] - right) > 10 * wrong["standard_error"]["price"]


def test_reductions_reduce() -> None:
    error = {
        reduction: answer(variance_reduction=reduction)["standard_error"]["price"]
        for reduction in ("none", "antithetic", "control", "antithetic_control")
    }
    assert error["antithetic"] < 0.9 * error["none"]
    assert error["control"] < 0.6 * error["none"]
    assert error["antithetic_control"] < 0.9 * error["control"]


def test_a_small_problem_is_one_part_and_a_large_one_many() -> None:
    def parts(**change: Any) -> int:
        return execute.plan("option_european", json.dumps({**OPTION, **change}).encode(), 5).parts

    assert parts(paths=100_000) == 1
    assert parts(paths=paths.BLOCK * paths.BLOCKS_A_PART) == 1
    assert parts(paths=paths.BLOCK * paths.BLOCKS_A_PART + 1) == 2
    assert parts(paths=10**10) == 150
    assert parts(paths=10**10, target_standard_error=1e-9) < 10_000
    assert parts(paths=10**10, method="rqmc") == 256
    assert parts(paths=10**6, method="rqmc", target_standard_error=1e-9) == 4
    assert 10_000 < parts(paths=10**9, **HESTON, steps=1000) < 100_000


def test_a_target_stops_early_and_is_met() -> None:
    found = answer(paths=10**10, target_standard_error=0.006, variance_reduction="none")
    assert found["standard_error"]["price"] <= 0.006
    assert found["diagnostics"]["stopped_early"]
    assert found["diagnostics"]["paths"] < 3 * (14 / 0.006) ** 2
    assert abs(found["price"] - found["closed_form"]) < 4 * 0.006


def test_the_last_block_has_what_is_left() -> None:
    assert answer(paths=16_384 + 1000)["diagnostics"]["paths"] == 17_384
    assert answer(paths=1000)["diagnostics"]["blocks"] == 1
    assert answer(paths=16_385, variance_reduction="control")["diagnostics"]["blocks"] == 2


def test_without_simulation_there_is_no_error() -> None:
    found = answer(method="closed_form")
    assert (found["standard_error"], found["interval_95"]) == (None, None)
    assert found["price"] == found["closed_form"]


def test_seeds_give_different_numbers() -> None:
    assert len({answer(seed=seed, paths=1000)["price"] for seed in range(100)}) == 100


@pytest.mark.parametrize("change", [{"maturity": 0}, {"volatility": 0}, {"maturity": 0, "spot": 105}])
@pytest.mark.parametrize(
    ("method", "reduction"),
    [
        *(("monte_carlo", each) for each in ("none", "antithetic", "control", "antithetic_control")),
        *(("rqmc", each) for each in ("none", "control")),
    ],
)
def test_nothing_random_has_no_error(change: dict[str, Any], method: str, reduction: str) -> None:
    found = answer(**change, variance_reduction=reduction, method=method)
    assert found["standard_error"]["price"] == pytest.approx(0, abs=1e-12)
    assert found["price"] == pytest.approx(found["closed_form"], abs=1e-11)


@settings(deadline=None)
@given(
    spot=st.floats(1e-9, 1e9),
    strike=st.floats(1e-9, 1e9),
    maturity=st.floats(0, 100),
    rate=st.floats(-0.5, 1),
    volatility=st.floats(0, 10),
    how=st.sampled_from(
        [
            *({"variance_reduction": each} for each in ("none", "antithetic", "control", "antithetic_control")),
            *({"variance_reduction": each, "method": "rqmc"} for each in ("none", "control")),
        ]
    ),
    kind=st.sampled_from(["call", "put"]),
)
def test_every_answer_is_a_number(how: dict[str, str], kind: str, **market: float) -> None:
    found = answer(**market, type=kind, **how, paths=1000)
    assert math.isfinite(found["price"])
    assert found["standard_error"]["price"] >= 0


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"paths": 1001, "variance_reduction": "antithetic"}, "$.data.paths"),
        ({"rate": 9, "maturity": 20}, "$.data.rate"),
        ({"maturity": -1}, "$.data.maturity"),
        ({"volatility": -0.1}, "$.data.volatility"),
        ({"target_standard_error": 0}, "$.data.target_standard_error"),
        ({"seed": 2**53}, "$.data.seed"),
        ({"model": "hestom"}, "$.data.model"),
        ({"spot": None}, "$.data.spot"),
        ({"volatility": None}, "$.data.volatility"),
        ({"xi": 0.3}, "$.data.xi"),
        ({"forward": 100}, "$.data.forward"),
        ({"model": "black76", "dividend_yield": 0.01}, "$.data.dividend_yield"),
        ({"model": "black76", "dividend_yield": 0, "forward": 100}, "$.data.spot"),
        ({"model": "black76", "dividend_yield": 0, "spot": None}, "$.data.forward"),
        ({**HESTON, "kappa": None}, "$.data.kappa"),
        ({**HESTON, "volatility": 0.2}, "$.data.volatility"),
        ({**HESTON, "rho": 1.01}, "$.data.rho"),
        ({**HESTON, "paths": 10**9, "steps": 1001}, "$.data.paths"),
        ({**HESTON, "method": "rqmc", "steps": 257}, "$.data.steps"),
        ({"method": "rqmc", "variance_reduction": "antithetic"}, "$.data.variance_reduction"),
        ({"strike": [90, 100]}, "$.data.method"),
        ({"strike": [90, 100], "volatility": [0.2] * 3, "method": "closed_form"}, "$.data.volatility"),
        ({"type": ["put"], "volatility": [0.2] * 3, "method": "closed_form"}, "$.data.volatility"),
        ({"strike": [], "method": "closed_form"}, "$.data.strike"),
        ({"strike": [100, "x"], "method": "closed_form"}, "$.data.strike[1]"),
    ],
)
def test_what_is_refused(change: dict[str, Any], path: str) -> None:
    with pytest.raises(InvalidData) as refused:
        answer(**change)
    assert [fault.path for fault in refused.value.faults] == [path]


def test_every_fault_is_told_at_once() -> None:
    with pytest.raises(InvalidData) as refused:
        answer(model="heston", rate=90, maturity=2, paths=1001, variance_reduction="antithetic")
    assert [fault.path for fault in refused.value.faults] == ["$.data.rate"]  # a bound: rules come after
    with pytest.raises(InvalidData) as refused:
        answer(model="heston", rate=9, maturity=20, paths=1001, variance_reduction="antithetic")
    assert [fault.path.removeprefix("$.data.") for fault in refused.value.faults] == [
        *("v0", "kappa", "theta", "xi", "rho", "volatility", "rate", "paths")
    ]


def test_warnings() -> None:
    codes = [warning["code"] for warning in answer(rate=5, volatility=6, paths=1000)["diagnostics"]["warnings"]]
    assert codes == ["looks_like_percent", "looks_like_percent", "heavy_tail"]
    assert answer()["diagnostics"]["warnings"] == []


# ── what a request means ──


def planned(**change: Any) -> dict[str, Any]:
    data = {name: value for name, value in {**OPTION, **change}.items() if value is not ...}
    return json.loads(execute.plan("option_european", json.dumps(data).encode(), fresh_seed=5).data)


@pytest.mark.parametrize(
    ("change", "method"),
    [
        ({"paths": ...}, "closed_form"),
        ({}, "monte_carlo"),
        ({"paths": ..., "variance_reduction": "none"}, "monte_carlo"),
        ({"paths": ..., "target_standard_error": 0.1}, "monte_carlo"),
        ({"method": "closed_form"}, "closed_form"),
        ({"paths": ..., "method": "monte_carlo"}, "monte_carlo"),
        ({"paths": ..., "volatility": ..., **{k: v for k, v in HESTON.items() if v}}, "closed_form"),
    ],
)
def test_the_method_that_is_meant_stands_in_the_complete_data(change: dict[str, Any], method: str) -> None:
    data = planned(**change)
    assert data["method"] == method
    assert planned(**data) == data
    if method != "closed_form":
        assert (data["paths"], data["variance_reduction"]) == (
            change.get("paths", 20_000) if change.get("paths") is not ... else 1_000_000,
            change.get("variance_reduction", "control"),
        )


def test_steps_of_heston_grow_with_time() -> None:
    assert [planned(**HESTON, maturity=t)["steps"] for t in (0, 0.5, 1, 2.01, 100)] == [32, 32, 32, 65, 3200]


# ── closed forms ──


def exact(**change: Any) -> dict[str, Any]:
    return answer(method="closed_form", **change)


@pytest.mark.parametrize("model", [{}, {"model": "black76", "dividend_yield": 0}, HESTON], ids=["bs", "76", "heston"])
def test_parity_and_scaling(model: dict[str, Any]) -> None:
    call, put = exact(**model), exact(**model, type="put")
    forward = math.exp(-0.05) * 100 if model.get("model") == "black76" else 100 * math.exp(-0.02)
    assert call["price"] - put["price"] == pytest.approx(forward - 105 * math.exp(-0.05), abs=1e-11)
    assert call["delta"] - put["delta"] == pytest.approx(forward / 100, abs=1e-11)
    assert call["gamma"] == pytest.approx(put["gamma"], rel=1e-9)
    assert call["vega"] == pytest.approx(put["vega"], rel=1e-9)
    twice = exact(**model, spot=200, strike=210)
    assert twice["price"] == pytest.approx(2 * call["price"], rel=1e-12)
    assert twice["gamma"] == pytest.approx(call["gamma"] / 2, rel=1e-9)


@pytest.mark.parametrize("model", [{}, {"model": "black76", "dividend_yield": 0}, HESTON], ids=["bs", "76", "heston"])
@pytest.mark.parametrize("kind", ["call", "put"])
def test_greeks_are_slopes_of_the_price(model: dict[str, Any], kind: str) -> None:
    """Central differences; vega of Heston is by √v0."""
    here = exact(**model, type=kind)

    def slope(name: str, step: float, of: str = "price", at: float | None = None) -> float:
        value = {**OPTION, **model}[name] if at is None else at
        up, down = (exact(**{**model, "type": kind, name: value + sign * step})[of] for sign in (1, -1))
        return (up - down) / (2 * step)

    assert slope("spot", 1e-3) == pytest.approx(here["delta"], abs=1e-7)
    assert slope("spot", 1e-3, "delta") == pytest.approx(here["gamma"], abs=1e-7)
    assert -slope("maturity", 1e-5) == pytest.approx(here["theta"], abs=1e-5)
    assert slope("rate", 1e-5) == pytest.approx(here["rho"], abs=1e-5)
    by = slope("v0", 1e-6) * 2 * math.sqrt(0.04) if "v0" in model else slope("volatility", 1e-5)
    assert by == pytest.approx(here["vega"], abs=1e-5)


def test_heston_becomes_black_scholes() -> None:
    """Without volatility of the variance, and started where it stays: the skew goes with ρξ, the rest with ξ²."""
    for rho, near in ((0, 1e-11), (-0.7, 5e-6)):
        calm = {**HESTON, "v0": 0.04, "theta": 0.04, "xi": 1e-6, "rho": rho}
        for strike in (50, 95, 105, 200):
            assert exact(**calm, strike=strike)["price"] == pytest.approx(exact(strike=strike)["price"], abs=near)


@pytest.mark.parametrize("rho", [-1, 1])
@pytest.mark.parametrize("method", ["closed_form", "monte_carlo", "rqmc"])
def test_heston_at_the_ends_of_its_correlation(rho: int, method: str) -> None:
    found = answer(**HESTON | {"rho": rho}, method=method, paths=50_000)
    assert 0 < found["delta"] < 1
    if method != "closed_form":
        assert found["gamma"] is None
        assert abs(found["price"] - found["closed_form"]) < 4 * found["standard_error"]["price"] + 0.02


@pytest.mark.parametrize("change", [{"maturity": 0}, {"v0": 0, "theta": 0}])
@pytest.mark.parametrize("method", ["closed_form", "monte_carlo", "rqmc"])
def test_heston_without_time_or_variance_is_the_payoff(change: dict[str, Any], method: str) -> None:
    for kind in ("call", "put"):
        found = answer(**HESTON | change, method=method, type=kind)
        calm = exact(type=kind, **({"volatility": 0} | {k: v for k, v in change.items() if k == "maturity"}))
        assert found["price"] == found["closed_form"] == calm["price"]


@pytest.mark.parametrize("method", ["monte_carlo", "rqmc"])
def test_heston_simulated_agrees_with_its_closed_form(method: str) -> None:
    """Forty seeds: their errors are honest, beside a bias of less than 0.003."""
    truth, z = exact(**HESTON), []
    for seed in range(40):
        found = answer(**HESTON, method=method, seed=seed, paths=4096)
        z.append((found["price"] - truth["price"]) / found["standard_error"]["price"])
        assert found["diagnostics"]["discretisation"]
        assert (found["vega"], found["theta"]) == (None, None)
    assert 0.6 < math.sqrt(np.mean(np.square(z))) < 1.5
    found = answer(**HESTON, method=method, paths=400_000)
    for name, bias in (("price", 0.01), ("delta", 1e-3), ("gamma", 1e-4), ("rho", 0.05)):
        assert abs(found[name] - truth[name]) < 4 * found["standard_error"][name] + bias, name


def test_feller_is_a_warning() -> None:
    assert [w["code"] for w in exact(**HESTON)["diagnostics"]["warnings"]] == ["feller"]
    assert exact(**HESTON | {"xi": 0.3})["diagnostics"]["warnings"] == []
    assert [w["code"] for w in answer(steps=5)["diagnostics"]["warnings"]] == ["not_used"]


# ── books ──

BOOK: dict[str, Any] = {
    "paths": None,
    "type": ["call", "put", "call", "put"],
    "strike": [90, 100, 110, 1e9],
    "volatility": [0.1, 0.2, 0.3, 10],
}


@pytest.mark.parametrize("model", [{}, HESTON], ids=["bs", "heston"])
def test_a_row_of_a_book_is_the_option_alone(model: dict[str, Any]) -> None:
    book = answer(**BOOK | model)
    assert book["status"] == ["ok"] * 4
    for row, (kind, strike, volatility) in enumerate(
        zip(BOOK["type"], BOOK["strike"], BOOK["volatility"], strict=True)
    ):
        alone = exact(**{"type": kind, "strike": strike, "volatility": volatility} | model)
        for name in ("price", "delta", "gamma", "vega", "theta", "rho"):
            assert book[name][row] == alone[name], name


@pytest.mark.parametrize("row", [0, 2, 3])
@pytest.mark.parametrize(
    ("name", "bad"),
    [
        ("type", "cal"),
        ("type", None),
        ("strike", 0),
        ("strike", None),
        ("strike", -1),
        ("strike", 1e10),
        ("volatility", -0.1),
        ("maturity", 101),
        ("rate", -1),
        ("rate", 9.9),
    ],
)
def test_a_bad_row_spoils_no_other(row: int, name: str, bad: Any) -> None:
    """First, in the middle, last."""
    whole = {**BOOK, "maturity": [0.5, 1, 2, 50], "rate": [0.01, 0.02, 0.03, 0.04]}
    good, spoilt = answer(**whole), answer(**whole | {name: [*whole[name][:row], bad, *whole[name][row + 1 :]]})
    if (name, bad, row) in (("rate", 9.9, 0), ("rate", 9.9, 2)):
        assert spoilt["status"] == ["ok"] * 4  # times maturity it is below 100
        return
    assert spoilt["status"] == ["bad_input" if each == row else "ok" for each in range(4)]
    assert spoilt["diagnostics"]["counts"] == {"ok": 3, "bad_input": 1}
    for output in ("price", "delta", "gamma", "vega", "theta", "rho"):
        assert spoilt[output][row] is None
        assert [v for i, v in enumerate(spoilt[output]) if i != row] == [
            v for i, v in enumerate(good[output]) if i != row
        ]


def test_an_integral_that_does_not_converge_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    right = numerics.heston.heston

    def stubborn(*arguments: Any) -> Any:
        answers, status = right(*arguments)
        answers[:, 0], status[0] = math.nan, 1
        return answers, status

    monkeypatch.setattr(numerics, "heston", SimpleNamespace(heston=stubborn))
    book = answer(**BOOK | HESTON)
    assert book["status"] == ["no_convergence", "ok", "ok", "ok"]
    assert book["price"][0] is None
    with pytest.raises(CalcError) as refused:
        exact(**HESTON)
    assert refused.value.code == "no_convergence"


def test_a_large_book_is_many_parts_and_permutes() -> None:
    rows = 20_000
    random = np.random.default_rng(4)
    columns = {
        "strike": random.uniform(50, 150, rows).tolist(),
        "maturity": random.uniform(0, 3, rows).tolist(),
        "volatility": random.uniform(0, 1, rows).tolist(),
    }
    change = {"paths": None, **columns}
    data = json.dumps({**OPTION, **change}).encode()
    assert execute.plan("option_european", data, 1).parts == 3
    whole = answer(**change)
    order = random.permutation(rows)
    mixed = answer(**change | {name: [column[i] for i in order] for name, column in columns.items()})
    for name in ("price", "delta", "gamma"):
        assert mixed[name] == [whole[name][i] for i in order]
    with pytest.raises(InvalidData, match="50000"):
        answer(paths=None, strike=[100] * 50_001)


# ── self-checks ──


def broken(monkeypatch: pytest.MonkeyPatch, name: str, change: Any) -> None:
    """The kernels' module `name`, all of whose answers are changed."""
    right = getattr(numerics, name)
    functions = {
        each: getattr(right, each)
        for each in ("black_scholes", "heston", "simulated", "replicated")
        if hasattr(right, each)
    }
    wrong = {each: (lambda *a, f=function, e=each: change(e, f(*a))) for each, function in functions.items()}
    monkeypatch.setattr(numerics, name, SimpleNamespace(**wrong))


def fails(check: str, **change: Any) -> None:
    with pytest.raises(CalcError, match=f"self-check {check} failed") as failed:
        answer(**change)
    assert failed.value.code == "internal_check_failed"


def test_a_broken_formula_fails_its_check(monkeypatch: pytest.MonkeyPatch) -> None:
    broken(monkeypatch, "european", lambda _, found: found * (1 + 1e-9))
    fails("put_call_parity", method="closed_form")
    fails("put_call_parity", **BOOK)


@pytest.mark.parametrize("factor", [1.5, -0.1, math.nan])
def test_a_broken_integral_fails_its_check(factor: float, monkeypatch: pytest.MonkeyPatch) -> None:
    broken(monkeypatch, "heston", lambda _, found: (found[0] * factor, found[1]))
    fails("greeks_within_bounds", **HESTON, method="closed_form", strike=60)


@pytest.mark.parametrize("method", ["monte_carlo", "rqmc"])
def test_broken_paths_fail_their_check(method: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def drift(name: str, found: Any) -> Any:
        if name in ("simulated", "replicated"):
            found[6] += 1e5  # the sum of the control
        return found

    broken(monkeypatch, "european", drift)
    fails("forward", method=method)


def test_costs_are_as_estimated() -> None:
    """Within a factor of three, on a machine that others use: the estimate itself is meant to be within two."""
    work = [
        {"paths": 20_000_000},
        {"paths": 20_000_000, "method": "rqmc"},
        {**HESTON, "paths": 500_000},
        {"paths": None, "strike": [100.0 + i / 1000 for i in range(30_000)]},
        {**HESTON, "paths": None, "strike": [70.0 + i / 100 for i in range(6000)]},
    ]
    for change in work:
        plan = execute.plan("option_european", json.dumps({**OPTION, **change}).encode(), fresh_seed=5)
        execute.execute("option_european", plan.data)  # compiled
        begun = time.process_time()
        execute.execute("option_european", plan.data)
        assert plan.cpu_s / 3 < time.process_time() - begun < plan.cpu_s * 3, change


@pytest.mark.parametrize("method", ["monte_carlo", "rqmc"])
@pytest.mark.parametrize("maturity", [2.2250738585072014e-308, 1e-33, 1e-31])
@pytest.mark.parametrize("strike", [0.9, 1.0, 1.1])
def test_with_no_time_to_speak_of_it_is_the_payoff(method: str, maturity: float, strike: float) -> None:
    """Neither greeks that overflow nor a forward that is missed by its own rounding."""
    market = {"spot": 1.0, "strike": strike, "maturity": maturity, "rate": 0.0, "volatility": 1.0}
    found = answer(**market, type="call", method=method, variance_reduction="none", paths=1000)
    assert found["price"] == pytest.approx(max(1.0 - strike, 0.0), abs=1e-15)
    assert found["standard_error"]["price"] == 0.0
