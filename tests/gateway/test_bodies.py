"""Bodies of every kind: what is wrong is told with its place, and nothing ever breaks us."""

import json
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.gateway.house import SEED, House, problem
from tests.servers import Server

MALFORMED = [
    b"",
    b"{",
    b'{"data": {"amount": 1, "rate": 0.1},}',
    b'{"data": {"amount": 1, "rate": 0.1,}}',
    b"{'data': {}}",
    b'{"data": {}} x',
    b'{"data": tru}',
    b'{"data": {"amount": 01}}',
    b'\xef\xbb\xbf{"data": {"amount": 1, "rate": 0.1}}',
    b'{"data": {"amount": 1, "rate": 0.1}, "label": "\xff"}',
    b'{"data": {"amount": 1, "rate": 0.1, "\xff": 1}}',
    b'{"data": "\xed\xa0\x80"}',
    b'{"data": {"amount": 1, "rate": 0.1}, "label": "\x00"}',
    b'{"data": ' + b"[" * 200_000 + b"]" * 200_000 + b"}",
    b'{"data": {"amount": ' + b'{"a":' * 200_000 + b"1" + b"}" * 200_000 + b"}}",
    b"[" * 1_000_000,
]


@pytest.mark.parametrize("body", MALFORMED, ids=lambda body: repr(body[:24]))
def test_what_is_not_json_is_400(house: House, body: bytes) -> None:
    """Whatever is wrong with it, and whether it is in the envelope or in the data."""

    async def story(h: House) -> None:
        problem(await h.post(body), 400, "malformed_json")

    house.tell(story)


def test_the_place_is_told(house: House) -> None:
    """Line and column, for the person who wrote the file."""

    async def story(h: House) -> None:
        body = problem(await h.post(b'{\n  "data": {"amount" 1}\n}'), 400, "malformed_json")
        assert "line 2" in str(body["detail"])

    house.tell(story)


WRONG: list[tuple[bytes, str, str, str]] = [
    (b"[1]", "invalid_request", "$", "object"),
    (b"null", "invalid_request", "$", "object"),
    (b"{}", "invalid_request", "$.data", "missing"),
    (b'{"data": {}, "kind": null}', "invalid_request", "$.kind", "text"),
    (b'{"data": {}, "kind": "x", "kind": "y"}', "invalid_request", "$.kind", "twice"),
    (b'{"data": {}, "\\u006bind": "x", "kind": "y"}', "invalid_request", "$.kind", "twice"),
    (b'{"data": {}, "priority": "hihg"}', "invalid_request", "$.priority", "did you mean 'high'"),
    (b'{"data": {}, "priorty": "high"}', "invalid_request", "$.priorty", "did you mean 'priority'"),
    (b'{"data": {}, "tags": {}}', "invalid_request", "$.tags", "not a field"),
    (b'{"data": {}, "owner": "root"}', "invalid_request", "$.owner", "not a field"),
    (b'{"data": {}, "time_limit_s": 3601}', "invalid_request", "$.time_limit_s", "3600"),
    (b'{"data": {}, "time_limit_s": 0}', "invalid_request", "$.time_limit_s", "above 0"),
    (b'{"data": {}, "time_limit_s": "5"}', "invalid_request", "$.time_limit_s", "number"),
    (b'{"data": {}, "result_ttl_s": 1.5}', "invalid_request", "$.result_ttl_s", "whole"),
    (b'{"data": {}, "result_ttl_s": 604801}', "invalid_request", "$.result_ttl_s", "604800"),
    (b'{"data": {}, "delay_s": -1}', "invalid_request", "$.delay_s", "2592000"),
    (b'{"data": {}, "delay_s": 1e400}', "invalid_request", "$.delay_s", "finite"),
    (b'{"data": {}, "delay_s": NaN}', "invalid_request", "$.delay_s", "finite"),
    (b'{"data": {}, "delay_s": true}', "invalid_request", "$.delay_s", "number"),
    (b'{"data": {}, "label": 5}', "invalid_request", "$.label", "text"),
    (b'{"data": {}, "label": "' + b"x" * 201 + b'"}', "invalid_request", "$.label", "200"),
    (
        b'{"data": {"amount":1,"rate":0}, "delay_s": 1, "run_at": "2030-01-01T00:00:00Z"}',
        "invalid_request",
        "$.run_at",
        "both",
    ),
    (b'{"data": {"amount":1,"rate":0}, "run_at": "tomorrow"}', "invalid_request", "$.run_at", "zone"),
    (b'{"data": {"amount":1,"rate":0}, "run_at": "2030-01-01T00:00:00"}', "invalid_request", "$.run_at", "zone"),
    (
        b'{"data": {"amount":1,"rate":0}, "run_at": "9999-12-31T23:59:59-14:00"}',
        "invalid_request",
        "$.run_at",
        "30 days",
    ),
    (b'{"data": {"amount":1,"rate":0}, "run_at": 1}', "invalid_request", "$.run_at", "text"),
    (b'{"data": [], "kind": "compound_interest"}', "invalid_data", "$.data", "object"),
    (b'{"data": "x"}', "invalid_data", "$.data", "object"),
    (b'{"data": {"amount": "1", "rate": 0.1}}', "invalid_data", "$.data.amount", "quotes"),
    (b'{"data": {"amount": NaN, "rate": 0.1}}', "invalid_data", "$.data.amount", "finite"),
    (b'{"data": {"amount": 1e400, "rate": 0.1}}', "invalid_data", "$.data.amount", "finite"),
    (b'{"data": {"amount": -Infinity, "rate": 0.1}}', "invalid_data", "$.data.amount", "finite"),
    (b'{"data": {"amount": 1' + b"0" * 5000 + b', "rate": 0.1}}', "invalid_data", "$.data.amount", ""),
    (b'{"data": {"amount": 1, "amount": 2, "rate": 0.1}}', "invalid_data", "$.data.amount", "twice"),
    (b'{"data": {"amount": 1, "rate": 0.1, "raet": 1}}', "invalid_data", "$.data.raet", "did you mean 'rate'"),
    (b'{"data": {}, "kind": "compund_interest"}', "unknown_kind", "$.kind", "compound_interest"),
    (b'{"data": {}, "kind": ""}', "unknown_kind", "$.kind", ""),
    (b'{"data": {}, "kind": "os.system"}', "unknown_kind", "$.kind", ""),
    (b'{"data": {}, "kind": "' + b"k" * 100_000 + b'"}', "unknown_kind", "$.kind", ""),
]


@pytest.mark.parametrize(("body", "code", "path", "says"), WRONG, ids=lambda value: repr(value)[:48])
def test_what_is_wrong_has_its_place(house: House, body: bytes, code: str, path: str, says: str) -> None:
    """422 with the field, as JSON path and as JSON pointer."""

    async def story(h: House) -> None:
        answer = problem(await h.post(body), 422, code)
        faults: Any = answer["errors"]
        fault = next(fault for fault in faults if fault["path"] == path)
        assert fault["pointer"] == path[1:].replace(".", "/")
        assert says in fault["detail"]
        assert len(json.dumps(answer)) < 5_000

    house.tell(story)


def test_every_fault_is_told_at_once(house: House) -> None:
    """Not one a round trip."""

    async def story(h: House) -> None:
        body: Any = problem(await h.post({"dat": {}, "priority": 3, "label": 1}), 422, "invalid_request")
        assert {fault["path"] for fault in body["errors"]} == {"$.dat", "$.data", "$.priority", "$.label"}
        assert body["did_you_mean"] == "data"
        body = problem(await h.post({"data": {"amount": -1, "rate": 1}, "priority": 3}), 422, "invalid_request")
        assert {fault["path"] for fault in body["errors"]} == {"$.data.amount", "$.priority"}
        body = problem(await h.post({"data": {"amount": -1, "rate": "x", "foo": 1}}), 422, "invalid_data")
        assert {fault["path"] for fault in body["errors"]} == {"$.data.amount", "$.data.rate", "$.data.foo"}
        assert body["errors"][0]["allowed"]

    house.tell(story)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"content-type": "application/x-www-form-urlencoded"},
        {"content-type": "text/plain"},
        {"content-type": "application/json; charset=latin-1"},
        {"content-type": "application/jsonx"},
        {"content-type": "application/json", "content-encoding": "gzip"},
        [("content-type", "application/json"), ("content-type", "text/plain")],
        [("content-type", "application/json"), ("content-encoding", "identity"), ("content-encoding", "gzip")],
    ],
)
def test_only_declared_json_is_read(house: House, headers: dict[str, str] | list[tuple[str, str]]) -> None:
    """A page of another site can send a form or text without asking, but not JSON."""

    async def story(h: House) -> None:
        body = problem(
            await h.client.post("/tasks", content=json.dumps(SEED), headers=headers), 415, "unsupported_media_type"
        )
        assert "application/json" in str(body["hint"])

    house.tell(story)


@pytest.mark.parametrize(
    "declared",
    [
        "application/json",
        "Application/JSON; charset=UTF-8",
        'application/json;charset="utf-8"',
        "application/json; charset=utf8",
    ],
)
def test_json_may_be_declared_in_these_ways(house: House, declared: str) -> None:
    """With its only charset."""

    async def story(h: House) -> None:
        await h.submitted(json.dumps(SEED).encode(), content_type=declared)

    house.tell(story)


def test_a_body_over_the_limit_is_not_read_to_its_end(server: Server) -> None:
    """With a length before the first byte, without one at the limit."""

    async def story(h: House) -> None:
        problem(await h.post(b"x" * 1001), 413, "body_too_large")
        sent = 0

        async def pieces() -> Any:
            nonlocal sent
            for _ in range(1000):
                sent += 100
                yield b" " * 100

        answer = await h.client.post("/tasks", content=pieces(), headers={"content-type": "application/json"})
        problem(answer, 413, "body_too_large")
        assert sent <= 1200
        await h.submitted()

    House(server, body_limit_bytes=1000).tell(story)


# ── any body, any header, any query ──

_scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=True) | st.text(max_size=12)
_names = st.sampled_from(
    ["kind", "data", "priority", "label", "delay_s", "run_at", "time_limit_s", "amount", "rate", "seed"]
)
_json = st.recursive(
    _scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_names | st.text(max_size=6), inner, max_size=5),
)
_envelopes = st.fixed_dictionaries(
    {"data": _json | st.just(SEED["data"])},
    optional={
        "kind": st.sampled_from(["compound_interest", "option_european", "var_mc", "var_historical"]) | _scalars,
        "priority": _json,
        "label": _json,
        "run_at": _json | st.datetimes().map(lambda at: at.isoformat() + "Z"),
        "delay_s": _json,
    },
)
_bodies = st.binary(max_size=200) | (_json | _envelopes).map(
    lambda value: json.dumps(value).encode("utf-8", "surrogatepass")
)
_header_names = st.sampled_from(
    ["idempotency-key", "prefer", "x-request-id", "x-submission-id", "traceparent", "accept"]
)
_headers = st.lists(
    st.tuples(_header_names, st.binary(max_size=40).map(lambda raw: raw.replace(b"\n", b"").replace(b"\r", b"")))
)


def test_nothing_that_is_sent_breaks_us(house: House) -> None:
    """Never a 5xx; every error is a problem."""

    async def story(h: House) -> None:
        answered: set[int] = set()

        @settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck), phases=[Phase.generate])
        @given(
            _bodies,
            _headers,
            st.text(max_size=12),
            st.sampled_from(["/tasks", "/tasks?", "/tasks?wait=", "/tasks/x/cancel"]),
        )
        def draw(body: bytes, headers: list[tuple[str, bytes]], query: str, path: str) -> None:
            drawn.append((body, headers, query, path))

        drawn: list[tuple[bytes, list[tuple[str, bytes]], str, str]] = []
        draw()
        for body, headers, query, path in drawn:
            sent = [("content-type", b"application/json"), *headers]
            target = path + (quote(query, safe="&=") if "?" in path else "")
            for method in ("POST", "GET"):
                answer = await h.client.request(method, target, content=body, headers=sent)
                assert answer.status_code < 500, (method, target, body, headers, answer.text)
                if answer.status_code >= 400:
                    problem(answer, answer.status_code, answer.json()["code"])
                answered.add(answer.status_code)
        assert {202, 400, 422} <= answered

    house.tell(story)
