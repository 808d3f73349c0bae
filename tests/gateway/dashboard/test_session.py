"""A browser's credentials: what a session may and may not, and where a change must come from."""

import pytest

from gateway.ambient import COOKIE
from pipeline import apikeys, door, verbs
from pipeline.apikeys import Role
from tests.gateway.house import SEED, House, problem
from tests.servers import Server

ADMIN = "an-admin-key with ; odd = characters"
AUTH = "maya:a-password-of-30-characters-ok"
OURS = {"Sec-Fetch-Site": "same-origin"}
JSON = {"Content-Type": "application/json"}


@pytest.fixture
def closed(server: Server) -> House:
    """A gateway that serves nobody without a key."""
    return House(server, admin_key=ADMIN)


@pytest.fixture
def behind(server: Server) -> House:
    """One that knows nginx's door."""
    return House(server, admin_key=ADMIN, dashboard_auth=AUTH)


async def log_in(h: House, key: str) -> str:
    """The cookie, as a browser keeps it: httpx would, too, and send it by itself."""
    answer = await h.post({"key": key}, "/session", sec_fetch_site="same-origin")
    assert answer.status_code == 200, answer.text
    h.client.cookies.clear()
    return answer.headers["set-cookie"]


def cookie(header: str) -> dict[str, str]:
    """What a browser sends back."""
    return {"Cookie": header.partition(";")[0]}


def made(h: House, role: Role, owner: str = "desk-1") -> str:
    """A new key."""
    text, kept = apikeys.make(role, owner)
    assert h.store.do(verbs.keep_apikey(kept))
    return text


def test_a_key_becomes_a_cookie_that_scripts_and_other_sites_do_not_get(closed: House) -> None:
    async def story(h: House) -> None:
        header = await log_in(h, ADMIN)
        assert {"Path=/", "HttpOnly", "SameSite=Strict"} <= {word.strip() for word in header.split(";")}
        assert ADMIN not in header
        assert "Secure" not in header
        over_tls = await h.post({"key": ADMIN}, "/session", x_forwarded_proto="https")
        assert "Secure" in over_tls.headers["set-cookie"]
        h.client.cookies.clear()
        told = (await h.client.get("/session", headers=cookie(header))).json()
        assert (told["role"], told["owner"], told["keys_needed"]) == ("admin", None, True)
        assert (await h.client.get("/tasks", headers=cookie(header))).status_code == 200
        gone = await h.client.delete("/session", headers=cookie(header) | OURS)
        assert (gone.status_code, gone.headers["set-cookie"].startswith(f"{COOKIE}=;")) == (204, True)
        assert "Max-Age=0" in gone.headers["set-cookie"]

    closed.tell(story)


def test_a_key_that_is_none_sets_no_cookie(closed: House) -> None:
    async def story(h: House) -> None:
        for key in ("nonsense", "hr_admin_0000AAAA_" + "X" * 32):
            answer = await h.post({"key": key}, "/session")
            problem(answer, 401, "unauthenticated")
            assert "set-cookie" not in answer.headers
        for body in ({}, {"key": ""}, {"key": "x", "role": "admin"}):
            problem(await h.post(body, "/session"), 422, "invalid_request")
        problem(await h.get("/session"), 401, "unauthenticated")
        for value in ("", "%%%", "bm9uc2Vuc2U", "a"):
            problem(await h.client.get("/tasks", headers={"Cookie": f"{COOKIE}={value}"}), 401, "unauthenticated")

    closed.tell(story)


def test_a_session_is_its_key_with_role_and_owner_and_goes_with_it(closed: House) -> None:
    async def story(h: House) -> None:
        key = made(h, "viewer", "desk-1")
        sent = cookie(await log_in(h, key))
        told = (await h.client.get("/session", headers=sent)).json()
        assert (told["role"], told["owner"]) == ("viewer", "desk-1")
        problem(await h.client.post("/tasks", json=SEED, headers=sent | OURS), 403, "forbidden")
        assert h.store.do(verbs.remove_apikey(apikeys.id_of(key)))
        await h.desk.look_inside()
        problem(await h.client.get("/tasks", headers=sent), 401, "unauthenticated")

    closed.tell(story)


@pytest.mark.parametrize(
    ("headers", "allowed"),
    [
        ({"Sec-Fetch-Site": "same-origin"}, True),
        ({"Origin": "http://gateway"}, True),
        ({"Sec-Fetch-Site": "cross-site"}, False),
        ({"Sec-Fetch-Site": "same-site"}, False),
        ({"Sec-Fetch-Site": "none"}, False),
        ({"Sec-Fetch-Site": "cross-site", "Origin": "http://gateway"}, False),
        ({"Origin": "http://evil.example"}, False),
        ({"Origin": "http://gateway.evil.example"}, False),
        ({"Origin": "null"}, False),
        ({}, False),
    ],
)
def test_a_change_by_cookie_comes_from_a_page_of_ours(closed: House, headers: dict[str, str], allowed: bool) -> None:
    async def story(h: House) -> None:
        sent = cookie(await log_in(h, ADMIN)) | headers
        answer = await h.client.post("/tasks", json=SEED, headers=sent)
        assert h.store.do(verbs.counts())["queued"] == int(allowed)
        if allowed:
            assert answer.status_code == 202
        else:
            problem(answer, 403, "cross_site")
        assert (await h.client.get("/tasks", headers=sent)).status_code == 200, "looking changes nothing"

    closed.tell(story)


def test_a_change_by_cookie_is_json_though_it_has_no_body(closed: House) -> None:
    async def story(h: House) -> None:
        sent = cookie(await log_in(h, ADMIN)) | OURS
        problem(await h.client.post("/queues/low/resume", headers=sent), 415, "unsupported_media_type")
        form = {"Content-Type": "text/plain"}
        problem(await h.client.post("/queues/low/resume", headers=sent | form), 415, "unsupported_media_type")
        assert (await h.client.post("/queues/low/resume", headers=sent | JSON)).status_code == 200

    closed.tell(story)


def test_a_key_in_a_header_needs_none_of_this(closed: House) -> None:
    """And goes before a cookie."""

    async def story(h: House) -> None:
        theirs = {"Authorization": f"Bearer {made(h, 'submitter', 'desk-2')}", "Origin": "http://app.example"}
        sent = cookie(await log_in(h, ADMIN)) | theirs
        id = (await h.client.post("/tasks", json=SEED, headers=sent)).json()["task_id"]
        task = h.store.do(verbs.task(id))
        assert task
        assert task.owner == "desk-2"

    closed.tell(story)


def test_without_keys_a_page_of_another_site_changes_nothing(house: House) -> None:
    """Whoever is on this machine may do everything; a page that they look at may not."""

    async def story(h: House) -> None:
        id = await h.submitted()
        elsewhere = {"Sec-Fetch-Site": "cross-site"}
        problem(await h.client.post(f"/tasks/{id}/cancel", headers=elsewhere), 403, "cross_site")
        problem(await h.client.post(f"/tasks/{id}/cancel", headers={"Origin": "http://evil"}), 403, "cross_site")
        assert (await h.client.post(f"/tasks/{id}/cancel")).status_code == 200, "curl says nothing of the kind"
        told = (await h.get("/session")).json()
        assert told == {"name": "anybody", "role": "admin", "owner": None, "keys_needed": False}

    house.tell(story)


def test_the_door_is_known_by_its_word_alone(behind: House) -> None:
    async def story(h: House) -> None:
        word = {"X-Headrace-Door": door.secret(AUTH), "X-Headrace-Actor": "maya"}
        told = (await h.client.get("/session", headers=word)).json()
        assert (told["name"], told["role"], told["owner"]) == ("maya", "admin", None)
        for wrong in ("", "x", door.secret("maya:another-password"), AUTH, "\u00e9"):
            sent = {"X-Headrace-Door": wrong.encode(), "X-Headrace-Actor": b"maya"}
            problem(await h.client.get("/tasks", headers=sent), 401, "unauthenticated")
        twice = [("X-Headrace-Door", door.secret(AUTH))] * 2
        problem(await h.client.get("/tasks", headers=twice), 401, "unauthenticated")
        problem(await h.client.get("/tasks", headers={"X-Headrace-Actor": "maya"}), 401, "unauthenticated")

    behind.tell(story)


def test_who_comes_through_the_door_is_named_and_comes_from_a_page_of_ours(behind: House) -> None:
    async def story(h: House) -> None:
        word = {"X-Headrace-Door": door.secret(AUTH), "X-Headrace-Actor": "maya"}
        pause = {"reason": "deploy"}
        for elsewhere in ({"Sec-Fetch-Site": "cross-site"}, {"Origin": "http://evil.example"}):
            answer = await h.client.post("/queues/low/pause", json=pause, headers=word | elsewhere)
            problem(answer, 403, "cross_site")
        answer = await h.client.post("/queues/low/pause", json=pause, headers=word | OURS)
        assert answer.json()["queues"][2]["paused"]["by"] == "maya"
        assert (await h.client.post("/queues/low/resume", headers=word)).status_code == 200, "curl -u"

    behind.tell(story)


def test_a_gateway_that_knows_of_no_door_believes_none(closed: House) -> None:
    async def story(h: House) -> None:
        for auth in ("", AUTH):
            sent = {"X-Headrace-Door": door.secret(auth), "X-Headrace-Actor": "maya"}
            problem(await h.client.get("/tasks", headers=sent), 401, "unauthenticated")

    closed.tell(story)
