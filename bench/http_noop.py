"""Do-nothing tasks by HTTP, through nginx and three gateways of a whole stack; an empty FastAPI beside.

The client is asyncio on raw sockets with keep-alive: it takes part of the two cores too, for both alike.
"""

import asyncio
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager

from bench.measure import REPETITIONS, middle, percentile
from bench.stage import KINDS, ROOT

HTTP, GATEWAY, STORE, EMPTY = 27480, 27401, 27490, 27481
BODY = b'{"kind":"noop","data":{}}'
CONNECTIONS = 32


@contextmanager
def whole_stack() -> Iterator[None]:
    """`make up` in a folder of its own: nginx, three gateways, one consumer with two children, the store."""
    with tempfile.TemporaryDirectory() as folder:
        wanted = {"VAR": folder, "HTTP_PORT": HTTP, "GATEWAY_PORT": GATEWAY, "STORE_PORT": STORE, "KINDS": KINDS}
        wanted |= {"CONSUMERS": 1, "GATEWAYS": 3, "CHILDREN": 2, "REDIS_URL": ""}
        env = os.environ | {f"HEADRACE_{name}": str(value) for name, value in wanted.items()}
        deploy = [sys.executable, "-m", "deploy"]
        subprocess.run([*deploy, "up"], cwd=ROOT, env=env, check=True, stdout=subprocess.DEVNULL)
        try:
            yield
        finally:
            subprocess.run([*deploy, "down"], cwd=ROOT, env=env, check=True, stdout=subprocess.DEVNULL)


@contextmanager
def empty_fastapi() -> Iterator[None]:
    """One process of the empty application."""
    words = ["-m", "uvicorn", "bench.empty:app", "--port", str(EMPTY), "--loop", "uvloop", "--http", "httptools"]
    process = subprocess.Popen([sys.executable, *words, "--no-access-log", "--log-level", "error"], cwd=ROOT)
    try:
        time.sleep(1.5)  # until it listens; the first request would tell
        yield
    finally:
        process.terminate()
        process.wait()


async def request(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, extra: bytes) -> int:
    """One POST on a kept connection; the status."""
    head = b"POST /tasks HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n" + extra
    writer.write(head + b"Content-Length: %d\r\n\r\n" % len(BODY) + BODY)
    answer = await reader.readuntil(b"\r\n\r\n")
    length = int(answer.lower().split(b"content-length:")[1].split(b"\r\n")[0])
    await reader.readexactly(length)
    return int(answer[9:12])


async def load(port: int, requests: int) -> float:
    """POSTs per second over CONNECTIONS connections; every answer must be a 202."""

    async def one(n: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for _ in range(n):
            status = await request(reader, writer, b"")
            if status != 202:
                raise RuntimeError(f"POST /tasks answered {status}")
        writer.close()

    begun = time.perf_counter()
    await asyncio.gather(*[one(requests // CONNECTIONS) for _ in range(CONNECTIONS)])
    return requests // CONNECTIONS * CONNECTIONS / (time.perf_counter() - begun)


async def waits_ms(port: int, n: int) -> list[float]:
    """One task at a time with Prefer: wait, on an idle stack."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    found = []
    for _ in range(n):
        begun = time.perf_counter()
        status = await request(reader, writer, b"Prefer: wait=10\r\n")
        if status != 200:
            raise RuntimeError(f"POST /tasks with Prefer: wait answered {status}")
        found.append((time.perf_counter() - begun) * 1000)
        await asyncio.sleep(0.002)
    writer.close()
    return found


def main(requests: int = 9_600, trips: int = 300) -> dict[str, object]:
    """Measure in turns, print the table, answer the figures."""
    figures: dict[str, list[float]] = {"post": [], "empty": [], "p50": [], "p99": []}
    with whole_stack(), empty_fastapi():
        for _ in range(REPETITIONS):
            trip = asyncio.run(waits_ms(HTTP, trips))
            figures["p50"].append(percentile(trip, 0.5))
            figures["p99"].append(percentile(trip, 0.99))
            figures["empty"].append(asyncio.run(load(EMPTY, requests)))
            figures["post"].append(asyncio.run(load(HTTP, requests)))
    ratio = [ours / empty for ours, empty in zip(figures["post"], figures["empty"], strict=True)]
    for what, value in (
        (f"POST /tasks through nginx, {CONNECTIONS} connections, per second", middle(figures["post"])),
        ("empty FastAPI POST, one process, no nginx, per second", middle(figures["empty"])),
        ("ratio to empty", middle(ratio, 2)),
        ("idle round trip, Prefer: wait, p50 ms", middle(figures["p50"], 2)),
        ("idle round trip, Prefer: wait, p99 ms", middle(figures["p99"], 2)),
    ):
        print(f"  {what:<58} {value}")
    return dict(figures)
