"""Asking whether a task would be accepted, and what it would cost: nothing is submitted."""

import msgspec
import pytest

from calc import execute
from gateway.routes.tasks import Valid
from pipeline import verbs
from tests.gateway.house import SEED, House, problem
from tests.gateway.test_bodies import WRONG


def test_every_example_is_valid(house: House) -> None:
    """With its data complete, as a submission would have them; and nothing is in the store."""

    async def story(h: House) -> None:
        for name, kind in execute.kinds().items():
            answer = await h.post({"kind": name, "data": kind.EXAMPLE}, "/tasks/validate")
            assert answer.status_code == 200, answer.text
            told = msgspec.json.decode(answer.content, type=Valid)
            planned = execute.plan(name, bytes(told.data), 0)
            assert (told.kind, told.version, told.parts) == (planned.kind, planned.version, planned.parts)
            assert bytes(told.data) == planned.data, "complete"
            assert told.estimated is not None
            assert told.estimated.cpu_s >= 0
        assert set(h.store.do(verbs.counts()).values()) == {0}

    house.tell(story)


def test_it_is_what_would_be_submitted(house: House) -> None:
    """The hash of the data, too."""

    async def story(h: House) -> None:
        told = (await h.post(SEED, "/tasks/validate")).json()
        task = (await h.get(f"/tasks/{await h.submitted(SEED)}")).json()
        assert (told["sha256"], told["seed"], told["parts"]) == (task["sha256"], None, task["progress"]["parts"])
        assert told["data"]["years"] == 1

    house.tell(story)


@pytest.mark.parametrize("wrong", WRONG, ids=lambda wrong: str(wrong[0])[:40])
def test_what_is_wrong_is_told_as_at_submission(house: House, wrong: tuple[bytes, str, str, str]) -> None:
    """The same status, code and places."""

    async def story(h: House) -> None:
        body, code, *_ = wrong
        there, here = await h.post(body), await h.post(body, "/tasks/validate")
        told = problem(here, there.status_code, code)
        assert told | {"request_id": ""} == there.json() | {"request_id": ""}

    house.tell(story)


def test_what_is_only_for_submissions(house: House) -> None:
    """Nothing is waited for; a full store does not keep anybody from asking; a wrong time is found."""

    async def story(h: House) -> None:
        problem(await h.post(SEED, "/tasks/validate?wait=1"), 422, "invalid_query")
        problem(await h.post(SEED | {"run_at": "tomorrow"}, "/tasks/validate"), 422, "invalid_request")
        h.desk.fullness = 1.0
        assert (await h.post(SEED, "/tasks/validate")).status_code == 200

    house.tell(story)
