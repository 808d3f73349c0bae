"""Looking at tasks, listing and cancelling them."""

import pytest

from pipeline import ids, verbs
from tests.gateway.house import RESULT, SEED, House, problem

SHAPE = """
task_id kind state priority label metadata owner batch_id custom_id submitted_at run_at started_at finished_at
expires_at waited_ms why_waiting ran_ms attempts interruptions progress estimated forecast_error stopped_at
error cancel_reason seed versions sha256 links
"""
IN_LISTS = SHAPE.split()
FIELDS = [*IN_LISTS, "cached", "webhook", "rerun", "result_sha256", "result"]


def test_one_shape_in_every_state(house: House) -> None:
    """The same fields whether it waits, runs, has succeeded or failed; what is not known is null."""

    async def story(h: House) -> None:
        waits, runs, done, failed = [
            await h.submitted(SEED | {"priority": p}) for p in ("low", "low", "high", "medium")
        ]
        h.finish()
        assert h.fail() == failed
        (job,) = h.take()
        assert job.task == waits
        said = {id: (await h.get(f"/tasks/{id}")).json() for id in (waits, runs, done, failed)}
        for body in said.values():
            assert list(body) == FIELDS
            assert list(body["progress"]) == ["done", "parts", "fraction", "estimate", "standard_error", "eta_s"]
        assert [said[id]["state"] for id in (waits, runs, done, failed)] == ["running", "queued", "succeeded", "failed"]
        assert said[done]["progress"]["fraction"] == 1
        assert said[done]["attempts"] == 1
        assert said[done]["expires_at"] > said[done]["finished_at"] >= said[done]["started_at"]
        assert said[runs]["started_at"] is None
        assert said[runs]["ran_ms"] is None
        assert said[failed]["error"] == {"code": "child_died", "message": "Child died: exit code 7."}

    house.tell(story)


def test_unknown_malformed_and_forgotten_are_three_things(house: House) -> None:
    """404 for what never was, whatever it looks like; 410 for what was ours. B59: none of them looks like waiting."""

    async def story(h: House) -> None:
        id = await h.submitted()
        stranger = ids.mint(0, b"another pipeline")
        for path in ("", "/result"):
            for never in (
                stranger,
                "x",
                f"{id}0",
                id.lower(),
                f"{id}:jobs",
                "%00",
                "%F0%9F%92%A9",
                "..%2f..",
                "a" * 5000,
            ):
                answer = await h.get(f"/tasks/{never}{path}")
                problem(answer, 404, "no_such_path" if "%2f" in never else "unknown_task")
        problem(await h.post(b"", f"/tasks/{stranger}/cancel"), 404, "unknown_task")
        h.finish()
        assert h.store.do(verbs.purge(id)) == "ok"
        assert problem(await h.get(f"/tasks/{id}"), 410, "task_expired")["task_id"] == id
        problem(await h.get(f"/tasks/{id}/result?wait=5"), 410, "task_expired")
        problem(await h.post(b"", f"/tasks/{id}/cancel"), 410, "task_expired")

    house.tell(story)


def test_the_result_alone(house: House) -> None:
    """Its bytes; 202 before there are any; 409 when there never will be."""

    async def story(h: House) -> None:
        id = await h.submitted()
        early = await h.get(f"/tasks/{id}/result")
        assert (early.status_code, early.json()["state"]) == (202, "queued")
        assert early.headers["retry-after"] == "1"
        h.finish()
        answer = await h.get(f"/tasks/{id}/result")
        assert (answer.status_code, answer.content) == (200, RESULT)
        failed = await h.submitted()
        h.fail("time_limit", "Too long.")
        body = problem(await h.get(f"/tasks/{failed}/result"), 409, "task_failed")
        assert body["detail"] == "Too long."
        assert body["error"] == {"code": "time_limit", "message": "Too long."}
        cancelled = await h.submitted()
        await h.post(b"", f"/tasks/{cancelled}/cancel")
        problem(await h.get(f"/tasks/{cancelled}/result"), 409, "task_cancelled")

    house.tell(story)


def test_cancelling(house: House) -> None:
    """200, and again 200; 409 for what has succeeded or failed (I4)."""

    async def story(h: House) -> None:
        id = await h.submitted()
        for _ in range(2):
            answer = await h.post(b"", f"/tasks/{id}/cancel")
            assert (answer.status_code, answer.json()["state"]) == (200, "cancelled")
        assert h.take() == []
        later = await h.submitted(SEED | {"delay_s": 60})
        assert (await h.post(b"", f"/tasks/{later}/cancel")).json()["state"] == "cancelled"
        done = await h.submitted()
        h.finish()
        assert problem(await h.post(b"", f"/tasks/{done}/cancel"), 409, "already_final")["task_id"] == done
        assert (await h.get(f"/tasks/{done}")).json()["state"] == "succeeded"
        failed = await h.submitted()
        h.fail()
        problem(await h.post(b"", f"/tasks/{failed}/cancel"), 409, "already_final")

    house.tell(story)


def test_pages_over_five_hundred_tasks_lose_and_repeat_nothing(house: House) -> None:
    """While tasks are added at the front."""

    async def story(h: House) -> None:
        made = [await h.submitted() for _ in range(500)]
        path, seen, pages = "/tasks?limit=70", [], 0
        while path:
            page = (await h.get(path)).json()
            seen += [task["task_id"] for task in page["tasks"]]
            path, pages = page["next"], pages + 1
            await h.submitted()
        assert seen == sorted(made, reverse=True)
        assert 8 <= pages <= 9

    house.tell(story)


def test_lists_are_filtered(house: House) -> None:
    """By state and kind (or alias), newest first, without results."""

    async def story(h: House) -> None:
        made = [await h.submitted() for _ in range(6)]
        option = (await h.get("/kinds/option_european")).json()
        await h.submitted({"kind": option["kind"], "data": option["example"]})
        done = h.finish(3)
        found = (await h.get("/tasks?state=succeeded")).json()
        assert [task["task_id"] for task in found["tasks"]] == sorted(done, reverse=True)
        assert (found["cursor"], found["next"]) == (None, None)
        assert list(found["tasks"][0]) == [*IN_LISTS, "headline"]
        for name in (option["kind"], *option["aliases"]):
            assert [task["kind"] for task in (await h.get(f"/tasks?kind={name}")).json()["tasks"]] == [option["kind"]]
        page = (await h.get("/tasks?kind=compound_interest&state=queued&limit=2")).json()
        rest = (await h.get(page["next"])).json()
        ids = [task["task_id"] for task in page["tasks"] + rest["tasks"]]
        assert ids == sorted(set(made) - set(done), reverse=True)

    house.tell(story)


@pytest.mark.parametrize(
    ("query", "allowed"),
    [
        ("state=done", "queued"),
        ("state=", "queued"),
        ("limit=0", "1 to 200"),
        ("limit=201", "1 to 200"),
        ("limit=ten", "1 to 200"),
        ("limit=1.5", "1 to 200"),
        ("limit=99999999999999999999", "1 to 200"),
        ("limit=٣", "1 to 200"),
        ("cursor=abc", "cursor"),
        ("cursor=", "cursor"),
        ("cursor=%00", "cursor"),
        ("kind=option_europian", "option_european"),
        ("stat=failed", "state"),
        ("since=2026-01-01T00:00:00Z&since=2026-01-02T00:00:00Z", "one since"),
    ],
)
def test_a_wrong_filter_says_what_is_allowed(house: House, query: str, allowed: str) -> None:
    """It is never ignored: that would be an answer to another question."""

    async def story(h: House) -> None:
        (fault,) = problem(await h.get(f"/tasks?{query}"), 422, "invalid_query")["errors"]  # type: ignore[misc]
        assert allowed in fault["allowed"]

    house.tell(story)


def test_all_wrong_filters_are_told_at_once(house: House) -> None:
    """With what may have been meant."""

    async def story(h: House) -> None:
        body = problem(await h.get("/tasks?state=succeded&limit=x&kind=var_nc"), 422, "invalid_query")
        assert [fault["path"] for fault in body["errors"]] == ["?state", "?limit", "?kind"]  # type: ignore[attr-defined]
        assert body["did_you_mean"] == "succeeded"

    house.tell(story)
