"""The data of the kind `bond_book` as columns of numbers, and its curve."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from calc.errors import CalcError, Fault, InvalidData
from calc.kind import once_per_params
from calc.kinds.bond_terms import BOUNDS, NUMBERS, QUOTES, Params, list_lengths, rows_of
from calc.numerics import columns, curves, day_counts

Array = NDArray[np.float64]


def rows_told(params: Params) -> bool:
    """Whether rows are told, and not totals alone."""
    return params.output == "rows" or not list_lengths(params)


def quoted(params: Params) -> str | None:
    """The column that prices the bonds; None where the curve does."""
    return next((name for name in QUOTES if getattr(params, name) is not None), None)


@once_per_params
def book(params: Params) -> tuple[dict[str, Array], NDArray[np.bool_]]:
    """Columns as numbers (dates as ordinals, day counts as codes), and which rows keep all bounds."""
    rows = rows_of(params)
    columns_of: dict[str, Array] = {"face": np.zeros(rows)}
    usable = np.ones(rows, dtype=bool)
    if not rows:
        return columns_of, usable
    for name in NUMBERS:
        value = getattr(params, name)
        if value is not None:
            columns_of[name], good = columns.checked(value, rows, BOUNDS[name])
            usable &= good
    usable &= np.isin(columns_of["frequency"], (1, 2, 4, 12)) & (columns_of["coupon"] + columns_of["redemption"] > 0)
    for name in ("settlement", "maturity"):
        if getattr(params, name) is not None:
            columns_of[name] = _coded(getattr(params, name), day_counts.ordinal, rows)
            usable &= columns_of[name] > 0
    if params.day_count is not None:
        columns_of["day_count"] = _coded(params.day_count, day_counts.code, rows)
        usable &= columns_of["day_count"] >= 0
    return columns_of, usable


def _coded(value: Any, code: Any, rows: int) -> Array:
    """A column of words as numbers; each distinct word is looked up once."""
    if not isinstance(value, list):
        return np.full(rows, float(code(value)))
    known = {word: float(code(word)) for word in set(value)}
    return np.array([known[word] for word in value])


@once_per_params
def curve(params: Params) -> tuple[tuple[Array, Array, int], list[float] | None]:
    """Times, zero rates and the number of the interpolation; and the bootstrap's repricing errors."""
    if params.bootstrap is not None:
        quotes = [
            curves.Instrument(each.maturity, 100.0 * each.coupon, each.frequency, each.price)
            for each in params.bootstrap.instruments
        ]
        kind = params.bootstrap.interpolation
        try:
            nodes = curves.bootstrap(quotes, kind)
        except curves.Unsolved as error:
            quote = quotes[error.index]
            detail = (
                f"no zero rate from -0.99 to 10 gives the price {quote.price:g} of the instrument that matures in "
                f"{quote.maturity:g} years: the nearest misses it by {error.residual:.6g}"
            )
            path = f"$.data.bootstrap.instruments[{error.index}].price"
            raise InvalidData([Fault(path, detail, quote.price, code="bootstrap_failed")]) from None
        check_bootstrap(nodes.residuals)
        times, rates = nodes.times, nodes.zero_rates
        return (np.array(times), np.array(rates), curves.INTERPOLATIONS.index(kind)), nodes.residuals
    given = params.curve
    assert given is not None
    factors = zip(given.discount_factors or (), given.times, strict=False)
    rates = given.zero_rates or [-math.log(factor) / time for factor, time in factors]
    return (np.array(given.times), np.array(rates), curves.INTERPOLATIONS.index(given.interpolation)), None


def check_bootstrap(errors: list[float]) -> None:
    """Self-check: the curve prices its instruments."""
    if errors and not max(map(abs, errors)) <= 1e-8:
        detail = f"an instrument is missed by {max(map(abs, errors)):.3g}"
        raise CalcError(f"The self-check bootstrap failed: {detail}.", code="internal_check_failed")
