"""Calculations by the name of their kind: JSON text in, JSON text out. All that gateway and child know of calc.

    gateway   data ──plan──▶ Planned(complete data, parts, waves, CPU seconds)
    child     data, part ──run──▶ partial
              data, accumulator, partials of a wave ──fold──▶ accumulator, estimate, maybe the result
              data ──execute──▶ result          all of it in one process: a task of one part, and the plain truth

Every refusal is a CalcError; any other exception is a bug of ours.
"""

import importlib
import math
from collections.abc import Callable, Sequence
from importlib import metadata
from typing import Any

import msgspec
from msgspec import Struct

from calc import KINDS, schemas
from calc.decode import decode, settled
from calc.errors import CalcError, Fault, InvalidData, UnknownKind
from calc.kind import MAX_PARTS, MEMBERS, Kind, Plan, wave_bounds
from calc.kind import forget as let_go
from calc.recent import Recent
from calc.words import nearest

ENTRY_POINTS = "headrace.kinds"
# Canonical text: fields in the order of the Struct, keys of objects sorted, decimals as numbers with their digits.
_ENCODER = msgspec.json.Encoder(order="deterministic", decimal_format="number")


class Planned(Struct, frozen=True):
    """A task's work, divided. `data` are complete: with defaults and seed, they are all that the answer depends on."""

    kind: str
    version: int
    data: bytes
    parts: int
    first_wave: int
    largest_wave: int
    seed: int | None
    cpu_s: float  # estimated CPU seconds of the whole task


class Folding(Struct, frozen=True):
    """A wave, folded. `result` is there when it was the last one, or when the kind says enough."""

    accumulator: bytes
    estimate: bytes | None
    result: bytes | None


class _Codec(Struct, frozen=True):
    """A kind with what reads its texts. Stored data were checked when they were planned: msgspec alone reads them."""

    kind: Kind
    params: msgspec.json.Decoder[Any]
    partial: msgspec.json.Decoder[Any]
    accumulator: msgspec.json.Decoder[Any]
    seeded: bool
    paths_in: Callable[[Any, Any], int] | None


_kinds: dict[str, Kind] = dict(KINDS)
_codecs: dict[str, _Codec] = {}
_recent = Recent(most=8, most_bytes=16_000_000)
_paths = 0  # paths and scenarios since they were asked for


def kinds() -> dict[str, Kind]:
    """All kinds by name: the table, and what `load` added."""
    return dict(_kinds)


def load(modules: str) -> None:
    """Add the kinds of modules named like "tests.kinds.noop,tests.kinds.spin". Raises ValueError where one is none."""
    for name in filter(None, map(str.strip, modules.split(","))):
        _add(name, importlib.import_module(name))


def load_installed() -> None:
    """Add the kinds of installed packages: those with an entry point in the group ENTRY_POINTS, a module each.
    Raises ValueError where one is none."""
    for point in sorted(metadata.entry_points(group=ENTRY_POINTS), key=lambda point: point.name):
        _add(f"{point.name} = {point.value}", point.load())


def _add(name: str, module: Any) -> None:
    absent = [member for member in MEMBERS if not hasattr(module, member)]
    if absent:
        raise ValueError(f"{name} is not a kind: it has no {', '.join(absent)}")
    if _kinds.setdefault(module.NAME, module) is not module:
        raise ValueError(f"{name}: there is a kind {module.NAME!r} already")
    _codecs.clear()


def find(kind: str) -> Kind:
    """The kind of that name or alias. Raises UnknownKind with the nearest name."""
    return _codec(kind).kind


def plan(kind: str, data: bytes, fresh_seed: int) -> Planned:
    """Check the data, complete them, divide the work. `fresh_seed` is used where a stochastic kind got none.

    Raises UnknownKind, InvalidData (every fault; paths begin with $.data) and CalcError.
    """
    codec = _codec(kind)
    given: Any = decode(codec.kind.Params, data)
    if codec.seeded and given.seed is None:
        given = msgspec.structs.replace(given, seed=fresh_seed)
    params = _settled(codec, given, data)
    try:
        whole = _plan(codec, params)
        cpu_s = _cost(codec, params)
    finally:
        let_go(params)  # nobody asks again: parts have Params of their own
    return Planned(
        kind=codec.kind.NAME,
        version=codec.kind.VERSION,
        data=_ENCODER.encode(given),
        parts=whole.parts,
        first_wave=whole.first_wave,
        largest_wave=whole.largest_wave,
        seed=params.seed if codec.seeded else None,
        cpu_s=cpu_s,
    )


def run(kind: str, data: bytes, part: int) -> bytes:
    """Run one part: its partial."""
    codec = _codec(kind)
    return _text(_run(codec, _params(codec, data), part))


def fold(kind: str, data: bytes, accumulator: bytes | None, partials: list[bytes], last: bool) -> Folding:
    """Fold the next wave's partials, in part order (I9), into the accumulator of the waves before."""
    codec = _codec(kind)
    params = _params(codec, data)
    before = None if accumulator is None else codec.accumulator.decode(accumulator)
    folded = codec.kind.reduce(params, before, [codec.partial.decode(partial) for partial in partials])
    estimate = codec.kind.estimate(params, folded)
    finished = last or codec.kind.enough(params, folded)
    return Folding(
        accumulator=_text(folded),
        estimate=None if estimate is None else _text(estimate),
        result=_text(codec.kind.result(params, folded)) if finished else None,
    )


def result(kind: str, data: bytes, accumulator: bytes) -> bytes:
    """The result of what is folded so far, after an early stop."""
    codec = _codec(kind)
    return _text(codec.kind.result(_params(codec, data), codec.accumulator.decode(accumulator)))


def execute(kind: str, data: bytes) -> bytes:
    """The result, computed here from first part to last, wave by wave as the store would have it."""
    codec = _codec(kind)
    params = _params(codec, data)
    whole = _plan(codec, params)
    accumulator: Any = None
    end = wave = 0
    while end < whole.parts:
        start, end = wave_bounds(wave, whole.first_wave, whole.largest_wave)
        partials = [_run(codec, params, part) for part in range(start, min(end, whole.parts))]
        accumulator = codec.kind.reduce(params, accumulator, partials)
        if codec.kind.enough(params, accumulator):
            break
        wave += 1
    return _text(codec.kind.result(params, accumulator))


def paths_simulated() -> int:
    """Paths and scenarios that were simulated in this process since this was asked last."""
    global _paths
    told, _paths = _paths, 0
    return told


def schema(kind: str) -> dict[str, Any]:
    """The JSON Schema of a kind's data, without references: units, bounds, an example."""
    module = find(kind)
    whole = schemas.of(module.Params)
    whole.update(title=module.NAME, description=module.SUMMARY, examples=[module.EXAMPLE])
    return whole


def forget() -> None:
    """Let go of the data that were read last: the next call reads its own anew."""
    _recent.clear()
    let_go()


def warm(names: Sequence[str] = ()) -> None:
    """Import and compile all that a child needs, before the fork: these kinds, or all of the table, answer their own
    examples once."""
    for name, module in _kinds.items():
        if name in (names or KINDS):
            for example in (module.EXAMPLE, *getattr(module, "FURTHER_EXAMPLES", ())):
                execute(name, plan(name, _ENCODER.encode(example), fresh_seed=0).data)


def _codec(kind: str) -> _Codec:
    codec = _codecs.get(kind)
    if codec is None:
        module = _kinds.get(kind) or next((each for each in _kinds.values() if kind in each.ALIASES), None)
        if module is None:
            names = [*_kinds, *(alias for each in _kinds.values() for alias in each.ALIASES)]
            raise UnknownKind(kind[:100], nearest(kind, names), sorted(_kinds))
        codec = _codecs[kind] = _Codec(
            kind=module,
            params=msgspec.json.Decoder(module.Params),
            partial=msgspec.json.Decoder(module.Partial),
            accumulator=msgspec.json.Decoder(module.Accumulator),
            seeded="seed" in module.Params.__struct_fields__,
            paths_in=getattr(module, "paths_in", None),
        )
    return codec


def _params(codec: _Codec, data: bytes) -> Any:
    """The Params of complete data, kept for the next part."""
    return _recent.get(codec.kind.NAME, data, lambda: _decode_complete(codec, data))


def _decode_complete(codec: _Codec, data: bytes) -> Any:
    try:
        params = codec.params.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, InvalidData):
        params = decode(codec.kind.Params, data)  # says what is wrong, and where
    if codec.seeded and params.seed is None:
        fault = Fault("$.data.seed", "is missing: `plan` completes the data", code="missing")
        raise InvalidData([fault])
    return _settled(codec, params, data)


def _settled(codec: _Codec, params: Any, data: bytes) -> Any:
    """The Params as they are calculated with, the seed as it is."""
    if getattr(codec.kind, "ANY_SIZE", False):
        return params
    found = settled(codec.kind.Params, params, data)
    return msgspec.structs.replace(found, seed=params.seed) if codec.seeded and found is not params else found


def _run(codec: _Codec, params: Any, part: int) -> Any:
    """A part, counted where the kind counts."""
    global _paths
    partial = codec.kind.run(params, part)
    if codec.paths_in:
        _paths += codec.paths_in(params, partial)
    return partial


def _plan(codec: _Codec, params: Any) -> Plan:
    try:
        whole = codec.kind.plan(params)
    except InvalidData as error:
        raise error.under("$.data") from None
    if whole.parts > MAX_PARTS:
        raise CalcError(
            f"This work would be {whole.parts:,} parts; a task may have {MAX_PARTS:,}. Divide it into several tasks.",
            code="too_large",
        )
    return whole


def _cost(codec: _Codec, params: Any) -> float:
    seconds = float(codec.kind.cost(params))
    if not 0 <= seconds < math.inf:
        raise ArithmeticError(f"The kind {codec.kind.NAME} estimates its cost as {seconds} seconds")
    return seconds


def _text(value: Any) -> bytes:
    """Canonical JSON. msgspec writes NaN and infinities as null, so a null is looked at (law 6)."""
    text = _ENCODER.encode(value)
    if b"null" in text and not _finite(msgspec.to_builtins(value, builtin_types=(bytes,))):
        raise ArithmeticError(f"{type(value).__module__}.{type(value).__qualname__} holds a number that is not finite")
    return text


def _finite(value: Any) -> bool:
    if isinstance(value, float):
        return math.isfinite(value)
    if not isinstance(value, (dict, list, tuple)):
        return True
    members = value.values() if isinstance(value, dict) else value
    try:
        if math.isfinite(sum(members)):  # all numbers, which is quick to see
            return True
    except (TypeError, OverflowError):
        pass
    return all(map(_finite, members))
