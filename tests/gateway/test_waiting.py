"""Waiting for a result: woken at once, answered in time, and never lost with the store."""

import asyncio
from time import perf_counter

import pytest

from gateway import events
from tests.gateway.house import SEED, House, problem


@pytest.mark.parametrize("way", ["query", "header"])
def test_a_wait_ends_with_the_task(house: House, monkeypatch: pytest.MonkeyPatch, way: str) -> None:
    """200 with the result, as soon as it is there."""
    monkeypatch.setattr(events, "POLL_S", 60.0)  # who is not woken sleeps to the end of his wait

    async def story(h: House) -> None:
        asked = h.post(SEED, "/tasks?wait=60") if way == "query" else h.post(SEED, prefer="respond-async, wait=60")
        waiting = asyncio.create_task(asked)
        await h.until_waits(1)
        assert not waiting.done()
        (id,) = h.finish()
        ended = perf_counter()
        answer = await waiting
        assert perf_counter() - ended < 30, "it was woken"
        assert answer.status_code == 200
        assert answer.json()["task_id"] == id
        assert answer.json()["state"] == "succeeded"
        assert answer.headers.get("preference-applied") == ("wait=60" if way == "header" else None)

    house.tell(story)


def test_every_way_to_end_wakes(house: House) -> None:
    """Failed and cancelled are ends as well; many may wait for one task."""

    async def story(h: House) -> None:
        failed = await h.submitted()
        waiting = [asyncio.create_task(h.get(f"/tasks/{failed}?wait=60")) for _ in range(20)]
        await h.until_waits(20)
        assert h.fail() == failed
        assert {answer.json()["state"] for answer in await asyncio.gather(*waiting)} == {"failed"}
        cancelled = await h.submitted()
        one = asyncio.create_task(h.get(f"/tasks/{cancelled}?wait=60"))
        await h.until_waits(1)
        await h.post(b"", f"/tasks/{cancelled}/cancel")
        assert (await one).json()["state"] == "cancelled"

    house.tell(story)


def test_a_wait_that_is_too_short_says_what_is(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """202 after the time that was asked for."""
    monkeypatch.setattr(events, "POLL_S", 60.0)

    async def story(h: House) -> None:
        began = perf_counter()
        answer = await h.post(SEED, "/tasks?wait=0.3")
        assert 0.25 < perf_counter() - began < 30
        assert answer.status_code == 202
        assert (await h.get(answer.headers["location"] + "?wait=0.2")).json()["state"] == "queued"

    house.tell(story)


@pytest.mark.parametrize("wait", ["61", "-1", "ten", "1e2", "0x1", "1_0", "", "nan", "1&wait=2", "٣"])
def test_a_wait_that_is_none_is_refused(house: House, wait: str) -> None:
    """In the query it is a mistake, and says what is allowed."""

    async def story(h: House) -> None:
        body = problem(await h.post(SEED, f"/tasks?wait={wait}"), 422, "invalid_query")
        assert "60" in str(body["errors"]) or "one wait" in str(body["errors"])

    house.tell(story)


@pytest.mark.parametrize("prefer", ["wait=ten", "wait", "handling=lenient", "wait=-1", ",;,", "x-wait=3"])
def test_a_preference_that_we_cannot_read_is_ignored(house: House, prefer: str) -> None:
    """RFC 7240: a preference is no order."""

    async def story(h: House) -> None:
        answer = await h.post(SEED, prefer=prefer)
        assert answer.status_code == 202
        assert "preference-applied" not in answer.headers

    house.tell(story)


def test_a_preference_is_cut_to_the_limit(house: House) -> None:
    """And the answer says to what."""

    async def story(h: House) -> None:
        waiting = asyncio.create_task(h.post(SEED, prefer="wait=100000"))
        await h.until_waits(1)
        h.finish()
        assert (await waiting).headers["preference-applied"] == "wait=60"

    house.tell(story)


def test_a_stop_answers_those_who_wait(house: House) -> None:
    """A deployment must not cut them off, nor wait for them."""

    async def story(h: House) -> None:
        waiting = asyncio.create_task(h.post(SEED, "/tasks?wait=60"))
        await h.until_waits(1)
        h.desk.drain()
        assert (await waiting).status_code == 202
        assert problem(await h.get("/ready"), 503, "not_ready")["wrong"] == ["this gateway is stopping"]
        assert (await h.get("/health")).status_code == 200

    house.tell(story)


def test_an_event_that_nobody_saw_only_delays(house: House) -> None:
    """The end of a task is read from its record, whatever became of the event."""

    async def story(h: House) -> None:
        for task in h.desk.background:
            task.cancel()
        waiting = asyncio.create_task(h.post(SEED, "/tasks?wait=60"))
        await h.until_waits(1)
        h.finish()
        assert (await waiting).json()["state"] == "succeeded"

    house.tell(story)


def test_nobody_waits_nobody_reads(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """The events stream is followed while somebody waits, and a wait that begins afterwards misses nothing."""
    monkeypatch.setattr(events, "LINGER_S", 0.0)
    monkeypatch.setattr(events, "POLL_S", 60.0)

    async def story(h: House) -> None:
        for _ in range(3):
            assert not h.desk.tail.reading
            id = await h.submitted()
            waiting = asyncio.create_task(h.get(f"/tasks/{id}?wait=60"))
            while not h.desk.tail.reading:
                await asyncio.sleep(0)
            h.finish()
            ended = perf_counter()
            assert (await waiting).json()["state"] == "succeeded"
            assert perf_counter() - ended < 30
            await h.submitted()
            h.finish()  # an event, at which the tail sees that it is alone
            while h.desk.tail.reading:
                await asyncio.sleep(0.01)

    house.tell(story)
