"""The two trials that the peers were put to, so that the figures stand beside theirs (docs/operations.md).

crash   50 jobs of 2 s on four children; the whole consumer is killed 9 to 10 s in, another starts 2 s later
store   5,000 tasks sent one at a time, each until it is accepted; the store is killed half way, started 1 s later
"""

import os
import random
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

import msgspec

from bench.look import holds, records
from bench.stage import BACKLOG, Stage, end, stage, start_consumer, until, versions
from bench.table import Table
from pipeline import verbs
from pipeline.record import FINAL, NewTask

SLEEP, ACT = "tests.kinds.sleep", "tests.consumer.kinds.act"
LIMIT_S = 120.0


def measure(repetitions: int = 1, jobs: int = 50, job_s: float = 2.0, sent: int = 5_000) -> Table:
    """Both trials in each repetition."""
    table = Table(
        "crash", f"As the peers were tried: {jobs} jobs of {job_s:g} s; {sent:,} tasks one at a time", versions()
    )
    for _ in table.turns(repetitions):
        for what, unit, value in (*crash(jobs, job_s), *store_killed(sent)):
            table.add(what, unit, value)
    return table


def crash(jobs: int, job_s: float) -> list[tuple[str, str, float]]:
    """The consumer and its children are killed in the middle of four jobs."""
    with stage(4, kinds=SLEEP) as s:
        tasks = [s.task("sleep", b'{"seconds":%g,"parts":1}' % job_s) for _ in range(jobs)]
        s.store.do(verbs.submit(tasks, BACKLOG, s.settings.share))
        time.sleep(4.5 * job_s + random.uniform(0, job_s / 2))
        [beat] = s.store.do(verbs.fleet())
        in_flight = holds(s.store, beat.name)
        begun = time.monotonic()
        os.kill(s.consumer, signal.SIGKILL)
        time.sleep(job_s)
        again = start_consumer(s, 4, SLEEP)
        try:
            until(lambda: all(task.state in FINAL for task in records(s.store, in_flight)), LIMIT_S)
            recovered_s = time.monotonic() - begun
            until(lambda: s.store.do(verbs.counts())["succeeded"] == jobs, LIMIT_S)
        finally:
            end(again)
        recovered = sum(task.state == "succeeded" for task in records(s.store, in_flight))
        return [
            ("crash: finished", f"of {jobs}", s.store.do(verbs.counts())["succeeded"]),
            ("crash: in flight at the kill", "jobs", len(in_flight)),
            ("crash: of these recovered", "jobs", recovered),
            ("crash: last of them done", "s after the kill", recovered_s),
            ("crash: all done", "s after the kill", time.monotonic() - begun),
        ]


def store_killed(sent: int) -> list[tuple[str, str, float]]:
    """Each start of a job leaves a byte in a file of its own: what ran, when first, and what ran twice."""
    with tempfile.TemporaryDirectory() as folder, stage(2, kinds=ACT) as s:
        back: list[float] = []
        restarted: list[subprocess.Popen[bytes]] = []
        killer = threading.Thread(target=lambda: kill_and_start(s, back, restarted))
        accepted = []
        for n in range(sent):
            if n == sent // 2:
                killer.start()
            accepted.append(send(s, s.task("act", msgspec.json.encode({"mark": f"{folder}/{n}"}))))
        killer.join()
        try:
            until(lambda: all(task.state in FINAL for task in records(s.store, accepted[-500:])), LIMIT_S)
            until(lambda: s.store.do(verbs.counts())["succeeded"] == sent, LIMIT_S)
        finally:
            for server in restarted:
                end(server)
        marks = [Path(folder, str(n)).stat() for n in range(sent) if Path(folder, str(n)).exists()]
        resumed = min(mark.st_mtime for mark in marks if mark.st_mtime >= back[0]) - back[0]
        return [
            ("store killed: accepted and run", f"of {sent:,}", len(marks)),
            ("store killed: run once and no more", f"of {sent:,}", sum(mark.st_size == 1 for mark in marks)),
            ("store killed: first job after it is back", "s", resumed),
        ]


def send(s: Stage, task: NewTask) -> str:
    """Until it is accepted; sent again it is the same task."""
    until(lambda: s.store.do(verbs.submit([task], BACKLOG, s.settings.share)))
    return task.id


def kill_and_start(s: Stage, back: list[float], restarted: "list[subprocess.Popen[bytes]]") -> None:
    """Kill the store, start it a second later by the same command; `back` gets the moment at which it answers."""
    os.kill(s.pid, signal.SIGKILL)
    time.sleep(1.0)
    restarted.append(subprocess.Popen(s.command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
    other = s.database(0)
    answers: Callable[[], object] = lambda: other.raw("PING")  # noqa: E731
    until(answers, LIMIT_S)
    back.append(time.time())
    other.close()
