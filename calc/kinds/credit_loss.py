"""Losses from default: the Basel capital formula, Vasicek's large pool, portfolios under a copula, Merton's firm.

    basel_irb           capital and risk weight of exposures (Basel II, June 2006, foundation formula, 99.9 %, factor
                        1.06 not applied), by asset_class; maturity counts for corporates. pd at least 0.0003
    vasicek             default rate Φ((Φ⁻¹(pd) + √ρ Φ⁻¹(α)) / √(1-ρ)) of an infinitely fine pool, and its loss
    gaussian_copula_mc  simulated losses of names and pools: name i defaults where a·z + √(1-a·a) ε_i < Φ⁻¹(pd_i);
                        `copula` student_t divides both sides by √(χ²/ν) and takes t_ν⁻¹(pd_i)
    recursion           the exact law for one Gaussian factor, where all losses are whole multiples of a unit
    merton              asset value, volatility and probability of default of a firm from its equity:
                        E = V Φ(d₁) - D e^(-rT) Φ(d₂), σ_E E = Φ(d₁) σ_V V, pd = Φ(-d₂) under the riskless drift

basel_irb, vasicek and merton take numbers, or columns of one length with a `status` for each row: a bad row is null
and spoils no other. VaR is the smallest loss x with P(L <= x) >= α, ES that of Acerbi and Tasche with the fraction of
the atom; contributions of VaR and ES are E[loss_i | L = VaR] and E[loss_i | L >= VaR], from bins of the loss that a
pilot sample fixes. Expected losses are exact. `distribution` has the losses in bins of equal width: those of the
law for the recursion; of a simulation all scenarios from `tail_from` on, below it the first 16,384.

Refused: pd below the Basel floor, fewer than 30 scenarios beyond VaR, loadings whose squares reach 1, more than
20,000 names, recursion with amounts of no common unit, and equity below 1e-8 of merton's discounted debt (in a book the
row's status is too_little_equity). Accuracy: closed forms 1e-12, recursion 1e-10, merton by its residual; simulated
figures by their standard errors. Names that cannot default more often than a bound, which most do not reach, are passed
over together (thinning): 1 to 2 µs a scenario of 1000 names.
Vasicek (2002); Andersen, Sidenius and Basu (2003); Merton (1974); Glasserman (2004), chapter 9.
"""

import math
from typing import Any

import numpy as np

from calc.errors import InvalidData
from calc.kind import Estimate, Plan
from calc.kinds import credit_columns
from calc.kinds.credit_loss_answers import Result, by_rows, exact, simulated
from calc.kinds.credit_loss_faults import faults_of
from calc.kinds.credit_loss_samples import Partial, bins_of, packed, simulate, tail_of
from calc.kinds.credit_loss_terms import (
    LEAST_BEYOND,
    Params,
    blocks_a_part,
    entries_of,
    kept,
    ns_a_point,
    ns_a_scenario,
    points_a_part,
    points_of,
    portfolio_of,
    units_of,
)
from calc.numerics import portfolio_loss, tail_bins, tails
from calc.numerics.portfolio_loss import BLOCK, PILOT

NAME = "credit_loss"
VERSION = 3
ALIASES: tuple[str, ...] = ()
SUMMARY = "Credit losses: Basel capital, Vasicek's pool, portfolios under a copula simulated or exact, Merton's firm."
EXAMPLE = {
    "method": "gaussian_copula_mc",
    "pools": [
        {"name": "retail", "count": 80, "exposure": 1.0, "pd": 0.02, "lgd": 0.45, "correlation": 0.15},
        {"name": "corporate", "count": 20, "exposure": 5.0, "pd": 0.01, "lgd": 0.6, "correlation": 0.2},
    ],
    "confidence": 0.99,
    "scenarios": 20_000,
    "seed": 42,
}
FURTHER_EXAMPLES: tuple[dict[str, Any], ...] = (
    {
        "method": "gaussian_copula_mc",
        "copula": "student_t",
        "degrees_of_freedom": 4,
        "names": [
            {"exposure": 3.0, "pd": 0.05, "lgd": 0.4, "loadings": [0.4, 0.2]},
            {"exposure": 1.0, "pd": 0.1, "lgd": 0.6, "loadings": [0.3, -0.1]},
        ],
        "confidence": 0.95,
        "scenarios": 1000,
        "seed": 1,
    },
    {
        "method": "recursion",
        "pools": [{"count": 30, "exposure": 1, "pd": 0.02, "lgd": 1, "correlation": 0.2}],
        "confidence": 0.99,
        "thresholds": [5],
    },
    {"method": "basel_irb", "pd": [0.01, 0.02], "lgd": 0.45, "asset_class": "corporate", "maturity": 2.5},
    {"method": "vasicek", "pd": 0.02, "lgd": 0.4, "correlation": 0.1, "confidence": 0.999},
    {"method": "merton", "equity": 3.0, "equity_volatility": 0.8, "rate": 0.05, "maturity": 1.0, "debt": 10.0},
)

Accumulator = Partial


def plan(params: Params) -> Plan:
    """Blocks of scenarios, or points of the recursion, as many to a part as take about half a second."""
    found = faults_of(params)
    if found:
        raise InvalidData(found)
    if params.method == "gaussian_copula_mc":
        parts = math.ceil(math.ceil(params.scenarios / BLOCK) / blocks_a_part(params))
        return Plan(parts, first_wave=1 if params.target_standard_error is not None else 8)
    if params.method == "recursion":
        return Plan(math.ceil(points_of(params) / points_a_part(params)))
    return Plan(parts=1)


def cost(params: Params) -> float:
    """Scenarios, points or rows, times what one costs."""
    if params.method == "gaussian_copula_mc":
        once = 8e-4 + 2.5e-5 * len(entries_of(params))
        return once + (params.scenarios + PILOT) * ns_a_scenario(params) * 1e-9
    if params.method == "recursion":
        return 1e-3 + points_of(params) * ns_a_point(params) * 1e-9
    return 4e-4 + credit_columns.cost(params)


def run(params: Params, part: int) -> Partial:
    """The part's share of scenarios or points; nothing where the result is a formula."""
    if params.method == "gaussian_copula_mc":
        return simulate(params, part)
    if params.method == "recursion":
        z, weights = portfolio_loss.points(points_of(params) - 1)
        here = slice(part * points_a_part(params), (part + 1) * points_a_part(params))
        names, (_, multiples) = portfolio_of(params), units_of(params)
        found = portfolio_loss.distribution(names, multiples, (z[here], weights[here]))
        return Partial(probabilities=found.astype("<f8").tobytes())
    return Partial()


def reduce(params: Params, accumulator: Partial | None, partials: list[Partial]) -> Partial:
    """The largest losses of all, and the sums of the sums, in part order."""
    folded = partials if accumulator is None else [accumulator, *partials]
    if params.method == "recursion":
        total = sum(np.frombuffer(each.probabilities, "<f8") for each in folded)
        return Partial(probabilities=np.asarray(total).astype("<f8").tobytes())
    if params.method != "gaussian_copula_mc":
        return Partial()
    bins = tail_bins.added(map(bins_of, folded))
    return packed(
        tails.merge([tail_of(each) for each in folded], kept(params)),
        sum(each.scenarios for each in folded),
        sum(each.no_loss for each in folded),
        [sum(column) for column in zip(*(each.reached for each in folded), strict=True)],
        bins,
        next((each.body for each in folded if each.body), None),
    )


def estimate(params: Params, accumulator: Partial) -> Estimate | None:
    """ES so far, once there are enough losses beyond VaR."""
    confidence = params.confidence or 0.0
    if accumulator.scenarios == 0 or tails.expected_beyond(confidence, accumulator.scenarios) < LEAST_BEYOND:
        return None
    risk = tails.risk(tail_of(accumulator).losses, confidence, accumulator.scenarios)
    return Estimate(risk.es, risk.es_error, paths_in(params, accumulator))


def enough(params: Params, accumulator: Partial) -> bool:
    """Whether the standard error of ES has come down to the target."""
    if params.target_standard_error is None:
        return False
    so_far = estimate(params, accumulator)
    return so_far is not None and so_far.standard_error <= params.target_standard_error


def result(params: Params, accumulator: Partial) -> Result:
    """The one answer, by method."""
    if params.method == "gaussian_copula_mc":
        return simulated(params, accumulator)
    if params.method == "recursion":
        return exact(params, accumulator)
    return by_rows(params)


def paths_in(params: Params, partial: Partial) -> int:
    """Scenarios in a partial, or in all that are folded."""
    return partial.scenarios
