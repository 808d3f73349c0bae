"""The data of `model_calibration`: quotes or points, what is fixed and bounded, and all that can be wrong in them."""

import math
from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from calc.errors import Fault, InvalidData, step
from calc.kind import once_per_params
from calc.numerics import heston_fit, sabr, smiles
from calc.numerics.smiles import Smile
from calc.quantities import DividendYield, Rate, Spot, Volatility, measure

MODELS = {"sabr": sabr, "heston": heston_fit}

Time = Annotated[float, measure("Maturity", "years", "Time to expiry.", 1, gt=0, le=100)]
AnyStrike = Annotated[
    float, measure("Strike", "currency", "Above 0; with a shift, above minus the shift.", 105, ge=-1e9, le=1e9)
]
Forward = Annotated[
    float, measure("Forward", "currency", "Forward price or rate; above 0 with the shift.", 100, ge=-1e9, le=1e9)
]
OptionType = Annotated[Literal["call", "put"], Meta(title="Type", description="The right to buy or to sell.")]
Values = Annotated[dict[str, float], Meta(max_length=5)]
Ranges = Annotated[dict[str, tuple[float, float]], Meta(max_length=5)]


class Quote(Struct, frozen=True, forbid_unknown_fields=True):
    """An option of the market: its Black volatility (of shifted forward and strike), or its price."""

    maturity: Time
    strike: AnyStrike
    volatility: Annotated[Volatility | None, Meta(title="Volatility")] = None
    price: Annotated[
        Annotated[float, Meta(gt=0)] | None, measure("Price", "currency", "In place of the volatility.", 5.79)
    ] = None
    type: OptionType = "call"
    weight: Annotated[float, measure("Weight", "none", "Of the squared error.", 1, gt=0, le=1e9)] = 1.0
    forward: Annotated[Forward | None, Meta(title="Forward", description="Of this maturity.")] = None

    def __post_init__(self) -> None:
        if (self.volatility is None) == (self.price is None):
            raise InvalidData([Fault("$", "needs a volatility or a price, and not both", allowed="either")])
        if self.volatility is not None and self.volatility < 1e-6:
            raise InvalidData([Fault("$.volatility", "is too small to fit: at least 1e-6", self.volatility)])


class Point(Struct, frozen=True, forbid_unknown_fields=True):
    """An option that the model is to price."""

    maturity: Time
    strike: AnyStrike
    type: OptionType = "call"
    forward: Annotated[Forward | None, Meta(title="Forward", description="Of this maturity.")] = None


class Params(Struct, frozen=True, forbid_unknown_fields=True):
    model: Annotated[Literal["sabr", "heston"], Meta(title="Model")]
    task: Annotated[
        Literal["calibrate", "evaluate"],
        Meta(title="Task", description="Fit the parameters to quotes, or price points with given ones."),
    ] = "calibrate"
    quotes: Annotated[list[Quote], Meta(title="Quotes", description="To calibrate to.", max_length=2000)] | None = None
    points: Annotated[list[Point], Meta(title="Points", description="To evaluate.", max_length=2000)] | None = None
    parameters: Annotated[
        Values | None, measure("Parameters", "of each", "All of the model's: alpha, beta, nu, rho; or v0 …", {})
    ] = None
    forward: Annotated[Forward | None, Meta(title="Forward", description="Of every row without its own.")] = None
    spot: Annotated[Spot | None, Meta(title="Spot", description="In place of forwards, with rate.")] = None
    rate: Annotated[
        Rate | None, Meta(title="Rate", description="Discounts prices; without it they are undiscounted.")
    ] = None
    dividend_yield: Annotated[DividendYield | None, Meta(title="Dividend yield", description="With spot.")] = None
    shift: Annotated[
        float, measure("Shift", "currency", "Added to SABR's forwards and strikes.", 0.03, ge=0, le=1e9)
    ] = 0.0
    fixed: Annotated[Values, measure("Fixed", "of each", "Parameters that keep a value.", {"beta": 0.5})] = {}
    bounds: Annotated[Ranges, measure("Bounds", "of each", "In place of the usual ones.", {"kappa": [0.1, 10]})] = {}
    start: Annotated[Values, measure("Start", "of each", "Of the first start.", {"rho": -0.5})] = {}
    starts: Annotated[int, measure("Starts", "count", "From how many places to descend.", 16, ge=1, le=256)] = 16

    def __post_init__(self) -> None:
        faults = _task_faults(self) or [*_market_faults(self), *_name_faults(self)] or _row_faults(self)
        if faults:
            raise InvalidData(faults[:100])


def rows(params: Params) -> list[Any]:
    """Quotes or points, whichever the task has."""
    return list(params.quotes or params.points or [])


def forward_of(params: Params, row: Any) -> float:
    """The row's forward, shift included."""
    if params.spot is not None:
        return params.spot * math.exp(((params.rate or 0.0) - (params.dividend_yield or 0.0)) * row.maturity)
    given: Any = row.forward if row.forward is not None else params.forward
    return float(given) + params.shift


def limits(params: Params) -> tuple[list[float], list[float]]:
    """Lower and upper bounds in the order of the model's parameters; equal where one is fixed."""
    usual: dict[str, tuple[float, float]] = MODELS[params.model].BOUNDS
    ranges = {**usual, **params.bounds, **{name: (value, value) for name, value in params.fixed.items()}}
    return [ranges[name][0] for name in usual], [ranges[name][1] for name in usual]


@once_per_params
def market(params: Params) -> list[Smile]:
    """The quotes by maturity, ascending. Raises InvalidData where a price has no volatility, or none hangs on it."""
    quotes, rate = rows(params), params.rate or 0.0
    priced = [i for i, quote in enumerate(quotes) if quote.price is not None]
    found = smiles.volatilities_of(
        [quotes[i].price for i in priced],
        [quotes[i].type == "call" for i in priced],
        [forward_of(params, quotes[i]) for i in priced],
        [quotes[i].strike + params.shift for i in priced],
        [quotes[i].maturity for i in priced],
        rate,
    )
    faults = [
        Fault(f"$.data.quotes[{i}].price", "is given by no volatility", quotes[i].price, code="out_of_range")
        for i, volatility in zip(priced, found, strict=True)
        if volatility is None or not 1e-6 <= volatility <= 10
    ]
    if faults:
        raise InvalidData(faults[:100])
    implied = dict(zip(priced, found, strict=True))
    by_maturity: dict[float, list[int]] = {}
    for i, quote in enumerate(quotes):
        by_maturity.setdefault(quote.maturity, []).append(i)
    quoted = [
        smiles.smile(
            maturity,
            forward_of(params, quotes[chosen[0]]),
            rate,
            chosen,
            [quotes[i].strike + params.shift for i in chosen],
            [implied[i] or 0.0 if i in implied else quotes[i].volatility for i in chosen],
            [quotes[i].weight for i in chosen],
        )
        for maturity, chosen in sorted(by_maturity.items())
    ]
    if params.model == "heston":
        _check_vegas(quoted)
    return quoted


def _check_vegas(fitted: list[Smile]) -> None:
    """Raises InvalidData where the prices of a maturity do not hang on the volatility: Heston fits those."""
    detail = (
        "and all quotes of its maturity are so far from the forward, for their volatility, that no price hangs on it"
    )
    faults = [
        Fault(f"$.data.quotes[{each.rows[0]}].strike", detail, allowed="a strike nearer to the forward", code="no_vega")
        for each in fitted
        if not any(each.scales)
    ]
    if faults:
        raise InvalidData(faults[:100])


def _task_faults(params: Params) -> list[Fault]:
    needed, unused = (
        (("quotes",), ("points", "parameters"))
        if params.task == "calibrate"
        else (("points", "parameters"), ("quotes",))
    )
    faults = [
        Fault(f"$.{name}", f"is needed to {params.task}", code="missing")
        for name in needed
        if not getattr(params, name)
    ]
    used = [name for name in unused if getattr(params, name) is not None]
    return faults + [Fault(f"$.{name}", f"is not used to {params.task}", allowed="leave it out") for name in used]


def _market_faults(params: Params) -> list[Fault]:
    faults = []
    if params.spot is not None:
        if params.rate is None:
            faults.append(Fault("$.rate", "is needed with spot", code="missing"))
        own = any(row.forward is not None for row in rows(params))
        if params.forward is not None or own:
            faults.append(Fault("$.spot", "and a forward: only one of them", allowed="spot with rate, or forwards"))
    elif params.dividend_yield is not None:
        faults.append(Fault("$.dividend_yield", "is used with spot only", allowed="leave it out"))
    elif params.forward is None:
        where = "quotes" if params.task == "calibrate" else "points"
        bare = [i for i, row in enumerate(rows(params)) if row.forward is None]
        told = "has no forward, and there is no spot or forward for all"
        faults += [Fault(f"$.{where}[{i}].forward", told, code="missing") for i in bare]
    longest = max((row.maturity for row in rows(params)), default=0.0)
    for name in ("rate", "dividend_yield"):
        growth = (getattr(params, name) or 0.0) * longest
        if abs(growth) > 100:
            told = f"times the longest maturity is {growth:g}: at most 100 on either side"
            faults.append(Fault(f"$.{name}", told, getattr(params, name), code="out_of_range"))
    if params.shift and params.model == "heston":
        faults.append(Fault("$.shift", "is SABR's", params.shift, allowed="0"))
    return faults


def _name_faults(params: Params) -> list[Fault]:
    """Of everything that goes by the names of parameters: the names, and legal values."""
    legal: dict[str, tuple[float, float]] = MODELS[params.model].LEGAL
    faults = []
    given: list[tuple[str, str, tuple[float, ...]]] = [
        *(("fixed", name, (value,)) for name, value in params.fixed.items()),
        *(("start", name, (value,)) for name, value in params.start.items()),
        *(("parameters", name, (value,)) for name, value in (params.parameters or {}).items()),
        *(("bounds", name, pair) for name, pair in params.bounds.items()),
    ]
    for field, name, values in given:
        path = step(f"$.{field}", name)
        if name not in legal:
            faults.append(
                Fault(path, f"is no parameter of {params.model}", allowed=", ".join(legal), code="unknown_field")
            )
            continue
        low, high = legal[name]
        if not all(low <= value <= high for value in values):
            faults.append(Fault(path, f"must be from {low:g} to {high:g}", values[0], code="out_of_range"))
        elif field == "bounds" and values[0] >= values[1]:
            faults.append(Fault(path, "needs the lower bound first", values[0], "lower below upper"))
        elif field == "bounds" and name in params.fixed:
            faults.append(Fault(path, "is fixed as well", allowed="one of fixed and bounds"))
    if params.task == "evaluate":
        absent = [name for name in legal if name not in (params.parameters or {})]
        faults += [Fault(step("$.parameters", name), "is missing", code="missing") for name in absent]
    return faults


def _row_faults(params: Params) -> list[Fault]:
    """Of strikes, forwards and prices, and of too few quotes."""
    where = "quotes" if params.task == "calibrate" else "points"
    faults = []
    forwards: dict[float, float] = {}
    for i, row in enumerate(rows(params)):
        path, forward, strike = f"$.{where}[{i}]", forward_of(params, row), row.strike + params.shift
        if not 1e-9 <= forward <= 1e9:
            faults.append(
                Fault(f"{path}.forward", "with the shift, must be from 1e-9 to 1e9", forward, code="out_of_range")
            )
        elif not 1e-9 <= strike <= 1e9:
            faults.append(
                Fault(f"{path}.strike", "with the shift, must be from 1e-9 to 1e9", row.strike, code="out_of_range")
            )
        elif forwards.setdefault(row.maturity, forward) != forward:
            faults.append(Fault(f"{path}.forward", "is not that of the rows before with this maturity", row.forward))
        elif isinstance(row, Quote) and row.price is not None:
            faults += _price_faults(params, f"{path}.price", row, forward, strike)
    return faults or _underdetermined(params)


def _price_faults(params: Params, path: str, quote: Quote, forward: float, strike: float) -> list[Fault]:
    discount = math.exp(-(params.rate or 0.0) * quote.maturity)
    sign = 1.0 if quote.type == "call" else -1.0
    least, most = discount * max(sign * (forward - strike), 0.0), discount * (forward if sign > 0 else strike)
    if quote.price is None or least < quote.price < most:
        return []
    allowed = f"above {least:.12g} and below {most:.12g}"
    return [Fault(path, "is given by no volatility: it must be " + allowed, quote.price, allowed, "out_of_range")]


def _underdetermined(params: Params) -> list[Fault]:
    if params.task == "evaluate":
        return []
    free = len(MODELS[params.model].NAMES) - len(params.fixed)
    if free < 1:
        return [Fault("$.fixed", "leaves no parameter to fit", allowed="task evaluate")]
    counts: dict[float | None, int] = {}
    for quote in params.quotes or []:
        key = quote.maturity if params.model == "sabr" else None
        counts[key] = counts.get(key, 0) + 1
    return [
        Fault(
            "$.quotes",
            f"has {count} quotes for {free} free parameters" + (f" at maturity {key:g}" if key is not None else ""),
            count,
            f"at least {free}, or more of fixed",
            "underdetermined",
        )
        for key, count in counts.items()
        if count < free
    ]
