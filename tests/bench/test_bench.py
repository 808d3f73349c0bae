"""Each benchmark runs with tiny numbers, every row has a figure a turn, and what it saves is what it printed."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from bench import bytes_held, crash, memory, over_http, peers, recovery, spin, throughput, trips
from bench.__main__ import BENCHMARKS, main
from bench.measure import Meter, cpu_s, percentile, tree
from bench.stage import stage
from bench.table import Table
from deploy.stack import ROOT

TINY: dict[str, Callable[[], Table]] = {
    "throughput": lambda: throughput.measure(tasks=400, repetitions=1, beside=()),
    "trips": lambda: trips.measure(samples=10, repetitions=1),
    "http": lambda: over_http.measure(requests=64, samples=5, repetitions=1),
    "spin": lambda: spin.measure(jobs=8, repetitions=1),
    "memory": lambda: memory.measure(tasks=200, repetitions=1),
    "bytes": lambda: bytes_held.measure(count=1000, repetitions=1),
    "recovery": lambda: recovery.measure(repetitions=1),
    "crash": lambda: crash.measure(repetitions=1, jobs=40, job_s=0.3, sent=200),
}


def test_every_benchmark_is_tried() -> None:
    assert list(TINY) == list(BENCHMARKS)


@pytest.mark.parametrize("name", TINY)
def test_a_benchmark_gives_figures(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table = TINY[name]()
    table.print()
    printed = capsys.readouterr().out
    saved = msgspec.json.decode(table.save(tmp_path).read_bytes(), type=Table)
    assert saved == table
    assert table.name == name
    assert table.versions
    assert {row.what for row in table.rows} >= {"machine loop"}
    for row in table.rows:
        assert len(row.values) == 1
        assert row.values[0] > 0, row
        assert row.what in printed


def test_all_processes_of_a_stage_end_with_it() -> None:
    with stage(2) as s:
        pids = [s.pid, *tree(s.consumer)]
        assert len(pids) == 4
    assert not [pid for pid in pids if Path(f"/proc/{pid}").exists()]


def test_cpu_is_counted_by_process() -> None:
    meter = Meter({"nobody": [], "init": [1]})
    before = cpu_s(1)
    run = meter.read(1000)
    assert run.cpu["nobody"] == 0
    assert 0 <= run.cpu["init"] <= cpu_s(1) - before + 1
    assert run.per_s > 0


def test_a_percentile_is_one_of_the_values() -> None:
    assert percentile([3.0, 1.0, 2.0], 0.5) == 2.0
    assert percentile(list(range(100)), 0.99) == 99


def test_a_ratio_is_taken_turn_by_turn() -> None:
    table = Table("t", "title", {})
    for ours, other in ((10.0, 5.0), (30.0, 10.0)):
        table.add("ours", "x", ours)
        table.add("other", "x", other)
    table.ratio("ours", "other", "x")
    assert table.rows[-1].values == [2.0, 3.0]


def test_an_unknown_benchmark_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["spinn"]) == 2
    assert "No such benchmark: spinn" in capsys.readouterr().err


def test_what_the_peers_are_called_is_what_their_locks_hold() -> None:
    python = (ROOT / "requirements" / "bench.txt").read_text()
    node = json.loads((ROOT / "bench" / "peers" / "bullmq" / "package-lock.json").read_text())["packages"]
    assert f"dramatiq=={peers.DRAMATIQ.version.split()[0]} " in python
    assert node["node_modules/bullmq"]["version"] == peers.BULLMQ.version.split()[0]
    assert not [name for name, package in node.items() if "resolved" in package], "a lock names a registry"
    assert all(package["integrity"] for name, package in node.items() if name)
    assert not re.search(r"https?://", python)
