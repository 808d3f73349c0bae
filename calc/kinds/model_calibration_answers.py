"""The answer of `model_calibration`: the best fit of each smile, and what the model says of every quote or point."""

import math
from itertools import pairwise

from msgspec import Struct

from calc.errors import CalcError
from calc.kind import Caution
from calc.kinds.model_calibration_descent import Minimum, groups
from calc.kinds.model_calibration_params import MODELS, Params, forward_of, limits, market, rows
from calc.numerics import calibration, heston_fit, sabr, smiles
from calc.numerics.smiles import Smile
from calc.quantities import looks_like_percent

Column = list[float | None]

TOLERANCE = 1e-11  # of Heston's prices over D √(F K)


class Calibrated(Struct, frozen=True):
    """The best minimum of a smile (`maturity` null: of all quotes). Errors are in volatility, model minus market.

    `condition` is that of the Jacobian with columns of length 1, null where a column is nothing but the others;
    `feller` is Heston's 2κθ/ξ²: from 1 on, the variance never touches 0.
    """

    maturity: float | None
    parameters: dict[str, float]
    cost: float
    rmse: float
    worst_quote: int
    worst_error: float
    condition: float | None
    at_bound: dict[str, str]
    feller: float | None
    converged: bool
    iterations: int
    minima: list[Minimum]


class Diagnostics(Struct, frozen=True):
    method: str
    model: str
    estimator: str
    starts: int
    quadrature_error: float | None
    conventions: dict[str, str]
    units: dict[str, str]
    warnings: list[Caution]


class Result(Struct, frozen=True):
    """`volatilities` and `prices` are the model's, in the order of quotes or points; null where it has none.

    `parameters` are those of the one fit, null where every maturity has its own in `fits`.
    """

    parameters: dict[str, float] | None
    rmse: float | None
    worst_quote: int | None
    fits: list[Calibrated]
    volatilities: Column
    prices: Column
    standard_error: None
    diagnostics: Diagnostics


def answer(params: Params, minima: list[list[Minimum]]) -> Result:
    """Of the minima of every smile, cheapest first. Raises CalcError where a self-check fails."""
    found = [each[0].parameters for each in minima]
    if params.task == "evaluate":
        found = [params.parameters or {}]
    prices, volatilities, error = _priced(params, found)
    fitted = zip(groups(params), minima, strict=True)
    fits = [_calibrated(params, group, each, volatilities) for group, each in fitted]
    return Result(
        parameters=found[0] if len(found) == 1 else None,
        rmse=_rmse(market(params), volatilities) if fits else None,
        worst_quote=max(fits, key=lambda each: abs(each.worst_error)).worst_quote if fits else None,
        fits=fits,
        volatilities=volatilities,
        prices=prices,
        standard_error=None,
        diagnostics=_diagnostics(params, fits, error),
    )


def check_bounds(parameters: list[float], low: list[float], high: list[float]) -> None:
    """Self-check: no parameter left its bounds."""
    if parameters != calibration.clip(parameters, low, high):
        raise CalcError(f"The self-check bounds failed: {parameters} leave them.", code="internal_check_failed")


def check_cost(again: float, found: float) -> None:
    """Self-check: the best minimum costs the same when it is put to the quotes once more."""
    if not abs(again - found) <= 1e-9 * found + 1e-20:
        detail = f"{found:.17g} came out as {again:.17g}"
        raise CalcError(f"The self-check cost failed: {detail}.", code="internal_check_failed")


def check_price(call: float, least: float, most: float, slack: float) -> None:
    """Self-check: a call is worth between its intrinsic value and the forward, both discounted."""
    if not least - slack <= call <= most + slack:
        detail = f"a call of {call:.12g} is not from {least:.12g} to {most:.12g}"
        raise CalcError(f"The self-check price failed: {detail}.", code="internal_check_failed")


def _priced(params: Params, found: list[dict[str, float]]) -> tuple[Column, Column, float | None]:
    """The model's prices and volatilities by row, and the largest quadrature error; `found` by maturity, or one."""
    asked, rate = rows(params), params.rate or 0.0
    prices: Column = [None] * len(asked)
    volatilities: Column = [None] * len(asked)
    errors = []
    for n, maturity in enumerate(sorted({row.maturity for row in asked})):
        parameters = [found[n if len(found) > 1 else 0][name] for name in MODELS[params.model].NAMES]
        chosen = [i for i, row in enumerate(asked) if row.maturity == maturity]
        forward, strikes = forward_of(params, asked[chosen[0]]), [asked[i].strike + params.shift for i in chosen]
        discount = math.exp(-rate * maturity)
        if params.model == "sabr":
            known = [sabr.value(forward, strike, maturity, parameters) for strike in strikes]
            calls = [
                None if volatility is None else smiles.call(forward, strike, maturity, rate, volatility)
                for strike, volatility in zip(strikes, known, strict=True)
            ]
        else:
            raw, error, _ = heston_fit.converged_calls(forward, discount, maturity, strikes, parameters, TOLERANCE)
            for each, strike in zip(raw, strikes, strict=True):
                slack = (1e-9 + 10.0 * error) * discount * math.sqrt(forward * strike)
                check_price(each, discount * max(forward - strike, 0.0), discount * forward, slack)
            known, calls = smiles.volatilities_of_calls(raw, forward, strikes, maturity, rate), list(raw)
            errors.append(error)
        for i, strike, value, call in zip(chosen, strikes, known, calls, strict=True):
            volatilities[i] = value
            prices[i] = (
                None if call is None else smiles.option(asked[i].type == "call", call, forward, strike, discount)
            )
    return prices, volatilities, max(errors, default=None)


def _calibrated(params: Params, group: list[Smile], minima: list[Minimum], volatilities: Column) -> Calibrated:
    """The best minimum with its errors. Raises CalcError where a self-check fails."""
    best, (low, high) = minima[0], limits(params)
    names = MODELS[params.model].NAMES
    values = [best.parameters[name] for name in names]
    if params.model == "heston":
        at = heston_fit.objective(group, [heston_fit.prepare_smile(each, best.nodes) for each in group], values)
    else:
        at = sabr.objective(group[0], values)
    check_bounds(values, low, high)
    check_cost(at.cost, best.cost)
    errors = [(row, error) for each in group for row, error in zip(each.rows, _errors(each, volatilities), strict=True)]
    worst = max(errors, key=lambda one: abs(one[1]))
    edges = zip(names, values, low, high, strict=True)
    at_bound = {name: "lower" if x <= a else "upper" for name, x, a, b in edges if a < b and not a < x < b}
    return Calibrated(
        maturity=group[0].maturity if params.model == "sabr" else None,
        parameters=best.parameters,
        cost=best.cost,
        rmse=_rmse(group, volatilities),
        worst_quote=worst[0],
        worst_error=worst[1],
        condition=calibration.condition(at.normal, [i for i in range(len(low)) if low[i] < high[i]]),
        at_bound=at_bound,
        feller=2.0 * values[1] * values[2] / values[3] ** 2 if params.model == "heston" else None,
        converged=best.converged,
        iterations=best.iterations,
        minima=minima,
    )


def _errors(quotes: Smile, volatilities: Column) -> list[float]:
    """Model minus market, in volatility; where the model's price has none, it counts as 0."""
    return [(volatilities[row] or 0.0) - market for row, market in zip(quotes.rows, quotes.volatilities, strict=True)]


def _rmse(group: list[Smile], volatilities: Column) -> float:
    """Root of the weighted mean squared error in volatility."""
    weights = [weight for each in group for weight in each.weights]
    errors = [error for each in group for error in _errors(each, volatilities)]
    return math.sqrt(math.fsum(w * e * e for w, e in zip(weights, errors, strict=True)) / math.fsum(weights))


def _diagnostics(params: Params, fits: list[Calibrated], error: float | None) -> Diagnostics:
    evaluated = params.task == "evaluate"
    formula = "Hagan et al. (2002), equation 2.17a" if params.model == "sabr" else "Lewis' integral, Gauss-Legendre"
    return Diagnostics(
        method="closed_form" if evaluated else "levenberg_marquardt",
        model=params.model,
        estimator=formula if evaluated else f"least squares in volatility; {formula}",
        starts=0 if evaluated else params.starts,
        quadrature_error=error,
        conventions={
            "volatility": "Black, lognormal" + (", of forward and strike with the shift" if params.shift else ""),
            "prices": "undiscounted: no rate was given" if params.rate is None else "discounted at rate, continuous",
            "errors": "model minus market",
            "cost": "half the weighted sum of squared errors in volatility",
        },
        units={"volatilities": "per square root of a year", "rmse": "volatility", "prices": "currency"},
        warnings=_warnings(params, fits, error),
    )


def _warnings(params: Params, fits: list[Calibrated], error: float | None) -> list[Caution]:
    cautions = [*looks_like_percent("$.data.rate", params.rate or 0.0, 1)]
    for i, quote in enumerate(params.quotes or []):
        cautions += looks_like_percent(f"$.data.quotes[{i}].volatility", quote.volatility or 0.0, 5)[
            : len(cautions) < 20
        ]
    if error is not None and error > 1e-7:
        told = f"prices moved by {error:.2g} of D √(F K) when the nodes were doubled for the last time"
        cautions.append(Caution("quadrature", "$.data", told))
    for fit in fits:
        where = "" if fit.maturity is None else f" at maturity {fit.maturity:g}"
        cautions += [
            Caution("at_bound", f"$.data.bounds.{name}", f"{name}{where} stands at its {side} bound")
            for name, side in fit.at_bound.items()
        ]
        if not fit.converged:
            cautions.append(Caution("not_converged", "$.data", f"the best fit{where} had not come to rest"))
    return [*cautions, *_arbitrage(params)][:100]


def _arbitrage(params: Params) -> list[Caution]:
    """Of the quotes, not of the model."""
    if params.task == "evaluate":
        return []
    quoted = market(params)
    found = [violation for each in quoted for violation in smiles.butterflies(each)]
    found += [violation for early, late in pairwise(quoted) for violation in smiles.calendars(early, late)]
    return [
        Caution(
            each.code,
            f"$.data.quotes[{each.rows[-1]}]",
            f"quotes {', '.join(map(str, each.rows))} can be arbitraged, by {each.gain:.2g} of {each.unit}",
        )
        for each in found[:50]
    ]
