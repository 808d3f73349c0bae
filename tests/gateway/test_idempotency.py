"""One request, one task: however often it is sent, and by whom."""

import asyncio

import pytest

from calc import execute
from pipeline import verbs
from tests.gateway.house import SEED, House, problem

OPTION = {"kind": "option_european", "data": execute.find("option_european").EXAMPLE}


def test_fifty_at_once_make_one_task(house: House) -> None:
    """And a seed that each of them would have drawn for itself does not make them differ. (Through nginx, to several
    gateways: tests/deploy/test_whole.py.)"""

    async def story(h: House) -> None:
        answers = await asyncio.gather(*(h.post(OPTION, idempotency_key='"same"') for _ in range(50)))
        assert {answer.status_code for answer in answers} == {202}
        assert len({answer.json()["task_id"] for answer in answers}) == 1
        assert [answer.headers.get("idempotent-replayed") for answer in answers].count("true") == 49
        assert len((await h.get("/tasks")).json()["tasks"]) == 1

    house.tell(story)


def test_quoted_and_bare_are_one_key(house: House) -> None:
    """The draft wants quotes, most clients send none; fields in another order are the same request."""

    async def story(h: House) -> None:
        first = await h.submitted(
            b'{"data": {"amount": 1, "rate": 0.1}, "priority": "medium"}', idempotency_key='"k 1"'
        )
        body = b'{ "kind": "compound_interest", "data":{"rate":0.1,"amount":1} }'
        assert await h.submitted(body, idempotency_key='"k 1"') == first
        assert await h.submitted(SEED, idempotency_key='"k2"') == await h.submitted(SEED, idempotency_key="k2")
        assert await h.submitted(SEED, idempotency_key="k 3") == await h.submitted(SEED, idempotency_key='"k 3"')

    house.tell(story)


@pytest.mark.parametrize(
    "other",
    [
        {"data": {"amount": 10001, "rate": 0.05}},
        {"data": {"amount": 10000, "rate": 0.05}, "priority": "low"},
        {"data": {"amount": 10000, "rate": 0.05}, "label": "x"},
    ],
)
def test_the_key_of_another_request_is_refused(house: House, other: object) -> None:
    """422, with the task that the key made."""

    async def story(h: House) -> None:
        id = await h.submitted(SEED, idempotency_key="k")
        body = problem(await h.post(other, idempotency_key="k"), 422, "idempotency_mismatch")
        assert body["task_id"] == id

    house.tell(story)


def test_the_digits_that_were_sent_count(house: House) -> None:
    """0.05 and 0.05000000000000000001 are one float, and two exact decimals."""

    async def story(h: House) -> None:
        await h.submitted(b'{"data": {"amount": 1, "rate": 0.05}}', idempotency_key="k")
        other = b'{"data": {"amount": 1, "rate": 0.05000000000000000001}}'
        problem(await h.post(other, idempotency_key="k"), 422, "idempotency_mismatch")

    house.tell(story)


def test_a_replay_after_the_end_is_the_ended_task(house: House) -> None:
    """202 with its state of now; with a wait the task itself; when it is forgotten 410."""

    async def story(h: House) -> None:
        id = await h.submitted(SEED, idempotency_key="k")
        h.finish()
        replay = await h.post(SEED, idempotency_key="k")
        assert (replay.status_code, replay.json()["state"]) == (202, "succeeded")
        assert "cancel" not in replay.json()["links"]
        waited = await h.post(SEED, "/tasks?wait=5", idempotency_key="k")
        assert (waited.status_code, waited.json()["task_id"]) == (200, id)
        assert waited.headers["idempotent-replayed"] == "true"
        assert h.store.do(verbs.purge(id)) == "ok"
        problem(await h.post(SEED, idempotency_key="k"), 410, "task_expired")

    house.tell(story)


def test_the_proxys_resend_is_the_same_submission(house: House) -> None:
    """Without a key of the client the proxy's id is one, for five minutes; it never meets a client's key."""

    async def story(h: House) -> None:
        first = await h.submitted(SEED, x_submission_id="0123456789abcdef")
        assert await h.submitted(SEED, x_submission_id="0123456789abcdef") == first
        assert await h.submitted(SEED, idempotency_key="0123456789abcdef") != first
        assert await h.submitted(SEED, x_submission_id="not one!") != first
        with h.server.client() as client:
            ttl = client.ttl(h.store.keys("once", "local", "0123456789abcdef"))
            assert 0 < ttl <= 300
            assert client.ttl(h.store.keys("same", "local", "key:0123456789abcdef")) > 80_000

    house.tell(story)


def test_a_refused_request_does_not_use_its_key(house: House) -> None:
    """Nothing was done, so the corrected request may have the key."""

    async def story(h: House) -> None:
        problem(await h.post({"data": {}}, idempotency_key="k"), 422, "invalid_data")
        await h.submitted(SEED, idempotency_key="k")

    house.tell(story)


@pytest.mark.parametrize("key", ["", "x" * 256, '"', '"a', '""', '"a"b"', "é"])
def test_a_key_that_is_none_is_refused(house: House, key: str) -> None:
    """A key that we would not keep must not look kept."""

    async def story(h: House) -> None:
        answer = await h.client.post("/tasks", json=SEED, headers=[(b"idempotency-key", key.encode())])
        problem(answer, 400, "bad_header")
        two = [(b"idempotency-key", b"a"), (b"idempotency-key", b"b")]
        problem(await h.client.post("/tasks", json=SEED, headers=two), 400, "bad_header")

    house.tell(story)
