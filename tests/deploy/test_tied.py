"""No program outlives its supervisord: killed as hard as can be, it leaves nothing behind that runs."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from deploy import checks, processes
from deploy.stack import MARK, ROOT, Stack
from deploy.tell import Problem
from tests.deploy.whole import SEED, Whole, until

GRACE_S = 2
KINDS = "tests.kinds.sleep,tests.consumer.kinds.act"
TIED = [sys.executable, "-I", "-S", str(ROOT / "deploy" / "tied.py")]


@pytest.fixture
def whole(tmp_path: Path) -> Iterator[Whole]:
    whole = Whole(tmp_path, GRACE_S=GRACE_S, STOP_LIMIT_S=GRACE_S + 4, LEASE_S=2, KINDS=KINDS)
    yield whole
    if whole.processes():
        whole.deploy("down")
    assert whole.processes() == []


def test_a_killed_supervisord_takes_everything_with_it_and_the_next_start_goes_on(whole: Whole, hold: Path) -> None:
    """B52: jobs run when supervisord is killed, and no process is left after the grace. The store goes at the same
    moment, so the consumer cannot say goodbye; the lease brings its jobs back."""
    whole.up()
    long = {"kind": "act", "data": {"hold": str(hold)}}
    ids = [whole.ask("POST", "/tasks", long).json["task_id"] for _ in range(2)]
    until(lambda: all_in_state(whole, ids, "running"))

    whole.kill_supervisord()
    killed = time.monotonic()
    until(lambda: not whole.processes())
    took_s = time.monotonic() - killed
    assert GRACE_S - 1 < took_s < 30, "the consumer lets its jobs run for its grace, and not to their end"
    assert not (whole.var / "nginx" / "nginx.pid").exists(), "nginx, too, was asked, not killed"
    said = whole.deploy("down")
    assert (said.returncode, said.stdout) == (0, "Headrace is not running here: nothing to stop.\n")

    hold.unlink()
    whole.up()
    until(lambda: all_in_state(whole, ids, "succeeded"))
    all_stop_it_at_once(whole)
    stops_are_told(whole)


def all_stop_it_at_once(whole: Whole) -> None:
    """While a job still runs: whoever is not the first waits for the same stop."""
    held = whole.ask("POST", "/tasks", {"kind": "sleep", "data": {"seconds": 30}}).json["task_id"]
    until(lambda: all_in_state(whole, [held], "running"))
    with ThreadPoolExecutor(3) as three:
        ended = [*three.map(whole.deploy, ["down"] * 3)]
    assert [(each.returncode, each.stderr) for each in ended] == [(0, "")] * 3
    assert whole.processes() == []


def all_in_state(whole: Whole, ids: list[str], state: str) -> bool:
    return all(whole.ask("GET", f"/tasks/{id}").json["state"] == state for id in ids)


def stops_are_told(whole: Whole) -> None:
    """supervisor.jsonl names the stop of each program, in the order from the outside in."""
    lines = whole.lines("supervisor")
    programs = {line["program"] for line in lines if line["event"] == "program.running"} - {"watch"}
    stopped = [line["program"] for line in lines if line["event"] == "program.stopped"]
    assert sorted(stopped) == sorted(programs)
    assert [name.partition("-")[0] for name in stopped] == [
        *("nginx", "gateway", "gateway", "consumer", "webhooks", "audit", "sync", "store"),
    ]


def test_up_while_they_still_end_waits_for_them(whole: Whole) -> None:
    """A person starts again at once, while a consumer still lets its job finish."""
    whole.up()
    whole.ask("POST", "/tasks", {"kind": "sleep", "data": {"seconds": 30}})
    until(lambda: whole.ask("GET", "/tasks?state=running").json["tasks"])
    whole.kill_supervisord()
    said = whole.up()
    assert "of an earlier start are ending" in said
    assert whole.ask("POST", "/tasks", SEED, Prefer="wait=50").status == 200
    whole.down()


# ── one program ──


def tied(folder: Path, parent: int, *command: str) -> list[str]:
    pidfile = folder / "pid"
    pidfile.write_text(f"{parent}\n")
    return [*TIED, str(pidfile), "TERM", *command]


PROGRAM = """
import pathlib, signal, sys, time
def asked(*_):
    pathlib.Path(sys.argv[1]).touch()
    sys.exit(7)
signal.signal(signal.SIGTERM, asked)
print("on", flush=True)
time.sleep(60)
"""
PARENT = """
import os, pathlib, subprocess, sys, time
pathlib.Path(sys.argv[1]).write_text(str(os.getpid()))
subprocess.Popen(sys.argv[2:])
time.sleep(60)
"""


def test_it_is_the_program_with_its_pid_signals_and_exit_code(tmp_path: Path) -> None:
    """B50: nothing stands between who stops and the program: no shell, no second process."""
    command = tied(tmp_path, os.getpid(), sys.executable, "-c", PROGRAM, str(tmp_path / "asked"))
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout
        assert process.stdout.readline() == b"on\n"
        assert Path(f"/proc/{process.pid}/cmdline").read_bytes().split(b"\0")[1] == b"-c"
        process.terminate()
        assert process.wait(60) == 7


def test_it_ends_with_its_parent(tmp_path: Path) -> None:
    """The wish outlives the exec; the signal is a polite one."""
    program = tied(tmp_path, 0, sys.executable, "-c", PROGRAM, str(tmp_path / "asked"))
    command = [sys.executable, "-c", PARENT, str(tmp_path / "pid"), *program]
    with subprocess.Popen(command, stdout=subprocess.PIPE, env={MARK: str(tmp_path)}) as parent:
        assert parent.stdout
        assert parent.stdout.readline() == b"on\n"
        parent.kill()
    until(lambda: not processes.ours(tmp_path))
    assert (tmp_path / "asked").exists()


def test_without_a_supervisord_it_does_not_start(tmp_path: Path) -> None:
    """It went in the moment between the fork and the wish."""
    command = tied(tmp_path, 1, "touch", str(tmp_path / "started"))
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == 1
    assert "its supervisord is gone" in ended.stderr
    assert not (tmp_path / "started").exists()


def test_what_is_left_behind_all_the_same_is_named(make_stack: Callable[..., Stack]) -> None:
    """As where there is no such signal."""
    stack = make_stack()
    left = subprocess.Popen(["sleep", "60"], env={MARK: str(stack.var)})
    try:
        with pytest.raises(Problem, match=f"Their supervisord is gone; their pids: {left.pid}"):
            checks.nothing_left(stack)
    finally:
        left.send_signal(signal.SIGKILL)
        left.wait()
    checks.nothing_left(stack)
