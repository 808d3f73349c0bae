"""How returns move together, as clients may say it: one number, a matrix, pairs, or a covariance matrix."""

import itertools
from typing import Annotated

import numpy as np
from msgspec import Meta
from numpy.typing import NDArray

from calc.errors import Fault, step
from calc.numerics import correlation as checks
from calc.numerics.correlation import Wrong

Matrix = NDArray[np.float64]
RANGE = "must be from -1 to 1"

Correlation = Annotated[
    float | list[list[float]] | dict[str, float],
    Meta(
        title="Correlation",
        description="Of the symbols' returns: one number for every pair; a matrix in the order in which the symbols "
        'first stand in the positions; or an object of all pairs, {"AAPL/MSFT": 0.6}.',
        examples=[0.3, [[1, 0.6], [0.6, 1]], {"AAPL/MSFT": 0.6}],
        extra_json_schema={"x-unit": "none"},
    ),
]
CovarianceMatrix = Annotated[
    list[list[float]],
    Meta(
        title="Covariance",
        description="In place of volatilities and correlation: a matrix in the order in which the symbols first stand.",
        examples=[[[0.04, 0.018], [0.018, 0.09]]],
        extra_json_schema={"x-unit": "per volatility_period"},
    ),
]


def from_correlation(
    given: float | list[list[float]] | dict[str, float] | None, volatilities: list[float], symbols: list[str]
) -> tuple[Matrix, list[Fault]]:
    """The covariance matrix, and the faults of the correlation (paths begin with $.correlation)."""
    size = len(symbols)
    path = "$.correlation"
    if given is None:
        if size > 1:
            detail = "is missing: 0 says that the symbols move independently"
            return np.eye(size), [Fault(path, detail, allowed="a number, a matrix or an object of pairs")]
        given = 0.0
    if isinstance(given, dict):
        matrix, faults = _from_pairs(given, symbols)
    elif isinstance(given, list):
        faults = _told(checks.square(given, size), path)
        matrix = np.eye(size) if faults else np.array(given, dtype=np.float64)
    else:
        faults = [Fault(path, RANGE, given, code="out_of_range")] if abs(given) > 1 else []
        matrix = np.full((size, size), given)
        np.fill_diagonal(matrix, 1.0)
    if not faults:
        faults = _told(checks.check_correlation(matrix, symbols), path)
    if faults:
        return np.eye(size), faults
    return matrix * np.multiply.outer(np.array(volatilities), np.array(volatilities)), []


def from_covariance(given: list[list[float]], symbols: list[str]) -> tuple[Matrix, list[Fault]]:
    """The covariance matrix, and its faults (paths begin with $.covariance)."""
    path = "$.covariance"
    faults = _told(checks.square(given, len(symbols)), path)
    if faults:
        return np.eye(len(symbols)), faults
    matrix = np.array(given, dtype=np.float64)
    return matrix, _told(checks.check_covariance(matrix, symbols), path)


def smallest_eigenvalue(covariance: Matrix) -> float:
    """Of the correlation matrix of the symbols that move at all; 0.0 when none does."""
    scale = np.sqrt(covariance.diagonal())
    live = np.flatnonzero(scale)
    if not live.size:
        return 0.0
    moving = covariance[np.ix_(live, live)] / np.multiply.outer(scale[live], scale[live])
    return float(np.linalg.eigvalsh(moving)[0])


def _from_pairs(given: dict[str, float], symbols: list[str]) -> tuple[Matrix, list[Fault]]:
    matrix, faults = np.eye(len(symbols)), []
    place = {symbol: i for i, symbol in enumerate(symbols)}
    seen: set[tuple[int, int]] = set()
    for key, value in given.items():
        pair = _pair(key, place)
        path = step("$.correlation", key)
        if pair is None:
            faults.append(Fault(path, "is not a pair of symbols of the positions", allowed="like AAPL/MSFT"))
        elif pair in seen:
            faults.append(Fault(path, "is a pair that is given already", code="duplicate_key"))
        elif abs(value) > 1:
            seen.add(pair)
            faults.append(Fault(path, RANGE, value, code="out_of_range"))
        else:
            seen.add(pair)
            matrix[pair] = matrix[pair[::-1]] = value
    for i, j in itertools.combinations(range(len(symbols)), 2):
        if (i, j) not in seen:
            faults.append(Fault(step("$.correlation", f"{symbols[i]}/{symbols[j]}"), "is missing", code="missing"))
    return matrix, faults[:100]


def _pair(key: str, place: dict[str, int]) -> tuple[int, int] | None:
    """Both symbols of "A/B"; a symbol may hold a slash itself."""
    cuts = [i for i, letter in enumerate(key) if letter == "/"]
    found = [(place[key[:i]], place[key[i + 1 :]]) for i in cuts if key[:i] in place and key[i + 1 :] in place]
    if len(found) != 1 or found[0][0] == found[0][1]:
        return None
    return min(found[0]), max(found[0])


def _told(wrong: list[Wrong], path: str) -> list[Fault]:
    return [Fault(path + each.place, each.detail, code=each.code) for each in wrong[:100]]
