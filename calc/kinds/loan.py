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
from numpy.typing import NDArray

from calc.errors import CalcError, InvalidData
from calc.kind import Plan, never_enough, no_estimate
from calc.kinds.loan_answers import Partial, Result, answer
from calc.kinds.loan_columns import flows, rows_of, table
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


Accumulator = Partial


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
    return answer(params, accumulator)


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


FURTHER_EXAMPLES: tuple[dict[str, Any], ...] = (
    {"task": "schedule", "principal": 125000, "rate_per_period": 0.0075, "periods": 360, "to_period": 3},
    {"task": "schedule", "amount": [1000, 2000], "rate": 0.06, "term_months": [12, 24], "rounding": "half_even"},
    {"task": "apr_reg_z", "advance": 5000, "payment": 230, "payments": 24, "unit_period": "month"},
    {"task": "apr_eu", "advances": [[0, 1000]], "payments": [[0.25, 272], [0.5, 272], [1, 544]]},
    {"task": "xirr", "flows": [["2024-01-01", -1000], ["2024-07-01", 300], ["2025-01-01", 800]]},
    {"task": "xirr", "lengths": [2, 3], "days": [0, 365, 0, 90, 180], "amounts": [-100, 110, -50, 20, 32]},
    {"task": "prepayment", "balance": [4e8, 1e8], "coupon": 0.08125, "remaining_months": 357, "psa": 100},
)
