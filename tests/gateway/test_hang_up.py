"""Who waits may hang up: over real sockets, and nothing of their wait stays."""

import asyncio
import contextlib
import socket
import struct
from collections.abc import AsyncIterator

import uvicorn

from tests.gateway.house import House, until
from tests.servers import free_port

LIMIT_S = 40.0  # ends a hang; below the 60 s that each of them is ready to wait
BODY = b'{"data": {"amount": 1, "rate": 0.1}}'
POST = b"POST /tasks?wait=60 HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(
    BODY
)


@contextlib.asynccontextmanager
async def served(h: House) -> AsyncIterator[int]:
    """The house's gateway on a port."""
    port = free_port()
    app = h.client._transport.app  # type: ignore[attr-defined]
    config = uvicorn.Config(app, port=port, lifespan="off", http="httptools", log_config=None)
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve())
    await until(lambda: server.started)
    yield port
    server.should_exit = True
    await serving


def test_whoever_hangs_up_is_forgotten_at_once(house: House) -> None:
    """Politely, with a reset, after a POST and on a GET; and those who stay get their answer."""

    async def story(h: House) -> None:
        id = await h.submitted()
        get = f"GET /tasks/{id}?wait=60 HTTP/1.1\r\nHost: x\r\n\r\n".encode()
        async with served(h) as port:
            lines = [await asyncio.open_connection("127.0.0.1", port) for _ in range(40)]
            for n, (_, writer) in enumerate(lines):
                writer.write((get, POST + BODY)[n % 2])
            await h.until_waits(40)
            for n, (_, writer) in enumerate(lines[2:]):
                if n % 3 == 0:
                    reset = struct.pack("ii", 1, 0)
                    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, reset)
                writer.close()
            async with asyncio.timeout(LIMIT_S):
                await h.until_waits(2)

            h.finish(30)
            async with asyncio.timeout(LIMIT_S):
                for reader, writer in lines[:2]:
                    assert b" 200 OK\r\n" in await reader.readline()
                    writer.close()
        assert h.waits == 0
        assert h.desk.tail._watches == {}
        assert len((await h.get("/tasks?limit=200")).json()["tasks"]) == 21, "what they submitted is there all the same"

    house.tell(story)
