"""A whole gateway process, over real sockets: it starts, answers, says what it did, and stops politely."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.gateway.house import SEED, House, problem
from tests.servers import Server, free_port

ROOT = Path(__file__).parent.parent.parent
FRONT = ["ts", "level", "event", "service", "instance", "version", "pid"]


class Gateway:
    """`python -m gateway` on a free port."""

    def __init__(self, house: House, log: Path, **environ: str) -> None:
        self.port, self.log = free_port(), log
        ours = {"HEADRACE_REDIS_URL": house.settings.redis_url, "HEADRACE_PREFIX": house.settings.prefix}
        ours |= {"HEADRACE_PORT": str(self.port), "HEADRACE_LOG_LEVEL": "debug"}
        with log.open("wb") as out:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "gateway"], cwd=ROOT, env=os.environ | ours | environ, stdout=out, stderr=out
            )
        self.url = f"http://127.0.0.1:{self.port}"
        self.client = httpx.Client(base_url=self.url, timeout=30)
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                if self.client.get("/ready").status_code == 200:
                    return
            except httpx.TransportError:
                pass
            time.sleep(0.02)
        raise TimeoutError(log.read_text())

    def lines(self) -> list[dict[str, Any]]:
        """Every line that it wrote: each is one JSON object."""
        return [json.loads(line) for line in self.log.read_text().splitlines()]

    def stop(self) -> int:
        """SIGTERM; the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(20)


@pytest.fixture
def gateway(house: House, tmp_path: Path) -> Iterator[Gateway]:
    """A gateway process over the house's store."""
    gateway = Gateway(house, tmp_path / "gateway.jsonl")
    yield gateway
    gateway.process.kill()
    gateway.process.wait()
    gateway.client.close()


def test_a_task_on_its_way(house: House, gateway: Gateway) -> None:
    """Submitted, waited for, looked at; each step in the log under the client's own request id."""
    ask = gateway.client
    id = ask.post("/tasks", json=SEED, headers={"X-Request-ID": "story-0001"}).json()["task_id"]
    ended: list[httpx.Response] = []
    waiting = threading.Thread(target=lambda: ended.append(httpx.get(f"{gateway.url}/tasks/{id}?wait=20", timeout=30)))
    waiting.start()
    time.sleep(0.3)
    assert house.finish() == [id]
    began = time.monotonic()
    waiting.join()
    assert time.monotonic() - began < 0.1
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
    waiting = threading.Thread(target=lambda: ended.append(httpx.post(url, json=SEED, timeout=60)))
    waiting.start()
    time.sleep(0.3)
    began = time.monotonic()
    assert gateway.stop() == 0
    assert time.monotonic() - began < 3
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
        with socket.create_connection(("127.0.0.1", gateway.port), timeout=5) as s:
            s.sendall(raw)
            assert s.recv(65536).startswith(f"HTTP/1.1 {status} ".encode()), raw


def test_many_large_bodies_leave_the_gateway_small(gateway: Gateway) -> None:
    """200 MB that nobody asked for: refused early, nothing kept."""
    before = _rss_mb(gateway.process.pid)
    for _ in range(5):
        answer = gateway.client.post("/tasks", content=_zeros(40), headers={"Content-Type": "application/json"})
        problem(answer, 413, "body_too_large")
    assert _rss_mb(gateway.process.pid) - before < 40


def test_large_data_hold_up_nobody(gateway: Gateway) -> None:
    """Matrices of 5 MB are decoded and planned beside the loop: /health is answered meanwhile."""
    names = [f"S{n}" for n in range(500)]
    positions = [{"symbol": name, "value": 10.5} for name in names]
    rows = [[0.001 * ((row * 7 + n) % 19 - 9) + 1e-9 * n for n in range(500)] for row in range(500)]
    data = {"returns": rows, "symbols": names, "positions": positions, "confidence": 0.99}
    body = json.dumps({"kind": "var_historical", "data": data}).encode()
    statuses: list[int] = []

    def submit() -> None:
        with httpx.Client(timeout=60) as ask:
            for _ in range(4):
                sent = ask.post(f"{gateway.url}/tasks", content=body, headers={"Content-Type": "application/json"})
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
    assert took[int(len(took) * 0.95)] < 0.2, took[-10:]


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
    ended = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, check=False, timeout=30)
    assert ended.returncode != 0
    says = [json.loads(line) for line in ended.stdout.splitlines()]
    assert any("address already in use" in str(line.get("text")) for line in says), says


def _rss_mb(pid: int) -> float:
    words = Path(f"/proc/{pid}/statm").read_text().split()
    return int(words[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


def _zeros(megabytes: int) -> Iterator[bytes]:
    for _ in range(megabytes):
        yield b"0" * 1_000_000
