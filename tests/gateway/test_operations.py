"""Queues, workers, dead letters, purging: what operators look at and do."""

from pipeline import verbs
from pipeline.record import Beat
from tests.gateway.house import SEED, House, problem


def test_queues_say_what_waits_and_since_when(house: House) -> None:
    async def story(h: House) -> None:
        empty = (await h.get("/queues")).json()["queues"]
        assert [each["priority"] for each in empty] == ["high", "medium", "low"]
        assert all((each["waiting"], each["held"], each["oldest_waits_ms"]) == (0, 0, None) for each in empty)
        for _ in range(3):
            await h.submitted(SEED | {"priority": "high"})
        h.take(1)
        high = (await h.get("/queues")).json()["queues"][0]
        assert (high["waiting"], high["held"], high["paused"]) == (2, 1, None)
        assert 0 <= high["oldest_waits_ms"] < 60_000
        h.take(2)
        high = (await h.get("/queues")).json()["queues"][0]
        assert (high["waiting"], high["held"], high["oldest_waits_ms"]) == (0, 3, None)

    house.tell(story)


def test_one_queue_is_told_as_in_the_list(house: House) -> None:
    """What does not move is the same word for word; a word that is no priority is told what would be one."""

    async def story(h: House) -> None:
        await h.submitted(SEED | {"priority": "high"})
        await h.post({"reason": "noon"}, "/queues/low/pause")
        for told in (await h.get("/queues")).json()["queues"]:
            one = (await h.get(f"/queues/{told['priority']}")).json()
            assert one | {"oldest_waits_ms": None} == told | {"oldest_waits_ms": None}
            assert (one["oldest_waits_ms"] is None) is (told["oldest_waits_ms"] is None)
        assert (await h.client.head("/queues/high")).status_code == 200
        for word in ("urgent", "High", "lo", "high ", "%00"):
            said = problem(await h.get(f"/queues/{word}"), 404, "unknown_queue")
            (fault,) = said["errors"]  # type: ignore[misc]
            assert fault["allowed"] == "high, medium, low"
        assert said.get("did_you_mean") is None
        assert problem(await h.get("/queues/lo"), 404, "unknown_queue")["did_you_mean"] == "low"
        problem(await h.get("/queues/high?x=1"), 422, "invalid_query")

    house.tell(story)


def test_a_paused_queue_gives_nothing_until_it_is_resumed(house: House) -> None:
    async def story(h: House) -> None:
        low = await h.submitted(SEED | {"priority": "low"})
        answer = await h.post({"reason": "month's end"}, "/queues/low/pause")
        told = answer.json()["queues"][2]["paused"]
        assert (told["by"], told["reason"]) == ("anybody", "month's end")
        assert h.take(5) == []
        other = await h.submitted()
        assert [job.task for job in h.take(5)] == [other]
        assert (await h.post(None, "/queues/low/resume")).json()["queues"][2]["paused"] is None
        assert (await h.post(None, "/queues/low/resume")).status_code == 200, "again is fine"
        assert [job.task for job in h.take(5)] == [low]

    house.tell(story)


def test_a_pause_says_why(house: House) -> None:
    async def story(h: House) -> None:
        problem(await h.post({}, "/queues/low/pause"), 422, "invalid_request")
        problem(await h.post({"reason": ""}, "/queues/low/pause"), 422, "invalid_request")
        problem(await h.post({"reason": "x", "by": "me"}, "/queues/low/pause"), 422, "invalid_request")
        problem(await h.post({"reason": "x"}, "/queues/urgent/pause"), 404, "unknown_queue")
        assert (await h.get("/queues")).json()["queues"][2]["paused"] is None

    house.tell(story)


def test_workers_are_those_that_beat(house: House) -> None:
    async def story(h: House) -> None:
        assert (await h.get("/workers")).json() == {"workers": [], "lost": []}
        child = {"pid": 8, "cpu_s": 0.5}
        h.store.do(
            verbs.beat(Beat(name="c-1", host="h", pid=7, version="1", started_at=1, beat_at=0, children=[child]))
        )
        (worker,) = (await h.get("/workers")).json()["workers"]
        assert (worker["name"], worker["pid"], worker["state"]) == ("c-1", 7, "idle")
        assert worker["children"] == [{"child": 0, "state": "idle"} | child]
        assert 0 <= worker["beat_ms_ago"] < 60_000

    house.tell(story)


def test_dead_letters_are_listed_and_removed(house: House) -> None:
    async def story(h: House) -> None:
        buried = []
        for _ in range(3):
            await h.submitted()
            buried.append(h.fail())
        letters = (await h.get("/dead-letters")).json()
        assert [each["task_id"] for each in letters["letters"]] == buried[::-1]
        assert letters["cursor"] is None
        first = letters["letters"][0]
        assert (first["kind"], first["job"], first["cause"]["code"]) == ("compound_interest", "p0", "child_died")
        path = f"/dead-letters/{first['letter_id']}"
        assert (await h.client.delete(path)).status_code == 204
        problem(await h.client.delete(path), 404, "unknown_letter")
        problem(await h.client.delete("/dead-letters/none"), 404, "unknown_letter")
        assert len((await h.get("/dead-letters")).json()["letters"]) == 2
        problem(await h.get("/dead-letters?cursor=x"), 422, "invalid_query")

    house.tell(story)


def test_a_dead_letters_task_is_tried_again_once(house: House) -> None:
    """The letter goes, the old task stays failed, the new one has its data; who presses twice gets no second one."""

    async def story(h: House) -> None:
        await h.submitted(SEED | {"label": "books", "priority": "high"})
        old = h.fail()
        (letter,) = (await h.get("/dead-letters")).json()["letters"]
        path = f"/dead-letters/{letter['letter_id']}"
        answer = await h.post(None, f"{path}/retry")
        assert (answer.status_code, answer.json()["rerun_of"], answer.json()["label"]) == (202, old, "books")
        assert (await h.get("/dead-letters")).json()["letters"] == []
        problem(await h.post(None, f"{path}/retry"), 404, "unknown_letter")
        assert (await h.get(f"/tasks/{old}")).json()["state"] == "failed"
        assert h.finish() == [answer.json()["task_id"]]
        assert h.take(5) == []
        problem(await h.post(None, "/dead-letters/0-0/retry"), 404, "unknown_letter")
        problem(await h.post(None, f"{path}/retry?x=1"), 422, "invalid_query")
        problem(await h.post(None, f"{path}/retry", idempotency_key=""), 400, "bad_header")

    house.tell(story)


def test_a_letter_whose_task_is_gone_is_not_tried_again(house: House) -> None:
    async def story(h: House) -> None:
        await h.submitted()
        assert (await h.client.delete(f"/tasks/{h.fail()}")).status_code == 204
        (letter,) = (await h.get("/dead-letters")).json()["letters"]
        problem(await h.post(None, f"/dead-letters/{letter['letter_id']}/retry"), 410, "task_expired")
        assert len((await h.get("/dead-letters")).json()["letters"]) == 1

    house.tell(story)


def test_what_never_was_an_entry_is_no_cursor(house: House) -> None:
    async def story(h: House) -> None:
        for text in ("", "0-0", "0-1", "1", "01-0", "1-00", "١-0", "1-0 "):
            problem(await h.client.get("/dead-letters", params={"cursor": text}), 422, "invalid_query")
        for text in ("1-0", "999999999999999-999999999999999"):
            assert (await h.get(f"/dead-letters?cursor={text}")).status_code == 200

    house.tell(story)


def test_a_task_that_has_ended_can_be_purged(house: House) -> None:
    async def story(h: House) -> None:
        id = await h.submitted()
        problem(await h.client.delete(f"/tasks/{id}"), 409, "not_final")
        h.finish()
        assert (await h.client.delete(f"/tasks/{id}")).status_code == 204
        problem(await h.get(f"/tasks/{id}"), 410, "task_expired")
        assert (await h.get("/tasks")).json()["tasks"] == []

    house.tell(story)
