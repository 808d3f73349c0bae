"""A run of everything, to look at its logs: tasks of two owners that go well, are refused, break, die and are buried, a
batch, a rerun, what people do, requests that are wrong, a consumer that is killed; then `down`.

What is to be found in the logs is noted by the client that caused it, from what the API answered.
"""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from deploy.ask import Answer, ask
from deploy.stack import ROOT
from pipeline import verbs
from pipeline.settings import Settings
from pipeline.store import Store
from pipeline.verbs import Call
from tests.deploy.ports import free_run
from tests.deploy.whole import START_LIMIT_S
from tests.inspect.prometheus import Measured

PAGE = (ROOT / "docs" / "logs.md").read_text()
REQUEST = "story-of-one-request"
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
KINDS = "tests.kinds.crash,tests.kinds.noop,tests.kinds.refuse,tests.consumer.kinds.act"
WAIT_S = 60
Lines = list[dict[str, Any]]
T = TypeVar("T")


class Run:
    """Everything, started in `folder`/var; `lines` is what it logged."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_run(5)
        self.tasks: dict[str, dict[str, Any]] = {}  # name → the task as the API told it at its end
        self.keys: dict[str, str] = {}
        self.batch = ""
        self.in_batch = self.cancelled = 0  # tasks of the batch; tasks that were cancelled
        self.measured: dict[str, Measured] = {}  # query → what Prometheus answered
        self.metrics: list[str] = []  # what each gateway told
        settings = {
            "CONSUMERS": 2,
            "GATEWAYS": 2,
            "CHILDREN": 2,
            "KINDS": KINDS,
            "LOG_LEVEL": "info",
            "LEASE_S": 3,
            "START_LIMIT_S": START_LIMIT_S,
            "VAR": folder / "var",
        }
        ports = {"HTTP_PORT": self.port, "GATEWAY_PORT": self.port + 1, "STORE_PORT": self.port + 3}
        ports["DASHBOARD_PORT"] = self.port + 4
        settings |= ports | {"RETRY_PAUSE_S": 0.05, "REDIS_URL": ""}
        plain = {name: value for name, value in os.environ.items() if not name.startswith("HEADRACE_")}
        self.environ = plain | {f"HEADRACE_{name}": str(value) for name, value in settings.items()}

    def deploy(self, *words: str) -> str:
        """A command of ours; what it prints."""
        command = [sys.executable, "-m", *words]
        ended = subprocess.run(
            command, cwd=ROOT, env=self.environ, capture_output=True, text=True, timeout=2 * START_LIMIT_S, check=False
        )
        assert ended.returncode == 0, ended.stdout + ended.stderr
        return ended.stdout

    # ── asking ──

    def ask(self, method: str, path: str, body: Any = None, who: str = "ann", **headers: str) -> Answer:
        """A request of somebody who has a key."""
        told = {"X-API-Key": self.keys[who]} | {name.replace("_", "-"): value for name, value in headers.items()}
        return ask(self.port, method, path, body, told, 1.5 * WAIT_S)

    def post(
        self, name: str, kind: str, who: str = "ann", headers: dict[str, str] | None = None, **data: Any
    ) -> Answer:
        """Submit, and wait for the end."""
        body = {"kind": kind, "data": data}
        answer = self.ask("POST", "/tasks", body, who, **{"Prefer": f"wait={WAIT_S}"} | (headers or {}))
        if answer.ok:
            self.tasks[name] = answer.json
        return answer

    def id(self, name: str) -> str:
        """The id of a task by its name here."""
        return str(self.tasks[name]["task_id"])

    # ── looking ──

    def lines(self, pattern: str = "log/*") -> Lines:
        """Every line is a JSON object."""
        files = sorted((self.folder / "var").glob(f"{pattern}.jsonl"))
        return [json.loads(line) for file in files for line in file.read_text().rpartition("\n")[0].splitlines()]

    def holder(self, id: str) -> str:
        """Who took the task; "" for nobody yet."""
        task = self._store(verbs.task(id))
        return task.consumer if task else ""

    def jobs_beaten(self) -> int:
        """How many jobs the consumers have told of in their heartbeats."""
        return sum(int(row[2]) for beat in self._store(verbs.fleet()) for row in beat.figures.jobs)

    def _store(self, call: Call[T]) -> T:
        store = Store(Settings(redis_url=f"redis://127.0.0.1:{self.port + 3}/0"))
        try:
            return store.do(call)
        finally:
            store.close()

    def told_by_gateway(self, number: int) -> str:
        """What a gateway tells Prometheus. Through nginx nobody is told."""
        assert ask(self.port, "GET", "/metrics").status == 404
        return ask(self.port + 1 + number, "GET", "/metrics").text

    def until(self, there: Callable[[], Any]) -> Any:
        """What is there after a while."""
        deadline = time.monotonic() + 90
        while not (found := there()):
            assert time.monotonic() < deadline
            time.sleep(0.02)
        return found


def tell_story(run: Run) -> None:
    """What is to be found in the logs afterwards."""
    for who, role in (("ann", "submitter"), ("bob", "admin")):
        owner = who if role == "submitter" else "*"
        run.keys[who] = run.deploy("deploy.keys", "make", role, owner).strip()
    names = {"X-Request-ID": REQUEST, "traceparent": f"00-{TRACE}-00f067aa0ba902b7-01"}
    assert run.post("many", "noop", headers=names, parts=5).status == 200
    for number in range(6):
        assert run.post(f"interest {number}", "compound_interest", "bob", amount=1000 + number, rate=0.05).status == 200
    assert run.post("the same", "compound_interest", amount=1000, rate=0.05).status == 200
    again = run.ask("POST", f"/tasks/{run.id('interest 1')}/rerun", None, "bob", Prefer=f"wait={WAIT_S}")
    run.tasks["rerun"] = again.json
    run.post("refused", "refuse", code="not_today")
    run.post("broke", "refuse", bug=True)
    mark = str(run.folder / "mark")
    assert run.post("once more", "crash", leave=mark, unless_exists=mark).json["state"] == "succeeded"
    assert run.post("buried", "crash").json["state"] == "failed"
    for _ in range(2):
        assert run.post("", "no_such_kind").status == 422
    assert run.ask("POST", "/tasks", {"data": {"amount": 1, "rate": 0}, "prio": "high"}).status == 422
    assert run.ask("GET", "/nothing").status in (403, 404)
    _batch(run)
    _people(run)
    _one_consumer_goes(run)


def _batch(run: Run) -> None:
    tasks = [{"kind": "compound_interest", "data": {"amount": 5000 + n, "rate": 0.01}} for n in range(4)]
    run.batch = run.ask("POST", "/tasks/batch", tasks, "bob").json["batch_id"]
    run.in_batch = len(tasks)
    run.until(lambda: run.ask("GET", f"/batches/{run.batch}", who="bob").json["states"]["succeeded"] == len(tasks))


def _people(run: Run) -> None:
    for name in ("cancelled", "waits"):
        later = run.ask("POST", "/tasks", {"data": {"amount": 1, "rate": 0}, "delay_s": 600})
        run.tasks[name] = later.json
    assert run.ask("POST", f"/tasks/{run.id('cancelled')}/cancel").status == 200
    run.cancelled = 1
    assert run.ask("POST", "/queues/low/pause", {"reason": "month end"}, "bob").status == 200
    assert run.ask("POST", "/queues/low/resume", None, "bob").status == 200
    assert run.ask("DELETE", f"/tasks/{run.id('cancelled')}", None, "bob").status == 204


def _one_consumer_goes(run: Run) -> None:
    """Killed with a job in its hands: another one takes that."""
    told = len([line for line in run.lines("log/consumer-*") if line["event"].startswith("job.")])
    run.until(lambda: run.jobs_beaten() == told)
    hold = run.folder / "hold"
    hold.touch()
    held = run.ask("POST", "/tasks", {"kind": "act", "data": {"hold": str(hold)}}).json
    name = run.until(lambda: run.holder(held["task_id"]))
    (pid,) = {line["pid"] for line in run.lines("log/consumer-*") if line["instance"] == name}
    os.kill(pid, signal.SIGKILL)
    hold.unlink()
    done = run.ask("GET", f"/tasks/{held['task_id']}?wait={WAIT_S}")
    assert done.json["state"] == "succeeded"
    run.tasks["taken over"] = done.json
    run.until(lambda: [line for line in run.lines("log/supervisor") if line["event"] == "program.exited"])
    run.until(lambda: [line for line in run.lines("log/consumer-*") if line["event"] == "consumer.started"][2:])
    run.until(lambda: [line for line in run.lines("log/consumer-*") if line["event"] == "store.back"][2:])


def typed(question: str) -> tuple[str, str]:
    """What the page says to type for a question: the line for jq, and the SQL."""
    ((jq, sql),) = re.findall(rf"^{re.escape(question)}.*\n\n    (.+)\n    make logs Q=\"(.+)\"$", PAGE, re.MULTILINE)
    return jq, sql
