"""A calculation is a pure function of kind, version and data: `cache: use` answers it from the store."""

import asyncio
from typing import Any

import pytest

from pipeline import verbs
from tests.gateway.house import SEED, House, problem, until

USE = SEED | {"cache": "use"}
PARTS = {"kind": "digest", "cache": "use"}


async def asked(h: House, body: dict[str, Any], **headers: str) -> tuple[int, str, bool]:
    """Status, task, cached."""
    answer = await h.post(body, **headers)
    assert answer.status_code in (200, 202), answer.text
    told = answer.json()
    return answer.status_code, told["task_id"], told["cached"]


def test_what_is_there_is_answered_at_once(house: House) -> None:
    """The same task, with its result; whatever label and priority."""

    async def story(h: House) -> None:
        status, id, cached = await asked(h, USE)
        assert (status, cached) == (202, False)
        assert await asked(h, USE) == (202, id, True), "it waits, and need not be calculated twice"
        h.finish()
        assert await asked(h, USE | {"label": "x", "priority": "high"}) == (200, id, True)
        assert (await h.post(USE)).json()["result"] == (await h.get(f"/tasks/{id}")).json()["result"]
        assert (await h.get(f"/tasks/{id}")).json()["cached"] is False
        assert h.take() == []

    house.tell(story)


def test_off_is_off(house: House) -> None:
    """Without `use` each is calculated, and answers nobody else; other data are another calculation."""

    async def story(h: House) -> None:
        await h.submitted()
        h.finish()
        status, first, cached = await asked(h, USE)
        assert (status, cached) == (202, False)
        h.finish()
        assert (await asked(h, SEED))[2] is False
        assert (await asked(h, SEED | {"cache": "off"}))[2] is False
        assert (await asked(h, {"data": {"amount": 10000, "rate": 0.06}, "cache": "use"}))[2] is False
        spelt = {"data": {"rate": 0.05, "amount": 10000, "years": 1}, "cache": "use"}
        assert await asked(h, spelt) == (200, first, True), "defaults and order make no difference"
        problem(await h.post(SEED | {"cache": "maybe"}), 422, "invalid_request")

    house.tell(story)


def test_a_deployment_can_say_it_for_all(server: Any) -> None:
    """Who says nothing uses it, who says off does not."""

    async def story(h: House) -> None:
        _, id, _ = await asked(h, SEED)
        h.finish()
        assert await asked(h, SEED) == (200, id, True)
        assert (await asked(h, SEED | {"cache": "off"}))[2] is False

    House(server, cache="use").tell(story)


def test_a_seed_that_is_given_counts(server: Any) -> None:
    """Another seed is another calculation; who gives none takes any that was drawn, but none that was given."""

    async def story(h: House) -> None:
        def of(**data: int) -> dict[str, Any]:
            return PARTS | {"data": {"parts": 1} | data}

        _, one, _ = await asked(h, of(seed=1))
        assert await asked(h, of(seed=1)) == (202, one, True)
        assert (await asked(h, of(seed=2)))[1:] != (one, True)
        status, drawn, cached = await asked(h, of())
        assert (status, cached) == (202, False)
        assert await asked(h, of()) == (202, drawn, True)
        seed = (await h.get(f"/tasks/{drawn}")).json()["seed"]
        assert (await asked(h, of(seed=seed)))[2] is False
        assert (await asked(h, of(seed=0)))[2] is False

    House(server, kinds="tests.kinds.digest").tell(story)


@pytest.mark.parametrize("end", ["failed", "cancelled", "forgotten"])
def test_what_has_no_result_answers_nobody(house: House, end: str) -> None:
    """It is calculated anew, and that answers the next."""

    async def story(h: House) -> None:
        _, id, _ = await asked(h, USE)
        if end == "failed":
            h.fail()
        elif end == "cancelled":
            await h.post(b"", f"/tasks/{id}/cancel")
        else:
            h.finish()
            assert h.store.do(verbs.purge(id)) == "ok"
        status, second, cached = await asked(h, USE)
        assert (status, cached) == (202, False)
        assert second != id
        h.finish()
        assert await asked(h, USE) == (200, second, True)

    house.tell(story)


@pytest.mark.parametrize("how", ["fails", "succeeds"])
def test_who_waits_for_another_s_calculation(house: House, how: str) -> None:
    """Has its result; when it goes wrong meanwhile, a calculation of its own."""

    async def story(h: House) -> None:
        _, id, _ = await asked(h, USE)
        waiting = asyncio.create_task(h.post(USE, "/tasks?wait=60"))
        await h.until_waits(1)
        if how == "succeeds":
            h.finish()
        else:
            h.fail()
            await until(lambda: h.store.do(verbs.counts())["queued"])
            h.finish()
        told = (await waiting).json()
        assert (told["state"], told["cached"]) == ("succeeded", how == "succeeds")
        assert (told["task_id"] == id) == (how == "succeeds")

    house.tell(story)


@pytest.mark.parametrize("more", [{"deadline_s": 60}, {"delay_s": 60}, {"run_at": "2020-01-01T00:00:00Z"}])
def test_what_may_end_early_or_start_late_is_its_own(house: House, more: dict[str, Any]) -> None:
    """A deadline may leave half a result, a delay no result for days: neither answers others, nor is answered."""

    async def story(h: House) -> None:
        _, id, cached = await asked(h, USE | more)
        assert not cached
        _, plain, cached = await asked(h, USE)
        assert not cached
        assert (await asked(h, USE | more))[2] is False
        assert (await asked(h, USE))[1:] == (plain, True)
        assert plain != id

    house.tell(story)


def test_a_client_s_own_key_goes_first(house: House) -> None:
    """It says what is the same; the proxy's does not."""

    async def story(h: House) -> None:
        _, id, _ = await asked(h, USE)
        assert (await asked(h, USE, idempotency_key="k"))[1:] != (id, True)
        assert (await asked(h, USE, x_submission_id="0123456789"))[1:] == (id, True)

    house.tell(story)


def test_each_owner_has_a_cache_of_his_own(house: House) -> None:
    """What one has calculated answers no other: not even that it was asked for."""

    async def story(h: House) -> None:
        _, id, _ = await asked(h, USE)
        h.finish()
        with h.server.client() as hands:  # as if it had been another's
            key = next(iter(hands.scan_iter(h.store.keys("same", "local", "cache:*"))))
            hands.rename(key, key.replace(":local:", ":other:"))
        assert (await asked(h, USE))[1:] != (id, True)

    house.tell(story)
