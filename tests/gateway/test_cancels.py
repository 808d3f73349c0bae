"""Giving up, and why: of a task, of a batch, of all that fit a filter."""

import msgspec
import pytest

from tests.gateway.house import RESULT, SEED, House, problem
from tests.gateway.sse import events

WHY = "Wrong curve – “EUR 6M”, see\n#4711 ☂"


def test_a_reason_is_kept_wherever_the_end_is_told(house: House) -> None:
    """In the answer, in lists, in the events, in the record as text; the first reason stays."""

    async def story(h: House) -> None:
        id = await h.submitted()
        path = f"/tasks/{id}"
        assert (await h.get(path)).json()["cancel_reason"] is None
        task = (await h.post({"reason": WHY}, f"{path}/cancel")).json()
        assert (task["state"], task["cancel_reason"], task["error"]) == ("cancelled", WHY, None)
        again = await h.post({"reason": "another"}, f"{path}/cancel")
        assert (again.status_code, again.json()["cancel_reason"]) == (200, WHY)
        assert (await h.get(path)).json()["cancel_reason"] == WHY
        (listed,) = (await h.get("/tasks")).json()["tasks"]
        assert listed["cancel_reason"] == WHY
        assert events((await h.get(f"{path}/events")).text)[-1].data["cancel_reason"] == WHY
        kept = h.store.raw("HGET", f"{h.settings.prefix}:task:{id}", "cancel_reason")
        assert kept.decode() == WHY

    house.tell(story)


def test_no_reason_is_as_good(house: House) -> None:
    """No body, an empty one whatever it is called, an object with nothing in it, an empty text."""

    async def story(h: House) -> None:
        for body, declared in ((b"", ""), (b"", "application/x-www-form-urlencoded"), (b"{}", "application/json")):
            id = await h.submitted()
            headers = {"Content-Type": declared} if declared else {}
            answer = await h.client.post(f"/tasks/{id}/cancel", content=body, headers=headers)
            assert (answer.status_code, answer.json()["cancel_reason"]) == (200, None)
        id = await h.submitted()
        assert (await h.post({"reason": ""}, f"/tasks/{id}/cancel")).json()["cancel_reason"] is None

    house.tell(story)


@pytest.mark.parametrize(
    ("body", "path"),
    [
        (b'{"reason": 5}', "$.reason"),
        (b'{"reason": null}', "$.reason"),
        (msgspec.json.encode({"reason": "x" * 201}), "$.reason"),
        (b'{"reason": "x", "why": "y"}', "$.why"),
        (b'{"reason": "x", "reason": "y"}', "$.reason"),
        (b'"x"', "$"),
        (b"null", "$"),
    ],
)
def test_a_wrong_reason_cancels_nothing(house: House, body: bytes, path: str) -> None:
    async def story(h: House) -> None:
        id = await h.submitted()
        said = problem(await h.post(body, f"/tasks/{id}/cancel"), 422, "invalid_request")
        assert said["errors"][0]["path"] == path  # type: ignore[index]
        assert (await h.get(f"/tasks/{id}")).json()["state"] == "queued"

    house.tell(story)


def test_a_batch_is_given_up_for_one_reason(house: House) -> None:
    """Each task that had not ended keeps it; what had ended keeps its end."""

    async def story(h: House) -> None:
        batch = (await h.post([SEED] * 3, "/tasks/batch")).json()
        (done,) = h.finish(1, RESULT)
        counts = (await h.post({"reason": WHY}, batch["links"]["cancel"])).json()["states"]
        assert (counts["succeeded"], counts["cancelled"]) == (1, 2)
        tasks = (await h.get(f"/tasks?batch={batch['batch_id']}")).json()["tasks"]
        assert {task["task_id"]: task["cancel_reason"] for task in tasks} == {
            task["task_id"]: None if task["task_id"] == done else WHY for task in tasks
        }
        problem(await h.post({"reason": 1}, batch["links"]["cancel"]), 422, "invalid_request")

    house.tell(story)


def test_all_that_fit_are_given_up_for_one_reason(house: House) -> None:
    """A retry has no reason."""

    async def story(h: House) -> None:
        ids = [await h.submitted() for _ in range(3)]
        asked = {"action": "cancel", "filter": {"state": "queued"}, "expect_count": 3, "reason": WHY}
        assert (await h.post(asked, "/tasks/bulk")).json()["done"] == 3
        assert [(await h.get(f"/tasks/{id}")).json()["cancel_reason"] for id in ids] == [WHY] * 3
        again = asked | {"action": "retry", "filter": {"state": "cancelled"}}
        said = problem(await h.post(again, "/tasks/bulk"), 422, "invalid_request")
        assert said["errors"][0]["path"] == "$.reason"  # type: ignore[index]
        assert (await h.post(again | {"reason": ""}, "/tasks/bulk")).json()["done"] == 3

    house.tell(story)
