"""An option that may be exercised early, under Black and Scholes: at dates or at any time, on one asset or the dearest.

    price = max over exercise times τ of E[e^(-rτ) payoff(τ)],   payoff = max(±(S - K), 0), or max(max S_i - K, 0)

At dates (`exercise_dates`) it is simulated by Longstaff and Schwartz (2001), in two steps. A *policy* is found by
regression on paths of its own; `price` is what the option is worth under it, on fresh paths. No policy beats the best,
so `price` is biased low, by about 0.01 % (max_call 0.05 %) with the defaults, and its standard error is conditional on
the policy. The control variate is the European option at the moment of exercise (Rasmussen 2005); a max_call has the
sum of the calls on each asset. `upper_bound` adds the dual of Andersen and Broadie (2004): the true value lies between
`price` and `upper`, up to their standard errors; where no outer path gains anything `upper` is null. A vanilla call is
simulated as the put that it is when seen from the share (McDonald and Schroder 1998).

At any time (no `exercise_dates`; vanilla) it is the integral equation of Andersen, Lake and Offengenden (2016), to
about 1e-7 of the strike, and `standard_error` is null. That value is also given as `american` beside a simulated price.
Where early exercise is never worth anything (a call with rate >= 0 and no dividends, say), where there is one date, or
no volatility, the answer is exact. If now is a date and exercise is worth more than waiting, that is the price.

Refused: fields of the other style; dates that do not ascend or do not end at maturity; a correlation that is none
(`not_psd`); a max_call whose largest volatility × √maturity is above 2.5; more than 2^28 policy paths × dates × assets
or 1e12 path-steps (`too_large`); exercise at any time where two boundaries exist (dividend yield below a negative rate;
for a call the other way round): send dates.
Where the policy turns out worth less than exercise on one date alone, that right is the price, by its formula, and a
caution says so (`one_date`): with rates below 0, hardly any volatility or few policy paths.
Self-checks: the controls' mean is the European value, price <= continuous exercise, price <= upper, each to 6 s.e.
Cost: 2.5 ns for each path and date (max_call 28 ns for each asset), ten times that for a path of the policy
(max_call twice), and that of outer × inner paths × half the square of the dates for the upper bound.
"""

import math
from typing import Any

from msgspec import Struct

from calc.errors import CalcError, InvalidData
from calc.kind import Estimate, Plan, once_per_params
from calc.kinds.option_american_answers import Result, exact_result, simulated_result
from calc.kinds.option_american_bounds import within
from calc.kinds.option_american_setting import Setting, as_put, is_exact, setting_of
from calc.kinds.option_american_terms import Params, correlation_of, moves
from calc.numerics import american, moments
from calc.numerics.american import Array
from calc.numerics.moments import Moments

NAME = "option_american"
ANY_SIZE = True
VERSION = 3
ALIASES: tuple[str, ...] = ()
SUMMARY = "Price of an option with early exercise, at dates (Longstaff-Schwartz, with an upper bound) or at any time."
EXAMPLE = {
    "type": "put",
    "spot": 36,
    "strike": 40,
    "maturity": 1,
    "rate": 0.06,
    "volatility": 0.2,
    "exercise_dates": 50,
    "paths": 100_000,
    "seed": 42,
}
_OPTION = {"type": "put", "spot": 36, "strike": 40, "maturity": 1, "rate": 0.06, "volatility": 0.2}
_MAX_CALL = {
    "style": "max_call",
    "spots": [90, 95],
    "strike": 100,
    "maturity": 1,
    "rate": 0.05,
    "dividend_yields": [0.1, 0.1],
    "volatilities": [0.2, 0.2],
    "correlation": 0.3,
    "exercise_dates": 3,
    "policy_paths": 4096,
}
_FEW = {"paths": 1000, "outer_paths": 64, "inner_paths": 16, "seed": 1}
FURTHER_EXAMPLES: tuple[dict[str, Any], ...] = (
    {**_OPTION, "seed": 1},
    {**_OPTION, **_FEW, "exercise_dates": 4, "policy_paths": 4096, "upper_bound": True},
    {**_MAX_CALL, **_FEW, "upper_bound": True},
)

BLOCK = 2**13  # paths that share a random stream: part of the version, the bits depend on it
SLOPE_BLOCKS = 2  # after which the control's coefficient within the upper bound is fixed
_PART_S, _PART_TO_TARGET_S = 0.5, 0.06


class Partial(Struct, frozen=True):
    """Observations are paths or antithetic pairs, in units of the strike: payoff and control; exercised, and × time."""

    price: Moments
    exercised: Moments
    upper: Moments


Accumulator = Partial
NOTHING = Partial(moments.NOTHING, moments.NOTHING, moments.NOTHING)


def plan(params: Params) -> Plan:
    """Blocks of paths, and with them outer paths of the upper bound. With a target, waves begin with one part."""
    if params.style == "max_call":
        faults = correlation_of(params)[1]
        if faults:
            raise InvalidData(faults)
    elif params.exercise_dates is None and moves(params) and american.shape(as_put(params)) == "between":
        detail = "with such a rate and dividend yield there are two exercise boundaries: send exercise_dates"
        raise CalcError(f"Exercise at any time: {detail}.", code="two_boundaries")
    if is_exact(params):
        return Plan(parts=1)
    return Plan(_parts(params)) if params.target_standard_error is None else Plan(_parts(params), first_wave=1)


def cost(params: Params) -> float:
    """Policy, blocks and upper bound; the policy once for the first process."""
    if is_exact(params):  # a boundary that stays away from the strike is found sooner
        away = (params.rate > (params.dividend_yield or 0.0)) == (params.type == "call")
        return 2.5e-3 if away else 7e-3
    policy = (2.2e-8 if params.style == "vanilla" else 6e-8) * params.policy_size * params.dates * params.assets
    return 5e-3 + policy + _block_s(params) * _blocks(params.paths) + _dual_s(params)


def run(params: Params, part: int) -> Partial:
    """The part's blocks, merged in their order, and its outer paths."""
    exercise = setting(params).exercise
    if exercise is None:
        return NOTHING
    size = math.ceil(_blocks(params.paths) / _parts(params))
    found = _blocks_merged(params, part * size, min((part + 1) * size, _blocks(params.paths)))
    size = math.ceil(params.outer_paths / _parts(params))
    count = min(size, params.outer_paths - part * size) if params.upper_bound else 0
    if count <= 0:
        return found
    samples = exercise.upper(
        policy(params), params.basis_degree, _seed(params), part * size, count, params.inner_paths // 2, _slope(params)
    )
    return Partial(found.price, found.exercised, moments.of(samples))


def reduce(params: Params, accumulator: Partial | None, partials: list[Partial]) -> Partial:
    """Moments, merged in part order."""
    folded = accumulator or NOTHING
    for each in partials:
        folded = _merged(folded, each)
    return folded


def estimate(params: Params, accumulator: Partial) -> Estimate | None:
    """The price so far, once there are paths."""
    if accumulator.price.n == 0:
        return None
    price, error, _ = _price(params, accumulator.price)
    unit = setting(params).unit
    return Estimate(price * unit, error * unit, paths_in(params, accumulator))


def enough(params: Params, accumulator: Partial) -> bool:
    """Whether the standard error has come down to the target."""
    so_far = estimate(params, accumulator) if params.target_standard_error is not None else None
    return so_far is not None and so_far.standard_error <= (params.target_standard_error or 0.0)


def result(params: Params, accumulator: Partial) -> Result:
    """The price and all beside it, in currency."""
    problem = setting(params)
    if problem.exact is not None:
        return exact_result(params, problem, problem.exact)
    assert problem.exercise is not None
    found = _price(params, accumulator.price)
    price = within(params, problem, problem.exercise, found, accumulator.price, accumulator.exercised)
    paths = paths_in(params, accumulator)
    upper = moments.mean(accumulator.upper) if accumulator.upper.n > 1 else None
    return simulated_result(
        params, problem, policy(params), price, upper, accumulator.exercised, paths, _blocks(paths), BLOCK
    )


def paths_in(params: Params, partial: Partial) -> int:
    """Paths in the moments of a partial, or of all that are folded."""
    return partial.price.n * _sides(params) if partial.price.n else 0


@once_per_params
def setting(params: Params) -> Setting:
    """What follows from Params at once."""
    return setting_of(params)


@once_per_params
def policy(params: Params) -> Array:
    """When to exercise: every process that helps works it out once."""
    exercise = setting(params).exercise
    assert exercise is not None
    return exercise.policy(_seed(params), params.policy_size, params.basis_degree)


@once_per_params
def _slope(params: Params) -> float:
    """The control's coefficient within the upper bound, from the first blocks: any is right, a good one is fast."""
    sample = _blocks_merged(params, 0, min(SLOPE_BLOCKS, _blocks(params.paths))).price
    return sample.xy / sample.yy if sample.yy > 0 and _controlled(params) else 0.0


def _blocks_merged(params: Params, first: int, end: int) -> Partial:
    merged, exercise, sides = NOTHING, setting(params).exercise, _sides(params)
    assert exercise is not None
    for number in range(first, end):
        n = min(BLOCK, params.paths - number * BLOCK) // sides
        found = exercise.block(policy(params), params.basis_degree, _seed(params), number, n, sides)
        price = moments.of(found.payoffs, found.controls)
        merged = _merged(merged, Partial(price, moments.of(*found.exercised), moments.NOTHING))
    return merged


def _merged(a: Partial, b: Partial) -> Partial:
    return Partial(
        moments.merge(a.price, b.price), moments.merge(a.exercised, b.exercised), moments.merge(a.upper, b.upper)
    )


def _price(params: Params, sample: Moments) -> tuple[float, float, float | None]:
    """Price and standard error in units of the strike, and the control's coefficient if there is one.

    Where no path is worth anything the control takes over whole: its coefficient is that of maturity, 1.
    """
    exercise = setting(params).exercise
    assert exercise is not None
    if not _controlled(params):
        return *moments.mean(sample), None
    if sample.yy == 0 and sample.mean_x == 0:
        return sample.mean_x - (sample.mean_y - exercise.control()), 0.0, 1.0
    return moments.controlled_mean(sample, exercise.control())


def _controlled(params: Params) -> bool:
    return params.variance_reduction.endswith("control")


def _sides(params: Params) -> int:
    """Paths of an observation: 2 for a mirrored pair."""
    return 2 if params.variance_reduction.startswith("antithetic") else 1


def _seed(params: Params) -> int:
    return params.seed or 0


def _blocks(paths: int) -> int:
    return math.ceil(paths / BLOCK)


def _step_s(params: Params) -> float:
    """Seconds of a path from one date to the next."""
    return 2.3e-9 if params.style == "vanilla" else 2.8e-8 * params.assets


def _block_s(params: Params) -> float:
    return BLOCK * (_step_s(params) * params.dates + 5e-8 * params.assets)


def _dual_s(params: Params) -> float:
    return (1.5 if params.style == "vanilla" else 1.0) * _step_s(params) * params.dual_steps


def _parts(params: Params) -> int:
    """As many as make each about half a second, or less with a target."""
    seconds = _PART_S if params.target_standard_error is None else _PART_TO_TARGET_S
    blocks = max(int(seconds / _block_s(params)), 1)
    dual = min(math.ceil(_dual_s(params) / _PART_S), params.outer_paths)
    return max(math.ceil(_blocks(params.paths) / blocks), dual)
