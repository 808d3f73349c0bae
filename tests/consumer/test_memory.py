"""The memory limit of a child: what is over it takes nothing but itself down, in whatever way it came to that."""

import resource
import subprocess
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import pytest

from calc import KINDS
from consumer import memory
from consumer.memory import MB, Allowance, cgroup_limits, limit_bytes, machine_bytes
from pipeline import verbs
from pipeline.errors import SettingsError
from pipeline.settings import Settings
from tests.consumer.house import House, until
from tests.faults.settle import submit_all

GREEDY: dict[str, dict[str, Any]] = {
    "objects": {"megabytes": 400},
    "grows slowly": {"megabytes": 300, "how": "slowly", "seconds": 2.0},
    "7 TiB at once": {"megabytes": 7_700_000, "how": "array"},
    "an error of a library": {"megabytes": 400, "how": "wrapped"},
    "shared memory": {"megabytes": 160, "how": "shared", "seconds": 20.0},
    "a mapping": {"megabytes": 400, "how": "mapping"},
    "in the fold": {"megabytes": 400, "where": "reduce", "parts": 2},
    "while encoding": {"megabytes": 70, "how": "text", "parts": 2},
    "while decoding": {"megabytes": 1, "numbers": [1] * 4_000_000},
}


def test_whatever_is_over_the_limit_ends_with_that_cause(house: House) -> None:
    """Each way of wanting too much, in one consumer; beside them one task that does not."""
    consumer = house.consumer(children=4, memory_limit_mb=100, max_attempts=1).ready()
    tasks = {name: house.submit("hog", **data) for name, data in GREEDY.items() if name != "while decoding"}
    modest = house.submit("hog", megabytes=80, seconds=1.0)
    for name, id in tasks.items():
        task = house.finished(id)
        assert (task.state, (task.error or {}).get("code")) == ("failed", "memory_limit"), (name, task.error)
        assert "HEADRACE_MEMORY_LIMIT_MB" in str(task.error)
        assert "the limit is 100 MB" in str(task.error)
    assert house.finished(modest).attempts == 1
    lines = until(partial(consumer.lines, "job.memory_limit", len(tasks)))
    assert {(line["error_code"], line["outcome"]) for line in lines} == {("memory_limit", "buried")}
    killed = [line["killed_because"] for line in consumer.lines("child.died")]
    assert "memory" in killed  # what is shared is no data, so RLIMIT_DATA let it pass
    with house.server.client() as client:
        letters = [letter for _, letter in client.xrange(house.store.keys("dead"))]
    assert {msgspec.json.decode(letter["cause"])["code"] for letter in letters} == {"memory_limit"}
    house.at_rest()


def test_data_that_do_not_fit_end_their_child_while_it_decodes(house: House) -> None:
    house.consumer(children=1, memory_limit_mb=memory.LEAST_MB, max_attempts=1).ready()
    task = house.finished(house.submit("hog", **GREEDY["while decoding"]))
    assert task.error is not None
    assert task.error["code"] == "memory_limit"
    assert house.finished(house.submit("hog", megabytes=1)).state == "succeeded"


def test_hogs_do_not_harm_those_beside_them(house: House, hold: Path) -> None:
    """B13: four hogs at once among a hundred good tasks and two long ones: three attempts each, a letter with the
    cause; the good ones are not tried twice and hardly wait longer, and the parent is the same."""
    consumer = house.consumer(children=6, memory_limit_mb=100).ready()
    good = [house.new_task("act", do="sleep", seconds=0.02) for _ in range(100)]
    submit_all(house, good)
    calm = slowest(house, [task.id for task in good])
    siblings = [house.submit(hold=str(hold)) for _ in range(2)]
    house.running(*siblings)
    hogs = [house.new_task("hog", megabytes=400) for _ in range(4)]
    good = [house.new_task("act", do="sleep", seconds=0.02) for _ in range(100)]
    submit_all(house, [*hogs, *good])
    disturbed = slowest(house, [task.id for task in good])
    for hog in hogs:
        task = house.finished(hog.id)
        assert task.error is not None
        assert (task.state, task.attempts, task.error["code"]) == ("failed", 3, "memory_limit")
    hold.unlink()
    for id in [*siblings, *(task.id for task in good)]:
        task = house.finished(id)
        assert (task.state, task.attempts, task.interruptions) == ("succeeded", 1, 0)
    assert disturbed < 5 * calm + 10_000  # two children fewer, four that are forked anew, and a busy machine
    with house.server.client() as client:
        letters = [letter for _, letter in client.xrange(house.store.keys("dead"))]
    assert {letter["task"] for letter in letters} == {hog.id for hog in hogs}
    assert {(letter["attempts"], letter["consumer"]) for letter in letters} == {("3", consumer.name)}
    assert house.ask(verbs.data(hogs[0].id)) == hogs[0].data
    assert consumer.process.poll() is None
    house.at_rest()


def slowest(house: House, ids: list[str]) -> float:
    """How long the slowest twentieth of these took, in ms, when all have ended."""
    took = []
    for id in ids:
        task = house.finished(id)
        took.append((task.finished_at or 0) - task.submitted_at)
    return float(sorted(took)[-len(took) // 20])


def test_just_under_the_limit_a_child_goes_on(house: House) -> None:
    """Its first job after the fork as well as the next: what one has given back, the next one may have."""
    consumer = house.consumer(children=1, memory_limit_mb=100).ready()
    [child] = until(consumer.children)
    for how in ("array", "pages", "shared"):
        task = house.finished(house.submit("hog", megabytes=90, how=how, seconds=0.5))
        assert (task.state, task.attempts) == ("succeeded", 1)
    assert consumer.children() == [child]


def test_a_leak_from_job_to_job_costs_one_attempt_now_and_then(house: House) -> None:
    consumer = house.consumer(children=1, memory_limit_mb=100).ready()
    tasks = [house.finished(house.submit("hog", megabytes=30, how="leak")) for _ in range(8)]
    assert {task.state for task in tasks} == {"succeeded"}
    assert {task.attempts for task in tasks} == {1, 2}
    assert len(consumer.lines("job.memory_limit")) == 2
    house.at_rest()


def test_the_kernel_would_take_a_child_first_and_no_child_can_raise_its_limit(house: House) -> None:
    consumer = house.consumer(children=2, memory_limit_mb=100).ready()
    own = int(Path(f"/proc/{consumer.pid}/oom_score_adj").read_text())
    for pid in consumer.children():
        assert int(Path(f"/proc/{pid}/oom_score_adj").read_text()) == 1000 > own
        soft, hard = resource.prlimit(pid, resource.RLIMIT_DATA)
        assert 100 * MB < soft == hard < 600 * MB
    [line] = consumer.lines("consumer.started")
    assert line["memory_limit_mb"] == 100


def test_a_limit_that_is_too_small_stops_the_start(house: House) -> None:
    consumer = house.consumer(memory_limit_mb=memory.LEAST_MB - 1)
    assert consumer.process.wait(60) == 2
    [line] = consumer.lines("consumer.not_started")
    assert line["reason"] == "HEADRACE_MEMORY_LIMIT_MB=31 is too little: a child needs 32 MB to work at all"


def test_the_least_limit_is_enough_for_the_example_of_every_kind(house: House) -> None:
    house.consumer(children=2, memory_limit_mb=memory.LEAST_MB, warm="all").ready()
    ids = {name: house.submit(name, **kind.EXAMPLE) for name, kind in KINDS.items()}
    assert {name: house.finished(id).state for name, id in ids.items()} == dict.fromkeys(ids, "succeeded")


def test_without_a_setting_all_children_here_share_most_of_the_memory() -> None:
    whole = machine_bytes()
    assert limit_bytes(Settings(children=4)) == int(0.8 * whole / 4)
    assert limit_bytes(Settings(children=4, consumers_here=3)) == int(0.8 * whole / 12)
    assert limit_bytes(Settings(children=4, memory_limit_mb=123)) == 123 * MB
    with pytest.raises(SettingsError, match="HEADRACE_CONSUMERS_HERE=1000000 × HEADRACE_CHILDREN=64"):
        limit_bytes(Settings(children=64, consumers_here=1_000_000))


def test_the_smallest_cgroup_around_us_counts(tmp_path: Path) -> None:
    """Both versions; limits further up the path count too, and a path of which only the root is there."""

    def write(path: str, text: str) -> None:
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)

    write("a/memory.max", "3000\n")
    write("a/b/memory.max", "max\n")
    assert cgroup_limits("0::/a/b\n", tmp_path) == [3000]
    write("memory/memory.limit_in_bytes", "9223372036854771712\n")
    write("memory/c/memory.limit_in_bytes", "5000\n")
    one = "9:name=systemd:/\n4:cpu,memory:/c/d\n1:cpu:/\n"
    assert cgroup_limits(one, tmp_path) == [5000, 9223372036854771712]
    assert cgroup_limits("4:memory:/of/the/host\n", tmp_path) == [9223372036854771712]
    assert cgroup_limits("0::/\n", tmp_path) == []


def test_a_dead_child_is_not_over_its_limit() -> None:
    process = subprocess.Popen(["true"])
    until(lambda: Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z")
    assert not Allowance(process.pid, MB).over()
    process.wait()
