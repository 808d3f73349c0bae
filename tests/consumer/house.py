"""A house for each test: an empty prefix of a real server, tasks, and real processes `python -m consumer`."""

import contextlib
import json
import os
import random
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from calc import execute
from pipeline import ids, verbs
from pipeline.errors import StoreAway
from pipeline.record import FINAL, NewTask, Task
from pipeline.settings import Settings
from pipeline.store import Store
from pipeline.verbs import Call
from tests.servers import Server

T = TypeVar("T")

KINDS = "tests.consumer.kinds.act,tests.kinds.noop,tests.kinds.digest,tests.kinds.spin,tests.kinds.hog"
REPO = Path(__file__).parents[2]

if "act" not in execute.kinds():
    execute.load(KINDS)


def until(what: Callable[..., Any], within_s: float = 60.0) -> Any:
    """Poll until it is true; answers its value."""
    deadline = time.monotonic() + within_s
    while not (value := what()):
        if time.monotonic() > deadline:
            raise TimeoutError(f"not within {within_s} s: {what}")
        time.sleep(0.005)
    return value


def children(pid: int) -> list[int]:
    """Processes whose parent it is, dead ones not waited for included."""
    found = []
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                fields = Path(f"/proc/{entry}/stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            if int(fields[1]) == pid:
                found.append(int(entry))
    return sorted(found)


def gone(pid: int) -> bool:
    """Whether a process has ended (or is only waited for)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] in "ZX"
    except OSError:
        return True


class Consumer:
    """One process `python -m consumer`, and what it logged."""

    def __init__(self, house: "House", name: str, settings: dict[str, Any]) -> None:
        self.name = name
        self.log_file = house.folder / f"{name}.log"
        variables = {"HEADRACE_NAME": name, "HEADRACE_KINDS": KINDS}
        variables |= {"HEADRACE_REDIS_URL": house.server.url, "HEADRACE_PREFIX": house.prefix}
        variables |= {f"HEADRACE_{key.upper()}": str(value) for key, value in settings.items()}
        plain = {key: value for key, value in os.environ.items() if not key.endswith("_NUM_THREADS")}
        with open(self.log_file, "ab") as log:
            command = [sys.executable, "-m", "consumer"]
            self.process = subprocess.Popen(command, cwd=REPO, env=plain | variables, stdout=log, stderr=log)
        self.pid = self.process.pid

    def ready(self) -> "Consumer":
        """Wait until it has found its store."""
        until(lambda: self.lines("store.back") or self.process.poll() is not None, 150)  # some compile before
        if self.process.returncode is not None:
            raise RuntimeError(self.log_file.read_text())
        return self

    def lines(self, event: str = "", at_least: int = 0) -> list[dict[str, Any]]:
        """Its log, or the lines of one event; none as long as there are not so many. Each line is one JSON object."""
        whole = self.log_file.read_text().rpartition("\n")[0].splitlines()
        found = [json.loads(line) for line in whole]
        chosen = [line for line in found if event in ("", line["event"])]
        return chosen if len(chosen) >= at_least else []

    def children(self) -> list[int]:
        return children(self.pid)

    def kill_a_child(self, dice: random.Random) -> int:
        """SIGKILL to one that lives; its pid. One that ends between being seen and being hit does not count."""
        while True:
            pid = dice.choice(until(lambda: [pid for pid in self.children() if not gone(pid)]))
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
                return pid

    def kill(self) -> None:
        """SIGKILL to the parent."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self, within_s: float = 60.0) -> int:
        """SIGTERM; answers the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(within_s)


class House:
    """Make consumers and tasks; look at what became of them."""

    def __init__(self, server: Server, folder: Path) -> None:
        self.server = server
        self.folder = folder
        self.prefix = f"{{test-{secrets.token_hex(4)}}}"
        self.settings = Settings(redis_url=server.url, prefix=self.prefix)
        self.store = Store(self.settings, "test")
        self.store.do(verbs.ready())
        self.consumers: list[Consumer] = []
        self._key = self.store.do(verbs.idkey(secrets.token_bytes(16)))

    def consumer(self, name: str = "", *, named: bool = True, **settings: Any) -> Consumer:
        """Start one; it is ended with the test. When it is not `named`, it makes its own name."""
        settings = {"children": 2, "lease_s": 3, "retry_pause_s": 0.1} | settings | ({} if named else {"name": ""})
        made = Consumer(self, name or f"c{len(self.consumers)}", settings)
        self.consumers.append(made)
        return made

    def new_task(self, kind: str, time_limit_s: float = 60.0, priority: Any = "medium", **data: Any) -> NewTask:
        """A task as a gateway would submit it."""
        planned = execute.plan(kind, msgspec.json.encode(data), fresh_seed=1)
        return NewTask(
            id=ids.mint(self.ask(verbs.clock()), self._key),
            kind=planned.kind,
            data=planned.data,
            parts=planned.parts,
            first_wave=planned.first_wave,
            largest_wave=planned.largest_wave,
            window=32,
            versions="{}",
            sha256="",
            priority=priority,
            time_limit_s=time_limit_s,
            request_id="req-1",
        )

    def submit(self, kind: str = "act", **data: Any) -> str:
        """Submit one; answers its id."""
        new = self.new_task(kind, **data)
        self.ask(verbs.submit([new], 1_000_000, 256))
        return new.id

    def ask(self, call: Call[T]) -> T:
        """Carry a verb that may be sent twice, with patience: the store may be away for a while."""
        deadline = time.monotonic() + 60
        while True:
            try:
                return self.store.do(call)
            except StoreAway:
                if not call.again or time.monotonic() > deadline:
                    raise
                time.sleep(0.02)

    def task(self, id: str) -> Task:
        found = self.ask(verbs.task(id))
        assert found is not None
        return found

    def finished(self, id: str, within_s: float = 60.0) -> Task:
        """The record of a task when it has ended."""
        until(lambda: self.task(id).state in FINAL, within_s)
        return self.task(id)

    def running(self, *ids: str) -> None:
        """Wait until these tasks have begun. Each must last until that is seen: by a `hold` if it is a short one."""
        for id in ids:
            state = until(lambda id=id: (now := self.task(id).state) not in ("scheduled", "queued") and now)
            assert state == "running", f"{id} has ended already"

    def at_rest(self) -> None:
        """Nothing waits, nothing is held, no row and no share is left."""
        assert until(lambda: set(self.ask(verbs.depth()).values()) == {(0, 0)})
        with self.server.client() as client:
            assert client.zcard(self.store.keys("later")) == 0
            assert client.hgetall(self.store.keys("shares")) == {}

    def history(self, id: str) -> list[str]:
        with self.server.client() as client:
            return list(map(str, client.lrange(self.store.keys("history", id), 0, -1)))

    def close(self) -> None:
        """End what still runs."""
        for consumer in self.consumers:
            if consumer.process.poll() is None:
                consumer.kill()
        self.store.close()
