"""How long one client waits for an answer while every child of three consumers computes, beside the same stack idle.

All are on this machine's cores. The children stand back for the others (`consumer.slot.NICE`).
"""

import json

from bench.client import get, load, post
from bench.live import Live, live
from bench.measure import percentile
from bench.over_http import NOOP
from bench.stage import until, versions
from bench.table import REPETITIONS, Table
from deploy.ask import ask
from pipeline import verbs

CONSUMERS, CHILDREN = 3, 4
JOB_S = 0.2
JOBS = 5_000  # more than can be done while it is measured
PAUSE_S = 0.005
LIMIT_S = 60.0


def measure(samples: int = 200, repetitions: int = REPETITIONS) -> Table:
    """Measure in turns, each on a stack of its own: first idle, then full."""
    children = CONSUMERS * CHILDREN
    table = Table("crowded", f"One client while {children} children compute, {samples} requests a turn", versions())
    for _ in table.turns(repetitions):
        with live(consumers=CONSUMERS, gateways=3, children=CHILDREN) as running:
            finished = ask(running.http, "POST", "/tasks", NOOP, {"Prefer": "wait=10"}).json["task_id"]
            waited(table, "idle", running, finished, samples)
            running.submit(JOBS, "spin", json.dumps({"seconds": JOB_S, "parts": 1}).encode(), priority="low")
            until(lambda: running.store.do(verbs.counts())["running"] >= children, LIMIT_S)
            waited(table, "full", running, finished, samples)
            if running.store.do(verbs.counts())["running"] < children:
                raise RuntimeError("the children had no more to do before all was asked")
    for what in ("GET /tasks/…", "POST /tasks"):
        for figure in ("ms p50", "ms p99"):
            table.ratio(f"{what}, full", f"{what}, idle", figure)
    return table


def waited(table: Table, state: str, running: Live, finished: str, samples: int) -> None:
    """One request after the other, with a pause between."""
    for what, request, status in (
        ("GET /tasks/…", get(f"/tasks/{finished}"), 200),
        ("POST /tasks", post(), 202),
    ):
        ms = load(running.http, request, status, 1, samples, pause_s=PAUSE_S)
        table.add(f"{what}, {state}", "ms p50", percentile(ms, 0.5))
        table.add(f"{what}, {state}", "ms p99", percentile(ms, 0.99))
