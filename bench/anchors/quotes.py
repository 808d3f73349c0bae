"""Implied volatilities and a Heston fit beside QuantLib."""

import math
from typing import Any

import numpy as np
import QuantLib as ql

from bench.anchors.contest import Contest, Side, answer, looped, ours, scaled, timed
from bench.anchors.options import HESTON
from bench.anchors.quantlib import flat, spot

BOOK = 50_000  # rows that a book of options may have
LOOPED = 5_000  # quotes that the loop over QuantLib's formula takes; its time is the same for each


def contests(size: float) -> list[Contest]:
    """`size` scales the quotes of implied volatilities."""
    return [implied(size), calibration()]


def implied(size: float) -> Contest:
    """A snapshot of quotes, out of the money."""
    random, n = np.random.default_rng(1), scaled(100_000, size)
    strikes, maturities = 100 * np.exp(random.normal(0, 0.2, n)), random.uniform(0.05, 2, n)
    quotes: dict[str, Any] = {
        "type": ["call" if strike > 100 else "put" for strike in strikes],
        "strike": strikes.tolist(),
        "maturity": maturities.tolist(),
        "volatility": random.uniform(0.1, 0.6, n).tolist(),
    }
    prices: list[float] = []
    for first in range(0, n, BOOK):
        some = {name: column[first : first + BOOK] for name, column in quotes.items()}
        prices += answer("option_european", {**some, "spot": 100, "rate": 0.02, "method": "closed_form"}).price
    few = min(n, LOOPED)

    def loop() -> list[float]:
        found = []
        for i in range(few):
            t = float(maturities[i])
            which = ql.Option.Call if quotes["type"][i] == "call" else ql.Option.Put
            forward, discount = 100 * math.exp(0.02 * t), math.exp(-0.02 * t)
            deviation = ql.blackFormulaImpliedStdDev(
                which, float(strikes[i]), forward, prices[i], discount, 0.0, 0.2 * math.sqrt(t), 1e-12, 100
            )
            found.append(deviation / math.sqrt(t))
        return found

    asked = {name: quotes[name] for name in ("type", "strike", "maturity")}
    return Contest(
        kind="implied_vol",
        what=f"{n:,} quotes",
        anchor="QuantLib blackFormulaImpliedStdDev, a loop",
        goal=None,
        ours=ours(
            "implied_vol", {**asked, "spot": 100, "rate": 0.02, "price": prices}, lambda r: (r.volatility[few - 1], 0.0)
        ),
        other=lambda: looped(loop, n / few),
        work=n,
        goal_per_s=1_500_000,
    )


def calibration() -> Contest:
    """Quotes that a model has made. QuantLib's single descent ends in a false minimum, so only ours must come back."""
    points = [{"maturity": months / 12, "strike": 80 + 5 * k} for months in (3, 6, 12, 24) for k in range(9)]
    market = {"model": "heston", "spot": 100, "rate": 0}
    made = answer("model_calibration", {**market, "task": "evaluate", "parameters": HESTON, "points": points})
    quotes = [{**point, "volatility": found} for point, found in zip(points, made.volatilities, strict=True)]
    start = {"v0": 0.1, "kappa": 3, "theta": 0.1, "xi": 0.3, "rho": 0}

    def fit() -> None:
        model = ql.HestonModel(ql.HestonProcess(flat(0.0), flat(0.0), spot(100.0), *start.values()))
        engine, helpers = ql.AnalyticHestonEngine(model), []
        for quote in quotes:
            period = ql.Period(round(12 * quote["maturity"]), ql.Months)
            helper = ql.HestonModelHelper(
                period,
                ql.NullCalendar(),
                100.0,
                float(quote["strike"]),
                spot(quote["volatility"]),
                flat(0.0),
                flat(0.0),
            )
            helper.setPricingEngine(engine)
            helpers.append(helper)
        ends = ql.EndCriteria(500, 100, 1e-10, 1e-10, 1e-10)
        model.calibrate(helpers, ql.LevenbergMarquardt(1e-10, 1e-10, 1e-10), ends)

    return Contest(
        kind="model_calibration",
        what="Heston, 36 quotes, our 8 starts",
        anchor="QuantLib HestonModel.calibrate, one start",
        goal=5,
        ours=ours(
            "model_calibration",
            {**market, "quotes": quotes, "starts": 8, "start": start},
            lambda r: (r.parameters["v0"], 0.0),
        ),
        other=lambda: Side(timed(fit)[0], HESTON["v0"]),
    )
