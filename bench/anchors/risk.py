"""Value at risk beside numpy, a GARCH fit beside arch, a stress test beside a loop over positions."""

import math
from typing import Any

import numpy as np
import QuantLib as ql
from arch import arch_model
from numpy.typing import NDArray

from bench.anchors.contest import Contest, Side, ours, scaled, timed
from examples import portfolio

ASSETS, FACTORS, DAYS = 500, 20, 10
CONFIDENCE = 0.99
BLOCK = 4096  # scenarios of a matrix product in numpy
Array = NDArray[np.float64]


def contests(size: float) -> list[Contest]:
    """`size` scales the scenarios."""
    return [*value_at_risk(size), garch(), stress(size)]


def value_at_risk(size: float) -> list[Contest]:
    """One book of 500 positions: lognormal by covariance and by factors, and linear."""
    random = np.random.default_rng(1)
    loadings = random.standard_normal((ASSETS, FACTORS)) * 0.3 / math.sqrt(252 * FACTORS)
    specific = random.uniform(0.05, 0.2, ASSETS) / math.sqrt(252)
    worth = random.uniform(-1, 2, ASSETS) * 1e6 / ASSETS
    covariance = loadings @ loadings.T + np.diag(specific**2)
    root = np.ascontiguousarray(np.linalg.cholesky(covariance * DAYS).T)
    half = np.diag(covariance) * DAYS / 2
    names = [f"s{i}" for i in range(ASSETS)]
    book: dict[str, Any] = {
        "positions": [{"symbol": name, "value": value} for name, value in zip(names, worth.tolist(), strict=True)],
        "volatility_period": "day",
        "horizon_days": DAYS,
        "confidence": CONFIDENCE,
        "seed": 42,
    }
    by_matrix = {"covariance": covariance.tolist()}
    by_factors = {"factors": {"loadings": loadings.tolist(), "specific": specific.tolist()}}
    few = max(scaled(40_000, size), 4_000)  # enough of them beyond VaR

    def lognormal() -> Array:
        return _losses(few, lambda z: np.expm1(z @ root - half) @ worth)

    def linear() -> Array:
        return _losses(few, lambda z: (z @ root) @ worth)

    found = []
    for what, terms, goal in (
        ("covariance, lognormal", {**by_matrix, "distribution": "lognormal", "scenarios": few}, 1.4),
        (f"{FACTORS} factors, lognormal", {**by_factors, "distribution": "lognormal", "scenarios": few}, 2.5),
        ("covariance, linear", {**by_matrix, "scenarios": max(scaled(1_000_000, size), few)}, 8000),
    ):
        found.append(
            Contest(
                kind="var_mc",
                what=f"{ASSETS} positions, {what}",
                anchor="numpy: normals, Cholesky factor" + ", expm1" * ("lognormal" in what),
                goal=goal,
                ours=ours("var_mc", {**book, **terms}, lambda r: (r.var, r.standard_error["var"])),
                other=lambda losses=linear if "linear" in what else lognormal: _counted(losses),
            )
        )
    return found


def garch() -> Contest:
    """GARCH(1,1) without a mean, of a stock's last 1,000 days. Each has its own variance of the first day."""
    held = portfolio.read(days=1000)
    losses = [-100 * row[held.symbols.index("AAPL")] for row in held.returns]

    def fit() -> Any:
        return arch_model(np.array(losses), mean="Zero", vol="GARCH", rescale=False).fit(disp="off")

    def other() -> Side:
        took_s, found = timed(fit)
        return Side(took_s, found.params["beta[1]"])

    return Contest(
        kind="var_historical",
        what="GARCH(1,1) filter, 1,000 days",
        anchor="arch",
        goal=8,
        ours=ours(
            "var_historical",
            {"losses": losses, "method": "filtered", "confidence": 0.99},
            lambda r: (r.diagnostics.garch.beta, 0.0),
        ),
        other=other,
        within=0.02,
    )


def stress(size: float) -> Contest:
    """Options of one share under a grid of moves of price and volatility."""
    random, count, scenarios = np.random.default_rng(7), scaled(2_000, size), 100
    strikes, maturities = random.uniform(80, 120, count).tolist(), random.uniform(0.1, 2, count).tolist()
    quantities = random.uniform(-10, 20, count).tolist()
    moves = [(-0.3 + 0.06 * (s % 10), -0.05 + 0.02 * (s // 10)) for s in range(scenarios)]
    option = {"symbol": "share", "type": "option", "option_type": "call", "price": 100, "volatility": 0.2, "rate": 0.03}
    positions = [
        {**option, "quantity": quantity, "strike": strike, "maturity": maturity, "volatility_factor": "volatility"}
        for quantity, strike, maturity in zip(quantities, strikes, maturities, strict=True)
    ]
    shocks = [
        {
            "name": str(s),
            "shocks": {
                "share": {"type": "relative", "value": spot},
                "volatility": {"type": "absolute", "value": volatility},
            },
        }
        for s, (spot, volatility) in enumerate(moves)
    ]

    def worth(spot: float, volatility: float) -> float:
        total = 0.0
        for quantity, strike, maturity in zip(quantities, strikes, maturities, strict=True):
            discount = math.exp(-0.03 * maturity)
            deviation = volatility * math.sqrt(maturity)
            total += quantity * ql.blackFormula(ql.Option.Call, strike, spot / discount, deviation, discount)
        return total

    def loop() -> list[float]:
        profits, now = [], worth(100.0, 0.2)
        for spot, volatility in moves:
            worth(100 * (1 + spot), 0.2)  # what each move does alone
            worth(100.0, 0.2 + volatility)
            profits.append(worth(100 * (1 + spot), 0.2 + volatility) - now)
        return profits

    def other() -> Side:
        took_s, profits = timed(loop)
        return Side(took_s, min(profits))

    return Contest(
        kind="stress_test",
        what=f"{count:,} options, {scenarios} scenarios",
        anchor="QuantLib blackFormula, a loop; contributions too",
        goal=5,
        ours=ours("stress_test", {"positions": positions, "scenarios": shocks}, lambda r: (r.worst.pnl, 0.0)),
        other=other,
    )


def _losses(count: int, profits: Any) -> Array:
    """Losses of so many scenarios, block by block."""
    found = []
    for first in range(0, count, BLOCK):
        random = np.random.Generator(np.random.Philox(key=[1, first]))
        found.append(-profits(random.standard_normal((min(BLOCK, count - first), ASSETS))))
    return np.concatenate(found)


def _counted(losses: Any) -> Side:
    """VaR as an order statistic, its error from those beside it."""
    took_s, found = timed(losses)
    n = len(found)
    ordered, spread = np.sort(found), 1.96 * math.sqrt(n * CONFIDENCE * (1 - CONFIDENCE))
    low, high = math.floor(n * CONFIDENCE - spread), min(math.ceil(n * CONFIDENCE + spread), n - 1)
    error = float(ordered[high] - ordered[low]) / 3.92
    return Side(took_s, float(ordered[math.ceil(n * CONFIDENCE) - 1]), error)
