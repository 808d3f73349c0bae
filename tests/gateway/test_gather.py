"""Submissions that come together: one call to the store, each its own answer."""

import asyncio

import pytest

from gateway import gather
from tests.gateway.house import SEED, House, problem
from tests.servers import Server


async def calls(h: House) -> int:
    """How often the store has run a script."""
    stats = await h.desk.store.raw("INFO", "commandstats")
    line = next(line for line in stats.decode().splitlines() if line.startswith("cmdstat_evalsha:"))
    return int(line.split("calls=")[1].split(",")[0])


def test_what_comes_together_is_one_call(own_server: Server) -> None:
    """200 submissions at once take a handful of calls, and each is told its own task."""

    async def story(h: House) -> None:
        await h.submitted()  # the scripts are there
        before = await calls(h)
        labels = [f"n{n}" for n in range(200)]
        answers = await asyncio.gather(*(h.post(SEED | {"label": label}) for label in labels))
        assert await calls(h) - before < 60
        assert [answer.json()["label"] for answer in answers] == labels
        ids = [answer.json()["task_id"] for answer in answers]
        assert len(set(ids)) == len(ids)
        for id, label in zip(ids, labels, strict=True):
            assert (await h.get(f"/tasks/{id}")).json()["label"] == label

    House(own_server).tell(story)


def test_each_gets_its_own_answer_whatever_the_others_get(server: Server) -> None:
    """New, replayed, refused for its key, refused for the backlog: in one call."""

    async def story(h: House) -> None:
        first = await h.submitted(SEED, idempotency_key="k")
        other = SEED | {"label": "other"}
        replay, mismatch, fresh = await asyncio.gather(
            h.post(SEED, idempotency_key="k"), h.post(other, idempotency_key="k"), h.post(other)
        )
        assert replay.json()["task_id"] == first
        assert replay.headers["idempotent-replayed"] == "true"
        problem(mismatch, 422, "idempotency_mismatch")
        assert fresh.status_code == 202

    House(server).tell(story)


def test_a_store_that_goes_away_is_told_to_each(own_server: Server) -> None:
    """Nobody waits for ever, and submissions after its return go on."""

    async def story(h: House) -> None:
        await h.submitted()
        own_server.kill()
        answers = await asyncio.gather(*(h.post() for _ in range(20)))
        assert {answer.status_code for answer in answers} == {503}
        own_server.start()
        await h.submitted()

    House(own_server).tell(story)


def test_who_hangs_up_takes_no_answer_from_others(house: House) -> None:
    """A cancelled wait leaves the others of its call alone."""

    async def story(h: House) -> None:
        waiting = [asyncio.create_task(h.post()) for _ in range(20)]
        await asyncio.sleep(0)
        for each in waiting[::2]:
            each.cancel()
        answers = await asyncio.gather(*waiting, return_exceptions=True)
        assert all(isinstance(answer, asyncio.CancelledError) for answer in answers[::2])
        assert {answer.status_code for answer in answers[1::2]} == {202}  # type: ignore[union-attr]
        await h.submitted()

    house.tell(story)


def test_who_was_answered_together_is_waited_for(own_server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """As many as came together the last time go together again."""
    monkeypatch.setattr(gather, "COMPANY_S", 1.0)

    async def story(h: House) -> None:
        await h.submitted()
        before = await calls(h)

        async def client() -> None:
            for _ in range(10):
                await h.submitted()

        async with asyncio.timeout(60):
            await asyncio.gather(*(client() for _ in range(12)))
        assert await calls(h) - before < 60

    House(own_server).tell(story)


def test_a_lonely_submission_waits_for_nobody(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor do a few; and after a crowd only for as long as is said."""
    monkeypatch.setattr(gather, "COMPANY_S", 600.0)

    async def story(h: House) -> None:
        async with asyncio.timeout(60):
            for count in (1, gather.FEW - 1, 1):
                await asyncio.gather(*(h.submitted() for _ in range(count)))
            monkeypatch.setattr(gather, "COMPANY_S", 0.01)
            await asyncio.gather(*(h.submitted() for _ in range(3 * gather.FEW)))
            await h.submitted()

    House(server).tell(story)
