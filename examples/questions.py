"""What the demo asks, family by family: options, risk of what is held, other portfolios, rates and credit, loans."""

import math
import random
from dataclasses import dataclass, field
from typing import Any

from examples.portfolio import Portfolio

STOCK = "AAPL"
TRADING_DAYS = 252
STRIKES = (100, 110, 120, 130, 140, 150)
LOANS = 100_000


@dataclass
class Question:
    """One task: what it is for people, what is sent, and what came of it."""

    what: str
    body: dict[str, Any]
    task: dict[str, Any] = field(default_factory=dict)  # as last seen
    refused: str = ""
    spans: list[dict[str, Any]] = field(default_factory=list)  # who computed its jobs
    family: str = ""


def everything(held: Portfolio, size: float = 1.0) -> list[Question]:
    """Family by family. `size` scales the number of simulated paths and of loans."""
    families = {
        "Options": _options(held, size),
        "Risk of what is held": _risk_of(held, size),
        "Portfolios": _portfolios(held),
        "Rates and credit": _rates_and_credit(size),
        "Loans": _lending(size),
    }
    for family, questions in families.items():
        for question in questions:
            question.family = family
    return [question for questions in families.values() for question in questions]


def _options(held: Portfolio, size: float) -> list[Question]:
    """One of many parts, at low priority: the small ones do not wait for it."""
    asked = [Question(f"{STOCK} call at the money", _option(held, "low", _heavy(held, size)))]
    for strike in STRIKES:
        for type, reduction in (("call", "antithetic"), ("put", "control")):
            paths = {"type": type, "strike": strike, "paths": _scaled(2_000_000, size), "seed": strike}
            data = paths | {"variance_reduction": reduction}
            asked.append(Question(f"{STOCK} {type} {strike}, {reduction}", _option(held, "medium", data)))
    spot = _spot(held)
    barrier = {"style": "barrier_down_out", "type": "call", "strike": spot, "barrier": 0.85 * spot, "fixings": 126}
    barrier |= {**_market(held), "method": "rqmc", "paths": 65_536, "seed": 1}
    four, held_of = held.symbols[:4], list(zip(held.quantities, held.prices, strict=True))
    basket = {
        "type": "call",
        "style": "arithmetic",
        "spots": held.prices[:4],
        "weights": held.quantities[:4],
        "strike": round(sum(quantity * price for quantity, price in held_of[:4]), 2),
        "maturity": 1,
        "rate": 0.04,
        "volatilities": _yearly(held)[:4],
        "correlation": [row[:4] for row in held.correlation[:4]],
        "method": "rqmc",
        "paths": 65_536,
        "seed": 2,
    }
    quotes = {"type": "call", "spot": spot, "maturity": 0.5, "rate": 0.04, "strike": list(STRIKES)}
    quotes["price"] = [round(max(spot - strike, 0) + 8.0, 2) for strike in STRIKES]
    return [
        *asked,
        Question(f"{STOCK} call, ends below {0.85 * spot:.2f}", _submission("option_path", barrier)),
        Question(f"call on {', '.join(four)} together", _submission("option_basket", basket)),
        Question(f"implied volatilities of {len(STRIKES)} quotes", _submission("implied_vol", quotes)),
    ]


def _risk_of(held: Portfolio, size: float) -> list[Question]:
    """From the past, from two models, and every day of the past once more."""
    asked = []
    for confidence, scenarios in ((0.95, 1_000_000), (0.99, 4_000_000)):
        asked += _risks(held, confidence, _scaled(scenarios, size))
    days = [
        {
            "name": f"day {number}",
            "shocks": {
                symbol: {"type": "relative", "value": moved} for symbol, moved in zip(held.symbols, row, strict=True)
            },
        }
        for number, row in enumerate(held.returns, 1)
    ]
    stress = {"positions": held.positions, "scenarios": days}
    return [*asked, Question(f"each of {len(days)} past days again", _submission("stress_test", stress))]


def _portfolios(held: Portfolio) -> list[Question]:
    """Other weights of the same stocks, at most 15 % each."""
    law = {"assets": held.symbols, "volatility": _yearly(held), "correlation": held.correlation}
    past = {"assets": held.symbols, "scenarios": held.returns, "beta": 0.95, "bounds": [0, 0.15]}
    least = law | {"objective": "min_variance", "bounds": [0, 0.15]}
    return [
        Question("least variance", _submission("markowitz", least)),
        Question("least CVaR over the past", _submission("cvar_portfolio", past)),
        Question("twelve momentum rules over the past", _submission("strategy_grid", _rules(held))),
        Question("the same risk from each stock", _submission("risk_budget", law | {"method": "equal_risk"})),
    ]


def _rules(held: Portfolio) -> dict[str, Any]:
    """Of every stock; prices are what 100 have become."""
    prices = [[100.0] * len(held.symbols)]
    for row in held.returns:
        prices.append([before * (1 + moved) for before, moved in zip(prices[-1], row, strict=True)])
    return {
        "prices": prices,
        "assets": held.symbols,
        "rule": "momentum",
        "grid": {"lookback": [5, 10, 20, 40], "threshold": [0.0, 0.02, 0.05]},
        "cost": 0.0005,
        "periods_per_year": TRADING_DAYS,
    }


def _rates_and_credit(size: float) -> list[Question]:
    """Bonds at a yield, a hundred borrowers who default together, a swap with somebody who may."""
    bonds = {"years_to_maturity": list(range(1, 31)), "coupon": 0.04, "frequency": 2, "yield": 0.045, "face": 1_000_000}
    pool = {"count": 100, "exposure": 1_000_000, "pd": 0.02, "lgd": 0.6, "correlation": 0.2}
    credit = {"method": "gaussian_copula_mc", "pools": [pool], "confidence": 0.99}
    credit |= {"scenarios": _scaled(1_000_000, size), "seed": 3}
    swap = {"notional": 10_000_000, "fixed_rate": 0.03, "side": "pay", "end": 5}
    counterparty = {
        "netting_set": {"swaps": [swap]},
        "rate": 0.03,
        "mean_reversion": 0.05,
        "volatility": 0.01,
        "hazard_rate": 0.02,
        "lgd": 0.6,
        "dates": 20,
        "floating": "restarting",
        "variance_reduction": "none",
        "paths": _scaled(200_000, size),
        "seed": 4,
    }
    return [
        Question("30 bonds of 1 to 30 years", _submission("bond_book", bonds)),
        Question("credit losses of 100 borrowers", _submission("credit_loss", credit)),
        Question("CVA of a 5-year swap", _submission("cva", counterparty)),
        Question("bond puts of 1 to 9 years, by formula", _submission("bermudan_swaption", _bond_puts())),
    ]


def _bond_puts() -> dict[str, Any]:
    """Rights to sell a zero-coupon bond of ten years, one a year, at today's forward price."""
    dates = list(range(1, 10))
    return {
        "product": "bond_option",
        "type": "put",
        "exercise_times": [[date] for date in dates],
        "end": 10,
        "strike": [1000 * math.exp(-0.03 * (10 - date)) for date in dates],
        "notional": 1000,
        "rate": 0.03,
        "mean_reversion": 0.05,
        "volatility": 0.01,
    }


def _lending(size: float) -> list[Question]:
    """A book of contracts drawn at random, and a savings account."""
    draw, count = random.Random(5), max(round(LOANS * size), 100)
    book = {
        "task": "schedule",
        "principal": [round(draw.uniform(5_000, 500_000), 2) for _ in range(count)],
        "rate_per_period": [round(draw.uniform(0.02, 0.09) / 12, 8) for _ in range(count)],
        "periods": [draw.choice((60, 120, 240, 360)) for _ in range(count)],
        "output": "totals",
    }
    savings = _submission("compound_interest", {"amount": 10000, "rate": 0.05}, "high")
    return [
        Question(f"schedules of {count:,} loans", _submission("loan", book)),
        Question("10,000 at 5 %, for a year", savings),
    ]


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
    return _submission("option_european", _market(held) | data, priority)


def _market(held: Portfolio) -> dict[str, Any]:
    """Of the stock, for half a year."""
    volatility = _yearly(held)[held.symbols.index(STOCK)]
    return {"spot": _spot(held), "maturity": 0.5, "rate": 0.04, "volatility": volatility}


def _yearly(held: Portfolio) -> list[float]:
    """Volatilities a year, in the order of the symbols."""
    return [round(held.volatilities[symbol] * math.sqrt(TRADING_DAYS), 4) for symbol in held.symbols]


def _spot(held: Portfolio) -> float:
    return held.prices[held.symbols.index(STOCK)]


def _submission(kind: str, data: dict[str, Any], priority: str = "medium") -> dict[str, Any]:
    """The body of POST /tasks."""
    return {"kind": kind, "data": data, "priority": priority, "label": "demo"}


def _scaled(count: int, size: float) -> int:
    """Even, for antithetic pairs, and enough for the risk at 99 %."""
    return max(2 * round(count * size / 2), 10_000)
