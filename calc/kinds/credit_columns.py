"""The rows of `credit_loss`: formulas of one exposure or firm, for numbers or for columns with a status each."""

import math
from typing import Any, Literal

import numpy as np

from calc import lazy
from calc.errors import Fault
from calc.numerics import basel, normal

copula = lazy.module("calc.kernels.copula")

Number = float | list[float | None]
Column = float | list[float | None] | None
AssetClass = Literal["corporate", "mortgage", "revolving", "other_retail"]

MOST_ROWS = 100_000
LEAST_EQUITY = 1e-8  # of the discounted debt: below, asset value and debt differ by too few digits of a float

# Field → smallest and largest value, and whether each of them is allowed itself.
BOUNDS: dict[str, dict[str, tuple[float, float, bool, bool]]] = {
    "basel_irb": {
        "pd": (basel.FLOOR, 1.0, True, False),
        "lgd": (0.0, 1.0, True, True),
        "exposure": (0.0, 1e15, True, True),
        "maturity": (1.0, 5.0, True, True),
        "turnover": (0.0, 50.0, True, True),
    },
    "vasicek": {
        "pd": (0.0, 1.0, True, True),
        "lgd": (0.0, 1.0, True, True),
        "exposure": (0.0, 1e15, True, True),
        "correlation": (0.0, 0.99, True, False),
    },
    "merton": {
        "equity": (0.0, 1e15, False, True),
        "equity_volatility": (1e-4, 10.0, True, True),
        "debt": (0.0, 1e15, True, True),
        "rate": (-0.5, 1.0, True, True),
        "maturity": (0.0, 100.0, False, True),
    },
}
OPTIONAL = {"exposure": 1.0, "maturity": 2.5, "turnover": None}  # maturity for basel_irb alone
FIELDS = (
    *("pd", "lgd", "exposure", "correlation", "asset_class", "maturity", "turnover"),
    *("equity", "equity_volatility", "debt", "rate"),
)
OUTPUTS = {
    "basel_irb": ("correlation", "capital", "risk_weight", "expected_loss", "risk_weighted_assets"),
    "vasicek": ("worst_default_rate", "loss", "expected_loss", "unexpected_loss", "es"),
    "merton": ("asset_value", "asset_volatility", "distance_to_default", "pd"),
}


def faults(params: Any) -> list[Fault]:
    """What is wrong with the fields of the method; a bad value in a column is told by its row's status."""
    method, found = params.method, []
    own = {*BOUNDS[method], *(("asset_class",) if method == "basel_irb" else ())}
    for field in FIELDS:
        given = getattr(params, field)
        if given is not None and field not in own:
            found.append(Fault(f"$.{field}", f"does not belong to the method {method}"))
        if given is None and field in own and not _may_be_absent(params, field):
            found.append(Fault(f"$.{field}", f"is missing: {method} needs it", code="missing"))
        if isinstance(given, float) and field in own:
            found += _outside(method, field, given)
    found += _too_little_equity(params) if method == "merton" and not found else []
    for field in ("names", "pools", "degrees_of_freedom", "thresholds", "loss_unit", "target_standard_error"):
        if getattr(params, field) is not None:
            found.append(Fault(f"$.{field}", f"does not belong to the method {method}"))
    lengths = {field: len(given) for field in FIELDS if isinstance(given := getattr(params, field), list)}
    for field, length in lengths.items():
        if length != next(iter(lengths.values())):
            detail = f"has {length} entries, {next(iter(lengths))} has {next(iter(lengths.values()))}"
            found.append(Fault(f"$.{field}", detail, code="length_mismatch"))
    if lengths and not 1 <= max(lengths.values()) <= MOST_ROWS:
        detail = f"has {max(lengths.values()):,} rows: from 1 to {MOST_ROWS:,}"
        found.append(Fault(f"$.{next(iter(lengths))}", detail, code="too_large"))
    return found


def cost(params: Any) -> float:
    """Rows times what one costs."""
    return rows_of(params) * {"basel_irb": 5.5e-6, "vasicek": 2e-3, "merton": 2e-5}[str(params.method)]


def rows_of(params: Any) -> int:
    """How many."""
    return max((len(given) for field in FIELDS if isinstance(given := getattr(params, field), list)), default=1)


def answer(params: Any) -> tuple[dict[str, Any], float, int]:
    """The outputs with their status, the largest residual, and the most iterations."""
    method, size = params.method, rows_of(params)
    names = [*BOUNDS[method], *(("asset_class",) if method == "basel_irb" else ())]
    columns = {name: _column(params, name, size) for name in names}
    status = [_status(method, {name: columns[name][i] for name in names}) for i in range(size)]
    good = [i for i in range(size) if status[i] == "ok"]
    residual, iterations = 0.0, 0
    if method == "merton":
        found, residual, iterations = _merton(columns, good)
    else:
        formula = _irb if method == "basel_irb" else _vasicek
        found = {i: formula({name: columns[name][i] for name in names}, params.confidence) for i in good}
    outputs: dict[str, Any] = {}
    for place, name in enumerate(OUTPUTS[method]):
        outputs[name] = [found[i][place] if i in found else None for i in range(size)]
    outputs["status"] = status
    if not any(isinstance(getattr(params, field), list) for field in FIELDS):
        outputs = {name: values[0] for name, values in outputs.items()}
    return outputs, residual, iterations


def _irb(row: dict[str, Any], confidence: float | None) -> tuple[float, ...]:
    turnover = row["turnover"] if row["asset_class"] == "corporate" else None
    found = basel.irb(row["pd"], row["lgd"], row["asset_class"], row["maturity"], turnover)
    exposure = row["exposure"]
    return (
        found.correlation,
        found.capital,
        found.risk_weight,
        found.expected_loss * exposure,
        found.risk_weight * exposure,
    )


def _vasicek(row: dict[str, Any], confidence: float | None) -> tuple[float, ...]:
    arguments = (row["pd"], row["correlation"], confidence or 0.0)
    scale = row["exposure"] * row["lgd"]
    rate, beyond = basel.worst_default_rate(*arguments), basel.mean_rate_beyond(*arguments)
    return rate, scale * rate, scale * row["pd"], scale * (rate - row["pd"]), scale * max(beyond, rate)


def _merton(columns: dict[str, list[Any]], good: list[int]) -> tuple[dict[int, tuple[float, ...]], float, int]:
    """A firm without debt is its equity, and never defaults: its distance to default is null."""
    picked = {name: [column[i] for i in good] for name, column in columns.items()}
    discounted = np.array([_discounted({name: columns[name][i] for name in columns}) for i in good])
    owing = np.flatnonzero(discounted > 0)
    given = [np.array(picked[name], dtype=np.float64)[owing] for name in ("equity", "equity_volatility")]
    solved = copula.merton(*given, discounted[owing], np.array(picked["maturity"], dtype=np.float64)[owing])
    found: dict[int, tuple[Any, ...]] = {
        i: (columns["equity"][i], columns["equity_volatility"][i], None, 0.0) for i in good
    }
    for place, row in zip(owing.tolist(), solved.tolist(), strict=True):
        found[good[place]] = (row[0], row[1], row[2], normal.distribution(-row[2]))
    if not owing.size:
        return found, 0.0, 0
    return found, float(solved[:, 3].max()), int(solved[:, 4].max())


def _may_be_absent(params: Any, field: str) -> bool:
    if field == "maturity":
        return bool(params.method == "basel_irb" and _classes(params).isdisjoint({"corporate"}))
    return field in OPTIONAL


def _classes(params: Any) -> set[str]:
    given = params.asset_class
    return {given} if isinstance(given, str) else set(given or ("corporate",))


def _column(params: Any, name: str, size: int) -> list[Any]:
    given = getattr(params, name)
    if isinstance(given, list):
        return given
    return [OPTIONAL.get(name) if given is None else given] * size


def _status(method: str, row: dict[str, Any]) -> str:
    for name, value in row.items():
        if value is None and name != "turnover":
            return "bad_input"
        if isinstance(value, float) and not _within(BOUNDS[method][name], value):
            return "below_floor" if method == "basel_irb" and name == "pd" and value < basel.FLOOR else "bad_input"
    if method == "merton" and row["equity"] < LEAST_EQUITY * _discounted(row):
        return "too_little_equity"
    return "ok"


def _discounted(row: dict[str, Any]) -> float:
    """The debt as of now."""
    return float(row["debt"]) * math.exp(-row["rate"] * row["maturity"])


def _too_little_equity(params: Any) -> list[Fault]:
    """Of a single firm; in a book it is the status of a row."""
    row = {name: getattr(params, name) for name in BOUNDS["merton"]}
    if any(isinstance(value, list) for value in row.values()):
        return []
    least = LEAST_EQUITY * _discounted(row)
    if row["equity"] >= least:
        return []
    detail = f"must be at least {LEAST_EQUITY:g} of the discounted debt, which is {_discounted(row):.6g}"
    return [Fault("$.equity", detail, row["equity"], f"at least {least:.6g} with this debt", "out_of_range")]


def _within(bounds: tuple[float, float, bool, bool], value: float) -> bool:
    low, high, with_low, with_high = bounds
    return (low <= value if with_low else low < value) and (value <= high if with_high else value < high)


def _outside(method: str, field: str, value: float) -> list[Fault]:
    bounds = BOUNDS[method][field]
    if _within(bounds, value):
        return []
    low, high, with_low, with_high = bounds
    allowed = f"{'at least' if with_low else 'above'} {low:g} and {'at most' if with_high else 'below'} {high:g}"
    detail = f"must be {allowed}"
    if method == "basel_irb" and field == "pd" and value < basel.FLOOR:
        detail += ": the Basel floor is 0.03 %"
    return [Fault(f"$.{field}", detail, value, allowed, "out_of_range")]
