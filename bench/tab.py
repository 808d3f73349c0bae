"""Tabs of the dashboard, as many as are asked for, in a process of their own: reads their streams until its input ends.

python -m bench.tab PORT COUNT
"""

import asyncio
import sys
from functools import partial

import uvloop

REQUEST = b"GET /dashboard/stream HTTP/1.1\r\nHost: localhost\r\n\r\n"


class Tab(asyncio.Protocol):
    """One stream; what comes is thrown away."""

    def __init__(self, first: asyncio.Future[None]) -> None:
        self._first = first

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        transport.write(REQUEST)  # type: ignore[attr-defined] # uvloop's is one in all but its class

    def data_received(self, data: bytes) -> None:
        if not self._first.done() and b"event: " in data:
            self._first.set_result(None)


async def listen(port: int, count: int) -> None:
    """Open all, say so when each has been told something, and stay until the input ends."""
    loop = asyncio.get_running_loop()
    told = [loop.create_future() for _ in range(count)]
    for first in told:
        await loop.create_connection(partial(Tab, first), "127.0.0.1", port)
    await asyncio.gather(*told)
    print("listening", flush=True)
    await loop.run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(listen(int(sys.argv[1]), int(sys.argv[2])))
