"""What is wrong with the data of `var_historical`: paths begin with $."""

import math
from typing import Any

from calc.checks import ragged_faults
from calc.errors import Fault
from calc.numerics import tails
from calc.positions import Position, exposures, symbols_of

MOST_NUMBERS = 5_000_000
MOST_DAYS = 90_000  # of a backtest
SERIES = ("losses", "returns", "exposures", "positions", "symbols")
COUNTS = ("observations", "exceptions", "n00", "n01", "n10", "n11")


def find(params: Any) -> list[Fault]:
    """Every fault between the fields."""
    if params.task == "backtest" and params.losses is None and params.returns is None:
        return _faults_of_counts(params)
    faults = [
        Fault(f"$.{field}", "belongs to a backtest without losses and returns")
        for field in COUNTS
        if getattr(params, field) is not None
    ]
    if isinstance(params.confidence, list):
        if not params.confidence:
            faults.append(Fault("$.confidence", "is empty"))
        if params.task == "backtest" and len(params.confidence) > 1:
            faults.append(Fault("$.confidence", "is one number for a backtest"))
    if params.confidence is None and params.task != "ewma":
        faults.append(Fault("$.confidence", f"is missing: {params.task} needs it", code="missing"))
    if params.task != "var" and params.horizon_days != 1:
        faults.append(Fault("$.horizon_days", f"is 1 for the task {params.task}", params.horizon_days))
    if params.filter_by == "symbol" and (params.task != "var" or params.method != "filtered" or params.returns is None):
        faults.append(Fault("$.filter_by", "symbol belongs to the task var, the method filtered, and returns"))
    return faults + _faults_of_series(params)


def confidences(params: Any) -> list[float]:
    """All that were asked for, the first of them first."""
    if params.confidence is None:
        return []
    return list(params.confidence) if isinstance(params.confidence, list) else [params.confidence]


def held_of(params: Any) -> list[float]:
    """What is held of each column of the returns: 1 of a single column whose variance is asked."""
    if params.positions is not None:
        return exposures(params.positions, params.symbols or symbols_of(params.positions))
    return list(params.exposures) if params.exposures is not None else [1.0]


def _faults_of_counts(params: Any) -> list[Fault]:
    pair = [params.observations, params.exceptions]
    four = [params.n00, params.n01, params.n10, params.n11]
    faults = [
        Fault(f"$.{field}", "belongs to losses or returns")
        for field in ("exposures", "positions", "symbols", "window")
        if getattr(params, field) is not None
    ]
    if pair == [None, None] and four == [None] * 4:
        return [*faults, Fault("$", "needs losses, returns, observations and exceptions, or n00, n01, n10 and n11")]
    for names, given in ((COUNTS[:2], pair), (COUNTS[2:], four)):
        if any(each is not None for each in given):
            faults += [
                Fault(f"$.{name}", "is missing", code="missing")
                for name, each in zip(names, given, strict=True)
                if each is None
            ]
    if faults:
        return faults
    if pair[0] is not None and pair[1] > pair[0]:
        faults.append(Fault("$.exceptions", "are more than the observations", pair[1], code="out_of_range"))
    if pair[0] is not None and params.confidence is None:
        faults.append(Fault("$.confidence", "is missing: the exceptions are beyond VaR of it", code="missing"))
    if four[0] is not None and sum(four) == 0:
        faults.append(Fault("$.n00", "and the others are all 0: there is no day", 0))
    if isinstance(params.confidence, list) and len(params.confidence) != 1:
        faults.append(Fault("$.confidence", "is one number for a backtest"))
    return faults


def _faults_of_series(params: Any) -> list[Fault]:
    if (params.losses is None) == (params.returns is None):
        return [Fault("$", "needs losses or returns, and not both", allowed="losses, or returns with exposures")]
    if params.losses is not None:
        rows = len(params.losses)
        faults = [
            Fault(f"$.{field}", "belongs to returns, and losses were sent")
            for field in ("exposures", "positions", "symbols")
            if getattr(params, field) is not None
        ]
    else:
        rows, faults = len(params.returns or ()), _faults_of_returns(params)
    if params.window is not None:
        if params.window > rows:
            detail = f"must be at most the number of observations, {rows}"
            faults.append(Fault("$.window", detail, params.window, code="out_of_range"))
        if params.task == "backtest" and not 1 <= rows - params.window <= MOST_DAYS:
            detail = f"leaves {rows - params.window} days to test: from 1 to {MOST_DAYS:,}"
            faults.append(Fault("$.window", detail, params.window, code="out_of_range"))
        rows = min(rows, params.window)
    elif params.task == "backtest":
        faults.append(Fault("$.window", "is missing: VaR of a day is made from so many days before", code="missing"))
    if not rows and params.task == "ewma":
        faults.append(Fault("$.losses" if params.losses is not None else "$.returns", "has no observations"))
    needed = () if params.task == "ewma" or params.method in ("parametric", "ewma") else confidences(params)
    for confidence in needed:
        if tails.expected_beyond(confidence, rows) < 1:
            least = math.ceil(1 / tails.expected_beyond(confidence, 1))
            detail = f"{rows} observations cannot support confidence {confidence:g}: it needs {least:,}"
            faults.append(Fault("$.confidence", detail, confidence, code="too_few_observations"))
    if params.method in ("parametric", "ewma") and rows < 2:
        faults.append(Fault("$.confidence", f"{rows} observations are too few", code="too_few_observations"))
    return faults


def _faults_of_returns(params: Any) -> list[Fault]:
    returns = params.returns or []
    columns = len(returns[0]) if returns else 0
    faults = ragged_faults("$.returns", returns)
    if len(returns) * columns > MOST_NUMBERS:
        faults.append(Fault("$.returns", f"has more than {MOST_NUMBERS:,} numbers", code="too_large"))
    if params.symbols is not None and len(params.symbols) != columns:
        detail = f"has {len(params.symbols)} names for {columns} columns"
        faults.append(Fault("$.symbols", detail, code="length_mismatch"))
    if params.symbols is not None and len(set(params.symbols)) < len(params.symbols):
        faults.append(Fault("$.symbols", "names a column twice", code="duplicate"))
    if params.task == "ewma" and columns == 1 and params.exposures is None and params.positions is None:
        return faults
    if (params.exposures is None) == (params.positions is None):
        return [*faults, Fault("$.positions", "or exposures are needed beside returns, and not both")]
    if params.exposures is not None and len(params.exposures) != columns:
        detail = f"has {len(params.exposures)} entries for {columns} columns"
        faults.append(Fault("$.exposures", detail, code="length_mismatch"))
    return faults + (_faults_of_positions(params.positions, params.symbols, columns) if params.positions else [])


def _faults_of_positions(positions: list[Position], symbols: list[str] | None, columns: int) -> list[Fault]:
    if symbols is None:
        held = len(symbols_of(positions))
        if held == columns:
            return []
        return [Fault("$.positions", f"hold {held} symbols for {columns} columns", code="length_mismatch")]
    return [
        Fault(f"$.positions[{i}].symbol", "has no column in symbols", position.symbol)
        for i, position in enumerate(positions)
        if position.symbol not in symbols
    ]
