"""The data of the kind `loan` as columns: an entry a contract, and which of them keep their bounds."""

import math

import msgspec
import numpy as np
from numpy.typing import NDArray

from calc.exact import bounds_of
from calc.kind import Caution, once_per_params
from calc.kinds.loan_terms import PER_YEAR, TASKS, Array, Params
from calc.numerics import columns, day_counts
from calc.quantities import looks_like_percent

BOUNDS = {field.name: bounds_of(field.type) for field in msgspec.structs.fields(Params)}
_DAYS = {"minimum": -1e6, "maximum": 1e6}
_AMOUNTS = {"minimum": -1e15, "maximum": 1e15}


def is_book(params: Params) -> bool:
    """Whether the answer is columns."""
    return params.lengths is not None or any(
        isinstance(getattr(params, name), list) for name in TASKS[params.task].columns
    )


def rows_of(params: Params) -> int:
    """Contracts."""
    return next(iter(list_lengths(params).values()), 1)


@once_per_params
def table(params: Params) -> tuple[dict[str, Array], NDArray[np.bool_]]:
    """The columns that the task's kernel takes, and which rows keep all bounds."""
    rows = rows_of(params)
    given: dict[str, Array] = {}
    good = np.ones(rows, dtype=bool)
    for name in TASKS[params.task].columns:
        value = getattr(params, name)
        if value is not None:
            given[name], usable = columns.checked(value, rows, BOUNDS[name])
            good &= usable
    if params.task in ("payment", "schedule"):
        given.setdefault("balloon", np.zeros(rows))
    if params.amount is not None:
        given["principal"] = given["amount"]
        given["rate_per_period"] = _monthly(given["rate"], params.compounding or "monthly")
        given["periods"] = given.get("term_months", np.full(rows, 12.0))
    if params.task == "prepayment":
        given.setdefault("pass_through", given["coupon"])
        given.setdefault("age_months", np.maximum(360.0 - given["remaining_months"], 0.0))
    return given, good


@once_per_params
def flows(params: Params) -> tuple[Array, Array, NDArray[np.int64], NDArray[np.bool_]]:
    """Days (or years) and amounts of all contracts' flows, how many each has, and which contracts are whole."""
    if params.task == "apr_eu":
        pairs = [(year, amount) for year, amount in params.advances or []]
        pairs += [(each[0], -each[1]) for each in params.payments if isinstance(each, list)]  # type: ignore[union-attr]
        days, amounts = np.array(pairs, dtype=np.float64).T
        return days.copy(), amounts.copy(), np.array([days.size]), np.ones(1, dtype=bool)
    if params.flows is not None:
        days = np.array([float(day_counts.ordinal(str(date))) for date, _ in params.flows])
        amounts = np.array([float(amount) for _, amount in params.flows])
        return days, amounts, np.array([days.size]), np.ones(1, dtype=bool)
    lengths = np.array(params.lengths, dtype=np.int64)
    days, amounts = columns.array(params.days, 0), columns.array(params.amounts, 0)
    if columns.are_all_within(days, _DAYS) and columns.are_all_within(amounts, _AMOUNTS):
        return days, amounts, lengths, np.ones(lengths.size, dtype=bool)
    usable = columns.within(days, _DAYS) & columns.within(amounts, _AMOUNTS)
    contract = np.repeat(np.arange(lengths.size), lengths)
    bad = np.bincount(contract, weights=~usable, minlength=lengths.size) > 0
    return np.where(usable, days, 0.0), np.where(usable, amounts, 0.0), lengths, ~bad


def percents(params: Params) -> list[Caution]:
    """Where a rate looks like a percentage."""
    cautions: list[Caution] = []
    for name in ("rate", "rate_per_period"):
        cautions += looks_like_percent(f"$.data.{name}", columns.largest(getattr(params, name)), 1)
    return cautions


def list_lengths(params: Params) -> dict[str, int]:
    """Entries of the columns that are lists."""
    names = ("lengths",) if params.task == "xirr" else TASKS[params.task].columns
    given = {name: getattr(params, name) for name in names}
    return {name: len(column) for name, column in given.items() if isinstance(column, list)}


def _monthly(rate: Array, compounding: str) -> Array:
    """The rate per month of nominal rates a year."""
    if compounding == "monthly":
        return rate / 12.0
    usable = np.where((rate > -0.9) & (rate < 1000.0), rate, 0.0)  # what is beyond is within no bounds
    if compounding == "continuous":
        return np.array([math.expm1(each / 12.0) for each in usable.tolist()])
    times = PER_YEAR[compounding]
    return np.array([math.expm1(math.log1p(each / times) * times / 12.0) for each in usable.tolist()])
