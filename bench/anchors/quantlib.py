"""QuantLib's markets and simulations, for the contests of options."""

from collections.abc import Callable
from typing import Any

import QuantLib as ql

from bench.anchors.contest import Side, timed

TODAY = ql.Date(15, 5, 2024)
DAYS = ql.Actual365Fixed()
ql.Settings.instance().evaluationDate = TODAY


def flat(rate: float) -> Any:
    """A curve with one continuous rate."""
    return ql.YieldTermStructureHandle(ql.FlatForward(TODAY, rate, DAYS))


def spot(level: float) -> Any:
    """Of the underlying."""
    return ql.QuoteHandle(ql.SimpleQuote(level))


def lognormal(level: float = 100.0, rate: float = 0.05, volatility: float = 0.2) -> Any:
    """Black and Scholes' process."""
    curve = ql.BlackVolTermStructureHandle(ql.BlackConstantVol(TODAY, ql.NullCalendar(), volatility, DAYS))
    return ql.BlackScholesMertonProcess(spot(level), flat(0.0), flat(rate), curve)


def simulated(option: Any, engine: Callable[[int], Any], paths: int) -> Callable[[], Side]:
    """The price by an engine with so many paths."""

    def once() -> float:
        option.setPricingEngine(engine(paths))
        option.recalculate()
        return float(option.NPV())

    def side() -> Side:
        took_s, value = timed(once)
        return Side(took_s, value, option.errorEstimate())

    return side


def to_error(simulation: Callable[[], Side], error: float) -> Callable[[], Side]:
    """What a simulation would take to that standard error, beside an answer that has none."""

    def side() -> Side:
        found = simulation()
        return Side(found.cpu_s * (found.error / error) ** 2, found.value, found.error)

    return side
