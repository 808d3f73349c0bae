"""The bound: a bare Redis Streams loop with no product logic, one process that adds and one that works.

XADD in pipelines of 100; XREADGROUP COUNT 100, then HSET + EXPIRE + XACK + XDEL for the batch in one pipeline. No
lease, no children, no state, no index, no event: what is left when everything that makes a queue useful is taken away.
"""

import multiprocessing
import time

from bench.measure import cpu_s
from bench.stage import Stage
from pipeline.store import Store

BATCH = 100
STREAM, GROUP = "raw", "raw"
DATA = '{"spot":100.0,"strike":105.0,"rate":0.03,"volatility":0.2,"maturity":1.0}'


def raw(stage: Stage, n: int) -> tuple[float, float]:
    """Jobs per second end to end, CPU seconds per 1,000 jobs of all processes."""
    stage.clear()
    stage.store.raw("XGROUP", "CREATE", STREAM, GROUP, "0", "MKSTREAM")
    worker = multiprocessing.get_context("spawn").Process(target=work, args=(stage.settings, n))
    worker.start()
    assert worker.pid
    while not stage.store.raw("XINFO", "CONSUMERS", STREAM, GROUP):
        time.sleep(0.01)
    pids = (stage.server, worker.pid)
    before, own, begun = {pid: cpu_s(pid) for pid in pids}, time.process_time(), time.perf_counter()
    for _ in range(0, n, BATCH):
        stage.store.raw_all([("XADD", STREAM, "*", "data", DATA)] * BATCH)
    while int(stage.store.raw("GET", "raw:done") or 0) < n:
        time.sleep(0.005)
    took_s = time.perf_counter() - begun
    used = sum(cpu_s(pid) - before[pid] for pid in pids) + time.process_time() - own
    worker.join()
    return n / took_s, used / n * 1000


def work(settings: object, n: int) -> None:
    """The worker: read a batch, write its results, acknowledge and delete it, until all are done."""
    store = Store(settings, "raw")  # type: ignore[arg-type]
    done = 0
    while done < n:
        words = ("XREADGROUP", "GROUP", GROUP, "w", "COUNT", str(BATCH), "BLOCK", "1000", "STREAMS", STREAM, ">")
        got = store.raw(*words)
        entries = got[0][1] if got else []
        if not entries:
            continue
        ids = [entry.decode() for entry, _ in entries]
        commands: list[tuple[str, ...]] = []
        for id in ids:
            commands += [("HSET", f"result:{id}", "state", "done", "result", DATA), ("EXPIRE", f"result:{id}", "3600")]
        commands += [("XACK", STREAM, GROUP, *ids), ("XDEL", STREAM, *ids)]
        store.raw_all(commands)
        done += len(ids)
    store.raw("SET", "raw:done", str(done))
