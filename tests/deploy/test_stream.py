"""B57: what happens to a task reaches who watches it through nginx when it happens, not all at once at the end."""

import http.client
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from deploy.ask import ask
from deploy.stack import Stack
from tests import servers
from tests.deploy.conftest import Edge
from tests.gateway.house import SEED, House
from tests.gateway.process import running

LIMIT_S = 60  # each event comes before the next thing is done: one that is held back never comes


@pytest.fixture
def house(server: servers.Server) -> Iterator[House]:
    """A store, and the hand that plays the consumer."""
    house = House(server)
    yield house
    house.store.close()


class Stream:
    """A task's events as they arrive at a client of nginx."""

    def __init__(self, port: int, id: str, last: str = "") -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=LIMIT_S)
        headers = {"Accept-Encoding": "gzip, deflate, br"} | (
            {"Last-Event-ID": last} if last else {}
        )  # as a browser does
        self._connection.request("GET", f"/tasks/{id}/events", headers=headers)
        self.answer = self._connection.getresponse()

    def next(self) -> tuple[str, str, dict[str, Any]]:
        """The next event: id, name, data. Raises TimeoutError when none comes."""
        fields: dict[str, str] = {}
        while True:
            line = self.answer.readline().decode().rstrip("\n")
            if line and not line.startswith(":"):
                name, _, value = line.partition(": ")
                fields[name] = value
            elif "data" in fields:
                return fields["id"], fields["event"], json.loads(fields["data"])

    def close(self) -> None:
        self._connection.close()


def test_each_event_comes_through_nginx_before_the_next_thing_happens(
    make_stack: Callable[..., Stack], house: House, tmp_path: Path
) -> None:
    with running(house, tmp_path / "gateway.jsonl") as gateway:
        edge = Edge(make_stack(gateways=1, HEADRACE_GATEWAY_PORT=str(gateway.port)), real=True)
        try:
            id = ask(edge.port, "POST", "/tasks", SEED).json["task_id"]
            stream = Stream(edge.port, id)
            assert stream.answer.status == 200
            assert stream.answer.headers["content-type"].startswith("text/event-stream")
            assert "content-encoding" not in stream.answer.headers
            assert stream.next()[2]["state"] == "queued"
            (job,) = house.take()
            seen, name, data = stream.next()
            assert (name, data["state"]) == ("state", "running")
            stream.close()
            stream = Stream(edge.port, id, last=seen)
            house.finish_held(job)
            _, name, data = stream.next()
            assert (name, data["state"], data["result"]["total"]) == ("end", "succeeded", 10511.62)
            assert stream.answer.read() == b"", "the stream has an end"
            stream.close()
        finally:
            edge.stop()
