"""A curve of continuous zero rates, or one rate for all times, as kinds with a rate model take it."""

import math
from collections.abc import Sequence
from typing import Annotated

from msgspec import Meta, Struct

from calc.errors import Fault
from calc.numerics import curves
from calc.numerics.hull_white import Discount
from calc.quantities import Positive, measure

MeanReversion = Annotated[
    float, measure("Mean reversion", "per year", "Of the short rate (Hull-White).", 0.05, ge=-0.5, le=5)
]
RateVolatility = Annotated[
    float,
    measure("Volatility", "per year^1.5", "Of the short rate (Hull-White); 0.01 is 1 % a year.", 0.01, ge=0, le=1),
]


class CurveTerms(Struct, frozen=True, forbid_unknown_fields=True):
    """Zero rates, linear between times and flat outside."""

    times: Annotated[
        list[Positive],
        measure("Times", "years", "Ascending.", [1, 2, 5, 10]),
        Meta(min_length=1, max_length=1000),
    ]
    zero_rates: Annotated[
        list[Annotated[float, Meta(ge=-0.5, le=1)]],
        measure("Zero rates", "per year", "Continuously compounded.", [0.03, 0.032, 0.035, 0.037]),
        Meta(min_length=1, max_length=1000),
    ]


def curve_faults(rate: float | None, curve: CurveTerms | None) -> list[Fault]:
    """Of a rate and a curve, of which there is one; paths begin with $.rate and $.curve."""
    if (rate is None) == (curve is None):
        return [Fault("$.rate", "or else curve: exactly one of them is needed", rate)]
    if curve is None:
        if abs((rate or 0.0) * 100) > 100:
            return [Fault("$.rate", "is beyond 1", rate, "-0.5 to 1", "out_of_range")]
        return []
    faults = []
    if len(curve.zero_rates) != len(curve.times):
        detail = f"has {len(curve.zero_rates)} entries, times has {len(curve.times)}"
        faults.append(Fault("$.curve.zero_rates", detail, code="length_mismatch"))
    return faults + [
        Fault(f"$.curve.times[{i}]", "must be later than the one before", curve.times[i])
        for i in range(1, len(curve.times))
        if curve.times[i] <= curve.times[i - 1]
    ]


def discount_of(rate: float | None, curve: CurveTerms | None, shift: float = 0.0) -> Discount:
    """D(t) of the flat rate or the curve, with all zero rates higher by `shift`."""
    if curve is None:
        shifted = (rate or 0.0) + shift
        return lambda time: math.exp(-shifted * time)
    times: Sequence[float] = curve.times
    rates = [each + shift for each in curve.zero_rates]
    return lambda time: math.exp(-curves.zero_rate(time, times, rates, "linear_zero") * time)
