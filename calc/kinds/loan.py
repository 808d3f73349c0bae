"""Loans: payments, schedules, annual percentage rates, returns of dated flows, pools that prepay; one, or a book.

`task` says what is asked:

    payment     what repays `principal` in `periods` level payments at `rate_per_period`; or, for people, `amount`
                at the nominal `rate` in `term_months` monthly payments (`compounding` says how the rate is meant)
    schedule    the same, period by period; with `rounding` to the cent the last payment takes the remainder
    apr_reg_z   nominal rate: unit-periods a year × i with advance = Σ payment / ((1+f·i)(1+i)^t)   (12 CFR 1026 J)
    apr_eu      effective rate r with Σ advance (1+r)^-t = Σ payment (1+r)^-t   (Directive 2008/48/EC, annex I)
    xirr        all effective rates r in (-1, 1e6) with Σ amount (1+r)^(-days/365) = 0; the one nearest `guess` first
    prepayment  a pool's monthly flows at a PSA speed or CPR: SMM = 1-(1-CPR)^(1/12), and 100 PSA is CPR
                0.2 % × age in months, up to 6 %   (Fabozzi, *Bond Markets*, pass-through cash flow)

With P the principal, B the balloon, r the rate per period, payments p at the end (due 0) or begin (1) of n periods:

    P = p (1 + r·due) (1 - (1+r)^-n)/r + B (1+r)^-n       p = (P - B)/n at r = 0

A book sends columns (a list, an entry a contract; one number counts for all) and gets columns, each row with a
`status`: ok; multiple_roots (the nearest to `guess` is told, and all in `roots`); no_sign_change; no_rate_in_range;
too_many_roots; bad_input (null, or outside of the field's bounds); rounding_unstable (payments in whole cents do
not repay it); overflow. A row that is not ok has nulls and is in no total. A single contract is refused instead.
`xirr` of a book: `lengths` of the contracts' flows, with `days` and `amounts` of all of them one after the other.

A payment is positive and paid by the borrower. Accuracy: 1e-12 relative; rates 1e-12 absolute, unless two roots almost
coincide. Self-checks: repaid principal adds up to what was lent, pools pay out, rates give a residual below 1e-9.
Refused: fields of another task, columns of unequal length, rows that would make an answer above 8 MB (ask for `output`
totals). Cost: 0.04 µs a payment, 0.6 µs a 20-year schedule, 0.7 µs an xirr of 60 flows, 1 to 2 µs a 30-year pool; text
in and out costs as much again. A row takes some 25 bytes of the request: 300,000 fit one.
"""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from calc.errors import CalcError, Fault, InvalidData
from calc.kind import Caution, Plan, never_enough, no_estimate
from calc.kinds.loan_columns import flows, is_book, percents, rows_of, table
from calc.kinds.loan_faults import faults_of
from calc.kinds.loan_terms import TASKS, UNIT_PERIODS, Params
from calc.numerics import amortisation, columns
from calc.numerics.amortisation import STATUSES, Block

NAME = "loan"
VERSION = 2
ALIASES: tuple[str, ...] = ()
SUMMARY = "Payments, schedules, annual percentage rates, returns and prepayments of one loan or of a book of loans."
EXAMPLE = {"task": "payment", "amount": 10000, "rate": 0.05}

ROWS_A_PART = 40_000  # as many as a partial of 2 MB holds
SECONDS_A_FLOW = 1.5e-7
SHARE_OF_TOTALS = 0.5  # of the seconds a row, where no row is told
LARGEST_RESIDUAL = 1e-9  # of a rate, relative to the flows on either side

Array = NDArray[np.float64]


class Partial(Struct, frozen=True):
    """Columns are packed 8-byte floats, status a byte a row; both are empty where totals alone are asked for."""

    columns: list[bytes]
    status: bytes
    counts: list[int]
    sums: list[float]
    table: list[list[float]]
    roots: list[tuple[int, list[float]]]


Accumulator = Partial


class Diagnostics(Struct, frozen=True):
    """`counts`: rows by status."""

    method: str
    estimator: str
    rows: int
    counts: dict[str, int]
    conventions: dict[str, str]
    units: dict[str, str]
    warnings: list[Caution]


Answer = float | list[float | None] | None


class Result(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What the task gives; for a book lists, an entry a row, null where `status` is not ok. Others are left out."""

    status: str | list[str] | None = None
    payment: Answer = None
    total_interest: Answer = None
    final_payment: Answer = None
    apr_reg_z: Answer = None
    apr_eu: Answer = None
    effective_annual_rate: Answer = None
    rate_per_period: float | None = None
    xirr: Answer = None
    residual: Answer = None
    sign_changes: int | list[int | None] | None = None
    roots: list[float] | dict[str, list[float]] | None = None
    average_life: Answer = None
    interest_sum: float | None = None
    principal_sum: float | None = None
    totals: dict[str, float] | None = None
    by_period: dict[str, list[float]] | None = None
    standard_error: None
    diagnostics: Diagnostics


def plan(params: Params) -> Plan:
    """A fixed number of contracts to a part. All that is wrong is told here."""
    faults = faults_of(params)
    if faults:
        raise InvalidData(faults)
    return Plan(parts=math.ceil(rows_of(params) / ROWS_A_PART))


def cost(params: Params) -> float:
    """Estimated CPU seconds of all parts: so much a contract, text in and out included."""
    terms = TASKS[params.task]
    told = 1.0 if params.output == "rows" else SHARE_OF_TOTALS
    if params.lengths is not None:
        return 4e-4 + told * terms.seconds * len(params.lengths) + SECONDS_A_FLOW * len(params.days or [])
    given, usable = table(params)
    periods = given[terms.periods][usable] if terms.periods else np.zeros(1)
    rows = terms.seconds * rows_of(params) + terms.seconds_a_period * float(periods.sum())
    return (8e-4 if terms.periods else 4e-4) + told * rows


def run(params: Params, part: int) -> Partial:
    """The part's contracts. Raises CalcError where a self-check fails."""
    first = part * ROWS_A_PART
    block = _block(params, first, min(first + ROWS_A_PART, rows_of(params)))
    good = block.status <= amortisation.MULTIPLE_ROOTS
    terms = TASKS[params.task]
    told = params.output == "rows"
    return Partial(
        columns=[columns.packed(block.columns[:, k]) for k in range(len(terms.outputs))] if told else [],
        status=block.status.tobytes() if told else b"",
        counts=np.bincount(block.status, minlength=len(STATUSES)).tolist(),
        sums=[columns.summed(block.columns[:, terms.outputs.index(name)], good) for name in terms.added],
        table=block.table.tolist(),
        roots=[(first + row, roots) for row, roots in block.roots.items()] if told else [],
    )


def reduce(params: Params, accumulator: Partial | None, partials: list[Partial]) -> Partial:
    """Rows one after the other, sums and tables added."""
    folded = [accumulator, *partials] if accumulator else partials
    return Partial(
        columns=[b"".join(pieces) for pieces in zip(*(each.columns for each in folded), strict=True)],
        status=b"".join(each.status for each in folded),
        counts=[sum(counts) for counts in zip(*(each.counts for each in folded), strict=True)],
        sums=[math.fsum(sums) for sums in zip(*(each.sums for each in folded), strict=True)],
        table=columns.added(each.table for each in folded),
        roots=[pair for each in folded for pair in each.roots],
    )


estimate, enough = no_estimate, never_enough


def result(params: Params, accumulator: Partial) -> Result:
    """The contract's figures, or the book's columns and totals. Raises InvalidData where a single one has no answer."""
    terms = TASKS[params.task]
    status = np.frombuffer(accumulator.status, np.uint8)
    good = status <= amortisation.MULTIPLE_ROOTS
    found = [columns.unpacked(column) for column in accumulator.columns]
    answers: dict[str, Any] = {}
    if is_book(params):
        answers |= {name: columns.listed(each, good) for name, each in zip(terms.outputs, found, strict=False)}
        answers["status"] = columns.worded(status, STATUSES) or None
        answers["totals"] = dict(zip(terms.added, accumulator.sums, strict=True)) or None
        answers["roots"] = {str(row): roots for row, roots in accumulator.roots} or None
    else:
        _refuse_alone(params, STATUSES[accumulator.counts.index(1)])
        answers |= _single(params, accumulator, found)
    if "sign_changes" in answers:
        answers["sign_changes"] = _whole(answers["sign_changes"])
    answers["by_period"] = _by_period(params, accumulator.table)
    return Result(**answers, standard_error=None, diagnostics=_diagnostics(params, accumulator))


def _whole(count: float | list[float | None]) -> int | list[int | None]:
    if isinstance(count, list):
        return [None if each is None else int(each) for each in count]
    return int(count)


def check_repaid(lent: float, repaid: float, scale: float) -> None:
    """Self-check: the principal in a schedule adds up to what was lent."""
    if not abs(repaid - lent) <= 1e-9 * scale:
        raise CalcError(
            f"The self-check repaid failed: {repaid!r} of {lent!r} comes back.", code="internal_check_failed"
        )


def check_residuals(residual: Array) -> None:
    """Self-check: at each rate that is told, the flows are worth nothing."""
    if residual.size and not residual.max() <= LARGEST_RESIDUAL:
        raise CalcError(
            f"The self-check residual failed: {residual.max():.3g} of the flows is left.", code="internal_check_failed"
        )


def _block(params: Params, first: int, end: int) -> Block:
    """The contracts first … end - 1; bad rows are left out of the kernels and of every total."""
    if params.task in ("xirr", "apr_eu"):
        days, amounts, lengths, whole = flows(params)
        start, stop = int(lengths[:first].sum()), int(lengths[:end].sum())
        own = slice(start, stop)
        year = 1.0 if params.task == "apr_eu" else 365.0
        guess = 0.1 if params.guess is None else params.guess
        block = amortisation.returns(days[own], amounts[own], lengths[first:end], guess, year)
        block.status[~whole[first:end]] = amortisation.BAD_INPUT
        check_residuals(block.columns[block.status <= amortisation.MULTIPLE_ROOTS, 1])
        return block
    given, usable = table(params)
    rows = np.flatnonzero(usable[first:end])
    block = _level_block(params, {name: column[first:end][rows] for name, column in given.items()})
    whole_block = np.full((end - first, block.columns.shape[1]), np.nan)
    whole_block[rows] = block.columns
    status = np.full(end - first, amortisation.BAD_INPUT, np.uint8)
    status[rows] = block.status
    return Block(whole_block, status, block.table, {})


def _level_block(params: Params, given: Mapping[str, Array]) -> Block:
    """Of good rows of the tasks that have level payments."""
    at_once = params.due == "begin"
    if params.task == "payment":
        return amortisation.payments(given, at_once)
    if params.task == "apr_reg_z":
        a_year, days = UNIT_PERIODS[params.unit_period or "month"]
        units = 1.0 if params.first_period_units is None else float(params.first_period_units)
        block = amortisation.implied_rates(given, units, (params.first_period_days or 0.0) / days, float(a_year))
        check_residuals(block.columns[block.status == amortisation.OK, 2])
        return block
    if params.task == "prepayment":
        block = amortisation.pools(given, params.psa is not None)
        check_repaid(float(given["balance"].sum()), float(block.table[:, 2:4].sum()), float(given["balance"].sum()))
        return block
    block = amortisation.schedules(given, at_once, params.rounding or "none")
    good = block.status == amortisation.OK
    lent, left = given["principal"][good], given["balloon"][good]
    if at_once:
        left = left / (1.0 + given["rate_per_period"][good])
    slack = 0.02 * float(good.sum()) if params.rounding not in (None, "none") else 0.0
    scale = float(np.abs(lent).sum() + np.abs(left).sum()) + 1e9 * slack
    check_repaid(float(lent.sum() - left.sum()), float(block.table[:, 2].sum()), scale)
    return block


_ALONE = {
    "no_sign_change": (
        "$.flows",
        "xirr needs at least one positive and one negative amount, on two days, after those of one day are added up",
    ),
    "no_rate_in_range": ("$", "no rate above -1 and below 1e6 gives these flows"),
    "too_many_roots": ("$.flows", "change sign so often that their rates cannot all be told: send fewer flows"),
    "rounding_unstable": ("$.rounding", "payments in whole cents do not repay this loan: use rounding none"),
    "overflow": ("$", "the figures are beyond what a number holds"),
}
FURTHER_EXAMPLES: tuple[dict[str, Any], ...] = (
    {"task": "schedule", "principal": 125000, "rate_per_period": 0.0075, "periods": 360, "to_period": 3},
    {"task": "schedule", "amount": [1000, 2000], "rate": 0.06, "term_months": [12, 24], "rounding": "half_even"},
    {"task": "apr_reg_z", "advance": 5000, "payment": 230, "payments": 24, "unit_period": "month"},
    {"task": "apr_eu", "advances": [[0, 1000]], "payments": [[0.25, 272], [0.5, 272], [1, 544]]},
    {"task": "xirr", "flows": [["2024-01-01", -1000], ["2024-07-01", 300], ["2025-01-01", 800]]},
    {"task": "xirr", "lengths": [2, 3], "days": [0, 365, 0, 90, 180], "amounts": [-100, 110, -50, 20, 32]},
    {"task": "prepayment", "balance": [4e8, 1e8], "coupon": 0.08125, "remaining_months": 357, "psa": 100},
)


def _refuse_alone(params: Params, status: str) -> None:
    if status in _ALONE:
        path, detail = _ALONE[status]
        if params.task == "apr_eu":
            path = "$"
        raise InvalidData([Fault(path, detail, code=status)]).under("$.data")


def _single(params: Params, accumulator: Partial, found: list[Array]) -> dict[str, Any]:
    """The figures of one contract."""
    terms = TASKS[params.task]
    if params.output == "totals":
        return {"totals": dict(zip(terms.added, accumulator.sums, strict=True)) or None}
    answers: dict[str, Any] = {name: float(each[0]) for name, each in zip(terms.outputs, found, strict=True)}
    if params.task in ("xirr", "apr_eu"):
        answers["status"] = STATUSES[accumulator.counts.index(1)]
        answers["roots"] = accumulator.roots[0][1] if accumulator.roots else [float(found[0][0])]
    if params.amount is not None:
        rate = float(table(params)[0]["rate_per_period"][0])
        answers |= {"rate_per_period": rate, "effective_annual_rate": amortisation.effective_rate(rate, 12.0)}
    if params.task == "schedule":
        first, last = _told_periods(params, len(accumulator.table))
        rows = accumulator.table[first:last]
        answers["interest_sum"] = math.fsum(row[1] for row in rows)
        answers["principal_sum"] = math.fsum(row[2] for row in rows)
    return answers


def _told_periods(params: Params, periods: int) -> tuple[int, int]:
    return (params.from_period or 1) - 1, min(params.to_period or periods, periods)


def _by_period(params: Params, rows: list[list[float]]) -> dict[str, list[float]] | None:
    """The table as named columns."""
    if not rows:
        return None
    first, last = _told_periods(params, len(rows))
    told = [list(column) for column in zip(*rows[first:last], strict=True)] or [[] for _ in rows[0]]
    periods = [float(k) for k in range(first + 1, last + 1)]
    if params.task == "schedule":
        return {"period": periods} | dict(zip(("payment", "interest", "principal", "balance"), told, strict=True))
    balance, interest, scheduled, prepaid, owner = told
    after = [b - s for b, s in zip(balance, scheduled, strict=True)]
    return {
        "month": periods,
        "balance": balance,
        "payment": [i + s for i, s in zip(interest, scheduled, strict=True)],
        "interest": owner,
        "scheduled": scheduled,
        "prepayment": prepaid,
        "smm": [p / a if a > 0 else 0.0 for p, a in zip(prepaid, after, strict=True)],
        "cash": [o + s + p for o, s, p in zip(owner, scheduled, prepaid, strict=True)],
    }


_CONVENTIONS = {
    "payment": {"payment": "positive, paid by the borrower", "effective_annual_rate": "annual"},
    "schedule": {"payment": "positive, paid by the borrower", "last cent": "in the last payment"},
    "apr_reg_z": {"apr_reg_z": "nominal: rate per unit-period × unit-periods a year"},
    "apr_eu": {"apr_eu": "effective annual"},
    "xirr": {"xirr": "effective annual", "day_count": "act/365f"},
    "prepayment": {
        "cash": "interest at the pass-through rate, scheduled and prepaid principal",
        "average_life": "years",
    },
}
_METHODS = {
    "payment": ("closed_form", "annuity formula"),
    "schedule": ("closed_form", "annuity formula, period by period"),
    "apr_reg_z": ("root_finding", "Newton in ln(1+i), bracketed"),
    "apr_eu": ("root_finding", "Newton in ln(1+r), bracketed; all roots by exclusion and monotony"),
    "xirr": ("root_finding", "Newton in ln(1+r), bracketed; all roots by exclusion and monotony"),
    "prepayment": ("closed_form", "survival of the scheduled balance"),
}

_UNITS = {
    "apr_reg_z": "per year",
    "apr_eu": "per year",
    "effective_annual_rate": "per year",
    "rate_per_period": "per month",
    "xirr": "per year",
    "roots": "per year",
    "residual": "none",
    "sign_changes": "count",
    "average_life": "years",
    "by_period.smm": "per month",
}


def _named(params: Params) -> list[str]:
    """Outputs that have a unit."""
    names = list(TASKS[params.task].outputs)
    if params.task in ("xirr", "apr_eu"):
        names.append("roots")
    if params.amount is not None and not is_book(params):
        names += ["rate_per_period", "effective_annual_rate"]
    if params.task in ("schedule", "prepayment"):
        names.append("by_period")
    if params.task == "schedule":
        names += ["interest_sum", "principal_sum"]
    return [*names, "by_period.smm"] if params.task == "prepayment" else names


def _diagnostics(params: Params, accumulator: Partial) -> Diagnostics:
    method, estimator = _METHODS[params.task]
    conventions = dict(_CONVENTIONS[params.task])
    if params.task in ("payment", "schedule"):
        conventions |= {"due": params.due or "end", "rounding": params.rounding or "none"}
        if params.amount is not None:
            conventions["rate"] = f"nominal, {params.compounding or 'monthly'}; payments monthly"
    warnings = percents(params)
    several = accumulator.counts[amortisation.MULTIPLE_ROOTS]
    if several:
        detail = f"{several:,} contracts have several rates: the nearest to guess is told, and all of them in roots"
        warnings.append(Caution("multiple_roots", "$.data", detail))
    return Diagnostics(
        method=method,
        estimator=estimator,
        rows=rows_of(params),
        counts={word: n for word, n in zip(STATUSES, accumulator.counts, strict=True) if n},
        conventions=conventions,
        units={name: _UNITS.get(name, "currency") for name in _named(params)},
        warnings=warnings,
    )
