"""A task once more: the same data and seed, a new task, and the old one stays as it is."""

from typing import Any

import pytest

from pipeline import ids, verbs
from pipeline.record import FINAL
from tests.gateway.house import RESULT, SEED, House, problem

ASKED = SEED | {
    "priority": "high",
    "label": "mine",
    "metadata": {"desk": "rates"},
    "time_limit_s": 12.5,
    "result_ttl_s": 777,
}
KEPT = ("kind", "priority", "label", "metadata", "owner", "seed", "sha256", "versions")


async def task(h: House, id: str) -> dict[str, Any]:
    told: dict[str, Any] = (await h.get(f"/tasks/{id}")).json()
    return told


async def again(h: House, id: str, how: str, **headers: str) -> str:
    """The id of the new task."""
    answer = await h.post(b"", f"/tasks/{id}/{how}", **headers)
    assert answer.status_code == 202, answer.text
    told = answer.json()
    assert told["rerun_of"] == id != told["task_id"]
    assert answer.headers["location"] == f"/tasks/{told['task_id']}"
    return str(told["task_id"])


@pytest.mark.parametrize(
    ("result", "same"), [(RESULT, True), (RESULT.replace(b"3,", b"4,"), True), (b'{"total":1}', False)]
)
def test_a_rerun_compares_the_bits(house: House, result: bytes, same: bool) -> None:
    """By SHA-256 of both results; unknown until the second is there."""

    async def story(h: House) -> None:
        id = await h.submitted(ASKED)
        h.finish()
        old = await task(h, id)
        second = await again(h, id, "rerun")
        told = await task(h, second)
        assert told["rerun"] == {"of": id, "sha256": old["result_sha256"], "same_bits": None}
        assert {name: told[name] for name in KEPT} == {name: old[name] for name in KEPT}
        (origin, before) = (h.store.do(verbs.origin(each)) for each in (second, id))
        assert origin == before
        assert origin is not None
        assert origin[1:] == (12.5, 777)
        h.finish(result=result)
        told = await task(h, second)
        assert told["rerun"]["same_bits"] is same
        assert await task(h, id) == old | {"cached": False}
        third = await again(h, second, "rerun")
        assert (await task(h, third))["rerun"]["of"] == second

    house.tell(story)


def test_a_drawn_seed_is_kept(server: Any) -> None:
    """The data are complete: what was drawn then is drawn no more."""

    async def story(h: House) -> None:
        id = await h.submitted({"kind": "digest", "data": {"parts": 1}})
        h.finish()
        first, second = await task(h, id), await task(h, await again(h, id, "rerun"))
        assert first["seed"] == second["seed"] is not None

    House(server, kinds="tests.kinds.digest").tell(story)


@pytest.mark.parametrize("end", ["failed", "cancelled"])
def test_a_retry_is_for_what_went_wrong(house: House, end: str) -> None:
    """A new task; there is no result to compare with."""

    async def story(h: House) -> None:
        id = await h.submitted(ASKED | {"delay_s": 0} if end == "failed" else ASKED)
        if end == "failed":
            h.fail()
        else:
            await h.post(b"", f"/tasks/{id}/cancel")
        old = await task(h, id)
        second = await again(h, id, "retry")
        assert h.finish() == [second]
        told = await task(h, second)
        assert (told["state"], told["error"]) == ("succeeded", None)
        assert told["rerun"] == {"of": id, "sha256": None, "same_bits": None}
        assert {name: told[name] for name in KEPT} == {name: old[name] for name in KEPT}
        assert await task(h, id) == old

    house.tell(story)


def test_each_is_for_its_states(house: House) -> None:
    """409 with the state; 404 and 410 as everywhere; nothing is submitted."""

    async def story(h: House) -> None:
        async def both(id: str, rerun: tuple[int, str], retry: tuple[int, str]) -> None:
            assert problem(await h.post(b"", f"/tasks/{id}/rerun"), *rerun)
            assert problem(await h.post(b"", f"/tasks/{id}/retry"), *retry)

        no_rerun, no_retry = (409, "not_succeeded"), (409, "not_failed")
        id = await h.submitted()
        await both(id, no_rerun, no_retry)
        h.take()
        await both(id, no_rerun, no_retry)
        later = await h.submitted(SEED | {"delay_s": 60})
        await both(later, no_rerun, no_retry)
        done = await h.submitted()
        h.finish()
        body = problem(await h.post(b"", f"/tasks/{done}/retry"), 409, "not_failed")
        assert (body["task_id"], body["detail"]) == (done, "The task is succeeded, not failed or cancelled.")
        failed = await h.submitted()
        h.fail()
        problem(await h.post(b"", f"/tasks/{failed}/rerun"), 409, "not_succeeded")
        await both(ids.mint(0, b"another"), (404, "unknown_task"), (404, "unknown_task"))
        assert h.store.do(verbs.purge(failed)) == "ok"
        await both(failed, (410, "task_expired"), (410, "task_expired"))
        problem(await h.post(b"", f"/tasks/{done}/rerun?when=now"), 422, "invalid_query")
        problem(await h.post(b"", f"/tasks/{done}/rerun", idempotency_key='"half'), 400, "bad_header")
        assert len((await h.get("/tasks")).json()["tasks"]) == 3

    house.tell(story)


def test_a_key_makes_one_rerun(house: House) -> None:
    """Replayed with what it answered; for another task the key is a mismatch."""

    async def story(h: House) -> None:
        id, other = await h.submitted(), await h.submitted(SEED | {"label": "other"})
        h.finish(2)
        second = await again(h, id, "rerun", idempotency_key="k")
        answer = await h.post(b"", f"/tasks/{id}/rerun", idempotency_key="k")
        assert answer.headers["idempotent-replayed"] == "true"
        assert (answer.json()["task_id"], answer.json()["rerun_of"]) == (second, id)
        problem(await h.post(b"", f"/tasks/{other}/rerun", idempotency_key="k"), 422, "idempotency_mismatch")
        assert await again(h, id, "rerun") != await again(h, id, "rerun"), "without a key each is a new one"

    house.tell(story)


def test_it_can_be_waited_for(house: House) -> None:
    """200 with the task and the comparison."""

    async def story(h: House) -> None:
        id = await h.submitted()
        h.finish()
        answer = await h.post(b"", f"/tasks/{id}/rerun?wait=0.2")
        assert answer.status_code == 202
        answers = await h.client.get(f"/tasks/{answer.json()['task_id']}")
        assert answers.json()["state"] not in FINAL
        h.finish()
        again = await h.get(f"/tasks/{answer.json()['task_id']}?wait=5")
        assert again.json()["rerun"]["same_bits"] is True

    house.tell(story)


def test_data_that_a_hand_took(house: House) -> None:
    """There is nothing to calculate again: 410."""

    async def story(h: House) -> None:
        id = await h.submitted()
        h.finish()
        with h.server.client() as hands:
            hands.hdel(h.store.keys("task", id), "data")
        problem(await h.post(b"", f"/tasks/{id}/rerun"), 410, "task_expired")

    house.tell(story)
