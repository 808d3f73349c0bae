"""Bad weather: gateways that are killed in the middle, limits, stores that are away, keys that are not enough."""

import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from headrace_client import Away, Broken, Busy, Client, Event, Expired, Forbidden, NotFound, Refused, Unauthenticated

from pipeline import apikeys, verbs
from tests.client.conftest import Stand
from tests.consumer.house import until
from tests.servers import free_port


def test_a_wait_outlives_the_gateway_that_it_waits_at(stand: Stand, tmp_path: Path, hold: Path) -> None:
    gateway, results = stand.gateway(), list[object]()
    with Client(gateway.url, patience_s=120, away_s=90) as client:
        data = {"hold": str(hold), "mark": str(tmp_path / "mark")}
        waiting = threading.Thread(target=lambda: results.append(client.run("act", data)))
        waiting.start()
        until((tmp_path / "mark").exists)
        gateway.until_waits()
        gateway.end()
        stand.gateway(gateway.port)
        assert waiting.is_alive()
        hold.unlink()
        waiting.join(60)
        assert results == [{"total": 0, "text": ""}]
        assert (tmp_path / "mark").read_text() == ".", "it was done once"


def test_a_batch_is_watched_through_the_death_of_a_gateway(stand: Stand) -> None:
    gateway = stand.gateway()
    with Client(gateway.url, patience_s=120, away_s=90) as client:
        items = client.as_completed(client.map("act", [{"do": "sleep", "seconds": 0.3}] * 20))
        found = [next(items)]
        gateway.end()
        stand.gateway(gateway.port)
        assert sorted(item.index for item in [*found, *items]) == list(range(20))


def test_events_go_on_through_another_gateway_and_none_is_lost_or_told_twice(stand: Stand, hold: Path) -> None:
    gateway = stand.gateway()
    with Client(gateway.url, patience_s=120, away_s=90) as client, Client(stand.url) as operator:
        operator.pause("low", "until the gateway is gone")
        task = client.submit("act", {"parts": 8, "hold": str(hold)}, priority="low")
        events = client.events(task)
        told: list[Event] = [next(events)]
        gateway.end()
        operator.resume("low")
        stand.house.running(task.task_id)
        stand.gateway(gateway.port)
        hold.unlink()
        told += events
    states = [event.data.state for event in told if event.name != "progress"]
    assert states == ["queued", "running", "succeeded"]


def test_a_gateway_that_stops_is_not_asked_over_and_over(stand: Stand, hold: Path) -> None:
    gateway = stand.gateway()
    with Client(gateway.url, patience_s=120, away_s=90) as client:
        task = client.submit("act", {"hold": str(hold)})
        stand.house.running(task.task_id)
        waiting = threading.Thread(target=client.wait, args=[task])
        waiting.start()
        gateway.until_waits()
        gateway.stop()
        waiting_still = waiting.is_alive()
        other = stand.gateway(gateway.port)
        hold.unlink()
        waiting.join(60)
    assert waiting_still
    asked = [line for each in (gateway, other) for line in each.lines() if line.get("path") == f"/tasks/{task.task_id}"]
    assert 2 <= len(asked) < 20


def test_nobody_there_is_told_after_a_while() -> None:
    begun = time.monotonic()
    with (
        Client(f"http://127.0.0.1:{free_port()}", away_s=0.5) as client,
        pytest.raises(Away, match="Nobody answers at"),
    ):
        client.kinds()
    assert 0.5 < time.monotonic() - begun < 20, "not for the 30 s of who says nothing"
    with Client(f"http://127.0.0.1:{free_port()}", patience_s=0.2) as client, pytest.raises(Away):
        next(client.events("any"))


def test_a_store_that_is_away_for_a_while_is_waited_for(own_stand: Stand) -> None:
    store = own_stand.house.server
    own_stand.consumer()
    with Client(own_stand.gateway().url, patience_s=60) as client:
        store.kill()
        starting = threading.Timer(3.0, store.start)
        starting.start()
        assert client.run("noop", {}) is not None
        starting.join()
        store.kill()
        with pytest.raises(Busy, match="store_unavailable") as caught:
            client.run("noop", {}, patience_s=4)
        assert caught.value.retry_after_s == 2
    store.start()


def test_not_now_is_told_when_the_pause_that_was_named_is_longer_than_patience(stand: Stand) -> None:
    with Client(stand.gateway(HEADRACE_BACKLOG_LIMIT="4").url) as client:
        client.pause("low", "to fill it")
        held = client.map("noop", [{}] * 260, priority="low")
        begun = time.monotonic()
        with pytest.raises(Busy, match="backlog_full") as caught:
            client.run("noop", {}, priority="low", patience_s=0.5)
        assert time.monotonic() - begun < 20
        assert caught.value.retry_after_s >= 1
        client.resume("low")
        assert client.gather(held).summary() == "260 of 260 succeeded"


def test_more_than_may_be_asked_is_asked_later(own_stand: Stand) -> None:
    text, key = apikeys.make("submitter", "ann")
    own_stand.house.ask(verbs.keep_apikey(key))
    with Client(own_stand.gateway(HEADRACE_RATE_LIMIT="2", HEADRACE_RATE_BURST="2").url, text) as client:
        begun = time.monotonic()
        for _ in range(6):
            client.submit("noop", {})
        assert time.monotonic() - begun > 1.5


def test_a_task_that_was_forgotten_is_no_task_that_never_was(client: Client) -> None:
    task = client.wait(client.submit("noop", {}, result_ttl_s=3))
    until(lambda: not any(each.task_id == task.task_id for each in client.tasks()))  # the sweeper comes by
    with pytest.raises(Expired, match="task_expired"):
        client.look(task)
    with pytest.raises(Expired):
        list(client.events(task))


def test_keys_decide_who_may_do_what(own_stand: Stand) -> None:
    texts = {}
    for role, owner in (("viewer", "ann"), ("submitter", "ann"), ("submitter", "bob")):
        texts[role, owner], key = apikeys.make(role, owner)
        assert own_stand.house.ask(verbs.keep_apikey(key))
    stand = own_stand
    stand.gateway()
    viewer, ann, bob = (Client(stand.url, text, patience_s=60) for text in texts.values())
    with Client(stand.url, patience_s=60) as nobody, pytest.raises(Unauthenticated):
        nobody.submit("noop", {})
    with pytest.raises(Unauthenticated), Client(stand.url, "hr_viewer_A_B") as stranger:
        stranger.look("x")
    task = ann.submit("noop", {})
    assert viewer.look(task).owner == "ann"
    with pytest.raises(Forbidden, match="needs the role submitter"):
        viewer.cancel(task)
    with pytest.raises(NotFound):
        bob.look(task)
    assert list(bob.tasks()) == []
    for each in (viewer, ann, bob):
        each.close()


class Elsewhere(BaseHTTPRequestHandler):
    """A server that is no Headrace: a page for everybody, and one that has moved."""

    def do_GET(self) -> None:
        moved = self.path.startswith("/kinds")
        self.send_response(301 if moved else 200)
        self.send_header("Content-Type", "text/html")
        if moved:
            self.send_header("Location", "https://elsewhere.example/kinds")
        self.end_headers()
        self.wfile.write(b"<html>Welcome</html>")

    def log_message(self, *_: object) -> None:
        """Nothing."""


@pytest.fixture
def elsewhere() -> Iterator[str]:
    with HTTPServer(("127.0.0.1", 0), Elsewhere) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_what_answers_and_is_no_headrace_is_said_to_be_none(elsewhere: str) -> None:
    with Client(elsewhere) as client:
        with pytest.raises(Broken, match=r"not_headrace: What answers at .* is no Headrace: '<html>Welcome"):
            client.queues()
        with pytest.raises(Refused, match=r"http_301: .* leads elsewhere, to https://elsewhere.example/kinds"):
            client.kinds()
