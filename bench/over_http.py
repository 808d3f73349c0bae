"""Do-nothing tasks by HTTP through nginx and three gateways: idle round trips with `Prefer: wait`, submissions over one
connection and over many, alone and in batches, and looks at a finished task; beside an empty FastAPI application, alone
and as three processes behind the same nginx.

    client ─▶ nginx ─▶ three gateways ─▶ store ─▶ one consumer          (make up, on ports and in a folder of its own)
    client ─▶ nginx ─▶ three empty applications      client ─▶ one empty application
"""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from msgspec import Struct

from bench.client import get, load, post, post_batch
from bench.live import Live, live, stack_of
from bench.measure import Meter, percentile, tree
from bench.stage import end, free_ports, until, versions
from bench.table import REPETITIONS, Table
from deploy import render
from deploy.ask import ask
from deploy.stack import ROOT
from pipeline import verbs

CONNECTIONS, GATEWAYS = 32, 3
LINES, BATCHERS = 1_000, 4  # tasks of a batch, connections that send them
NOOP = {"kind": "noop", "data": {"value": 7}}
LIMIT_S = 120.0
POST, WAIT = post(), post(b"Prefer: wait=10\r\n")
ALONE, BEHIND = "empty, 1 process", "empty, nginx, 3 processes"


class Asked(Struct, frozen=True):
    """One kind of load. `share` of a turn's requests are sent: over one connection they take longer."""

    what: str
    request: bytes
    status: int
    connections: int
    share: float = 1.0


def measure(requests: int = 16_000, samples: int = 300, repetitions: int = REPETITIONS) -> Table:
    """Measure in turns, on one stack and one set of empty applications."""
    title = f"HTTP, {requests:,} requests over {CONNECTIONS} connections a turn; {samples} idle round trips"
    table = Table("http", f"{title}; empty: FastAPI", versions())
    with whole_stack() as running, empties() as (alone, behind, groups):
        load(running.http, WAIT, 200, 1, 20)  # warm
        application = {"application": groups["application"]}
        loads = asked(ask(running.http, "POST", "/tasks", NOOP, {"Prefer": "wait=10"}).json["task_id"])
        for _ in table.turns(repetitions):
            trips = load(running.http, WAIT, 200, 1, samples, pause_s=0.005)
            table.add("POST with Prefer: wait, idle", "ms p50", percentile(trips, 0.5))
            table.add("POST with Prefer: wait, idle", "ms p99", percentile(trips, 0.99))
            for each in loads:
                rate(table, each.what, each, running.http, running.groups(), requests)
                until(lambda: idle(running), LIMIT_S)  # what was accepted runs on: not while others are measured
                rate(table, f"{each.what}, {ALONE}", each, alone, application, requests)
                rate(table, f"{each.what}, {BEHIND}", each, behind, groups, requests)
            batches(table, running, requests)
            until(lambda: idle(running), LIMIT_S)
    for each in loads:
        for other in (ALONE, BEHIND):
            table.ratio(each.what, f"{each.what}, {other}", "requests/s", f"{each.what}: ours / {other}")
    return table


def asked(finished: str) -> list[Asked]:
    """The loads; `finished` is the task that is looked at."""
    return [
        Asked("POST /tasks, 1 connection", POST, 202, 1, 0.125),
        Asked(f"POST /tasks, {CONNECTIONS} connections", POST, 202, CONNECTIONS),
        Asked(f"GET /tasks/…, {CONNECTIONS} connections", get(f"/tasks/{finished}"), 200, CONNECTIONS),
    ]


def rate(table: Table, what: str, each: Asked, port: int, groups: dict[str, list[int]], requests: int) -> None:
    """The rows of one load: requests a second, their latency, CPU by process, the client's too."""
    count = int(requests * each.share)
    meter = Meter(groups | {"client": [os.getpid()]})
    ms = load(port, each.request, each.status, each.connections, count)
    run = meter.read(count)
    table.add(what, "requests/s", run.per_s)
    table.add(what, "ms p50", percentile(ms, 0.5))
    table.add(what, "ms p99", percentile(ms, 0.99))
    for group, used in run.cpu.items():
        table.add(f"  {what}: {group}", "CPU s / 1,000", used)


def batches(table: Table, running: Live, tasks: int) -> None:
    """The rows of as many tasks in batches: tasks a second, CPU by process for 1,000 of them."""
    lines = min(LINES, tasks // BATCHERS)
    what = f"POST /tasks/batch of {lines:,}, {BATCHERS} connections"
    meter = Meter(running.groups() | {"client": [os.getpid()]})
    load(running.http, post_batch(lines), 202, BATCHERS, tasks // lines)
    run = meter.read(tasks // lines * lines)
    table.add(what, "tasks/s", run.per_s)
    for group, used in run.cpu.items():
        table.add(f"  {what}: {group}", "CPU s / 1,000", used)


def idle(running: Live) -> bool:
    """Whether everything that was accepted has ended."""
    found = running.store.do(verbs.counts())
    return not found["queued"] + found["running"]


def whole_stack() -> AbstractContextManager[Live]:
    """`make up` in a folder of its own, with one consumer of two children."""
    return live(consumers=1, gateways=GATEWAYS, children=2)


@contextmanager
def empties() -> Iterator[tuple[int, int, dict[str, list[int]]]]:
    """Three empty applications and an nginx before them: the port of one, nginx's, the pids by program."""
    with tempfile.TemporaryDirectory(prefix="headrace-bench-") as folder:
        nginx_port = free_ports(GATEWAYS + 2)
        stack = stack_of(Path(folder), nginx_port, nginx_port + 1)
        render.write(stack)
        words = [sys.executable, "-m", "uvicorn", "bench.empty:app", "--loop", "uvloop", "--http", "httptools"]
        words += ["--no-access-log", "--log-level", "error", "--timeout-keep-alive", "75", "--port"]
        running = [subprocess.Popen([*words, str(port)], cwd=ROOT) for port in stack.gateway_ports]
        pids = [process.pid for process in running]
        command = [str(stack.nginx), "-e", "stderr", "-p", f"{stack.var}/nginx/", "-c", f"{stack.var}/nginx.conf"]
        with open(f"{folder}/access.jsonl", "wb") as log:
            running.append(
                subprocess.Popen(command, cwd=stack.var / "nginx", stdout=log, stderr=log, env={"TZ": "UTC"})
            )
        try:
            for port in (*stack.gateway_ports, nginx_port):
                until(lambda port=port: ask(port, "POST", "/tasks").status == 202)  # type: ignore[misc]
            yield stack.gateway_ports[0], nginx_port, {"application": pids, "nginx": tree(running[-1].pid)}
        finally:
            for process in running:
                end(process)
