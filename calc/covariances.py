"""How returns move together, as clients may say it: one number, a matrix, pairs, or a covariance matrix."""

import itertools
from typing import Annotated, Literal, NamedTuple

import numpy as np
from msgspec import Meta
from numpy.typing import NDArray

from calc.errors import CalcError, Fault, step
from calc.numerics import columns, nearest
from calc.numerics import correlation as checks
from calc.numerics.correlation import Wrong
from calc.quantities import Volatility, measure

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
AssetNames = Annotated[
    list[Annotated[str, Meta(min_length=1, max_length=64)]] | None,
    Meta(
        title="Assets",
        description='Their names, in the order of all lists; without it they are "asset_1", "asset_2" and so on.',
        examples=[["AAPL", "MSFT"]],
    ),
]
AssetCovariance = Annotated[
    Annotated[list[list[float]], Meta(min_length=1, max_length=2000)] | None,
    Meta(
        title="Covariance",
        description="Of the assets' returns, a full matrix; or send volatility and correlation.",
        examples=[[[0.04, 0.018], [0.018, 0.09]]],
        extra_json_schema={"x-unit": "per period of the returns"},
    ),
]
AssetVolatility = Annotated[
    Annotated[list[Volatility], Meta(min_length=1, max_length=2000)] | None,
    measure(
        "Volatility",
        "per square root of the period",
        "Standard deviations of the assets' returns, with correlation in place of covariance; 0.2 is 20 %.",
        [0.2, 0.3],
    ),
]
AssetCorrelation = Annotated[
    float | list[list[float]] | None,
    Meta(
        title="Correlation",
        description="Of the assets' returns: one number for every pair, or a full matrix.",
        examples=[0.3, [[1, 0.6], [0.6, 1]]],
        extra_json_schema={"x-unit": "none"},
    ),
]
Repair = Annotated[
    Literal["none", "nearest"],
    Meta(
        title="Repair",
        description="What to do with a matrix that is not positive semidefinite: refuse it, or take the nearest "
        "correlation matrix (Higham 2002); the answer tells how far that is.",
    ),
]


class Repaired(NamedTuple):
    """A covariance matrix that is one, and the Frobenius distance of its correlations from those that were sent."""

    covariance: Matrix
    distance: float | None  # None: nothing was to be repaired


def from_correlation(
    given: float | list[list[float]] | dict[str, float] | None,
    volatilities: list[float],
    symbols: list[str],
    keep_indefinite: bool = False,
) -> tuple[Matrix, list[Fault]]:
    """The covariance matrix, and the faults of the correlation (paths begin with $.correlation).

    Where there is a fault it is the identity; with `keep_indefinite`, not if the one fault is that.
    """
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
        matrix = np.eye(size) if faults or not size else columns.matrix(given)
    else:
        faults = [Fault(path, RANGE, given, code="out_of_range")] if abs(given) > 1 else []
        matrix = np.full((size, size), given)
        np.fill_diagonal(matrix, 1.0)
    if not faults:
        faults = _told(checks.check_correlation(matrix, symbols), path)
    if faults and not (keep_indefinite and all(map(_is_mendable, faults))):
        return np.eye(size), faults
    return matrix * np.multiply.outer(np.array(volatilities), np.array(volatilities)), faults


def from_covariance(given: list[list[float]], symbols: list[str]) -> tuple[Matrix, list[Fault]]:
    """The covariance matrix, and its faults (paths begin with $.covariance)."""
    path = "$.covariance"
    faults = _told(checks.square(given, len(symbols)), path)
    if faults:
        return np.eye(len(symbols)), faults
    matrix = columns.matrix(given) if given else np.zeros((0, 0))
    return matrix, _told(checks.check_covariance(matrix, symbols), path)


def of_assets(
    covariance: list[list[float]] | None,
    volatility: list[float] | None,
    correlation: float | list[list[float]] | None,
    names: list[str],
    repair: Literal["none", "nearest"],
) -> tuple[Matrix, list[Fault]]:
    """The n × n covariance as it was sent, and its faults. What `repaired` can mend is none where `repair` says so."""
    if covariance is not None:
        faults = [
            Fault(f"$.{field}", "stands in place of covariance: not beside it")
            for field, given in (("volatility", volatility), ("correlation", correlation))
            if given is not None
        ]
        matrix, wrong = from_covariance(covariance, names)
    elif volatility is None:
        missing = Fault("$.covariance", "is missing: or send volatility and correlation", code="missing")
        return np.eye(len(names)), [missing]
    else:
        faults = []
        matrix, wrong = from_correlation(correlation, volatility, names, keep_indefinite=True)
    indefinite = [fault for fault in wrong if _is_mendable(fault)]
    faults += [fault for fault in wrong if fault not in indefinite]
    if indefinite and repair == "none":
        offer = "; send repair 'nearest' to project it on the nearest that is (Higham 2002)"
        faults += [Fault(fault.path, fault.detail + offer, code=fault.code) for fault in indefinite]
    elif indefinite and len(names) > nearest.LARGEST:
        detail = f"a matrix of {len(names)} assets is not repaired: at most {nearest.LARGEST}"
        faults.append(Fault("$.repair", detail, repair, code="too_large"))
    return (0.5 * matrix + 0.5 * matrix.T if checks.asymmetry(matrix) else matrix), faults


def repaired(covariance: Matrix, repair: Literal["none", "nearest"]) -> Repaired:
    """The covariance to calculate with: variances stay, correlations move to the nearest that are possible.

    Raises CalcError where the nearest is not found.
    """
    if repair == "none" or not checks.check_covariance(covariance, [""] * len(covariance)):
        return Repaired(covariance, None)
    scale = np.sqrt(covariance.diagonal())
    live = np.flatnonzero(scale)
    bounds = np.multiply.outer(scale[live], scale[live])
    try:
        found, distance = nearest.nearest_correlation(covariance[np.ix_(live, live)] / bounds)
    except ArithmeticError as error:
        raise CalcError(f"The covariance cannot be repaired: {error}.", code="no_convergence") from None
    mended = np.zeros_like(covariance)
    mended[np.ix_(live, live)] = found * bounds
    return Repaired(mended, distance)


def _is_mendable(fault: Fault) -> bool:
    """Whether it is the matrix as a whole that is impossible, or a covariance beyond its variances."""
    return fault.code == "not_psd"


def asset_names(given: list[str] | None, size: int) -> tuple[list[str], list[Fault]]:
    """A name for each of `size` assets, and what is wrong with those given."""
    if given is None:
        return [f"asset_{i}" for i in range(1, size + 1)], []
    if len(given) != size:
        detail = f"has {len(given)} entries, the covariance has {size}"
        return [f"asset_{i}" for i in range(1, size + 1)], [Fault("$.assets", detail, code="length_mismatch")]
    first = {name: i for i, name in reversed(list(enumerate(given)))}
    twice = [i for i, name in enumerate(given) if first[name] != i]
    return given, [Fault(f"$.assets[{i}]", "is a name that stands before", given[i], code="duplicate") for i in twice]


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
            faults.append(Fault(path, "is a pair that is given already", code="duplicate"))
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
