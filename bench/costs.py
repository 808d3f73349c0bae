"""Whether the estimated CPU seconds of a task are true: `python -m bench.costs [--each 40] [--seed 1] [kind …]`.

Random legal requests of each kind (bench/requests.py) are planned and computed here, as a child does: data read, all
parts run and folded. It prints the share of them whose estimate is within a factor of two of what was measured, and
with `--all` every request. What another program's load does to this machine's caches is in the figures.
"""

import argparse
import gc
import json
import os
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bench.requests import REQUESTS, Data
from calc import execute
from calc.errors import CalcError

ONE_THREAD = dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"), "1")  # as in a child
ENOUGH_S = 0.1  # of CPU: what takes less is computed again, and the least counts
TURNS = 5
WITHIN, GOAL = 2.0, 0.9


@dataclass(frozen=True)
class Tried:
    """One request: seconds estimated and measured, None where it was refused on the way."""

    data: Data
    estimated_s: float
    measured_s: float

    @property
    def ratio(self) -> float:
        return self.estimated_s / self.measured_s

    @property
    def is_true(self) -> bool:
        return 1 / WITHIN <= self.ratio <= WITHIN


def main(words: Sequence[str]) -> int:
    """1 where a kind misses the goal."""
    reader = argparse.ArgumentParser(prog="python -m bench.costs", description="Estimated beside measured CPU seconds.")
    reader.add_argument("kinds", nargs="*", metavar="kind")
    reader.add_argument("--each", type=int, default=40, help="requests of each kind")
    reader.add_argument("--seed", type=int, default=1)
    reader.add_argument("--all", action="store_true", help="tell every request")
    asked = reader.parse_args(words)
    unknown = [kind for kind in asked.kinds if kind not in REQUESTS]
    if unknown:
        reader.error(f"no such kind: {', '.join(unknown)}; there are {', '.join(REQUESTS)}")
    print(f"{'kind':20} requests  within {WITHIN:g}  estimated / measured: least, median, most     CPU ms")
    missed = 0
    for kind in asked.kinds or REQUESTS:
        missed += not tell(kind, sample(kind, asked.each, asked.seed), asked.all)
    return 1 if missed else 0


def tell(kind: str, tried: list[Tried], every: bool) -> bool:
    """Print a kind's line; whether it meets the goal."""
    ratios, took = [each.ratio for each in tried], [1e3 * each.measured_s for each in tried]
    share = sum(each.is_true for each in tried) / len(tried)
    spread = f"{min(ratios):.2f}  {np.median(ratios):.2f}  {max(ratios):.2f}"
    verdict = "" if share >= GOAL else "   MISSED"
    print(
        f"{kind:20} {len(tried):8}  {share:8.0%}  {spread:>40}     {min(took):.2g}-{max(took):.4g}{verdict}", flush=True
    )
    for each in sorted(tried, key=lambda each: each.ratio) if every else ():
        print(f"    {each.ratio:6.2f}  {1e3 * each.measured_s:9.3f} ms  {shown(each.data)}")
    return share >= GOAL


def sample(kind: str, count: int, seed: int) -> list[Tried]:
    """So many requests; one that is refused while it is computed (a portfolio that cannot be) is drawn again."""
    random, found = np.random.default_rng(seed), []
    while len(found) < count:
        data = REQUESTS[kind](random)
        planned = execute.plan(kind, json.dumps(data).encode(), fresh_seed=1)
        try:
            found.append(Tried(data, planned.cpu_s, measured(kind, planned.data)))
        except CalcError:
            continue
    return found


def measured(kind: str, data: bytes) -> float:
    """CPU seconds of all parts, with the data read anew."""
    least = float("inf")
    execute.execute(kind, data)  # compiles what is not compiled yet
    for _ in range(TURNS):
        execute.forget()
        gc.collect()
        begun = time.process_time()
        execute.execute(kind, data)
        least = min(least, time.process_time() - begun)
        if least > ENOUGH_S:
            break
    return least


def shown(data: Data) -> str:
    """Its members, lists by their lengths."""
    return ", ".join(f"{name}: {_short(value)}" for name, value in data.items())


def _short(value: object) -> str:
    if isinstance(value, (list, dict)) and len(value) > 3:
        return f"[{len(value)}]"
    return f"{value:.4g}" if isinstance(value, float) else str(value)[:40]


if __name__ == "__main__":
    if os.environ.keys() >= ONE_THREAD.keys():
        sys.exit(main(sys.argv[1:]))
    os.execve(sys.executable, [sys.executable, "-m", "bench.costs", *sys.argv[1:]], os.environ | ONE_THREAD)
