"""Why a task has not started: every reason once, in the API, in lists and in the stream."""

from typing import Any

import pytest
from msgspec import structs

from gateway import why
from pipeline import verbs
from pipeline.record import Job, Pause
from pipeline.views import Stand
from tests.gateway.dashboard.listening import beat, doing
from tests.gateway.house import SEED, SHARE, House
from tests.servers import Server


async def reason(h: House, id: str) -> str | None:
    """What GET /tasks/{id} says."""
    said: str | None = (await h.get(f"/tasks/{id}")).json()["why_waiting"]
    return said


def test_nobody_is_there(house: House) -> None:
    async def story(h: House) -> None:
        assert await reason(h, await h.submitted()) == "No consumer is running."

    house.tell(story)


def test_everybody_is_stopping(house: House) -> None:
    async def story(h: House) -> None:
        beat(h, draining=True)
        assert await reason(h, await h.submitted()) == "Every consumer is stopping; none takes anything new."

    house.tell(story)


def test_nobody_knows_its_kind(house: House) -> None:
    async def story(h: House) -> None:
        beat(h, "c-1", kinds=["var_mc"])
        id = await h.submitted()
        assert str(await reason(h, id)).startswith("No consumer knows the kind compound_interest: HEADRACE_KINDS")
        beat(h, "c-2", kinds=["compound_interest", "var_mc"])
        assert await reason(h, id) == "A process is free; it starts at once."

    house.tell(story)


def test_it_is_paused(house: House) -> None:
    """By whom, since when, and why; where no key is needed nobody has a name, and a hand that paused it has no time."""

    async def story(h: House) -> None:
        beat(h)
        await h.post({"reason": "deploy 1.4.1"}, "/queues/medium/pause")
        at = (await h.get("/queues")).json()["queues"][1]["paused"]["at"]
        said = f"Priority medium is paused since {at}: deploy 1.4.1"
        assert await reason(h, await h.submitted()) == said
        assert await reason(h, await h.submitted(SEED | {"priority": "low"})) != said
        h.store.do(verbs.pause("low", Pause("key 4f", "month's end", 1)))
        low = await h.submitted(SEED | {"priority": "low"})
        assert await reason(h, low) == "Priority low is paused by key 4f since 1970-01-01T00:00:00.001Z: month's end"
        with h.server.client() as hands:
            hands.hset(f"{h.settings.prefix}:paused", "low", "because")
        assert await reason(h, low) == "Priority low is paused: because"

    house.tell(story)


def test_a_time_that_is_over_is_not_waited_for(house: House) -> None:
    """A task whose time has come, or its next attempt, waits for somebody who puts it on its stream."""

    async def story(h: House) -> None:
        id = await h.submitted(SEED | {"delay_s": 3_600})
        task = h.store.do(verbs.task(id))
        assert task
        assert task.not_before
        due = place(h, task.not_before + 1)
        assert why.sentence(task, due, None) == "No consumer is running."
        beat(h)
        (here,) = h.store.do(verbs.fleet())
        here = structs.replace(here, beat_at=due.now_ms)
        due = structs.replace(due, beats=[here])
        assert why.sentence(task, due, None) == "Its time has come; it is queued at any moment."
        stand = Stand("later", at=due.now_ms - 1)
        queued = structs.replace(task, state="queued")
        assert why.sentence(queued, due, stand) == "An attempt ended without a result; the next one is due."
        assert str(why.sentence(queued, structs.replace(due, beats=[]), stand)).endswith(
            "due, but no consumer is running."
        )

    house.tell(story)


def test_what_is_said_of_processes_is_of_those_that_may_take_it(house: House) -> None:
    """Not of consumers that cannot compute it or are stopping; of one process in the singular, and of none at all."""

    async def story(h: House) -> None:
        id = await h.submitted()
        beat(h, "c-1", kinds=["var_mc"])
        beat(h, "c-2", kinds=["compound_interest"], draining=True)
        said = "Every consumer that knows the kind compound_interest is stopping; the others cannot compute it."
        assert await reason(h, id) == said
        beat(h, "c-2", kinds=["compound_interest"], children=[])
        assert await reason(h, id) == "The consumers have no process yet; it starts when one is ready."
        beat(h, "c-2", kinds=["compound_interest"], children=[doing("x")])
        assert await reason(h, id) == "The one process is busy; no job stands before it."
        task = h.store.do(verbs.task(id))
        assert task
        empty = [structs.replace(queue, waiting=0) for queue in h.store.do(verbs.queues())]
        elsewhere = structs.replace(place(h), queues={queue.priority: queue for queue in empty})
        assert why.sentence(task, elsewhere, None) == "The one process is busy.", "it stands behind its owner's share"

    house.tell(story)


def place(h: House, now_ms: int = 0) -> why.Place:
    """Where tasks wait, at some time."""
    queues = {queue.priority: queue for queue in h.store.do(verbs.queues())}
    return why.Place(queues, h.store.do(verbs.fleet()), 0.0, now_ms or h.desk.now_ms())


def test_it_was_put_off(house: House) -> None:
    async def story(h: House) -> None:
        id = await h.submitted(SEED | {"delay_s": 3_600})
        task = (await h.get(f"/tasks/{id}")).json()
        assert task["why_waiting"] == f"It was put off until {task['run_at']}."

    house.tell(story)


def test_its_next_attempt_pauses(house: House) -> None:
    """Though it is running by its state; and when it is put again it waits for a process like any other."""

    async def story(h: House) -> None:
        beat(h)
        id = await h.submitted()
        (job,) = h.take()
        retry(h, job)
        said = str(await reason(h, id))
        assert said.startswith("An attempt ended without a result; the next one comes at 20"), said
        listed = (await h.get("/tasks")).json()["tasks"][0]["why_waiting"]
        assert listed == "An attempt ended without a result; the next one comes after a pause."

    def retry(h: House, job: Job) -> None:
        cause = {"code": "child_died", "message": "Child died."}
        assert h.store.do(verbs.retry(job, cause, 60_000, 3, "hand", 0, 1.0, SHARE)) == "later"

    house.tell(story)


@pytest.fixture
def narrow(server: Server) -> House:
    """An owner has three jobs before the processes at most."""
    return House(server, share=3)


def test_its_owner_has_enough_before_the_processes(narrow: House) -> None:
    async def story(h: House) -> None:
        ids = [await h.submitted() for _ in range(5)]
        beat(h, children=[doing("x"), doing("y")])
        said = [str(await reason(h, id)) for id in ids]
        has = "local has as many jobs before the processes as one owner may at priority medium."
        assert said[3:] == [
            f"No task of the same owner stands before it; {has}",
            f"1 task of the same owner stands before it; {has}",
        ]
        assert said[2] == "All 2 processes are busy; 2 jobs stand before it."

    narrow.tell(story)


def test_every_process_is_busy(house: House) -> None:
    """What is before it, higher priorities too, and for how long at the pace of the last minutes."""

    async def story(h: House) -> None:
        for _ in range(10):
            await h.submitted()
        h.finish(10)
        await h.desk.look_around()
        beat(h, children=[doing("x"), doing("y")])
        for priority in ("high", "medium", "medium"):
            id = await h.submitted(SEED | {"priority": priority})
        said = str(await reason(h, id))
        assert said.startswith("All 2 processes are busy; 2 jobs stand before it; about "), said
        assert said.endswith(" s at the pace of the last minutes."), said
        listed = (await h.get("/tasks?state=queued")).json()["tasks"]
        assert {each["why_waiting"] for each in listed} == {
            "All 2 processes are busy; 2 jobs of its priority wait.",
            "All 2 processes are busy; 1 job of its priority waits.",
        }
        beat(h, children=[doing("x"), {"pid": 8}])
        assert str(await reason(h, id)).startswith("1 of 2 processes is busy; 2 jobs stand before it; about ")

    house.tell(story)


def test_a_task_that_has_started_or_ended_waits_for_nothing(house: House) -> None:
    async def story(h: House) -> None:
        id = await h.submitted()
        (job,) = h.take()
        assert await reason(h, id) is None
        assert h.store.do(verbs.release([job], "hand", SHARE)) == [True]
        h.finish()
        assert await reason(h, id) is None
        assert (await h.get("/tasks")).json()["tasks"][0]["why_waiting"] is None

    house.tell(story)


def test_a_consumer_that_is_quiet_counts_as_gone(house: House) -> None:
    async def story(h: House) -> None:
        beat(h)
        id = await h.submitted()
        task = h.store.do(verbs.task(id))
        queues, beats = h.store.do(verbs.queues()), h.store.do(verbs.fleet())
        assert task
        place = why.Place({queue.priority: queue for queue in queues}, beats, 0.0, h.desk.now_ms())
        assert why.sentence(task, place, None) == "A process is free; it starts at once."
        later = structs.replace(place, now_ms=beats[0].beat_at + 7_000)
        assert why.sentence(task, later, None) == "No consumer is running."

    house.tell(story)


@pytest.mark.parametrize(("seconds", "words"), [(0.2, "1 s"), (59.4, "59 s"), (90, "2 min"), (9_000, "2 h")])
def test_a_time_is_told_in_one_unit(seconds: float, words: str) -> None:
    assert why.duration(seconds) == words


def test_a_hand_in_the_store_breaks_no_answer(house: House) -> None:
    """A row or ring of another type or shape."""

    async def story(h: House) -> None:
        beat(h)
        id = await h.submitted()
        with h.server.client() as hands:
            hands.hset(h.store.keys("task", id), "p0", "nonsense")
            hands.set(h.store.keys("ring", "medium", "local"), "x")
        answer: Any = await h.get(f"/tasks/{id}")
        assert answer.status_code == 200, answer.text
        assert "of the same owner stand before it" in answer.json()["why_waiting"]

    house.tell(story)
