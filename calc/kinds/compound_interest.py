"""Compound interest on one amount, exactly: the kind of a submission that names none.

    total = amount (1 + rate / periods) ^ (periods years)

`rate` is nominal per year and is credited `periods` times a year. Amount, rate and years are taken as the decimal
digits that were sent, never as binary floats; `total_exact` has 20 significant digits, rounded half to even from
sixty. Money is rounded to the cent, half to even; the schedule's rows are differences of rounded balances, so they
add up to the rounded total.
"""

from decimal import ROUND_HALF_EVEN, Context, Decimal
from typing import Annotated

from msgspec import Meta, Struct

from calc.errors import CalcError, Fault, InvalidData
from calc.exact import outside
from calc.kind import Caution, never_enough, no_estimate, one_part, only_partial, result_of_partial
from calc.quantities import measure

NAME = "compound_interest"
VERSION = 1
ALIASES: tuple[str, ...] = ()
SUMMARY = "What an amount grows to at a nominal rate, credited several times a year."
EXAMPLE = {"amount": 10000, "rate": 0.05}

CENT = Decimal("0.01")
MAX_SCHEDULE = 1200
_WORKING = Context(prec=60, rounding=ROUND_HALF_EVEN)
_SHOWN = Context(prec=20, rounding=ROUND_HALF_EVEN)


class Params(Struct, frozen=True, forbid_unknown_fields=True):
    """Decimals keep the digits that were sent."""

    amount: Annotated[
        Decimal,
        measure(
            "Amount",
            "currency",
            "What is invested or lent now.",
            10000,
            schema={"exclusiveMinimum": 0, "maximum": 10**15},
        ),
    ]
    rate: Annotated[
        Decimal,
        measure(
            "Rate",
            "per year",
            "Nominal rate; 0.05 is 5 % a year.",
            0.05,
            fraction=True,
            schema={"exclusiveMinimum": -1, "maximum": 10},
        ),
    ]
    periods: Annotated[
        int, measure("Periods", "per year", "How often a year interest is credited.", 12, ge=1, le=8784)
    ] = 12
    years: Annotated[
        Decimal,
        measure(
            "Years",
            "years",
            "How long; years × periods must be a whole number.",
            1,
            schema={"minimum": 0, "maximum": 200},
        ),
    ] = Decimal(1)
    schedule: Annotated[
        bool, Meta(title="Schedule", description=f"Whether to list every period (at most {MAX_SCHEDULE}).")
    ] = False

    def __post_init__(self) -> None:
        faults = [Fault(f"$.{name}", told, str(value), code="out_of_range") for name, value, told in outside(self)]
        if not faults:
            count = self.years * self.periods
            if count % 1:
                detail = f"must be a whole number of periods: {self.years} years of {self.periods} are {count}"
                faults.append(Fault("$.years", detail, str(self.years)))
            elif self.schedule and count > MAX_SCHEDULE:
                detail = f"would have {int(count):,} rows: at most {MAX_SCHEDULE:,}"
                faults.append(Fault("$.schedule", detail, True, code="too_large"))
        if faults:
            raise InvalidData(faults)


class Row(Struct, frozen=True):
    """One period: the interest credited at its end, and the balance then."""

    period: int
    interest: Decimal
    balance: Decimal


class Diagnostics(Struct, frozen=True):
    method: str
    periods: int
    rounding: str
    units: dict[str, str]
    warnings: list[Caution]


class Result(Struct, frozen=True):
    """`total` and `interest` to the cent; `total_exact` and `interest_exact` to 20 significant digits."""

    total: Decimal
    interest: Decimal
    total_exact: str
    interest_exact: str
    effective_annual_rate: float
    schedule: list[Row] | None
    standard_error: None
    diagnostics: Diagnostics


class Partial(Struct, frozen=True):
    """Nothing is left to fold: the one part works the result out."""

    result: Result


Accumulator = Partial
plan = one_part
reduce = only_partial
estimate = no_estimate
enough = never_enough
result = result_of_partial


def cost(params: Params) -> float:
    """The row of a schedule takes a microsecond and a half."""
    return 1.6e-4 + (2.5e-6 * float(params.years * params.periods) if params.schedule else 0.0)


def run(params: Params, part: int) -> Partial:
    """The whole of it."""
    count = int(params.years * params.periods)
    growth = _WORKING.add(1, _WORKING.divide(params.rate, params.periods))
    total = _WORKING.multiply(params.amount, _WORKING.power(growth, count))
    if total >= 10**24:
        raise CalcError(f"The total would be {total:.3e}: this kind answers to the cent, up to 1e24.", "too_large")
    effective = _WORKING.subtract(_WORKING.power(growth, params.periods), 1)
    rows = _schedule(params.amount, growth, count) if params.schedule else None
    return Partial(
        Result(
            total=_cents(total),
            interest=_cents(total) - _cents(params.amount),
            total_exact=_digits(total),
            interest_exact=_digits(_WORKING.subtract(total, params.amount)),
            effective_annual_rate=float(effective),
            schedule=rows,
            standard_error=None,
            diagnostics=Diagnostics(
                method="closed_form",
                periods=count,
                rounding="half_even",
                units={"total": "currency", "interest": "currency", "effective_annual_rate": "per year"},
                warnings=_warnings(params.rate),
            ),
        )
    )


def _schedule(amount: Decimal, growth: Decimal, count: int) -> list[Row]:
    rows, exact, before = [], amount, _cents(amount)
    for period in range(1, count + 1):
        exact = _WORKING.multiply(exact, growth)
        balance = _cents(exact)
        rows.append(Row(period, balance - before, balance))
        before = balance
    return rows


def _cents(value: Decimal) -> Decimal:
    return value.quantize(CENT, context=_WORKING)


def _digits(value: Decimal) -> str:
    return f"{_SHOWN.plus(value):f}"


def _warnings(rate: Decimal) -> list[Caution]:
    if rate <= 1:
        return []
    detail = f"{rate} means {rate:.0%} a year; for {rate} % send {rate / 100}"
    return [Caution("looks_like_percent", "$.data.rate", detail)]
