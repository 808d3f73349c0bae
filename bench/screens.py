"""How long the dashboard's screens wait for an answer, over HTTP, with so many finished tasks in the store, a tenth of
them failed with messages of their own: one gateway, asked directly, one request after the other. CPU is of gateway and
store together: on a busy machine it says more than the time.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from bench import client, fill
from bench.measure import Meter, percentile
from bench.stage import Bare, end, free_ports, store, until, versions
from bench.table import REPETITIONS, Table
from deploy.ask import ask
from deploy.stack import ROOT
from pipeline import verbs
from pipeline.record import Done, Job

FINISHED = 100_000
OWNERS, KINDS = 10, ("noop", "spin")
STEP = 10_000
FAILED = 10  # one in so many
OK = 200
PATHS = (
    "/tasks?limit=200",
    "/tasks?limit=200&state=failed",
    "/tasks?limit=200&state=succeeded&kind=noop",
    "/tasks/count?state=failed",
    "/batches",
    "/queues",
    "/workers",
    "/dead-letters",
    "/failures",
    "/spans",
    "/minutes",
    "/system",
)
MODULES = ",".join(f"tests.kinds.{kind}" for kind in KINDS)


def measure(finished: int = FINISHED, samples: int = 50, repetitions: int = REPETITIONS) -> Table:
    """Each screen's question, so many times a turn."""
    title = f"The dashboard's questions with {finished:,} finished tasks, {samples} times a turn"
    table = Table("screens", title, versions())
    with store() as bare:
        bare.store.do(verbs.ready())
        for at in range(0, finished, STEP):
            run(bare, at, min(STEP, finished - at))
        fill.settle(bare)
        with gateway(bare) as (port, pid):
            for _ in table.turns(repetitions):
                for path in PATHS:
                    meter = Meter({"serving": [pid, bare.pid]})
                    ms = client.load(port, client.get(path), OK, 1, samples)
                    table.add(f"GET {path}", "CPU ms", meter.read(samples).cpu["serving"])
                    table.add(f"GET {path}", "ms p50", percentile(ms, 0.5))
                    table.add(f"GET {path}", "ms p99", percentile(ms, 0.99))
    return table


def run(bare: Bare, first: int, count: int) -> None:
    """So many tasks from submission to end."""
    fill.submit(bare, fill.mixed(bare, count, OWNERS, first, KINDS))
    jobs = fill.take_all(bare)
    good = [job for n, job in enumerate(jobs) if n % FAILED]
    for at in range(0, len(good), verbs.MOST_A_CALL):
        done = [Done(job, fill.RESULT, 0, 1.5) for job in good[at : at + verbs.MOST_A_CALL]]
        bare.store.do(verbs.finish_task(done, fill.ME, fill.ANY))
    bad = jobs[::FAILED]
    for at in range(0, len(bad), verbs.MOST_A_CALL):
        bare.store.do_all([failed(job, n) for n, job in enumerate(bad[at : at + verbs.MOST_A_CALL], at)])


def failed(job: Job, n: int) -> verbs.Call[bool]:
    """The end of a task that went wrong, in one of some twenty ways, each with numbers of its own."""
    error = {"code": f"code_{n % 20}", "message": f"Row {n} of '{job.task}' gave {n / 7:g} where none may be."}
    return verbs.fail(job, error, n % 20 == 0, fill.ME, 0, 1.5, fill.ANY)


@contextmanager
def gateway(bare: Bare) -> Iterator[tuple[int, int]]:
    """A gateway for this store: its port and its pid."""
    port = free_ports(1)
    wanted = {"REDIS_URL": bare.url(), "PORT": str(port), "KINDS": MODULES}
    env = os.environ | {f"HEADRACE_{name}": text for name, text in wanted.items()}
    process = subprocess.Popen([sys.executable, "-m", "gateway"], cwd=ROOT, env=env, stdout=subprocess.DEVNULL)
    try:
        until(lambda: ask(port, "GET", "/ready").ok)
        yield port, process.pid
    finally:
        end(process)
