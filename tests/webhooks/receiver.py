"""A receiver of webhooks: a real HTTP server on loopback that does what a test tells it to."""

import json
import socket
import ssl
import threading
import time
from collections.abc import Callable
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from msgspec import Struct

LIMIT_S = 60.0

Act = Callable[[BaseHTTPRequestHandler], None]


class Heard(Struct, frozen=True):
    """A request that came in whole."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def id(self) -> str:
        """The webhook-id."""
        return self.headers["webhook-id"]

    @property
    def told(self) -> dict[str, Any]:
        """The body as JSON."""
        said: dict[str, Any] = json.loads(self.body)
        return said


def status(code: int, **headers: str) -> Act:
    """Answer with a status."""

    def act(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(code)
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    return act


def raw(*pieces: bytes, pause_s: float = 0.0) -> Act:
    """Write these bytes, whatever they are."""

    def act(handler: BaseHTTPRequestHandler) -> None:
        for piece in pieces:
            handler.wfile.write(piece)
            time.sleep(pause_s)

    return act


class Receiver:
    """`does` is what it does with one request after the other, the last for ever."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.does = [status(204)]
        self.heard: list[Heard] = []
        self.changed = threading.Condition()
        self.ending = threading.Event()
        self._server = _Server(("127.0.0.1", 0), self._handler())
        if tls:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)
        self.port = self._server.server_address[1]
        self.url = f"http{'s' if tls else ''}://127.0.0.1:{self.port}/hook?token=t0psecret"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    def hang(self, handler: BaseHTTPRequestHandler) -> None:
        """Say nothing until the test is over."""
        self.ending.wait(LIMIT_S)

    def until(self, count: int, of: str = "") -> list[Heard]:
        """Wait until so many requests (of one task) have come in; all of them."""

        def enough() -> bool:
            return len(self.of(of)) >= count

        with self.changed:
            assert self.changed.wait_for(enough, LIMIT_S), f"{len(self.of(of))} of {count} requests came"
        return self.of(of)

    def of(self, id: str) -> list[Heard]:
        """What was heard of one task; of all for ""."""
        return [heard for heard in self.heard if id in ("", heard.id)]

    def close(self) -> None:
        """No more."""
        self.ending.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                receiver.note(self.path, self.headers, body)(self)

            def log_message(self, format: str, *args: object) -> None:
                """Nothing."""

        return Handler

    def note(self, path: str, headers: Message, body: bytes) -> Act:
        """A request has come; what to do with it."""
        with self.changed:
            self.heard.append(Heard(path, {name.lower(): value for name, value in headers.items()}, body))
            self.changed.notify_all()
            return self.does[min(len(self.heard), len(self.does)) - 1]


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 1_024  # with fewer the kernel drops who comes in a crowd, and he tries again a second later

    def handle_error(self, request: socket.socket | tuple[bytes, socket.socket], client_address: Any) -> None:
        """A courier that hangs up, as it should: no fault of the test's."""
