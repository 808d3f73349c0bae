"""The data of the kind `stress_test`: positions, scenarios, and what is wrong between them."""

import difflib
import math
from typing import Annotated, Literal, NamedTuple

import numpy as np
from msgspec import Meta, Struct, field
from numpy.typing import NDArray

from calc.covariances import CovarianceMatrix
from calc.errors import Fault, step
from calc.kind import once_per_params
from calc.positions import Symbol
from calc.quantities import measure

MOST_POSITIONS, MOST_SCENARIOS, MOST_FACTORS = 100_000, 100_000, 2000
MOST_WORK = 2_000_000_000  # positions × scenarios
MOST_ANSWER = 7_500_000  # bytes, by 20 a number
OK, BAD_INPUT = 0, 1
STATUSES = ("ok", "bad_input")
LINEAR, OPTION, BOND = 0, 1, 2
KINDS = {"linear": LINEAR, "option": OPTION, "bond": BOND}

Array = NDArray[np.float64]
Whole = NDArray[np.int64]
Number = float | None


class Holding(Struct, frozen=True, forbid_unknown_fields=True):
    """A position. Linear: quantity and price, or value. Option: one underlying at `price`. Bond: face in `quantity`."""

    symbol: Annotated[Symbol, Meta(description="The factor that moves its price; of a bond its yield.")]
    type: Annotated[Literal["linear", "option", "bond"], Meta(title="Type")] = "linear"
    quantity: Annotated[Number, measure("Quantity", "units", "Held; below 0 it is short. Of a bond face.", 120)] = None
    price: Annotated[Number, measure("Price", "currency", "Of one unit, or of an option's underlying.", 180.5)] = None
    value: Annotated[Number, measure("Value", "currency", "In place of quantity and price.", 21660)] = None
    option_type: Annotated[Literal["call", "put"] | None, Meta(title="Option type")] = None
    strike: Annotated[Number, measure("Strike", "currency", "Of an option.", 190)] = None
    maturity: Annotated[Number, measure("Maturity", "years", "Of an option or a bond.", 0.5)] = None
    volatility: Annotated[Number, measure("Volatility", "per square root of a year", "Of an option.", 0.25)] = None
    rate: Annotated[Number, measure("Rate", "per year", "Of an option; continuous.", 0.04)] = None
    dividend_yield: Annotated[Number, measure("Dividend yield", "per year", "Of an option; 0 when absent.", 0)] = None
    volatility_factor: Annotated[Symbol | None, Meta(description="The factor that moves an option's volatility.")] = (
        None
    )
    rate_factor: Annotated[Symbol | None, Meta(description="The factor that moves an option's rate.")] = None
    coupon: Annotated[Number, measure("Coupon", "per year", "Of a bond.", 0.04)] = None
    frequency: Annotated[Number, measure("Frequency", "per year", "1, 2, 4 or 12 coupons of a bond.", 2)] = None
    yields: Annotated[Number, measure("Yield", "per year", "Of a bond, with its frequency.", 0.045)] = field(
        default=None, name="yield"
    )


class Shock(Struct, frozen=True, forbid_unknown_fields=True):
    """Of one factor: its level is multiplied with 1 + value, or value is added to it."""

    type: Annotated[Literal["absolute", "relative"], Meta(title="Type")]
    value: Annotated[
        float, measure("Value", "fraction, or the factor's unit", "-0.2 is 20 % down.", -0.2, ge=-1e9, le=1e9)
    ]


class Scenario(Struct, frozen=True, forbid_unknown_fields=True):
    """Factors that it does not name stay."""

    name: Annotated[str, Meta(min_length=1, max_length=100, title="Name")]
    shocks: Annotated[dict[Symbol, Shock], Meta(title="Shocks", description="By factor.")]


class Reverse(Struct, frozen=True, forbid_unknown_fields=True):
    """Asks for the most likely scenario that loses `target_loss`."""

    target_loss: Annotated[float, measure("Target loss", "currency", "To be lost.", 200000, gt=0, le=1e15)]
    covariance: Annotated[
        CovarianceMatrix,
        Meta(
            description="Of the factors, in the order of `factors`: relative moves of prices, absolute ones of others."
        ),
    ]
    factors: Annotated[
        list[Symbol] | None, Meta(title="Factors", description="In the order in which they first stand, when absent.")
    ] = None


class Params(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    positions: Annotated[list[Holding], Meta(title="Positions", max_length=MOST_POSITIONS)] | None = None
    exposures: Annotated[
        dict[str, float] | list[float] | None,
        measure(
            "Exposures",
            "currency per unit of the factor",
            "Of a linear book, by factor; a list has the factors 1, 2, …",
            {"equity": 1_000_000},
        ),
    ] = None
    scenarios: Annotated[list[Scenario], Meta(title="Scenarios", max_length=MOST_SCENARIOS)] | None = None
    reverse: Annotated[Reverse, Meta(title="Reverse")] | None = None
    output: Annotated[
        Literal["totals", "rows"], Meta(title="Output", description="Sums alone, or each position under each scenario.")
    ] = "totals"


class Book(NamedTuple):
    """Good positions as the kernels take them; `place` is where each stands in the data."""

    factors: list[str]
    prices: list[bool]  # of each factor: whether it moves a price, so that its moves are relative
    kinds: Whole
    numbers: Array  # positions × 10
    indexes: Whole  # positions × 3: price or yield, volatility, rate; -1 is none
    place: Whole
    status: NDArray[np.uint8]


@once_per_params
def book(params: Params) -> Book:
    """Exposures are linear positions, too, and their shocks are all relative."""
    if params.positions is None:
        given = params.exposures or {}
        named = given if isinstance(given, dict) else {str(i + 1): value for i, value in enumerate(given)}
        size = len(named)
        numbers = np.zeros((size, 10))
        numbers[:, 0] = list(named.values())
        indexes = np.full((size, 3), -1)
        indexes[:, 0] = np.arange(size)
        none = np.zeros(size, np.int64)
        return Book(list(named), [True] * size, none, numbers, indexes, np.arange(size), np.zeros(size, np.uint8))
    return _book_of(params.positions)


@once_per_params
def condensed(params: Params) -> Book:
    """The book with one linear position a factor, exact sums of all that stand on it; `place` and `status` are gone."""
    of = book(params)
    curved = of.kinds != LINEAR
    on = of.indexes[~curved, 0]
    worth: list[list[float]] = [[] for _ in of.factors]
    units: list[list[float]] = [[] for _ in of.factors]
    for factor, (value, quantity) in zip(on.tolist(), of.numbers[~curved, :2].tolist(), strict=True):
        worth[factor].append(value)
        units[factor].append(quantity)
    used = [factor for factor, values in enumerate(worth) if values]
    numbers = np.zeros((len(used), 10))
    numbers[:, 0] = [math.fsum(worth[factor]) for factor in used]
    numbers[:, 1] = [math.fsum(units[factor]) for factor in used]
    indexes = np.full((len(used), 3), -1)
    indexes[:, 0] = used
    return of._replace(
        kinds=np.concatenate([np.full(len(used), LINEAR), of.kinds[curved]]),
        numbers=np.concatenate([numbers, of.numbers[curved]]),
        indexes=np.concatenate([indexes, of.indexes[curved]]),
        place=np.zeros(0, np.int64),
        status=np.zeros(0, np.uint8),
    )


def linear_only(of: Book) -> bool:
    """Whether nothing needs a formula."""
    return not of.kinds.any()


def shocks(params: Params, of: Book, first: int, end: int) -> tuple[Array, Array]:
    """Relative and absolute parts: scenarios first … end - 1 × factors. For exposures both kinds are moves."""
    place = {name: i for i, name in enumerate(of.factors)}
    relative, absolute = np.zeros((end - first, len(place))), np.zeros((end - first, len(place)))
    for s, scenario in enumerate((params.scenarios or [])[first:end]):
        for name, shock in scenario.shocks.items():
            to = relative if shock.type == "relative" or params.positions is None else absolute
            to[s, place[name]] = shock.value
    return relative, absolute


def faults_of(params: Params) -> list[Fault]:
    """All that is wrong between fields; paths begin with $."""
    faults = []
    if (params.positions is None) == (params.exposures is None):
        return [Fault("$", "needs positions or exposures, and not both", allowed="one of them")]
    if not params.scenarios and params.reverse is None:
        faults.append(Fault("$", "asks for nothing: it needs scenarios or reverse", allowed="one of them, or both"))
    if not (params.positions or params.exposures):
        faults.append(Fault("$.positions" if params.exposures is None else "$.exposures", "is empty", code="missing"))
        return faults
    of = book(params)
    faults += _scenario_faults(params, of)
    if params.reverse is not None:
        faults += _reverse_faults(params.reverse, of)
    return faults[:100] or _size_faults(params, of)


def factors_of(reverse: Reverse, of: Book) -> list[str]:
    """In the order of the covariance."""
    return of.factors if reverse.factors is None else reverse.factors


def _book_of(positions: list[Holding]) -> Book:
    place: dict[str, int] = {}
    prices: list[bool] = []
    kinds, numbers, indexes, standing = [], [], [], []
    status = np.zeros(len(positions), np.uint8)
    for i, each in enumerate(positions):
        row = _numbers(each)
        if row is None:
            status[i] = BAD_INPUT
        named = (each.symbol, each.volatility_factor, each.rate_factor)
        for k, name in enumerate(named):
            if name is not None and name not in place:
                place[name] = len(place)
                prices.append(k == 0 and each.type != "bond")
        if row is not None:
            kinds.append(KINDS[each.type])
            numbers.append(row + [0.0] * (10 - len(row)))
            indexes.append([-1 if name is None else place[name] for name in named])
            standing.append(i)
    shape = len(standing)
    return Book(
        list(place),
        prices,
        np.array(kinds, dtype=np.int64),
        np.array(numbers, dtype=np.float64).reshape(shape, 10),
        np.array(indexes, dtype=np.int64).reshape(shape, 3),
        np.array(standing, dtype=np.int64),
        status,
    )


def _numbers(each: Holding) -> list[float] | None:
    """The kernel's numbers of a position; None where they are no good."""
    quantity, price = each.quantity, each.price
    if each.type == "linear":
        strangers = (
            each.option_type,
            each.strike,
            each.maturity,
            each.coupon,
            each.volatility_factor,
            each.rate_factor,
        )
        if any(stranger is not None for stranger in strangers):
            return None
        if each.value is not None:
            return [each.value, 0.0] if quantity is None and price is None and abs(each.value) <= 1e15 else None
        good = _within(quantity, -1e12, 1e12) and _within(price, 0.0, 1e9)
        return [(quantity or 0.0) * (price or 0.0), quantity or 0.0] if good else None
    if each.value is not None or not _within(quantity, -1e12, 1e12):
        return None
    if each.type == "option":
        dividend = each.dividend_yield or 0.0
        good = (
            each.option_type is not None
            and _within(price, 1e-9, 1e9)
            and _within(each.strike, 1e-9, 1e9)
            and _within(each.maturity, 0.0, 100.0)
            and _within(each.volatility, 0.0, 10.0)
            and _within(each.rate, -0.5, 1.0)
            and _within(dividend, -0.5, 1.0)
        )
        sign = 1.0 if each.option_type == "call" else -1.0
        row = [quantity, price, each.strike, each.maturity, each.volatility, each.rate, dividend, sign]
        return [float(value or 0.0) for value in row] if good else None
    good = (
        _within(each.coupon, 0.0, 10.0)
        and each.frequency in (1, 2, 4, 12)
        and _within(each.maturity, 1e-6, 200.0)
        and _within(each.yields, -0.5, 10.0)
        and each.volatility_factor is None
        and each.rate_factor is None
    )
    if not good:
        return None
    periods = (each.maturity or 0.0) * (each.frequency or 0.0)
    count = max(float(np.ceil(periods - 1e-9)), 1.0)
    row = [quantity, each.yields, each.coupon, each.frequency, periods - (count - 1.0), count]
    return [float(value or 0.0) for value in row]


def _within(value: float | None, least: float, most: float) -> bool:
    return value is not None and least <= value <= most


def _scenario_faults(params: Params, of: Book) -> list[Fault]:
    faults: list[Fault] = []
    place = {name: i for i, name in enumerate(of.factors)}
    values_only = {each.symbol for each in params.positions or [] if each.type == "linear" and each.value is not None}
    for i, scenario in enumerate(params.scenarios or []):
        for name, shock in scenario.shocks.items():
            path = step(f"$.scenarios[{i}].shocks", name)
            if name not in place:
                near = difflib.get_close_matches(name[:100], of.factors, 1)
                guess = f" (did you mean '{near[0]}'?)" if near else ""
                detail = f"scenario '{scenario.name[:40]}' shocks '{name[:40]}' which no position uses{guess}"
                faults.append(Fault(path, detail, code="unknown_factor"))
            elif params.positions is None:
                continue
            elif of.prices[place[name]] and shock.type == "relative" and shock.value <= -1:
                detail = "would take a price to 0 or below"
                faults.append(Fault(f"{path}.value", detail, shock.value, "above -1", "out_of_range"))
            elif shock.type == "absolute" and name in values_only:
                detail = "is absolute, but a position has a value alone: its price is not known"
                faults.append(Fault(path, detail, shock.value, "relative, or send quantity and price"))
        if len(faults) > 100:
            break
    return faults


def _reverse_faults(reverse: Reverse, of: Book) -> list[Fault]:
    names = factors_of(reverse, of)
    if len(names) > 500:
        return [Fault("$.reverse", f"has {len(names)} factors: at most 500", code="too_large")]
    if sorted(names) != sorted(of.factors):
        missing = sorted(set(of.factors) - set(names))[:10]
        detail = "must name each factor of the book once" + (f": {', '.join(missing)} are missing" if missing else "")
        return [Fault("$.reverse.factors", detail, allowed=", ".join(of.factors[:50]))]
    return []


def _size_faults(params: Params, of: Book) -> list[Fault]:
    held, scenarios = of.status.size, len(params.scenarios or ())
    if len(of.factors) > MOST_FACTORS:
        return [Fault("$.positions", f"have {len(of.factors):,} factors: at most {MOST_FACTORS:,}", code="too_large")]
    if held * scenarios > MOST_WORK:
        detail = f"positions × scenarios = {held * scenarios:.3g} exceeds {MOST_WORK:.3g}: send fewer"
        return [Fault("$.scenarios", detail, scenarios, code="too_large")]
    if params.output == "rows" and held * scenarios * 20 > MOST_ANSWER:
        detail = f"rows of {held:,} positions × {scenarios:,} scenarios would be {held * scenarios * 20 / 1e6:.0f} MB"
        return [Fault("$.output", detail, "rows", 'output "totals", or fewer of them', "too_large")]
    return []
