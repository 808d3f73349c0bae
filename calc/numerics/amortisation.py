"""What each task of a book of loans gives: columns with an entry a contract, a status each, and totals by period.

Every function takes good rows only; its answer is a Block. Kernels and their formulas: `calc/kernels/loans.py` and
`calc/kernels/dated_flows.py`.
"""

import math
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from calc import lazy

loans = lazy.module("calc.kernels.loans")
dated_flows = lazy.module("calc.kernels.dated_flows")

Array = NDArray[np.float64]
Status = NDArray[np.uint8]

OK, MULTIPLE_ROOTS, NO_SIGN_CHANGE, NO_ROOT, UNFINISHED, BAD_INPUT, ROUNDING_UNSTABLE, OVERFLOW = range(8)
STATUSES = (
    "ok",
    "multiple_roots",
    "no_sign_change",
    "no_rate_in_range",
    "too_many_roots",
    "bad_input",
    "rounding_unstable",
    "overflow",
)
ROUNDINGS = {"none": 0, "half_even": 1, "half_up": 2}


class Block(NamedTuple):
    """`columns`: rows × outputs; `table`: totals of the good rows, periods × figures, empty where there are none."""

    columns: Array
    status: Status
    table: Array
    roots: dict[int, list[float]]  # row → all rates, where several are


def payments(c: Mapping[str, Array], at_once: bool) -> Block:
    """Columns payment, total_interest."""
    out = np.empty((c["principal"].size, 2))
    loans.payments(c["principal"], c["rate_per_period"], c["periods"], float(at_once), c["balloon"], out)
    return Block(out, _finite(out), np.empty((0, 4)), {})


def schedules(c: Mapping[str, Array], at_once: bool, rounding: str) -> Block:
    """Columns payment, total_interest, final_payment; table payment, interest, principal, balance."""
    cents = 1.0 if rounding == "none" else 100.0
    money = [np.rint(each * cents) if cents > 1 else each for each in (c["principal"], c["balloon"])]
    rate, periods = c["rate_per_period"], c["periods"]

    def run(rows: NDArray[np.intp]) -> tuple[Array, Array]:
        table = np.zeros((int(periods[rows].max(initial=0.0)), 4))
        out = np.empty((rows.size, 3))
        columns = (money[0][rows], rate[rows], periods[rows])
        loans.schedules(*columns, float(at_once), money[1][rows], ROUNDINGS[rounding], table, out)
        return out, table

    out, table = run(np.arange(rate.size))
    status = _finite(out)
    if cents > 1:
        regular, last = np.abs(out[:, 0]), np.abs(out[:, 2])
        status[(status == OK) & (np.abs(last - regular) > np.maximum(regular, cents * periods))] = ROUNDING_UNSTABLE
    good = np.flatnonzero(status == OK)
    if good.size < rate.size:
        table = run(good)[1]
    return Block(out / cents, status, table / cents, {})


def implied_rates(c: Mapping[str, Array], units: float, fraction: float, periods_a_year: float) -> Block:
    """Columns apr (nominal, of the unit-period), effective_annual_rate, residual."""
    rows = c["advance"].size
    out, status = np.empty((rows, 3)), np.zeros(rows, np.uint8)
    loans.implied_rates(c["advance"], c["payment"], c["payments"], units, fraction, periods_a_year, out, status)
    status[status != 0] = NO_ROOT
    status[(status == OK) & ~np.isfinite(out).all(axis=1)] = OVERFLOW
    return Block(out, status, np.empty((0, 4)), {})


def returns(days: Array, amounts: Array, lengths: NDArray[np.int64], guess: float, days_a_year: float) -> Block:
    """Columns xirr, residual, sign_changes, of flows that stand one contract after the other."""
    rows = lengths.size
    starts = np.zeros(rows + 1, np.int64)
    np.cumsum(lengths, out=starts[1:])
    out, status = np.empty((rows, 3)), np.zeros(rows, np.uint8)
    several = dated_flows.returns(days, amounts, starts, guess, days_a_year, out, status)
    rows_of_several = np.flatnonzero(status == MULTIPLE_ROOTS).tolist()
    found = {row: each[~np.isnan(each)].tolist() for row, each in zip(rows_of_several, several, strict=True)}
    found = {row: sorted(roots, key=lambda root: abs(root - guess)) for row, roots in found.items()}
    return Block(out, status, np.empty((0, 4)), found)


def pools(c: Mapping[str, Array], psa: bool) -> Block:
    """Columns payment, average_life, total_interest, unpaid; table balance, interest_paid, scheduled, prepaid,
    interest to the owner."""
    months = c["remaining_months"]
    table = np.zeros((int(months.max(initial=0.0)), 5))
    out = np.empty((months.size, 4))
    columns = (c["balance"], c["coupon"], months, c["pass_through"], c["psa" if psa else "cpr"])
    loans.pools(*columns, psa, c["age_months"], table, out)
    return Block(out, _finite(out), table, {})


def effective_rate(rate_per_period: float, periods_a_year: float) -> float:
    """(1 + r)^n - 1, accurately."""
    return math.expm1(periods_a_year * math.log1p(rate_per_period))


def _finite(out: Array) -> Status:
    return np.where(np.isfinite(out).all(axis=1), OK, OVERFLOW).astype(np.uint8)
