"""What stands beside the numbers of `option_european`: estimator, units, bias, and warnings."""

from typing import Any

import numpy as np
from msgspec import Struct

from calc.kind import Caution
from calc.kinds import option_european_paths as paths
from calc.kinds.option_european_params import Params, is_book, rows_of, table
from calc.numerics.european import BLOCK, KAPPA, THETA, XI
from calc.quantities import looks_like_percent


class Diagnostics(Struct, frozen=True):
    """`replicates` are the prices of the 32 scrambles; `counts` are a book's rows by status."""

    method: str
    model: str
    estimator: str
    rows: int
    units: dict[str, str]
    warnings: list[Caution]
    block_size: int = BLOCK
    paths: int = 0
    blocks: int = 0
    steps: int | None = None
    discretisation: str | None = None
    stopped_early: bool = False
    control_coefficient: float | None = None
    replicates: list[float] | None = None
    counts: dict[str, int] | None = None


def diagnostics(params: Params, **more: Any) -> Diagnostics:
    """What stands in every answer, and `more`."""
    heston = params.model == "heston"
    if heston and params.method != "closed_form":
        more |= {"steps": params.steps, "discretisation": _BIAS}
    return Diagnostics(
        method=params.method or "",
        model=params.model,
        estimator=_estimator(params),
        rows=rows_of(params),
        units=_HESTON_UNITS if heston else _UNITS,
        warnings=_warnings(params),
        **more,
    )


_BIAS = "QE-M scheme of Andersen: its bias falls with the number of steps and is not part of the standard error"
_UNITS = {
    "price": "currency",
    "closed_form": "currency",
    "delta": "currency per currency of spot",
    "gamma": "delta per currency of spot",
    "vega": "currency per 1.00 of volatility",
    "theta": "currency per year",
    "rho": "currency per 1.00 of rate",
}
_HESTON_UNITS = _UNITS | {"vega": "currency per 1.00 of √v0"}


def _estimator(params: Params) -> str:
    if params.method == "closed_form":
        return {
            "black_scholes": "Black-Scholes formula",
            "black76": "Black's formula",
            "heston": "Lewis' integral of Heston's characteristic function",
        }[params.model]
    what = "the payoffs expected given the variance's paths" if params.model == "heston" else "discounted payoffs"
    mean = f"mean of antithetic pairs of {what}" if paths.each(params) == 2 else f"mean of {what}"
    if params.method == "rqmc":
        mean += ", over 32 scrambles of Sobol points"
    return mean + (", controlled by the discounted price at maturity" if paths.controlled(params) else "")


def _warnings(params: Params) -> list[Caution]:
    cautions = []
    for name, most in (("rate", 1), ("dividend_yield", 1), ("volatility", 5)):
        given = getattr(params, name)
        largest = max((each for each in given if each is not None), default=0.0) if isinstance(given, list) else given
        cautions += looks_like_percent(f"$.data.{name}", largest or 0.0, most)
    if params.method != "closed_form" and paths.variance(params) > 2.5**2:
        detail = "volatility × √maturity is above 2.5: rare paths carry the price, and the standard error is too small"
        cautions.append(Caution("heavy_tail", "$.data.volatility", detail))
    if params.model == "heston":
        cautions += _feller(params)
    elif params.steps is not None:
        cautions.append(Caution("not_used", "$.data.steps", "one step is exact under this model"))
    return cautions


def _feller(params: Params) -> list[Caution]:
    """A caution where the variance can reach 0: a simulation then needs more steps."""
    rows, good = table(params)
    broken = np.flatnonzero(good & (2 * rows[KAPPA] * rows[THETA] < rows[XI] * rows[XI]))
    if not broken.size:
        return []
    which = f"in {broken.size:,} rows, the first is {broken[0]}" if is_book(params) else "here"
    advice = "" if params.method == "closed_form" else "; with 32 steps a year or more the bias stays small"
    return [Caution("feller", "$.data.xi", f"2 kappa theta is below xi² {which}: the variance reaches 0{advice}")]
