"""Numbers of every size that a schema allows are calculated with, or refused with a field and a reason."""

import importlib
import json
import random
from typing import Any

import msgspec
import pytest

from calc import KINDS, execute
from calc.errors import CalcError, InvalidData
from tests.calc import extremes
from tests.calc.test_laws import HARDER

TRIES = 100
# That take longer; a fit to nonsense takes many times the seconds of one that succeeds.
FEWER = {"bermudan_swaption": 60, "option_american": 40, "credit_loss": 60, "model_calibration": 25}
QUICK_S = 0.02  # of CPU by the estimate: what takes longer is planned only
LONG = 20_000  # characters of data that are left out, so that there are many tries


def bases(name: str) -> list[dict[str, Any]]:
    """Data that go all ways of a kind: its examples, and what is harder."""
    kind = KINDS[name]
    found = [kind.EXAMPLE, *getattr(kind, "FURTHER_EXAMPLES", ())]
    found += [{**kind.EXAMPLE, **change} for change in HARDER.get(name, [])]
    own = getattr(importlib.import_module(f"tests.calc.kinds.test_{name}"), "HARDER", {})
    found += [each for each in (own.values() if isinstance(own, dict) else ()) if isinstance(each, dict)]
    return [dict(each) for each in found if len(json.dumps(each)) < LONG]


def tried(name: str, data: dict[str, Any]) -> bool:
    """Whether it is calculated, and not refused or only planned. Raises what is no refusal."""
    try:
        planned = execute.plan(name, msgspec.json.encode(data), 1)
        if planned.cpu_s > QUICK_S:
            return False
        execute.execute(name, planned.data)
    except CalcError as refused:
        if refused.code == "internal_check_failed":
            raise
        return False
    return True


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("name", sorted(KINDS))
def test_every_size_is_calculated_or_refused(name: str) -> None:
    chance, schema, given = random.Random(20_261_126), execute.schema(name), bases(name)
    calculated = 0
    for _ in range(FEWER.get(name, TRIES)):
        data = extremes.changed(schema, chance.choice(given), chance)
        try:
            calculated += tried(name, data)
        except Exception as wrong:
            raise AssertionError(f"{name} breaks with {data}") from wrong
    assert calculated > 0


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("name", sorted(KINDS))
def test_every_shape_is_calculated_or_refused(name: str) -> None:
    """One position, identical scenarios, weights of 0, maturity today, sometimes with a number of any size as well."""
    chance, schema, given = random.Random(20_261_127), execute.schema(name), bases(name)
    calculated = 0
    for _ in range(FEWER.get(name, TRIES) // 2):
        data = extremes.reshaped(schema, chance.choice(given), chance)
        if chance.random() < 0.3:
            data = extremes.changed(schema, data, chance)
        try:
            calculated += tried(name, data)
        except Exception as wrong:
            raise AssertionError(f"{name} breaks with {data}") from wrong
    assert calculated > 0


@pytest.mark.parametrize("value", ["5e-324", "-1e-31", "1E+31", "-1e300", "0." + "0" * 40 + "1", "1" + "0" * 40 + ".5"])
def test_what_is_too_small_or_too_large_is_told(value: str) -> None:
    text = json.dumps(dict(KINDS["cva"].EXAMPLE)).replace('"notional": 500000', f'"notional": {value}')
    with pytest.raises(InvalidData) as refused:
        execute.plan("cva", text.encode(), 1)
    (fault,) = refused.value.faults
    assert (fault.path, fault.code) == ("$.data.netting_set.swaps[1].notional", "out_of_range")
    assert "1e-30" in fault.detail or float(value) < 0 or float(value) > 1e15


@pytest.mark.parametrize("value", ["1e-29", "0", "0.0", "0e-300", "100000e-20", "1e-05"])
def test_what_is_not_is_taken(value: str) -> None:
    data = json.dumps({"losses": [1.0, 2.0, 3.0], "confidence": 0.5}).replace("2.0", value)
    execute.plan("var_historical", data.encode(), 1)


@pytest.mark.parametrize("value", ["1e-30", "1E-30", "0.1e-29", "1e30"])
def test_the_limits_themselves_are_calculated_with(value: str) -> None:
    data = json.dumps({"losses": [0.0, 2.0, 0.0], "confidence": 0.5}).replace("2.0", value)
    planned = execute.plan("var_historical", data.encode(), 1)
    found = json.loads(execute.execute("var_historical", planned.data))
    assert found["es"] == pytest.approx(float(value) / 1.5, rel=1e-12)


def test_every_fault_of_a_list_is_told() -> None:
    with pytest.raises(InvalidData) as refused:
        execute.plan(
            "var_historical", b'{"returns": [[-1e40, 1], [2, 1e40]], "exposures": [1, 1e99], "confidence": 0.5}', 1
        )
    told = {fault.path for fault in refused.value.faults}
    assert told >= {"$.data.returns[0][0]", "$.data.returns[1][1]", "$.data.exposures[1]"}


def test_what_is_tiny_is_kept_and_calculated_with_as_nothing() -> None:
    """The stored data are what was sent; the answer is that of a 0."""
    book = {"years_to_maturity": 5.0, "coupon": 0.0, "frequency": 2, "yield": 0.05}
    tiny = execute.plan("bond_book", json.dumps(book | {"coupon": 5e-324}).encode(), 1)
    assert json.loads(tiny.data)["coupon"] == 5e-324
    none = execute.plan("bond_book", json.dumps(book).encode(), 1)
    assert execute.execute("bond_book", tiny.data) == execute.execute("bond_book", none.data)


def test_no_digit_is_lost_beside_it() -> None:
    """Of an exact decimal with more digits than a double has."""
    amount = "123456789012345.1234567890123456789"
    planned = execute.plan("compound_interest", f'{{"amount": {amount}, "rate": 0.05}}'.encode(), 1)
    assert amount.encode() in planned.data
    assert json.loads(execute.execute("compound_interest", planned.data))["total_exact"].startswith("129773072644601.4")


@pytest.mark.parametrize("place", [0, 1, 2])
def test_in_a_book_it_is_a_bad_row(place: int) -> None:
    """And a single one is refused."""
    book = {"years_to_maturity": [5.0] * 3, "coupon": 0.04, "frequency": 2, "yield": 0.05}
    book["years_to_maturity"][place] = 5e-324
    planned = execute.plan("bond_book", json.dumps(book).encode(), 1)
    status = json.loads(execute.execute("bond_book", planned.data))["status"]
    assert status == ["bad_input" if i == place else "ok" for i in range(3)]
    with pytest.raises(InvalidData, match="above 0"):
        execute.plan("bond_book", json.dumps(book | {"years_to_maturity": 5e-324}).encode(), 1)
