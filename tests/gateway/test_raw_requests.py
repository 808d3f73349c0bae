"""Requests as no client library would send them, byte by byte: each has an answer that says what is wrong."""

import asyncio
import json
from typing import Any

import pytest

from tests.gateway.house import SEED, House
from tests.gateway.test_access import ADMIN, routes
from tests.servers import Server

JSON = [(b"content-type", b"application/json")]
KEY = [(b"authorization", b"Bearer " + ADMIN.encode())]
NO_QUERIES = (
    b"\xff=\xfe",
    b"wait=\xff",
    b"label=\xc3",
    b"cursor=\xed\xa0\x80",
    b"%ff=%",
    b"\x00",
    b"=&=",
    b"a" * 5_000,
)
NO_COOKIES = (b"\xff", b"\xc3\xa9", b"a", b"====", b"%00", b"/w==", b"x" * 5_000, b'"\\377"', b"hr_admin_0000AAAA_X")


@pytest.fixture
def closed(server: Server) -> House:
    """A gateway with a key."""
    return House(server, admin_key=ADMIN)


async def ask(
    h: House, method: str, path: str, query: bytes = b"", body: bytes = b"", headers: list[tuple[bytes, bytes]] = KEY
) -> tuple[int, Any]:
    """Status and body, or the problem. Nothing that is sent is looked at before it is there."""
    answered: list[Any] = []
    left = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive() -> Any:
        return left.pop() if left else await asyncio.Event().wait()

    async def send(message: Any) -> None:
        answered.append(message)

    sent = [(b"host", b"x"), (b"content-length", b"%d" % len(body)), *headers]
    scope = {"type": "http", "http_version": "1.1", "scheme": "http", "root_path": "", "server": ("127.0.0.1", 80)}
    scope |= {"method": method, "path": path, "raw_path": path.encode(), "query_string": query, "headers": sent}
    app = h.client._transport.app  # type: ignore[attr-defined]
    await app(scope | {"client": ("127.0.0.1", 5), "state": {}}, receive, send)
    status, content = answered[0]["status"], b"".join(message.get("body", b"") for message in answered[1:])
    if status >= 400 and method != "HEAD":
        assert (b"content-type", b"application/problem+json") in answered[0]["headers"], (method, path, query, content)
        problem = json.loads(content)
        assert problem["status"] == status < 500, (method, path, query, problem)
        assert problem["detail"]
    assert status < 500, (method, path, query)
    return status, content


@pytest.mark.parametrize("query", NO_QUERIES)
def test_bytes_that_are_no_text_in_the_query(closed: House, query: bytes) -> None:
    """On every route: an unknown parameter, or one with a wrong value."""

    async def story(h: House) -> None:
        for method, path in routes():
            if path == "/dashboard/stream" and not query.strip(b"=&"):
                continue  # then nothing is wrong, and it is told until one leaves
            await ask(h, method, path, query, json.dumps(SEED).encode() if method == "POST" else b"", KEY + JSON)
        lines = json.dumps([SEED]).encode()
        assert (await ask(h, "POST", "/tasks/batch", b"label=\xff\xfe", lines, KEY + JSON))[0] == 202

    closed.tell(story)


@pytest.mark.parametrize(
    "path", ["*", "", "tasks", "//", "/\x00", "/tasks/\ud7ff", "/dashboard/../../app.py", "/docs/assets/.."]
)
def test_paths_that_are_none(closed: House, path: str) -> None:
    """`OPTIONS *` among them. Whatever is not there, is not there by any method."""

    async def story(h: House) -> None:
        for method in ("GET", "HEAD", "POST", "OPTIONS", "DELETE", "get", "PRI"):
            status, _ = await ask(h, method, path)
            assert status in (404, 405), (method, path)
            assert (await ask(h, method, path, headers=[]))[0] in (401, 404, 405)

    closed.tell(story)


@pytest.mark.parametrize("value", NO_COOKIES)
def test_a_cookie_that_holds_no_key(closed: House, value: bytes) -> None:
    async def story(h: House) -> None:
        for method, path in (("GET", "/tasks"), ("POST", "/tasks"), ("GET", "/dashboard/stream"), ("GET", "/session")):
            status, _ = await ask(h, method, path, headers=[*JSON, (b"cookie", b"headrace_session=" + value)])
            assert status == 401

    closed.tell(story)


@pytest.mark.parametrize(
    "origin", [b"http://[", b"http://[::1", b"null", b"\xff", b"http://x:y@z", b"http://evil", b"x"]
)
def test_an_origin_that_is_none_is_another_site(house: House, closed: House, origin: bytes) -> None:
    """Where no key is needed, and where the key is looked at first."""

    async def refused(h: House) -> None:
        headers = [*JSON, (b"origin", origin)]
        status, content = await ask(h, "POST", "/tasks", b"", json.dumps(SEED).encode(), headers)
        assert (status, json.loads(content)["code"]) == (403, "cross_site")

    async def served(h: House) -> None:
        headers = [*JSON, *KEY, (b"origin", origin)]
        assert (await ask(h, "POST", "/tasks", b"", json.dumps(SEED).encode(), headers))[0] == 202

    house.tell(refused)
    closed.tell(served)
