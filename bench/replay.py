"""Idle round trips in which only the writes of ours are done: no script, no lease, nothing that decides anything.

    trips of ours ──▶ their append-only file ──▶ for each task what its submit, its take and its finish wrote
    client: a submit's writes ─▶ worker, asleep on the stream: a take's ─▶ a forked child ─▶ a finish's

What such a trip takes is the least for a pipeline that keeps these indexes, events and spans, however it is programmed.
"""

import os
import signal
import time
from collections.abc import Iterator

import hiredis
from msgspec import Struct

from bench import raw, trips
from bench.stage import stage, store, written
from pipeline.settings import Settings
from pipeline.store import Store

Command = tuple[bytes, ...]


class Written(Struct, frozen=True):
    """What came before the first task, and of each task what its three steps wrote."""

    before: list[Command]
    tasks: list[tuple[str, list[Command], list[Command], list[Command]]]  # id, submit, take, finish


def trips_ms(samples: int) -> list[float]:
    """Milliseconds of each trip."""
    with stage(2) as s:
        trips.trips_ms(s, samples)
        found = sort(written(s))
        events, jobs, task = s.store.keys("events"), s.store.keys("jobs", "medium"), s.store.keys("task", "")
    if len(found.tasks) != samples:
        raise RuntimeError(f"{len(found.tasks)} tasks were written down, not {samples}")
    with store() as bare:
        bare.store.raw_all(found.before)
        worker = os.fork()
        if worker == 0:
            work(bare.url(), jobs, found)
            os._exit(0)
        try:
            return [trip_ms(bare.store, events, f"{task}{each[0]}", each[1], each[0]) for each in found.tasks]
        finally:
            os.kill(worker, signal.SIGKILL)
            os.waitpid(worker, 0)


def trip_ms(client: Store, events: str, key: str, submit: list[Command], id: str) -> float:
    """One trip, as trips.trips_ms makes it; then a pause."""
    newest = client.raw("XREVRANGE", events, "+", "-", "COUNT", "1")
    last, end, seen = newest[0][0].decode() if newest else "0", f"{id} succeeded".encode(), b""
    begun = time.perf_counter()
    client.raw_all(submit)
    while end not in seen:
        [[_, entries]] = client.raw("XREAD", "BLOCK", "4000", "STREAMS", events, last)
        last = entries[-1][0].decode()
        seen = b" ".join(word for _, words in entries for word in words)
    if not client.raw("HGET", key, "result"):
        raise RuntimeError(f"task {id} has no result")
    took_ms = (time.perf_counter() - begun) * 1000
    time.sleep(0.002)
    return took_ms


def work(url: str, jobs: str, found: Written) -> None:
    """The worker."""
    child, own, last = raw.Child(), Store(Settings(redis_url=url), "replay"), "0"
    for _, _, take, finish in found.tasks:
        [[_, [(entry, _)]]] = own.raw("XREAD", "BLOCK", "4000", "STREAMS", jobs, last)
        last = entry.decode()
        own.raw_all(take)
        child.do(raw.DATA.encode())
        own.raw_all(finish)


def sort(text: bytes) -> Written:
    """What was written, by task and step; what nobody's task has written is left out, once the first has come."""
    before: list[Command] = []
    tasks: list[tuple[str, list[Command], list[Command], list[Command]]] = []
    for step in steps(text):
        names = {command[0] for command in step}
        if b"XACK" in names:
            tasks[-1][3].extend(step)
        elif b"XCLAIM" in names:
            tasks[-1][2].extend(step)
        elif any(command[0] == b"XADD" and b":jobs:" in command[1] for command in step):
            [id] = [command[4].decode() for command in step if command[0] == b"XADD" and b":jobs:" in command[1]]
            tasks.append((id, step, [], []))
        elif not tasks:
            before += step
    return Written(before, tasks)


def steps(text: bytes) -> Iterator[list[Command]]:
    """The transactions of an append-only file; a command outside of one is one."""
    reader = hiredis.Reader()
    reader.feed(text)
    inside: list[Command] | None = None
    while (words := reader.gets()) is not False:
        command = tuple(words)
        if command == (b"MULTI",):
            inside = []
        elif command == (b"EXEC",):
            yield inside or []
            inside = None
        elif inside is None:
            yield [command]
        else:
            inside.append(command)
