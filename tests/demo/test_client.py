"""The example client: it waits when it is told to, sends again what nobody answered, and says what is wrong."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from examples import client
from examples.client import Away, Client, Refused
from tests.servers import free_port

Answer = tuple[int, dict[str, str], dict[str, Any]]
ACCEPTED: Answer = (202, {}, {"task_id": "T1"})


class Server(ThreadingHTTPServer):
    """Gives the answers that it was given, one a request; None breaks the connection off."""

    daemon_threads = True

    def __init__(self, answers: list[Answer | None]) -> None:
        super().__init__(("127.0.0.1", 0), _Asked)
        self.answers = answers
        self.asked: list[tuple[str, str, dict[str, str], bytes]] = []
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/"


class _Asked(BaseHTTPRequestHandler):
    server: Server

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.server.asked.append((self.command, self.path, dict(self.headers), body))
        answer = self.server.answers.pop(0)
        if answer is None:
            self.connection.close()
            return
        status, headers, said = answer
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(json.dumps(said).encode())

    do_GET = do_POST

    def log_message(self, *_: object) -> None:
        """The tests read `asked`."""


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server([])
    yield server
    server.shutdown()
    server.server_close()


def test_a_busy_answer_and_a_broken_connection_are_asked_again_with_the_same_key(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses: list[float] = []
    monkeypatch.setattr(client.time, "sleep", pauses.append)
    busy = (429, {"Retry-After": "7"}, {"code": "backlog_full", "detail": "Later."})
    server.answers += [busy, None, ACCEPTED]
    assert Client(server.url).submit({"data": {"amount": 1}}) == "T1"
    assert pauses == [7.0, 1.0]
    assert len({headers["Idempotency-Key"] for _, _, headers, _ in server.asked}) == 1
    assert {(method, path, body) for method, path, _, body in server.asked} == {
        ("POST", "/tasks", b'{"data": {"amount": 1}}')
    }


def test_a_refusal_is_told_with_every_field(server: Server) -> None:
    errors = [{"path": "$.data.rate", "detail": "is missing"}, {"path": "$.data.spot", "detail": "must be above 0"}]
    server.answers += [(422, {}, {"code": "invalid_data", "detail": "2 faults", "errors": errors})]
    with pytest.raises(Refused, match=r"^\$\.data\.rate is missing; \$\.data\.spot must be above 0$"):
        Client(server.url).submit({})
    assert len(server.asked) == 1, "what is wrong is not sent twice"


def test_it_waits_at_the_server_and_not_in_between(server: Server) -> None:
    server.answers += [(200, {}, {"state": "running"}), (200, {}, {"state": "succeeded"})]
    asking = Client(server.url)
    assert not client.ended(asking.look("T1"))
    assert client.ended(asking.look("T1", 0.5))
    assert [path for _, path, _, _ in server.asked] == ["/tasks/T1?wait=0", "/tasks/T1?wait=0.5"]


def test_nobody_there_is_told_at_once_when_asked_so_and_else_after_some_tries(monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: list[float] = []
    asking = Client(f"http://127.0.0.1:{free_port()}")
    monkeypatch.setattr(client.time, "sleep", pauses.append)
    assert not asking.ready()
    assert pauses == []
    with pytest.raises(Away, match="refused"):
        asking.submit({})
    assert len(pauses) == client.TRIES - 1
