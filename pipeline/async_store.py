"""Who carries a verb to Redis for a gateway: calls of one turn of the loop share one write, replies come in order.

    do(call) ─┐                                    ┌─▶ future of the first call
    do(call) ─┼─▶ queue ──one write a turn──▶ Redis ─▶ replies in order
    do(call) ─┘                                    └─▶ future of the last call

A lost connection fails every call that is under way with StoreAway; the next call connects anew. A call that is
safe to send twice is sent again until PATIENCE_S have passed, so that a restart of Redis is a pause for clients.
"""

import asyncio
import math
import random
from collections import deque
from collections.abc import AsyncGenerator
from typing import Any, TypeVar

import hiredis
import redis.asyncio
from redis.exceptions import BusyLoadingError, NoScriptError, RedisError, ResponseError

from pipeline import legible, script, verbs
from pipeline.errors import StoreAway
from pipeline.keys import Keys
from pipeline.settings import Settings
from pipeline.store import ANSWER_S, BLOCK_MS, connection_pool, healing, is_of_another_type, packed, refused, understood
from pipeline.verbs import Call

T = TypeVar("T")

PATIENCE_S = 2.0
# The tail reads all events of this long at once: waking for each of them costs more than the wait. After a quiet
# time it may read a few times without that pause, so that who waits for a lonely task does not wait for us.
GATHER_S = 0.002
BURST = 6.0

_Waiting = tuple[asyncio.Future[Any], float]  # and when it was sent


class Pipe:
    """One connection that many calls share."""

    def __init__(self, settings: Settings, role: str) -> None:
        # No time-out of the client's own: `_watch` looks after the whole connection.
        self._pool = connection_pool(settings, role, redis.asyncio, answer_s=None)
        self._connection: Any = None
        self._queue: list[tuple[tuple[Any, ...], asyncio.Future[Any]]] = []
        self._waiting: deque[_Waiting] = deque()
        self._tasks: set[asyncio.Task[None]] = set()
        self._connecting = asyncio.Lock()
        self._closed = False

    def send(self, command: tuple[Any, ...]) -> asyncio.Future[Any]:
        """Queue a command; the future gets its reply, an error reply as a value, or StoreAway."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Any] = loop.create_future()
        if self._closed:  # who is late must not open it again: nobody would close it
            future.set_exception(StoreAway("closed"))
            return future
        if not self._queue:
            self._start(self._flush)
        self._queue.append((command, future))
        return future

    async def close(self) -> None:
        """Drop the connection; calls under way fail, and those that come later."""
        self._closed = True
        await self._drop(StoreAway("closed"))
        for task in list(self._tasks):
            task.cancel()

    def _start(self, run: Any, *args: Any) -> None:
        task = asyncio.get_running_loop().create_task(run(*args))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _flush(self) -> None:
        async with self._connecting:  # whoever comes while it connects is written after it, in order
            queue, self._queue = self._queue, []
            if not queue:
                return
            try:
                if self._connection is None:
                    await self._connect()
                sent_at = asyncio.get_running_loop().time()
                self._waiting.extend((future, sent_at) for _, future in queue)
                words = b"".join(hiredis.pack_command(command) for command, _ in queue)  # 5 × redis.asyncio's own
                await self._connection.send_packed_command(words, check_health=False)
            except (RedisError, OSError, RuntimeError) as error:  # RuntimeError: uvloop, of a transport that is closed
                _fail([future for _, future in queue], understood(error))
                await self._drop(understood(error))

    async def _connect(self) -> None:
        connection = self._pool.make_connection()
        try:
            async with asyncio.timeout(ANSWER_S):  # the greeting too: nobody watches the connection yet
                await connection.connect()
        except BaseException:
            await connection.disconnect(nowait=True)
            raise
        self._connection = connection
        self._start(self._read, connection)
        self._start(self._watch, connection)

    async def _read(self, connection: Any) -> None:
        """Give each reply to the call that waits longest."""
        try:
            while connection is self._connection:
                try:
                    reply = await connection.read_response(timeout=math.inf)
                except BusyLoadingError:
                    raise
                except ResponseError as error:
                    reply = error
                future, _ = self._waiting.popleft()
                if not future.done():  # a caller that gave up has left its future cancelled
                    future.set_result(reply)
        except (RedisError, OSError) as error:
            if connection is self._connection:
                await self._drop(understood(error))

    async def _watch(self, connection: Any) -> None:
        """A server that is stopped does not close: whoever waits too long ends the connection."""
        while connection is self._connection:
            await asyncio.sleep(ANSWER_S / 10)
            now = asyncio.get_running_loop().time()
            if connection is self._connection and self._waiting and now - self._waiting[0][1] > ANSWER_S:
                await self._drop(StoreAway(f"no answer for {ANSWER_S} s"))

    async def _drop(self, why: Exception) -> None:
        connection, self._connection = self._connection, None
        waiting, self._waiting = self._waiting, deque()
        _fail([future for future, _ in waiting], why)
        if connection is not None:
            await connection.disconnect(nowait=True)


def _fail(futures: list[asyncio.Future[Any]], why: Exception) -> None:
    for future in futures:
        if not future.done():
            future.set_exception(StoreAway(str(why)))


class AsyncStore:
    """Carries verbs for a gateway; any number of calls at a time."""

    def __init__(self, settings: Settings, role: str = "headrace-gateway") -> None:
        self.keys = Keys(settings.prefix)
        self._pipe = Pipe(settings, role)
        self._tail = Pipe(settings, f"{role}-events")

    async def do(self, call: Call[T], patience_s: float = PATIENCE_S) -> T:
        """Carry one verb. Raises StoreAway after `patience_s`, at once for a verb that must not be sent twice."""
        loop = asyncio.get_running_loop()
        end, pause_s = loop.time() + patience_s, 0.05
        while True:
            try:
                return legible.answer(call.script, call.read, await self._reply(call))
            except StoreAway:
                if not call.again or loop.time() + pause_s > end:
                    raise
            await asyncio.sleep(pause_s * random.uniform(0.5, 1.5))
            pause_s = min(2 * pause_s, 0.5)

    async def events(self) -> AsyncGenerator[list[tuple[str, str]], None]:
        """What happens from now on: (task, what) in batches. Ends with StoreAway; whoever follows asks again.

        The first batch is empty and says: from here on nothing is missed.
        """
        # From a real id on, never `$`: between two reads with `$` events would be lost.
        newest = await self._tail_reply(("XREVRANGE", self.keys("events"), "+", "-", "COUNT", 1))
        last: Any = newest[0][0] if newest else "0-0"
        yield []
        loop = asyncio.get_running_loop()
        free, then = BURST, loop.time()
        while True:
            words = ("XREAD", "COUNT", 500, "BLOCK", BLOCK_MS, "STREAMS", self.keys("events"), last)
            reply = await self._tail_reply(words)
            entries = reply[0][1] if reply else []
            if entries:
                last = entries[-1][0]
                yield [(legible.text(f[i]), legible.text(f[i + 1])) for _, f in entries for i in range(0, len(f), 2)]
                now = loop.time()
                free, then = min(BURST, free + (now - then) / GATHER_S) - 1, now
                if free < 0:
                    await asyncio.sleep(GATHER_S)

    async def _tail_reply(self, words: tuple[Any, ...]) -> Any:
        reply = await self._tail.send(words)
        if is_of_another_type(reply):
            raise StoreAway(str(reply))  # until the next script that tells an event has healed it
        if isinstance(reply, ResponseError):
            raise understood(reply)
        return reply

    async def raw(self, *words: str) -> Any:
        """The reply to one Redis command as typed, for what no script may ask. Never sent twice."""
        reply = await self._pipe.send(words)
        if isinstance(reply, ResponseError):
            raise refused(reply)
        return reply

    async def close(self) -> None:
        """Drop both connections."""
        await self._pipe.close()
        await self._tail.close()

    async def _reply(self, call: Call[Any]) -> Any:
        command = packed(call, self.keys.prefix)
        reply = await self._pipe.send(command)
        if isinstance(reply, NoScriptError):
            await self._pipe.send(("SCRIPT", "LOAD", script.load(call.script).source))
            reply = await self._pipe.send(command)
        if isinstance(reply, ResponseError) and "NOGROUP" in str(reply) and call.script != "ready":
            await self.do(verbs.ready())
            reply = await self._pipe.send(command)
        if is_of_another_type(reply):
            reply = await self._pipe.send(healing(call, self.keys.prefix))
        if isinstance(reply, ResponseError):
            raise StoreAway(str(reply)) if "NOGROUP" in str(reply) else understood(reply)
        return reply
