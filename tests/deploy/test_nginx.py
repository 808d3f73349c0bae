"""What nginx does for us, seen with the real nginx: retries, names, limits, its own errors, its log."""

import contextlib
import http.client
import json
import os
import re
import socket
import threading
from collections.abc import Callable, Iterator

import pytest

from deploy import render
from deploy.ask import Answer, ask
from deploy.stack import Stack
from tests.deploy.conftest import Edge

NAMED = re.compile(r"[0-9a-f]{32}")
PROBLEM = {"type", "title", "status", "code", "detail", "request_id"}


def test_a_post_goes_to_another_gateway_when_the_first_dies_with_the_same_submission_id(edge: Edge) -> None:
    for gateway in edge.gateways[1:]:
        gateway.does = "die"

    answers = [ask(edge.port, "POST", "/tasks", {"n": n}, {"X-Request-ID": f"task-no-{n}"}) for n in range(6)]

    assert [answer.status for answer in answers] == [200] * 6
    tries = [seen for gateway in edge.gateways[1:] for seen in gateway.asked]
    assert tries, "no request met a gateway that dies"
    accepted = {seen["x-request-id"]: seen["x-submission-id"] for seen in edge.gateways[0].asked}
    assert len(set(accepted.values())) == 6, "each request has a submission id of its own"
    for seen in tries:
        assert accepted[str(seen["x-request-id"])] == seen["x-submission-id"]
    line = edge.lines(str(tries[0]["x-request-id"]))[0]
    assert str(line["upstream_status"]).endswith("502, 200")
    assert str(line["upstream"]).endswith(f"127.0.0.1:{edge.stack.gateway_ports[0]}")


@pytest.fixture
def hasty(make_stack: Callable[..., Stack], monkeypatch: pytest.MonkeyPatch) -> Iterator[Edge]:
    """An nginx that waits 6 s for an answer: longer than it may look for another gateway, as with our own settings."""
    monkeypatch.setattr(render, "READ_MARGIN_S", 5)
    edge = Edge(make_stack(HEADRACE_WAIT_LIMIT_S="1"))
    yield edge
    edge.stop()


def test_a_post_that_is_answered_too_late_is_not_sent_to_another_gateway(hasty: Edge) -> None:
    """B55: with and without an idempotency key: 504, and no other gateway has seen it."""
    for gateway in hasty.gateways:
        gateway.does = "stay"
    answers: list[Answer] = []

    def send(headers: dict[str, str]) -> None:
        answers.append(ask(hasty.port, "POST", "/tasks", {}, headers, limit_s=60))

    clients = [threading.Thread(target=send, args=(headers,)) for headers in ({}, {"Idempotency-Key": "k"})]
    for client in clients:
        client.start()
    for client in clients:
        client.join()
    assert [(answer.status, answer.json["code"]) for answer in answers] == [(504, "gateway_timeout")] * 2
    assert sum(len(gateway.asked) for gateway in hasty.gateways) == 2
    with_key = [seen for gateway in hasty.gateways for seen in gateway.asked if "idempotency-key" in seen]
    assert len(with_key) == 1


def test_the_time_for_another_gateway_is_over_before_an_answer_counts_as_late(make_stack: Callable[..., Stack]) -> None:
    """Whatever the settings are: else nginx would send a slow POST twice."""
    for wait_s in ("0.1", "60"):
        text = render.nginx_here(make_stack(HEADRACE_WAIT_LIMIT_S=wait_s))
        limits = [re.search(rf"{name} (\d+)s;", text) for name in ("proxy_next_upstream_timeout", "proxy_read_timeout")]
        another, answer = (float(limit[1]) for limit in limits if limit)
        assert another < answer


@pytest.mark.parametrize("status", [503, 429, 500, 422])
def test_an_answer_is_never_asked_for_twice(edge: Edge, status: int) -> None:
    for gateway in edge.gateways:
        gateway.does = status
    assert ask(edge.port, "POST", "/tasks", {}).status == status
    assert sum(len(gateway.asked) for gateway in edge.gateways) == 1


def test_a_body_of_300_kb_passes_though_only_its_owner_may_enter_the_folder(edge: Edge) -> None:
    edge.stack.var.parent.chmod(0o700)
    edge.stack.var.chmod(0o700)
    answer = ask(edge.port, "POST", "/tasks", "x" * 300_000)
    assert (answer.status, answer.json["bytes"]) == (200, 300_002)


@pytest.mark.parametrize("name", ["my-id_1.2", "A" * 128])
def test_a_client_may_name_its_request(edge: Edge, name: str) -> None:
    answer = ask(edge.port, "POST", "/tasks", {}, {"X-Request-ID": name})
    assert answer.json["x-request-id"] == name == answer.headers["x-request-id"]
    assert NAMED.fullmatch(answer.json["x-submission-id"]), "the submission id is never the client's"
    assert edge.lines(name)[0]["submission_id"] == answer.json["x-submission-id"]


@pytest.mark.parametrize("name", ["A" * 129, "1234567", "a b c d e", 'a"b', "å", "", "a,b"])
def test_a_name_that_is_none_is_replaced(edge: Edge, name: str) -> None:
    answer = ask(edge.port, "POST", "/tasks", {}, {"X-Request-ID": name.encode().decode("latin-1")})
    assert NAMED.fullmatch(answer.json["x-request-id"])
    assert answer.headers["x-request-id"] == answer.json["x-request-id"]


def test_a_client_cannot_say_where_it_comes_from_or_choose_its_submission_id(edge: Edge) -> None:
    lies = {"X-Forwarded-For": "8.8.8.8", "X-Submission-ID": "stolen-submission"}
    seen = ask(edge.port, "POST", "/tasks", {}, lies).json
    assert seen["x-forwarded-for"] == "127.0.0.1"
    assert NAMED.fullmatch(seen["x-submission-id"])


def test_too_large_a_body_is_refused_with_and_without_its_length(edge: Edge) -> None:
    """B58: no gateway sees any of it."""
    body = b"x" * (edge.stack.settings.body_limit_bytes + 1)
    for sent, headers in ((body, {}), (iter([body]), {"Transfer-Encoding": "chunked"})):
        connection = http.client.HTTPConnection("127.0.0.1", edge.port, timeout=60)
        # nginx answers before it has read everything, as it should.
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            connection.request("POST", "/tasks", sent, headers, encode_chunked=bool(headers))
        response = connection.getresponse()
        said = json.loads(response.read())
        connection.close()
        assert (response.status, said["code"], set(said)) == (413, "body_too_large", PROBLEM)
        assert response.headers["Content-Type"] == "application/problem+json"
        assert str(edge.stack.settings.body_limit_bytes) in said["detail"]
    assert not any(gateway.asked for gateway in edge.gateways)


def test_no_gateway_at_all_is_a_502_that_says_so_and_when_to_ask_again(edge: Edge) -> None:
    for gateway in edge.gateways:
        gateway.does = "die"
    answer = ask(edge.port, "POST", "/tasks", {}, {"X-Request-ID": "nobody-there"})
    assert (answer.status, answer.json["code"]) == (502, "gateway_unreachable")
    assert answer.json["request_id"] == "nobody-there" == answer.headers["x-request-id"]
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["retry-after"] == "1"
    line = edge.lines("nobody-there")[0]
    assert (line["level"], line["status"], line["method"], line["path"]) == ("error", 502, "POST", "/tasks")


@pytest.mark.parametrize(
    ("sent", "status", "code"),
    [
        (b"GARBAGE\r\n\r\n", 400, "bad_request"),
        (b"GET / HTTP/1.1\r\n\r\n", 400, "bad_request"),
        (b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 1, 2\r\n\r\n", 400, "bad_request"),
        (b"GET / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\n\r\n", 400, "bad_request"),
        (b"GET / HTTP/2.0\r\nHost: x\r\n\r\n", 400, "bad_request"),
        (b"GET /" + b"a" * 9_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", 414, "uri_too_long"),
        (b"GET / HTTP/1.1\r\nHost: x\r\nX-Long: " + b"a" * 40_000 + b"\r\n\r\n", 431, "headers_too_large"),
        (b"GET /.problem/400 HTTP/1.1\r\nHost: x\r\n\r\n", 404, "no_such_path"),
    ],
)
def test_what_is_not_a_request_is_refused_in_the_same_shape(edge: Edge, sent: bytes, status: int, code: str) -> None:
    with socket.create_connection(("127.0.0.1", edge.port), timeout=60) as raw:
        raw.sendall(sent)
        response = http.client.HTTPResponse(raw)
        response.begin()
        said = json.loads(response.read(int(response.headers["Content-Length"])))
    assert (response.status, said["status"], said["code"], set(said)) == (status, status, code, PROBLEM)
    assert response.headers["Content-Type"] == "application/problem+json"
    assert NAMED.fullmatch(said["request_id"])
    assert edge.lines(said["request_id"])[0]["status"] == status


def test_which_methods_an_address_takes_is_for_a_gateway_to_say(edge: Edge) -> None:
    """nginx refuses TRACE by itself, and does not know what it must tell with that: the methods that are taken."""
    for gateway in edge.gateways:
        gateway.does = 405
    answer = ask(edge.port, "TRACE", "/tasks")
    assert (answer.status, answer.json["path"]) == (405, "/tasks")


def test_the_access_log_is_one_json_object_a_request(edge: Edge) -> None:
    ask(edge.port, "GET", '/tasks?state="run\\ning', headers={"X-Request-ID": "logged-1"})
    line = edge.lines("logged-1")[0]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", str(line["ts"]))
    expected = {"event": "http.access", "service": "nginx", "level": "info", "method": "GET", "status": 200}
    assert {name: line[name] for name in expected} == expected
    assert line["path"] == '/tasks?state="run\\ning'
    assert isinstance(line["duration_s"], float)
    assert isinstance(line["bytes_out"], int)


def test_bytes_that_are_no_text_do_not_break_the_log(edge: Edge) -> None:
    with socket.create_connection(("127.0.0.1", edge.port), timeout=60) as raw:
        raw.sendall(b"GET /\xff\xfe HTTP/1.1\r\nHost: x\r\nX-Request-ID: odd-bytes\r\nConnection: close\r\n\r\n")
        raw.recv(65536)
    assert edge.lines("odd-bytes")[0]["path"] == "(not printable)"


def test_all_gateways_are_used_and_their_connections_kept(edge: Edge) -> None:
    for _ in range(30):
        assert ask(edge.port, "GET", "/ready").ok
    assert all(gateway.asked for gateway in edge.gateways)
    seen = [str(seen.get("connection", "")) for gateway in edge.gateways for seen in gateway.asked]
    assert set(seen) == {""}, "an upstream connection is not closed after each request"


@pytest.mark.parametrize("user", [0, 65_534])
def test_nginx_stays_root_only_when_root_starts_it(
    make_stack: Callable[..., Stack], user: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: user)
    assert ("user root;" in render.nginx_here(make_stack())) == (user == 0)
