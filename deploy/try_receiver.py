"""A receiver of webhooks for `make test-compose`: prints each POST as a JSON line, and takes it.

python -m deploy.try_receiver PORT
"""

import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import msgspec
from msgspec import Struct


class Received(Struct, frozen=True):
    """What came: headers by their names in lower case."""

    headers: dict[str, str]
    body: str


class _Receiver(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        received = Received({name.lower(): value for name, value in self.headers.items()}, body)
        sys.stdout.write(msgspec.json.encode(received).decode() + "\n")
        sys.stdout.flush()
        self.send_response(204)
        self.end_headers()

    def log_message(self, format: str, *_: object) -> None:
        """Nothing but what came is printed."""


if __name__ == "__main__":
    ThreadingHTTPServer(("", int(sys.argv[1])), _Receiver).serve_forever()
