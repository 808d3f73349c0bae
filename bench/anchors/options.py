"""Simulated options beside QuantLib's Monte Carlo engines, to the same standard error."""

from typing import Any

import QuantLib as ql

from bench.anchors.contest import Contest, ours, price, scaled
from bench.anchors.quantlib import TODAY, flat, lognormal, simulated, spot, to_error

YEAR = TODAY + 365
CALL = ql.PlainVanillaPayoff(ql.Option.Call, 100.0)
MARKET: dict[str, Any] = {"spot": 100, "strike": 100, "maturity": 1, "rate": 0.05, "type": "call", "seed": 42}
BLACK = {**MARKET, "volatility": 0.2}
HESTON = {"v0": 0.0175, "kappa": 1.5768, "theta": 0.0398, "xi": 0.5751, "rho": -0.5711}


def contests(size: float) -> list[Contest]:
    """`size` scales the paths."""
    return [
        european(size),
        heston(size),
        average(size),
        barrier(size, steps=50, all_the_time=True, goal=100),
        barrier(size, steps=252, all_the_time=False, goal=50),
        basket(size),
        exact_basket(size),
        american(size, paths=1_000, goal=10),
        american(size, paths=24_000, goal=100),
    ]


def european(size: float) -> Contest:
    """One step, and the price at maturity as our control."""
    process = lognormal()

    def engine(paths: int) -> Any:
        return ql.MCEuropeanEngine(process, "pseudorandom", timeSteps=1, requiredSamples=paths, seed=42)

    option = ql.VanillaOption(CALL, ql.EuropeanExercise(YEAR))
    return Contest(
        kind="option_european",
        what="call",
        anchor="QuantLib MCEuropeanEngine",
        goal=100,
        ours=ours("option_european", {**BLACK, "paths": scaled(4_000_000, size)}, price),
        other=simulated(option, engine, scaled(200_000, size)),
    )


def heston(size: float) -> Contest:
    """Both have a bias of their own, so prices may be 1 % apart."""
    process = ql.HestonProcess(flat(0.05), flat(0.0), spot(100.0), *HESTON.values())

    def engine(paths: int) -> Any:
        return ql.MCEuropeanHestonEngine(
            process, "pseudorandom", timeSteps=100, antitheticVariate=False, requiredSamples=paths, seed=42
        )

    option = ql.VanillaOption(CALL, ql.EuropeanExercise(YEAR))
    data = {**MARKET, **HESTON, "model": "heston", "paths": scaled(400_000, size), "steps": 20}
    return Contest(
        kind="option_european",
        what="Heston, 20 steps of QE",
        anchor="QuantLib MCEuropeanHestonEngine, 100 Euler steps",
        goal=40,
        ours=ours("option_european", data, price),
        other=simulated(option, engine, scaled(16_000, size)),
        within=1e-2,
    )


def average(size: float) -> Contest:
    """Both with the geometric average as control."""
    process = lognormal()

    def engine(paths: int) -> Any:
        return ql.MCDiscreteArithmeticAPEngine(
            process,
            "pseudorandom",
            brownianBridge=True,
            antitheticVariate=False,
            controlVariate=True,
            requiredSamples=paths,
            seed=42,
        )

    fixings = [TODAY + round(365 * (i + 1) / 12) for i in range(12)]
    option = ql.DiscreteAveragingAsianOption(ql.Average.Arithmetic, 0.0, 0, fixings, CALL, ql.EuropeanExercise(YEAR))
    data = {**BLACK, "style": "asian_arithmetic", "fixings": 12, "paths": scaled(131_072, size)}
    return Contest(
        kind="option_path",
        what="Asian, 12 dates",
        anchor="QuantLib MCDiscreteArithmeticAPEngine, control",
        goal=80,
        ours=ours("option_path", data, price),
        other=simulated(option, engine, scaled(65_000, size)),
        within=5e-4,  # whole days there, twelfths of a year here
    )


def barrier(size: float, steps: int, all_the_time: bool, goal: float) -> Contest:
    """A call that ends at 90: watched all the time, simulated on some dates; or watched on dates alone."""
    process = lognormal()

    def engine(paths: int) -> Any:
        return ql.MCBarrierEngine(
            process,
            "pseudorandom",
            timeSteps=steps,
            brownianBridge=False,
            requiredSamples=paths,
            isBiased=not all_the_time,
            seed=42,
        )

    option = ql.BarrierOption(ql.Barrier.DownOut, 90.0, 0.0, CALL, ql.EuropeanExercise(YEAR))
    data = {**BLACK, "style": "barrier_down_out", "barrier": 90, "fixings": steps, "method": "rqmc"}
    data |= {"monitoring": "continuous" if all_the_time else "discrete", "paths": scaled(65_536, size)}
    return Contest(
        kind="option_path",
        what=f"barrier, {steps} dates, watched {'all the time' if all_the_time else 'on these alone'}",
        anchor=f"QuantLib MCBarrierEngine{', bridge' * all_the_time}",
        goal=goal,
        ours=ours("option_path", data, price),
        other=simulated(option, engine, scaled(16_000, size)),
    )


def _four(size: float) -> tuple[dict[str, Any], Any]:
    """The four assets of finance.md, and QuantLib's simulation of them."""
    correlation = ql.Matrix(4, 4, 0.5)
    for i in range(4):
        correlation[i][i] = 1.0
    process = ql.StochasticProcessArray([lognormal(100.0, 0.0, 0.4) for _ in range(4)], correlation)

    def engine(paths: int) -> Any:
        return ql.MCEuropeanBasketEngine(process, "pseudorandom", timeStepsPerYear=1, requiredSamples=paths, seed=42)

    payoff = ql.AverageBasketPayoff(CALL, [0.25] * 4)
    option = ql.BasketOption(payoff, ql.EuropeanExercise(TODAY + 5 * 365))
    data = {
        "type": "call",
        "style": "arithmetic",
        "spots": [100] * 4,
        "weights": [0.25] * 4,
        "strike": 100,
        "maturity": 5,
        "rate": 0,
        "volatilities": [0.4] * 4,
        "correlation": 0.5,
        "seed": 42,
    }
    return data, simulated(option, engine, scaled(30_000, size))


def basket(size: float) -> Contest:
    """Simulated on both sides."""
    data, other = _four(size)
    return Contest(
        kind="option_basket",
        what="4 assets, 5 years, rqmc",
        anchor="QuantLib MCEuropeanBasketEngine",
        goal=1000,
        ours=ours("option_basket", {**data, "method": "rqmc", "paths": scaled(16_384, size)}, price),
        other=other,
    )


def exact_basket(size: float) -> Contest:
    """By quadrature, which gives ten digits; QuantLib's simulation to 0.01 beside it."""
    data, other = _four(size)
    return Contest(
        kind="option_basket",
        what="the same by quadrature, ten digits",
        anchor="QuantLib MCEuropeanBasketEngine to s.e. 0.01",
        goal=None,
        ours=ours("option_basket", data, price),
        other=to_error(other, 0.01),
        goal_per_s=500,
    )


def american(size: float, paths: int, goal: float) -> Contest:
    """Longstaff and Schwartz on both sides, each with a policy of its own."""
    process = lognormal(36.0, 0.06, 0.2)

    def engine(count: int) -> Any:
        return ql.MCAmericanEngine(
            process,
            "pseudorandom",
            timeSteps=50,
            antitheticVariate=False,
            requiredSamples=count,
            seed=42,
            polynomOrder=3,
            nCalibrationSamples=4096,
        )

    payoff = ql.PlainVanillaPayoff(ql.Option.Put, 40.0)
    option = ql.VanillaOption(payoff, ql.AmericanExercise(TODAY, YEAR))
    data = {"type": "put", "spot": 36, "strike": 40, "maturity": 1, "rate": 0.06, "volatility": 0.2, "seed": 42}
    return Contest(
        kind="option_american",
        what=f"put, 50 dates, {paths:,} paths",
        anchor="QuantLib MCAmericanEngine",
        goal=goal,
        ours=ours("option_american", {**data, "exercise_dates": 50, "paths": scaled(paths, size)}, price),
        other=simulated(option, engine, scaled(32_000, size)),
        within=1e-2,
    )
