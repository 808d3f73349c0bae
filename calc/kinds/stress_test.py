"""What a book gains or loses under scenarios, and the most likely scenario that loses a given amount.

Every position is revalued in full: profit = value(shocked factors) - value(now). A shock is relative (level × (1 + x))
or absolute (level + x).

    linear   quantity × price, or a value; `exposures` by factor are linear, and either type of shock is the move
    option   quantity × Black-Scholes-Merton of spot, strike, maturity, volatility, rate, dividend yield; the symbol
             moves the spot, `volatility_factor` and `rate_factor` the two (volatility does not go below 0)
    bond     face/100 × Σ coupons and 100 at a periodic yield; the symbol moves the yield

`pnl` is by scenario, a gain is positive. `contributions` are what each factor's shock does alone; `interaction` is the
rest, 0 for linear books. With `output` rows there is `positions_pnl`, scenarios × positions.

`reverse`: minimise x'S⁻¹x over moves x with loss(x) = target_loss. Linear: x = -L S w / (w'S w), distance
L/√(w'S w) (Breuer, Jandačka, Mencía and Summer 2012). Otherwise the rule of Hasofer, Lind, Rackwitz and Fiessler from
several starts: a local search, told with its residual. Moves are relative for prices, absolute for yields,
volatilities and rates. `probability` is that of at least this loss for a linear book of normal factors, Φ(-distance).

Positions have a `status`: ok, or bad_input (a number missing, out of bounds, or of another type of position), which is
in no figure. Bounds: prices and strikes to 1e9, maturity to 100 (bonds 200) years, volatility 0 to 10, rates -0.5
to 1, yields -0.5 to 10, quantity to 1e12.

Refused: unknown factors (with the nearest name), relative shocks of a price at or below -1, absolute shocks of a
position that has a value alone, a covariance that is none, a target that no move reaches (with the largest loss found).
Accuracy: 1e-12 relative; reverse 1e-7 of the moves for non-linear books, exact for linear ones. Self-checks:
contributions of linear books add up; the reverse scenario loses the target.
Cost: 0.3 ns a linear position and scenario, 15 ns an option, 10 ns a bond of 20 coupons, as much again for what each of
several factors does alone. A position takes 60 to 200 bytes of the request.
"""

import math

import numpy as np
from numpy.typing import NDArray

from calc import lazy
from calc.covariances import from_covariance
from calc.errors import CalcError, Fault, InvalidData
from calc.kind import Plan, never_enough, no_estimate
from calc.kinds.stress_answers import Found, Partial, Result, answer
from calc.kinds.stress_terms import (
    Book,
    Params,
    Reverse,
    book,
    condensed,
    factors_of,
    faults_of,
    linear_only,
    shocks,
)
from calc.numerics import columns, reverse_stress

revaluation = lazy.module("calc.kernels.revaluation")

NAME = "stress_test"
VERSION = 1
ALIASES: tuple[str, ...] = ()
SUMMARY = "Profit and loss of a book under scenarios, and the most likely scenario that loses a given amount."
EXAMPLE = {
    "positions": [
        {"symbol": "SPX", "quantity": 100, "price": 5200},
        {
            "symbol": "SPX",
            "type": "option",
            "option_type": "put",
            "quantity": 200,
            "price": 5200,
            "strike": 5000,
            "maturity": 0.5,
            "volatility": 0.18,
            "rate": 0.045,
            "volatility_factor": "VIX",
        },
        {
            "symbol": "USD10Y",
            "type": "bond",
            "quantity": 1_000_000,
            "maturity": 9.5,
            "coupon": 0.04,
            "frequency": 2,
            "yield": 0.043,
        },
    ],
    "scenarios": [
        {
            "name": "crash",
            "shocks": {"SPX": {"type": "relative", "value": -0.2}, "VIX": {"type": "absolute", "value": 0.15}},
        },
        {"name": "rates up", "shocks": {"USD10Y": {"type": "absolute", "value": 0.01}}},
    ],
    "reverse": {
        "target_loss": 50_000,
        "covariance": [[0.03, -0.004, -0.0002], [-0.004, 0.002, 0.0], [-0.0002, 0.0, 0.0001]],
    },
}

SCENARIOS_A_PART, SCENARIOS_A_PART_OF_ROWS, POSITIONS_A_PART = 256, 32, 4096
SECONDS = {0: 4e-10, 1: 4e-8, 2: 1.5e-8}  # of a position under a scenario, by its type
SCENARIOS_AT_LEAST = 8  # as many take as long as fewer
SECONDS_A_REVERSED = 2e-5  # of an option or a bond, for each factor of a reverse scenario
SECONDS_A_POSITION, SECONDS_A_SCENARIO, SECONDS_A_SHOCK = 4e-6, 7e-6, 9e-7

Array = NDArray[np.float64]


Accumulator = Partial


def plan(params: Params) -> Plan:
    """Ranges of scenarios × ranges of positions, and one part more for reverse. All that is wrong is told here."""
    faults = faults_of(params)
    if not faults and params.reverse is not None:
        names = factors_of(params.reverse, book(params))
        faults = [
            Fault("$.reverse" + fault.path[1:], fault.detail, fault.value, fault.allowed, fault.code)
            for fault in from_covariance(params.reverse.covariance, names)[1]
        ]
    if faults:
        raise InvalidData(faults)
    return Plan(parts=_scenario_parts(params) + (params.reverse is not None))


def cost(params: Params) -> float:
    """Estimated CPU seconds of all parts: by type of position, more where contributions are apart; and reverse."""
    of, whole = _counted(params), book(params)
    each = math.fsum(SECONDS[kind] * float(np.count_nonzero(of.kinds == kind)) for kind in SECONDS)
    scenarios = params.scenarios or ()
    seconds = 4e-4 + SECONDS_A_POSITION * whole.status.size + SECONDS_A_SCENARIO * len(scenarios)
    seconds += SECONDS_A_SHOCK * sum(len(scenario.shocks) for scenario in scenarios)
    seconds += each * max(len(scenarios), SCENARIOS_AT_LEAST if scenarios else 0)
    if params.reverse is not None:
        seconds += SECONDS_A_REVERSED * float(np.count_nonzero(of.kinds)) * len(of.factors)
    return seconds


def run(params: Params, part: int) -> Partial:
    """A range of scenarios over a range of positions, or the reverse scenario. Raises CalcError."""
    of = _counted(params)
    if part == _scenario_parts(params):
        assert params.reverse is not None
        return Partial(0, b"", b"", [], _reversed(params.reverse, of))
    across, block = divmod(part, _position_parts(of))
    first = across * _a_part(params)
    end = min(first + _a_part(params), len(params.scenarios or ()))
    own = slice(block * POSITIONS_A_PART, (block + 1) * POSITIONS_A_PART)
    relative, absolute = shocks(params, of, first, end)
    total, alone = np.zeros(end - first), np.zeros(relative.shape)
    rows = np.zeros((end - first, of.kinds[own].size) if params.output == "rows" else (0, 0))
    columns_of = of.kinds[own], of.numbers[own], of.indexes[own]
    revaluation.profits(*columns_of, relative, absolute, total, alone, rows)
    if not of.kinds[own].any():
        check_contributions(total, alone.sum(axis=1), np.abs(alone).sum(axis=1))
    place = {name: i for i, name in enumerate(of.factors)}
    told = [alone[s, place[name]] for s, each in enumerate((params.scenarios or [])[first:end]) for name in each.shocks]
    packed = [columns.packed(row) for row in rows]
    return Partial(first, columns.packed(total), columns.packed(np.array(told)), packed, None)


def reduce(params: Params, accumulator: Partial | None, partials: list[Partial]) -> Partial:
    """Scenarios one after the other; ranges of positions of one range of scenarios are added up."""
    counts = [len(each.shocks) for each in params.scenarios or ()]
    starts = np.concatenate([[0], np.cumsum(counts, dtype=np.int64)]) if counts else np.zeros(1, np.int64)
    before = accumulator or Partial(0, b"", b"", [], None)
    pnl, alone = columns.unpacked(before.pnl).copy(), columns.unpacked(before.alone).copy()
    rows, found = list(before.rows), before.reverse
    for each in partials:
        found = each.reverse or found
        if each.reverse is not None:
            continue
        pnl = _added(pnl, columns.unpacked(each.pnl), each.first)
        alone = _added(alone, columns.unpacked(each.alone), int(starts[each.first]))
        for i, row in enumerate(each.rows):
            if each.first + i == len(rows):
                rows.append(row)
            else:
                rows[each.first + i] += row
    return Partial(0, columns.packed(pnl), columns.packed(alone), rows, found)


estimate, enough = no_estimate, never_enough


def result(params: Params, accumulator: Partial) -> Result:
    """Profits, contributions, the worst, and the reverse scenario."""
    return answer(params, accumulator)


def check_contributions(total: Array, added: Array, gross: Array) -> None:
    """Self-check: in a linear book the factors' contributions add up to the whole."""
    if not (np.abs(total - added) <= 1e-9 * gross + 1e-300).all():
        raise CalcError("The self-check contributions failed: they do not add up.", code="internal_check_failed")


def check_reverse(loss: float, target: float) -> None:
    """Self-check: the reverse scenario loses the target."""
    if not abs(loss - target) <= 1e-8 * target:
        raise CalcError(f"The self-check reverse failed: {loss!r} is lost.", code="internal_check_failed")


def _counted(params: Params) -> Book:
    """The positions to go through: one by one where they are told, else linear ones by factor."""
    return book(params) if params.output == "rows" else condensed(params)


def _a_part(params: Params) -> int:
    return SCENARIOS_A_PART if params.output == "totals" else SCENARIOS_A_PART_OF_ROWS


def _position_parts(of: Book) -> int:
    return max(math.ceil(of.kinds.size / POSITIONS_A_PART), 1)


def _scenario_parts(params: Params) -> int:
    return math.ceil(len(params.scenarios or ()) / _a_part(params)) * _position_parts(_counted(params))


def _added(whole: Array, piece: Array, first: int) -> Array:
    """`piece` added to `whole` from `first` on, or put behind it."""
    if first >= whole.size:
        return np.concatenate([whole, piece])
    whole[first : first + piece.size] += piece
    return whole


def _reversed(reverse: Reverse, of: Book) -> Found:
    names = factors_of(reverse, of)
    order = np.array([of.factors.index(name) for name in names])
    covariance, _ = from_covariance(reverse.covariance, names)
    relative = np.array(of.prices)[order]
    try:
        if linear_only(of):
            exposed = np.zeros(len(of.factors))
            for k in range(len(of.factors)):
                exposed[k] = math.fsum(of.numbers[of.indexes[:, 0] == k, 0])
            found = reverse_stress.linear(exposed[order], covariance, reverse.target_loss)
        else:
            found = reverse_stress.general(lambda x: _losses(of, order, relative, x), covariance, reverse.target_loss)
    except reverse_stress.NotReached as error:
        detail = f"is not reached: the largest loss found is {error.largest:.6g}"
        fault = Fault("$.data.reverse.target_loss", detail, reverse.target_loss, code="not_attainable")
        raise InvalidData([fault]) from None
    check_reverse(found.loss, reverse.target_loss)
    return Found(found.moves.tolist(), found.distance, found.loss, found.iterations)


def _losses(of: Book, order: NDArray[np.int64], relative: NDArray[np.bool_], moves: Array) -> Array:
    """Of moves (scenarios × factors in the order of the covariance)."""
    shock, move = np.zeros(moves.shape), np.zeros(moves.shape)
    shock[:, order] = np.where(relative, moves, 0.0)
    move[:, order] = np.where(relative, 0.0, moves)
    total, nothing = np.zeros(len(moves)), np.zeros((0, 0))
    revaluation.profits(of.kinds, of.numbers, of.indexes, shock, move, total, nothing, nothing)
    return -total
