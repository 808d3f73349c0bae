"""What follows from the data of `var_mc` without a scenario: the book, the law of its loss, contributions under it."""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from calc.kind import once_per_params
from calc.kinds.var_mc_quadratic import window_of
from calc.kinds.var_mc_samples import BIN_NUMBERS
from calc.kinds.var_mc_terms import Params, model_of, names_of, periods_of
from calc.numerics import book_risk, columns, elliptical
from calc.numerics.book_risk import Book
from calc.positions import exposures, symbols_of


class Known(NamedTuple):
    """What the law of the loss says, in currency; `slopes`: how contributions move with the book's loss."""

    var: float
    es: float
    undiversified: float | None
    contributions: list[float]
    es_contributions: list[float]
    slopes: list[float]
    residual: float | None
    iterations: int | None


@once_per_params
def book_of(params: Params) -> Book:
    """What the parts need; the factor is their own, for planning does not need it."""
    model, positions = model_of(params), params.positions or []
    held = np.array(exposures(positions, symbols_of(positions)))
    if params.factors is None:
        return book_risk.from_covariance(
            params.distribution, params.degrees_of_freedom, held, model.covariance, model.drift
        )
    root = math.sqrt(periods_of(params))
    loadings = columns.matrix(params.factors.loadings) * root
    specific = np.array(params.factors.specific) * root
    return book_risk.from_factors(params.distribution, params.degrees_of_freedom, held, loadings, specific, model.drift)


@once_per_params
def law_of(params: Params) -> elliptical.ClosedForm:
    """The closed form of VaR and ES of a normal or Student t book."""
    return book_risk.law(book_of(params), params.confidence)


@once_per_params
def rows_of(params: Params) -> book_risk.Rows:
    """The book as lognormal scenarios are drawn of it."""
    return book_risk.rows_of(book_of(params))


@once_per_params
def edges_of(params: Params) -> NDArray[np.float64]:
    """Of the bins of the book's losses, from a pilot sample."""
    most = max(BIN_NUMBERS // len(names_of(params)), 3)
    return book_risk.edges(book_of(params), rows_of(params), params.seed or 0, params.confidence, most)


@once_per_params
def known_of(params: Params) -> Known:
    """What the law says, by the way that the method goes."""
    if params.method == "delta_gamma":
        exact = window_of(params).exact
        width = exact.es - exact.var
        both = list(zip(exact.var_contributions, exact.es_contributions, strict=True))
        slopes = [(es - var) / width if width > 0 else 0.0 for var, es in both]
        return Known(
            exact.var,
            exact.es,
            None,
            exact.var_contributions,
            exact.es_contributions,
            slopes,
            exact.residual,
            exact.iterations,
        )
    law, held = law_of(params), book_of(params).exposures.tolist()
    var, es, slopes = (
        [e * unit for e, unit in zip(held, units, strict=True)]
        for units in (law.marginal_var, law.marginal_es, law.slopes)
    )
    return Known(law.var, law.es, law.undiversified, var, es, slopes, None, None)
