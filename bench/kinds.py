"""Each kind of calculation beside the library that people use for it today: CPU seconds for the same work, or to the
same standard error. What the catalogue wants of each is a goal, and the notes say whether it is met.

Every family runs in a process of its own (bench/anchors), one BLAS thread on both sides, both in turns; a turn that is
not counted comes first. Both answers are compared before a time counts. The anchors come with the test lock.
"""

import json
import os
import statistics
import subprocess
import sys
from collections.abc import Sequence
from importlib import metadata
from typing import Any

from bench.table import REPETITIONS, Table
from deploy.stack import ROOT

FAMILIES = ("options", "quotes", "risk", "portfolios", "credit", "lending")
LIBRARIES = (
    "numba", "numpy", "QuantLib", "arch", "PyPortfolioOpt", "cvxpy", "clarabel", "scipy", "pyxirr", "numpy-financial"
)  # fmt: skip
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")


def measure(families: Sequence[str] = FAMILIES, repetitions: int = REPETITIONS, size: float = 1.0) -> Table:
    """`size` scales the work, as tests want it."""
    versions = {name: metadata.version(name) for name in LIBRARIES}
    table = Table("kinds", "Kinds beside their anchor libraries, CPU time of the calculation alone", versions)
    for _ in table.turns(repetitions):
        pass
    for family in families:
        command = [sys.executable, "-m", "bench.anchors", family, str(repetitions), str(size)]
        ended = subprocess.run(
            command, cwd=ROOT, env=os.environ | ONE_THREAD, stdout=subprocess.PIPE, text=True, check=True
        )
        for line in ended.stdout.splitlines():
            add(table, json.loads(line))
    return table


def add(table: Table, told: dict[str, Any]) -> None:
    """The rows of a contest, and a note on its goals."""
    what, scores = f"{told['kind']}: {told['what']}", told["scores"]
    ratios = [score["anchor_s"] / score["ours_s"] for score in scores]
    for score, ratio in zip(scores, ratios, strict=True):
        table.add(what, "CPU ms", 1e3 * score["ours_s"])
        table.add(f"  {what}: {told['anchor']}", "CPU ms", 1e3 * score["anchor_s"])
        table.add(what, "x less CPU", ratio)
        if score["error"]:
            table.add(what, "s.e. × 1e6", 1e6 * score["error"])
        if told["work"] > 1 or told["goal_per_s"]:
            table.add(what, "per CPU s", told["work"] / score["ours_s"])
    if told["goal"]:
        table.notes.append(verdict(what, statistics.median(ratios), told["goal"], "x less CPU"))
    if told["goal_per_s"]:
        table.notes.append(verdict(what, table.row(what, "per CPU s").median(), told["goal_per_s"], "per CPU s"))


def verdict(what: str, median: float, goal: float, unit: str) -> str:
    """Whether a median reaches its goal."""
    return f"{what}: {float(f'{median:.3g}'):,.10g} {unit}, goal {goal:,g}: {'met' if median >= goal else 'MISSED'}"
