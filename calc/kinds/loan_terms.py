"""The data of the kind `loan`: its fields, their units and bounds, and which of them a task takes."""

from typing import Annotated, Literal

import numpy as np
from msgspec import Meta, Struct
from numpy.typing import NDArray

from calc.quantities import measure

MOST_PERIODS = 1200

Array = NDArray[np.float64]
Column = float | list[float | None]
Pairs = list[list[float]]
Task = Literal["payment", "schedule", "apr_reg_z", "apr_eu", "xirr", "prepayment"]
UnitPeriod = Literal["day", "week", "two_weeks", "half_month", "month", "two_months", "quarter", "half_year", "year"]
Compounding = Literal["continuous", "monthly", "quarterly", "semiannual", "annual"]

UNIT_PERIODS = {  # of a year, and days of one (appendix J, (b)(5))
    "day": (365, 1),
    "week": (52, 7),
    "two_weeks": (26, 14),
    "half_month": (24, 15),
    "month": (12, 30),
    "two_months": (6, 60),
    "quarter": (4, 90),
    "half_year": (2, 180),
    "year": (1, 365),
}
PER_YEAR = {"monthly": 12, "quarterly": 4, "semiannual": 2, "annual": 1}
_MONEY = {"minimum": 0, "maximum": 1e15}
_OWED = {"exclusiveMinimum": 0, "maximum": 1e15}
_COUNT = {"minimum": 1, "maximum": MOST_PERIODS, "multipleOf": 1}


class Params(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    task: Annotated[Task, Meta(title="Task", description="What is asked.")] = "payment"
    amount: Annotated[Column | None, measure("Amount", "currency", "Lent; with rate.", 10000, schema=_OWED)] = None
    rate: Annotated[
        Column | None,
        measure(
            "Rate",
            "per year",
            "Nominal; 0.05 is 5 % a year.",
            0.05,
            fraction=True,
            schema={"exclusiveMinimum": -0.9, "maximum": 10},
        ),
    ] = None
    term_months: Annotated[
        Column | None, measure("Term", "months", "Of monthly payments; 12 when absent.", 12, schema=_COUNT)
    ] = None
    compounding: Annotated[
        Compounding | None, Meta(title="Compounding", description="How `rate` is meant; monthly when absent.")
    ] = None
    principal: Annotated[Column | None, measure("Principal", "currency", "Lent now.", 125000, schema=_MONEY)] = None
    rate_per_period: Annotated[
        Column | None,
        measure(
            "Rate per period",
            "per period",
            "0.0075 is 0.75 %.",
            0.0075,
            schema={"exclusiveMinimum": -0.9, "maximum": 10},
        ),
    ] = None
    periods: Annotated[Column | None, measure("Periods", "count", "Level payments.", 360, schema=_COUNT)] = None
    due: Annotated[
        Literal["end", "begin"] | None, Meta(title="Due", description="When in a period is paid; end when absent.")
    ] = None
    balloon: Annotated[
        Column | None,
        measure(
            "Balloon",
            "currency",
            "Still owed after the last period; below 0 it is saved. 0 when absent.",
            0,
            schema={"minimum": -1e15, "maximum": 1e15},
        ),
    ] = None
    rounding: Annotated[
        Literal["none", "half_even", "half_up"] | None,
        Meta(title="Rounding", description="Of payments and interest to the cent, in schedules; none when absent."),
    ] = None
    from_period: Annotated[
        Annotated[int, Meta(ge=1)] | None, measure("From period", "count", "First one of the schedule told.", 13)
    ] = None
    to_period: Annotated[
        Annotated[int, Meta(ge=1)] | None, measure("To period", "count", "Last one of the schedule told.", 24)
    ] = None
    advance: Annotated[Column | None, measure("Advance", "currency", "What is lent.", 5000, schema=_OWED)] = None
    payment: Annotated[Column | None, measure("Payment", "currency", "Level.", 230, schema=_OWED)] = None
    payments: Annotated[
        float | list[float | list[float] | None] | None,
        measure(
            "Payments",
            "count, or years and currency",
            "apr_reg_z: how many; apr_eu: [years, amount] each.",
            24,
            schema={"minimum": 1, "maximum": 4000, "multipleOf": 1},
        ),
    ] = None
    advances: Annotated[
        Pairs | None, measure("Advances", "years and currency", "[years, amount] each.", [[0, 1000]])
    ] = None
    unit_period: Annotated[
        UnitPeriod | None, Meta(title="Unit-period", description="Between payments, as appendix J has it.")
    ] = None
    first_period_units: Annotated[
        Annotated[int, Meta(ge=0, le=100)] | None,
        measure("First period", "unit-periods", "Whole ones to the first payment; 1 when absent.", 1),
    ] = None
    first_period_days: Annotated[
        Annotated[float, Meta(ge=0, le=366)] | None,
        measure("First period's days", "days", "Odd days beside them; 0 when absent.", 19),
    ] = None
    flows: Annotated[
        list[list[str | float]] | None,
        measure("Flows", "date and currency", "[date, amount] each.", [["2024-01-01", -1000], ["2025-01-01", 1100]]),
    ] = None
    guess: Annotated[
        Annotated[float, Meta(gt=-1, le=1e6)] | None,
        measure("Guess", "per year", "Of several rates the nearest is told first; 0.1 when absent.", 0.1),
    ] = None
    lengths: Annotated[
        list[Annotated[int, Meta(ge=0)]] | None, measure("Lengths", "count", "Flows of each contract.", [2, 3])
    ] = None
    days: Annotated[
        list[float | None] | None, measure("Days", "days", "Of every flow, from any day.", [0, 365, 0, 90, 180])
    ] = None
    amounts: Annotated[
        list[float | None] | None, measure("Amounts", "currency", "Of every flow.", [-100, 110, -50, 20, 32])
    ] = None
    balance: Annotated[Column | None, measure("Balance", "currency", "Of the pool.", 4e8, schema=_OWED)] = None
    coupon: Annotated[
        Column | None,
        measure(
            "Coupon",
            "per year",
            "Nominal rate of the borrowers (WAC).",
            0.08125,
            fraction=True,
            schema={"minimum": 0, "maximum": 1},
        ),
    ] = None
    remaining_months: Annotated[
        Column | None,
        measure("Remaining months", "months", "Of the pool (WAM).", 357, schema=_COUNT | {"maximum": 600}),
    ] = None
    pass_through: Annotated[
        Column | None,
        measure(
            "Pass-through",
            "per year",
            "Nominal rate to the owner; the coupon when absent.",
            0.075,
            fraction=True,
            schema={"minimum": 0, "maximum": 1},
        ),
    ] = None
    psa: Annotated[
        Column | None,
        measure("PSA", "percent", "Speed; 100 is the standard.", 100, schema={"minimum": 0, "maximum": 5000}),
    ] = None
    cpr: Annotated[
        Column | None,
        measure("CPR", "per year", "Share prepaid a year, in place of psa.", 0.06, schema={"minimum": 0, "maximum": 1}),
    ] = None
    age_months: Annotated[
        Column | None,
        measure(
            "Age",
            "months",
            "Of the loans; 360 less the remaining months when absent.",
            3,
            schema={"minimum": 0, "maximum": 600},
        ),
    ] = None
    output: Annotated[
        Literal["rows", "totals"], Meta(title="Output", description="Columns with an entry a contract, or sums alone.")
    ] = "rows"


class Terms(Struct, frozen=True):
    """`columns` may be lists; `outputs` are the kernel's columns, `added` those of them that make sense as a sum.

    CPU seconds, text in and out included: `seconds` a row, and `seconds_a_period` for each entry of `periods`.
    """

    needs: tuple[str, ...]
    columns: tuple[str, ...]
    others: tuple[str, ...]
    outputs: tuple[str, ...]
    added: tuple[str, ...]
    seconds: float
    periods: str = ""
    seconds_a_period: float = 0.0


_LEVEL = ("principal", "rate_per_period", "periods", "balloon", "amount", "rate", "term_months")
TASKS = {
    "payment": Terms(
        (), _LEVEL, ("due", "compounding"), ("payment", "total_interest"), ("payment", "total_interest"), 1e-6
    ),
    "schedule": Terms(
        (),
        _LEVEL,
        ("due", "compounding", "rounding", "from_period", "to_period"),
        ("payment", "total_interest", "final_payment"),
        ("payment", "total_interest"),
        1e-6,
        "periods",
        2.5e-9,
    ),
    "apr_reg_z": Terms(
        ("advance", "payment", "payments", "unit_period"),
        ("advance", "payment", "payments"),
        ("first_period_units", "first_period_days"),
        ("apr_reg_z", "effective_annual_rate", "residual"),
        (),
        1.5e-6,
        "payments",
        5.5e-9,
    ),
    "apr_eu": Terms(("advances", "payments"), (), (), ("apr_eu", "residual", "sign_changes"), (), 1e-5),
    "xirr": Terms(
        (), (), ("flows", "guess", "lengths", "days", "amounts"), ("xirr", "residual", "sign_changes"), (), 2e-6
    ),
    "prepayment": Terms(
        ("balance", "coupon", "remaining_months"),
        ("balance", "coupon", "remaining_months", "pass_through", "psa", "cpr", "age_months"),
        (),
        ("payment", "average_life", "total_interest"),
        ("payment", "total_interest"),
        1e-6,
        "remaining_months",
        3.5e-9,
    ),
}
