"""What the demo asks: the risk of the portfolio from its past and from two models, option prices, a savings account."""

import math
from dataclasses import dataclass, field
from typing import Any

from examples.portfolio import Portfolio

STOCK = "AAPL"
TRADING_DAYS = 252
STRIKES = (100, 110, 120, 130, 140, 150)


@dataclass
class Question:
    """One task: what it is for people, what is sent, and what came of it."""

    what: str
    body: dict[str, Any]
    task: dict[str, Any] = field(default_factory=dict)  # as last seen
    refused: str = ""
    spans: list[dict[str, Any]] = field(default_factory=list)  # who computed its jobs


def everything(held: Portfolio, size: float = 1.0) -> list[Question]:
    """The largest first: the small ones do not wait for it. `size` scales the number of simulated paths."""
    asked = [Question(f"{STOCK} call at the money", _option(held, "low", _heavy(held, size)))]
    for confidence, scenarios in ((0.95, 1_000_000), (0.99, 4_000_000)):
        asked += _risks(held, confidence, _scaled(scenarios, size))
    for strike in STRIKES:
        for type, reduction in (("call", "antithetic"), ("put", "control")):
            paths = {"type": type, "strike": strike, "paths": _scaled(2_000_000, size), "seed": strike}
            data = paths | {"variance_reduction": reduction}
            asked.append(Question(f"{STOCK} {type} {strike}, {reduction}", _option(held, "medium", data)))
    savings = _submission("compound_interest", {"amount": 10000, "rate": 0.05}, "high")
    return [*asked, Question("10,000 at 5 %, for a year", savings)]


def _risks(held: Portfolio, confidence: float, scenarios: int) -> list[Question]:
    """Value at risk and expected shortfall over one day."""
    past = {"positions": held.positions, "symbols": held.symbols, "returns": held.returns, "confidence": confidence}
    model = {
        "positions": held.positions,
        "volatilities": held.volatilities,
        "volatility_period": "day",
        "correlation": held.correlation,
        "confidence": confidence,
        "horizon_days": 1,
        "scenarios": scenarios,
        "seed": 20221228,
    }
    fat = model | {"distribution": "student_t", "degrees_of_freedom": 4}
    return [
        Question(f"risk at {confidence:.0%}, historical", _submission("var_historical", past)),
        Question(f"risk at {confidence:.0%}, normal", _submission("var_mc", model)),
        Question(f"risk at {confidence:.0%}, Student t", _submission("var_mc", fat)),
    ]


def _heavy(held: Portfolio, size: float) -> dict[str, Any]:
    """Many parts, so that several processes work on one task."""
    return {"type": "call", "strike": _spot(held), "paths": _scaled(800_000_000, size), "seed": 7}


def _option(held: Portfolio, priority: str, data: dict[str, Any]) -> dict[str, Any]:
    yearly = round(held.volatilities[STOCK] * math.sqrt(TRADING_DAYS), 4)
    market = {"spot": _spot(held), "maturity": 0.5, "rate": 0.04, "volatility": yearly}
    return _submission("option_european", market | data, priority)


def _spot(held: Portfolio) -> float:
    return held.prices[held.symbols.index(STOCK)]


def _submission(kind: str, data: dict[str, Any], priority: str = "medium") -> dict[str, Any]:
    """The body of POST /tasks."""
    return {"kind": kind, "data": data, "priority": priority, "label": "demo"}


def _scaled(count: int, size: float) -> int:
    """Even, for antithetic pairs, and enough for the risk at 99 %."""
    return max(2 * round(count * size / 2), 10_000)
