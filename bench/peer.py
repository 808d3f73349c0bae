"""A peer in the same command: Dramatiq, the fastest Python task queue with acknowledgement, beside Headrace.

Dramatiq and its Redis client are installed into an environment of their own (var/bench/peer), with the versions below.
Its defaults, two processes, results stored for an hour, on the same store as ours.
"""

import os
import subprocess
import sys
import time
import venv
from pathlib import Path

from bench.measure import REPETITIONS, middle
from bench.pipeline_noop import throughput
from bench.stage import ROOT, Stage, stage

VERSIONS = ("dramatiq[redis]==2.2.1", "hiredis==3.5.0")
FOLDER = ROOT / "var" / "bench" / "peer"
PYTHON = FOLDER / "bin" / "python"


def install() -> None:
    """Make the peer's environment, once."""
    if not PYTHON.exists():
        venv.create(FOLDER, with_pip=True)
        subprocess.run([PYTHON, "-m", "pip", "install", "-q", *VERSIONS], check=True, stdout=sys.stderr)


def dramatiq(s: Stage, n: int) -> float:
    """Jobs per second end to end with two worker processes."""
    s.store.raw("FLUSHALL")
    env = os.environ | {"PEER_REDIS": s.settings.redis_url, "PEER_JOBS": str(n)}
    script = Path(__file__).with_name("peer_jobs.py")
    words = [PYTHON, "-m", "dramatiq", "-p", "2", "--path", str(script.parent), "peer_jobs"]
    worker = subprocess.Popen(words, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        time.sleep(2)  # its processes start; a job sent too early would only wait
        begun = time.perf_counter()
        subprocess.run([PYTHON, str(script)], env=env, check=True)
        while len(s.store.raw("KEYS", "dramatiq-results:*")) < n:
            time.sleep(0.05)
        return n / (time.perf_counter() - begun)
    finally:
        worker.terminate()
        worker.wait()


def main(n: int = 5_000) -> dict[str, object]:
    """Measure in turns, print the table, answer the figures."""
    install()
    figures: dict[str, list[float]] = {"ours": [], "dramatiq": []}
    with stage(2) as s:
        throughput(s, n)  # warm
        for _ in range(REPETITIONS):
            figures["dramatiq"].append(dramatiq(s, n))
            figures["ours"].append(throughput(s, n)[0])
    ratio = [ours / other for ours, other in zip(figures["ours"], figures["dramatiq"], strict=True)]
    print(f"  {'tasks/s end to end, results stored, 2 processes':<58} {middle(figures['ours'])}")
    print(f"  {'the same, ' + VERSIONS[0]:<58} {middle(figures['dramatiq'])}")
    print(f"  {'ratio':<58} {middle(ratio, 1)}")
    return dict(figures)
