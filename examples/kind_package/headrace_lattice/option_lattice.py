"""An American or European option on a lattice of QuantLib, under Black and Scholes.

What QuantLib raises, and whatever memory and time it takes, is contained like any other kind's: its process may die of
it, its task fails with the cause, nobody else notices. Cox, Ross and Rubinstein (1979); Leisen and Reimer (1996).
"""

from typing import Annotated, Literal

import QuantLib as ql
from msgspec import Meta, Struct

from calc.errors import CalcError
from calc.kind import never_enough, no_estimate, one_part, only_partial, result_of_partial
from calc.quantities import DividendYield, Rate, Spot, Strike, Volatility, measure

NAME = "option_lattice"
VERSION = 1
ALIASES: tuple[str, ...] = ()
SUMMARY = "Price of an American or European option on a binomial lattice, by QuantLib."
EXAMPLE = {
    "type": "put",
    "exercise": "american",
    "spot": 36,
    "strike": 40,
    "days": 365,
    "rate": 0.06,
    "volatility": 0.2,
    "steps": 801,
}

_TREES = {"cox_ross_rubinstein": "crr", "leisen_reimer": "lr"}


class Params(Struct, frozen=True, forbid_unknown_fields=True):
    type: Annotated[Literal["call", "put"], Meta(title="Type")]
    spot: Spot
    strike: Strike
    days: Annotated[int, measure("Days", "days", "To expiry; a year has 365.", 365, ge=1, le=36_500)]
    rate: Rate
    volatility: Volatility
    dividend_yield: DividendYield = 0.0
    exercise: Annotated[Literal["american", "european"], Meta(title="Exercise")] = "american"
    lattice: Annotated[Literal["cox_ross_rubinstein", "leisen_reimer"], Meta(title="Lattice")] = "leisen_reimer"
    steps: Annotated[int, measure("Steps", "count", "Of the lattice.", 801, ge=3, le=5_001)] = 801


class Result(Struct, frozen=True):
    price: float
    delta: float
    gamma: float
    standard_error: None
    diagnostics: dict[str, str]


class Partial(Struct, frozen=True):
    result: Result


Accumulator = Partial
plan = one_part
reduce = only_partial
estimate = no_estimate
enough = never_enough
result = result_of_partial


def cost(params: Params) -> float:
    """Seconds of CPU: a step of the lattice touches all its nodes."""
    return 0.0005 + 1.2e-8 * params.steps**2


def run(params: Params, part: int) -> Partial:
    """All of it. QuantLib's own refusals become ours."""
    today = ql.Date(2, 1, 2026)
    ql.Settings.instance().evaluationDate = today
    count = ql.Actual365Fixed()

    def flat(rate: float) -> ql.YieldTermStructureHandle:
        return ql.YieldTermStructureHandle(ql.FlatForward(today, rate, count))

    volatility = ql.BlackVolTermStructureHandle(ql.BlackConstantVol(today, ql.NullCalendar(), params.volatility, count))
    spot = ql.QuoteHandle(ql.SimpleQuote(params.spot))
    process = ql.BlackScholesMertonProcess(spot, flat(params.dividend_yield), flat(params.rate), volatility)
    end = today + params.days
    exercise = ql.AmericanExercise(today, end) if params.exercise == "american" else ql.EuropeanExercise(end)
    side = ql.Option.Call if params.type == "call" else ql.Option.Put
    option = ql.VanillaOption(ql.PlainVanillaPayoff(side, params.strike), exercise)
    option.setPricingEngine(ql.BinomialVanillaEngine(process, _TREES[params.lattice], params.steps))
    try:
        values = option.NPV(), option.delta(), option.gamma()
    except RuntimeError as wrong:
        raise CalcError(f"QuantLib refuses: {wrong}.", code="refused") from None
    told = {"method": params.lattice, "library": f"QuantLib {ql.__version__}", "price": "currency"}
    return Partial(Result(*values, None, told))
