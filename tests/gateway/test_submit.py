"""POST /tasks: what a submission makes, and what is kept of it."""

import hashlib
import re
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from calc import execute
from pipeline import verbs
from tests.gateway.house import RESULT, SEED, House, problem
from tests.servers import Server

OPTION = {"kind": "option_european", "data": execute.find("option_european").EXAMPLE}


def test_the_first_curl_line_works(house: House) -> None:
    """Nothing but data: the default kind, medium priority, an address to ask at."""

    async def story(h: House) -> None:
        answer = await h.post(SEED)
        assert answer.status_code == 202
        body = answer.json()
        id = body["task_id"]
        assert re.fullmatch(r"[0-9A-HJKMNP-TV-Z]{26}", id)
        assert answer.headers["location"] == f"/tasks/{id}"
        assert answer.headers["retry-after"] == "1"
        assert body["kind"] == "compound_interest"
        assert body["state"] == "queued"
        assert body["priority"] == "medium"
        assert body["links"] == {
            "self": f"/tasks/{id}",
            "result": f"/tasks/{id}/result",
            "cancel": f"/tasks/{id}/cancel",
        }
        assert re.fullmatch(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d\d\dZ", body["submitted_at"])

    house.tell(story)


def test_everything_of_the_envelope_arrives(house: House) -> None:
    """Priority, label, limits, the request's id and its trace stand in the record or at the job."""

    async def story(h: House) -> None:
        trace = "00-" + "ab" * 16 + "-" + "cd" * 8 + "-01"
        more = {"priority": "high", "label": "Zürich → 7 %", "time_limit_s": 12.5, "result_ttl_s": 60}
        id = await h.submitted(SEED | more, x_request_id="my-request-1", traceparent=trace)
        (job,) = h.take()
        assert (job.task, job.time_limit_s, job.request_id, job.traceparent) == (id, 12.5, "my-request-1", trace)
        task = h.store.do(verbs.task(id))
        assert task is not None
        assert (task.priority, task.label, task.owner) == ("high", "Zürich → 7 %", "local")
        with h.server.client() as client:
            assert client.hget(h.store.keys("task", id), "result_ttl_s") == "60"

    house.tell(story)


def test_the_stored_data_are_complete_and_reproduce_the_answer(house: House) -> None:
    """Defaults and a drawn seed are filled in; sha256 is of kind, newline, data."""

    async def story(h: House) -> None:
        id = await h.submitted(OPTION)
        answer = (await h.get(f"/tasks/{id}")).json()
        data = h.store.do(verbs.data(id))
        assert data is not None
        seed = msgspec.json.decode(data)["seed"]
        assert 0 <= seed < 2**53
        assert answer["seed"] == seed
        assert answer["sha256"] == hashlib.sha256(b"option_european\n" + data).hexdigest()
        assert answer["versions"] == {"kind": execute.find("option_european").VERSION, "package": "0.1.0"}
        again = await h.submitted({"kind": "option_european", "data": msgspec.json.decode(data)})
        assert (await h.get(f"/tasks/{again}")).json()["sha256"] == answer["sha256"]

    house.tell(story)


def test_an_alias_is_its_kind(house: House) -> None:
    """Names of the older system are accepted; the answer says the name of today."""

    async def story(h: House) -> None:
        kind = next(kind for kind in execute.kinds().values() if kind.ALIASES)
        answer = await h.post({"kind": kind.ALIASES[0], "data": kind.EXAMPLE})
        assert answer.json()["kind"] == kind.NAME

    house.tell(story)


def test_every_kind_accepts_its_own_example(house: House) -> None:
    """GET /kinds shows data that work as they stand."""

    async def story(h: House) -> None:
        for kind in (await h.get("/kinds")).json()["kinds"]:
            await h.submitted({"kind": kind["kind"], "data": kind["example"]})

    house.tell(story)


@pytest.mark.parametrize("how", ["delay_s", "run_at"])
def test_a_task_can_be_put_off(house: House, how: str) -> None:
    """It is scheduled, with the time it was asked for, and nobody may take it."""

    async def story(h: House) -> None:
        at = datetime.now(UTC) + timedelta(hours=1)
        later = {"delay_s": 3600} if how == "delay_s" else {"run_at": at.isoformat()}
        answer = await h.post(SEED | later)
        assert answer.json()["state"] == "scheduled"
        task = (await h.get(answer.headers["location"])).json()
        assert task["state"] == "scheduled"
        assert abs(datetime.fromisoformat(task["run_at"]) - at) < timedelta(minutes=1)
        assert h.take() == []

    house.tell(story)


def test_a_time_that_has_passed_is_now(house: House) -> None:
    """run_at in the past is no fault: the clocks of two machines differ."""

    async def story(h: House) -> None:
        assert (await h.post(SEED | {"run_at": "2020-02-29T00:00:00+14:00"})).json()["state"] == "queued"
        assert (await h.post(SEED | {"run_at": "0001-01-01T00:00:00+14:00"})).json()["state"] == "queued"
        assert (await h.post(SEED | {"delay_s": 0})).json()["state"] == "queued"

    house.tell(story)


def test_a_full_backlog_is_a_limit(server: Server) -> None:
    """429, nothing is written, and another priority has a backlog of its own. (The pause: test_limits.py.)"""

    async def story(h: House) -> None:
        for _ in range(3):  # one is put, two wait in the ring
            await h.submitted()
        problem(await h.post(), 429, "backlog_full")
        assert len((await h.get("/tasks")).json()["tasks"]) == 3
        assert (await h.post(SEED | {"priority": "high"})).status_code == 202

    House(server, share=1, backlog_limit=2).tell(story)


def test_waited_for_it_is_200_with_the_task(house: House) -> None:
    """The result stands in the answer as the kind wrote it, digit for digit."""

    async def story(h: House) -> None:
        answer = await h.post(SEED, path="/tasks?wait=0")
        assert answer.status_code == 202
        h.finish()
        answer = await h.get(answer.headers["location"])
        assert RESULT in answer.content
        assert answer.json()["state"] == "succeeded"

    house.tell(story)
