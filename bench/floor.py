"""What no cleverness can take away: the writes that a task leaves behind, and the hop to a child process.

    a run ──▶ its append-only file ──the same commands, without any script──▶ an empty store: the writes alone
    raw loop ──▶ raw loop whose worker hands each job to a forked child ──▶ which does our writes, too (replay.py)

A store that does nothing but these writes is the bound of what scripts, consumers and protocol around them can reach.
"""

import os
import socket

from msgspec import Struct

from bench import fill, raw, replay
from bench.measure import Meter, percentile
from bench.stage import stage, store, versions, written
from bench.table import REPETITIONS, Table
from pipeline import verbs

OURS, WRITES, REPLAYED = "headrace", "the same writes, replayed", "the same writes, trip by trip"
WARM = 2_000
CHUNK = 1 << 20


def measure(tasks: int = 20_000, samples: int = 300, repetitions: int = REPETITIONS) -> Table:
    """Measure in turns."""
    table = Table(
        "floor", f"What writes and processes cost at the least: {tasks:,} tasks, {samples} trips a turn", versions()
    )
    for _ in table.turns(repetitions):
        cpu, text, warm = ours(tasks)
        table.add(OURS, "store CPU s / 1,000", cpu)
        alone = replayed(text, warm, tasks).cpu
        table.add(WRITES, "store CPU s / 1,000", alone)
        table.add(WRITES, "tasks/s of one core", 1000 / alone)
        table.add(WRITES, "bytes a task", (len(text) - warm) / tasks)
        table.add("raw", "tasks/s", raw.throughput(tasks).per_s)
        table.add("raw", "ms p50", percentile(raw.trips_ms(samples), 0.5))
        table.add("raw, with a child", "ms p50", percentile(raw.trips_ms(samples, child=True), 0.5))
        table.add(REPLAYED, "ms p50", percentile(replay.trips_ms(samples), 0.5))
    table.ratio(OURS, WRITES, "store CPU s / 1,000")
    table.ratio("raw, with a child", "raw", "ms p50")
    table.ratio(REPLAYED, "raw", "ms p50")
    return table


def ours(tasks: int) -> tuple[float, bytes, int]:
    """CPU of the store for 1,000 tasks of ours; all that it wrote down, and how much of that was for warming up."""
    with stage(2) as s:
        fill.settle(s)
        s.submit(min(tasks, WARM))
        s.wait(min(tasks, WARM))
        warm = len(written(s))
        meter = Meter({"store": [s.pid]})
        s.submit(tasks)
        s.wait(min(tasks, WARM) + tasks)
        cpu = meter.read(tasks).cpu["store"]
        return cpu, written(s), warm


class Replayed(Struct, frozen=True):
    """CPU of the store for the writes of 1,000 tasks, and how many tasks succeeded by them."""

    cpu: float
    tasks: int


def replayed(text: bytes, warm: int, tasks: int, *options: str) -> Replayed:
    """What a store without scripts takes for the writes of at least so many tasks, sent to it as they were written
    down; it is empty, unless an option names data."""
    with store(*options) as bare:
        fill.settle(bare)
        with socket.create_connection(("127.0.0.1", int(bare.url().rpartition("/")[0].rpartition(":")[2]))) as link:
            send(link, text[:warm])
            begun_at = bare.store.do(verbs.counts())["succeeded"]
            meter = Meter({"store": [bare.pid]})
            send(link, text[warm:])
            done = bare.store.do(verbs.counts())["succeeded"] - begun_at
            cpu = meter.read(max(done, 1)).cpu["store"]
        if done < tasks:
            raise RuntimeError(f"{done:,} tasks have succeeded in the replay, {tasks:,} did in the run")
        return Replayed(cpu, done)


def send(link: socket.socket, commands: bytes) -> None:
    """Send commands and hear all their answers; the last one is ours."""
    ending = b"*2\r\n$4\r\nECHO\r\n$5\r\nended\r\n"
    pid = os.fork()
    if pid == 0:  # the answers fill the line while we send
        link.sendall(commands + ending)
        os._exit(0)
    tail = b""
    while not tail.endswith(b"$5\r\nended\r\n"):
        heard = link.recv(CHUNK)
        if not heard:
            raise ConnectionError("the store has hung up")
        tail = (tail + heard)[-16:]
    os.waitpid(pid, 0)
