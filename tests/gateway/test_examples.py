"""Every error has an example in the document and on /docs/errors, and it is what is really answered."""

import re
from typing import Any

import msgspec
import pytest

from gateway import openapi, openapi_examples
from gateway.codes import CODES, PROXY_CODES
from gateway.problems import ProblemBody
from tests.gateway.house import SEED, House
from tests.gateway.test_access import ADMIN, bearer, key
from tests.gateway.test_docs import ROOT
from tests.servers import Server

WRONG = {"data": {"amount": 10000, "raet": 0.05}}
# Those that cannot be had at once are answered in tests of their own: limits, a store that is away or full.
ELSEWHERE = {"rate_limited", "quota_full", "backlog_full", "bodies_waiting", "internal_error", "store_unavailable"}
ELSEWHERE |= {"store_full", "not_ready", "refused", "tabs_full"}
VARIES = re.compile(r"[0-9A-HJKMNP-TV-Z]{26}|key \w+|[0-9][0-9,.]*|queued|running")


@pytest.fixture
def closed(server: Server) -> House:
    """A gateway with a key."""
    return House(server, admin_key=ADMIN, body_limit_bytes=8_000)


def test_each_is_a_problem_and_all_are_there(house: House) -> None:
    document = openapi.document(house.settings)
    house.store.close()
    found: dict[str, Any] = {}
    for methods in document["paths"].values():
        for operation in methods.values():
            for answer in operation["responses"].values():
                found |= answer.get("content", {}).get("application/problem+json", {}).get("examples", {})
    assert set(found) == set(CODES) - {"no_such_path", "method_not_allowed"} | {"uri_too_long"}
    for code, meaning in (CODES | PROXY_CODES).items():
        told = openapi_examples.problem(code, meaning)
        body = msgspec.json.decode(msgspec.json.encode(told), type=ProblemBody, strict=True)
        assert (body.code, body.status, body.title) == (code, meaning.status, meaning.title)
        assert body.detail
    assert set(openapi_examples.DETAILS) == set(CODES | PROXY_CODES)


def test_each_is_what_is_answered(closed: House) -> None:
    """Word for word, but for ids, names of keys, numbers and states."""
    told: dict[str, dict[str, Any]] = {}

    async def story(h: House) -> None:
        async def ask(method: str, path: str, body: object = None, /, **headers: str) -> str:
            """The task_id of the answer, if there is one; an error is noted."""
            sent = bearer(ADMIN) | {name.replace("_", "-"): value for name, value in headers.items()}
            content = body if isinstance(body, bytes) else msgspec.json.encode(body) if body is not None else b""
            if "content-type" not in sent:
                sent["content-type"] = "application/json"
            answer = await h.client.request(method, path, content=content, headers=sent)
            said: dict[str, Any] = answer.json() if answer.content else {}
            if answer.status_code >= 400:
                told[said["code"]] = said
            return str(said.get("task_id", ""))

        cancelled, failed, ended = [await ask("POST", "/tasks", SEED) for _ in range(3)]
        await ask("DELETE", f"/tasks/{cancelled}")
        await ask("POST", f"/tasks/{cancelled}/retry")
        await ask("POST", f"/tasks/{cancelled}/cancel")
        await ask("GET", f"/tasks/{cancelled}/result")
        assert h.fail() == failed
        await ask("GET", f"/tasks/{failed}/result")
        await ask("POST", f"/tasks/{failed}/rerun")
        h.finish()
        await ask("POST", f"/tasks/{ended}/cancel")
        await ask("GET", f"/tasks/{ended}/result", accept="text/csv")
        await ask("DELETE", f"/tasks/{ended}")
        await ask("GET", f"/tasks/{ended}")
        await ask("GET", f"/tasks/{ended[::-1]}")
        await ask("POST", "/tasks", b'{\n"data":\n{"amount": 10000 "rate": 0.05}}')
        await ask("POST", "/tasks", SEED, idempotency_key="")
        await ask("POST", "/tasks", SEED, idempotency_key="k")
        await ask("POST", "/tasks", SEED | {"label": "x"}, idempotency_key="k")
        await ask("GET", "/tasks", authorization=f"Basic {ADMIN}")
        await ask("POST", "/tasks", b"x" * 9_000)
        await ask("POST", "/tasks", SEED, content_type="text/plain")
        await ask("POST", "/tasks", SEED | {"priority": "urgent"})
        await ask("POST", "/tasks", WRONG)
        await ask("POST", "/tasks", SEED | {"kind": "var_cm"})
        await ask("POST", "/tasks/batch", [{"data": {"amount": 1}}])
        await ask("GET", "/kinds/var_cm")
        await ask("GET", f"/batches/{ended[::-1]}")
        await ask("GET", "/tasks?stat=failed")
        await ask("PUT", "/tasks")
        await ask("GET", "/jobs")
        await ask("POST", "/queues/urgent/resume")
        await ask("DELETE", "/dead-letters/1-0")
        await ask("POST", "/dead-letters/purge", {"expect_count": 412})
        session = (await h.client.post("/session", json={"key": ADMIN})).headers["set-cookie"].partition(";")[0]
        h.client.cookies.clear()
        told["cross_site"] = (await h.client.post("/tasks", json=SEED, headers={"Cookie": session})).json()
        await ask("GET", f"/webhooks/{ended}")
        await ask("DELETE", "/webhook-secrets/desk-1/AAAAAAAA")
        answer = await h.client.get("/tasks")
        told["unauthenticated"] = answer.json()
        submitter = bearer(key(h, "submitter"))
        told["forbidden"] = (await h.client.post("/queues/low/pause", headers=submitter)).json()

    closed.tell(story)
    assert set(CODES) - set(told) == ELSEWHERE
    for code, said in told.items():
        example = openapi_examples.problem(code, CODES[code])
        assert VARIES.sub("…", example["detail"]) == VARIES.sub("…", said["detail"])
        assert set(example) == set(said), code
        for ours, theirs in zip(example.get("errors", ()), said.get("errors", ()), strict=True):
            assert {**theirs, **ours} == theirs, code


def test_those_of_nginx_are_its_own_words() -> None:
    template = (ROOT / "nginx" / "nginx.conf.template").read_text()
    details = template.split("map $status $problem_detail {")[1].split("\n    }")[0]
    for code in PROXY_CODES:
        assert f'"{openapi_examples.DETAILS[code]}"' in details
