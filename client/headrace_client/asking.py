"""Questions and answers, without a network: what is sent, what is sent again and when, what an answer means.

A verb is written once, as a *story*: a generator that yields each Request and is sent its Answer. Client and
AsyncClient carry the requests; they decide nothing. A *stream* is a story that yields what it has found as well.
"""

import json
import math
import os
import random
import uuid
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field, replace
from time import monotonic
from typing import Any, TypeVar
from urllib.parse import quote

from headrace_client import errors
from headrace_client.errors import InvalidData
from headrace_client.records import Told

T = TypeVar("T")
JSON = {"Content-Type": "application/json"}
HOME = "http://localhost:8080"
AGAIN = (0, 408, 429, 502, 503, 504)  # 0: there was no answer
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.05, 5.0  # where no Retry-After says how long
ANSWER_S = 30.0  # beyond what the server was asked to wait


@dataclass(frozen=True)
class Request:
    """What is sent, when, and how long an answer may take."""

    method: str
    path: str
    body: bytes | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    wait_s: float = 0.0  # that the server may wait for the end of the task
    after_s: float = 0.0
    timeout_s: float = ANSWER_S


@dataclass(frozen=True)
class Answer:
    """What came back. Status 0: nobody answered, and the content says why."""

    status: int
    headers: Mapping[str, str]
    content: bytes


Story = Generator[Request, Answer, T]
Stream = Generator[Request | T, Answer, None]


class Asker:
    """Whom to ask, as whom, and with how much patience.

    `patience_s`: what a call may take in all, its pauses included. `away_s`: for how much of it nobody need answer.
    `number` makes the numbers with a point or exponent; decimal.Decimal keeps each digit.
    """

    def __init__(
        self,
        url: str = "",
        key: str = "",
        *,
        patience_s: float = 600.0,
        away_s: float = 30.0,
        number: Callable[[str], Any] = float,
    ) -> None:
        self.url = (url or os.environ.get("HEADRACE_URL") or HOME).rstrip("/")
        if not self.url.startswith(("http://", "https://")):
            raise ValueError(f"{self.url!r} is no address: it begins with http:// or https://")
        self.patience_s, self.away_s, self._number = patience_s, away_s, number
        key = key or os.environ.get("HEADRACE_API_KEY", "")
        self.headers = {"User-Agent": "headrace-client"} | ({"Authorization": f"Bearer {key}"} if key else {})
        self._open()

    def _open(self) -> None:
        """Get ready to carry requests."""

    def until(self, patience_s: float | None) -> float:
        """The moment at which patience is over."""
        return monotonic() + (self.patience_s if patience_s is None else patience_s)

    def read(self, content: bytes | str) -> Any:
        """JSON as it was told."""
        return json.loads(content, parse_float=self._number, object_hook=Told)


class Tries:
    """How long something has been asked in vain, and when to ask again."""

    def __init__(self, asker: Asker, until: float) -> None:
        self._asker, self._until = asker, until
        self._vain = 0
        self._heard_at = monotonic()

    def pause_s(self, answer: Answer) -> float:
        """Seconds until the next try. Raises what is wrong when patience is over first."""
        now, problem = monotonic(), problem_of(self._asker, answer)
        self._heard_at = now if answer.status else self._heard_at
        after_s = float(problem.get("retry_after_s", 0))
        pause_s = after_s or min(FIRST_PAUSE_S * 2**self._vain, LONGEST_PAUSE_S)
        self._vain = min(self._vain + 1, 10)
        if now + pause_s > self._until or now - self._heard_at > self._asker.away_s:
            raise errors.of(answer.status, problem)
        return pause_s * random.uniform(1.0, 1.2)  # so that not all who were sent away come back at once


def ask(asker: Asker, request: Request, until: float) -> Story[Answer]:
    """One question, sent again while nobody answers or the answer is "not now". Raises what an error means."""
    tries = Tries(asker, until)
    while True:
        longest = max(1.0, until - monotonic() + 1)
        answer = yield replace(request, timeout_s=min(request.wait_s + ANSWER_S, longest))
        if answer.status in AGAIN:
            request = replace(request, after_s=tries.pause_s(answer))
        elif answer.status >= 300:
            raise errors.of(answer.status, problem_of(asker, answer))
        else:
            return answer


def told(asker: Asker, request: Request, until: float) -> Story[Any]:
    """What is answered to a question. Raises what an error means, and Broken for what no Headrace answers."""
    answer = yield from ask(asker, request, until)
    try:
        return asker.read(answer.content)
    except ValueError:
        detail = f"What answers at {asker.url} is no Headrace: {answer.content.decode(errors='replace')[:200]!r}"
        raise errors.Broken({"status": answer.status, "code": "not_headrace", "detail": detail}) from None


def waiting(request: Request, until: float, longest_s: float) -> Request:
    """The same request, answered when the task has ended, or after a time."""
    wait_s = math.ceil(min(longest_s, until - monotonic()))
    if wait_s <= 0:
        return request
    return replace(request, wait_s=wait_s, headers={**request.headers, "Prefer": f"wait={wait_s}"})


def problem_of(asker: Asker, answer: Answer) -> dict[str, Any]:
    """The problem in an answer; one of the same shape where there is none."""
    try:
        problem = asker.read(answer.content)
    except ValueError:
        problem = None
    if not isinstance(problem, dict) or "code" not in problem:
        text = answer.content.decode(errors="replace")[:500]
        code = f"http_{answer.status}" if answer.status else "away"
        where = answer.headers.get("location", "")
        detail = text if answer.status else f"Nobody answers at {asker.url}: {text or 'no answer in time'}"
        detail = f"{asker.url} leads elsewhere, to {where}" if where else detail
        problem = {"status": answer.status, "code": code, "detail": detail}
    after = answer.headers.get("retry-after", "")
    return problem | ({"retry_after_s": int(after)} if after.isdecimal() else {})


def encode(value: object, place: str = "$") -> bytes:
    """A value as JSON; numpy's and pandas' become lists and numbers. Raises InvalidData for what JSON does not have."""
    try:
        return json.dumps(value, allow_nan=False, default=_plain).encode()
    except ValueError as wrong:
        where, what = next(_not_finite(value, place), (place, str(wrong)))
    fault = {"path": where, "detail": f"is {what}: JSON has no such number", "value": what}
    raise InvalidData({"code": "invalid_data", "detail": f"{where} {fault['detail']}", "errors": [fault]})


def get(me: Asker, path: str, after_s: float = 0.0, until: float | None = None) -> Story[Any]:
    """What stands at an address."""
    request = Request("GET", path, after_s=after_s)
    return (yield from told(me, request, me.until(None) if until is None else until))


def post(me: Asker, path: str, body: object = None, key: str = "") -> Story[Any]:
    """The answer to a body. With a key it is never done twice."""
    headers = (JSON if body else {}) | ({"Idempotency-Key": key} if key else {})
    request = Request("POST", path, encode(body) if body else None, headers)
    return (yield from told(me, request, me.until(None)))


def why(reason: str) -> object:
    """The body of a cancel; none without a reason."""
    return {"reason": reason} if reason else None


def segment(text: str) -> str:
    """One piece of a path, whatever stands in it."""
    return quote(text, safe="")


def fresh_key() -> str:
    """A key that nobody has used."""
    return str(uuid.uuid4())


def _plain(value: Any) -> Any:
    if hasattr(value, "tolist"):
        return value.tolist()
    raise TypeError(f"{type(value).__name__} has no place in JSON: {value!r:.100}")


def _not_finite(value: Any, place: str) -> Generator[tuple[str, str], None, None]:
    """The places of NaN and infinities."""
    value = value.tolist() if hasattr(value, "tolist") else value
    if isinstance(value, float) and not math.isfinite(value):
        yield place, str(value)
    elif isinstance(value, Mapping):
        for name, each in value.items():
            yield from _not_finite(each, f"{place}.{name}")
    elif isinstance(value, list | tuple):
        for nth, each in enumerate(value):
            yield from _not_finite(each, f"{place}[{nth}]")
