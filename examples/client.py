"""The few lines that a client of Headrace needs: submit a task, look at it, wait for it. The standard library alone.

client = Client("http://localhost:8080")
id = client.submit({"data": {"amount": 10000, "rate": 0.05}})
while not ended(task := client.look(id, wait_s=10)): ...
print(task["result"]["total"])
"""

import http.client
import json
import time
import uuid
from typing import Any
from urllib.parse import urlsplit

FINAL = ("succeeded", "failed", "cancelled")
BUSY = (429, 503)  # not now, but soon: the answer says when
TRIES = 8
ANSWER_S = 30.0


class Away(Exception):
    """Nobody answers at the address."""


class Refused(Exception):
    """The answer is a problem (RFC 9457): `detail` for people, `code` and `errors` for programs."""

    def __init__(self, problem: dict[str, Any]) -> None:
        wrong = [f"{error['path']} {error['detail']}" for error in problem.get("errors", [])]
        super().__init__("; ".join(wrong) or problem.get("detail") or json.dumps(problem))
        self.problem = problem


class Client:
    """Asks one Headrace; any number of threads may share it."""

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/")
        self._host = urlsplit(self.url).netloc

    def submit(self, task: dict[str, Any]) -> str:
        """Submit a task; its id. The key makes it safe to send again what nobody answered."""
        sent = {"Content-Type": "application/json", "Idempotency-Key": str(uuid.uuid4())}
        accepted = self._ask("POST", "/tasks", sent, json.dumps(task))
        return str(accepted["task_id"])

    def look(self, id: str, wait_s: float = 0.0) -> dict[str, Any]:
        """The task as soon as it has ended, or as it is after `wait_s`."""
        return self._ask("GET", f"/tasks/{id}?wait={wait_s:g}", {})

    def ready(self) -> bool:
        """Whether somebody is there who can take tasks."""
        try:
            self._ask("GET", "/ready", {}, tries=1)
        except (Away, Refused):
            return False
        return True

    def _ask(
        self, method: str, path: str, headers: dict[str, str], body: str | None = None, tries: int = TRIES
    ) -> dict[str, Any]:
        """One question, asked again while the other side is away or busy. Raises Away or Refused."""
        for tries_left in reversed(range(tries)):
            pause_s = 1.0
            try:
                status, again_s, answer = self._exchange(method, path, headers, body)
            except (OSError, http.client.HTTPException) as away:
                if not tries_left:
                    raise Away(f"{self.url}: {away}") from away
            else:
                if status < 400:
                    return answer
                if status not in BUSY or not tries_left:
                    raise Refused(answer)
                pause_s = again_s
            time.sleep(pause_s)
        raise AssertionError("the last try returns or raises")

    def _exchange(
        self, method: str, path: str, headers: dict[str, str], body: str | None
    ) -> tuple[int, float, dict[str, Any]]:
        connection = http.client.HTTPConnection(self._host, timeout=ANSWER_S)
        try:
            connection.request(method, path, body, headers)
            response = connection.getresponse()
            answer = json.loads(response.read())
            return response.status, float(response.headers.get("Retry-After", 1)), answer
        finally:
            connection.close()


def ended(task: dict[str, Any]) -> bool:
    """Whether a task has its last state."""
    return task["state"] in FINAL
