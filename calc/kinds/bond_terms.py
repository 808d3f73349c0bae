"""The data of the kind `bond_book`: its fields, their units and bounds, and what is wrong between them."""

import itertools
from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct, field

from calc.checks import length_faults
from calc.errors import Fault
from calc.exact import bounds_of
from calc.numerics import columns, day_counts
from calc.quantities import measure

MOST_ROWS = 400_000
MOST_ANSWER = 7_500_000  # bytes, by 20 a number
OUTPUTS = (
    "clean_price",
    "dirty_price",
    "accrued",
    "yield",
    "macaulay_duration",
    "modified_duration",
    "convexity",
    "dv01",
    "z_spread",
)

Column = float | list[float | None]
Words = str | list[str | None]
Output = Literal[
    "clean_price",
    "dirty_price",
    "accrued",
    "yield",
    "macaulay_duration",
    "modified_duration",
    "convexity",
    "dv01",
    "z_spread",
]
Interpolation = Annotated[
    Literal["linear_zero", "log_linear_discount"],
    Meta(title="Interpolation", description="What is straight between the nodes; outside, the nearest node's rate."),
]
Years = Annotated[float, Meta(gt=0, le=200)]
Shift = Annotated[float, Meta(ge=-1, le=1)]
_PRICE = {"exclusiveMinimum": 0, "maximum": 1e6}


class Curve(Struct, frozen=True, forbid_unknown_fields=True):
    """Zero rates, continuously compounded, or discount factors, at times in years from settlement."""

    times: Annotated[
        list[Years], measure("Times", "years", "Ascending.", [1, 2, 5, 10]), Meta(min_length=1, max_length=1000)
    ]
    zero_rates: Annotated[
        list[Annotated[float, Meta(ge=-0.99, le=10)]] | None,
        measure("Zero rates", "per year", "Continuous.", [0.03, 0.032, 0.035, 0.037]),
    ] = None
    discount_factors: Annotated[
        list[Annotated[float, Meta(gt=0, le=1000)]] | None,
        measure("Discount factors", "none", "In place of zero rates.", [0.97, 0.94, 0.84, 0.69]),
    ] = None
    interpolation: Interpolation = "linear_zero"


class Instrument(Struct, frozen=True, forbid_unknown_fields=True):
    """A bond or bill of 100 that a curve is to price; coupons stand back from maturity in equal periods."""

    maturity: Annotated[float, measure("Maturity", "years", "From now.", 2, gt=0, le=200)]
    price: Annotated[float, measure("Price", "per 100 of face", "With all accrued interest.", 101.6, gt=0, le=1e6)]
    coupon: Annotated[float, measure("Coupon", "per year", "0.12 is 12 %.", 0.12, fraction=True, ge=0, le=10)] = 0.0
    frequency: Annotated[int, measure("Frequency", "per year", "1, 2, 4 or 12 coupons.", 2, ge=1, le=12)] = 2


class Bootstrap(Struct, frozen=True, forbid_unknown_fields=True):
    """Instruments of distinct maturities, in any order."""

    instruments: Annotated[list[Instrument], Meta(min_length=1, max_length=500, title="Instruments")]
    interpolation: Interpolation = "linear_zero"


class Scenario(Struct, frozen=True, forbid_unknown_fields=True):
    """A shift of continuous zero rates: everywhere, or straight between `times` and level outside of them, or both."""

    name: Annotated[str, Meta(min_length=1, max_length=64, title="Name")]
    parallel: Annotated[Shift, measure("Parallel", "per year", "0.01 is +100 bp.", 0.01)] = 0.0
    times: Annotated[list[Years] | None, measure("Times", "years", "Ascending.", [1, 10])] = None
    shifts: Annotated[list[Shift] | None, measure("Shifts", "per year", "One a time.", [-0.005, 0.005])] = None


class Params(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    settlement: Annotated[Words | None, Meta(title="Settlement", description="Date.", examples=["2008-02-15"])] = None
    maturity: Annotated[
        Words | None,
        Meta(title="Maturity", description="Date, from which coupon dates stand back.", examples=["2017-11-15"]),
    ] = None
    years_to_maturity: Annotated[
        Column | None,
        measure(
            "Years to maturity",
            "years",
            "In place of dates and day count.",
            3,
            schema={"exclusiveMinimum": 0, "maximum": 200},
        ),
    ] = None
    day_count: Annotated[
        Words | None,
        Meta(title="Day count", description="One of " + ", ".join(day_counts.NAMES) + ".", examples=["30/360_us"]),
    ] = None
    end_of_month: Annotated[
        bool, Meta(title="End of month", description="A bond that matures at a month's end pays at months' ends.")
    ] = True
    coupon: Annotated[
        Column | None,
        measure(
            "Coupon", "per year", "Rate; 0.0575 is 5.75 %.", 0.0575, fraction=True, schema={"minimum": 0, "maximum": 10}
        ),
    ] = None
    frequency: Annotated[
        Column | None,
        measure(
            "Frequency", "per year", "1, 2, 4 or 12 coupons.", 2, schema={"minimum": 1, "maximum": 12, "multipleOf": 1}
        ),
    ] = None
    redemption: Annotated[
        Column,
        measure("Redemption", "per 100 of face", "Paid at maturity.", 100, schema={"minimum": 0, "maximum": 1e6}),
    ] = 100.0
    face: Annotated[
        Column,
        measure("Face", "currency", "Held; below 0 it is owed.", 1_000_000, schema={"minimum": -1e15, "maximum": 1e15}),
    ] = 100.0
    price: Annotated[Column | None, measure("Price", "per 100 of face", "Clean.", 95.04287, schema=_PRICE)] = None
    dirty_price: Annotated[
        Column | None, measure("Dirty price", "per 100 of face", "Accrued interest within it.", 96.5, schema=_PRICE)
    ] = None
    yields: Annotated[
        Column | None,
        measure(
            "Yield",
            "per year",
            "As `compounding` has it.",
            0.065,
            fraction=True,
            schema={"exclusiveMinimum": -0.9, "maximum": 10},
        ),
    ] = field(default=None, name="yield")
    compounding: Annotated[
        Literal["periodic", "continuous"],
        Meta(title="Compounding", description="Of yields: with the coupons' frequency, or continuous."),
    ] = "periodic"
    last_period: Annotated[
        Literal["compound", "simple"],
        Meta(title="Last period", description="How money grows to the last coupon; spreadsheets have simple interest."),
    ] = "compound"
    curve: Annotated[Curve, Meta(title="Curve")] | None = None
    bootstrap: Annotated[Bootstrap, Meta(title="Bootstrap", description="In place of a curve.")] | None = None
    key_rates: Annotated[
        list[Years] | None,
        measure("Key rates", "years", "Where the curve is shifted by 1 bp; ascending.", [2, 5, 10, 30]),
    ] = None
    scenarios: Annotated[list[Scenario], Meta(max_length=2000, title="Scenarios")] | None = None
    columns: Annotated[
        list[Output] | None, Meta(title="Columns", description="Those of the outputs that are told; all when absent.")
    ] = None
    output: Annotated[
        Literal["rows", "totals"], Meta(title="Output", description="Columns with an entry a bond, or sums alone.")
    ] = "rows"


# Columns, in the words of the data; those of the second line may be absent.
BOOK = ("coupon", "frequency", "redemption", "face")
OPTIONAL = ("settlement", "maturity", "day_count", "years_to_maturity", "price", "dirty_price", "yields")
QUOTES = ("price", "dirty_price", "yields")
NUMBERS = (*BOOK, "years_to_maturity", *QUOTES)
BOUNDS = {each.name: bounds_of(each.type) for each in msgspec.structs.fields(Params)}


def has_bonds(params: Params) -> bool:
    """Whether there is a book, and not a bootstrap alone."""
    return any(getattr(params, name) is not None for name in ("coupon", "frequency", *OPTIONAL))


def list_lengths(params: Params) -> dict[str, int]:
    """Entries of the columns that are lists."""
    given = {name: getattr(params, name) for name in (*OPTIONAL, *BOOK)}
    return {_said(name): len(column) for name, column in given.items() if isinstance(column, list)}


def rows_of(params: Params) -> int:
    """Bonds."""
    return next(iter(list_lengths(params).values()), 1) if has_bonds(params) else 0


def told(params: Params) -> list[str]:
    """The outputs that are told, in their order."""
    possible = OUTPUTS if with_curve(params) else OUTPUTS[:-1]
    return [name for name in possible if params.columns is None or name in params.columns]


def with_curve(params: Params) -> bool:
    """Whether there is a curve, given or to be found."""
    return params.curve is not None or params.bootstrap is not None


def faults_of(params: Params) -> list[Fault]:
    """All that is wrong between fields; paths begin with $."""
    faults = [*_curve_faults(params), *_scenario_faults(params)]
    if has_bonds(params):
        faults += [*_bond_faults(params), *_column_faults(params)]
    elif params.bootstrap is None:
        faults.append(Fault("$", "holds neither bonds nor a bootstrap", allowed="coupon, frequency, maturity …"))
    return faults or _size_faults(params)


def _said(name: str) -> str:
    return "yield" if name == "yields" else name


def _ascending(times: list[float], path: str) -> list[Fault]:
    if all(a < b for a, b in itertools.pairwise(times)):
        return []
    return [Fault(path, "must ascend", allowed="each above the one before")]


def _curve_faults(params: Params) -> list[Fault]:
    faults = []
    curve = params.curve
    if curve is not None and params.bootstrap is not None:
        faults.append(Fault("$.curve", "stands in place of bootstrap: not beside it"))
    if curve is not None:
        faults += _ascending(curve.times, "$.curve.times")
        if (curve.zero_rates is None) == (curve.discount_factors is None):
            faults.append(Fault("$.curve", "needs zero_rates or discount_factors, and not both"))
        else:
            name = "zero_rates" if curve.zero_rates is not None else "discount_factors"
            size = len(getattr(curve, name))
            if size != len(curve.times):
                detail = f"has {size} entries, times has {len(curve.times)}"
                faults.append(Fault(f"$.curve.{name}", detail, code="length_mismatch"))
    seen: set[float] = set()
    for i, each in enumerate(params.bootstrap.instruments if params.bootstrap else []):
        if each.maturity in seen:
            detail = "is the maturity of another instrument: a node has one"
            faults.append(Fault(f"$.bootstrap.instruments[{i}].maturity", detail, each.maturity, code="duplicate"))
        seen.add(each.maturity)
        if each.frequency not in (1, 2, 4, 12):
            path = f"$.bootstrap.instruments[{i}].frequency"
            faults.append(Fault(path, "must be 1, 2, 4 or 12", each.frequency, code="out_of_range"))
    return faults


def _scenario_faults(params: Params) -> list[Fault]:
    faults = [
        Fault(f"$.{name}", "needs bonds and a curve to shift", allowed="curve or bootstrap")
        for name in ("key_rates", "scenarios")
        if getattr(params, name) and not (with_curve(params) and has_bonds(params))
    ]
    faults += _ascending(params.key_rates or [], "$.key_rates")
    if params.key_rates is not None and not 1 <= len(params.key_rates) <= 200:
        faults.append(Fault("$.key_rates", "must have 1 to 200 entries", len(params.key_rates), code="too_large"))
    for i, each in enumerate(params.scenarios or []):
        times, shifts = each.times or [], each.shifts or []
        if len(times) != len(shifts):
            detail = f"has {len(shifts)} entries, times has {len(times)}"
            faults.append(Fault(f"$.scenarios[{i}].shifts", detail, code="length_mismatch"))
        faults += _ascending(times, f"$.scenarios[{i}].times")
    return faults


def _bond_faults(params: Params) -> list[Fault]:
    faults = [
        Fault(f"$.{name}", "is missing", code="missing")
        for name in ("coupon", "frequency")
        if getattr(params, name) is None
    ]
    dates = [name for name in ("settlement", "maturity", "day_count") if getattr(params, name) is not None]
    if params.years_to_maturity is not None:
        faults += [Fault(f"$.{name}", "is not used with years_to_maturity", allowed="leave it out") for name in dates]
    else:
        allowed = {"day_count": "one of " + ", ".join(day_counts.NAMES)}
        faults += [
            Fault(f"$.{name}", "is missing", allowed=allowed.get(name, "a date, or years_to_maturity"), code="missing")
            for name in ("settlement", "maturity", "day_count")
            if name not in dates
        ]
    quotes = [name for name in QUOTES if getattr(params, name) is not None]
    if len(quotes) > 1:
        faults += [Fault(f"$.{_said(name)}", f"stands in place of {_said(quotes[0])}") for name in quotes[1:]]
    elif not quotes and not with_curve(params):
        faults.append(Fault("$", "needs price, dirty_price or yield; or a curve", code="missing"))
    return faults


def _column_faults(params: Params) -> list[Fault]:
    """Unequal lengths, and single values that are no good for any row."""
    faults = length_faults(list_lengths(params), MOST_ROWS)
    for name in NUMBERS:
        value = getattr(params, name)
        allowed = columns.wrong(value, BOUNDS[name]) if isinstance(value, (int, float)) else ""
        if allowed:
            faults.append(Fault(f"$.{_said(name)}", f"must be {allowed}", value, allowed, "out_of_range"))
    if isinstance(params.frequency, (int, float)) and params.frequency not in (1, 2, 4, 12):
        faults.append(Fault("$.frequency", "must be 1, 2, 4 or 12", params.frequency, code="out_of_range"))
    for name in ("settlement", "maturity"):
        value = getattr(params, name)
        if isinstance(value, str) and not day_counts.ordinal(value):
            faults.append(Fault(f"$.{name}", "is no date", value[:100], "like 2024-01-31"))
    if isinstance(params.day_count, str) and day_counts.wrong(params.day_count):
        allowed = "one of " + ", ".join(day_counts.NAMES)
        faults.append(Fault("$.day_count", day_counts.wrong(params.day_count), params.day_count[:100], allowed))
    return faults


def _size_faults(params: Params) -> list[Fault]:
    rows, outputs = rows_of(params), len(told(params))
    most = MOST_ANSWER // (20 * outputs + 5)
    if params.output == "totals" or rows <= most:
        return []
    size = rows * (20 * outputs + 5) / 1e6
    detail = f"rows of {rows:,} bonds with {outputs} columns would be an answer of {size:.1f} MB: at most {most:,} rows"
    return [Fault("$.output", detail, "rows", 'output "totals", fewer columns, or fewer bonds', "too_large")]
