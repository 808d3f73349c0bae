"""What each answer must be, worked out here another way: a closed form, a count of the past, a sum over the book."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import NormalDist, fmean, stdev
from typing import Any

from examples.portfolio import Portfolio, worst_share
from examples.questions import Question

WITHIN = 4.0  # standard errors between a simulated answer and what it must be
EXACTLY = 1e-9  # relative, where nothing is simulated
SAVINGS = 10511.62  # 10,000 × (1 + 0.05/12)^12, to the cent
Json = dict[str, Any]


@dataclass(frozen=True)
class Figure:
    """One number of an answer. `check` is what it must be; `error` is None where nothing is estimated.

    `simulated`: the answer may differ from the check by chance, else it must be equal.
    """

    name: str
    answer: float
    error: float | None
    check: float
    simulated: bool

    @property
    def right(self) -> bool:
        if self.simulated:
            return abs(self.answer - self.check) <= WITHIN * (self.error or 0.0)
        return abs(self.answer - self.check) <= EXACTLY * abs(self.check)


def figures(question: Question, held: Portfolio) -> list[Figure]:
    """The numbers of a task that has succeeded; [] of any other."""
    result = question.task.get("result")
    return _CHECKS[question.body["kind"]](result, question.body.get("data", {}), held) if result else []


def _exact(name: str, answer: float, check: float) -> Figure:
    return Figure(name, answer, None, check, False)


def _price(result: Json, known: str) -> list[Figure]:
    return [Figure("price", result["price"], result["standard_error"]["price"], result[known], True)]


def _var_mc(result: Json, data: Json, held: Portfolio) -> list[Figure]:
    errors = result["standard_error"]
    return [Figure(name, result[name], errors[name], result[f"parametric_{name}"], True) for name in ("var", "es")]


def _var_historical(result: Json, data: Json, held: Portfolio) -> list[Figure]:
    counted, errors = held.risk(data["confidence"]), result["standard_error"]
    return [Figure(name, result[name], errors[name], counted[name], False) for name in ("var", "es")]


def _implied(result: Json, data: Json, held: Portfolio) -> list[Figure]:
    """Put back into Black and Scholes' formula, they give the prices that were sent."""
    rows = zip(data["price"], data["strike"], result["volatility"], strict=True)
    market = (data["spot"], data["maturity"], data["rate"])
    repriced = [(_call(strike, volatility, *market), price) for price, strike, volatility in rows]
    return [_exact("price of the worst", *max(repriced, key=lambda pair: abs(pair[0] - pair[1])))]


def _call(strike: float, volatility: float, spot: float, maturity: float, rate: float) -> float:
    """Black and Scholes."""
    deviation, discount = volatility * math.sqrt(maturity), math.exp(-rate * maturity)
    d = math.log(spot / (strike * discount)) / deviation + deviation / 2
    below = NormalDist().cdf
    return spot * below(d) - strike * discount * below(d - deviation)


def _stress(result: Json, data: Json, held: Portfolio) -> list[Figure]:
    return [_exact("worst day", result["worst"]["pnl"], -max(held.losses()))]


def _markowitz(result: Json, data: Json, held: Portfolio) -> list[Figure]:
    weights = [result["weights"][symbol] for symbol in held.symbols]
    return [_exact("risk a year", result["risk"], _risk(weights, data))]


def _risk(weights: Sequence[float], data: Json) -> float:
    """√(w'Σw)."""
    moved = [weight * deviation for weight, deviation in zip(weights, data["volatility"], strict=True)]
    rows = zip(moved, data["correlation"], strict=True)
    return math.sqrt(math.fsum(a * c * b for a, row in rows for c, b in zip(row, moved, strict=True)))


def _budgets(result: Json, data: Json, held: Portfolio) -> list[Figure]:
    shares = result["risk_shares"].values()
    return [_exact("largest share of the risk", max(shares), 1 / len(shares))]


def _cvar(result: Json, data: Json, held: Portfolio) -> list[Figure]:
    weights = [result["weights"][symbol] for symbol in held.symbols]
    counted = worst_share(held.losses(weights), data["beta"])
    return [_exact(name, result[name], counted[es]) for name, es in (("var", "var"), ("cvar", "es"))]


def _bonds(result: Json, data: Json, held: Portfolio) -> list[Figure]:
    growth, coupon = 1 + data["yield"] / 2, 100 * data["coupon"] / 2
    prices = []
    for years in data["years_to_maturity"]:
        paid = math.fsum(coupon / growth**period for period in range(1, 2 * years + 1))
        prices.append(paid + 100 / growth ** (2 * years))
    return [_exact("value", result["totals"]["market_value"], data["face"] / 100 * math.fsum(prices))]


def _credit(result: Json, data: Json, held: Portfolio) -> list[Figure]:
    """No loss: the integral over the common factor of the chance that every name survives it."""
    (pool,) = data["pools"]
    normal, rho = NormalDist(), pool["correlation"]
    limit, step, total = normal.inv_cdf(pool["pd"]), 0.002, 0.0
    for i in range(-4500, 4501):
        default = normal.cdf((limit - math.sqrt(rho) * i * step) / math.sqrt(1 - rho))
        total += (1 - default) ** pool["count"] * normal.pdf(i * step) * step
    error = result["standard_error"]["probability_no_loss"]
    return [
        Figure("chance of no loss", result["probability_no_loss"], error, total, True),
        _exact("expected loss", result["expected_loss"], pool["count"] * pool["exposure"] * pool["pd"] * pool["lgd"]),
    ]


def _cva(result: Json, data: Json, held: Portfolio) -> list[Figure]:
    return [Figure("cva", result["cva"], result["standard_error"]["cva"], result["cva_closed_form"], True)]


def _bond_options(result: Json, data: Json, held: Portfolio) -> list[Figure]:
    """At the forward price an option on a bond is 2 N(d/2) - 1 of what the bond is worth, d its deviation then."""
    a, volatility, end, total = data["mean_reversion"], data["volatility"], data["end"], 0.0
    for (date,) in data["exercise_times"]:
        length = -math.expm1(-a * (end - date)) / a
        deviation = length * volatility * math.sqrt(-math.expm1(-2 * a * date) / (2 * a))
        total += data["notional"] * math.exp(-data["rate"] * end) * (2 * NormalDist().cdf(deviation / 2) - 1)
    return [_exact("all together", result["value"], total)]


def _rules(result: Json, data: Json, held: Portfolio) -> list[Figure]:
    """The first set once more: a stock is held after it has risen, and sold short after it has fallen."""
    lookback, prices = data["grid"]["lookback"][0], data["prices"]
    first = max(data["grid"]["lookback"]) + 2
    earned, before = [], [0] * len(prices[0])
    for t in range(first, len(prices)):
        now = [_sign(a - b) for a, b in zip(prices[t - 2], prices[t - 2 - lookback], strict=True)]
        moves = [after / price - 1 for after, price in zip(prices[t], prices[t - 1], strict=True)]
        gained = math.fsum(side * moved for side, moved in zip(now, moves, strict=True))
        traded = sum(abs(a - b) for a, b in zip(now, before, strict=True))
        earned.append((gained - data["cost"] * traded) / len(now))
        before = now
    ratio = math.sqrt(data["periods_per_year"]) * fmean(earned) / stdev(earned)
    return [_exact("Sharpe ratio of the first", result["sets"]["sharpe"][0], ratio)]


def _sign(value: float) -> int:
    return (value > 0) - (value < 0)


def _loans(result: Json, data: Json, held: Portfolio) -> list[Figure]:
    """Every contract's level payment, by the formula, one after the other."""
    payments, interest = [], []
    for owed, rate, periods in zip(data["principal"], data["rate_per_period"], data["periods"], strict=True):
        payment = owed * rate / -math.expm1(-periods * math.log1p(rate))
        payments.append(payment)
        interest.append(payment * periods - owed)
    totals = result["totals"]
    return [
        _exact("payments a month", totals["payment"], math.fsum(payments)),
        _exact("interest to the end", totals["total_interest"], math.fsum(interest)),
    ]


_CHECKS: dict[str, Callable[[Json, Json, Portfolio], list[Figure]]] = {
    "compound_interest": lambda result, data, held: [_exact("total", float(result["total"]), SAVINGS)],
    "option_european": lambda result, data, held: _price(result, "closed_form"),
    "option_path": lambda result, data, held: _price(result, "exact_price"),
    "option_basket": lambda result, data, held: _price(result, "exact_price"),
    "implied_vol": _implied,
    "var_mc": _var_mc,
    "var_historical": _var_historical,
    "stress_test": _stress,
    "markowitz": _markowitz,
    "risk_budget": _budgets,
    "cvar_portfolio": _cvar,
    "strategy_grid": _rules,
    "bermudan_swaption": _bond_options,
    "bond_book": _bonds,
    "credit_loss": _credit,
    "cva": _cva,
    "loan": _loans,
}
