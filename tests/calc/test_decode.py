"""Strict decoding: all faults at once, and not a bit changed on the way."""

import json
import math
import struct
from decimal import Decimal
from typing import Annotated, Any, Literal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Meta, Struct

from calc.decode import decode
from calc.errors import Fault, InvalidData


class Inner(Struct, frozen=True, forbid_unknown_fields=True):
    name: Annotated[str, Meta(min_length=1, max_length=8)]
    low: float = 0.0
    high: float = 1.0

    def __post_init__(self) -> None:
        if self.low > self.high:
            raise InvalidData([Fault("$.low", "is above high")])


class Outer(Struct, frozen=True, forbid_unknown_fields=True):
    number: Annotated[float, Meta(gt=0, le=10, extra={"fraction": True})]
    count: Annotated[int, Meta(ge=0, le=100)] = 0
    side: Literal["call", "put"] = "call"
    flag: bool = False
    rows: list[list[float]] = []
    inner: list[Inner] = []
    by_name: dict[str, Annotated[float, Meta(ge=0)]] = {}
    either: float | list[float] | dict[str, float] | None = None


class Exact(Struct, frozen=True, forbid_unknown_fields=True):
    amount: Decimal


class Envelope(Struct, frozen=True, forbid_unknown_fields=True):
    kind: str
    data: msgspec.Raw


def faults(annotation: Any, text: str | bytes, path: str = "$.data") -> list[Fault]:
    with pytest.raises(InvalidData) as refused:
        decode(annotation, text if isinstance(text, bytes) else text.encode(), path)
    return refused.value.faults


def test_all_faults_at_once() -> None:
    text = """{"number": 50, "count": 1.5, "side": "coll", "flag": 1, "rows": [[1, "2"], [null], 3], "extra": 1,
        "inner": [{"name": "a"}, {"name": "", "low": true}, {"name": "c", "low": 2}, {}],
        "by_name": {"BRK.B": -1, "ok": 1}, "either": [1, "x"]}"""
    assert {(fault.path, fault.code) for fault in faults(Outer, text)} == {
        ("$.data.number", "out_of_range"),
        ("$.data.count", "wrong_type"),
        ("$.data.side", "invalid"),
        ("$.data.flag", "wrong_type"),
        ("$.data.rows[0][1]", "wrong_type"),
        ("$.data.rows[1][0]", "wrong_type"),
        ("$.data.rows[2]", "wrong_type"),
        ("$.data.extra", "unknown_field"),
        ("$.data.inner[1].name", "invalid"),
        ("$.data.inner[1].low", "wrong_type"),
        ("$.data.inner[2].low", "invalid"),
        ("$.data.inner[3].name", "missing"),
        ('$.data.by_name["BRK.B"]', "out_of_range"),
        ("$.data.either[1]", "wrong_type"),
    }


@pytest.mark.parametrize(
    ("path", "pointer"),
    [
        ("$", ""),
        ("$.data.positions[3].price", "/data/positions/3/price"),
        ('$.data.volatilities["BRK.B"]', "/data/volatilities/BRK.B"),
        ('$.data.correlation["A/B~C"]', "/data/correlation/A~1B~0C"),
        ('$.data["a\\"b\\\\c"]', '/data/a"b\\c'),
    ],
)
def test_a_path_is_a_pointer(path: str, pointer: str) -> None:
    assert Fault(path, "").pointer == pointer


def test_what_was_meant() -> None:
    assert "did you mean 'number'" in faults(Outer, '{"numbr": 1}')[0].detail
    assert "did you mean 0.5" in faults(Outer, '{"number": 50}')[0].detail
    assert "did you mean 'call'" in faults(Outer, '{"number": 1, "side": "cal"}')[0].detail
    assert "without quotes" in faults(Outer, '{"number": "1"}')[0].detail
    assert faults(Outer, '{"number": 0}')[0].allowed == "a number above 0 and at most 10"
    assert faults(Outer, "{}")[0].detail == "is missing"


@pytest.mark.parametrize("literal", ["NaN", "Infinity", "-Infinity", "1e999", "-1e400"])
def test_only_finite_numbers(literal: str) -> None:
    (fault,) = faults(Outer, f'{{"number": {literal}}}')
    assert (fault.path, fault.code, fault.value) == ("$.data.number", "not_finite", literal)
    (fault,) = faults(Outer, f'{{"number": 1, "rows": [[1], [2, {literal}]]}}')
    assert (fault.path, fault.code) == ("$.data.rows[1][1]", "not_finite")


@pytest.mark.parametrize("literal", ["9007199254740993", "-9007199254740993", "18446744073709551616", "9" * 5000])
def test_an_integer_that_a_float_cannot_hold(literal: str) -> None:
    """B89: it is refused, not rounded."""
    for text, path in (
        (f'{{"number":{literal}}}', "$.data.number"),
        (f'{{"number":1,"either":{literal}}}', "$.data.either"),
        (f'{{"number":1,"rows":[[1,{literal} ]]}}', "$.data.rows[0][1]"),
        (f'{{"number":1,"by_name":{{"a": {literal}}}}}', "$.data.by_name.a"),
    ):
        (fault,) = faults(Outer, text)
        assert (fault.path, fault.code) == (path, "too_large_integer")
        assert literal.startswith(fault.value.rstrip("…"))


def test_the_largest_integer_is_held() -> None:
    assert decode(Outer, b'{"number": 1, "either": 9007199254740992}').either == 2.0**53
    assert decode(Outer, b'{"number": 1, "either": 9007199254740993.0}').either == 2.0**53  # a float, and said so
    assert decode(Outer, b'{"number": 1, "by_name": {"9007199254740993": 1}}').by_name == {"9007199254740993": 1.0}


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ('{"number": 1, "number": 1}', "$.data.number"),
        ('{"number": 1, "inner": [{"name": "a"}, {"name": "b", "low": 0, "name": "c"}]}', "$.data.inner[1].name"),
        ('{"number": 1, "by_name": {"a": 1, "b": 2, "\\u0061": 3}}', "$.data.by_name.a"),
        ('{"number": 1, "either": {"a": 1 , "a" : 2}}', "$.data.either.a"),
        ('{"number": 1, "by_name": {":a": 1, ":a": 2}}', '$.data.by_name[":a"]'),
    ],
)
def test_a_key_twice(text: str, path: str) -> None:
    (fault,) = faults(Outer, text)
    assert (fault.path, fault.code) == (path, "duplicate_key")


def test_a_key_again_in_another_object() -> None:
    inner = '[{"name": "a", "low": 0}, {"name": "low", "low": 1}]'
    text = f'{{"number": 1, "inner": {inner}, "by_name": {{"name": 1, "low": 2}}}}'
    assert len(decode(Outer, text.encode()).inner) == 2


@pytest.mark.parametrize(
    "text",
    [
        *(b"", b" ", b"{", b"nul", b"{'number': 1}", b'{"number": 01}', b'{"number": 1,}', b'{"number": 1} x'),
        *(b"\xff", b'{"number": "\xff"}', b"\xef\xbb\xbf{}", b'"\\ud800"', b"[" * 9999, b'{"number": ' + b"[" * 9999),
    ],
)
def test_what_is_no_json(text: bytes) -> None:
    told = faults(Outer, text)
    assert told
    json.dumps(msgspec.to_builtins(told)).encode()


def test_half_a_surrogate_pair_can_be_told() -> None:
    for text in (
        '{"number": "\\ud800"}',
        '{"\\ud800": 1, "number": 1}',
        '{"number": 1, "inner": [{"name": "\\ud800x"}]}',
    ):
        msgspec.json.encode(faults(Outer, text))


@pytest.mark.parametrize("literal", ["NaN", "Infinity", "1e9999999999999999999999"])
def test_only_finite_decimals(literal: str) -> None:
    (fault,) = faults(Exact, f'{{"amount": {literal}}}')
    assert (fault.path, fault.code) == ("$.data.amount", "not_finite")


def test_decimals_keep_their_digits() -> None:
    for digits in ("0.1", "1E+4", "10000000000000000.000000000000000001", "9007199254740993", "-0.0"):
        assert str(decode(Exact, f'{{"amount": {digits}}}'.encode()).amount) == digits
    (fault,) = faults(Exact, '{"amount": "1.5"}')
    assert (fault.path, fault.code, fault.value) == ("$.data.amount", "wrong_type", "1.5")


def test_an_envelope_keeps_its_raw_data() -> None:
    text = b'{"kind": "x", "data": {"a": 1, "a": NaN_not_looked_at}}'.replace(b"NaN_not_looked_at", b"2")
    assert bytes(decode(Envelope, text, "$").data) == b'{"a": 1, "a": 2}'
    assert {fault.path for fault in faults(Envelope, b'{"kind": 1, "dato": {}}', "$")} == {"$.kind", "$.dato", "$.data"}


def test_a_million_bad_entries_are_told_in_a_hundred() -> None:
    text = json.dumps({"number": 1, "rows": [[None] * 1000] * 100})
    assert len(faults(Outer, text)) == 100


def test_one_bad_entry_among_many() -> None:
    rows = [[0.5] * 1000 for _ in range(300)]
    rows[299][999] = "x"  # type: ignore[call-overload]
    assert [fault.path for fault in faults(Outer, json.dumps({"number": 1, "rows": rows}))] == ["$.data.rows[299][999]"]


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_float_keeps_its_bits(value: float) -> None:
    """B89."""
    text = msgspec.json.encode({"number": 1, "either": value})
    if isinstance(value, float) and value.is_integer() and abs(value) > 2**53:
        assert b"." in text or b"e" in text, "an encoder that writes floats as long integers would be refused"
    read = decode(Outer, text).either
    assert isinstance(read, float)
    assert struct.pack("<d", read) == struct.pack("<d", value)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner, max_size=4),
    max_leaves=10,
)


@given(st.dictionaries(st.sampled_from(list(Outer.__struct_fields__)) | st.text(max_size=3), JSON, max_size=6))
def test_anything_is_a_value_or_told(data: dict[str, Any]) -> None:
    text = json.dumps(data).encode()
    try:
        value = decode(Outer, text)
    except InvalidData:
        told = faults(Outer, text)
        assert told
        assert all(fault.path.startswith("$.data") for fault in told)
        msgspec.json.encode(told)
        return
    again = decode(Outer, msgspec.json.encode(value))
    assert again == value
    assert math.isfinite(value.number)
    assert msgspec.json.decode(text, type=Outer) == value


@given(st.binary(max_size=40))
def test_any_bytes_are_a_value_or_told(text: bytes) -> None:
    assert faults(Outer, text)
