"""Quantities that several kinds share, each with its unit, its bounds and an example.

A kind's schema is made of these, so that a unit is said once. `x-unit` is the unit in the JSON Schema; a `fraction`
is a field where 0.05 is meant and 5 is the usual slip, so that a fault can say so.
"""

from typing import Annotated, Any

from msgspec import Meta

from calc.kind import Caution


def measure(
    title: str,
    unit: str,
    description: str,
    example: Any,
    *,
    fraction: bool = False,
    schema: dict[str, Any] | None = None,
    **bounds: Any,
) -> Meta:
    """The note of a field that has a unit. `bounds` are msgspec's; a decimal has its bounds in `schema` instead."""
    return Meta(
        title=title,
        description=description,
        examples=[example],
        extra={"fraction": fraction},
        extra_json_schema={"x-unit": unit, **(schema or {})},
        **bounds,
    )


PER_YEAR = "per year"
Positive = Annotated[float, Meta(gt=0)]

Spot = Annotated[float, measure("Spot", "currency", "Price of the underlying now.", 100, ge=1e-9, le=1e9)]
Strike = Annotated[
    float, measure("Strike", "currency", "Price at which the holder may buy or sell.", 105, ge=1e-9, le=1e9)
]
Maturity = Annotated[float, measure("Maturity", "years", "Time to expiry; 0 is now.", 1, ge=0, le=100)]
Rate = Annotated[
    float,
    measure(
        "Rate",
        PER_YEAR,
        "Riskless rate, continuously compounded; 0.05 is 5 % a year.",
        0.05,
        fraction=True,
        ge=-0.5,
        le=10,
    ),
]
DividendYield = Annotated[
    float,
    measure(
        "Dividend yield",
        PER_YEAR,
        "Continuously compounded; 0.02 is 2 % a year.",
        0.02,
        fraction=True,
        ge=-0.5,
        le=10,
    ),
]
Volatility = Annotated[
    float,
    measure(
        "Volatility",
        "per square root of a year",
        "Standard deviation of log returns; 0.2 is 20 %.",
        0.2,
        fraction=True,
        ge=0,
        le=10,
    ),
]
Confidence = Annotated[
    float,
    measure(
        "Confidence",
        "fraction",
        "Probability that the loss is at most VaR; 0.99 is 99 %.",
        0.99,
        fraction=True,
        ge=0.5,
        le=0.99999,
    ),
]
Seed = Annotated[
    int,
    measure("Seed", "none", "Names the random stream; drawn when absent, and in every answer.", 42, ge=0, lt=2**53),
]


def looks_like_percent(path: str, value: float, most: float) -> list[Caution]:
    """A caution where a rate or volatility above `most` looks like a percentage given for a fraction."""
    if value <= most:
        return []
    return [Caution("looks_like_percent", path, f"{value:g} means {value:.0%}; for {value:g} % send {value / 100:g}")]
