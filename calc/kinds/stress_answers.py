"""The answers of the kind `stress_test`: what a part gives, and what is told of all of them."""

import math
from typing import Any

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from calc.kind import Caution
from calc.kinds.stress_terms import BAD_INPUT, STATUSES, Book, Params, book, factors_of, linear_only
from calc.numerics import columns

Array = NDArray[np.float64]


class Found(Struct, frozen=True):
    """The reverse scenario."""

    moves: list[float]
    distance: float
    loss: float
    iterations: int


class Partial(Struct, frozen=True):
    """Packed 8-byte floats of scenarios `first` … : profits, what each shock does alone (in the order of the data), and
    profits by position where rows are asked for."""

    first: int
    pnl: bytes
    alone: bytes
    rows: list[bytes]
    reverse: Found | None


class Moved(Struct, frozen=True):
    """A scenario. `contributions` by factor; with `interaction` they add up to `pnl`."""

    name: str
    pnl: float
    contributions: dict[str, float]
    interaction: float


class Worst(Struct, frozen=True):
    """The scenario that loses most; the first of equals."""

    name: str
    pnl: float


class ReverseFound(Struct, frozen=True):
    """`shocks`: moves of the factors; `mahalanobis`: how many standard deviations that is."""

    shocks: dict[str, float]
    mahalanobis: float
    probability: float
    loss: float


class Diagnostics(Struct, frozen=True):
    """`counts`: positions by status; `residual`: of the reverse scenario, loss over target less 1."""

    method: str
    estimator: str
    positions: int
    counts: dict[str, int]
    iterations: int
    residual: float | None
    conventions: dict[str, str]
    units: dict[str, str]
    warnings: list[Caution]


class Result(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What was asked for; the rest is left out."""

    scenarios: list[Moved] | None = None
    worst: Worst | None = None
    reverse: ReverseFound | None = None
    status: list[str] | None = None
    positions_pnl: list[list[float | None]] | None = None
    standard_error: None
    diagnostics: Diagnostics


def answer(params: Params, accumulator: Partial) -> Result:
    """Profits, contributions, the worst, and the reverse scenario."""
    of = book(params)
    answers: dict[str, Any] = {}
    if params.positions is not None:
        answers["status"] = columns.worded(of.status, STATUSES)
    moved = _moved(params, accumulator)
    if moved:
        worst = min(moved, key=lambda each: each.pnl)
        answers |= {"scenarios": moved, "worst": Worst(worst.name, worst.pnl)}
    if accumulator.rows:
        answers["positions_pnl"] = [_in_place(columns.unpacked(row), of) for row in accumulator.rows]
    found = accumulator.reverse
    if found is not None and params.reverse is not None:
        answers["reverse"] = ReverseFound(
            shocks=dict(zip(factors_of(params.reverse, of), found.moves, strict=True)),
            mahalanobis=found.distance,
            probability=0.5 * math.erfc(found.distance / math.sqrt(2.0)),
            loss=found.loss,
        )
    return Result(**answers, standard_error=None, diagnostics=_diagnostics(params, of, found))


def _in_place(row: Array, of: Book) -> list[float | None]:
    """Profits of the good positions, among those that are not."""
    whole = np.full(of.status.size, np.nan)
    whole[of.place] = row
    return columns.listed(whole, of.status != BAD_INPUT)


def _moved(params: Params, accumulator: Partial) -> list[Moved]:
    pnl = columns.unpacked(accumulator.pnl).tolist()
    alone = iter(columns.unpacked(accumulator.alone).tolist())
    linear = linear_only(book(params))
    moved = []
    for each, profit in zip(params.scenarios or (), pnl, strict=True):
        by_factor = {name: next(alone) for name in each.shocks}
        rest = 0.0 if linear else profit - math.fsum(by_factor.values()) + 0.0
        moved.append(Moved(each.name, profit, by_factor, rest))
    return moved


def _diagnostics(params: Params, of: Book, found: Found | None) -> Diagnostics:
    counts = np.bincount(of.status, minlength=len(STATUSES)).tolist()
    conventions = {"pnl": "gain positive", "loss": "positive"}
    if params.reverse is not None:
        conventions["reverse"] = "relative moves of prices, absolute ones of yields, volatilities and rates"
        conventions["probability"] = "of at least this loss, if linear and normal"
    target = params.reverse.target_loss if params.reverse else 1.0
    return Diagnostics(
        method="closed_form" if linear_only(of) else "full_revaluation",
        estimator="linear" if linear_only(of) else "Black-Scholes-Merton options, bonds from their yields",
        positions=of.status.size,
        counts={word: n for word, n in zip(STATUSES, counts, strict=True) if n},
        iterations=found.iterations if found else 0,
        residual=found.loss / target - 1.0 + 0.0 if found else None,
        conventions=conventions,
        units={"pnl": "currency", "contributions": "currency", "loss": "currency", "mahalanobis": "none"},
        warnings=_cautions(params, of),
    )


def _cautions(params: Params, of: Book) -> list[Caution]:
    """Volatilities that a scenario would take below 0."""
    floored = [0.0] * len(of.factors)
    for b, volatility in zip(of.indexes[:, 1].tolist(), of.numbers[:, 4].tolist(), strict=True):
        if b >= 0:
            floored[b] = min(floored[b] or math.inf, volatility)
    place = {name: i for i, name in enumerate(of.factors)}
    cautions = []
    for i, each in enumerate(params.scenarios or ()):
        for name, shock in each.shocks.items():
            least = floored[place[name]]
            if least and (least * (1 + shock.value) if shock.type == "relative" else least + shock.value) < 0:
                detail = f"takes a volatility of {least:g} below 0: it was taken as 0"
                cautions.append(Caution("volatility_floored", f"$.data.scenarios[{i}].shocks", detail))
    return cautions[:100]
