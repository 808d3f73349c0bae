"""Who may do what: keys, roles, owners, on every route that there is (OWASP API1, API2, API5), and how often."""

import asyncio
import re
from collections.abc import Awaitable, Callable

import pytest
from starlette.routing import Route

from gateway import access, app
from gateway.access import EXACT, OPEN, OPEN_TO_WRITE, RULES
from pipeline import apikeys, verbs
from pipeline.apikeys import EVERYONE, ROLES, Role
from pipeline.settings import Settings
from tests.gateway.house import LIMIT_S, SEED, House, problem
from tests.servers import Server

ADMIN = "an-admin-key-of-32-characters-ok"
READING, WRITING = ("GET", "HEAD"), ("POST", "PUT", "PATCH", "DELETE")


@pytest.fixture
def closed(server: Server) -> House:
    """A gateway that serves nobody without a key."""
    return House(server, admin_key=ADMIN)


def key(house: House, role: Role, owner: str = "desk-1") -> str:
    """A new key, as `make key` makes it."""
    text, kept = apikeys.make(role, owner)
    assert house.store.do(verbs.keep_apikey(kept))
    return text


def bearer(text: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {text}"}


def routes() -> list[tuple[str, str]]:
    """Method and path of every route, with a task or batch id that somebody could have guessed."""
    found = [route for route in app.create(Settings()).routes if isinstance(route, Route)]
    return sorted(
        (method, re.sub(r"\{\w+\}", "01M8BBTHKJE4VN8P70JE4DNT4G", route.path))
        for route in found
        for method in route.methods or ()
    )


def is_open(path: str, method: str = "GET") -> bool:
    if path in OPEN_TO_WRITE and method not in READING:
        return True
    return path.split("/")[1] in OPEN and path not in EXACT


GUARDED = [(method, path) for method, path in routes() if not is_open(path, method)]


def test_every_route_is_open_or_has_a_rule() -> None:
    assert [path for _, path in GUARDED if path not in EXACT and path.split("/")[1] not in RULES] == []
    assert len(GUARDED) >= 10


@pytest.mark.parametrize(("method", "path"), GUARDED)
def test_nobody_is_served_without_a_key(closed: House, method: str, path: str) -> None:
    async def story(h: House) -> None:
        for headers in ({}, bearer("hr_admin_0000AAAA_" + "X" * 32), bearer("x"), {"Authorization": "Basic eDp5"}):
            answer = await h.client.request(method, path, json=SEED, headers=headers)
            assert answer.status_code == 401
            assert answer.headers["www-authenticate"].startswith("Bearer")
            if method != "HEAD":
                problem(answer, 401, "unauthenticated")

    closed.tell(story)


@pytest.mark.parametrize(("method", "path"), [route for route in GUARDED if route[0] not in READING])
def test_a_viewer_changes_nothing(closed: House, method: str, path: str) -> None:
    async def story(h: House) -> None:
        before = h.store.do(verbs.counts())
        answer = await h.client.request(method, path, json=SEED, headers=bearer(key(h, "viewer")))
        said = problem(answer, 403, "forbidden")
        assert "needs the role" in str(said["detail"])
        assert h.store.do(verbs.counts()) == before

    closed.tell(story)


def test_another_owners_task_is_not_there(closed: House) -> None:
    """On every route with an id; and neither lists nor counts show it."""

    async def story(h: House) -> None:
        mine, theirs = bearer(key(h, "submitter", "desk-1")), bearer(key(h, "submitter", "desk-2"))
        task = (await h.client.post("/tasks", json=SEED, headers=theirs)).json()["task_id"]
        batch = (await h.client.post("/tasks/batch", json=[SEED], headers=theirs)).json()["batch_id"]
        asked = 0
        for method, path in GUARDED:
            if not re.match(r"/(tasks|batches)/01M8BBTHKJE4VN8P70JE4DNT4G", path) or method == "HEAD":
                continue
            one = batch if "/batches/" in path else task
            code = "unknown_batch" if "/batches/" in path else "unknown_task"
            answer = await h.client.request(method, path.replace("01M8BBTHKJE4VN8P70JE4DNT4G", one), headers=mine)
            problem(answer, 404, code)
            asked += 1
        assert asked >= 8
        assert (await h.client.get("/tasks", headers=mine)).json()["tasks"] == []
        assert (await h.client.get("/batches", headers=mine)).json()["batches"] == []
        assert (await h.client.get(f"/tasks/{task}", headers=theirs)).json()["state"] == "queued", (
            "nobody has touched it"
        )
        assert (await h.client.get(f"/tasks/{task}", headers=bearer(ADMIN))).json()["owner"] == "desk-2"
        assert len((await h.client.get("/tasks", headers=bearer(ADMIN))).json()["tasks"]) == 2

    closed.tell(story)


def test_an_idempotency_key_belongs_to_its_owner(closed: House) -> None:
    async def story(h: House) -> None:
        same = {"Idempotency-Key": "monday"}
        first = await h.client.post("/tasks", json=SEED, headers=bearer(key(h, "submitter", "desk-1")) | same)
        second = await h.client.post("/tasks", json=SEED, headers=bearer(key(h, "submitter", "desk-2")) | same)
        assert first.json()["task_id"] != second.json()["task_id"]

    closed.tell(story)


def test_the_body_says_nothing_of_the_owner(closed: House) -> None:
    """OWASP API3: what only we may say cannot be sent."""

    async def story(h: House) -> None:
        mine = bearer(key(h, "submitter"))
        for field in ("owner", "attempts", "state", "batch_id", "sha256", "task_id"):
            answer = await h.client.post("/tasks", json=SEED | {field: "desk-2"}, headers=mine)
            problem(answer, 422, "invalid_request")

    closed.tell(story)


def test_a_removed_key_is_refused_within_a_moment(closed: House) -> None:
    async def story(h: House) -> None:
        text = key(h, "submitter")
        assert (await h.client.get("/tasks", headers=bearer(text))).status_code == 200
        other = key(h, "submitter")  # several live, for a change without a gap
        assert (await h.client.get("/tasks", headers=bearer(other))).status_code == 200
        assert h.store.do(verbs.remove_apikey(apikeys.id_of(text)))
        await until(lambda: refused(h, text))
        assert (await h.client.get("/tasks", headers=bearer(other))).status_code == 200

    async def refused(h: House, text: str) -> bool:
        return (await h.client.get("/tasks", headers=bearer(text))).status_code == 401

    closed.tell(story)


async def until(true: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(LIMIT_S):
        while not await true():
            await asyncio.sleep(0.05)


def test_the_first_key_closes_an_open_door(house: House) -> None:
    async def story(h: House) -> None:
        assert (await h.post()).status_code == 202, "on loopback, with no key made, everybody may"
        text = key(h, "admin", EVERYONE)
        await until(lambda: closed_now(h))
        assert (await h.client.post("/tasks", json=SEED, headers=bearer(text))).status_code == 202

    async def closed_now(h: House) -> bool:
        return (await h.post()).status_code == 401

    house.tell(story)


def test_what_is_nobodys_is_open(closed: House) -> None:
    async def story(h: House) -> None:
        for path in ("/health", "/ready", "/kinds", "/docs", "/docs/errors", "/openapi.json"):
            answer = await h.get(path)
            assert answer.status_code == 200, (path, answer.text[:500])

    closed.tell(story)


def test_a_key_may_be_sent_two_ways_but_not_twice(closed: House) -> None:
    async def story(h: House) -> None:
        assert (await h.client.get("/tasks", headers={"X-API-Key": ADMIN})).status_code == 200
        assert (await h.client.get("/tasks", headers={"Authorization": f"bearer {ADMIN}"})).status_code == 200
        both = {"X-API-Key": ADMIN, "Authorization": f"Bearer {ADMIN}"}
        problem(await h.client.get("/tasks", headers=both), 401, "unauthenticated")

    closed.tell(story)


def test_a_key_is_never_kept_or_told(closed: House, capsys: pytest.CaptureFixture[str]) -> None:
    async def story(h: House) -> None:
        text = key(h, "submitter")
        await h.client.post("/tasks", json=SEED, headers=bearer(text))
        problem(await h.client.get("/queues", headers=bearer(text + "x")), 401, "unauthenticated")
        secret = text.rpartition("_")[2]
        with h.server.client() as hands:
            kept = str([hands.hgetall(name) for name in hands.keys(f"{h.settings.prefix}:apikeys")])
        assert apikeys.id_of(text) in kept
        assert secret not in kept
        captured = capsys.readouterr()
        assert secret not in captured.out + captured.err

    closed.tell(story)


@pytest.mark.parametrize("role", ROLES)
def test_each_role_may_what_those_before_it_may(role: Role) -> None:
    assert [apikeys.may(role, least) for least in ROLES] == [ROLES.index(least) <= ROLES.index(role) for least in ROLES]
    assert not apikeys.may("root", "viewer")


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"host": "0.0.0.0"}, "HEADRACE_ADMIN_KEY"),
        ({"host": "::"}, "listen on 127.0.0.1"),
        ({"admin_key": "short"}, "at least 24"),
        ({"jwt_issuer": "https://id.example"}, "HEADRACE_JWT_AUDIENCE"),
        ({}, ""),
        ({"host": "0.0.0.0", "admin_key": ADMIN}, ""),
    ],
)
def test_an_open_gateway_does_not_start_where_others_reach_it(changes: dict[str, str], says: str) -> None:
    refusal = access.unsafe(Settings(**changes))  # type: ignore[arg-type]
    assert says in refusal
    assert bool(says) == bool(refusal)


def test_an_owner_may_ask_so_often(server: Server) -> None:
    """RateLimit headers; 429 with Retry-After; another owner is not concerned."""

    async def story(h: House) -> None:
        mine, theirs = bearer(key(h, "submitter", "desk-1")), bearer(key(h, "submitter", "desk-2"))
        answers = [await h.client.get("/tasks", headers=mine) for _ in range(6)]
        assert [answer.status_code for answer in answers] == [200] * 5 + [429]
        assert [answer.headers["ratelimit"].split(", ")[1] for answer in answers[:5]] == [
            f"remaining={left}" for left in (4, 3, 2, 1, 0)
        ]
        said = problem(answers[5], 429, "rate_limited")
        assert 1 <= int(answers[5].headers["retry-after"]) <= 10
        assert "desk-1 may ask" in str(said["detail"])
        assert (await h.client.get("/tasks", headers=theirs)).status_code == 200
        assert (await h.get("/health")).status_code == 200

    House(server, admin_key=ADMIN, rate_limit=0.1, rate_burst=5).tell(story)


def test_an_owner_may_have_so_many_unfinished_tasks(server: Server) -> None:
    async def story(h: House) -> None:
        mine, theirs = bearer(key(h, "submitter", "desk-1")), bearer(key(h, "submitter", "desk-2"))
        ids = [(await h.client.post("/tasks", json=SEED, headers=mine)).json()["task_id"] for _ in range(3)]
        later = SEED | {"delay_s": 60}
        said = problem(await h.client.post("/tasks", json=later, headers=mine), 429, "quota_full")
        assert "3 tasks of desk-1" in str(said["detail"])
        assert (await h.client.post("/tasks", json=SEED, headers=theirs)).status_code == 202
        await h.client.post(f"/tasks/{ids[0]}/cancel", headers=mine)
        assert (await h.client.post("/tasks", json=later, headers=mine)).status_code == 202
        problem(await h.client.post("/tasks", json=SEED, headers=mine), 429, "quota_full")

    House(server, admin_key=ADMIN, unfinished_limit=3).tell(story)
