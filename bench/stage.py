"""A store and a consumer of a benchmark's own, on a free port and in a folder of their own, ended with it.

Every run of every contestant has a store that is new and empty, of the make and with the redis.conf of `make up`.
"""

import os
import secrets
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import redis

from bench.measure import tree
from deploy import render
from deploy.stack import ROOT, Stack
from pipeline import ids, settings, verbs
from pipeline.errors import StoreAway
from pipeline.record import NewTask
from pipeline.settings import Settings
from pipeline.store import Store

KINDS = "tests.kinds.noop,tests.kinds.spin"
NOOP = b'{"value":7,"parts":1}'
BACKLOG = 10**7
BATCH = 200  # tasks a submission
LOAD_LIMIT_S = 300.0  # for a store to read a million tasks at its start
LOOK_S, MOST_LOOK_S = 0.003, 0.25  # between two looks at how far a run is


class Bare:
    """A store alone. `url` with a database number is where a contestant finds it."""

    def __init__(self, found: Settings, pid: int, command: list[str]) -> None:
        self.settings, self.pid, self.command = found, pid, command
        self.store = self.database(0)

    def url(self, number: int = 0) -> str:
        """The address of one of its databases."""
        return self.settings.redis_url.rpartition("/")[0] + f"/{number}"

    def database(self, number: int) -> Store:
        """A connection to one of its databases."""
        return Store(Settings(redis_url=self.url(number)), "bench")

    def info(self, section: str) -> dict[str, str]:
        """INFO, line by line."""
        lines = self.store.raw("INFO", section).decode().splitlines()
        return dict(line.split(":", 1) for line in lines if ":" in line)


class Stage(Bare):
    """A store and its consumers, with the verbs of the benchmarks. `consumer` is the first one's pid."""

    def __init__(self, bare: Bare, consumers: Sequence[int]) -> None:
        super().__init__(bare.settings, bare.pid, bare.command)
        self.consumer, self.consumers = consumers[0], consumers
        until(lambda: self.store.do(verbs.ready()) is not None and len(self.store.do(verbs.fleet())) == len(consumers))
        self._key = self.store.do(verbs.idkey(secrets.token_bytes(16)))

    def groups(self) -> dict[str, list[int]]:
        """Whose CPU a throughput counts."""
        children = [pid for consumer in self.consumers for pid in tree(consumer)[1:]]
        return {"store": [self.pid], "parent": [*self.consumers], "children": children, "client": [os.getpid()]}

    def task(self, kind: str = "noop", data: bytes = NOOP, parts: int = 1) -> NewTask:
        """A task, as a gateway would submit it."""
        return NewTask(
            id=ids.mint(time.time_ns() // 1_000_000, self._key),
            kind=kind,
            data=data,
            parts=parts,
            first_wave=8,
            largest_wave=64,
            window=32,
            versions='{"kind":1,"package":"0.1.0"}',
            sha256="0" * 64,
        )

    def submit(self, count: int, kind: str = "noop", data: bytes = NOOP) -> str:
        """Submit so many tasks in batches, all of one owner with the default share; the last one's id."""
        last = ""
        for at in range(0, count, BATCH):
            tasks = [self.task(kind, data) for _ in range(min(BATCH, count - at))]
            self.store.do(verbs.submit(tasks, BACKLOG, self.settings.share))
            last = tasks[-1].id
        return last

    def wait(self, succeeded: int) -> None:
        """Until so many tasks have succeeded."""
        follow(lambda: self.store.do(verbs.counts())["succeeded"], succeeded, 120)


def follow(done: Callable[[], int], wanted: int, limit_s: float) -> None:
    """Until so much is done. It looks seldom, since looking takes from what is measured: the next time when half of
    what is left should be done at the speed so far.
    """
    first, begun = done(), time.monotonic()
    found = first
    while found < wanted:
        passed_s = time.monotonic() - begun
        if passed_s > limit_s:
            raise TimeoutError(f"not within {limit_s} s: {found} of {wanted}")
        left_s = (wanted - found) * passed_s / (found - first) if found > first else 0.0
        time.sleep(min(max(left_s / 2, LOOK_S), MOST_LOOK_S))
        found = done()


def until(what: Callable[[], Any], limit_s: float = 120.0) -> None:
    """Poll until it is true."""
    deadline = time.monotonic() + limit_s
    while time.monotonic() < deadline:
        try:
            if what():
                return
        except StoreAway:
            pass  # it is still starting
        time.sleep(0.005)
    raise TimeoutError(f"not within {limit_s} s: {what}")


def free_ports(count: int) -> int:
    """The first of so many free ports in a row."""
    for first in range(27_000 + secrets.randbelow(4_000), 32_000, count):
        sockets = [socket.socket() for _ in range(count)]
        try:
            for offset, one in enumerate(sockets):
                one.bind(("127.0.0.1", first + offset))
        except OSError:
            continue
        finally:
            for one in sockets:
                one.close()
        return first
    raise OSError("no free ports")


def versions() -> dict[str, str]:
    """What runs."""
    with store() as bare:
        info = bare.info("server")
    name = "Valkey" if "valkey_version" in info else "Redis"
    version = info.get("valkey_version", info["redis_version"])
    return {"Python": sys.version.split()[0], name: version, "redis-py": redis.__version__}


@contextmanager
def store(*options: str) -> Iterator[Bare]:
    """Start a store, with more options for its command line."""
    with tempfile.TemporaryDirectory(prefix="headrace-bench-") as folder, _server(Path(folder), options) as bare:
        yield bare


@contextmanager
def stage(children: int, *options: str, kinds: str = KINDS, consumers: int = 1) -> Iterator[Stage]:
    """Start a store and so many consumers, each with so many children."""
    with store(*options) as bare, consuming(bare, children, kinds, consumers) as whole:
        yield whole


@contextmanager
def consuming(bare: Bare, children: int, kinds: str = KINDS, consumers: int = 1) -> Iterator[Stage]:
    """Start the consumers of a store that runs."""
    running = [start_consumer(bare, children, kinds) for _ in range(consumers)]
    try:
        yield Stage(bare, [consumer.pid for consumer in running])
    finally:
        for consumer in running:
            end(consumer)


def start_consumer(bare: Bare, children: int, kinds: str = KINDS) -> "subprocess.Popen[bytes]":
    """A consumer of a store, with so many children."""
    wanted = {"REDIS_URL": bare.url(), "KINDS": kinds, "CHILDREN": str(children)}
    env = os.environ | {f"HEADRACE_{name}": text for name, text in wanted.items()}
    nowhere = subprocess.DEVNULL
    return subprocess.Popen([sys.executable, "-m", "consumer"], cwd=ROOT, env=env, stdout=nowhere, stderr=nowhere)


@contextmanager
def _server(folder: Path, options: tuple[str, ...]) -> Iterator[Bare]:
    port = free_ports(1)
    wanted = settings.deployment(os.environ | {"HEADRACE_STORE_PORT": str(port)})
    found = Settings(redis_url=f"redis://127.0.0.1:{port}/0")
    stack = Stack(root=ROOT, var=folder, wanted=wanted, settings=found, environ={})
    (folder / "store").mkdir()
    (folder / "redis.conf").write_text(render.redis(stack))
    command = [str(stack.redis_server), str(folder / "redis.conf"), *options]
    env = os.environ | stack.store_environ
    server = subprocess.Popen(command, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        bare = Bare(found, server.pid, command)
        until(lambda: bare.store.raw("PING"), LOAD_LIMIT_S)
        yield bare
    finally:
        end(server)


def end(process: "subprocess.Popen[Any]") -> None:
    """Stop a process politely, then not."""
    process.terminate()
    try:
        process.wait(30)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def written(bare: Bare) -> bytes:
    """The append-only file since it was last rewritten: everything that was written, as commands."""
    name = bare.store.raw("CONFIG", "GET", "appenddirname")[1].decode()
    return b"".join(path.read_bytes() for path in sorted((directory(bare) / name).glob("*.incr.aof")))


def directory(bare: Bare) -> Path:
    """Where a store keeps its data."""
    return Path(bare.store.raw("CONFIG", "GET", "dir")[1].decode())
