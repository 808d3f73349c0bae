"""One HTTP request to a port of this machine, as a client would make it."""

import http.client
from typing import Any

import msgspec
from msgspec import Struct


class Answer(Struct, frozen=True):
    """What came back. `status` 0: nobody answered, `text` says why."""

    status: int
    headers: dict[str, str]
    text: str

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 300

    @property
    def json(self) -> Any:
        return msgspec.json.decode(self.text)


def ask(
    port: int, method: str, path: str, body: object = None, headers: dict[str, str] | None = None, limit_s: float = 5
) -> Answer:
    """Ask; never raises for what the other side does."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=limit_s)
    sent = dict(headers or {})
    if body is not None:
        sent["Content-Type"] = "application/json"
    try:
        connection.request(method, path, None if body is None else msgspec.json.encode(body), sent)
        response = connection.getresponse()
        text = response.read().decode(errors="replace")
        return Answer(response.status, {name.lower(): value for name, value in response.getheaders()}, text)
    except (OSError, http.client.HTTPException) as wrong:
        return Answer(0, {}, str(wrong))
    finally:
        connection.close()
