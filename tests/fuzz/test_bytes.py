"""Whatever bytes come, as body, header or framing: an answer that is no 5xx, or a closed connection; and nothing falls.

On a gateway's own port, and through nginx.
"""

import contextlib
import json
import random
import re
import socket
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.deploy.whole import until
from tests.fuzz.stack import Asked

SEED = b'{"data": {"amount": 10000, "rate": 0.05}}'
DOORS = ("gateway", "nginx")
PATHS = ("/tasks", "/tasks/validate", "/tasks/batch", "/queues/low/pause")
NAMES = (b"Idempotency-Key", b"Prefer", b"X-Request-ID", b"X-Submission-ID", b"traceparent", b"If-None-Match")
NAMES += (b"Content-Type", b"Content-Encoding", b"Last-Event-ID", b"Accept", b"Expect", b"Host", b"Range")
NAMES += (
    b"Cookie",
    b"Authorization",
    b"X-API-Key",
    b"X-Forwarded-For",
    b"Upgrade",
    b"Transfer-Encoding",
    b"Connection",
)
LIMIT_S = 60
SHORT_S = 0.2  # how long we wait for an answer to what is not complete, before we hang up
quickly = settings(
    max_examples=40, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck)
)

# Bytes that are nearly JSON: pieces of it in any order, and any bytes between.
TOKENS = (
    b"{",
    b"}",
    b"[",
    b"]",
    b",",
    b":",
    b'"',
    b'"data"',
    b'"kind"',
    b'"amount":',
    b"1e400",
    b"-0",
    b"NaN",
    b"null",
)
TOKENS += (b"\\u0000", b"\xff", b"\xef\xbb\xbf", b"\x00", b'"\\ud800"', b"9" * 400, b"0.1", b"true", b"\n", b" ")
nearly = st.lists(st.sampled_from(TOKENS) | st.binary(max_size=8), max_size=40).map(b"".join)
HOSTILE = [
    b"",
    b"\x00",
    b"[" * 100_000,
    b'{"data":' * 50_000,
    b'{"data": ' + b"[" * 5_000 + b"]" * 5_000 + b"}",
    b'{"data": {"amount": ' + b"9" * 100_000 + b', "rate": 0.05}}',
    b'{"data": {"amount": 1e99999, "rate": 1e-99999}}',
    b'{"data": {"amount": 1, "amount": 2, "rate": 0.05}}',
    b'{"data": {"amount": 10000, "rate": 0.05}, "data": 1}',
    b'{"data": {"amount": "\xff\xfe", "rate": 0.05}}',
    b'{"data": {"amount": "\\ud800", "rate": 0.05}, "label": "\\udfff"}',
    SEED.decode().encode("utf-16"),
    SEED.decode().encode("utf-32"),
    b"\xef\xbb\xbf" + SEED,
    b"\x1f\x8b\x08\x00" + SEED,
    b'{"kind": "' + b"x" * 200_000 + b'"}',
    b'{"metadata": {' + b",".join(b'"%d": "x"' % n for n in range(20_000)) + b'}, "data": {}}',
    b"\n" * 200_000,
    b"null\n" * 10_001,
]


@pytest.fixture(params=DOORS)
def port(request: pytest.FixtureRequest, stack: Asked) -> int:
    """A gateway's own, and nginx's."""
    return stack.whole.gateway_ports[0] if request.param == "gateway" else stack.whole.port


@pytest.fixture(autouse=True)
def nothing_falls(stack: Asked) -> Iterator[None]:
    """No process is another one afterwards, no log tells of a bug, and an honest request is answered."""
    yield
    assert stack.broken() == []
    honest = stack.ask("POST", "/tasks", json.loads(SEED)).json["links"]["self"]
    assert until(lambda: stack.ask("GET", f"{honest}?wait=1").json["state"] == "succeeded")


def spoken(port: int, sent: bytes, hang_up_s: float = 0) -> list[int]:
    """The status of each answer to these bytes; [] when the connection was closed without one.

    Read until it is closed; with `hang_up_s`, until something has come or that time is over, and then we hang up.
    """
    answered = b""
    with socket.create_connection(("127.0.0.1", port), timeout=hang_up_s or LIMIT_S) as line:
        with contextlib.suppress(BrokenPipeError, ConnectionResetError, TimeoutError):
            line.sendall(sent)
            answered += line.recv(65_536)
        with contextlib.suppress(OSError):
            line.settimeout(LIMIT_S)
            if hang_up_s:
                line.shutdown(socket.SHUT_WR)
            while piece := line.recv(65_536):
                answered += piece
    return [int(status) for status in re.findall(rb"HTTP/1\.1 (\d{3}) ", answered)]


def request(stack: Asked, path: str, body: bytes, *headers: bytes, length: bytes | None = None) -> bytes:
    """A POST with the key, spelt out."""
    said = [b"POST %s HTTP/1.1" % path.encode(), b"Host: x", b"Connection: close"]
    said += [b"Authorization: Bearer " + stack.key.encode(), b"Content-Length: %b" % (length or b"%d" % len(body))]
    said += headers if headers else (b"Content-Type: application/json",)
    return b"\r\n".join(said) + b"\r\n\r\n" + body


def check(statuses: list[int]) -> None:
    assert all(status < 500 for status in statuses), statuses


def test_bodies_of_any_bytes(stack: Asked, port: int) -> None:
    @quickly
    @given(path=st.sampled_from(PATHS), body=nearly | st.binary(max_size=200), lines=st.booleans())
    def ask(path: str, body: bytes, lines: bool) -> None:
        kind = b"Content-Type: application/" + (b"x-ndjson" if lines else b"json")
        statuses = spoken(port, request(stack, path, body, kind))
        assert len(statuses) == 1
        check(statuses)

    ask()


@pytest.mark.parametrize("number", range(len(HOSTILE)))
def test_bodies_that_are_meant_to_hurt(stack: Asked, port: int, number: int) -> None:
    for path in PATHS[:3]:
        for kind in (b"json", b"x-ndjson"):
            said = request(stack, path, HOSTILE[number], b"Content-Type: application/" + kind)
            statuses = spoken(port, said)
            assert statuses, path
            check(statuses)


def test_headers_of_any_bytes(stack: Asked, port: int) -> None:
    value = st.binary(max_size=60).filter(lambda text: not set(text) & set(b"\r\n\x00"))

    @quickly
    @example(sent=[(b"Content-Type", b"application/json; charset=utf-16")])
    @example(sent=[(b"Prefer", b"wait=" + b"9" * 5_000)])
    @example(sent=[(b"Prefer", b"wait=\xb2"), (b"Idempotency-Key", b'"' * 300)])
    @example(sent=[(b"traceparent", b"00-" + b"0" * 32 + b"-" + b"0" * 16 + b"-00")] * 50)
    @example(sent=[(b"Authorization", b"Bearer a.b.c")])
    @example(sent=[(b"Transfer-Encoding", b"chunked, identity")])
    @given(sent=st.lists(st.tuples(st.sampled_from(NAMES), value), max_size=6))
    def ask(sent: list[tuple[bytes, bytes]]) -> None:
        lines = [b"Content-Type: application/json", *(name + b": " + text for name, text in sent)]
        check(spoken(port, request(stack, "/tasks/validate", SEED, *lines)))

    ask()


def test_addresses_of_any_bytes(stack: Asked, port: int) -> None:
    letter = st.sampled_from(
        [b"/", b"%00", b"%2f", b"%ff", b"..", b"?", b"&", b"=", b"#", b"%", b"\xff", b"a", b"tasks"]
    )

    @quickly
    @example(path=[b"tasks/", b"%00" * 26])
    @example(path=[b"tasks?wait=1&wait=2"])
    @example(path=[b"kinds/", b"%e2%82" * 100])
    @given(path=st.lists(letter | st.binary(min_size=1, max_size=3), max_size=12))
    def ask(path: list[bytes]) -> None:
        text = b"/" + b"".join(path).translate(None, b" \r\n\x00\t\x0b\x0c")
        said = b"GET %b HTTP/1.1\r\nHost: x\r\nConnection: close\r\nX-API-Key: %b\r\n\r\n" % (text, stack.key.encode())
        check(spoken(port, said))

    ask()


def test_lengths_that_lie(stack: Asked, port: int) -> None:
    """Too short, too long, none, negative, two; and chunks that end nowhere."""
    post = b"POST /tasks/validate HTTP/1.1\r\nHost: x\r\nConnection: close\r\nX-API-Key: %b\r\n" % stack.key.encode()
    post += b"Content-Type: application/json\r\n"

    def lie(rest: bytes) -> None:
        statuses = spoken(port, post + rest, SHORT_S)
        check(statuses)
        assert 200 not in statuses, rest

    for length in (b"0", b"5", b"%d" % (len(SEED) - 1), b"-1", b"1e3", b"0x10", b"9" * 20, b"+41", b"1000"):
        lie(b"Content-Length: " + length + b"\r\n\r\n" + SEED)
    lie(b"Content-Length: 41\r\nContent-Length: 5\r\n\r\n" + SEED)
    lie(b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + SEED)
    chunked, size = b"Transfer-Encoding: chunked\r\n\r\n", b"%x\r\n" % len(SEED)
    for chunks in (b"", b"zz\r\n", size + SEED, size + SEED + b"\r\n", b"f" * 16 + b"\r\n", b"-1\r\n\r\n", b"5;x=\r\n"):
        lie(chunked + chunks)
    whole = chunked + size + SEED + b"\r\n0\r\n\r\n"
    assert spoken(port, post + whole) == [200]
    chance = random.Random(1)
    for _ in range(10):
        lie(whole[: chance.randrange(len(whole) - 2)])


def test_two_requests_on_one_line_are_two(stack: Asked, port: int) -> None:
    """No smuggling: what stands behind a body is the next request, seen by nginx and gateway alike."""
    one = b"GET /health HTTP/1.1\r\nHost: x\r\n"
    assert spoken(port, one + b"\r\n" + one + b"Connection: close\r\n\r\n") == [200, 200]
    hidden = b"GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    told = spoken(port, request(stack, "/tasks/validate", SEED + hidden, length=b"%d" % len(SEED)))
    assert told[:1] == [200]
    both = b"POST /tasks/validate HTTP/1.1\r\nHost: x\r\nX-API-Key: %b\r\nContent-Type: application/json\r\n" % (
        stack.key.encode()
    )
    both += b"Content-Length: %d\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" % len(hidden)
    assert 200 not in spoken(port, both + hidden), "with both lengths nobody believes either"
