"""What holds on every route that there is, generated from the route table (OWASP API top ten, 2023).

API1 another's object · API2 no key, a bad one · API3 fields that only we may write     test_access.py, and here
API4 sizes · API5 the role · API8 headers, methods, types · API9 inventory              here, test_openapi.py
API6 shares and quotas: tests/stories/test_fair_shares.py, test_access.py · API7 webhooks' own tests
"""

import re

import pytest
from httpx import Response

from gateway import openapi
from gateway.access import least
from pipeline import apikeys
from pipeline.apikeys import EVERYONE, ROLES
from pipeline.settings import Settings
from tests.gateway.house import SEED, House, problem
from tests.gateway.test_access import ADMIN, GUARDED, bearer, is_open, key, routes
from tests.servers import Server

GUESSED = "01M8BBTHKJE4VN8P70JE4DNT4G"
NO_IDS = ("x", "%00", "..%2f..", "{headrace}:apikeys", "*", "a%0d%0ab", "%F0%9F%92%A9" * 30, "0" * 5_000, "%ff", "-1")
WITH_ID = [(method, path) for method, path in routes() if GUESSED in path]
DOCUMENT = openapi.document(Settings())["paths"]
# Whoever may ask here is answered until they leave. Those who may not, or who ask wrongly, are told as everywhere.
ENDLESS = [("GET", path) for path, methods in DOCUMENT.items() if "{" not in path and "event-stream" in str(methods)]
WITH_BODY = [
    path.replace("{priority}", "low") for path, methods in DOCUMENT.items() if "requestBody" in methods.get("post", {})
]
MAY_BE_EMPTY = ("/tasks/{task_id}/cancel", "/batches/{batch_id}/cancel")  # what they have is looked at before the id is


@pytest.fixture
def closed(server: Server) -> House:
    """A gateway that serves nobody without a key, and reads short bodies only."""
    return House(server, admin_key=ADMIN, body_limit_bytes=2_000)


async def ask(h: House, method: str, path: str, **more: object) -> Response:
    """As the admin, unless the headers say otherwise."""
    headers = bearer(ADMIN) | dict(more.pop("headers", {}))  # type: ignore[call-overload]
    return await h.client.request(method, path, headers=headers, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize("role", ROLES)
def test_a_role_may_what_it_may_and_no_more(closed: House, role: str) -> None:
    """API5: on every route; whoever may is not told 403, whoever may not is, and nothing else."""

    async def story(h: House) -> None:
        text = key(h, role, EVERYONE)  # type: ignore[arg-type]
        for method, path in GUARDED:
            may = apikeys.may(role, least(path, method))  # type: ignore[arg-type]
            if may and (method, path) in ENDLESS:
                continue
            answer = await h.client.request(method, path, headers=bearer(text))
            assert (answer.status_code == 403) is not may, (method, path, answer.text)

    closed.tell(story)


def test_a_method_that_is_not_taken_is_refused_with_those_that_are(closed: House) -> None:
    """API8: 405 with `Allow`, on every address, whatever the method is called."""

    async def story(h: House) -> None:
        taken: dict[str, set[str]] = {}
        for method, path in routes():
            taken.setdefault(path, set()).add(method)
        for path, methods in taken.items():
            for method in {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND"} - methods:
                answer = await ask(h, method, path)
                assert answer.status_code == 405, (method, path, answer.text)
                assert set(answer.headers["allow"].split(", ")) == methods, path

    closed.tell(story)


def test_ids_that_are_none_find_nothing(closed: House) -> None:
    """API1: what could spell another key, another path or another line is no id: 404, whatever the route."""

    async def story(h: House) -> None:
        for method, path in WITH_ID:
            for id in NO_IDS:
                answer = await ask(h, method, path.replace(GUESSED, id))
                assert answer.status_code in (404, 405), (method, path, id, answer.text)

    closed.tell(story)
    assert len(WITH_ID) >= 12
    assert len(WITH_BODY) >= 4


def test_parameters_that_are_none_are_refused(closed: House) -> None:
    """API3: on every guarded route; another's name as `?owner=` among them."""

    async def story(h: House) -> None:
        mine = bearer(key(h, "admin", "desk-1"))
        for method, path in GUARDED:
            for name in ("owner", "no_such", "owner=a&owner"):
                answer = await ask(h, method, f"{path}?{name}=desk-2", json=SEED, headers=mine)
                assert answer.status_code in (404, 422), (method, path, answer.text)
                if GUESSED not in path and method != "HEAD":
                    problem(answer, 422, "invalid_query")

    closed.tell(story)


@pytest.mark.parametrize("path", WITH_BODY)
def test_bodies_are_bounded_and_declared(closed: House, path: str) -> None:
    """API4, API8: too long is 413, with and without a length; not declared as JSON is 415; compressed is 415."""

    async def story(h: House) -> None:
        long = b'{"reason": "' + b"x" * 20_000 + b'"}'
        headers = bearer(ADMIN) | {"Content-Type": "application/json"}

        async def pieces():  # type: ignore[no-untyped-def]
            for _ in range(20):
                yield long

        problem(await h.client.post(path, content=long, headers=headers), 413, "body_too_large")
        problem(await h.client.post(path, content=pieces(), headers=headers), 413, "body_too_large")
        for declared in (
            "text/plain",
            "application/x-www-form-urlencoded",
            "multipart/form-data; boundary=x",
            "",
            "json",
        ):
            answer = await h.client.post(path, content=b"{}", headers=headers | {"Content-Type": declared})
            problem(answer, 415, "unsupported_media_type")
        zipped = headers | {"Content-Encoding": "gzip"}
        problem(await h.client.post(path, content=b"{}", headers=zipped), 415, "unsupported_media_type")
        for text in (b"", b"nonsense", b"[" * 1_000, b'{"a": NaN}', b"\xff"):
            answer = await h.client.post(path, content=text, headers=headers)
            empty = not text and path in MAY_BE_EMPTY
            assert answer.status_code in ((404,) if empty else (400, 422)), (text, answer.text)

    closed.tell(story)


def test_every_answer_has_the_headers_that_make_it_harmless(closed: House) -> None:
    """API8: whatever is answered: no sniffing, no store where nothing else is said, its request's name, no server."""

    async def story(h: House) -> None:
        for method, path in routes():
            if (method, path) in ENDLESS:
                continue
            answer = await ask(h, method, path)
            assert answer.headers["x-content-type-options"] == "nosniff", path
            assert re.fullmatch(r"[0-9a-f]{32}", answer.headers["x-request-id"])
            wanted = ("no-store", "no-cache", "private, no-cache") if is_open(path) else ("no-store",)
            assert answer.headers["cache-control"] in wanted, path
            assert "server" not in answer.headers
            assert ("set-cookie" in answer.headers) is ((method, path) == ("DELETE", "/session")), path

    closed.tell(story)


def test_no_header_comes_back_as_another(closed: House) -> None:
    """What is echoed, is echoed only when it is harmless: line ends and letters of other lands are not."""

    async def story(h: House) -> None:
        for name in ("a\r\nSet-Cookie: x=1", "é" * 20, "x" * 200, '"quoted-quoted"'):
            sent = [(b"x-request-id", name.encode()), (b"authorization", b"Bearer " + ADMIN.encode())]
            answer = await h.client.request("GET", "/tasks", headers=sent)
            assert re.fullmatch(r"[0-9a-f]{32}", answer.headers["x-request-id"])
            assert "set-cookie" not in answer.headers

    closed.tell(story)


def test_a_cursor_leads_nowhere_else(closed: House) -> None:
    """API1: the id of another's task as a cursor shows none of theirs."""

    async def story(h: House) -> None:
        mine, theirs = bearer(key(h, "submitter", "desk-1")), bearer(key(h, "submitter", "desk-2"))
        ids = [(await h.client.post("/tasks", json=SEED, headers=theirs)).json()["task_id"] for _ in range(3)]
        own = (await h.client.post("/tasks", json=SEED, headers=mine)).json()["task_id"]
        for id in ids:
            assert (await h.client.get(f"/tasks?cursor={id}", headers=mine)).json()["tasks"] == []
        (listed,) = (await h.client.get("/tasks", headers=mine)).json()["tasks"]
        assert listed["task_id"] == own

    closed.tell(story)


def test_another_owners_dead_letter_is_not_there(closed: House) -> None:
    """API1: an operator of one owner neither sees, nor tries again, nor removes what is another's."""

    async def story(h: House) -> None:
        theirs = bearer(key(h, "submitter", "desk-2"))
        task = (await h.client.post("/tasks", json=SEED, headers=theirs)).json()["task_id"]
        assert h.fail() == task
        mine, own = bearer(key(h, "operator", "desk-1")), bearer(key(h, "operator", "desk-2"))
        assert (await h.client.get("/dead-letters", headers=mine)).json()["letters"] == []
        (letter,) = (await h.client.get("/dead-letters", headers=own)).json()["letters"]
        path = f"/dead-letters/{letter['letter_id']}"
        problem(await h.client.post(f"{path}/retry", headers=mine), 404, "unknown_letter")
        problem(await h.client.delete(path, headers=mine), 404, "unknown_letter")
        again = await h.client.post(f"{path}/retry", headers=bearer(ADMIN))
        told = (await h.client.get(again.json()["links"]["self"], headers=theirs)).json()
        assert (told["owner"], told["state"], told["rerun"]["of"]) == ("desk-2", "queued", task), "it stays its owner's"

    closed.tell(story)
