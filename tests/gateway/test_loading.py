"""A store that answers, but still reads its file: everyone waits for it, and nobody is started again."""

import os
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from tests import servers
from tests.gateway.house import SEED, House, problem
from tests.gateway.process import ROOT, Gateway
from tests.servers import Server

KEYS, DELAY_US = 40_000, 2_000  # so that reading takes until the test has seen enough


@pytest.mark.parametrize("make", sorted(servers.binaries()))
def test_everyone_waits_until_the_store_has_read_its_file(tmp_path: Path, make: str) -> None:
    """B23: gateway and consumer are started while Redis says LOADING. The gateway is alive, not ready and answers 503
    with Retry-After; both come up by themselves, as the processes that they were, and the task of before is done."""
    server = Server(tmp_path / "store", servers.binaries()[make]).start()
    house = House(server)
    accepted: list[str] = []

    async def before(h: House) -> None:
        accepted.append(await h.submitted())

    house.tell(before)
    fill(server)
    server.kill()
    server.options = ("--key-load-delay", str(DELAY_US), "--loading-process-events-interval-bytes", "1024")
    starting = threading.Thread(target=server.start)
    starting.start()
    while not says(server.port).startswith(b"-LOADING"):
        time.sleep(0.01)
    gateway = Gateway(house, tmp_path / "gateway.jsonl")
    consumer = start_consumer(house, tmp_path / "consumer.jsonl")
    try:
        while says(gateway.port, b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n") == b"":
            time.sleep(0.01)
        assert gateway.client.get("/health").status_code == 200
        problem(gateway.client.get("/ready"), 503, "not_ready")
        refused = gateway.client.post("/tasks", json=SEED)
        problem(refused, 503, "store_unavailable")
        assert refused.headers["retry-after"] == "2"
        assert (gateway.process.poll(), consumer.poll()) == (None, None)
        assert says(server.port).startswith(b"-LOADING")
        assert says(server.port, b"CONFIG SET key-load-delay 0\r\n") == b"+OK\r\n"
        gateway.until_ready()
        ended = gateway.client.get(f"/tasks/{accepted[0]}?wait=60", timeout=90).json()
        assert ended["state"] == "succeeded"
        assert (gateway.process.poll(), consumer.poll()) == (None, None)
    finally:
        consumer.terminate()
        consumer.wait()
        gateway.end()
        starting.join()
        server.kill()


def fill(server: Server) -> None:
    """Many keys, in the form of the file whose keys are read one by one."""
    with server.client() as client:
        with client.pipeline() as many:
            for number in range(KEYS):
                many.set(f"filling:{number}", os.urandom(64).hex())
            many.execute()
        client.bgrewriteaof()
        while client.info("persistence")["aof_rewrite_in_progress"]:
            time.sleep(0.02)


def says(port: int, words: bytes = b"PING\r\n") -> bytes:
    """What a port answers; b"" while nobody listens."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=60) as line:
            line.sendall(words)
            return line.recv(200)
    except ConnectionError:
        return b""


def start_consumer(house: House, log: Path) -> subprocess.Popen[bytes]:
    """`python -m consumer`, with one child."""
    ours = {"HEADRACE_REDIS_URL": house.settings.redis_url, "HEADRACE_PREFIX": house.settings.prefix}
    with log.open("wb") as out:
        return subprocess.Popen(
            [sys.executable, "-m", "consumer"],
            cwd=ROOT,
            env=os.environ | ours | {"HEADRACE_CHILDREN": "1"},
            stdout=out,
            stderr=out,
        )
