"""The laws of a kind (calc/kind.py), as a list of checks that any kind's module can be put to."""

import copy
import json
import math
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from calc import execute
from calc.errors import CalcError
from calc.kind import MAX_PARTIAL_BYTES, MAX_PARTS, MEMBERS, Kind, wave_bounds

SEED = 20_240_229
WRONG: tuple[Any, ...] = (None, True, -1, 0, 1e308, -1e308, 5e-324, "", "x", [], {}, [[]], [None], {"x": {}}, 2**53 + 1)


def has_all_names(kind: Kind, example: Mapping[str, Any]) -> None:
    assert [name for name in MEMBERS if not hasattr(kind, name)] == []
    assert kind.VERSION >= 1
    assert kind.SUMMARY.endswith(".")
    for struct in (kind.Params, kind.Partial, kind.Accumulator, kind.Result):
        assert struct.__struct_config__.frozen, f"{struct} is not frozen"
    assert kind.Params.__struct_config__.forbid_unknown_fields


def explains_its_data(kind: Kind, example: Mapping[str, Any]) -> None:
    schema = execute.schema(kind.NAME)
    assert schema["examples"] == [kind.EXAMPLE]
    assert "$ref" not in json.dumps(schema)
    json.dumps(schema, allow_nan=False)


def plans_alike(kind: Kind, example: Mapping[str, Any]) -> None:
    """Law 2, and that complete data are complete: planned again they are the same text."""
    first = plan(kind, example)
    assert plan(kind, example) == first
    again = execute.plan(kind.NAME, first.data, fresh_seed=SEED + 1)
    assert again == first
    assert 1 <= first.parts <= MAX_PARTS
    assert 1 <= first.first_wave <= first.largest_wave


def costs_something(kind: Kind, example: Mapping[str, Any]) -> None:
    """Law 8. Whether the estimate is true is for the kind's own tests."""
    planned = plan(kind, example)
    assert 0 < planned.cpu_s < math.inf
    assert planned.cpu_s == kind.cost(_params(kind, example))


def keeps_every_bit(kind: Kind, example: Mapping[str, Any]) -> None:
    """Law 1: what went through JSON is equal and is written as the same text."""
    params = _params(kind, example)
    for value in (params, *_steps(kind, params)):
        text = execute._text(value)
        read = msgspec.json.decode(text, type=type(value))
        assert read == value
        assert execute._text(read) == text


def runs_alike(kind: Kind, example: Mapping[str, Any]) -> None:
    """Law 3, in any order, with Params read anew."""
    data = plan(kind, example).data
    parts = _some_parts(kind, example)
    forwards = [execute._text(kind.run(_params(kind, example), part)) for part in parts]
    backwards = [execute.run(kind.NAME, data, part) for part in reversed(parts)]
    assert forwards == backwards[::-1]


def changes_no_argument(kind: Kind, example: Mapping[str, Any]) -> None:
    """Law 4."""
    params = _params(kind, example)
    partials = [kind.run(params, part) for part in _some_parts(kind, example)]
    accumulator = kind.reduce(params, None, partials)
    before = copy.deepcopy((params, partials, accumulator))
    kind.plan(params)
    kind.cost(params)
    kind.run(params, 0)
    kind.reduce(params, accumulator, partials)
    kind.estimate(params, accumulator)
    kind.enough(params, accumulator)
    kind.result(params, accumulator)
    assert (params, partials, accumulator) == before


def refuses_as_it_should(kind: Kind, example: Mapping[str, Any]) -> None:
    """Law 5, for data that are wrong in every way that a field can be wrong."""
    for field in kind.Params.__struct_fields__:
        for value in WRONG:
            text = json.dumps({**example, field: value}).encode()
            try:
                planned = execute.plan(kind.NAME, text, fresh_seed=SEED)
            except CalcError:
                continue
            assert planned.parts >= 1
    for text in (b"", b"null", b"[]", b"{", b'{"a":NaN}', b'{"\xff":1}', b"[" * 5000, b'"x"', b'{"":1,"":2}'):
        try:
            execute.plan(kind.NAME, text, fresh_seed=SEED)
        except CalcError:
            continue


def holds_numbers_only(kind: Kind, example: Mapping[str, Any]) -> None:
    """Law 6, and the size of law 7."""
    params = _params(kind, example)
    for value in _steps(kind, params):
        assert_finite(msgspec.to_builtins(value))
        assert len(execute._text(value)) <= MAX_PARTIAL_BYTES


def folds_as_it_executes(kind: Kind, example: Mapping[str, Any]) -> None:
    """Through JSON, wave by wave, the answer has the bits of `execute`; and an early stop answers too. The paths that
    are counted are those that the estimate stands on."""
    planned = plan(kind, example)
    execute.paths_simulated()
    counted = 0
    accumulator, answer, end, wave = None, None, 0, 0
    while answer is None:
        start, end = wave_bounds(wave, planned.first_wave, planned.largest_wave)
        parts = range(start, min(end, planned.parts))
        partials = {part: execute.run(kind.NAME, planned.data, part) for part in reversed(parts)}
        last = parts.stop == planned.parts
        folding = execute.fold(kind.NAME, planned.data, accumulator, [partials[part] for part in parts], last)
        accumulator, answer = folding.accumulator, folding.result
        early = execute.result(kind.NAME, planned.data, accumulator)
        counted += execute.paths_simulated()
        if folding.estimate is not None:
            told = msgspec.json.decode(folding.estimate)
            assert_finite(told)
            assert told.get("n", counted) == counted
        wave += 1
    assert answer == early == execute.execute(kind.NAME, planned.data)
    assert execute.paths_simulated() == counted


LAWS: tuple[Callable[[Kind, Mapping[str, Any]], None], ...] = (
    has_all_names,
    explains_its_data,
    plans_alike,
    costs_something,
    keeps_every_bit,
    runs_alike,
    changes_no_argument,
    refuses_as_it_should,
    holds_numbers_only,
    folds_as_it_executes,
)


def plan(kind: Kind, example: Mapping[str, Any]) -> execute.Planned:
    """The example, planned."""
    return execute.plan(kind.NAME, json.dumps(example).encode(), fresh_seed=SEED)


def assert_finite(value: Any) -> None:
    """No NaN, no infinity, anywhere in it."""
    if isinstance(value, float):
        assert math.isfinite(value)
    elif isinstance(value, dict):
        for entry in value.values():
            assert_finite(entry)
    elif isinstance(value, list):
        for entry in value:
            assert_finite(entry)


def _params(kind: Kind, example: Mapping[str, Any]) -> Any:
    return msgspec.json.decode(plan(kind, example).data, type=kind.Params)


def _some_parts(kind: Kind, example: Mapping[str, Any]) -> list[int]:
    parts = plan(kind, example).parts
    return sorted({0, parts // 2, parts - 1})


def _steps(kind: Kind, params: Any) -> list[Any]:
    """A partial, an accumulator and a result."""
    partial = kind.run(params, 0)
    accumulator = kind.reduce(params, None, [partial])
    return [partial, accumulator, kind.result(params, accumulator)]
