"""The parameters of a SABR or Heston model that fit quoted options best, with every local minimum that was found.

    minimise  Σ weight (σ_model - σ_market)²         SABR: one smile for every maturity
              Σ weight ((C_model - C_market)/vega)²  Heston: one model for all; the error in volatility, to first order

SABR is Hagan's lognormal formula (2002, eq. 2.17a; `calc/numerics/sabr.py`), Heston Lewis' integral with one
characteristic function a maturity (`calc/kernels/heston_cf.py`), both with exact derivatives; least squares within
bounds by Levenberg's and Marquardt's method (`calc/numerics/calibration.py`). The first start is the client's, or the
middle of what markets have shown; the others are Sobol points around. Each goes down to a minimum, equal ones are
counted together, and the smallest cost wins, the earliest start among equals. `fixed` parameters keep their value. A
vega counts with at least a thousandth of the largest of its maturity.

`task` evaluate prices `points` with given `parameters`: Black volatilities and prices. Heston's nodes are doubled
until no price moves by more than 1e-11 of D √(F K); what is left is `quadrature_error`, with a warning above 1e-7.

Warnings, not refusals: quotes that can be arbitraged (spread, butterfly; calendar by linear interpolation of total
variance), parameters at a bound, looks of percent. Refused: fewer quotes than free parameters (of a maturity for SABR:
`underdetermined`), prices outside of their bounds, Heston's quotes of a maturity where none has a vega, unknown names.
Self-checks: parameters within bounds, the best cost comes out again, Heston's prices keep their bounds. Accuracy:
quotes made by a model give its parameters back to 1e-6.
Cost: Heston 4 ms a start for 36 quotes of 4 maturities, SABR 0.1 ms a start and quote, 0.5 ms where β is free. Quotes
that no Heston model is near take up to twenty times that and are then given up, with the warning not_converged.
"""

import math

from msgspec import Struct

from calc.kind import Plan, never_enough, no_estimate
from calc.kinds.model_calibration_answers import Result, answer
from calc.kinds.model_calibration_descent import Minimum, descend, groups, merged, seconds_a_start, starts_a_part
from calc.kinds.model_calibration_params import Params, rows

NAME = "model_calibration"
VERSION = 3
ALIASES: tuple[str, ...] = ()
SUMMARY = "SABR or Heston parameters that fit option quotes, with all local minima; or the model's prices."
EXAMPLE = {
    "model": "heston",
    "spot": 100,
    "rate": 0.02,
    "dividend_yield": 0.01,
    "quotes": [
        {"maturity": 0.25, "strike": 90, "volatility": 0.192},
        {"maturity": 0.25, "strike": 100, "volatility": 0.158},
        {"maturity": 0.25, "strike": 110, "volatility": 0.139},
        {"maturity": 1, "strike": 80, "volatility": 0.211},
        {"maturity": 1, "strike": 100, "price": 7.25},
        {"maturity": 1, "strike": 120, "volatility": 0.142},
        {"maturity": 2, "strike": 80, "volatility": 0.204},
        {"maturity": 2, "strike": 100, "type": "put", "price": 8.4},
        {"maturity": 2, "strike": 120, "volatility": 0.152},
    ],
    "starts": 8,
}


class Partial(Struct, frozen=True):
    """The minima of every smile (one for Heston), cheapest first; without any when evaluating."""

    minima: list[list[Minimum]]


Accumulator = Partial


def plan(params: Params) -> Plan:
    """As many starts to a part as take half a second; one part to evaluate."""
    if params.task == "evaluate":
        return Plan(parts=1)
    return Plan(parts=math.ceil(params.starts / starts_a_part(params)))


def cost(params: Params) -> float:
    """Estimated CPU seconds: so much a start, maturity and quote."""
    count = len(rows(params))
    if params.task == "evaluate":
        return 1e-3 + count * (5e-5 if params.model == "heston" else 1e-5)
    return 1e-3 + params.starts * seconds_a_start(params)


def run(params: Params, part: int) -> Partial:
    """Down from the part's starts."""
    if params.task == "evaluate":
        return Partial([])
    a_part = starts_a_part(params)
    found: list[list[Minimum]] = [[] for _ in groups(params)]
    for start in range(part * a_part, min((part + 1) * a_part, params.starts)):
        for i, group in enumerate(groups(params)):
            found[i] = merged(found[i], [descend(params, group, start)])
    return Partial(found)


def reduce(params: Params, accumulator: Partial | None, partials: list[Partial]) -> Partial:
    """The minima of all parts, equal ones together."""
    folded = accumulator or partials[0]
    for partial in partials if accumulator else partials[1:]:
        folded = Partial([merged(a, b) for a, b in zip(folded.minima, partial.minima, strict=True)])
    return folded


estimate, enough = no_estimate, never_enough


def result(params: Params, accumulator: Partial) -> Result:
    """The best of each, and what the model says of every quote or point."""
    return answer(params, accumulator.minima)
