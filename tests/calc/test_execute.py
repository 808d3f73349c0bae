"""By the name of the kind: finding, planning, folding, stopping early, and what must not pass."""

import gc
import json
import subprocess
import sys
import weakref
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec import Struct

from calc import DEFAULT_KIND, KINDS, execute
from calc.errors import CalcError, InvalidData, UnknownKind
from calc.kind import Plan, forget, never_enough, next_to_nothing, no_estimate, once_per_params, wave_bounds
from calc.kinds import loan_columns
from calc.recent import Recent
from tests.kinds import digest, noop

ROOT = Path(__file__).parent.parent.parent
execute.load("tests.kinds.noop, tests.kinds.digest,tests.kinds.refuse,tests.kinds.spin")


def planned(kind: str, data: dict[str, Any]) -> execute.Planned:
    return execute.plan(kind, json.dumps(data).encode(), fresh_seed=11)


def test_aliases_and_the_nearest_name() -> None:
    assert execute.find("calculate_var") is KINDS["var_mc"]
    assert execute.find("monte_carlo_pricing") is KINDS["option_european"]
    assert execute.plan("calculate_var", json.dumps(KINDS["var_mc"].EXAMPLE).encode(), 1).kind == "var_mc"
    with pytest.raises(UnknownKind) as unknown:
        execute.find("option_europe")
    assert unknown.value.nearest == "option_european"
    assert set(KINDS) <= set(unknown.value.known)
    with pytest.raises(UnknownKind) as unknown:
        execute.plan("x" * 100_000, b"{}", 1)
    assert unknown.value.nearest == ""


def test_the_first_line_a_user_types() -> None:
    assert DEFAULT_KIND == "compound_interest"
    answer = execute.execute(DEFAULT_KIND, planned(DEFAULT_KIND, {"amount": 10000, "rate": 0.05}).data)
    assert answer.startswith(b'{"total":10511.62,')


def test_data_are_completed() -> None:
    option = planned("option_european", {k: v for k, v in KINDS["option_european"].EXAMPLE.items() if k != "seed"})
    assert option.seed == 11
    assert json.loads(option.data)["seed"] == 11
    assert json.loads(option.data)["model"] == "black_scholes"
    assert planned("option_european", dict(KINDS["option_european"].EXAMPLE)).seed == 42
    assert planned("compound_interest", {"amount": 1, "rate": 0}).seed is None


@pytest.mark.parametrize("seconds", [-1.0, float("nan"), float("inf")])
def test_a_cost_that_is_none(seconds: float, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(noop, "cost", lambda params: seconds)
    with pytest.raises(ArithmeticError, match="noop"):
        planned("noop", {})


def test_a_cost_goes_with_the_work() -> None:
    assert planned("spin", {"seconds": 2, "parts": 30}).cpu_s == pytest.approx(60, rel=0.01)


def test_the_text_is_canonical() -> None:
    first = execute.plan("compound_interest", b'{"rate": 0.05, "amount": 10000}', 1)
    second = execute.plan("compound_interest", b'{"amount":10000,"rate":0.05,"periods":12}', 1)
    assert first == second
    example = dict(KINDS["var_mc"].EXAMPLE)
    volatilities = dict(reversed(example["volatilities"].items()))
    assert planned("var_mc", example) == planned("var_mc", {**example, "volatilities": volatilities})


def test_without_a_seed_nothing_is_executed() -> None:
    example = {k: v for k, v in KINDS["option_european"].EXAMPLE.items() if k != "seed"}
    with pytest.raises(InvalidData) as refused:
        execute.execute("option_european", json.dumps(example).encode())
    assert [fault.path for fault in refused.value.faults] == ["$.data.seed"]


def test_wrong_data_are_told_by_every_verb() -> None:
    for verb in (lambda: execute.run("noop", b'{"valu":1}', 0), lambda: execute.execute("noop", b'{"value":"x"}')):
        with pytest.raises(InvalidData):
            verb()


@pytest.mark.parametrize("kind", KINDS)
def test_another_process_gives_the_same_bytes(kind: str) -> None:
    """Even one whose hashes fall otherwise."""
    data = planned(kind, dict(KINDS[kind].EXAMPLE)).data
    program = "import sys; from calc import execute; print(execute.execute(sys.argv[1], sys.argv[2].encode()).decode())"
    environment = {"PYTHONHASHSEED": "7", "OPENBLAS_NUM_THREADS": "1", "PATH": ""}
    answer = subprocess.run(
        [sys.executable, "-c", program, kind, data.decode()], cwd=ROOT, env=environment, capture_output=True, check=True
    )
    assert answer.stdout.rstrip() == execute.execute(kind, data)


def test_too_many_parts() -> None:
    assert planned("noop", {"parts": 100_000}).parts == 100_000
    with pytest.raises(CalcError) as refused:
        planned("noop", {"parts": 100_001})
    assert refused.value.code == "too_large"
    assert "100,001 parts" in refused.value.message


@pytest.mark.parametrize("when", ["plan", "run", "reduce", "result"])
def test_refusals_pass_and_bugs_too(when: str) -> None:
    data = json.dumps({"when": when, "part": 3, "parts": 5, "code": "mine"}).encode()
    with pytest.raises(CalcError) as refused:
        execute.execute("refuse", data)
    assert (refused.value.code, refused.value.message) == ("mine", "This cannot be calculated.")
    with pytest.raises(RuntimeError):
        execute.execute("refuse", json.dumps({"when": when, "part": 3, "parts": 5, "bug": True}).encode())


def test_waves_are_folded_in_order_and_whole() -> None:
    answer = json.loads(execute.execute("digest", planned("digest", {"parts": 100}).data))
    assert (answer["parts"], answer["waves"]) == (100, 4)  # 8 + 16 + 32 + 44
    assert answer["digest"] != json.loads(execute.execute("digest", planned("digest", {"parts": 101}).data))["digest"]


def test_enough_stops_at_the_end_of_a_wave() -> None:
    data = planned("digest", {"parts": 100, "stop_after": 9}).data
    answer = json.loads(execute.execute("digest", data))
    assert (answer["parts"], answer["waves"]) == (24, 2)
    first = execute.fold("digest", data, None, [execute.run("digest", data, part) for part in range(8)], last=False)
    assert first.result is None
    assert first.estimate is not None
    second = [execute.run("digest", data, part) for part in range(8, 24)]
    folding = execute.fold("digest", data, first.accumulator, second, last=False)
    assert folding.result == execute.execute("digest", data)
    assert execute.result("digest", data, first.accumulator) != folding.result


def test_the_order_of_partials_matters_to_digest() -> None:
    data = planned("digest", {"parts": 3}).data
    partials = [execute.run("digest", data, part) for part in range(3)]
    right = execute.fold("digest", data, None, partials, last=True)
    assert execute.fold("digest", data, None, partials[::-1], last=True) != right
    assert execute.fold("digest", data, None, partials[:2], last=True) != right


@pytest.mark.parametrize("first", [1, 2, 3, 8])
@pytest.mark.parametrize("largest", [8, 9, 64])
def test_wave_bounds(first: int, largest: int) -> None:
    start, size = 0, first
    for wave in range(40):
        assert wave_bounds(wave, first, largest) == (start, start + size)
        start += size
        size = min(2 * size, largest)


def test_a_module_that_is_no_kind() -> None:
    with pytest.raises(ValueError, match=r"tests\.calc\.laws is not a kind: it has no .*NAME.*run"):
        execute.load("tests.calc.laws")
    execute.load("tests.kinds.noop")  # again is no harm
    assert execute.find("noop") is noop


class _Empty(Struct, frozen=True, forbid_unknown_fields=True):
    pass


class _Value(Struct, frozen=True):
    value: float | None


class _Unbounded:
    """A kind that breaks law 6."""

    NAME, VERSION, ALIASES, SUMMARY, EXAMPLE = "unbounded", 1, (), "Breaks law 6.", {}
    Params, Partial, Accumulator, Result = _Empty, _Value, _Value, _Value
    estimate, enough = staticmethod(no_estimate), staticmethod(never_enough)
    plan = staticmethod(lambda params: Plan(parts=1))
    cost = staticmethod(next_to_nothing)
    reduce = staticmethod(lambda params, accumulator, partials: partials[0])
    result = staticmethod(lambda params, accumulator: accumulator)

    def __init__(self, value: float | None) -> None:
        self.run = lambda params, part: _Value(value)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), None, 1.0])
def test_no_infinity_leaves(value: float | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(execute._kinds, "unbounded", _Unbounded(value))
    monkeypatch.setattr(execute, "_codecs", {})
    if value in (None, 1.0):
        assert msgspec.json.decode(execute.execute("unbounded", b"{}")) == {"value": value}
        return
    with pytest.raises(ArithmeticError):
        execute.execute("unbounded", b"{}")
    with pytest.raises(ArithmeticError):
        execute.run("unbounded", b"{}", 0)


def test_schemas_have_no_references_and_true_types() -> None:
    schema = execute.schema("compound_interest")
    assert schema["properties"]["amount"]["type"] == "number"
    assert schema["properties"]["years"]["default"] == 1
    positions = execute.schema("var_mc")["properties"]["positions"]
    assert positions["anyOf"][0]["items"]["properties"]["symbol"]["maxLength"] == 64


def test_warm_runs_every_kind() -> None:
    execute.warm()


def test_recent_forgets_by_number_and_by_bytes() -> None:
    made: list[bytes] = []

    def get(recent: Recent, data: bytes) -> bytes:
        return recent.get("kind", data, lambda: made.append(data) or data)  # type: ignore[func-returns-value]

    few = Recent(most=2, most_bytes=1000)
    for data in (b"a", b"b", b"a", b"c", b"a", b"b"):
        get(few, data)
    assert made == [b"a", b"b", b"c", b"b"]
    made.clear()
    small = Recent(most=10, most_bytes=10)
    for data in (b"x" * 8, b"y" * 8, b"y" * 8, b"x" * 8):
        get(small, data)
    assert made == [b"x" * 8, b"y" * 8, b"x" * 8]


def test_once_per_params_keeps_the_last_few() -> None:
    counted: list[int] = []

    @once_per_params
    def derived(params: digest.Params) -> int:
        counted.append(params.parts)
        return params.parts

    some = [digest.Params(parts=n) for n in range(1, 6)]
    for params in (some[0], some[0], *some, some[4], some[0]):
        assert derived(params) == params.parts
    assert counted == [1, 2, 3, 4, 5, 1]


def test_what_is_derived_is_let_go() -> None:
    counted: list[int] = []

    @once_per_params
    def derived(params: digest.Params) -> int:
        counted.append(params.parts)
        return params.parts

    one, two = digest.Params(parts=1), digest.Params(parts=2)
    for step in (lambda: None, lambda: forget(one), forget, execute.forget):
        step()
        assert (derived(one), derived(two), derived(one)) == (1, 2, 1)
    assert counted == [1, 2, 1, 1, 2, 1, 2]


def test_planning_keeps_no_params(monkeypatch: pytest.MonkeyPatch) -> None:
    kept: list[weakref.ref[Any]] = []
    derive = loan_columns.flows

    def watched(params: Any) -> Any:
        found = derive(params)
        kept.append(weakref.ref(found[0]))
        return found

    monkeypatch.setattr("calc.kinds.loan.faults_of", lambda params: watched(params) and [])
    execute.plan("loan", b'{"task": "xirr", "lengths": [2], "days": [0, 365], "amounts": [-1, 2]}', fresh_seed=1)
    gc.collect()
    assert [each() for each in kept] == [None]
