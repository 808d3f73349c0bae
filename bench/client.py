"""A small HTTP client for load: raw sockets with keep-alive on uvloop. It takes a part of the cores, for all alike."""

import asyncio
import re
import time
from collections.abc import Sequence
from typing import cast

import uvloop

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
LIMIT_S = 120.0  # for one load
HEAD = b"POST /tasks HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
BODY = b'{"kind":"noop","data":{"value":7}}'


def post(extra: bytes = b"") -> bytes:
    """A submission of a do-nothing task, with more headers."""
    return HEAD + extra + b"Content-Length: %d\r\n\r\n" % len(BODY) + BODY


def post_batch(lines: int, line: bytes = BODY) -> bytes:
    """A batch of so many equal tasks."""
    body = (line + b"\n") * lines
    head = b"POST /tasks/batch HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-ndjson\r\n"
    return head + b"Content-Length: %d\r\n\r\n" % len(body) + body


def get(path: str) -> bytes:
    """A request for what is at a path."""
    return f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()


class Connection(asyncio.Protocol):
    """Sends one request after the other, and notes how long each took."""

    def __init__(self, request: bytes, status: int, count: int, pause_s: float) -> None:
        self._request, self._status, self._left, self._pause_s = request, b"HTTP/1.1 %d " % status, count, pause_s
        self._got, self._whole = bytearray(), 0
        self.ms: list[float] = []
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is one in all but its class
        self._send()

    def data_received(self, data: bytes) -> None:
        self._got += data
        if not self._whole:
            head = self._got.find(b"\r\n\r\n")
            if head < 0:
                return
            length = _LENGTH.search(self._got, 0, head)
            self._whole = head + 4 + (int(length[1]) if length else 0)
        if len(self._got) >= self._whole:
            self._answered()

    def connection_lost(self, why: Exception | None) -> None:
        if not self.done.done():
            self.done.set_exception(why or ConnectionError("closed in the middle"))

    def _answered(self) -> None:
        self.ms.append((time.perf_counter() - self._begun) * 1000)
        if not self._got.startswith(self._status):
            self.done.set_exception(RuntimeError(bytes(self._got[:500]).decode()))
            self._transport.close()
            return
        self._got.clear()
        self._whole, self._left = 0, self._left - 1
        if not self._left:
            self.done.set_result(None)
            self._transport.close()
        elif self._pause_s:
            asyncio.get_running_loop().call_later(self._pause_s, self._send)
        else:
            self._send()

    def _send(self) -> None:
        self._begun = time.perf_counter()
        self._transport.write(self._request)


def load(port: int, request: bytes, status: int, connections: int, count: int, pause_s: float = 0) -> Sequence[float]:
    """Send `count` requests over so many connections; every answer must have this status. How long each took, in ms."""

    async def all_of_them() -> list[float]:
        def make() -> Connection:
            return Connection(request, status, count // connections, pause_s)

        loop = asyncio.get_running_loop()
        made = await asyncio.gather(*(loop.create_connection(make, "127.0.0.1", port) for _ in range(connections)))
        async with asyncio.timeout(LIMIT_S):
            await asyncio.gather(*(connection.done for _, connection in made))
        return [ms for _, connection in made for ms in connection.ms]

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(all_of_them())
