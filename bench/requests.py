"""Random legal requests of every kind, asked in all ways, with sizes log-uniform up to some seconds of CPU."""

import datetime
import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.random import Generator

Data = dict[str, Any]


def whole(random: Generator, least: float, most: float) -> int:
    """Log-uniform."""
    return round(math.exp(random.uniform(math.log(least), math.log(most))))


def of(random: Generator, *choices: Any) -> Any:
    """One of them."""
    return choices[int(random.integers(len(choices)))]


def column(random: Generator, rows: int, least: float, most: float) -> list[float]:
    """Uniform."""
    return random.uniform(least, most, rows).tolist()  # type: ignore[no-any-return]


def covariance(random: Generator, assets: int) -> Any:
    """Of some factors and what is each asset's own."""
    loadings = random.standard_normal((assets, min(assets, 5))) * 0.1
    return (loadings @ loadings.T + np.diag(random.uniform(0.05, 0.3, assets) ** 2)).tolist()


def option(random: Generator) -> Data:
    """What all options on one asset share."""
    return {
        "type": of(random, "call", "put"),
        "spot": 100,
        "strike": random.uniform(80, 125),
        "maturity": random.uniform(0.1, 3),
        "rate": random.uniform(0, 0.08),
        "volatility": random.uniform(0.1, 0.5),
    }


HESTON = {"model": "heston", "volatility": None, "v0": 0.04, "kappa": 1.5, "theta": 0.05, "xi": 0.6, "rho": -0.7}


def bermudan_swaption(random: Generator) -> Data:
    data: Data = {"rate": 0.03, "mean_reversion": 0.05, "volatility": random.uniform(0.003, 0.015)}
    data |= {"frequency": of(random, 1, 2, 4), "output": of(random, "rows", "totals")}
    data |= {"rate_shifts": [0.0001 * i for i in range(int(random.integers(1, 4)))]} if random.random() < 0.5 else {}
    years, begin = int(random.integers(2, 12)), int(random.integers(1, 6))
    if random.random() < 0.3:
        rows = whole(random, 1, 3000)
        data |= {"product": "european_swaption", "side": "pay", "exercise_times": begin, "end": begin + years}
        return data | {"fixed_rate": column(random, rows, 0.01, 0.06)}
    rows, a_year = whole(random, 1, 200), of(random, 1, 2)
    times = [begin + i / a_year for i in range(years * a_year) if i < years * a_year - (a_year > 1)]
    data |= {"exercise_times": times, "end": begin + years, "frequency": max(data["frequency"], a_year)}
    if random.random() < 0.3:
        return data | {"product": "bond_option", "type": "call", "strike": column(random, rows, 0.9, 1.1)}
    return data | {"product": "bermudan_swaption", "side": "receive", "fixed_rate": column(random, rows, 0.01, 0.06)}


def bond_book(random: Generator) -> Data:
    output = of(random, "rows", "totals")
    rows = whole(random, 1, 100_000 if output == "totals" else 40_000)
    begun = datetime.date(2025, 6, 15)
    ends = [(begun + datetime.timedelta(int(days))).isoformat() for days in random.integers(200, 10_000, rows)]
    data: Data = {"settlement": "2024-05-15", "maturity": ends, "coupon": column(random, rows, 0.01, 0.08)}
    data |= {"frequency": of(random, 1, 2), "day_count": of(random, "30/360_us", "act/act_icma", "act/365f")}
    data |= {"output": output}
    curve = {"times": [1, 2, 5, 10, 30], "zero_rates": [0.049, 0.046, 0.043, 0.043, 0.045]}
    if random.random() < 0.5:
        return data | {"price": column(random, rows, 85, 115)}
    data |= {"curve": curve, "price": column(random, rows, 85, 115), "key_rates": of(random, None, [2, 5, 10])}
    shifts = [{"name": f"s{i}", "parallel": 0.001 * i} for i in range(int(random.integers(0, 6)))]
    return data | ({"scenarios": shifts} if shifts else {})


def compound_interest(random: Generator) -> Data:
    schedule = bool(random.random() < 0.5)
    return {"amount": 1000, "rate": 0.05, "years": whole(random, 1, 100), "periods": of(random, 1, 4, 12)} | (
        {"schedule": True} if schedule else {}
    )


def credit_loss(random: Generator) -> Data:
    method = of(random, "gaussian_copula_mc", "gaussian_copula_mc", "recursion", "basel_irb", "vasicek", "merton")
    if method in ("gaussian_copula_mc", "recursion"):
        return _portfolio(random, method)
    rows = whole(random, 1, 300 if method == "vasicek" else 30_000)
    if method == "merton":
        return {"method": method, "equity": column(random, rows, 1, 5), "rate": 0.03} | {
            "equity_volatility": column(random, rows, 0.2, 0.8),
            "debt": column(random, rows, 1, 10),
            "maturity": 1.0,
        }
    data: Data = {"method": method, "pd": column(random, rows, 0.001, 0.2), "lgd": 0.45}
    if method == "vasicek":
        return data | {"correlation": column(random, rows, 0.05, 0.3), "confidence": 0.999}
    return data | {"asset_class": of(random, "corporate", "other_retail"), "maturity": 2.5}


def _portfolio(random: Generator, method: str) -> Data:
    pools = whole(random, 1, 1000)
    each = whole(random, 1, max(2000 / pools, 1))
    chances = np.exp(random.uniform(math.log(0.001), math.log(random.uniform(0.01, 0.2)), pools)).tolist()
    factors = 1 if method == "recursion" else int(random.integers(1, 4))
    entries = [
        {"count": each, "exposure": float(random.integers(1, 10)), "pd": pd, "lgd": 1.0}
        | {"loadings": column(random, factors, 0.1, 0.5)}
        for pd in chances
    ]
    data: Data = {"method": method, "pools": entries, "confidence": of(random, 0.99, 0.995, 0.999)}
    if method == "recursion":
        return data
    student = random.random() < 0.3
    return (
        data
        | {"scenarios": whole(random, 30_000, 1_000_000), "seed": 1}
        | ({"copula": "student_t", "degrees_of_freedom": 4} if student else {})
    )


def cva(random: Generator) -> Data:
    swaps = [
        {"notional": 1e6, "fixed_rate": random.uniform(0.01, 0.05), "side": of(random, "pay", "receive")}
        | {"end": int(random.integers(1, 11)), "frequency": of(random, 1, 2)}
        for _ in range(whole(random, 1, 100))
    ]
    calls = [
        {"type": "call", "spot": 100, "strike": random.uniform(80, 120), "maturity": random.uniform(0.5, 5)}
        | {"volatility": 0.2, "quantity": 100}
        for _ in range(int(random.integers(0, 4)))
    ]
    data: Data = {"netting_set": {"swaps": swaps} | ({"options": calls} if calls else {}), "rate": 0.03, "lgd": 0.6}
    data |= {"mean_reversion": 0.05, "volatility": 0.01, "hazard_rate": 0.02, "seed": 1}
    return data | {"dates": whole(random, 4, 120), "paths": 2 * whole(random, 500, 150_000)}


def cvar_portfolio(random: Generator) -> Data:
    assets, rows = whole(random, 3, 60), whole(random, 200, 3000)
    returns = random.standard_t(4, (rows, assets)) * 0.01 + random.uniform(0, 0.001, assets)
    data: Data = {"scenarios": returns.tolist(), "beta": of(random, 0.9, 0.95, 0.99)}
    data |= {"bounds": [0, min(1.0, 4 / assets)]}
    way = random.random()
    if way < 0.3:
        return data | {"points": int(random.integers(2, 8))}
    return data | ({"target_return": float(np.quantile(returns.mean(axis=0), 0.5))} if way < 0.7 else {})


def implied_vol(random: Generator) -> Data:
    rows = whole(random, 1, 200_000)
    strikes, times = random.uniform(70, 140, rows), random.uniform(0.05, 2, rows)
    prices = np.maximum(100 - strikes * np.exp(-0.02 * times), 0) + random.uniform(1, 8, rows)
    data: Data = {"price": prices.tolist(), "type": "call", "spot": 100, "strike": strikes.tolist()}
    return data | {"maturity": times.tolist(), "rate": 0.02}


def loan(random: Generator) -> Data:
    task = of(random, "payment", "schedule", "apr_reg_z", "xirr", "prepayment")
    rows = whole(random, 1, 30_000 if task in ("schedule", "prepayment") else 100_000)
    told: Data = {"task": task, "output": of(random, "rows", "totals")}
    if task == "xirr":
        lengths = random.integers(6, 60, rows)
        days = np.concatenate([np.arange(n) * 30 for n in lengths])
        amounts = np.concatenate([[-100.0 * (n - 1), *random.uniform(95, 115, n - 1)] for n in lengths])
        return told | {"lengths": lengths.tolist(), "days": days.tolist(), "amounts": amounts.tolist()}
    if task == "prepayment":
        months = random.integers(60, 360, rows).tolist()
        return told | {
            "balance": column(random, rows, 1e5, 1e6),
            "coupon": 0.06,
            "remaining_months": months,
            "psa": 150,
        }
    if task == "apr_reg_z":
        return {"task": task, "advance": column(random, rows, 4900, 5000), "payment": 230.0, "payments": 24} | {
            "unit_period": "month",
            "output": told["output"],
        }
    periods = random.integers(12, 361, rows).tolist()
    told |= {"output": "totals"} if task == "schedule" and rows > 300 else {}
    return told | {"principal": column(random, rows, 1e4, 1e6), "rate_per_period": 0.005, "periods": periods}


def markowitz(random: Generator) -> Data:
    assets = whole(random, 3, 400)
    mean = random.uniform(0.02, 0.08, assets)
    goal = of(random, "min_variance", "target_return", "max_sharpe", "utility", "frontier")
    data: Data = {"objective": goal, "mean": mean.tolist(), "bounds": [0, min(1.0, 10 / assets)]}
    data |= {
        "target_return": {"target_return": float(np.quantile(mean, 0.6))},
        "max_sharpe": {"risk_free_rate": 0.01},
        "utility": {"risk_aversion": 3},
        "frontier": {"points": int(random.integers(2, 30))},
    }.get(goal, {})
    if random.random() < 0.6:
        return data | {"covariance": covariance(random, assets)}
    loadings = (random.standard_normal((assets, 8)) * 0.06).tolist()
    return data | {"factors": {"loadings": loadings, "specific": column(random, assets, 0.0025, 0.09)}}


def model_calibration(random: Generator) -> Data:
    dates = int(random.integers(1, 6))
    rows = [
        {"maturity": 0.25 * (t + 1), "strike": float(k), "volatility": 0.2 + 0.0008 * abs(k - 105) / math.sqrt(t + 1)}
        for t in range(dates)
        for k in np.linspace(80, 120, int(random.integers(5, 12)))
    ]
    starts = whole(random, 1, 32)
    if random.random() < 0.5:
        return {"model": "heston", "spot": 100, "rate": 0.02, "dividend_yield": 0.0, "quotes": rows, "starts": starts}
    return {"model": "sabr", "forward": 100, "quotes": rows, "fixed": {"beta": 0.5}, "starts": starts}


def option_american(random: Generator) -> Data:
    data = option(random) | {"dividend_yield": 0.02}
    if random.random() < 0.2:
        return data | {"exercise_dates": None}
    data |= {"exercise_dates": whole(random, 4, 100), "paths": 2 * whole(random, 5000, 500_000), "seed": 1}
    if random.random() < 0.3:
        n = int(random.integers(2, 6))
        basket = {"spots": [100] * n, "volatilities": [0.2] * n, "dividend_yields": [0.1] * n, "correlation": 0.2}
        gone = dict.fromkeys(("type", "spot", "volatility", "dividend_yield"))
        return data | gone | basket | {"style": "max_call", "exercise_dates": int(random.integers(3, 12))}
    return data


def option_basket(random: Generator) -> Data:
    n = int(random.integers(2, 9))
    style = of(random, "arithmetic", "arithmetic", "max", "min")
    data: Data = {"type": of(random, "call", "put"), "spots": [100] * n, "weights": [1.0 / n] * n, "strike": 100}
    data |= {"maturity": random.uniform(0.5, 5), "rate": 0.03, "volatilities": column(random, n, 0.15, 0.45)}
    data |= {"correlation": random.uniform(0.1, 0.8), "style": style}
    data |= {"weights": [1.0] * n} if style != "arithmetic" else {}
    if n <= 4 and style == "arithmetic" and random.random() < 0.5:
        return data
    return data | {"method": of(random, "rqmc", "monte_carlo"), "paths": whole(random, 4096, 8_000_000), "seed": 1}


def option_european(random: Generator) -> Data:
    way = random.random()
    if way < 0.3:
        rows = whole(random, 1, 50_000)
        data = option(random) | {"strike": column(random, rows, 80, 125)}
        return data | (HESTON if random.random() < 0.3 else {})
    data = option(random) | {"method": of(random, "monte_carlo", "rqmc"), "seed": 1}
    reduction = of(random, "none", "control", *(("antithetic",) if data["method"] == "monte_carlo" else ()))
    if way < 0.6:
        return data | HESTON | {"paths": whole(random, 1000, 500_000), "steps": whole(random, 4, 128)}
    return data | {"paths": 2 * whole(random, 500, 50_000_000), "variance_reduction": reduction}


def option_path(random: Generator) -> Data:
    style = of(random, "asian_arithmetic", "barrier_down_out", "barrier_up_in", "lookback_fixed", "lookback_floating")
    data = option(random) | {"style": style, "fixings": whole(random, 4, 250)}
    data |= {"barrier_down_out": {"barrier": 75.0}, "barrier_up_in": {"barrier": 130.0}}.get(style, {})
    if style == "lookback_floating":
        del data["strike"]
    return data | {"method": of(random, "rqmc", "monte_carlo"), "paths": whole(random, 4096, 1_000_000), "seed": 1}


def risk_budget(random: Generator) -> Data:
    assets, method = whole(random, 2, 800), of(random, "equal_risk", "budgets", "hrp")
    data: Data = {"method": method, "covariance": covariance(random, assets)}
    if method == "hrp":
        return data | {
            "linkage": of(random, "single", "average", "ward"),
            "distance": of(random, "correlation", "rows"),
        }
    shares = random.uniform(0.5, 1.5, assets)
    return data | ({"budgets": (shares / shares.sum()).tolist()} if method == "budgets" else {})


def strategy_grid(random: Generator) -> Data:
    times, assets = whole(random, 300, 3000), whole(random, 1, 30)
    moves = 1 + 0.015 * random.standard_normal((times, assets))
    rule = of(random, "moving_average", "momentum", "mean_reversion", "breakout")
    data: Data = {"prices": (100 * np.cumprod(moves, axis=0)).tolist(), "rule": rule, "periods_per_year": 252}
    most = whole(random, 1, 40)
    if rule == "moving_average":
        grid: Data = {"fast": list(range(2, 2 + most)), "slow": list(range(50, 50 + most))}
    else:
        grid = {"lookback": list(range(5, 5 + most))}
        grid |= {} if rule == "breakout" else {"threshold": [0.1 * i for i in range(whole(random, 1, 20))]}
    data |= {"grid": grid, "cost": 0.0005}
    return data | ({"walk_forward": {"train": 100, "test": 20}} if random.random() < 0.4 else {})


def stress_test(random: Generator) -> Data:
    names = [f"F{i}" for i in range(whole(random, 1, 20))]
    positions: list[Data] = []
    for i in range(whole(random, len(names), 20_000)):
        position: Data = {"symbol": names[i % len(names)], "quantity": 10, "price": 100}
        if random.random() < 0.5:
            position |= {"type": "option", "option_type": "put", "strike": random.uniform(80, 120), "maturity": 0.5}
            position |= {"volatility": 0.2, "rate": 0.03}
        positions.append(position)
    most = max(min(3e6 / len(positions), 3000), 2)
    scenarios = [
        {"name": f"s{i}", "shocks": {name: {"type": "relative", "value": random.uniform(-0.3, 0.3)} for name in names}}
        for i in range(whole(random, 1, most))
    ]
    return {"positions": positions, "scenarios": scenarios}


def var_historical(random: Generator) -> Data:
    days, columns = whole(random, 50, 3000), whole(random, 1, 200)
    returns = random.standard_t(5, (days, columns)) * 0.01
    data: Data = {"returns": returns.tolist(), "exposures": column(random, columns, -1e5, 2e5), "confidence": 0.95}
    method = of(random, "plain", "weighted", "parametric", "filtered", "ewma")
    data |= {"method": method}
    if method == "filtered" and random.random() < 0.5:
        data |= {"filter_by": "symbol"}
    if days > 400 and random.random() < 0.3:
        return data | {"task": "backtest", "window": 250}
    return data


def var_mc(random: Generator) -> Data:
    n, way = whole(random, 1, 400), of(random, "linear_normal", "normal", "student_t", "lognormal", "delta_gamma")
    worth = column(random, n, -1e5, 2e5)
    alpha = of(random, 0.95, 0.99, 0.995)
    data: Data = {"confidence": alpha, "seed": 1, "volatility_period": "day", "horizon_days": 10}
    if way == "delta_gamma":
        n = min(n, 60)
        bent = random.standard_normal((n, n))
        data |= {
            "method": way,
            "delta": worth[:n],
            "gamma": (bent + bent.T).tolist(),
            "covariance": covariance(random, n),
        }
        return data | {"scenarios": whole(random, 10_000, 1_000_000)}
    data |= {"positions": [{"symbol": f"S{i}", "value": value} for i, value in enumerate(worth)]}
    if random.random() < 0.5:
        data |= {"covariance": covariance(random, n)}
    else:
        loadings = (random.standard_normal((n, 10)) * 0.01).tolist()
        data |= {"factors": {"loadings": loadings, "specific": column(random, n, 0.005, 0.02)}}
    if way == "linear_normal":
        return data | {"method": way}
    most = 300_000 if way == "lognormal" else 1_900_000
    data |= {"scenarios": whole(random, 10_000, most), "distribution": way}
    return data | ({"degrees_of_freedom": 4} if way == "student_t" else {})


REQUESTS: dict[str, Callable[[Generator], Data]] = {
    each.__name__: each
    for each in (
        *(
            bermudan_swaption,
            bond_book,
            compound_interest,
            credit_loss,
            cva,
            cvar_portfolio,
            implied_vol,
            loan,
            markowitz,
        ),
        *(model_calibration, option_american, option_basket, option_european, option_path, risk_budget),
        *(strategy_grid, stress_test, var_historical, var_mc),
    )
}
