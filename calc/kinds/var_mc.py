"""Value at risk and expected shortfall of a book of positions: simulated, or from the law of its loss.

Over the horizon h the symbols' returns have the standard deviations and correlations given, scaled with √h, and mean
μh (`drift`, 0 by default); e are the exposures, Σ = BB' + diag(specific²) the covariance, z independent normals:

    normal       loss = -e·(μh + Bz)
    student_t    loss = -e·(μh + Bz √((ν-2)/χ²))        one χ² with ν degrees for the whole book; the variance stays
    lognormal    loss = -e·(exp(μh + Bz - diag(Σ)/2) - 1)   the expected return is exp(μh) - 1
    delta_gamma  loss = δ·x + ½ x'Γx,  x = Bz            δ and Γ are derivatives of the *loss* in the risk factors

Losses are positive. `method` monte_carlo simulates the first three, delta_gamma the last, with scenarios drawn from an
exponentially twisted law in which VaR is the mean (Glasserman, Heidelberger and Shahabuddin 2000), unless
`variance_reduction` is none; linear_normal answers the first in closed form: nothing is simulated,
`standard_error` is null. The loss of a normal or Student t book has the law of one return, so one random number is
drawn a scenario, and E[X_i | loss] is known exactly. Of a normal book only the scenarios above a floor are drawn, which
VaR cannot fall below: they come after geometric waits, as if all had been drawn and the others not been looked at.
`parametric_var` and `parametric_es` are those of the law: closed forms, for delta_gamma the inversion of its generating
function (Imhof 1961). They are null for lognormal.

`component_var` and `component_es` (Euler's, by symbol) add up to `var` and `es`; marginals are per unit of exposure.
For lognormal they come from sums over bins of the book's loss whose edges a pilot sample fixes beforehand.
`distribution` has the losses in bins of equal width: from `tail_from` on of all scenarios; below it for normal those of
the law, for the others of the first 16,384 scenarios.

Refused: fewer than 30 scenarios beyond VaR, impossible matrices, more than 100,000 kept losses, and a quadratic loss
whose law is not found to 1e-8 of its deviation (`law_unknown`: a few of parts of very unlike sizes). A singular matrix
is legal. Accuracy: VaR within its standard error; the law's figures to about 1e-12 (`residual`). Cost for a million
scenarios: 0.001 s normal, 0.02 s Student t; lognormal 8 s with 500 symbols, 2.5 s with factors.
Glasserman (2004), chapter 9; McNeil, Frey and Embrechts (2015), *Quantitative Risk Management*, 2.2, 8.5.
"""

import math
from typing import Any

from calc.errors import InvalidData
from calc.kind import Estimate, Plan
from calc.kinds import var_mc_faults
from calc.kinds.var_mc_answers import Result, answer, risk_of
from calc.kinds.var_mc_faults import LEAST_BEYOND
from calc.kinds.var_mc_law import book_of, edges_of, law_of, rows_of
from calc.kinds.var_mc_quadratic import run_quadratic
from calc.kinds.var_mc_samples import (
    MOST_KEPT,
    Partial,
    bins_of,
    blocks_a_part,
    blocks_of,
    losses_kept,
    most_losses_kept,
    ns_a_scenario,
    packed,
    partial_of,
    share_drawn,
    unpacked,
)
from calc.kinds.var_mc_terms import Params, model_of, names_of
from calc.numerics import book_risk, importance, tail_bins, tails
from calc.numerics.book_risk import BLOCK, PILOT

NAME = "var_mc"
VERSION = 4
ALIASES: tuple[str, ...] = ("calculate_var",)
SUMMARY = "Value at risk and expected shortfall of a portfolio, simulated or from the law of its loss."
EXAMPLE = {
    "positions": [
        {"symbol": "AAPL", "quantity": 120, "price": 180.5},
        {"symbol": "MSFT", "quantity": 50, "price": 410.0},
        {"symbol": "XOM", "value": -15000},
    ],
    "volatilities": {"AAPL": 0.28, "MSFT": 0.25, "XOM": 0.3},
    "days_per_year": 252,
    "correlation": {"AAPL/MSFT": 0.65, "AAPL/XOM": 0.2, "MSFT/XOM": 0.15},
    "confidence": 0.99,
    "horizon_days": 10,
    "scenarios": 100_000,
    "seed": 42,
}
_POSITIONS = {"positions": [{"symbol": "AAPL", "value": 20000}, {"symbol": "MSFT", "value": -5000}]}
_MARKET = {"volatilities": {"AAPL": 0.28, "MSFT": 0.25}, "correlation": 0.65, "days_per_year": 252, "horizon_days": 1}
_QUADRATIC = {
    "method": "delta_gamma",
    "delta": [1, 2],
    "gamma": [[0.5, 0.1], [0.1, -0.3]],
    "covariance": [[1, 0.3], [0.3, 1]],
}
FURTHER_EXAMPLES: tuple[dict[str, Any], ...] = (
    {**_POSITIONS, **_MARKET, "method": "linear_normal", "confidence": 0.95},
    {**_POSITIONS, **_MARKET, "distribution": "student_t", "degrees_of_freedom": 4, "confidence": 0.95}
    | {"scenarios": 1000, "seed": 1},
    {**_POSITIONS, **_MARKET, "distribution": "lognormal", "confidence": 0.95, "scenarios": 1000, "seed": 1},
    {**_QUADRATIC, "confidence": 0.95, "scenarios": 1000, "seed": 1},
    {**_QUADRATIC, "confidence": 0.95, "scenarios": 1000, "variance_reduction": "none", "seed": 1},
)

_WAVE_KEPT = 500_000  # losses that a fold merges: 8 MB of partials

Accumulator = Partial


def plan(params: Params) -> Plan:
    """Blocks of scenarios, as many to a part as take about half a second. All that is wrong is told here."""
    faults = [*var_mc_faults.find(params, losses_kept(params), most_losses_kept(params)), *model_of(params).faults]
    if faults:
        raise InvalidData(faults)
    if params.method == "linear_normal":
        return Plan(parts=1)
    parts = math.ceil(blocks_of(params.scenarios) / blocks_a_part(params))
    largest_wave = min(max(_WAVE_KEPT // losses_kept(params), 4), 64)
    first_wave = 1 if params.target_standard_error is not None else min(8, largest_wave)
    return Plan(parts, first_wave, largest_wave)


def cost(params: Params) -> float:
    """Scenarios times what one costs, and what is done once."""
    size = len(names_of(params))
    once = 7e-4 + 6e-6 * size
    if params.factors is None:
        once += 1.3e-7 * size**2 + 6e-11 * size**3
    if params.method == "linear_normal":
        return once
    if params.method == "delta_gamma":
        once += 8e-3 + 2.5e-4 * size
    elif params.distribution == "student_t":
        once += 4e-4
    elif params.distribution == "lognormal":
        once += PILOT * ns_a_scenario(params) * 1e-9
    return once + params.scenarios * ns_a_scenario(params) * 1e-9


def run(params: Params, part: int) -> Partial:
    """What the whole task needs of the part's blocks: of their largest losses as many as might all be here."""
    if params.method == "linear_normal":
        return Partial(0, b"", b"")
    a_part = blocks_a_part(params)
    blocks = range(part * a_part, min((part + 1) * a_part, blocks_of(params.scenarios)))
    if params.method == "delta_gamma":
        return run_quadratic(params, blocks)
    book, seed = book_of(params), params.seed or 0
    if params.distribution == "normal":
        tail = book_risk.normal_tail(book, law_of(params), share_drawn(params), seed, blocks, params.scenarios)
        scenarios = min(blocks.stop * BLOCK, params.scenarios) - blocks.start * BLOCK
        return packed(tails.ordered(*tail, losses_kept(params)), scenarios, importance.NOTHING, None)
    if params.distribution == "student_t":
        losses = book_risk.student_t_losses(book, law_of(params), seed, blocks, params.scenarios)
        return partial_of(params, blocks, losses)
    losses, bins = book_risk.lognormal_losses(
        book, rows_of(params), seed, book_risk.STREAM, blocks, params.scenarios, edges_of(params)
    )
    return partial_of(params, blocks, losses, bins)


def reduce(params: Params, accumulator: Partial | None, partials: list[Partial]) -> Partial:
    """The largest losses of all (of delta_gamma all that were kept), and the sums of the sums."""
    folded = partials if accumulator is None else [accumulator, *partials]
    kept = 2 * MOST_KEPT if params.method == "delta_gamma" else losses_kept(params)
    tail = tails.merge([unpacked(each) for each in folded], kept)
    above = importance.added([each.above for each in folded])
    bins = tail_bins.added(map(bins_of, folded)) if folded[0].counts else None
    body = next((each.body for each in folded if each.body), None)
    return packed(tail, sum(each.scenarios for each in folded), above, bins, body)


def estimate(params: Params, accumulator: Partial) -> Estimate | None:
    """VaR so far, once there are enough losses beyond it."""
    if params.method == "linear_normal":
        return None
    if tails.expected_beyond(params.confidence, accumulator.scenarios) < LEAST_BEYOND:
        return None
    risk = risk_of(params, accumulator)
    return Estimate(risk.var, risk.var_error, paths_in(params, accumulator))


def enough(params: Params, accumulator: Partial) -> bool:
    """Whether the standard error of VaR has come down to the target."""
    if params.target_standard_error is None:
        return False
    so_far = estimate(params, accumulator)
    return so_far is not None and so_far.standard_error <= params.target_standard_error


def result(params: Params, accumulator: Partial) -> Result:
    """VaR and ES of the scenarios folded so far, those of the law beside them, and who contributes."""
    return answer(params, accumulator)


def paths_in(params: Params, partial: Partial) -> int:
    """Scenarios in a partial, or in all that are folded."""
    return partial.scenarios
