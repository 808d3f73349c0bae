"""A whole gateway process, over real sockets: it starts, answers, says what it did, and stops politely."""

import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from gateway import events
from tests.gateway.house import SEED, House, problem
from tests.gateway.process import ROOT, Gateway, running
from tests.servers import Server

FRONT = ["ts", "level", "event", "service", "instance", "version", "pid"]


@pytest.fixture
def gateway(house: House, tmp_path: Path) -> Iterator[Gateway]:
    """A gateway process over the house's store."""
    with running(house, tmp_path / "gateway.jsonl") as gateway:
        yield gateway


def test_a_task_on_its_way(house: House, gateway: Gateway) -> None:
    """Submitted, waited for, looked at; each step in the log under the client's own request id."""
    ask = gateway.client
    id = ask.post("/tasks", json=SEED, headers={"X-Request-ID": "story-0001"}).json()["task_id"]
    ended: list[httpx.Response] = []
    waiting = threading.Thread(target=lambda: ended.append(httpx.get(f"{gateway.url}/tasks/{id}?wait=60", timeout=90)))
    waiting.start()
    gateway.until_waits()
    assert house.finish() == [id]
    began = time.monotonic()
    waiting.join()
    assert time.monotonic() - began < events.POLL_S / 2, "it was woken"
    assert ended[0].json()["state"] == "succeeded"
    rejected = ask.post(
        "/tasks", json={"data": {"amount": "secret", "rate": 1}}, headers={"X-Request-ID": "story-0002"}
    )
    problem(rejected, 422, "invalid_data")
    assert ask.head("/tasks").status_code == 200

    assert gateway.stop() == 0
    lines = gateway.lines()
    assert all(list(line)[: len(FRONT)] == FRONT and line["service"] == "gateway" for line in lines)
    (submitted,) = [line for line in lines if line["event"] == "task.submitted"]
    assert submitted["request_id"] == "story-0001"
    assert submitted["task_id"] == id
    assert submitted["kind"] == "compound_interest"
    assert submitted["input_bytes"] > 0
    (refused,) = [line for line in lines if line["event"] == "request.rejected" and line["request_id"] == "story-0002"]
    assert (refused["status"], refused["code"], refused["path"]) == (422, "invalid_data", "$.data.amount")
    assert refused["client"] == "127.0.0.1"
    assert "secret" not in gateway.log.read_text()
    assert {line["event"] for line in lines} >= {"gateway.started", "http", "gateway.stopping"}
    assert lines[-1]["event"] == "gateway.stopped"


def test_a_stop_ends_waits_and_the_process(house: House, gateway: Gateway) -> None:
    """At once, with an answer, and with exit code 0."""
    ended: list[httpx.Response] = []
    url = f"{gateway.url}/tasks?wait=50"
    waiting = threading.Thread(target=lambda: ended.append(httpx.post(url, json=SEED, timeout=90)))
    waiting.start()
    gateway.until_waits()
    began = time.monotonic()
    assert gateway.stop() == 0
    assert time.monotonic() - began < 20, "at once, on a busy machine; the wait would last for 50 s"
    waiting.join()
    assert ended[0].status_code == 202


JSON = b" HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
HOST = b" HTTP/1.1\r\nHost: x\r\n\r\n"
RAW = {
    b"POST /tasks" + JSON + b"Content-Length: 99999999\r\n\r\n{": 413,
    b"POST /tasks" + JSON + b"Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n0\r\n\r\n": 400,
    b"GET /tasks/%00%ff%fe" + HOST: 404,
    b"GET /tasks?%ff=%00" + HOST: 422,
    b"GET /tasks?kind=%ed%a0%80" + HOST: 422,
    b"GET /\xff?\xff=\xff" + HOST: 400,
    b"BREW /tasks" + HOST: 400,
    b"nonsense\r\n\r\n": 400,
}


def test_raw_bytes(gateway: Gateway) -> None:
    """What no client library would send."""
    for raw, status in RAW.items():
        with socket.create_connection(("127.0.0.1", gateway.port), timeout=60) as s:
            s.sendall(raw)
            assert s.recv(65536).startswith(f"HTTP/1.1 {status} ".encode()), raw


def test_bodies_above_the_limit_leave_the_gateway_small(gateway: Gateway) -> None:
    """B58: 200 MB with their length and without it, ten million brackets: refused early, nothing kept."""
    before = _rss_mb(gateway.process.pid)
    for content in (_zeros(200), b"[" * 10_000_000):
        answer = gateway.client.post("/tasks", content=content, headers={"Content-Type": "application/json"})
        problem(answer, 413, "body_too_large")
    with socket.create_connection(("127.0.0.1", gateway.port), timeout=60) as line:
        line.sendall(b"POST /tasks" + JSON + b"Content-Length: 200000000\r\n\r\n")
        assert line.recv(100).startswith(b"HTTP/1.1 413 ")
    assert _rss_mb(gateway.process.pid) - before < 20


def test_bodies_that_are_only_just_read_hold_up_nobody(gateway: Gateway) -> None:
    """B58: eight million brackets, a matrix of a million rows. They are within the limit, so they are read to be
    refused, one at a time; what Python keeps of the memory for that serves the next one (measured: it levels off at
    300 MB after ten such matrices)."""
    rows = b'{"kind": "var_historical", "data": {"confidence": 0.9, "returns": [' + b"[1]," * 1_000_000 + b"[1]]}}"
    statuses: list[int] = []

    def crowd() -> None:
        with httpx.Client(base_url=gateway.url, timeout=170) as ask:
            for content in (b"[" * 8_000_000, rows):
                answer = ask.post("/tasks", content=content, headers={"Content-Type": "application/json"})
                statuses.append(answer.status_code)

    senders = [threading.Thread(target=crowd) for _ in range(3)]
    for sender in senders:
        sender.start()
    while any(sender.is_alive() for sender in senders):
        assert gateway.client.get("/health").status_code == 200
    assert sorted(statuses) == [400] * 3 + [422] * 3
    assert _rss_mb(gateway.process.pid) < 500


def test_every_line_is_json_whatever_happens(house: House, tmp_path: Path) -> None:
    """B71: a start, a request, a bad one, bytes that are no HTTP, a fault of ours, a Python warning, a stop: each line
    that the process writes is one JSON object with time, level, service and event."""
    with running(house, tmp_path / "all.jsonl", HEADRACE_KINDS="tests.gateway.noisy") as gateway:
        assert gateway.client.post("/tasks", json=SEED).status_code == 202
        assert gateway.client.post("/tasks", content=b"{").status_code == 415
        with socket.create_connection(("127.0.0.1", gateway.port), timeout=60) as line:
            line.sendall(b"nonsense\r\n\r\n")
            line.recv(1000)
        problem(gateway.client.post("/tasks", json={"kind": "noisy", "data": {}}), 500, "internal_error")
        assert gateway.stop() == 0
        lines = gateway.lines()
    assert all(line["ts"] and line["level"] and line["event"] and line["service"] == "gateway" for line in lines)
    says = [str(line.get("text")) for line in lines if line["event"] == "server.says"]
    assert any("a warning of a library" in text for text in says)
    assert any("Invalid HTTP request" in text for text in says)
    (broke,) = [line for line in lines if line["event"] == "request.broke"]
    assert "a bug of a kind" in broke["exception"]


def test_large_data_hold_up_nobody(gateway: Gateway) -> None:
    """B61: matrices of 5 MB are decoded and planned beside the loop: /health is answered meanwhile."""
    names = [f"S{n}" for n in range(500)]
    positions = [{"symbol": name, "value": 10.5} for name in names]
    rows = [[0.001 * ((row * 7 + n) % 19 - 9) + 1e-9 * n for n in range(500)] for row in range(500)]
    data = {"returns": rows, "symbols": names, "positions": positions, "confidence": 0.99}
    body = json.dumps({"kind": "var_historical", "data": data}).encode()
    statuses: list[int] = []
    submitting: list[float] = []

    def submit() -> None:
        with httpx.Client(timeout=170) as ask:
            for _ in range(4):
                began = time.monotonic()
                sent = ask.post(f"{gateway.url}/tasks", content=body, headers={"Content-Type": "application/json"})
                submitting.append(time.monotonic() - began)
                statuses.append(sent.status_code)

    crowd = [threading.Thread(target=submit) for _ in range(2)]
    for each in crowd:
        each.start()
    took: list[float] = []
    while any(each.is_alive() for each in crowd):
        began = time.monotonic()
        assert gateway.client.get("/health").status_code == 200
        took.append(time.monotonic() - began)
        time.sleep(0.01)
    assert statuses == [202] * 8
    took.sort()
    # On a slow machine half of what the quickest of them took: who waits for the loop waits for a whole one.
    assert took[int(len(took) * 0.95)] < max(0.2, min(submitting) / 2), (took[-10:], submitting)


def test_a_wrong_setting_is_told_by_name(house: House, server: Server, tmp_path: Path) -> None:
    """And the process ends before it serves."""
    command = [sys.executable, "-m", "gateway"]
    ended = subprocess.run(
        command, cwd=ROOT, env=os.environ | {"HEADRACE_PORT": "no"}, capture_output=True, check=False
    )
    assert ended.returncode == 2
    assert b"HEADRACE_PORT" in ended.stderr


def test_a_port_in_use_ends_the_process(gateway: Gateway) -> None:
    """With a line that says so and an exit code that is not 0."""
    command = [sys.executable, "-m", "gateway"]
    environ = os.environ | {"HEADRACE_PORT": str(gateway.port)}
    ended = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, check=False, timeout=90)
    assert ended.returncode != 0
    says = [json.loads(line) for line in ended.stdout.splitlines()]
    assert any("address already in use" in str(line.get("text")) for line in says), says


def _rss_mb(pid: int) -> float:
    words = Path(f"/proc/{pid}/statm").read_text().split()
    return int(words[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


def _zeros(megabytes: int) -> Iterator[bytes]:
    for _ in range(megabytes):
        yield b"0" * 1_000_000
