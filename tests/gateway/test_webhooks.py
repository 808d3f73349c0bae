"""Webhooks by HTTP: which URLs there may be, what a task says of its delivery, secrets, delivering once more."""

import json

import pytest

from pipeline import verbs, webhooks
from tests.gateway.house import SEED, SHARE, House, problem
from tests.gateway.sse import events
from tests.gateway.test_access import bearer, key
from tests.servers import Server

URL = "https://hooks.example.com/headrace?token=t0psecret"
TOLD = SEED | {"webhook": URL}
ADMIN = "an-admin-key-of-32-characters-ok"


def with_secret(house: House, owner: str = "local") -> House:
    id, text = webhooks.make_secret()
    house.store.do(webhooks.keep_secret(owner, id, text))
    return house


def outcome(house: House, what: webhooks.Outcome, status: int, error: str = "") -> None:
    """Claim what is due and say what came of it, as a courier does."""
    (claim,) = house.store.do(webhooks.claim(60_000, 1, 8, 100, {}))
    assert house.store.do(webhooks.outcome(claim, what, status, error, 60_000))


def test_a_task_says_how_its_delivery_goes(house: House) -> None:
    async def story(h: House) -> None:
        id = await h.submitted(TOLD)
        nothing = {"attempts": 0, "next_at": None, "last_at": None, "last_status": None, "last_error": None}
        waiting = {"url": URL, "state": "waiting", **nothing, "delivered_at": None}
        assert (await h.get(f"/tasks/{id}")).json()["webhook"] == waiting
        assert (await h.get(f"/tasks/{id}/result")).json()["webhook"] == waiting
        problem(await h.get(f"/webhooks/{id}"), 404, "unknown_delivery")
        h.finish()
        assert (await h.get(f"/tasks/{id}")).json()["webhook"] == waiting | {"state": "pending"}
        (end,) = [event for event in events((await h.get(f"/tasks/{id}/events")).text) if event.name == "end"]
        assert end.data["webhook"]["state"] == "pending"
        outcome(h, "later", 503, "status 503: not taken")
        said = (await h.get(f"/tasks/{id}")).json()["webhook"]
        assert (said["state"], said["attempts"], said["last_status"]) == ("pending", 1, 503)
        assert (said["last_error"], said["delivered_at"]) == ("status 503: not taken", None)
        assert said["last_at"] < said["next_at"]
        listed = (await h.get("/webhooks")).json()["deliveries"]
        assert [(each["id"], each["type"], each["webhook"]) for each in listed] == [(id, "task.succeeded", said)]
        # Now, not in a minute.
        assert (await h.post(b"", f"/webhooks/{id}/redeliver")).status_code == 202
        outcome(h, "delivered", 200)
        said = (await h.get(f"/webhooks/{id}")).json()["webhook"]
        assert (said["state"], said["attempts"], said["next_at"], said["last_error"]) == ("delivered", 1, None, None)
        assert said["delivered_at"] == said["last_at"]
        assert (await h.get("/webhooks")).json()["deliveries"] == []

    with_secret(house).tell(story)


def test_what_was_given_up_is_listed_and_can_be_delivered_once_more(house: House) -> None:
    async def story(h: House) -> None:
        id = await h.submitted(TOLD)
        h.finish()
        outcome(h, "given_up", 410, "status 410: not taken")
        (listed,) = (await h.get("/webhooks?state=given_up")).json()["deliveries"]
        assert (listed["id"], listed["webhook"]["state"], listed["webhook"]["last_status"]) == (id, "given_up", 410)
        problem(await h.get("/webhooks?state=delivered"), 422, "invalid_query")
        again = await h.post(b"", f"/webhooks/{id}/redeliver")
        assert (again.status_code, again.json()["webhook"]["state"]) == (202, "pending")
        assert (await h.get("/webhooks?state=given_up")).json()["deliveries"] == []
        problem(await h.post(b"", "/webhooks/nonsense/redeliver"), 404, "unknown_delivery")

    with_secret(house).tell(story)


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("http://hooks.example.com/", "is http"),
        ("https://127.0.0.1/", "not public"),
        ("https://2130706433/", "not public"),
        ("https://[::ffff:169.254.169.254]/", "not public"),
        ("https://hooks.example.com:22/", "has port 22"),
        ("https://me:you@hooks.example.com/", "has a user"),
        ("hooks.example.com", "is no such URL"),
        ("https://x.com/" + "a" * 2_000, ""),
        ("", "of 1 to 2000 characters"),
        (7, "must be a text"),
    ],
)
def test_a_url_that_no_webhook_can_have_names_its_field(house: House, url: object, says: str) -> None:
    async def story(h: House) -> None:
        for path in ("/tasks", "/tasks/validate"):
            said = problem(await h.post(SEED | {"webhook": url}, path), 422, "invalid_request")
            (fault,) = json.loads(json.dumps(said["errors"]))
            assert (fault["path"], fault["pointer"]) == ("$.webhook", "/webhook")
            assert says in fault["detail"]
            assert fault["allowed"]
        line = [SEED, SEED | {"webhook": url}]
        (wrong,) = (await h.post(line, "/tasks/batch")).json()["rejected"]
        assert (wrong["line"], wrong["errors"][0]["path"]) == (2, "$.webhook")
        if isinstance(url, str) and 0 < len(url) < 2_000:
            answer = await h.client.post("/tasks/batch", params={"webhook": url}, json=[SEED])
            assert problem(answer, 422, "invalid_query")["errors"][0]["path"] == "?webhook"  # type: ignore[index]

    with_secret(house).tell(story)


def test_networks_that_are_allowed_on_purpose(server: Server) -> None:
    async def story(h: House) -> None:
        for url in ("http://10.1.2.3:8000/x", "https://10.1.2.3/", "http://hooks.inside.example/"):
            await h.submitted(SEED | {"webhook": url})
        problem(await h.post(SEED | {"webhook": "http://10.2.0.1/"}), 422, "invalid_request")

    with_secret(House(server, webhook_allow="10.1.0.0/16")).tell(story)


def test_without_a_secret_a_webhook_is_refused_before_anything_is_accepted(house: House) -> None:
    async def story(h: House) -> None:
        answers = [await h.post(TOLD), await h.post(TOLD, "/tasks/validate"), await h.post([TOLD], "/tasks/batch")]
        for answer in answers:
            said = problem(answer, 422, "invalid_request")
            assert "needs a secret that signs" in str(said["detail"])
            assert "make webhook-secret OWNER=local" in str(said["errors"])
        answer = await h.client.post("/tasks/batch", params={"webhook": URL}, json=[SEED])
        problem(answer, 422, "invalid_query")
        assert (await h.get("/tasks")).json()["tasks"] == []

    house.tell(story)


def test_a_batch_has_one_of_its_own(house: House) -> None:
    async def story(h: House) -> None:
        answer = await h.client.post("/tasks/batch", params={"webhook": URL}, json=[SEED, SEED, {"data": {}}])
        batch = answer.json()["batch_id"]
        assert (await h.get(f"/batches/{batch}")).json()["webhook"]["state"] == "waiting"
        tasks = (await h.get("/tasks")).json()["tasks"]
        assert (await h.get(f"/tasks/{tasks[0]['task_id']}")).json()["webhook"] is None
        h.finish(2)
        (listed,) = (await h.get("/webhooks")).json()["deliveries"]
        assert (listed["id"], listed["type"]) == (batch, "batch.finished")
        outcome(h, "delivered", 204)
        assert (await h.get(f"/batches/{batch}")).json()["webhook"]["state"] == "delivered"
        plain = (await h.post([SEED], "/tasks/batch")).json()["batch_id"]
        assert (await h.get(f"/batches/{plain}")).json()["webhook"] is None

    with_secret(house).tell(story)


def test_a_batch_sent_again_is_told_once(house: House) -> None:
    async def story(h: House) -> None:
        for _ in range(2):
            await h.client.post("/tasks/batch", params={"webhook": URL}, json=[SEED], headers={"Idempotency-Key": "k"})
        h.finish()
        outcome(h, "delivered", 204)
        again = await h.client.post(
            "/tasks/batch", params={"webhook": URL}, json=[SEED], headers={"Idempotency-Key": "k"}
        )
        assert again.headers["idempotent-replayed"] == "true"
        assert (await h.get("/webhooks")).json()["deliveries"] == []

    with_secret(house).tell(story)


def test_a_grid_tells_of_each_task(house: House) -> None:
    async def story(h: House) -> None:
        await h.post(TOLD | {"grid": {"amount": [1, 2, 3]}}, "/tasks/batch")
        h.finish(3)
        assert len((await h.get("/webhooks")).json()["deliveries"]) == 3

    with_secret(house).tell(story)


def test_a_repeat_tells_whom_the_first_was_to_tell(house: House) -> None:
    async def story(h: House) -> None:
        id = await h.submitted(TOLD)
        h.finish()
        answer = await h.post(b"", f"/tasks/{id}/rerun")
        again = (await h.get(answer.json()["links"]["self"])).json()
        assert (again["task_id"] != id, again["webhook"]["url"]) == (True, URL)

    with_secret(house).tell(story)


def test_what_is_to_be_told_is_calculated(server: Server) -> None:
    """An equal calculation has ended before: nothing would ever be told of this one."""

    async def story(h: House) -> None:
        first = await h.submitted(SEED)
        h.finish()
        assert await h.submitted(TOLD) != first
        said = problem(await h.post(TOLD | {"cache": "use"}), 422, "invalid_request")
        assert said["errors"][0]["path"] == "$.cache"  # type: ignore[index]

    with_secret(House(server, cache="use")).tell(story)


def test_secrets_are_shown_once_and_two_are_live(house: House, capsys: pytest.CaptureFixture[str]) -> None:
    async def story(h: House) -> None:
        made = []
        for _ in range(3):
            answer = await h.post({"owner": "risk-desk"}, "/webhook-secrets")
            assert answer.status_code == 201
            made.append(answer.json())
        assert all(each["secret"].startswith("whsec_") for each in made)
        listed = await h.get("/webhook-secrets")
        assert [each["secret_id"] for each in listed.json()["secrets"]] == [made[2]["secret_id"], made[1]["secret_id"]]
        assert "whsec_" not in listed.text
        path = f"/webhook-secrets/risk-desk/{made[1]['secret_id']}"
        assert (await h.client.delete(path)).status_code == 204
        problem(await h.client.delete(path), 404, "unknown_secret")
        problem(await h.client.delete("/webhook-secrets/*/x"), 404, "unknown_secret")
        problem(await h.post({"owner": "two words"}, "/webhook-secrets"), 422, "invalid_request")
        logged = capsys.readouterr().out
        assert "webhook_secret.made" in logged
        assert not any(each["secret"].removeprefix("whsec_") in logged for each in made)

    house.tell(story)


def test_deliveries_and_secrets_are_their_owners_and_the_admins(server: Server) -> None:
    """What each role may at all: test_access.py, for every route."""
    house = House(server, admin_key=ADMIN)
    with_secret(house, "desk-1")

    async def story(h: House) -> None:
        mine, theirs = (bearer(key(h, "submitter", owner)) for owner in ("desk-1", "desk-2"))
        id = await h.submitted(TOLD, **mine)
        h.finish()
        problem(await h.get(f"/webhooks/{id}", **theirs), 404, "unknown_delivery")
        problem(await h.post(b"", f"/webhooks/{id}/redeliver", **theirs), 404, "unknown_delivery")
        assert (await h.get("/webhooks", **theirs)).json()["deliveries"] == []
        assert len((await h.get("/webhooks", **mine)).json()["deliveries"]) == 1
        assert len((await h.get("/webhooks", **bearer(ADMIN))).json()["deliveries"]) == 1
        viewer = bearer(key(h, "viewer", "desk-1"))
        assert (await h.get(f"/webhooks/{id}", **viewer)).status_code == 200
        problem(await h.post(b"", f"/webhooks/{id}/redeliver", **viewer), 403, "forbidden")
        for who in (mine, bearer(key(h, "operator"))):
            problem(await h.get("/webhook-secrets", **who), 403, "forbidden")
            problem(await h.post({"owner": "desk-1"}, "/webhook-secrets", **who), 403, "forbidden")

    house.tell(story)


def test_a_record_that_a_hand_or_time_took_is_forgotten(house: House) -> None:
    async def story(h: House) -> None:
        id = await h.submitted(TOLD)
        assert h.store.do(verbs.cancel(id, SHARE)) == "ok"
        h.store.raw("DEL", h.store.keys("webhook", id))
        assert (await h.get(f"/tasks/{id}")).json()["webhook"]["state"] == "forgotten"
        assert (await h.get("/webhooks")).json()["deliveries"] == []

    with_secret(house).tell(story)
