"""Each benchmark runs with tiny numbers, every row has a figure a turn, and what it saves is what it printed."""

import importlib
import json
import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from bench import (
    backlog,
    behind,
    bytes_held,
    crash,
    crowded,
    fill,
    fleet,
    floor,
    kinds,
    listing,
    memory,
    over_http,
    parts,
    peers,
    recovery,
    screens,
    spin,
    submitting,
    tabs,
    throughput,
    trips,
    up,
)
from bench.__main__ import BENCHMARKS, LARGEST, LONG, chosen, main
from bench.anchors import contest
from bench.measure import Meter, Run, cpu_s, percentile, tree
from bench.stage import stage, store
from bench.table import Table
from calc import KINDS
from deploy.stack import ROOT
from pipeline import verbs
from pipeline.keys import PRIORITIES

TINY: dict[str, Callable[[], Table]] = {
    "throughput": lambda: throughput.measure(tasks=400, repetitions=1, beside=()),
    "trips": lambda: trips.measure(samples=10, repetitions=1),
    "floor": lambda: floor.measure(tasks=400, samples=5, repetitions=1),
    "submit": lambda: submitting.measure(single=50, batched=400, repetitions=1),
    "http": lambda: over_http.measure(requests=64, samples=5, repetitions=1),
    "crowded": lambda: crowded.measure(samples=5, repetitions=1),
    "spin": lambda: spin.measure(jobs=8, repetitions=1),
    "parts": lambda: parts.measure(parts=8, repetitions=1),
    "backlog": lambda: backlog.measure(waiting=(0, 600), tasks=200, repetitions=1),
    "listing": lambda: listing.measure(finished=(1_000, 1_200), samples=5, repetitions=1),
    "screens": lambda: screens.measure(finished=600, samples=3, repetitions=1),
    "tabs": lambda: tabs.measure(tasks=300, pairs=1, quiet_s=1.5),
    "up": lambda: up.measure(repetitions=1),
    "fleet": lambda: fleet.measure(tasks=400, repetitions=1),
    "memory": lambda: memory.measure(tasks=200, repetitions=1, copies=1),
    "bytes": lambda: bytes_held.measure(count=1000, repetitions=1),
    "recovery": lambda: recovery.measure(repetitions=1),
    "crash": lambda: crash.measure(repetitions=1, jobs=40, job_s=0.3, sent=200),
    "kinds": lambda: kinds.measure(("quotes", "lending"), repetitions=1, size=0.01),
    "behind": lambda: behind.measure(waiting=600, tasks=200, repetitions=1),
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
        # Only CPU may be none at all: of a consumer while tasks are looked at.
        assert row.values[0] > 0 or (row.unit.startswith(("CPU", "% of a core")) and row.values[0] == 0), row
        assert row.what in printed


def test_the_subset_leaves_the_long_ones_out() -> None:
    assert list(chosen([])) == [name for name in BENCHMARKS if name not in LONG]
    assert chosen(["crash", "backlog"]) == {name: BENCHMARKS[name] for name in ("crash", "backlog")}


def test_the_full_set_is_all_of_them_with_their_largest_numbers() -> None:
    assert chosen(["--full"]) == BENCHMARKS | LARGEST
    assert chosen(["--full", "listing"]) == {"listing": LARGEST["listing"]}
    assert {name for name in LARGEST if LARGEST[name] != BENCHMARKS[name]} == {"backlog", "listing", "behind"}


@pytest.mark.parametrize(
    ("store_s", "client_s", "said"),
    [
        (0.95, 0.4, "the store was the limit"),
        (0.4, 0.95, "the client was the limit"),
        (0.6, 0.5, "neither alone was the limit"),
    ],
)
def test_a_table_says_what_was_the_limit(store_s: float, client_s: float, said: str) -> None:
    table = Table("t", "title", {})
    run = Run(per_s=1000.0, cpu={"store": store_s, "parent": 0.2, "client": client_s})  # 1,000 tasks took a second
    table.add_busy("ours", run)
    table.note_limit("ours")
    [note] = table.notes
    assert said in note
    assert f"store {store_s:.0%}, client {client_s:.0%}" in note


def test_mixed_tasks_are_of_every_owner_priority_and_kind() -> None:
    with store() as bare:
        bare.store.do(verbs.ready())
        made = fill.mixed(bare, 600, owners=10, first=0, kinds=("noop", "spin"))
        assert Counter((task.owner, task.priority, task.kind) for task in made) == {
            (f"owner{n}", priority, kind): 10 for n in range(10) for priority in PRIORITIES for kind in ("noop", "spin")
        }
        in_steps = [
            task for at in range(0, 600, 70) for task in fill.mixed(bare, min(70, 600 - at), 10, at, ("noop", "spin"))
        ]
        same = ("owner", "priority", "kind")
        assert [[getattr(task, f) for f in same] for task in in_steps] == [
            [getattr(task, f) for f in same] for task in made
        ]


def test_a_goal_of_a_kind_is_met_or_missed() -> None:
    assert kinds.verdict("loan: xirr", 2.5, 2, "x less CPU") == "loan: xirr: 2.5 x less CPU, goal 2: met"
    assert kinds.verdict("loan: xirr", 1.99, 2, "x less CPU").endswith("goal 2: MISSED")


def test_every_contest_asks_what_its_kind_can_plan() -> None:
    """The contests of all families, without their fights: ours plans its data when it is made. Of two kinds no library
    does the same."""
    made = [
        each for family in kinds.FAMILIES for each in importlib.import_module(f"bench.anchors.{family}").contests(0.01)
    ]
    assert {each.kind for each in made} == set(KINDS) - {"compound_interest", "strategy_grid"}


def test_answers_that_do_not_agree_are_no_contest() -> None:
    def against(value: float) -> contest.Contest:
        ours, other = contest.Side(1.0, 5.0, 0.01), contest.Side(2.0, value, 0.02)
        return contest.Contest("kind", "what", "anchor", 1, lambda: ours, lambda: other)

    assert contest.fight(against(5.02)) == contest.Score(1.0, 8.0, 0.01)  # a quarter of the variance takes four times
    with pytest.raises(ValueError, match="anchor has"):
        contest.fight(against(5.2))


def test_all_processes_of_a_stage_end_with_it() -> None:
    with stage(2, consumers=2) as s:
        pids = [s.pid, *(pid for consumer in s.consumers for pid in tree(consumer))]
        assert len(pids) == 7
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
