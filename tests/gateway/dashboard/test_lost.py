"""A consumer that is killed, as the stream shows it: lost with what it held, which another takes to its end."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pipeline import verbs
from tests.consumer.house import House
from tests.gateway.dashboard.listening import LIMIT_S, Listener
from tests.gateway.process import running
from tests.servers import Server


@pytest.fixture
def fleet(server: Server, tmp_path: Path) -> Iterator[House]:
    """Consumers that a test may kill."""
    house = House(server, tmp_path)
    yield house
    for consumer in house.consumers:
        consumer.process.kill()
        consumer.process.wait()
    house.store.close()


def test_a_killed_consumer_is_shown_lost_and_its_job_taken(fleet: House, tmp_path: Path, hold: Path) -> None:
    doomed = fleet.consumer("doomed", children=1, lease_s=2).ready()
    kinds = {"HEADRACE_KINDS": "tests.consumer.kinds.act"}
    with running(fleet, tmp_path / "gateway.jsonl", **kinds) as gateway:
        asked = {"kind": "act", "data": {"hold": str(hold)}}
        id = gateway.client.post("/tasks", json=asked).json()["task_id"]
        fleet.running(id)
        tab = Listener(f"{gateway.url}/dashboard/stream?task={id}")
        until(tab, lambda frame: busy_with(frame["workers"], "doomed") == [id])
        doomed.kill()
        fleet.consumer("heir", children=1, lease_s=2)
        gone = until(tab, lambda frame: [worker for worker in frame["lost"] if worker["name"] == "doomed"])
        assert [held["task"] for held in gone["lost"][0]["held"]] == [id]
        assert [worker["state"] for worker in gone["workers"] if worker["name"] == "doomed"] in (["lost"], [])
        hold.unlink()
        task = fleet.finished(id, LIMIT_S)
        assert (task.state, task.interruptions) == ("succeeded", 1)
        lines = gateway.client.get(f"/tasks/{id}/history").json()["lines"]
        assert any("from doomed" in line["text"] for line in lines), lines
        assert fleet.store.do(verbs.counts())["running"] == 0
        until(tab, lambda told: told["task"]["state"] == "succeeded", ("task",))
        assert gateway.stop() == 0
        tab.join(LIMIT_S)


def busy_with(workers: list[dict[str, Any]], name: str) -> list[str]:
    """The tasks that a consumer's children compute."""
    children = [child for worker in workers if worker["name"] == name for child in worker["children"]]
    return [child["task"] for child in children if "task" in child]


def until(tab: Listener, true: Any, names: tuple[str, ...] = ("snapshot", "frame")) -> dict[str, Any]:
    """The newest event, a frame if nothing else is said, of which something is true."""
    deadline = time.monotonic() + LIMIT_S
    while time.monotonic() < deadline:
        told = [event.data for event in list(tab.events) if event.name in names]
        if told and true(told[-1]):
            return told[-1]
        time.sleep(0.05)
    raise TimeoutError([event.name for event in tab.events])
