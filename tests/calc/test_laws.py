"""Every kind of the table and every kind for tests obeys every law, on its example and on harder data."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from calc import KINDS, execute
from calc.kind import Kind
from tests.calc.laws import LAWS

TEST_KINDS = ("noop", "spin", "sleep", "crash", "hog", "refuse", "huge_result", "digest")
execute.load(",".join(f"tests.kinds.{name}" for name in TEST_KINDS))

_HESTON = {"model": "heston", "volatility": None, "v0": 0.04, "kappa": 1.5, "theta": 0.05, "xi": 0.6, "rho": -0.7}

# Beside its example a kind is put to the laws on these: each way that its code can go, and many parts.
HARDER: dict[str, list[dict[str, Any]]] = {
    "compound_interest": [
        {"amount": 0.1, "rate": -0.999, "periods": 365, "years": 200},
        {"amount": 1234.5, "rate": 0, "years": 0, "schedule": True},
        {"amount": 1e15, "rate": 5, "schedule": True, "years": 2.5, "periods": 2},
    ],
    "option_european": [
        {"variance_reduction": "none", "paths": 20_001},
        {"variance_reduction": "antithetic", "paths": 20_002, "type": "put"},
        {"variance_reduction": "antithetic_control", "paths": 1000},
        {"target_standard_error": 0.1, "paths": 30_000_000, "variance_reduction": "none"},
        {"method": "closed_form"},
        {"maturity": 0, "paths": 1000},
        {"volatility": 0, "paths": 1000},
        {"maturity": 0, "spot": 105, "paths": 1000, "variance_reduction": "control"},
        {"maturity": 100, "volatility": 10, "paths": 1000, "rate": 1},
        {"spot": 1e-9, "strike": 1e9, "paths": 1000},
        {"method": "rqmc", "paths": 3000, "variance_reduction": "none"},
        {"method": "rqmc", "paths": 30_000_000, "target_standard_error": 1e-5},
        {"model": "black76", "dividend_yield": 0, "paths": 30_001},
        {"paths": None, "variance_reduction": None, "strike": [90, None, 110], "maturity": [0, 1, 200]},
        {"paths": None, "variance_reduction": None, "volatility": [0.0001 * i for i in range(9000)]},
        _HESTON | {"method": "closed_form", "xi": [0.5, 0, 10], "v0": [0, 1, 4], "theta": [0, 1, 4]},
        _HESTON | {"paths": 50_000, "steps": 64, "target_standard_error": 0.05},
        _HESTON | {"paths": 50_000, "steps": 64, "method": "rqmc", "type": "put"},
    ],
    "var_mc": [
        {"distribution": "student_t", "degrees_of_freedom": 2.5, "scenarios": 10_001},
        {"distribution": "lognormal", "scenarios": 5000},
        {"correlation": 1, "scenarios": 4000},
        {"volatilities": {"AAPL": 0, "MSFT": 0, "XOM": 0}, "scenarios": 4000},
        {"positions": [{"symbol": "AAPL", "value": 0}], "correlation": None, "scenarios": 4000},
        {"volatility_period": "day", "days_per_year": None, "confidence": 0.5, "scenarios": 1000},
        {"scenarios": 9_000_000, "target_standard_error": 20.0, "positions": [{"symbol": "AAPL", "value": 10_000}]}
        | {"correlation": None},
    ],
    "var_historical": [
        {"confidence": 0.5, "window": 3, "horizon_days": 10},
        {"exposures": [1, -2], "positions": None, "symbols": None},
        {"losses": list(range(1, 101)), "returns": None, "positions": None, "symbols": None, "confidence": 0.975},
    ],
    "noop": [{"parts": 100}],
    "digest": [
        {"parts": 100, "first_wave": 1, "largest_wave": 7},
        {"parts": 50, "stop_after": 9, "seed": None},
    ],
    "huge_result": [{"parts": 9, "partial_bytes": 1000}],
    "refuse": [{"parts": 9}],
}


def cases() -> list[Any]:
    """(kind, data) of every kind: its example, then what is harder."""
    found = []
    for name, kind in execute.kinds().items():
        for i, change in enumerate([{}, *HARDER.get(name, [])]):
            found.append(pytest.param(kind, {**kind.EXAMPLE, **change}, id=f"{name}-{i}"))
    return found


@pytest.mark.parametrize("law", LAWS, ids=lambda law: law.__name__)
@pytest.mark.parametrize(("kind", "data"), cases())
def test_law(kind: Kind, data: Mapping[str, Any], law: Callable[[Kind, Mapping[str, Any]], None]) -> None:
    law(kind, data)


def test_the_table_names_its_kinds() -> None:
    assert {name: kind.NAME for name, kind in KINDS.items()} == {name: name for name in KINDS}
    names = [*KINDS, *(alias for kind in KINDS.values() for alias in kind.ALIASES)]
    assert len(names) == len(set(names))


def test_every_quantity_of_the_table_says_its_unit() -> None:
    for name in KINDS:
        for field, schema in execute.schema(name)["properties"].items():
            assert schema.get("title") or any(each.get("title") for each in schema["anyOf"]), f"{name}.{field}"
            numeric = "number" in str(schema)
            assert not numeric or "x-unit" in str(schema), f"{name}.{field} has no unit"
