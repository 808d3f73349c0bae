"""The answers of the kind `loan`: what a part gives, and what is told of one contract or of a book."""

import math
from typing import Any

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from calc.errors import Fault, InvalidData
from calc.kind import Caution
from calc.kinds.loan_columns import is_book, percents, rows_of, table
from calc.kinds.loan_terms import TASKS, Params
from calc.numerics import amortisation, columns
from calc.numerics.amortisation import STATUSES

Array = NDArray[np.float64]


class Partial(Struct, frozen=True):
    """Columns are packed 8-byte floats, status a byte a row; both are empty where totals alone are asked for."""

    columns: list[bytes]
    status: bytes
    counts: list[int]
    sums: list[float]
    table: list[list[float]]
    roots: list[tuple[int, list[float]]]


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


def answer(params: Params, accumulator: Partial) -> Result:
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
    "apr_eu": ("root_finding", "inverse series in ln(1+r), bracketed; all roots by exclusion and monotony"),
    "xirr": ("root_finding", "inverse series in ln(1+r), bracketed; all roots by exclusion and monotony"),
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
