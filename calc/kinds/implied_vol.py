"""The volatility that option prices imply under Black and Scholes, row by row, for whole books of quotes.

    price = e^(-rT) w (F N(w d1) - K N(w d2)),   F = S e^((r-q)T),   d1,2 = log(F/K)/(σ√T) ± σ√T/2,   w = 1 call, -1 put

solved for σ. A column is a list with one entry a row, or one value for all rows; the market is `spot` with
`dividend_yield`, or `forward`. Every row gets a `status` and none spoils another:

    ok               `volatility` is the answer
    below_intrinsic  the price is at or below the discounted intrinsic value: no volatility above 0 gives it
    above_maximum    the price is at or above the discounted forward (call) or strike (put): no finite one gives it
    expired          no time is left
    bad_input        spot, forward or strike not from 1e-9 to 1e9, a rate not from -0.5 to 10, maturity above 100,
                     rate × maturity beyond ±100, or a value is null

Prices in the money are turned into those out of the money by parity, and a price is matched in its relative size, so
that one of 1e-200 is as good as one of 10 (Jäckel 2015, *Let's be rational*; Halley steps on log price: see
`calc/kernels/implied_vol.py`). Accuracy: 1e-13 relative, where the price carries as many digits; a warning counts the
rows whose price does not even carry six, as deep in the money. Self-check: every volatility is put into the formula
above and must give back the time value to 1e-11 of the smaller of discounted forward and strike.

Refused: columns of unequal length, neither or both of `spot` and `forward`, more than 200,000 rows. Cost: about 0.4 µs
a row to solve, 1.2 µs with the text that goes in and out.
"""

import math
from typing import Annotated, Any, Literal

import numpy as np
from msgspec import Meta, Struct
from numpy.typing import NDArray

from calc import lazy
from calc.errors import CalcError, Fault, InvalidData
from calc.kind import Caution, Plan, never_enough, no_estimate, once_per_params
from calc.numerics import columns
from calc.quantities import PER_YEAR, looks_like_percent, measure

kernels = lazy.module("calc.kernels.implied_vol")

NAME = "implied_vol"
ANY_SIZE = True
VERSION = 1
ALIASES: tuple[str, ...] = ()
SUMMARY = "Black-Scholes volatilities implied by the prices of European options, with a status for every row."
EXAMPLE = {
    "price": [10.45, 5.57, 0.0304, 0.5, 120.0],
    "type": ["call", "put", "call", "put", "call"],
    "spot": 100,
    "strike": [100, 100, 250, 120, 100],
    "maturity": [1, 1, 0.5, 0.25, 1],
    "rate": 0.05,
    "dividend_yield": 0.0,
}

MAX_ROWS = 200_000
ROWS_A_PART = 100_000  # as many as a partial of 2 MB holds
LEAST_RESIDUAL = 1e-11  # of a repricing that fails the self-check
FEW_DIGITS = 1e-6  # relative blur of a volatility beyond which a row is counted in a warning
SECONDS_A_ROW = 1.2e-6

Kind = Literal["call", "put"]
Listed = Annotated[list[float | None], Meta(min_length=1, max_length=MAX_ROWS)]
Column = float | Listed
Types = Kind | Annotated[list[Kind], Meta(min_length=1, max_length=MAX_ROWS)]
Array = NDArray[np.float64]


class Params(Struct, frozen=True, forbid_unknown_fields=True):
    price: Annotated[Column, measure("Price", "currency", "Of one option, a row each.", [10.45, 0.0304])]
    type: Annotated[Types, Meta(title="Type", description="The right to buy or to sell.", examples=["call"])]
    strike: Annotated[Column, measure("Strike", "currency", "Price at which the holder may buy or sell.", [100, 250])]
    maturity: Annotated[Column, measure("Maturity", "years", "Time to expiry.", [1, 0.5])]
    rate: Annotated[Column, measure("Rate", PER_YEAR, "Riskless, continuous; 0.05 is 5 % a year.", 0.05)]
    spot: Annotated[Column | None, measure("Spot", "currency", "Price of the underlying now.", 100)] = None
    forward: Annotated[
        Column | None, measure("Forward", "currency", "In place of spot and dividend yield.", [101.2, 100.6])
    ] = None
    dividend_yield: Annotated[
        Column | None, measure("Dividend yield", PER_YEAR, "Continuous; 0 when absent. Only with spot.", 0.0)
    ] = None

    def __post_init__(self) -> None:
        faults = [*_market_faults(self), *_length_faults(self)]
        if faults:
            raise InvalidData(faults)


class Partial(Struct, frozen=True):
    """Columns, packed: float64, and a byte each for status (its number) and steps. `few_digits` are the first rows
    whose price says too little."""

    volatility: bytes
    status: bytes
    iterations: bytes
    residual: float
    blurred: int
    few_digits: list[int]


Accumulator = Partial


class Diagnostics(Struct, frozen=True):
    """`counts` are rows by status; `residual` is the largest of the self-check."""

    method: str
    estimator: str
    rows: int
    counts: dict[str, int]
    residual: float
    conventions: dict[str, str]
    units: dict[str, str]
    warnings: list[Caution]


class Result(Struct, frozen=True):
    """Columns in the order of the rows; `volatility` is null where `status` is not ok."""

    volatility: list[float | None]
    status: list[str]
    iterations: list[int]
    standard_error: None
    diagnostics: Diagnostics


def plan(params: Params) -> Plan:
    """A fixed number of rows to a part."""
    return Plan(parts=math.ceil(_rows(params) / ROWS_A_PART))


def cost(params: Params) -> float:
    """Estimated CPU seconds of all parts: so much a row."""
    return 3.5e-4 + SECONDS_A_ROW * _rows(params)


def run(params: Params, part: int) -> Partial:
    """The part's rows, solved and priced again. Raises CalcError where a price does not come back."""
    first = part * ROWS_A_PART
    rows = [column[first : first + ROWS_A_PART] for column in _columns(params)]
    volatility, status, steps, residual, blur = kernels.solve(*rows)
    check_repricing(residual, first)
    fine = status == kernels.OK
    few = np.flatnonzero(fine & (blur > FEW_DIGITS))
    return Partial(
        volatility=columns.packed(volatility),
        status=bytes(status.tolist()),
        iterations=bytes(steps.tolist()),
        residual=float(residual.max()),
        blurred=int(few.size),
        few_digits=(few[:10] + first).tolist(),
    )


def reduce(params: Params, accumulator: Partial | None, partials: list[Partial]) -> Partial:
    """The rows of all parts, one after the other."""
    folded = [accumulator, *partials] if accumulator else partials
    return Partial(
        volatility=b"".join(each.volatility for each in folded),
        status=b"".join(each.status for each in folded),
        iterations=b"".join(each.iterations for each in folded),
        residual=max(each.residual for each in folded),
        blurred=sum(each.blurred for each in folded),
        few_digits=[row for each in folded for row in each.few_digits][:10],
    )


estimate, enough = no_estimate, never_enough


def result(params: Params, accumulator: Partial) -> Result:
    """The columns, with words for the status."""
    status = [kernels.STATUSES[code] for code in accumulator.status]
    good = np.frombuffer(accumulator.status, np.uint8) == kernels.OK
    return Result(
        volatility=columns.listed(columns.unpacked(accumulator.volatility), good),
        status=status,
        iterations=list(accumulator.iterations),
        standard_error=None,
        diagnostics=Diagnostics(
            method="root_finding",
            estimator="Black-Scholes formula inverted by Halley steps on the logarithm of the time value",
            rows=len(status),
            counts={word: status.count(word) for word in kernels.STATUSES if word in status},
            residual=accumulator.residual,
            conventions={
                "rate": "continuous",
                "dividend_yield": "continuous" if params.forward is None else "within the forward",
                "residual": "largest repricing error over the smaller of discounted forward and strike",
            },
            units={"volatility": "per square root of a year"},
            warnings=_warnings(params, accumulator),
        ),
    )


def check_repricing(residual: Array, first: int) -> None:
    """Self-check: the formula gives every price back. `first` is the row of residual 0."""
    worst = int(residual.argmax())
    if not residual[worst] <= LEAST_RESIDUAL:
        detail = f"row {first + worst} is priced again with a relative error of {residual[worst]:.3g}"
        raise CalcError(f"The self-check repricing failed: {detail}.", code="internal_check_failed")


_NAMES = ("price", "type", "strike", "maturity", "rate", "spot", "forward", "dividend_yield")


def _market_faults(params: Params) -> list[Fault]:
    if (params.spot is None) == (params.forward is None):
        detail = "and forward: exactly one of them is needed"
        return [Fault("$.spot", detail, allowed="spot with dividend_yield, or forward", code="invalid")]
    if params.forward is not None and params.dividend_yield is not None:
        return [Fault("$.dividend_yield", "is not used with forward, which holds it", allowed="leave it out")]
    return []


def _lengths(params: Params) -> dict[str, int]:
    """Of the columns that are lists."""
    given = {name: getattr(params, name) for name in _NAMES}
    return {name: len(column) for name, column in given.items() if isinstance(column, list)}


def _length_faults(params: Params) -> list[Fault]:
    lengths = _lengths(params)
    if not lengths:
        return []
    name, rows = next(iter(lengths.items()))
    return [
        Fault(f"$.{other}", f"has {length:,} entries, {name} has {rows:,}", length, f"{rows:,}", "length_mismatch")
        for other, length in lengths.items()
        if length != rows
    ]


def _rows(params: Params) -> int:
    return next(iter(_lengths(params).values()), 1)


@once_per_params
def _columns(params: Params) -> tuple[Any, ...]:
    """call, price, spot, strike, maturity, rate, dividend yield: an entry a row each, as the kernel takes them."""
    rows = _rows(params)
    rate = _array(params.rate, rows)
    calls = params.type if isinstance(params.type, list) else [params.type] * rows
    return (
        np.array([each == "call" for each in calls]),
        _array(params.price, rows),
        _array(params.forward if params.spot is None else params.spot, rows),
        _array(params.strike, rows),
        _array(params.maturity, rows),
        rate,
        rate if params.spot is None else _array(params.dividend_yield, rows),
    )


def _array(column: Column | None, rows: int) -> Array:
    return columns.array(0.0 if column is None else column, rows)


def _warnings(params: Params, accumulator: Partial) -> list[Caution]:
    cautions = []
    for name in ("rate", "dividend_yield"):
        column = getattr(params, name)
        values = column if isinstance(column, list) else [column]
        most = max((value for value in values if value is not None), default=0.0)
        cautions += looks_like_percent(f"$.data.{name}", most, 1)
    if accumulator.blurred:
        rows = ", ".join(map(str, accumulator.few_digits))
        detail = f"{accumulator.blurred:,} rows hold a price that leaves the volatility fewer than six digits: {rows}"
        cautions.append(Caution("few_digits", "$.data.price", detail + (" …" if accumulator.blurred > 10 else "")))
    return cautions
