"""The peers: the task queues that a user would take instead. Each in an environment of its own under var/bench, with
the versions of requirements/bench.txt or peers/bullmq/package-lock.json, with its defaults for many small jobs.

A peer's file, run as `send N`, connects, says "ready", waits for a line, sends N jobs by its fastest way, says what CPU
it used, waits for a line and says how many of the last results are right. Its workers are started from here.
"""

import os
import shutil
import subprocess
import sys
import venv
from collections.abc import Callable, Sequence
from pathlib import Path

from msgspec import Struct

from bench.measure import Meter, Run, tree
from bench.stage import Bare, end, store, until
from deploy.stack import ROOT

MADE = ROOT / "var" / "bench"
FILES = Path(__file__).resolve().parent
PYTHON = MADE / "python" / "bin" / "python"
LOCK = ROOT / "requirements" / "bench.txt"
NODE_FOLDER = MADE / "bullmq"
WARM = 200


class Peer(Struct, frozen=True):
    """`workers` and `sender` are command lines; `done` asks the store how many jobs are finished."""

    name: str
    version: str
    tasks: int  # a turn: slower peers get fewer
    install: Callable[[], None]
    workers: Sequence[Sequence[str]]
    sender: Sequence[str]
    done: Callable[[Bare], int]


def here() -> tuple[Peer, ...]:
    """The peers that this machine can run, installed: BullMQ needs node and npm."""
    found = (DRAMATIQ, BULLMQ) if shutil.which("node") and shutil.which("npm") else (DRAMATIQ,)
    for peer in found:
        peer.install()
    return found


def throughput(peer: Peer, tasks: int) -> Run:
    """Jobs end to end with two worker processes, warm; the last results are read back."""
    with store() as bare:
        env = os.environ | {"PEER_URL": bare.url(0), "PEER_RESULTS": bare.url(1)}
        workers = [
            subprocess.Popen(words, env=env, cwd=FILES, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            for words in peer.workers
        ]
        try:
            send(peer, bare, env, WARM, {})
            groups = {"workers": [pid for worker in workers for pid in tree(worker.pid)]}
            return send(peer, bare, env, tasks, groups)
        finally:
            for worker in workers:
                end(worker)


def send(peer: Peer, bare: Bare, env: dict[str, str], tasks: int, workers: dict[str, list[int]]) -> Run:
    """Send jobs and wait until all are finished."""
    words = [*peer.sender, "send", str(tasks)]
    with subprocess.Popen(words, env=env, cwd=FILES, stdin=-1, stdout=-1, text=True) as sender:
        assert sender.stdin
        assert sender.stdout
        if sender.stdout.readline().strip() != "ready":
            raise RuntimeError(f"{peer.name} did not start")
        before = peer.done(bare)
        meter = Meter({"store": [bare.pid], **workers, "client": [sender.pid]})
        print("go", file=sender.stdin, flush=True)
        sender.stdout.readline()
        until(lambda: peer.done(bare) >= before + tasks, 120)
        run = meter.read(tasks)
        print("check", file=sender.stdin, flush=True)
        right = sender.stdout.readline().strip()
        if right != str(min(tasks, 50)):
            raise RuntimeError(f"{peer.name}: only {right!r} of the last results are right")
        return run


def make_python() -> None:
    """The Python peers' environment, once a lock."""
    stamp = PYTHON.parent.parent / ".stamp"
    if stamp.is_file() and stamp.read_bytes() == LOCK.read_bytes():
        return
    venv.create(PYTHON.parent.parent, with_pip=True, clear=True)
    pip = [
        str(PYTHON),
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        "--require-hashes",
        "--no-deps",
    ]
    subprocess.run([*pip, "-r", str(LOCK)], check=True, stdout=sys.stderr)
    stamp.write_bytes(LOCK.read_bytes())


def make_node() -> None:
    """BullMQ's modules, once a lock. No script of a package runs: the one addon there is not needed."""
    lock, made = FILES / "bullmq" / "package-lock.json", NODE_FOLDER / "package-lock.json"
    if (NODE_FOLDER / "node_modules").is_dir() and made.read_bytes() == lock.read_bytes():
        return
    NODE_FOLDER.mkdir(parents=True, exist_ok=True)
    for file in (lock, FILES / "bullmq" / "package.json", FILES / "bullmq" / "jobs.cjs"):
        shutil.copy(file, NODE_FOLDER)
    npm = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel", "error"]
    subprocess.run(npm, cwd=NODE_FOLDER, check=True, stdout=sys.stderr)


def dramatiq_done(bare: Bare) -> int:
    """Results have a database of their own."""
    return int(bare.database(1).raw("DBSIZE"))


def bullmq_done(bare: Bare) -> int:
    """BullMQ keeps a set of what is completed."""
    return int(bare.store.raw("ZCARD", "bull:bench:completed"))


DRAMATIQ = Peer(
    name="dramatiq",
    version="2.2.1 (-p 2, 8 threads each)",
    tasks=5_000,
    install=make_python,
    workers=[[str(PYTHON), "-m", "dramatiq", "-p", "2", "--skip-logging", "dramatiq_jobs"]],
    sender=[str(PYTHON), "dramatiq_jobs.py"],
    done=dramatiq_done,
)
BULLMQ = Peer(
    name="bullmq",
    version="6.7.0 (two processes, concurrency 1)",
    tasks=10_000,
    install=make_node,
    workers=[["node", str(NODE_FOLDER / "jobs.cjs"), "work"]] * 2,
    sender=["node", str(NODE_FOLDER / "jobs.cjs")],
    done=bullmq_done,
)
