"""What a netting set and its counterparty are, as a client says it: the fields, and what can be wrong among them."""

import math
from typing import Annotated, Literal

from msgspec import Meta, Struct

from calc.errors import Fault, InvalidData
from calc.kinds.rate_curve import CurveTerms, MeanReversion, RateVolatility, curve_faults
from calc.numerics.exposure import Option, Swap
from calc.numerics.hull_white import HullWhite
from calc.quantities import DividendYield, Positive, Rate, Seed, Spot, Strike, Volatility, measure

MAX_DATES = 1000
MAX_NUMBERS = 1_000_000  # dates × (payments + coupons + options): arrays of a process
MAX_WORK = 10**12  # those × paths
MAX_PERIODS = 200_000  # of all swaps
MOST_DEVIATION = 3.0  # of the logarithm of a share's price at an option's maturity
MOST_BOND_DEVIATION = 1.5  # of the logarithm of a bond on a date: above, few paths carry its mean

Amount = Annotated[float, Meta(gt=0, le=1e15)]
Years = Annotated[float, Meta(ge=0, le=100)]
Hazard = Annotated[float, Meta(ge=0, le=10)]


class SwapTerms(Struct, frozen=True, forbid_unknown_fields=True):
    """Fixed against floating on one curve, in the same periods."""

    notional: Annotated[Amount, measure("Notional", "currency", "Of both legs.", 1_000_000)]
    fixed_rate: Annotated[
        float, measure("Fixed rate", "per year", "Simple, of each period.", 0.03, fraction=True, ge=-0.5, le=1)
    ]
    side: Annotated[Literal["pay", "receive"], Meta(title="Side", description="Whether we pay or receive fixed.")]
    end: Annotated[float, measure("End", "years", "Of the last period.", 5, gt=0, le=100)]
    start: Annotated[Years, measure("Start", "years", "Of the first period; 0 is now.", 0)] = 0.0
    frequency: Annotated[
        Literal[1, 2, 4, 12], measure("Frequency", "per year", "Of payments; a short period comes first.", 1)
    ] = 1


class OptionTerms(Struct, frozen=True, forbid_unknown_fields=True):
    """A European option on a share, whose forward price to `maturity` is lognormal and independent of the rate."""

    type: Annotated[Literal["call", "put"], Meta(title="Type")]
    spot: Spot
    strike: Strike
    maturity: Annotated[float, measure("Maturity", "years", "Time to expiry.", 1, gt=0, le=100)]
    volatility: Volatility
    dividend_yield: DividendYield = 0.0
    quantity: Annotated[float, measure("Quantity", "units", "How many; negative: sold.", 1, ge=-1e12, le=1e12)] = 1.0
    underlying: Annotated[
        str,
        Meta(min_length=1, max_length=64, title="Underlying", description="Options on one move together."),
    ] = "share"


class NettingSetTerms(Struct, frozen=True, forbid_unknown_fields=True):
    """Trades that are netted when the counterparty defaults."""

    swaps: Annotated[list[SwapTerms], Meta(max_length=10_000, title="Swaps")] = []
    options: Annotated[list[OptionTerms], Meta(max_length=1000, title="Options")] = []


class Params(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    netting_set: NettingSetTerms
    rate: Rate | None = None
    curve: CurveTerms | None = None
    mean_reversion: MeanReversion
    volatility: RateVolatility
    hazard_rate: Annotated[
        Hazard | Annotated[list[Hazard], Meta(min_length=1, max_length=MAX_DATES)] | None,
        measure("Hazard rate", "per year", "Of the counterparty: one, or one up to each date.", 0.02),
    ] = None
    spread: Annotated[
        Hazard | Annotated[list[Hazard], Meta(min_length=1, max_length=MAX_DATES)] | None,
        measure("Spread", "per year", "In place of hazard_rate, which is spread / lgd.", 0.012),
    ] = None
    lgd: Annotated[float, measure("LGD", "fraction", "Loss given default.", 0.6, fraction=True, ge=0, le=1)]
    own_hazard_rate: Annotated[
        Hazard | None, measure("Own hazard rate", "per year", "For DVA; without it there is none.", 0.01)
    ] = None
    own_lgd: Annotated[
        float, measure("Own LGD", "fraction", "Our creditors' loss given default.", 0.6, fraction=True, ge=0, le=1)
    ] = 0.6
    dates: Annotated[
        Annotated[int, Meta(ge=1, le=MAX_DATES)] | Annotated[list[Positive], Meta(min_length=1, max_length=MAX_DATES)],
        measure(
            "Dates",
            "count, or years",
            "Ends of the periods in which default is looked at: how many, equally spaced up to the last trade's end; "
            "or times.",
            20,
        ),
    ]
    exposure_at: Annotated[
        Literal["end", "midpoint"],
        Meta(title="Exposure at", description="Where in its period the exposure is taken; profiles are on those."),
    ] = "end"
    floating: Annotated[
        Literal["in_advance", "restarting"],
        Meta(
            title="Floating",
            description="Whether a coupon is fixed when its period starts, or the floating leg is always worth par.",
        ),
    ] = "in_advance"
    pfe_confidence: Annotated[
        float, measure("PFE confidence", "fraction", "Of the quantile.", 0.95, fraction=True, ge=0.5, le=0.999)
    ] = 0.95
    paths: Annotated[
        int, measure("Paths", "count", "Simulated; an antithetic pair counts as two.", 100_000, ge=1000, le=10**9)
    ] = 100_000
    variance_reduction: Annotated[
        Literal["none", "antithetic", "control", "antithetic_control"],
        Meta(title="Variance reduction", description="How the same paths are made to say more."),
    ] = "antithetic_control"
    target_standard_error: Annotated[
        Positive | None,
        measure("Target standard error", "currency", "Stop before `paths` when that of CVA is at most this.", 1.0),
    ] = None
    seed: Seed | None = None

    def __post_init__(self) -> None:
        faults = [
            *_trade_faults(self),
            *curve_faults(self.rate, self.curve),
            *_default_faults(self),
            *_date_faults(self),
        ]
        if self.variance_reduction.startswith("antithetic") and self.paths % 2:
            faults.append(Fault("$.paths", "must be even: antithetic paths come in pairs", self.paths))
        if faults:
            raise InvalidData(faults[:100])


def swaps_of(params: Params) -> list[Swap]:
    """With the sign of the notional: above 0 pays fixed."""
    return [
        Swap(
            each.notional if each.side == "pay" else -each.notional,
            each.fixed_rate,
            each.start,
            each.end,
            each.frequency,
        )
        for each in params.netting_set.swaps
    ]


def options_of(params: Params) -> list[Option]:
    """With a number for each underlying, in the order of their names."""
    options = params.netting_set.options
    number = {name: i for i, name in enumerate(sorted({each.underlying for each in options}))}
    return [
        Option(
            each.quantity,
            1.0 if each.type == "call" else -1.0,
            each.spot,
            each.strike,
            each.maturity,
            each.volatility,
            each.dividend_yield,
            number[each.underlying],
        )
        for each in options
    ]


def horizon_of(params: Params) -> float:
    """The end of the last trade."""
    ends = [each.end for each in params.netting_set.swaps]
    return max([*ends, *(each.maturity for each in params.netting_set.options)])


def period_ends(params: Params) -> list[float]:
    """The dates, as times."""
    given = params.dates
    if isinstance(given, list):
        return given
    horizon = horizon_of(params)
    return [horizon * (i / given) for i in range(1, given)] + [horizon]


def exposure_times(params: Params) -> list[float]:
    """Where the exposure of each period is taken."""
    ends = period_ends(params)
    if params.exposure_at == "end":
        return ends
    return [0.5 * (before + end) for before, end in zip([0.0, *ends[:-1]], ends, strict=True)]


def hazards(params: Params) -> list[float]:
    """The counterparty's hazard rate of each period."""
    ends = period_ends(params)
    given = params.hazard_rate
    if given is None:
        spread = params.spread if params.spread is not None else 0.0
        spreads = spread if isinstance(spread, list) else [spread] * len(ends)
        return [each / params.lgd for each in spreads]
    return given if isinstance(given, list) else [given] * len(ends)


def default_probabilities(rates: list[float], ends: list[float]) -> list[float]:
    """Of default within each period, seen from now."""
    found, survived = [], 1.0
    for rate, before, end in zip(rates, [0.0, *ends[:-1]], ends, strict=True):
        found.append(survived * -math.expm1(-rate * (end - before)))
        survived *= math.exp(-rate * (end - before))
    return found


def wildness_faults(params: Params) -> list[Fault]:
    """A volatility of the rate with which simulated means of these trades say nothing."""
    deviation = _bond_deviation(params)
    if deviation <= MOST_BOND_DEVIATION:
        return []
    detail = (
        f"gives the logarithm of a bond of these trades a standard deviation of {deviation:.3g}: above "
        f"{MOST_BOND_DEVIATION:g} the mean of simulated values says nothing"
    )
    most = params.volatility * MOST_BOND_DEVIATION / deviation
    allowed = f"at most {most:.6g} with these trades, dates and mean reversion"
    return [Fault("$.volatility", detail, params.volatility, allowed, "out_of_range")]


def _bond_deviation(params: Params) -> float:
    """The largest that a date sees: of the bond to the last payment, and of one over a period that has begun."""
    model, horizon, times = (
        HullWhite(params.mean_reversion, params.volatility),
        horizon_of(params),
        exposure_times(params),
    )
    found = [model.duration(horizon - time) * math.sqrt(model.variance(time)) for time in times if time < horizon]
    if params.floating == "in_advance":
        for each in params.netting_set.swaps:
            period = min(1.0 / each.frequency, each.end - each.start)
            last = min(each.end - period, times[-1])  # the latest start of a period that a date can be within
            if last > 0:
                found.append(model.duration(period) * math.sqrt(model.variance(last)))
    return max(found, default=0.0)


def _trade_faults(params: Params) -> list[Fault]:
    book = params.netting_set
    if not book.swaps and not book.options:
        return [Fault("$.netting_set", "holds no trade", allowed="at least one swap or option")]
    faults = [
        Fault(f"$.netting_set.swaps[{i}].end", f"must be after start, which is {each.start:g}", each.end)
        for i, each in enumerate(book.swaps)
        if each.end <= each.start
    ]
    periods = math.fsum((each.end - each.start) * each.frequency for each in book.swaps if each.end > each.start)
    if periods > MAX_PERIODS:
        detail = f"have {periods:,.0f} periods: at most {MAX_PERIODS:,}; divide the netting set"
        faults.append(Fault("$.netting_set.swaps", detail, code="too_large"))
    faults += [
        Fault(
            f"$.netting_set.options[{i}].volatility",
            f"× √maturity is {each.volatility * math.sqrt(each.maturity):.3g}: above {MOST_DEVIATION:g} the mean of "
            "simulated prices says nothing",
            each.volatility,
            f"at most {MOST_DEVIATION / math.sqrt(each.maturity):.6g} with this maturity",
            "out_of_range",
        )
        for i, each in enumerate(book.options)
        if each.volatility * math.sqrt(each.maturity) > MOST_DEVIATION
    ]
    return faults + [
        Fault(f"$.netting_set.options[{i}].dividend_yield", "times maturity is beyond 100", each.dividend_yield)
        for i, each in enumerate(book.options)
        if abs(each.dividend_yield * each.maturity) > 100
    ]


def _default_faults(params: Params) -> list[Fault]:
    if (params.hazard_rate is None) == (params.spread is None):
        return [Fault("$.hazard_rate", "or else spread: exactly one of them is needed")]
    faults = []
    if params.spread is not None and params.lgd == 0:
        faults.append(Fault("$.lgd", "must be above 0 where a spread is given: hazard_rate is spread / lgd", 0))
    dates = params.dates if isinstance(params.dates, int) else len(params.dates)
    for field in ("hazard_rate", "spread"):
        value = getattr(params, field)
        if isinstance(value, list) and len(value) != dates:
            detail = f"has {len(value)} entries, there are {dates} dates"
            faults.append(Fault(f"$.{field}", detail, code="length_mismatch"))
    return faults


def _date_faults(params: Params) -> list[Fault]:
    given = params.dates
    if isinstance(given, int):
        return []
    faults = [
        Fault(f"$.dates[{i}]", "must be later than the one before", given[i])
        for i in range(1, len(given))
        if given[i] <= given[i - 1]
    ]
    if given[-1] > 100:
        faults.append(Fault(f"$.dates[{len(given) - 1}]", "is beyond 100 years", given[-1], code="out_of_range"))
    return faults
