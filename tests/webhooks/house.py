"""Tasks that end, in a store of their own, and couriers that tell of it: here, or as processes to be killed."""

import asyncio
import itertools
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from msgspec import structs

from pipeline import verbs, webhooks
from pipeline.keys import PRIORITIES
from pipeline.record import Done, NewBatch, NewTask
from pipeline.settings import Settings
from pipeline.store import Store
from pipeline.webhooks import Delivery
from tests.servers import Server
from webhooks.courier import Courier
from webhooks.post import Poster

ROOT = Path(__file__).parent.parent.parent
SHARE, LIMIT_S = 256, 60.0
PAUSES = "0.05,0.1"
_numbers = itertools.count()


class House:
    """A store with a prefix of its own, and an owner with a secret."""

    def __init__(self, server: Server, **changes: object) -> None:
        quick = {"webhook_allow": "127.0.0.0/8", "webhook_pauses_s": PAUSES, "webhook_time_limit_s": 5.0}
        prefix = f"{{w{os.getpid()}-{next(_numbers)}}}"
        self.settings: Settings = structs.replace(server.settings(prefix=prefix), **(quick | changes))
        self.store = Store(self.settings, "test")
        self.store.do(verbs.ready())
        self.secret = self.new_secret()

    def new_secret(self, owner: str = "local") -> str:
        """One more secret; its text."""
        id, text = webhooks.make_secret()
        self.store.do(webhooks.keep_secret(owner, id, text))
        return text

    # ── tasks ──

    def submitted(self, url: str, count: int = 1, **changes: object) -> list[str]:
        """Tasks of one part with this webhook."""
        tasks = [structs.replace(_new(url), **changes) for _ in range(count)]
        assert {each.outcome for each in self.store.do(verbs.submit(tasks, 10**6, SHARE))} == {"new"}
        return [task.id for task in tasks]

    def finish(self, count: int = 1) -> list[str]:
        """Take tasks and end them, as a consumer does."""
        jobs = self.store.do(verbs.take("hand", count, PRIORITIES, [], 3, SHARE, 86_400_000)).jobs
        done = [Done(job, b'{"n":1}', 0, 1.5) for job in jobs]
        assert all(self.store.do(verbs.finish_task(done, "hand", SHARE)))
        return [job.task for job in jobs]

    def ended(self, url: str, count: int = 1, **changes: object) -> list[str]:
        """The ids of tasks with this webhook that have just succeeded."""
        self.submitted(url, count, **changes)
        return self.finish(count)

    def batch(self, url: str, lines: int) -> str:
        """Open a batch."""
        id = f"BATCH{next(_numbers):021d}"
        opened = NewBatch(id=id, owner="local", label="night", lines=lines, ttl_s=900, webhook=url)
        assert self.store.do(verbs.open_batch(opened, 0, {"medium": lines}, 10**6, 0, False)) == ("new", id)
        return id

    # ── deliveries ──

    def delivery(self, id: str) -> Delivery:
        """As its record stands."""
        found = self.store.do(webhooks.delivery(id))
        assert found is not None
        return found

    def until(self, id: str, true: Callable[[Delivery], bool]) -> Delivery:
        """Wait for its record to say so."""
        until = time.monotonic() + LIMIT_S
        while not true(found := self.delivery(id)):
            assert time.monotonic() < until, found
            time.sleep(0.01)
        return found

    def until_state(self, id: str, state: str) -> Delivery:
        """Wait for a state."""
        return self.until(id, lambda delivery: delivery.state == state)

    def owed(self) -> list[str]:
        """What is still owed."""
        return [each.id for each in self.store.do(webhooks.deliveries("pending", "", 200))]


class Here:
    """A courier in a thread of this process."""

    def __init__(self, house: House, poster: Poster | None = None) -> None:
        self._house, self._poster = house, poster
        self._courier: Courier
        self._ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()))

    async def _run(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._courier = Courier(self._house.settings, self._poster)
        self._ready.set()
        await self._courier.run()

    def __enter__(self) -> "Here":
        self._thread.start()
        assert self._ready.wait(LIMIT_S)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._courier.stop)
        self._thread.join(LIMIT_S)
        assert not self._thread.is_alive()


class Process:
    """`python -m webhooks`, to be stopped or killed."""

    def __init__(self, house: House, log: Path, **environ: str) -> None:
        self.log = log
        told = ("redis_url", "prefix", "webhook_allow", "webhook_pauses_s", "webhook_time_limit_s")
        ours = {f"HEADRACE_{name.upper()}": str(getattr(house.settings, name)) for name in told}
        with log.open("ab") as out:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "webhooks"], cwd=ROOT, env=os.environ | ours | environ, stdout=out, stderr=out
            )

    def kill(self) -> None:
        """SIGKILL."""
        self.process.kill()
        self.process.wait()

    def stop(self) -> int:
        """SIGTERM; the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(LIMIT_S)

    def lines(self, event: str = "") -> list[dict[str, Any]]:
        """What it has logged; of one event."""
        whole = self.log.read_text().rpartition("\n")[0]
        lines = [json.loads(line) for line in whole.splitlines()]
        return [line for line in lines if event in ("", line["event"])]


def _new(url: str) -> NewTask:
    return NewTask(
        id=f"TASK{next(_numbers):022d}",
        kind="noop",
        data=b"{}",
        parts=1,
        first_wave=1,
        largest_wave=1,
        window=32,
        versions='{"kind":1,"package":"0"}',
        sha256="0" * 64,
        label="overnight",
        webhook=url,
    )
