"""Do-nothing tasks by HTTP: submissions through nginx and three gateways, and idle round trips with `Prefer: wait`;
beside an empty FastAPI application, alone and as three processes behind the same nginx.

    client ─▶ nginx ─▶ three gateways ─▶ store ─▶ one consumer          (make up, on ports and in a folder of its own)
    client ─▶ nginx ─▶ three empty applications      client ─▶ one empty application
"""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.client import load, post
from bench.live import live, stack_of
from bench.measure import Meter, percentile, tree
from bench.stage import end, free_ports, until, versions
from bench.table import REPETITIONS, Table
from deploy import render
from deploy.ask import ask
from deploy.stack import ROOT

CONNECTIONS, GATEWAYS = 32, 3
POST, WAIT = post(), post(b"Prefer: wait=10\r\n")


def measure(requests: int = 16_000, samples: int = 300, repetitions: int = REPETITIONS) -> Table:
    """Measure in turns, on one stack and one set of empty applications."""
    title = (
        f"HTTP, {requests:,} POSTs over {CONNECTIONS} connections a turn; {samples} idle round trips; empty: FastAPI"
    )
    table = Table("http", title, versions())
    with whole_stack() as (http, groups), empties() as (empty, empty_nginx, empty_groups):
        load(http, WAIT, 200, 1, 20)  # warm
        for _ in table.turns(repetitions):
            trips = load(http, WAIT, 200, 1, samples, pause_s=0.005)
            table.add("POST with Prefer: wait, idle", "ms p50", percentile(trips, 0.5))
            table.add("POST with Prefer: wait, idle", "ms p99", percentile(trips, 0.99))
            rate(table, "POST /tasks", http, groups, requests)
            rate(table, "empty, 1 process", empty, {"application": empty_groups["application"]}, requests)
            rate(table, "empty, nginx, 3 processes", empty_nginx, empty_groups, requests)
    for other in ("empty, 1 process", "empty, nginx, 3 processes"):
        table.ratio("POST /tasks", other, "requests/s")
    return table


def rate(table: Table, what: str, port: int, groups: dict[str, list[int]], requests: int) -> None:
    """The rows of one load: requests a second, their latency, CPU by process, the client's too."""
    meter = Meter(groups | {"client": [os.getpid()]})
    ms = load(port, POST, 202, CONNECTIONS, requests)
    run = meter.read(requests)
    table.add(what, "requests/s", run.per_s)
    table.add(what, "ms p99", percentile(ms, 0.99))
    for group, used in run.cpu.items():
        table.add(f"  {what}: {group}", "CPU s / 1,000", used)


@contextmanager
def whole_stack() -> Iterator[tuple[int, dict[str, list[int]]]]:
    """`make up` in a folder of its own, with one consumer of two children; nginx's port, the pids by program."""
    with live(consumers=1, gateways=GATEWAYS, children=2) as running:
        yield running.http, running.groups()


@contextmanager
def empties() -> Iterator[tuple[int, int, dict[str, list[int]]]]:
    """Three empty applications and an nginx before them: the port of one, nginx's, the pids by program."""
    with tempfile.TemporaryDirectory(prefix="headrace-bench-") as folder:
        nginx_port = free_ports(GATEWAYS + 1)
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
