"""Credit losses in closed form: Vasicek's infinitely fine pool, and the Basel formula that is made of it.

    WCDR(α) = Φ((Φ⁻¹(pd) + √ρ Φ⁻¹(α)) / √(1-ρ))

Vasicek (1987; 2002, *The distribution of loan portfolio value*); Basel Committee (June 2006), *International
Convergence of Capital Measurement*, paragraphs 272 and 327-330 and Annex 5, without its scaling factor 1.06.
"""

import math
from typing import NamedTuple

from calc.numerics.normal import density, distribution, quantile

IRB_CONFIDENCE = 0.999
FLOOR = 0.0003  # of a probability of default


class Irb(NamedTuple):
    """`capital` and `expected_loss` per unit of exposure; the risk weight is 12.5 times the capital."""

    correlation: float
    capital: float
    risk_weight: float
    expected_loss: float


def worst_default_rate(pd: float, correlation: float, confidence: float) -> float:
    """The default rate that is not exceeded with that probability; 0 and 1 stay what they are."""
    if pd in (0.0, 1.0):
        return pd
    z = (quantile(pd) + math.sqrt(correlation) * quantile(confidence)) / math.sqrt(1 - correlation)
    return distribution(z)


def mean_rate_beyond(pd: float, correlation: float, confidence: float) -> float:
    """The mean default rate in the worst 1 - confidence of cases, by Simpson's rule over the factor's tail."""
    if pd in (0.0, 1.0):
        return pd
    start, threshold = quantile(confidence), quantile(pd)
    slope, scale = math.sqrt(correlation), 1 / math.sqrt(1 - correlation)
    pieces = 4000
    step = 12.0 / pieces
    terms = []
    for i in range(pieces + 1):
        z = start + i * step
        weight = 1 if i in (0, pieces) else 4 if i % 2 else 2
        terms.append(weight * density(z) * distribution((threshold + slope * z) * scale))
    return math.fsum(terms) * step / 3 / (1 - confidence)


def irb(pd: float, lgd: float, asset_class: str, maturity: float, turnover: float | None) -> Irb:
    """The foundation formula. `turnover`, from 5 to 50 million euros, eases a corporate's correlation."""
    correlation = asset_correlation(pd, asset_class, turnover)
    capital = lgd * (worst_default_rate(pd, correlation, IRB_CONFIDENCE) - pd)
    if asset_class == "corporate":
        slope = (0.11852 - 0.05478 * math.log(pd)) ** 2
        capital *= (1 + (maturity - 2.5) * slope) / (1 - 1.5 * slope)
    return Irb(correlation, capital, 12.5 * capital, pd * lgd)


def asset_correlation(pd: float, asset_class: str, turnover: float | None) -> float:
    """Falls with the probability of default, between two ends, for corporates and other retail; fixed for the rest."""
    if asset_class == "mortgage":
        return 0.15
    if asset_class == "revolving":
        return 0.04
    least, most, speed = (0.12, 0.24, 50.0) if asset_class == "corporate" else (0.03, 0.16, 35.0)
    share = math.expm1(-speed * pd) / math.expm1(-speed)
    eased = 0.04 * (1 - (min(max(turnover, 5.0), 50.0) - 5) / 45) if turnover is not None else 0.0
    return least * share + most * (1 - share) - eased
