"""What `option_european` is asked: one option or a book, which model, and how it is computed."""

import math
from collections.abc import Iterator
from functools import partial
from typing import Annotated, Any, Literal, get_args

import numpy as np
from msgspec import Meta, Struct
from msgspec.structs import force_setattr
from numpy.typing import NDArray

from calc.errors import Fault, InvalidData
from calc.kind import once_per_params
from calc.numerics import columns
from calc.numerics.european import Model
from calc.quantities import DividendYield, Maturity, Positive, Rate, Seed, Spot, Strike, Volatility, measure

MAX_ROWS = 50_000
MAX_WORK = 10**12  # paths × steps
MAX_RQMC_STEPS = 256  # as many dimensions as there are Sobol numbers for
MAX_GROWTH = 100.0  # rate × maturity

Kind = Literal["call", "put"]
Column = Annotated[
    list[float | None], Meta(min_length=1, max_length=MAX_ROWS, title="Column of a book", description="A row each.")
]
Reduction = Literal["none", "antithetic", "control", "antithetic_control"]
Method = Literal["closed_form", "monte_carlo", "rqmc"]

PER_YEAR = "per year"
Forward = Annotated[
    float, measure("Forward", "currency", "Futures price now; of black76, in place of spot.", 101, ge=1e-9, le=1e9)
]
Variance = partial(measure, ge=0, le=4)
V0 = Annotated[float, Variance("v0", PER_YEAR, "Heston: the variance now, 0.04 is a volatility of 20 %.", 0.04)]
Theta = Annotated[float, Variance("theta", PER_YEAR, "Heston: the variance in the long run.", 0.04)]
Kappa = Annotated[float, measure("kappa", PER_YEAR, "Heston: speed of return to theta.", 1.5, ge=1e-6, le=50)]
Xi = Annotated[float, measure("xi", PER_YEAR, "Heston: volatility of the variance.", 0.5, ge=1e-6, le=10)]
Rho = Annotated[float, measure("rho", "none", "Heston: correlation of price and variance.", -0.6, ge=-1, le=1)]

# In the order of the rows that calc/kernels/european.py knows, after the type.
QUANTITIES: dict[str, Any] = {
    "spot": Spot,
    "strike": Strike,
    "maturity": Maturity,
    "rate": Rate,
    "dividend_yield": DividendYield,
    "volatility": Volatility,
    "v0": V0,
    "kappa": Kappa,
    "theta": Theta,
    "xi": Xi,
    "rho": Rho,
}
HESTON = ("v0", "kappa", "theta", "xi", "rho")
NEEDED = {
    "black_scholes": ("spot", "volatility"),
    "black76": ("forward", "volatility"),
    "heston": ("spot", *HESTON),
}


class Params(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A quantity is a number, or a list: then it is a column of a book, and numbers hold for all its rows."""

    type: Annotated[
        Kind | Annotated[list[str | None], Meta(min_length=1, max_length=MAX_ROWS)],
        Meta(title="Type", description="The right to buy or to sell: call or put, in a book a list of these."),
    ]
    spot: Spot | Column | None = None
    strike: Strike | Column
    maturity: Maturity | Column
    rate: Rate | Column
    volatility: Volatility | Column | None = None
    dividend_yield: DividendYield | Column = 0.0
    forward: Forward | Column | None = None
    model: Annotated[Literal["black_scholes", "black76", "heston"], Meta(title="Model")] = "black_scholes"
    v0: V0 | Column | None = None
    kappa: Kappa | Column | None = None
    theta: Theta | Column | None = None
    xi: Xi | Column | None = None
    rho: Rho | Column | None = None
    method: Annotated[
        Method | None,
        Meta(
            title="Method",
            description="closed_form; monte_carlo or rqmc simulate. When absent: monte_carlo if paths, "
            "variance_reduction or target_standard_error is given, else closed_form.",
        ),
    ] = None
    paths: (
        Annotated[
            int,
            measure(
                "Paths",
                "count",
                "Simulated prices at maturity, 1,000,000 when absent; an antithetic pair counts as two; rqmc takes the "
                "next 32 · 2^m.",
                1_000_000,
                ge=1000,
                le=10**10,
            ),
        ]
        | None
    ) = None
    steps: (
        Annotated[
            int,
            measure("Steps", "count", "Of a Heston path; 32, or 32 a year if that is more.", 32, ge=1, le=5000),
        ]
        | None
    ) = None
    variance_reduction: Annotated[
        Reduction | None,
        Meta(title="Variance reduction", description="How the same paths are made to say more; control when absent."),
    ] = None
    target_standard_error: Annotated[
        Positive | None,
        measure("Target standard error", "currency", "Stop before `paths` when the price's is at most this.", 0.01),
    ] = None
    seed: Seed | None = None

    def __post_init__(self) -> None:
        _complete(self)
        faults = [*_model_faults(self), *_book_faults(self), *_growth_faults(self), *_simulation_faults(self)]
        if faults:
            raise InvalidData(faults)


def _complete(params: Params) -> None:
    """Write the method that is meant and the defaults of a simulation: complete data are complete."""
    given = (params.paths, params.variance_reduction, params.target_standard_error)
    if params.method is None:
        force_setattr(params, "method", "closed_form" if given == (None, None, None) else "monte_carlo")
    if params.method == "closed_form":
        return
    if params.paths is None:
        force_setattr(params, "paths", 1_000_000)
    if params.variance_reduction is None:
        force_setattr(params, "variance_reduction", "control")
    if params.steps is None and params.model == "heston" and isinstance(params.maturity, (int, float)):
        force_setattr(params, "steps", min(max(32, math.ceil(32 * params.maturity)), 5000))


def _model_faults(params: Params) -> Iterator[Fault]:
    """What the model needs and is not there; what is there and has no place in it."""
    needed = NEEDED[params.model]
    for name in needed:
        if getattr(params, name) is None and not (name == "forward" and params.spot is not None):
            yield Fault(f"$.{name}", f"is missing: model {params.model} needs it", code="missing")
    for name in ("forward", "volatility", *HESTON):
        if name not in needed and getattr(params, name) is not None:
            yield Fault(f"$.{name}", f"is not used by model {params.model}", allowed="leave it out")
    if params.model == "black76":
        if params.dividend_yield != 0:
            yield Fault("$.dividend_yield", "is not used by model black76", allowed="leave it out")
        if params.spot is not None and params.forward is not None:
            yield Fault("$.spot", "and forward are the same in black76", allowed="forward alone")


def _lengths(params: Params) -> dict[str, int]:
    """Of the columns that are lists."""
    given = {name: getattr(params, name) for name in ("type", "forward", *QUANTITIES)}
    return {name: len(column) for name, column in given.items() if isinstance(column, list)}


def _book_faults(params: Params) -> Iterator[Fault]:
    lengths = _lengths(params)
    first, rows = next(iter(lengths.items()), ("", 1))
    for name, length in lengths.items():
        if length != rows:
            detail = f"has {length:,} entries, {first} has {rows:,}"
            yield Fault(f"$.{name}", detail, length, f"{rows:,} entries, or one number", "length_mismatch")
    if lengths and params.method != "closed_form":
        detail = f"{params.method} simulates one option: a book has its prices in closed form"
        yield Fault("$.method", detail, params.method, "closed_form")


def _growth_faults(params: Params) -> Iterator[Fault]:
    for name in ("rate", "dividend_yield"):
        value = getattr(params, name)
        if isinstance(value, list) or isinstance(params.maturity, list):
            continue  # a row's own status tells it
        growth = value * params.maturity
        if abs(growth) > MAX_GROWTH:
            detail = f"times maturity is {growth:g}: prices would leave the range of numbers (at most 100)"
            yield Fault(f"$.{name}", detail, value, code="out_of_range")


def _simulation_faults(params: Params) -> Iterator[Fault]:
    paths, steps = params.paths or 0, params.steps or 1
    if (params.variance_reduction or "").startswith("antithetic"):
        if params.method == "rqmc":
            detail = "cannot be antithetic with rqmc, whose points are in balance already"
            yield Fault("$.variance_reduction", detail, params.variance_reduction, "none or control")
        elif paths % 2:
            yield Fault("$.paths", "must be even: antithetic paths come in pairs", paths)
    if params.method != "closed_form" and params.model == "heston" and paths * steps > MAX_WORK:
        detail = f"× steps = {paths * steps:.2g} exceeds {MAX_WORK:.0g}"
        yield Fault("$.paths", detail, paths, f"at most {MAX_WORK // steps:,}", "too_large")
    if params.method == "rqmc" and params.model == "heston" and steps > MAX_RQMC_STEPS:
        detail = f"of rqmc are dimensions of its points, of which there are {MAX_RQMC_STEPS}"
        yield Fault("$.steps", detail, steps, f"1 to {MAX_RQMC_STEPS}, or method monte_carlo", "too_large")


def is_book(params: Params) -> bool:
    """Whether anything is a column."""
    return bool(_lengths(params))


def model_of(params: Params) -> Model:
    """Which formulas."""
    return Model(heston=params.model == "heston", futures=params.model == "black76")


def rows_of(params: Params) -> int:
    """How many options."""
    return next(iter(_lengths(params).values()), 1)


@once_per_params
def table(params: Params) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """The columns [12, rows] as the kernels take them, and which rows are within all bounds.

    A row that is not has the numbers of a good one in its place, so that it spoils nothing.
    """
    rows = rows_of(params)
    types = params.type if isinstance(params.type, list) else [params.type] * rows
    signs = np.array([{"call": 1.0, "put": -1.0}.get(each or "", math.nan) for each in types])
    whole, good = [signs], ~np.isnan(signs)
    for name, quantity in QUANTITIES.items():
        value = _value(params, name)
        if value is None:
            whole.append(np.zeros(rows))
            continue
        meta = get_args(quantity)[1]
        column = columns.array(value, rows)
        good &= columns.within(column, {"minimum": meta.ge, "maximum": meta.le}, any_size=True)
        whole.append(column)
    found = np.array(whole)
    with np.errstate(invalid="ignore", over="ignore"):
        good &= (np.abs(found[4:6] * found[3]) <= MAX_GROWTH).all(axis=0)
    found[:, ~good] = _HARMLESS[:, None]
    return found, good


_HARMLESS = np.array([1.0, 1.0, 1.0, 1.0, 0.0, 0.0, 0.2, 0.04, 1.0, 0.04, 0.1, 0.0])


def _value(params: Params, name: str) -> Any:
    """The quantity, as a row has it: a future's price stands for spot, and its dividend yield is the rate."""
    if params.model == "black76":
        if name == "spot" and params.spot is None:
            return params.forward
        if name == "dividend_yield":
            return params.rate
    return getattr(params, name)
