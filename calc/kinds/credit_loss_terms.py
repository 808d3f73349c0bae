"""The data of `credit_loss`: names and pools, what follows from them, and how much of the work is a part."""

import math
from typing import Annotated, Literal

import numpy as np
from msgspec import Meta, Struct
from numpy.typing import NDArray

from calc.errors import CalcError, Fault, InvalidData
from calc.kind import once_per_params
from calc.kinds.credit_columns import AssetClass, Number
from calc.numerics import portfolio_loss, tails
from calc.numerics.portfolio_loss import BLOCK, Entry, Portfolio
from calc.quantities import Confidence, Positive, Seed, measure

LEAST_BEYOND = 30  # losses beyond VaR, below which its error says nothing
MOST_KEPT = 80_000  # losses in a partial: with their scenarios 1.3 MB of text
MOST_NAMES = 20_000
MOST_UNITS = 50_000
MOST_STEPS = 2e11  # of the recursion: points × names × units
PART_NS = 500_000_000
_BIN_NUMBERS = 16_000
POOLED = ("gaussian_copula_mc", "recursion")


class Pool(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`count` names that are alike. Either one correlation, or loadings on independent factors."""

    name: Annotated[str, Meta(min_length=1, max_length=64)] | None = None
    count: Annotated[int, measure("Count", "count", "Of names that are alike.", 100, ge=1, le=MOST_NAMES)] = 1
    exposure: Annotated[float, measure("Exposure", "currency", "At default, of one name.", 1e6, ge=0, le=1e15)]
    pd: Annotated[float, measure("Probability of default", "fraction", "Over the horizon.", 0.02, ge=0, le=1)]
    lgd: Annotated[float, measure("Loss given default", "fraction", "Of the exposure; 0.45 is 45 %.", 0.45, ge=0, le=1)]
    correlation: Annotated[
        Annotated[float, Meta(ge=0, lt=0.99)] | None,
        measure("Correlation", "none", "Of two names' asset returns: the square of the loading.", 0.2),
    ] = None
    loadings: Annotated[
        list[float] | None,
        measure("Loadings", "none", "On independent factors, in place of correlation; squares below 0.99.", [0.3, 0.2]),
    ] = None

    def __post_init__(self) -> None:
        if (self.correlation is None) == (self.loadings is None):
            raise InvalidData([Fault("$.correlation", "or loadings are needed, and not both", self.correlation)])
        if self.loadings is not None and not (self.loadings and math.fsum(a * a for a in self.loadings) < 0.99):
            raise InvalidData([Fault("$.loadings", "must be there, with squares that add up to less than 0.99")])


class Params(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    method: Annotated[
        Literal["basel_irb", "vasicek", "gaussian_copula_mc", "recursion", "merton"], Meta(title="Method")
    ]
    names: Annotated[list[Pool], Meta(min_length=1, max_length=MOST_NAMES, title="Names")] | None = None
    pools: Annotated[list[Pool], Meta(min_length=1, max_length=MOST_NAMES, title="Pools")] | None = None
    copula: Annotated[Literal["gaussian", "student_t"], Meta(title="Copula")] = "gaussian"
    degrees_of_freedom: Annotated[
        Annotated[float, Meta(gt=2, le=200)] | None,
        measure("Degrees of freedom", "none", "Of the Student t copula.", 4),
    ] = None
    confidence: Confidence | None = None
    scenarios: Annotated[int, measure("Scenarios", "count", "Simulated.", 100_000, ge=1000, le=10**9)] = 100_000
    thresholds: Annotated[
        list[float] | None,
        measure("Thresholds", "currency", "Losses whose probability of being reached is asked.", [20.0]),
    ] = None
    loss_unit: Annotated[
        Positive | None,
        measure("Loss unit", "currency", "Of the recursion; the largest common one where absent.", 1000),
    ] = None
    target_standard_error: Annotated[
        Positive | None,
        measure("Target standard error", "currency", "Stop before `scenarios` when ES's is at most this.", 50),
    ] = None
    pd: Annotated[Number | None, measure("Probability of default", "fraction", "Over a year.", 0.01)] = None
    lgd: Annotated[Number | None, measure("Loss given default", "fraction", "Of the exposure.", 0.45)] = None
    exposure: Annotated[Number | None, measure("Exposure", "currency", "At default; 1 where absent.", 1e6)] = None
    correlation: Annotated[Number | None, measure("Correlation", "none", "Of asset returns, for vasicek.", 0.1)] = None
    asset_class: Annotated[AssetClass | list[AssetClass] | None, Meta(title="Asset class")] = None
    maturity: Annotated[
        Number | None,
        measure(
            "Maturity", "years", "Effective, from 1 to 5, for corporates of basel_irb; of the debt for merton.", 2.5
        ),
    ] = None
    turnover: Annotated[
        Number | None, measure("Turnover", "millions of euros", "Of a corporate of basel_irb below 50.", 20)
    ] = None
    equity: Annotated[Number | None, measure("Equity", "currency", "Its market value, for merton.", 3.0)] = None
    equity_volatility: Annotated[
        Number | None, measure("Equity volatility", "per square root of a year", "0.8 is 80 %.", 0.8)
    ] = None
    debt: Annotated[Number | None, measure("Debt", "currency", "Due at maturity.", 10.0)] = None
    rate: Annotated[Number | None, measure("Rate", "per year", "Riskless rate, continuously compounded.", 0.05)] = None
    seed: Seed | None = None


def pools_of(params: Params) -> list[Pool]:
    """Names, then pools: a name is a pool of one."""
    return [*(params.names or ()), *(params.pools or ())]


@once_per_params
def entries_of(params: Params) -> list[Entry]:
    """The same with what is lost and the loadings, as numerics want them."""
    return [
        Entry(
            pool.count,
            portfolio_loss.amount(pool.exposure, pool.lgd),
            pool.pd,
            tuple(pool.loadings) if pool.loadings is not None else (math.sqrt(pool.correlation or 0.0),),
        )
        for pool in pools_of(params)
    ]


@once_per_params
def portfolio_of(params: Params) -> Portfolio:
    """Entries in groups, with the copula."""
    return portfolio_loss.portfolio(entries_of(params), params.degrees_of_freedom)


@once_per_params
def units_of(params: Params) -> tuple[float, list[int]]:
    """The unit of the recursion's losses, and each entry's loss in units. Raises CalcError where there is none."""
    found = portfolio_loss.units_of(entries_of(params), params.loss_unit)
    if found is None:
        raise CalcError("The losses have no common unit.", code="no_common_unit")
    return found


@once_per_params
def edges_of(params: Params) -> NDArray[np.float64]:
    """Edges of the bins of the tail, by the pilot."""
    most = max(_BIN_NUMBERS // len(entries_of(params)), 3)
    return portfolio_loss.edges(portfolio_of(params), params.seed or 0, params.confidence or 0.0, most)


def names_in(params: Params) -> int:
    """How many names in all."""
    return sum(pool.count for pool in pools_of(params))


def ns_a_scenario(params: Params) -> float:
    """Factors, bounds of the groups, then each name that may default: more of them the less alike a group is."""
    entries, student = entries_of(params), params.copula == "student_t"
    factors, groups = len(entries[0].loadings), math.ceil(names_in(params) / 64)
    defaults = math.fsum(entry.names * entry.pd for entry in entries)
    return 200 + 100 * student + groups * (10 + 2 * factors) + 25 * defaults * (0.2 + 0.8 * factors)


def blocks_a_part(params: Params) -> int:
    """Blocks of scenarios that take about half a second."""
    return min(max(int(PART_NS / (ns_a_scenario(params) * BLOCK)), 1), 4096)


def points_of(params: Params) -> int:
    """Points of the quadrature over the factor."""
    return portfolio_loss.pieces_needed(entries_of(params)) + 1


def ns_a_point(params: Params) -> float:
    """Each name moves the whole law."""
    units = sum(m * entry.names for m, entry in zip(units_of(params)[1], entries_of(params), strict=True))
    return names_in(params) * (25 + 0.2 * units)


def points_a_part(params: Params) -> int:
    """Points that take about half a second."""
    return max(int(PART_NS / ns_a_point(params)), 1)


def kept(params: Params) -> int:
    """Losses that a partial keeps, so that VaR's is among them."""
    return tails.needed(params.confidence or 0.5, params.scenarios)
