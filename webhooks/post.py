"""One POST to a receiver: to an address that was looked at, within a time, with nothing followed and nothing kept.

    URL ─parse─▶ look the name up once ─▶ look at every address ─▶ connect to one of these very addresses ─▶ status

asyncio's sockets and h11 rather than an HTTP client: the address that was looked at is the one that is connected to,
with the name in TLS and Host; and no proxy of the environment, redirect, cookie or body can come between, because none
is known here.
"""

import asyncio
import contextlib
import re
import socket
import ssl
import threading
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import partial
from typing import Any

import h11
from msgspec import Struct

from pipeline.receiver import BadReceiver, Receiver, parse, refusal
from pipeline.settings import Network

MOST_HEAD = 16_384  # bytes of an answer that are read: its head; the rest is left
MOST_INTERIM = 8  # answers of 1xx before the real one
CONNECT_S = 5.0  # to one address

Resolve = Callable[[str, int], Sequence[str]]


class Answer(Struct, frozen=True):
    """What came of an attempt. `error` is for the owner and names no address; `detail` is for our log."""

    status: int | None = None
    error: str = ""
    detail: str = ""
    retry_after_s: float = 0.0

    @property
    def good(self) -> bool:
        """Whether the receiver has it."""
        return self.status is not None and 200 <= self.status < 300


class _Refused(Exception):
    """No connection was made."""


class Poster:
    """What all POSTs of a process share."""

    def __init__(self, allowed: Sequence[Network], time_limit_s: float, resolve: Resolve | None = None) -> None:
        self._allowed, self._time_limit_s = allowed, time_limit_s
        self._resolve = resolve or addresses
        self._tls = ssl.create_default_context()
        self._tls.set_alpn_protocols(["http/1.1"])

    async def post(self, url: str, headers: list[tuple[str, str]], body: bytes) -> Answer:
        """Send it once. Never raises for what a receiver or its name does."""
        try:
            async with asyncio.timeout(self._time_limit_s):
                return await self._post(parse(url, self._allowed), headers, body)
        except TimeoutError:
            return Answer(error=f"no answer within {self._time_limit_s:g} s")
        except BadReceiver as wrong:
            return Answer(error=f"the URL {wrong.wrong}")
        except _Refused as wrong:
            return Answer(error=str(wrong.args[0]), detail=str(wrong.args[1]))
        except ssl.SSLError as wrong:
            return Answer(
                error=f"TLS: {getattr(wrong, 'verify_message', '') or wrong.reason or 'failed'}", detail=str(wrong)
            )
        except (h11.RemoteProtocolError, EOFError) as wrong:
            return Answer(error="what came back is no answer of HTTP/1.1", detail=str(wrong))
        except OSError as wrong:
            return Answer(error="the connection broke", detail=str(wrong))

    async def _post(self, receiver: Receiver, headers: list[tuple[str, str]], body: bytes) -> Answer:
        reader, writer = await self._connect(receiver)
        try:
            return await _exchange(reader, writer, receiver, headers, body)
        finally:
            writer.transport.abort()  # whatever else it may send is not read, and no goodbye is waited for

    async def _connect(self, receiver: Receiver) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """A connection to one of the addresses that the name has now, all of which were looked at."""
        try:
            found = await _in_a_thread(partial(self._resolve, receiver.host, receiver.port))
        except (OSError, UnicodeError) as wrong:
            raise _Refused("the name has no address", str(wrong)) from None
        for address in found:
            why = refusal(receiver, address, self._allowed)
            if why:
                raise _Refused(f"the URL {why}", f"{receiver.host} is {address}")
        tls, name = (self._tls, receiver.host) if receiver.secure else (None, None)
        failed: list[str] = []
        for address in found:
            try:
                async with asyncio.timeout(CONNECT_S):
                    return await asyncio.open_connection(
                        address, receiver.port, limit=MOST_HEAD, ssl=tls, server_hostname=name
                    )
            except ssl.SSLError:
                raise
            except (OSError, TimeoutError) as error:
                failed.append(f"{address}: {str(error) or 'no answer'}")
        raise _Refused("no connection", "; ".join(failed))


def addresses(host: str, port: int) -> list[str]:
    """Every address of a name, as the system's resolver has it. Raises OSError."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(each[4][0]) for each in found))


async def _in_a_thread(look_up: Callable[[], Sequence[str]]) -> Sequence[str]:
    """A look-up has no time limit of its own. In a thread of its own it keeps no other waiting, and no stop."""
    loop = asyncio.get_running_loop()
    found: asyncio.Future[Sequence[str]] = loop.create_future()

    def tell(set_it: Callable[[Any], None], value: object) -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
            loop.call_soon_threadsafe(lambda: None if found.done() else set_it(value))

    def run() -> None:
        try:
            tell(found.set_result, look_up())
        except (OSError, UnicodeError) as wrong:
            tell(found.set_exception, wrong)

    threading.Thread(target=run, name="name", daemon=True).start()
    return await found


async def _exchange(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    receiver: Receiver,
    headers: list[tuple[str, str]],
    body: bytes,
) -> Answer:
    line = h11.Connection(h11.CLIENT, max_incomplete_event_size=MOST_HEAD)
    own = [("Host", receiver.authority), ("Content-Length", str(len(body))), ("Connection", "close")]
    request = h11.Request(method="POST", target=receiver.path, headers=own + headers)
    writer.write(b"".join(line.send(event) or b"" for event in (request, h11.Data(body), h11.EndOfMessage())))
    with contextlib.suppress(ConnectionError):  # who answers before having read all may close: the answer counts
        await writer.drain()
    interim = 0
    while interim <= MOST_INTERIM:
        event = line.next_event()
        if event is h11.NEED_DATA:
            line.receive_data(await reader.read(4_096))
        elif isinstance(event, h11.InformationalResponse):
            interim += 1
        elif isinstance(event, h11.Response):
            return _answer(event)
        else:
            raise EOFError(f"{type(event).__name__} instead of an answer")
    raise EOFError(f"more than {MOST_INTERIM} answers of 1xx")


def _answer(response: h11.Response) -> Answer:
    status = response.status_code
    after = next((value.decode("latin-1") for name, value in response.headers if name == b"retry-after"), "")
    if 200 <= status < 300:
        return Answer(status)
    told = "a redirect, which is not followed" if 300 <= status < 400 else "not taken"
    return Answer(status, f"status {status}: {told}", retry_after_s=_retry_after_s(after))


def _retry_after_s(text: str) -> float:
    """Seconds, or an HTTP date, as seconds from now; 0 for nothing, or nonsense."""
    if re.fullmatch(r"[0-9]{1,9}", text):
        return float(text)
    try:
        at = parsedate_to_datetime(text)
        return max(0.0, (at - datetime.now(at.tzinfo or UTC).replace(tzinfo=at.tzinfo)).total_seconds())
    except (TypeError, ValueError, OverflowError):
        return 0.0
