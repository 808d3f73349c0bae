"""Clocks that are hours wrong: only Redis' time counts, and no duration is ever negative."""

import asyncio
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from msgspec import json

from gateway import answers
from pipeline.ids import ALPHABET
from pipeline.record import STATES, Task
from tests import servers
from tests.gateway import clocks
from tests.gateway.house import LIMIT_S, SEED, House
from tests.gateway.process import Gateway, running
from tests.servers import Server

CLOSE_S = 60  # the clocks are five hours apart: a slow machine does not matter


def seconds(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def time_of(id: str) -> float:
    """The seconds since 1970 that an id was made with."""
    number = 0
    for letter in id[:10]:
        number = number << 5 | ALPHABET.index(letter)
    return number / 1000


@pytest.fixture(params=[clocks.HOURS, -clocks.HOURS])
def wrong(request: pytest.FixtureRequest, house: House, tmp_path: Path) -> Iterator[Gateway]:
    """A gateway whose clock is hours ahead or behind; its store's is right."""
    with running(house, tmp_path / "gateway.jsonl", **clocks.shifted(request.param)) as gateway:
        logged = seconds(gateway.lines()[0]["ts"]) - time.time()
        assert abs(logged - 3600 * request.param) < CLOSE_S, "its own clock is wrong, as its log shows"
        yield gateway


@clocks.needed
def test_a_gateway_whose_clock_is_hours_wrong_changes_no_time(house: House, wrong: Gateway) -> None:
    """Ids, times, delays and ends are by the store's clock, and nothing is forgotten early."""
    ask, now = wrong.client, time.time()
    plain = ask.post("/tasks", json=SEED | {"result_ttl_s": 3600}).json()
    assert abs(time_of(plain["task_id"]) - now) < CLOSE_S
    assert abs(seconds(plain["submitted_at"]) - now) < CLOSE_S
    assert house.finish() == [plain["task_id"]]
    done = ask.get(plain["links"]["self"]).json()
    assert done["state"] == "succeeded"
    assert seconds(done["expires_at"]) - seconds(done["finished_at"]) == pytest.approx(3600, abs=0.01)
    assert 0 <= done["waited_ms"] < 1000 * CLOSE_S
    assert 0 <= done["ran_ms"] < 1000 * CLOSE_S

    at = datetime.fromtimestamp(now + 600, UTC)
    for later in ({"delay_s": 600}, {"run_at": at.isoformat()}):
        answer = ask.post("/tasks", json=SEED | later).json()
        assert answer["state"] == "scheduled"
        task = ask.get(answer["links"]["self"]).json()
        assert abs(seconds(task["run_at"]) - at.timestamp()) < CLOSE_S
        assert 0 <= task["waited_ms"] < 1000 * CLOSE_S
    passed = datetime.fromtimestamp(now - 600, UTC).isoformat()
    assert ask.post("/tasks", json=SEED | {"run_at": passed}).json()["state"] == "queued"


@pytest.fixture
def moved(tmp_path: Path) -> Iterator[tuple[Server, clocks.Movable]]:
    """A store whose clock is moved while it runs."""
    program = clocks.Movable(tmp_path, servers.binaries()["valkey"])
    server = Server(tmp_path / "store", program.path).start()
    yield server, program
    server.kill()


@clocks.needed
def test_no_duration_is_negative_when_the_stores_clock_is_set_back(moved: tuple[Server, clocks.Movable]) -> None:
    """By hours, while one task waits and another runs; and the answers stay answers."""
    server, clock = moved

    async def story(h: House) -> None:
        await moved_to(h, clock, clocks.HOURS)
        waits, runs, done = [await h.submitted(SEED | {"priority": p}) for p in ("low", "medium", "high")]
        assert abs(time_of(waits) - time.time() - 3600 * clocks.HOURS) < CLOSE_S, "the store's clock is ahead"
        (first, second) = h.take(2)
        assert {first.task, second.task} == {runs, done}
        await moved_to(h, clock, -clocks.HOURS)
        h.finish()
        for id in (waits, runs, done):
            assert negative(json.decode((await h.get(f"/tasks/{id}")).content)) == []
        assert (await h.get("/tasks")).status_code == 200
        after = await h.submitted()
        assert abs(time_of(after) - time.time() + 3600 * clocks.HOURS) < CLOSE_S

    House(server).tell(story)


async def moved_to(h: House, clock: clocks.Movable, hours: int) -> None:
    """Move the store's clock, and wait until the gateway has seen it (what it asked just before may come in after)."""
    clock.move(hours)
    async with asyncio.timeout(LIMIT_S):
        while abs(h.desk.now_ms() / 1000 - time.time() - 3600 * hours) > CLOSE_S:
            await asyncio.sleep(0.01)
            await h.desk.look_around()


def negative(said: dict[str, Any]) -> list[str]:
    """The durations in an answer that are below zero."""
    durations = {"waited_ms": said["waited_ms"], "ran_ms": said["ran_ms"], "eta_s": said["progress"]["eta_s"]}
    return [name for name, value in durations.items() if value is not None and value < 0]


_ms = st.integers(0, 2**41)


@given(st.sampled_from(STATES), _ms, st.none() | _ms, st.none() | _ms, _ms, st.integers(0, 12))
@example("running", 0, 1, None, 3, 12)
@example("succeeded", 9, 5, 1, 0, 9)
@example("queued", 9, None, None, 1, 0)
def test_no_duration_is_negative_whatever_the_times_are(
    state: Any, submitted: int, started: int | None, finished: int | None, now: int, done: int
) -> None:
    """In any order; `done` may be more than there are parts, when a hand was at work."""
    task = Task(
        id="0" * 26,
        state=state,
        kind="noop",
        owner="local",
        priority="low",
        parts=9,
        done=done,
        submitted_at=submitted,
        started_at=started,
        finished_at=finished,
        expires_at=None,
        not_before=None,
        attempts=0,
        interruptions=0,
        label="",
        batch="",
        request_id="",
        seed=None,
        versions={"kind": 1, "package": "0"},
        sha256="",
        consumer="",
        custom_id="",
        metadata={},
        rerun_of="",
        rerun_sha256="",
        estimated=None,
        stopped_at=None,
        estimate=None,
        result=None,
        error=None,
    )
    assert negative(json.decode(bytes(answers.task(task, now).body))) == []
