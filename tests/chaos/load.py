"""The clients: good ones, who repeat what broke with the same Idempotency-Key, and note all that they are told."""

import asyncio
import random
import time
from collections import Counter
from typing import Any

import httpx
import msgspec
from msgspec import Struct

from pipeline.record import FINAL
from tests.chaos import cases
from tests.chaos.cases import Case

CLIENTS = 40
ANSWER_S = 15.0  # a request that has no answer by then is sent again
WAIT_S = 8  # Prefer: wait
ABSENT = frozenset((502, 503, 504))  # said to come back; anything else of 5xx is a fault


class Note(Struct):
    """What one client asked for and was told."""

    case: Case
    key: str
    sent_at: float  # by this machine's clock, which is the store's
    ids: list[str] = []
    door: str = ""  # code of the refusal at submission
    mismatch: str = ""  # code told for the key with another body
    cancel: int = 0  # status told for the cancel
    final: bytes = b""  # the task as first seen in a final state
    result: bytes = b""  # what /result gave then


class Clients:
    """`run` until `stop` is set; then each follows what it has submitted to the end."""

    def __init__(self, port: int, seed: int) -> None:
        self.notes: list[Note] = []
        self.answers: Counter[str] = Counter()  # of all requests, by status or by how the connection broke
        self.wrong: list[str] = []  # answers that no client should get
        self.stop = asyncio.Event()
        self._seed = seed
        self._url = f"http://127.0.0.1:{port}"

    async def run(self) -> None:
        """All clients, until each has come to its end."""
        async with httpx.AsyncClient(base_url=self._url, timeout=httpx.Timeout(ANSWER_S, connect=3)) as http:
            await asyncio.gather(*(self._client(http, number) for number in range(CLIENTS)))

    async def _client(self, http: httpx.AsyncClient, number: int) -> None:
        """One request after the other."""
        dice = random.Random(f"{self._seed}/{number}")
        count = 0
        while not self.stop.is_set():
            count += 1
            note = Note(cases.draw(dice), f"chaos-{self._seed}-{number}-{count}", time.time())
            self.notes.append(note)
            await self._live(http, note, random.Random(dice.random()))

    async def _live(self, http: httpx.AsyncClient, note: Note, dice: random.Random) -> None:
        """All that one client does about one request."""
        case = note.case
        if case.sent == "twice at once":
            await asyncio.gather(self._submit(http, note, dice), self._submit(http, note, dice))
        else:
            await self._submit(http, note, dice)
        if not note.ids:
            return
        if case.sent == "mismatched":
            other = msgspec.structs.replace(case, data={"value": -1}).body()
            answer = await self._ask(http, "POST", "/tasks", other, {"Idempotency-Key": note.key})
            note.mismatch = _code(answer)
        if case.cancel_after_s is not None:
            await asyncio.sleep(case.cancel_after_s)
            note.cancel = (await self._ask(http, "POST", f"/tasks/{note.ids[0]}/cancel", b"")).status_code
        await self._follow(http, note, dice)
        if case.sent == "again":
            await self._submit(http, note, dice)

    async def _submit(self, http: httpx.AsyncClient, note: Note, dice: random.Random) -> None:
        headers = {"Idempotency-Key": note.key}
        if dice.random() < 0.3 and note.case.sent != "again":
            headers["Prefer"] = f"wait={WAIT_S}"
        answer = await self._ask(http, "POST", "/tasks", note.case.body(), headers)
        if answer.status_code in (200, 202):
            note.ids.append(answer.json()["task_id"])
        else:
            note.door = _code(answer)

    async def _follow(self, http: httpx.AsyncClient, note: Note, dice: random.Random) -> None:
        path, pause_s = f"/tasks/{note.ids[0]}", 0.05
        while True:
            headers = {"Prefer": f"wait={WAIT_S}"} if dice.random() < 0.5 else {}
            answer = await self._ask(http, "GET", path, b"", headers)
            if answer.status_code != 200:
                self.wrong.append(f"GET {path}: {answer.status_code} {answer.text[:200]}")
                return
            if answer.json()["state"] in FINAL:
                break
            await asyncio.sleep(pause_s)
            pause_s = min(2 * pause_s, 0.5)
        note.final = answer.content
        if answer.json()["state"] == "succeeded":
            note.result = (await self._ask(http, "GET", f"{path}/result", b"")).content

    async def _ask(
        self, http: httpx.AsyncClient, method: str, path: str, body: bytes, headers: dict[str, str] | None = None
    ) -> httpx.Response:
        """Ask until there is an answer. Whoever calls ends it with a time limit."""
        pause_s, sent = 0.1, dict(headers or {})
        if body:
            sent["Content-Type"] = "application/json"
        while True:
            try:
                answer = await http.request(method, path, content=body, headers=sent)
            except httpx.TransportError as broken:
                self.answers[type(broken).__name__] += 1
            else:
                self.answers[str(answer.status_code)] += 1
                if answer.status_code not in ABSENT and answer.status_code != 429:
                    if answer.status_code >= 500:
                        self.wrong.append(f"{method} {path}: {answer.status_code} {answer.text[:200]}")
                    return answer
                if "Retry-After" not in answer.headers or "problem+json" not in answer.headers["Content-Type"]:
                    self.wrong.append(f"{answer.status_code} without Retry-After or problem: {answer.headers}")
            await asyncio.sleep(pause_s * random.uniform(0.5, 1.5))
            pause_s = min(2 * pause_s, 1.0)


def _code(answer: httpx.Response) -> str:
    told: Any = answer.json()
    return str(told.get("code", f"status {answer.status_code}"))
