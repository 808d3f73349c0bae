"""A deadline: the estimate of what is folded by then is the result and says so, or the task fails."""

import asyncio
from typing import Any

import pytest

from pipeline import verbs
from pipeline.record import Done, Folded, Job
from tests.gateway.house import RESULT, SEED, SHARE, House, problem

PARTS = {"kind": "digest", "data": {"parts": 10, "first_wave": 2, "largest_wave": 4, "seed": 1}, "deadline_s": 0.3}


@pytest.fixture
def digests(server: Any) -> House:
    """A house that knows a kind of many parts."""
    return House(server, kinds="tests.kinds.digest")


def parts(h: House, jobs: list[Job]) -> None:
    assert all(h.store.do(verbs.finish_part([Done(job, b"{}", 0, 1.0) for job in jobs], "hand", SHARE)))


def fold(h: House, job: Job, result: bytes | None = None) -> None:
    wave = h.store.do(verbs.wave(job))
    assert wave
    folded = Folded(job, b"7", b'{"estimate":7.5,"standard_error":0.5}', result, 0, 1.0)
    assert h.store.do(verbs.fold(folded, "hand", SHARE))


async def passed(h: House, ended: int = 1) -> None:
    """The deadline has come, and the sweeper has seen it."""
    await asyncio.sleep(0.35)
    assert h.store.do(verbs.promote(10, SHARE)) == ended


def test_what_is_folded_is_the_result(digests: House) -> None:
    """The parts go, the job x makes the result of the last accumulator; `stopped_at` marks it."""

    async def story(h: House) -> None:
        id = await h.submitted(PARTS)
        parts(h, h.take(2))
        (wave,) = [job for job in h.take(20) if job.step == "fold"]
        fold(h, wave)
        assert (await h.get(f"/tasks/{id}")).json()["stopped_at"] is None
        await passed(h)
        task = (await h.get(f"/tasks/{id}")).json()
        assert task["state"] == "running"
        assert task["stopped_at"] > task["started_at"]
        (last,) = h.take(20)
        assert last.step == "result"
        assert h.store.do(verbs.finish_stopped(Done(last, RESULT, 0, 1.0), "hand", SHARE))
        task = (await h.get(f"/tasks/{id}")).json()
        assert (task["state"], task["error"]) == ("succeeded", None)
        assert task["finished_at"] >= task["stopped_at"]
        assert (task["progress"]["estimate"], task["progress"]["standard_error"]) == (7.5, 0.5)
        assert task["progress"]["done"] < task["progress"]["parts"]

    digests.tell(story)


def test_nothing_folded_is_a_failure(digests: House) -> None:
    """Parts alone give no estimate."""

    async def story(h: House) -> None:
        id = await h.submitted(PARTS)
        assert len(h.take(1)) == 1
        await passed(h)
        task = (await h.get(f"/tasks/{id}")).json()
        assert (task["state"], task["error"]["code"], task["stopped_at"]) == ("failed", "deadline", None)
        assert task["error"]["message"] == "The deadline came before any wave was folded."
        assert h.take(10) == []

    digests.tell(story)


@pytest.mark.parametrize("state", ["queued", "running", "scheduled"])
def test_a_task_of_one_part_has_nothing_to_fold(house: House, state: str) -> None:
    """Whatever it is doing, it fails; what it computes afterwards is not taken (I5)."""

    async def story(h: House) -> None:
        id = await h.submitted(SEED | {"deadline_s": 0.3} | ({"delay_s": 60} if state == "scheduled" else {}))
        jobs = h.take() if state == "running" else []
        await passed(h)
        body = problem(await h.get(f"/tasks/{id}/result"), 409, "task_failed")
        assert body["error"]["code"] == "deadline"  # type: ignore[index]
        for job in jobs:
            assert h.store.do(verbs.finish_task([Done(job, RESULT, 0, 1.0)], "hand", SHARE)) == [False]

    house.tell(story)


def test_who_is_in_time_is_not_marked(digests: House) -> None:
    """And the deadline of a task that has ended does nothing."""

    async def story(h: House) -> None:
        id = await h.submitted(SEED | {"deadline_s": 0.3})
        h.finish()
        await passed(h, 0)
        task = (await h.get(f"/tasks/{id}")).json()
        assert (task["state"], task["stopped_at"]) == ("succeeded", None)

    digests.tell(story)


def test_a_deadline_that_changed_nothing_is_no_mark(digests: House) -> None:
    """It came while the last wave was folded: the result is of all parts."""

    async def story(h: House) -> None:
        id = await h.submitted(PARTS | {"data": {"parts": 2, "first_wave": 2, "largest_wave": 2, "seed": 1}})
        parts(h, h.take(2))
        (wave,) = h.take(2)
        await passed(h)
        assert (await h.get(f"/tasks/{id}")).json()["stopped_at"] is not None
        fold(h, wave, RESULT)
        task = (await h.get(f"/tasks/{id}")).json()
        assert (task["state"], task["stopped_at"]) == ("succeeded", None)
        assert task["progress"]["fraction"] == 1

    digests.tell(story)


@pytest.mark.parametrize("wrong", [0, -1, 2_592_001, "soon"])
def test_a_wrong_deadline(house: House, wrong: Any) -> None:
    """422 with what is allowed."""

    async def story(h: House) -> None:
        body = problem(await h.post(SEED | {"deadline_s": wrong}), 422, "invalid_request")
        assert body["errors"][0]["path"] == "$.deadline_s"  # type: ignore[index]

    house.tell(story)
