"""Everything that `make up` starts, while parts of it are killed, started again and asked through nginx."""

import json
import os
import re
import signal
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from deploy import supervisord
from deploy.ask import Answer, ask
from pipeline.store import Store
from tests.deploy.whole import SEED, Whole, until

TASKS = 1_000
KINDS = "tests.kinds.noop,tests.kinds.crash"
SETTLED_S = 3.0  # after a kill: nginx leaves a gateway alone that refuses, and asks it again after three seconds


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Whole]:
    """Three gateways, one consumer with two children."""
    whole = Whole(tmp_path_factory.mktemp("whole"), GATEWAYS=3, KINDS=KINDS, LOG_LEVEL="debug", RETRY_PAUSE_S=0.05)
    try:
        whole.up()
        yield whole
    finally:
        whole.down()


def test_an_id_that_was_answered_is_known_to_every_gateway_at_once(whole: Whole) -> None:
    """B17: 1,000 tasks to an idle consumer, each looked at through another gateway the moment that its id is known.
    Never 404; nothing has ended that was not submitted; the consumer knows every task that it is given."""
    wrong: list[str] = []

    def story(number: int) -> str:
        first, second = whole.gateway_ports[number % 3], whole.gateway_ports[(number + 1) % 3]
        accepted = ask(first, "POST", "/tasks", {"kind": "noop", "data": {"value": number}}, limit_s=60)
        seen = ask(second, "GET", accepted.json["links"]["self"], limit_s=60)
        if seen.status != 200 or not seen.json["submitted_at"] or seen.json["submitted_at"] > ended(seen):
            wrong.append(f"{accepted.text} {seen.text}")
        return str(accepted.json["task_id"])

    with ThreadPoolExecutor(8) as crowd:
        ids = list(crowd.map(story, range(TASKS)))
    assert wrong == []
    assert len(set(ids)) == TASKS
    for id in ids[-20:]:
        assert whole.ask("GET", f"/tasks/{id}?wait=50").json["state"] == "succeeded"
    said = {line["event"] for line in whole.lines("consumer-*")}
    assert not said & {"job.lost", "job.broke", "job.not_told", "store.refused", "jobs.repaired"}


def ended(answer: Answer) -> str:
    return answer.json["finished_at"] or "9"


def test_fifty_of_one_key_through_nginx_are_one_task(whole: Whole) -> None:
    """B18: 50 identical requests at the same instant reach all three gateways and make one task; a changed body is
    refused; after its end the key gives the ended task."""
    key = {"Idempotency_Key": "fifty-at-once", "X_Request_ID": "fifty-at-once"}
    starting = threading.Barrier(50)

    def send(_: int) -> Answer:
        starting.wait(60)
        return whole.ask("POST", "/tasks", SEED, **key)

    with ThreadPoolExecutor(50) as crowd:
        answers = list(crowd.map(send, range(50)))
    assert {answer.status for answer in answers} == {202}
    (id,) = {answer.json["task_id"] for answer in answers}
    assert sum(answer.headers.get("idempotent-replayed") == "true" for answer in answers) == 49
    upstreams = until(lambda: reached(whole, "fifty-at-once", 50))
    assert upstreams == {f"127.0.0.1:{port}" for port in whole.gateway_ports}

    changed = {"data": {"amount": 10001, "rate": 0.05}}
    refused = whole.ask("POST", "/tasks", changed, **key)
    assert (refused.status, refused.json["code"], refused.json["task_id"]) == (422, "idempotency_mismatch", id)
    assert whole.ask("GET", f"/tasks/{id}?wait=50").json["state"] == "succeeded"
    again = whole.ask("POST", "/tasks", SEED, **key)
    assert (again.json["task_id"], again.json["state"]) == (id, "succeeded")


def reached(whole: Whole, name: str, count: int) -> set[str]:
    """The gateways that were asked under a name, when nginx has written all its lines."""
    lines = [line for line in whole.lines("nginx") if line["request_id"] == name]
    return {line["upstream"] for line in lines} if len(lines) >= count else set()


# ── while gateways come and go ──


class Traffic:
    """Clients that submit and look without a pause, each noting what went wrong and when."""

    def __init__(self, whole: Whole) -> None:
        self.whole, self.done = whole, 0
        self.wrong: list[tuple[float, str]] = []
        self._stop = threading.Event()

    @contextmanager
    def flowing(self, clients: int = 4) -> Iterator[None]:
        """For the length of a block."""
        threads = [threading.Thread(target=self._flow, args=(number,)) for number in range(clients)]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self._stop.set()
            for thread in threads:
                thread.join()

    def more(self, count: int) -> None:
        """Wait until so many more requests are answered."""
        end = self.done + count
        until(lambda: self.done >= end)

    def _flow(self, number: int) -> None:
        while not self._stop.is_set():
            if self.done % 2:
                answer = self.whole.ask("POST", "/tasks", {"kind": "noop", "data": {"value": number}})
            else:
                answer = self.whole.ask("GET", "/tasks?limit=1")
            self.done += 1
            if answer.status not in (200, 202):
                self.wrong.append((time.monotonic(), f"{answer.status} {answer.text}"))
            time.sleep(0.01)


def test_no_client_sees_a_rolling_restart(whole: Whole) -> None:
    """B56, B54: each gateway in turn is stopped politely and started again under steady traffic, with pauses in which
    connections lie idle: not one 502, and each new gateway gets its part of the traffic."""
    traffic = Traffic(whole)
    with traffic.flowing():
        for port in whole.gateway_ports:
            traffic.more(50)
            whole.restart(f"gateway-{port}")
            until(lambda port=port: ask(port, "GET", "/ready").ok)  # type: ignore[misc]
            since = mark(whole)
            until(lambda port=port, since=since: f"127.0.0.1:{port}" in upstreams(whole, since))  # type: ignore[misc]
    assert traffic.wrong == []
    assert traffic.done > 150


def test_a_killed_gateway_is_gone_around_and_comes_back(whole: Whole) -> None:
    """B54: each gateway in turn is killed under steady traffic. At most what it had in its hands fails, nothing later
    than three seconds after; the new one gets traffic within 15 s."""
    traffic = Traffic(whole)
    killed: list[float] = []
    with traffic.flowing():
        for port in whole.gateway_ports:
            traffic.more(50)
            os.kill(whole.pids()[f"gateway-{port}"], signal.SIGKILL)
            killed.append(time.monotonic())
            until(lambda port=port: ask(port, "GET", "/ready").ok)  # type: ignore[misc]
            since = mark(whole)
            until(lambda port=port, since=since: f"127.0.0.1:{port}" in upstreams(whole, since), 15)  # type: ignore[misc]
    late = [text for at, text in traffic.wrong if not any(0 <= at - kill < SETTLED_S for kill in killed)]
    assert late == []
    assert len(traffic.wrong) <= 4 * len(killed), traffic.wrong


def mark(whole: Whole) -> int:
    """Where nginx's log ends now."""
    return (whole.var / "log" / "nginx.jsonl").stat().st_size


def upstreams(whole: Whole, since: int) -> set[str]:
    """The gateways that answered since then."""
    with (whole.var / "log" / "nginx.jsonl").open("rb") as log:
        log.seek(since)
        rows = [json.loads(line) for line in log.read().splitlines() if line.endswith(b"}")]
    return {row["upstream"] for row in rows if 200 <= row["status"] < 300}


# ── one name ──


def test_one_name_leads_from_nginx_to_the_child_and_back_also_after_a_death(whole: Whole, tmp_path: Path) -> None:
    """B72: every line about a request carries its id: nginx, gateway, the job that dies, its second attempt, and the
    read of the result; in this order."""
    name = "story-of-a-death"
    once = str(tmp_path / "mark")
    body = {"kind": "crash", "data": {"leave": once, "unless_exists": once}}

    def logged(event: str) -> bool:
        """Who writes a line may be slower than the next one who does something."""
        return any(line["event"] == event and line.get("request_id") == name for line in whole.lines())

    assert whole.ask("POST", "/queues/medium/pause", {"reason": "until it is logged"}).ok
    accepted = whole.ask("POST", "/tasks", body, X_Request_ID=name)
    assert accepted.headers["x-request-id"] == name
    until(lambda: logged("task.submitted"))
    assert whole.ask("POST", "/queues/medium/resume", {}).ok
    until(lambda: whole.ask("GET", accepted.json["links"]["self"]).json["state"] == "succeeded")
    until(lambda: logged("job.done"))
    assert whole.ask("GET", accepted.json["links"]["result"], X_Request_ID=name).status == 200

    def told() -> list[dict[str, Any]]:
        lines = [line for line in whole.lines() if line.get("request_id") == name]
        return sorted(lines, key=lambda line: line["ts"]) if len(lines) >= 7 else []

    lines = until(told)
    events = [(line["service"], line["event"], line.get("attempt")) for line in lines]
    assert Counter(events) == {
        ("gateway", "task.submitted", None): 1,
        ("gateway", "http", None): 2,
        ("nginx", "http.access", None): 2,
        ("consumer", "job.died", 1): 1,
        ("consumer", "job.done", 2): 1,
    }
    order = [event for _, event, _ in events if event in ("task.submitted", "job.died", "job.done")]
    assert order == ["task.submitted", "job.died", "job.done"]
    reads = [line for line in lines if line.get("path", "").endswith("/result")]
    assert lines.index(reads[0]) > events.index(("consumer", "job.done", 2))
    assert {line["task_id"] for line in lines if "task_id" in line} == {accepted.json["task_id"]}


# ── down and up ──


def test_what_was_accepted_outlives_down_and_up(whole: Whole) -> None:
    """B22: with its consumer stopped 200 tasks are accepted; after `down` and `up` all of them are there and end. The
    store's folder and file are those of its configuration, and each process ended by its own word: no line of the
    log is cut off, and each consumer said that it stops at once (B50)."""
    with supervisord._asking(whole.stack.socket) as proxy:
        proxy.supervisor.stopProcessGroup("consumer")
    ids = [whole.ask("POST", "/tasks", {"kind": "noop", "data": {"value": n}}).json["task_id"] for n in range(200)]
    whole.down()
    whole.up()
    for id in ids:
        answer = whole.ask("GET", f"/tasks/{id}?wait=50")
        assert (answer.status, answer.json["state"]) == (200, "succeeded")
    log = (whole.var / "log" / "supervisord.log").read_text()
    assert re.findall(r"stopped: consumer-1 \((.*)\)", log)
    assert set(re.findall(r"stopped: (?:consumer|gateway|nginx)\S* \((.*)\)", log)) == {"exit status 0"}
    stopping = [line["ts"] for line in whole.lines("consumer-*") if line["event"] == "consumer.stopping"]
    asked = [line["ts"] for line in whole.lines("supervisor") if stops(line)]
    assert len(stopping) == len(asked)
    assert all(seconds(heard) - seconds(said) < 15 for heard, said in zip(stopping, asked, strict=True))
    assert stored_in(whole) == {"dir": str(whole.var / "store"), "appendonly": "yes", "appendfsync": "no"}


def stops(line: dict[str, Any]) -> bool:
    return line["event"] == "program.stopping" and line["program"] == "consumer-1"


def seconds(ts: str) -> float:
    hours, minutes, rest = ts[11:-1].split(":")
    return 3600 * int(hours) + 60 * int(minutes) + float(rest)


def stored_in(whole: Whole) -> dict[str, str]:
    """What the store says of where it keeps what it has."""
    store = Store(whole.settings)
    try:
        pairs = [store.raw("CONFIG", "GET", name) for name in ("dir", "appendonly", "appendfsync")]
    finally:
        store.close()
    return {name.decode(): value.decode() for name, value in pairs}
