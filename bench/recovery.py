"""How soon after a SIGKILL everything works again: a child, a consumer, a gateway, the store.

`python -m bench.recovery 30 8,2,4,30` measures thirty times, and a consumer with other leases too (five times each).

The whole stack: three consumers of four children, three gateways, nginx, supervisord. All twelve children are kept busy
with sleeping jobs of 0.5 s, so the machine's cores are not the point. From the kill it is measured until

    full capacity       child, consumer: the living hold twelve jobs again; gateway: the killed one says it is ready;
                        store: twelve jobs have begun since
    last result         of the tasks whose jobs were in the hands of what was killed: of the child, the consumer; for a
                        gateway, of twelve clients that wait for an answer behind nginx; for the store, of all that ran
"""

import os
import random
import signal
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress

from bench.live import Live, live
from bench.look import held, holds, records
from bench.measure import tree
from bench.stage import until, versions
from bench.table import Table
from deploy.ask import ask
from deploy.stack import ROOT
from pipeline import verbs
from pipeline.errors import StoreAway
from pipeline.record import FINAL

KINDS = "tests.kinds.noop,tests.kinds.sleep"
JOB_S, CONSUMERS, CHILDREN = 0.5, 3, 4
ALL = CONSUMERS * CHILDREN
SLEEP = b'{"seconds":0.5,"parts":1}'
STOCK = 600  # tasks that wait when something is killed: a busy day
LIMIT_S = 120.0
CAPACITY, RESULT = "s to capacity", "s to last result"
DEFAULT_LEASE_S = 8.0

Found = tuple[float, float]


def measure(repetitions: int = 3, leases: Sequence[float] = (DEFAULT_LEASE_S,), fewer: int | None = None) -> Table:
    """Every kind of kill in each repetition; with other leases than the default `fewer` times, a consumer alone."""
    table = Table("recovery", "Recovery from a SIGKILL; jobs of 0.5 s on 3 × 4 children", versions())
    table.begin()
    for lease_s in leases:
        with live(KINDS, consumers=CONSUMERS, children=CHILDREN, lease_s=lease_s) as running:
            default = lease_s == DEFAULT_LEASE_S
            for _ in table.turns(repetitions) if default else range(fewer or repetitions):
                for name, kill in KILLS.items() if default else [("a consumer", a_consumer)]:
                    whole(running)
                    capacity_s, result_s = kill(running)
                    table.add(f"{name} killed, lease {lease_s:g} s", CAPACITY, capacity_s)
                    table.add(f"{name} killed, lease {lease_s:g} s", RESULT, result_s)
    return table


def whole(running: Live) -> None:
    """Everything runs, enough tasks wait, and every child is busy."""
    until(lambda: len(running.pids("consumer")) == CONSUMERS and len(running.fleet()) >= CONSUMERS, LIMIT_S)
    short = STOCK - running.store.do(verbs.counts())["queued"]
    if short > 0:
        running.submit(short, "sleep", SLEEP)
    until(lambda: sum(held(running.store).values()) == ALL, LIMIT_S)
    time.sleep(random.uniform(1.0, 2.0))  # supervisord wants a second of each start; the moment is to be any


# ── the kills ──


def a_child(running: Live) -> Found:
    """One of twelve, in the middle of a job. Its job waits for its pause (1 s, between a half and one and a half)."""
    victim = random.choice(tree(random.choice(running.pids("consumer")))[1:])
    later = running.store.keys("later")
    begun = shoot(victim)
    until(lambda: running.store.raw("ZCARD", later), LIMIT_S)
    [member] = running.store.raw("ZRANGE", later, "0", "0")
    until(lambda: sum(held(running.store).values()) == ALL, LIMIT_S)
    capacity_s = since(begun)
    return capacity_s, ended(running, [member.decode().split(" ")[0]], begun)


def a_consumer(running: Live) -> Found:
    """One of three, with its four children. supervisord starts another; its jobs go to anyone after a lease."""
    beat = random.choice([beat for beat in running.fleet() if beat.pid in running.pids("consumer")])
    affected = holds(running.store, beat.name)
    begun = shoot(beat.pid)
    until(
        lambda: sum(n for name, n in held(running.store).items() if name not in (beat.name, "reaper")) == ALL, LIMIT_S
    )
    capacity_s = since(begun)
    return capacity_s, ended(running, affected, begun)


def a_gateway(running: Live) -> Found:
    """One of three, with clients waiting behind nginx for jobs of a second that go first."""
    statuses: list[int] = []
    body = {"kind": "sleep", "data": {"seconds": 1.0}, "priority": "high"}
    times: list[float] = []

    def client() -> None:
        statuses.append(ask(running.http, "POST", "/tasks", body, {"Prefer": "wait=30"}, LIMIT_S).status)
        times.append(time.monotonic())

    clients = [threading.Thread(target=client) for _ in range(ALL)]
    for one in clients:
        one.start()
    until(lambda: len(waiting(running)) == ALL, LIMIT_S)
    port = random.choice(running.stack.gateway_ports)
    [victim] = [pid for pid in running.pids("gateway") if listens(pid, port)]
    begun = shoot(victim)
    until(lambda: ask(port, "GET", "/ready").ok, LIMIT_S)
    capacity_s = since(begun)
    for one in clients:
        one.join()
    if set(statuses) != {200}:
        raise RuntimeError(f"a client was answered {sorted(statuses)}")
    return capacity_s, max(times) - begun


def the_store(running: Live) -> Found:
    """The one store. supervisord starts it at once; its children compute on meanwhile."""
    queued = running.store.do(verbs.counts())["queued"]
    affected = [id for name in held(running.store) for id in holds(running.store, name)]
    [victim] = running.pids("store")
    begun = shoot(victim)
    until(lambda: running.store.do(verbs.counts())["queued"] <= queued - ALL, LIMIT_S)
    capacity_s = since(begun)
    return capacity_s, ended(running, affected, begun)


KILLS: dict[str, Callable[[Live], Found]] = {
    "a child": a_child,
    "a consumer": a_consumer,
    "a gateway": a_gateway,
    "the store": the_store,
}


# ── what they share ──


def shoot(pid: int) -> float:
    """SIGKILL; the moment of it."""
    begun = time.monotonic()
    os.kill(pid, signal.SIGKILL)
    return begun


def since(begun: float) -> float:
    return time.monotonic() - begun


def ended(running: Live, ids: Sequence[str], begun: float) -> float:
    """When the last of these tasks had its result. Every one must have succeeded."""
    until(lambda: all(task.state in FINAL for task in records(running.store, ids)), LIMIT_S)
    states = {task.state for task in records(running.store, ids)}
    if states - {"succeeded"}:
        raise RuntimeError(f"tasks ended as {states}")
    return since(begun)


def waiting(running: Live) -> list[str]:
    """Tasks of high priority that run or wait."""
    with suppress(StoreAway):
        page = running.store.do(verbs.page(kind="sleep", limit=100)).tasks
        return [task.id for task in page if task.priority == "high" and task.state not in FINAL]
    return []


def listens(pid: int, port: int) -> bool:
    """Whether this process was started for that port."""
    with open(f"/proc/{pid}/environ", "rb") as file:
        return f"HEADRACE_PORT={port}".encode() in file.read().split(b"\0")


if __name__ == "__main__":
    asked = [*sys.argv[1:], "30", str(DEFAULT_LEASE_S)][:2]
    found = measure(int(asked[0]), [float(lease) for lease in asked[1].split(",")], fewer=5)
    found.print()
    found.save(ROOT / "var" / "bench")
