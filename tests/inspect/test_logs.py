"""docs/logs.md on the logs of a real run of everything: its ten lines answer rightly, and no field or event is missing.

One `up` in a folder of its own: tasks that go well, are refused, break, die and are buried, requests that are wrong, a
consumer that is killed; then `down`.
"""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from deploy.ask import Answer, ask
from deploy.stack import ROOT
from pipeline.log import Line
from tests.deploy.ports import free_run

PAGE = (ROOT / "docs" / "logs.md").read_text()
REQUEST = "story-of-one-request"
KINDS = "tests.kinds.crash,tests.kinds.noop,tests.kinds.refuse"
Lines = list[dict[str, Any]]


class Run:
    """Everything, started in `folder`/var; `lines` is what it logged."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_run(5)
        self.tasks: dict[str, str] = {}
        settings = {
            "CONSUMERS": 2,
            "GATEWAYS": 2,
            "CHILDREN": 2,
            "KINDS": KINDS,
            "LOG_LEVEL": "info",
            "VAR": folder / "var",
        }
        ports = {"HTTP_PORT": self.port, "GATEWAY_PORT": self.port + 1, "STORE_PORT": self.port + 3}
        ports["DASHBOARD_PORT"] = self.port + 4
        settings |= ports | {"RETRY_PAUSE_S": 0.05, "REDIS_URL": ""}
        plain = {name: value for name, value in os.environ.items() if not name.startswith("HEADRACE_")}
        self.environ = plain | {f"HEADRACE_{name}": str(value) for name, value in settings.items()}

    def deploy(self, command: str) -> None:
        words = [sys.executable, "-m", "deploy", command]
        ended = subprocess.run(
            words, cwd=ROOT, env=self.environ, capture_output=True, text=True, timeout=120, check=False
        )
        assert ended.returncode == 0, ended.stdout + ended.stderr

    def post(self, name: str, kind: str, headers: dict[str, str] | None = None, **data: Any) -> Answer:
        """Submit, and wait for the end."""
        answer = ask(
            self.port, "POST", "/tasks", {"kind": kind, "data": data}, {"Prefer": "wait=20"} | (headers or {}), 30
        )
        if answer.ok:
            self.tasks[name] = answer.json["task_id"]
        return answer

    def lines(self, pattern: str = "*") -> Lines:
        """Every line is a JSON object."""
        files = sorted((self.folder / "var" / "log").glob(f"{pattern}.jsonl"))
        return [json.loads(line) for file in files for line in file.read_text().splitlines()]

    def until(self, there: Callable[[], Any]) -> Any:
        deadline = time.monotonic() + 20
        while not (found := there()):
            assert time.monotonic() < deadline
            time.sleep(0.02)
        return found

    def answer(self, question: str) -> Lines:
        """What the page's line for this question says of this run, through a shell."""
        (typed,) = re.findall(rf"^{re.escape(question)}.*\n\n    (.+)$", PAGE, re.MULTILINE)
        environ = os.environ | {"TASK": self.tasks["many"], "REQUEST": REQUEST}
        heard = subprocess.run(
            ["sh", "-c", typed], cwd=self.folder, env=environ, capture_output=True, text=True, check=True
        )
        assert heard.stderr == ""
        return [json.loads(line) for line in heard.stdout.splitlines()]


def tell_story(run: Run) -> None:
    """What is to be found in the logs afterwards."""
    assert run.post("many", "noop", {"X-Request-ID": REQUEST}, parts=5).status == 200
    for number in range(6):
        assert run.post(f"interest {number}", "compound_interest", amount=1000 + number, rate=0.05).status == 200
    run.post("refused", "refuse", code="not_today")
    run.post("broke", "refuse", bug=True)
    mark = str(run.folder / "mark")
    assert run.post("once more", "crash", leave=mark, unless_exists=mark).json["state"] == "succeeded"
    assert run.post("buried", "crash").json["state"] == "failed"
    for _ in range(2):
        assert run.post("", "no_such_kind").status == 422
    assert ask(run.port, "POST", "/tasks", {"data": {"amount": 1, "rate": 0}, "prio": "high"}).status == 422
    assert ask(run.port, "GET", "/nothing").status == 404
    later = ask(run.port, "POST", "/tasks", {"data": {"amount": 1, "rate": 0}, "delay_s": 600})
    run.tasks["cancelled"] = later.json["task_id"]
    assert ask(run.port, "POST", f"/tasks/{run.tasks['cancelled']}/cancel").status == 200
    (victim,) = {line["pid"] for line in run.lines("consumer-2") if line["event"] == "consumer.started"}
    os.kill(victim, signal.SIGKILL)
    run.until(lambda: [line for line in run.lines("consumer-2") if line["event"] == "store.back"][1:])
    run.until(lambda: [line for line in run.lines("supervisor") if line["event"] == "program.exited"])


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    assert shutil.which("jq"), "the lines of docs/logs.md need jq:  apt-get install jq"
    run = Run(tmp_path_factory.mktemp("logs"))
    run.deploy("up")
    try:
        tell_story(run)
    finally:
        run.deploy("down")
    return run


def jobs(run: Run) -> Lines:
    return [line for line in run.lines("consumer-*") if "job" in line]


# ── the ten questions ──


def test_the_story_of_a_task(run: Run) -> None:
    told = run.answer("What is the whole story of a task?")
    assert [line["ts"] for line in told] == sorted(line["ts"] for line in told)
    assert Counter(line["event"] for line in told) == {"task.submitted": 1, "job.done": 6}, "five parts and a fold"
    assert {line["step"] for line in told if "step" in line} == {"part", "fold"}
    assert {line["task_id"] for line in told} == {run.tasks["many"]}


def test_what_became_of_a_request(run: Run) -> None:
    told = run.answer("What became of a request")
    assert {line["service"] for line in told} == {"nginx", "gateway", "consumer"}
    assert {line["task_id"] for line in told if "task_id" in line} == {run.tasks["many"]}


def test_how_long_jobs_wait_and_run(run: Run) -> None:
    told = {line["kind"]: line for line in run.answer("How long do jobs of each kind wait and run")}
    done = [line for line in jobs(run) if line["event"] == "job.done"]
    assert {kind: line["jobs"] for kind, line in told.items()} == Counter(line["kind"] for line in done)
    ran = sorted(line["ran_ms"] for line in done if line["kind"] == "noop")
    waited = sorted(line["waited_ms"] for line in done if line["kind"] == "noop")
    assert told["noop"] == {"kind": "noop", "jobs": 6, "p50_ms": ran[3], "p95_ms": ran[5], "waited_p95_ms": waited[5]}


def test_which_tasks_failed_and_why(run: Run) -> None:
    told = run.answer("Which tasks failed, and why?")
    assert {(line["task_id"], line["error_code"], line["attempt"]) for line in told} == {
        (run.tasks["refused"], "not_today", 1),
        (run.tasks["broke"], "internal_error", 1),
        (run.tasks["buried"], "child_died", 3),
    }


def test_what_each_child_did(run: Run) -> None:
    told = run.answer("How many jobs did each child do")
    counted = Counter((line["consumer"], line["child"]) for line in jobs(run))
    assert {(line["consumer"], line["child"]): line["jobs"] for line in told} == counted
    assert sum(line["busy_s"] for line in told) == pytest.approx(sum(line["ran_ms"] for line in jobs(run)) / 1000)


def test_which_jobs_were_started_more_than_once(run: Run) -> None:
    told = run.answer("Which jobs were started more than once?")
    assert Counter((line["task_id"], line["attempt"], line["outcome"]) for line in told) == {
        (run.tasks["once more"], 2, "done"): 1,
        (run.tasks["buried"], 2, "died"): 1,
        (run.tasks["buried"], 3, "buried"): 1,
    }


def test_who_submits_how_much(run: Run) -> None:
    told = {line["kind"]: line for line in run.answer("Who submits how much?")}
    submitted = [line for line in run.lines("gateway-*") if line["event"] == "task.submitted"]
    assert {kind: line["tasks"] for kind, line in told.items()} == Counter(line["kind"] for line in submitted)
    assert (told["noop"]["parts"], told["crash"]["tasks"]) == (5, 2)
    assert sum(line["input_bytes"] for line in told.values()) == sum(line["input_bytes"] for line in submitted)


def test_what_callers_get_wrong(run: Run) -> None:
    told = {(line["status"], line["code"]): line["times"] for line in run.answer("What do callers get wrong?")}
    assert told[422, "unknown_kind"] == 2
    assert told[422, "invalid_request"] == 1
    assert told[404, "no_such_path"] == 1
    rejected = [line for line in run.lines("gateway-*") if line["event"] == "request.rejected"]
    assert sum(told.values()) == len(rejected)


def test_which_requests_were_the_slowest(run: Run) -> None:
    told = run.answer("Which requests were the slowest?")
    longest = sorted((line["duration_s"] for line in run.lines("nginx")), reverse=True)
    assert [line["duration_s"] for line in told] == longest[:5]
    assert told[0]["path"] == "/tasks"


def test_which_processes_went_down(run: Run) -> None:
    (told,) = run.answer("Which processes went down by themselves")
    assert (told["level"], told["program"]) == ("warning", "consumer-2")


# ── the contract ──


def named(heading: str) -> tuple[set[str], set[str]]:
    """Events and fields that a section names: what stands in its tables in code type."""
    section = re.split(r"^#+ ", PAGE.split(f"### {heading}\n")[1], maxsplit=1, flags=re.MULTILINE)[0]
    words = set(re.findall(r"`([a-z0-9_.]+)`", section))
    return {word for word in words if "." in word or word == "http"}, {word for word in words if "." not in word}


EVERYWHERE = named("In every line")[1]
# Service → its sections.
SECTIONS = {
    "consumer": ("Consumer: the line of a job", "Consumer: everything else"),
    "gateway": ("Gateway",),
    "nginx": ("nginx",),
    "supervisor": ("supervisor",),
}


@pytest.mark.parametrize("service", SECTIONS)
def test_every_event_and_field_stands_on_the_page(run: Run, service: str) -> None:
    """B71: every line of every process is one JSON object (`lines` reads them) with time, level, event and service."""
    events, fields = set[str](), set(EVERYWHERE)
    for section in SECTIONS[service]:
        more_events, more_fields = named(section)
        events |= more_events
        fields |= more_fields
    seen = [line for line in run.lines() if line["service"] == service]
    assert seen
    for line in seen:
        assert line["event"] in events, line
        assert set(line) <= fields, (set(line) - fields, line)
        assert list(line)[:4] == ["ts", "level", "event", "service"]
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", line["ts"])
        assert line["level"] in ("debug", "info", "warning", "error")


def test_the_line_of_a_job_has_every_field_of_the_page(run: Run) -> None:
    _, fields = named("Consumer: the line of a job")
    outcomes = {
        "done",
        "refused",
        "broke",
        "died",
        "timed_out",
        "memory_limit",
        "released",
        "lost",
        "buried",
        "unknown",
    }
    others = {"info", "warning", "error", "whole", "part", "fold", "result", "x"}
    written = set(Line.__struct_fields__)
    assert fields - outcomes - others <= written <= fields | EVERYWHERE
    assert {line["outcome"] for line in jobs(run)} == {"done", "refused", "broke", "died", "buried"}


@pytest.mark.parametrize("room", ["consumer", "gateway"])
def test_every_event_of_the_code_stands_on_the_page(room: str) -> None:
    """Also those that a short run does not bring about."""
    written = re.compile(r'\.(?:debug|info|warning|error|exception|write)\(\s*"([a-z_.]+)"|"(job\.[a-z_]+)"')
    events = {
        found for path in (ROOT / room).rglob("*.py") for pair in written.findall(path.read_text()) for found in pair
    }
    page = {event for section in SECTIONS[room] for event in named(section)[0]}
    assert events - {""} <= page


def test_no_line_holds_what_a_client_sent(run: Run) -> None:
    """Amounts of the tasks of this run are nowhere in the logs."""
    texts = [path.read_text() for path in (run.folder / "var" / "log").iterdir()]
    assert not [text for text in texts for number in range(6) if f'"amount":{1000 + number}' in text]
    assert not [text for text in texts if "total" in text]
