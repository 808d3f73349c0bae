"""Watching a task: every state once and in order, progress as parts arrive, and no gateway that one must stay with."""

import asyncio
import threading
import time
from pathlib import Path
from typing import Any

import httpx
import pytest

from gateway import answers, sse
from gateway.routes import watch
from pipeline import ids, verbs
from pipeline.record import Done, Folded, Job
from tests.gateway.house import RESULT, SEED, SHARE, House, problem, until
from tests.gateway.process import running
from tests.gateway.sse import Event, events, states

PARTS = {"kind": "digest", "data": {"parts": 10, "first_wave": 2, "largest_wave": 4, "seed": 1}}
DIGEST = "tests.kinds.digest"


@pytest.fixture
def digests(server: Any) -> House:
    """A house that knows a kind of many parts."""
    return House(server, kinds=DIGEST)


def end(h: House, job: Job) -> None:
    """Bring a job of many parts to its end; a fold says how many parts it has seen."""
    if job.step == "part":
        assert h.store.do(verbs.finish_part([Done(job, b"{}", 0, 1.0)], "hand", SHARE)) == [True]
        return
    wave = h.store.do(verbs.wave(job))
    assert wave
    seen = int(wave.accumulator or b"0") + len(wave.partials)
    estimate = b'{"estimate":%d.5,"standard_error":0.5}' % seen
    folded = Folded(job, b"%d" % seen, estimate, RESULT if wave.last else None, 0, 1.0)
    assert h.store.do(verbs.fold(folded, "hand", SHARE))


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """The names of the events that this gateway has told so far."""
    names: list[bytes] = []
    event = sse.event

    def noted(name: bytes, data: bytes, id: bytes = b"") -> bytes:
        names.append(name)
        return event(name, data, id)

    monkeypatch.setattr(sse, "event", noted)
    return names


async def watched(h: House, id: str, last: str = "") -> list[Event]:
    """All events until the stream ends."""
    answer = await h.get(f"/tasks/{id}/events", **({"last_event_id": last} if last else {}))
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert answer.headers["x-accel-buffering"] == "no"
    assert answer.text.startswith("retry: 1000\n\n")
    return events(answer.text)


def test_every_state_once_and_in_order(house: House, told: list[bytes]) -> None:
    """Put off, queued, running, succeeded: with their times, and the whole task at the end."""

    async def story(h: House) -> None:
        id = await h.submitted(SEED | {"delay_s": 0.3})
        watching = asyncio.create_task(watched(h, id))
        await asyncio.sleep(0.4)
        assert h.store.do(verbs.promote(10, SHARE)) == 1
        await until(lambda: len(told) == 2)
        h.finish()
        seen = await watching
        assert states(seen) == ["scheduled", "queued", "running", "succeeded"]
        assert [event.id for event in seen] == ["0.0", "1.0", "2.0", "3.0"]
        assert [event.name for event in seen] == ["state", "state", "state", "end"]
        task = (await h.get(f"/tasks/{id}")).json()
        assert seen[-1].data == task
        assert [event.data["at"] for event in seen[:3]] == [task["submitted_at"], task["run_at"], task["started_at"]]

    house.tell(story)


@pytest.mark.parametrize("how", ["failed", "cancelled"])
def test_every_end_is_told(house: House, told: list[bytes], how: str) -> None:
    """With the error; what never ran was never running."""

    async def story(h: House) -> None:
        id = await h.submitted()
        watching = asyncio.create_task(watched(h, id))
        await until(lambda: told)
        if how == "failed":
            h.fail("time_limit", "Too long.")
        else:
            await h.post(b"", f"/tasks/{id}/cancel")
        seen = await watching
        assert states(seen) == (["queued", "running", "failed"] if how == "failed" else ["queued", "cancelled"])
        assert (seen[-1].data["error"] or {}).get("code") == ("time_limit" if how == "failed" else None)

    house.tell(story)


def test_the_progress_of_many_parts(digests: House, told: list[bytes]) -> None:
    """Parts done, then the estimate and its standard error; it never goes back."""

    async def story(h: House) -> None:
        id = await h.submitted(PARTS)
        watching = asyncio.create_task(watched(h, id))
        await until(lambda: told)
        while jobs := h.take(4):
            await asyncio.sleep(watch.OFTEN_S)  # from now on progress is told again
            before = len(told)
            for job in jobs:
                end(h, job)
            await until(lambda before=before: len(told) > before)  # type: ignore[misc]
        seen = await watching
        assert states(seen) == ["queued", "running", "succeeded"]
        progress = [event.data["progress"] for event in seen if event.name == "progress"]
        assert len(progress) >= 3
        done = [each["done"] for each in progress]
        assert done == sorted(done)
        assert {each["parts"] for each in progress} == {10}
        estimates = [each["estimate"] for each in progress if each["estimate"] is not None]
        assert estimates == sorted(estimates)
        assert {2.5, 6.5} & set(estimates)
        assert progress[-1]["standard_error"] == 0.5
        assert [event.id for event in seen if event.name == "progress"] == [f"2.{n}" for n in done]

    digests.tell(story)


def test_it_goes_on_where_it_was(digests: House, told: list[bytes]) -> None:
    """From the id of any event: all that came after it, and nothing of what was told."""

    async def story(h: House) -> None:
        id = await h.submitted(PARTS)
        jobs = h.take(2)
        for job in jobs:
            end(h, job)
        watching = asyncio.create_task(watched(h, id, "2.1"))
        await until(lambda: told)
        while jobs := h.take(10):
            for job in jobs:
                end(h, job)
        seen = await watching
        assert seen[0].id == "2.2"
        assert states(seen) == ["succeeded"]
        for last, rest in {
            "": ["queued", "running", "succeeded"],
            "0.0": ["queued", "running", "succeeded"],
            "1.0": ["running", "succeeded"],
            "2.7": ["succeeded"],
            "nonsense": ["queued", "running", "succeeded"],
        }.items():
            assert states(await watched(h, id, last)) == rest, last
        answer = await h.get(f"/tasks/{id}/events", last_event_id="3.0")
        assert (answer.status_code, answer.content) == (204, b""), "a browser that hears this does not come again"

    digests.tell(story)


def test_a_quiet_stream_says_that_it_is_there(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """A comment, which is no event."""
    monkeypatch.setattr(sse, "KEEP_ALIVE_S", 0.1)

    async def story(h: House) -> None:
        id = await h.submitted()
        began = time.monotonic()
        watching = asyncio.create_task(h.get(f"/tasks/{id}/events"))
        await asyncio.sleep(1)
        h.finish()
        text = (await watching).text
        assert 2 <= text.count("\n\n: still here\n") <= (time.monotonic() - began) / 0.1
        assert states(events(text)) == ["queued", "running", "succeeded"]

    house.tell(story)


def test_a_large_result_is_fetched(house: House) -> None:
    """The end says that there is one, by its hash; it is not in the stream."""

    async def story(h: House) -> None:
        id = await h.submitted()
        h.finish(result=b'{"text":"%s"}' % (b"x" * answers.INLINE))
        (*_, last) = await watched(h, id)
        assert last.data["result"] is None
        assert last.data["result_sha256"] == (await h.get(f"/tasks/{id}")).json()["result_sha256"]

    house.tell(story)


def test_what_is_not_there_cannot_be_watched(house: House) -> None:
    """404 for what never was, 410 for what was ours; a parameter is one too many."""

    async def story(h: House) -> None:
        id = await h.submitted()
        problem(await h.get(f"/tasks/{ids.mint(0, b'another')}/events"), 404, "unknown_task")
        problem(await h.get("/tasks/x/events"), 404, "unknown_task")
        problem(await h.get(f"/tasks/{id}/events?since=1"), 422, "invalid_query")
        head = await h.client.head(f"/tasks/{id}/events")
        assert (head.status_code, head.content) == (200, b""), "it waits for nothing"
        h.finish()
        assert h.store.do(verbs.purge(id)) == "ok"
        problem(await h.get(f"/tasks/{id}/events"), 410, "task_expired")

    house.tell(story)


def test_a_record_that_goes_ends_the_stream(house: House, told: list[bytes]) -> None:
    """Without an end: whoever comes again is told that it is gone."""

    async def story(h: House) -> None:
        id = await h.submitted()
        watching = asyncio.create_task(watched(h, id))
        await until(lambda: told)
        with h.server.client() as hands:
            hands.delete(h.store.keys("task", id))
        h.desk.tail.wake_all()
        assert states(await watching) == ["queued"]
        problem(await h.get(f"/tasks/{id}/events"), 410, "task_expired")

    house.tell(story)


def test_a_gateway_that_stops_ends_its_streams(house: House, tmp_path: Path) -> None:
    """And the next one goes on: no transition is lost, none is told twice, though it happened in between."""
    texts: list[str] = []

    def follow(url: str, headers: dict[str, str], told: threading.Event) -> None:
        text = ""
        with httpx.stream("GET", url, headers=headers, timeout=60) as answer:
            for piece in answer.iter_text():
                text += piece
                if events(text):
                    told.set()
        texts.append(text)

    def following(url: str, headers: dict[str, str]) -> threading.Thread:
        """Who follows, when something has been told."""
        told = threading.Event()
        thread = threading.Thread(target=follow, args=(url, headers, told))
        thread.start()
        assert told.wait(60)
        return thread

    with running(house, tmp_path / "one.jsonl") as one, running(house, tmp_path / "two.jsonl") as two:
        id = one.client.post("/tasks", json=SEED).json()["task_id"]
        first = following(f"{one.url}/tasks/{id}/events", {})
        assert one.stop() == 0
        first.join(60)
        told = events(texts[0])
        assert states(told) == ["queued"]
        (job,) = house.take()  # while nobody looks
        second = following(f"{two.url}/tasks/{id}/events", {"Last-Event-ID": told[-1].id})
        assert house.store.do(verbs.finish_task([Done(job, RESULT, 0, 1.0)], "hand", SHARE)) == [True]
        second.join(60)
        assert states(told + events(texts[1])) == ["queued", "running", "succeeded"]
    house.store.close()


def test_who_hangs_up_is_no_longer_watched_for(house: House, tmp_path: Path) -> None:
    """The gateway notices, and lets go of the stream."""
    with running(house, tmp_path / "gateway.jsonl") as gateway:
        id = gateway.client.post("/tasks", json=SEED).json()["task_id"]
        with gateway.client.stream("GET", f"/tasks/{id}/events") as answer:
            next(answer.iter_text())
        deadline = time.monotonic() + 60
        while not any(line["event"] == "http" and line["path"].endswith("/events") for line in gateway.lines()):
            assert time.monotonic() < deadline
            time.sleep(0.05)
    house.store.close()
