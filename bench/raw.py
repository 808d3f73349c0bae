"""The bound: a bare Redis Streams loop with no product logic. `python -m bench.raw URL NAME [child]` is a worker of it.

    XADD, 100 a pipeline ─▶ XREADGROUP COUNT 100 ─▶ HSET + EXPIRE of each, XACK + XDEL + one event of all: one pipeline

No lease, no children, no state, no index: what is left when everything that makes a queue useful is taken away.
"""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from bench.measure import Meter, Run
from bench.stage import Bare, end, store, until
from deploy.stack import ROOT
from pipeline.settings import Settings
from pipeline.store import Store

BATCH = 100
STREAM, GROUP, EVENTS = "raw", "raw", "raw:events"
DATA = '{"value":7,"parts":1}'
RESULT = '{"value":7}'


def throughput(tasks: int, workers: int = 2) -> Run:
    """The loop, end to end."""
    with working(workers) as (bare, pids):
        meter = Meter({"store": [bare.pid], "workers": pids, "client": [os.getpid()]})
        for at in range(0, tasks, BATCH):
            bare.store.raw_all([("XADD", STREAM, "*", "data", DATA)] * min(BATCH, tasks - at))
        until(lambda: bare.store.raw("XLEN", STREAM) == 0)
        return meter.read(tasks)


def trips_ms(samples: int, child: bool = False) -> list[float]:
    """One job at a time: add it, sleep on the events, read its result. With a `child` the worker has it done by one."""
    with working(1, *["child"] * child) as (bare, _):
        found, last = [], "0"
        for _ in range(samples):
            begun = time.perf_counter()
            id = bare.store.raw("XADD", STREAM, "*", "data", DATA).decode()
            [[_, [[event, _]]]] = bare.store.raw("XREAD", "BLOCK", "4000", "STREAMS", EVENTS, last)
            last = event.decode()
            if bare.store.raw("HGET", f"result:{id}", "result") != RESULT.encode():
                raise RuntimeError(f"job {id} has no result")
            found.append((time.perf_counter() - begun) * 1000)
            time.sleep(0.002)
        return found


@contextmanager
def working(workers: int, *how: str) -> Iterator[tuple[Bare, list[int]]]:
    """A store and so many workers that wait for jobs."""
    with store() as bare:
        bare.store.raw("XGROUP", "CREATE", STREAM, GROUP, "0", "MKSTREAM")
        words = [sys.executable, "-m", "bench.raw", bare.url()]
        processes = [subprocess.Popen([*words, f"w{number}", *how], cwd=ROOT) for number in range(workers)]
        try:
            until(lambda: len(bare.store.raw("XINFO", "CONSUMERS", STREAM, GROUP)) == workers)
            yield bare, [process.pid for process in processes]
        finally:
            for process in processes:
                end(process)


def work(url: str, name: str, how: str = "") -> None:
    """A worker: read a batch, write its results, acknowledge and delete it; for ever."""
    child = Child() if how else None
    own = Store(Settings(redis_url=url), "raw")
    own.raw("XGROUP", "CREATECONSUMER", STREAM, GROUP, name)
    reading = ("XREADGROUP", "GROUP", GROUP, name, "COUNT", str(BATCH), "BLOCK", "1000", "STREAMS", STREAM, ">")
    while True:
        got = own.raw(*reading)
        if not got:
            continue
        ids = [entry.decode() for entry, _ in got[0][1]]
        results = [child.do(words[1]) if child else RESULT for _, words in got[0][1]]
        commands: list[tuple[str, ...]] = []
        for id, result in zip(ids, results, strict=True):
            commands.append(("HSET", f"result:{id}", "state", "done", "result", result))
            commands.append(("EXPIRE", f"result:{id}", "3600"))
        commands += [("XACK", STREAM, GROUP, *ids), ("XDEL", STREAM, *ids)]
        commands += [("XADD", EVENTS, "MAXLEN", "~", "10000", "*", "done", str(len(ids)))]
        own.raw_all(commands)


class Child:
    """A forked process that answers what comes over a pipe, as the children of a consumer do."""

    def __init__(self) -> None:
        self._end, far = socket.socketpair()
        if os.fork() == 0:
            self._end.close()
            while far.recv(4096):
                far.sendall(RESULT.encode())
            os._exit(0)
        far.close()

    def do(self, data: bytes) -> str:
        """Its answer."""
        self._end.sendall(data)
        return self._end.recv(4096).decode()


if __name__ == "__main__":
    work(*sys.argv[1:])
