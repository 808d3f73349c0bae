"""A TCP proxy before a store (or anything else), with the faults of a network, changed while it runs.

    client ──▶ proxy.port ──▶ target_port       one thread, one event loop, two pumps a connection

A connection from which a black hole swallowed bytes stays silent when the hole is gone, until somebody closes it: TCP
never lets the later bytes through without the earlier ones.
"""

import asyncio
import contextlib
import random
import socket
import struct
import threading
from collections.abc import Coroutine
from typing import Any, Self, TypeVar

from tests.servers import free_port

Given = TypeVar("Given")

HOST = "127.0.0.1"
_BYTES = 65_536
_LOOK_S = 0.02  # how often a connection that was closed inside a black hole looks whether the hole is gone
_RESET = struct.pack("ii", 1, 0)  # SO_LINGER with no time: close sends RST
_LIMIT_S = 20.0


class _Link:
    """One connection: its two sockets and what has happened to it."""

    def __init__(self, client: socket.socket) -> None:
        self.client = client
        self.server = socket.socket()
        self.asked = False  # bytes went to the server since it last spoke
        self.silent = {"client": False, "server": False}  # bytes towards it were swallowed

    def sockets(self) -> tuple[socket.socket, socket.socket]:
        return self.client, self.server


class Proxy:
    """`with Proxy(store.port) as proxy:` carries `proxy.url` to the store, until it is told to do worse."""

    def __init__(self, target_port: int, port: int = 0) -> None:
        self.target_port = target_port
        self.accepted = 0  # connections so far
        self.lost_replies = 0  # requests that took effect and whose answer was lost
        self._delay_s = 0.0
        self._hole = {"client": False, "server": False}
        self._share, self._dice = 0.0, random.Random(0)
        self._links: dict[asyncio.Task[None], _Link] = {}
        self._door: asyncio.Task[None] | None = None
        self._listener = socket.socket()
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        # Bound by its number: only then does the socket keep the port while it does not listen.
        self.port = port or free_port()
        self._listener.bind((HOST, self.port))
        self._listener.setblocking(False)
        self.url = f"redis://{HOST}:{self.port}/0"
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name=f"proxy-{self.port}", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        self.accept()
        return self

    def __exit__(self, *_: object) -> None:
        self.refuse()
        self.cut_all()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(_LIMIT_S)
        self._loop.close()
        self._listener.close()

    @property
    def connections(self) -> int:
        """How many are open now."""
        return len(self._links)

    def heal(self) -> None:
        """No delay, no hole, no lost reply, and the door is open again."""
        self._delay_s, self._share = 0.0, 0.0
        self._hole = {"client": False, "server": False}
        self.accept()

    def delay(self, seconds: float) -> None:
        """Hold back everything by so long, each way."""
        self._delay_s = seconds

    def black_hole(self, *, to_client: bool = True, to_server: bool = True) -> None:
        """Swallow bytes of these directions, closing nothing; connecting still works."""
        self._hole = {"client": to_client, "server": to_server}

    def cut_before_reply(self, share: float, seed: int = 0) -> None:
        """Of the requests, carry this share to the server and close instead of bringing the reply back."""
        self._share, self._dice = share, random.Random(seed)

    def cut_all(self, *, reset: bool = False) -> int:
        """Close every connection now, with RST if so asked; how many there were."""
        return self._call(self._cut(reset))

    def refuse(self) -> None:
        """Accept no new connection (ECONNREFUSED); those that stand go on."""
        self._call(self._shut())

    def accept(self) -> None:
        """Accept connections again."""
        self._call(self._open())

    def _call(self, todo: Coroutine[Any, Any, Given]) -> Given:
        return asyncio.run_coroutine_threadsafe(todo, self._loop).result(_LIMIT_S)

    async def _open(self) -> None:
        if self._door is None:
            self._listener.listen(1024)
            self._door = asyncio.create_task(self._let_in())

    async def _shut(self) -> None:
        if self._door is None:
            return
        await _end(self._door)
        self._door = None
        # It stays bound, so nobody else takes the port, and the kernel refuses who connects.
        self._listener.shutdown(socket.SHUT_RDWR)

    async def _let_in(self) -> None:
        while True:
            client, _ = await self._loop.sock_accept(self._listener)
            client.setblocking(False)
            self.accepted += 1
            link = _Link(client)
            task = asyncio.create_task(self._carry(link))
            self._links[task] = link
            task.add_done_callback(self._links.pop)

    async def _cut(self, reset: bool) -> int:
        links = dict(self._links)
        for link in links.values() if reset else ():
            for each in link.sockets():
                each.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        await _end(*links)
        return len(links)

    async def _carry(self, link: _Link) -> None:
        pumps: list[asyncio.Task[None]] = []
        try:
            link.server.setblocking(False)
            await self._loop.sock_connect(link.server, (HOST, self.target_port))
            for each in link.sockets():
                each.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            pumps = [
                asyncio.create_task(self._pump(link, link.client, link.server, "server")),
                asyncio.create_task(self._pump(link, link.server, link.client, "client")),
            ]
            await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
        except ConnectionError:  # nobody listens at the target: whoever connected to us is closed
            return
        finally:
            await _end(*pumps)
            for each in link.sockets():
                each.close()

    async def _pump(self, link: _Link, source: socket.socket, sink: socket.socket, to: str) -> None:
        """Carry bytes until either side closes, or until a reply is to be lost."""
        with contextlib.suppress(ConnectionError):
            while data := await self._loop.sock_recv(source, _BYTES):
                if self._delay_s:
                    await asyncio.sleep(self._delay_s)
                link.silent[to] |= self._hole[to]
                if link.silent[to]:
                    continue
                if to == "client" and self._lose(link):
                    return
                link.asked = to == "server"
                await self._loop.sock_sendall(sink, data)
        while self._hole[to]:  # nor does a FIN come through a black hole
            await asyncio.sleep(_LOOK_S)

    def _lose(self, link: _Link) -> bool:
        """Whether the reply that begins here is to be lost."""
        lose = link.asked and self._dice.random() < self._share
        self.lost_replies += lose
        return lose


async def _end(*tasks: asyncio.Task[None]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
