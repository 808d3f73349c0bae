"""What `tests/calc/zscores.py` asks: each way in which each kind simulates, with few paths, so that seeds are cheap."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from calc import execute

Figures = dict[str, float]


@dataclass(frozen=True)
class Question:
    """`data` takes the seed. `truth` finds what figures must be, by path, from one of the answers."""

    kind: str
    name: str
    data: Callable[[int], Mapping[str, Any]]
    truth: Callable[[Mapping[str, Any]], Figures] | None = None


def seeded(kind: str, name: str, data: Mapping[str, Any], truth: Any = None) -> Question:
    """Of a kind that takes a seed."""
    return Question(kind, name, lambda seed: {**data, "seed": seed}, truth)


def of_field(**fields: str) -> Callable[[Mapping[str, Any]], Figures]:
    """Figure ← the field of the same answer that has it exactly."""
    return lambda answer: {figure: answer[field] for figure, field in fields.items()}


def of_twin(kind: str, data: Mapping[str, Any], *figures: str) -> Callable[[Mapping[str, Any]], Figures]:
    """Figures ← the exact answer to another question, those under a path with * one by one."""

    def exact(_: Mapping[str, Any]) -> Figures:
        planned = execute.plan(kind, json.dumps(data).encode(), fresh_seed=1)
        answer = json.loads(execute.execute(kind, planned.data))
        found = {}
        for figure in figures:
            value = answer[figure]
            entries = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
            found |= {f"{figure}.{key}": entry for key, entry in entries} or {figure: value}
        return found

    return exact


# ── options ──

_OPTION = {"type": "call", "spot": 100, "strike": 105, "maturity": 0.5, "rate": 0.03, "dividend_yield": 0.01}
_BLACK = {**_OPTION, "volatility": 0.25}
_GREEKS = ("price", "delta", "gamma", "vega", "theta", "rho")
_EUROPEAN = of_twin("option_european", {**_BLACK, "method": "closed_form"}, *_GREEKS)
_HESTON = {**_OPTION, "model": "heston", "v0": 0.04, "kappa": 1.5, "theta": 0.05, "xi": 0.6, "rho": -0.7, "steps": 16}
_REDUCTIONS = ("none", "antithetic", "control", "antithetic_control")


def european() -> list[Question]:
    """Black-Scholes is exact in law; Heston's scheme has a bias, so its errors are judged around their own mean."""
    few = {"method": "monte_carlo", "paths": 4000}
    found = [
        seeded("option_european", f"Black-Scholes, {each}", {**_BLACK, **few, "variance_reduction": each}, _EUROPEAN)
        for each in _REDUCTIONS
    ]
    rqmc = {**_BLACK, "method": "rqmc", "paths": 4096}
    found.append(seeded("option_european", "Black-Scholes, rqmc", rqmc, _EUROPEAN))
    for name, method in (("control", {"paths": 2000}), ("rqmc", {"method": "rqmc", "paths": 2048})):
        found.append(seeded("option_european", f"Heston, {name}", {**_HESTON, **method}))
    return found


_PATH = {"spot": 100, "rate": 0.05, "dividend_yield": 0.02, "volatility": 0.2, "maturity": 1, "paths": 2048}
_ASIAN = {**_PATH, "type": "call", "strike": 100, "fixings": 12}
_OUT = {**_PATH, "style": "barrier_down_out", "type": "call", "strike": 100, "barrier": 90}
_LOOKBACK = {**_PATH, "style": "lookback_floating", "type": "call"}


def path() -> list[Question]:
    """Averages, barriers, extremes, by both methods; with a closed form where there is one."""
    exact = of_field(price="exact_price")
    found = [
        seeded("option_path", "arithmetic average, rqmc", {**_ASIAN, "style": "asian_arithmetic", "method": "rqmc"}),
        seeded("option_path", "geometric average, rqmc",
               {**_ASIAN, "style": "asian_geometric", "method": "rqmc"}, exact),
        seeded("option_path", "barrier, rqmc", {**_OUT, "method": "rqmc"}, exact),
        seeded("option_path", "barrier on dates, rqmc", {**_OUT, "method": "rqmc", "fixings": 7}, exact),
        seeded("option_path", "knock-in with rebate, rqmc",
               {**_OUT, "style": "barrier_up_in", "barrier": 115, "type": "put", "rebate": 2, "method": "rqmc"}, exact),
        seeded("option_path", "lookback, rqmc", {**_LOOKBACK, "method": "rqmc"}, exact),
        seeded("option_path", "lookback, fixed strike, rqmc",
               {**_LOOKBACK, "style": "lookback_fixed", "strike": 95, "method": "rqmc"}, exact),
    ]  # fmt: skip
    for each in _REDUCTIONS:
        plain = {"method": "monte_carlo", "variance_reduction": each}
        found += [
            seeded("option_path", f"arithmetic average, {each}", {**_ASIAN, **plain, "style": "asian_arithmetic"}),
            seeded("option_path", f"barrier, {each}", {**_OUT, **plain}, exact),
            seeded("option_path", f"lookback, {each}", {**_LOOKBACK, **plain}, exact),
        ]
    return found


_BASKET = {
    "type": "call", "spots": [100, 90, 110, 95], "weights": [0.3, 0.3, 0.2, 0.2], "strike": 100, "maturity": 2,
    "rate": 0.02, "volatilities": [0.2, 0.3, 0.25, 0.4], "correlation": 0.4, "paths": 2048,
}  # fmt: skip
_TWO = {**_BASKET, "spots": [100, 90], "weights": [1, 1], "volatilities": [0.2, 0.3]}


def basket() -> list[Question]:
    """Sums, the best and the worst."""
    exact, found = of_field(price="exact_price"), []
    for method, reduction in (("rqmc", "control"), ("rqmc", "none"), *(("monte_carlo", each) for each in _REDUCTIONS)):
        how = {"method": method, "variance_reduction": reduction}
        found += [
            seeded("option_basket", f"sum of four, {method}, {reduction}",
                   {**_BASKET, **how, "style": "arithmetic"}, exact),
            seeded("option_basket", f"best of two, {method}, {reduction}", {**_TWO, **how, "style": "max"}, exact),
            seeded("option_basket", f"worst of four, {method}, {reduction}", {**_BASKET, **how, "style": "min"}),
        ]  # fmt: skip
    return found


_PUT = {"type": "put", "spot": 36, "strike": 40, "maturity": 1, "rate": 0.06, "volatility": 0.2, "exercise_dates": 10}
_MAX_CALL = {
    "style": "max_call", "spots": [90, 90], "strike": 100, "maturity": 3, "exercise_dates": 5, "rate": 0.05,
    "dividend_yields": [0.1, 0.1], "volatilities": [0.2, 0.2], "correlation": 0,
}  # fmt: skip


def american() -> list[Question]:
    """Conditional on the policy, which is of the seed, too: around their own mean."""
    few = {"paths": 1000, "policy_paths": 32_768}
    bound = {"upper_bound": True, "outer_paths": 64, "inner_paths": 16}
    found = [
        seeded("option_american", f"put, {each}", {**_PUT, **few, "variance_reduction": each}) for each in _REDUCTIONS
    ]
    found.append(seeded("option_american", "put, upper bound", {**_PUT, **few, **bound}))
    return [*found, seeded("option_american", "best of two, upper bound", {**_MAX_CALL, **few, **bound})]


# ── risk ──

_BOOK: dict[str, Any] = {
    "positions": [{"symbol": "A", "value": 1e6}, {"symbol": "B", "value": -4e5}, {"symbol": "C", "value": 3e5}],
    "volatilities": {"A": 0.3, "B": 0.2, "C": 0.5}, "correlation": {"A/B": 0.5, "A/C": 0.2, "B/C": -0.1},
    "days_per_year": 252, "horizon_days": 20, "confidence": 0.95,
}  # fmt: skip
_QUADRATIC = {
    "method": "delta_gamma", "delta": [1, 2], "gamma": [[0.5, 0.1], [0.1, -0.3]], "covariance": [[1, 0.3], [0.3, 1]],
    "confidence": 0.99,
}  # fmt: skip
_COMPONENTS = ("var", "es", "component_var", "component_es")


def simulated_risk() -> list[Question]:
    """Every law of returns."""
    law = of_field(var="parametric_var", es="parametric_es")
    exact = of_twin("var_mc", {**_BOOK, "method": "linear_normal"}, *_COMPONENTS)
    found = [
        seeded("var_mc", "normal", {**_BOOK, "scenarios": 20_000}, exact),
        seeded("var_mc", "Student t",
               {**_BOOK, "scenarios": 20_000, "distribution": "student_t", "degrees_of_freedom": 4}, law),
        seeded("var_mc", "lognormal", {**_BOOK, "scenarios": 20_000, "distribution": "lognormal"}),
    ]  # fmt: skip
    for reduction in ("importance_sampling", "none"):
        data = {**_QUADRATIC, "scenarios": 8000, "variance_reduction": reduction}
        found.append(seeded("var_mc", f"quadratic, {reduction}", data, law))
    return found


_VAR, _ES = 1.6448536269514722, 2.0627128075074257  # of a standard normal at 95 %


def past_risk() -> list[Question]:
    """The sample itself is random: 2,000 standard normal losses."""

    def drawn(method: str, more: Mapping[str, Any]) -> Callable[[int], Mapping[str, Any]]:
        return lambda seed: {
            "losses": np.random.default_rng(seed).standard_normal(2000).tolist(),
            "confidence": 0.95,
            "method": method,
            **more,
        }

    def truth(_: Mapping[str, Any]) -> Figures:
        return {"var": _VAR, "es": _ES}

    ways: dict[str, dict[str, Any]] = {
        "plain": {}, "weighted": {"decay": 0.999}, "parametric": {}, "ewma": {"decay": 0.97}
    }  # fmt: skip
    return [Question("var_historical", method, drawn(method, more), truth) for method, more in ways.items()]


# Amounts of many sizes: of a few alike names the loss jumps, and the error of its VaR means little.
_POOLS = {
    "pools": [
        {"count": 10, "exposure": each, "pd": 0.02, "lgd": 0.5, "correlation": 0.15}
        for each in (1.0, 1.3, 1.7, 2.1, 2.9, 3.1, 3.7, 4.1, 4.3, 5.3)
    ],
    "confidence": 0.95,
    "thresholds": [10.0],
}


def credit() -> list[Question]:
    """Against the exact recursion; the t copula around its own mean."""
    known = ("var", "es", "probability_no_loss", "probability_at_least")
    exact = of_twin("credit_loss", {**_POOLS, "method": "recursion"}, *known)
    simulated = {**_POOLS, "method": "gaussian_copula_mc", "scenarios": 10_000}
    return [
        seeded("credit_loss", "Gaussian copula", simulated, exact),
        seeded("credit_loss", "Student t copula", {**simulated, "copula": "student_t", "degrees_of_freedom": 4}),
    ]


_NETTED = {
    "netting_set": {
        "swaps": [
            {"notional": 1e6, "fixed_rate": 0.03, "side": "pay", "end": 5, "frequency": 2},
            {"notional": 5e5, "fixed_rate": 0.025, "side": "receive", "end": 3},
        ],
        "options": [{"type": "call", "spot": 100, "strike": 105, "maturity": 1, "volatility": 0.2, "quantity": 500}],
    },
    "rate": 0.03, "mean_reversion": 0.05, "volatility": 0.01, "hazard_rate": 0.02, "lgd": 0.6,
    "own_hazard_rate": 0.01, "dates": 8,
}  # fmt: skip
_SWAP = {
    **_NETTED, "floating": "restarting",
    "netting_set": {"swaps": [{"notional": 1e6, "fixed_rate": 0.03, "side": "pay", "end": 5}]},
}  # fmt: skip


def counterparty() -> list[Question]:
    """A single swap has a closed form; a netting set goes around its own mean."""
    found = [
        seeded("cva", f"netting set, {each}", {**_NETTED, "paths": 4000, "variance_reduction": each})
        for each in _REDUCTIONS
    ]
    plain = {**_SWAP, "paths": 4000, "variance_reduction": "none"}
    return [*found, seeded("cva", "a swap, none", plain, of_field(cva="cva_closed_form"))]


QUESTIONS = [
    *european(), *path(), *basket(), *american(), *simulated_risk(), *past_risk(), *credit(), *counterparty(),
]  # fmt: skip
