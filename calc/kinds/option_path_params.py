"""What `option_path` is asked: its data."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from calc.quantities import (
    DividendYield,
    Maturity,
    Positive,
    Rate,
    Seed,
    Spot,
    Strike,
    Volatility,
    measure,
)

Style = Literal[
    "asian_arithmetic",
    "asian_geometric",
    "barrier_down_out",
    "barrier_down_in",
    "barrier_up_out",
    "barrier_up_in",
    "lookback_floating",
    "lookback_fixed",
]
Reduction = Literal["none", "antithetic", "control", "antithetic_control"]
Method = Literal["closed_form", "quadrature", "rqmc", "monte_carlo"]

MOST_FIXINGS = 5000
Price = Annotated[float, Meta(ge=1e-9, le=1e9)]


class Params(Struct, frozen=True, forbid_unknown_fields=True):
    style: Annotated[Style, Meta(title="Style", description="What of the path decides: average, barrier or extreme.")]
    type: Annotated[Literal["call", "put"], Meta(title="Type", description="The right to buy or to sell.")]
    spot: Spot
    rate: Rate
    volatility: Volatility
    strike: Strike | None = None
    maturity: Maturity | None = None
    dividend_yield: DividendYield = 0.0
    fixings: Annotated[
        Annotated[int, Meta(ge=1, le=MOST_FIXINGS)] | None,
        measure("Fixings", "count", "So many dates, equally spaced, the first at maturity / fixings.", 12),
    ] = None
    fixing_times: Annotated[
        Annotated[list[Annotated[float, Meta(ge=0, le=100)]], Meta(min_length=1, max_length=MOST_FIXINGS)] | None,
        measure("Fixing times", "years", "In place of fixings: times from now, ascending; 0 is the spot.", [0.5, 1]),
    ] = None
    barrier: Annotated[
        Price | None, measure("Barrier", "currency", "Price that brings the option to life or ends it.", 90)
    ] = None
    rebate: Annotated[
        float,
        measure(
            "Rebate",
            "currency",
            "Paid by a knock-out when it is hit, by a knock-in at maturity if it never was.",
            3,
            ge=0,
            le=1e9,
        ),
    ] = 0.0
    monitoring: Annotated[
        Literal["continuous", "discrete"] | None,
        Meta(
            title="Monitoring",
            description="Whether barrier or extreme are watched all the time or at the fixings; without it: at the "
            "fixings, if there are any.",
        ),
    ] = None
    past_fixings: Annotated[
        int, measure("Past fixings", "count", "Fixings before now, in running_average.", 3, ge=0, le=MOST_FIXINGS)
    ] = 0
    running_average: Annotated[
        Price | None,
        measure("Running average", "currency", "Of the past fixings, arithmetic or geometric as the style is.", 101),
    ] = None
    running_minimum: Annotated[
        Price | None, measure("Running minimum", "currency", "Lowest price so far; without it the spot.", 95)
    ] = None
    running_maximum: Annotated[
        Price | None, measure("Running maximum", "currency", "Highest price so far; without it the spot.", 105)
    ] = None
    method: Annotated[
        Method | None,
        Meta(
            title="Method",
            description="Without it the most accurate there is: closed form, quadrature (barriers watched at dates), "
            "else rqmc: quasi-random paths in 32 replicates. monte_carlo: pseudo-random paths.",
        ),
    ] = None
    paths: Annotated[int, measure("Paths", "count", "Simulated paths.", 131_072, ge=1000, le=10**10)] = 131_072
    variance_reduction: Annotated[
        Reduction,
        Meta(title="Variance reduction", description="How the same paths say more; antithetic with monte_carlo only."),
    ] = "control"
    target_standard_error: Annotated[
        Positive | None,
        measure("Target standard error", "currency", "Stop before `paths` when the price's is at most this.", 0.001),
    ] = None
    seed: Seed | None = None


def is_asian(params: Params) -> bool:
    return params.style.startswith("asian")


def is_barrier(params: Params) -> bool:
    return params.style.startswith("barrier")


def is_down(params: Params) -> bool:
    return "down" in params.style


def looks_up(params: Params) -> bool:
    """Whether a lookback is on the highest price: a fixed call, a floating put."""
    return (params.type == "call") == (params.style == "lookback_fixed")


def has_dates(params: Params) -> bool:
    return params.fixings is not None or params.fixing_times is not None


def maturity_of(params: Params) -> float:
    """In years; the last fixing where it is not given."""
    if params.maturity is not None:
        return params.maturity
    return params.fixing_times[-1] if params.fixing_times else 0.0
