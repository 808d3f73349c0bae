"""Bonds and swaptions beside QuantLib; credit portfolios and the exposure of swaps beside numpy."""

import math
from typing import Any

import numpy as np
import QuantLib as ql
from numpy.typing import NDArray
from scipy.special import ndtri

from bench.anchors.contest import Contest, Side, looped, ours, scaled, timed
from bench.anchors.quantlib import DAYS, TODAY, flat

BLOCK = 1024
Array = NDArray[np.float64]


def contests(size: float) -> list[Contest]:
    """`size` scales bonds, scenarios and paths."""
    return [bonds(size), defaults(size), exposure(size), swaptions(size)]


def bonds(size: float) -> Contest:
    """Yield, duration and convexity from clean prices."""
    count, few = scaled(20_000, size), 300
    years, coupons = [2 + i % 28 for i in range(count)], [0.03 + 0.0001 * (i % 300) for i in range(count)]
    day_count = ql.Thirty360(ql.Thirty360.BondBasis)

    def loop() -> list[float]:
        yields = []
        for i in range(few):
            schedule = ql.Schedule(
                TODAY,
                TODAY + ql.Period(years[i], ql.Years),
                ql.Period(6, ql.Months),
                ql.NullCalendar(),
                ql.Unadjusted,
                ql.Unadjusted,
                ql.DateGeneration.Backward,
                False,
            )
            bond = ql.FixedRateBond(0, 100.0, schedule, [coupons[i]], day_count)
            price = ql.BondPrice(95.0, ql.BondPrice.Clean)
            found = ql.BondFunctions.bondYield(bond, price, day_count, ql.Compounded, ql.Semiannual, TODAY)
            rate = ql.InterestRate(found, day_count, ql.Compounded, ql.Semiannual)
            ql.BondFunctions.duration(bond, rate, ql.Duration.Modified, TODAY)
            ql.BondFunctions.convexity(bond, rate, TODAY)
            yields.append(found)
        return yields

    book: dict[str, Any] = {
        "settlement": TODAY.ISO(),
        "maturity": [(TODAY + ql.Period(each, ql.Years)).ISO() for each in years],
        "coupon": coupons,
        "frequency": 2,
        "day_count": "30/360_us",
        "price": 95.0,
        "columns": ["yield", "modified_duration", "convexity"],
    }
    return Contest(
        kind="bond_book",
        what=f"{count:,} bonds: yield, duration, convexity",
        anchor="QuantLib FixedRateBond, a loop",
        goal=100,
        ours=ours("bond_book", book, lambda r: (r.yields[few - 1], 0.0)),
        other=lambda: looped(loop, count / few),
        work=count,
    )


def defaults(size: float) -> Contest:
    """A thousand names under one Gaussian factor; VaR and shortfall."""
    names, rho, scenarios = 1000, 0.2, max(scaled(40_000, size), 4_000)
    chances, amounts = np.linspace(0.002, 0.05, names), np.linspace(0.5, 1.5, names)
    thresholds = ndtri(chances)

    def losses() -> Array:
        found = []
        for first in range(0, scenarios, BLOCK):
            random = np.random.Generator(np.random.Philox(key=[1, first]))
            rows = min(BLOCK, scenarios - first)
            common, own = random.standard_normal((rows, 1)), random.standard_normal((rows, names))
            found.append(((math.sqrt(rho) * common + math.sqrt(1 - rho) * own) < thresholds) @ amounts)
        return np.concatenate(found)

    def other() -> Side:
        took_s, found = timed(losses)
        worst = np.sort(found)[math.ceil(0.99 * scenarios) :]
        return Side(took_s, float(worst.mean()))

    rows = zip(chances.tolist(), amounts.tolist(), strict=True)
    data = {
        "method": "gaussian_copula_mc",
        "names": [{"exposure": each, "pd": chance, "lgd": 1, "correlation": rho} for chance, each in rows],
        "confidence": 0.99,
        "scenarios": scenarios,
        "seed": 42,
    }
    return Contest(
        kind="credit_loss",
        what=f"{names:,} names, {scenarios:,} scenarios, contributions too",
        anchor="numpy: normals, comparison, product",
        goal=4,
        ours=ours("credit_loss", data, lambda r: (r.es, math.sqrt(2) * r.standard_error["es"])),
        other=other,
    )


def exposure(size: float) -> Contest:
    """Fifty payer swaps in one netting set, ten years, sixty dates: valued together, and each by itself in numpy."""
    paths, dates, swaps, reversion, volatility, rate = scaled(8_192, size), 60, 50, 0.03, 0.01, 0.03
    fixed = [0.02 + 0.0004 * i for i in range(swaps)]

    def profile() -> float:
        random = np.random.Generator(np.random.Philox(key=[3, 0]))
        x, total, step = np.zeros(paths), 0.0, 10 / dates
        for i in range(1, dates + 1):
            before, now = (i - 1) * step, i * step
            spread, start = (volatility**2 * math.expm1(2 * reversion * t) / (2 * reversion) for t in (now, before))
            x += math.sqrt(spread - start) * random.standard_normal(paths)
            value = np.zeros(paths)
            for each in fixed if i < dates else []:
                value += _bond(now, x, spread)
                for pays in range(math.floor(now + 1e-9) + 1, 11):
                    value -= (each + (pays == 10)) * _bond(pays, x, spread)
            total += np.maximum(value, 0).mean() * (math.exp(-0.02 * before) - math.exp(-0.02 * now))
        return 0.6 * total

    def _bond(pays: float, x: Array, spread: float) -> Array:
        """Discounted: over the numeraire."""
        height = -math.expm1(-reversion * pays) / reversion
        return np.exp(-rate * pays - height * x - 0.5 * height * height * spread)

    def other() -> Side:
        took_s, value = timed(profile)
        return Side(took_s, value)

    data = {
        "netting_set": {"swaps": [{"notional": 1, "fixed_rate": each, "side": "pay", "end": 10} for each in fixed]},
        "rate": rate,
        "mean_reversion": reversion,
        "volatility": volatility,
        "hazard_rate": 0.02,
        "lgd": 0.6,
        "dates": dates,
        "floating": "restarting",
        "paths": paths,
        "variance_reduction": "none",
        "seed": 42,
    }
    return Contest(
        kind="cva",
        what=f"{swaps} swaps, {dates} dates, {paths:,} paths",
        anchor="numpy, swap by swap",
        goal=10,
        ours=ours("cva", data, lambda r: (r.cva, math.sqrt(2) * r.standard_error["cva"])),
        other=other,
    )


def swaptions(size: float) -> Contest:
    """Bermudan payers, five dates each: to 1e-9 here, on a grid of 200 × 200 there, whose answers are good to 1e-5."""
    count, few, rate, reversion, volatility = max(scaled(1024, size) // 16, 16), 4, 0.04, 0.05, 0.01
    fixed = [0.03 + 0.02 * i / count for i in range(count)]
    model = ql.HullWhite(flat(rate), reversion, volatility)
    schedule = ql.Schedule([TODAY + 365 * i for i in range(2, 8)], ql.NullCalendar(), ql.Unadjusted)
    year = ql.Period(1, ql.Years)
    index = ql.IborIndex("flat", year, 0, ql.USDCurrency(), ql.NullCalendar(), ql.Unadjusted, False, DAYS, flat(rate))
    exercise = ql.BermudanExercise([TODAY + 365 * i for i in range(2, 7)])

    def loop() -> list[float]:
        found = []
        for each in fixed[:few]:
            swap = ql.VanillaSwap(ql.VanillaSwap.Payer, 1.0, schedule, each, DAYS, schedule, index, 0.0, DAYS)
            swaption = ql.Swaption(swap, exercise)
            swaption.setPricingEngine(ql.FdHullWhiteSwaptionEngine(model, 200, 200))
            found.append(swaption.NPV())
        return found

    data = {
        "product": "bermudan_swaption",
        "side": "pay",
        "exercise_times": [2, 3, 4, 5, 6],
        "end": 7,
        "fixed_rate": fixed,
        "rate": rate,
        "mean_reversion": reversion,
        "volatility": volatility,
    }
    return Contest(
        kind="bermudan_swaption",
        what=f"{count} trades, 5 dates, to 1e-9",
        anchor="QuantLib FdHullWhiteSwaptionEngine 200 × 200",
        goal=2,
        ours=ours("bermudan_swaption", data, lambda r: (r.price[few - 1], 0.0)),
        other=lambda: looped(loop, count / few),
        within=1e-3,
        work=count,
    )
