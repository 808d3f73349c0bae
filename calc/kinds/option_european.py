"""European calls and puts: Black-Scholes, Black 76 and Heston; in closed form for one or a book, or simulated.

    S_T = S exp((r - q - σ²/2) T + σ √T z),   price = E[e^(-rT) max(w (S_T - K), 0)],   w = 1 call, -1 put

`model` black76 is an option on a future: `forward` in place of spot, and it does not drift. `model` heston has a
variance of its own, dV = κ (θ - V) dt + ξ √V dZ with correlation ρ to the price: v0, kappa, theta, xi, rho in place of
`volatility`.

`method`, where it is absent, is monte_carlo in a request that gives `paths`, `variance_reduction` or
`target_standard_error`, and closed_form in any other:

    closed_form   Black's formula, or Heston's by Lewis' integral (calc/kernels/heston.py). Quantities that are lists
                  are the columns of a book: then outputs are lists, and each row has a `status`. Outputs are null where
                  that is not ok: bad_input (a value is missing or out of bounds), no_convergence (Heston's integral)
    monte_carlo   pseudo-random paths. Black-Scholes takes one step, exact in law: no discretisation error. Heston takes
                  `steps` of Andersen's QE scheme with martingale correction (calc/kernels/heston_paths.py), whose bias
                  is not part of the standard error: with 20 steps a year about 0.01 per 100 of spot; the closed form
                  stands beside it
    rqmc          randomised quasi-Monte Carlo: 32 independent Owen scrambles of Sobol points; the standard error is
                  that of their means. `paths` is rounded up to 32 · 2^m

`variance_reduction`: antithetic (z and -z are one observation, their mean), control (the discounted price at maturity,
whose mean S e^(-qT) is known, with coefficients estimated from the sample), both, or none.

Greeks are raw derivatives: per unit of spot, per 1.00 of volatility (Heston: of √v0) and rate, per year. Simulated ones
have standard errors of their own: pathwise, gamma by likelihood ratio; of Heston vega and theta are null then.

Without time or volatility the price is the discounted intrinsic value of the forward; a greek is null where it has no
finite value, exactly at the kink. Glasserman (2004), *Monte Carlo Methods in Financial Engineering*, chapters 1, 4, 7.

Refused: what the model lacks or does not use, columns of unequal length, a simulated book, more than 50,000 rows, more
than 10^12 paths × steps. Self-checks: put-call parity (Black), greeks within their bounds (Heston), the mean of the
simulated price at maturity within eight standard errors (Black-Scholes). Accuracy: closed form 1e-12 of the larger of
spot and strike, Heston 1e-10. Cost: 9 ns a path and 17 ns a step of a Heston path, with rqmc 11 and 20; a row of a book
2.5 µs, of Heston 35 µs.
"""

import math
from typing import Any

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from calc.errors import CalcError
from calc.kind import Estimate, Plan
from calc.kinds import option_european_paths as paths
from calc.kinds.option_european_params import Params as Params
from calc.kinds.option_european_params import is_book, model_of, rows_of, table
from calc.kinds.option_european_words import Diagnostics, diagnostics
from calc.numerics import columns, normal
from calc.numerics import european as numerics
from calc.numerics.european import BLOCK, OUTPUTS, Model

NAME = "option_european"
ANY_SIZE = True
VERSION = 2
ALIASES: tuple[str, ...] = ("monte_carlo_pricing",)
SUMMARY = "Price and greeks of European calls and puts: Black-Scholes, Black 76 or Heston, closed form or simulated."
EXAMPLE = {
    "type": "call",
    "spot": 100,
    "strike": 105,
    "maturity": 1,
    "rate": 0.05,
    "dividend_yield": 0.02,
    "volatility": 0.2,
    "paths": 1_000_000,
    "variance_reduction": "control",
    "seed": 42,
}
_HESTON = {"v0": 0.04, "kappa": 1.5, "theta": 0.05, "xi": 0.6, "rho": -0.7}
_OPTION = {"type": "put", "spot": 100, "strike": 105, "maturity": 0.5, "rate": 0.05}
FURTHER_EXAMPLES: tuple[dict[str, Any], ...] = (
    {**_OPTION, "type": ["call", "put"], "strike": [90, 110], "volatility": 0.2},
    {**_OPTION, "model": "heston", **_HESTON},
    {**_OPTION, "model": "heston", **_HESTON, "paths": 1000, "steps": 4, "seed": 1},
    {**_OPTION, "model": "heston", **_HESTON, "paths": 1000, "steps": 4, "method": "rqmc", "seed": 1},
    {**_OPTION, "volatility": 0.2, "paths": 1000, "method": "rqmc", "seed": 1},
)

ROWS_A_PART = 8192
_STATUSES = ("ok", "no_convergence", "bad_input")
_CHECKED_VARIANCE = 1.0  # of log price, above which a sample's own standard error says too little for a check
_ROUNDED_VARIANCE = 1e-16  # and below this one prices at maturity differ by little more than their rounding

Array = NDArray[np.float64]


class Partial(Struct, frozen=True):
    """Simulated: sums of observations from their pilots by group (a sample, or replicates), `observations` in each.

    A book: packed columns by output, and statuses by number.
    """

    observations: int = 0
    sums: list[list[float]] = []
    outputs: list[bytes] = []
    status: list[int] = []


Accumulator = Partial


Output = float | None | list[float | None]


class Result(Struct, frozen=True):
    """`price` is the answer of `method`, `closed_form` the formula's beside it; lists where a book was asked for."""

    price: Output
    closed_form: float | None
    delta: Output
    gamma: Output
    vega: Output
    theta: Output
    rho: Output
    standard_error: dict[str, float] | None
    interval_95: dict[str, tuple[float, float]] | None
    status: list[str] | None
    diagnostics: Diagnostics


def plan(params: Params) -> Plan:
    """Blocks of paths, pieces of all replicates, or rows: a fixed number to a part. To a target in growing waves."""
    if params.method == "closed_form":
        return Plan(parts=math.ceil(rows_of(params) / ROWS_A_PART))
    first_wave = 8 if params.target_standard_error is None else 1
    return Plan(parts=math.ceil(paths.whole(params) / paths.a_part(params)), first_wave=first_wave)


def cost(params: Params) -> float:
    """So much a row, or a path and step."""
    heston = params.model == "heston"
    if params.method == "closed_form":
        return 5.5e-4 + rows_of(params) * (2.7e-5 if heston else 1.4e-6)
    paths, steps = params.paths or 0, params.steps or 1
    if params.method == "monte_carlo":
        return 6e-4 + paths * steps * (17e-9 if heston else 8e-9)
    whole = math.ldexp(32.0, math.ceil(math.log2(max(paths / 32, 1))))  # of rqmc
    return 6e-4 + whole * steps * (20e-9 if heston else 11e-9) + (4e-4 * steps if heston else 0.0)


def run(params: Params, part: int) -> Partial:
    """The part's rows, or the sums of its blocks or pieces. Raises CalcError where a self-check fails."""
    if params.method == "closed_form":
        return _rows(params, part) if is_book(params) else Partial()
    observations, sums = paths.sums(params, part)
    return Partial(observations, sums)


def reduce(params: Params, accumulator: Partial | None, partials: list[Partial]) -> Partial:
    """Sums added, rows one after the other, in part order."""
    folded = [accumulator, *partials] if accumulator else partials
    return Partial(
        observations=sum(each.observations for each in folded),
        sums=paths.added([each.sums for each in folded]),
        outputs=[b"".join(pieces) for pieces in zip(*(each.outputs for each in folded), strict=True)],
        status=[status for each in folded for status in each.status],
    )


def estimate(params: Params, accumulator: Partial) -> Estimate | None:
    """The price so far."""
    if params.method == "closed_form":
        return None
    found = paths.estimates(params, accumulator.observations, accumulator.sums)
    return Estimate(float(found.values[0]), float(found.errors[0]), paths_in(params, accumulator))


def enough(params: Params, accumulator: Partial) -> bool:
    """Whether the standard error has come down to the target."""
    so_far = None if params.target_standard_error is None else estimate(params, accumulator)
    return so_far is not None and so_far.standard_error <= (params.target_standard_error or 0.0)


def result(params: Params, accumulator: Partial) -> Result:
    """The columns of a book; or price and greeks, with their errors when simulated and the closed form beside."""
    if params.method == "closed_form" and is_book(params):
        return _book(params, accumulator)
    exact = _exact(params)
    if params.method != "closed_form":
        return _simulated(params, accumulator, exact)
    return Result(
        **dict(zip(OUTPUTS, map(_or_none, exact), strict=True)),
        closed_form=_or_none(exact[0]),
        standard_error=None,
        interval_95=None,
        status=None,
        diagnostics=diagnostics(params),
    )


def _book(params: Params, accumulator: Partial) -> Result:
    status = [_STATUSES[code] for code in accumulator.status]
    good = np.array(accumulator.status) == 0
    outputs = map(columns.unpacked, accumulator.outputs)
    return Result(
        **{name: columns.listed(each, good & np.isfinite(each)) for name, each in zip(OUTPUTS, outputs, strict=True)},
        closed_form=None,
        standard_error=None,
        interval_95=None,
        status=status,
        diagnostics=diagnostics(params, counts={word: status.count(word) for word in _STATUSES if word in status}),
    )


def _simulated(params: Params, accumulator: Partial, exact: Array) -> Result:
    check_forward(params, accumulator)
    found = paths.estimates(params, accumulator.observations, accumulator.sums)
    values, errors = dict(zip(OUTPUTS, found.values, strict=True)), dict(zip(OUTPUTS, found.errors, strict=True))
    if not paths.random(params):
        values = dict(zip(OUTPUTS, exact, strict=True))
    elif params.model == "heston":
        values |= dict.fromkeys(("vega", "theta", *(() if paths.spread(params) else ("gamma",))), math.nan)
    told = {name: (_or_none(values[name]), _or_none(errors[name])) for name in OUTPUTS}
    known = {name: (value, error) for name, (value, error) in told.items() if value is not None and error is not None}
    groups, done = len(accumulator.sums), paths_in(params, accumulator)
    return Result(
        **{name: value for name, (value, _) in told.items()},
        closed_form=_or_none(exact[0]),
        standard_error={name: error for name, (_, error) in known.items()},
        interval_95={name: normal.interval_95(value, error) for name, (value, error) in known.items()},
        status=None,
        diagnostics=diagnostics(
            params,
            paths=done,
            blocks=math.ceil(done / BLOCK),
            stopped_early=accumulator.observations < paths.whole(params) if groups > 1 else done < (params.paths or 0),
            control_coefficient=float(found.slopes[0]) if paths.controlled(params) else None,
            replicates=found.replicates.tolist() if groups > 1 else None,
        ),
    )


def paths_in(params: Params, partial: Partial) -> int:
    """Paths in the sums of a partial, or of all that are folded."""
    return len(partial.sums) * partial.observations * paths.each(params) if partial.sums else 0


def check_parity(columns_: Array, model: Model, answers: Array) -> None:
    """Self-check of Black's formula: call - put is discounted forward - strike, in every row."""
    other = columns_.copy()
    other[0] *= -1.0
    paid = columns_[2] * np.array([math.exp(-each) for each in columns_[4] * columns_[3]])
    held = columns_[1] * np.array([math.exp(-each) for each in columns_[5] * columns_[3]])
    apart = columns_[0] * (answers[0] - numerics.closed_form(model, other)[0][0]) - (held - paid)
    worst = float(np.max(np.abs(apart) / (held + paid), initial=0.0))
    if not worst <= 1e-12:
        raise _failed("put_call_parity", f"it is missed by {worst:.3g} of spot and strike")


def check_greeks(columns_: Array, answers: Array) -> None:
    """Self-check of Heston's integrals: delta between 0 and the discounted share, gamma not below 0."""
    share = columns_[0] * answers[1] * np.array([math.exp(each) for each in columns_[5] * columns_[3]])
    least = min(np.min(share, initial=0.0), np.min(np.nan_to_num(answers[2] * columns_[1]), initial=0.0))
    if not (least >= -1e-6 and np.max(share, initial=1.0) <= 1 + 1e-6):
        raise _failed("greeks_within_bounds", f"delta from {share.min():.9g} to {share.max():.9g}")


def check_forward(params: Params, accumulator: Partial) -> None:
    """Self-check of a simulation: the mean price at maturity is the forward."""
    least = _ROUNDED_VARIANCE
    if (params.variance_reduction or "").startswith("antithetic"):
        least = math.sqrt(least)  # the means of pairs differ by the variance, not by its root
    if params.model == "heston" or not least < paths.variance(params) <= _CHECKED_VARIANCE:
        return
    score = numerics.control_score(accumulator.sums, accumulator.observations)
    if not abs(score) <= 8:
        raise _failed("forward", f"the mean price at maturity is {score:.1f} standard errors from it")


def _failed(name: str, detail: str) -> CalcError:
    return CalcError(f"The self-check {name} failed: {detail}.", code="internal_check_failed")


def _checked(params: Params, first: int, end: int) -> tuple[Array, NDArray[np.int64]]:
    """Answers and statuses of these rows."""
    whole, all_good = table(params)
    found, good = np.ascontiguousarray(whole[:, first:end]), all_good[first:end]  # as the kernels were compiled
    answers, status = numerics.closed_form(model_of(params), found)
    if params.model == "heston":
        converged = status == 0
        check_greeks(found[:, converged], answers[:, converged])
    else:
        check_parity(found, model_of(params), answers)
    return answers, np.where(good, status, 2)


def _rows(params: Params, part: int) -> Partial:
    answers, status = _checked(params, part * ROWS_A_PART, (part + 1) * ROWS_A_PART)
    return Partial(outputs=[columns.packed(answer) for answer in answers], status=status.tolist())


def _exact(params: Params) -> Array:
    """The closed form of one option. Raises CalcError where Heston's integral does not converge."""
    answers, status = _checked(params, 0, 1)
    if status[0]:
        raise CalcError("Heston's integral does not converge for these parameters.", code="no_convergence")
    answer: Array = answers[:, 0]
    return answer


def _or_none(value: float) -> float | None:
    """The number, None where it is not finite; never -0."""
    return float(value) + 0.0 if math.isfinite(value) else None
