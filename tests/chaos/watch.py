"""What happened, by the store's own word: all events and spans as they come, before their streams are trimmed."""

import asyncio
from collections import Counter, defaultdict
from typing import Any

import redis

from pipeline.keys import Keys
from pipeline.record import FINAL
from tests.servers import Server

LOOK_S = 0.3
MOST = 5000


class Watch:
    """Reads both streams past the proxy. A store that is away has lost nothing: it is read on from where we were."""

    def __init__(self, server: Server, keys: Keys) -> None:
        self.ends: dict[str, list[str]] = defaultdict(list)  # task → the final states that it came to
        self.spans: Counter[tuple[str, str, str]] = Counter()  # task, job, outcome → how often
        self.reaped: Counter[tuple[str, str]] = Counter()  # task, job → how often it was taken from its holder
        self._server, self._keys = server, keys
        self._last = {"events": "0-0", "spans": "0-0"}

    async def run(self) -> None:
        """Follow until cancelled."""
        while True:
            await asyncio.to_thread(self.look)
            await asyncio.sleep(LOOK_S)

    def look(self) -> None:
        """Read what is new in both."""
        try:
            with self._server.client() as client:
                for name in self._last:
                    while self._page(client, name):
                        pass
        except (redis.ConnectionError, redis.TimeoutError):
            return  # it is away, or loading: next time

    def twice(self) -> list[str]:
        """Jobs that were told done more than once."""
        return [f"{task} {job}: {n}" for (task, job, outcome), n in self.spans.items() if outcome == "done" and n > 1]

    def starts(self, of: set[str]) -> tuple[int, int, int]:
        """Of the jobs of these tasks: how many starts were done, how many died, how many were taken from a holder."""
        spans = [(outcome, n) for (task, _, outcome), n in self.spans.items() if task in of]
        done = sum(n for outcome, n in spans if outcome == "done")
        reaped = sum(n for (task, _), n in self.reaped.items() if task in of)
        return done, sum(n for _, n in spans) - done, reaped

    def _page(self, client: redis.Redis, name: str) -> bool:
        entries: Any = client.xrange(self._keys(name), min=f"({self._last[name]}", count=MOST)
        for id, words in entries:
            self._last[name] = id
            for key, text in words.items():
                if name == "events":
                    self._event(key, text)
                elif key != "consumer":
                    task, job = key.split(" ")
                    self.spans[task, job, text.split(" ")[3]] += 1
        return len(entries) == MOST

    def _event(self, task: str, text: str) -> None:
        if text in FINAL:
            self.ends[task].append(text)
        elif text.startswith("reaped "):
            self.reaped[task, text.removeprefix("reaped ")] += 1
