"""The answer of the kind `bond_book`, from the sums and columns of its parts."""

import math
from typing import Any

import numpy as np
from msgspec import Struct, field

from calc.errors import Fault, InvalidData
from calc.kind import Caution
from calc.kinds.bond_columns import curve, quoted
from calc.kinds.bond_terms import Params, has_bonds, list_lengths, rows_of, told, with_curve
from calc.numerics import bonds, columns
from calc.quantities import looks_like_percent


class Partial(Struct, frozen=True):
    """Columns told are packed 8-byte floats, status a byte a row; both are empty where totals alone are asked for."""

    columns: list[bytes]
    status: bytes
    counts: list[int]
    sums: list[float]  # face, value, accrued, DV01, duration × value, convexity × value
    changes: list[float]  # parallel +1 bp, each key rate +1 bp, each scenario


Answer = float | list[float | None] | None


class CurveFound(Struct, frozen=True):
    """Nodes; `repricing_errors` are model less quote of the instruments, in their order, null for a given curve."""

    times: list[float]
    zero_rates: list[float]
    discount_factors: list[float]
    repricing_errors: list[float] | None


class Totals(Struct, frozen=True):
    """Of the good rows, in currency; durations and convexity weighted by value, null where that is 0."""

    face: float
    market_value: float
    accrued: float
    dv01: float
    modified_duration: float | None
    convexity: float | None


class KeyRate(Struct, frozen=True):
    """`dv01`: what the book loses when the zero rate at `time` rises by 1 bp."""

    time: float
    dv01: float


class Moved(Struct, frozen=True):
    """A scenario: the book's value in it, and by how much that is more than now."""

    name: str
    value: float
    change: float


class Diagnostics(Struct, frozen=True):
    """`counts`: rows by status."""

    method: str
    estimator: str
    rows: int
    counts: dict[str, int]
    conventions: dict[str, str]
    units: dict[str, str]
    warnings: list[Caution]


class Result(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Of one bond numbers, of a book lists, null where `status` is not ok. What was not asked for is left out."""

    status: list[str] | None = None
    clean_price: Answer = None
    dirty_price: Answer = None
    accrued: Answer = None
    yields: Answer = field(default=None, name="yield")
    macaulay_duration: Answer = None
    modified_duration: Answer = None
    convexity: Answer = None
    dv01: Answer = None
    z_spread: Answer = None
    totals: Totals | None = None
    curve_dv01: float | None = None
    key_rates: list[KeyRate] | None = None
    scenarios: list[Moved] | None = None
    curve: CurveFound | None = None
    standard_error: None
    diagnostics: Diagnostics


def answer(params: Params, accumulator: Partial) -> Result:
    """Columns, totals and what moves. Raises InvalidData where a single bond has no answer."""
    answers: dict[str, Any] = {}
    if has_bonds(params):
        answers |= _rows(params, accumulator)
        answers["totals"] = _totals(accumulator.sums)
    if has_bonds(params) and with_curve(params):
        value, keys = accumulator.sums[1], len(params.key_rates or ())
        answers["curve_dv01"] = -accumulator.changes[0] + 0.0
        by_key = accumulator.changes[1 : 1 + keys]
        answers["key_rates"] = [
            KeyRate(time, -change + 0.0) for time, change in zip(params.key_rates or (), by_key, strict=True)
        ] or None
        moved = zip(params.scenarios or (), accumulator.changes[1 + keys :], strict=True)
        answers["scenarios"] = [Moved(each.name, value + change, change) for each, change in moved] or None
    if with_curve(params):
        answers["curve"] = _curve_told(params)
    return Result(**answers, standard_error=None, diagnostics=_diagnostics(params, accumulator))


def _rows(params: Params, accumulator: Partial) -> dict[str, Any]:
    """Columns with their status, or the figures of the one bond."""
    found = [columns.unpacked(column) for column in accumulator.columns]
    names = ["yields" if name == "yield" else name for name in told(params)]
    if list_lengths(params):
        status = np.frombuffer(accumulator.status, np.uint8)
        answers: dict[str, Any] = {
            name: columns.listed(each, status == bonds.OK) for name, each in zip(names, found, strict=False)
        }
        return answers | {"status": columns.worded(status, bonds.STATUSES) or None}
    word = bonds.STATUSES[accumulator.counts.index(1)]
    if word == "matured":
        raise InvalidData([Fault("$.data.maturity", "is on or before settlement: nothing is left to pay", code=word)])
    if word != "ok":
        quote = "$.data." + (quoted(params) or "curve").replace("yields", "yield")
        raise InvalidData([Fault(quote, "no yield that a number holds goes with this bond", code=word)])
    return {name: float(each[0]) for name, each in zip(names, found, strict=True)}


def _totals(sums: list[float]) -> Totals:
    face, value, accrued, dv01, duration, convexity = sums
    weighted = (duration / value, convexity / value) if abs(value) > 1e-200 else (None, None)
    return Totals(face, value, accrued, dv01, *weighted)


def _curve_told(params: Params) -> CurveFound:
    (times, rates, _), errors = curve(params)
    factors = [math.exp(-rate * time) for rate, time in zip(rates.tolist(), times.tolist(), strict=True)]
    return CurveFound(times.tolist(), rates.tolist(), factors, errors)


_UNITS = dict.fromkeys(("clean_price", "dirty_price", "accrued", "dv01"), "per 100 of face")
_UNITS |= {"yield": "per year", "z_spread": "per year", "macaulay_duration": "years", "modified_duration": "years"}
_UNITS |= {"convexity": "years²"}


def _diagnostics(params: Params, accumulator: Partial) -> Diagnostics:
    dated = params.years_to_maturity is None
    given = params.curve or params.bootstrap
    conventions = {}
    if has_bonds(params):
        periodic = "compounded with the coupons' frequency"
        conventions["yield"] = "continuous" if params.compounding == "continuous" else periodic
        conventions |= {"last_period": params.last_period, "dv01": "dirty(yield) - dirty(yield + 1 bp)"}
    if dated and has_bonds(params):
        conventions["day_count"] = params.day_count if isinstance(params.day_count, str) else "by bond"
        conventions["end_of_month"] = "yes" if params.end_of_month else "no"
    if given is not None:
        conventions["curve"] = f"continuous zero rates, {given.interpolation}, times act/365f from settlement"
    units = {name: _UNITS[name] for name in told(params)} | {"totals": "currency"} if has_bonds(params) else {}
    if given is not None:
        units |= {"curve.zero_rates": "per year", "curve.times": "years"}
    if params.key_rates:
        conventions["key_rates"] = "zero rates, +1 bp, currency lost"
    units |= {name: "currency" for name in ("key_rates", "scenarios") if getattr(params, name)}
    cautions = []
    for name, word in (("coupon", "coupon"), ("yields", "yield")):
        cautions += looks_like_percent(f"$.data.{word}", columns.largest(getattr(params, name)), 1)
    return Diagnostics(
        method="root_finding" if quoted(params) != "yields" else "closed_form",
        estimator="Newton in ln(1 + yield/frequency) on the logarithm of the price"
        if has_bonds(params)
        else "bootstrap",
        rows=rows_of(params),
        counts={word: n for word, n in zip(bonds.STATUSES, accumulator.counts, strict=True) if n},
        conventions=conventions,
        units=units,
        warnings=cautions,
    )
